//! Sharing songs out: what must stay together, and where it goes.

use crate::dataset::{LabelledSong, annotations::id_order, artists::artist_key};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

/// Songs that must stay together, with their numbers by quadrant.
pub(super) struct Units {
    /// Indices of songs, ascending within a unit; units by their smallest id.
    members: Vec<Vec<usize>>,
    quadrants: Vec<usize>,
}

impl Units {
    pub(super) fn of(songs: &[LabelledSong], by_artist: bool) -> Self {
        // Union-find with the smaller index as root, over equal audio and equal artists.
        let mut parent: Vec<usize> = (0..songs.len()).collect();
        fn root(parent: &mut [usize], mut i: usize) -> usize {
            while parent[i] != i {
                parent[i] = parent[parent[i]];
                i = parent[i];
            }
            i
        }
        let mut first_with: HashMap<(bool, String), usize> = HashMap::new();
        for (i, song) in songs.iter().enumerate() {
            let audio = song.same_audio.map(|group| (false, group.to_string()));
            let artist = song
                .artist
                .as_deref()
                .filter(|_| by_artist)
                .map(|artist| (true, artist_key(artist)));
            for key in [audio, artist].into_iter().flatten() {
                let other = *first_with.entry(key).or_insert(i);
                let (a, b) = (root(&mut parent, i), root(&mut parent, other));
                parent[a.max(b)] = a.min(b);
            }
        }
        let mut by_root: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for i in 0..songs.len() {
            by_root.entry(root(&mut parent, i)).or_default().push(i);
        }
        let mut members: Vec<Vec<usize>> = by_root.into_values().collect();
        members.sort_by_cached_key(|unit| unit.iter().map(|i| id_order(&songs[*i].id)).min());
        Self {
            members,
            quadrants: songs.iter().map(|s| s.affect.quadrant() as usize).collect(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.members.len()
    }

    fn counts(&self, unit: &[usize]) -> [f64; 4] {
        let mut counts = [0.0; 4];
        for i in unit {
            counts[self.quadrants[*i]] += 1.0;
        }
        counts
    }

    /// Gives every song a part so that part p gets about `wanted[p]` songs with the quadrants of the whole. Units come
    /// in random order, the large ones first; each goes where it overfills the least, and among those where the
    /// largest share of what is wanted is still lacking, ties at random.
    pub(super) fn assign(&self, wanted: &[usize], seed: u64) -> Vec<usize> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<usize> = (0..self.members.len()).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, below(&mut rng, i as u64 + 1) as usize);
        }
        order.sort_by_key(|unit| Reverse(self.members[*unit].len()));
        let all: Vec<usize> = (0..self.quadrants.len()).collect();
        let targets = apportion(self.counts(&all).map(|c| c as usize), wanted);
        let mut lacking: Vec<[f64; 4]> = targets.iter().map(|t| t.map(|n| n as f64)).collect();
        let mut parts = vec![0; self.quadrants.len()];
        for unit in order {
            let unit = &self.members[unit];
            let counts = self.counts(unit);
            let mut best: Vec<usize> = Vec::new();
            let mut best_score = (f64::INFINITY, 0.0);
            for (part, lack) in lacking.iter().enumerate() {
                if wanted[part] == 0 {
                    continue;
                }
                let mut overfill = 0.0;
                let mut need = 0.0;
                for q in 0..4 {
                    overfill += (counts[q] - lack[q].max(0.0)).max(0.0);
                    need += counts[q] * lack[q] / (targets[part][q] as f64).max(1.0);
                }
                // Smaller is better in both.
                let score = (overfill, -need);
                if score < best_score || best.is_empty() {
                    best_score = score;
                    best = vec![part];
                } else if score == best_score {
                    best.push(part);
                }
            }
            // Ties are drawn by the parts' sizes, so that a first large artist is not always in a small part.
            let total: u64 = best.iter().map(|p| wanted[*p] as u64).sum();
            let mut ticket = below(&mut rng, total.max(1));
            let mut chosen = best.first().copied().unwrap_or(0);
            for part in best {
                chosen = part;
                if ticket < wanted[part] as u64 {
                    break;
                }
                ticket -= wanted[part] as u64;
            }
            for q in 0..4 {
                lacking[chosen][q] -= counts[q];
            }
            for i in unit {
                parts[*i] = chosen;
            }
        }
        parts
    }
}

/// A whole number below `n`, all equally likely (rejection).
fn below(rng: &mut ChaCha8Rng, n: u64) -> u64 {
    let limit = u64::MAX - u64::MAX % n;
    loop {
        let x = rng.next_u64();
        if x < limit {
            return x % n;
        }
    }
}

/// Whole numbers for each part and quadrant whose sums are exactly `wanted` and exactly the quadrants' counts, each
/// within one of the proportional share: rounded down, then the rest given to the largest remainders that both sums
/// still allow, and what is left over after that to any place that they allow.
fn apportion(counts: [usize; 4], wanted: &[usize]) -> Vec<[usize; 4]> {
    let total: usize = counts.iter().sum();
    let share = |p: usize, q: usize| wanted[p] as f64 * counts[q] as f64 / total.max(1) as f64;
    let mut cells: Vec<[usize; 4]> = (0..wanted.len())
        .map(|p| [0, 1, 2, 3].map(|q| share(p, q).floor() as usize))
        .collect();
    let mut rest_of_part: Vec<usize> = wanted
        .iter()
        .zip(&cells)
        .map(|(w, c)| w.saturating_sub(c.iter().sum()))
        .collect();
    let mut rest_of_quadrant =
        [0, 1, 2, 3].map(|q| counts[q].saturating_sub(cells.iter().map(|c| c[q]).sum()));
    let mut places: Vec<(usize, usize)> = (0..wanted.len())
        .flat_map(|p| [0, 1, 2, 3].map(|q| (p, q)))
        .collect();
    places.sort_by(|a, b| {
        let remainder = |(p, q): (usize, usize)| share(p, q).fract();
        remainder(*b).total_cmp(&remainder(*a))
    });
    for round in 0..2 {
        for &(p, q) in &places {
            let most = if round == 0 { 1 } else { usize::MAX };
            let give = rest_of_part[p].min(rest_of_quadrant[q]).min(most);
            cells[p][q] += give;
            rest_of_part[p] -= give;
            rest_of_quadrant[q] -= give;
        }
    }
    cells
}

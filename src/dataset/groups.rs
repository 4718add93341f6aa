//! Songs that must stay together, divided into parts of given sizes. The same seed gives the same parts on every machine: the random
//! numbers are ChaCha8's, and the shuffle is written out here.

use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

/// Songs that must stay together, with their classes.
pub(crate) struct Units {
    /// Indices of songs, ascending within a unit.
    pub(super) members: Vec<Vec<usize>>,
    /// The class of each song, from 0.
    classes: Vec<usize>,
    class_count: usize,
}

impl Units {
    /// Songs that share a key, such as an artist, stay together. A song may have several keys, or none. Units come by their first
    /// song.
    pub(crate) fn new<K: Eq + Hash>(
        keys: impl IntoIterator<Item = impl IntoIterator<Item = K>>,
        classes: Vec<usize>,
        class_count: usize,
    ) -> Self {
        // Union-find with the smaller index as root.
        let mut parent: Vec<usize> = (0..classes.len()).collect();
        fn root(parent: &mut [usize], mut i: usize) -> usize {
            while parent[i] != i {
                parent[i] = parent[parent[i]];
                i = parent[i];
            }
            i
        }
        let mut first_with: HashMap<K, usize> = HashMap::new();
        for (i, keys) in keys.into_iter().enumerate() {
            for key in keys {
                let other = *first_with.entry(key).or_insert(i);
                let (a, b) = (root(&mut parent, i), root(&mut parent, other));
                parent[a.max(b)] = a.min(b);
            }
        }
        let mut by_root: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for i in 0..classes.len() {
            by_root.entry(root(&mut parent, i)).or_default().push(i);
        }
        Self {
            members: by_root.into_values().collect(),
            classes,
            class_count,
        }
    }

    /// The units, as indices of their songs.
    pub(crate) fn members(&self) -> &[Vec<usize>] {
        &self.members
    }

    fn counts(&self, unit: &[usize]) -> Vec<usize> {
        let mut counts = vec![0; self.class_count];
        for i in unit {
            counts[self.classes[*i]] += 1;
        }
        counts
    }

    /// Gives every song a part so that part p gets about `wanted[p]` songs with the classes of the whole. Units come
    /// in random order, the large ones first; each goes to the part that it overfills least, of these to the one that
    /// lacks the largest share of what it wants, and of these to a random one.
    pub(crate) fn assign(&self, wanted: &[usize], seed: u64) -> Vec<usize> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<usize> = (0..self.members.len()).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, below(&mut rng, i as u64 + 1) as usize);
        }
        order.sort_by_key(|unit| Reverse(self.members[*unit].len()));
        let all: Vec<usize> = (0..self.classes.len()).collect();
        let targets = apportion(&self.counts(&all), wanted);
        let as_numbers = |counts: &[usize]| counts.iter().map(|n| *n as f64).collect();
        let mut lacking: Vec<Vec<f64>> = targets.iter().map(|t| as_numbers(t)).collect();
        let mut parts = vec![0; self.classes.len()];
        for unit in order {
            let unit = &self.members[unit];
            let counts: Vec<f64> = as_numbers(&self.counts(unit));
            let (mut best, mut best_score) = (Vec::new(), (f64::INFINITY, 0.0));
            for (part, lack) in lacking.iter().enumerate() {
                if wanted[part] == 0 {
                    continue;
                }
                let (mut overfill, mut need) = (0.0, 0.0);
                for q in 0..self.class_count {
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
            let total: u64 = best.iter().map(|part| wanted[*part] as u64).sum();
            let mut ticket = below(&mut rng, total.max(1));
            let mut chosen = best.first().copied().unwrap_or(0);
            for part in best {
                chosen = part;
                if ticket < wanted[part] as u64 {
                    break;
                }
                ticket -= wanted[part] as u64;
            }
            for q in 0..self.class_count {
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

/// Whole numbers for each part and class whose sums are exactly `wanted` and exactly the classes' counts, each
/// within one of the proportional share: rounded down, then the rest given to the largest remainders that both sums
/// still allow, and what is left after that to any cell that they allow.
fn apportion(counts: &[usize], wanted: &[usize]) -> Vec<Vec<usize>> {
    let classes = 0..counts.len();
    let total: usize = counts.iter().sum();
    let share = |p: usize, q: usize| wanted[p] as f64 * counts[q] as f64 / total.max(1) as f64;
    let floors = |p: usize| classes.clone().map(move |q| share(p, q).floor() as usize);
    let mut cells: Vec<Vec<usize>> = (0..wanted.len()).map(|p| floors(p).collect()).collect();
    let parts = wanted.iter().zip(&cells);
    let mut rest_of_part: Vec<usize> = parts
        .map(|(wanted, cells)| wanted.saturating_sub(cells.iter().sum()))
        .collect();
    let rest_of = |q: usize| counts[q].saturating_sub(cells.iter().map(|c| c[q]).sum());
    let mut rest_of_class: Vec<usize> = classes.clone().map(rest_of).collect();
    let mut order: Vec<(usize, usize)> = (0..wanted.len())
        .flat_map(|p| classes.clone().map(move |q| (p, q)))
        .collect();
    let remainder = |&(p, q): &(usize, usize)| share(p, q).fract();
    order.sort_by(|a, b| remainder(b).total_cmp(&remainder(a)));
    for most in [1, usize::MAX] {
        for &(p, q) in &order {
            let give = rest_of_part[p].min(rest_of_class[q]).min(most);
            cells[p][q] += give;
            rest_of_part[p] -= give;
            rest_of_class[q] -= give;
        }
    }
    cells
}

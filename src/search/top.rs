//! The best of many candidates.

use std::cmp::Ordering;

/// Which songs are better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ranking {
    /// The nearer ones.
    Nearest,
    /// A random choice among those that are near enough, for variety.
    Random { at_least: f64, seed: u64 },
}

/// A song that may be among the answers. Greater is better; among equals, the earlier row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// The similarity, or a random number.
    order: f64,
    pub(super) similarity: f64,
    pub(super) row: u64,
}

impl Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.order.total_cmp(&other.order);
        order.then(other.row.cmp(&self.row))
    }
}

/// A number from 0 to 1 that depends on the seed and the row alone: SplitMix64 (Steele, Lea & Flood 2014).
pub(super) fn random_key(seed: u64, row: u64) -> f64 {
    let mix = |mut z: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
    let start = mix(seed.wrapping_add(GAMMA));
    let number = mix(start.wrapping_add(row.wrapping_mul(GAMMA)));
    // A double holds 53 bits exactly.
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

/// The best `k` of the songs that were offered.
#[derive(Debug, Clone)]
pub(super) struct TopK {
    k: usize,
    ranking: Ranking,
    /// The best so far, and some songs that were offered since.
    songs: Vec<Candidate>,
    /// Worse songs cannot be among the best.
    least: Option<Candidate>,
}

impl TopK {
    pub(super) fn new(k: usize, ranking: Ranking) -> Self {
        Self {
            k,
            ranking,
            songs: Vec::new(),
            least: None,
        }
    }

    /// Keeps a song if it is among the best.
    pub(super) fn offer(&mut self, similarity: f64, row: u64) {
        let order = match self.ranking {
            Ranking::Nearest => similarity,
            Ranking::Random { at_least, .. } if similarity < at_least => return,
            Ranking::Random { seed, .. } => random_key(seed, row),
        };
        self.push(Candidate {
            order,
            similarity,
            row,
        });
    }

    fn push(&mut self, song: Candidate) {
        if self.least.is_some_and(|least| song.cmp(&least).is_lt()) {
            return;
        }
        self.songs.push(song);
        if self.songs.len() > self.k.saturating_mul(2).saturating_add(16) {
            self.prune();
        }
    }

    /// Sorts the songs and drops those that are not among the best.
    fn prune(&mut self) {
        self.songs.sort_unstable_by(|a, b| b.cmp(a));
        self.songs.truncate(self.k);
        if self.songs.len() == self.k {
            self.least = self.songs.last().copied();
        }
    }

    /// The best of both.
    pub(super) fn merge(mut self, other: Self) -> Self {
        for song in other.songs {
            self.push(song);
        }
        self
    }

    /// Best first.
    pub(super) fn into_sorted(mut self) -> Vec<Candidate> {
        self.prune();
        self.songs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_keys_are_even_and_change_with_the_seed() {
        let keys: Vec<f64> = (0..10_000).map(|row| random_key(7, row)).collect();
        let mean = keys.iter().sum::<f64>() / keys.len() as f64;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert!(keys.iter().all(|key| (0.0..1.0).contains(key)));
        let same = (0..10_000).filter(|row| random_key(7, *row) == random_key(8, *row));
        assert_eq!(same.count(), 0);
        // Neighboring seeds do not give the same sequence shifted.
        assert!((0..100).all(|row| random_key(8, row) != random_key(7, row + 1)));
    }

    #[test]
    fn only_songs_that_are_near_enough_are_drawn() {
        let ranking = Ranking::Random {
            at_least: 0.5,
            seed: 3,
        };
        let mut top = TopK::new(10, ranking);
        for row in 0..1000 {
            top.offer(row as f64 / 1000.0, row);
        }
        let drawn = top.into_sorted();
        assert_eq!(drawn.len(), 10);
        assert!(drawn.iter().all(|song| song.row >= 500));
        assert!(drawn.iter().any(|song| song.row < 900), "not the nearest");
    }

    #[test]
    fn two_halves_merged_are_the_best_of_all() {
        let offer = |rows: &mut dyn Iterator<Item = u64>| {
            let mut top = TopK::new(5, Ranking::Nearest);
            for row in rows {
                top.offer((row * 7919 % 1000) as f64, row);
            }
            top
        };
        let merged = offer(&mut (0..400)).merge(offer(&mut (400..1000)));
        let rows = |top: TopK| -> Vec<u64> { top.into_sorted().iter().map(|c| c.row).collect() };
        assert_eq!(rows(merged), rows(offer(&mut (0..1000))));
    }
}

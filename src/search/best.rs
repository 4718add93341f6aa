//! The best of many candidates.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

/// Which songs are better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ranking {
    /// The nearer ones.
    Nearest,
    /// Those that a lot falls on, of all that are at least so near: for variety.
    Drawn { at_least: f64, seed: u64 },
}

/// A song that may be among the answers. Greater is better; of equals the one that stands earlier in the library.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// The similarity, or the lot.
    order: f64,
    pub(super) similarity: f64,
    pub(super) row: u64,
}

impl Candidate {
    fn new(ranking: Ranking, similarity: f64, row: u64) -> Self {
        Self {
            order: match ranking {
                Ranking::Nearest => similarity,
                Ranking::Drawn { seed, .. } => lot(seed, row),
            },
            similarity,
            row,
        }
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order
            .total_cmp(&other.order)
            .then(other.row.cmp(&self.row))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

/// A number from 0 to 1 that depends on the seed and the row alone: SplitMix64 (Steele, Lea & Flood 2014) at the row's place of the
/// sequence that the seed begins.
fn lot(seed: u64, row: u64) -> f64 {
    let mixed = |mut z: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
    let start = mixed(seed.wrapping_add(GAMMA));
    let number = mixed(start.wrapping_add(row.wrapping_mul(GAMMA)));
    // 53 bits are what a double holds exactly.
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

/// The best `most` of the candidates that were offered.
#[derive(Debug, Clone)]
pub(super) struct Best {
    most: usize,
    ranking: Ranking,
    heap: BinaryHeap<Reverse<Candidate>>,
}

impl Best {
    pub(super) fn new(most: usize, ranking: Ranking) -> Self {
        Self {
            most,
            ranking,
            heap: BinaryHeap::new(),
        }
    }

    /// Songs that are less similar than this change nothing.
    pub(super) fn least(&self) -> f64 {
        match self.ranking {
            Ranking::Drawn { at_least, .. } => at_least,
            Ranking::Nearest if self.heap.len() < self.most => f64::NEG_INFINITY,
            Ranking::Nearest => self
                .heap
                .peek()
                .map_or(f64::INFINITY, |Reverse(worst)| worst.similarity),
        }
    }

    /// Takes a song if it is among the best; returns whether [`least`](Self::least) may have changed.
    pub(super) fn offer(&mut self, similarity: f64, row: u64) -> bool {
        if let Ranking::Drawn { at_least, .. } = self.ranking
            && similarity < at_least
        {
            return false;
        }
        self.take(Candidate::new(self.ranking, similarity, row))
    }

    fn take(&mut self, candidate: Candidate) -> bool {
        if self.heap.len() < self.most {
            self.heap.push(Reverse(candidate));
            return self.heap.len() == self.most;
        }
        if let Some(mut worst) = self.heap.peek_mut()
            && candidate > worst.0
        {
            worst.0 = candidate;
            return true;
        }
        false
    }

    /// The best of both.
    pub(super) fn join(&mut self, other: Self) {
        for Reverse(candidate) in other.heap {
            self.take(candidate);
        }
    }

    /// Best first.
    pub(super) fn into_sorted(self) -> Vec<Candidate> {
        let sorted = self.heap.into_sorted_vec().into_iter();
        sorted.map(|Reverse(candidate)| candidate).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_are_even_and_change_with_the_seed() {
        let lots: Vec<f64> = (0..10_000).map(|row| lot(7, row)).collect();
        let mean = lots.iter().sum::<f64>() / lots.len() as f64;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert!(lots.iter().all(|lot| (0.0..1.0).contains(lot)));
        let same = (0..10_000).filter(|row| lot(7, *row) == lot(8, *row));
        assert_eq!(same.count(), 0);
        // Neighbouring seeds do not give the same sequence shifted.
        assert!((0..100).all(|row| lot(8, row) != lot(7, row + 1)));
    }

    #[test]
    fn only_songs_that_are_near_enough_are_drawn() {
        let ranking = Ranking::Drawn {
            at_least: 0.5,
            seed: 3,
        };
        let mut best = Best::new(10, ranking);
        for row in 0..1000 {
            best.offer(row as f64 / 1000.0, row);
        }
        let drawn = best.into_sorted();
        assert_eq!(drawn.len(), 10);
        assert!(drawn.iter().all(|song| song.row >= 500));
        assert!(drawn.iter().any(|song| song.row < 900), "not the nearest");
    }

    #[test]
    fn two_halves_joined_are_the_best_of_all() {
        let offer = |rows: &mut dyn Iterator<Item = u64>| {
            let mut best = Best::new(5, Ranking::Nearest);
            for row in rows {
                best.offer((row * 7919 % 1000) as f64, row);
            }
            best
        };
        let mut joined = offer(&mut (0..400));
        joined.join(offer(&mut (400..1000)));
        let rows = |best: Best| -> Vec<u64> { best.into_sorted().iter().map(|c| c.row).collect() };
        assert_eq!(rows(joined), rows(offer(&mut (0..1000))));
        assert_eq!(Best::new(0, Ranking::Nearest).least(), f64::INFINITY);
    }
}

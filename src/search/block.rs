//! Some hundred songs made ready to be compared with many questions at once.
//!
//! The numbers are turned so that those of one dimension lie side by side: the loops below then work on as many songs at a time as
//! the processor's registers hold. They score in single precision; a song whose score comes near enough to be among the answers is
//! compared again in double precision, so that the answer is exact.

use super::metric::{Goal, Metric};
use crate::emotion::EmotionVector;

/// Songs of a block.
pub(super) const LANES: usize = 256;
/// Songs that are scored together.
const STEP: usize = 16;
/// Bytes of a number in the file.
const NUMBER: usize = size_of::<f32>();

/// Songs that are compared together. A song's rough score for a goal is the product of the two vectors plus its bias.
pub(super) struct Block {
    metric: Metric,
    dimensions: usize,
    rows: usize,
    /// Dimension after dimension, each with [`LANES`] numbers.
    values: Vec<f32>,
    /// Infinite where the single precision is not enough; minus infinite where there is no song.
    bias: [f32; LANES],
}

/// A song has numbers that no model gives.
#[derive(Debug)]
pub(super) struct Damaged {
    /// Its place in the block.
    pub(super) lane: usize,
    /// What is wrong with its percentages; `None` where its embedding has a number that is not finite.
    pub(super) why: Option<crate::Error>,
}

impl Block {
    pub(super) fn new(metric: Metric, dimensions: usize) -> Self {
        Self {
            metric,
            dimensions,
            rows: 0,
            values: vec![0.0; dimensions * LANES],
            bias: [0.0; LANES],
        }
    }

    /// Takes up to [`LANES`] songs, as little-endian float32 song after song.
    pub(super) fn fill(&mut self, songs: &[u8]) -> Result<(), Damaged> {
        let length = self.dimensions * NUMBER;
        self.rows = (songs.len() / length).min(LANES);
        match self.dimensions {
            8 => turn::<8>(songs, &mut self.values),
            _ => {
                for (lane, song) in songs.chunks_exact(length).take(LANES).enumerate() {
                    let places = self.values[lane..].iter_mut().step_by(LANES);
                    for (place, bytes) in places.zip(song.as_chunks::<NUMBER>().0) {
                        *place = f32::from_le_bytes(*bytes);
                    }
                }
            }
        }
        let values = &self.values;
        let (mut sum, mut square, mut least) = ([0.0_f32; LANES], [0.0_f32; LANES], [0.0; LANES]);
        for dimension in values.as_chunks::<LANES>().0 {
            for lane in 0..LANES {
                let value = dimension[lane];
                sum[lane] += value;
                square[lane] += value * value;
                // NaN is no less than anything; it is seen in the sum.
                least[lane] = if value < least[lane] {
                    value
                } else {
                    least[lane]
                };
            }
        }
        if self.metric == Metric::Embedding {
            self.check_embeddings(songs, &square)?;
        } else {
            self.check(songs, &sum, &least)?;
        }
        let Self {
            values,
            bias,
            metric,
            ..
        } = self;
        let mut scale = [1.0_f32; LANES];
        match metric {
            Metric::Cosine | Metric::Embedding => {
                for lane in 0..LANES {
                    let fine = square[lane] > 1e-20 && square[lane] < 1e30;
                    scale[lane] = if fine { 1.0 / square[lane].sqrt() } else { 0.0 };
                    bias[lane] = if fine { 0.0 } else { f32::INFINITY };
                }
            }
            Metric::CenteredCosine => {
                let mean = sum.map(|sum| sum / 8.0);
                let mut square = [0.0_f32; LANES];
                for dimension in values.as_chunks_mut::<LANES>().0 {
                    for lane in 0..LANES {
                        dimension[lane] -= mean[lane];
                        square[lane] += dimension[lane] * dimension[lane];
                    }
                }
                for lane in 0..LANES {
                    let fine = square[lane] > 1.0;
                    scale[lane] = if fine { 1.0 / square[lane].sqrt() } else { 0.0 };
                    bias[lane] = if fine { 0.0 } else { f32::INFINITY };
                }
            }
            Metric::Euclidean => {
                for lane in 0..LANES {
                    bias[lane] = -square[lane] / 2.0;
                }
            }
        }
        if *metric != Metric::Euclidean {
            for dimension in values.as_chunks_mut::<LANES>().0 {
                for lane in 0..LANES {
                    let value = dimension[lane] * scale[lane];
                    // Infinite and absent numbers would spoil the infinite bias.
                    dimension[lane] = if scale[lane] == 0.0 { 0.0 } else { value };
                }
            }
        }
        for bias in &mut bias[self.rows..] {
            *bias = f32::NEG_INFINITY;
        }
        Ok(())
    }

    /// Whether all are percentages. The roughly computed sum decides where it leaves no doubt.
    fn check(&self, songs: &[u8], sum: &[f32; LANES], least: &[f32; LANES]) -> Result<(), Damaged> {
        let sure = |lane: usize| {
            ((sum[lane] - 100.0).abs() < (EmotionVector::SUM_TOLERANCE - 0.001) as f32)
                & (least[lane] >= 0.0)
        };
        if (0..self.rows).fold(true, |all, lane| all & sure(lane)) {
            return Ok(());
        }
        for lane in (0..self.rows).filter(|lane| !sure(*lane)) {
            let song = numbers(songs, lane, self.dimensions);
            let mut vector = [0.0; 8];
            for (place, value) in vector.iter_mut().zip(song) {
                *place = value as f32;
            }
            EmotionVector::new(vector).map_err(|why| Damaged {
                lane,
                why: Some(why),
            })?;
        }
        Ok(())
    }

    /// Whether all numbers are finite. A square that is too large for single precision need not be wrong.
    fn check_embeddings(&self, songs: &[u8], square: &[f32; LANES]) -> Result<(), Damaged> {
        for lane in (0..self.rows).filter(|lane| !square[*lane].is_finite()) {
            if !numbers(songs, lane, self.dimensions).all(f64::is_finite) {
                return Err(Damaged { lane, why: None });
            }
        }
        Ok(())
    }

    /// Puts into `hits` the places of the songs whose rough score reaches `floor`.
    pub(super) fn reach(&self, goal: &Goal, floor: f32, hits: &mut Vec<usize>) {
        hits.clear();
        let (dimensions, _) = self.values.as_chunks::<LANES>();
        match (
            <&[_; 8]>::try_from(dimensions),
            <&[_; 8]>::try_from(&goal.rough[..]),
        ) {
            (Ok(dimensions), Ok(goal)) => score(dimensions, &self.bias, goal, floor, hits),
            _ => score(dimensions, &self.bias, &goal.rough, floor, hits),
        }
    }
}

/// The numbers of one of some songs.
pub(super) fn numbers(
    songs: &[u8],
    place: usize,
    dimensions: usize,
) -> impl Iterator<Item = f64> + Clone + '_ {
    let length = dimensions * NUMBER;
    let song = songs.get(place * length..(place + 1) * length);
    let (numbers, _) = song.unwrap_or_default().as_chunks::<NUMBER>();
    numbers
        .iter()
        .map(|bytes| f64::from(f32::from_le_bytes(*bytes)))
}

/// Song after song to dimension after dimension.
fn turn<const D: usize>(songs: &[u8], values: &mut [f32]) {
    let (numbers, _) = songs.as_chunks::<NUMBER>();
    let (songs, _) = numbers.as_chunks::<D>();
    let (dimensions, _) = values.as_chunks_mut::<LANES>();
    for (lane, song) in songs.iter().take(LANES).enumerate() {
        for (dimension, bytes) in dimensions.iter_mut().zip(song) {
            dimension[lane] = f32::from_le_bytes(*bytes);
        }
    }
}

/// Inlined where the number of dimensions is known, so that the inner loop is unrolled.
#[inline(always)]
fn score(
    dimensions: &[[f32; LANES]],
    bias: &[f32; LANES],
    goal: &[f32],
    floor: f32,
    hits: &mut Vec<usize>,
) {
    for (step, bias) in bias.as_chunks::<STEP>().0.iter().enumerate() {
        let mut scores = *bias;
        let from = step * STEP;
        for (dimension, factor) in dimensions.iter().zip(goal) {
            let here = &dimension[from..from + STEP];
            for (score, value) in scores.iter_mut().zip(here) {
                *score += factor * value;
            }
        }
        let mut best = f32::NEG_INFINITY;
        for score in scores {
            best = if score > best { score } else { best };
        }
        if best >= floor {
            let places = scores.iter().enumerate();
            hits.extend(
                places
                    .filter(|(_, score)| **score >= floor)
                    .map(|(place, _)| from + place),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::QueryVector;
    use proptest::prelude::*;

    fn bytes(songs: &[Vec<f32>]) -> Vec<u8> {
        songs
            .iter()
            .flatten()
            .flat_map(|v| v.to_le_bytes())
            .collect()
    }

    fn percentages() -> impl Strategy<Value = Vec<f32>> {
        let one = prop_oneof![Just(0.0), 0.0..1e-3_f64, 0.0..1.0_f64, 0.9..1.1_f64];
        prop::collection::vec(one, 8).prop_map(|weights| {
            let weights: [f64; 8] = weights.try_into().unwrap();
            let vector = EmotionVector::from_weights(weights).unwrap_or(EmotionVector::even());
            vector.as_array().to_vec()
        })
    }

    fn near_even() -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec(0.99..1.01_f64, 8).prop_map(|weights| {
            let vector = EmotionVector::from_weights(weights.try_into().unwrap()).unwrap();
            vector.as_array().to_vec()
        })
    }

    proptest! {
        #[test]
        fn no_song_that_is_near_enough_has_too_low_a_rough_score(
            songs in prop::collection::vec(prop_oneof![percentages(), near_even()], 1..40),
            target in prop::collection::vec(-1.0..1.0_f64, 8),
            shift in 0.0..1.0_f64,
        ) {
            let target: [f64; 8] = target.try_into().unwrap();
            let asked = QueryVector {
                target: target.map(|v| v + shift),
                embedding: Some(target.iter().map(|v| v * 1e3).collect()),
                excluded_rows: Vec::new(),
            };
            let bytes = bytes(&songs);
            for metric in [Metric::Cosine, Metric::CenteredCosine, Metric::Euclidean, Metric::Embedding] {
                let Ok(goal) = Goal::new(&asked, metric, 8) else { continue };
                let mut block = Block::new(metric, 8);
                block.fill(&bytes).unwrap();
                prop_assert_eq!(block.rows, songs.len());
                let mut hits = Vec::new();
                for place in 0..songs.len() {
                    let similarity = goal.similarity(numbers(&bytes, place, 8));
                    block.reach(&goal, goal.floor(similarity), &mut hits);
                    prop_assert!(hits.contains(&place), "{metric}: {similarity}");
                    prop_assert!(hits.iter().all(|hit| *hit < songs.len()));
                }
            }
        }

        #[test]
        fn embeddings_of_any_length_and_size_are_compared_alike(
            songs in prop::collection::vec(prop::collection::vec(-1.0..1.0_f32, 37), 1..300),
            exponent in -30..30_i32,
        ) {
            let songs: Vec<Vec<f32>> = songs
                .into_iter()
                .take(LANES)
                .map(|song| song.into_iter().map(|v| v * 10_f32.powi(exponent)).collect())
                .collect();
            let asked = QueryVector {
                target: [1.0; 8],
                embedding: Some((0..37).map(|n| f64::from(n) - 10.0).collect()),
                excluded_rows: Vec::new(),
            };
            let goal = Goal::new(&asked, Metric::Embedding, 37).unwrap();
            let bytes = bytes(&songs);
            let mut block = Block::new(Metric::Embedding, 37);
            block.fill(&bytes).unwrap();
            let mut hits = Vec::new();
            for place in 0..songs.len() {
                let similarity = goal.similarity(numbers(&bytes, place, 37));
                block.reach(&goal, goal.floor(similarity), &mut hits);
                prop_assert!(hits.contains(&place));
            }
        }
    }

    #[test]
    fn a_block_tells_far_from_near() {
        let mut one = vec![vec![0.0; 8]; 8];
        for (emotion, song) in one.iter_mut().enumerate() {
            song[emotion] = 100.0;
        }
        let asked = QueryVector::from(
            EmotionVector::from_weights([0., 0., 3., 2., 0., 0., 0., 0.]).unwrap(),
        );
        for metric in [Metric::Cosine, Metric::CenteredCosine, Metric::Euclidean] {
            let goal = Goal::new(&asked, metric, 0).unwrap();
            let mut block = Block::new(metric, 8);
            block.fill(&bytes(&one)).unwrap();
            let mut hits = Vec::new();
            let third = goal.similarity(one[3].iter().map(|v| f64::from(*v)));
            block.reach(&goal, goal.floor(third), &mut hits);
            assert_eq!(hits, [2, 3], "{metric}");
        }
    }

    #[test]
    fn a_damaged_vector_is_found_wherever_it_stands() {
        let even = vec![12.5_f32; 8];
        for (damage, place) in [(f32::NAN, 0), (-0.5, 255), (f32::INFINITY, 100), (12.7, 3)] {
            let mut songs = vec![even.clone(); LANES];
            songs[place][5] = damage;
            let found = Block::new(Metric::Cosine, 8).fill(&bytes(&songs));
            assert_eq!(found.unwrap_err().lane, place, "{damage}");
        }
        let mut songs = vec![vec![1e30_f32; 4]; 9];
        assert!(
            Block::new(Metric::Embedding, 4)
                .fill(&bytes(&songs))
                .is_ok()
        );
        songs[8][0] = f32::NAN;
        let found = Block::new(Metric::Embedding, 4).fill(&bytes(&songs));
        assert!(matches!(found, Err(Damaged { lane: 8, why: None })));
        let mut nearly = even;
        nearly[0] += 0.0999;
        assert!(
            Block::new(Metric::Euclidean, 8)
                .fill(&bytes(&[nearly]))
                .is_ok()
        );
    }
}

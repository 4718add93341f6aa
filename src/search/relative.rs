//! Percentages relative to the mean of a library.

use super::{SongVector, query::vectors_of};
use crate::{
    emotion::{Emotion, EmotionVector},
    error::Result,
    library::{Column, Columns, Group, Library},
};
use arrow_array::{Array, cast::AsArray};
use rayon::prelude::*;

/// The mean percentages of a library, which its songs can be compared relative to.
///
/// Predictions shrink to the middle, so that some emotions are the strongest of no song. Relative to the mean, a song has most of
/// what it has more of than the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanEmotions([f64; Emotion::COUNT]);

impl MeanEmotions {
    /// The mean of all songs that are not silent, in one pass over the library.
    ///
    /// # Errors
    /// [`ErrorKind::Library`](crate::ErrorKind::Library) if the library cannot be read, or a song lacks the vector.
    pub fn of(library: &Library, by: SongVector) -> Result<Self> {
        let column = by.column();
        let columns = Columns::of(&[column, Column::Silent]);
        let groups: Vec<Group> = library.groups().collect();
        let sums: Vec<([f64; Emotion::COUNT], u64)> = groups
            .par_iter()
            .map(|group| {
                let (mut sum, mut songs) = ([0.0; Emotion::COUNT], 0);
                for batch in library.batches(group, columns, None) {
                    let (first_row, batch) = batch?;
                    let vectors = vectors_of(library, first_row, &batch, column, Emotion::COUNT)?;
                    let silent = batch.column_by_name(Column::Silent.name());
                    let silent = silent.and_then(|array| array.as_boolean_opt());
                    for (row, vector) in vectors.chunks_exact(Emotion::COUNT).enumerate() {
                        if silent.is_some_and(|silent| silent.is_valid(row) && silent.value(row)) {
                            continue;
                        }
                        songs += 1;
                        for (sum, value) in sum.iter_mut().zip(vector) {
                            *sum += f64::from(*value);
                        }
                    }
                }
                Ok((sum, songs))
            })
            .collect::<Result<_>>()?;
        // In the order of the groups, so that the number of threads changes nothing.
        let (mut mean, mut songs) = ([0.0; Emotion::COUNT], 0);
        for (sum, count) in sums {
            songs += count;
            for (mean, sum) in mean.iter_mut().zip(sum) {
                *mean += sum;
            }
        }
        Ok(Self(mean.map(|sum| sum / songs.max(1) as f64)))
    }

    /// The percentages, each divided by its mean, scaled to sum 100. An emotion that no song of the library has is left out.
    pub fn relative(&self, percentages: [f64; Emotion::COUNT]) -> [f64; Emotion::COUNT] {
        let ratios: [f64; Emotion::COUNT] = std::array::from_fn(|n| match self.0[n] > 0.0 {
            true => percentages[n] / self.0[n],
            false => 0.0,
        });
        let sum: f64 = ratios.iter().sum();
        match sum > 0.0 {
            true => ratios.map(|ratio| 100.0 * ratio / sum),
            false => ratios,
        }
    }

    /// The same for many vectors, one after the other.
    pub(super) fn relative_all(&self, vectors: &[f32]) -> Vec<f32> {
        let (vectors, _) = vectors.as_chunks::<{ Emotion::COUNT }>();
        let relative = vectors.iter().map(|v| self.relative(v.map(f64::from)));
        relative.flatten().map(|value| value as f32).collect()
    }
}

/// The strongest emotion and its percentage, relative to a mean if there is one; the first in order where several tie.
pub(crate) fn strongest(
    emotions: &EmotionVector,
    relative_to: Option<&MeanEmotions>,
) -> (Emotion, f64) {
    let mut percentages = emotions.as_array().map(f64::from);
    if let Some(mean) = relative_to {
        percentages = mean.relative(percentages);
    }
    let mut strongest = (Emotion::Happy, f64::NEG_INFINITY);
    for (emotion, percentage) in Emotion::ALL.into_iter().zip(percentages) {
        if percentage > strongest.1 {
            strongest = (emotion, percentage);
        }
    }
    strongest
}

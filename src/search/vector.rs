//! [`QueryVector`]: the direction of a query, and the songs that take no part in its answer.

use super::songs::Examples;
use crate::{
    emotion::{Emotion, EmotionVector},
    error::{Error, Result},
};

/// A query as vectors that songs are compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryVector {
    /// Emotions in the order of [`Emotion::ALL`]: finite, not all zero. Sums to 100 unless something was subtracted; then it
    /// has negative numbers and sums to 0.
    pub target: [f64; Emotion::COUNT],
    /// The query in the space of the model's embedding, where it is made of songs only: the mean of their embeddings, each
    /// scaled to length 1, less that of subtracted songs. `None` for other queries, and where nothing of it is left.
    pub embedding: Option<Vec<f64>>,
    /// Rows of the library that take no part, in ascending order: the songs that the query is made of, and copies of them.
    pub excluded_rows: Vec<u64>,
}

impl From<EmotionVector> for QueryVector {
    fn from(emotions: EmotionVector) -> Self {
        Self {
            target: emotions.as_array().map(f64::from),
            embedding: None,
            excluded_rows: Vec::new(),
        }
    }
}

/// Percentages that differ by less than this are equal: they are stored in single precision.
const SAME: f64 = 1e-4;
/// The same for numbers of embeddings that are scaled to length 1.
const SAME_DIRECTION: f64 = 1e-6;

impl QueryVector {
    /// The mean of some songs' percentages and embeddings. `None` where there is no song.
    pub fn like(examples: &Examples) -> Option<Self> {
        Some(Self {
            target: examples.mean_emotions()?,
            embedding: examples.mean_embedding().filter(|mean| !is_zero(mean)),
            excluded_rows: examples.rows.clone(),
        })
    }

    /// Subtracts the mean of some songs' percentages and embeddings. Without songs nothing changes.
    ///
    /// # Errors
    /// Where the songs have the percentages of the query, so that nothing is left.
    pub fn unlike(mut self, examples: &Examples) -> Result<Self> {
        let Some(emotions) = examples.mean_emotions() else {
            return Ok(self);
        };
        for (value, other) in self.target.iter_mut().zip(emotions) {
            *value -= other;
        }
        if self.target.iter().all(|value| value.abs() < SAME) {
            return Err(Error::invalid(
                "nothing is left of the query: the songs of --unlike have exactly its emotions; leave --unlike out or give other \
                 songs",
            ));
        }
        self.embedding = self
            .embedding
            .zip(examples.mean_embedding())
            .map(|(mine, other)| mine.iter().zip(other).map(|(a, b)| a - b).collect())
            .filter(|rest: &Vec<f64>| !is_zero(rest));
        self.excluded_rows.extend(&examples.rows);
        self.excluded_rows.sort_unstable();
        self.excluded_rows.dedup();
        Ok(self)
    }
}

fn is_zero(embedding: &[f64]) -> bool {
    embedding.iter().all(|value| value.abs() <= SAME_DIRECTION)
}

#[cfg(test)]
mod tests {
    use super::{super::songs::Example, *};

    fn examples(of: &[([f64; 8], [f32; 2])], rows: &[u64]) -> Examples {
        Examples {
            songs: of
                .iter()
                .map(|(weights, embedding)| Example {
                    path: "a song".into(),
                    emotions: EmotionVector::from_weights(*weights).unwrap(),
                    embedding: embedding.to_vec(),
                    content_hash: None,
                    row: None,
                })
                .collect(),
            rows: rows.to_vec(),
        }
    }

    const HAPPY: [f64; 8] = [1., 0., 0., 0., 0., 0., 0., 0.];
    const CALM: [f64; 8] = [0., 0., 0., 0., 0., 0., 1., 0.];

    #[test]
    fn several_songs_are_averaged_and_each_counts_the_same() {
        let query = QueryVector::like(&examples(&[(HAPPY, [3., 0.]), (CALM, [0., 0.5])], &[4, 9]));
        let query = query.unwrap();
        assert_eq!(query.target, [50., 0., 0., 0., 0., 0., 50., 0.]);
        assert_eq!(query.embedding, Some(vec![0.5, 0.5]));
        assert_eq!(query.excluded_rows, [4, 9]);
        assert_eq!(QueryVector::like(&examples(&[], &[])), None);
    }

    #[test]
    fn subtracted_songs_become_negative_and_are_excluded_too() {
        let like = examples(&[(HAPPY, [1., 0.])], &[4]);
        let unlike = examples(&[(CALM, [0., 2.])], &[2]);
        let query = QueryVector::like(&like).unwrap().unlike(&unlike).unwrap();
        assert_eq!(query.target, [100., 0., 0., 0., 0., 0., -100., 0.]);
        assert_eq!(query.embedding, Some(vec![1., -1.]));
        assert_eq!(query.excluded_rows, [2, 4]);
        let query = QueryVector::from(EmotionVector::even())
            .unlike(&unlike)
            .unwrap();
        assert_eq!(query.target[6], -87.5);
        assert_eq!(query.embedding, None);
        let same = QueryVector::like(&like).unwrap();
        assert_eq!(same.clone().unlike(&examples(&[], &[])).unwrap(), same);
        let error = same.unlike(&like).unwrap_err();
        assert!(error.to_string().contains("nothing is left"), "{error}");
    }

    #[test]
    fn a_song_without_a_direction_has_no_embedding_to_compare() {
        let query = QueryVector::like(&examples(&[(HAPPY, [0., 0.])], &[])).unwrap();
        assert_eq!(query.embedding, None);
    }
}

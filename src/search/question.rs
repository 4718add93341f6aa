//! What can be asked: emotions, a point on the plane, songs, a face.

mod face;
mod parse;
mod point;
mod song;

pub use face::{
    FaceError, FaceInput, FaceMapError, FaceOptions, Observation, observe, parse_face,
    read_face_map,
};
pub use parse::{QuestionError, parse_emotions, parse_target, parse_vector};
pub use point::parse_point;
pub use song::{Example, Examples, SongError, find_examples};

use crate::emotion::{Emotion, EmotionVector};
use point::point;

/// A question, ready to be compared with songs.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// A direction in the space of the eight emotions, in their order: at least one number is not 0, all are finite. Sums to
    /// 100 where nothing was subtracted. With something subtracted it has negative parts and sums to 0.
    pub target: [f64; Emotion::COUNT],
    /// The same in the space of the model's embedding, where the question is made of songs alone: the mean of their embeddings,
    /// each scaled to length 1, less that of the songs that are subtracted. `None` for other questions, and where nothing of
    /// it is left.
    pub embedding: Option<Vec<f64>>,
    /// Rows of the library that take no part, in ascending order: the songs that the question is made of, and copies of them.
    pub but_not: Vec<u64>,
}

impl From<EmotionVector> for Asked {
    fn from(emotions: EmotionVector) -> Self {
        Self {
            target: emotions.as_array().map(f64::from),
            embedding: None,
            but_not: Vec::new(),
        }
    }
}

/// Percentages that differ by less than this are the same: they are kept in single precision.
const SAME: f64 = 1e-4;
/// The same for numbers of embeddings that are scaled to length 1.
const SAME_DIRECTION: f64 = 1e-6;

impl Asked {
    /// The emotions and the point at which `valence` and `arousal` (1 to 9) meet: the shares of the box `spread` to each side
    /// in the eight sectors, as a song's label with these deviations has them.
    ///
    /// # Errors
    /// [`QuestionError::OffScale`] and [`QuestionError::Spread`].
    pub fn point(valence: f64, arousal: f64, spread: f64) -> Result<Self, QuestionError> {
        Ok(point(valence, arousal, spread)?.into())
    }

    /// Songs like some others: the mean of their percentages and of their embeddings. `None` where there is no example.
    pub fn like(examples: &Examples) -> Option<Self> {
        Some(Self {
            target: examples.mean_emotions()?,
            embedding: examples
                .mean_embedding()
                .filter(|mean| mean.iter().any(|value| value.abs() > SAME_DIRECTION)),
            but_not: examples.rows.clone(),
        })
    }

    /// The same question away from some songs: the mean of their percentages and embeddings is subtracted. Without examples
    /// nothing changes.
    ///
    /// # Errors
    /// [`QuestionError::NothingLeft`] where the percentages are those of what is asked.
    pub fn unlike(mut self, examples: &Examples) -> Result<Self, QuestionError> {
        let Some(emotions) = examples.mean_emotions() else {
            return Ok(self);
        };
        for (value, other) in self.target.iter_mut().zip(emotions) {
            *value -= other;
        }
        if self.target.iter().all(|value| value.abs() < SAME) {
            return Err(QuestionError::NothingLeft);
        }
        self.embedding = self
            .embedding
            .zip(examples.mean_embedding())
            .map(|(mine, other)| mine.iter().zip(other).map(|(a, b)| a - b).collect())
            .filter(|rest: &Vec<f64>| rest.iter().any(|value| value.abs() > SAME_DIRECTION));
        self.but_not.extend(&examples.rows);
        self.but_not.sort_unstable();
        self.but_not.dedup();
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(of: &[([f64; 8], [f32; 2])], rows: &[u64]) -> Examples {
        Examples {
            songs: of
                .iter()
                .map(|(weights, embedding)| Example {
                    name: "a song".to_owned(),
                    emotions: EmotionVector::from_weights(*weights).unwrap(),
                    embedding: embedding.to_vec(),
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
        let asked = Asked::like(&examples(&[(HAPPY, [3., 0.]), (CALM, [0., 0.5])], &[4, 9]));
        let asked = asked.unwrap();
        assert_eq!(asked.target, [50., 0., 0., 0., 0., 0., 50., 0.]);
        assert_eq!(asked.embedding, Some(vec![0.5, 0.5]));
        assert_eq!(asked.but_not, [4, 9]);
        assert_eq!(Asked::like(&examples(&[], &[])), None);
    }

    #[test]
    fn what_is_subtracted_becomes_negative_and_takes_no_part_either() {
        let like = examples(&[(HAPPY, [1., 0.])], &[4]);
        let unlike = examples(&[(CALM, [0., 2.])], &[2]);
        let asked = Asked::like(&like).unwrap().unlike(&unlike).unwrap();
        assert_eq!(asked.target, [100., 0., 0., 0., 0., 0., -100., 0.]);
        assert_eq!(asked.embedding, Some(vec![1., -1.]));
        assert_eq!(asked.but_not, [2, 4]);
        let asked = Asked::from(EmotionVector::even()).unlike(&unlike).unwrap();
        assert_eq!(asked.target[6], -87.5);
        assert_eq!(asked.embedding, None);
        let same = Asked::like(&like).unwrap();
        assert_eq!(same.clone().unlike(&examples(&[], &[])), Ok(same.clone()));
        assert_eq!(same.unlike(&like), Err(QuestionError::NothingLeft));
    }

    #[test]
    fn a_song_without_a_direction_has_no_embedding_to_compare() {
        let asked = Asked::like(&examples(&[(HAPPY, [0., 0.])], &[])).unwrap();
        assert_eq!(asked.embedding, None);
    }
}

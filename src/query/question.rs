//! What can be asked: emotions, a song, a face, a point on the plane.

mod parse;

pub use parse::{QuestionError, parse_emotions, parse_vector};

use crate::emotion::{Emotion, EmotionVector};

/// A question, ready to be compared with songs.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// A direction in the space of the eight emotions, in their order: at least one number is not 0, all are finite. Negative
    /// where something was subtracted.
    pub target: [f64; Emotion::COUNT],
    /// The same in the space of the model's embedding, where the question is made of songs.
    pub embedding: Option<Vec<f64>>,
    /// Rows of the library that take no part: the songs that the question is made of.
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

use super::{Bundle, ModelError};
use crate::emotion::EmotionVector;
/// What a model says of one window, or of one song as the weighted mean of its windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    pub emotions: EmotionVector,
    pub valence: f32,
    pub arousal: f32,
    pub embedding: Vec<f32>,
}

/// A model ready to run. Shared between threads.
pub struct Predictor {}
impl Predictor {
    pub fn new(_bundle: Bundle) -> Result<Self, ModelError> {
        unimplemented!()
    }
    pub fn bundle(&self) -> &Bundle {
        unimplemented!()
    }
    /// `log_mel`: [n_mels, frames] row-major, as the model's preprocessing makes it.
    pub fn predict(&self, _log_mel: &[f32]) -> Result<Prediction, ModelError> {
        unimplemented!()
    }
}

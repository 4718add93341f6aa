//! What a model is: the file, its metadata, and how it predicts.

mod bundle;
mod predict;

pub use bundle::{Bundle, LabelSettings, Metadata, ModelError, Preprocessing, TrainingData};
pub use predict::{Prediction, Predictor};

//! What a model is: the file, its metadata, and how it predicts.

mod bundle;
mod predict;
mod recipe;

pub use bundle::{
    Bundle, EMBEDDING, EMOTIONS, FORMAT_VERSION, INPUT, LabelSettings, METADATA_KEY, Metadata,
    ModelError, PROBABILITIES, Preprocessing, TrainingData, VALENCE_AROUSAL,
};
pub use predict::{Prediction, Predictor};
pub use recipe::{
    AffectLoss, Augmentation, Calibration, EmotionLoss, Loss, Network as NetworkShape, Optimizer,
    OptimizerKind, OutputKind, Paper, Recipe, RecipeError, Schedule, Stage, Statistic,
    WindowSettings,
};

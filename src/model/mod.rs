//! What a model is: the file, its metadata, and how it predicts.

mod bundle;
mod predict;
mod recipe;

pub use bundle::{
    Bundle, EMBEDDING, EMOTIONS, FORMAT_VERSION, INPUT, LabelSettings, METADATA_KEY, Metadata,
    ModelError, Preprocessing, TrainingData, VALENCE_AROUSAL,
};
pub use predict::{Prediction, Predictor};
pub use recipe::{
    Augmentation, Loss, Network as NetworkShape, Optimizer, Recipe, RecipeError, WindowSettings,
};

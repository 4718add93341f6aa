//! `--model`, for commands that predict.

use crate::model::{Bundle, ModelError, Predictor};
use std::path::PathBuf;

/// Which model predicts.
#[derive(clap::Args)]
pub struct ModelChoice {
    /// ONNX file of another model than the one inside this program
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

impl ModelChoice {
    /// Reads the model that was asked for, never silently another one.
    pub fn load(&self) -> Result<Predictor, ModelError> {
        let bundle = match &self.model {
            Some(path) => Bundle::load(path)?,
            None => Bundle::shipped()?,
        };
        Predictor::new(bundle)
    }
}

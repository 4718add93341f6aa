//! `--model`, for commands that predict.

use crate::model::Model;
use std::path::PathBuf;

/// The model that predicts.
#[derive(clap::Args)]
pub(crate) struct ModelChoice {
    /// ONNX file of another model than the one inside this program
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

impl ModelChoice {
    /// Loads the model that was asked for, never silently another one.
    pub(crate) fn load(&self) -> crate::Result<Model> {
        match &self.model {
            Some(path) => Model::load(path),
            None => Model::shipped(),
        }
    }
}

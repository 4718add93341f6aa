//! Training in libtorch: networks, augmentation, the loop, writing the ONNX. The only module that knows libtorch.

mod adam;
mod augment;
mod batches;
mod checkpoint;
#[cfg(test)]
mod checkpoint_tests;
mod device;
pub(crate) mod face;
mod fit;
mod learner;
mod log;
mod loss;
mod network;
mod onnx;
mod predictions;
mod run;
mod schedule;
pub(crate) mod search;
mod sgd;
mod teacher;
mod weights;

pub use batches::Songs;
pub(crate) use device::DeviceName;
pub use fit::{EpochScores, Event};
pub(crate) use log::Log;
pub(crate) use predictions::{save_predictions, save_voted};
pub use run::{Run, Trained, evaluate_onnx, scores_of};
pub(crate) use teacher::{Targets, targets};

use crate::error::{Error, ErrorKind};

fn failure(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Training, message)
}

/// The watcher asked to stop in an epoch, 1 first.
fn interrupted(epoch: usize) -> Error {
    Error::new(ErrorKind::Interrupted, format!("stopped in epoch {epoch}"))
}

fn too_few_songs(found: usize) -> Error {
    failure(format!(
        "{found} song(s) to train on; at least 2 are needed. `circumplex dataset check` tells what is missing"
    ))
}

impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        failure("libtorch failed").with_source(error)
    }
}

//! Training in libtorch: networks, augmentation, the loop, writing the ONNX. The only module that knows libtorch.

mod adam;
mod augment;
mod batches;
mod checkpoint;
#[cfg(test)]
mod checkpoint_tests;
mod device;
mod fit;
mod learner;
mod log;
mod loss;
mod network;
mod onnx;
mod predictions;
mod run;
mod schedule;
mod weights;

pub use adam::{Adam, Decay};
pub use batches::{Crop, Cropper, Songs};
pub use checkpoint::CheckpointError;
pub use device::{DeviceError, DeviceName};
pub use fit::{EpochScores, Event, Fitted, Task, fit};
pub use log::{Log, LogError};
pub use network::{BandStatistics, Network};
pub use predictions::save_predictions;
pub use run::{CrossValidation, Run, Trained, judge, scores_of};
pub use weights::Weights;

/// Why training stopped without a model.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Too few songs to learn from.
    #[error(
        "{found} song(s) to train on; at least 2 are needed. `circumplex dataset check` tells what is missing"
    )]
    TooFewSongs {
        /// How many there are.
        found: usize,
    },
    /// Batches of one song, from which batch normalisation learns nothing.
    #[error(
        "no batch can be made: the recipe has `optimizer.batch` = {batch}; expected at least 2"
    )]
    NoBatch {
        /// Songs per batch in the recipe.
        batch: usize,
    },
    /// The loss or its gradient became NaN or infinite.
    #[error(
        "the loss or its gradient is no longer a finite number in epoch {epoch}, batch {batch} (songs {}); \
         lower `optimizer.learning_rate` in the recipe, or look at the labels of these songs", songs.join(", ")
    )]
    NotFinite {
        /// Number of the epoch, 1 first.
        epoch: usize,
        /// Number of the batch, 1 first.
        batch: usize,
        /// The songs of that batch.
        songs: Vec<String>,
    },
    /// Whoever watches asked to stop.
    #[error("stopped in epoch {epoch}")]
    Interrupted {
        /// Number of the epoch, 1 first.
        epoch: usize,
    },
    /// A checkpoint cannot be written, or gone on from.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// libtorch failed.
    #[error("libtorch failed")]
    Libtorch(#[from] tch::TchError),
    /// The metadata cannot be written as JSON.
    #[error("the model's metadata cannot be written")]
    Metadata(#[from] serde_json::Error),
    /// The recipe cannot be written as TOML.
    #[error("the recipe cannot be written into the model's metadata")]
    Recipe(#[from] toml::ser::Error),
    /// The trained network does not run as a model file.
    #[error("the trained network does not run as a model file")]
    Model(#[from] crate::Error),
    /// A song could not be evaluated.
    #[error("song {song} could not be analysed")]
    Evaluate {
        /// The song.
        song: String,
        /// What failed.
        #[source]
        source: crate::Error,
    },
}

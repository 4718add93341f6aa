//! Training in libtorch: networks, augmentation, the loop, writing the ONNX. The only module that knows libtorch.

mod batches;
mod fit;
mod loss;
mod network;
mod onnx;
mod run;

pub use batches::{Crop, Cropper, Songs};
pub use fit::{EpochScores, Event, Fitted, fit};
pub use network::{BandStatistics, Network};
pub use run::{CrossValidation, Run, Trained, judge, scores_of};

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
    /// The loss became NaN or infinite.
    #[error(
        "the loss is no longer a finite number in epoch {epoch}, batch {batch} (songs {}); \
         lower `optimizer.learning_rate` in the recipe", songs.join(", ")
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
    Model(#[from] crate::model::ModelError),
    /// A song could not be evaluated.
    #[error("song {song} could not be analysed")]
    Evaluate {
        /// The song.
        song: String,
        /// What failed.
        #[source]
        source: crate::evaluate::SongError,
    },
}

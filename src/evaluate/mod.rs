//! How good a model is: metrics and reports. Answers always come from the chain and predictor that `analyze` uses, so
//! that what is measured is what users get.

mod confusion;
mod folds;
pub mod html;
pub mod metrics;
pub mod multilabel;
mod parts;
mod reliability;
mod report;
mod run;
#[cfg(test)]
mod run_tests;
mod songs;
#[cfg(test)]
mod tests;

pub use confusion::Confusion;
pub use folds::{FoldNumbers, FoldScores, Named, Spread};
pub use multilabel::{ClassificationReport, MultiLabel, ThresholdSearch};
pub use parts::{PartError, keep_part, provenance};
pub use reliability::{Reliability, ReliabilityBin};
pub use report::{Answer, Judged, Number, PerEmotion, Report, Scores};
pub use run::{EvaluateError, Evaluation, SongError, Unjudged, answer, evaluate, labelled};
pub use songs::{JudgedSong, RunScores};

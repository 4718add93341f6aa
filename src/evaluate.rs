//! Scores of a model on labeled music. Songs go through the same analysis as in `analyze`, so that the scores are those
//! of the answers that users get.

pub(crate) mod faces;
#[cfg(test)]
mod faces_tests;
pub(crate) mod html;
pub(crate) mod listeners;
pub(crate) mod metrics;
#[cfg(test)]
mod metrics_tests;
pub(crate) mod multilabel;
mod run;
#[cfg(test)]
mod run_tests;
mod scores;
mod tables;

pub(crate) use listeners::{Interval, ListenerAgreement, agreements};
pub(crate) use metrics::{Reliability, ReliabilityBin};
pub(crate) use multilabel::{MultiLabel, ThresholdSearch};
#[cfg(feature = "train")]
pub(crate) use run::answer;
pub use run::label_of;
pub(crate) use run::{Evaluation, Judged, Report, evaluate, keep_part, provenance};
pub use scores::Scores;
#[cfg(any(test, feature = "train"))]
pub(crate) use scores::decimals;
pub(crate) use scores::{Answer, FoldScores, JudgedSong, PerEmotion, RunScores};
pub(crate) use tables::ScoreTable;

//! How good a model is: metrics and reports. Answers always come from the chain and predictor that `analyze` uses, so
//! that what is measured is what users get.

pub mod metrics;
mod parts;
mod report;
mod run;
#[cfg(test)]
mod run_tests;
#[cfg(test)]
mod tests;

pub use parts::{PartError, keep_part, provenance};
pub use report::{Answer, Judged, PerEmotion, Report, Scores};
pub use run::{EvaluateError, Evaluation, SongError, Unjudged, answer, evaluate, labelled};

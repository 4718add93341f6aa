//! A run's report as one page: a single file that opens offline, without scripts, with every picture inside.
//!
//! [`write()`] takes plain numbers, so that whatever trained or evaluated can have its report.

mod charts;
mod page;
mod pictures;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod worst;

use super::{JudgedSong, RunScores};
use crate::{atomic_file, figure::DrawError, model::Preprocessing};
use std::{io::Write as _, path::Path};

/// All that the page tells.
#[derive(Debug, Clone)]
pub struct RunReport<'a> {
    /// Headline.
    pub title: &'a str,
    /// The model.
    pub model: ModelFacts,
    /// What it was judged on.
    pub data: DataFacts,
    /// The recipe that it was trained by, as TOML.
    pub recipe: Option<&'a str>,
    /// How the model hears songs; the spectrograms of the worst songs are made with it.
    pub preprocessing: &'a Preprocessing,
    /// How training went: one for a single training, one for each fold of a cross-validation, none where it is unknown.
    pub trainings: &'a [Training],
    /// Every judged song.
    pub songs: &'a [JudgedSong],
    /// The scores of these songs.
    pub scores: &'a RunScores,
}

/// What is told of a model, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelFacts {
    /// Its name.
    pub name: String,
    /// SHA-256 of its file, hexadecimal.
    pub identity: Option<String>,
    /// How many numbers were trained.
    pub parameters: Option<usize>,
    /// Length of its file in bytes.
    pub file_bytes: Option<u64>,
    /// What it was trained on, such as `deam (1441 songs)`.
    pub trained_on: Option<String>,
}

/// What is told of the data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataFacts {
    /// Its name.
    pub name: String,
    /// How the songs were kept apart, such as `5 folds without a common artist`.
    pub split: Option<String>,
    /// Which columns the labels were read from.
    pub labels: Option<String>,
}

/// One training's course.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Training {
    /// What to call it, such as `fold 1`.
    pub name: String,
    /// Its epochs, in order.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights were kept, 0 first, where that was decided by validation.
    pub kept: Option<usize>,
    /// Mean absolute error of the mean vector on the validation songs.
    pub validation_baseline: Option<f64>,
}

/// One epoch's figures.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Epoch {
    /// Its number, 0 first.
    pub epoch: usize,
    /// Mean loss over its batches.
    pub loss: f64,
    /// Mean absolute error of the eight percentages on the validation songs.
    pub validation_mae: Option<f64>,
    /// Learning rate at its end.
    pub learning_rate: f64,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No song was judged.
    #[error("expected at least one judged song to report on, found none")]
    NoSongs,
    /// A picture cannot be drawn.
    #[error("cannot draw a picture of the report")]
    Picture(#[from] DrawError),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] crate::Error),
}

/// Writes the page to `path`, whole or not at all. The worst songs are read for their spectrograms; one that is gone or
/// cannot be decoded gets a note instead.
///
/// # Errors
/// [`ReportError`].
pub fn write(path: &Path, report: &RunReport<'_>) -> Result<(), ReportError> {
    let page = render(report)?;
    atomic_file::write(path, |file| file.write_all(page.as_bytes()))?;
    Ok(())
}

/// The page as text. It is well-formed XML as well as HTML, and names nothing outside of itself.
///
/// # Errors
/// [`ReportError`], but for that of writing.
pub fn render(report: &RunReport<'_>) -> Result<String, ReportError> {
    if report.songs.is_empty() {
        return Err(ReportError::NoSongs);
    }
    page::page(report)
}

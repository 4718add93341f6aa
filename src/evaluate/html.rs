//! The report of a run as one HTML page: a single file that opens offline, without scripts, with every picture inside.
//!
//! [`write()`] takes plain numbers, so that every kind of training and evaluation can have a report. The texts are in
//! `html/*.html`, the look in `html/style.css`.

mod charts;
mod sections;
#[cfg(test)]
mod tests;
mod worst;

use super::{JudgedSong, RunScores};
use crate::{
    atomic_file,
    error::{Error, ErrorKind, Result},
    figure::escape,
    model::Preprocessing,
};
use std::{collections::HashMap, io::Write as _, path::Path};

/// The content of the page.
#[derive(Debug, Clone)]
pub(crate) struct RunReport<'a> {
    pub title: &'a str,
    pub model: ModelFacts,
    pub data: DataFacts,
    /// The recipe of its training, as TOML.
    pub recipe: Option<&'a str>,
    /// The model's input; the spectrograms of the worst songs are made with it.
    pub preprocessing: &'a Preprocessing,
    /// One for a single training, one for each fold of a cross-validation, none if unknown.
    pub trainings: &'a [Training],
    pub songs: &'a [JudgedSong],
    pub scores: &'a RunScores,
}

/// Facts about a model, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ModelFacts {
    pub name: String,
    /// SHA-256 of its file, hexadecimal.
    pub identity: Option<String>,
    /// Trained parameters.
    pub parameters: Option<usize>,
    /// Length of its file in bytes.
    pub file_bytes: Option<u64>,
    /// Training data, such as `deam (1441 songs)`.
    pub trained_on: Option<String>,
}

/// Facts about the data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DataFacts {
    pub name: String,
    /// The split of the songs, such as `5 folds without a common artist`.
    pub split: Option<String>,
    /// The columns of the labels.
    pub labels: Option<String>,
}

/// The course of one training.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Training {
    /// Such as `fold 1`.
    pub name: String,
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights were kept, from 0, if validation decided.
    pub kept: Option<usize>,
    /// Mean absolute error of the mean vector on the validation songs.
    pub validation_baseline: Option<f64>,
}

/// The numbers of one epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Epoch {
    /// From 0.
    pub epoch: usize,
    /// Mean loss over its batches.
    pub loss: f64,
    /// Mean absolute error of the eight percentages on the validation songs.
    pub validation_mae: Option<f64>,
    /// Learning rate at its end.
    pub learning_rate: f64,
}

/// Writes the page to `path`, completely or not at all. The worst songs are read for their spectrograms; one that is missing or
/// cannot be decoded gets a note instead.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] if no song was judged, [`ErrorKind::Io`] if the file cannot be written.
pub(crate) fn write(path: &Path, report: &RunReport<'_>) -> Result<()> {
    let page = render(report)?;
    atomic_file::write(path, |file| file.write_all(page.as_bytes()))
}

/// The page as text. It is well-formed XML as well as HTML, and refers to nothing outside itself.
pub(crate) fn render(report: &RunReport<'_>) -> Result<String> {
    if report.songs.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "expected at least one judged song to report on, found none",
        ));
    }
    let mut values = sections::values(report)?;
    let (mut links, mut sections) = (String::new(), String::new());
    for section in include_str!("html/sections.html").split("<!-- ").skip(1) {
        let (head, body) = section.split_once(" -->\n").unwrap_or((section, ""));
        let (id, title) = head.split_once(": ").unwrap_or((head, head));
        // A section without its values is left out.
        if let Some(body) = fill(body, &values) {
            links.push_str(&format!("<a href=\"#{id}\">{title}</a>\n"));
            sections.push_str(&format!(
                "<section id=\"{id}\">\n<h2>{title}</h2>\n{body}</section>\n"
            ));
        }
    }
    values.insert("links", links);
    values.insert("sections", sections);
    fill(include_str!("html/page.html"), &values)
        .ok_or_else(|| Error::new(ErrorKind::Internal, "a value of the report is missing"))
}

/// Texts and markup by the names that stand for them in a template.
type Values = HashMap<&'static str, String>;

/// Replaces `{{name}}` by a text, which is escaped, and `{{{name}}}` by markup. `None` if a value is missing.
fn fill(template: &str, values: &Values) -> Option<String> {
    let (mut page, mut rest) = (String::new(), template);
    while let Some((before, slot)) = rest.split_once("{{") {
        page.push_str(before);
        if let Some(markup) = slot.strip_prefix('{') {
            let (name, after) = markup.split_once("}}}")?;
            page.push_str(values.get(name)?);
            rest = after;
        } else {
            let (name, after) = slot.split_once("}}")?;
            page.push_str(&escape(values.get(name)?));
            rest = after;
        }
    }
    page.push_str(rest);
    Some(page)
}

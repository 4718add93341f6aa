//! The report of a run as one HTML page: a single file that opens offline, without scripts, with every picture inside.
//!
//! [`write()`] is for music, [`write_faces()`] for faces. The texts are in `html/*.html`, the look in `html/style.css`.

mod charts;
mod faces;
mod sections;
#[cfg(test)]
mod tests;
mod worst;

pub(crate) use faces::{FaceReport, write_faces};

use super::{JudgedSong, RunScores};
use crate::{
    atomic_file,
    error::{Error, ErrorKind, Result},
    figure::escape,
    model::ModelMetadata,
};
use std::{collections::HashMap, io::Write as _, path::Path};

/// The content of the page.
#[derive(Clone)]
pub(crate) struct RunReport<'a> {
    pub title: &'a str,
    pub metadata: &'a ModelMetadata,
    /// Of the model: [`Model::identity`](crate::model::Model::identity).
    pub identity: &'a str,
    /// The number of the network's parameters and the length of its file in bytes, if known.
    pub size: Option<(usize, usize)>,
    /// Name of the data set.
    pub data: &'a str,
    /// How the columns of the labels were read.
    pub labels: String,
    /// One for a single training, one for each fold of a cross-validation, none if unknown.
    pub trainings: &'a [Training],
    pub songs: &'a [JudgedSong],
    pub scores: &'a RunScores,
}

/// The course of one training.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Training {
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

/// Writes the page to `path`, completely or not at all.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] without an evaluated song, [`ErrorKind::Io`] if the file cannot be written.
pub(crate) fn write(path: &Path, report: &RunReport<'_>) -> Result<()> {
    let page = render(report)?;
    atomic_file::write(path, |file| file.write_all(page.as_bytes()))
}

/// The page as text. It is well-formed XML as well as HTML, and refers to nothing outside itself.
pub(crate) fn render(report: &RunReport<'_>) -> Result<String> {
    if report.songs.is_empty() {
        return Err(Error::invalid("no evaluated songs to report on"));
    }
    page(
        include_str!("html/sections.html"),
        sections::values(report)?,
    )
}

/// The page of sections, each after a comment with its id and title.
fn page(template: &str, mut values: Values) -> Result<String> {
    let (mut links, mut sections) = (String::new(), String::new());
    for section in template.split("<!-- ").skip(1) {
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
    values.add("links", links);
    values.add("sections", sections);
    values.add("style", include_str!("html/style.css"));
    values.add("version", env!("CARGO_PKG_VERSION"));
    fill(include_str!("html/page.html"), &values)
        .ok_or_else(|| Error::new(ErrorKind::Internal, "a value of the report is missing"))
}

/// Texts and markup by their names in a template.
struct Values(HashMap<String, String>);

impl Values {
    fn new<const N: usize>(values: [(&str, String); N]) -> Self {
        let values = values.map(|(name, value)| (name.to_owned(), value));
        Self(values.into())
    }

    fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

/// Replaces `{{name}}` by a text, which is escaped, and `{{{name}}}` by markup. `None` if a value is missing.
fn fill(template: &str, values: &Values) -> Option<String> {
    let (mut page, mut rest) = (String::new(), template);
    while let Some((before, slot)) = rest.split_once("{{") {
        page.push_str(before);
        if let Some(markup) = slot.strip_prefix('{') {
            let (name, after) = markup.split_once("}}}")?;
            page.push_str(values.0.get(name)?);
            rest = after;
        } else {
            let (name, after) = slot.split_once("}}")?;
            page.push_str(&escape(values.0.get(name)?));
            rest = after;
        }
    }
    page.push_str(rest);
    Some(page)
}

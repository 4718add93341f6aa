//! The page: its head and its sections one after another.

use super::{
    ReportError, RunReport,
    charts::{affect, emotions, labels, quadrants, training, worst_songs},
    tables::{about, folds, scores},
    text::songs,
};
use crate::figure::escape;

const STYLE: &str = include_str!("style.css");

/// A part of the page that the links at its top lead to.
pub(super) struct Section {
    /// Its name in links.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it holds.
    pub body: String,
}

/// The whole page.
pub(super) fn page(report: &RunReport<'_>) -> Result<String, ReportError> {
    let sections: Vec<Section> = [
        Some(scores(report)),
        training(report)?,
        Some(affect(report)?),
        Some(emotions(report)?),
        labels(report)?,
        Some(quadrants(report)?),
        Some(worst_songs(report)?),
        folds(report),
        Some(about(report)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let title = escape(report.title);
    let mut links = String::new();
    let mut body = String::new();
    for Section {
        id,
        title,
        body: own,
    } in &sections
    {
        links.push_str(&format!("<a href=\"#{id}\">{title}</a>\n"));
        body.push_str(&format!(
            "<section id=\"{id}\">\n<h2>{title}</h2>\n{own}</section>\n"
        ));
    }
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header>\n<h1>{title}</h1>\n<p class=\"muted\">{} of {}: {}</p>\n\
         <nav>\n{links}</nav>\n</header>\n{body}\
         <footer>Written by circumplex {}. Percentages are of the eight emotions, which sum to 100 for every song; \
         valence and arousal are on a scale from 1 to 9.</footer>\n</main>\n</body>\n</html>\n",
        songs(report.songs.len()),
        escape(&report.data.name),
        escape(&report.scores.measured_on),
        env!("CARGO_PKG_VERSION"),
    ))
}

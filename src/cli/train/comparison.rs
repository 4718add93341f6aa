//! `--recipes`: several recipes on the same songs, as one table.

use crate::{atomic_file, cli::Table, evaluate::decimals, model::Recipe};
use serde_json::Value;
use std::{io::Write as _, path::Path};

/// Mean absolute error of the mean vector on all 1,802 songs of DEAM, labels as published, in percentage points.
const PUBLISHED_BASELINE: f64 = 12.02;

const COLUMNS: [&str; 11] = [
    "recipe",
    ">parameters",
    ">epochs",
    ">MAE",
    ">mean vector",
    ">ratio",
    ">R2 valence",
    ">R2 arousal",
    ">macro F1",
    ">micro F1",
    "published (DEAM)",
];

/// The results of several recipes.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// Of every recipe, in place of its own.
    epochs: Option<usize>,
    rows: Vec<[String; COLUMNS.len()]>,
    measured_on: Option<String>,
}

impl Comparison {
    /// Of recipes that are all followed for `epochs`, or each for its own.
    pub(crate) fn new(epochs: Option<usize>) -> Self {
        Self {
            epochs,
            ..Self::default()
        }
    }

    /// Adds a recipe and what its `scores.json` holds.
    pub(crate) fn add(&mut self, recipe: &Recipe, summary: &Value) {
        let number = |path: &str, digits: usize| {
            decimals(summary.pointer(path).and_then(Value::as_f64), digits)
        };
        self.rows.push([
            recipe.name.clone(),
            number("/parameters", 0),
            number("/epochs", 0),
            number("/mae", 2),
            number("/mae_baseline", 2),
            number("/mae_ratio", 3),
            number("/valence/r2", 3),
            number("/arousal/r2", 3),
            number("/quadrants/macro_f1", 3),
            match summary.get("multi_label") {
                None => String::new(),
                Some(_) => number("/multi_label/report/micro avg/f1-score", 3),
            },
            published(recipe),
        ]);
        if let (Some(method), Some(songs), Some(data)) = (
            summary.get("measured_on").and_then(Value::as_str),
            summary.get("songs").and_then(Value::as_u64),
            summary.get("data").and_then(Value::as_str),
        ) {
            self.measured_on = Some(format!("{songs} songs of {data}: {method}"));
        }
    }

    /// For a terminal.
    pub(crate) fn text(&self) -> String {
        let mut table = Table::new(COLUMNS);
        for row in &self.rows {
            table.row(row);
        }
        table.render(None)
    }

    /// Writes a Markdown file, whole or not at all.
    pub(crate) fn save(&self, path: &Path) -> crate::Result<()> {
        let cells = |row: &[String]| {
            let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let mut text = cells(&COLUMNS.map(|name| name.trim_start_matches('>').to_owned()));
        text += &cells(&COLUMNS.map(|name| match name.starts_with('>') {
            true => "---:".to_owned(),
            false => "---".to_owned(),
        }));
        for row in &self.rows {
            text += &cells(row);
        }
        if let Some(measured_on) = &self.measured_on {
            let epochs = match self.epochs {
                None => "as many as each recipe asks for".to_owned(),
                Some(most) => format!("at most {most} for every recipe, instead of its own number"),
            };
            text.push_str(&format!(
                "\nMeasured on {measured_on}. Epochs: {epochs}; fewer where the validation error had not improved for the \
                 recipe's `patience`. MAE: mean absolute error of the eight percentages, in percentage points; mean vector: \
                 the same of a predictor that answers these songs' mean for every song; ratio: the one over the other (as \
                 published: over {PUBLISHED_BASELINE}); macro F1: of the four quadrants; micro F1: of the labels of \
                 multi-label models.\n"
            ));
        }
        atomic_file::write(path, |file| file.write_all(text.as_bytes()))
    }
}

fn published(recipe: &Recipe) -> String {
    let Some(paper) = &recipe.paper else {
        return String::new();
    };
    let mae = paper.mae.map(|mae| {
        let ratio = mae / PUBLISHED_BASELINE;
        format!("MAE {mae:.2} (ratio {ratio:.3})")
    });
    let f1 = paper.micro_f1.map(|f1| format!("micro F1 {f1:.2}"));
    let figures: Vec<String> = [mae, f1].into_iter().flatten().collect();
    figures.join(", ")
}

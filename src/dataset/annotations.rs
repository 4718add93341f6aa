//! The static annotations: one row of mean and deviation of valence and arousal for each song.

use super::{
    DatasetError,
    table::{Row, Table, canonical_id},
};
use crate::emotion::{AffectBox, SCALE_MAX, SCALE_MIN};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// One annotated song.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// The song's id as text; numbers without leading zeros.
    pub id: String,
    /// What the file says of it, scale 1 to 9.
    pub affect: AffectBox,
    /// The file in which it stands.
    pub file: PathBuf,
    /// The line on which it stands.
    pub line: u64,
}

impl Annotation {
    /// The id as a number, where it is one.
    pub fn number(&self) -> Option<u64> {
        self.id.parse().ok()
    }
}

/// Why a row gives no label.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Rejected {
    /// The song's id.
    pub id: String,
    /// The file.
    pub file: PathBuf,
    /// The line.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
    /// Which kind of fault it is.
    pub fault: Fault,
}

impl std::fmt::Display for Rejected {
    /// The song, where its row stands, and why it gives no label.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let file = self.file.display();
        write!(
            f,
            "song {} ({file} line {}): {}",
            self.id, self.line, self.reason
        )
    }
}

/// Kinds of faults of an annotation row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A mean outside 1 to 9.
    OutsideScale,
    /// A mean or a deviation is missing or no number.
    Missing,
    /// A deviation is negative.
    NegativeDeviation,
    /// The id stands a second time; the first counts.
    Duplicate,
}

/// All annotated songs of some files, ordered by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Annotations {
    /// The usable rows, numbers in their order, then other ids.
    pub songs: Vec<Annotation>,
    /// The rows that give no label, with their reasons.
    pub rejected: Vec<Rejected>,
}

impl Annotations {
    /// Reads static annotation files in DEAM's columns: `song_id`, `valence_mean`, `valence_std`, `arousal_mean`,
    /// `arousal_std`, in any order, among any others. A row that cannot be used is rejected with its reason; a file
    /// without these columns is an error.
    ///
    /// # Errors
    /// [`DatasetError::Columns`], [`DatasetError::Csv`], [`DatasetError::Io`].
    pub fn read(files: &[PathBuf]) -> Result<Self, DatasetError> {
        let mut found = BTreeMap::new();
        let mut rejected = Vec::new();
        for file in files {
            read_file(file, &mut found, &mut rejected)?;
        }
        Ok(Self {
            songs: found.into_values().collect(),
            rejected,
        })
    }
}

/// Order of ids: numbers by value, then names.
pub(super) fn id_order(id: &str) -> (u64, String) {
    (id.parse().unwrap_or(u64::MAX), id.to_owned())
}

fn read_file(
    file: &Path,
    found: &mut BTreeMap<(u64, String), Annotation>,
    rejected: &mut Vec<Rejected>,
) -> Result<(), DatasetError> {
    let table = Table::read(file)?;
    let id_column = table.require(&["song_id", "id"])?;
    let mut columns = [0; 4];
    for (column, name) in
        columns
            .iter_mut()
            .zip(["valence_mean", "valence_std", "arousal_mean", "arousal_std"])
    {
        *column = table.require(&[name])?;
    }
    for row in &table.rows {
        let id = canonical_id(table.cell(row, id_column));
        let mut reject = |fault, reason: String| {
            rejected.push(Rejected {
                id: id.clone(),
                file: file.to_owned(),
                line: row.line,
                reason,
                fault,
            });
        };
        match affect(&table, row, columns) {
            Err((fault, reason)) => reject(fault, reason),
            Ok(affect) => match found.entry(id_order(&id)) {
                std::collections::btree_map::Entry::Occupied(first) => {
                    let first: &Annotation = first.get();
                    reject(
                        Fault::Duplicate,
                        format!(
                            "song {id} already stands in {} line {}, which counts",
                            first.file.display(),
                            first.line
                        ),
                    );
                }
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(Annotation {
                        id: id.clone(),
                        affect,
                        file: file.to_owned(),
                        line: row.line,
                    });
                }
            },
        }
    }
    Ok(())
}

fn affect(table: &Table, row: &Row, columns: [usize; 4]) -> Result<AffectBox, (Fault, String)> {
    let mut values = [0.0; 4];
    for (i, (value, column)) in values.iter_mut().zip(columns).enumerate() {
        let name = &table.headers()[column];
        let number = table
            .number(row, column)
            .map_err(|e| (Fault::Missing, e.to_string()))?
            .ok_or_else(|| (Fault::Missing, format!("{name} is missing")))?;
        let is_mean = i % 2 == 0;
        if is_mean && !(SCALE_MIN..=SCALE_MAX).contains(&number) {
            let reason =
                format!("{name} is {number}, expected a value from {SCALE_MIN} to {SCALE_MAX}");
            return Err((Fault::OutsideScale, reason));
        }
        if !is_mean && number < 0.0 {
            return Err((
                Fault::NegativeDeviation,
                format!("{name} is {number}, expected at least 0"),
            ));
        }
        *value = number;
    }
    Ok(AffectBox {
        valence_mean: values[0],
        valence_std: values[1],
        arousal_mean: values[2],
        arousal_std: values[3],
    })
}

//! The formats.

use super::{ExportColumn, ExportError, playlists};
use crate::emotion::Emotion;
use arrow::datatypes::{DataType, SchemaRef};
use std::{fmt, path::Path, str::FromStr};

/// What a library can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Flat columns in Parquet.
    Parquet,
    /// Comma-separated values.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Arrow IPC (Feather).
    Arrow,
    /// NumPy arrays and an index.
    Numpy,
    /// A database.
    Sqlite,
    /// A folder that Hugging Face `datasets` loads.
    HuggingFace,
    /// A folder with a playlist for each emotion.
    M3u8,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 8] = [
        Format::Parquet,
        Format::Csv,
        Format::JsonLines,
        Format::Arrow,
        Format::Numpy,
        Format::Sqlite,
        Format::HuggingFace,
        Format::M3u8,
    ];

    /// The format's name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Parquet => "parquet",
            Format::Csv => "csv",
            Format::JsonLines => "jsonl",
            Format::Arrow => "arrow",
            Format::Numpy => "npy",
            Format::Sqlite => "sqlite",
            Format::HuggingFace => "huggingface",
            Format::M3u8 => "m3u8",
        }
    }

    /// The names of all, for messages.
    pub(super) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// The format that a file's name asks for.
    ///
    /// # Errors
    /// [`ExportError::NoFormat`].
    pub fn of_path(path: &Path) -> Result<Self, ExportError> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        match ending.unwrap_or_default().to_ascii_lowercase().as_str() {
            "parquet" => Ok(Format::Parquet),
            "csv" => Ok(Format::Csv),
            "jsonl" | "ndjson" => Ok(Format::JsonLines),
            "arrow" | "feather" | "ipc" => Ok(Format::Arrow),
            "npy" => Ok(Format::Numpy),
            "sqlite" | "sqlite3" | "db" => Ok(Format::Sqlite),
            _ => Err(ExportError::NoFormat {
                path: path.to_owned(),
            }),
        }
    }

    /// The columns that are read for it: those that were asked for, and those that it cannot do without.
    pub(super) fn columns(self, asked: &[ExportColumn]) -> Vec<ExportColumn> {
        let percentages = Emotion::ALL.map(ExportColumn::Percentage);
        let mut columns = asked.to_vec();
        let needed = match self {
            Format::Numpy => percentages.to_vec(),
            Format::M3u8 => {
                columns.clear();
                let named = playlists::COLUMNS.map(ExportColumn::Of);
                let strongest = [ExportColumn::Strongest];
                [&named[..], &strongest, &percentages].concat()
            }
            _ => Vec::new(),
        };
        for column in needed {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        columns
    }

    /// Whether it can hold all columns.
    ///
    /// # Errors
    /// [`ExportError::CannotHold`].
    pub(super) fn check(self, schema: &SchemaRef) -> Result<(), ExportError> {
        let is_timeline = |data_type: &DataType| matches!(data_type, DataType::List(_));
        let mut fields = schema.fields().iter();
        match fields.find(|field| self == Format::Numpy && is_timeline(field.data_type())) {
            Some(field) => Err(ExportError::CannotHold {
                format: self.name(),
                column: field.name().clone(),
                others: "parquet, csv, jsonl, arrow, sqlite, huggingface",
            }),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = ExportError;

    /// Reads a name in any case.
    fn from_str(name: &str) -> Result<Self, ExportError> {
        let wanted = name.trim().to_lowercase();
        let found = Format::ALL
            .into_iter()
            .find(|format| format.name() == wanted);
        found.ok_or_else(|| ExportError::UnknownFormat {
            name: name.to_owned(),
        })
    }
}

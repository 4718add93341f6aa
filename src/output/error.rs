//! What can go wrong with an export.

use crate::error::Error;
use std::{io, path::PathBuf};

/// An export was not made. What stood at its place before still does.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// When the library cannot be read, or a file cannot be written.
    #[error(transparent)]
    Library(#[from] Error),
    /// When a name is none of the columns.
    #[error(
        "unknown column {name:?}{}; the columns are: {known}",
        suggestion.as_ref().map_or_else(String::new, |s| format!(" (did you mean \"{s}\"?)"))
    )]
    UnknownColumn {
        name: String,
        suggestion: Option<String>,
        known: String,
    },
    /// When a name is none of the formats.
    #[error("unknown format {name:?}; the formats are: {}", super::Format::names())]
    UnknownFormat { name: String },
    /// When the name of the output does not say which format is meant.
    #[error(
        "{}: the name does not say the format; end it in .parquet, .csv, .jsonl, .arrow, .npy or .sqlite, or say --format \
         (for a folder: --format huggingface or --format m3u8)",
        path.display()
    )]
    NoFormat { path: PathBuf },
    /// When the format has no way to hold a column that is asked for.
    #[error("{format} cannot hold `{column}`; leave it out, or take another format ({others})")]
    CannotHold {
        format: &'static str,
        column: String,
        others: &'static str,
    },
    /// When a format that needs a file or a folder is to go to standard output.
    #[error("{format} cannot go to standard output (csv and jsonl can); name a file with -o")]
    NoStream { format: &'static str },
    /// When the output is a library: an export would destroy it.
    #[error(
        "{}: is a library, which an export would destroy; give another name with -o",
        path.display()
    )]
    OverLibrary { path: PathBuf },
    /// When a folder is to be made and something is in its place.
    #[error(
        "{}: expected no such folder, or an empty one; delete it, or give another name with -o",
        path.display()
    )]
    FolderInUse { path: PathBuf },
    /// When no song is left to export.
    #[error("{library}: no song to export: {why}")]
    NoSongs { library: String, why: &'static str },
    /// When standard output cannot be written.
    #[error("cannot write to standard output")]
    Stream(#[source] io::Error),
    /// When the rows cannot be said in the format.
    #[error("{}: cannot write it as {format}", path.display())]
    Encode {
        path: PathBuf,
        format: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

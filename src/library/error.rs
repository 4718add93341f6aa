//! What can go wrong with a library.

use crate::Error;
use parquet::errors::ParquetError;
use std::{io, path::PathBuf};

/// Reading or writing a library failed.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// When the file cannot be opened: it is absent, is a folder, or may not be read.
    #[error("{}: cannot open the library", path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// When the file is not Parquet, or its footer is damaged or cut off.
    #[error(
        "{}: expected a Parquet file, found something else or a damaged one; make a library with `circumplex analyze`",
        path.display()
    )]
    NotParquet {
        path: PathBuf,
        #[source]
        source: ParquetError,
    },
    /// When a sound Parquet file lacks circumplex's footer key: another program made it, or rewrote it without the key.
    #[error(
        "{}: a Parquet file, but no library: its footer lacks the key `{}`; make a library with `circumplex analyze`",
        path.display(), super::FOOTER_KEY
    )]
    NotALibrary { path: PathBuf },
    /// When the footer key's JSON cannot be understood.
    #[error(
        "{}: the footer key `{}` is damaged; analyze the music again",
        path.display(), super::FOOTER_KEY
    )]
    Footer {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// When a newer circumplex wrote the library in a format that this one does not know.
    #[error(
        "{}: format version {found}, but this circumplex reads versions up to {supported}; update circumplex or analyze \
         the music again",
        path.display()
    )]
    Version {
        path: PathBuf,
        found: u32,
        supported: u32,
    },
    /// When the library's percentages stand for other emotions, or in another order.
    #[error(
        "{}: expected the emotions {expected:?}, found {found:?}; analyze the music again",
        path.display()
    )]
    Labels {
        path: PathBuf,
        expected: Vec<String>,
        found: Vec<String>,
    },
    /// When a column that is needed is absent.
    #[error("{}: the column `{column}` is missing; analyze the music again", path.display())]
    MissingColumn { path: PathBuf, column: &'static str },
    /// When a column has a type that cannot be turned into the expected one.
    #[error(
        "{}: expected the column `{column}` as {expected}, found {found}; analyze the music again",
        path.display()
    )]
    ColumnType {
        path: PathBuf,
        column: &'static str,
        expected: String,
        found: String,
    },
    /// When a row lacks a value that every row must have.
    #[error(
        "{}: row {row} (counted from 0) has no `{column}`; analyze the music again",
        path.display()
    )]
    MissingValue {
        path: PathBuf,
        row: u64,
        column: &'static str,
    },
    /// When a row's eight percentages are not a vector of emotions: a number that is not finite or negative, or a sum
    /// other than 100.
    #[error(
        "{}: row {row} (counted from 0) holds no emotion vector; analyze the music again",
        path.display()
    )]
    DamagedVector {
        path: PathBuf,
        row: u64,
        #[source]
        source: Error,
    },
    /// When a row's embedding has a number that is not finite.
    #[error(
        "{}: the embedding of row {row} (counted from 0) has a number that is not finite; analyze the music again",
        path.display()
    )]
    DamagedEmbedding { path: PathBuf, row: u64 },
    /// When the Parquet data cannot be read or decoded.
    #[error("{}: cannot read the library", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: ParquetError,
    },
    /// When a folder is given that holds no library.
    #[error("{}: expected a folder with libraries (.parquet files), found none", folder.display())]
    NoLibrary { folder: PathBuf },
    /// When several libraries are given together whose vectors are not comparable.
    #[error(
        "{}: made by model {found}, but {} by model {expected}: their vectors are not comparable; analyze the music of one \
         again as the other was",
        path.display(), first.display()
    )]
    Mixed {
        path: PathBuf,
        found: String,
        first: PathBuf,
        expected: String,
    },
    /// When a row is asked for that the library does not have.
    #[error("{}: asked for row {row} of a library of {rows}", path.display())]
    NoSuchRow { path: PathBuf, row: u64, rows: u64 },

    /// When the output's name stands for something that cannot be replaced by a file: a folder, a device, a pipe.
    #[error(
        "{}: expected the name of a file to write, found {found}; give another name with -o",
        path.display()
    )]
    NotAFile { path: PathBuf, found: &'static str },
    /// When no file can be made in the output's folder: it is absent, full, or may not be written.
    #[error("{}: cannot write a file in this folder", folder.display())]
    Create {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    /// When writing fails in the middle, for example on a full disk. The library that was there before is untouched.
    #[error("{}: cannot write the library (what was there before is untouched)", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: ParquetError,
    },
    /// When the finished file cannot be put in its place. The library that was there before is untouched.
    #[error(
        "{}: cannot put the finished library in its place (what was there before is untouched)",
        path.display()
    )]
    Persist {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// When a row's embedding has another length than the model's.
    #[error("{song}: expected an embedding of {expected} numbers, found {found}")]
    Embedding {
        song: String,
        expected: usize,
        found: usize,
    },
}

//! What can be wrong with a face file, and with a map.

use crate::emotion::{Expression, InvalidBox, InvalidVector, UnknownEmotion, UnknownExpression};
use parquet::errors::ParquetError;
use std::{io, path::PathBuf};

/// What every hint ends with.
const EXPECTED: &str = "expected a column of labels (emotion, dominant_emotion, expression) or one column for each of at least \
                        two expressions (happy, sad, neutral, ...)";

/// A face file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FaceError {
    /// When it cannot be read.
    #[error("{name}: cannot read the face file")]
    Read {
        name: String,
        #[source]
        source: io::Error,
    },
    /// When a table cannot be read as CSV.
    #[error("{name}: cannot read the face file as CSV")]
    Csv {
        name: String,
        #[source]
        source: csv::Error,
    },
    /// When it begins like JSON and is none.
    #[error("{name}: cannot read the face file as JSON (one array, or one object a line)")]
    Json {
        name: String,
        #[source]
        source: serde_json::Error,
    },
    /// When it is JSON, but not of rows.
    #[error(
        "{name}: expected JSON of objects, one for each frame or face, or of lists of them, found {found} at row {row}; pandas \
         writes them with to_json(orient=\"records\")"
    )]
    Shape {
        name: String,
        row: u64,
        found: &'static str,
    },
    /// When it begins like Parquet and cannot be read.
    #[error("{name}: cannot read the face file as Parquet")]
    Parquet {
        name: String,
        #[source]
        source: ParquetError,
    },
    /// When it has no row.
    #[error("{name}: the face file has no rows; {EXPECTED}, and a row for each frame or second")]
    Empty { name: String },
    /// When no column says what a face shows.
    #[error("{name}: no column says what the face shows: {EXPECTED}, found {found}")]
    Columns { name: String, found: String },
    /// When all that is there is action units, as OpenFace 2 writes them.
    #[error(
        "{name}: the columns {found} are action units: they say which muscles move, not what the face shows. Use a program that \
         names expressions on the same video (py-feat, DeepFace, FER, LibreFace, OpenFace 3)"
    )]
    ActionUnits { name: String, found: String },
    /// When a label is a number.
    #[error(
        "{name}: row {row}, column {column}: found {found:?}, a number that could stand for any expression; write the names"
    )]
    LabelNumber {
        name: String,
        row: u64,
        column: String,
        found: String,
    },
    /// When a label is no expression.
    #[error("{name}: row {row}, column {column}")]
    Label {
        name: String,
        row: u64,
        column: String,
        #[source]
        source: UnknownExpression,
    },
    /// When a probability is none.
    #[error(
        "{name}: row {row}, column {column}: expected a probability, percentage or weight of at least 0, found {found:?}"
    )]
    Probability {
        name: String,
        row: u64,
        column: String,
        found: String,
    },
    /// When a time or frame is none.
    #[error("{name}: row {row}, column {column}: expected {expected}, found {found:?}")]
    Time {
        name: String,
        row: u64,
        column: String,
        expected: &'static str,
        found: String,
    },
    /// When a stretch of time is asked for, and nothing tells the times of the rows.
    #[error(
        "{name}: --observe needs to know when each row was: expected a column time or timestamp in seconds, or time_ms; without \
         one say with --fps how many rows or frames there are in a second"
    )]
    NoTime { name: String },
    /// When no row shows a face.
    #[error(
        "{name}: none of {rows} rows{window} shows a face that is recognised; there is nothing to ask with"
    )]
    NoFace {
        name: String,
        rows: usize,
        window: String,
    },
}

impl FaceError {
    /// The file `name` cannot be read.
    pub(super) fn read(name: &str, source: io::Error) -> Self {
        Self::Read {
            name: name.to_owned(),
            source,
        }
    }
}

/// A file cannot replace the map from expressions to emotions.
#[derive(Debug, thiserror::Error)]
pub enum FaceMapError {
    /// When it cannot be read.
    #[error("{}: cannot read the face map", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// When it is too large to be one.
    #[error("{}: expected a face map of at most 1 MiB, found more", path.display())]
    TooLarge { path: PathBuf },
    /// When it is no TOML.
    #[error(
        "{}: cannot read the face map as TOML; give a .toml or a .csv as `circumplex face table --csv` prints it",
        path.display()
    )]
    Toml {
        path: PathBuf,
        #[source]
        source: toml::de::Error,
    },
    /// When it is no CSV.
    #[error("{}: cannot read the face map as CSV", path.display())]
    Csv {
        path: PathBuf,
        #[source]
        source: csv::Error,
    },
    /// When the CSV lacks its first column.
    #[error(
        "{}: expected the column expression and then the eight emotions, as `circumplex face table --csv` prints them, found \
         {found}",
        path.display()
    )]
    Columns { path: PathBuf, found: String },
    /// When a row or table is named for no expression.
    #[error("{}", path.display())]
    Expression {
        path: PathBuf,
        #[source]
        source: UnknownExpression,
    },
    /// When an expression stands twice.
    #[error("{}: {expression} stands twice", path.display())]
    Twice {
        path: PathBuf,
        expression: Expression,
    },
    /// When an expression is missing.
    #[error(
        "{}: {expression} is missing; begin with `circumplex face table --csv`, which has all eight",
        path.display()
    )]
    Missing {
        path: PathBuf,
        expression: Expression,
    },
    /// When a key of an expression is neither an emotion nor a mean.
    #[error(
        "{}: {expression}: {key:?} is neither an emotion nor one of valence_mean, valence_std, arousal_mean, arousal_std",
        path.display()
    )]
    Key {
        path: PathBuf,
        expression: Expression,
        key: String,
        #[source]
        source: UnknownEmotion,
    },
    /// When a value is no number.
    #[error("{}: {expression}, {key}: expected a number, found {found}", path.display())]
    Number {
        path: PathBuf,
        expression: Expression,
        key: String,
        found: String,
    },
    /// When an expression has some of the four numbers of a box, or emotions besides.
    #[error(
        "{}: {expression}: expected either emotions or all of valence_mean, valence_std, arousal_mean, arousal_std",
        path.display()
    )]
    Mixed {
        path: PathBuf,
        expression: Expression,
    },
    /// When the numbers are no vector.
    #[error("{}: {expression}", path.display())]
    Vector {
        path: PathBuf,
        expression: Expression,
        #[source]
        source: InvalidVector,
    },
    /// When the means are no box.
    #[error("{}: {expression}", path.display())]
    Box {
        path: PathBuf,
        expression: Expression,
        #[source]
        source: InvalidBox,
    },
}

use crate::Error;
use std::{io, path::PathBuf};

/// Why a data set, a label file, a split or a cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// Happens when the folder or file that was named does not exist.
    #[error("{} does not exist; name a folder in DEAM's layout, or a CSV or Parquet file of labels", .path.display())]
    NotFound {
        /// What was named.
        path: PathBuf,
    },
    /// Happens when the operating system refuses to read or write.
    #[error("{}: {doing} failed", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// Happens when a folder holds no static annotation file where DEAM's layouts have one.
    #[error(
        "{} holds no annotations: expected static_annotations_averaged_songs_*.csv in \"DEAM_Annotations/annotations/annotations averaged per song/song_level\", in \"annotations/annotations averaged per song/song_level\", or beside the audio files", .root.display()
    )]
    NoAnnotations {
        /// The data set's folder.
        root: PathBuf,
    },
    /// Happens when not one song has both audio and labels.
    #[error(
        "{}: no song has both audio and labels ({labelled} with labels, {audio} audio files{}); expected audio files named <song id>.<extension> in DEAM_audio/MEMD_audio, MEMD_audio, audio or the folder itself", .root.display(), looked_in(.folder)
    )]
    NoSongs {
        /// The data set's folder or label file.
        root: PathBuf,
        /// Songs with labels.
        labelled: usize,
        /// Audio files found.
        audio: usize,
        /// Where audio was looked for, if such a folder was found.
        folder: Option<PathBuf>,
    },
    /// Happens when a CSV file cannot be parsed.
    #[error("{}: not readable as CSV", .path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// The parser's reason.
        source: csv::Error,
    },
    /// Happens when a Parquet file cannot be read or written.
    #[error("{}: not usable as Parquet", .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The library's reason.
        source: parquet::errors::ParquetError,
    },
    /// Happens when the columns of a table are not those that are needed.
    #[error("{}: {expected}; found the columns {found}", .path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// What was expected, and where a name is close, that name.
        expected: String,
        /// The names that are there.
        found: String,
    },
    /// Happens when a cell of a table holds another thing than it must.
    #[error("{} line {line}, column {column}: expected {expected}, found {found:?}", .path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Line of the file (1 is the header); the row plus one in Parquet.
        line: u64,
        /// The column's name.
        column: String,
        /// What was expected.
        expected: String,
        /// What the cell holds.
        found: String,
    },
    /// Happens when a label file's mean and deviation make no box on the plane.
    #[error("{} line {line}, song {id}", .path.display())]
    Box {
        /// The file.
        path: PathBuf,
        /// Line of the file.
        line: u64,
        /// The song.
        id: String,
        /// What is wrong with it.
        source: Error,
    },
    /// Happens when a label file's eight percentages are no valid vector.
    #[error("{} line {line}, song {id}", .path.display())]
    Vector {
        /// The file.
        path: PathBuf,
        /// Line of the file.
        line: u64,
        /// The song.
        id: String,
        /// What is wrong with it.
        source: Error,
    },
    /// Happens when the values of a label file lie outside the scale that was stated for them.
    #[error(
        "{} line {line}: {column} is {found}, outside the stated scale {scale}; state the file's own scale (--scale LOW..HIGH)", .path.display()
    )]
    Scale {
        /// The file.
        path: PathBuf,
        /// Line of the file.
        line: u64,
        /// The column's name.
        column: String,
        /// The value.
        found: f64,
        /// The stated scale.
        scale: String,
    },
    /// Happens when a label file names an audio file that is not there.
    #[error("{} line {line}: the audio file {} does not exist (paths are relative to {})", .path.display(), .audio.display(), .base.display())]
    AudioMissing {
        /// The label file.
        path: PathBuf,
        /// Line of the file.
        line: u64,
        /// The audio file.
        audio: PathBuf,
        /// The folder that relative paths start from.
        base: PathBuf,
    },
    /// Happens when an id stands twice in a file where it must stand once.
    #[error("{} line {line}: song {id} is there twice", .path.display())]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// Line of the second.
        line: u64,
        /// The song.
        id: String,
    },
    /// Happens when an artist-disjoint split is asked for and no song's artist is known.
    #[error(
        "{}: no song's artist is known, so artists cannot be kept apart; add DEAM's metadata files (metadata/metadata_2013.csv and so on) or a songs.csv with song_id and artist, or split at random", .root.display()
    )]
    NoArtists {
        /// The data set's folder.
        root: PathBuf,
    },
    /// Happens when a split or its parameters make no sense for the data set.
    #[error("{reason}")]
    Split {
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Happens when a table cannot be written.
    #[error(transparent)]
    Write(#[from] crate::Error),
    /// Happens when an option's value makes no sense.
    #[error("{option}: expected {expected}, found {found}")]
    Option {
        /// The option.
        option: &'static str,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
}

fn looked_in(folder: &Option<PathBuf>) -> String {
    folder
        .as_ref()
        .map_or_else(String::new, |f| format!(" in {}", f.display()))
}

impl DatasetError {
    pub(super) fn io(
        path: impl Into<PathBuf>,
        doing: &'static str,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| DatasetError::Io {
            path,
            doing,
            source,
        }
    }
}

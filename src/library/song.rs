//! One song, and the table of columns from which schema, writer and reader are made.

use super::{Cell, arrays::Value};
use crate::emotion::{EmotionVector, Moment};
use arrow_array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    fs, io,
    path::{Component, Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Microseconds since 1970-01-01 00:00:00 UTC, negative before.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Micros(pub i64);

impl Micros {
    /// The current time.
    pub fn now() -> Self {
        SystemTime::now().into()
    }
}

impl From<SystemTime> for Micros {
    /// Rounds down to the microsecond; times more than 292,000 years away become the furthest possible.
    fn from(time: SystemTime) -> Self {
        Micros(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => {
                let before = before.duration();
                let whole = i64::try_from(before.as_micros()).unwrap_or(i64::MAX);
                let rest = !before.subsec_nanos().is_multiple_of(1000);
                (-whole).saturating_sub(i64::from(rest))
            }
        })
    }
}

/// The one table of columns: each becomes a field of [`Song`], a variant of [`Column`], a field of the schema, and is encoded and
/// decoded by its type. The path takes two columns, because Parquet's text cannot hold every name of a file.
macro_rules! columns {
    ($($(#[$doc:meta])* $variant:ident $field:ident: $type:ty,)*) => {
        /// One song: a music file, or a track of one that a CUE sheet divides.
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        pub struct Song {
            /// Absolute path of the file.
            #[serde(flatten, with = "exact_path")]
            pub path: PathBuf,
            $($(#[$doc])* pub $field: $type,)*
        }

        /// The columns, in the order of the file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Column {
            /// Absolute path of the file; U+FFFD replaces what is not UTF-8.
            Path,
            /// The path's exact bytes if it is not UTF-8, otherwise null.
            PathBytes,
            $($(#[$doc])* $variant,)*
        }

        impl Column {
            const COUNT: usize = 2 + [$(stringify!($field)),*].len();

            /// Every column.
            pub const ALL: [Column; Self::COUNT] =
                [Column::Path, Column::PathBytes, $(Column::$variant),*];

            /// The column's name in the file.
            pub fn name(self) -> &'static str {
                match self {
                    Column::Path => "path",
                    Column::PathBytes => "path_bytes",
                    $(Column::$variant => stringify!($field),)*
                }
            }

            /// The column's type; `embedding` is the length of the model's embedding.
            pub fn data_type(self, embedding: usize) -> DataType {
                match self {
                    Column::Path => DataType::Utf8,
                    Column::PathBytes => DataType::Binary,
                    $(Column::$variant => <$type as Value>::data_type(embedding),)*
                }
            }

            /// Whether the column may be null.
            pub fn is_nullable(self) -> bool {
                match self {
                    Column::Path => false,
                    Column::PathBytes => true,
                    $(Column::$variant => <$type as Value>::NULLABLE,)*
                }
            }

            /// The column's values for some songs.
            pub(crate) fn encode(
                self,
                songs: &[Song],
                embedding: usize,
            ) -> Result<ArrayRef, ArrowError> {
                match self {
                    Column::Path => {
                        let paths = songs.iter().map(|song| Some(song.path.to_string_lossy()));
                        Ok(Arc::new(paths.collect::<StringArray>()))
                    }
                    Column::PathBytes => {
                        let bytes = songs.iter().map(|song| path_bytes(&song.path));
                        Ok(Arc::new(bytes.collect::<BinaryArray>()))
                    }
                    $(Column::$variant => <$type as Value>::encode(
                        songs.iter().map(|song| Some(&song.$field)),
                        embedding,
                    ),)*
                }
            }
        }

        impl Song {
            /// The value of a column.
            pub(crate) fn cell(&self, column: Column) -> Cell<'_> {
                match column {
                    Column::Path => Cell::Text(self.path.to_string_lossy()),
                    Column::PathBytes => path_bytes(&self.path).map_or(Cell::Null, Cell::Bytes),
                    $(Column::$variant => (&self.$field).into(),)*
                }
            }

            /// The song in a row of a batch of canonical types; or the name of the column that holds no value of its type.
            pub(super) fn decode(batch: &RecordBatch, row: usize) -> Result<Self, &'static str> {
                let mut song = Song::default();
                if let Some(array) = batch.column_by_name("path") {
                    let text = String::decode(array, row).ok_or("path")?;
                    let bytes = batch.column_by_name("path_bytes");
                    let bytes = bytes.and_then(|array| Vec::<u8>::decode(array, row));
                    song.path = path_of(text, bytes);
                }
                $(if let Some(array) = batch.column_by_name(stringify!($field)) {
                    let value = <$type as Value>::decode(array, row);
                    song.$field = value.ok_or(stringify!($field))?;
                })*
                Ok(song)
            }
        }
    };
}

columns! {
    /// Number of the track, if a CUE sheet divides the file.
    Track track: Option<u32>,
    /// Start of the track in the file, in seconds.
    TrackStartS track_start_s: Option<f64>,
    /// End of the track in the file, in seconds.
    TrackEndS track_end_s: Option<f64>,
    /// Size of the file in bytes.
    SizeBytes size_bytes: u64,
    /// The file's modification time, if its file system knows it.
    Modified modified: Option<Micros>,
    /// Length of the decoded audio in seconds; of a track, its own length.
    DurationS duration_s: f64,
    /// Sample rate of the file in hertz.
    SampleRate sample_rate: u32,
    /// Channels of the file.
    Channels channels: u32,
    /// The channel that was analyzed, counted from 1, where the two cancel each other in their mean; null for the mean.
    Channel channel: Option<u32>,
    /// Short name of the codec.
    Codec codec: String,
    /// The decoder: `symphonia`, `opus-pure` or `ffmpeg`; null in libraries of earlier versions.
    Decoder decoder: Option<String>,
    /// Title, from the file's tags or the CUE sheet.
    Title title: Option<String>,
    /// Artist, from the file's tags or the CUE sheet.
    Artist artist: Option<String>,
    /// Album, from the file's tags or the CUE sheet.
    Album album: Option<String>,
    /// Genre, from the file's tags or the CUE sheet.
    Genre genre: Option<String>,
    /// Valence, 1 to 9.
    Valence valence: f32,
    /// Arousal, 1 to 9.
    Arousal arousal: f32,
    /// The eight percentages, sum 100.
    Emotions emotions: EmotionVector,
    /// The percentages of what listeners feel, sum 100, if the model learned from their votes.
    Felt felt: Option<EmotionVector>,
    /// The model's embedding, for comparing songs with one another.
    Embedding embedding: Vec<f32>,
    /// When the song was analyzed.
    AnalyzedAt analyzed_at: Micros,
    /// Number of windows of the model that the prediction is the mean of.
    Windows windows: u32,
    /// Hash of the file's bytes (the first 128 bits of SHA-256, hexadecimal), by which a moved or copied file is recognized.
    ContentHash content_hash: Option<String>,
    /// Whether nothing in the song is audible. Its percentages then mean nothing.
    Silent silent: bool,
    /// Number of damaged packets that were skipped.
    DamagedPackets damaged_packets: u64,
    /// Seconds that the file's header declares but the file lacks.
    MissingS missing_s: f64,
    /// Start of the analyzed excerpt, in seconds; null if the whole song was analyzed.
    ExcerptStartS excerpt_start_s: Option<f64>,
    /// Length of the analyzed excerpt, in seconds.
    ExcerptLengthS excerpt_length_s: Option<f64>,
    /// Predictions for each window: start in seconds, valence, arousal, percentages, and those of what listeners feel.
    Timeline timeline: Option<Vec<Moment>>,
}

impl Column {
    /// Whether the column is new in format version 2: it reads as zero where it is missing.
    pub(crate) fn is_fact(self) -> bool {
        matches!(
            self,
            Column::Silent | Column::DamagedPackets | Column::MissingS
        )
    }
}

impl Song {
    /// The title, or else the name of the file, with the number of a track.
    pub(crate) fn shown_title(&self) -> String {
        if let Some(title) = &self.title {
            return title.clone();
        }
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        match self.track {
            Some(track) => format!("{stem} ({track})"),
            None => stem.into_owned(),
        }
    }

    /// A path that no other song of the library has: for a track of a CUE sheet, the file's path with the track's number in two
    /// digits as a further component, where no file exists.
    pub fn unique_path(&self) -> Cow<'_, Path> {
        match self.track {
            Some(track) => Cow::Owned(self.path.join(format!("{track:02}"))),
            None => Cow::Borrowed(&self.path),
        }
    }
}

/// The Arrow schema of a library whose model has an embedding of `embedding` numbers.
pub(crate) fn schema(embedding: usize) -> SchemaRef {
    let field = |column: Column| {
        let data_type = column.data_type(embedding);
        Field::new(column.name(), data_type, column.is_nullable())
    };
    Arc::new(Schema::new(Column::ALL.map(field).to_vec()))
}

/// A set of columns, to read only what is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns(u32);

impl Columns {
    /// Every column.
    pub const ALL: Self = Self::of(&Column::ALL);
    /// The file of each song, and its track.
    pub const FILE: Self = Self::of(&[Column::Path, Column::Track]);
    /// The file of each song with size, time and content hash, which tell whether it changed.
    pub const STAMP: Self = Self::FILE
        .with(Column::SizeBytes)
        .with(Column::Modified)
        .with(Column::ContentHash);
    /// Title, artist, album and genre.
    pub const TAGS: Self = Self::of(&[Column::Title, Column::Artist, Column::Album, Column::Genre]);
    /// Everything that a list or a summary shows: all but tags, embedding, timeline and technical details.
    pub const LIST: Self = Self::of(&[
        Column::Path,
        Column::Track,
        Column::TrackStartS,
        Column::TrackEndS,
        Column::DurationS,
        Column::Valence,
        Column::Arousal,
        Column::Emotions,
        Column::AnalyzedAt,
        Column::Silent,
    ]);

    /// The set of some columns. The path includes its exact bytes.
    pub const fn of(columns: &[Column]) -> Self {
        let mut set = Self(0);
        let mut n = 0;
        while n < columns.len() {
            set = set.with(columns[n]);
            n += 1;
        }
        set
    }

    /// The set and one column.
    #[must_use]
    pub const fn with(self, column: Column) -> Self {
        let bytes = match column {
            Column::Path => 1 << Column::PathBytes as u32,
            _ => 0,
        };
        Self(self.0 | 1 << column as u32 | bytes)
    }

    /// The columns of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a column is in the set.
    pub const fn contains(self, column: Column) -> bool {
        self.0 & (1 << column as u32) != 0
    }

    /// The columns, in the order of the file.
    pub fn iter(self) -> impl Iterator<Item = Column> {
        Column::ALL
            .into_iter()
            .filter(move |column| self.contains(*column))
    }
}

/// The absolute path, as libraries have it. Links keep their names, unless the path has a `..`, which Windows resolves by name.
pub(crate) fn absolute(path: &Path) -> io::Result<PathBuf> {
    if cfg!(not(windows)) && path.components().any(|c| c == Component::ParentDir) {
        fs::canonicalize(path)
    } else {
        std::path::absolute(path)
    }
}

/// The path's bytes if text cannot hold it.
pub(crate) fn path_bytes(path: &Path) -> Option<&[u8]> {
    match path.to_str() {
        Some(_) => None,
        None => Some(path.as_os_str().as_encoded_bytes()),
    }
}

/// The path of both columns, as exact as the platform allows.
pub(crate) fn path_of(text: String, bytes: Option<Vec<u8>>) -> PathBuf {
    match bytes {
        #[cfg(unix)]
        Some(bytes) => {
            use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
            PathBuf::from(OsStr::from_bytes(&bytes))
        }
        _ => PathBuf::from(text),
    }
}

/// Paths as two fields of JSON: text, and exact bytes if it is not UTF-8.
pub(super) mod exact_path {
    use super::*;
    use serde::{Deserializer, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Fields<'a> {
        path: Cow<'a, str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path_bytes: Option<Vec<u8>>,
    }

    pub(crate) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        let fields = Fields {
            path: path.to_string_lossy(),
            path_bytes: path_bytes(path).map(<[u8]>::to_vec),
        };
        fields.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        let fields = Fields::deserialize(from)?;
        Ok(path_of(fields.path.into_owned(), fields.path_bytes))
    }
}

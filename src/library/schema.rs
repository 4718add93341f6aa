//! The columns of a library and the JSON in its footer.

use super::FailedFile;
use crate::emotion::Emotion;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The key of the Parquet footer that holds [`LibraryInfo`] as JSON.
pub const FOOTER_KEY: &str = "circumplex";

/// The version of the format that this program writes. It rises when a file of the new kind would be misread by a program
/// that knows only the old one; further columns and further footer fields do not raise it.
pub const FORMAT_VERSION: u32 = 1;

/// What the footer says of a library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LibraryInfo {
    /// [`FORMAT_VERSION`] of the program that wrote it.
    pub format_version: u32,
    /// The eight emotions in the order of the percentages.
    pub labels: Vec<String>,
    /// The model that made every vector in the file.
    pub model: ModelStamp,
    /// The model's preprocessing, as in the model file's metadata.
    pub preprocessing: serde_json::Value,
    /// Name and version of the program that wrote it.
    pub program: String,
    /// Whether every row has a timeline. A library that has them goes on having them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timeline: bool,
    /// Files that could not be analysed, and why. Left alone by further runs as long as they do not change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailedFile>,
}

/// Which model made the vectors. Vectors of models with different identities are not comparable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelStamp {
    /// Hash of the model file, hexadecimal.
    pub identity: String,
    /// The model's name, for people.
    pub name: String,
}

/// The key in the preprocessing that says which part of each song was heard.
const EXCERPT: &str = "excerpt";

impl LibraryInfo {
    /// Which part of its songs a library is about, as a person writes it (`45s`); `None` for whole songs.
    pub fn excerpt(&self) -> Option<&str> {
        self.preprocessing.get(EXCERPT)?.as_str()
    }

    /// Says that only a part of each song is heard. It counts as preprocessing, so that vectors of parts and of whole songs
    /// never stand in one library.
    pub fn set_excerpt(&mut self, excerpt: &str) {
        self.preprocessing[EXCERPT] = excerpt.into();
    }

    /// Whether vectors of two libraries can be compared: same model, same preprocessing.
    pub fn is_comparable(&self, other: &Self) -> bool {
        self.model.identity == other.model.identity && self.preprocessing == other.preprocessing
    }

    /// What this program writes for a model.
    pub fn new(model: ModelStamp, preprocessing: serde_json::Value) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            labels: expected_labels(),
            model,
            preprocessing,
            program: concat!("circumplex ", env!("CARGO_PKG_VERSION")).to_owned(),
            timeline: false,
            failures: Vec::new(),
        }
    }
}

/// The names of the eight emotions in their order.
pub(super) fn expected_labels() -> Vec<String> {
    Emotion::ALL.map(|e| e.name().to_owned()).to_vec()
}

/// The columns, in the order in which they stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Absolute path of the file; where the name is not UTF-8, with U+FFFD for what is not.
    Path,
    /// The path's exact bytes where it is not UTF-8, otherwise null.
    PathBytes,
    /// Size of the file in bytes.
    SizeBytes,
    /// The file's modification time, where its file system knows it.
    Modified,
    /// Length of the decoded sound in seconds.
    DurationS,
    /// Sample rate of the file in hertz.
    SampleRate,
    /// Channels of the file.
    Channels,
    /// Short name of the codec.
    Codec,
    /// Title, from the file's tags.
    Title,
    /// Artist, from the file's tags.
    Artist,
    /// Album, from the file's tags.
    Album,
    /// Genre, from the file's tags.
    Genre,
    /// Valence, 1 to 9.
    Valence,
    /// Arousal, 1 to 9.
    Arousal,
    /// The eight percentages, sum 100.
    Emotions,
    /// The model's embedding, for comparing songs with one another.
    Embedding,
    /// When the song was analysed.
    AnalyzedAt,
    /// Windows of the model that the answer is the mean of.
    Windows,
    /// Hash of the file's bytes (the first 128 bits of SHA-256, hexadecimal).
    ContentHash,
    /// What is special about how the song was heard ([`Note`](super::Note)); null for ordinary songs.
    Note,
    /// What the model says of each window: start in seconds, valence, arousal and percentages. Null where it was not kept.
    Timeline,
}

impl Column {
    /// Every column.
    pub const ALL: [Column; 21] = [
        Column::Path,
        Column::PathBytes,
        Column::SizeBytes,
        Column::Modified,
        Column::DurationS,
        Column::SampleRate,
        Column::Channels,
        Column::Codec,
        Column::Title,
        Column::Artist,
        Column::Album,
        Column::Genre,
        Column::Valence,
        Column::Arousal,
        Column::Emotions,
        Column::Embedding,
        Column::AnalyzedAt,
        Column::Windows,
        Column::ContentHash,
        Column::Note,
        Column::Timeline,
    ];

    /// The column's name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Column::Path => "path",
            Column::PathBytes => "path_bytes",
            Column::SizeBytes => "size_bytes",
            Column::Modified => "modified",
            Column::DurationS => "duration_s",
            Column::SampleRate => "sample_rate",
            Column::Channels => "channels",
            Column::Codec => "codec",
            Column::Title => "title",
            Column::Artist => "artist",
            Column::Album => "album",
            Column::Genre => "genre",
            Column::Valence => "valence",
            Column::Arousal => "arousal",
            Column::Emotions => "emotions",
            Column::Embedding => "embedding",
            Column::AnalyzedAt => "analyzed_at",
            Column::Windows => "windows",
            Column::ContentHash => "content_hash",
            Column::Note => "note",
            Column::Timeline => "timeline",
        }
    }

    /// The column's type; `embedding` is the length of the model's embedding, which a reader takes from the file.
    pub fn data_type(self, embedding: i32) -> DataType {
        match self {
            Column::Path
            | Column::Codec
            | Column::Title
            | Column::Artist
            | Column::Album
            | Column::Genre
            | Column::ContentHash
            | Column::Note => DataType::Utf8,
            Column::PathBytes => DataType::Binary,
            Column::SizeBytes => DataType::Int64,
            Column::Modified | Column::AnalyzedAt => {
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
            }
            Column::DurationS => DataType::Float64,
            Column::SampleRate | Column::Channels | Column::Windows => DataType::Int32,
            Column::Valence | Column::Arousal => DataType::Float32,
            Column::Emotions => DataType::FixedSizeList(list_item(), Emotion::COUNT as i32),
            Column::Embedding => DataType::FixedSizeList(list_item(), embedding),
            Column::Timeline => DataType::List(moment_item()),
        }
    }

    /// Whether a row may lack it.
    pub fn is_nullable(self) -> bool {
        matches!(
            self,
            Column::PathBytes
                | Column::Modified
                | Column::Title
                | Column::Artist
                | Column::Album
                | Column::Genre
                | Column::ContentHash
                | Column::Note
                | Column::Timeline
        )
    }

    /// The column's place in a file that this program wrote.
    pub(super) fn field(self, embedding: i32) -> Field {
        Field::new(self.name(), self.data_type(embedding), self.is_nullable())
    }
}

/// The element of the two lists of numbers.
pub(super) fn list_item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Float32, false))
}

/// The fields of a moment of a timeline.
pub(super) fn moment_fields() -> Fields {
    let field = |name: &str, data_type| Field::new(name, data_type, false);
    let emotions = DataType::FixedSizeList(list_item(), Emotion::COUNT as i32);
    Fields::from(vec![
        field("start_s", DataType::Float64),
        field("valence", DataType::Float32),
        field("arousal", DataType::Float32),
        field("emotions", emotions),
    ])
}

/// The element of a timeline.
pub(super) fn moment_item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Struct(moment_fields()), false))
}

/// The Arrow schema of a library whose model has an embedding of `embedding` numbers.
pub fn schema(embedding: i32) -> SchemaRef {
    let fields: Vec<Field> = Column::ALL
        .iter()
        .map(|column| column.field(embedding))
        .collect();
    Arc::new(Schema::new(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_stands_once_and_in_the_order_of_the_enum() {
        let schema = schema(4);
        let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        assert_eq!(
            names,
            [
                "path",
                "path_bytes",
                "size_bytes",
                "modified",
                "duration_s",
                "sample_rate",
                "channels",
                "codec",
                "title",
                "artist",
                "album",
                "genre",
                "valence",
                "arousal",
                "emotions",
                "embedding",
                "analyzed_at",
                "windows",
                "content_hash",
                "note",
                "timeline"
            ]
        );
    }
}

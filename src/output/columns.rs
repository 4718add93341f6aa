//! The columns of the output, and the values of a song.

use crate::{
    Error, ErrorKind, Result,
    emotion::{Emotion, EmotionVector, Moment},
    library::{Column, Columns, Micros, Song},
    text::did_you_mean,
};
use arrow_array::{
    ArrayRef, Float32Array, Float64Array, Int64Array, StringArray,
    temporal_conversions::timestamp_us_to_datetime,
};
use arrow_schema::{ArrowError, DataType};
use serde::{Serialize, Serializer};
use std::{borrow::Cow, fmt::Write, sync::Arc};

/// A column of an export. Each of the eight percentages has its own, and the strongest emotion too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExportColumn {
    /// A column of the library, other than [`Column::Emotions`].
    Of(Column),
    /// `emotion`: the name of the strongest emotion; null for a silent song.
    Strongest,
    /// The percentage of one emotion, under its name.
    Percentage(Emotion),
}

/// The name for all eight percentages.
const ALL_EMOTIONS: &str = "emotions";

impl ExportColumn {
    /// Every column, in the order of an export.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for column in Column::ALL {
            if column == Column::Emotions {
                all.push(Self::Strongest);
                all.extend(Emotion::ALL.map(Self::Percentage));
            } else {
                all.push(Self::Of(column));
            }
        }
        all
    }

    /// The default columns: all but the exact bytes of file names, the embedding and the timeline.
    pub(crate) fn default_columns() -> Vec<Self> {
        let on_request = [Column::PathBytes, Column::Embedding, Column::Timeline].map(Self::Of);
        let mut columns = Self::all();
        columns.retain(|column| !on_request.contains(column));
        columns
    }

    /// The column's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Of(column) => column.name(),
            Self::Strongest => "emotion",
            Self::Percentage(emotion) => emotion.name(),
        }
    }

    /// Reads names of columns; `emotions` means the eight percentages. A repeated name counts once.
    ///
    /// # Errors
    /// Where a name is unknown.
    pub(crate) fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>> {
        let all = Self::all();
        let mut found: Vec<Self> = Vec::new();
        for name in names {
            let wanted = name.trim().to_lowercase();
            let is_wanted = |column: &&Self| match column {
                Self::Percentage(_) if wanted == ALL_EMOTIONS => true,
                column => column.name() == wanted,
            };
            let columns: Vec<Self> = all.iter().filter(is_wanted).copied().collect();
            if columns.is_empty() {
                let names: Vec<&str> = all.iter().map(|c| c.name()).chain([ALL_EMOTIONS]).collect();
                let message = format!(
                    "unknown column {name:?}{}; the columns are: {}",
                    did_you_mean(name, names.iter().copied()),
                    names.join(", ")
                );
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
            for column in columns {
                if !found.contains(&column) {
                    found.push(column);
                }
            }
        }
        Ok(found)
    }

    /// The column as a field of the output.
    pub(crate) fn field(self) -> Field {
        let (data_type, is_nullable) = match self {
            Self::Of(column) => (column.data_type(0), column.is_nullable()),
            Self::Strongest => (DataType::Utf8, true),
            Self::Percentage(_) => (DataType::Float32, false),
        };
        Field {
            name: self.name(),
            data_type,
            is_nullable,
            source: Source::Song(self),
        }
    }

    fn cell(self, song: &Song) -> Cell<'_> {
        let column = match self {
            Self::Of(column) => column,
            Self::Strongest if song.silent => return Cell::Null,
            Self::Strongest => return song.emotions.strongest().name().into(),
            Self::Percentage(emotion) => return song.emotions.get(emotion).into(),
        };
        match column {
            Column::Path => Cell::Text(song.path.to_string_lossy()),
            Column::PathBytes if song.path.to_str().is_some() => Cell::Null,
            Column::PathBytes => Cell::Bytes(song.path.as_os_str().as_encoded_bytes()),
            Column::Track => song.track.into(),
            Column::TrackStartS => song.track_start_s.into(),
            Column::TrackEndS => song.track_end_s.into(),
            Column::SizeBytes => song.size_bytes.into(),
            Column::Modified => song.modified.into(),
            Column::DurationS => song.duration_s.into(),
            Column::SampleRate => song.sample_rate.into(),
            Column::Channels => song.channels.into(),
            Column::Codec => song.codec.as_str().into(),
            Column::Title => song.title.as_deref().into(),
            Column::Artist => song.artist.as_deref().into(),
            Column::Album => song.album.as_deref().into(),
            Column::Genre => song.genre.as_deref().into(),
            Column::Valence => song.valence.into(),
            Column::Arousal => song.arousal.into(),
            Column::Emotions => (&song.emotions).into(),
            Column::Embedding => Cell::Floats(&song.embedding),
            Column::AnalyzedAt => song.analyzed_at.into(),
            Column::Windows => song.windows.into(),
            Column::ContentHash => song.content_hash.as_deref().into(),
            Column::Silent => song.silent.into(),
            Column::DamagedPackets => song.damaged_packets.into(),
            Column::MissingS => song.missing_s.into(),
            Column::ExcerptStartS => song.excerpt_start_s.into(),
            Column::ExcerptLengthS => song.excerpt_length_s.into(),
            Column::Timeline => song.timeline.as_deref().map_or(Cell::Null, Cell::Moments),
        }
    }
}

/// A column of the output.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) data_type: DataType,
    pub(crate) is_nullable: bool,
    source: Source,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Song(ExportColumn),
    /// The number of the value among those that come with the song.
    Extra(usize),
}

impl Field {
    /// A field whose value comes with the song, at index `number`.
    pub(crate) fn extra(name: &'static str, data_type: DataType, number: usize) -> Self {
        Self {
            name,
            data_type,
            is_nullable: true,
            source: Source::Extra(number),
        }
    }

    /// The columns of the library that the field is made from.
    pub(super) fn columns(&self) -> Columns {
        match self.source {
            Source::Song(ExportColumn::Of(column)) => Columns::of(&[column]),
            Source::Song(_) => Columns::of(&[Column::Emotions, Column::Silent]),
            Source::Extra(_) => Columns::of(&[]),
        }
    }

    pub(super) fn cell<'a>(&self, song: &'a Song, extra: &'a [Cell<'static>]) -> Cell<'a> {
        match self.source {
            Source::Song(column) => column.cell(song),
            Source::Extra(number) => extra.get(number).cloned().unwrap_or(Cell::Null),
        }
    }

    /// The field of an Arrow schema.
    pub(super) fn arrow(&self, embedding: usize) -> arrow_schema::Field {
        let data_type = match self.source {
            Source::Song(ExportColumn::Of(column)) => column.data_type(embedding),
            _ => self.data_type.clone(),
        };
        arrow_schema::Field::new(self.name, data_type, self.is_nullable)
    }

    /// The values of some songs as an Arrow array.
    pub(super) fn array(
        &self,
        songs: &[Song],
        extra: &[Vec<Cell<'static>>],
        embedding: usize,
    ) -> std::result::Result<ArrayRef, ArrowError> {
        if let Source::Song(ExportColumn::Of(column)) = self.source {
            return column.encode(songs, embedding);
        }
        let cells = songs
            .iter()
            .zip(extra)
            .map(|(s, extra)| self.cell(s, extra));
        Ok(match self.data_type {
            DataType::Int64 => Arc::new(Int64Array::from_iter(cells.map(|cell| match cell {
                Cell::Integer(number) => Some(number),
                _ => None,
            }))),
            DataType::Float64 => Arc::new(Float64Array::from_iter(cells.map(|cell| match cell {
                Cell::Double(number) => Some(number),
                _ => None,
            }))),
            DataType::Float32 => Arc::new(Float32Array::from_iter(cells.map(|cell| match cell {
                Cell::Float(number) => Some(number),
                _ => None,
            }))),
            _ => Arc::new(StringArray::from_iter(cells.map(|cell| cell.text()))),
        })
    }

    /// Whether the value comes with the song.
    pub(super) fn is_extra(&self) -> bool {
        matches!(self.source, Source::Extra(_))
    }
}

/// A value of a song.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f32),
    Double(f64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Time(Micros),
    Floats(&'a [f32]),
    Emotions(&'a EmotionVector),
    Moments(&'a [Moment]),
}

impl Cell<'_> {
    /// The value as text, as every text format writes it: times in ISO 8601 (UTC), bytes in hexadecimal, lists as JSON; `None` for
    /// null.
    pub(crate) fn text(&self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Boolean(value) => value.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Double(number) => number.to_string(),
            Self::Text(text) => text.clone().into_owned(),
            Self::Bytes(bytes) => bytes.iter().fold(String::new(), |mut text, byte| {
                // Writing to a string cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            }),
            Self::Time(time) => {
                let time = timestamp_us_to_datetime(time.0)?;
                time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
            }
            Self::Floats(_) | Self::Emotions(_) | Self::Moments(_) => {
                serde_json::to_string(self).ok()?
            }
        })
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_none(),
            Self::Boolean(value) => value.serialize(to),
            Self::Integer(number) => number.serialize(to),
            Self::Float(number) => number.serialize(to),
            Self::Double(number) => number.serialize(to),
            Self::Floats(numbers) => numbers.serialize(to),
            Self::Emotions(vector) => vector.serialize(to),
            Self::Moments(moments) => moments.serialize(to),
            Self::Text(_) | Self::Bytes(_) | Self::Time(_) => self.text().serialize(to),
        }
    }
}

macro_rules! from {
    ($($type:ty, $value:ident => $cell:expr;)*) => {$(
        impl<'a> From<$type> for Cell<'a> {
            fn from($value: $type) -> Self {
                $cell
            }
        }
    )*};
}

from! {
    bool, value => Cell::Boolean(value);
    i64, number => Cell::Integer(number);
    u32, number => Cell::Integer(number.into());
    u64, number => Cell::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    f32, number => Cell::Float(number);
    f64, number => Cell::Double(number);
    &'a str, text => Cell::Text(text.into());
    Micros, time => Cell::Time(time);
    &'a EmotionVector, vector => Cell::Emotions(vector);
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_parsed_by_name_with_a_suggestion_for_unknown_ones() {
        assert_eq!(ExportColumn::parse(["path", "emotions"]).unwrap().len(), 9);
        let error = ExportColumn::parse(["tilte"]).unwrap_err().to_string();
        assert!(error.contains("did you mean \"title\""), "{error}");
    }
}

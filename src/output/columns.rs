//! The columns of the output, and the values of a song.

use crate::{
    Error, Result,
    emotion::Emotion,
    library::{Cell, Column, Columns, Song},
    text::did_you_mean,
};
use arrow_array::{ArrayRef, Float32Array, Float64Array, Int64Array, StringArray};
use arrow_schema::{ArrowError, DataType};
use std::sync::Arc;

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
                return Err(Error::invalid(format!(
                    "unknown column {name:?}{}; the columns are: {}",
                    did_you_mean(name, names.iter().copied()),
                    names.join(", ")
                )));
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
            Self::Strongest => return Cell::Text(song.emotions.strongest().name().into()),
            Self::Percentage(emotion) => return Cell::Float(song.emotions.get(emotion)),
        };
        song.cell(column)
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

//! The columns of the output, and the values of a song.

use crate::{
    Error, Result,
    emotion::Emotion,
    library::{Cell, Column, Columns, Song},
    search::{MeanEmotions, strongest},
    text::did_you_mean,
};
use arrow_array::{ArrayRef, Float32Array, Float64Array, Int64Array, StringArray};
use arrow_schema::{ArrowError, DataType};
use std::{borrow::Cow, sync::Arc};

/// A column of the output. Each of the eight percentages has its own, and the strongest emotion too.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field {
    /// A column of the library, other than [`Column::Emotions`] and [`Column::Felt`].
    Of(Column),
    /// `emotion`: the name of the strongest emotion, relative to a mean if there is one; null for a silent song.
    Strongest(Option<MeanEmotions>),
    /// `mood_score`: happy / (happy + depressed), from 0 (sad) to 1 (happy); null for a silent song and where both are 0.
    MoodScore,
    /// The percentage of one emotion, under its name.
    Percentage(Emotion),
    /// The percentage of one emotion that listeners feel, as `felt_happy`; null if the model does not tell.
    Felt(Emotion),
    /// A value that comes with the song, at index `number`.
    Extra {
        name: Cow<'static, str>,
        data_type: DataType,
        number: usize,
    },
}

/// The name for all eight percentages.
const ALL_EMOTIONS: &str = "emotions";
/// The name for all eight percentages that listeners feel.
const ALL_FELT: &str = "felt";

impl Field {
    /// Every column, in the order of an export.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for column in Column::ALL {
            if column == Column::Emotions {
                all.extend([Self::Strongest(None), Self::MoodScore]);
                all.extend(Emotion::ALL.map(Self::Percentage));
            } else if column == Column::Felt {
                all.extend(Emotion::ALL.map(Self::Felt));
            } else {
                all.push(Self::Of(column));
            }
        }
        all
    }

    /// The default columns: all but the exact bytes of file names, the embedding, the timeline, the mood score, and `felt` unless
    /// the library has it.
    pub(crate) fn default_columns(has_felt: bool) -> Vec<Self> {
        let on_request = [Column::PathBytes, Column::Embedding, Column::Timeline].map(Self::Of);
        let mut columns = Self::all();
        columns.retain(|column| match column {
            Self::Felt(_) => has_felt,
            Self::MoodScore => false,
            column => !on_request.contains(column),
        });
        columns
    }

    /// A field whose value comes with the song, at index `number`.
    pub(crate) fn extra(
        name: impl Into<Cow<'static, str>>,
        data_type: DataType,
        number: usize,
    ) -> Self {
        Self::Extra {
            name: name.into(),
            data_type,
            number,
        }
    }

    /// The column's name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Of(column) => column.name(),
            Self::Strongest(_) => "emotion",
            Self::MoodScore => "mood_score",
            Self::Percentage(emotion) => emotion.name(),
            Self::Felt(emotion) => match emotion {
                Emotion::Happy => "felt_happy",
                Emotion::Excited => "felt_excited",
                Emotion::Tense => "felt_tense",
                Emotion::Frustrated => "felt_frustrated",
                Emotion::Depressed => "felt_depressed",
                Emotion::Tired => "felt_tired",
                Emotion::Calm => "felt_calm",
                Emotion::Content => "felt_content",
            },
            Self::Extra { name, .. } => name,
        }
    }

    /// Reads names of columns; `emotions` and `felt` mean the eight percentages each. A repeated name counts once.
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
                Self::Felt(_) if wanted == ALL_FELT => true,
                column => column.name() == wanted,
            };
            let columns: Vec<Self> = all.iter().filter(is_wanted).cloned().collect();
            if columns.is_empty() {
                let names = all.iter().map(|column| column.name());
                let names: Vec<&str> = names.chain([ALL_EMOTIONS, ALL_FELT]).collect();
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

    /// The column's type; `embedding` is the length of the model's embedding.
    pub(super) fn data_type(&self, embedding: usize) -> DataType {
        match self {
            Self::Of(column) => column.data_type(embedding),
            Self::Strongest(_) => DataType::Utf8,
            Self::MoodScore | Self::Percentage(_) | Self::Felt(_) => DataType::Float32,
            Self::Extra { data_type, .. } => data_type.clone(),
        }
    }

    pub(super) fn is_nullable(&self) -> bool {
        match self {
            Self::Of(column) => column.is_nullable(),
            Self::Percentage(_) => false,
            Self::Strongest(_) | Self::MoodScore | Self::Felt(_) | Self::Extra { .. } => true,
        }
    }

    /// The columns of the library that the field is made from.
    pub(crate) fn columns(&self) -> Columns {
        match self {
            Self::Of(column) => Columns::of(&[*column]),
            Self::Strongest(_) | Self::MoodScore | Self::Percentage(_) => {
                Columns::of(&[Column::Emotions, Column::Silent])
            }
            Self::Felt(_) => Columns::of(&[Column::Felt]),
            Self::Extra { .. } => Columns::of(&[]),
        }
    }

    pub(crate) fn cell<'a>(&self, song: &'a Song, extra: &'a [Cell<'static>]) -> Cell<'a> {
        match self {
            Self::Of(column) => song.cell(*column),
            Self::Strongest(_) if song.silent => Cell::Null,
            Self::Strongest(relative_to) => {
                let (emotion, _) = strongest(&song.emotions, relative_to.as_ref());
                Cell::Text(emotion.name().into())
            }
            Self::MoodScore => {
                let [happy, sad] =
                    [Emotion::Happy, Emotion::Depressed].map(|it| song.emotions.get(it));
                match happy + sad {
                    sum if sum > 0.0 && !song.silent => Cell::Float(happy / sum),
                    _ => Cell::Null,
                }
            }
            Self::Percentage(emotion) => Cell::Float(song.emotions.get(*emotion)),
            Self::Felt(emotion) => match song.felt {
                Some(felt) => Cell::Float(felt.get(*emotion)),
                None => Cell::Null,
            },
            Self::Extra { number, .. } => extra.get(*number).cloned().unwrap_or(Cell::Null),
        }
    }

    /// The field of an Arrow schema.
    pub(super) fn arrow(&self, embedding: usize) -> arrow_schema::Field {
        arrow_schema::Field::new(self.name(), self.data_type(embedding), self.is_nullable())
    }

    /// The values of some songs as an Arrow array.
    pub(crate) fn array(
        &self,
        songs: &[Song],
        extra: &[Vec<Cell<'static>>],
        embedding: usize,
    ) -> std::result::Result<ArrayRef, ArrowError> {
        if let Self::Of(column) = self {
            return column.encode(songs, embedding);
        }
        let cells = songs
            .iter()
            .zip(extra)
            .map(|(s, extra)| self.cell(s, extra));
        Ok(match self.data_type(embedding) {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emotion::EmotionVector;

    #[test]
    fn the_mood_score_of_a_song_is_happy_against_depressed() {
        let score = |weights, silent| {
            let emotions = EmotionVector::from_weights(weights).unwrap();
            let song = Song {
                emotions,
                silent,
                ..Song::default()
            };
            match Field::MoodScore.cell(&song, &[]) {
                Cell::Float(score) => Some(score),
                _ => None,
            }
        };
        let (happy, sad) = (3.0, 1.0);
        let mixed = [happy, 5.0, 0.0, 0.0, sad, 0.0, 2.0, 0.0];
        assert_eq!(score(mixed, false), Some(0.75));
        assert_eq!(score(mixed, true), None);
        let calm = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        assert_eq!(score(calm, false), None);
        assert!(!Field::default_columns(true).contains(&Field::MoodScore));
    }

    #[test]
    fn columns_are_parsed_by_name_with_a_suggestion_for_unknown_ones() {
        assert_eq!(Field::parse(["path", "emotions"]).unwrap().len(), 9);
        assert_eq!(Field::parse(["mood_score"]).unwrap(), [Field::MoodScore]);
        let error = Field::parse(["tilte"]).unwrap_err().to_string();
        assert!(error.contains("did you mean \"title\""), "{error}");
    }
}

//! Conditions on the columns of a library, as in the `WHERE` of SQL.

mod evaluate;
mod parse;
#[cfg(test)]
mod tests;

pub use parse::FilterError;

use crate::{
    emotion::Emotion,
    library::{Column, Columns},
};
use arrow::{
    array::{BooleanArray, RecordBatch},
    error::ArrowError,
};

/// A condition that songs must meet. A song for which it is neither true nor false, because a tag is absent, does not meet it, as
/// in SQL.
///
/// ```
/// use circumplex::search::Filter;
/// assert!("genre IN ('Jazz', 'Soul') AND duration BETWEEN 120 AND 360".parse::<Filter>().is_ok());
/// let error = "gener = 'Jazz'".parse::<Filter>().unwrap_err();
/// assert!(error.to_string().contains("did you mean `genre`?"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Condition);

impl Filter {
    /// The columns that have to be read, at least one.
    pub(super) fn columns(&self) -> Columns {
        let mut columns = Vec::new();
        self.0.columns(&mut columns);
        Columns::of(&columns)
    }

    /// For each row of a batch with these columns whether it meets the condition; null where that is not known.
    pub(super) fn holds(&self, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        evaluate::condition(&self.0, batch)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// A comparison with NULL: never known.
    Unknown(Field),
    IsNull(Field),
    Compare {
        field: Field,
        by: Comparison,
        with: Operand,
    },
    Like {
        field: Field,
        /// `%`, `_`, and a backslash before what is meant literally.
        pattern: String,
        any_case: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Field(Field),
    Number(f64),
    Text(String),
    /// Microseconds since 1970, UTC.
    Time(i64),
}

/// What a condition can be about.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Field {
    Stored(Column),
    /// The percentage of one emotion.
    Emotion(Emotion),
    /// The name of the emotion with the largest percentage.
    Strongest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Time,
}

impl Field {
    /// Each with its name, as it is typed.
    fn all() -> impl Iterator<Item = (&'static str, Field)> {
        const STORED: [Column; 22] = [
            Column::Path,
            Column::Title,
            Column::Artist,
            Column::Album,
            Column::Genre,
            Column::DurationS,
            Column::Valence,
            Column::Arousal,
            Column::Codec,
            Column::SampleRate,
            Column::Channels,
            Column::SizeBytes,
            Column::Windows,
            Column::Track,
            Column::TrackStartS,
            Column::TrackEndS,
            Column::DamagedPackets,
            Column::MissingS,
            Column::ExcerptStartS,
            Column::ExcerptLengthS,
            Column::Modified,
            Column::AnalyzedAt,
        ];
        let stored = STORED.map(|column| (column.name(), Field::Stored(column)));
        let emotions = Emotion::ALL.map(|emotion| (emotion.name(), Field::Emotion(emotion)));
        stored
            .into_iter()
            .chain([
                ("duration", Field::Stored(Column::DurationS)),
                ("strongest", Field::Strongest),
            ])
            .chain(emotions)
    }

    fn kind(self) -> Kind {
        match self {
            Field::Strongest => Kind::Text,
            Field::Emotion(_) => Kind::Number,
            Field::Stored(column) => match column {
                Column::Modified | Column::AnalyzedAt => Kind::Time,
                Column::DurationS
                | Column::Valence
                | Column::Arousal
                | Column::SampleRate
                | Column::Channels
                | Column::SizeBytes
                | Column::Windows
                | Column::Track
                | Column::TrackStartS
                | Column::TrackEndS
                | Column::DamagedPackets
                | Column::MissingS
                | Column::ExcerptStartS
                | Column::ExcerptLengthS => Kind::Number,
                _ => Kind::Text,
            },
        }
    }

    fn column(self) -> Column {
        match self {
            Field::Stored(column) => column,
            Field::Emotion(_) | Field::Strongest => Column::Emotions,
        }
    }
}

impl Condition {
    fn columns(&self, into: &mut Vec<Column>) {
        let mut add = |field: &Field| {
            if !into.contains(&field.column()) {
                into.push(field.column());
            }
        };
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.columns(into);
                }
            }
            Self::Not(part) => part.columns(into),
            Self::Unknown(field) | Self::IsNull(field) | Self::Like { field, .. } => add(field),
            Self::Compare { field, with, .. } => {
                add(field);
                if let Operand::Field(other) = with {
                    add(other);
                }
            }
        }
    }
}

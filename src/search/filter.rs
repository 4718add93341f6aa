//! Conditions on the columns of a library, as in the `WHERE` of SQL.

mod evaluate;
mod parse;
#[cfg(test)]
mod tests;

use crate::{
    emotion::Emotion,
    error::{Error, Result},
    library::{Column, Columns},
};
use arrow_array::RecordBatch;
use std::str::FromStr;

/// A condition that songs must meet. As in SQL, a song does not meet it if it is neither true nor false because a tag is missing.
///
/// ```
/// use circumplex::Filter;
/// assert!("genre IN ('Jazz', 'Soul') AND duration BETWEEN 120 AND 360".parse::<Filter>().is_ok());
/// let error = "gener = 'Jazz'".parse::<Filter>().unwrap_err();
/// assert!(error.to_string().contains("did you mean \"genre\"?"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Condition);

impl FromStr for Filter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse::condition(text).map(Self)
    }
}

impl Filter {
    /// The columns that have to be read, at least one.
    pub(super) fn columns(&self) -> Columns {
        self.0.columns()
    }

    /// For each row of a batch with these columns whether it meets the condition; `None` if that is unknown.
    pub(super) fn holds(&self, batch: &RecordBatch) -> Vec<Option<bool>> {
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
        pattern: Vec<Wildcard>,
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
    Truth(bool),
}

/// A part of a pattern of LIKE.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wildcard {
    /// `%`: any characters.
    Any,
    /// `_`: one character.
    One,
    Literal(char),
}

/// The subject of a condition.
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
    Truth,
}

impl Field {
    /// Each field with its name.
    fn all() -> impl Iterator<Item = (&'static str, Field)> {
        const NOT_COMPARED: Columns = Columns::of(&[
            Column::PathBytes,
            Column::Emotions,
            Column::Embedding,
            Column::ContentHash,
            Column::Timeline,
        ]);
        let stored = Column::ALL
            .into_iter()
            .filter(|column| !NOT_COMPARED.contains(*column));
        let emotions = Emotion::ALL.map(|emotion| (emotion.name(), Field::Emotion(emotion)));
        stored
            .map(|column| (column.name(), Field::Stored(column)))
            .chain([
                ("duration", Field::Stored(Column::DurationS)),
                ("strongest", Field::Strongest),
            ])
            .chain(emotions)
    }

    fn name(self) -> &'static str {
        Field::all()
            .find(|(_, other)| *other == self)
            .map_or("", |(name, _)| name)
    }

    fn kind(self) -> Kind {
        use arrow_schema::DataType;
        let Field::Stored(column) = self else {
            return match self {
                Field::Strongest => Kind::Text,
                _ => Kind::Number,
            };
        };
        match column.data_type(0) {
            DataType::Utf8 => Kind::Text,
            DataType::Boolean => Kind::Truth,
            DataType::Timestamp(..) => Kind::Time,
            _ => Kind::Number,
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
    fn columns(&self) -> Columns {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                let columns = parts.iter().map(Self::columns);
                columns.fold(Columns::of(&[]), Columns::and)
            }
            Self::Not(part) => part.columns(),
            Self::Compare {
                field,
                with: Operand::Field(other),
                ..
            } => Columns::of(&[field.column(), other.column()]),
            Self::Unknown(field)
            | Self::IsNull(field)
            | Self::Like { field, .. }
            | Self::Compare { field, .. } => Columns::of(&[field.column()]),
        }
    }
}

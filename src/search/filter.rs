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
use arrow_schema::DataType;
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
    IsNull(Field),
    /// One side at least is a column, and the other is comparable with it.
    Compare {
        left: Operand,
        by: Comparison,
        right: Operand,
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
    /// Comparisons with NULL are never known.
    Null,
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
        let column = match self {
            Field::Stored(column) => column,
            Field::Emotion(_) => return Kind::Number,
            Field::Strongest => return Kind::Text,
        };
        match column.data_type(0) {
            DataType::Utf8 => Kind::Text,
            DataType::Boolean => Kind::Truth,
            DataType::Timestamp(..) => Kind::Time,
            _ => Kind::Number,
        }
    }

    /// Whether it has single precision.
    fn is_single(self) -> bool {
        match self {
            Field::Stored(column) => column.data_type(0) == DataType::Float32,
            Field::Emotion(_) => true,
            Field::Strongest => false,
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
    fn negated_if(self, negated: bool) -> Self {
        match negated {
            true => Self::Not(Box::new(self)),
            false => self,
        }
    }

    fn columns(&self) -> Columns {
        let of = |operand: &Operand| match operand {
            Operand::Field(field) => Columns::of(&[field.column()]),
            _ => Columns::of(&[]),
        };
        match self {
            Self::All(parts) | Self::Any(parts) => {
                let columns = parts.iter().map(Self::columns);
                columns.fold(Columns::of(&[]), Columns::and)
            }
            Self::Not(part) => part.columns(),
            Self::Compare { left, right, .. } => of(left).and(of(right)),
            Self::IsNull(field) | Self::Like { field, .. } => Columns::of(&[field.column()]),
        }
    }
}

//! Conditions on the columns of a library, as in the `WHERE` of SQL. SQLite evaluates them.

use crate::{
    emotion::Emotion,
    error::{Error, ErrorKind, Result},
    library::{Cell, Column, Columns, Song},
    text::did_you_mean,
};
use arrow_schema::DataType;
use rusqlite::{
    Connection, Error as SqlError, functions::FunctionFlags, params_from_iter, types::Value,
};
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
pub struct Filter {
    /// The query whose only value is whether a song meets the condition.
    sql: String,
    /// The values of a song that it takes, in the order of their parameters.
    fields: Vec<Field>,
}

impl FromStr for Filter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut fields = Vec::new();
        let mut condition = String::new();
        for (number, part) in text.split('\'').enumerate() {
            if number > 0 {
                condition.push('\'');
            }
            // Every second part is text between quotes.
            if number % 2 == 1 {
                condition.push_str(part);
                continue;
            }
            let part = part.replace('"', " ");
            let is_end = |c: char| !(c.is_alphanumeric() || c == '_');
            for token in part.split_inclusive(is_end) {
                let word = token.trim_end_matches(is_end);
                // There are no tables to read, and a recursive one never ends.
                if word.eq_ignore_ascii_case("select") {
                    return Err(Error::invalid(
                        "a condition cannot have a SELECT in it; compare the columns of the song",
                    ));
                }
                condition.push_str(&replacement(word, &mut fields));
                condition.push_str(&token[word.len()..]);
            }
        }
        let sql = format!("SELECT (\n{condition}\n) IS TRUE");
        connection()
            .and_then(|connection| connection.prepare(&sql).map(drop))
            .map_err(refused)?;
        Ok(Self { sql, fields })
    }
}

impl Filter {
    /// The columns that have to be read.
    pub(super) fn columns(&self) -> Columns {
        let columns = self.fields.iter().map(|field| field.column());
        columns.fold(Columns::of(&[]), Columns::with)
    }

    /// For each song with these columns whether it meets the condition.
    ///
    /// # Errors
    /// If the condition cannot be evaluated, because a number overflows for example.
    pub(super) fn holds(&self, songs: &[Song]) -> Result<Vec<bool>> {
        let all = || {
            let connection = connection()?;
            let mut query = connection.prepare(&self.sql)?;
            let holds = songs.iter().map(|song| {
                let values = self.fields.iter().map(|field| field.value(song));
                query.query_row(params_from_iter(values), |row| row.get(0))
            });
            holds.collect::<Result<Vec<bool>, SqlError>>()
        };
        all().map_err(refused)
    }
}

/// A word outside of quotes as SQLite reads it: columns become parameters.
fn replacement(word: &str, fields: &mut Vec<Field>) -> String {
    let lower = word.to_lowercase();
    if lower == "ilike" {
        // The operator whose function is free.
        return "REGEXP".to_owned();
    }
    let Some((_, field)) = Field::all().find(|(name, _)| *name == lower) else {
        return word.to_owned();
    };
    let known = fields.iter().position(|known| *known == field);
    let number = 1 + known.unwrap_or(fields.len());
    if known.is_none() {
        fields.push(field);
    }
    field.parameter(number)
}

fn connection() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch("PRAGMA case_sensitive_like = ON")?;
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("regexp", 2, flags, |operands| {
        let [pattern, text] = [operands.get(0)?, operands.get(1)?];
        let lower = |text: Option<String>| Some(text?.to_lowercase());
        let operands = lower(pattern).zip(lower(text));
        Ok(operands.map(|(pattern, text)| is_like(&text, &pattern)))
    })?;
    connection.create_collation("time", |a, b| {
        let plain = |time: &str| {
            time.replace('T', " ")
                .replace('Z', "")
                .replace(".000000", "")
        };
        plain(a).cmp(&plain(b))
    })?;
    Ok(connection)
}

/// Whether all of a text fits a pattern of LIKE.
fn is_like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // Whether the pattern so far fits the first characters of the text, by their number.
    let mut fits = vec![false; text.len() + 1];
    fits[0] = true;
    for wanted in pattern.chars() {
        if wanted == '%' {
            for number in 0..text.len() {
                fits[number + 1] |= fits[number];
            }
        } else {
            for (number, found) in text.iter().enumerate().rev() {
                fits[number + 1] = fits[number] && (wanted == '_' || wanted == *found);
            }
            fits[0] = false;
        }
    }
    fits[text.len()]
}

fn refused(error: SqlError) -> Error {
    let problem = match error {
        SqlError::SqlInputError { msg, .. } => msg,
        other => other.to_string(),
    };
    let Some(name) = problem.strip_prefix("no such column: ") else {
        return Error::new(
            ErrorKind::InvalidInput,
            format!(
                "{problem}; expected a condition like \"genre = 'Jazz' AND valence > 6\": AND, OR, NOT, = <> < <= > >=, LIKE, \
                 ILIKE, IN, BETWEEN and IS NULL on columns, numbers and 'text'"
            ),
        );
    };
    let names: Vec<&str> = Field::all().map(|(name, _)| name).collect();
    Error::invalid(format!(
        "there is no column `{name}`{}; the columns are: {}; text needs single quotes",
        did_you_mean(name, names.iter().copied()),
        names.join(", ")
    ))
}

/// A value of a song that conditions can name.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Field {
    Stored(Column),
    /// The percentage of one emotion.
    Emotion(Emotion),
    /// The name of the emotion with the largest percentage.
    Strongest,
}

impl Field {
    /// Each field with its name.
    fn all() -> impl Iterator<Item = (&'static str, Field)> {
        let is_compared = |column: &Column| {
            let kind = column.data_type(0);
            !kind.is_nested() && kind != DataType::Binary && *column != Column::ContentHash
        };
        let emotions = Emotion::ALL.map(|emotion| (emotion.name(), Field::Emotion(emotion)));
        let stored = Column::ALL.into_iter().filter(is_compared);
        stored
            .map(|column| (column.name(), Field::Stored(column)))
            .chain([
                ("duration", Field::Stored(Column::DurationS)),
                ("strongest", Field::Strongest),
            ])
            .chain(emotions)
    }

    fn column(self) -> Column {
        match self {
            Field::Stored(column) => column,
            Field::Emotion(_) | Field::Strongest => Column::Emotions,
        }
    }

    /// The parameter of this number, with the type by which SQLite compares it.
    fn parameter(self, number: usize) -> String {
        let data_type = match self {
            Field::Strongest => DataType::Utf8,
            Field::Emotion(_) => DataType::Float32,
            Field::Stored(column) => column.data_type(0),
        };
        match data_type {
            DataType::Utf8 => format!("CAST(?{number} AS TEXT)"),
            DataType::Timestamp(..) => format!("CAST(?{number} AS TEXT) COLLATE time"),
            _ => format!("CAST(?{number} AS REAL)"),
        }
    }

    fn value(self, song: &Song) -> Value {
        let cell = match self {
            Field::Stored(column) => song.cell(column),
            Field::Emotion(emotion) => Cell::Float(song.emotions.get(emotion)),
            Field::Strongest => Cell::Text(song.emotions.strongest().name().into()),
        };
        match cell {
            Cell::Boolean(value) => Value::Integer(value.into()),
            Cell::Integer(number) => Value::Integer(number),
            Cell::Double(number) => Value::Real(number),
            // Its decimal digits, so that 6.1 equals 6.1.
            Cell::Float(number) => number.to_string().parse().map_or(Value::Null, Value::Real),
            other => other.text().map_or(Value::Null, Value::Text),
        }
    }
}

#[cfg(test)]
mod tests;

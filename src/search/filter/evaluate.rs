//! Conditions on batches of rows, with the three-valued logic of SQL.

use super::{Comparison, Condition, Field, Kind, Operand, Wildcard};
use crate::{
    emotion::{Emotion, EmotionVector},
    library::{flat_numbers, floats},
};
use arrow_array::{Array, ArrayRef, RecordBatch, cast::AsArray, types::TimestampMicrosecondType};
use std::cmp::Ordering;

/// A value of one row.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Value<'a> {
    Text(&'a str),
    Number(f64),
    Time(i64),
    Truth(bool),
}

pub(super) fn condition(condition: &Condition, batch: &RecordBatch) -> Vec<Option<bool>> {
    let rows = batch.num_rows();
    match condition {
        // One part that is false (for OR: true) decides; else one that is unknown leaves the whole unknown.
        Condition::All(parts) => join(parts, batch, false),
        Condition::Any(parts) => join(parts, batch, true),
        Condition::Not(part) => {
            let part = self::condition(part, batch);
            part.into_iter()
                .map(|holds| holds.map(|holds| !holds))
                .collect()
        }
        Condition::Unknown(_) => vec![None; rows],
        Condition::IsNull(field) => {
            let values = values(*field, batch);
            values
                .into_iter()
                .map(|value| Some(value.is_none()))
                .collect()
        }
        Condition::Like {
            field,
            pattern,
            any_case,
        } => {
            let matched = |value| match value {
                Value::Text(text) if *any_case => is_like(&text.to_lowercase(), pattern),
                Value::Text(text) => is_like(text, pattern),
                _ => false,
            };
            let values = values(*field, batch).into_iter();
            values.map(|value| value.map(matched)).collect()
        }
        Condition::Compare { field, by, with } => {
            let values = values(*field, batch);
            let others = match with {
                Operand::Field(other) => self::values(*other, batch),
                literal => vec![Some(value_of(literal, *field)); rows],
            };
            let compare = |(value, other): (Option<Value<'_>>, Option<Value<'_>>)| {
                Some(by.holds(value?.partial_cmp(&other?)))
            };
            values.into_iter().zip(others).map(compare).collect()
        }
    }
}

fn join(parts: &[Condition], batch: &RecordBatch, decisive: bool) -> Vec<Option<bool>> {
    let mut all = vec![Some(!decisive); batch.num_rows()];
    for part in parts {
        for (all, part) in all.iter_mut().zip(condition(part, batch)) {
            *all = match (*all, part) {
                (Some(one), _) if one == decisive => Some(decisive),
                (_, Some(one)) if one == decisive => Some(decisive),
                (Some(_), Some(_)) => Some(!decisive),
                _ => None,
            };
        }
    }
    all
}

impl Comparison {
    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }
}

fn value_of(literal: &Operand, field: Field) -> Value<'_> {
    match literal {
        Operand::Text(text) => Value::Text(text),
        Operand::Time(micros) => Value::Time(*micros),
        Operand::Truth(truth) => Value::Truth(*truth),
        // A column of single precision is compared in single precision, so that 6.1 equals 6.1.
        Operand::Number(number) if is_single(field) => Value::Number(f64::from(*number as f32)),
        Operand::Number(number) => Value::Number(*number),
        Operand::Field(_) => Value::Truth(false),
    }
}

fn is_single(field: Field) -> bool {
    match field {
        Field::Stored(column) => column.data_type(0) == arrow_schema::DataType::Float32,
        _ => true,
    }
}

/// The value of each row, `None` for null.
fn values(field: Field, batch: &RecordBatch) -> Vec<Option<Value<'_>>> {
    let Some(array) = batch.column_by_name(field.column().name()) else {
        return vec![None; batch.num_rows()];
    };
    match (field, field.kind()) {
        (Field::Emotion(emotion), _) => vectors(array, |vector| {
            Some(Value::Number(vector[emotion.index()].into()))
        }),
        (Field::Strongest, _) => vectors(array, |vector| {
            let vector = EmotionVector::new(*vector).ok()?;
            Some(Value::Text(vector.strongest().name()))
        }),
        (_, Kind::Text) => match array.as_string_opt::<i32>() {
            Some(texts) => texts.iter().map(|text| text.map(Value::Text)).collect(),
            None => vec![None; array.len()],
        },
        (_, Kind::Truth) => match array.as_boolean_opt() {
            Some(truths) => truths.iter().map(|truth| truth.map(Value::Truth)).collect(),
            None => vec![None; array.len()],
        },
        (_, Kind::Time) => match array.as_primitive_opt::<TimestampMicrosecondType>() {
            Some(times) => times.iter().map(|time| time.map(Value::Time)).collect(),
            None => vec![None; array.len()],
        },
        (_, Kind::Number) => match floats(array) {
            Some(numbers) => numbers
                .iter()
                .map(|number| number.map(Value::Number))
                .collect(),
            None => vec![None; array.len()],
        },
    }
}

fn vectors<'a>(
    array: &ArrayRef,
    value: impl Fn(&[f32; Emotion::COUNT]) -> Option<Value<'a>>,
) -> Vec<Option<Value<'a>>> {
    match flat_numbers(array, Emotion::COUNT) {
        Some(numbers) => numbers.as_chunks().0.iter().map(value).collect(),
        None => vec![None; array.len()],
    }
}

/// Whether all of a text fits a pattern.
fn is_like(text: &str, pattern: &[Wildcard]) -> bool {
    let mut rest = text.chars();
    let mut place = 0;
    // The last `%`, and the text that it has not consumed yet.
    let mut last: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        let mut next = rest.clone();
        match (pattern.get(place), next.next()) {
            (Some(Wildcard::Any), _) => {
                last = Some((place, rest.clone()));
                place += 1;
                continue;
            }
            (Some(Wildcard::One), Some(_)) => {
                (rest, place) = (next, place + 1);
                continue;
            }
            (Some(Wildcard::Literal(wanted)), Some(found)) if *wanted == found => {
                (rest, place) = (next, place + 1);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        // Let the last `%` consume one more character.
        let Some((any, consumed)) = &mut last else {
            return false;
        };
        if consumed.next().is_none() {
            return false;
        }
        (rest, place) = (consumed.clone(), *any + 1);
    }
}

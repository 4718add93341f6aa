//! Conditions on batches of rows, with the three-valued logic of SQL.

use super::{Comparison, Condition, Field, Kind, Operand, Wildcard};
use crate::{
    emotion::{Emotion, EmotionVector},
    library::{flat_numbers, floats},
};
use arrow_array::{ArrayRef, RecordBatch, cast::AsArray, types::TimestampMicrosecondType};
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
    match condition {
        // One part that is false (for OR: true) decides; else one that is unknown leaves the whole unknown.
        Condition::All(parts) => join(parts, batch, false),
        Condition::Any(parts) => join(parts, batch, true),
        Condition::Not(part) => {
            let part = self::condition(part, batch).into_iter();
            part.map(|holds| Some(!holds?)).collect()
        }
        Condition::IsNull(field) => {
            let values = values(*field, batch).into_iter();
            values.map(|value| Some(value.is_none())).collect()
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
        Condition::Compare { left, by, right } => {
            let compare = |(left, right): (Option<Value<'_>>, Option<Value<'_>>)| {
                Some(by.holds(left?.partial_cmp(&right?)))
            };
            let sides = side(left, batch).into_iter().zip(side(right, batch));
            sides.map(compare).collect()
        }
    }
}

/// One side of a comparison for each row.
fn side<'a>(operand: &'a Operand, batch: &'a RecordBatch) -> Vec<Option<Value<'a>>> {
    let literal = match operand {
        Operand::Field(field) => return values(*field, batch),
        Operand::Null => None,
        Operand::Text(text) => Some(Value::Text(text)),
        Operand::Number(number) => Some(Value::Number(*number)),
        Operand::Time(micros) => Some(Value::Time(*micros)),
        Operand::Truth(truth) => Some(Value::Truth(*truth)),
    };
    vec![literal; batch.num_rows()]
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

/// The value of each row, `None` for null.
fn values(field: Field, batch: &RecordBatch) -> Vec<Option<Value<'_>>> {
    let array = batch.column_by_name(field.column().name());
    let values = array.and_then(|array| values_of(field, array));
    values.unwrap_or_else(|| vec![None; batch.num_rows()])
}

fn values_of(field: Field, array: &ArrayRef) -> Option<Vec<Option<Value<'_>>>> {
    let vectors = || Some(flat_numbers(array, Emotion::COUNT)?.as_chunks().0.iter());
    Some(match (field, field.kind()) {
        (Field::Emotion(emotion), _) => vectors()?
            .map(|vector: &[f32; Emotion::COUNT]| {
                Some(Value::Number(vector[emotion.index()].into()))
            })
            .collect(),
        (Field::Strongest, _) => vectors()?
            .map(|vector| {
                Some(Value::Text(
                    EmotionVector::new(*vector).ok()?.strongest().name(),
                ))
            })
            .collect(),
        (_, Kind::Text) => {
            let texts = array.as_string_opt::<i32>()?.iter();
            texts.map(|text| text.map(Value::Text)).collect()
        }
        (_, Kind::Truth) => {
            let truths = array.as_boolean_opt()?.iter();
            truths.map(|truth| truth.map(Value::Truth)).collect()
        }
        (_, Kind::Time) => {
            let times = array.as_primitive_opt::<TimestampMicrosecondType>()?.iter();
            times.map(|time| time.map(Value::Time)).collect()
        }
        (_, Kind::Number) => {
            let numbers = floats(array)?;
            numbers
                .iter()
                .map(|number| number.map(Value::Number))
                .collect()
        }
    })
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

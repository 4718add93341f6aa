//! Conditions on batches of rows, with the three-valued logic of SQL.

use super::{Comparison, Condition, Field, Operand};
use crate::emotion::{Emotion, EmotionVector};
use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Datum, FixedSizeListArray, Float32Array,
        Float64Array, RecordBatch, Scalar, StringArray, TimestampMicrosecondArray,
    },
    compute::{and_kleene, cast, ilike, is_null, kernels::cmp, like, not, or_kleene},
    datatypes::{DataType, Float32Type},
    error::ArrowError,
};
use std::sync::Arc;

pub(super) fn condition(
    condition: &Condition,
    batch: &RecordBatch,
) -> Result<BooleanArray, ArrowError> {
    let join = |parts: &[Condition], by: Join| -> Result<BooleanArray, ArrowError> {
        let mut parts = parts.iter();
        let Some(first) = parts.next() else {
            return Ok(BooleanArray::new_null(batch.num_rows()));
        };
        let mut all = self::condition(first, batch)?;
        for part in parts {
            all = by(&all, &self::condition(part, batch)?)?;
        }
        Ok(all)
    };
    match condition {
        Condition::All(parts) => join(parts, and_kleene),
        Condition::Any(parts) => join(parts, or_kleene),
        Condition::Not(part) => not(&self::condition(part, batch)?),
        Condition::Unknown(_) => Ok(BooleanArray::new_null(batch.num_rows())),
        Condition::IsNull(field) => is_null(&array(*field, batch)?),
        Condition::Like {
            field,
            pattern,
            any_case,
        } => {
            let texts = array(*field, batch)?;
            let pattern = Scalar::new(StringArray::from(vec![pattern.as_str()]));
            if *any_case {
                ilike(&texts, &pattern)
            } else {
                like(&texts, &pattern)
            }
        }
        Condition::Compare { field, by, with } => compare(array(*field, batch)?, *by, with, batch),
    }
}

type Join = fn(&BooleanArray, &BooleanArray) -> Result<BooleanArray, ArrowError>;

fn compare(
    values: ArrayRef,
    by: Comparison,
    with: &Operand,
    batch: &RecordBatch,
) -> Result<BooleanArray, ArrowError> {
    let kernel = match by {
        Comparison::Equal => cmp::eq,
        Comparison::NotEqual => cmp::neq,
        Comparison::Less => cmp::lt,
        Comparison::LessOrEqual => cmp::lt_eq,
        Comparison::Greater => cmp::gt,
        Comparison::GreaterOrEqual => cmp::gt_eq,
    };
    let single = values.data_type() == &DataType::Float32;
    let with: Box<dyn Datum> = match with {
        Operand::Text(text) => Box::new(Scalar::new(StringArray::from(vec![text.as_str()]))),
        Operand::Time(micros) => Box::new(Scalar::new(
            TimestampMicrosecondArray::from(vec![*micros]).with_timezone("UTC"),
        )),
        // A column of single precision is compared in single precision, so that 6.1 equals 6.1.
        Operand::Number(number) if single => {
            Box::new(Scalar::new(Float32Array::from(vec![*number as f32])))
        }
        Operand::Number(number) => {
            let number = Scalar::new(Float64Array::from(vec![*number]));
            return kernel(&cast(&values, &DataType::Float64)?, &number);
        }
        Operand::Field(other) => {
            let other = array(*other, batch)?;
            if values.data_type() != other.data_type() {
                let wide = |values| cast(values, &DataType::Float64);
                return kernel(&wide(&values)?, &wide(&other)?);
            }
            Box::new(other)
        }
    };
    kernel(&values, with.as_ref())
}

fn array(field: Field, batch: &RecordBatch) -> Result<ArrayRef, ArrowError> {
    let column = field.column();
    let stored = batch.column_by_name(column.name()).ok_or_else(|| {
        ArrowError::SchemaError(format!("the column `{}` was not read", column.name()))
    })?;
    Ok(match field {
        Field::Stored(_) => stored.clone(),
        Field::Emotion(emotion) => Arc::new(
            vectors(stored)?
                .map(|vector| vector.map(|v| v[emotion.index()]))
                .collect::<Float32Array>(),
        ),
        Field::Strongest => Arc::new(
            vectors(stored)?
                .map(|vector| vector.and_then(strongest))
                .collect::<StringArray>(),
        ),
    })
}

fn strongest(vector: [f32; Emotion::COUNT]) -> Option<&'static str> {
    let vector = EmotionVector::new(vector).ok()?;
    Some(vector.strongest().name())
}

type Vector = [f32; Emotion::COUNT];

fn vectors(column: &ArrayRef) -> Result<impl Iterator<Item = Option<Vector>> + '_, ArrowError> {
    let wrong = || ArrowError::SchemaError("expected lists of eight float32".to_owned());
    let lists: &FixedSizeListArray = column.as_fixed_size_list_opt().ok_or_else(wrong)?;
    let numbers = lists
        .values()
        .as_primitive_opt::<Float32Type>()
        .filter(|_| usize::try_from(lists.value_length()) == Ok(Emotion::COUNT))
        .ok_or_else(wrong)?;
    Ok((0..lists.len()).map(move |row| {
        let first = lists.value_offset_at(row);
        let vector = numbers.values().get(first..first + Emotion::COUNT)?;
        lists
            .is_valid(row)
            .then(|| vector.try_into().ok())
            .flatten()
    }))
}

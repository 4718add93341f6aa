//! Values in Arrow arrays: each type of a field of [`Song`](super::Song) to and from its array type, and
//! the arrays of other programs to these types.

use super::Micros;
use crate::emotion::{Emotion, EmotionVector, Moment};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, FixedSizeListArray,
    Float32Array, Float64Array, Int32Array, Int64Array, ListArray, PrimitiveArray, StringArray,
    StructArray, TimestampMicrosecondArray, cast::AsArray, types::*,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, TimeUnit};
use arrow_select::take::take;
use std::sync::Arc;

/// A value of one row of a column.
pub(super) trait Value: Sized {
    /// Whether a row may lack it.
    const NULLABLE: bool = false;

    /// The type of the arrays; `embedding` is the length of the model's embedding.
    fn data_type(embedding: usize) -> DataType;

    /// `None` becomes null.
    fn encode<'a>(
        values: impl Iterator<Item = Option<&'a Self>> + Clone,
        embedding: usize,
    ) -> Result<ArrayRef, ArrowError>
    where
        Self: 'a;

    /// `None` if the row has no value of this type.
    fn decode(array: &ArrayRef, row: usize) -> Option<Self>;
}

/// The types with an array type of their own: how a value goes into the array, and comes out of it.
macro_rules! scalar {
    ($($type:ty, $array:ty, $data_type:expr, $to:expr, $from:expr;)*) => {$(
        impl Value for $type {
            fn data_type(_: usize) -> DataType {
                $data_type
            }

            fn encode<'a>(
                values: impl Iterator<Item = Option<&'a Self>> + Clone,
                _: usize,
            ) -> Result<ArrayRef, ArrowError> {
                let array: $array = values.map(|value| value.map($to)).collect();
                // Times get their zone.
                let data = array.into_data().into_builder().data_type($data_type);
                Ok(arrow_array::make_array(data.build()?))
            }

            fn decode(array: &ArrayRef, row: usize) -> Option<Self> {
                let array = array.as_any().downcast_ref::<$array>()?;
                array.is_valid(row).then(|| array.value(row)).and_then($from)
            }
        }
    )*};
}

scalar! {
    bool, BooleanArray, DataType::Boolean, |v| *v, Some;
    u64, Int64Array, DataType::Int64, |v| i64::try_from(*v).unwrap_or(i64::MAX), |v| u64::try_from(v).ok();
    u32, Int32Array, DataType::Int32, |v| i32::try_from(*v).unwrap_or(i32::MAX), |v| u32::try_from(v).ok();
    f64, Float64Array, DataType::Float64, |v| *v, Some;
    f32, Float32Array, DataType::Float32, |v| *v, Some;
    Micros, TimestampMicrosecondArray, time_type(), |v| v.0, |v| Some(Micros(v));
    String, StringArray, DataType::Utf8, |v| v, |v: &str| Some(v.to_owned());
    Vec<u8>, BinaryArray, DataType::Binary, |v| v, |v: &[u8]| Some(v.to_vec());
}

fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

impl<T: Value> Value for Option<T> {
    const NULLABLE: bool = true;

    fn data_type(embedding: usize) -> DataType {
        T::data_type(embedding)
    }

    fn encode<'a>(
        values: impl Iterator<Item = Option<&'a Self>> + Clone,
        embedding: usize,
    ) -> Result<ArrayRef, ArrowError>
    where
        T: 'a,
    {
        T::encode(values.map(|value| value?.as_ref()), embedding)
    }

    fn decode(array: &ArrayRef, row: usize) -> Option<Self> {
        match array.is_null(row) {
            true => Some(None),
            false => T::decode(array, row).map(Some),
        }
    }
}

/// The embedding.
impl Value for Vec<f32> {
    fn data_type(embedding: usize) -> DataType {
        DataType::FixedSizeList(list_item(), i32::try_from(embedding).unwrap_or(i32::MAX))
    }

    fn encode<'a>(
        values: impl Iterator<Item = Option<&'a Self>> + Clone,
        embedding: usize,
    ) -> Result<ArrayRef, ArrowError> {
        let lists = values.map(|value| value.map_or(&[][..], |list| list));
        fixed_lists(lists, embedding, None)
    }

    fn decode(array: &ArrayRef, row: usize) -> Option<Self> {
        if array.is_null(row) {
            return None;
        }
        let list = match array.as_fixed_size_list_opt() {
            Some(lists) => lists.value(row),
            None => array.as_list_opt::<i32>()?.value(row),
        };
        let numbers = list.as_primitive_opt::<Float32Type>()?;
        (numbers.null_count() == 0).then(|| numbers.values().to_vec())
    }
}

impl Value for EmotionVector {
    fn data_type(_: usize) -> DataType {
        Vec::<f32>::data_type(Emotion::COUNT)
    }

    fn encode<'a>(
        values: impl Iterator<Item = Option<&'a Self>> + Clone,
        _: usize,
    ) -> Result<ArrayRef, ArrowError> {
        let zeros = [0.0; Emotion::COUNT];
        let lists: Vec<[f32; Emotion::COUNT]> = (values.clone())
            .map(|value| value.map_or(zeros, |vector| *vector.as_array()))
            .collect();
        let is_valid: NullBuffer = values.map(|value| value.is_some()).collect();
        let nulls = Some(is_valid).filter(|valid| valid.null_count() > 0);
        fixed_lists(lists.iter().map(|list| &list[..]), Emotion::COUNT, nulls)
    }

    fn decode(array: &ArrayRef, row: usize) -> Option<Self> {
        let numbers = Vec::<f32>::decode(array, row)?;
        EmotionVector::new(numbers.try_into().ok()?).ok()
    }
}

/// A timeline.
impl Value for Vec<Moment> {
    fn data_type(_: usize) -> DataType {
        DataType::List(Arc::new(Field::new(
            "item",
            DataType::Struct(moment_fields()),
            false,
        )))
    }

    fn encode<'a>(
        values: impl Iterator<Item = Option<&'a Self>> + Clone,
        _: usize,
    ) -> Result<ArrayRef, ArrowError> {
        let moments = || values.clone().flatten().flatten();
        let columns = vec![
            f64::encode(moments().map(|moment| Some(&moment.start_s)), 0)?,
            f32::encode(moments().map(|moment| Some(&moment.valence)), 0)?,
            f32::encode(moments().map(|moment| Some(&moment.arousal)), 0)?,
            EmotionVector::encode(moments().map(|moment| Some(&moment.emotions)), 0)?,
            Option::encode(moments().map(|moment| Some(&moment.felt)), 0)?,
        ];
        let lengths = values.clone().map(|list| list.map_or(0, Vec::len));
        Ok(Arc::new(ListArray::try_new(
            Arc::new(Field::new("item", DataType::Struct(moment_fields()), false)),
            OffsetBuffer::from_lengths(lengths),
            Arc::new(StructArray::try_new(moment_fields(), columns, None)?),
            Some(values.map(|list| list.is_some()).collect()),
        )?))
    }

    fn decode(array: &ArrayRef, row: usize) -> Option<Self> {
        let list = array.as_list_opt::<i32>()?.value(row);
        let fields = list.as_struct_opt()?;
        let [start_s, valence, arousal, emotions, felt] = fields.columns() else {
            return None;
        };
        let moment = |row| {
            Some(Moment {
                start_s: f64::decode(start_s, row)?,
                valence: f32::decode(valence, row)?,
                arousal: f32::decode(arousal, row)?,
                emotions: EmotionVector::decode(emotions, row)?,
                felt: Option::decode(felt, row)?,
                attention: Vec::new(),
            })
        };
        (0..fields.len()).map(moment).collect()
    }
}

fn list_item() -> FieldRef {
    Arc::new(Field::new("item", DataType::Float32, false))
}

fn moment_fields() -> Fields {
    Fields::from(vec![
        Field::new("start_s", DataType::Float64, false),
        Field::new("valence", DataType::Float32, false),
        Field::new("arousal", DataType::Float32, false),
        Field::new("emotions", EmotionVector::data_type(0), false),
        Field::new("felt", EmotionVector::data_type(0), true),
    ])
}

/// Lists of one length, none of them null.
fn fixed_lists<'a>(
    lists: impl Iterator<Item = &'a [f32]>,
    length: usize,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let values = Float32Array::from_iter_values(lists.flatten().copied());
    let length = i32::try_from(length)
        .map_err(|_| ArrowError::InvalidArgumentError("a list is too long".into()))?;
    let lists = FixedSizeListArray::try_new(list_item(), length, Arc::new(values), nulls)?;
    Ok(Arc::new(lists))
}

/// An array without values for a column that a file lacks: null where that is allowed, else zero or empty.
pub(super) fn absent(data_type: &DataType, nullable: bool, rows: usize) -> ArrayRef {
    match data_type {
        _ if nullable => arrow_array::new_null_array(data_type, rows),
        DataType::Utf8 => Arc::new(StringArray::from(vec![""; rows])),
        DataType::Boolean => Arc::new(BooleanArray::from(vec![false; rows])),
        DataType::FixedSizeList(item, _) => Arc::new(ListArray::new(
            item.clone(),
            OffsetBuffer::from_lengths(vec![0; rows]),
            Arc::new(Float32Array::from(Vec::<f32>::new())),
            None,
        )),
        number => canonical(
            &(Arc::new(Int64Array::from(vec![0; rows])) as ArrayRef),
            number,
        )
        .unwrap_or_else(|| arrow_array::new_null_array(number, rows)),
    }
}

/// An array of another program as one of a column's type: numbers, times and lists of any width or unit. Lists of
/// embeddings keep their own length. `None` if the types have nothing in common.
pub(crate) fn canonical(array: &ArrayRef, wanted: &DataType) -> Option<ArrayRef> {
    if array.data_type() == wanted {
        return Some(array.clone());
    }
    Some(match wanted {
        DataType::Int32 => {
            let clamp = |v: i64| v.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
            Arc::new(integers(array)?.unary::<_, Int32Type>(clamp))
        }
        DataType::Int64 => Arc::new(integers(array)?),
        DataType::Float32 => {
            let numbers = floats(array)?;
            Arc::new(numbers.unary::<_, Float32Type>(|v| v as f32))
        }
        DataType::Float64 => Arc::new(floats(array)?),
        DataType::Timestamp(..) => Arc::new(times(array)?),
        DataType::FixedSizeList(item, _) | DataType::List(item) => {
            let lists = array.as_list_opt::<i32>()?;
            let values = canonical(lists.values(), item.data_type())?;
            if values.null_count() > 0 {
                return None;
            }
            list_of(item, lists, values, wanted)?
        }
        DataType::Struct(fields) => {
            let found = array.as_struct_opt()?;
            let column = |field: &FieldRef| match found.column_by_name(field.name()) {
                Some(array) => canonical(array, field.data_type()),
                // A file that was written before the field existed.
                None if field.is_nullable() => {
                    Some(arrow_array::new_null_array(field.data_type(), found.len()))
                }
                None => None,
            };
            let columns = fields.iter().map(column).collect::<Option<_>>()?;
            Arc::new(StructArray::try_new(fields.clone(), columns, found.nulls().cloned()).ok()?)
        }
        _ => return None,
    })
}

/// Lists of other values, as fixed-size ones if all that are not null have the wanted length, or (for embeddings, whose length the
/// file decides) all the same.
fn list_of(
    item: &FieldRef,
    lists: &ListArray,
    values: ArrayRef,
    wanted: &DataType,
) -> Option<ArrayRef> {
    let offsets = lists.offsets();
    if let DataType::FixedSizeList(_, length) = wanted
        && lists.null_count() == 0
    {
        let first = offsets.first();
        let length = match *length {
            0 => offsets.lengths().next().map_or(0, |length| length as i32),
            length => length,
        };
        let mut ends = (1..).zip(offsets.iter().skip(1));
        if length > 0 && ends.all(|(n, end)| *end == first + n * length) {
            let values = values.slice(first as usize, (offsets.last() - first) as usize);
            let lists = FixedSizeListArray::try_new(item.clone(), length, values, None).ok()?;
            return Some(Arc::new(lists));
        }
    }
    let nulls = lists.nulls().cloned();
    if let DataType::FixedSizeList(_, length @ 1..) = wanted
        && lists.null_count() > 0
        && (0..lists.len()).all(|row| lists.is_null(row) || lists.value_length(row) == *length)
    {
        // A null list has numbers of its own in an array of fixed-size ones.
        let rows = lists.iter().zip(offsets.iter());
        let places = rows.flat_map(|(list, start)| {
            let is_valid = list.is_some();
            (0..*length).map(move |n| is_valid.then_some(start + n))
        });
        let values = take(&values, &places.collect::<Int32Array>(), None).ok()?;
        let lists = FixedSizeListArray::try_new(item.clone(), *length, values, nulls).ok()?;
        return Some(Arc::new(lists));
    }
    let lists = ListArray::try_new(item.clone(), offsets.clone(), values, nulls).ok()?;
    Some(Arc::new(lists))
}

fn to<F: ArrowPrimitiveType, T: ArrowPrimitiveType>(
    array: &ArrayRef,
    convert: impl Fn(F::Native) -> T::Native,
) -> Option<PrimitiveArray<T>> {
    Some(array.as_primitive_opt::<F>()?.unary(convert))
}

fn integers(array: &ArrayRef) -> Option<Int64Array> {
    match array.data_type() {
        DataType::Int8 => to::<Int8Type, _>(array, i64::from),
        DataType::Int16 => to::<Int16Type, _>(array, i64::from),
        DataType::Int32 => to::<Int32Type, _>(array, i64::from),
        DataType::Int64 => to::<Int64Type, _>(array, |v| v),
        DataType::UInt8 => to::<UInt8Type, _>(array, i64::from),
        DataType::UInt16 => to::<UInt16Type, _>(array, i64::from),
        DataType::UInt32 => to::<UInt32Type, _>(array, i64::from),
        DataType::UInt64 => to::<UInt64Type, _>(array, |v| v.min(i64::MAX as u64) as i64),
        _ => to::<Float64Type, _>(&(Arc::new(floats(array)?) as ArrayRef), |v| v as i64),
    }
}

/// Any number in double precision.
pub(crate) fn floats(array: &ArrayRef) -> Option<Float64Array> {
    match array.data_type() {
        DataType::Float16 => to::<Float16Type, _>(array, f64::from),
        DataType::Float32 => to::<Float32Type, _>(array, f64::from),
        DataType::Float64 => to::<Float64Type, _>(array, |v| v),
        other if other.is_integer() => {
            to::<Int64Type, _>(&(Arc::new(integers(array)?) as ArrayRef), |v| v as f64)
        }
        _ => None,
    }
}

fn times(array: &ArrayRef) -> Option<TimestampMicrosecondArray> {
    let times = match array.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            to::<TimestampMillisecondType, _>(array, |v| v.saturating_mul(1000))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            to::<TimestampMicrosecondType, _>(array, |v| v)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            to::<TimestampNanosecondType, _>(array, |v| v.div_euclid(1000))
        }
        _ => to::<Int64Type, _>(&(Arc::new(integers(array)?) as ArrayRef), |v| v),
    };
    Some(times?.with_data_type(time_type()))
}

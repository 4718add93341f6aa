//! Arrow values as JSON.

use arrow::{
    array::{Array, AsArray},
    datatypes::{
        DataType, Float32Type, Float64Type, Int32Type, Int64Type, TimeUnit,
        TimestampMicrosecondType,
    },
};
use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeMap, SerializeSeq},
};
use std::fmt::Write;

/// One value of an array. Times are said as `2026-01-31T12:00:00.000000Z`, bytes as hexadecimal digits, numbers that JSON does not
/// know as null.
pub(super) struct Cell<'a> {
    pub(super) array: &'a dyn Array,
    pub(super) row: usize,
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { array, row } = *self;
        if array.is_null(row) {
            return to.serialize_none();
        }
        match array.data_type() {
            DataType::Utf8 => to.serialize_str(array.as_string::<i32>().value(row)),
            DataType::Binary => to.serialize_str(&hexadecimal(array.as_binary::<i32>().value(row))),
            DataType::Boolean => to.serialize_bool(array.as_boolean().value(row)),
            DataType::Int32 => to.serialize_i32(array.as_primitive::<Int32Type>().value(row)),
            DataType::Int64 => to.serialize_i64(array.as_primitive::<Int64Type>().value(row)),
            DataType::Float32 => to.serialize_f32(array.as_primitive::<Float32Type>().value(row)),
            DataType::Float64 => to.serialize_f64(array.as_primitive::<Float64Type>().value(row)),
            DataType::Timestamp(TimeUnit::Microsecond, _) => time(array, row).serialize(to),
            DataType::FixedSizeList(..) => {
                sequence(array.as_fixed_size_list().value(row).as_ref(), to)
            }
            DataType::List(_) => sequence(array.as_list::<i32>().value(row).as_ref(), to),
            DataType::Struct(_) => {
                let fields = array.as_struct();
                let mut map = to.serialize_map(Some(fields.num_columns()))?;
                for (name, array) in fields.column_names().into_iter().zip(fields.columns()) {
                    let array = array.as_ref();
                    map.serialize_entry(name, &Cell { array, row })?;
                }
                map.end()
            }
            other => Err(S::Error::custom(format!("no way to say {other} in JSON"))),
        }
    }
}

fn sequence<S: Serializer>(array: &dyn Array, to: S) -> Result<S::Ok, S::Error> {
    let mut list = to.serialize_seq(Some(array.len()))?;
    for row in 0..array.len() {
        list.serialize_element(&Cell { array, row })?;
    }
    list.end()
}

/// ISO 8601 in UTC; `None` where the value is absent or a time that no calendar has.
pub(super) fn time(array: &dyn Array, row: usize) -> Option<String> {
    let times = array.as_primitive_opt::<TimestampMicrosecondType>()?;
    if times.is_null(row) {
        return None;
    }
    let time = times.value_as_datetime(row)?;
    Some(time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

/// Two digits a byte.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

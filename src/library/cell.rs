//! The value of a column of a song, for every output.

use super::Micros;
use crate::emotion::{EmotionVector, Moment};
use arrow_array::temporal_conversions::timestamp_us_to_datetime;
use serde::{Serialize, Serializer};
use std::{borrow::Cow, fmt::Write};

/// A value of a song.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f32),
    Double(f64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Time(Micros),
    Floats(&'a [f32]),
    Emotions(&'a EmotionVector),
    Moments(&'a [Moment]),
}

impl Cell<'_> {
    /// The value as text, as every text format writes it: times in ISO 8601 (UTC), bytes in hexadecimal, lists as JSON; `None` for
    /// null.
    pub(crate) fn text(&self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Boolean(value) => value.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Double(number) => number.to_string(),
            Self::Text(text) => text.clone().into_owned(),
            Self::Bytes(bytes) => bytes.iter().fold(String::new(), |mut text, byte| {
                // Writing to a string cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            }),
            Self::Time(time) => {
                let time = timestamp_us_to_datetime(time.0)?;
                time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
            }
            Self::Floats(_) | Self::Emotions(_) | Self::Moments(_) => {
                serde_json::to_string(self).ok()?
            }
        })
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_none(),
            Self::Boolean(value) => value.serialize(to),
            Self::Integer(number) => number.serialize(to),
            Self::Float(number) => number.serialize(to),
            Self::Double(number) => number.serialize(to),
            Self::Floats(numbers) => numbers.serialize(to),
            Self::Emotions(vector) => vector.serialize(to),
            Self::Moments(moments) => moments.serialize(to),
            Self::Text(_) | Self::Bytes(_) | Self::Time(_) => self.text().serialize(to),
        }
    }
}

macro_rules! from {
    ($($type:ty, $value:ident => $cell:expr;)*) => {$(
        impl<'a> From<&'a $type> for Cell<'a> {
            fn from($value: &'a $type) -> Self {
                $cell
            }
        }
    )*};
}

from! {
    bool, value => Cell::Boolean(*value);
    u32, number => Cell::Integer((*number).into());
    u64, number => Cell::Integer(i64::try_from(*number).unwrap_or(i64::MAX));
    f32, number => Cell::Float(*number);
    f64, number => Cell::Double(*number);
    String, text => Cell::Text(text.into());
    Micros, time => Cell::Time(*time);
    EmotionVector, vector => Cell::Emotions(vector);
    Vec<f32>, numbers => Cell::Floats(numbers);
    Vec<Moment>, moments => Cell::Moments(moments);
}

impl<'a, T> From<&'a Option<T>> for Cell<'a>
where
    &'a T: Into<Cell<'a>>,
{
    fn from(value: &'a Option<T>) -> Self {
        value.as_ref().map_or(Cell::Null, Into::into)
    }
}

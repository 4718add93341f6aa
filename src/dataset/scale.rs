//! The scale that labels are given on.

use super::DatasetError;
use crate::emotion::{SCALE_MAX, SCALE_MIN};
use std::{fmt, str::FromStr};

/// The scale on which a file's valence and arousal are given; DEAM's is 1 to 9.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// DEAM's scale, 1 to 9.
    pub const DEAM: Scale = Scale {
        low: SCALE_MIN,
        high: SCALE_MAX,
    };

    /// A scale from `low` to `high`.
    ///
    /// # Errors
    /// [`DatasetError::Option`] where they are not two finite numbers in this order.
    pub fn new(low: f64, high: f64) -> Result<Self, DatasetError> {
        if low.is_finite() && high.is_finite() && low < high {
            return Ok(Self { low, high });
        }
        Err(DatasetError::Option {
            option: "scale",
            expected: "LOW..HIGH with LOW below HIGH, such as -1..1".to_owned(),
            found: format!("{low}..{high}"),
        })
    }

    /// A value on DEAM's scale. `None` where it lies outside of its own.
    pub fn to_deam(self, value: f64) -> Option<f64> {
        // Half a millionth of the scale is rounding in the file.
        let share = (value - self.low) / (self.high - self.low);
        let inside = (-5e-7..=1.0 + 5e-7).contains(&share);
        inside.then(|| SCALE_MIN + (SCALE_MAX - SCALE_MIN) * share.clamp(0.0, 1.0))
    }

    /// A deviation on DEAM's scale.
    pub fn deviation_to_deam(self, deviation: f64) -> f64 {
        deviation * (SCALE_MAX - SCALE_MIN) / (self.high - self.low)
    }
}

impl Default for Scale {
    fn default() -> Self {
        Scale::DEAM
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.low, self.high)
    }
}

impl FromStr for Scale {
    type Err = DatasetError;

    fn from_str(s: &str) -> Result<Self, DatasetError> {
        let numbers = s.split_once("..").and_then(|(low, high)| {
            let high = high.strip_prefix('=').unwrap_or(high);
            Some((low.trim().parse().ok()?, high.trim().parse().ok()?))
        });
        let (low, high) = numbers.ok_or_else(|| DatasetError::Option {
            option: "scale",
            expected: "LOW..HIGH, such as -1..1".to_owned(),
            found: s.to_owned(),
        })?;
        Self::new(low, high)
    }
}

//! The valence-arousal plane.

use super::EmotionVector;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Smallest value of valence and arousal (DEAM's self-assessment scale).
pub(crate) const SCALE_MIN: f64 = 1.0;
/// Largest value of valence and arousal.
pub(crate) const SCALE_MAX: f64 = 9.0;
/// Neutral valence and arousal: where the eight sectors meet.
pub(crate) const CENTER: f64 = 5.0;

/// Standard deviation of valence and arousal where none is known: the rounded mean of DEAM's own (1.52 and 1.47).
pub(crate) const TYPICAL_DEVIATION: f64 = 1.5;

/// The least reach of a box to each side. A box without width or height would need cases of its own; this one differs from it by
/// less than a thousandth of a percent.
const LEAST_REACH: f64 = 1e-5;

/// Russell's quadrants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Quadrant {
    /// Positive valence, high arousal: happy and excited.
    Q1,
    /// Negative valence, high arousal: tense and frustrated.
    Q2,
    /// Negative valence, low arousal: depressed and tired.
    Q3,
    /// Positive valence, low arousal: calm and content.
    Q4,
}

impl Quadrant {
    /// All four, counter-clockwise.
    pub const ALL: [Quadrant; 4] = [Quadrant::Q1, Quadrant::Q2, Quadrant::Q3, Quadrant::Q4];

    /// Sign of (valence - 5) and (arousal - 5); a value of exactly 5 counts as positive.
    pub fn of(valence: f64, arousal: f64) -> Quadrant {
        match (valence >= CENTER, arousal >= CENTER) {
            (true, true) => Quadrant::Q1,
            (false, true) => Quadrant::Q2,
            (false, false) => Quadrant::Q3,
            (true, false) => Quadrant::Q4,
        }
    }

    /// `Q1` to `Q4`.
    pub fn name(self) -> &'static str {
        ["Q1", "Q2", "Q3", "Q4"][self as usize]
    }
}

impl fmt::Display for Quadrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Mean and standard deviation of valence and arousal (scale 1 to 9): a box on the plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AffectBox {
    /// Mean valence, 1 to 9.
    pub valence_mean: f64,
    /// Standard deviation of valence, at least 0.
    pub valence_std: f64,
    /// Mean arousal, 1 to 9.
    pub arousal_mean: f64,
    /// Standard deviation of arousal, at least 0.
    pub arousal_std: f64,
}

impl AffectBox {
    /// Russell's quadrant of the two means.
    pub(crate) fn quadrant(&self) -> Quadrant {
        Quadrant::of(self.valence_mean, self.arousal_mean)
    }

    /// Exact share, in percent, of the box mean ± sigma * std, clipped to the 1-to-9 square, in each of the eight
    /// 45-degree sectors around (5, 5).
    ///
    /// # Errors
    /// Where a mean is off the scale, or a deviation or sigma is not a number of at least 0.
    pub(crate) fn percentages(&self, sigma: f64) -> Result<EmotionVector> {
        EmotionVector::from_weights(self.shares(sigma)?)
    }

    /// The same shares in double precision, in percent, in the order of [`Emotion::ALL`](super::Emotion::ALL).
    ///
    /// A box without width or height has the shares of a segment or a point. What lies exactly on a line is shared equally between
    /// the sectors that touch it.
    ///
    /// # Errors
    /// As [`AffectBox::percentages`].
    pub(crate) fn shares(&self, sigma: f64) -> Result<[f64; 8]> {
        let (x, y) = self.spans(sigma)?;
        Ok(sector_shares(x, y).map(|share| 100.0 * share))
    }

    /// The clipped box relative to the center, one span per axis.
    fn spans(&self, sigma: f64) -> Result<(Span, Span)> {
        let at_least_0 = |name: &str, value: f64| {
            if value.is_finite() && value >= 0.0 {
                return Ok(());
            }
            Err(Error::invalid(format!(
                "{name} must be a number of at least 0, found {value}"
            )))
        };
        at_least_0("sigma", sigma)?;
        let span = |axis: &str, mean: f64, std: f64| {
            if !(SCALE_MIN..=SCALE_MAX).contains(&mean) {
                return Err(Error::invalid(format!(
                    "the mean of {axis} must lie between {SCALE_MIN} and {SCALE_MAX}, found {mean}; values of another scale \
                     need converting"
                )));
            }
            at_least_0(&format!("the standard deviation of {axis}"), std)?;
            let reach = (sigma * std).max(LEAST_REACH);
            Ok(Span {
                low: (mean - reach).max(SCALE_MIN) - CENTER,
                high: (mean + reach).min(SCALE_MAX) - CENTER,
            })
        };
        Ok((
            span("valence", self.valence_mean, self.valence_std)?,
            span("arousal", self.arousal_mean, self.arousal_std)?,
        ))
    }
}

/// One side of a box, relative to the center.
#[derive(Debug, Clone, Copy)]
struct Span {
    low: f64,
    high: f64,
}

impl Span {
    fn length(self) -> f64 {
        self.high - self.low
    }

    /// Part of the span between two values, 0 to 1.
    fn share_within(self, from: f64, to: f64) -> f64 {
        let overlap = self.high.min(to) - self.low.max(from);
        overlap.max(0.0) / self.length()
    }
}

/// Shares (sum 1) of the box `x` times `y` in the eight sectors.
///
/// At a fixed x the lines cut the vertical at -|x|, 0 and |x|, so the length in each sector is a piecewise linear
/// function of x, whose pieces end where a diagonal meets an edge of the box or where x is 0. Over a linear piece the
/// area is the piece's width times the length in its middle: exact, without sampling.
fn sector_shares(x: Span, y: Span) -> [f64; 8] {
    let mut shares = [0.0; 8];
    let mut cuts = [x.low, x.high, 0.0, y.low, y.high, -y.low, -y.high];
    for cut in &mut cuts {
        *cut = cut.clamp(x.low, x.high);
    }
    cuts.sort_by(f64::total_cmp);
    for pair in cuts.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        if to > from {
            let middle = from + 0.5 * (to - from);
            add_column(&mut shares, middle, y, (to - from) / x.length());
        }
    }
    shares
}

/// Adds `weight` times the parts of the vertical `y` at `x` in the four sectors that it meets, from the bottom to the top.
fn add_column(shares: &mut [f64; 8], x: f64, y: Span, weight: f64) {
    let sectors = if x > 0.0 { [6, 7, 0, 1] } else { [5, 4, 3, 2] };
    let bounds = [f64::NEG_INFINITY, -x.abs(), 0.0, x.abs(), f64::INFINITY];
    for (sector, bound) in sectors.into_iter().zip(bounds.windows(2)) {
        shares[sector] += weight * y.share_within(bound[0], bound[1]);
    }
}

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

/// A value this close to a line counts as on the line, so that decimals such as 6.3 and 3.7 lie on a diagonal
/// together although their distances from 5 differ in the last binary digit.
const ON_LINE: f64 = 1e-12;

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
    /// Zero deviation has its limit value. A box without width is a segment and shares by length; one without width
    /// and height is a point and belongs to its sector. What lies exactly on a line is shared equally between the
    /// sectors that touch it, as a box that shrinks to it with equal sides shares.
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
            let reach = sigma * std;
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

/// One side of a box, relative to the center; a single value where `low == high`.
#[derive(Debug, Clone, Copy)]
struct Span {
    low: f64,
    high: f64,
}

impl Span {
    fn is_point(self) -> bool {
        self.high <= self.low
    }

    fn length(self) -> f64 {
        self.high - self.low
    }

    /// Part of the span between two values, 0 to 1. A point on one of them counts half.
    fn share_within(self, from: f64, to: f64) -> f64 {
        if self.is_point() {
            if (self.low - from).abs() <= ON_LINE || (self.low - to).abs() <= ON_LINE {
                0.5
            } else if from < self.low && self.low < to {
                1.0
            } else {
                0.0
            }
        } else {
            let overlap = self.high.min(to) - self.low.max(from);
            overlap.max(0.0) / self.length()
        }
    }
}

/// Shares (sum 1) of the box `x` times `y` in the eight sectors.
///
/// At a fixed x the lines cut the vertical at -|x|, 0 and |x|, so the length in each sector is a piecewise linear
/// function of x, whose pieces end where a diagonal meets an edge of the box or where x is 0. Over a linear piece the
/// area is the piece's width times the length in its middle: exact, without sampling.
fn sector_shares(x: Span, y: Span) -> [f64; 8] {
    let mut shares = [0.0; 8];
    if x.is_point() {
        if x.low.abs() > ON_LINE {
            add_column(&mut shares, x.low, y, 1.0);
        } else if y.is_point() && y.low.abs() <= ON_LINE {
            shares = [0.125; 8];
        } else {
            // On the vertical axis: the limit from the right and from the left, half each.
            add_half_column(&mut shares, 0.0, RIGHT, y, 0.5);
            add_half_column(&mut shares, 0.0, LEFT, y, 0.5);
        }
        return shares;
    }
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

/// Sectors of a half plane from the bottom to the top.
type Half = [usize; 4];
const RIGHT: Half = [6, 7, 0, 1];
const LEFT: Half = [5, 4, 3, 2];

fn add_column(shares: &mut [f64; 8], x: f64, y: Span, weight: f64) {
    let half = if x > 0.0 { RIGHT } else { LEFT };
    add_half_column(shares, x.abs(), half, y, weight);
}

/// Adds `weight` times the parts of the vertical `y` at distance `d` from the axis in the four sectors of a half plane.
fn add_half_column(shares: &mut [f64; 8], d: f64, half: Half, y: Span, weight: f64) {
    let bounds = [f64::NEG_INFINITY, -d, 0.0, d, f64::INFINITY];
    for (sector, bound) in half.into_iter().zip(bounds.windows(2)) {
        // On the vertical axis the two inner sectors are empty.
        if bound[1] > bound[0] {
            shares[sector] += weight * y.share_within(bound[0], bound[1]);
        }
    }
}

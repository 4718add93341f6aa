//! The valence-arousal plane.

pub const SCALE_MIN: f64 = 1.0;
pub const SCALE_MAX: f64 = 9.0;
pub const CENTRE: f64 = 5.0;

/// Russell's quadrants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quadrant {
    Q1,
    Q2,
    Q3,
    Q4,
}
impl Quadrant {
    pub const ALL: [Quadrant; 4] = [Quadrant::Q1, Quadrant::Q2, Quadrant::Q3, Quadrant::Q4];
    /// Sign of (valence - 5) and (arousal - 5); a value of exactly 5 counts as positive.
    pub fn of(_valence: f64, _arousal: f64) -> Quadrant {
        unimplemented!()
    }
    pub fn name(self) -> &'static str {
        unimplemented!()
    }
}

/// Mean and standard deviation of valence and arousal (scale 1 to 9): a box on the plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AffectBox {
    pub valence_mean: f64,
    pub valence_std: f64,
    pub arousal_mean: f64,
    pub arousal_std: f64,
}
impl AffectBox {
    /// Exact share, in percent, of the box mean ± sigma * std, clipped to the 1-to-9 square, in each of the eight sectors.
    pub fn percentages(&self, _sigma: f64) -> Result<super::EmotionVector, super::InvalidVector> {
        unimplemented!()
    }
}

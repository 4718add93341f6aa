//! The eight emotions, vectors of their percentages, the geometry of the valence-arousal plane, and the emotions of faces.
//! Pure arithmetic: no files, no other module of this crate.

mod circumplex;
mod expression;
mod face;
mod moment;
#[cfg(test)]
mod properties;
mod vector;

pub use circumplex::{
    AffectBox, Axis, CENTRE, GridShares, InvalidBox, Quadrant, SCALE_MAX, SCALE_MIN,
    TYPICAL_DEVIATION,
};
pub use expression::{Expression, UnknownExpression};
pub use face::{EXPRESSION_MEANS, FaceMap, InvalidWeights};
pub use moment::{Moment, Stretch, Timeline};
pub use vector::{Emotion, EmotionVector, InvalidVector, UnknownEmotion, as_array};

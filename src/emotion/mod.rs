//! The eight emotions, vectors of their percentages, and the geometry of the valence-arousal plane.
//! Pure arithmetic: no files, no other module of this crate.

mod circumplex;
mod moment;
#[cfg(test)]
mod properties;
mod vector;

pub use circumplex::{
    AffectBox, Axis, CENTRE, GridShares, InvalidBox, Quadrant, SCALE_MAX, SCALE_MIN,
    TYPICAL_DEVIATION,
};
pub use moment::{Moment, Stretch, Timeline};
pub use vector::{Emotion, EmotionVector, InvalidVector, UnknownEmotion, as_array};

//! The eight emotions, vectors of their percentages, and the geometry of the valence-arousal plane.
//! Pure arithmetic: no files, no other module of this crate.

mod circumplex;
mod vector;

pub use circumplex::{AffectBox, CENTRE, Quadrant, SCALE_MAX, SCALE_MIN};
pub use vector::{Emotion, EmotionVector, InvalidVector, UnknownEmotion};

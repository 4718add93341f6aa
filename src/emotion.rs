//! The eight emotions, vectors of their percentages, the valence-arousal plane, and the emotions of facial expressions.
//! Pure arithmetic: no files.

mod circumplex;
#[cfg(test)]
mod circumplex_tests;
mod expression;
mod face_map;
mod moment;
mod vector;
#[cfg(test)]
mod vector_tests;

pub(crate) use circumplex::AffectBox;
pub use circumplex::Quadrant;
pub(crate) use circumplex::{CENTER, SCALE_MAX, SCALE_MIN, TYPICAL_DEVIATION};
pub use expression::Expression;
pub(crate) use face_map::EXPRESSION_MEANS;
pub use face_map::FaceMap;
pub use moment::Moment;
pub(crate) use moment::{Stretch, Timeline};
#[cfg(test)]
pub(crate) use vector::as_array;
pub(crate) use vector::scaled_to;
pub use vector::{Emotion, EmotionVector};

//! Faces in pictures and video: the files of programs that recognize expressions, and expressions that people type.

mod columns;
mod container;
mod detect;
mod frames;
mod map;
mod network;
mod observe;
#[cfg(test)]
mod observe_tests;
mod picture;
mod rows;

pub(crate) use detect::{Face, FaceReader, mood_score};
pub use frames::count_faces;
#[cfg(feature = "serve")]
pub(crate) use frames::observe_shares;
pub(crate) use frames::{FrameSource, FramesSeen, observe_frames};
pub(crate) use map::read_face_map;
pub(crate) use network::FaceModel;
#[cfg(feature = "train")]
pub(crate) use network::{
    FACE, FACE_FORMAT_VERSION, FACE_METADATA_KEY, FaceInput, FaceMetadata, FaceTraining,
    PROBABILITIES,
};
pub(crate) use observe::{Observation, ObserveOptions, observe};
pub(crate) use picture::{PIXELS, SIDE, decode, face_pixels, read_picture};

use crate::{
    emotion::{Expression, FaceMap},
    error::Result,
    search::parse_pairs,
};

/// Reads `happy=9,neutral=4,surprise=2`: any of the eight expressions in any order and spelling, with seconds or weights in any
/// unit; absent ones weigh 0. In the order of [`Expression::ALL`].
///
/// # Errors
/// Where a part is not `name=weight`, a name is unknown or given twice, or the weights cannot be mixed.
pub(crate) fn parse_face(text: &str) -> Result<[f64; Expression::COUNT]> {
    let expected = "an expression and its seconds or weight, like happy=9,neutral=4";
    let weights = parse_pairs(text, expected, |name| {
        let expression: Expression = name.parse()?;
        Ok((expression.index(), expression.name()))
    })?;
    let weights = weights.map(Option::unwrap_or_default);
    // Any map tells whether they can be mixed.
    FaceMap::default().mix(&weights)?;
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_is_typed_in_any_spelling() {
        let weights = parse_face("Happy=9, neutral = 4,surprised=2").unwrap();
        assert_eq!(weights, [0.0, 0.0, 0.0, 9.0, 0.0, 2.0, 4.0, 0.0]);
    }

    #[test]
    fn errors_name_what_cannot_be_used() {
        let message = |text| parse_face(text).unwrap_err().to_string();
        assert!(message("hapiness=1").contains("did you mean \"happiness\"?"));
        assert!(message("calm=1").contains("neutral, contempt"));
        assert!(message("happy").contains("found \"happy\""));
        assert!(message("").contains("happy=9"));
        assert!(message("happy=x").contains("expected a number"));
        assert!(message("happy=1,joy=2").contains("happiness is given twice"));
        assert!(message("happy=-1").contains("at least 0"));
        assert!(message("happy=inf").contains("at least 0"));
        assert!(message("happy=0,sad=0").contains("above zero"));
    }
}

//! What a face shows, typed or as a program that watches it writes it.

mod columns;
mod error;
mod json;
mod layout;
mod map;
mod observe;
#[cfg(test)]
mod observe_tests;
mod rows;

pub use error::{FaceError, FaceMapError};
pub use map::read_face_map;
pub use observe::{FaceInput, FaceOptions, Observation, observe};

use super::parse::{QuestionError, parse_number};
use crate::emotion::{Expression, FaceMap};

/// Reads `happy=9,neutral=4,surprise=2`: any of the eight expressions in any order and spelling, with seconds or weights in any
/// unit; those that are absent weigh 0. In the order of [`Expression::ALL`].
///
/// # Errors
/// [`QuestionError`].
///
/// ```
/// use circumplex::{emotion::Expression, search::parse_face};
/// let weights = parse_face("happy=9, neutral=4").unwrap();
/// assert_eq!(weights[Expression::Happiness.index()], 9.0);
/// let error = parse_face("hapy=3").unwrap_err();
/// assert!(error.to_string().contains("did you mean \"happiness\"?"));
/// ```
pub fn parse_face(text: &str) -> Result<[f64; Expression::COUNT], QuestionError> {
    let mut weights: [Option<f64>; Expression::COUNT] = [None; Expression::COUNT];
    for part in text.split(',') {
        let (name, weight) =
            part.split_once('=')
                .ok_or_else(|| QuestionError::NotAnExpression {
                    found: part.trim().to_owned(),
                })?;
        let expression: Expression = name.parse()?;
        let weight = parse_number(weight)?;
        if weights[expression.index()].replace(weight).is_some() {
            return Err(QuestionError::ExpressionTwice { expression });
        }
    }
    let weights = weights.map(|weight| weight.unwrap_or(0.0));
    // Whether they can be mixed does not depend on the map.
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
    fn what_is_no_observation_is_named() {
        let said = |text| parse_face(text).unwrap_err().to_string();
        assert!(said("hapiness=1").contains("did you mean \"happiness\"?"));
        assert!(said("calm=1").contains("neutral, contempt"));
        assert!(said("happy").contains("found \"happy\""));
        assert!(said("").contains("happy=9"));
        assert!(said("happy=x").contains("expected a number"));
        assert!(said("happy=1,joy=2").contains("happiness is given twice"));
        assert!(said("happy=-1").contains("at least 0"));
        assert!(said("happy=inf").contains("at least 0"));
        assert!(said("happy=0,sad=0").contains("above zero"));
    }
}

//! Questions as a person types them.

use super::point::{is_point, parse_point};
use crate::emotion::{
    Axis, Emotion, EmotionVector, Expression, InvalidBox, InvalidVector, InvalidWeights, SCALE_MAX,
    SCALE_MIN, UnknownEmotion, UnknownExpression,
};

/// What is asked cannot be understood, or is no direction to look in.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QuestionError {
    /// When a part of `happy=60,excited=40` is not a name, `=` and a number.
    #[error("expected an emotion and its weight, like happy=60,excited=40; found {found:?}")]
    NotAPair { found: String },
    /// When a name is none of the eight.
    #[error(transparent)]
    Unknown(#[from] UnknownEmotion),
    /// When an emotion is named twice.
    #[error("{emotion} is given twice; give each emotion one weight")]
    Twice { emotion: Emotion },
    /// When a weight is not a number.
    #[error("expected a number, found {found:?}")]
    NotANumber { found: String },
    /// When the vector has too few or too many numbers.
    #[error("expected eight numbers, in the order {}; found {found}", Emotion::ALL.map(Emotion::name).join(", "))]
    Count { found: usize },
    /// When the numbers are negative, not finite, or all zero.
    #[error(transparent)]
    Invalid(#[from] InvalidVector),
    /// When nothing is given where a feeling is expected.
    #[error(
        "expected emotions like happy=60,excited=40, one emotion like calm, a point like valence=7,arousal=3, or eight \
         numbers; found nothing"
    )]
    Nothing,
    /// When a point lacks one of its two values, or says more than a point has.
    #[error("expected a point like valence=7,arousal=3 (perhaps with spread=1.5); found {found:?}")]
    NotAPoint { found: String },
    /// When a point does not lie on the plane.
    #[error("{axis} must lie between {SCALE_MIN} and {SCALE_MAX}, found {found}")]
    OffScale { axis: Axis, found: f64 },
    /// When the spread around a point is negative or not finite.
    #[error("the spread around a point must be a number of at least 0, found {found}")]
    Spread { found: f64 },
    /// When a point makes no box.
    #[error(transparent)]
    Box(#[from] InvalidBox),
    /// When what is subtracted is what is asked.
    #[error(
        "nothing is left of the question: what --unlike subtracts feels exactly like what is asked for; leave it out or give \
         other songs"
    )]
    NothingLeft,
    /// When a part of `happy=9,neutral=4` is not an expression, `=` and a number.
    #[error(
        "expected an expression of the face and its seconds or weight, like happy=9,neutral=4; found {found:?}"
    )]
    NotAnExpression { found: String },
    /// When a name is none of the eight expressions.
    #[error(transparent)]
    UnknownExpression(#[from] UnknownExpression),
    /// When an expression is named twice.
    #[error("{expression} is given twice; give each expression one weight")]
    ExpressionTwice { expression: Expression },
    /// When the weights of expressions are negative, not finite, or all zero.
    #[error(transparent)]
    Weights(#[from] InvalidWeights),
}

/// Reads `happy=60,excited=40`: any of the eight emotions in any order, in any unit; those that are absent weigh 0. The
/// result is normalised to 100.
///
/// # Errors
/// [`QuestionError`].
///
/// ```
/// use circumplex::{emotion::Emotion, search::parse_emotions};
/// let vector = parse_emotions("happy=3, excited=1").unwrap();
/// assert_eq!(vector.get(Emotion::Happy), 75.0);
/// let error = parse_emotions("hapy=3").unwrap_err();
/// assert!(error.to_string().contains("did you mean \"happy\"?"));
/// ```
pub fn parse_emotions(text: &str) -> Result<EmotionVector, QuestionError> {
    let mut weights: [Option<f64>; Emotion::COUNT] = [None; Emotion::COUNT];
    for part in text.split(',') {
        let (name, weight) = part
            .split_once('=')
            .ok_or_else(|| QuestionError::NotAPair {
                found: part.trim().to_owned(),
            })?;
        let emotion: Emotion = name.parse()?;
        let place = &mut weights[emotion.index()];
        if place.replace(parse_number(weight)?).is_some() {
            return Err(QuestionError::Twice { emotion });
        }
    }
    Ok(EmotionVector::from_weights(
        weights.map(|weight| weight.unwrap_or(0.0)),
    )?)
}

/// Reads eight numbers separated by commas, in the order of the emotions, in any unit. The result is normalised to 100.
///
/// # Errors
/// [`QuestionError`].
pub fn parse_vector(text: &str) -> Result<EmotionVector, QuestionError> {
    let numbers = text
        .split(',')
        .map(parse_number)
        .collect::<Result<Vec<f64>, _>>()?;
    let weights: [f64; Emotion::COUNT] =
        numbers
            .try_into()
            .map_err(|numbers: Vec<f64>| QuestionError::Count {
                found: numbers.len(),
            })?;
    Ok(EmotionVector::from_weights(weights)?)
}

/// Reads what one feeling is typed as, in any of four ways: `happy=60,excited=40` as [`parse_emotions`] does, the name of one
/// emotion, `valence=7,arousal=3` as [`parse_point`] does, or eight numbers as [`parse_vector`] does.
///
/// # Errors
/// [`QuestionError`].
///
/// ```
/// use circumplex::search::{parse_emotions, parse_point, parse_target};
/// assert_eq!(parse_target("calm"), parse_emotions("calm=1"));
/// assert_eq!(parse_target("valence=7,arousal=3"), parse_point("valence=7,arousal=3"));
/// assert_eq!(parse_target("3,1,0,0,0,0,0,0"), parse_emotions("happy=75,excited=25"));
/// ```
pub fn parse_target(text: &str) -> Result<EmotionVector, QuestionError> {
    let text = text.trim();
    let first = text.split(',').next().unwrap_or_default().trim();
    if text.is_empty() {
        Err(QuestionError::Nothing)
    } else if is_point(text) {
        parse_point(text)
    } else if first.parse::<f64>().is_ok() {
        parse_vector(text)
    } else if text.contains(['=', ',']) {
        parse_emotions(text)
    } else {
        let mut weights = [0.0; Emotion::COUNT];
        weights[text.parse::<Emotion>()?.index()] = 1.0;
        Ok(EmotionVector::from_weights(weights)?)
    }
}

pub(super) fn parse_number(text: &str) -> Result<f64, QuestionError> {
    text.trim().parse().map_err(|_| QuestionError::NotANumber {
        found: text.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_normalised_and_absent_emotions_are_zero() {
        let vector = parse_emotions("excited=0.5, HAPPY = 1.5").unwrap();
        assert_eq!(
            vector.as_array(),
            &[75.0, 25.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        );
    }

    #[test]
    fn eight_numbers_stand_in_the_order_of_the_emotions() {
        let vector = parse_vector("0,0,0,0,0,0,1,3").unwrap();
        assert_eq!(vector.get(Emotion::Calm), 25.0);
        assert_eq!(vector.get(Emotion::Content), 75.0);
    }

    #[test]
    fn a_feeling_in_one_argument_may_be_typed_in_four_ways() {
        let calm = parse_emotions("calm=1");
        for text in ["calm", " CALM ", "calm=3", "0,0,0,0,0,0,2,0"] {
            assert_eq!(parse_target(text), calm, "{text}");
        }
        assert_eq!(parse_target("arousal=2, valence=6, spread=0"), calm);
        let said = |text| parse_target(text).unwrap_err().to_string();
        assert!(said("clam").contains("did you mean \"calm\"?"));
        assert!(said("").contains("one emotion like calm"));
        assert!(said("calm,happy").contains("found \"calm\""));
        assert!(said("1,2").contains("found 2"));
        assert!(said("5").contains("found 1"));
        assert!(said("valence=7").contains("arousal=3"));
        assert!(said("happy=1,valence=3").contains("arousal=3"));
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let said = |result: Result<EmotionVector, QuestionError>| result.unwrap_err().to_string();
        assert!(said(parse_emotions("exited=1")).contains("did you mean \"excited\"?"));
        assert!(said(parse_emotions("happy")).contains("\"happy\""));
        assert!(said(parse_emotions("happy=lots")).contains("\"lots\""));
        assert!(said(parse_emotions("happy=1,happy=2")).contains("twice"));
        assert!(said(parse_emotions("")).contains("happy=60"));
        assert!(said(parse_emotions("happy=-1")).contains("negative"));
        assert!(said(parse_emotions("happy=0")).contains("above zero"));
        assert!(said(parse_vector("1,2,3,4,5,6,7")).contains("found 7"));
        assert!(said(parse_vector("1,2,3,4,5,6,7,inf")).contains("finite"));
        assert!(said(parse_vector("1,2,3,4,5,6,7,NaN")).contains("finite"));
        assert!(said(parse_vector("0,0,0,0,0,0,0,0")).contains("above zero"));
        assert!(said(parse_vector("1,2,3,4,5,6,7,")).contains("expected a number"));
    }
}

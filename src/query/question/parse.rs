//! Questions as a person types them.

use crate::emotion::{Emotion, EmotionVector, InvalidVector, UnknownEmotion};

/// What was typed is no vector of emotions.
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
}

/// Reads `happy=60,excited=40`: any of the eight emotions in any order, in any unit; those that are absent weigh 0. The
/// result is normalised to 100.
///
/// # Errors
/// [`QuestionError`].
///
/// ```
/// use circumplex::{emotion::Emotion, query::parse_emotions};
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

fn parse_number(text: &str) -> Result<f64, QuestionError> {
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

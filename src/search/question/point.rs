//! A point on the valence-arousal plane.

use super::parse::{QuestionError, parse_number};
use crate::emotion::{AffectBox, Axis, EmotionVector, SCALE_MAX, SCALE_MIN, TYPICAL_DEVIATION};

/// The shares of the box `spread` around a point in the eight sectors.
pub(super) fn point(
    valence: f64,
    arousal: f64,
    spread: f64,
) -> Result<EmotionVector, QuestionError> {
    for (axis, found) in [(Axis::Valence, valence), (Axis::Arousal, arousal)] {
        if !(SCALE_MIN..=SCALE_MAX).contains(&found) {
            return Err(QuestionError::OffScale { axis, found });
        }
    }
    if !(spread.is_finite() && spread >= 0.0) {
        return Err(QuestionError::Spread { found: spread });
    }
    let around = AffectBox {
        valence_mean: valence,
        valence_std: spread,
        arousal_mean: arousal,
        arousal_std: spread,
    };
    Ok(around.percentages(1.0)?)
}

/// Reads `valence=7,arousal=3`, or the same with `spread=1`, which is [`TYPICAL_DEVIATION`] where it is not given.
///
/// # Errors
/// [`QuestionError`].
///
/// ```
/// use circumplex::{emotion::Emotion, search::parse_point};
/// let vector = parse_point("valence=7, arousal=3, spread=0.5").unwrap();
/// assert_eq!(vector.get(Emotion::Calm), 50.0);
/// assert_eq!(vector.get(Emotion::Content), 50.0);
/// ```
pub fn parse_point(text: &str) -> Result<EmotionVector, QuestionError> {
    let not_a_point = || QuestionError::NotAPoint {
        found: text.trim().to_owned(),
    };
    let mut values: [Option<f64>; KEYS.len()] = [None; KEYS.len()];
    for part in text.split(',') {
        let (key, value) = part.split_once('=').ok_or_else(not_a_point)?;
        let place = key_index(key).ok_or_else(not_a_point)?;
        if values[place].replace(parse_number(value)?).is_some() {
            return Err(not_a_point());
        }
    }
    let [Some(valence), Some(arousal), spread] = values else {
        return Err(not_a_point());
    };
    point(valence, arousal, spread.unwrap_or(TYPICAL_DEVIATION))
}

const KEYS: [&str; 3] = ["valence", "arousal", "spread"];

fn key_index(key: &str) -> Option<usize> {
    let key = key.trim();
    KEYS.iter().position(|name| name.eq_ignore_ascii_case(key))
}

/// Whether a list of pairs speaks of a point.
pub(super) fn is_point(text: &str) -> bool {
    let mut pairs = text.split(',').filter_map(|part| part.split_once('='));
    pairs.any(|(key, _)| key_index(key).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emotion::Emotion;

    #[test]
    fn a_point_is_shared_as_a_label_with_its_deviations() {
        let vector = parse_point("arousal=3,valence=7").unwrap();
        let label = AffectBox {
            valence_mean: 7.0,
            valence_std: 1.5,
            arousal_mean: 3.0,
            arousal_std: 1.5,
        };
        assert_eq!(vector, label.percentages(1.0).unwrap());
        let sharp = parse_point("valence=6,arousal=8,spread=0").unwrap();
        assert_eq!(sharp.get(Emotion::Excited), 100.0);
        assert_eq!(
            parse_point("valence=5,arousal=5").unwrap(),
            EmotionVector::even()
        );
    }

    #[test]
    fn a_point_off_the_scale_and_half_a_point_are_refused() {
        let said = |text| parse_point(text).unwrap_err().to_string();
        assert!(said("valence=10,arousal=3").contains("valence must lie between 1 and 9"));
        assert!(said("valence=3,arousal=0.5").contains("arousal must lie between 1 and 9"));
        assert!(said("valence=nan,arousal=3").contains("between 1 and 9"));
        assert!(said("valence=3,arousal=5,spread=-1").contains("at least 0"));
        assert!(said("valence=3,arousal=5,spread=inf").contains("at least 0"));
        assert!(said("valence=3").contains("valence=7,arousal=3"));
        assert!(said("valence=3,valence=3").contains("valence=7,arousal=3"));
        assert!(said("valence=3,arousal=5,happy=1").contains("valence=7,arousal=3"));
        assert!(said("valence=x,arousal=5").contains("expected a number"));
    }
}

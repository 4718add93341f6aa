//! Emotions and points as people type them.

use crate::{
    emotion::{AffectBox, Emotion, EmotionVector, TYPICAL_DEVIATION},
    error::{Error, Result},
};

/// Reads `name=number` pairs separated by commas or spaces, in any order. `index` tells the place of a name in the result and the name's
/// usual spelling; names that are absent are `None`.
///
/// # Errors
/// Where a part is not `name=number`, or a name is given twice; and those of `index`.
pub(crate) fn parse_pairs<const N: usize>(
    text: &str,
    expected: &str,
    index: impl Fn(&str) -> Result<(usize, &'static str)>,
) -> Result<[Option<f64>; N]> {
    let mut numbers = [None; N];
    // Spaces may also be around an equals sign, so they separate only where a part has several of those.
    let parts = text
        .split(',')
        .flat_map(|part| match part.matches('=').count() {
            0 | 1 => vec![part],
            _ => part.split_whitespace().collect(),
        });
    for part in parts {
        let Some((name, number)) = part.split_once('=') else {
            let found = part.trim();
            return Err(Error::invalid(format!(
                "expected {expected}; found {found:?}"
            )));
        };
        let (index, name) = index(name)?;
        if numbers[index].replace(parse_number(number)?).is_some() {
            return Err(Error::invalid(format!("{name} is given twice")));
        }
    }
    Ok(numbers)
}

/// Reads `happy=60,excited=40`: any of the eight emotions in any order, in any unit; absent ones weigh 0. The result is
/// normalized to 100.
///
/// # Errors
/// Where a part is not `name=weight`, a name is unknown or given twice, or the weights are not a valid vector.
pub(crate) fn parse_emotions(text: &str) -> Result<EmotionVector> {
    let expected = "an emotion and its weight, like happy=60,excited=40";
    let weights = parse_pairs(text, expected, |name| {
        let emotion: Emotion = name.parse()?;
        Ok((emotion.index(), emotion.name()))
    })?;
    EmotionVector::from_weights(weights.map(Option::unwrap_or_default))
}

/// Reads eight numbers separated by commas, in the order of the emotions, in any unit. The result is normalized to 100.
///
/// # Errors
/// Where there are not eight numbers, or they are not a valid vector.
pub(crate) fn parse_vector(text: &str) -> Result<EmotionVector> {
    let numbers = text.split(',').map(parse_number);
    let numbers = numbers.collect::<Result<Vec<f64>>>()?;
    let Ok(weights) = <[f64; Emotion::COUNT]>::try_from(&numbers[..]) else {
        return Err(Error::invalid(format!(
            "expected eight numbers, in the order {}; found {}",
            Emotion::ALL.map(Emotion::name).join(", "),
            numbers.len()
        )));
    };
    EmotionVector::from_weights(weights)
}

/// Reads `valence=7,arousal=3`, or the same with `spread=1`, which is 1.5 by default. See [`point`].
///
/// # Errors
/// Where the text is not a point, or the point is off the scale.
pub(crate) fn parse_point(text: &str) -> Result<EmotionVector> {
    let expected = "a point like valence=7,arousal=3 (perhaps with spread=1.5)";
    let not_a_point = || {
        let found = text.trim();
        Error::invalid(format!("expected {expected}; found {found:?}"))
    };
    let values = parse_pairs(text, expected, |key| {
        let index = key_index(key).ok_or_else(not_a_point)?;
        Ok((index, KEYS[index]))
    })?;
    let [Some(valence), Some(arousal), spread] = values else {
        return Err(not_a_point());
    };
    point(valence, arousal, spread.unwrap_or(TYPICAL_DEVIATION))
}

/// The emotions at a point of the plane (1 to 9): the shares of the box that reaches `spread` to each side in the eight sectors,
/// like the label of a song with these deviations.
///
/// # Errors
/// Where the point is off the scale, or the spread is not a number of at least 0.
pub(crate) fn point(valence: f64, arousal: f64, spread: f64) -> Result<EmotionVector> {
    let around = AffectBox {
        valence_mean: valence,
        valence_std: spread,
        arousal_mean: arousal,
        arousal_std: spread,
    };
    around.percentages(1.0)
}

/// Reads emotions in any of four forms: `happy=60,excited=40` ([`parse_emotions`]), the name of one emotion,
/// `valence=7,arousal=3` ([`parse_point`]), or eight numbers ([`parse_vector`]).
///
/// # Errors
/// Those of the form that the text has.
pub(crate) fn parse_target(text: &str) -> Result<EmotionVector> {
    let text = text.trim();
    let first = text.split(',').next().unwrap_or_default().trim();
    let mut pairs = text.split(',').filter_map(|part| part.split_once('='));
    if text.is_empty() {
        Err(Error::invalid(
            "expected emotions like happy=60,excited=40, one emotion like calm, a point like valence=7,arousal=3, or eight \
             numbers; found nothing",
        ))
    } else if pairs.any(|(key, _)| key_index(key).is_some()) {
        parse_point(text)
    } else if first.parse::<f64>().is_ok() {
        parse_vector(text)
    } else if text.contains(['=', ',']) {
        parse_emotions(text)
    } else {
        text.parse::<Emotion>()?;
        parse_emotions(&format!("{text}=1"))
    }
}

const KEYS: [&str; 3] = ["valence", "arousal", "spread"];

fn key_index(key: &str) -> Option<usize> {
    let key = key.trim();
    KEYS.iter().position(|name| name.eq_ignore_ascii_case(key))
}

fn parse_number(text: &str) -> Result<f64> {
    let text = text.trim();
    text.parse()
        .map_err(|_| Error::invalid(format!("expected a number, found {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_normalized_and_absent_emotions_are_zero() {
        for text in ["excited=0.5, HAPPY = 1.5", "excited=0.5 HAPPY=1.5"] {
            let vector = parse_emotions(text).unwrap();
            assert_eq!(
                vector.as_array(),
                &[75.0, 25.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
            );
        }
    }

    #[test]
    fn eight_numbers_are_in_the_order_of_the_emotions() {
        let vector = parse_vector("0,0,0,0,0,0,1,3").unwrap();
        assert_eq!(vector.get(Emotion::Calm), 25.0);
        assert_eq!(vector.get(Emotion::Content), 75.0);
    }

    #[test]
    fn emotions_may_be_typed_in_four_forms() {
        let calm = parse_emotions("calm=1").unwrap();
        for text in ["calm", " CALM ", "calm=3", "0,0,0,0,0,0,2,0"] {
            assert_eq!(parse_target(text).unwrap(), calm, "{text}");
        }
        assert_eq!(
            parse_target("arousal=2, valence=6, spread=0").unwrap(),
            calm
        );
        let message = |text| parse_target(text).unwrap_err().to_string();
        assert!(message("clam").contains("did you mean \"calm\"?"));
        assert!(message("").contains("one emotion like calm"));
        assert!(message("calm,happy").contains("found \"calm\""));
        assert!(message("1,2").contains("found 2"));
        assert!(message("5").contains("found 1"));
        assert!(message("valence=7").contains("arousal=3"));
        assert!(message("happy=1,valence=3").contains("arousal=3"));
    }

    #[test]
    fn errors_name_what_cannot_be_used() {
        let message = |result: Result<EmotionVector>| result.unwrap_err().to_string();
        assert!(message(parse_emotions("exited=1")).contains("did you mean \"excited\"?"));
        assert!(message(parse_emotions("happy")).contains("\"happy\""));
        assert!(message(parse_emotions("happy=many")).contains("\"many\""));
        assert!(message(parse_emotions("happy=1,happy=2")).contains("twice"));
        assert!(message(parse_emotions("happy = 1 calm = 2")).contains("found \"happy\""));
        assert!(message(parse_emotions("")).contains("happy=60"));
        assert!(message(parse_emotions("happy=-1")).contains("negative"));
        assert!(message(parse_emotions("happy=0")).contains("above zero"));
        assert!(message(parse_vector("1,2,3,4,5,6,7")).contains("found 7"));
        assert!(message(parse_vector("1,2,3,4,5,6,7,inf")).contains("finite"));
        assert!(message(parse_vector("1,2,3,4,5,6,7,NaN")).contains("finite"));
        assert!(message(parse_vector("0,0,0,0,0,0,0,0")).contains("above zero"));
        assert!(message(parse_vector("1,2,3,4,5,6,7,")).contains("expected a number"));
    }

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
    fn a_point_off_the_scale_and_half_a_point_are_rejected() {
        let message = |text| parse_point(text).unwrap_err().to_string();
        assert!(message("valence=10,arousal=3").contains("valence must lie between 1 and 9"));
        assert!(message("valence=3,arousal=0.5").contains("arousal must lie between 1 and 9"));
        assert!(message("valence=nan,arousal=3").contains("between 1 and 9"));
        assert!(message("valence=3,arousal=5,spread=-1").contains("at least 0"));
        assert!(message("valence=3,arousal=5,spread=inf").contains("at least 0"));
        assert!(message("valence=3").contains("valence=7,arousal=3"));
        assert!(message("valence=3,valence=3").contains("valence is given twice"));
        assert!(message("valence=3,arousal=5,happy=1").contains("valence=7,arousal=3"));
        assert!(message("valence=x,arousal=5").contains("expected a number"));
    }
}

//! What the names of columns and the words in their cells mean.

use crate::emotion::Expression;

/// Names of columns with labels, the surest first.
pub(super) const LABELS: [&str; 11] = [
    "dominant_emotion",
    "emotion",
    "expression",
    "facial_expression",
    "dominant_expression",
    "emotion_label",
    "predicted_emotion",
    "top_emotion",
    "label",
    "prediction",
    "class",
];
/// Names of columns with times in milliseconds.
pub(super) const MILLISECONDS: [&str; 12] = [
    "time_ms",
    "timestamp_ms",
    "frame_time_in_ms",
    "frame_time_ms",
    "time_in_ms",
    "elapsed_ms",
    "t_ms",
    "ms",
    "msec",
    "millis",
    "milliseconds",
    "mediatime",
];
/// Names of columns with times in seconds, on a clock, or as dates; the finest first.
pub(super) const SECONDS: [&str; 17] = [
    "timestamp",
    "time",
    "time_s",
    "timestamp_s",
    "time_sec",
    "time_seconds",
    "seconds",
    "second",
    "sec",
    "t",
    "t_s",
    "elapsed",
    "elapsed_s",
    "frame_time",
    "datetime",
    "start_s",
    "approx_time",
];
pub(super) const FRAMES: [&str; 7] = [
    "frame",
    "frame_idx",
    "frame_index",
    "frame_number",
    "frame_no",
    "frameno",
    "frame_id",
];
pub(super) const FACES: [&str; 5] = ["face_id", "face", "faceid", "person", "person_id"];
pub(super) const OF: [&str; 6] = [
    "input",
    "image_path",
    "video_path",
    "file",
    "filename",
    "image",
];
pub(super) const SEEN: [&str; 6] = [
    "success",
    "face_confidence",
    "facescore",
    "face_score",
    "confidence",
    "face_detected",
];
/// Words around the name of an expression that say nothing.
pub(super) const AROUND: [&str; 17] = [
    "emotion",
    "emotions",
    "expression",
    "expressions",
    "face",
    "facial",
    "fer",
    "p",
    "prob",
    "probs",
    "probability",
    "probabilities",
    "score",
    "scores",
    "confidence",
    "percent",
    "pct",
];
/// The classes of AffectNet by number (Mollahosseini, Hasani & Mahoor 2017), which OpenFace 3 writes.
pub(super) const AFFECTNET: [Expression; 8] = [
    Expression::Neutral,
    Expression::Happiness,
    Expression::Sadness,
    Expression::Surprise,
    Expression::Fear,
    Expression::Disgust,
    Expression::Anger,
    Expression::Contempt,
];
/// Labels of frames in which nothing was recognised.
pub(super) const NOTHING: [&str; 12] = [
    "",
    "-",
    "nan",
    "na",
    "n/a",
    "null",
    "none",
    "no face",
    "no_face",
    "noface",
    "unknown",
    "undetected",
];
/// Columns that an error lists.
pub(super) const LISTED: usize = 12;

/// A name as it is compared: what stands behind the last dot, in lower case, with `_` for all that is no letter or digit.
pub(super) fn plain(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    let words: Vec<String> = last
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("_")
}

/// The expression and the number of the face that a column of probabilities is about.
pub(super) fn expression_of(plain: &str) -> Option<(Expression, u32)> {
    let mut words = plain.split('_').filter(|word| !AROUND.contains(word));
    let word = words.next()?;
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = word.get(letters.len()..).unwrap_or_default();
    let expression = Expression::ALL
        .into_iter()
        .find(|expression| expression.spellings().contains(&letters))?;
    let face = match (digits, words.next(), words.next()) {
        ("", None, _) => 0,
        (digits, None, _) | ("", Some(digits), None) => digits.parse().ok()?,
        _ => return None,
    };
    Some((expression, face))
}

pub(super) fn is_action_unit(plain: &str) -> bool {
    let digits = plain.strip_prefix("au").map(|rest| {
        rest.trim_end_matches("_r")
            .trim_end_matches("_c")
            .to_owned()
    });
    digits.is_some_and(|digits| {
        (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

pub(super) fn is_nothing(text: &str) -> bool {
    NOTHING
        .iter()
        .any(|nothing| text.eq_ignore_ascii_case(nothing))
}

/// A number, a place on a clock (`1:10`), or a date with a time, the latter in seconds since 1970.
pub(super) fn time_of(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        return Some(number);
    }
    if let Ok(nanoseconds) = arrow::compute::kernels::cast_utils::string_to_timestamp_nanos(text) {
        return Some(nanoseconds as f64 / 1e9);
    }
    let parts: Vec<f64> = text
        .split(':')
        .map(|part| part.parse().ok().filter(|part: &f64| *part >= 0.0))
        .collect::<Option<_>>()?;
    (2..=3)
        .contains(&parts.len())
        .then(|| parts.iter().fold(0.0, |sum, part| 60.0 * sum + part))
}

pub(super) fn list(names: &[&String]) -> String {
    let mut text: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|name| format!("{name:?}"))
        .collect();
    if names.len() > LISTED {
        text.push(format!("and {} more", names.len() - LISTED));
    }
    if text.is_empty() {
        "none".to_owned()
    } else {
        text.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_expressions_are_known_by_any_spelling_prefix_and_number() {
        for (name, expected) in [
            ("angry", Some((Expression::Anger, 0))),
            (" Happiness ", Some((Expression::Happiness, 0))),
            ("emotion.sad", Some((Expression::Sadness, 0))),
            ("emotion_fear_prob", Some((Expression::Fear, 0))),
            ("disgust1", Some((Expression::Disgust, 1))),
            ("surprise_12", Some((Expression::Surprise, 12))),
            ("p(contempt)", Some((Expression::Contempt, 0))),
            ("region.x", None),
            ("happy_time", None),
            ("dominant_emotion", None),
            ("emotion", None),
            ("AU12", None),
            ("box0", None),
        ] {
            assert_eq!(expression_of(&plain(name)), expected, "{name}");
        }
    }

    #[test]
    fn times_are_numbers_clocks_and_dates() {
        assert_eq!(time_of("12.5"), Some(12.5));
        assert_eq!(time_of("01:10"), Some(70.0));
        assert_eq!(time_of("1:00:02.5"), Some(3602.5));
        let at = |text| time_of(text).unwrap();
        assert_eq!(at("2026-01-31 12:00:01.5") - at("2026-01-31T12:00:00"), 1.5);
        for text in ["x", "1:-2", "1:2:3:4", ""] {
            assert_eq!(time_of(text), None, "{text}");
        }
    }

    #[test]
    fn action_units_are_known() {
        for name in ["AU01_r", " AU45_c", "AU1", "au12"] {
            assert!(is_action_unit(&plain(name)), "{name}");
        }
        for name in ["author", "AU", "AU123_r", "au_1"] {
            assert!(!is_action_unit(&plain(name)), "{name}");
        }
    }
}

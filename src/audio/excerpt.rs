//! Which part of a song is heard.

use crate::clock::{number, position, seconds};
use std::{fmt, ops::Range, str::FromStr};

/// A part of a song: so many seconds from its middle, or from a place on.
///
/// Written `LENGTH` or `START:LENGTH`. A length is a number with its unit, `45s` or `1.5m`; a start is the same, or a place
/// as players show it, `1:10` or `1:02:03`.
///
/// ```
/// use circumplex::audio::Excerpt;
/// let middle: Excerpt = "45s".parse()?;
/// assert_eq!((middle.start_s, middle.length_s), (None, 45.0));
/// let later: Excerpt = "1:10:45s".parse()?;
/// assert_eq!((later.start_s, later.length_s), (Some(70.0), 45.0));
/// assert_eq!("70s:0.75m".parse::<Excerpt>()?, later);
/// assert_eq!(later.to_string(), "1:10:45s");
/// # Ok::<(), circumplex::audio::InvalidExcerpt>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Excerpt {
    /// Where it begins, in seconds; `None`: so that it lies in the middle.
    pub start_s: Option<f64>,
    /// How long it is, in seconds, above 0.
    pub length_s: f64,
}

/// Text that is no [`Excerpt`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a length like 45s (from the middle) or a start and a length like 1:10:45s or 70s:45s, found {found:?}: {why}"
)]
pub struct InvalidExcerpt {
    /// The text.
    pub found: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Longest song that is thought of, in seconds: some eleven days.
const LONGEST: f64 = 1e6;

impl Excerpt {
    /// From where to where it goes in a song of `total_s` seconds; `None` where that is the whole song. It never reaches
    /// beyond the song's end: it begins earlier instead.
    pub fn place(&self, total_s: f64) -> Option<Range<f64>> {
        let latest = total_s - self.length_s;
        if latest <= 0.0 {
            return None;
        }
        let start = self.start_s.unwrap_or(latest / 2.0).min(latest);
        Some(start..start + self.length_s)
    }
}

impl FromStr for Excerpt {
    type Err = InvalidExcerpt;

    fn from_str(text: &str) -> Result<Self, InvalidExcerpt> {
        let invalid = |why| InvalidExcerpt {
            found: text.to_owned(),
            why,
        };
        let (start, length) = match text.rsplit_once(':') {
            Some((start, length)) => (Some(start), length),
            None => (None, text),
        };
        let length_s = duration(length)
            .ok_or_else(|| invalid("the length needs a number and a unit, s or m, as in 45s"))?;
        if !(length_s > 0.0 && length_s <= LONGEST) {
            return Err(invalid("the length must be above 0 and below eleven days"));
        }
        let start_s = match start {
            Some(start) => Some(
                duration(start)
                    .or_else(|| seconds(start))
                    .filter(|start| *start <= LONGEST)
                    .ok_or_else(|| invalid("the start must be like 70s, 1:10 or 1:02:03"))?,
            ),
            None => None,
        };
        Ok(Self { start_s, length_s })
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start_s {
            // Tenths are all that a place can say.
            Some(start) if (start * 10.0).fract() == 0.0 => {
                write!(f, "{}:{}s", position(start), self.length_s)
            }
            Some(start) => write!(f, "{start}s:{}s", self.length_s),
            None => write!(f, "{}s", self.length_s),
        }
    }
}

/// Seconds of `45s` and `1.5m`.
fn duration(text: &str) -> Option<f64> {
    match (text.strip_suffix('s'), text.strip_suffix('m')) {
        (Some(text), _) => number(text),
        (None, Some(text)) => number(text).map(|minutes| 60.0 * minutes),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_read_as_it_is_written() {
        for (text, start_s, length_s) in [
            ("45s", None, 45.0),
            ("0.5m", None, 30.0),
            ("70s:45s", Some(70.0), 45.0),
            ("2m:10s", Some(120.0), 10.0),
            ("0:00:10s", Some(0.0), 10.0),
            ("1:02:03.5:10.25s", Some(3_723.5), 10.25),
            ("70.25s:10s", Some(70.25), 10.0),
        ] {
            let excerpt: Excerpt = text.parse().unwrap();
            assert_eq!(excerpt, Excerpt { start_s, length_s }, "{text}");
            assert_eq!(excerpt.to_string().parse(), Ok(excerpt), "{text}");
        }
        for text in [
            "",
            "45",
            "s",
            "-5s",
            "0s",
            "1e3s",
            "infs",
            "nans",
            "1:10",
            "1:70:5s",
            "1.5:10:5s",
            "70:45s",
            "1:1:1:1:5s",
            ":5s",
            "5s:",
            "9999999999s",
            "1:10:45",
        ] {
            assert!(text.parse::<Excerpt>().is_err(), "{text}");
        }
    }

    #[test]
    fn it_lies_in_the_middle_and_never_reaches_beyond_the_end() {
        let at = |text: &str, total| text.parse::<Excerpt>().unwrap().place(total);
        assert_eq!(at("10s", 30.0), Some(10.0..20.0));
        assert_eq!(at("10s", 10.0), None);
        assert_eq!(at("10s", 3.0), None);
        assert_eq!(at("5s:10s", 30.0), Some(5.0..15.0));
        assert_eq!(at("25s:10s", 30.0), Some(20.0..30.0));
        assert_eq!(at("99s:10s", 30.0), Some(20.0..30.0));
    }
}

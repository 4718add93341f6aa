//! The part of a song to analyze.

use super::source::{no_audio, unsupported};
use crate::{
    Error, Result,
    clock::{number, position, seconds},
};
use std::{fmt, str::FromStr};

/// A segment of a song.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Start in seconds.
    pub start_s: f64,
    /// End in seconds. Infinity, or any time after the end of the song, means that end.
    pub end_s: f64,
}

impl Segment {
    /// Length in seconds.
    pub fn length_s(&self) -> f64 {
        self.end_s - self.start_s
    }
}

/// The part of a song to decode.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) enum Selection {
    #[default]
    All,
    Excerpt(Excerpt),
    Segment(Segment),
}

impl Selection {
    /// The segment of a song of `total_s` seconds; `None` for the whole song. 0 seconds mean an unknown length.
    ///
    /// # Errors
    /// If a [`Segment`] is not in the song, or its length is unknown.
    pub(super) fn place(&self, total_s: f64) -> Result<Option<Segment>> {
        let segment = match self {
            Self::All => return Ok(None),
            Self::Excerpt(excerpt) => return Ok(excerpt.place(total_s)),
            Self::Segment(segment) => segment,
        };
        let end_s = segment.end_s.min(total_s);
        if total_s <= 0.0 {
            let what = "a segment of a file whose container has no times";
            return Err(unsupported(what));
        }
        if segment.start_s >= end_s {
            return Err(no_audio("the segment starts after its end"));
        }
        let is_whole = segment.start_s <= 0.0 && end_s >= total_s;
        Ok((!is_whole).then_some(Segment { end_s, ..*segment }))
    }
}

/// An excerpt of a song: a length from its middle, or from a start.
///
/// Written `LENGTH` or `START:LENGTH`. A length is a number with a unit, `45s` or `1.5m`; a start is the same, or a time as
/// players show it, `1:10` or `1:02:03`.
///
/// ```
/// use circumplex::Excerpt;
/// let middle: Excerpt = "45s".parse()?;
/// assert_eq!((middle.start_s, middle.length_s), (None, 45.0));
/// let later: Excerpt = "1:10:45s".parse()?;
/// assert_eq!((later.start_s, later.length_s), (Some(70.0), 45.0));
/// assert_eq!("70s:0.75m".parse::<Excerpt>()?, later);
/// assert_eq!(later.to_string(), "1:10:45s");
/// # Ok::<(), circumplex::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Excerpt {
    /// Start in seconds; `None` centers it in the song.
    pub start_s: Option<f64>,
    /// Length in seconds, above 0.
    pub length_s: f64,
}

/// Longest excerpt or start, in seconds: some eleven days.
const LONGEST: f64 = 1e6;

impl Excerpt {
    /// Its segment of a song of `total_s` seconds; `None` if that is the whole song. It never reaches beyond the song's
    /// end: it starts earlier instead.
    pub(crate) fn place(&self, total_s: f64) -> Option<Segment> {
        let latest = total_s - self.length_s;
        let start_s = self.start_s.unwrap_or(latest / 2.0).min(latest);
        (latest > 0.0).then_some(Segment {
            start_s,
            end_s: start_s + self.length_s,
        })
    }
}

impl FromStr for Excerpt {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = |why| {
            Error::invalid(format!(
                "expected a length like 45s or a start and a length like 1:10:45s or 70s:45s, found {text:?}: {why}"
            ))
        };
        let (start, length) = text.rsplit_once(':').unwrap_or(("", text));
        let length_s = duration(length)
            .ok_or_else(|| invalid("the length needs a number and a unit, s or m, as in 45s"))?;
        if !(length_s > 0.0 && length_s <= LONGEST) {
            return Err(invalid("the length must be above 0 and below eleven days"));
        }
        let start_s = duration(start).or_else(|| seconds(start));
        let start_s = start_s.filter(|start| *start <= LONGEST);
        if start_s.is_none() && text.contains(':') {
            return Err(invalid("the start must be like 70s, 1:10 or 1:02:03"));
        }
        Ok(Self { start_s, length_s })
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start_s {
            // Times have tenths at most.
            Some(start) if (start * 10.0).fract() == 0.0 => {
                write!(f, "{}:{}s", position(start), self.length_s)
            }
            Some(start) => write!(f, "{start}s:{}s", self.length_s),
            None => write!(f, "{}s", self.length_s),
        }
    }
}

/// Seconds of a duration like `45s` or `1.5m`.
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
            assert_eq!(excerpt.to_string().parse::<Excerpt>().unwrap(), excerpt);
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
    fn an_excerpt_is_centered_and_never_reaches_beyond_the_end() {
        let at = |text: &str, total| {
            let segment = text.parse::<Excerpt>().unwrap().place(total);
            segment.map(|segment| (segment.start_s, segment.end_s))
        };
        assert_eq!(at("10s", 30.0), Some((10.0, 20.0)));
        assert_eq!(at("10s", 10.0), None);
        assert_eq!(at("10s", 3.0), None);
        assert_eq!(at("5s:10s", 30.0), Some((5.0, 15.0)));
        assert_eq!(at("25s:10s", 30.0), Some((20.0, 30.0)));
        assert_eq!(at("99s:10s", 30.0), Some((20.0, 30.0)));
    }
}

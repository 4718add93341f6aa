//! What a row says of a song that was not heard like any other.

use crate::clock::{position, seconds};
use std::{
    ops::Range,
    path::{Path, PathBuf},
};

/// What is special about how a song was heard. Several may hold at once.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// Nothing that can be heard is in it; its percentages mean nothing.
    Silent,
    /// It is shorter than a window of the model, and was repeated until the window was full.
    Repeated,
    /// So many packets were left out as damaged.
    Damaged(u64),
    /// It is a track of a file that a CUE sheet divides.
    Track {
        /// Its number in the sheet.
        number: u32,
        /// Where it begins in the file.
        start_s: f64,
        /// How long it is.
        length_s: f64,
    },
    /// Only a part was heard.
    Excerpt {
        /// Where it begins in the song.
        start_s: f64,
        /// How long it is.
        length_s: f64,
    },
}

impl Note {
    /// The note of a song in which all of `notes` hold: fixed words, `; ` between them. `None` for an ordinary song.
    ///
    /// ```
    /// use circumplex::library::Note;
    /// assert_eq!(Note::text(&[]), None);
    /// let text = Note::text(&[Note::Silent, Note::Damaged(1)]);
    /// assert_eq!(text.as_deref(), Some("silent; 1 damaged packet"));
    /// ```
    pub fn text(notes: &[Self]) -> Option<String> {
        let words: Vec<String> = notes.iter().map(Self::words).collect();
        (!words.is_empty()).then(|| words.join(BETWEEN))
    }

    fn words(&self) -> String {
        match self {
            Self::Silent => SILENT.to_owned(),
            Self::Repeated => "shorter than a window (repeated)".to_owned(),
            Self::Damaged(1) => "1 damaged packet".to_owned(),
            Self::Excerpt { start_s, length_s } => {
                format!(
                    "excerpt {} s from {}",
                    tenths(*length_s),
                    position(*start_s)
                )
            }
            Self::Track {
                number,
                start_s,
                length_s,
            } => {
                let length = tenths(*length_s);
                format!("{TRACK}{number}, {length} s from {}", position(*start_s))
            }
            Self::Damaged(packets) => format!("{packets} damaged packets"),
        }
    }

    /// Whether a row's note says that its song is silent.
    pub fn says_silent(note: &str) -> bool {
        note.split(BETWEEN).any(|words| words == SILENT)
    }
}

/// Where a row's sound is found.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// The file. Of a track of a CUE sheet, the long file that the track is a part of.
    pub file: PathBuf,
    /// The seconds of the file that are the track, to a tenth; `None`: all of it.
    pub stretch: Option<Range<f64>>,
}

impl Sound {
    /// Of a row with this path and note. The path of a track is its file's with the track's number below it.
    ///
    /// ```
    /// use circumplex::library::Sound;
    /// let sound = Sound::of("/music/mix.flac/03".as_ref(), Some("track 3, 200 s from 4:05.5"));
    /// assert_eq!(sound.file.to_str(), Some("/music/mix.flac"));
    /// assert_eq!(sound.stretch, Some(245.5..445.5));
    /// ```
    pub fn of(path: &Path, note: Option<&str>) -> Self {
        let stretch = note.and_then(|note| note.split(BETWEEN).find_map(stretch_of));
        match path.parent().filter(|_| stretch.is_some()) {
            Some(file) => Self {
                file: file.to_owned(),
                stretch,
            },
            None => Self {
                file: path.to_owned(),
                stretch: None,
            },
        }
    }
}

/// The seconds that the words of a [`Note::Track`] tell.
fn stretch_of(words: &str) -> Option<Range<f64>> {
    let (_, place) = words.strip_prefix(TRACK)?.split_once(", ")?;
    let (length, start) = place.split_once(" s from ")?;
    let (start, length) = (seconds(start)?, length.parse::<f64>().ok()?);
    (length.is_finite() && length >= 0.0).then_some(start..start + length)
}

fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

const BETWEEN: &str = "; ";
const SILENT: &str = "silent";
const TRACK: &str = "track ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_song_is_known_by_its_note_whatever_else_it_says() {
        let all = [Note::Silent, Note::Repeated, Note::Damaged(3)];
        let text = Note::text(&all).unwrap();
        assert_eq!(
            text,
            "silent; shorter than a window (repeated); 3 damaged packets"
        );
        assert!(Note::says_silent(&text));
        assert!(!Note::says_silent(&Note::text(&all[1..]).unwrap()));
        assert!(!Note::says_silent("silently"));
        let part = Note::Excerpt {
            start_s: 70.02,
            length_s: 45.0,
        };
        assert_eq!(Note::text(&[part]).unwrap(), "excerpt 45 s from 1:10");
        let track = Note::Track {
            number: 3,
            start_s: 245.5,
            length_s: 200.04,
        };
        assert_eq!(Note::text(&[track]).unwrap(), "track 3, 200 s from 4:05.5");
    }

    #[test]
    fn the_sound_of_a_track_is_a_stretch_of_its_file_whatever_else_the_note_says() {
        let track = Note::Track {
            number: 12,
            start_s: 3_723.04,
            length_s: 61.25,
        };
        let note = Note::text(&[track, Note::Damaged(2)]).unwrap();
        let path = Path::new("/music/mix.flac/12");
        let sound = Sound::of(path, Some(&note));
        assert_eq!(sound.file, Path::new("/music/mix.flac"));
        let stretch = sound.stretch.unwrap();
        assert!((stretch.start - 3_723.0).abs() < 1e-9, "{stretch:?}");
        assert!((stretch.end - 3_784.3).abs() < 1e-9, "{stretch:?}");
        for note in [
            None,
            Some("silent"),
            Some("excerpt 45 s from 1:10"),
            Some("track 3"),
            Some("track 3, many s from 1:10"),
        ] {
            let sound = Sound::of(path, note);
            assert_eq!((sound.file.as_path(), sound.stretch), (path, None));
        }
    }
}

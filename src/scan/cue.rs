//! CUE sheets: the tracks of a long file and their start times.

use super::patterns::read_small_file;
use crate::{Error, ErrorKind, Result, charset::TagCharset, error::Context};
use std::{fmt, path::Path};

/// The longest sheet that is read: a directory may hold anything under that name.
const LONGEST_FILE: u64 = 1 << 20;
/// Frames of a compact disc per second, the unit of times in a sheet.
const FRAMES: u64 = 75;
/// The longest time that is accepted, in minutes.
const LONGEST_MINUTES: u64 = 6000;

/// A CUE sheet.
///
/// The commands FILE, TRACK, INDEX 01, TITLE, PERFORMER and REM GENRE are read, all others ignored, because programs write
/// many that are not in the standard. A track belongs to the file of its INDEX 01. Data tracks are skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Title of the album.
    pub title: Option<String>,
    /// Artist of the album.
    pub performer: Option<String>,
    /// Genre of the album.
    pub genre: Option<String>,
    /// The files in the order of the sheet.
    pub files: Vec<SheetFile>,
}

/// A file of a sheet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SheetFile {
    /// Its name, as it is in the sheet.
    pub name: String,
    /// Its tracks; each starts after the one before.
    pub tracks: Vec<SheetTrack>,
}

/// A track of a sheet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SheetTrack {
    /// Its number; above that of the track before it in its file.
    pub number: u32,
    /// Its start in the file.
    pub start: SheetTime,
    /// Its title.
    pub title: Option<String>,
    /// Its artist.
    pub performer: Option<String>,
}

/// A time in minutes, seconds and frames of 1/75 s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SheetTime(u64);

impl SheetTime {
    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / FRAMES as f64
    }

    fn parse(text: &str) -> Option<Self> {
        let parts = text.split(':').map(|part| part.parse().ok());
        let parts: Vec<u64> = parts.collect::<Option<_>>()?;
        let [minutes, seconds, frames] = parts.try_into().ok()?;
        (minutes <= LONGEST_MINUTES && seconds < 60 && frames < FRAMES)
            .then(|| Self((minutes * 60 + seconds) * FRAMES + frames))
    }
}

impl fmt::Display for SheetTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / FRAMES;
        let (minutes, seconds, frames) = (seconds / 60, seconds % 60, self.0 % FRAMES);
        write!(f, "{minutes:02}:{seconds:02}:{frames:02}")
    }
}

impl Sheet {
    /// Reads a sheet.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a CUE sheet.
    pub(crate) fn load(path: &Path, charset: TagCharset) -> Result<Self> {
        let bytes = read_small_file(path, LONGEST_FILE);
        let bytes = bytes.context_at(ErrorKind::Io, path, "cannot read the CUE sheet")?;
        let invalid = "invalid CUE sheet; fix or remove it";
        Self::parse(&bytes, charset).context_at(ErrorKind::InvalidInput, path, invalid)
    }

    /// Parses a sheet in UTF-8, UTF-16 with a byte order mark, or else `charset`.
    ///
    /// # Errors
    /// When a line is invalid.
    pub fn parse(bytes: &[u8], charset: TagCharset) -> Result<Self> {
        let mut parser = Parser::default();
        for (line, text) in (1..).zip(charset.decode_file(bytes).lines()) {
            let (command, rest) = split_word(text);
            let parsed = parser.command(&command.to_ascii_uppercase(), rest);
            parsed.map_err(|expected| {
                let found: String = text.trim().chars().take(200).collect();
                Error::invalid(format!("line {line}: expected {expected}, found {found:?}"))
            })?;
        }
        Ok(parser.sheet)
    }
}

/// The sheet and the current track.
#[derive(Default)]
struct Parser {
    sheet: Sheet,
    track: Option<SheetTrack>,
    /// Whether the current track is in its file.
    placed: bool,
}

impl Parser {
    /// Parses a command. The error is what was expected.
    fn command(&mut self, command: &str, rest: &str) -> Result<(), &'static str> {
        match command {
            "FILE" => {
                let name = file_name(rest);
                if name.is_empty() {
                    return Err("a file name");
                }
                let tracks = Vec::new();
                self.sheet.files.push(SheetFile { name, tracks });
            }
            "TRACK" => {
                let (number, kind) = split_word(rest);
                let number = number.parse().map_err(|_| "a track number")?;
                let track = SheetTrack {
                    number,
                    ..SheetTrack::default()
                };
                let is_audio = !kind.to_ascii_uppercase().starts_with("MODE");
                (self.track, self.placed) = (is_audio.then_some(track), false);
            }
            "INDEX" => {
                let (number, time) = split_word(rest);
                let time = SheetTime::parse(time.trim()).ok_or("a time such as 04:15:00")?;
                if number.parse() == Ok(1) && !self.placed {
                    self.place(time)?;
                }
            }
            "TITLE" | "PERFORMER" => {
                if let Some((title, performer)) = self.texts() {
                    let text = if command == "TITLE" { title } else { performer };
                    *text = quoted(rest);
                }
            }
            "REM" => {
                let (key, value) = split_word(rest);
                if key.eq_ignore_ascii_case("GENRE") && self.track.is_none() {
                    self.sheet.genre = quoted(value);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds the current track to its file.
    fn place(&mut self, start: SheetTime) -> Result<(), &'static str> {
        let Some(track) = &mut self.track else {
            return Ok(());
        };
        track.start = start;
        let file = self.sheet.files.last_mut().ok_or("FILE before it")?;
        if let Some(last) = file.tracks.last()
            && (last.start >= start || last.number >= track.number)
        {
            return Err("a later start and a higher number than the previous track");
        }
        file.tracks.push(track.clone());
        self.placed = true;
        Ok(())
    }

    /// Title and artist of the current track, or of the album.
    fn texts(&mut self) -> Option<(&mut Option<String>, &mut Option<String>)> {
        let sheet = &mut self.sheet;
        let track = match &mut self.track {
            None => return Some((&mut sheet.title, &mut sheet.performer)),
            Some(track) if !self.placed => track,
            // Some programs write them after INDEX.
            Some(_) => sheet.files.last_mut()?.tracks.last_mut()?,
        };
        Some((&mut track.title, &mut track.performer))
    }
}

/// Splits off the first word.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace)
        .map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

/// A text with or without quotes; `None` if it is empty.
fn quoted(text: &str) -> Option<String> {
    let mut text = text.trim();
    if let Some(rest) = text.strip_prefix('"') {
        text = rest.strip_suffix('"').unwrap_or(rest).trim();
    }
    (!text.is_empty()).then(|| text.to_owned())
}

/// The name in `"mix of 2004.flac" WAVE`.
fn file_name(text: &str) -> String {
    let text = text.trim();
    let (text, parts) = match text.strip_prefix('"') {
        Some(rest) => (rest, rest.rsplit_once('"')),
        None => (text, text.rsplit_once(char::is_whitespace)),
    };
    parts.map_or(text, |(name, _)| name.trim_end()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Sheet> {
        Sheet::parse(bytes, TagCharset::default())
    }

    const MIX: &str = "REM GENRE \"Drum & Bass\"\r\nREM DATE 2004\r\nPERFORMER \"A DJ\"\r\nTITLE \"A Mix\"\r\n\
        FILE \"C:\\music\\a mix.wav\" WAVE\r\n  TRACK 01 AUDIO\r\n    TITLE \"First \"quoted\"\"\r\n    INDEX 01 00:00:00\r\n\
        \ttrack  02\taudio\r\n    TITLE Second\r\n    PERFORMER \"Somebody\"\r\n    FLAGS DCP\r\n    INDEX 00 04:10:00\r\n\
        \x20   INDEX 01 04:12:37\r\n  TRACK 03 AUDIO\r\n    INDEX 01 125:00:00\r\n    TITLE \"Behind\"\r\n  TRACK 04 MODE1/2352\r\n\
        \x20   INDEX 01 130:00:00\r\n";

    #[test]
    fn tracks_have_start_times_titles_and_artists() {
        let sheet = parse(MIX.as_bytes()).unwrap();
        assert_eq!(sheet.title.as_deref(), Some("A Mix"));
        assert_eq!(sheet.performer.as_deref(), Some("A DJ"));
        assert_eq!(sheet.genre.as_deref(), Some("Drum & Bass"));
        assert_eq!(sheet.files.len(), 1);
        assert_eq!(sheet.files[0].name, "C:\\music\\a mix.wav");
        let tracks = &sheet.files[0].tracks;
        let starts: Vec<String> = tracks.iter().map(|t| t.start.to_string()).collect();
        assert_eq!(starts, ["00:00:00", "04:12:37", "125:00:00"]);
        assert!((tracks[1].start.seconds() - (252.0 + 37.0 / 75.0)).abs() < 1e-9);
        let titles: Vec<_> = tracks.iter().map(|t| t.title.as_deref()).collect();
        assert_eq!(
            titles,
            [Some("First \"quoted\""), Some("Second"), Some("Behind")]
        );
        assert_eq!(tracks[1].performer.as_deref(), Some("Somebody"));
        assert_eq!(tracks[2].performer, None);
    }

    #[test]
    fn a_sheet_may_be_utf_8_utf_16_or_latin_1() {
        let sheet = "TITLE \"Für Élise\"\nFILE \"é.wav\" WAVE\nTRACK 1 AUDIO\nINDEX 1 0:0:0\n";
        let latin: Vec<u8> = sheet.chars().map(|c| c as u8).collect();
        let little: Vec<u8> = sheet.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = sheet.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [
            sheet.as_bytes().to_vec(),
            [&b"\xef\xbb\xbf"[..], sheet.as_bytes()].concat(),
            latin,
            [&b"\xff\xfe"[..], &little].concat(),
            [&b"\xfe\xff"[..], &big].concat(),
        ] {
            let sheet = parse(&bytes).unwrap();
            assert_eq!(sheet.title.as_deref(), Some("Für Élise"));
            assert_eq!(sheet.files[0].name, "é.wav");
            assert_eq!(sheet.files[0].tracks.len(), 1);
        }
    }

    #[test]
    fn a_track_belongs_to_the_file_of_its_index() {
        let sheet = "FILE a.wav WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 00 03:00:00\n\
            FILE b.wav WAVE\nINDEX 01 00:00:00\n";
        let sheet = parse(sheet.as_bytes()).unwrap();
        let numbers: Vec<Vec<u32>> = sheet
            .files
            .iter()
            .map(|file| file.tracks.iter().map(|track| track.number).collect())
            .collect();
        assert_eq!(numbers, [[1], [2]]);
    }

    #[test]
    fn invalid_lines_are_named() {
        let file = "FILE a.wav WAVE\nTRACK 01 AUDIO\n";
        for (text, expected) in [
            ("INDEX 01 00:61:00", "a time"),
            ("INDEX 01 99999999999:00:00", "a time"),
            ("INDEX 01 18446744073709551615:00:00", "a time"),
            ("INDEX 01", "a time"),
            ("TRACK one AUDIO", "a track number"),
            ("FILE", "a file name"),
        ] {
            let error = parse(format!("{file}{text}\n").as_bytes()).unwrap_err();
            let message = error.to_string();
            assert!(
                message.contains("line 3") && message.contains(expected),
                "{message}"
            );
        }
        let back = "INDEX 01 02:00:00\nTRACK 02 AUDIO\nINDEX 01 01:00:00\n";
        let error = parse(format!("{file}{back}").as_bytes()).unwrap_err();
        assert!(
            error.to_string().contains("than the previous track"),
            "{error}"
        );
        let error = parse(b"TRACK 01 AUDIO\nINDEX 01 00:00:00\n").unwrap_err();
        assert!(error.to_string().contains("FILE before it"), "{error}");
        assert_eq!(parse(b"").unwrap(), Sheet::default());
    }
}

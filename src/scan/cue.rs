//! CUE sheets: the tracks of one long file, and where each begins.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// No sheet is longer; a folder may hold anything under that name.
const LONGEST_FILE: u64 = 1 << 20;
/// Frames of a compact disc per second, the unit of a sheet's times.
const FRAMES: u64 = 75;
/// Longest time that is accepted, in minutes: that of the longest sound.
const LONGEST_MINUTES: u64 = 6000;

/// What a CUE sheet says of the files that it names.
///
/// Of its commands, FILE, TRACK, INDEX 01, TITLE, PERFORMER and REM GENRE are read, the others passed over: programs write
/// many that no standard knows. A track belongs to the file in which its INDEX 01 lies. Tracks of data are left out.
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

/// A file that a sheet names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SheetFile {
    /// Its name, as the sheet writes it.
    pub name: String,
    /// Its tracks, first to last; each begins behind the one before.
    pub tracks: Vec<SheetTrack>,
}

/// A track of a sheet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SheetTrack {
    /// Its number; above that of the track before it in its file.
    pub number: u32,
    /// Where it begins in its file.
    pub start: SheetTime,
    /// Its title.
    pub title: Option<String>,
    /// Its artist.
    pub performer: Option<String>,
}

/// A time as sheets say it: minutes, seconds, and frames of 1/75 s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SheetTime(u64);

impl SheetTime {
    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / FRAMES as f64
    }

    fn parse(text: &str) -> Option<Self> {
        let parts: Vec<u64> = text
            .split(':')
            .map(|part| part.parse().ok())
            .collect::<Option<_>>()?;
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

/// A CUE sheet cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// When the sheet cannot be read.
    #[error("cannot be read")]
    Read(#[source] io::Error),
    /// When a line says what cannot be.
    #[error("line {line}: expected {expected}, found {found:?}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
}

impl Sheet {
    /// Reads a sheet.
    ///
    /// # Errors
    /// [`SheetError`].
    pub fn load(path: &Path) -> Result<Self, SheetError> {
        let read = || -> io::Result<Vec<u8>> {
            let facts = fs::metadata(path)?;
            // A pipe of that name would be waited for.
            if !facts.is_file() || facts.len() > LONGEST_FILE {
                return Err(io::Error::other("expected a file of 1 MiB at most"));
            }
            let mut bytes = Vec::new();
            File::open(path)?
                .take(LONGEST_FILE)
                .read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        Self::parse(&read().map_err(SheetError::Read)?)
    }

    /// Reads a sheet from its bytes: UTF-8, or UTF-16 with a byte order mark, or else Latin-1.
    ///
    /// # Errors
    /// [`SheetError::Line`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SheetError> {
        let mut reader = Reader::default();
        for (line, text) in (1..).zip(text_of(bytes).lines()) {
            let (command, rest) = word(text);
            reader
                .command(&command.to_ascii_uppercase(), rest)
                .map_err(|expected| SheetError::Line {
                    line,
                    expected,
                    found: text.trim().chars().take(200).collect(),
                })?;
        }
        Ok(reader.sheet)
    }
}

/// The sheet so far, and the track that is being described.
#[derive(Default)]
struct Reader {
    sheet: Sheet,
    track: Option<SheetTrack>,
    /// The track stands in its file already.
    placed: bool,
}

impl Reader {
    /// Takes one command. What should have stood there is the error.
    fn command(&mut self, command: &str, rest: &str) -> Result<(), &'static str> {
        match command {
            "FILE" => {
                let name = file_name(rest);
                if name.is_empty() {
                    return Err("the name of a file");
                }
                self.sheet.files.push(SheetFile {
                    name,
                    tracks: Vec::new(),
                });
            }
            "TRACK" => {
                let (number, kind) = word(rest);
                let number = number.parse().map_err(|_| "the number of a track")?;
                let track = SheetTrack {
                    number,
                    ..SheetTrack::default()
                };
                let is_sound = !kind.to_ascii_uppercase().starts_with("MODE");
                (self.track, self.placed) = (is_sound.then_some(track), false);
            }
            "INDEX" => {
                let (number, time) = word(rest);
                let time = SheetTime::parse(time.trim()).ok_or("a time like 04:15:00")?;
                if number.parse() == Ok(1) && !self.placed {
                    self.place(time)?;
                }
            }
            "TITLE" => self.say(rest, |sheet| &mut sheet.title, |track| &mut track.title),
            "PERFORMER" => self.say(
                rest,
                |sheet| &mut sheet.performer,
                |track| &mut track.performer,
            ),
            "REM" => {
                let (key, value) = word(rest);
                if key.eq_ignore_ascii_case("GENRE") && self.track.is_none() {
                    self.sheet.genre = quoted(value);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Puts the track that is being described where it begins.
    fn place(&mut self, start: SheetTime) -> Result<(), &'static str> {
        let Some(track) = &mut self.track else {
            return Ok(());
        };
        track.start = start;
        let file = self.sheet.files.last_mut().ok_or("a FILE before")?;
        let follows = file
            .tracks
            .last()
            .is_none_or(|last| last.start < start && last.number < track.number);
        if !follows {
            return Err("a track behind the one before, with a higher number");
        }
        file.tracks.push(track.clone());
        self.placed = true;
        Ok(())
    }

    /// A text of the track that is being described, or of the album.
    fn say(
        &mut self,
        text: &str,
        of_sheet: fn(&mut Sheet) -> &mut Option<String>,
        of_track: fn(&mut SheetTrack) -> &mut Option<String>,
    ) {
        let text = quoted(text);
        match &mut self.track {
            None => *of_sheet(&mut self.sheet) = text,
            Some(track) if !self.placed => *of_track(track) = text,
            // Behind its INDEX, as some programs write it.
            Some(_) => {
                let file = self.sheet.files.last_mut();
                if let Some(track) = file.and_then(|file| file.tracks.last_mut()) {
                    *of_track(track) = text;
                }
            }
        }
    }
}

/// The bytes as text. Latin-1 has a character for every byte.
fn text_of(bytes: &[u8]) -> String {
    let utf_16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
        },
    }
}

/// The first word and what follows it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace)
        .map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

/// A text with or without quotes; `None` where there is none.
fn quoted(text: &str) -> Option<String> {
    let text = text.trim();
    let inner = text
        .strip_prefix('"')
        .map(|rest| rest.strip_suffix('"').unwrap_or(rest));
    let text = inner.unwrap_or(text).trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The name in `"mix of 2004.flac" WAVE`, without the type behind it.
fn file_name(text: &str) -> String {
    let text = text.trim();
    match text.strip_prefix('"') {
        Some(rest) => rest.rsplit_once('"').map_or(rest, |(name, _)| name),
        None => text
            .rsplit_once(char::is_whitespace)
            .map_or(text, |(name, _)| name.trim_end()),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIX: &str = "REM GENRE \"Drum & Bass\"\r\nREM DATE 2004\r\nPERFORMER \"A DJ\"\r\nTITLE \"A Mix\"\r\n\
        FILE \"C:\\music\\a mix.wav\" WAVE\r\n  TRACK 01 AUDIO\r\n    TITLE \"First \"quoted\"\"\r\n    INDEX 01 00:00:00\r\n\
        \ttrack  02\taudio\r\n    TITLE Second\r\n    PERFORMER \"Somebody\"\r\n    FLAGS DCP\r\n    INDEX 00 04:10:00\r\n\
        \x20   INDEX 01 04:12:37\r\n  TRACK 03 AUDIO\r\n    INDEX 01 125:00:00\r\n    TITLE \"Behind\"\r\n  TRACK 04 MODE1/2352\r\n\
        \x20   INDEX 01 130:00:00\r\n";

    #[test]
    fn tracks_have_their_places_titles_and_artists() {
        let sheet = Sheet::parse(MIX.as_bytes()).unwrap();
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
            let sheet = Sheet::parse(&bytes).unwrap();
            assert_eq!(sheet.title.as_deref(), Some("Für Élise"));
            assert_eq!(sheet.files[0].name, "é.wav");
            assert_eq!(sheet.files[0].tracks.len(), 1);
        }
    }

    #[test]
    fn a_track_belongs_to_the_file_in_which_it_begins() {
        let sheet = "FILE a.wav WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 00 03:00:00\n\
            FILE b.wav WAVE\nINDEX 01 00:00:00\n";
        let sheet = Sheet::parse(sheet.as_bytes()).unwrap();
        let numbers: Vec<Vec<u32>> = sheet
            .files
            .iter()
            .map(|file| file.tracks.iter().map(|track| track.number).collect())
            .collect();
        assert_eq!(numbers, [[1], [2]]);
    }

    #[test]
    fn what_cannot_be_is_named_with_its_line() {
        let file = "FILE a.wav WAVE\nTRACK 01 AUDIO\n";
        for (text, expected) in [
            ("INDEX 01 00:61:00", "a time"),
            ("INDEX 01 99999999999:00:00", "a time"),
            ("INDEX 01 18446744073709551615:00:00", "a time"),
            ("INDEX 01", "a time"),
            ("TRACK one AUDIO", "the number"),
            ("FILE", "the name"),
        ] {
            let error = Sheet::parse(format!("{file}{text}\n").as_bytes()).unwrap_err();
            let said = error.to_string();
            assert!(said.contains("line 3") && said.contains(expected), "{said}");
        }
        let back = "INDEX 01 02:00:00\nTRACK 02 AUDIO\nINDEX 01 01:00:00\n";
        let error = Sheet::parse(format!("{file}{back}").as_bytes()).unwrap_err();
        assert!(
            error.to_string().contains("behind the one before"),
            "{error}"
        );
        let error = Sheet::parse(b"TRACK 01 AUDIO\nINDEX 01 00:00:00\n").unwrap_err();
        assert!(error.to_string().contains("a FILE before"), "{error}");
        assert_eq!(Sheet::parse(b"").unwrap(), Sheet::default());
    }
}

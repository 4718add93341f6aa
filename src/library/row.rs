//! One song of a library.

use super::Note;
use crate::emotion::{EmotionVector, Moment};
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Microseconds since 1970-01-01 00:00:00 UTC, negative before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Micros(pub i64);

impl Micros {
    /// The current time.
    pub fn now() -> Self {
        SystemTime::now().into()
    }
}

impl From<SystemTime> for Micros {
    /// Rounds down to the microsecond; times further than 292,000 years away become the furthest.
    fn from(time: SystemTime) -> Self {
        let micros = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => {
                let before: Duration = before.duration();
                let whole = i64::try_from(before.as_micros()).unwrap_or(i64::MAX);
                let rest = !before.subsec_nanos().is_multiple_of(1000);
                (-whole).saturating_sub(i64::from(rest))
            }
        };
        Micros(micros)
    }
}

/// One song.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SongRow {
    /// Absolute path of the file; a name that is not UTF-8 has U+FFFD for what is not.
    pub path: String,
    /// The path's exact bytes where it is not UTF-8.
    pub path_bytes: Option<Vec<u8>>,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// The file's modification time, where its file system knows it.
    pub modified: Option<Micros>,
    /// Length of the decoded sound in seconds.
    pub duration_s: f64,
    /// Sample rate of the file in hertz.
    pub sample_rate: u32,
    /// Channels of the file.
    pub channels: u32,
    /// Short name of the codec.
    pub codec: String,
    /// From the file's tags.
    pub title: Option<String>,
    /// From the file's tags.
    pub artist: Option<String>,
    /// From the file's tags.
    pub album: Option<String>,
    /// From the file's tags.
    pub genre: Option<String>,
    /// 1 to 9.
    pub valence: f32,
    /// 1 to 9.
    pub arousal: f32,
    /// Eight percentages.
    pub emotions: EmotionVector,
    /// As long as the model says.
    pub embedding: Vec<f32>,
    /// When the song was analysed.
    pub analyzed_at: Micros,
    /// Windows that the answer is the mean of.
    pub windows: u32,
    /// Hash of the file's bytes, by which a moved or copied file is recognised.
    pub content_hash: Option<String>,
    /// What is special about how the song was heard, as [`Note::text`] says it.
    #[serde(default)]
    pub note: Option<String>,
    /// What the model says of each window, where that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Vec<Moment>>,
}

/// What is needed to tell whether a row still stands for its file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileStamp {
    /// The file's path, as exact as the platform can say it.
    pub path: PathBuf,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// The file's modification time, where its file system knows it.
    pub modified: Option<Micros>,
    /// Hash of the file's bytes.
    pub content_hash: Option<String>,
}

/// A file that could not be analysed, as the footer remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedFile {
    /// Absolute path of the file; a name that is not UTF-8 has U+FFFD for what is not.
    pub path: String,
    /// The path's exact bytes where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<Vec<u8>>,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// The file's modification time, where its file system knows it.
    pub modified: Option<Micros>,
    /// Why it failed.
    pub reason: String,
}

impl FailedFile {
    /// The file's path, as exact as the platform can say it.
    pub fn file(&self) -> PathBuf {
        exact_path(&self.path, self.path_bytes.as_deref())
    }
}

/// The path that two columns say together.
pub(super) fn exact_path(text: &str, bytes: Option<&[u8]>) -> PathBuf {
    match bytes {
        Some(bytes) => path_from_bytes(bytes, text),
        None => PathBuf::from(text),
    }
}

impl SongRow {
    /// Whether the song is silent, so that its percentages mean nothing.
    pub fn is_silent(&self) -> bool {
        self.note.as_deref().is_some_and(Note::says_silent)
    }

    /// The path as two columns: text, and exact bytes where the text cannot say it.
    pub fn path_columns(path: &Path) -> (String, Option<Vec<u8>>) {
        match path.to_str() {
            Some(text) => (text.to_owned(), None),
            None => (
                path.to_string_lossy().into_owned(),
                Some(path.as_os_str().as_encoded_bytes().to_vec()),
            ),
        }
    }

    /// The path that the two columns say together, as exact as the platform can say it.
    pub fn path_of(text: &str, bytes: Option<&[u8]>) -> PathBuf {
        exact_path(text, bytes)
    }

    /// The file's path, as exact as the platform can say it.
    pub fn file(&self) -> PathBuf {
        Self::path_of(&self.path, self.path_bytes.as_deref())
    }
}

#[cfg(unix)]
fn path_from_bytes(bytes: &[u8], _text: &str) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path_from_bytes(_bytes: &[u8], text: &str) -> PathBuf {
    PathBuf::from(OsStr::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_are_negative_and_rounded_down() {
        let before = UNIX_EPOCH - Duration::from_nanos(1_500);
        assert_eq!(Micros::from(before), Micros(-2));
        assert_eq!(
            Micros::from(UNIX_EPOCH + Duration::from_nanos(1_500)),
            Micros(1)
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_utf8_survives_as_bytes() {
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(OsStr::from_bytes(b"/music/\xff.mp3"));
        let (text, bytes) = SongRow::path_columns(path);
        assert_eq!(text, "/music/\u{fffd}.mp3");
        assert_eq!(path_from_bytes(&bytes.unwrap(), &text), path);
    }
}

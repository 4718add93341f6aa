//! The description of a library: which model made it, in which format, and which files failed.

use super::song::exact_path;
use crate::{emotion::Emotion, library::Micros};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The key of [`LibraryInfo`] as JSON, in the metadata of the Parquet file and of its Arrow schema.
pub(crate) const INFO_KEY: &str = "circumplex";

/// The format version that this program writes. It rises when an older program would misread a file; further columns and fields
/// do not raise it. Files of version 1 are read.
pub(crate) const FORMAT_VERSION: u32 = 2;

/// The description of a library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LibraryInfo {
    /// The format version of the program that wrote it.
    pub format_version: u32,
    /// The eight emotions in the order of the percentages.
    pub labels: Vec<String>,
    /// The model that made every vector in the file.
    pub model: ModelStamp,
    /// The model's preprocessing, as in the model file's metadata.
    pub preprocessing: serde_json::Value,
    /// Name and version of the program that wrote it.
    pub program: String,
    /// Whether every row has a timeline.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timeline: bool,
    /// Files that could not be analyzed. Skipped by later runs as long as they do not change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailedFile>,
}

/// The model that made the vectors. Vectors of models with different identities are not comparable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelStamp {
    /// SHA-256 of the model file, hexadecimal; empty if it is unknown.
    pub identity: String,
    /// The model's name, for people.
    pub name: String,
}

/// A file that could not be analyzed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedFile {
    /// Absolute path of the file.
    #[serde(flatten, with = "exact_path")]
    pub path: PathBuf,
    /// Number of the track, if a CUE sheet splits the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<u32>,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// The file's modification time, if its file system knows it.
    pub modified: Option<Micros>,
    /// Why it failed.
    pub reason: String,
    /// Whether ffmpeg, which was not there, can probably decode it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_ffmpeg: bool,
}

impl FailedFile {
    /// The file for people: `/music/mix.flac`, `/music/mix.flac (track 3)`.
    pub fn name(&self) -> String {
        track_name(&self.path, self.track)
    }
}

/// A file, or a track of it, for people.
pub(crate) fn track_name(path: &Path, track: Option<u32>) -> String {
    match track {
        Some(track) => format!("{} (track {track})", path.display()),
        None => path.display().to_string(),
    }
}

/// The key in the preprocessing for the excerpt of each song that is analyzed.
const EXCERPT: &str = "excerpt";

impl LibraryInfo {
    /// The description of a library that this program writes.
    pub fn new(model: ModelStamp, preprocessing: serde_json::Value) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            labels: Emotion::ALL
                .map(|emotion| emotion.name().to_owned())
                .to_vec(),
            model,
            preprocessing,
            program: concat!("circumplex ", env!("CARGO_PKG_VERSION")).to_owned(),
            timeline: false,
            failures: Vec::new(),
        }
    }

    /// The description of a file whose own was lost.
    pub(super) fn unknown() -> Self {
        let model = ModelStamp {
            identity: String::new(),
            name: "unknown".to_owned(),
        };
        Self {
            program: "another program".to_owned(),
            ..Self::new(model, serde_json::Value::Null)
        }
    }

    /// The excerpt of each song that was analyzed, as on the command line (`45s`); `None` for whole songs.
    pub fn excerpt(&self) -> Option<&str> {
        self.preprocessing.get(EXCERPT)?.as_str()
    }

    /// Sets the excerpt of each song that is analyzed. It counts as preprocessing, so that vectors of excerpts and of whole songs
    /// are never mixed in one library.
    pub fn set_excerpt(&mut self, excerpt: &str) {
        self.preprocessing[EXCERPT] = excerpt.into();
    }

    /// Whether vectors of two libraries are comparable: same model, same preprocessing.
    pub fn is_comparable(&self, other: &Self) -> bool {
        self.model.identity == other.model.identity && self.preprocessing == other.preprocessing
    }

    /// The model, and the excerpt if there is one, for messages.
    pub(super) fn description(&self) -> String {
        let ModelStamp { identity, name } = &self.model;
        let short = identity.get(..12).unwrap_or(identity);
        match self.excerpt() {
            Some(excerpt) => format!("{name} ({short}), excerpts of {excerpt}"),
            None => format!("{name} ({short})"),
        }
    }
}

//! Music with labels: DEAM's directories, label files, checks, splits, spectrograms.

mod audio_files;
mod check;
mod class_labels;
mod columns;
mod deam;
#[cfg(any(test, feature = "train"))]
mod draw;
#[cfg(test)]
mod draw_tests;
#[cfg(any(test, feature = "train"))]
mod face_split;
mod faces;
#[cfg(test)]
mod faces_tests;
#[cfg(feature = "train")]
mod felt;
mod groups;
mod label_file;
#[cfg(test)]
mod label_file_tests;
mod label_plot;
mod label_table;
#[cfg(any(test, feature = "train"))]
mod spectrograms;
mod splits;
mod table;
#[cfg(test)]
mod tests;
mod votes;

pub(crate) use check::{CheckReport, check};
#[cfg(test)]
pub(crate) use class_labels::ClassLabel;
pub use class_labels::ClassLabels;
pub use columns::{ColumnChoice, Finding};
pub(crate) use columns::{ColumnReport, Evidence, IdRange};
pub(crate) use deam::artist_key;
#[cfg(feature = "train")]
pub(crate) use draw::Fractions;
pub(crate) use faces::FaceSet;
#[cfg(test)]
pub(crate) use faces::LabeledFace;
#[cfg(feature = "train")]
pub(crate) use felt::{felt, mean_shares, parts_of_voted, read_unlabeled};
pub(crate) use groups::Units;
pub(crate) use label_file::Scale;
pub(crate) use label_table::{LabelRow, LabelTable};
#[cfg(feature = "train")]
pub use spectrograms::Spectrograms;
#[cfg(feature = "train")]
pub(crate) use spectrograms::{LEVEL_STEP_DB, decode};
#[cfg(any(test, feature = "train"))]
pub(crate) use splits::{Folds, Split};
pub use splits::{Part, Provenance, SplitMethod};
#[cfg(feature = "train")]
pub(crate) use votes::read_votes;
pub(crate) use votes::votes_beside;
#[cfg(feature = "train")]
pub(crate) use votes::{VotedSong, Words};

use crate::{
    Error, ErrorKind, Result,
    atomic_file::directory_of,
    emotion::{AffectBox, EmotionVector},
    error::Context as _,
};
use audio_files::{AudioFiles, identical_audio, is_audio};
use deam::{Artists, DeamFiles};
use serde::Serialize;
use std::{
    fmt::{self, Display},
    path::{Path, PathBuf},
};

/// How labels are made.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelOptions {
    /// Standard deviations to each side of the mean that the box reaches, above 0. The published figures for DEAM
    /// belong to 1.
    pub sigma: f64,
    /// How crossed columns are read.
    pub columns: ColumnChoice,
    /// The scale of a label file's valence and arousal; default: 1 to 9. DEAM's own files are always 1 to 9.
    pub scale: Option<Scale>,
    /// The deviation, on the file's scale, of labels without one; default: 1.5 points of 8.
    pub deviation: Option<f64>,
}

impl Default for LabelOptions {
    fn default() -> Self {
        Self {
            sigma: 1.0,
            columns: ColumnChoice::Corrected,
            scale: None,
            deviation: None,
        }
    }
}

impl LabelOptions {
    fn check(&self) -> Result<()> {
        if !(self.sigma.is_finite() && self.sigma > 0.0) {
            return Err(invalid("sigma", "a number above 0", self.sigma));
        }
        let deviation = self.deviation.unwrap_or(0.0);
        if !(deviation.is_finite() && deviation >= 0.0) {
            return Err(invalid("deviation", "a number of at least 0", deviation));
        }
        Ok(())
    }
}

/// The error of an option whose value cannot be used.
fn invalid(option: &str, expected: &str, found: impl Display) -> Error {
    Error::invalid(format!("{option}: expected {expected}, found {found}"))
}

/// The label of one song, before its audio is looked for.
#[derive(Debug, Clone, PartialEq)]
struct SongLabel {
    /// Its id as text, numbers without leading zeros; in a label file with paths, the path.
    id: String,
    /// The file with its row.
    file: PathBuf,
    line: u64,
    /// Valence and arousal, scale 1 to 9.
    affect: AffectBox,
    /// The eight percentages, if the file gives them instead of valence and arousal.
    percentages: Option<EmotionVector>,
    artist: Option<String>,
}

impl SongLabel {
    /// The eight percentages: those of the file, or the shares of a box that reaches `sigma` deviations.
    fn emotions(&self, sigma: f64) -> Result<EmotionVector> {
        let emotions = self
            .percentages
            .map_or_else(|| self.affect.percentages(sigma), Ok);
        emotions.context_at(ErrorKind::Dataset, &self.file, self.place())
    }

    /// `line 3, song 12`, for errors.
    fn place(&self) -> String {
        format!("line {}, song {}", self.line, self.id)
    }
}

/// All labels of a data set, ordered by id.
#[derive(Debug)]
struct Labels {
    songs: Vec<SongLabel>,
    rejected: Vec<RejectedRow>,
    columns: ColumnReport,
    /// Whether ids are paths of audio files.
    by_path: bool,
}

impl Labels {
    /// Reads a directory in DEAM's layout, or a label file.
    fn read(path: &Path, options: &LabelOptions) -> Result<Self> {
        options.check()?;
        if path.is_file() {
            return label_file::read(path, options);
        }
        let files = DeamFiles::find(path)?;
        let artists = Artists::read(&files.metadata)?;
        let mut labels = files.labels(options.columns)?;
        for song in &mut labels.songs {
            song.artist = artists.by_id.get(&song.id).cloned();
        }
        Ok(labels)
    }
}

/// A row of an annotation file that cannot be used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RejectedRow {
    /// The song's id.
    pub id: String,
    pub file: PathBuf,
    pub line: u64,
    /// The reason, for people.
    pub reason: String,
    pub fault: RowFault,
}

impl Display for RejectedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, file, line) = (&self.id, self.file.display(), self.line);
        write!(f, "song {id} ({file} line {line}): {}", self.reason)
    }
}

/// Kinds of faults of an annotation row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowFault {
    /// A mean is outside 1 to 9.
    OutsideScale,
    /// A mean or a deviation is missing or not a number.
    Missing,
    /// A deviation is negative.
    NegativeDeviation,
    /// The id has a row already, which is used.
    Duplicate,
}

/// A song with audio and labels.
#[derive(Debug, Clone, PartialEq)]
pub struct LabeledSong {
    /// Its id as text; numbers without leading zeros.
    pub id: String,
    /// Its audio file.
    pub audio: PathBuf,
    /// Mean and deviation of its valence and arousal, scale 1 to 9.
    pub affect: AffectBox,
    /// The eight percentages of its label.
    pub emotions: EmotionVector,
    /// Its artist, if known.
    pub artist: Option<String>,
    /// The number of its group of songs with identical audio, if there is another such song.
    pub same_audio: Option<usize>,
}

/// The songs of a data set that have both audio and labels, and what is missing.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The directory or label file that was opened.
    pub root: PathBuf,
    /// The songs, ordered by id.
    pub songs: Vec<LabeledSong>,
    /// Ids with labels but without audio.
    pub without_audio: Vec<String>,
    /// Audio files without labels.
    pub without_labels: Vec<PathBuf>,
    /// Annotation rows that cannot be used.
    pub rejected: Vec<RejectedRow>,
    /// Whether columns are crossed, and how they were read.
    pub columns: ColumnReport,
    /// The deviations to each side that the labels' boxes reach.
    pub sigma: f64,
}

impl Dataset {
    /// Opens a directory in DEAM's layout (the official archives, the Kaggle mirror, or flat), or a CSV or Parquet file
    /// that names each song by `path` or by `song_id` (or `id`) and labels it with `valence_mean, valence_std,
    /// arousal_mean, arousal_std`, or with `valence, arousal`, or with the eight emotions by name as percentages.
    /// Column names may be in any case and order; other columns are ignored, except `artist`, which splits can use.
    ///
    /// Paths in a label file are relative to its directory; ids are the names of audio files there, or in `audio`,
    /// `MEMD_audio` and so on below it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if there is no such directory or file, [`ErrorKind::Dataset`] if it holds no annotations, a row
    /// of a label file is wrong, or no song has both audio and labels, [`ErrorKind::InvalidInput`] for wrong options.
    pub fn open(root: &Path, options: &LabelOptions) -> Result<Self> {
        let labels = Labels::read(root, options)?;
        let base = if root.is_file() {
            directory_of(root)
        } else {
            root
        };
        let mut audio = match labels.by_path {
            true => AudioFiles::default(),
            false => AudioFiles::find(base)?,
        };
        let (labeled, found) = (labels.songs.len(), audio.by_id.len());
        let (mut songs, mut without_audio) = (Vec::new(), Vec::new());
        for label in labels.songs {
            let file = match labels.by_path {
                true => Some(audio_at(base, &label)?),
                false => audio.by_id.remove(&label.id),
            };
            match file {
                Some(audio) => songs.push(LabeledSong {
                    emotions: label.emotions(options.sigma)?,
                    id: label.id,
                    audio,
                    affect: label.affect,
                    artist: label.artist,
                    same_audio: None,
                }),
                None => without_audio.push(label.id),
            }
        }
        if songs.is_empty() {
            let message = format!(
                "no song has both audio and labels ({labeled} with labels, {found} audio files); expected audio files named <song id>.<extension> in DEAM_audio/MEMD_audio, MEMD_audio, audio or the directory itself"
            );
            return Err(Error::new(ErrorKind::Dataset, message).with_path(root));
        }
        let files: Vec<PathBuf> = songs.iter().map(|song| song.audio.clone()).collect();
        for (group, members) in identical_audio(&files).into_iter().enumerate() {
            for index in members {
                songs[index].same_audio = Some(group);
            }
        }
        Ok(Self {
            root: root.to_owned(),
            songs,
            without_audio,
            without_labels: audio.by_id.into_values().collect(),
            rejected: labels.rejected,
            columns: labels.columns,
            sigma: options.sigma,
        })
    }
}

/// The audio file that a row of a label file names.
fn audio_at(base: &Path, label: &SongLabel) -> Result<PathBuf> {
    let audio = base.join(&label.id);
    if audio.is_file() && is_audio(&audio) {
        return Ok(audio);
    }
    let message = format!(
        "line {}: the audio file {} does not exist (paths are relative to {})",
        label.line,
        audio.display(),
        base.display()
    );
    Err(Error::new(ErrorKind::Dataset, message).with_path(&label.file))
}

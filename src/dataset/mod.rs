//! Music with labels: DEAM's folders and files, checks on them, labels, splits, the cache of spectrograms.

mod annotations;
mod artists;
mod cache;
#[cfg(test)]
mod cache_tests;
mod check;
mod columns;
mod error;
mod identity;
mod label_file;
#[cfg(test)]
mod label_file_tests;
mod label_plot;
mod label_table;
mod layout;
mod provenance;
mod scale;
mod splits;
#[cfg(test)]
mod splits_tests;
mod table;
#[cfg(test)]
mod tests;
mod whole;

pub use annotations::{Annotation, Annotations, Fault, Rejected};
pub use artists::{Artists, artist_key};
pub use cache::{CacheError, CacheProgress, FailedSong, SpectrogramCache};
pub use check::{ArtistReport, CheckProgress, CheckReport, Spread, Unreadable, check};
pub use columns::{
    ColumnChoice, ColumnReport, Correlations, Evidence, Finding, IdRange, LAST_ID_OF_2013, settle,
};
pub use error::DatasetError;
pub use identity::identical_audio;
pub use label_file::{DEFAULT_DEVIATION, FileLabel, LabelFile, LabelKind};
pub use label_table::{LabelRow, LabelTable, Scheme};
pub use layout::{DynamicFiles, Folders, Layout};
pub use provenance::Provenance;
pub use scale::Scale;
pub use splits::{
    Folds, Fractions, Part, Split, SplitMethod, k_folds, quadrant_counts, save_folds,
};
pub use whole::{LONGEST_S, SongError, whole_song};

use crate::emotion::{AffectBox, EmotionVector};
use std::path::{Path, PathBuf};

/// How labels are made.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelOptions {
    /// Standard deviations to each side of the mean that the box reaches, above 0. The published figures for DEAM
    /// belong to 1.
    pub sigma: f64,
    /// Whether columns that are found to be crossed are exchanged.
    pub columns: ColumnChoice,
    /// The scale of a label file's valence and arousal; none stated: 1 to 9. DEAM's own files are always 1 to 9.
    pub scale: Option<Scale>,
    /// The deviation, on the file's scale, of labels that come without one; none stated: [`DEFAULT_DEVIATION`].
    pub deviation: Option<f64>,
    /// Where a label file's audio lies; none stated: beside the file.
    pub audio: Option<PathBuf>,
}

impl Default for LabelOptions {
    fn default() -> Self {
        Self {
            sigma: 1.0,
            columns: ColumnChoice::Corrected,
            scale: None,
            deviation: None,
            audio: None,
        }
    }
}

impl LabelOptions {
    fn check(&self) -> Result<(), DatasetError> {
        if let Some(deviation) = self.deviation.filter(|d| !(d.is_finite() && *d >= 0.0)) {
            return Err(DatasetError::Option {
                option: "deviation",
                expected: "a number of at least 0".to_owned(),
                found: deviation.to_string(),
            });
        }
        if self.sigma.is_finite() && self.sigma > 0.0 {
            return Ok(());
        }
        Err(DatasetError::Option {
            option: "sigma",
            expected: "a number above 0".to_owned(),
            found: self.sigma.to_string(),
        })
    }
}

/// A song with audio and labels.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledSong {
    /// Its id, as text; numbers without leading zeros.
    pub id: String,
    /// Its audio file.
    pub audio: PathBuf,
    /// Mean and deviation of its valence and arousal, scale 1 to 9.
    pub affect: AffectBox,
    /// The eight percentages that the labels give.
    pub emotions: EmotionVector,
    /// Its artist, where known.
    pub artist: Option<String>,
    /// The number of its group of songs with identical audio, where there is another such song.
    pub same_audio: Option<usize>,
}

/// The songs of a data set that have both audio and labels, and what was missing.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The folder or label file that was opened.
    pub root: PathBuf,
    /// The songs, ordered by id.
    pub songs: Vec<LabelledSong>,
    /// Ids with labels but without audio.
    pub without_audio: Vec<String>,
    /// Audio files without labels.
    pub without_labels: Vec<PathBuf>,
    /// Annotation rows that give no label.
    pub rejected: Vec<Rejected>,
    /// What was found out about crossed columns, and what was done.
    pub columns: ColumnReport,
    /// The deviations to each side that the labels' boxes reach.
    pub sigma: f64,
}

impl Dataset {
    /// Opens a folder in DEAM's layout (the official archives, the Kaggle mirror, or flat), or a CSV or Parquet file
    /// of labels as [`LabelFile::read`] takes it.
    ///
    /// # Errors
    /// [`DatasetError`] where there is no such folder, no annotation file, or no song with both audio and labels.
    pub fn open(root: &Path, options: &LabelOptions) -> Result<Self, DatasetError> {
        options.check()?;
        if root.is_file() {
            return label_file::open(root, options);
        }
        let folders = Folders::find(root)?;
        let mut annotations = Annotations::read(&folders.statics)?;
        let columns = settle(&mut annotations, folders.dynamics.as_ref(), options.columns)?;
        let artists = Artists::read(&folders.metadata)?;
        let (mut audio, _) = folders.audio_files()?;
        let (labelled, found) = (annotations.songs.len(), audio.len());
        let mut songs = Vec::new();
        let mut without_audio = Vec::new();
        for annotation in annotations.songs {
            let Some(file) = audio.remove(&annotation.id) else {
                without_audio.push(annotation.id);
                continue;
            };
            let emotions = annotation
                .affect
                .percentages(options.sigma)
                .map_err(|source| DatasetError::Box {
                    path: annotation.file.clone(),
                    line: annotation.line,
                    id: annotation.id.clone(),
                    source,
                })?;
            songs.push(LabelledSong {
                artist: artists.of(&annotation.id).map(str::to_owned),
                id: annotation.id,
                audio: file,
                affect: annotation.affect,
                emotions,
                same_audio: None,
            });
        }
        if songs.is_empty() {
            return Err(DatasetError::NoSongs {
                root: root.to_owned(),
                labelled,
                audio: found,
                folder: folders.audio,
            });
        }
        mark_same_audio(&mut songs);
        Ok(Self {
            root: root.to_owned(),
            songs,
            without_audio,
            without_labels: audio.into_values().collect(),
            rejected: annotations.rejected,
            columns,
            sigma: options.sigma,
        })
    }
}

fn mark_same_audio(songs: &mut [LabelledSong]) {
    let files: Vec<PathBuf> = songs.iter().map(|s| s.audio.clone()).collect();
    for (group, members) in identical_audio(&files).into_iter().enumerate() {
        for i in members {
            songs[i].same_audio = Some(group);
        }
    }
}

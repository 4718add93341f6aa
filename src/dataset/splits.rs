//! [`Split`], [`Folds`] and [`Provenance`]: which songs a model was trained on, as its file keeps it.

use super::{ColumnReport, LabeledSong};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// A side of a split.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Songs that the weights are fitted to.
    Train,
    /// Songs that decide which epoch is kept.
    Validation,
    /// Songs that are held out for the scores.
    Test,
}

impl Part {
    /// `train`, `validation` or `test`, as in files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Validation => "validation",
            Part::Test => "test",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How songs are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitMethod {
    /// By song; an artist may have songs on both sides.
    Random,
    /// By artist: no artist has songs on both sides.
    Artist,
    /// From a file.
    File,
}

/// The part of each song. Songs with identical audio are always in the same part, and so are songs of one artist if
/// the method is [`SplitMethod::Artist`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// How it was made.
    pub method: SplitMethod,
    /// The seed, unless it came from a file.
    pub seed: Option<u64>,
    pub(super) parts: BTreeMap<String, Part>,
}

impl Split {
    /// The part of a song, if it has one.
    pub fn part_of(&self, id: &str) -> Option<Part> {
        self.parts.get(id).copied()
    }

    /// Ids of a part, in the order of text.
    pub fn ids(&self, part: Part) -> Vec<&str> {
        let songs = self.parts.iter().filter(|(_, of)| **of == part);
        songs.map(|(id, _)| id.as_str()).collect()
    }
}

/// The fold of each song.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folds {
    /// How songs were divided.
    pub method: SplitMethod,
    /// The seed.
    pub seed: u64,
    /// The number of folds.
    pub count: usize,
    pub(super) folds: BTreeMap<String, usize>,
}

impl Folds {
    /// The fold of a song, from 0, if it has one.
    pub fn fold_of(&self, id: &str) -> Option<usize> {
        self.folds.get(id).copied()
    }
}

/// How the songs of a model were labeled and divided. Fields that do not apply are missing in the JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Whether the labels' columns were crossed, and how they were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<ColumnReport>,
    /// The part of every song, if one split gave the scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// The fold of every song, if cross-validation gave the scores and all of these songs the weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<Folds>,
}

impl Provenance {
    /// The number of these songs that the weights were fitted to, by their ids; `None` if unknown.
    pub(crate) fn songs_trained_on(&self, songs: &[LabeledSong]) -> Option<usize> {
        let is_known = |id: &str| match (&self.split, &self.folds) {
            (Some(split), _) => Some(split.part_of(id) == Some(Part::Train)),
            (None, Some(folds)) => Some(folds.fold_of(id).is_some()),
            (None, None) => None,
        };
        let known = songs.iter().map(|song| is_known(&song.id).map(usize::from));
        known.sum()
    }
}

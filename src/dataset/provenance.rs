//! [`Provenance`]: how the songs of a model were labelled and kept apart.

use super::{ColumnReport, Folds, LabelledSong, Part, Split};
use serde::{Deserialize, Serialize};

/// What a model file keeps of the data behind it, so that the same songs are told apart for ever. Each is missing where
/// it does not apply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Which columns the labels were read from, and how that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<ColumnReport>,
    /// The part of every song, where one split gave the scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// The fold of every song, where cross-validation gave the scores and all of these songs the weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<Folds>,
}

impl Provenance {
    /// Whether the weights were fitted to the song of this id; `None` where it is not known.
    pub fn trained_on(&self, id: &str) -> Option<bool> {
        match (&self.split, &self.folds) {
            (Some(split), _) => Some(split.part_of(id) == Some(Part::Train)),
            (None, Some(folds)) => Some(folds.fold_of(id).is_some()),
            (None, None) => None,
        }
    }

    /// How many of these songs the weights were fitted to, by their ids; `None` where it is not known.
    pub fn songs_trained_on(&self, songs: &[LabelledSong]) -> Option<usize> {
        songs
            .iter()
            .map(|song| self.trained_on(&song.id).map(usize::from))
            .sum()
    }
}

//! Folds for cross-validation: the fold of every song, and how it is kept.

use super::{SplitMethod, Units, artists_known, save_csv};
use crate::dataset::{DatasetError, LabelledSong};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// The fold of each song, as a model's metadata keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folds {
    /// How songs were kept apart.
    pub method: SplitMethod,
    /// From which seed.
    pub seed: u64,
    /// How many folds there are.
    pub count: usize,
    folds: BTreeMap<String, usize>,
}

impl Folds {
    /// Folds drawn by [`k_folds`], by artist or at random, of songs in the same order.
    pub fn of(songs: &[LabelledSong], folds: &[usize], by_artist: bool, seed: u64) -> Self {
        Self {
            method: match by_artist {
                true => SplitMethod::Artist,
                false => SplitMethod::Random,
            },
            seed,
            count: folds.iter().max().map_or(0, |last| last + 1),
            folds: songs
                .iter()
                .zip(folds)
                .map(|(song, fold)| (song.id.clone(), *fold))
                .collect(),
        }
    }

    /// The fold of a song, 0 first, if it has one.
    pub fn fold_of(&self, id: &str) -> Option<usize> {
        self.folds.get(id).copied()
    }

    /// Every song with its fold, in the order of ids as text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, usize)> {
        self.folds.iter().map(|(id, fold)| (id.as_str(), *fold))
    }
}

/// The fold, 0 to k - 1, of every song: stratified on the quadrant, identical audio in one fold and, if wanted, all
/// songs of an artist.
///
/// # Errors
/// [`DatasetError::Split`] where k is below 2 or above the number of groups; [`DatasetError::NoArtists`].
pub fn k_folds(
    songs: &[LabelledSong],
    k: usize,
    by_artist: bool,
    seed: u64,
) -> Result<Vec<usize>, DatasetError> {
    if by_artist {
        artists_known(songs)?;
    }
    let units = Units::of(songs, by_artist);
    if k < 2 || k > units.count() {
        return Err(DatasetError::Split {
            reason: format!(
                "the number of folds must be from 2 to the number of groups that stay together ({}), found {k}",
                units.count()
            ),
        });
    }
    let wanted: Vec<usize> = (0..k)
        .map(|i| songs.len() / k + usize::from(i < songs.len() % k))
        .collect();
    Ok(units.assign(&wanted, seed))
}

/// Writes `song_id,fold` with folds from 0, in the order of ids, whole or not at all.
///
/// # Errors
/// [`DatasetError::Write`].
pub fn save_folds(
    path: &Path,
    songs: &[LabelledSong],
    folds: &[usize],
) -> Result<(), DatasetError> {
    let rows = songs
        .iter()
        .zip(folds)
        .map(|(s, fold)| (s.id.as_str(), fold.to_string()));
    save_csv(path, ["song_id", "fold"], rows)
}

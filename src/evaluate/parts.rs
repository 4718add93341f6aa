//! Which songs are judged: those of a part of the split that a model carries, the same for ever.

use crate::{
    dataset::{Dataset, Part, Provenance},
    model::Model,
};
use serde::Deserialize as _;
use std::{collections::HashSet, path::PathBuf};

/// Why the songs of a part cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// When the model's notes on its data cannot be read.
    #[error("what {model} says of its split cannot be read; train the model again")]
    Provenance {
        /// Which model.
        model: String,
        /// Where the JSON is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// When the model carries no split.
    #[error(
        "{model} carries no split, so its {part} songs are not known; use a model that `circumplex train --split` wrote, \
         or judge all songs"
    )]
    NoSplit {
        /// Which model.
        model: String,
        /// The part that was asked for.
        part: Part,
    },
    /// When the model was trained on all songs after cross-validation.
    #[error(
        "{model} was trained on all of its songs after cross-validation in {folds} folds, so it has no {part} songs; \
         its out-of-fold scores are in the file, and a model with a test part is one trained without --folds"
    )]
    Folds {
        /// Which model.
        model: String,
        /// The part that was asked for.
        part: Part,
        /// How many folds there were.
        folds: usize,
    },
    /// When the split has no song in the part.
    #[error("the split in {model} has no {part} song; ask for another part")]
    Empty {
        /// Which model.
        model: String,
        /// The part that was asked for.
        part: Part,
    },
    /// When songs of the part are not in the data set: it is another one, or incomplete.
    #[error(
        "{} of the {songs} {part} songs of {model} are not among the songs with audio and labels in {}: {}; \
         use the data set that it was trained on", absent.len(), root.display(), first_of(absent)
    )]
    Absent {
        /// Which model.
        model: String,
        /// The part that was asked for.
        part: Part,
        /// How many songs the part has.
        songs: usize,
        /// The data set.
        root: PathBuf,
        /// Ids that it lacks.
        absent: Vec<String>,
    },
}

/// The first ids; a whole part would fill the screen.
fn first_of(ids: &[String]) -> String {
    const SHOWN: usize = 8;
    let first = ids[..ids.len().min(SHOWN)].join(", ");
    match ids.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// What a model says of the songs behind it; nothing where it says nothing.
///
/// # Errors
/// [`PartError::Provenance`].
pub fn provenance(model: &Model) -> Result<Provenance, PartError> {
    match &model.metadata().training.provenance {
        None => Ok(Provenance::default()),
        Some(json) => Provenance::deserialize(json).map_err(|source| PartError::Provenance {
            model: model.name().to_owned(),
            source,
        }),
    }
}

/// Leaves only the songs of a part of the model's split in the data set. `model` is what messages call the model.
///
/// # Errors
/// [`PartError`], unless every song of the part is there.
pub fn keep_part(
    dataset: &mut Dataset,
    provenance: &Provenance,
    model: &str,
    part: Part,
) -> Result<(), PartError> {
    let model = model.to_owned();
    let split = match (&provenance.split, &provenance.folds) {
        (Some(split), _) => split,
        (None, Some(folds)) => {
            let folds = folds.count;
            return Err(PartError::Folds { model, part, folds });
        }
        (None, None) => return Err(PartError::NoSplit { model, part }),
    };
    let wanted = split.ids(part);
    if wanted.is_empty() {
        return Err(PartError::Empty { model, part });
    }
    let there: HashSet<&str> = dataset.songs.iter().map(|song| song.id.as_str()).collect();
    let absent: Vec<String> = wanted
        .iter()
        .filter(|id| !there.contains(*id))
        .map(|id| (*id).to_owned())
        .collect();
    if !absent.is_empty() {
        return Err(PartError::Absent {
            model,
            part,
            songs: wanted.len(),
            root: dataset.root.clone(),
            absent,
        });
    }
    dataset
        .songs
        .retain(|song| split.part_of(&song.id) == Some(part));
    Ok(())
}

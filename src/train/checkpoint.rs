//! Checkpoints: all that training needs to go on, in one file that is either whole or not there.
//!
//! The file is a safetensors file, which other programs read too. Its tensors are `weights/...` (the network's, the
//! statistics of batch normalization included), `first_moment/...` and `second_moment/...` (Adam's), `average/...` (the
//! moving average, where the recipe has one), `best/...` (the weights that did best on validation) and `history`, float64
//! `[epochs, 6]`. The rest is JSON in its metadata. A file of training that has ended holds `weights/...`, those that were
//! kept, and `history` alone.

mod numbers;

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write as _},
    path::Path,
};

use safetensors::{SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tch::{Device, TchError};

use self::numbers::{Numbers, history_of, tensor_of};
use super::{batches::Songs, failure, fit::EpochScores, network::BandStatistics, weights::Weights};
use crate::{
    atomic_file,
    error::{Context, ErrorKind, Result},
    model::Recipe,
};

/// The version of the file that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;
/// Where the safetensors metadata holds the JSON.
const KEY: &str = "circumplex_checkpoint";
const HISTORY: &str = "history";

/// What a checkpoint belongs to: training goes on only with the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub(super) recipe: String,
    pub(super) songs: String,
    pub(super) spectrograms: String,
}

impl Identity {
    /// Of a recipe, the training and validation songs with their labels, and their spectrograms (by their lengths and
    /// the statistics of their bands).
    ///
    /// # Errors
    /// Where the recipe cannot be written as TOML, which no recipe of this program causes.
    pub fn of(
        recipe: &Recipe,
        songs: Songs<'_>,
        parts: [&[usize]; 2],
        bands: &BandStatistics,
    ) -> Result<Self> {
        let (mut labels, mut sounds) = (Sha256::new(), Sha256::new());
        for part in parts {
            labels.update((part.len() as u64).to_le_bytes());
            for &position in part {
                let song = &songs.songs[position];
                labels.update((song.id.len() as u64).to_le_bytes());
                labels.update(&song.id);
                for percent in song.emotions.as_array() {
                    labels.update(percent.to_le_bytes());
                }
                for value in [song.affect.valence_mean, song.affect.arousal_mean] {
                    labels.update(value.to_le_bytes());
                }
                sounds.update((songs.spectrograms.frames(position) as u64).to_le_bytes());
            }
        }
        for value in bands.mean.iter().chain(&bands.deviation) {
            sounds.update(value.to_le_bytes());
        }
        let recipe = toml::to_string(recipe)
            .context(ErrorKind::Training, "the recipe cannot be written as TOML")?;
        Ok(Self {
            recipe: format!("{:x}", Sha256::digest(recipe)),
            songs: format!("{:x}", labels.finalize()),
            spectrograms: format!("{:x}", sounds.finalize()),
        })
    }

    /// What differs from another, if anything does.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        [
            (&self.recipe, &other.recipe, "recipe"),
            (&self.songs, &other.songs, "set of songs, split or labels"),
            (
                &self.spectrograms,
                &other.spectrograms,
                "set of spectrograms",
            ),
        ]
        .into_iter()
        .find_map(|(own, others, what)| (own != others).then_some(what))
    }
}

/// How far training is.
#[derive(Debug)]
pub struct State {
    /// Every epoch's figures.
    pub history: Vec<EpochScores>,
    /// The network's weights; those that were kept, where training has ended.
    pub weights: Weights,
    /// The epoch whose weights were best on validation, or were kept.
    pub best_epoch: Option<usize>,
    /// What is missing where training has ended.
    pub optimizer: Option<OptimizerState>,
}

/// What only training that has not ended needs.
#[derive(Debug)]
pub struct OptimizerState {
    /// Steps of the optimizer.
    pub steps: u64,
    /// Adam's running means of the gradients.
    pub first_moments: Weights,
    /// Adam's running means of their squares.
    pub second_moments: Weights,
    /// The moving average of the weights, where the recipe has one.
    pub average: Option<Weights>,
    /// The weights of `best_epoch`.
    pub best: Option<Weights>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format_version: u32,
    identity: Identity,
    best_epoch: Option<usize>,
    /// Of a file of training that has not ended.
    steps: Option<u64>,
    /// CRC-32 of this (with 0 here) and of the tensors' names and bytes, in the order of the names.
    crc32: u32,
}

fn checksum<'a>(
    head: &Head,
    tensors: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> serde_json::Result<u32> {
    let mut crc = crc32fast::Hasher::new();
    crc.update(serde_json::to_string(head)?.as_bytes());
    for (name, bytes) in tensors {
        crc.update(name.as_bytes());
        crc.update(bytes);
    }
    Ok(crc.finalize())
}

/// Writes a checkpoint; what stood at its place before is there until the new one is whole and on the disk.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, identity: &Identity, state: &State) -> Result<()> {
    let unwritten = "the checkpoint could not be written; an earlier one is as it was, and --resume continues from it";
    encode(identity, state)
        .map_err(|source| atomic_file::write_error(path, source))
        .and_then(|bytes| atomic_file::write(path, |file| file.write_all(&bytes)))
        .context(ErrorKind::Training, unwritten)
}

fn encode(identity: &Identity, state: &State) -> io::Result<Vec<u8>> {
    let mut groups = vec![("weights", &state.weights)];
    if let Some(optimizer) = &state.optimizer {
        groups.push(("first_moment", &optimizer.first_moments));
        groups.push(("second_moment", &optimizer.second_moments));
        groups.extend(optimizer.average.as_ref().map(|kept| ("average", kept)));
        groups.extend(optimizer.best.as_ref().map(|kept| ("best", kept)));
    }
    let mut tensors = BTreeMap::new();
    for (group, weights) in groups {
        for (name, tensor) in weights.iter() {
            let numbers = Numbers::of(tensor).map_err(io::Error::other)?;
            tensors.insert(format!("{group}/{name}"), numbers);
        }
    }
    tensors.insert(HISTORY.to_owned(), Numbers::of_history(&state.history));
    let mut head = Head {
        format_version: FORMAT_VERSION,
        identity: identity.clone(),
        best_epoch: state.best_epoch,
        steps: state.optimizer.as_ref().map(|optimizer| optimizer.steps),
        crc32: 0,
    };
    let bytes = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor.bytes.as_slice()));
    head.crc32 = checksum(&head, bytes)?;
    let metadata = HashMap::from([(KEY.to_owned(), serde_json::to_string(&head)?)]);
    let views = tensors
        .iter()
        .map(|(name, tensor)| {
            let view = TensorView::new(tensor.kind, tensor.shape.clone(), &tensor.bytes)?;
            Ok((name, view))
        })
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(io::Error::other)?;
    safetensors::serialize(views, &Some(metadata)).map_err(io::Error::other)
}

/// Reads a checkpoint of the same identity; `None` where there is no file.
///
/// # Errors
/// If it cannot be read, is damaged, has another format version or another identity.
pub fn read(path: &Path, identity: &Identity, device: Device) -> Result<Option<State>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(failure("cannot read the checkpoint")
                .with_path(path)
                .with_source(source));
        }
    };
    let damaged = |reason: String| {
        failure(format!(
            "damaged checkpoint ({reason}); remove it, and what it holds is trained again"
        ))
        .with_path(path)
    };
    let unsound = |error: safetensors::SafeTensorError| damaged(format!("{error:?}"));
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(unsound)?;
    let json = metadata
        .metadata()
        .as_ref()
        .and_then(|entries| entries.get(KEY))
        .ok_or_else(|| damaged(format!("it has no {KEY:?} in its metadata")))?;
    let json: serde_json::Value =
        serde_json::from_str(json).map_err(|error| damaged(error.to_string()))?;
    match json.get("format_version").and_then(|found| found.as_u64()) {
        Some(found) if found != u64::from(FORMAT_VERSION) => {
            let message = format!(
                "the checkpoint has format version {found}, but this program resumes version {FORMAT_VERSION}; use the \
                 program version that wrote it, or train again"
            );
            return Err(failure(message).with_path(path));
        }
        _ => (),
    }
    let mut head: Head =
        serde_json::from_value(json).map_err(|error| damaged(error.to_string()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(unsound)?;
    let tensors: BTreeMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    let expected = std::mem::take(&mut head.crc32);
    let data = tensors
        .iter()
        .map(|(name, view)| (name.as_str(), view.data()));
    if checksum(&head, data).ok() != Some(expected) {
        return Err(damaged("its checksum is wrong".to_owned()));
    }
    if let Some(what) = head.identity.difference(identity) {
        let message = format!(
            "the checkpoint belongs to another {what} than this run has; resume with the command and data that wrote it, \
             or train again"
        );
        return Err(failure(message).with_path(path));
    }
    let group = |prefix: &str| -> Result<Option<Weights>> {
        let members: Vec<_> = tensors
            .iter()
            .filter_map(|(name, view)| Some((name.strip_prefix(prefix)?.strip_prefix('/')?, view)))
            .map(|(name, view)| Ok((name.to_owned(), tensor_of(view, device)?)))
            .collect::<Result<_, TchError>>()
            .map_err(|error| damaged(error.to_string()))?;
        Ok((!members.is_empty()).then(|| members.into_iter().collect()))
    };
    let part = |prefix: &str| {
        group(prefix)?.ok_or_else(|| damaged(format!("it has no tensor {prefix}/...")))
    };
    let history = tensors
        .get(HISTORY)
        .and_then(history_of)
        .ok_or_else(|| damaged(format!("its {HISTORY} is not understood")))?;
    if head.best_epoch.is_some_and(|epoch| epoch >= history.len()) {
        return Err(damaged(format!("its {HISTORY} lacks the best epoch")));
    }
    let optimizer = match head.steps {
        None => None,
        Some(steps) => Some(OptimizerState {
            steps,
            first_moments: part("first_moment")?,
            second_moments: part("second_moment")?,
            average: group("average")?,
            best: group("best")?,
        }),
    };
    Ok(Some(State {
        history,
        weights: part("weights")?,
        best_epoch: head.best_epoch,
        optimizer,
    }))
}

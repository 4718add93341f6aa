//! Checkpoints: all that training needs to resume, in one file that is either complete or not there.
//!
//! The file is a safetensors file, which other programs read too. Its tensors are `weights/...` (the network's, the
//! statistics of batch normalization included), `first_moment/...` and `second_moment/...` (Adam's), `average/...` (the
//! moving average, if the recipe has one), `best/...` (the weights that did best on validation), `history`, float64
//! `[epochs, 6]`, and `circumplex_checkpoint`, the bytes of a JSON object with the rest. A file of training that has ended
//! holds `weights/...`, those that were kept, the history and the JSON alone.

use std::{collections::BTreeMap, error::Error, path::Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tch::{Device, Tensor};

use super::{batches::Songs, failure, fit::EpochScores, network::BandStatistics, weights::Weights};
use crate::{
    atomic_file::PendingFile,
    error::{Context, ErrorKind, Result, one_line},
    model::Recipe,
};

/// The version of the file that this program writes and reads.
pub(crate) const FORMAT_VERSION: u32 = 2;
/// The tensor that holds the JSON.
const HEAD: &str = "circumplex_checkpoint";
const HISTORY: &str = "history";

/// The run that a checkpoint belongs to: training resumes only with the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
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
    pub(crate) fn of(
        recipe: &Recipe,
        songs: Songs<'_>,
        parts: [&[usize]; 2],
        bands: &BandStatistics,
    ) -> Result<Self> {
        let (mut labels, mut spectrograms) = (Sha256::new(), Sha256::new());
        for part in parts {
            labels.update((part.len() as u64).to_le_bytes());
            for &position in part {
                let id = songs.id(position);
                labels.update((id.len() as u64).to_le_bytes());
                labels.update(id);
                if let Some(song) = songs.songs.get(position) {
                    for percent in song.emotions.as_array() {
                        labels.update(percent.to_le_bytes());
                    }
                    for value in [song.affect.valence_mean, song.affect.arousal_mean] {
                        labels.update(value.to_le_bytes());
                    }
                }
                for value in songs.votes(position) {
                    labels.update(value.to_le_bytes());
                }
                for targets in songs.targets {
                    labels.update(targets.digest(position));
                }
                spectrograms.update((songs.spectrograms.frames(position) as u64).to_le_bytes());
            }
        }
        for value in bands.mean.iter().chain(&bands.deviation) {
            spectrograms.update(value.to_le_bytes());
        }
        let recipe = toml::to_string(recipe)
            .context(ErrorKind::Training, "the recipe cannot be written as TOML")?;
        Ok(Self {
            recipe: format!("{:x}", Sha256::digest(recipe)),
            songs: format!("{:x}", labels.finalize()),
            spectrograms: format!("{:x}", spectrograms.finalize()),
        })
    }

    /// The part that differs from another, if any.
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

/// State of a training.
#[derive(Debug)]
pub(crate) struct State {
    /// Every epoch's figures.
    pub history: Vec<EpochScores>,
    /// The network's weights; those that were kept if training has ended.
    pub weights: Weights,
    /// The epoch whose weights were best on validation, or were kept.
    pub best_epoch: Option<usize>,
    /// None if training has ended.
    pub optimizer: Option<OptimizerState>,
}

/// State that only training that has not ended needs.
#[derive(Debug)]
pub(crate) struct OptimizerState {
    /// Steps of the optimizer.
    pub steps: u64,
    /// Adam's running means of the gradients.
    pub first_moments: Weights,
    /// Adam's running means of their squares.
    pub second_moments: Weights,
    /// The moving average of the weights, if the recipe has one.
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
    /// SHA-256 of this (with nothing here) and of the tensors' names and bytes, in the order of the names.
    sha256: String,
}

type Tensors = BTreeMap<String, Tensor>;

fn checksum(head: &Head, tensors: &Tensors) -> Result<String> {
    let json = serde_json::to_vec(head).context(ErrorKind::Training, "no JSON")?;
    let mut hash = Sha256::new();
    hash.update(&json);
    for (name, tensor) in tensors {
        let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
        tensor.f_copy_data_u8(&mut bytes, tensor.numel())?;
        hash.update(name.as_bytes());
        hash.update(&bytes);
    }
    Ok(format!("{:x}", hash.finalize()))
}

/// Writes a checkpoint; an earlier one is there until the new one is complete and on the disk.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write(path: &Path, identity: &Identity, state: &State) -> Result<()> {
    let tensors = encode(identity, state).context(ErrorKind::Training, UNWRITTEN)?;
    write_tensors(path, &tensors.into_iter().collect::<Vec<_>>())
}

const UNWRITTEN: &str = "the checkpoint could not be written; an earlier one is as it was, and --resume continues from it";

/// Writes the tensors of a checkpoint; an earlier one is there until the new one is complete and on the disk.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_tensors(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    let write = || -> Result<()> {
        let pending = PendingFile::create(path)?;
        Tensor::write_safetensors(tensors, pending.temporary())?;
        pending.commit()?;
        Ok(())
    };
    write().context(ErrorKind::Training, UNWRITTEN)
}

fn encode(identity: &Identity, state: &State) -> Result<Tensors> {
    let mut groups = vec![("weights", &state.weights)];
    if let Some(optimizer) = &state.optimizer {
        groups.push(("first_moment", &optimizer.first_moments));
        groups.push(("second_moment", &optimizer.second_moments));
        groups.extend(optimizer.average.as_ref().map(|kept| ("average", kept)));
        groups.extend(optimizer.best.as_ref().map(|kept| ("best", kept)));
    }
    let mut tensors = Tensors::new();
    for (group, weights) in groups {
        for (name, tensor) in weights.iter() {
            let tensor = tensor.detach().f_to_device(Device::Cpu)?.f_contiguous()?;
            tensors.insert(format!("{group}/{name}"), tensor);
        }
    }
    tensors.insert(HISTORY.to_owned(), tensor_of(&state.history));
    let mut head = Head {
        format_version: FORMAT_VERSION,
        identity: identity.clone(),
        best_epoch: state.best_epoch,
        steps: state.optimizer.as_ref().map(|optimizer| optimizer.steps),
        sha256: String::new(),
    };
    head.sha256 = checksum(&head, &tensors)?;
    let json = serde_json::to_vec(&head).context(ErrorKind::Training, "no JSON")?;
    tensors.insert(HEAD.to_owned(), Tensor::from_slice(&json));
    Ok(tensors)
}

/// Float64 `[epochs, 6]`; epochs without a validation score have NaN there.
fn tensor_of(history: &[EpochScores]) -> Tensor {
    let rows = history.iter().map(|scores| {
        [
            scores.epoch as f64,
            scores.loss,
            scores.validation_mae.unwrap_or(f64::NAN),
            scores.learning_rate,
            scores.seconds,
            scores.outside_libtorch,
        ]
    });
    Tensor::from_slice(rows.collect::<Vec<_>>().as_flattened()).reshape([-1, 6])
}

fn history_of(tensor: &Tensor) -> Option<Vec<EpochScores>> {
    let numbers = Vec::<f64>::try_from(tensor.flatten(0, -1)).ok()?;
    let rows = numbers.as_chunks::<6>().0.iter();
    let history: Vec<EpochScores> = rows
        .map(|row| EpochScores {
            epoch: row[0] as usize,
            loss: row[1],
            validation_mae: Some(row[2]).filter(|error| !error.is_nan()),
            learning_rate: row[3],
            seconds: row[4],
            outside_libtorch: row[5],
        })
        .collect();
    let mut epochs = history.iter().enumerate();
    let in_order = epochs.all(|(number, scores)| scores.epoch == number);
    (in_order && !history.is_empty()).then_some(history)
}

/// Reads a checkpoint of the same identity; `None` if there is no file.
///
/// # Errors
/// If it cannot be read, is damaged, has another format version or another identity.
pub(crate) fn read(path: &Path, identity: &Identity, device: Device) -> Result<Option<State>> {
    match path.try_exists() {
        Ok(false) => Ok(None),
        Ok(true) => decode(path, identity, device)
            .map(Some)
            .map_err(|error| error.with_path(path)),
        Err(error) => Err(failure("cannot read the checkpoint")
            .with_path(path)
            .with_source(error)),
    }
}

fn decode(path: &Path, identity: &Identity, device: Device) -> Result<State> {
    let damaged = |reason: &str| {
        failure(format!(
            "damaged checkpoint ({reason}); remove it, and what it holds is trained again"
        ))
    };
    let unreadable = |error: &(dyn Error + 'static)| damaged(&one_line(error));
    let tensors = Tensor::read_safetensors(path).map_err(|error| unreadable(&error))?;
    let mut tensors: Tensors = tensors.into_iter().collect();
    let json = tensors
        .remove(HEAD)
        .and_then(|head| Vec::<u8>::try_from(head).ok())
        .ok_or_else(|| damaged("no head"))?;
    let json: serde_json::Value =
        serde_json::from_slice(&json).map_err(|error| unreadable(&error))?;
    if let Some(found) = json["format_version"].as_u64()
        && found != u64::from(FORMAT_VERSION)
    {
        return Err(failure(format!(
            "the checkpoint has format version {found}, but this program resumes version {FORMAT_VERSION}; use the \
             program version that wrote it, or train again"
        )));
    }
    let mut head: Head = serde_json::from_value(json).map_err(|error| unreadable(&error))?;
    let expected = std::mem::take(&mut head.sha256);
    if checksum(&head, &tensors)? != expected {
        return Err(damaged("its checksum is wrong"));
    }
    if let Some(what) = head.identity.difference(identity) {
        return Err(failure(format!(
            "the checkpoint belongs to another {what} than this run has; resume with the command and data that wrote it, \
             or train again"
        )));
    }
    let group = |prefix: &str| -> Option<Weights> {
        let members: Vec<_> = tensors
            .iter()
            .filter_map(|(name, tensor)| {
                let name = name.strip_prefix(prefix)?.strip_prefix('/')?;
                Some((name.to_owned(), tensor.to_device(device)))
            })
            .collect();
        (!members.is_empty()).then(|| members.into_iter().collect())
    };
    let part = |prefix: &str| group(prefix).ok_or_else(|| damaged("a tensor is missing"));
    let history = tensors.get(HISTORY).and_then(history_of);
    let history = history.ok_or_else(|| damaged("no history"))?;
    if head.best_epoch.is_some_and(|epoch| epoch >= history.len()) {
        return Err(damaged("its history lacks the best epoch"));
    }
    let optimizer = match head.steps {
        None => None,
        Some(steps) => Some(OptimizerState {
            steps,
            first_moments: part("first_moment")?,
            second_moments: part("second_moment")?,
            average: group("average"),
            best: group("best"),
        }),
    };
    Ok(State {
        history,
        weights: part("weights")?,
        best_epoch: head.best_epoch,
        optimizer,
    })
}

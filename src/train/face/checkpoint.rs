//! The state of an expression network's training, in one file that is either complete or not there.
//!
//! A safetensors file: `weights/...`, `average/...`, `best/...`, `first/...` and `second/...` (the optimizer's), and `state`,
//! the bytes of a JSON object with the rest.

use crate::{
    dataset::FaceSet,
    error::{Context, ErrorKind, Result},
    train::{checkpoint::write_tensors, failure, weights::Weights},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;
use tch::{Device, Tensor};

/// The version of the file that this program writes and reads.
const FORMAT_VERSION: u32 = 1;
const STATE: &str = "state";

/// One epoch's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FaceEpoch {
    /// Number of the epoch, 0 first.
    pub epoch: usize,
    /// Mean loss over its batches, in nats.
    pub loss: f64,
    /// Share of its faces, as they were augmented, whose expression with most votes was right.
    pub accuracy: f64,
    /// Kullback-Leibler divergence on the validation faces, in nats.
    pub validation_loss: f64,
    /// Accuracy on the validation faces with a majority.
    pub validation_accuracy: f64,
    /// Learning rate at its end.
    pub learning_rate: f64,
    /// How long it took.
    pub seconds: f64,
}

/// The run that a checkpoint belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    recipe: String,
    faces: String,
}

impl Identity {
    pub(super) fn of(recipe: &str, set: &FaceSet) -> Self {
        let mut hash = Sha256::new();
        hash.update(&set.pixels);
        for face in &set.faces {
            hash.update([face.part.map_or(0, |part| part as u8 + 1)]);
            for share in face.shares {
                hash.update(share.to_le_bytes());
            }
        }
        Self {
            recipe: recipe.to_owned(),
            faces: format!("{:x}", hash.finalize()),
        }
    }
}

/// All that training needs to resume.
#[derive(Debug)]
pub(super) struct Checkpoint {
    pub history: Vec<FaceEpoch>,
    /// The epoch of `best`.
    pub kept: usize,
    /// Steps of the optimizer.
    pub steps: u64,
    pub weights: Weights,
    /// The moving average of the weights.
    pub average: Weights,
    /// The weights with the highest accuracy in validation.
    pub best: Weights,
    /// The optimizer's running means.
    pub optimizer: [Weights; 2],
}

#[derive(Serialize, Deserialize)]
struct State {
    format_version: u32,
    identity: Identity,
    history: Vec<FaceEpoch>,
    kept: usize,
    steps: u64,
}

/// Writes a checkpoint; an earlier one is there until the new one is complete and on the disk.
///
/// # Errors
/// If it cannot be written.
pub(super) fn write(path: &Path, identity: &Identity, checkpoint: &Checkpoint) -> Result<()> {
    let state = State {
        format_version: FORMAT_VERSION,
        identity: identity.clone(),
        history: checkpoint.history.clone(),
        kept: checkpoint.kept,
        steps: checkpoint.steps,
    };
    let state = serde_json::to_vec(&state).context(ErrorKind::Training, "no JSON")?;
    let mut tensors = vec![(STATE.to_owned(), Tensor::from_slice(&state))];
    let [first, second] = &checkpoint.optimizer;
    for (group, weights) in [
        ("weights", &checkpoint.weights),
        ("average", &checkpoint.average),
        ("best", &checkpoint.best),
        ("first", first),
        ("second", second),
    ] {
        for (name, tensor) in weights.iter() {
            let tensor = tensor.detach().f_to_device(Device::Cpu)?.f_contiguous()?;
            tensors.push((format!("{group}/{name}"), tensor));
        }
    }
    write_tensors(path, &tensors)
}

/// Reads a checkpoint of the same identity; `None` if there is no file.
///
/// # Errors
/// If it cannot be read, has another format version or another identity.
pub(super) fn read(path: &Path, identity: &Identity, device: Device) -> Result<Option<Checkpoint>> {
    if !path.exists() {
        return Ok(None);
    }
    let read = || -> Result<Checkpoint> {
        let tensors = Tensor::read_safetensors(path)?;
        let state = tensors.iter().find(|(name, _)| name == STATE);
        let state = state.ok_or_else(|| failure("it has no state"))?;
        let state = Vec::<u8>::try_from(&state.1)?;
        let state: State =
            serde_json::from_slice(&state).context(ErrorKind::Training, "no state")?;
        if state.format_version != FORMAT_VERSION {
            return Err(failure(format!("format version {}", state.format_version)));
        }
        if state.identity != *identity {
            return Err(failure("it belongs to another recipe or other faces"));
        }
        let group = |prefix: &str| -> Weights {
            let named = tensors.iter().filter_map(|(name, tensor)| {
                let name = name.strip_prefix(prefix)?.strip_prefix('/')?;
                Some((name.to_owned(), tensor.to_device(device)))
            });
            named.collect()
        };
        Ok(Checkpoint {
            history: state.history,
            kept: state.kept,
            steps: state.steps,
            weights: group("weights"),
            average: group("average"),
            best: group("best"),
            optimizer: [group("first"), group("second")],
        })
    };
    let cannot = "the checkpoint cannot be resumed; continue with the command and data that wrote it, or train again with --force";
    read()
        .context_at(ErrorKind::Training, path, cannot)
        .map(Some)
}

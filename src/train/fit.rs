//! The training loop: batches made ahead, epochs, checkpoints.

use std::{
    path::Path,
    sync::{Mutex, PoisonError, mpsc::sync_channel},
};

use tch::Device;

use super::{
    batches::{Batch, Batches, Cropper, Songs},
    checkpoint::{self, Identity, State},
    failure, interrupted,
    learner::Learner,
    network::Network,
    too_few_songs,
    weights::Weights,
};
use crate::{error::Result, model::Recipe};

/// Batches that are made ahead of the network.
const AHEAD: usize = 2;

/// libtorch has one random generator per process: one training at a time draws from it, or none could be repeated.
pub(super) static GENERATOR: Mutex<()> = Mutex::new(());

/// A step of training, for a progress bar or a log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// An epoch that a checkpoint tells of: it was learned before.
    Before(EpochScores),
    /// A batch was learned.
    Batch {
        /// Number of the epoch, 0 first.
        epoch: usize,
        /// Number of the batch, 0 first.
        batch: usize,
        /// Batches in an epoch.
        batches: usize,
        /// The batch's loss.
        loss: f64,
    },
    /// An epoch ended; where a checkpoint is kept, it is on the disk.
    Epoch(EpochScores),
}

/// One epoch's figures.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct EpochScores {
    /// Number of the epoch, 0 first.
    pub epoch: usize,
    /// Mean loss over its batches.
    pub loss: f64,
    /// Mean absolute error of the eight percentages over the validation songs.
    pub validation_mae: Option<f64>,
    /// Learning rate at its end.
    pub learning_rate: f64,
    /// How long it took, the checkpoint before it included.
    pub seconds: f64,
    /// Share of that time that was not spent in libtorch, 0 to 1: waiting for batches, writing the checkpoint.
    pub outside_libtorch: f64,
}

/// Which songs are for what, and where the state is kept.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Task<'a> {
    /// Positions of the songs that the weights are fitted to.
    pub training: &'a [usize],
    /// Positions of the songs that decide which epoch is kept; with none, the last epoch is.
    pub validation: &'a [usize],
    /// Where a checkpoint is written after every epoch. If it is there at the start, training resumes from it, to
    /// the weights that it would have come to without a break (on the CPU, with the same number of threads, bit for
    /// bit).
    pub checkpoint: Option<&'a Path>,
}

/// A trained network and how it came to be.
#[derive(Debug)]
pub(crate) struct Fitted {
    /// The network, with the weights of the best epoch where there were validation songs, else of the last one.
    pub network: Network,
    /// Every epoch's figures.
    pub history: Vec<EpochScores>,
    /// The epoch whose weights were kept.
    pub kept_epoch: usize,
}

/// Trains a network. With validation songs, the weights of the epoch with the least error on them are kept, and training
/// stops when it has not improved for the recipe's `patience`.
///
/// # Errors
/// Of the kind [`ErrorKind::Training`](crate::ErrorKind) for fewer than two training songs, if the loss or its gradient
/// becomes NaN or infinite, if a checkpoint cannot be written or resumed, or if libtorch fails; of the kind
/// [`ErrorKind::Interrupted`](crate::ErrorKind) if `watch` answers `false`.
pub(crate) fn fit(
    recipe: &Recipe,
    songs: Songs<'_>,
    device: Device,
    task: Task<'_>,
    mut watch: impl FnMut(Event) -> bool,
) -> Result<Fitted> {
    if task.training.len() < 2 {
        return Err(too_few_songs(task.training.len()));
    }
    let _generator = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    tch::manual_seed(recipe.seed as i64);
    let cropper = Cropper::new(recipe, songs);
    let bands = cropper.statistics(task.training);
    let batches = Batches::new(recipe, songs, task.training, &bands);
    let per_epoch = batches.order(task.training, 0).len();
    if per_epoch == 0 {
        return Err(failure(format!(
            "no batch can be made: the recipe has `optimizer.batch` = {}; expected at least 2",
            recipe.optimizer.batch
        )));
    }
    let mut learner = Learner::new(recipe, songs, task.training, &bands, device)?;
    let keep = match task.checkpoint {
        None => None,
        Some(path) => {
            let identity = Identity::of(recipe, songs, [task.training, task.validation], &bands)?;
            if let Some(state) = checkpoint::read(path, &identity, device)? {
                for scores in &state.history {
                    if !watch(Event::Before(*scores)) {
                        return Err(interrupted(state.history.len()));
                    }
                }
                if let Some(kept_epoch) = learner.resume(state)? {
                    return Ok(learner.fitted(kept_epoch));
                }
            }
            Some((path, identity))
        }
    };
    std::thread::scope(|scope| -> Result<()> {
        let (sender, receiver) = sync_channel::<Batch>(AHEAD);
        let maker = &batches;
        let epochs = learner.epochs_done()..recipe.optimizer.epochs;
        scope.spawn(move || {
            for epoch in epochs {
                let order = maker.order(task.training, epoch);
                for (number, songs) in order.into_iter().enumerate() {
                    if sender.send(maker.make(songs, epoch, number)).is_err() {
                        return; // the loop has ended
                    }
                }
            }
        });
        while !learner.has_ended() {
            let epoch = learner.epochs_done();
            let scores =
                learner.epoch(&receiver, per_epoch, &cropper, task.validation, &mut watch)?;
            if let Some((path, identity)) = &keep {
                checkpoint::write(path, identity, &learner.state())?;
            }
            if !watch(Event::Epoch(scores)) {
                return Err(interrupted(epoch + 1));
            }
        }
        Ok(())
    })?;
    let fitted = learner.end(&cropper, task.training)?;
    if let Some((path, identity)) = &keep {
        let state = State {
            history: fitted.history.clone(),
            weights: Weights::of(fitted.network.variables()),
            best_epoch: Some(fitted.kept_epoch),
            optimizer: None,
        };
        checkpoint::write(path, identity, &state)?;
    }
    Ok(fitted)
}

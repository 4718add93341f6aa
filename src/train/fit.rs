//! The training loop.

use std::sync::{Mutex, PoisonError, mpsc};

use tch::{
    Device, Tensor,
    nn::{self, OptimizerConfig},
};

use super::{
    TrainError,
    batches::{Batch, Batches, Cropper, Songs},
    loss::loss,
    network::Network,
};
use crate::{emotion::Emotion, model::Recipe};

/// Share of the steps in which the learning rate rises.
const RISE: f64 = 0.25;
/// The learning rate starts at this part of its highest value...
const FIRST: f64 = 1.0 / 25.0;
/// ... and ends at this part.
const LAST: f64 = 1e-5;
/// Batches that are made ahead of the network.
const AHEAD: usize = 2;

/// libtorch has one random generator per process: one training at a time draws from it, or none could be repeated.
static GENERATOR: Mutex<()> = Mutex::new(());

/// What happened, for whoever watches or keeps a log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
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
    /// An epoch ended.
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
}

/// A trained network and how it came to be.
#[derive(Debug)]
pub struct Fitted {
    /// The network, with the weights of the best epoch where there were validation songs, else of the last one.
    pub network: Network,
    /// Every epoch's figures.
    pub history: Vec<EpochScores>,
    /// The epoch whose weights were kept.
    pub kept_epoch: usize,
}

/// Trains a network on the songs at the positions `training`. With `validation` songs, the weights of the epoch with
/// the least error on them are kept, and training stops when it has not improved for the recipe's `patience`.
///
/// # Errors
/// [`TrainError::TooFewSongs`] for fewer than two training songs, [`TrainError::NotFinite`] where the loss becomes NaN
/// or infinite, [`TrainError::Interrupted`] where `watch` answers `false`, [`TrainError::Libtorch`] where libtorch
/// fails.
pub fn fit(
    recipe: &Recipe,
    songs: Songs<'_>,
    training: &[usize],
    validation: &[usize],
    mut watch: impl FnMut(Event) -> bool,
) -> Result<Fitted, TrainError> {
    if training.len() < 2 {
        return Err(TrainError::TooFewSongs {
            found: training.len(),
        });
    }
    let _generator = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    tch::manual_seed(recipe.seed as i64);
    let cropper = Cropper::new(recipe, songs);
    let bands = cropper.statistics(training);
    let batches = Batches::new(recipe, songs, &bands);
    let mut network = Network::new(recipe, &bands, Device::Cpu);
    let (emotions, affect) = songs.labels(training);
    network.read_affect_off(&emotions, &affect)?;
    let mut optimizer = nn::AdamW {
        wd: recipe.optimizer.weight_decay,
        ..nn::AdamW::default()
    }
    .build(network.variables(), recipe.optimizer.learning_rate)?;
    let steps = recipe.optimizer.epochs * batches.order(training, 0).len();
    let mut step = 0;
    let mut history: Vec<EpochScores> = Vec::new();
    let mut best: Option<(f64, usize, Weights)> = None;
    for epoch in 0..recipe.optimizer.epochs {
        let mut total = 0.0;
        let order = batches.order(training, epoch);
        let count = order.len();
        let done = std::thread::scope(|scope| -> Result<(), TrainError> {
            let (sender, receiver) = mpsc::sync_channel::<Batch>(AHEAD);
            let maker = &batches;
            scope.spawn(move || {
                for (number, songs) in order.into_iter().enumerate() {
                    if sender.send(maker.make(songs, epoch, number)).is_err() {
                        return; // the loop stopped early
                    }
                }
            });
            for (number, batch) in receiver.into_iter().enumerate() {
                optimizer.set_lr(learning_rate(recipe.optimizer.learning_rate, step, steps));
                step += 1;
                let loss = loss(recipe, &network, &batch);
                let value = loss.double_value(&[]);
                if !value.is_finite() {
                    let ids = batch
                        .songs
                        .iter()
                        .map(|&song| songs.songs[song].id.clone())
                        .collect();
                    return Err(TrainError::NotFinite {
                        epoch: epoch + 1,
                        batch: number + 1,
                        songs: ids,
                    });
                }
                optimizer.backward_step_clip_norm(&loss, recipe.optimizer.clip);
                total += value;
                if !watch(Event::Batch {
                    epoch,
                    batch: number,
                    batches: count,
                    loss: value,
                }) {
                    return Err(TrainError::Interrupted { epoch: epoch + 1 });
                }
            }
            Ok(())
        });
        done?;
        let validation_mae =
            (!validation.is_empty()).then(|| error_on(&network, &cropper, songs, validation));
        let scores = EpochScores {
            epoch,
            loss: total / count.max(1) as f64,
            validation_mae,
            learning_rate: learning_rate(recipe.optimizer.learning_rate, step, steps),
        };
        history.push(scores);
        if !watch(Event::Epoch(scores)) {
            return Err(TrainError::Interrupted { epoch: epoch + 1 });
        }
        if let Some(error) = validation_mae {
            if best.as_ref().is_none_or(|(least, ..)| error < *least) {
                best = Some((error, epoch, weights(&network)));
            } else if best
                .as_ref()
                .is_some_and(|(_, kept, _)| epoch - kept >= recipe.optimizer.patience)
            {
                break;
            }
        }
    }
    let kept_epoch = match best {
        Some((_, epoch, weights)) => {
            restore(&mut network, weights)?;
            epoch
        }
        None => history.len().saturating_sub(1),
    };
    Ok(Fitted {
        network,
        history,
        kept_epoch,
    })
}

/// The one-cycle learning rate at a step.
fn learning_rate(highest: f64, step: usize, steps: usize) -> f64 {
    let anneal = |from: f64, to: f64, share: f64| {
        to + (from - to) * (1.0 + (std::f64::consts::PI * share).cos()) / 2.0
    };
    let share = step as f64 / steps.max(1) as f64;
    if share < RISE {
        anneal(highest * FIRST, highest, share / RISE)
    } else {
        anneal(
            highest,
            highest * LAST,
            ((share - RISE) / (1.0 - RISE)).min(1.0),
        )
    }
}

/// Mean absolute error of the eight percentages, one mean over the windows per song.
fn error_on(
    network: &Network,
    cropper: &Cropper<'_>,
    songs: Songs<'_>,
    positions: &[usize],
) -> f64 {
    let _guard = tch::no_grad_guard();
    let mut total = 0.0;
    for &song in positions {
        let windows = cropper.windows(song);
        let shares = network
            .forward(&cropper.plain(song, &windows), false)
            .shares;
        let weight: f64 = windows.iter().map(|window| window.weight).sum();
        for (emotion, truth) in songs.songs[song].emotions.as_array().iter().enumerate() {
            let mean: f64 = windows
                .iter()
                .enumerate()
                .map(|(row, window)| {
                    window.weight * shares.double_value(&[row as i64, emotion as i64])
                })
                .sum::<f64>()
                / weight;
            total += (mean * 100.0 - f64::from(*truth)).abs();
        }
    }
    total / (positions.len() * Emotion::COUNT) as f64
}

/// Every weight of a network, by name.
type Weights = Vec<(String, Tensor)>;

fn weights(network: &Network) -> Weights {
    network
        .variables()
        .variables()
        .into_iter()
        .map(|(name, tensor)| (name, tensor.detach().copy()))
        .collect()
}

fn restore(network: &mut Network, weights: Vec<(String, Tensor)>) -> Result<(), TrainError> {
    let _guard = tch::no_grad_guard();
    let mut variables = network.variables_mut().variables();
    for (name, saved) in weights {
        if let Some(variable) = variables.get_mut(&name) {
            variable.f_copy_(&saved)?;
        }
    }
    Ok(())
}

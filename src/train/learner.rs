//! A network that learns: one epoch at a time, from state to state.

use std::{
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use rand::{Rng as _, SeedableRng as _, rngs::ChaCha8Rng, seq::SliceRandom as _};
use tch::{Device, Tensor};

use super::{
    adam::{Adam, Decay},
    batches::{Batch, Crop, Cropper, Songs},
    checkpoint::{OptimizerState, State},
    failure,
    fit::{EpochScores, Event, Fitted},
    interrupted,
    loss::loss,
    network::{BandStatistics, Network, Plain},
    schedule::one_cycle,
    weights::Weights,
};
use crate::{
    emotion::Emotion,
    error::Result,
    model::{OptimizerKind, Recipe, Schedule},
};

/// Songs whose windows are validated at once.
const VALIDATED_AT_ONCE: usize = 16;
/// Songs of a batch that batch normalization is recalibrated on.
const RECALIBRATED_AT_ONCE: usize = 32;

/// A network and all that belongs to its training.
pub(crate) struct Learner<'a> {
    recipe: &'a Recipe,
    songs: Songs<'a>,
    network: Network,
    /// The network's own weights.
    live: Weights,
    adam: Adam,
    average: Option<Weights>,
    best: Option<(usize, Weights)>,
    history: Vec<EpochScores>,
    /// When the last epoch ended.
    since: Instant,
}

impl<'a> Learner<'a> {
    /// A network that has learned nothing; libtorch's generator must be seeded before.
    pub(crate) fn new(
        recipe: &'a Recipe,
        songs: Songs<'a>,
        training: &[usize],
        bands: &BandStatistics,
        device: Device,
    ) -> Result<Self> {
        let widths: Vec<usize> = songs.targets.iter().map(|targets| targets.width).collect();
        let mut network = Network::new(recipe, bands, &widths, device);
        let labeled = training
            .iter()
            .copied()
            .filter(|&song| song < songs.songs.len());
        let (emotions, affect) = songs.labels(&labeled.collect::<Vec<_>>());
        network.learn_labels(&emotions, &affect)?;
        let live = Weights::of(network.variables());
        let decay = match recipe.optimizer.kind {
            OptimizerKind::Adam => Decay::Gradient,
            OptimizerKind::Adamw => Decay::Weight,
        };
        Ok(Self {
            adam: Adam::new(network.variables(), decay, recipe.optimizer.weight_decay)?,
            average: (recipe.optimizer.averaging > 0.0).then(|| live.copied()),
            live,
            network,
            recipe,
            songs,
            best: None,
            history: Vec::new(),
            since: Instant::now(),
        })
    }

    /// Takes over what a checkpoint tells; where training had ended, the epoch whose weights were kept.
    pub(crate) fn resume(&mut self, state: State) -> Result<Option<usize>> {
        self.live.copy_from(&state.weights)?;
        self.history = state.history;
        let Some(optimizer) = state.optimizer else {
            let kept_epoch = state
                .best_epoch
                .unwrap_or(self.history.len().saturating_sub(1));
            return Ok(Some(kept_epoch));
        };
        self.adam.restore(
            optimizer.steps,
            &optimizer.first_moments,
            &optimizer.second_moments,
        )?;
        if let (Some(own), Some(kept)) = (&mut self.average, &optimizer.average) {
            own.copy_from(kept)?;
        }
        self.best = state.best_epoch.zip(optimizer.best);
        Ok(None)
    }

    /// Epochs that were learned.
    pub(crate) fn epochs_done(&self) -> usize {
        self.history.len()
    }

    /// Whether all epochs of the recipe are done, or too many were without a better validation score.
    pub(crate) fn has_ended(&self) -> bool {
        let done = self.history.len();
        let patience = self.recipe.optimizer.patience;
        done >= self.recipe.optimizer.epochs
            || (self.best.as_ref()).is_some_and(|(epoch, _)| done > epoch + patience)
    }

    /// The learning rate of the next step, in epochs of `count` steps.
    fn learning_rate(&self, count: usize) -> f64 {
        let highest = self.recipe.optimizer.learning_rate;
        let steps = (count * self.recipe.optimizer.epochs) as u64;
        match self.recipe.optimizer.schedule {
            Schedule::OneCycle => one_cycle(highest, self.adam.steps(), steps),
            Schedule::Constant => highest,
        }
    }

    /// Learns one epoch of `count` batches, and validates.
    pub(crate) fn epoch(
        &mut self,
        batches: &Receiver<Batch>,
        count: usize,
        cropper: &Cropper<'_>,
        validation: &[usize],
        watch: &mut impl FnMut(Event) -> bool,
    ) -> Result<EpochScores> {
        let epoch = self.history.len();
        // What libtorch draws depends on the epoch alone: resumed training draws the same.
        tch::manual_seed(generator_seed(self.recipe.seed, epoch));
        let (mut total, mut inside) = (0.0, Duration::ZERO);
        for number in 0..count {
            let Ok(batch) = batches.recv() else {
                // whoever makes batches has panicked, which the scope around passes on
                return Err(interrupted(epoch + 1));
            };
            let began = Instant::now();
            let loss = self.learn(batch, number, count)?;
            inside += began.elapsed();
            total += loss;
            let event = Event::Batch {
                epoch,
                batch: number,
                batches: count,
                loss,
            };
            if !watch(event) {
                return Err(interrupted(epoch + 1));
            }
        }
        let validation_mae = match validation {
            [] => None,
            songs => {
                let (error, time) = self.validate(cropper, songs)?;
                inside += time;
                Some(error)
            }
        };
        if let Some(error) = validation_mae {
            let best = self.best.as_ref().map(|(epoch, _)| self.history[*epoch]);
            let least = best.and_then(|scores| scores.validation_mae);
            if least.is_none_or(|least| error < least) {
                self.best = Some((epoch, self.averaged().copied()));
            }
        }
        let seconds = self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
        let scores = EpochScores {
            epoch,
            loss: total / count as f64,
            validation_mae,
            learning_rate: self.learning_rate(count),
            seconds,
            outside_libtorch: (1.0 - inside.as_secs_f64() / seconds).clamp(0.0, 1.0),
        };
        self.history.push(scores);
        Ok(scores)
    }

    /// One step of the optimizer, number `number` of the epoch's `count`; the batch's loss.
    fn learn(&mut self, batch: Batch, number: usize, count: usize) -> Result<f64> {
        let batch = on_device(batch, self.network.variables().device());
        let loss = loss(self.recipe, &self.network, &batch);
        let value = loss.f_double_value(&[])?;
        let norm = match value.is_finite() {
            true => self.adam.backward(&loss)?,
            false => f64::NAN,
        };
        if !norm.is_finite() {
            let songs: Vec<&str> = batch
                .songs
                .iter()
                .map(|&song| self.songs.id(song))
                .collect();
            return Err(failure(format!(
                "the loss or its gradient is no longer a finite number in epoch {}, batch {} (songs {}); \
                 lower `optimizer.learning_rate` in the recipe, or look at the labels of these songs",
                self.history.len() + 1,
                number + 1,
                songs.join(", ")
            )));
        }
        let rate = self.learning_rate(count);
        self.adam.clip(norm, self.recipe.optimizer.clip)?;
        self.adam.step(rate)?;
        if let Some(average) = &mut self.average {
            // At first the average would be of the initial weights: it begins with a short memory.
            let steps = self.adam.steps() as f64;
            let keep = (self.recipe.optimizer.averaging).min((1.0 + steps) / (10.0 + steps));
            average.lerp(&self.live, 1.0 - keep)?;
        }
        Ok(value)
    }

    /// The weights that a model would have now.
    fn averaged(&self) -> &Weights {
        self.average.as_ref().unwrap_or(&self.live)
    }

    /// Mean absolute error of the eight percentages over songs, one mean over the windows per song, and the time that
    /// it took libtorch.
    fn validate(&mut self, cropper: &Cropper<'_>, songs: &[usize]) -> Result<(f64, Duration)> {
        let own = match &self.average {
            None => None,
            Some(average) => {
                let own = self.live.copied();
                self.live.copy_from(average)?;
                Some(own)
            }
        };
        let (mut total, mut inside) = (0.0, Duration::ZERO);
        for some in songs.chunks(VALIDATED_AT_ONCE) {
            let windows: Vec<Vec<Crop>> = some.iter().map(|&song| cropper.windows(song)).collect();
            let frames: Vec<Tensor> = some
                .iter()
                .zip(&windows)
                .map(|(&song, windows)| cropper.plain(song, windows))
                .collect();
            let began = Instant::now();
            let shares = self.shares(&frames)?;
            inside += began.elapsed();
            let mut rows = shares.chunks_exact(Emotion::COUNT);
            for (&song, windows) in some.iter().zip(&windows) {
                let mut mean = [0.0; Emotion::COUNT];
                let weight: f64 = windows.iter().map(|window| window.weight).sum();
                for (window, row) in windows.iter().zip(&mut rows) {
                    for (mean, share) in mean.iter_mut().zip(row) {
                        *mean += window.weight / weight * f64::from(*share);
                    }
                }
                let truth = self.songs.songs[song].emotions;
                for (mean, truth) in mean.iter().zip(truth.as_array()) {
                    total += (mean * 100.0 - f64::from(*truth)).abs();
                }
            }
        }
        if let Some(own) = own {
            self.live.copy_from(&own)?;
        }
        Ok((total / (songs.len() * Emotion::COUNT) as f64, inside))
    }

    /// Shares of the emotions for windows, row by row.
    fn shares(&self, frames: &[Tensor]) -> Result<Vec<f32>> {
        let _guard = tch::no_grad_guard();
        let frames = Tensor::f_cat(frames, 0)?.f_to_device(self.network.variables().device())?;
        let shares = self.network.answer(&frames).shares;
        let shares = shares.f_to_device(Device::Cpu)?.f_contiguous()?;
        let mut values = vec![0.0; shares.numel()];
        shares
            .f_view([-1])?
            .f_copy_data(&mut values, shares.numel())?;
        Ok(values)
    }

    /// The state from which training can be resumed.
    pub(crate) fn state(&self) -> State {
        let (first_moments, second_moments) = self.adam.moments();
        State {
            history: self.history.clone(),
            weights: self.live.shared(),
            best_epoch: self.best.as_ref().map(|(epoch, _)| *epoch),
            optimizer: Some(OptimizerState {
                steps: self.adam.steps(),
                first_moments,
                second_moments,
                average: self.average.as_ref().map(Weights::shared),
                best: self.best.as_ref().map(|(_, best)| best.shared()),
            }),
        }
    }

    /// Gives the network the weights that are kept.
    /// [`Calibration::settle`](crate::model::Calibration) is done on the training songs.
    pub(crate) fn end(mut self, cropper: &Cropper<'_>, training: &[usize]) -> Result<Fitted> {
        let last = self.history.len().saturating_sub(1);
        let kept_epoch = match (self.best.take(), self.average.take()) {
            (Some((epoch, best)), _) => {
                self.live.copy_from(&best)?;
                epoch
            }
            (None, Some(average)) => {
                self.live.copy_from(&average)?;
                last
            }
            (None, None) => last,
        };
        if self.recipe.calibration.settle {
            self.recalibrate(cropper, training)?;
        }
        Ok(self.fitted(kept_epoch))
    }

    fn recalibrate(&mut self, cropper: &Cropper<'_>, training: &[usize]) -> Result<()> {
        // A stream of its own; in random order, since data sets often group songs of one kind.
        tch::manual_seed(generator_seed(self.recipe.seed, usize::MAX - 1));
        let mut songs = training.to_vec();
        songs.shuffle(&mut ChaCha8Rng::seed_from_u64(self.recipe.seed));
        let device = self.network.variables().device();
        let votes = self.songs.mean_votes(training);
        let mut batches = Vec::new();
        for some in songs.chunks(RECALIBRATED_AT_ONCE) {
            let (mut frames, mut owners) = (Vec::new(), Vec::new());
            for &song in some {
                let windows = cropper.windows(song);
                frames.push(cropper.plain(song, &windows));
                owners.extend(windows.iter().map(|_| song));
            }
            let (emotions, affect) = self.songs.labels(&owners);
            batches.push(Plain {
                frames: Tensor::f_cat(&frames, 0)?.f_to_device(device)?,
                emotions,
                affect,
                felt: self.songs.felt(&owners, &votes),
                labeled: self.songs.labeled(&owners),
                voted: self.songs.voted(&owners),
            });
        }
        self.network.recalibrate_batch_norm(&batches)?;
        self.network.recalibrate_bias(&batches)?;
        Ok(())
    }

    /// The result, with the weights as they are.
    pub(crate) fn fitted(self, kept_epoch: usize) -> Fitted {
        Fitted {
            network: self.network,
            history: self.history,
            kept_epoch,
        }
    }
}

fn on_device(mut batch: Batch, device: Device) -> Batch {
    for tensor in batch.tensors() {
        *tensor = tensor.to_device(device);
    }
    batch
}

/// The seed of libtorch's generator for an epoch.
pub(super) fn generator_seed(seed: u64, epoch: usize) -> i64 {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(epoch as u64 + 1);
    generator.next_u64() as i64
}

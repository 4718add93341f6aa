//! Progress of training on the terminal, and its log.

use super::outcome::Job;
use crate::{
    cli::{CliError, Console},
    train::{EpochScores, Event, Log},
};
use indicatif::ProgressBar;
use std::sync::atomic::{AtomicBool, Ordering};

/// Steps of the bar in an epoch.
const STEPS: u64 = 1000;

/// Shows training as it goes, keeps its log, and stops it when asked to.
pub(crate) struct Watch<'a> {
    bar: ProgressBar,
    epochs: u64,
    /// Networks that are trained: one, or one for each fold and the model.
    networks: usize,
    console: &'a Console,
    stop: &'a AtomicBool,
    log: Log,
    log_failure: Option<crate::Error>,
    /// The validation score of the last epoch.
    validation: String,
    /// The network at hand, and whether something was learned of it in this run.
    network: usize,
    began: bool,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(job: &Job<'a>, networks: usize) -> Self {
        let epochs = job.run.recipe.optimizer.epochs as u64;
        let bar = job.console.progress(
            epochs * networks as u64 * STEPS,
            Some("Training {bar:30} {percent}% {msg}, {eta} left"),
        );
        Self {
            bar,
            epochs,
            networks,
            console: job.console,
            stop: job.stop,
            log: Log::new(
                job.directory.file("log.csv"),
                job.directory.file("log.jsonl"),
            ),
            log_failure: None,
            validation: String::new(),
            network: 0,
            began: false,
        }
    }

    /// Something happened to network `network`, 0 first; the last one becomes the model, those before it are of folds.
    /// Returns whether to continue.
    pub(crate) fn event(&mut self, network: usize, event: Event) -> bool {
        if self.network != network {
            self.network = network;
            self.validation.clear();
        }
        let place = |epoch: usize| (network as u64 * self.epochs + epoch as u64) * STEPS;
        match event {
            Event::Before(scores) => {
                self.bar.set_position(place(scores.epoch + 1));
                self.note(scores);
            }
            Event::Batch {
                epoch,
                batch,
                batches,
                loss,
            } => {
                if !self.began {
                    // Epochs of an earlier run do not count for the speed.
                    self.began = true;
                    self.bar.reset_eta();
                }
                let done = (batch as u64 + 1) * STEPS / batches as u64;
                self.bar.set_position(place(epoch) + done);
                self.bar.set_message(format!(
                    "{}epoch {}, batch {}/{batches}, loss {loss:.3}{}",
                    self.of(),
                    epoch + 1,
                    batch + 1,
                    self.validation
                ));
            }
            Event::Epoch(scores) => {
                self.bar.set_position(place(scores.epoch + 1));
                self.note(scores);
                let line = format!(
                    "{}epoch {:>3}: loss {:.4}{}",
                    self.of(),
                    scores.epoch + 1,
                    scores.loss,
                    self.validation
                );
                match self.bar.is_hidden() {
                    true => self.console.remark(&line),
                    false => self.bar.println(line),
                }
            }
        }
        self.log_failure.is_none() && !self.stop.load(Ordering::Relaxed)
    }

    fn of(&self) -> String {
        match self.networks {
            1 => String::new(),
            networks => format!("network {} of {networks}, ", self.network + 1),
        }
    }

    fn note(&mut self, scores: EpochScores) {
        let validation = scores.validation_mae;
        self.validation =
            validation.map_or_else(String::new, |error| format!(", validation MAE {error:.2}"));
        let fold = (self.network + 1 < self.networks).then_some(self.network);
        if let Err(error) = self.log.add(fold, &scores) {
            self.log_failure.get_or_insert(error);
        }
    }

    /// The result of training; where the log could not be written, that is why it stopped.
    pub(crate) fn explain<T>(&mut self, result: crate::Result<T>) -> Result<T, CliError> {
        match self.log_failure.take() {
            Some(failure) => Err(failure.into()),
            None => Ok(result?),
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

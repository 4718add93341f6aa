//! What a person sees while a network is trained.

use crate::{
    cli::console::Console,
    train::{EpochScores, Event, Run},
};
use indicatif::ProgressBar;
use std::io::Write as _;

/// Shows training as it goes.
pub struct Watch {
    bar: ProgressBar,
    epochs: u64,
    runs: usize,
    quiet: bool,
}

impl Watch {
    pub fn new(run: &Run<'_>, console: &Console, runs: usize) -> Self {
        let epochs = run.recipe.optimizer.epochs as u64;
        // steps of a thousandth of an epoch
        let bar = console.progress(
            epochs * runs as u64 * 1000,
            Some("Training {bar:30} {percent}% {msg}, {eta} left"),
        );
        Self {
            bar,
            epochs,
            runs,
            quiet: console.is_quiet(),
        }
    }

    pub fn event(&mut self, fold: usize, event: Event) -> bool {
        let place = |epoch: usize| (fold as u64 * self.epochs + epoch as u64) * 1000;
        let run = if self.runs > 1 {
            format!("run {} of {}, ", fold + 1, self.runs)
        } else {
            String::new()
        };
        match event {
            Event::Batch {
                epoch,
                batch,
                batches,
                loss,
            } => {
                self.bar
                    .set_position(place(epoch) + (batch as u64 + 1) * 1000 / batches as u64);
                self.bar.set_message(format!(
                    "{run}epoch {}, batch {}/{batches}, loss {loss:.3}",
                    epoch + 1,
                    batch + 1
                ));
            }
            Event::Epoch(EpochScores {
                epoch,
                loss,
                validation_mae,
                ..
            }) => {
                self.bar.set_position(place(epoch + 1));
                let validation = validation_mae.map_or(String::new(), |error| {
                    format!(", validation MAE {error:.2}")
                });
                let line = format!("{run}epoch {:>3}: loss {loss:.4}{validation}", epoch + 1);
                if self.bar.is_hidden() && !self.quiet {
                    let _ = writeln!(std::io::stderr(), "{line}");
                } else {
                    self.bar.println(line);
                }
            }
        }
        true
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

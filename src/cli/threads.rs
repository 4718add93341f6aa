//! `--threads`, for commands that work on many files.

use std::{num::NonZeroUsize, thread::available_parallelism};

/// How many files are worked on at once.
#[derive(clap::Args)]
pub struct Threads {
    /// Files to work on at once [default: one for each core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

impl Threads {
    /// More than this gains nothing on any machine, and might exhaust one.
    const MOST: usize = 1024;

    /// The number that was asked for, or that of the cores that this process may use.
    pub fn count(&self) -> NonZeroUsize {
        self.threads
            .or_else(|| available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN)
            .min(NonZeroUsize::new(Self::MOST).unwrap_or(NonZeroUsize::MIN))
    }
}

//! `--threads`, for commands that work on many files.

use std::{num::NonZeroUsize, thread::available_parallelism};

/// The number of threads.
#[derive(clap::Args)]
pub(crate) struct Threads {
    /// Files to process at once [default: one per core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

impl Threads {
    /// More threads are never faster, and might exhaust the machine.
    const MOST: usize = 1024;

    /// The requested number, or the number of cores that this process may use.
    pub(crate) fn count(&self) -> NonZeroUsize {
        self.threads
            .or_else(|| available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN)
            .min(NonZeroUsize::new(Self::MOST).unwrap_or(NonZeroUsize::MIN))
    }
}

//! The time that decoding one file may take.

use super::input::Input;
use crate::{Error, ErrorKind, Result};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Allowed for every file.
const BASE: Duration = Duration::from_secs(120);
/// Allowed for each MiB of the file in addition: a disk or a network of 0.5 MiB a second is waited for.
const PER_MIB: Duration = Duration::from_secs(2);
/// Allowed for each second of audio in addition: twice its length, thousands of times what decoding takes.
const PER_SECOND: Duration = Duration::from_secs(2);
/// The longest time between two checks that counts: a suspended program or computer is not the file's fault.
const LONGEST_STEP: Duration = Duration::from_secs(30);

/// Longest audio that is accepted, in hours: a small file of compressed silence may declare years.
pub(super) const MAX_HOURS: f64 = 100.0;

/// Measures the time that decoding a file takes, and ends it when that is too much. A decoder cannot be stopped from
/// outside: the clock is checked at every packet and at every read. The time that a caller spends between two blocks does
/// not count.
#[derive(Debug)]
pub(super) struct TimeLimit {
    begin: Instant,
    /// Microseconds since `begin` at the last check.
    last: AtomicU64,
    spent: AtomicU64,
    allowed: AtomicU64,
    size: u64,
}

impl TimeLimit {
    /// The limit for a file. If its size cannot be read, opening it returns the error.
    pub(super) fn of(input: &Input) -> Arc<Self> {
        Self::of_size(input.len().unwrap_or(0))
    }

    fn of_size(size: u64) -> Arc<Self> {
        let mib = size as f64 / f64::from(1 << 20);
        Self::new(BASE + PER_MIB.mul_f64(mib), size)
    }

    fn new(allowed: Duration, size: u64) -> Arc<Self> {
        Arc::new(Self {
            begin: Instant::now(),
            last: AtomicU64::new(0),
            spent: AtomicU64::new(0),
            allowed: AtomicU64::new(micros(allowed)),
            size,
        })
    }

    /// Allows more time for the audio that was decoded.
    pub(super) fn grant(&self, seconds_of_audio: f64) {
        self.allowed
            .fetch_add(micros(PER_SECOND.mul_f64(seconds_of_audio)), Relaxed);
    }

    /// Counts from now on: the time since the last check was not spent on decoding.
    pub(super) fn resume(&self) {
        self.last.store(micros(self.begin.elapsed()), Relaxed);
    }

    /// Checks the clock. Returns whether there is time left.
    pub(super) fn has_time(&self) -> bool {
        let now = micros(self.begin.elapsed());
        let step = now.saturating_sub(self.last.swap(now, Relaxed));
        let step = step.min(micros(LONGEST_STEP));
        let spent = self.spent.fetch_add(step, Relaxed) + step;
        spent <= self.allowed.load(Relaxed)
    }

    /// Checks the clock while reading.
    pub(super) fn check_read(&self) -> io::Result<()> {
        let in_time = self.has_time().then_some(());
        in_time.ok_or_else(|| io::ErrorKind::TimedOut.into())
    }

    /// Checks the clock while decoding.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`].
    pub(super) fn check(&self) -> Result<()> {
        self.has_time().then_some(()).ok_or_else(|| self.error())
    }

    /// The error of a step: if time has run out, that is the reason, whatever `error` says.
    pub(super) fn explain(&self, error: Error) -> Error {
        match self.spent.load(Relaxed) > self.allowed.load(Relaxed) {
            true => self.error(),
            false => error,
        }
    }

    fn error(&self) -> Error {
        let message = format!(
            "decoding timed out after {} s, far more than {:.1} MiB should need; if the disk or network was slow, try again \
             with --retry-failed, otherwise restore the file from its source",
            self.spent.load(Relaxed) / 1_000_000,
            self.size as f64 / f64::from(1 << 20),
        );
        Error::new(ErrorKind::Timeout, message)
    }

    /// A limit that tests reach.
    #[cfg(test)]
    pub(super) fn short(allowed: Duration) -> Arc<Self> {
        Self::new(allowed, 1000)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;

    const SHORT: Duration = Duration::from_millis(40);

    #[test]
    fn the_limit_is_generous_and_grows_with_the_size_and_the_audio() {
        let seconds = |limit: &TimeLimit| limit.allowed.load(Relaxed) / 1_000_000;
        let limit = TimeLimit::of_size(10 << 20);
        assert_eq!(seconds(&limit), 140);
        limit.grant(240.0);
        assert_eq!(seconds(&limit), 620);
        assert!(TimeLimit::of_size(u64::MAX).has_time());
    }

    #[test]
    fn time_runs_out_and_audio_buys_more_of_it() {
        let limit = TimeLimit::short(SHORT);
        assert!(limit.has_time());
        sleep(2 * SHORT);
        assert!(!limit.has_time() && limit.check_read().is_err());
        limit.grant(3600.0);
        assert!(limit.has_time());
    }

    #[test]
    fn the_time_of_a_caller_between_two_steps_does_not_count() {
        let limit = TimeLimit::short(SHORT);
        for _ in 0..4 {
            sleep(SHORT);
            limit.resume();
            assert!(limit.has_time());
        }
    }
}

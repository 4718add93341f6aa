//! The time that decoding one file may take.

use super::AudioError;
use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// What every file may take.
const BASE: Duration = Duration::from_secs(120);
/// What each MiB of the file may take, on top of that: a disk or a network of 0.5 MiB a second is waited for.
const PER_MIB: Duration = Duration::from_secs(2);
/// What each second of sound may take, on top of that: twice its length, thousands of times what decoding takes.
const PER_SECOND: Duration = Duration::from_secs(2);
/// The longest time between two looks at the clock that counts. A program that was halted, or a computer that slept, is not
/// the file's fault.
const LONGEST_STEP: Duration = Duration::from_secs(30);

/// Longest sound that is accepted, in hours: a small file of compressed silence may claim years.
pub(super) const MAX_HOURS: u64 = 100;

/// Counts the time that goes into decoding a file, and says when it was too much. A decoder cannot be stopped from outside:
/// the clock is looked at with every packet, and whenever bytes are read. What a caller does between two blocks is not
/// counted.
#[derive(Debug)]
pub(super) struct TimeLimit {
    begin: Instant,
    /// Microseconds since `begin` at the last look.
    last: AtomicU64,
    spent: AtomicU64,
    allowed: AtomicU64,
    size: u64,
}

impl TimeLimit {
    /// The limit for a file of `size` bytes.
    pub(super) fn of_size(size: u64) -> Arc<Self> {
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

    /// Gives more time for the sound that was decoded.
    pub(super) fn grant(&self, seconds_of_sound: f64) {
        self.allowed
            .fetch_add(micros(PER_SECOND.mul_f64(seconds_of_sound)), Relaxed);
    }

    /// Counts from now on: what was between the last look and now was not spent on decoding.
    pub(super) fn resume(&self) {
        self.last.store(micros(self.begin.elapsed()), Relaxed);
    }

    /// Looks at the clock. Whether there is time left.
    pub(super) fn has_time(&self) -> bool {
        let now = micros(self.begin.elapsed());
        let step = now.saturating_sub(self.last.swap(now, Relaxed));
        let step = step.min(micros(LONGEST_STEP));
        let spent = self.spent.fetch_add(step, Relaxed) + step;
        spent <= self.allowed.load(Relaxed)
    }

    /// Looks at the clock while reading.
    pub(super) fn check_read(&self) -> io::Result<()> {
        if self.has_time() {
            Ok(())
        } else {
            Err(io::ErrorKind::TimedOut.into())
        }
    }

    /// Looks at the clock while decoding `path`.
    pub(super) fn check(&self, path: &Path) -> Result<(), AudioError> {
        if self.has_time() {
            Ok(())
        } else {
            Err(self.error(path))
        }
    }

    /// What became of a step: where time has run out, that is its reason, whatever it says itself.
    pub(super) fn explain(&self, path: &Path, error: AudioError) -> AudioError {
        if self.spent.load(Relaxed) > self.allowed.load(Relaxed) {
            self.error(path)
        } else {
            error
        }
    }

    fn error(&self, path: &Path) -> AudioError {
        AudioError::TooSlow {
            path: path.to_owned(),
            spent_s: self.spent.load(Relaxed) / 1_000_000,
            size: self.size,
        }
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
    fn the_limit_is_generous_and_grows_with_the_size_and_the_sound() {
        let seconds = |limit: &TimeLimit| limit.allowed.load(Relaxed) / 1_000_000;
        let limit = TimeLimit::of_size(10 << 20);
        assert_eq!(seconds(&limit), 140);
        limit.grant(240.0);
        assert_eq!(seconds(&limit), 620);
        assert!(TimeLimit::of_size(u64::MAX).has_time());
    }

    #[test]
    fn time_runs_out_and_sound_buys_more_of_it() {
        let limit = TimeLimit::short(SHORT);
        assert!(limit.has_time());
        sleep(2 * SHORT);
        assert!(!limit.has_time() && limit.check_read().is_err());
        limit.grant(3600.0);
        assert!(limit.has_time());
    }

    #[test]
    fn what_a_caller_does_between_two_steps_is_not_counted() {
        let limit = TimeLimit::short(SHORT);
        for _ in 0..4 {
            sleep(SHORT);
            limit.resume();
            assert!(limit.has_time());
        }
    }
}

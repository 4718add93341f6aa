//! Windows of a fixed length: the one definition, for training and analysis.

use serde::{Deserialize, Serialize};

/// The rule that cuts a song into windows. Windows follow one another without gap or overlap. A rest of at least half a
/// window gives one more window, which ends with the last sample and overlaps the one before; a shorter rest is dropped. A
/// song shorter than a window is repeated from its start until the window is full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowRule {
    /// Length in samples at the model's rate; 0 counts as 1.
    pub length: usize,
}

impl WindowRule {
    /// Start and weight of each window of a song of `total` samples. The same rule cuts spectrograms, with lengths in frames.
    pub(crate) fn spans(&self, total: usize) -> impl Iterator<Item = (usize, f64)> + use<> {
        let length = self.length.max(1);
        let whole = (total / length).max(usize::from(total > 0));
        let rest = total.saturating_sub(whole * length);
        let last =
            (rest > 0 && 2 * rest >= length).then(|| (total - length, rest as f64 / length as f64));
        (0..whole).map(move |n| (n * length, 1.0)).chain(last)
    }
}

/// One window: mono samples at the model's rate.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    /// Exactly [`WindowRule::length`] samples.
    pub samples: &'a [f32],
    /// Its first sample in the song.
    pub start: u64,
    /// Its weight in the song's mean: the share that no earlier window covers, above 0 and up to 1.
    pub weight: f64,
}

/// Cuts a stream of samples into windows by a [`WindowRule`]. Holds at most two windows.
#[derive(Debug, Clone)]
pub struct Framer {
    length: usize,
    /// The window emitted last, if any.
    emitted: Vec<f32>,
    /// The samples since.
    pending: Vec<f32>,
    /// Samples of the song seen so far.
    seen: u64,
}

impl Framer {
    /// Makes a framer at the start of a song.
    pub fn new(rule: &WindowRule) -> Self {
        Self {
            length: rule.length.max(1),
            emitted: Vec::new(),
            pending: Vec::new(),
            seen: 0,
        }
    }

    /// Starts a new song, after one that failed in the middle. Keeps the memory.
    pub fn restart(&mut self) {
        self.seen = 0;
        self.emitted.clear();
        self.pending.clear();
    }

    /// Takes the next samples of the song and calls `emit` for every window they complete.
    ///
    /// # Errors
    /// The first error of `emit`; the samples after that window are then lost.
    pub fn push<E>(
        &mut self,
        mut samples: &[f32],
        mut emit: impl FnMut(Window<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while !samples.is_empty() {
            let missing = self.length - self.pending.len();
            let (now, later) = samples.split_at(missing.min(samples.len()));
            self.pending.extend_from_slice(now);
            self.seen += now.len() as u64;
            samples = later;
            if now.len() == missing {
                std::mem::swap(&mut self.emitted, &mut self.pending);
                self.pending.clear();
                emit(Window {
                    samples: &self.emitted,
                    start: self.seen - self.length as u64,
                    weight: 1.0,
                })?;
            }
        }
        Ok(())
    }

    /// Emits the window of the rest, if the rule gives it one, and starts a new song.
    ///
    /// Returns the number of samples seen in all.
    ///
    /// # Errors
    /// The error of `emit`.
    pub fn finish<E>(
        &mut self,
        mut emit: impl FnMut(Window<'_>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let seen = self.seen;
        let rule = WindowRule {
            length: self.length,
        };
        let emitted = seen as usize / self.length;
        let mut tail = std::mem::take(&mut self.emitted);
        tail.append(&mut self.pending);
        let result = rule
            .spans(seen as usize)
            .skip(emitted)
            .try_for_each(|(start, weight)| {
                while tail.len() < self.length {
                    let more = tail.len().min(self.length - tail.len());
                    tail.extend_from_within(..more);
                }
                emit(Window {
                    samples: &tail[tail.len() - self.length..],
                    start: start as u64,
                    weight,
                })
            });
        self.emitted = tail;
        self.restart();
        result.map(|()| seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// (start, weight, samples) of every window of a song 0, 1, 2, ... of `n` samples, pushed in blocks of `block`.
    fn windows(n: usize, length: usize, block: usize) -> (Vec<(u64, f64, Vec<f32>)>, u64) {
        let song: Vec<f32> = (0..n).map(|i| i as f32).collect();
        let mut out = Vec::new();
        let mut framer = Framer::new(&WindowRule { length });
        let mut keep = |w: Window<'_>| -> Result<(), Infallible> {
            out.push((w.start, w.weight, w.samples.to_vec()));
            Ok(())
        };
        for part in song.chunks(block) {
            framer.push(part, &mut keep).unwrap();
        }
        let seen = framer.finish(&mut keep).unwrap();
        (out, seen)
    }

    fn ramp(range: std::ops::Range<usize>) -> Vec<f32> {
        range.map(|i| i as f32).collect()
    }

    #[test]
    fn windows_follow_one_another_without_gap_or_overlap() {
        let (w, seen) = windows(30, 10, 7);
        assert_eq!(seen, 30);
        assert_eq!(
            w,
            vec![
                (0, 1.0, ramp(0..10)),
                (10, 1.0, ramp(10..20)),
                (20, 1.0, ramp(20..30))
            ]
        );
    }

    #[test]
    fn a_rest_of_half_a_window_gives_one_more_that_ends_with_the_last_sample() {
        let (w, seen) = windows(25, 10, 4);
        assert_eq!(seen, 25);
        assert_eq!(w.len(), 3);
        assert_eq!(w[2], (15, 0.5, ramp(15..25)));
    }

    #[test]
    fn a_shorter_rest_is_dropped() {
        let (w, seen) = windows(24, 10, 100);
        assert_eq!(seen, 24);
        assert_eq!(w.len(), 2);
        // Half of an odd length rounds up: 4 of 9 samples are less than half.
        assert_eq!(windows(13, 9, 5).0.len(), 1);
        assert_eq!(windows(14, 9, 5).0.len(), 2);
    }

    #[test]
    fn a_song_shorter_than_one_window_is_repeated_from_its_start() {
        let (w, seen) = windows(3, 10, 2);
        assert_eq!(seen, 3);
        let expected: Vec<f32> = (0..10).map(|i| (i % 3) as f32).collect();
        assert_eq!(w, vec![(0, 1.0, expected)]);
    }

    #[test]
    fn an_empty_song_has_no_window() {
        let (w, seen) = windows(0, 10, 1);
        assert_eq!((w.len(), seen), (0, 0));
    }

    #[test]
    fn spans_are_those_of_the_windows() {
        for length in [1, 9, 10] {
            for total in 1..50 {
                let spans: Vec<(u64, f64)> = WindowRule { length }
                    .spans(total)
                    .map(|(start, weight)| (start as u64, weight))
                    .collect();
                let (windows, _) = windows(total, length, 7);
                let expected: Vec<(u64, f64)> = windows.iter().map(|w| (w.0, w.1)).collect();
                assert_eq!(spans, expected, "{total} samples, windows of {length}");
            }
        }
    }

    #[test]
    fn the_size_of_the_blocks_does_not_change_the_windows() {
        for n in [1, 9, 10, 11, 15, 19, 20, 34, 35, 36] {
            let whole = windows(n, 10, n);
            for block in 1..n {
                assert_eq!(
                    windows(n, 10, block),
                    whole,
                    "{n} samples in blocks of {block}"
                );
            }
        }
    }

    #[test]
    fn a_framer_can_be_used_again_after_finish() {
        let mut framer = Framer::new(&WindowRule { length: 4 });
        let mut starts = Vec::new();
        for _ in 0..2 {
            let mut keep = |w: Window<'_>| -> Result<(), Infallible> {
                starts.push(w.start);
                Ok(())
            };
            framer.push(&[0.0; 6], &mut keep).unwrap();
            assert_eq!(framer.finish(&mut keep).unwrap(), 6);
        }
        assert_eq!(starts, [0, 2, 0, 2]);
    }

    #[test]
    fn a_song_that_failed_leaves_nothing_after_restart() {
        let mut framer = Framer::new(&WindowRule { length: 4 });
        assert!(framer.push(&[1.0; 7], |_| Err("stop")).is_err());
        framer.restart();
        let mut keep = |w: Window<'_>| -> Result<(), Infallible> {
            assert_eq!((w.start, w.samples), (0, &[2.0; 4][..]));
            Ok(())
        };
        framer.push(&[2.0; 3], &mut keep).unwrap();
        assert_eq!(framer.finish(&mut keep).unwrap(), 3);
    }

    #[test]
    fn an_error_of_the_receiver_stops_the_song() {
        let mut framer = Framer::new(&WindowRule { length: 2 });
        let result = framer.push(&[0.0; 6], |_| Err("stop"));
        assert_eq!(result, Err("stop"));
    }

    #[test]
    fn a_length_of_zero_counts_as_one() {
        assert_eq!(windows(3, 0, 1).0.len(), 3);
    }
}

//! Resampling of a mono stream without delay.

use crate::{Error, ErrorKind, Result};
use rubato::{
    Fft, FixedSync, Resampler as _, WindowFunction, audioadapter_buffers::direct::SequentialSlice,
};

/// Smallest block on the input side, in samples. Of 256 to 8,192 this was the fastest from 48 kHz and
/// among the fastest from 44.1 kHz, at 4.2 ns per input sample; longer ones have a steeper filter.
const MIN_BLOCK: usize = 1280;

/// Largest block on either side, in samples. Bounds memory for rates with no large common divisor.
const MAX_BLOCK: usize = 400_000;

/// Largest factor between the two rates.
const MAX_FACTOR: u32 = 64;

/// Streaming mono resampler without delay: output sample 0 is at input sample 0, output sample `i` at input time
/// `i * from / to`, and there are exactly `ceil(n * to / from)` of them for `n` input samples.
///
/// The work is done by rubato's synchronous FFT resampler: an anti-aliasing filter of linear phase (a sinc under a
/// Blackman-Harris window) applied in the frequency domain, block by block. Before the first and after the last sample there is
/// silence. The output does not depend on how the input is split into calls. Equal rates pass the samples through unchanged.
pub struct Resampler {
    engine: Option<Engine>,
}

/// The resampler proper; absent if the rates are equal.
struct Engine {
    fft: Fft<f32>,
    from: u64,
    to: u64,
    block_in: usize,
    block_out: usize,
    /// Input that was not processed yet.
    pending: Vec<f32>,
    /// Output of one block.
    block: Vec<f32>,
    /// Output samples still to be dropped: the filter's delay.
    drop: usize,
    received: u64,
    emitted: u64,
}

impl Resampler {
    /// Makes a resampler for one song.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if a rate is zero, one is more than 64 times the other, or the two have
    /// so small a common divisor that a filter block would pass 400,000 samples (possible above 200 kHz only).
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self> {
        if from_hz == to_hz && from_hz > 0 {
            return Ok(Self { engine: None });
        }
        let refuse = |reason: String| cannot_resample(from_hz, to_hz, &reason);
        let (low, high) = (from_hz.min(to_hz), from_hz.max(to_hz));
        if low == 0 || high / low >= MAX_FACTOR {
            return Err(refuse(format!(
                "expected rates above 0 that differ by less than a factor of {MAX_FACTOR}"
            )));
        }
        // A block is a multiple of this on both sides. An even number of them keeps the filter's delay, half a block, a
        // whole number of samples on both sides.
        let divisor = gcd(from_hz, to_hz);
        let (unit_in, unit_out) = ((from_hz / divisor) as usize, (to_hz / divisor) as usize);
        let units = MIN_BLOCK.div_ceil(unit_in).next_multiple_of(2);
        let block_in = units * unit_in;
        if block_in.max(units * unit_out) > MAX_BLOCK {
            return Err(refuse(format!(
                "their greatest common divisor is {divisor} Hz, too small for rates this high; convert the file to \
                 a usual rate such as 48000 Hz first"
            )));
        }
        let fft = Fft::new_custom(
            from_hz as usize,
            to_hz as usize,
            block_in,
            1,
            1,
            WindowFunction::BlackmanHarris,
            FixedSync::Both,
        )
        .map_err(|error| refuse(error.to_string()))?;
        let (block_in, block_out) = (fft.fft_size_in(), fft.fft_size_out());
        Ok(Self {
            engine: Some(Engine {
                fft,
                from: u64::from(from_hz),
                to: u64::from(to_hz),
                block_in,
                block_out,
                pending: Vec::with_capacity(2 * block_in),
                block: vec![0.0; block_out],
                drop: block_out / 2,
                received: 0,
                emitted: 0,
            }),
        })
    }

    /// Takes the next input samples and appends the resampled samples that are ready to `out`.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the filter refuses a block, which no known input causes.
    pub fn push(&mut self, input: &[f32], out: &mut Vec<f32>) -> Result<()> {
        if let Some(engine) = &mut self.engine {
            return engine.push(input, out);
        }
        out.extend_from_slice(input);
        Ok(())
    }

    /// Appends the rest to `out`: in all, `ceil(input * to / from)` samples. Ends the song; the next one needs a new
    /// resampler.
    ///
    /// # Errors
    /// As [`Resampler::push`].
    pub fn finish(&mut self, out: &mut Vec<f32>) -> Result<()> {
        self.engine.as_mut().map_or(Ok(()), |it| it.finish(out))
    }
}

impl Engine {
    fn push(&mut self, mut input: &[f32], out: &mut Vec<f32>) -> Result<()> {
        self.received += input.len() as u64;
        // A block at a time, so that `pending` stays short however long the input is.
        while !input.is_empty() {
            let (now, later) = input.split_at(input.len().min(self.block_in));
            self.pending.extend_from_slice(now);
            input = later;
            self.process(out)?;
        }
        Ok(())
    }

    /// Processes all whole blocks of `pending`.
    fn process(&mut self, out: &mut Vec<f32>) -> Result<()> {
        let mut at = 0;
        while self.pending.len() - at >= self.block_in {
            if let Err(error) = self.filter(at) {
                let (from, to) = (self.from as u32, self.to as u32);
                return Err(cannot_resample(from, to, &error.to_string()));
            }
            at += self.block_in;
            let dropped = self.drop.min(self.block_out);
            self.drop -= dropped;
            self.emitted += (self.block_out - dropped) as u64;
            out.extend_from_slice(&self.block[dropped..]);
        }
        self.pending.drain(..at);
        Ok(())
    }

    /// Filters the block of `pending` that starts at `at` into `block`.
    fn filter(&mut self, at: usize) -> Result<(), Box<dyn std::error::Error>> {
        let input = &self.pending[at..at + self.block_in];
        let input = SequentialSlice::new(input, 1, self.block_in)?;
        let mut output = SequentialSlice::new_mut(&mut self.block, 1, self.block_out)?;
        self.fft.process_into_buffer(&input, &mut output, None)?;
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<f32>) -> Result<()> {
        let total = (u128::from(self.received) * u128::from(self.to))
            .div_ceil(u128::from(self.from)) as u64;
        while self.emitted < total {
            self.pending.resize(self.block_in, 0.0);
            self.process(out)?;
        }
        let surplus = (self.emitted - total) as usize;
        out.truncate(out.len().saturating_sub(surplus));
        self.emitted = total;
        Ok(())
    }
}

fn cannot_resample(from_hz: u32, to_hz: u32, reason: &str) -> Error {
    let message = format!("cannot resample from {from_hz} Hz to {to_hz} Hz: {reason}");
    Error::new(ErrorKind::Unsupported, message)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Samples at the ends.
    const EDGE: usize = 4000;

    fn resample(input: &[f32], from: u32, to: u32, block: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(from, to).unwrap();
        let mut out = Vec::new();
        for part in input.chunks(block.max(1)) {
            resampler.push(part, &mut out).unwrap();
        }
        resampler.finish(&mut out).unwrap();
        out
    }

    fn tone(hz: f64, phase: f64, rate: u32, n: usize) -> Vec<f32> {
        (0..n)
            .map(|i| (TAU * hz * i as f64 / f64::from(rate) + phase).sin() as f32)
            .collect()
    }

    /// Largest difference from the ideal tone, and where; not at the ends, which the filter blurs.
    fn worst(got: &[f32], hz: f64, phase: f64, rate: u32) -> (f32, usize) {
        let ideal = tone(hz, phase, rate, got.len());
        let middle = (got.iter().zip(&ideal).enumerate()).take(got.len().saturating_sub(EDGE));
        middle
            .skip(EDGE)
            .map(|(at, (a, b))| (at, (a - b).abs()))
            .fold(
                (0.0, 0),
                |worst, (i, e)| if e > worst.0 { (e, i) } else { worst },
            )
    }

    #[test]
    fn a_440_hz_sine_survives_resampling_in_place() {
        for from in [44_100, 48_000, 32_000, 8_000] {
            for phase in [0.0, 0.4, 1.0, std::f64::consts::FRAC_PI_2, 2.5, 4.0] {
                let input = tone(440.0, phase, from, from as usize * 2 + 17);
                let got = resample(&input, from, 22_050, 1152);
                let expected = (input.len() as u64 * 22_050).div_ceil(u64::from(from));
                assert_eq!(got.len() as u64, expected);
                let (error, at) = worst(&got, 440.0, phase, 22_050);
                assert!(
                    error < 1e-3,
                    "{from} Hz, phase {phase}: {error} at {at} of {expected}"
                );
            }
        }
    }

    #[test]
    fn usual_and_odd_rates_keep_a_tone_in_place() {
        for from in [
            2_000, 5_512, 11_025, 12_000, 16_000, 24_000, 37_800, 44_056, 44_057, 64_000, 88_200,
            96_000, 176_400, 192_000, 352_800, 384_000, 705_600, 768_000,
        ] {
            let input = tone(440.0, 0.3, from, from as usize);
            let got = resample(&input, from, 22_050, 4096);
            assert_eq!(
                got.len() as u64,
                (input.len() as u64 * 22_050).div_ceil(u64::from(from))
            );
            let (error, at) = worst(&got, 440.0, 0.3, 22_050);
            assert!(error < 1e-3, "{from} Hz: {error} at {at} of {}", got.len());
        }
    }

    #[test]
    fn equal_rates_pass_through_unchanged() {
        let input = tone(440.0, 0.0, 22_050, 5000);
        assert_eq!(resample(&input, 22_050, 22_050, 100), input);
    }

    #[test]
    fn the_size_of_the_blocks_does_not_change_the_output() {
        for from in [44_100, 48_000, 8_000] {
            let input = tone(1000.0, 0.2, from, 20_000);
            let whole = resample(&input, from, 22_050, input.len());
            for block in [1, 7, 576, 1024, 1152, 4608, 8191] {
                assert!(
                    resample(&input, from, 22_050, block) == whole,
                    "{from} Hz, {block}"
                );
            }
        }
    }

    #[test]
    fn every_length_gives_its_exact_number_of_samples() {
        for from in [44_100u32, 48_000, 8_000, 44_056] {
            for n in [
                0u64, 1, 2, 3, 10, 319, 1023, 1024, 1025, 2047, 2048, 2049, 5000, 30_000,
            ] {
                let got = resample(&vec![0.25; n as usize], from, 22_050, 500);
                assert_eq!(
                    got.len() as u64,
                    (n * 22_050).div_ceil(u64::from(from)),
                    "{from} {n}"
                );
                let middle = got.iter().rev().skip(EDGE).rev().skip(EDGE);
                let worst = middle.fold(0.0f32, |w, x| w.max((x - 0.25).abs()));
                assert!(worst < 1e-3, "{from} Hz, {n} samples: {worst}");
            }
        }
    }

    #[test]
    fn what_lies_above_the_new_nyquist_frequency_does_not_fold_back() {
        for from in [44_100, 48_000, 96_000] {
            let input = tone(13_000.0, 0.0, from, from as usize);
            let got = resample(&input, from, 22_050, 1152);
            let middle = &got[2_000..got.len() - 2_000];
            let worst = middle.iter().fold(0.0f32, |w, x| w.max(x.abs()));
            assert!(worst < 1e-3, "{from} Hz: {worst}");
        }
    }

    #[test]
    fn absurd_rates_are_refused() {
        for (from, to) in [
            (0, 22_050),
            (22_050, 0),
            (0, 0),
            (1, 22_050),
            (10_000_000, 22_050),
            (u32::MAX, 22_050),
            (999_983, 22_050),
        ] {
            let error = Resampler::new(from, to).err().expect("refused");
            assert!(error.to_string().contains(&format!("{from} Hz")), "{error}");
        }
    }
}

//! A window of audio to a log-mel spectrogram, the input of the model.
//!
//! The numbers are those of librosa 0.11's `feature.melspectrogram` followed by `power_to_db`:
//!
//! * frames are centered (`center=True`): frame `t` is centered on sample `t * hop_length`, and samples before the
//!   first and after the last are zero (librosa's default, `pad_mode="constant"`), so that `n` samples have `1 + n / hop_length` frames;
//! * each frame is weighted with a periodic Hann window of `n_fft` points;
//! * the power of its spectrum is summed by triangular filters on Slaney's mel scale, each of unit area (Slaney's
//!   normalization: M. Slaney, *Auditory Toolbox*, Interval Research Technical Report 1998-010);
//! * the sum becomes `10 * log10(max(power, 1e-10))` dB: reference 1.0, floor -100 dB, and **no** `top_db`, so that
//!   nothing depends on the loudest moment of the window and loudness is kept.
//!
//! ```
//! use circumplex::{MelConfig, MelExtractor};
//!
//! let config = MelConfig::default();
//! let mut extractor = MelExtractor::new(&config)?;
//! let one_second_of_silence = vec![0.0; 22_050];
//! let mut log_mel = Vec::new();
//! let frames = extractor.compute(&one_second_of_silence, &mut log_mel);
//! assert_eq!(frames, 44);
//! assert_eq!(log_mel.len(), 128 * 44);
//! assert!(log_mel.iter().all(|db| (db + 100.0).abs() < 1e-4));
//! # Ok::<(), circumplex::Error>(())
//! ```

mod config;
mod window;

use config::Filter;
pub use config::{FrequencyScale, MelConfig};
pub use window::{Framer, Window, WindowRule};

use crate::Result;
use multiversion::multiversion;
use rustfft::{Fft, FftPlanner, num_complex::Complex};
use std::sync::Arc;

/// The least power that differs from silence (librosa's `amin`): -100 dB.
const MIN_POWER: f32 = 1e-10;
/// Frames that are computed together, each in its own SIMD lane. Even, since two frames share one transform.
const LANES: usize = 8;

/// Computes log-mel spectrograms. Holds the plans and buffers of one thread: make one per thread and keep it.
pub struct MelExtractor {
    config: MelConfig,
    fft: Arc<dyn Fft<f32>>,
    /// Half the periodic Hann window, over the factor of [`MelExtractor::oversampled`]. The half makes up for the sums in
    /// [`store_power`].
    half_hann: Vec<f32>,
    filters: Vec<Filter>,
    /// Two frames, one in the real and one in the imaginary parts; then their spectrum.
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    /// Power of [`LANES`] frames (as pairs) at each point of the spectrum up to the last one that a band needs.
    power: Vec<[[f32; 2]; LANES / 2]>,
}

impl MelExtractor {
    /// Plans the transform and the filter bank.
    ///
    /// # Errors
    /// Those of [`MelConfig::validate`].
    pub fn new(config: &MelConfig) -> Result<Self> {
        Self::oversampled(config, 1)
    }

    /// Plans for samples at `factor` times the configured rate: the same bands of the same frames, without resampling.
    ///
    /// A frame holds `factor` times as many samples, so its spectrum has the same points and as many beyond, which no band
    /// needs. Its values are `factor` times as large, which the window makes up for.
    ///
    /// # Errors
    /// Those of [`MelConfig::validate`], for the longer frames.
    pub(crate) fn oversampled(config: &MelConfig, factor: usize) -> Result<Self> {
        let config = config.oversampled(factor);
        let filters = config.filters()?;
        let ends = filters.iter().map(|it| it.first_bin + it.weights.len());
        let points = ends.max().unwrap_or(0);
        let fft = FftPlanner::new().plan_fft_forward(config.n_fft);
        let step = std::f64::consts::TAU / config.n_fft as f64;
        let quarter = 0.25 / factor as f64;
        let half_hann = (0..config.n_fft)
            .map(|n| (quarter - quarter * (step * n as f64).cos()) as f32)
            .collect();
        Ok(Self {
            half_hann,
            filters,
            spectrum: vec![Complex::default(); config.n_fft],
            scratch: vec![Complex::default(); fft.get_inplace_scratch_len()],
            power: vec![[[0.0; 2]; LANES / 2]; points.max(1)],
            fft,
            config,
        })
    }

    /// The settings, for the rate of the samples.
    pub fn config(&self) -> &MelConfig {
        &self.config
    }

    /// Log-mel spectrogram of mono `samples` (full scale is -1 to 1) at the configured rate.
    ///
    /// Clears `out` and fills it with dB (reference 1.0, floor -100), row-major `[n_mels, frames]`, lowest band
    /// first. Returns the number of frames, [`MelConfig::frames`]. Every output is finite; a frame with a sample that is not
    /// a number counts as silence.
    pub fn compute(&mut self, samples: &[f32], out: &mut Vec<f32>) -> usize {
        let frames = self.config.frames(samples.len());
        out.clear();
        out.resize(self.config.n_mels * frames, 0.0);
        for first in (0..frames).step_by(LANES) {
            let lanes = LANES.min(frames - first);
            for pair in 0..lanes.div_ceil(2) {
                self.load_pair(samples, first + 2 * pair);
                self.fft
                    .process_with_scratch(&mut self.spectrum, &mut self.scratch);
                store_power(&self.spectrum, &mut self.power, pair);
            }
            filter(&self.filters, &self.power, |band, levels| {
                let row = &mut out[band * frames + first..][..lanes];
                // A length that the compiler knows saves a call for each band.
                match row.first_chunk_mut() {
                    Some(all) => *all = *levels,
                    None => row.copy_from_slice(&levels[..lanes]),
                }
            });
        }
        frames
    }

    /// Weights frame `frame` with the window into the real parts of `spectrum`, the next frame into the imaginary
    /// parts.
    fn load_pair(&mut self, samples: &[f32], frame: usize) {
        let (n_fft, hop) = (self.config.n_fft, self.config.hop_length);
        // Where the pair starts among the samples with n_fft / 2 zeros before them.
        let padded_start = frame * hop;
        let inside = padded_start
            .checked_sub(n_fft / 2)
            .and_then(|start| samples.get(start..start + hop + n_fft));
        if let Some(both) = inside {
            let (first, second) = (&both[..n_fft], &both[hop..]);
            weigh(first, second, &self.half_hann, &mut self.spectrum);
        } else {
            let sample = |padded: usize| {
                let index = padded.checked_sub(n_fft / 2);
                index.and_then(|i| samples.get(i)).copied().unwrap_or(0.0)
            };
            for (n, (point, weight)) in self.spectrum.iter_mut().zip(&self.half_hann).enumerate() {
                let start = padded_start + n;
                *point = Complex::new(sample(start) * weight, sample(start + hop) * weight);
            }
        }
    }
}

/// Two frames, each weighted with the window: one in the real, one in the imaginary parts.
#[multiversion(targets("x86_64+avx2"))]
fn weigh(first: &[f32], second: &[f32], window: &[f32], spectrum: &mut [Complex<f32>]) {
    let inputs = first.iter().zip(second).zip(window);
    for (point, ((first, second), weight)) in spectrum.iter_mut().zip(inputs) {
        *point = Complex::new(first * weight, second * weight);
    }
}

/// The level of each band in [`LANES`] frames, in dB, from their power.
#[multiversion(targets("x86_64+avx2"))]
fn filter(
    filters: &[Filter],
    power: &[[[f32; 2]; LANES / 2]],
    mut keep: impl FnMut(usize, &[f32; LANES]),
) {
    for (index, filter) in filters.iter().enumerate() {
        let mut sums = [0.0_f32; LANES];
        for (weight, power) in filter.weights.iter().zip(&power[filter.first_bin..]) {
            for (sum, power) in sums.iter_mut().zip(power.as_flattened()) {
                *sum += weight * power;
            }
        }
        keep(index, &sums.map(decibels));
    }
}

/// The power of the two frames that share one transform, at the first `power.len()` points.
///
/// With `Z` the spectrum of `x + iy` for real `x` and `y`: `2 X[k] = Z[k] + conj Z[N - k]` and
/// `2i Y[k] = Z[k] - conj Z[N - k]` (A. Oppenheim & R. Schafer, *Discrete-Time Signal Processing*, 8.6.4).
#[multiversion(targets("x86_64+avx2"))]
fn store_power(spectrum: &[Complex<f32>], power: &mut [[[f32; 2]; LANES / 2]], pair: usize) {
    let both = |z: &Complex<f32>, mirrored: &Complex<f32>| {
        let (x_re, x_im) = (z.re + mirrored.re, z.im - mirrored.im);
        let (y_re, y_im) = (z.im + mirrored.im, mirrored.re - z.re);
        [x_re * x_re + x_im * x_im, y_re * y_re + y_im * y_im]
    };
    let half = spectrum.len() / 2;
    let rising = &spectrum[1..=half];
    let falling = spectrum[half..].iter().rev();
    power[0][pair] = both(&spectrum[0], &spectrum[0]);
    for ((z, mirrored), power) in rising.iter().zip(falling).zip(&mut power[1..]) {
        power[pair] = both(z, mirrored);
    }
}

/// `10 * log10(max(power, 1e-10))`, within 1e-5 dB, in a form that compilers turn into SIMD instructions.
///
/// The power is `2^e * m` with `m` between `sqrt(1/2)` and `sqrt(2)`, and `ln m = 2 artanh((m - 1) / (m + 1))`, whose
/// series converges fast as the argument is at most 0.172. Infinity counts as `2^128`.
#[inline(always)]
fn decibels(power: f32) -> f32 {
    /// `sqrt(1/2)` as bits.
    const SQRT_HALF: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    /// `10 log10(2)` in two parts, so that `e` times the first is exact.
    const TWO_HIGH: f32 = 6_165.0 / 2_048.0;
    const TWO_LOW: f32 = 4.605_039e-5;
    /// `20 / ln(10)`.
    const SCALE: f32 = 8.685_89;

    let bits = power.max(MIN_POWER).to_bits();
    let exponent = (bits.wrapping_sub(SQRT_HALF) as i32) >> 23;
    let mantissa = f32::from_bits(bits.wrapping_sub((exponent << 23) as u32));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let s2 = s * s;
    let series = 1.0 + s2 * (1.0 / 3.0 + s2 * (1.0 / 5.0 + s2 * (1.0 / 7.0 + s2 * (1.0 / 9.0))));
    let exponent = exponent as f32;
    exponent * TWO_HIGH + (exponent * TWO_LOW + SCALE * s * series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_are_within_1e_5_db_of_the_logarithm_over_the_whole_range() {
        let (first, last) = (MIN_POWER.to_bits(), f32::MAX.to_bits());
        let mut checked = 0;
        for bits in (first..=last).step_by(997).chain([first, last]) {
            let power = f32::from_bits(bits);
            let exact = 10.0 * f64::from(power).log10();
            // What rounding to f32 alone costs comes on top beyond 128 dB.
            let tolerance = 1e-5_f64.max(exact.abs() * f64::from(f32::EPSILON));
            let error = (f64::from(decibels(power)) - exact).abs();
            assert!(error < tolerance, "{power:e}: off by {error:e} dB");
            checked += 1;
        }
        assert!(checked > 1_000_000);
    }

    #[test]
    fn decibels_of_anything_are_finite_and_at_least_minus_100() {
        for power in [0.0, -1.0, 1e-30, f32::NAN, f32::INFINITY, f32::MAX] {
            let db = decibels(power);
            assert!(db.is_finite() && db > -100.001, "{power}: {db}");
        }
        assert!((decibels(0.0) + 100.0).abs() < 1e-5);
    }
}

//! A window of sound to a log-mel spectrogram, the picture that the model sees.
//!
//! The numbers are those of librosa 0.11's `feature.melspectrogram` followed by `power_to_db`:
//!
//! * frames are centred (`center=True`): frame `t` is centred on sample `t * hop_length`, and what lies before the
//!   first or after the last sample is zero (librosa's default, `pad_mode="constant"`), so that a sound of `n`
//!   samples has `1 + n / hop_length` frames;
//! * each frame is weighted with a periodic Hann window of `n_fft` points;
//! * the power of its spectrum is summed by triangular filters on Slaney's mel scale, each of unit area (Slaney's
//!   normalisation: M. Slaney, *Auditory Toolbox*, Interval Research Technical Report 1998-010);
//! * the sum becomes `10 * log10(max(power, 1e-10))` dB: reference 1.0, floor -100 dB, and **no** `top_db`, so that
//!   nothing depends on the loudest moment of the window and loudness is kept.
//!
//! ```
//! use circumplex::mel::{MelConfig, MelExtractor};
//!
//! let config = MelConfig::default();
//! let mut extractor = MelExtractor::new(&config)?;
//! let one_second_of_silence = vec![0.0; 22_050];
//! let mut log_mel = Vec::new();
//! let frames = extractor.compute(&one_second_of_silence, &mut log_mel);
//! assert_eq!(frames, 44);
//! assert_eq!(log_mel.len(), 128 * 44);
//! assert!(log_mel.iter().all(|db| (db + 100.0).abs() < 1e-4));
//! # Ok::<(), circumplex::mel::MelError>(())
//! ```

use mel_spec::mel::{SparseMelFilterbank, mel_frequencies};
use rustfft::{Fft, FftPlanner, num_complex::Complex};
use serde::{Deserialize, Serialize};
use std::{ops::Range, sync::Arc};

/// Longest window that [`MelConfig::validate`] lets pass, in samples.
const MAX_N_FFT: usize = 32_768;
/// Most mel bands that [`MelConfig::validate`] lets pass.
const MAX_N_MELS: usize = 512;
/// The least power that is told from silence (librosa's `amin`): -100 dB.
const MIN_POWER: f32 = 1e-10;
/// Frames that are worked on together, each in its own SIMD lane. Even, since two frames share one transform.
const LANES: usize = 8;

/// How a sound becomes a log-mel spectrogram. The default is librosa's, at 22,050 Hz.
///
/// A configuration comes from a model file or a recipe, thus from outside: [`MelConfig::validate`] (which
/// [`MelExtractor::new`] calls) says whether it makes sense.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MelConfig {
    /// Samples per second of the sound. Default 22,050.
    pub sample_rate: u32,
    /// Samples per frame, and points of the Hann window. Even. Default 2048 (93 ms).
    pub n_fft: usize,
    /// Samples from one frame to the next. Default 512 (23 ms).
    pub hop_length: usize,
    /// Mel bands. Default 128.
    pub n_mels: usize,
    /// Lower edge of the lowest band, in Hz. Default 0.
    pub f_min: f64,
    /// Upper edge of the highest band, in Hz, at most half of `sample_rate`. Default 11,025.
    pub f_max: f64,
}

impl Default for MelConfig {
    fn default() -> Self {
        Self {
            sample_rate: 22_050,
            n_fft: 2048,
            hop_length: 512,
            n_mels: 128,
            f_min: 0.0,
            f_max: 11_025.0,
        }
    }
}

impl MelConfig {
    /// Frames of a sound of `samples` samples, centred: `1 + samples / hop_length`.
    pub fn frames(&self, samples: usize) -> usize {
        1 + samples.checked_div(self.hop_length).unwrap_or(0)
    }

    /// Centre frequencies of the bands in Hz, lowest first.
    pub fn band_centres(&self) -> Vec<f64> {
        let edges = mel_frequencies(self.n_mels + 2, self.f_min, self.f_max, false);
        edges.iter().copied().skip(1).take(self.n_mels).collect()
    }

    /// Checks every field, and that every band holds at least one point of the spectrum.
    ///
    /// # Errors
    /// [`MelError::OutOfRange`] for a field outside its range, [`MelError::EmptyBand`] where there are more bands
    /// than the window's length can tell apart.
    pub fn validate(&self) -> Result<(), MelError> {
        self.filters().map(|_| ())
    }

    fn validate_ranges(&self) -> Result<(), MelError> {
        let out_of_range = |field, expected: String, found: String| {
            Err(MelError::OutOfRange {
                field,
                expected,
                found,
            })
        };
        if self.sample_rate == 0 {
            let expected = "1 or more samples per second".to_owned();
            return out_of_range("sample_rate", expected, self.sample_rate.to_string());
        }
        if !(16..=MAX_N_FFT).contains(&self.n_fft) || !self.n_fft.is_multiple_of(2) {
            let expected = format!("an even number of samples from 16 to {MAX_N_FFT}");
            return out_of_range("n_fft", expected, self.n_fft.to_string());
        }
        if !(1..=self.n_fft).contains(&self.hop_length) {
            let expected = format!("1 to n_fft = {} samples", self.n_fft);
            return out_of_range("hop_length", expected, self.hop_length.to_string());
        }
        if !(1..=MAX_N_MELS).contains(&self.n_mels) {
            let expected = format!("1 to {MAX_N_MELS} bands");
            return out_of_range("n_mels", expected, self.n_mels.to_string());
        }
        let nyquist = f64::from(self.sample_rate) / 2.0;
        if !(self.f_max > 0.0 && self.f_max <= nyquist) {
            let expected = format!("above 0 and at most half the sample rate, {nyquist} Hz");
            return out_of_range("f_max", expected, self.f_max.to_string());
        }
        if !(self.f_min >= 0.0 && self.f_min < self.f_max) {
            let expected = format!("at least 0 and below f_max = {} Hz", self.f_max);
            return out_of_range("f_min", expected, self.f_min.to_string());
        }
        Ok(())
    }

    /// The filter bank, after all checks.
    fn filters(&self) -> Result<SparseMelFilterbank, MelError> {
        self.validate_ranges()?;
        let filters = SparseMelFilterbank::from_mel(
            f64::from(self.sample_rate),
            self.n_fft,
            self.n_mels,
            Some(self.f_min),
            Some(self.f_max),
            false,
            true,
        );
        match (0..self.n_mels).find(|&band| filters.weights_for_mel(band).is_empty()) {
            None => Ok(filters),
            Some(band) => Err(MelError::EmptyBand {
                band,
                centre_hz: self.band_centres()[band],
                n_mels: self.n_mels,
                n_fft: self.n_fft,
            }),
        }
    }
}

/// Why a [`MelConfig`] cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MelError {
    /// A field is outside the range in which it makes sense.
    #[error("mel settings: {field} must be {expected}, found {found}")]
    OutOfRange {
        /// Name of the field of [`MelConfig`].
        field: &'static str,
        /// The range, in words.
        expected: String,
        /// What the configuration says.
        found: String,
    },
    /// A band is so narrow that no point of the spectrum falls into it, so that it would be silent for ever.
    #[error(
        "mel settings: band {band} of {n_mels}, around {centre_hz:.1} Hz, is narrower than the spectrum of n_fft = \
         {n_fft} samples can resolve; take fewer bands (n_mels) or a longer window (n_fft)"
    )]
    EmptyBand {
        /// The lowest such band, counted from 0.
        band: usize,
        /// Its centre in Hz.
        centre_hz: f64,
        /// Bands asked for.
        n_mels: usize,
        /// Window length asked for.
        n_fft: usize,
    },
}

/// One triangular filter: where it lies in the spectrum and where its weights are kept.
struct Band {
    bins: Range<usize>,
    weights: Range<usize>,
}

/// Makes log-mel spectrograms. Holds the plans and buffers of one thread: make one per thread and keep it.
pub struct MelExtractor {
    config: MelConfig,
    fft: Arc<dyn Fft<f32>>,
    /// Half the periodic Hann window. The half makes up for the sums in [`store_power`].
    half_hann: Vec<f32>,
    bands: Vec<Band>,
    weights: Vec<f32>,
    /// Two frames, one in the real and one in the imaginary parts; then their spectrum.
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    /// Power per point of the spectrum, of [`LANES`] frames (as pairs).
    power: Vec<[[f32; 2]; LANES / 2]>,
}

impl MelExtractor {
    /// Plans the transform and the filter bank.
    ///
    /// # Errors
    /// Those of [`MelConfig::validate`].
    pub fn new(config: &MelConfig) -> Result<Self, MelError> {
        let filters = config.filters()?;
        let mut bands = Vec::with_capacity(config.n_mels);
        let mut weights = Vec::with_capacity(filters.non_zero_weights());
        for band in 0..config.n_mels {
            let filter = filters.weights_for_mel(band);
            let (first_bin, first_weight) = (filter[0].bin, weights.len());
            // A triangle has no zero between its first and its last weight, so its bins follow one another.
            weights.extend(filter.iter().map(|point| point.weight as f32));
            bands.push(Band {
                bins: first_bin..first_bin + filter.len(),
                weights: first_weight..weights.len(),
            });
        }
        let fft = FftPlanner::new().plan_fft_forward(config.n_fft);
        let step = std::f64::consts::TAU / config.n_fft as f64;
        let half_hann = (0..config.n_fft)
            .map(|n| (0.25 - 0.25 * (step * n as f64).cos()) as f32)
            .collect();
        Ok(Self {
            half_hann,
            bands,
            weights,
            spectrum: vec![Complex::default(); config.n_fft],
            scratch: vec![Complex::default(); fft.get_inplace_scratch_len()],
            power: vec![[[0.0; 2]; LANES / 2]; config.n_fft / 2 + 1],
            fft,
            config: config.clone(),
        })
    }

    /// The configuration that it was made with.
    pub fn config(&self) -> &MelConfig {
        &self.config
    }

    /// Log-mel spectrogram of mono `samples` (full scale is -1 to 1) at the configured rate.
    ///
    /// Clears `out` and fills it with dB (reference 1.0, floor -100), row-major `[n_mels, frames]`, lowest band
    /// first. Returns the number of frames, [`MelConfig::frames`]. Every output is finite; a frame that holds a
    /// sample which is not a number reads as silence.
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
            let rows = out.chunks_exact_mut(frames);
            for (band, row) in self.bands.iter().zip(rows) {
                let mut sums = [[0.0_f32; 2]; LANES / 2];
                let weights = &self.weights[band.weights.clone()];
                for (weight, power) in weights.iter().zip(&self.power[band.bins.clone()]) {
                    for (sum, power) in sums.as_flattened_mut().iter_mut().zip(power.as_flattened())
                    {
                        *sum += weight * power;
                    }
                }
                let sums = sums.as_flattened_mut();
                sums.iter_mut().for_each(|sum| *sum = decibels(*sum));
                row[first..first + lanes].copy_from_slice(&sums[..lanes]);
            }
        }
        frames
    }

    /// Weights frame `frame` with the window into the real parts of `spectrum`, the next frame into the imaginary
    /// parts.
    fn load_pair(&mut self, samples: &[f32], frame: usize) {
        let (n_fft, hop) = (self.config.n_fft, self.config.hop_length);
        // Where the pair starts among the samples when n_fft / 2 zeros stand before them.
        let padded_start = frame * hop;
        let inside = padded_start
            .checked_sub(n_fft / 2)
            .and_then(|start| samples.get(start..start + hop + n_fft));
        if let Some(both) = inside {
            let (first, second) = (&both[..n_fft], &both[hop..]);
            let inputs = first.iter().zip(second).zip(&self.half_hann);
            for (point, ((first, second), weight)) in self.spectrum.iter_mut().zip(inputs) {
                *point = Complex::new(first * weight, second * weight);
            }
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

/// The power of the two frames that share one transform.
///
/// With `Z` the spectrum of `x + iy` for real `x` and `y`: `2 X[k] = Z[k] + conj Z[N - k]` and
/// `2i Y[k] = Z[k] - conj Z[N - k]` (A. Oppenheim & R. Schafer, *Discrete-Time Signal Processing*, 8.6.4).
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
#[inline]
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

    #[test]
    fn a_wrong_setting_is_refused_with_its_name_and_range() {
        let good = MelConfig::default();
        assert_eq!(good.validate(), Ok(()));
        let bad = [
            (
                "sample_rate",
                MelConfig {
                    sample_rate: 0,
                    ..good.clone()
                },
            ),
            (
                "n_fft",
                MelConfig {
                    n_fft: 2047,
                    ..good.clone()
                },
            ),
            (
                "n_fft",
                MelConfig {
                    n_fft: 0,
                    ..good.clone()
                },
            ),
            (
                "n_fft",
                MelConfig {
                    n_fft: 1 << 40,
                    ..good.clone()
                },
            ),
            (
                "hop_length",
                MelConfig {
                    hop_length: 0,
                    ..good.clone()
                },
            ),
            (
                "hop_length",
                MelConfig {
                    hop_length: 2049,
                    ..good.clone()
                },
            ),
            (
                "n_mels",
                MelConfig {
                    n_mels: 0,
                    ..good.clone()
                },
            ),
            (
                "n_mels",
                MelConfig {
                    n_mels: usize::MAX,
                    ..good.clone()
                },
            ),
            (
                "f_max",
                MelConfig {
                    f_max: 11_025.1,
                    ..good.clone()
                },
            ),
            (
                "f_max",
                MelConfig {
                    f_max: f64::NAN,
                    ..good.clone()
                },
            ),
            (
                "f_min",
                MelConfig {
                    f_min: 11_025.0,
                    ..good.clone()
                },
            ),
            (
                "f_min",
                MelConfig {
                    f_min: f64::NAN,
                    ..good.clone()
                },
            ),
        ];
        for (field, config) in bad {
            let error = MelExtractor::new(&config).err().unwrap().to_string();
            assert!(error.contains(&format!("{field} must be")), "{error}");
        }
    }

    #[test]
    fn more_bands_than_the_window_resolves_are_refused() {
        let config = MelConfig {
            n_fft: 256,
            hop_length: 128,
            ..MelConfig::default()
        };
        let error = config.validate().unwrap_err();
        assert!(matches!(
            error,
            MelError::EmptyBand {
                n_mels: 128,
                n_fft: 256,
                ..
            }
        ));
        assert!(error.to_string().contains("take fewer bands"), "{error}");
    }

    #[test]
    fn frames_of_a_config_that_was_never_checked_do_not_panic() {
        let config = MelConfig {
            hop_length: 0,
            ..MelConfig::default()
        };
        assert_eq!(config.frames(1000), 1);
    }
}

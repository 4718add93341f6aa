//! [`MelConfig`]: the settings of a log-mel spectrogram, and the filters that they ask for.

use crate::{Error, ErrorKind, Result};
use mel_spec::mel::mel_frequencies;
use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// Longest window that is accepted, in samples.
const MAX_N_FFT: usize = 32_768;
/// Largest multiple of the configured rate at which a song is not resampled: longer frames would cost more than resampling.
const MAX_OVERSAMPLING: u32 = 4;
/// Most bands that are accepted.
const MAX_N_MELS: usize = 512;

/// Settings of a log-mel spectrogram. The default is librosa's, at 22,050 Hz.
///
/// They come from a model file or a recipe: [`MelConfig::validate`] checks them, which
/// [`MelExtractor::new`](super::MelExtractor::new) calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MelConfig {
    /// Samples per second of the audio. Default 22,050.
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
    /// Spacing of the bands between the two edges. Default mel.
    #[serde(default, skip_serializing_if = "FrequencyScale::is_mel")]
    pub scale: FrequencyScale,
}

/// Spacing of bands between the lowest and the highest frequency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrequencyScale {
    /// At equal steps of Slaney's mel scale: a log-mel spectrogram.
    #[default]
    Mel,
    /// At equal steps in Hz: a linear-frequency spectrogram of `n_mels` bands, made with the same triangles of unit
    /// area.
    Linear,
}

impl FrequencyScale {
    fn is_mel(&self) -> bool {
        *self == Self::Mel
    }

    /// `count` frequencies at equal steps from `low` to `high`, in Hz.
    fn steps(self, count: usize, low: f64, high: f64) -> Vec<f64> {
        match self {
            Self::Mel => mel_frequencies(count, low, high, false).to_vec(),
            Self::Linear => {
                let step = (high - low) / (count - 1) as f64;
                (0..count).map(|i| low + step * i as f64).collect()
            }
        }
    }
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
            scale: FrequencyScale::Mel,
        }
    }
}

impl MelConfig {
    /// Frames of `samples` samples, centered: `1 + samples / hop_length`.
    pub fn frames(&self, samples: usize) -> usize {
        1 + samples.checked_div(self.hop_length).unwrap_or(0)
    }

    /// The multiple of the configured rate at which audio of `rate` samples per second needs no resampling; 1 where it does.
    ///
    /// A frame of twice as many samples at twice the rate has a spectrum of the same points, so 44.1 kHz needs no resampling to
    /// 22.05 kHz. The log-mel spectrograms are equal within 0.02 dB above -60 dB of their maximum (a test proves it), if no band
    /// reaches frequencies close to half the configured rate, which a resampler attenuates.
    pub(crate) fn oversampling(&self, rate: u32) -> usize {
        let factor = rate / self.sample_rate.max(1);
        let is_multiple = rate == factor * self.sample_rate;
        let is_below_filter = self.f_max <= 0.45 * f64::from(self.sample_rate);
        let fits = self.n_fft.saturating_mul(factor as usize) <= MAX_N_FFT;
        if (2..=MAX_OVERSAMPLING).contains(&factor) && is_multiple && is_below_filter && fits {
            factor as usize
        } else {
            1
        }
    }

    /// The settings that give the same bands of the same frames from samples at `factor` times the rate.
    pub(super) fn oversampled(&self, factor: usize) -> Self {
        Self {
            sample_rate: self.sample_rate.saturating_mul(factor as u32),
            n_fft: self.n_fft.saturating_mul(factor),
            hop_length: self.hop_length.saturating_mul(factor),
            ..self.clone()
        }
    }

    /// Center frequencies of the bands in Hz, lowest first.
    pub fn band_centers(&self) -> Vec<f64> {
        let mut edges = self.scale.steps(self.n_mels + 2, self.f_min, self.f_max);
        edges.truncate(self.n_mels + 1);
        edges.split_off(1)
    }

    /// Checks every field, and that every band holds at least one point of the spectrum.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a field outside its range, or for more bands than the window's length can resolve.
    pub fn validate(&self) -> Result<()> {
        self.filters().map(|_| ())
    }

    fn validate_ranges(&self) -> Result<()> {
        let check = |is_valid: bool, field: &str, found: &dyn Display, expected: &str| {
            if is_valid {
                return Ok(());
            }
            let message = format!("mel settings: {field} must be {expected}, found {found}");
            Err(Error::invalid(message))
        };
        let Self { n_fft, f_max, .. } = *self;
        let (rate, hop, bands) = (self.sample_rate, self.hop_length, self.n_mels);
        let expected = "1 or more samples per second";
        check(rate > 0, "sample_rate", &rate, expected)?;
        let expected = format!("an even number of samples from 16 to {MAX_N_FFT}");
        let is_valid = (16..=MAX_N_FFT).contains(&n_fft) && n_fft.is_multiple_of(2);
        check(is_valid, "n_fft", &n_fft, &expected)?;
        let expected = format!("1 to n_fft = {n_fft} samples");
        check((1..=n_fft).contains(&hop), "hop_length", &hop, &expected)?;
        let expected = format!("1 to {MAX_N_MELS} bands");
        check(
            (1..=MAX_N_MELS).contains(&bands),
            "n_mels",
            &bands,
            &expected,
        )?;
        let nyquist = f64::from(rate) / 2.0;
        let expected = format!("above 0 and at most half the sample rate, {nyquist} Hz");
        check(f_max > 0.0 && f_max <= nyquist, "f_max", &f_max, &expected)?;
        let expected = format!("at least 0 and below f_max = {f_max} Hz");
        let is_valid = self.f_min >= 0.0 && self.f_min < f_max;
        check(is_valid, "f_min", &self.f_min, &expected)
    }

    /// The filter bank, after all checks: one filter per band, lowest first.
    pub(super) fn filters(&self) -> Result<Vec<Filter>> {
        self.validate_ranges()?;
        let filters = self.triangles();
        if let Some(band) = filters.iter().position(|filter| filter.weights.is_empty()) {
            let message = format!(
                "mel settings: band {band} of {}, around {:.1} Hz, is narrower than the spectrum of n_fft = {} samples can \
                 resolve; use fewer bands (n_mels) or a longer window (n_fft)",
                self.n_mels,
                self.band_centers()[band],
                self.n_fft
            );
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        Ok(filters)
    }

    /// Triangles of unit area between neighboring edges.
    fn triangles(&self) -> Vec<Filter> {
        let hz_per_bin = f64::from(self.sample_rate) / self.n_fft as f64;
        let edges = self.scale.steps(self.n_mels + 2, self.f_min, self.f_max);
        edges
            .windows(3)
            .map(|edge| {
                let weight = |bin: usize| {
                    let hz = bin as f64 * hz_per_bin;
                    let rising = (hz - edge[0]) / (edge[1] - edge[0]);
                    let falling = (edge[2] - hz) / (edge[2] - edge[1]);
                    rising.min(falling).max(0.0) * 2.0 / (edge[2] - edge[0])
                };
                let last = ((edge[2] / hz_per_bin).ceil() as usize).min(self.n_fft / 2);
                let mut bins = (edge[0] / hz_per_bin) as usize..=last;
                let first_bin = bins.find(|bin| weight(*bin) > 0.0).unwrap_or(0);
                Filter {
                    first_bin,
                    weights: (first_bin..=last)
                        .map(weight)
                        .take_while(|weight| *weight > 0.0)
                        .map(|weight| weight as f32)
                        .collect(),
                }
            })
            .collect()
    }
}

/// One triangular filter: its weights from `first_bin` of the spectrum on.
pub(super) struct Filter {
    pub first_bin: usize,
    pub weights: Vec<f32>,
}

#[cfg(test)]
mod tests;

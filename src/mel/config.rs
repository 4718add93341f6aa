//! [`MelConfig`]: the settings of a log-mel spectrogram, and the filters that they ask for.

use mel_spec::mel::{SparseMelFilterbank, mel_frequencies};
use serde::{Deserialize, Serialize};

/// Longest window that [`MelConfig::validate`] lets pass, in samples.
const MAX_N_FFT: usize = 32_768;
/// Most mel bands that [`MelConfig::validate`] lets pass.
const MAX_N_MELS: usize = 512;

/// How a sound becomes a log-mel spectrogram. The default is librosa's, at 22,050 Hz.
///
/// A configuration comes from a model file or a recipe, thus from outside: [`MelConfig::validate`] (which
/// [`MelExtractor::new`](super::MelExtractor::new) calls) says whether it makes sense.
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
    /// How the bands lie between the two edges. Default mel.
    #[serde(default, skip_serializing_if = "FrequencyScale::is_mel")]
    pub scale: FrequencyScale,
}

/// How bands lie between the lowest and the highest frequency.
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
    /// Frames of a sound of `samples` samples, centred: `1 + samples / hop_length`.
    pub fn frames(&self, samples: usize) -> usize {
        1 + samples.checked_div(self.hop_length).unwrap_or(0)
    }

    /// Centre frequencies of the bands in Hz, lowest first.
    pub fn band_centres(&self) -> Vec<f64> {
        let mut edges = self.scale.steps(self.n_mels + 2, self.f_min, self.f_max);
        edges.truncate(self.n_mels + 1);
        edges.split_off(1)
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

    /// The filter bank, after all checks: one filter per band, lowest first.
    pub(super) fn filters(&self) -> Result<Vec<Filter>, MelError> {
        self.validate_ranges()?;
        let filters = match self.scale {
            FrequencyScale::Mel => self.mel_filters(),
            FrequencyScale::Linear => self.linear_filters(),
        };
        match filters.iter().position(|filter| filter.weights.is_empty()) {
            None => Ok(filters),
            Some(band) => Err(MelError::EmptyBand {
                band,
                centre_hz: self.band_centres()[band],
                n_mels: self.n_mels,
                n_fft: self.n_fft,
            }),
        }
    }

    fn mel_filters(&self) -> Vec<Filter> {
        let filters = SparseMelFilterbank::from_mel(
            f64::from(self.sample_rate),
            self.n_fft,
            self.n_mels,
            Some(self.f_min),
            Some(self.f_max),
            false,
            true,
        );
        (0..self.n_mels)
            .map(|band| {
                // A triangle has no zero between its first and its last weight, so its bins follow one another.
                let points = filters.weights_for_mel(band);
                Filter {
                    first_bin: points.first().map_or(0, |point| point.bin),
                    weights: points.iter().map(|point| point.weight).collect(),
                }
            })
            .collect()
    }

    /// Triangles of unit area between neighbouring edges, as Slaney's are on the mel scale.
    fn linear_filters(&self) -> Vec<Filter> {
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
                        .collect(),
                }
            })
            .collect()
    }
}

/// One triangular filter: its weights from `first_bin` of the spectrum on.
pub(super) struct Filter {
    pub first_bin: usize,
    pub weights: Vec<f64>,
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

impl From<MelError> for crate::Error {
    fn from(error: MelError) -> Self {
        crate::Error::new(crate::ErrorKind::InvalidInput, error.to_string())
    }
}

#[cfg(test)]
mod tests;

//! A window of sound to a log-mel spectrogram.
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MelConfig {
    pub sample_rate: u32,
    pub n_fft: usize,
    pub hop_length: usize,
    pub n_mels: usize,
    pub f_min: f64,
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
    /// Frames of a sound of `samples` samples, centred: 1 + samples / hop.
    pub fn frames(&self, samples: usize) -> usize {
        1 + samples / self.hop_length
    }
}
#[derive(Debug, thiserror::Error)]
pub enum MelError {
    #[error("placeholder")]
    Placeholder,
}

/// Plans and buffers for one thread.
pub struct MelExtractor {}
impl MelExtractor {
    pub fn new(_config: &MelConfig) -> Result<Self, MelError> {
        unimplemented!()
    }
    /// Log-mel spectrogram in dB (ref 1.0, amin 1e-10), row-major [n_mels, frames]. Clears `out` first. Returns frames.
    pub fn compute(&mut self, _samples: &[f32], _out: &mut Vec<f32>) -> usize {
        unimplemented!()
    }
}

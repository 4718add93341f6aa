//! One music file to its answer: decode, resample, window, mel, predict, average.
use crate::{
    audio::{AudioError, SoundInfo},
    mel::MelError,
    model::{ModelError, Prediction, Predictor, Preprocessing},
};
use std::path::Path;

#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    #[error(transparent)]
    Audio(#[from] AudioError),
    #[error(transparent)]
    Mel(#[from] MelError),
    #[error(transparent)]
    Model(#[from] ModelError),
}
/// Where one file's time went, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StageTimes {
    pub decode: f64,
    pub resample: f64,
    pub mel: f64,
    pub predict: f64,
}

/// One song's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Song {
    pub info: SoundInfo,
    pub duration_s: f64,
    pub windows: u32,
    pub damaged_packets: u64,
    pub prediction: Prediction,
    pub times: StageTimes,
}

/// One log-mel window of a file.
#[derive(Debug, Clone, Copy)]
pub struct LogMel<'a> {
    /// dB, row-major [n_mels, frames]
    pub values: &'a [f32],
    pub frames: usize,
    pub start_s: f64,
    pub weight: f64,
}

/// The half of the chain that training shares: calls `emit` with each window's log-mel spectrogram. Returns the sound's facts and its length in seconds.
pub fn spectrograms(
    _path: &Path,
    _preprocessing: &Preprocessing,
    _emit: impl FnMut(LogMel<'_>) -> Result<(), ChainError>,
) -> Result<(SoundInfo, f64), ChainError> {
    unimplemented!()
}

/// The whole chain.
pub fn analyze_song(_path: &Path, _predictor: &Predictor) -> Result<Song, ChainError> {
    unimplemented!()
}

//! The log-mel spectrogram of a whole song.

use crate::{
    Error, ErrorKind, Result,
    audio::{Decoder, Resampler},
    mel::MelExtractor,
};
use half::f16;
use std::path::Path;

/// Longest song for training, in seconds: two hours, 80 MB of spectrogram at the usual settings.
const LONGEST_S: u64 = 7200;

/// Appends the spectrogram of a file, dB as 16-bit floats, row-major `[frames, n_mels]`, to `out`; returns the number of
/// frames.
///
/// # Errors
/// If the file cannot be decoded, is empty, or is longer than two hours.
pub fn whole_song(path: &Path, mel: &mut MelExtractor, out: &mut Vec<f16>) -> Result<usize> {
    let samples = decode(path, mel.config().sample_rate)?;
    let mut levels = Vec::new();
    let frames = mel.compute(&samples, &mut levels);
    let bands = mel.config().n_mels;
    out.reserve(frames * bands);
    for frame in 0..frames {
        let row = (0..bands).map(|band| f16::from_f32(levels[band * frames + frame]));
        out.extend(row);
    }
    Ok(frames)
}

fn decode(path: &Path, rate: u32) -> Result<Vec<f32>> {
    let mut decoder = Decoder::open(path)?;
    let mut resampler = Resampler::new(decoder.info().sample_rate, rate)?;
    let mut samples = Vec::new();
    while let Some(block) = decoder.next_block()? {
        resampler.push(block, &mut samples)?;
        if samples.len() as u64 > LONGEST_S * u64::from(rate) {
            let message = format!("is longer than {LONGEST_S} s; cut it into pieces, or remove it");
            return Err(Error::new(ErrorKind::Unsupported, message).with_path(path));
        }
    }
    resampler.finish(&mut samples)?;
    match samples.is_empty() {
        true => Err(Error::new(ErrorKind::Empty, "holds no audio").with_path(path)),
        false => Ok(samples),
    }
}

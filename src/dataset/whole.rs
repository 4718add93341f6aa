//! The log-mel spectrogram of a whole song, block by block.

use crate::{
    audio::{AudioError, Decoder, Resampler},
    mel::MelExtractor,
};
use half::{f16, slice::HalfFloatSliceExt};
use std::path::{Path, PathBuf};

/// Why a song has no spectrogram.
#[derive(Debug, thiserror::Error)]
pub enum SongError {
    /// The file cannot be decoded or resampled.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// Happens where a song is longer than [`LONGEST_S`] seconds: its spectrogram would take too much memory.
    #[error("{}: longer than {LONGEST_S} s; cut it into pieces, or leave it out of training", .path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// Happens where a file decodes to no samples.
    #[error("{}: expected sound, found a file that decodes to nothing", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// Longest song that training takes, in seconds: two hours, 80 MB of spectrogram at the usual settings.
pub const LONGEST_S: u64 = 7200;

/// Frames that are computed at a time.
const BLOCK: usize = 512;

/// Appends the spectrogram of a file, dB as 16-bit floats, row-major `[frames, n_mels]`, to `out`; returns the number of
/// frames. The values are those of one [`MelExtractor::compute`] over all samples; only a block of samples is held.
///
/// # Errors
/// [`SongError`].
pub fn whole_song(
    path: &Path,
    mel: &mut MelExtractor,
    out: &mut Vec<f16>,
) -> Result<usize, SongError> {
    let rate = mel.config().sample_rate;
    let mut decoder = Decoder::open(path)?;
    let mut resampler = Resampler::new(decoder.info().sample_rate, rate)?;
    let mut blocks = Blocks::new(mel);
    loop {
        let last = match decoder.next_block()? {
            Some(block) => {
                resampler.push(block, &mut blocks.samples)?;
                false
            }
            None => {
                resampler.finish(&mut blocks.samples)?;
                true
            }
        };
        blocks.drain(mel, last, out);
        if blocks.seen() > LONGEST_S * u64::from(rate) {
            return Err(SongError::TooLong {
                path: path.to_owned(),
            });
        }
        if last {
            break;
        }
    }
    if blocks.seen() == 0 {
        return Err(SongError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(blocks.frames)
}

/// Cuts a stream of samples so that every frame sees the samples around it.
struct Blocks {
    /// Samples from that of the first frame kept for context on.
    samples: Vec<f32>,
    /// Frames before the next one for which `samples` still holds the samples; even, so that frames share their
    /// transforms in the same pairs as in one pass, and enough to fill half a window.
    context: usize,
    /// Frames made so far.
    frames: usize,
    /// Samples that were dropped from the front.
    dropped: u64,
    hop: usize,
    half_window: usize,
    bands: usize,
    db: Vec<f32>,
    row: Vec<f32>,
}

impl Blocks {
    fn new(mel: &MelExtractor) -> Self {
        let config = mel.config();
        Self {
            samples: Vec::new(),
            context: 0,
            frames: 0,
            dropped: 0,
            hop: config.hop_length,
            half_window: config.n_fft / 2,
            bands: config.n_mels,
            db: Vec::new(),
            row: Vec::new(),
        }
    }

    fn seen(&self) -> u64 {
        self.dropped + self.samples.len() as u64
    }

    /// Computes the frames that have all their samples, a block at a time; all that are left where `last`.
    fn drain(&mut self, mel: &mut MelExtractor, last: bool, out: &mut Vec<f16>) {
        let steady_context = self.half_window.div_ceil(self.hop).next_multiple_of(2);
        loop {
            let wanted = self.context + BLOCK;
            // The last frame wanted is centred at (wanted - 1) * hop; one hop more for its partner in the transform.
            let needed = wanted * self.hop + self.half_window;
            let is_last = last && self.samples.len() < needed;
            if self.samples.len() < needed && !last {
                return;
            }
            let slice = if is_last {
                &self.samples[..]
            } else {
                &self.samples[..needed]
            };
            let computed = mel.compute(slice, &mut self.db);
            let until = if is_last { computed } else { wanted };
            for frame in self.context..until {
                self.row.clear();
                self.row
                    .extend((0..self.bands).map(|band| self.db[band * computed + frame]));
                let start = out.len();
                out.resize(start + self.bands, f16::ZERO);
                out[start..].convert_from_f32_slice(&self.row);
            }
            self.frames += until - self.context;
            if is_last {
                return;
            }
            let keep_from = (wanted - steady_context) * self.hop;
            self.samples.drain(..keep_from);
            self.dropped += keep_from as u64;
            self.context = steady_context;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mel::MelConfig;

    #[test]
    fn blocks_give_the_same_frames_as_one_pass() {
        let mut noise = 1_u32;
        let mut sample = || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise as f32 / u32::MAX as f32 - 0.5
        };
        for (n_fft, hop, length) in [
            (2048, 512, 22_050 * 30 + 17),
            (2048, 512, 1000),
            (1024, 160, 160 * 700),
            (512, 512, 512 * 1024),
        ] {
            let config = MelConfig {
                n_fft,
                hop_length: hop,
                n_mels: 20,
                ..MelConfig::default()
            };
            let mut mel = MelExtractor::new(&config).unwrap();
            let samples: Vec<f32> = (0..length).map(|_| sample()).collect();
            let mut whole = Vec::new();
            let frames = mel.compute(&samples, &mut whole);
            let mut blocks = Blocks::new(&mel);
            let mut out = Vec::new();
            for piece in samples.chunks(7919) {
                blocks.samples.extend_from_slice(piece);
                blocks.drain(&mut mel, false, &mut out);
            }
            blocks.drain(&mut mel, true, &mut out);
            assert_eq!((blocks.frames, out.len()), (frames, frames * 20));
            assert_eq!(blocks.seen(), length as u64);
            for (i, value) in out.iter().enumerate() {
                let (frame, band) = (i / 20, i % 20);
                let expected = f16::from_f32(whole[band * frames + frame]);
                assert_eq!(*value, expected, "n_fft {n_fft} frame {frame} band {band}");
            }
        }
    }
}

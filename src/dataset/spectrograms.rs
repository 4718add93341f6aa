//! Log-mel spectrograms of whole songs, computed at the start of a training run and held in memory.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::{
    audio::{Decoder, Resampler, with_audible_channel},
    error::{Context, Error, ErrorKind, Result, one_line},
    mel::{MelConfig, MelExtractor},
};

/// The log-mel spectrograms of a list of songs.
///
/// Levels are whole hundredths of a decibel in 16 bits, half the size of 32-bit floats and within 0.005 dB of them. A
/// second of audio takes 11 kB at the usual settings: 1.0 GB for all of DEAM.
#[derive(Debug)]
pub struct Spectrograms {
    songs: Vec<Vec<i16>>,
    bands: usize,
}

impl Spectrograms {
    /// Computes the spectrograms of `files` in parallel and calls `on_song` after each, from several threads. Files
    /// that cannot be decoded are left out and returned: their places in `files`, and why.
    ///
    /// # Errors
    /// Of the kind [`ErrorKind::InvalidInput`] if no spectrogram has these settings.
    pub fn compute(
        mel: &MelConfig,
        files: &[PathBuf],
        on_song: impl Fn() + Sync,
    ) -> Result<(Self, Vec<(usize, String)>)> {
        let unusable = "the settings of the spectrogram cannot be used";
        mel.validate().context(ErrorKind::InvalidInput, unusable)?;
        let outcomes: Vec<Result<Vec<i16>, String>> = files
            .par_iter()
            // One song at a time: a long one must not keep others waiting.
            .with_max_len(1)
            .map_init(
                || MelExtractor::new(mel),
                |extractor, file| {
                    let extractor = extractor.as_mut().map_err(|error| one_line(error))?;
                    let song = whole_song(file, extractor).map_err(|error| one_line(&error))?;
                    on_song();
                    Ok(song)
                },
            )
            .collect();
        let (mut songs, mut failed) = (Vec::new(), Vec::new());
        for (place, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Ok(values) => songs.push(values),
                Err(reason) => failed.push((place, reason)),
            }
        }
        let bands = mel.n_mels;
        Ok((Self { songs, bands }, failed))
    }

    /// The spectrogram of song `index` in steps of [`LEVEL_STEP_DB`], row-major `[frames, bands]`, at least one frame.
    ///
    /// # Panics
    /// If there is no such song.
    pub fn song(&self, index: usize) -> &[i16] {
        &self.songs[index]
    }

    /// Frames of song `index`.
    ///
    /// # Panics
    /// If there is no such song.
    pub fn frames(&self, index: usize) -> usize {
        self.songs[index].len() / self.bands
    }
}

/// The unit of stored levels, in dB: 16 bits reach from -327 to 327 dB.
pub(crate) const LEVEL_STEP_DB: f32 = 0.01;

/// Longest song for training, in seconds: two hours, 80 MB of spectrogram at the usual settings.
const LONGEST_S: u64 = 7200;

/// The spectrogram of a file in steps of [`LEVEL_STEP_DB`], row-major `[frames, n_mels]`.
fn whole_song(path: &Path, mel: &mut MelExtractor) -> Result<Vec<i16>> {
    let samples = decode(path, mel.config().sample_rate)?;
    let mut levels = Vec::new();
    let frames = mel.compute(&samples, &mut levels);
    let bands = mel.config().n_mels;
    let mut song = Vec::with_capacity(frames * bands);
    for frame in 0..frames {
        let levels = (0..bands).map(|band| levels[band * frames + frame]);
        song.extend(levels.map(|level| (level / LEVEL_STEP_DB).round() as i16));
    }
    Ok(song)
}

/// The samples of a whole file at `rate`.
///
/// # Errors
/// If it cannot be decoded, is empty, or is longer than two hours.
pub(crate) fn decode(path: &Path, rate: u32) -> Result<Vec<f32>> {
    with_audible_channel(|channel| decode_channel(path, rate, channel))
}

/// Also returns the channel to decode instead, if the channels cancel each other.
fn decode_channel(path: &Path, rate: u32, channel: Option<u16>) -> Result<(Vec<f32>, Option<u16>)> {
    let mut decoder = Decoder::open_channel(path, channel)?;
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
        false => Ok((samples, decoder.channel_instead())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_tone::write_tone;
    use std::fs;

    #[test]
    fn undecodable_songs_are_named_and_the_others_kept_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let files = ["a.wav", "text.wav", "b.wav", "absent.wav"];
        let files = files.map(|name| directory.path().join(name));
        write_tone(&files[0], 200.0, 0.3);
        fs::write(&files[1], b"this is text, whatever its name says").unwrap();
        write_tone(&files[2], 400.0, 0.5);
        let mel = MelConfig {
            n_mels: 40,
            ..MelConfig::default()
        };
        let (spectrograms, failed) = Spectrograms::compute(&mel, &files, || ()).unwrap();
        let places: Vec<usize> = failed.iter().map(|(place, _)| *place).collect();
        assert_eq!(places, [1, 3]);
        assert!(failed[1].1.contains("absent.wav"), "{}", failed[1].1);
        for (index, file) in [&files[0], &files[2]].into_iter().enumerate() {
            let mut extractor = MelExtractor::new(&mel).unwrap();
            let expected = whole_song(file, &mut extractor).unwrap();
            assert!(spectrograms.song(index) == expected);
            assert_eq!(spectrograms.frames(index), expected.len() / mel.n_mels);
        }
    }

    #[test]
    fn channels_that_cancel_each_other_are_decoded_by_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("song.wav");
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        let wave = |n: u32| ((n as f32 * 0.1).sin() * 10_000.0) as i16;
        for n in 0..16_000 {
            writer.write_sample(wave(n)).unwrap();
            writer.write_sample(-wave(n)).unwrap();
        }
        writer.finalize().unwrap();
        let samples = decode(&path, 8_000).unwrap();
        assert_eq!(samples.len(), 16_000);
        assert!(samples.iter().zip(0..).all(|(sample, n)| {
            let expected = f32::from(wave(n)) / 32_768.0;
            (sample - expected).abs() < 1e-4
        }));
    }

    #[test]
    fn impossible_settings_are_an_error() {
        let mel = MelConfig {
            hop_length: 0,
            ..MelConfig::default()
        };
        let error = Spectrograms::compute(&mel, &[], || ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

//! Any audio that can be decoded as WAV: 16-bit PCM at the file's own rate, one or two channels, from any sample on.

use crate::{
    audio::{Decoder, Segment},
    error::Result,
    library::Song,
};
use std::{ops::Range, path::Path};

/// Bytes of the header.
pub(super) const HEADER: u64 = 44;
/// Frames that are sent at once, at most.
const PIECE: usize = 32 * 1024;

/// What a song is as WAV.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Format {
    rate: u32,
    channels: u16,
    /// The song's place in the file, in samples of each channel.
    first: u64,
    frames: u64,
}

impl Format {
    /// Opens the song's file to learn its format.
    ///
    /// # Errors
    /// Those of [`Decoder::open`].
    pub(super) fn of(song: &Song) -> Result<Self> {
        let mut decoder = Decoder::open(&song.path)?;
        let (rate, channels) = (decoder.info().sample_rate, decoder.info().channels);
        let sample = |seconds: f64| (seconds * f64::from(rate)).round().max(0.0) as u64;
        let start_s = song.track_start_s.unwrap_or(0.0);
        let mut end_s = song.track_end_s.unwrap_or(start_s + song.duration_s);
        if end_s <= start_s {
            // The library does not know the length.
            while decoder.next_block()?.is_some() {}
            end_s = decoder.info().duration_s;
        }
        let first = sample(start_s);
        Ok(Self {
            rate,
            channels: if channels == 2 { 2 } else { 1 },
            first,
            frames: sample(end_s).saturating_sub(first),
        })
    }

    fn frame_bytes(&self) -> u64 {
        2 * u64::from(self.channels)
    }

    /// Length of the WAV file in bytes.
    pub(super) fn length(&self) -> u64 {
        HEADER + self.frames * self.frame_bytes()
    }

    fn header(&self) -> Vec<u8> {
        // Longer audio than the header can tell: its length is that of the answer.
        let data = u32::try_from(self.length() - HEADER).unwrap_or(u32::MAX - HEADER as u32);
        let block = self.frame_bytes() as u16;
        let mut header = b"RIFF".to_vec();
        header.extend((data + HEADER as u32 - 8).to_le_bytes());
        header.extend(b"WAVEfmt \x10\0\0\0\x01\0");
        header.extend(self.channels.to_le_bytes());
        header.extend(self.rate.to_le_bytes());
        header.extend((self.rate * u32::from(block)).to_le_bytes());
        header.extend(block.to_le_bytes());
        header.extend(b"\x10\0data");
        header.extend(data.to_le_bytes());
        header
    }
}

/// A part of a WAV file that is decoded as it is read.
pub(super) struct Wav {
    format: Format,
    /// The bytes of the file that are still to come.
    rest: Range<u64>,
    /// One decoder for each channel, and its samples that were not sent yet.
    channels: Vec<(Decoder, Vec<f32>)>,
}

impl Wav {
    /// Bytes `range` of the song as WAV.
    ///
    /// # Errors
    /// Those of [`Decoder::open`].
    pub(super) fn open(path: &Path, format: Format, range: Range<u64>) -> Result<Self> {
        let from = range.start.saturating_sub(HEADER) / format.frame_bytes();
        let seconds = |frame: u64| frame as f64 / f64::from(format.rate);
        let segment = Segment {
            start_s: seconds(format.first + from),
            end_s: seconds(format.first + format.frames),
        };
        let mut channels = Vec::new();
        if from < format.frames && range.end > HEADER {
            for channel in 1..=format.channels {
                // The mean of more than two.
                let channel = (format.channels == 2).then_some(channel);
                let decoder = Decoder::open_segment(path, channel, segment)?;
                channels.push((decoder, Vec::new()));
            }
        }
        Ok(Self {
            format,
            rest: range,
            channels,
        })
    }

    /// The next bytes; `None` at the end. What cannot be decoded of the promised length is silence.
    ///
    /// # Errors
    /// Those of [`Decoder::next_block`] at its first block.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        // `start` is the place of the first byte of `bytes` in the file.
        let (start, mut bytes) = match self.rest.start < HEADER {
            true => (0, self.format.header()),
            false => {
                let frame = self.format.frame_bytes();
                (
                    HEADER + (self.rest.start - HEADER) / frame * frame,
                    self.samples(),
                )
            }
        };
        let length = (self.rest.end - start).min(bytes.len() as u64);
        bytes.truncate(length as usize);
        bytes.drain(..(self.rest.start - start) as usize);
        self.rest.start += bytes.len() as u64;
        Ok(Some(bytes))
    }

    /// Some samples, interleaved.
    fn samples(&mut self) -> Vec<u8> {
        let mut frames = PIECE;
        for (decoder, samples) in &mut self.channels {
            while samples.len() < PIECE
                && let Ok(Some(block)) = decoder.next_block()
            {
                samples.extend_from_slice(block);
            }
            frames = frames.min(samples.len());
        }
        if frames == 0 || self.channels.is_empty() {
            return vec![0; PIECE * self.format.frame_bytes() as usize];
        }
        let mut bytes = Vec::with_capacity(frames * self.format.frame_bytes() as usize);
        for frame in 0..frames {
            for (_, samples) in &self.channels {
                // As a cast saturates, no sample wraps around.
                let sample = (samples[frame] * 32_768.0).round() as i16;
                bytes.extend(sample.to_le_bytes());
            }
        }
        for (_, samples) in &mut self.channels {
            samples.drain(..frames);
        }
        bytes
    }
}

//! A file to mono samples at its own rate, packet by packet.

use super::{
    AudioError, Tags,
    open::check_ranges,
    part::{Part, Segment},
    source::{Source, Step},
    time_limit::{MAX_HOURS, TimeLimit},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What is known of a sound file. Complete as soon as the decoder is open, but for tags that stand behind the sound.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioInfo {
    /// Samples per second and channel, as decoded; 2,000 to 768,000.
    pub sample_rate: u32,
    /// Channels in the file, 1 to 64; their mean is what the decoder gives.
    pub channels: u16,
    /// Short name of the codec: `mp3`, `aac`, `alac`, `flac`, `vorbis`, `opus`, `pcm_s16le`, ...
    pub codec: String,
    /// Text tags.
    pub tags: Tags,
    /// Length of the song in seconds; according to its header if only a segment was decoded.
    pub duration_s: f64,
    /// The segment that was decoded, if that is not the whole song.
    pub segment: Option<Segment>,
    /// Packets that were skipped as damaged. A gap without readable packets counts as the packets that fit in it.
    pub damaged_packets: u64,
    /// Seconds that the file promises but lacks; 0 for a complete file.
    pub missing_s: f64,
}

impl AudioInfo {
    /// Seconds that were decoded: the segment, or the whole song.
    pub fn analyzed_s(&self) -> f64 {
        self.segment
            .map_or(self.duration_s, |segment| segment.length_s())
    }
}

/// Decodes one file. Memory does not grow with the length of the sound.
///
/// What the file is comes from its content; its name plays no part. The encoder's delay and padding are trimmed where
/// the file says how long they are. A damaged packet is left out and counted; a file that ends before the length that
/// it claims, or has more than a tenth of its packets damaged, gives an error at its end instead of `None`. One that takes
/// absurdly long to decode, or goes on for more than 100 hours, is given up with an error.
///
/// ```no_run
/// # fn main() -> Result<(), circumplex::audio::AudioError> {
/// let mut decoder = circumplex::audio::Decoder::open("song.mp3".as_ref())?;
/// let mut samples = 0;
/// while let Some(block) = decoder.next_block()? {
///     samples += block.len();
/// }
/// println!("{} s", samples as f64 / f64::from(decoder.info().sample_rate));
/// # Ok(())
/// # }
/// ```
pub struct Decoder {
    pub(super) path: PathBuf,
    pub(super) info: AudioInfo,
    pub(super) source: Source,
    /// The block that `next_block` hands out.
    pub(super) block: Vec<f32>,
    /// `block` was decoded while opening and not handed out yet.
    pub(super) ready: bool,
    state: State,
    pub(super) limit: Arc<TimeLimit>,
    /// Samples decoded so far, that of `block` included.
    samples: u64,
    /// What of the sound is wanted, where that is not all.
    pub(super) part: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Decoding,
    /// What is wanted was handed out.
    PartDone,
    Ended,
    Failed,
}

impl Decoder {
    /// Opens a file and decodes its first packets.
    ///
    /// # Errors
    /// Any [`AudioError`] but [`AudioError::Resample`].
    pub fn open(path: &Path) -> Result<Self, AudioError> {
        // Where it cannot be looked at, opening it says so.
        let size = fs::metadata(path).map_or(0, |facts| facts.len());
        Self::open_within(path, TimeLimit::of_size(size))
    }

    fn open_within(path: &Path, limit: Arc<TimeLimit>) -> Result<Self, AudioError> {
        let mut block = Vec::new();
        let opened = contain(path, || {
            let mut source = Source::open(path, &limit)?;
            loop {
                limit.check(path)?;
                block.clear();
                match source.step(path, None, &mut block)? {
                    Step::Sound { rate, channels } if !block.is_empty() => {
                        break Ok((source, rate, channels));
                    }
                    Step::End => {
                        source.verdict(path, None)?;
                        break Err(AudioError::Empty {
                            path: path.to_owned(),
                            what: "its track has no samples",
                        });
                    }
                    _ => {}
                }
            }
        })
        .map_err(|error| limit.explain(path, error))?;
        let (mut source, sample_rate, channels) = opened;
        check_ranges(path, sample_rate, channels)?;
        let info = AudioInfo {
            sample_rate,
            channels: channels as u16,
            codec: source.codec_name().to_owned(),
            tags: source.tags(),
            duration_s: 0.0,
            segment: None,
            damaged_packets: 0,
            missing_s: 0.0,
        };
        Ok(Self {
            path: path.to_owned(),
            info,
            source,
            block,
            ready: true,
            state: State::Decoding,
            limit,
            samples: 0,
            part: None,
        })
    }

    /// What is known of the sound.
    pub fn info(&self) -> &AudioInfo {
        &self.info
    }

    /// Next block of mono samples (mean of the channels, -1 to 1) at the file's own rate, never empty; `None` after the
    /// last. Blocks are as long as the file's packets. After an error there are no more.
    ///
    /// # Errors
    /// [`AudioError::Truncated`] or [`AudioError::Damaged`] at the end of a sound that was not whole, and
    /// [`AudioError::Io`] or [`AudioError::DecoderFailed`] at any time.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        while self.read_block()? {
            if self.keep_part() {
                return Ok(Some(&self.block));
            }
        }
        Ok(None)
    }

    /// Leaves of the block what belongs to the part that is wanted. Says whether that is anything.
    fn keep_part(&mut self) -> bool {
        let Some(part) = &mut self.part else {
            return true;
        };
        let length = self.block.len();
        let from = part.position;
        part.position = from.saturating_add_unsigned(length as u64);
        let inside = |sample: i64| {
            usize::try_from(sample.saturating_sub(from).max(0)).map_or(length, |n| n.min(length))
        };
        let (start, end) = (inside(part.samples.start), inside(part.samples.end));
        self.block.truncate(end);
        self.block.drain(..start.min(end));
        if !self.block.is_empty() && !part.begun {
            part.begun = true;
            self.source.forget_damage();
        }
        if part.position >= part.samples.end {
            self.state = State::PartDone;
        }
        !self.block.is_empty()
    }

    /// Decodes the next block. `false` after the last.
    pub(super) fn read_block(&mut self) -> Result<bool, AudioError> {
        if self.ready {
            self.ready = false;
            self.count_block();
            return Ok(true);
        }
        if self.state == State::PartDone {
            self.state = State::Ended;
            self.info.tags.fill_from(self.source.tags());
            self.info.damaged_packets = self.damaged_packets();
            return self.source.damage_verdict(&self.path).map(|()| false);
        }
        if self.state != State::Decoding {
            return Ok(false);
        }
        let (path, source, info, block, limit, part) = (
            &self.path,
            &mut self.source,
            &mut self.info,
            &mut self.block,
            &self.limit,
            &self.part,
        );
        limit.resume();
        let result = contain(path, || {
            loop {
                limit.check(path)?;
                block.clear();
                match source.step(path, Some(info.sample_rate), block)? {
                    Step::Sound { .. } if !block.is_empty() => return Ok(true),
                    Step::End => {
                        match part {
                            Some(part) if part.sought => ends_in_part(path, info, part)?,
                            _ => source.verdict(path, Some(info.sample_rate))?,
                        }
                        return Ok(false);
                    }
                    _ => {}
                }
            }
        });
        match result {
            Ok(true) => {
                self.count_block();
                if self.samples / u64::from(self.info.sample_rate) / 3600 >= MAX_HOURS {
                    self.state = State::Failed;
                    return Err(AudioError::TooLong {
                        path: self.path.clone(),
                        max_hours: MAX_HOURS,
                    });
                }
                Ok(true)
            }
            Ok(false) => {
                self.state = State::Ended;
                self.info.damaged_packets = self.source.damaged_packets();
                // Some tags stand behind the sound.
                self.info.tags.fill_from(self.source.tags());
                Ok(false)
            }
            Err(error) => {
                self.state = State::Failed;
                Err(self.limit.explain(&self.path, error))
            }
        }
    }

    fn count_block(&mut self) {
        let samples = self.block.len() as u64;
        self.samples += samples;
        self.limit
            .grant(samples as f64 / f64::from(self.info.sample_rate));
    }

    /// Packets left out as damaged so far. A stretch without readable packets counts as the packets that fit in it.
    pub fn damaged_packets(&self) -> u64 {
        self.source.damaged_packets()
    }
}

/// The file ended before the part that was sought did. Accounts of a length may be off by some packets, not by a second.
fn ends_in_part(path: &Path, info: &AudioInfo, part: &Part) -> Result<(), AudioError> {
    let seconds = |sample: i64| sample as f64 / f64::from(info.sample_rate);
    if part.position + i64::from(info.sample_rate) >= part.samples.end {
        return Ok(());
    }
    Err(AudioError::Truncated {
        path: path.to_owned(),
        expected: format!("{:.2} s by its own account", part.total_s),
        found: format!("the end of the file after {:.2} s", seconds(part.position)),
    })
}

/// Runs `work`, which calls other people's decoders, and turns a panic in it into an error.
pub(super) fn contain<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, AudioError>,
) -> Result<T, AudioError> {
    // After a panic the decoder is not used again, so no broken state can be seen.
    crate::contain::catch_panic(work).unwrap_or_else(|panicked| {
        Err(AudioError::DecoderFailed {
            path: path.to_owned(),
            message: panicked.message,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A WAV file of some seconds, mono, 16 bit.
    fn wav(folder: &Path, seconds: u32, rate: u32) -> PathBuf {
        let path = folder.join("song.wav");
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for n in 0..seconds * rate {
            writer.write_sample((n % 100) as i16).unwrap();
        }
        writer.finalize().unwrap();
        path
    }

    #[test]
    fn a_file_that_takes_too_long_is_given_up_with_that_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = wav(folder.path(), 1, 8000);
        let none = TimeLimit::short(Duration::ZERO);
        let error = Decoder::open_within(&path, none).err().unwrap();
        assert!(matches!(error, AudioError::TooSlow { .. }), "{error}");
        assert!(error.to_string().contains("song.wav"), "{error}");
        assert_eq!(error.kind().name(), "too-slow");

        // Time that runs out midway: what was decoded before is no song.
        let mut decoder = Decoder::open(&path).unwrap();
        assert!(decoder.next_block().unwrap().is_some());
        decoder.limit = TimeLimit::short(Duration::ZERO);
        std::thread::sleep(Duration::from_millis(1));
        decoder.limit.has_time();
        assert!(matches!(
            decoder.next_block(),
            Err(AudioError::TooSlow { .. })
        ));
        assert!(decoder.next_block().unwrap().is_none());
    }

    #[test]
    fn a_sound_without_end_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = wav(folder.path(), 3, 8000);
        let mut decoder = Decoder::open(&path).unwrap();
        decoder.samples = 8000 * 3600 * MAX_HOURS - 8000;
        let error = loop {
            match decoder.next_block() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("must not end well"),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("100 hours"), "{error}");
    }
}

//! A file to mono samples at its own rate, packet by packet.

use super::{
    AudioError, Tags,
    codec::{Codec, CodecError, PacketError},
    mix::is_sound,
    mp4, mpeg, ogg, riff,
    sniff::{self, Sniffed},
};
use std::{
    fs::File,
    io::{self, Read, Seek},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};
use symphonia::core::{
    codecs::audio::{AudioCodecParameters, well_known as id},
    common::Limit,
    errors::Error as SymphoniaError,
    formats::{FormatOptions, FormatReader, Track, TrackType, probe::Hint},
    io::{MediaSourceStream, MediaSourceStreamOptions},
    meta::MetadataOptions,
};

/// What is known of a sound file. Complete as soon as the decoder is open, but for tags that stand behind the sound.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundInfo {
    /// Samples per second and channel, as decoded; 2,000 to 768,000.
    pub sample_rate: u32,
    /// Channels in the file, 1 to 64; their mean is what the decoder gives.
    pub channels: u16,
    /// Short name of the codec: `mp3`, `aac`, `alac`, `flac`, `vorbis`, `opus`, `pcm_s16le`, ...
    pub codec: String,
    /// Text tags.
    pub tags: Tags,
}

/// Accepted sample rates.
const RATES: std::ops::RangeInclusive<u32> = 2_000..=768_000;
/// Largest accepted number of channels.
const MAX_CHANNELS: usize = 64;
/// Errors of the container in a row after which it is given up.
const MAX_CONTAINER_ERRORS: u32 = 64;
/// Largest tag that is read.
const MAX_TAG_BYTES: usize = 64 * 1024;
/// Packets after which a file that is mostly damage is given up without reading the rest.
const EARLY_VERDICT: u64 = 2_000;

/// Decodes one file. Memory does not grow with the length of the sound.
///
/// What the file is comes from its content; its name plays no part. The encoder's delay and padding are trimmed where
/// the file says how long they are. A damaged packet is left out and counted; a file that ends before the length that
/// it claims, or has more than a tenth of its packets damaged, gives an error at its end instead of `None`.
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
    path: PathBuf,
    info: SoundInfo,
    source: Source,
    /// The block that `next_block` hands out.
    block: Vec<f32>,
    /// `block` was decoded while opening and not handed out yet.
    ready: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Decoding,
    Ended,
    Failed,
}

/// The container being read and what has come of it.
struct Source {
    format: Box<dyn FormatReader>,
    codec: Codec,
    track: u32,
    /// Samples still to be left out at the start.
    skip: u64,
    /// Samples that the sound has by the file's own account.
    claim: Option<u64>,
    /// Whether what lies behind the claimed end is padding rather than sound.
    cut: bool,
    /// Where the frames of an MPEG audio file stand.
    mpeg: Option<mpeg::Layout>,
    /// Tags that the container's reader leaves unread.
    tags: Tags,
    /// The container has said, or shown by its end, that the sound is whole.
    complete: bool,
    /// The file was written to a pipe and does not know its own length.
    endless: bool,
    /// Whether the packets carry times, in samples, that show gaps.
    has_clock: bool,
    /// The time at which the next packet should stand.
    next_time: Option<i64>,
    tally: Tally,
}

/// What has come of the packets so far.
#[derive(Default)]
struct Tally {
    packets: u64,
    damaged: u64,
    /// Bytes of all packets.
    bytes: u64,
    /// Samples handed out.
    delivered: u64,
    /// Samples that damaged packets would have given.
    lost: u64,
    /// Samples of the packet decoded last.
    packet_len: u64,
    /// Errors of the container since the last packet.
    container_errors: u32,
}

/// What one turn of the loop gave.
enum Step {
    Sound { rate: u32, channels: usize },
    Nothing,
    End,
}

impl Decoder {
    /// Opens a file and decodes its first packets.
    ///
    /// # Errors
    /// Any [`AudioError`] but [`AudioError::Resample`].
    pub fn open(path: &Path) -> Result<Self, AudioError> {
        let mut block = Vec::new();
        let opened = contain(path, || {
            let mut source = open_source(path)?;
            loop {
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
        })?;
        let (mut source, sample_rate, channels) = opened;
        check_ranges(path, sample_rate, channels)?;
        let info = SoundInfo {
            sample_rate,
            channels: channels as u16,
            codec: source.codec.name().to_owned(),
            tags: {
                let mut tags = Tags::of_format(source.format.as_mut());
                tags.fill_from(std::mem::take(&mut source.tags));
                tags
            },
        };
        Ok(Self {
            path: path.to_owned(),
            info,
            source,
            block,
            ready: true,
            state: State::Decoding,
        })
    }

    /// What is known of the sound.
    pub fn info(&self) -> &SoundInfo {
        &self.info
    }

    /// Next block of mono samples (mean of the channels, -1 to 1) at the file's own rate, never empty; `None` after the
    /// last. Blocks are as long as the file's packets. After an error there are no more.
    ///
    /// # Errors
    /// [`AudioError::Truncated`] or [`AudioError::Damaged`] at the end of a sound that was not whole, and
    /// [`AudioError::Io`] or [`AudioError::DecoderFailed`] at any time.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        if self.ready {
            self.ready = false;
            return Ok(Some(&self.block));
        }
        if self.state != State::Decoding {
            return Ok(None);
        }
        let (path, source, info, block) = (
            &self.path,
            &mut self.source,
            &mut self.info,
            &mut self.block,
        );
        let result = contain(path, || {
            loop {
                block.clear();
                match source.step(path, Some(info.sample_rate), block)? {
                    Step::Sound { .. } if !block.is_empty() => return Ok(true),
                    Step::End => {
                        source.verdict(path, Some(info.sample_rate))?;
                        return Ok(false);
                    }
                    _ => {}
                }
            }
        });
        match result {
            Ok(true) => Ok(Some(&self.block)),
            Ok(false) => {
                self.state = State::Ended;
                // Some tags stand behind the sound.
                let late = Tags::of_format(self.source.format.as_mut());
                self.info.tags.fill_from(late);
                Ok(None)
            }
            Err(error) => {
                self.state = State::Failed;
                Err(error)
            }
        }
    }

    /// Packets left out as damaged so far. A stretch without readable packets counts as the packets that fit in it.
    pub fn damaged_packets(&self) -> u64 {
        self.source.tally.damaged
    }
}

/// Runs `work`, which calls other people's decoders, and turns a panic in it into an error.
fn contain<T>(path: &Path, work: impl FnOnce() -> Result<T, AudioError>) -> Result<T, AudioError> {
    // After a panic the decoder is not used again, so no broken state can be seen.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned());
        Err(AudioError::DecoderFailed {
            path: path.to_owned(),
            message: text.unwrap_or_else(|| "no message".to_owned()),
        })
    })
}

fn check_ranges(path: &Path, rate: u32, channels: usize) -> Result<(), AudioError> {
    let refuse = |expected, found| {
        Err(AudioError::OutOfRange {
            path: path.to_owned(),
            expected,
            found,
        })
    };
    if !RATES.contains(&rate) {
        let (low, high) = (RATES.start(), RATES.end());
        return refuse(
            format!("a sample rate of {low} to {high} Hz"),
            format!("{rate} Hz"),
        );
    }
    if channels == 0 || channels > MAX_CHANNELS {
        return refuse(
            format!("1 to {MAX_CHANNELS} channels"),
            format!("{channels}"),
        );
    }
    Ok(())
}

fn io_error(path: &Path, source: io::Error) -> AudioError {
    AudioError::Io {
        path: path.to_owned(),
        source,
    }
}

/// Opens the container and makes the decoder for its track.
fn open_source(path: &Path) -> Result<Source, AudioError> {
    // Asked before opening: opening a pipe would wait for its writer.
    let facts = std::fs::metadata(path).map_err(|e| io_error(path, e))?;
    if !facts.is_file() {
        let what = io::Error::new(io::ErrorKind::InvalidInput, "not an ordinary file");
        return Err(io_error(path, what));
    }
    let mut file = File::open(path).map_err(|e| io_error(path, e))?;
    let len = facts.len();
    if len == 0 {
        return Err(AudioError::Empty {
            path: path.to_owned(),
            what: "the file has no bytes",
        });
    }
    let mut head = Vec::with_capacity(sniff::HEAD);
    file.by_ref()
        .take(sniff::HEAD as u64)
        .read_to_end(&mut head)
        .map_err(|e| io_error(path, e))?;
    match sniff::sniff(&head) {
        Sniffed::Unsupported(what) => {
            return Err(AudioError::Unsupported {
                path: path.to_owned(),
                what: what.to_owned(),
            });
        }
        Sniffed::NotAudio(found) => {
            return Err(AudioError::NotAudio {
                path: path.to_owned(),
                found,
            });
        }
        Sniffed::Open => {}
    }
    check_length(path, &mut file, &head, len)?;
    file.rewind().map_err(|e| io_error(path, e))?;

    let second = File::open(path).map_err(|e| io_error(path, e))?;
    let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
    let metadata = MetadataOptions::default()
        .limit_tag_bytes(Limit::Maximum(MAX_TAG_BYTES))
        .limit_visual_bytes(Limit::Maximum(0));
    let format = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, FormatOptions::default(), metadata)
        .map_err(|error| match error {
            SymphoniaError::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                AudioError::Truncated {
                    path: path.to_owned(),
                    expected: "complete headers".to_owned(),
                    found: format!("the end of the file after {len} bytes"),
                }
            }
            SymphoniaError::IoError(e) => io_error(path, e),
            SymphoniaError::Unsupported(what) if what.contains("no suitable format reader") => {
                AudioError::NotAudio {
                    path: path.to_owned(),
                    found: "bytes of no known format",
                }
            }
            SymphoniaError::Unsupported(what) if !what.contains("missing") => {
                AudioError::Unsupported {
                    path: path.to_owned(),
                    what: what.to_owned(),
                }
            }
            error => AudioError::Malformed {
                path: path.to_owned(),
                container: "sound",
                source: Box::new(error),
            },
        })?;
    let container = format.format_info().long_name;
    let Some((track, params)) = audio_track(format.as_ref()) else {
        return Err(AudioError::NoAudioTrack {
            path: path.to_owned(),
            container,
        });
    };
    if let (Some(rate), Some(channels)) = (params.sample_rate, &params.channels) {
        check_ranges(path, rate, channels.count())?;
    }
    let is_mpeg = matches!(
        params.codec,
        id::CODEC_ID_MP1 | id::CODEC_ID_MP2 | id::CODEC_ID_MP3
    ) && matches!(format.format_info().short_name, "mp1" | "mp2" | "mp3");
    let codec = Codec::new(params, !is_mpeg).map_err(|error| match error {
        CodecError::Unsupported(what) => AudioError::Unsupported {
            path: path.to_owned(),
            what,
        },
        CodecError::Malformed(source) => AudioError::Malformed {
            path: path.to_owned(),
            container,
            source,
        },
    })?;
    let mut source = Source {
        track: track.id,
        skip: codec.pre_skip(),
        claim: None,
        cut: false,
        mpeg: None,
        tags: Tags::default(),
        complete: true,
        endless: false,
        has_clock: false,
        next_time: None,
        tally: Tally::default(),
        codec,
        format,
    };
    source.read_claims(path, second, len)?;
    Ok(source)
}

/// Compares the length of a file with what its outermost boxes or chunks say, where it has such.
fn check_length(path: &Path, file: &mut File, head: &[u8], len: u64) -> Result<(), AudioError> {
    let magic = |at: usize| head.get(at..at + 4).unwrap_or_default();
    let missing_until = match (magic(0), magic(4), magic(8)) {
        (b"RIFF", _, b"WAVE") => riff::account(file, len, false).map(|a| a.missing_until),
        (b"FORM", _, b"AIFF" | b"AIFC") => riff::account(file, len, true).map(|a| a.missing_until),
        (_, b"ftyp", _) => mp4::missing_until(file, len),
        _ => return Ok(()),
    };
    match missing_until.map_err(|e| io_error(path, e))? {
        Some(until) => Err(ends_early(path, until, len)),
        None => Ok(()),
    }
}

fn ends_early(path: &Path, until: u64, len: u64) -> AudioError {
    AudioError::Truncated {
        path: path.to_owned(),
        expected: format!("at least {until} bytes by its own account"),
        found: format!("{len} bytes"),
    }
}

/// The track to decode: the default one where it has sound, else the first with a known codec.
fn audio_track(format: &dyn FormatReader) -> Option<(&Track, &AudioCodecParameters)> {
    let track = format
        .default_track(TrackType::Audio)
        .or_else(|| format.first_track(TrackType::Audio))?;
    let params = track.codec_params.as_ref()?.audio()?;
    Some((track, params))
}

impl Source {
    /// Finds out how long the sound is by the file's own account, and what of it is the encoder's delay.
    fn read_claims(&mut self, path: &Path, mut file: File, len: u64) -> Result<(), AudioError> {
        let Some((track, params)) = audio_track(self.format.as_ref()) else {
            return Ok(());
        };
        let io = |e| io_error(path, e);
        let rate = params.sample_rate.unwrap_or(0);
        let counts_samples = track
            .time_base
            .is_some_and(|base| base.numer.get() == 1 && base.denom.get() == rate);
        let num_frames = track.num_frames.filter(|&n| n > 0 && counts_samples);
        let short_name = self.format.format_info().short_name;
        match short_name {
            "mp1" | "mp2" | "mp3" => {
                let layout = mpeg::layout(&mut file, len).map_err(io)?;
                self.mpeg = layout;
                if let Some((layout, info)) = layout.and_then(|l| l.info.map(|info| (l, info))) {
                    let until = layout.start + info.bytes.unwrap_or(0);
                    if until > layout.end {
                        return Err(ends_early(path, until + (len - layout.end), len));
                    }
                    self.skip = info.delay;
                    self.claim = info.samples().filter(|&n| n > 0);
                    self.cut = true;
                }
            }
            "isomp4" => {
                let account = mp4::account(&mut file, len, track.id).map_err(io)?;
                if self.codec.pre_skip() == 0 {
                    self.skip = match (account.delay_s * f64::from(rate)).round() as u64 {
                        0 => account.itunes_delay,
                        delay => delay,
                    };
                    self.claim = num_frames.map(|n| n.saturating_sub(self.skip));
                }
            }
            "wave" | "aiff" => {
                let account = riff::account(&mut file, len, short_name == "aiff").map_err(io)?;
                self.tags = account.tags;
                self.endless = account.endless;
                self.claim = num_frames;
            }
            "ogg" => {
                self.has_clock = true;
                self.complete = ogg::is_complete(&mut file, len, track.id).map_err(io)?;
            }
            "flac" => {
                self.has_clock = true;
                self.claim = num_frames;
            }
            "caf" => self.claim = num_frames,
            _ => {}
        }
        Ok(())
    }

    /// Reads and decodes one packet, appending its samples to `block`. `rate`: the rate of the packets before.
    fn step(
        &mut self,
        path: &Path,
        rate: Option<u32>,
        block: &mut Vec<f32>,
    ) -> Result<Step, AudioError> {
        let packet = match self.format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(Step::End),
            Err(SymphoniaError::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                // The end, in the middle of something. Where the sound has no known length, that is how it ends.
                self.complete &= self.claim.is_none() && self.endless;
                return Ok(Step::End);
            }
            Err(SymphoniaError::IoError(error)) => return Err(io_error(path, error)),
            Err(SymphoniaError::ResetRequired) => return self.next_chain(path),
            Err(_) => {
                self.tally.container_errors += 1;
                if self.tally.container_errors > MAX_CONTAINER_ERRORS {
                    return Ok(Step::End);
                }
                self.lose(1);
                return Ok(Step::Nothing);
            }
        };
        self.tally.container_errors = 0;
        if packet.track_id != self.track {
            return Ok(Step::Nothing);
        }
        if self.has_clock {
            let trimmed = packet.trim_start.saturating_add(packet.trim_end);
            let duration = packet.dur.saturating_add(trimmed).get();
            self.count_gap(packet.pts.get(), duration);
        }
        self.tally.packets += 1;
        self.tally.bytes += packet.data.len() as u64;
        let decoded = self.codec.decode(&packet, block);
        let (found, channels) = match decoded {
            Ok((found, channels)) if rate.is_none_or(|rate| rate == found) && is_sound(block) => {
                (found, channels)
            }
            Err(PacketError::Unsupported(what)) if self.tally.delivered == 0 => {
                return Err(AudioError::Unsupported {
                    path: path.to_owned(),
                    what: format!("a feature of its {} sound ({what})", self.codec.name()),
                });
            }
            _ => {
                block.clear();
                self.tally.packets -= 1;
                self.lose(1);
                let Tally {
                    packets, damaged, ..
                } = self.tally;
                if packets >= EARLY_VERDICT && damaged * 2 > packets {
                    return Err(AudioError::Damaged {
                        path: path.to_owned(),
                        damaged,
                        packets,
                    });
                }
                return Ok(Step::Nothing);
            }
        };
        self.tally.packet_len = block.len() as u64;
        if self.skip > 0 {
            let skipped = self.skip.min(block.len() as u64);
            self.skip -= skipped;
            block.drain(..skipped as usize);
        }
        if let Some(claim) = self.claim.filter(|_| self.cut) {
            let left = claim.saturating_sub(self.tally.delivered + self.tally.lost);
            block.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        self.tally.delivered += block.len() as u64;
        Ok(Step::Sound {
            rate: found,
            channels,
        })
    }

    /// Counts packets that gave no sound.
    fn lose(&mut self, packets: u64) {
        self.tally.packets += packets;
        self.tally.damaged += packets;
        self.tally.lost += packets * self.tally.packet_len;
    }

    /// Counts the packets that are missing between the last one and one at `time`, both in samples.
    fn count_gap(&mut self, time: i64, duration: u64) {
        let gap = self.next_time.map_or(0, |next| time.saturating_sub(next));
        if let Ok(gap) = u64::try_from(gap)
            && duration > 0
            && gap * 2 > duration
        {
            let missing = gap.div_ceil(duration);
            self.tally.packets += missing;
            self.tally.damaged += missing;
            self.tally.lost += gap;
        }
        self.next_time = time.checked_add_unsigned(duration);
    }

    /// Goes on with the next of several streams that follow one another in one file.
    fn next_chain(&mut self, path: &Path) -> Result<Step, AudioError> {
        let next = audio_track(self.format.as_ref())
            .map(|(track, params)| (track.id, Codec::new(params, true)));
        match next {
            Some((track, Ok(codec))) => {
                self.track = track;
                self.skip = codec.pre_skip();
                self.codec = codec;
                self.next_time = None;
                Ok(Step::Nothing)
            }
            _ => Err(AudioError::Unsupported {
                path: path.to_owned(),
                what: "a file whose sound changes its codec midway".to_owned(),
            }),
        }
    }

    /// At the end: whether what came is all that the file promised. `rate`: samples per second, where known.
    fn verdict(&mut self, path: &Path, rate: Option<u32>) -> Result<(), AudioError> {
        if let Some(mpeg) = self.mpeg {
            self.count_mpeg_gaps(&mpeg);
        }
        let length = |samples: u64| match rate {
            Some(rate) => format!("{:.2} s", samples as f64 / f64::from(rate)),
            None => format!("{samples} samples"),
        };
        // Some encoders count the account itself as a frame of sound.
        let slack = self.mpeg.map_or(0, |_| self.tally.packet_len);
        let accounted = self.tally.delivered + self.tally.lost + slack;
        if let Some(claim) = self.claim.filter(|&claim| accounted < claim) {
            return Err(AudioError::Truncated {
                path: path.to_owned(),
                expected: format!("{} by its own account", length(claim)),
                found: length(self.tally.delivered),
            });
        }
        if !self.complete {
            return Err(AudioError::Truncated {
                path: path.to_owned(),
                expected: "a sound that is marked as whole at its end".to_owned(),
                found: format!("the end of the file after {}", length(self.tally.delivered)),
            });
        }
        let Tally {
            packets, damaged, ..
        } = self.tally;
        if damaged * 10 > packets {
            return Err(AudioError::Damaged {
                path: path.to_owned(),
                damaged,
                packets,
            });
        }
        Ok(())
    }

    /// Frames of an MPEG audio file with damaged headers are passed over without a word: finds them by the bytes that no
    /// packet has.
    fn count_mpeg_gaps(&mut self, layout: &mpeg::Layout) {
        if self.tally.packets == 0 {
            return;
        }
        let info = layout.info.map_or(0, |info| info.len);
        let sound = layout.end.saturating_sub(layout.start + info);
        let gap = sound.saturating_sub(self.tally.bytes);
        let mean = (self.tally.bytes / self.tally.packets).max(1);
        self.lose((gap + mean / 2) / mean);
    }
}

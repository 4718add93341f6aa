//! Opening a file: what it is, which track holds the sound, and what it says of its own length.

use super::{
    AudioError, Tags,
    codec::{Codec, CodecError},
    mp4, mpeg, ogg, riff,
    sniff::{self, Sniffed},
    source::{Source, Tally, audio_track, io_error},
    time_limit::TimeLimit,
};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::Arc,
};
use symphonia::core::{
    codecs::audio::well_known as id,
    common::Limit,
    errors::Error as SymphoniaError,
    formats::{FormatOptions, probe::Hint},
    io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions},
    meta::MetadataOptions,
};

/// Accepted sample rates.
const RATES: std::ops::RangeInclusive<u32> = 2_000..=768_000;
/// Largest accepted number of channels.
const MAX_CHANNELS: usize = 64;
/// Largest tag that is read.
const MAX_TAG_BYTES: usize = 64 * 1024;
/// Largest ID3v2 tag that is read, pictures included; a larger one is passed over.
const MAX_ID3V2_BYTES: u64 = 16 * 1024 * 1024;

/// A file from a byte on.
struct FileFrom {
    file: File,
    offset: u64,
    limit: Arc<TimeLimit>,
}

impl Read for FileFrom {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.limit.check_read()?;
        self.file.read(buffer)
    }
}

impl Seek for FileFrom {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => SeekFrom::Start(at.saturating_add(self.offset)),
            other => other,
        };
        let at = self.file.seek(to).map_err(|error| match error.kind() {
            // To where no file reaches, since a header says so.
            io::ErrorKind::InvalidInput => io::ErrorKind::UnexpectedEof.into(),
            _ => error,
        })?;
        Ok(at.saturating_sub(self.offset))
    }
}

impl MediaSource for FileFrom {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        let len = self.file.metadata().ok()?.len();
        Some(len.saturating_sub(self.offset))
    }
}

impl Source {
    /// Opens the container and makes the decoder for its track.
    ///
    /// # Errors
    /// Those of a file that cannot be decoded, or that can be seen to end early without decoding it.
    pub(super) fn open(path: &Path, limit: &Arc<TimeLimit>) -> Result<Self, AudioError> {
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

        let mut second = File::open(path).map_err(|e| io_error(path, e))?;
        // symphonia holds a whole ID3v2 tag in memory.
        let tag_end = mpeg::after_id3v2(&mut second).map_err(|e| io_error(path, e))?;
        if tag_end > len {
            return Err(ends_early(path, tag_end, len));
        }
        let offset = if tag_end > MAX_ID3V2_BYTES {
            tag_end
        } else {
            0
        };
        let limit = limit.clone();
        let mut media = FileFrom {
            file,
            offset,
            limit,
        };
        media.rewind().map_err(|e| io_error(path, e))?;
        let stream = MediaSourceStream::new(Box::new(media), MediaSourceStreamOptions::default());
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
            chained: false,
            has_clock: false,
            next_time: None,
            time_base: track.time_base,
            trims: !is_mpeg,
            origin: None,
            position: None,
            tally: Tally::default(),
            codec,
            format,
        };
        source.read_claims(path, second, len)?;
        Ok(source)
    }

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
                let ending = ogg::ending(&mut file, len, track.id).map_err(io)?;
                self.complete = ending.complete;
                self.chained = ending.chained;
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
}

pub(super) fn check_ranges(path: &Path, rate: u32, channels: usize) -> Result<(), AudioError> {
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

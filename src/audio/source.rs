//! The packets of a file: opening the container, decoding packet by packet, and what was missing at the end.

use super::{
    Tags,
    codec::{Codec, PacketError, is_audio},
    container,
    ffmpeg::Call,
    input::Input,
    mixer::Mixer,
    repair, sniff,
    time_limit::TimeLimit,
};
use crate::{Error, ErrorKind, Result, charset::TagCharset};
use std::{
    io::{self, Seek},
    sync::Arc,
};
use symphonia::core::{
    codecs::audio::AudioCodecParameters,
    common::Limit,
    errors::Error as SymphoniaError,
    formats::{FormatOptions, FormatReader, SeekMode, SeekTo, Track, TrackType, probe::Hint},
    io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions},
    meta::MetadataOptions,
    packet::Packet,
    units::{Duration, TimeBase, Timestamp},
};

/// Accepted sample rates.
const RATES: std::ops::RangeInclusive<u32> = 2_000..=768_000;
/// Largest accepted number of channels.
const MAX_CHANNELS: usize = 64;
/// Largest tag that symphonia keeps.
const MAX_TAG_BYTES: usize = 64 * 1024;
/// Largest ID3v2 tag that is read, pictures included; a larger one is skipped. symphonia holds the whole tag in memory.
const MAX_ID3V2_BYTES: u64 = 16 * 1024 * 1024;
/// Packets that may hold nothing but the padding at the end of an MP3 file: it has at most 4,095 samples.
const MAX_PADDING: u64 = 4;
/// Errors of the container in a row after which the rest of the file is given up.
const MAX_CONTAINER_ERRORS: u32 = 64;

/// An open container and the decoder of its track.
pub(super) struct Source {
    format: Box<dyn FormatReader>,
    /// The ffmpeg whose output is read.
    ffmpeg: Option<Call>,
    codec: Codec,
    track: u32,
    /// The unit of the packets' times, if they have one.
    time_base: Option<TimeBase>,
    /// Samples at the start that precede the audio: the encoder's delay.
    skip: u64,
    /// Samples of the audio according to the headers, if they know them.
    declared_samples: Option<u64>,
    tally: Tally,
    pub(super) mixer: Mixer,
    /// The packets' time of the first sample, in samples.
    origin: Option<i64>,
    /// Start of the last block in the song, in samples, according to the packets' times.
    pub(super) position: Option<i64>,
}

/// Counts of packets and samples.
#[derive(Default)]
struct Tally {
    packets: u64,
    damaged: u64,
    /// Samples decoded.
    delivered: u64,
    /// Samples that damaged packets would have given.
    lost: u64,
    /// Samples of the longest packet.
    packet_len: u64,
    /// Packets after the length in the header.
    trimmed: u64,
    /// Errors of the container since the last packet.
    container_errors: u32,
}

/// The outcome of reading one packet.
pub(super) enum Next {
    Packet(Packet),
    /// Something that is no packet.
    Damage,
    /// The next of several streams that follow one another.
    NewStream,
    End,
}

impl Source {
    /// Opens the container and makes the decoder of its track.
    ///
    /// # Errors
    /// Those of a file that cannot be decoded, or that is known to be truncated without decoding it.
    pub(super) fn open(input: &Input, limit: &Arc<TimeLimit>) -> Result<Self> {
        let len = input.len().map_err(io_error)?;
        if len == 0 {
            return Err(no_audio("the file is empty"));
        }
        let mut file = input.reader(0, limit).map_err(io_error)?;
        let (format, ffmpeg) = if let Input::Ffmpeg(call) = input {
            let stream = call.start(limit).map_err(io_error)?;
            let format = open_format(Box::new(stream), len).map_err(|_| call.failure())?;
            (format, Some(call.clone()))
        } else {
            let head = file.bytes(0, sniff::HEAD).map_err(io_error)?;
            sniff::sniff(&head)?;
            let tag_end = container::after_id3v2(&mut file).map_err(io_error)?;
            let is_large = tag_end > MAX_ID3V2_BYTES;
            let start = if is_large { tag_end } else { 0 };
            let mut media = input.reader(start, limit).map_err(io_error)?;
            let corrections = repair::corrections(&mut media, len.saturating_sub(start));
            media.correct(corrections.map_err(io_error)?);
            media.rewind().map_err(io_error)?;
            media.shorten(container::id3v1_len(&mut file, len).map_err(io_error)?);
            (open_format(Box::new(media), len)?, None)
        };

        let container = format.format_info().long_name;
        let Some((track, params)) = audio_track(format.as_ref()) else {
            let message =
                format!("contains no audio: its {container} container has no audio track");
            return Err(Error::new(ErrorKind::Empty, message));
        };
        if let (Some(rate), Some(channels)) = (params.sample_rate, &params.channels) {
            check_ranges(rate, channels.count())?;
        }
        let codec = Codec::new(params).map_err(|error| match error.kind() {
            ErrorKind::Damaged => damaged_headers(container, error),
            _ => error,
        })?;
        let declared = match ffmpeg {
            Some(_) => None,
            None => container::declared_samples(format.as_ref(), track.id, &mut file, len)
                .map_err(io_error)?,
        };
        Ok(Self {
            track: track.id,
            time_base: track.time_base,
            skip: codec.pre_skip(),
            declared_samples: declared.map(|samples| samples.saturating_sub(codec.pre_skip())),
            tally: Tally::default(),
            mixer: Mixer::default(),
            origin: None,
            position: None,
            codec,
            format,
            ffmpeg,
        })
    }

    /// Name of the decoder, and short name of the codec.
    pub(super) fn decoder(&self) -> (&'static str, String) {
        match &self.ffmpeg {
            Some(call) => ("ffmpeg", call.codec()),
            None => (self.codec.decoder(), self.codec.name().to_owned()),
        }
    }

    /// symphonia's short names of the container (`mp3`, `isomp4`, `ogg`, ...) and of the codec.
    pub(super) fn names(&self) -> (&'static str, &'static str) {
        (self.format.format_info().short_name, self.codec.name())
    }

    /// The properties that files with the same audio share.
    pub(super) fn identity(&self) -> String {
        let codec = self.codec.name();
        format!("{codec} {} {:?}", self.skip, self.declared_samples)
    }

    /// The tags of the file.
    pub(super) fn tags(
        &mut self,
        input: &Input,
        limit: &Arc<TimeLimit>,
        charset: TagCharset,
    ) -> Tags {
        if let Some(call) = &self.ffmpeg {
            return call.tags(charset);
        }
        let (container, codec) = self.names();
        let reader = input.reader(0, limit).ok();
        let tags = reader.and_then(|reader| Tags::read(reader, container, codec, charset));
        tags.unwrap_or_else(|| Tags::of_format(self.format.as_mut()))
    }

    pub(super) fn damaged_packets(&self) -> u64 {
        self.tally.damaged
    }

    /// Forgets the damage so far: the requested segment starts now.
    pub(super) fn forget_damage(&mut self) {
        (self.tally.packets, self.tally.damaged) = (0, 0);
    }

    /// Reads one packet, of any track.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub(super) fn next_packet(&mut self) -> Result<Next> {
        match self.format.next_packet() {
            Ok(Some(packet)) => {
                // After the last packet there is no damage: tags, zeros or text.
                let errors = std::mem::take(&mut self.tally.container_errors);
                self.record_lost(errors.into());
                Ok(Next::Packet(packet))
            }
            Ok(None) => Ok(Next::End),
            Err(SymphoniaError::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Ok(Next::End)
            }
            Err(SymphoniaError::IoError(error)) => Err(io_error(error)),
            Err(SymphoniaError::ResetRequired) => Ok(Next::NewStream),
            Err(_) if self.tally.container_errors >= MAX_CONTAINER_ERRORS => Ok(Next::End),
            Err(_) => {
                self.tally.container_errors += 1;
                Ok(Next::Damage)
            }
        }
    }

    /// Fills `block` with the samples of the next packet that has any, and returns their rate and the number of channels;
    /// `None` at the end. Both may change midway.
    pub(super) fn next_block(
        &mut self,
        limit: &TimeLimit,
        block: &mut Vec<f32>,
    ) -> Result<Option<(u32, usize)>> {
        loop {
            limit.check()?;
            block.clear();
            let mut packet = match self.next_packet()? {
                Next::Packet(packet) if packet.track_id == self.track => packet,
                Next::Packet(_) | Next::Damage => continue,
                Next::NewStream => {
                    self.next_stream()?;
                    continue;
                }
                Next::End => return Ok(None),
            };
            // symphonia trims all that follows the length in the header, but a joined file goes on there.
            let is_trimmed = self.is_mpeg() && packet.trim_end >= packet.dur;
            self.tally.trimmed += u64::from(is_trimmed);
            if is_trimmed && self.tally.trimmed > MAX_PADDING {
                packet.trim_end = Duration::ZERO;
            }
            let mut decoded = self.codec.decode(&packet, &mut self.mixer, block);
            if decoded.is_err() && self.renew_codec() {
                block.clear();
                decoded = self.codec.decode(&packet, &mut self.mixer, block);
            }
            let (found, channels) = match decoded {
                Ok(spec) if is_audio(block) => spec,
                Err(PacketError::Unsupported(what)) if self.tally.delivered == 0 => {
                    let what = format!("a feature of its {} audio ({what})", self.codec.name());
                    return Err(unsupported(&what));
                }
                _ => {
                    self.record_lost(1);
                    continue;
                }
            };
            self.tally.packets += 1;
            self.tally.packet_len = self.tally.packet_len.max(block.len() as u64);
            if block.is_empty() {
                continue;
            }
            let time = self.time_in_samples(&packet, found);
            let skip = self.skip;
            if self.origin.is_none() {
                self.origin = time.map(|time| time.saturating_add_unsigned(skip));
            }
            let place = time.zip(self.origin);
            self.position = place.map(|(time, origin)| time.saturating_sub(origin));
            let skipped = skip.min(block.len() as u64);
            self.skip -= skipped;
            block.drain(..skipped as usize);
            self.tally.delivered += block.len() as u64;
            if !block.is_empty() {
                return Ok(Some((found, channels)));
            }
        }
    }

    fn is_mpeg(&self) -> bool {
        matches!(self.codec.name(), "mp1" | "mp2" | "mp3")
    }

    /// Makes a new MPEG decoder: symphonia's refuses packets of another rate or number of channels than the first.
    fn renew_codec(&mut self) -> bool {
        let fresh = audio_track(self.format.as_ref())
            .filter(|_| self.is_mpeg())
            .and_then(|(_, params)| Codec::new(params).ok());
        fresh.map(|codec| self.codec = codec).is_some()
    }

    /// Counts packets that gave no audio.
    fn record_lost(&mut self, packets: u64) {
        self.tally.packets += packets;
        self.tally.damaged += packets;
        self.tally.lost += packets * self.tally.packet_len;
    }

    /// Continues with the next of several streams that follow one another in one file.
    fn next_stream(&mut self) -> Result<()> {
        if let Some((track, params)) = audio_track(self.format.as_ref())
            && let Ok(codec) = Codec::new(params)
        {
            self.track = track.id;
            self.skip = codec.pre_skip();
            self.codec = codec;
            return Ok(());
        }
        Err(unsupported("a file whose audio changes its codec midway"))
    }

    /// The samples that were decoded, and those that the headers promise, or else the damaged packets.
    pub(super) fn decoded_of_promised(&self, rate: u32) -> (u64, u64) {
        let found = self.tally.delivered;
        let by_ffmpeg = || Some((self.ffmpeg.as_ref()?.declared_s()? * f64::from(rate)) as u64);
        let promised = self.declared_samples.or_else(by_ffmpeg);
        (found, promised.unwrap_or(found + self.tally.lost))
    }

    /// The seconds that are missing of a file or a part of it.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] and [`ErrorKind::Damaged`] if that is more than was decoded, or this is less than a second.
    pub(super) fn missing_s(&self, (found, promised): (u64, u64), rate: u32) -> Result<f64> {
        let seconds = |samples: u64| samples as f64 / f64::from(rate);
        let missing = promised.saturating_sub(found);
        // Some encoders count the frame with the header as audio, and CAF the whole of the last packet.
        let slack = match self.names().0 {
            "mp1" | "mp2" | "mp3" | "caf" => self.tally.packet_len,
            // Headers that ffmpeg reads round the length, and count the encoder's delay.
            _ if self.ffmpeg.is_some() => u64::from(rate) / 5,
            _ => 0,
        };
        if found > 0 && missing <= slack && self.tally.lost == 0 {
            return Ok(0.0);
        }
        if missing <= found && found >= u64::from(rate) {
            return Ok(seconds(missing));
        }
        let decoded = format!(
            "{:.2} s of {:.2} s decoded",
            seconds(found),
            seconds(promised)
        );
        Err(match self.tally.damaged {
            0 => truncated(&decoded),
            _ => self.damage(&decoded),
        })
    }

    /// The error of a file without a sample.
    pub(super) fn no_samples(&self) -> Error {
        if let Some(call) = &self.ffmpeg {
            return call.failure();
        }
        match self.tally.damaged {
            0 => no_audio("its track has no samples"),
            _ => self.damage("no audio decoded"),
        }
    }

    fn damage(&self, decoded: &str) -> Error {
        let (packets, damaged) = (self.tally.packets, self.tally.damaged);
        let message = format!(
            "damaged: {decoded}, {damaged} of {packets} packets cannot be decoded; {RESTORE}"
        );
        Error::new(ErrorKind::Damaged, message)
    }

    // Times and places

    /// The samples of the audio according to the headers.
    pub(super) fn declared_samples(&self) -> Option<u64> {
        self.declared_samples
    }

    /// The time of a packet's first decoded sample, in samples at `rate`.
    fn time_in_samples(&self, packet: &Packet, rate: u32) -> Option<i64> {
        let base = self.time_base?;
        let ticks = i128::from(packet.pts.get()) + i128::from(packet.trim_start.get());
        let samples = ticks * i128::from(base.numer.get()) * i128::from(rate);
        let denom = i128::from(base.denom.get());
        i64::try_from((samples + denom / 2).div_euclid(denom)).ok()
    }

    /// Seeks to the packet of a sample, or some packets before it. Returns false if the container cannot; its position is
    /// then unknown.
    pub(super) fn seek(&mut self, sample: i64, rate: u32) -> bool {
        let Some((origin, base)) = self.origin.zip(self.time_base) else {
            return false;
        };
        let is_exact = match self.format.format_info().short_name {
            // Milliseconds only, and not the encoder's delay.
            "matroska" | "mkv" | "webm" => false,
            "isomp4" => self.codec.pre_skip() == 0,
            // Packets of another stream in between would block the search of symphonia 0.6 forever.
            "ogg" => self.format.tracks().len() == 1 && self.declared_samples.is_some(),
            _ => true,
        };
        let time = i128::from(origin) + i128::from(sample);
        let unit = i128::from(base.numer.get()) * i128::from(rate);
        let ticks = i64::try_from((time * i128::from(base.denom.get())).div_euclid(unit));
        let (true, Ok(ticks)) = (is_exact, ticks) else {
            return false;
        };
        let to = SeekTo::Timestamp {
            ts: Timestamp::from(ticks),
            track_id: self.track,
        };
        if self.format.seek(SeekMode::Accurate, to).is_err() {
            return false;
        }
        self.codec.reset();
        self.skip = 0;
        self.position = None;
        self.tally = Tally::default();
        true
    }

    /// The length of the audio according to the times of its packets, which are read and not decoded; 0 if they have none.
    /// The sum, if several streams follow one another.
    pub(super) fn count_seconds(&mut self, limit: &TimeLimit) -> Result<f64> {
        let (mut first, mut end, mut seconds) = (None, 0, 0.0);
        loop {
            limit.check()?;
            let next = self.next_packet()?;
            match (&next, self.time_base) {
                (Next::Packet(packet), _) if packet.track_id == self.track => {
                    let time = packet.pts.get();
                    let length = packet.trim_start.saturating_add(packet.dur);
                    first.get_or_insert(time);
                    end = time.saturating_add_unsigned(length.get());
                }
                (Next::NewStream | Next::End, Some(base)) => {
                    let ticks = end.saturating_sub(first.take().unwrap_or(end)).max(0) as f64;
                    seconds += ticks * f64::from(base.numer.get()) / f64::from(base.denom.get());
                }
                _ => {}
            }
            match (next, audio_track(self.format.as_ref())) {
                (Next::NewStream, Some((track, _))) => {
                    (self.track, self.time_base) = (track.id, track.time_base);
                }
                (Next::End, _) => return Ok(seconds),
                _ => {}
            }
        }
    }
}

fn open_format(media: Box<dyn MediaSource>, len: u64) -> Result<Box<dyn FormatReader>> {
    let stream = MediaSourceStream::new(media, MediaSourceStreamOptions::default());
    let metadata = MetadataOptions::default()
        .limit_tag_bytes(Limit::Maximum(MAX_TAG_BYTES))
        .limit_visual_bytes(Limit::Maximum(0));
    symphonia::default::get_probe()
        .probe(&Hint::new(), stream, FormatOptions::default(), metadata)
        .map_err(|error| match error {
            SymphoniaError::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                truncated(&format!("its headers are incomplete after {len} bytes"))
            }
            SymphoniaError::IoError(e) => io_error(e),
            SymphoniaError::Unsupported(what) if what.contains("no suitable format reader") => {
                not_audio("bytes of no known format")
            }
            SymphoniaError::Unsupported(what) if !what.contains("missing") => {
                let what = what
                    .replace("unsupported ", "")
                    .replace(" not supported", "");
                unsupported(&format!("a variant of this format ({what})"))
            }
            error => damaged_headers("audio", error),
        })
}

/// The track to decode: the default one if it is audio, else the first with a known codec.
fn audio_track(format: &dyn FormatReader) -> Option<(&Track, &AudioCodecParameters)> {
    let track = format
        .default_track(TrackType::Audio)
        .or_else(|| format.first_track(TrackType::Audio))?;
    let params = track.codec_params.as_ref()?.audio()?;
    Some((track, params))
}

/// Checks a sample rate and a number of channels.
///
/// # Errors
/// [`ErrorKind::Unsupported`].
pub(super) fn check_ranges(rate: u32, channels: usize) -> Result<()> {
    let (low, high) = (RATES.start(), RATES.end());
    let what = if !RATES.contains(&rate) {
        format!("a sample rate of {rate} Hz (not {low} to {high} Hz)")
    } else if !(1..=MAX_CHANNELS).contains(&channels) {
        format!("audio of {channels} channels (not 1 to {MAX_CHANNELS})")
    } else {
        return Ok(());
    };
    Err(unsupported(&what))
}

// Errors. The decoder adds the path.

const RESTORE: &str = "restore it from its source";

pub(super) fn io_error(source: io::Error) -> Error {
    let message = "cannot be read; check that it exists, is an ordinary file and is readable";
    Error::new(ErrorKind::Io, message).with_source(source)
}

pub(super) fn no_audio(why: &str) -> Error {
    let message = format!("contains no audio ({why}); {RESTORE}");
    Error::new(ErrorKind::Empty, message)
}

pub(super) fn unsupported(what: &str) -> Error {
    let message = format!(
        "{what} is not supported; convert the file to FLAC, for example with `ffmpeg -i INPUT OUTPUT.flac`"
    );
    Error::new(ErrorKind::Unsupported, message)
}

pub(super) fn truncated(what: &str) -> Error {
    let message = format!("truncated: {what}; download or copy it again");
    Error::new(ErrorKind::Truncated, message)
}

pub(super) fn not_audio(found: &str) -> Error {
    let message = format!("not an audio file: found {found}");
    Error::new(ErrorKind::NotAudio, message)
}

fn damaged_headers(
    container: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    let message = format!("damaged: its {container} headers cannot be parsed; {RESTORE}");
    Error::new(ErrorKind::Damaged, message).with_source(source)
}

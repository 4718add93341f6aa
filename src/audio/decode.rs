//! A file to mono samples at its own rate, packet by packet.

use super::{
    Excerpt, Segment, Tags,
    excerpt::Selection,
    ffmpeg::Call,
    input::Input,
    mixer::Mixer,
    resample::Resampler,
    source::{self, Source},
    time_limit::{MAX_HOURS, TimeLimit},
};
use crate::{Error, ErrorKind, Result, charset::TagCharset, contain::catch_panic};
use std::{ops::Range, path::Path, sync::Arc};

/// The facts about the audio of a file. Those after the tags are known when the decoder has reached the end.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioInfo {
    /// Samples per second and channel, as decoded: 2,000 to 768,000.
    pub sample_rate: u32,
    /// Channels in the file, 1 to 64. The decoder returns their mean.
    pub channels: u16,
    /// The channel that the decoder returns instead, counted from 1, because the two cancel each other in the mean.
    pub channel: Option<u16>,
    /// Short name of the codec: `mp3`, `aac`, `alac`, `flac`, `vorbis`, `opus`, `pcm_s16le`, ...
    pub codec: String,
    /// The decoder: `symphonia`, `opus-pure` or `ffmpeg`.
    pub decoder: &'static str,
    /// Text tags.
    pub tags: Tags,
    /// Length of the song in seconds; according to the file's header if only a segment is decoded.
    pub duration_s: f64,
    /// The segment that is decoded, if that is not the whole song.
    pub segment: Option<Segment>,
    /// Packets that were skipped as damaged.
    pub damaged_packets: u64,
    /// Seconds that the file promises and that could not be decoded; 0 for a complete file.
    pub missing_s: f64,
}

impl AudioInfo {
    /// Seconds that are decoded: the segment, or the whole song.
    pub fn analyzed_s(&self) -> f64 {
        match self.segment {
            Some(segment) => segment.length_s(),
            None => self.duration_s,
        }
    }
}

/// What to decode, and how.
#[derive(Debug, Clone, Default)]
pub(crate) struct DecodeOptions {
    pub selection: Selection,
    pub tag_charset: TagCharset,
    /// The channel to decode instead of the mean of all, counted from 1.
    pub channel: Option<u16>,
}

/// Decodes one file. Memory does not grow with the length of the audio.
///
/// The content decides the format, not the name. The encoder's delay and padding are trimmed if the file declares them, except
/// for AAC in MP4. A damaged packet is skipped and counted, and a file may end early: [`AudioInfo`] says how much is missing.
/// If that is more than half of what the file promises, or all but a second, its end is an error instead of `None`. A file that
/// takes absurdly long to decode, or has more than 100 hours of audio, is an error too.
///
/// A file that the built-in decoders cannot open is decoded by ffmpeg, if it is installed ([`use_ffmpeg`](crate::use_ffmpeg)).
///
/// ```no_run
/// let mut decoder = circumplex::Decoder::open("song.mp3")?;
/// let mut samples = 0;
/// while let Some(block) = decoder.next_block()? {
///     samples += block.len();
/// }
/// println!("{} s", samples as f64 / f64::from(decoder.info().sample_rate));
/// # Ok::<(), circumplex::Error>(())
/// ```
pub struct Decoder {
    input: Input,
    info: AudioInfo,
    source: Source,
    /// The block that `next_block` returns.
    block: Vec<f32>,
    converter: Option<Converter>,
    state: State,
    limit: Arc<TimeLimit>,
    /// Samples decoded so far, `block` included.
    samples: u64,
    part: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The block was decoded while opening and not returned yet.
    Ready,
    Decoding,
    /// All of the segment was returned.
    PartDone,
    Ended,
}

/// The samples to return, counted from the start of the song.
#[derive(Debug, Clone)]
struct Part {
    samples: Range<i64>,
    /// The sample at which the next block starts.
    position: i64,
    /// The decoder came here by seeking.
    seeked: bool,
    /// Samples returned so far.
    returned: u64,
}

/// How long decoders of lossy codecs run before their output is used: it depends on earlier packets. MP3 has the longest
/// memory, whose frames borrow from up to nine before; Opus asks for 80 ms (RFC 7845, section 4.6).
const PREROLL_S: f64 = 0.5;

impl Decoder {
    /// Opens a file and decodes its first packets.
    ///
    /// # Errors
    /// An error that names the file, if it is not audio, not supported, damaged or known to be truncated.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_input(Input::from(path.as_ref()), &DecodeOptions::default())
    }

    /// Opens a file as [`open`](Self::open) does, with one channel, counted from 1, instead of the mean.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub(crate) fn open_channel(path: &Path, channel: Option<u16>) -> Result<Self> {
        let options = DecodeOptions {
            channel,
            ..DecodeOptions::default()
        };
        Self::open_input(Input::from(path), &options)
    }

    /// Opens a file and decodes a segment of one channel, counted from 1, or of the mean.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and where the segment is not in the song.
    #[cfg(feature = "serve")]
    pub(crate) fn open_segment(
        path: &Path,
        channel: Option<u16>,
        segment: super::Segment,
    ) -> Result<Self> {
        let options = DecodeOptions {
            selection: Selection::Segment(segment),
            channel,
            ..DecodeOptions::default()
        };
        Self::open_input(Input::from(path), &options)
    }

    /// Opens a file as [`open`](Self::open) does, or its louder channel alone where the two cancel each other, for which it is
    /// decoded to the end before.
    ///
    /// # Errors
    /// Those of [`open`](Self::open) and [`next_block`](Self::next_block).
    pub(crate) fn open_audible(path: &Path) -> Result<Self> {
        let mut decoder = Self::open(path)?;
        while decoder.next_block()?.is_some() {}
        Self::open_channel(path, decoder.channel_instead())
    }

    /// Opens a file and decodes an excerpt of it; all of it if it is no longer than the excerpt, or if its container has
    /// no times.
    ///
    /// PCM, FLAC, ALAC, MP3 and Vorbis give the samples of the whole file. So does AAC except for the noise that its
    /// decoder makes up, and Opus within what its decoder forgets in half a second. Matroska, WebM, Opus in MP4 and Ogg
    /// files of several streams have no exact positions and are decoded from the start. Damage outside the excerpt goes
    /// unnoticed.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_excerpt(path: impl AsRef<Path>, excerpt: &Excerpt) -> Result<Self> {
        let options = DecodeOptions {
            selection: Selection::Excerpt(*excerpt),
            ..DecodeOptions::default()
        };
        Self::open_input(Input::from(path.as_ref()), &options)
    }

    /// Opens a file, or the content of one, and decodes the selected part, with ffmpeg if need be.
    fn open_input(input: Input, options: &DecodeOptions) -> Result<Self> {
        with_fallback(&input, |input| Self::open_directly(input.clone(), options))
    }

    /// Opens a file without a fallback.
    pub(crate) fn open_directly(input: Input, options: &DecodeOptions) -> Result<Self> {
        let mut decoder = Self::start(input, options)?;
        if options.selection == Selection::All {
            return Ok(decoder);
        }
        let rate = f64::from(decoder.info.sample_rate);
        let (input, limit) = (&decoder.input, &decoder.limit);
        let total_s = match decoder.source.declared_samples() {
            Some(samples) => samples as f64 / rate,
            None => guarded(input, limit, || {
                Source::open(input, limit)?.count_seconds(limit)
            })?,
        };
        let place = options.selection.place(total_s);
        let Some(place) = place.map_err(|error| input.name(error))? else {
            return Ok(decoder);
        };
        let sample = |seconds: f64| (seconds * rate).round() as i64;
        let samples = sample(place.start_s)..sample(place.end_s);
        decoder.info.duration_s = total_s;
        decoder.info.segment = Some(Segment {
            start_s: samples.start as f64 / rate,
            end_s: samples.end as f64 / rate,
        });
        decoder.go_to(samples)
    }

    fn start(input: Input, options: &DecodeOptions) -> Result<Self> {
        let limit = TimeLimit::of(&input);
        Self::start_within(input, limit, options)
    }

    fn start_within(input: Input, limit: Arc<TimeLimit>, options: &DecodeOptions) -> Result<Self> {
        let mut block = Vec::new();
        let channel = options.channel;
        let (source, info) = guarded(&input, &limit, || {
            let mut source = Source::open(&input, &limit)?;
            source.mixer = Mixer::new(channel.map(|channel| usize::from(channel) - 1));
            let first = source.next_block(&limit, &mut block)?;
            let Some((sample_rate, channels)) = first else {
                return Err(source.no_samples());
            };
            source::check_ranges(sample_rate, channels)?;
            let (decoder, codec) = source.decoder();
            let info = AudioInfo {
                decoder,
                sample_rate,
                channels: channels as u16,
                channel,
                codec,
                tags: source.tags(&input, &limit, options.tag_charset),
                duration_s: 0.0,
                segment: None,
                damaged_packets: 0,
                missing_s: 0.0,
            };
            Ok((source, info))
        })?;
        Ok(Self {
            input,
            info,
            source,
            block,
            converter: None,
            state: State::Ready,
            limit,
            samples: 0,
            part: None,
        })
    }

    /// The channel to decode instead, counted from 1, if the two channels cancel each other in the mean of what was decoded.
    pub(crate) fn channel_instead(&self) -> Option<u16> {
        let channel = self.source.mixer.channel_instead()?;
        Some(channel as u16 + 1)
    }

    /// The facts about the audio.
    pub fn info(&self) -> &AudioInfo {
        &self.info
    }

    /// Next block of mono samples (mean of the channels, -1 to 1) at the file's own rate, never empty; `None` after the
    /// last. Blocks are as long as the file's packets. After an error there are no more.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] or [`ErrorKind::Damaged`] at the end of a file of which most is missing, [`ErrorKind::Io`] at
    /// any time.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>> {
        while self.read_block()? {
            if self.trim_to_part() {
                return Ok(Some(&self.block));
            }
        }
        Ok(None)
    }

    /// Trims the block to the selected part. Returns false if nothing is left.
    fn trim_to_part(&mut self) -> bool {
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
        if !self.block.is_empty() && part.returned == 0 {
            self.source.forget_damage();
        }
        part.returned += self.block.len() as u64;
        if part.position >= part.samples.end {
            self.state = State::PartDone;
        }
        !self.block.is_empty()
    }

    /// Decodes the next block. Returns false after the last.
    fn read_block(&mut self) -> Result<bool> {
        let state = std::mem::replace(&mut self.state, State::Ended);
        if state == State::Ended {
            return Ok(false);
        }
        let (source, limit) = (&mut self.source, &self.limit);
        let rate = self.info.sample_rate;
        let more = guarded(&self.input, limit, || {
            if state == State::PartDone {
                return Ok(false);
            } else if state == State::Ready
                || next_at_rate(source, &mut self.converter, rate, limit, &mut self.block)?
            {
                return Ok(true);
            }
            let decoded = match &self.part {
                Some(part) => (
                    part.returned,
                    (part.samples.end - part.samples.start) as u64,
                ),
                None => source.decoded_of_promised(self.info.sample_rate),
            };
            self.info.missing_s = source.missing_s(decoded, self.info.sample_rate)?;
            Ok(false)
        })?;
        self.info.damaged_packets = source.damaged_packets();
        if more {
            self.count_block()?;
            self.state = State::Decoding;
        }
        Ok(more)
    }

    /// # Errors
    /// [`ErrorKind::Unsupported`] for endless audio.
    fn count_block(&mut self) -> Result<()> {
        let seconds = |samples: u64| samples as f64 / f64::from(self.info.sample_rate);
        let samples = self.block.len() as u64;
        self.samples += samples;
        self.limit.grant(seconds(samples));
        let decoded_s = seconds(self.samples);
        if self.info.segment.is_none() {
            self.info.duration_s = decoded_s;
        }
        if decoded_s < MAX_HOURS * 3600.0 {
            return Ok(());
        }
        let message =
            format!("more than {MAX_HOURS} hours of audio; it is damaged, or must be split");
        Err(self.input.name(Error::new(ErrorKind::Unsupported, message)))
    }

    /// Goes to some samples, after the first block was decoded: by seeking if the container can, else by decoding from the
    /// start and discarding.
    fn go_to(mut self, samples: Range<i64>) -> Result<Self> {
        let codec = self.info.codec.as_str();
        let is_lossless = matches!(codec, "flac" | "alac") || codec.starts_with("pcm");
        let preroll_s = if is_lossless { 0.0 } else { PREROLL_S };
        let start = samples.start;
        let target = start - (preroll_s * f64::from(self.info.sample_rate)) as i64;
        let mut part = Part {
            samples,
            position: 0,
            seeked: false,
            returned: 0,
        };
        if target > self.block.len() as i64 {
            match self.seek(target) {
                Ok(Some(position)) if position <= start => {
                    part.position = position;
                    part.seeked = true;
                }
                // Seeking failed, or the position is unknown.
                _ => {
                    let info = self.info;
                    let options = DecodeOptions {
                        channel: info.channel,
                        ..DecodeOptions::default()
                    };
                    self = Self::start(self.input, &options)?;
                    self.info = info;
                }
            }
        }
        self.part = Some(part);
        Ok(self)
    }

    /// Seeks to a sample or some before it, and decodes one block there. Returns its position.
    fn seek(&mut self, sample: i64) -> Result<Option<i64>> {
        let (source, rate) = (&mut self.source, self.info.sample_rate);
        if !guarded(&self.input, &self.limit, || Ok(source.seek(sample, rate)))? {
            return Ok(None);
        }
        self.state = State::Decoding;
        if !self.read_block()? {
            return Ok(None);
        }
        self.state = State::Ready;
        Ok(self.source.position)
    }
}

/// Brings a part of a file, whose sample rate is not that of the first part, to that rate.
struct Converter {
    from: u32,
    resampler: Resampler,
}

/// Fills `block` with the next samples at `rate`, never empty. Returns false at the end.
fn next_at_rate(
    source: &mut Source,
    converter: &mut Option<Converter>,
    rate: u32,
    limit: &TimeLimit,
    block: &mut Vec<f32>,
) -> Result<bool> {
    loop {
        let found = source.next_block(limit, block)?;
        let found = found.map_or(rate, |(found, _)| found);
        if converter.is_none() && found == rate {
            return Ok(!block.is_empty());
        }
        let mut converted = Vec::new();
        if let Some(mut ended) = converter.take_if(|converter| converter.from != found) {
            ended.resampler.finish(&mut converted)?;
        }
        if found == rate {
            converted.append(block);
        } else {
            source::check_ranges(found, 1)?;
            let current = match converter {
                Some(current) => current,
                None => converter.insert(Converter {
                    from: found,
                    resampler: Resampler::new(found, rate)?,
                }),
            };
            current.resampler.push(block, &mut converted)?;
        }
        *block = converted;
        if !block.is_empty() {
            return Ok(true);
        }
    }
}

/// Runs `work` on a file, and again with ffmpeg if the built-in decoders fail on the file. If ffmpeg fails as well, the first
/// error is returned, with ffmpeg's as its source.
///
/// # Errors
/// Those of `work`.
pub(crate) fn with_fallback<T>(
    input: &Input,
    mut work: impl FnMut(&Input) -> Result<T>,
) -> Result<T> {
    let error = match work(input) {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    match Call::instead_of(input, &error) {
        None => Err(error),
        Some(call) => {
            work(&Input::Ffmpeg(call)).map_err(|second| error.with_source(second.message()))
        }
    }
}

/// Runs `work` on the mean of the channels, and again on the louder one if the two cancel each other. `work` takes the channel, as
/// [`DecodeOptions`] do, and also returns [`Decoder::channel_instead`].
///
/// # Errors
/// Those of `work`.
pub(crate) fn with_audible_channel<T>(
    mut work: impl FnMut(Option<u16>) -> Result<(T, Option<u16>)>,
) -> Result<T> {
    match work(None)? {
        (done, None) => Ok(done),
        (_, channel) => Ok(work(channel)?.0),
    }
}

/// Runs `work`, which calls other crates' decoders: a panic becomes an error, time is limited, and errors name the file.
pub(super) fn guarded<T>(
    input: &Input,
    limit: &TimeLimit,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    limit.resume();
    // After a panic the decoder is not used again, so no broken state can be seen.
    let result = catch_panic(work).unwrap_or_else(|panic| {
        let message =
            "damaged: the decoder failed on its content; restore it from its source, or convert it";
        Err(Error::new(ErrorKind::Damaged, message).with_source(panic))
    });
    result.map_err(|error| input.name(limit.explain(error)))
}

#[cfg(test)]
mod tests;

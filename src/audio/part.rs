//! Decoding a part of a file: by seeking where the container can, else by decoding from the start and discarding.

use super::{AudioError, Decoder, Excerpt, decode::contain, source::Source};
use std::{ops::Range, path::Path};

/// A segment of a song.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Start in seconds.
    pub start_s: f64,
    /// End in seconds; infinity, or any time after the end of the song, stands for that end.
    pub end_s: f64,
}

impl Segment {
    /// Length in seconds.
    pub fn length_s(&self) -> f64 {
        self.end_s - self.start_s
    }
}

/// What of the decoded samples is wanted, counted from the start of the song.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) samples: Range<i64>,
    pub(super) total_s: f64,
    /// The sample at which the next block begins.
    pub(super) position: i64,
    /// The decoder did not come here from the start of the file.
    pub(super) sought: bool,
    /// Its first samples were handed out.
    pub(super) begun: bool,
}

/// How long lossy decoders are run before what they give is used: they depend on packets before. The codec with the longest
/// memory is MP3, whose frames borrow from up to nine before; Opus asks for 80 ms (RFC 7845, section 4.6).
const PREROLL_S: f64 = 0.5;

impl Decoder {
    /// Opens a file of which only `excerpt` is wanted: [`next_block`](Self::next_block) gives that part. Where the song is
    /// no longer than the excerpt, or its container tells no times, all of it is given, as by [`open`](Self::open).
    ///
    /// PCM, FLAC, ALAC, MP3 and Vorbis give the samples that decoding the whole file gives. So does AAC but for the noise
    /// that its decoder makes up, and Opus within what its decoder forgets in half a second. Matroska, WebM and Opus in MP4
    /// do not tell places exactly, nor does an Ogg file of several sounds, and are decoded from the start.
    /// Damage outside the part is not noticed.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_excerpt(path: &Path, excerpt: &Excerpt) -> Result<Self, AudioError> {
        Self::open_part(path, |total_s| Ok(excerpt.place(total_s)))
    }

    /// Opens a file of which only a stretch is wanted, as [`open_excerpt`](Self::open_excerpt) does.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), [`AudioError::Empty`] where the stretch begins behind the end of the song, and
    /// [`AudioError::Unsupported`] where its container tells no times.
    pub fn open_segment(path: &Path, segment: Segment) -> Result<Self, AudioError> {
        Self::open_part(path, |total_s| {
            let end = segment.end_s.min(total_s);
            if total_s <= 0.0 {
                return Err(AudioError::Unsupported {
                    path: path.to_owned(),
                    what: "a part of a sound whose container tells no times".to_owned(),
                });
            }
            if segment.start_s >= end {
                return Err(AudioError::Empty {
                    path: path.to_owned(),
                    what: "this part of it begins behind its end",
                });
            }
            Ok((segment.start_s > 0.0 || end < total_s).then_some(segment.start_s..end))
        })
    }

    /// `place`: from the seconds of the whole song to those of the part; `None` is the whole song.
    fn open_part(
        path: &Path,
        place: impl FnOnce(f64) -> Result<Option<Range<f64>>, AudioError>,
    ) -> Result<Self, AudioError> {
        let mut decoder = Self::open(path)?;
        let rate = f64::from(decoder.info().sample_rate);
        let total_s = match decoder.source.claimed_samples() {
            Some(samples) => samples as f64 / rate,
            // Its packets say it, undecoded.
            None => {
                let limit = decoder.limit.as_ref();
                limit.resume();
                contain(path, || {
                    Source::open(path, &decoder.limit)?.seconds_of_packets(path, limit)
                })
                .map_err(|error| limit.explain(path, error))?
            }
        };
        let Some(place) = place(total_s)? else {
            return Ok(decoder);
        };
        let sample = |seconds: f64| (seconds * rate).round() as i64;
        decoder.info.duration_s = total_s;
        decoder.info.segment = Some(Segment {
            start_s: sample(place.start) as f64 / rate,
            end_s: sample(place.end) as f64 / rate,
        });
        decoder.at(Part {
            samples: sample(place.start)..sample(place.end),
            total_s,
            position: 0,
            sought: false,
            begun: false,
        })
    }

    /// Goes to a part. The decoder stands behind its first block.
    fn at(mut self, part: Part) -> Result<Self, AudioError> {
        let preroll = match self.info.codec.as_str() {
            "flac" | "alac" => 0.0,
            pcm if pcm.starts_with("pcm") => 0.0,
            _ => PREROLL_S,
        };
        let preroll = (preroll * f64::from(self.info.sample_rate)) as i64;
        let target = part.samples.start - preroll;
        if target <= self.block.len() as i64 {
            self.part = Some(part);
            return Ok(self);
        }
        match self.seek(target) {
            Ok(Some(position)) if position <= part.samples.start => {
                self.part = Some(Part {
                    position,
                    sought: true,
                    ..part
                });
                Ok(self)
            }
            // The container cannot, or stands no one knows where.
            _ => {
                let mut again = Self::open(&self.path)?;
                again.info = self.info;
                again.part = Some(part);
                Ok(again)
            }
        }
    }

    /// Goes to a sample or some before it, and decodes one block there. Gives the place of that block.
    fn seek(&mut self, sample: i64) -> Result<Option<i64>, AudioError> {
        let (path, source, rate) = (&self.path, &mut self.source, self.info.sample_rate);
        // The search reads the file, and a file that takes absurdly long to read is given up there.
        self.limit.resume();
        if !contain(path, || Ok(source.seek(sample, rate)))? {
            return Ok(None);
        }
        self.ready = false;
        if !self.read_block()? {
            return Ok(None);
        }
        self.ready = true;
        Ok(self.source.position())
    }
}

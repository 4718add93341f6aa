//! The packets of a file: decoding them one by one, and at the end whether they were all that the file promised.

use super::{
    AudioError, Tags,
    codec::{Codec, PacketError},
    mix::is_sound,
    mpeg,
};
use std::{io, path::Path};
use symphonia::core::{
    codecs::audio::AudioCodecParameters,
    errors::Error as SymphoniaError,
    formats::{FormatReader, Track, TrackType},
    units::TimeBase,
};

/// Errors of the container in a row after which it is given up.
const MAX_CONTAINER_ERRORS: u32 = 64;
/// Packets after which a file that is mostly damage is given up without reading the rest.
const EARLY_VERDICT: u64 = 2_000;

/// The container being read and what has come of it.
pub(super) struct Source {
    pub(super) format: Box<dyn FormatReader>,
    pub(super) codec: Codec,
    pub(super) track: u32,
    /// Samples still to be left out at the start.
    pub(super) skip: u64,
    /// Samples that the sound has by the file's own account.
    pub(super) claim: Option<u64>,
    /// Whether what lies behind the claimed end is padding rather than sound.
    pub(super) cut: bool,
    /// Where the frames of an MPEG audio file stand.
    pub(super) mpeg: Option<mpeg::Layout>,
    /// Tags that the container's reader leaves unread.
    pub(super) tags: Tags,
    /// The container has said, or shown by its end, that the sound is whole.
    pub(super) complete: bool,
    /// The file was written to a pipe and does not know its own length.
    pub(super) endless: bool,
    /// Another sound follows the first in the same file; what its container says of length and place is of the first only.
    pub(super) chained: bool,
    /// Whether the packets carry times, in samples, that show gaps.
    pub(super) has_clock: bool,
    /// The time at which the next packet should stand.
    pub(super) next_time: Option<i64>,
    /// The unit of the packets' times, where they have one.
    pub(super) time_base: Option<TimeBase>,
    /// Whether decoding takes away what the packets say is no sound.
    pub(super) trims: bool,
    /// The packets' time of the first sample that is handed out, in samples.
    pub(super) origin: Option<i64>,
    /// By the packets' times, the place in the sound of the block decoded last, in samples.
    pub(super) position: Option<i64>,
    pub(super) tally: Tally,
}

/// What has come of the packets so far.
#[derive(Default)]
pub(super) struct Tally {
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

impl Tally {
    /// Only what comes from here on counts.
    pub(super) fn forget_damage(&mut self) {
        self.packets = 0;
        self.damaged = 0;
    }
}

/// What one turn of the loop gave.
pub(super) enum Step {
    Sound { rate: u32, channels: usize },
    Nothing,
    End,
}

impl Source {
    /// Short name of the codec.
    pub(super) fn codec_name(&self) -> &'static str {
        self.codec.name()
    }

    /// All tags that were met so far.
    pub(super) fn tags(&mut self) -> Tags {
        let mut tags = Tags::of_format(self.format.as_mut());
        tags.fill_from(self.tags.clone());
        tags
    }

    /// Packets that gave no sound so far.
    pub(super) fn damaged_packets(&self) -> u64 {
        self.tally.damaged
    }

    /// Reads and decodes one packet, appending its samples to `block`. `rate`: the rate of the packets before.
    pub(super) fn step(
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
                if self.tally.packets >= EARLY_VERDICT
                    && self.tally.damaged * 2 > self.tally.packets
                {
                    return Err(self.damage(path));
                }
                return Ok(Step::Nothing);
            }
        };
        self.tally.packet_len = block.len() as u64;
        if !block.is_empty() {
            let time = self.time_in_samples(&packet, found);
            if self.origin.is_none() {
                let skipped = i64::try_from(self.skip).unwrap_or(0);
                self.origin = time.map(|time| time.saturating_add(skipped));
            }
            self.position = time
                .zip(self.origin)
                .map(|(time, origin)| time.saturating_sub(origin));
        }
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
    pub(super) fn verdict(&mut self, path: &Path, rate: Option<u32>) -> Result<(), AudioError> {
        if let Some(mpeg) = self.mpeg {
            self.count_mpeg_gaps(&mpeg);
        }
        let length = |samples: u64| match rate {
            Some(rate) => format!("{:.2} s", samples as f64 / f64::from(rate)),
            None => format!("{samples} samples"),
        };
        // Some encoders count the account itself as a frame of sound.
        let slack = self.mpeg.map_or(0, |_| self.tally.packet_len);
        if self.tally.delivered == 0 && self.tally.damaged > 0 {
            return Err(self.damage(path));
        }
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
        self.damage_verdict(path)
    }

    /// Whether too much of what was met was damaged.
    pub(super) fn damage_verdict(&self, path: &Path) -> Result<(), AudioError> {
        if self.tally.damaged * 10 > self.tally.packets {
            return Err(self.damage(path));
        }
        Ok(())
    }

    fn damage(&self, path: &Path) -> AudioError {
        AudioError::Damaged {
            path: path.to_owned(),
            damaged: self.tally.damaged,
            packets: self.tally.packets,
        }
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

/// The track to decode: the default one where it has sound, else the first with a known codec.
pub(super) fn audio_track(format: &dyn FormatReader) -> Option<(&Track, &AudioCodecParameters)> {
    let track = format
        .default_track(TrackType::Audio)
        .or_else(|| format.first_track(TrackType::Audio))?;
    let params = track.codec_params.as_ref()?.audio()?;
    Some((track, params))
}

pub(super) fn io_error(path: &Path, source: io::Error) -> AudioError {
    AudioError::Io {
        path: path.to_owned(),
        source,
    }
}

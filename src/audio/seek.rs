//! The packets' times: where a packet stands in the sound, going to a place, and the length of a sound by its packets.

use super::{
    AudioError,
    source::{Source, Tally, audio_track, io_error},
    time_limit::TimeLimit,
};
use std::{io, path::Path};
use symphonia::core::{
    errors::Error as SymphoniaError,
    formats::{SeekMode, SeekTo},
    packet::Packet,
    units::{TimeBase, Timestamp},
};

/// Errors of the container in a row after which it is given up.
const MAX_ERRORS: u32 = 64;

impl Source {
    /// The samples that the sound has by the file's own account.
    pub(super) fn claimed_samples(&self) -> Option<u64> {
        let ogg = self.format.format_info().short_name == "ogg";
        if self.chained {
            return None;
        }
        let by_container = || {
            let tracks = self.format.tracks();
            let track = tracks.iter().find(|track| track.id == self.track)?;
            track.num_frames.filter(|frames| ogg && *frames > 0)
        };
        self.claim.filter(|_| !self.endless).or_else(by_container)
    }

    /// The time of a packet's first decoded sample, in samples at `rate`.
    pub(super) fn time_in_samples(&self, packet: &Packet, rate: u32) -> Option<i64> {
        let base = self.time_base?;
        let trimmed = if self.trims {
            packet.trim_start.get()
        } else {
            0
        };
        let ticks = i128::from(packet.pts.get()) + i128::from(trimmed);
        let samples = ticks * i128::from(base.numer.get()) * i128::from(rate);
        let denom = i128::from(base.denom.get());
        i64::try_from((samples + denom / 2).div_euclid(denom)).ok()
    }

    /// By the packets' times, the place in the sound of the block decoded last, in samples.
    pub(super) fn position(&self) -> Option<i64> {
        self.position
    }

    /// Goes to the packet of a sample, or some packets before it. Says whether the container could; if not, it may stand
    /// anywhere.
    pub(super) fn seek(&mut self, sample: i64, rate: u32) -> bool {
        let Some((origin, base)) = self.origin.zip(self.time_base) else {
            return false;
        };
        let tells_places = match self.format.format_info().short_name {
            // Milliseconds only, and not the encoder's delay.
            "matroska" | "mkv" | "webm" => false,
            "isomp4" => self.codec.pre_skip() == 0,
            // Packets of another stream in between would hold up symphonia 0.6's search for ever.
            "ogg" => self.format.tracks().len() == 1 && !self.chained,
            _ => true,
        };
        if !tells_places {
            return false;
        }
        let time = i128::from(origin) + i128::from(sample);
        let unit = i128::from(base.numer.get()) * i128::from(rate);
        let Ok(ticks) = i64::try_from((time * i128::from(base.denom.get())).div_euclid(unit))
        else {
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
        // From here on nothing tells whether the sound is whole.
        self.skip = 0;
        self.claim = None;
        self.mpeg = None;
        self.next_time = None;
        self.position = None;
        self.tally = Tally::default();
        true
    }

    /// The length of the sound by the times of all its packets, which are read and not decoded; 0 where they have none. Of
    /// sounds that follow one another in one file, the sum.
    pub(super) fn seconds_of_packets(
        &mut self,
        path: &Path,
        limit: &TimeLimit,
    ) -> Result<f64, AudioError> {
        let (mut first, mut end, mut errors, mut seconds) = (None, i64::MIN, 0, 0.0);
        let length = |first: Option<i64>, end: i64, base: Option<TimeBase>| match (first, base) {
            (Some(first), Some(base)) if end > first => {
                (end - first) as f64 * f64::from(base.numer.get()) / f64::from(base.denom.get())
            }
            _ => 0.0,
        };
        loop {
            limit.check(path)?;
            match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => {
                    errors = 0;
                    let length = if self.trims {
                        packet.trim_start.saturating_add(packet.dur)
                    } else {
                        packet.block_dur()
                    };
                    first.get_or_insert(packet.pts.get());
                    end = end.max(packet.pts.get().saturating_add_unsigned(length.get()));
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(SymphoniaError::ResetRequired) => {
                    seconds += length(first, end, self.time_base);
                    (first, end) = (None, i64::MIN);
                    let Some((track, _)) = audio_track(self.format.as_ref()) else {
                        break;
                    };
                    (self.track, self.time_base) = (track.id, track.time_base);
                }
                Err(SymphoniaError::IoError(error))
                    if error.kind() == io::ErrorKind::UnexpectedEof =>
                {
                    break;
                }
                Err(SymphoniaError::IoError(error)) => return Err(io_error(path, error)),
                Err(_) => {
                    errors += 1;
                    if errors > MAX_ERRORS {
                        break;
                    }
                }
            }
        }
        Ok(seconds + length(first, end, self.time_base))
    }

    /// Forgets what was met so far: what is wanted of the sound begins now.
    pub(super) fn forget_damage(&mut self) {
        self.tally.forget_damage();
    }
}

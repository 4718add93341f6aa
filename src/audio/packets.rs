//! The undecoded audio of a file as one hash, which stays the same when only the tags change.

use super::{
    decode::guarded,
    input::Input,
    source::{Next, Source, no_audio},
    time_limit::TimeLimit,
};
use crate::Result;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Returns symphonia's short names of a file's container (`mp3`, `isomp4`, `ogg`, ...) and of its codec.
///
/// # Errors
/// Those of a file that cannot be opened as audio.
pub(crate) fn container(path: &Path) -> Result<(&'static str, &'static str)> {
    let input = Input::from(path);
    let limit = TimeLimit::of(&input);
    guarded(&input, &limit, || Ok(Source::open(&input, &limit)?.names()))
}

/// SHA-256 over every packet of a file's container, with its track, length and time, before any decoding; and the number
/// of packets. Two files of one container with equal hashes decode to the same audio, whatever their tags.
///
/// # Errors
/// Those of a file that cannot be opened as audio, or read; and [`Empty`](crate::ErrorKind::Empty) without packets.
pub(crate) fn packet_hash(path: &Path) -> Result<([u8; 32], u64)> {
    let input = Input::from(path);
    let limit = TimeLimit::of(&input);
    guarded(&input, &limit, || {
        let mut source = Source::open(&input, &limit)?;
        let mut hasher = Sha256::new();
        hasher.update(source.identity());
        let mut packets = 0_u64;
        loop {
            limit.check()?;
            match source.next_packet()? {
                Next::Packet(packet) => {
                    packets += 1;
                    hasher.update(packet.track_id.to_le_bytes());
                    hasher.update(packet.pts.get().to_le_bytes());
                    hasher.update((packet.data.len() as u64).to_le_bytes());
                    hasher.update(&packet.data);
                }
                Next::NewStream => hasher.update(b"next"),
                Next::Damage => hasher.update(b"damage"),
                Next::End => break,
            }
        }
        if packets == 0 {
            return Err(no_audio("its container has no packets"));
        }
        Ok((hasher.finalize().into(), packets))
    })
}

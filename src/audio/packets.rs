//! The undecoded sound of a file as one hash: it stays the same when only the tags change.

use super::{AudioError, decode::contain, source::Source, time_limit::TimeLimit};
use sha2::{Digest, Sha256};
use std::{fs, io, path::Path};
use symphonia::core::errors::Error as SymphoniaError;

/// Errors of the container in a row after which it is given up.
const MAX_ERRORS: u32 = 64;

/// What a file is: symphonia's short names of its container (`mp3`, `isomp4`, `ogg`, ...) and of its codec.
///
/// # Errors
/// Those of a file that cannot be opened as sound.
pub fn container(path: &Path) -> Result<(&'static str, &'static str), AudioError> {
    let size = fs::metadata(path).map_or(0, |facts| facts.len());
    let limit = TimeLimit::of_size(size);
    contain(path, || {
        let source = Source::open(path, &limit)?;
        Ok((source.format.format_info().short_name, source.codec_name()))
    })
}

/// SHA-256 over every packet of a file's container, with its track, length and time, before any decoding; and how many
/// packets there are. Two files of one container with equal hashes decode to the same sound, whatever their tags.
///
/// # Errors
/// Those of a file that cannot be opened as sound, or read; and [`AudioError::Empty`] where it has no packet.
pub fn packet_hash(path: &Path) -> Result<([u8; 32], u64), AudioError> {
    let size = fs::metadata(path).map_or(0, |facts| facts.len());
    let limit = TimeLimit::of_size(size);
    contain(path, || {
        let mut source = Source::open(path, &limit)?;
        let mut hasher = Sha256::new();
        hasher.update(source.codec_name());
        hasher.update(source.skip.to_le_bytes());
        hasher.update(source.claim.unwrap_or(u64::MAX).to_le_bytes());
        let (mut packets, mut errors) = (0_u64, 0);
        loop {
            limit.check(path)?;
            match source.format.next_packet() {
                Ok(Some(packet)) => {
                    errors = 0;
                    packets += 1;
                    hasher.update(packet.track_id.to_le_bytes());
                    hasher.update(packet.pts.get().to_le_bytes());
                    hasher.update((packet.data.len() as u64).to_le_bytes());
                    hasher.update(&packet.data);
                }
                Ok(None) => break,
                Err(SymphoniaError::IoError(error))
                    if error.kind() == io::ErrorKind::UnexpectedEof =>
                {
                    break;
                }
                Err(SymphoniaError::IoError(error)) => {
                    return Err(super::source::io_error(path, error));
                }
                // The next of several streams that follow one another.
                Err(SymphoniaError::ResetRequired) => hasher.update(b"next"),
                Err(_) => {
                    hasher.update(b"damage");
                    errors += 1;
                    if errors > MAX_ERRORS {
                        break;
                    }
                }
            }
        }
        if packets == 0 {
            return Err(AudioError::Empty {
                path: path.to_owned(),
                what: "its container has no packets",
            });
        }
        Ok((hasher.finalize().into(), packets))
    })
}

//! Facts in the headers of a container that symphonia does not report: whether they know the length of the audio, and whether
//! another stream follows.

use super::input::Reader;
use std::{io, ops::Range};
use symphonia::core::formats::FormatReader;

/// How much after the tags is searched for the header that tells the length.
const HEAD: u64 = 4096;
/// How far from the end of an Ogg file the last page is searched for: more than the longest page (65,307 bytes).
const OGG_TAIL: u64 = 256 * 1024;

/// The samples of the audio of the track `track_id` according to the headers, if they know them.
pub(super) fn declared_samples(
    format: &dyn FormatReader,
    track_id: u32,
    file: &mut Reader,
    len: u64,
) -> io::Result<Option<u64>> {
    let tracks = format.tracks();
    let Some(track) = tracks.iter().find(|track| track.id == track_id) else {
        return Ok(None);
    };
    let params = track.codec_params.as_ref();
    let rate = params
        .and_then(|params| params.audio()?.sample_rate)
        .unwrap_or(0);
    let num_frames = track.num_frames.filter(|&frames| {
        let base = track.time_base;
        frames > 0 && base.is_some_and(|base| base.numer.get() == 1 && base.denom.get() == rate)
    });
    let is_known = |size: Option<u32>| size.is_none_or(|size| !UNKNOWN.contains(&size));
    let is_known = match format.format_info().short_name {
        // Without a header of its own, symphonia estimates the number of frames from the first ones.
        "mp1" | "mp2" | "mp3" => {
            let start = after_id3v2(file)?;
            let head = file.bytes(start, HEAD)?;
            let mut marks = head.windows(4);
            marks.any(|mark| matches!(mark, b"Xing" | b"Info" | b"VBRI"))
        }
        "wave" => is_known(chunk_size(file, b"data", u32::from_le_bytes)?),
        "aiff" => is_known(chunk_size(file, b"SSND", u32::from_be_bytes)?),
        "ogg" => !is_chained(format, file, len)?,
        "isomp4" | "flac" | "caf" => true,
        _ => false,
    };
    Ok(num_frames.filter(|_| is_known))
}

/// The lengths that programs write where they do not know it, because they write to a pipe.
const UNKNOWN: [u32; 4] = [0, u32::MAX, 0x7fff_ffff, 0x7fff_f000];

/// The length of a chunk near the start of a WAV or AIFF file; `None` if it is elsewhere.
fn chunk_size(
    file: &mut Reader,
    name: &[u8; 4],
    read: fn([u8; 4]) -> u32,
) -> io::Result<Option<u32>> {
    let head = file.bytes(0, HEAD)?;
    let (words, at) = (head.windows(4), |n| head.get(n..n + 4)?.try_into().ok());
    let size = words.enumerate().find(|(_, word)| word == name);
    Ok(size.and_then(|(n, _)| at(n + 4)).map(read))
}

/// Whether another stream follows the first in an Ogg file (RFC 3533, section 4: chaining), as in recordings of internet
/// radio. The headers describe the first only.
pub(super) fn is_chained(
    format: &dyn FormatReader,
    file: &mut Reader,
    len: u64,
) -> io::Result<bool> {
    let tail = file.bytes(len.saturating_sub(OGG_TAIL), OGG_TAIL)?;
    let mut pages = tail.windows(18).rev();
    let last = pages.find(|page| page.starts_with(b"OggS\0"));
    let serial = last.map(|page| u32::from_le_bytes([page[14], page[15], page[16], page[17]]));
    let is_first = |serial| format.tracks().iter().any(|track| track.id == serial);
    Ok(serial.is_some_and(|serial| !is_first(serial)))
}

/// Bytes of an ID3v1 tag at the end of a file; 0 without one. A FLAC decoder would take it for a part of the last frame.
pub(super) fn id3v1_len(file: &mut Reader, len: u64) -> io::Result<u64> {
    const LEN: u64 = 128;
    let has_tag = len > LEN && file.bytes(len - LEN, 3)?.starts_with(b"TAG");
    Ok(if has_tag { LEN } else { 0 })
}

/// The byte after the ID3v2 tags at the start of a file; 0 without any.
pub(super) fn after_id3v2(file: &mut Reader) -> io::Result<u64> {
    Ok(id3v2_tags(file, 0)?.last().map_or(0, |tag| tag.end))
}

/// The bytes of the ID3v2 tags from byte `at` on. Some writers put several in a row.
pub(super) fn id3v2_tags(file: &mut Reader, mut at: u64) -> io::Result<Vec<Range<u64>>> {
    let mut tags = Vec::new();
    for _ in 0..8 {
        let head = file.bytes(at, 10)?;
        if head.len() < 10 || !head.starts_with(b"ID3") {
            break;
        }
        let size = (head[6..].iter()).fold(0, |sum, &b| sum << 7 | u64::from(b & 0x7f));
        let footer = if head[5] & 0x10 != 0 { 10 } else { 0 };
        let end = at + 10 + size + footer;
        tags.push(at..end);
        at = end;
    }
    Ok(tags)
}

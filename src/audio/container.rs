//! Facts in the headers of a container that symphonia does not report: how long the file and its audio should be, where
//! the audio starts, and whether another stream follows.

use super::input::Reader;
use std::io;
use symphonia::core::formats::FormatReader;

/// The facts of one file.
#[derive(Default)]
pub(super) struct ContainerInfo {
    /// Samples at the start that precede the audio: the encoder's delay.
    pub(super) skip: u64,
    /// Samples of the audio according to the headers.
    pub(super) declared_samples: Option<u64>,
    /// The byte up to which the MPEG frames should reach, if the file is shorter.
    pub(super) missing_until: Option<u64>,
    /// Bytes of all MPEG audio frames. Frames with a damaged header are found by the bytes that no packet has.
    pub(super) mpeg_bytes: Option<u64>,
    /// The end of the stream is marked, or the container has no such mark.
    pub(super) complete: bool,
    /// The file was written to a pipe, and its headers do not know its length.
    pub(super) unknown_length: bool,
    /// Another stream follows the first (RFC 3533, section 4: chaining), as in recordings of internet radio. The headers
    /// describe the first only.
    pub(super) chained: bool,
    /// The packets carry times in samples, which show gaps.
    pub(super) has_clock: bool,
}

/// Chunks or boxes that are visited in one parent, so that a broken file costs bounded work.
const MAX_CHILDREN: usize = 4096;

impl ContainerInfo {
    /// Reads the headers around the track `track_id`. `pre_skip`: the delay according to the codec's own header.
    pub(super) fn read(
        format: &dyn FormatReader,
        track_id: u32,
        pre_skip: u64,
        file: &mut Reader,
        len: u64,
    ) -> io::Result<Self> {
        let mut info = Self {
            skip: pre_skip,
            complete: true,
            ..Self::default()
        };
        let Some(track) = format.tracks().iter().find(|track| track.id == track_id) else {
            return Ok(info);
        };
        let params = track.codec_params.as_ref();
        let params = params.and_then(|params| params.audio());
        let rate = params.and_then(|params| params.sample_rate).unwrap_or(0);
        let num_frames = track.num_frames.filter(|&frames| {
            let base = track.time_base;
            frames > 0 && base.is_some_and(|base| base.numer.get() == 1 && base.denom.get() == rate)
        });
        match format.format_info().short_name {
            "mp1" | "mp2" | "mp3" => {
                let mpeg = Mpeg::read(file, len)?;
                // Without a header of its own, symphonia estimates the number of frames from the first ones.
                info.declared_samples = num_frames.filter(|_| mpeg.frames > 0);
                info.missing_until = Some(mpeg.end).filter(|end| *end > len);
                info.mpeg_bytes = Some(mpeg.audio_bytes);
            }
            "isomp4" if pre_skip == 0 => {
                let scale = track.time_base.map_or(1, |base| base.denom.get());
                let delay = edit_list_delay(file, len, track_id)?;
                let samples = delay as f64 / f64::from(scale) * f64::from(rate);
                info.skip = samples.round() as u64;
                info.declared_samples = num_frames.map(|frames| frames.saturating_sub(info.skip));
            }
            "wave" | "aiff" => {
                let big_endian = format.format_info().short_name == "aiff";
                info.unknown_length = audio_chunk(file, big_endian)? == Some(u64::MAX);
                info.declared_samples = num_frames;
            }
            "ogg" => {
                info.has_clock = true;
                (info.complete, info.chained) = ogg_end(file, len, track_id)?;
            }
            "flac" => {
                info.has_clock = true;
                info.declared_samples = num_frames;
            }
            "caf" => info.declared_samples = num_frames,
            _ => {}
        }
        Ok(info)
    }
}

/// The byte up to which a WAV, AIFF or MP4 file of `len` bytes should reach according to its outermost headers, if it does
/// not.
pub(super) fn missing_until(file: &mut Reader, head: &[u8], len: u64) -> io::Result<Option<u64>> {
    let magic = |at: usize| head.get(at..at + 4).unwrap_or_default();
    let end = match (magic(0), magic(4), magic(8)) {
        (b"RIFF", _, b"WAVE") => audio_chunk(file, false)?,
        (b"FORM", _, b"AIFF" | b"AIFC") => audio_chunk(file, true)?,
        (_, b"ftyp", _) => {
            let top = boxes(file, 0, len)?;
            let last = top.iter().map(|node| node.end).max().unwrap_or(0);
            // The box that describes the audio may be the one that is missing.
            let described = top.iter().any(|node| &node.kind == b"moov");
            let end = if described { last } else { last.max(len + 1) };
            (described || last >= len).then_some(end)
        }
        _ => None,
    };
    Ok(end.filter(|end| (len + 1..u64::MAX).contains(end)))
}

// WAV and AIFF

/// The length that is written to a pipe, for an unknown one.
const UNKNOWN: u32 = u32::MAX;

/// The end of the chunk with the samples; `u64::MAX` if its length is unknown.
fn audio_chunk(file: &mut Reader, big_endian: bool) -> io::Result<Option<u64>> {
    let mut at = 12;
    for _ in 0..MAX_CHILDREN {
        let head = file.bytes(at, 8)?;
        let Some(size) = head.get(4..8).and_then(|size| size.try_into().ok()) else {
            break;
        };
        let size = match big_endian {
            true => u32::from_be_bytes(size),
            false => u32::from_le_bytes(size),
        };
        let end = at + 8 + u64::from(size);
        match &head[..4] {
            b"data" | b"SSND" if size == UNKNOWN => return Ok(Some(u64::MAX)),
            b"data" | b"SSND" => return Ok(Some(end)),
            _ => at = end + u64::from(size & 1),
        }
    }
    Ok(None)
}

// MP4

/// A box: its type and the bytes of its content.
#[derive(Clone, Copy)]
struct Mp4Box {
    kind: [u8; 4],
    start: u64,
    end: u64,
}

/// The boxes between two bytes. The last one may declare an end after `end`.
fn boxes(file: &mut Reader, start: u64, end: u64) -> io::Result<Vec<Mp4Box>> {
    let mut boxes = Vec::new();
    let mut at = start;
    while at.saturating_add(8) <= end && boxes.len() < MAX_CHILDREN {
        let head = file.bytes(at, 16)?;
        let (size, header) = match be(&head, 0, 4) {
            Some(0) => (end - at, 8),
            Some(1) => (be(&head, 8, 8).unwrap_or(0), 16),
            Some(size) => (size, 8),
            None => break,
        };
        let Some(&[a, b, c, d]) = head.get(4..8) else {
            break;
        };
        let kind = [a, b, c, d];
        let is_letter = |b: &u8| (0x20..0x7f).contains(b) || *b == 0xa9;
        if size < header || !kind.iter().all(is_letter) {
            break;
        }
        boxes.push(Mp4Box {
            kind,
            start: at + header,
            end: at.saturating_add(size),
        });
        at = at.saturating_add(size);
    }
    Ok(boxes)
}

/// The ticks of the track's clock that its edit list leaves out at the start. symphonia does not apply edit lists.
fn edit_list_delay(file: &mut Reader, len: u64, track_id: u32) -> io::Result<u64> {
    let find = |boxes: &[Mp4Box], kind: &[u8; 4]| boxes.iter().find(|b| &b.kind == kind).copied();
    let Some(moov) = find(&boxes(file, 0, len)?, b"moov") else {
        return Ok(0);
    };
    let tracks = boxes(file, moov.start, moov.end.min(len))?.into_iter();
    for trak in tracks.filter(|node| &node.kind == b"trak") {
        let inside = boxes(file, trak.start, trak.end)?;
        let (Some(tkhd), Some(edts)) = (find(&inside, b"tkhd"), find(&inside, b"edts")) else {
            continue;
        };
        let tkhd = file.bytes(tkhd.start, 24)?;
        let id_at = if tkhd.first() == Some(&1) { 20 } else { 12 };
        if be(&tkhd, id_at, 4) != Some(u64::from(track_id)) {
            continue;
        }
        let Some(elst) = find(&boxes(file, edts.start, edts.end)?, b"elst") else {
            continue;
        };
        let elst = file.bytes(elst.start, (8 + 16 * 20).min(elst.end - elst.start))?;
        let wide = elst.first() == Some(&1);
        let entries = be(&elst, 4, 4).unwrap_or(0).min(16) as usize;
        // The first edit that is not empty (-1) says where in the track the audio starts.
        let start = (0..entries).find_map(|entry| {
            let time = if wide {
                be(&elst, 8 + 20 * entry + 8, 8)? as i64
            } else {
                i64::from(be(&elst, 8 + 12 * entry + 4, 4)? as u32 as i32)
            };
            u64::try_from(time).ok()
        });
        return Ok(start.unwrap_or(0));
    }
    Ok(0)
}

/// A big-endian number of `count` bytes.
fn be(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + count)?;
    Some(bytes.iter().fold(0, |sum, &b| sum << 8 | u64::from(b)))
}

// MPEG audio

/// How far after the tags the first frame is searched for.
const MPEG_SEARCH: u64 = 64 * 1024;

/// The frames of an MPEG audio file (MP1, MP2, MP3).
struct Mpeg {
    /// Frames according to a Xing, Info or VBRI header in the first frame; 0 without one.
    frames: u64,
    /// The byte after the last frame: according to that header, else where the tags at the end start.
    end: u64,
    /// Bytes of all frames but the one with the header.
    audio_bytes: u64,
}

impl Mpeg {
    fn read(file: &mut Reader, len: u64) -> io::Result<Self> {
        let after_tags = after_id3v2(file)?;
        let head = file.bytes(after_tags, MPEG_SEARCH)?;
        // Some taggers leave zeros after their tag.
        let padding = head.iter().take_while(|&&byte| byte == 0).count();
        let (start, head) = (after_tags + padding as u64, &head[padding..]);
        let mut mpeg = Self {
            frames: 0,
            end: before_tags(file, len)?,
            audio_bytes: 0,
        };
        let mut first = start;
        // After 4 bytes of header and up to 32 of side information.
        if let Some(at) = (4..40).find(|&at| {
            let mark = head.get(at..at + 4).unwrap_or_default();
            matches!(mark, b"Xing" | b"Info" | b"VBRI")
        }) {
            let (frames, bytes, header_len) = if head[at] == b'V' {
                (be(head, at + 14, 4), be(head, at + 10, 4), 26)
            } else {
                let flags = be(head, at + 4, 4).unwrap_or(0) as usize;
                let field = |flag: usize, at| be(head, at, 4).filter(|_| flags & flag != 0);
                let bytes_at = at + 8 + 4 * (flags & 1);
                (field(1, at + 8), field(2, bytes_at), 156)
            };
            mpeg.frames = frames.unwrap_or(0);
            if let Some(bytes) = bytes.filter(|bytes| *bytes > 0) {
                mpeg.end = start + bytes;
            }
            // The next frame begins like this one.
            let rest = head.get(at + header_len..).unwrap_or_default();
            let sync = rest.windows(2).position(|pair| pair == &head[..2]);
            first += sync.map_or(0, |sync| (at + header_len + sync) as u64);
        }
        mpeg.audio_bytes = mpeg.end.saturating_sub(first);
        Ok(mpeg)
    }
}

/// The byte after the ID3v2 tags at the start of a file; 0 without any.
pub(super) fn after_id3v2(file: &mut Reader) -> io::Result<u64> {
    let mut at = 0;
    // Some writers put several in a row.
    for _ in 0..8 {
        let head = file.bytes(at, 10)?;
        if head.len() < 10 || !head.starts_with(b"ID3") {
            break;
        }
        let size = (head[6..].iter()).fold(0, |sum, &b| sum << 7 | u64::from(b & 0x7f));
        let footer = if head[5] & 0x10 != 0 { 10 } else { 0 };
        at += 10 + size + footer;
    }
    Ok(at)
}

/// The start of the tags at the end of a file: ID3v1, Lyrics3v2, APEv2, in this order from the end.
fn before_tags(file: &mut Reader, len: u64) -> io::Result<u64> {
    let mut end = len;
    let mut tail = |end: u64, count: u64| file.bytes(end.saturating_sub(count), count.min(end));
    if tail(end, 128)?.starts_with(b"TAG") {
        end = end.saturating_sub(128);
    }
    let lyrics = tail(end, 15)?;
    if let Some(size) = lyrics.strip_suffix(b"LYRICS200") {
        let size = str::from_utf8(size).ok().and_then(|size| size.parse().ok());
        end = end.saturating_sub(size.unwrap_or(0_u64) + 15);
    }
    let ape = tail(end, 32)?;
    if let Some(&[s0, s1, s2, s3, _, _, _, _, _, _, _, flags, ..]) =
        ape.strip_prefix(b"APETAGEX\xd0\x07\0\0")
    {
        let header = if flags & 0x80 != 0 { 32 } else { 0 };
        end = end.saturating_sub(u64::from(u32::from_le_bytes([s0, s1, s2, s3])) + header);
    }
    Ok(end)
}

// Ogg

/// How far from the end of the file the last page is searched for: more than the longest page (65,307 bytes).
const OGG_TAIL: u64 = 256 * 1024;
/// How much of the file is searched for first pages, which hold one short packet each.
const OGG_HEAD: u64 = 64 * 1024;
/// Bytes of a page before its table of segments.
const OGG_HEADER: usize = 27;
/// Flags of the first and the last page of a stream.
const OGG_FIRST: u8 = 2;
const OGG_LAST: u8 = 4;

/// Returns whether the last page of the audio is complete and marked as the last, and whether another stream follows that
/// of `serial`. Ogg declares no length to compare with.
fn ogg_end(file: &mut Reader, len: u64, serial: u32) -> io::Result<(bool, bool)> {
    // The first pages of all streams that run side by side come first.
    let mut head = &file.bytes(0, OGG_HEAD)?[..];
    let mut at_start = Vec::new();
    while let Some(page) = OggPage::read(head).filter(|page| page.flags & OGG_FIRST != 0) {
        at_start.push(page.serial);
        head = head.get(page.length..).unwrap_or_default();
    }
    let tail = file.bytes(len.saturating_sub(OGG_TAIL), OGG_TAIL)?;
    let starts = (0..tail.len()).rev();
    let mut pages = starts.filter_map(|at| OggPage::read(&tail[at..]));
    let last = pages.clone().next();
    let later = last.filter(|page| !at_start.contains(&page.serial));
    let chained = later.is_some();
    // In a file with a picture as well, the last page of the audio may be far from the end.
    let complete = later
        .or_else(|| pages.find(|page| page.serial == serial))
        .is_none_or(|page| page.is_whole && page.flags & OGG_LAST != 0);
    Ok((complete, chained))
}

struct OggPage {
    serial: u32,
    flags: u8,
    /// Bytes of header, table and body.
    length: usize,
    is_whole: bool,
}

impl OggPage {
    /// The page at the start of `bytes`.
    fn read(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..OGG_HEADER)?;
        if !header.starts_with(b"OggS\0") {
            return None;
        }
        let after_table = OGG_HEADER + usize::from(header[26]);
        let table = bytes.get(OGG_HEADER..after_table);
        let body: Option<usize> = table.map(|table| table.iter().map(|&b| usize::from(b)).sum());
        let length = after_table + body.unwrap_or(0);
        Some(Self {
            serial: u32::from_le_bytes([header[14], header[15], header[16], header[17]]),
            flags: header[5],
            length,
            is_whole: body.is_some() && bytes.len() >= length,
        })
    }
}

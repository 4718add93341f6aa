//! What an MPEG audio file (MP1, MP2, MP3) says of its own length. symphonia guesses a length from the first frames
//! where the file says none, and does not tell the two apart.

use std::io::{self, Read, Seek, SeekFrom};

/// The account that an MP3 file gives of itself in its first frame (Xing, Info or VBRI).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InfoFrame {
    /// Frames of sound, without this one.
    pub frames: Option<u64>,
    /// Bytes from the start of this frame to the end of the sound.
    pub bytes: Option<u64>,
    /// Bytes of this frame.
    pub len: u64,
    /// Samples of sound per frame.
    pub frame_samples: u64,
    /// Samples that the encoder put before the sound, with those that every decoder adds.
    pub delay: u64,
    /// Samples behind the sound, less those that every decoder adds before it.
    pub padding: u64,
}

/// Samples by which every MPEG Layer III decoder is late.
const DECODER_DELAY: u64 = 529;

impl InfoFrame {
    /// Samples of the sound without delay and padding.
    pub fn samples(&self) -> Option<u64> {
        let all = self.frames?.checked_mul(self.frame_samples)?;
        Some(all.saturating_sub(self.delay + self.padding))
    }
}

/// Where the frames of an MPEG audio file stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Byte at which the first frame starts.
    pub start: u64,
    /// Byte behind the last frame: the end of the file, or the start of the tags there.
    pub end: u64,
    /// The first frame, where it is no sound but an account of the file.
    pub info: Option<InfoFrame>,
}

/// How far behind the tags the first frame is looked for.
const SEARCH: u64 = 64 * 1024;

/// Finds the first frame of an MPEG audio file of `len` bytes; `None` where there is none.
///
/// # Errors
/// What reading gives.
pub(super) fn layout(file: &mut (impl Read + Seek), len: u64) -> io::Result<Option<Layout>> {
    let from = after_id3v2(file)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.by_ref().take(SEARCH).read_to_end(&mut bytes)?;
    let first = (0..bytes.len().saturating_sub(4)).find_map(|at| {
        let header = Header::parse(&bytes[at..])?;
        match bytes.get(at + header.len..) {
            Some(next) if next.len() >= 4 => Header::parse(next).map(|_| (at, header)),
            // The file ends within this frame or behind it.
            _ => Some((at, header)),
        }
    });
    let Some((at, header)) = first else {
        return Ok(None);
    };
    let frame = &bytes[at..bytes.len().min(at + header.len)];
    Ok(Some(Layout {
        start: from + at as u64,
        end: before_tags(file, len)?,
        info: info_frame(frame, &header),
    }))
}

/// The fields of a frame header that matter here.
struct Header {
    len: usize,
    samples: u64,
    /// Bytes from the start of the frame to a Xing tag.
    side_info_end: usize,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Header> {
        let &[0xff, b1, b2, b3, ..] = bytes else {
            return None;
        };
        if b1 & 0xe0 != 0xe0 {
            return None;
        }
        let version = (b1 >> 3) & 3; // 0: MPEG 2.5, 2: MPEG 2, 3: MPEG 1
        let layer = 4 - ((b1 >> 1) & 3);
        let (bitrate, rate) = (usize::from(b2 >> 4), usize::from((b2 >> 2) & 3));
        if version == 1 || layer == 4 || bitrate == 0 || bitrate == 15 || rate == 3 {
            return None;
        }
        const KBITS: [[usize; 14]; 5] = [
            [
                32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
            ],
            [
                32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
            ],
            [
                32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
            ],
            [
                32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
            ],
            [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        ];
        let first = version == 3;
        let table = match (first, layer) {
            (true, layer) => usize::from(layer) - 1,
            (false, 1) => 3,
            (false, _) => 4,
        };
        let bits = KBITS[table][bitrate - 1] * 1000;
        let rate = [44_100, 48_000, 32_000][rate] >> [2, 0, 1, 0][usize::from(version)];
        let padding = usize::from((b2 >> 1) & 1);
        let len = match layer {
            1 => (12 * bits / rate + padding) * 4,
            3 if !first => 72 * bits / rate + padding,
            _ => 144 * bits / rate + padding,
        };
        let mono = b3 >> 6 == 3;
        let side_info = match (first, mono) {
            (true, false) => 32,
            (true, true) | (false, false) => 17,
            (false, true) => 9,
        };
        let samples = match layer {
            1 => 384,
            3 if !first => 576,
            _ => 1152,
        };
        Some(Header {
            len,
            samples,
            side_info_end: 4 + side_info,
        })
    }
}

fn info_frame(frame: &[u8], header: &Header) -> Option<InfoFrame> {
    let word = |at: usize| -> Option<u64> {
        let bytes = frame.get(at..at + 4)?;
        Some(u64::from(u32::from_be_bytes(bytes.try_into().ok()?)))
    };
    let mut info = InfoFrame {
        frames: None,
        bytes: None,
        len: header.len as u64,
        frame_samples: header.samples,
        delay: 0,
        padding: 0,
    };
    let at = header.side_info_end;
    if matches!(frame.get(at..at + 4)?, b"Xing" | b"Info") {
        let flags = word(at + 4)?;
        let mut next = at + 8;
        let mut field = |flag: u64, size: usize| {
            let here = next;
            let there = flags & flag != 0;
            next += if there { size } else { 0 };
            there.then_some(here)
        };
        info.frames = field(1, 4).and_then(word);
        info.bytes = field(2, 4).and_then(word);
        field(4, 100);
        field(8, 4);
        // The extension of LAME, which others write too. Its checksum is not asked: tools that cut files leave it stale.
        if let Some(extension) = frame.get(next..next + 24)
            && matches!(&extension[..4], b"LAME" | b"Lavf" | b"Lavc")
        {
            let [a, b, c] = [extension[21], extension[22], extension[23]].map(u64::from);
            info.delay = (a << 4 | b >> 4) + DECODER_DELAY;
            info.padding = ((b & 15) << 8 | c).saturating_sub(DECODER_DELAY);
        }
        return Some(info);
    }
    if frame.get(36..40)? == b"VBRI" {
        info.bytes = word(46);
        info.frames = word(50);
        return Some(info);
    }
    None
}

/// The byte behind the ID3v2 tags at the start of a file; 0 where there are none.
///
/// # Errors
/// What reading gives.
pub(super) fn after_id3v2(file: &mut (impl Read + Seek)) -> io::Result<u64> {
    let mut at = 0;
    // Some writers put one tag behind another.
    for _ in 0..8 {
        let mut head = [0; 10];
        file.seek(SeekFrom::Start(at))?;
        if file.read_exact(&mut head).is_err() || &head[..3] != b"ID3" {
            break;
        }
        let size = head[6..10]
            .iter()
            .fold(0, |n, &b| n << 7 | u64::from(b & 0x7f));
        let footer = if head[5] & 0x10 != 0 { 10 } else { 0 };
        at += 10 + size + footer;
    }
    Ok(at)
}

/// The start of the tags at the end: ID3v1, APEv2, Lyrics3v2.
fn before_tags(file: &mut (impl Read + Seek), len: u64) -> io::Result<u64> {
    let mut end = len;
    let mut read = |at: u64, buffer: &mut [u8]| -> io::Result<bool> {
        file.seek(SeekFrom::Start(at))?;
        match file.read_exact(buffer) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    };
    if let Some(at) = end.checked_sub(128) {
        let mut tag = [0; 3];
        if read(at, &mut tag)? && &tag == b"TAG" {
            end = at;
        }
    }
    if let Some(at) = end.checked_sub(15) {
        let mut tail = [0; 15];
        if read(at, &mut tail)? && &tail[6..] == b"LYRICS200" {
            let size = std::str::from_utf8(&tail[..6])
                .ok()
                .and_then(|s| s.parse().ok());
            end = end.saturating_sub(size.unwrap_or(0u64) + 15);
        }
    }
    if let Some(at) = end.checked_sub(32) {
        let mut tail = [0; 32];
        if read(at, &mut tail)? && &tail[..8] == b"APETAGEX" {
            let word =
                |i: usize| u32::from_le_bytes([tail[i], tail[i + 1], tail[i + 2], tail[i + 3]]);
            let header = if word(20) & 0x8000_0000 != 0 { 32 } else { 0 };
            end = end.saturating_sub(u64::from(word(12)) + header);
        }
    }
    Ok(end)
}

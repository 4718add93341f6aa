//! Corrections of headers with which a healthy file would be refused by symphonia.

use super::{
    container::after_id3v2,
    input::{Corrections, Reader},
};
use std::{io, ops::Range};

/// How much of a file is searched for the header of its samples.
const HEAD: u64 = 4096;
/// Longest packet that symphonia reads from an Ogg file, in bytes.
const MAX_OGG_PACKET: u64 = 16 << 20;
/// Bytes that are searched at once.
const BLOCK: u64 = 1 << 20;

/// The bytes to replace in the headers of a file of `len` bytes:
///
/// - The length of a WAV or AIFF file as a whole, if it is not that of the file: programs that write to a pipe do not know it, and
///   others are wrong about it. What the chunks say counts.
/// - The shortest block of a FLAC file, if it is shorter than the format allows: some encoders leave it out.
/// - Comments of an Ogg file that are too long for symphonia, because of the pictures in them. They are replaced by none.
pub(super) fn corrections(file: &mut Reader, len: u64) -> io::Result<Corrections> {
    let head = file.bytes(0, HEAD)?;
    let word = |at: usize| head.get(at..at + 4).unwrap_or_default();
    match (word(0), word(8)) {
        (b"RIFF", b"WAVE") => Ok(wav_corrections(&head, len)),
        (b"FORM", b"AIFF" | b"AIFC") => Ok(aiff_corrections(&head, len)),
        (b"OggS", _) => ogg_corrections(file),
        (b"fLaC" | b"ID3\x02" | b"ID3\x03" | b"ID3\x04", _) => flac_corrections(file),
        _ => Ok(Corrections::new()),
    }
}

/// The bytes of a length at byte `at`.
fn word(at: usize, bytes: [u8; 4]) -> impl Iterator<Item = (u64, u8)> {
    (at as u64..).zip(bytes)
}

/// The place of a chunk's length and the length.
fn chunk_size(head: &[u8], name: &[u8; 4], read: fn([u8; 4]) -> u32) -> Option<(usize, u64)> {
    let at = 4 + head.windows(4).position(|word| word == name)?;
    let bytes = head.get(at..at + 4)?.try_into().ok()?;
    Some((at, read(bytes).into()))
}

/// Whether the length of the whole, perhaps without a last byte of padding, or of its samples, is not that of the file.
fn is_wrong(whole: u64, samples: Option<(usize, u64)>, len: u64) -> bool {
    let is_whole = whole + 8 == len || whole + 9 == len;
    !is_whole || samples.is_some_and(|(at, samples)| at as u64 + 4 + samples > len)
}

fn wav_corrections(head: &[u8], len: u64) -> Corrections {
    let mut corrections = Corrections::new();
    let Some((_, whole)) = chunk_size(head, b"RIFF", u32::from_le_bytes) else {
        return corrections;
    };
    let samples = chunk_size(head, b"data", u32::from_le_bytes);
    if is_wrong(whole, samples, len) {
        // Unknown.
        corrections.extend(word(4, [u8::MAX; 4]));
        if let Some((at, 0)) = samples.filter(|_| whole == 0) {
            corrections.extend(word(at, [u8::MAX; 4]));
        }
    }
    corrections
}

fn aiff_corrections(head: &[u8], len: u64) -> Corrections {
    let mut corrections = Corrections::new();
    let Some((_, whole)) = chunk_size(head, b"FORM", u32::from_be_bytes) else {
        return corrections;
    };
    let size = |size: u64| u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes();
    let samples = chunk_size(head, b"SSND", u32::from_be_bytes);
    if is_wrong(whole, samples, len) {
        corrections.extend(word(4, size(len - 8)));
        if let Some((at, samples)) = samples {
            let left = len.saturating_sub(at as u64 + 4);
            let samples = if samples == 0 {
                left
            } else {
                samples.min(left)
            };
            corrections.extend(word(at, size(samples)));
        }
    }
    corrections
}

fn flac_corrections(file: &mut Reader) -> io::Result<Corrections> {
    /// Of a block, in samples (RFC 9639, section 8.2).
    const SHORTEST: u16 = 16;
    let start = after_id3v2(file)?;
    let head = file.bytes(start, 12)?;
    let mut corrections = Corrections::new();
    if let [b'f', b'L', b'a', b'C', kind, _, _, _, min @ .., max0, max1] = head.as_slice()
        && kind & 0x7f == 0
        && let Ok(min) = min.try_into()
        && u16::from_be_bytes(min) < SHORTEST
    {
        corrections.extend([(start + 8, *max0), (start + 9, *max1)]);
    }
    Ok(corrections)
}

/// A page of an Ogg file (RFC 3533, section 6).
struct Page {
    at: u64,
    end: u64,
    header: Vec<u8>,
    /// The numbers of bytes of its segments. One below 255 ends a packet.
    segments: Vec<u8>,
}

impl Page {
    fn read(file: &mut Reader, at: u64) -> io::Result<Option<Self>> {
        let mut header = file.bytes(at, 27 + 255)?;
        if header.len() < 28 || !header.starts_with(b"OggS") {
            return Ok(None);
        }
        let count = usize::from(header[26]);
        let segments: Vec<u8> = header[27..].iter().take(count).copied().collect();
        header.truncate(27);
        let body: u64 = segments.iter().map(|&size| u64::from(size)).sum();
        let end = at + 27 + count as u64 + body;
        Ok(Some(Self {
            at,
            end,
            header,
            segments,
        }))
    }

    fn place(&self) -> Range<u64> {
        self.at..self.end
    }

    fn ends_packet(&self) -> bool {
        self.segments.iter().any(|&size| size < 255)
    }
}

fn ogg_corrections(file: &mut Reader) -> io::Result<Corrections> {
    let mut corrections = Corrections::new();
    let Some(identification) = Page::read(file, 0)? else {
        return Ok(corrections);
    };
    let Some(first) = Page::read(file, identification.end)? else {
        return Ok(corrections);
    };
    // The page that ends the comments.
    let mut last = first.place();
    let mut is_ended = first.ends_packet();
    while !is_ended && let Some(page) = Page::read(file, last.end)? {
        last = page.place();
        is_ended = page.ends_packet();
    }
    let body = first.at + 27 + first.segments.len() as u64;
    let start = file.bytes(body, 8)?;
    let empty = match start.as_slice() {
        b"OpusTags" => b"OpusTags\0\0\0\0\0\0\0\0".as_slice(),
        // With the framing bit (Vorbis I, section 5.2.1).
        vorbis if vorbis.starts_with(b"\x03vorbis") => b"\x03vorbis\0\0\0\0\0\0\0\0\x01",
        _ => return Ok(corrections),
    };
    if last.end - body <= MAX_OGG_PACKET {
        return Ok(corrections);
    }
    // The first page of the comments becomes one of an empty list. What follows loses all marks of pages, which pictures hold by
    // chance too, except for the last page of a Vorbis file, which goes on with the next packet.
    let mut page = first.header;
    page[26] = 1;
    page.push(empty.len() as u8);
    page.extend(empty);
    page[22..26].fill(0);
    let checksum = crc(&page).to_le_bytes();
    page[22..26].copy_from_slice(&checksum);
    corrections.extend((first.at..).zip(page));
    let goes_on = empty.starts_with(b"\x03");
    let end = if goes_on { last.start } else { last.end };
    let mut at = body;
    while at < end {
        let block = file.bytes(at, BLOCK)?;
        let marks = (at..end).zip(block.windows(4));
        let marks = marks.filter(|(_, word)| word == b"OggS");
        corrections.extend(marks.map(|(at, _)| (at, 0)));
        at += BLOCK - 3;
    }
    Ok(corrections)
}

/// The checksum of an Ogg page, whose own field is zero: CRC-32 of the polynomial 0x04c11db7, from 0, most significant bit first.
fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte) << 24, |crc, _| {
            let shifted = crc << 1;
            if crc >> 31 == 1 {
                shifted ^ 0x04c1_1db7
            } else {
                shifted
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{AudioInfo, DecodeOptions, Decoder, Input};
    use std::{fs, path::Path};

    /// The facts about the audio and the number of samples.
    fn decode(bytes: &[u8]) -> (AudioInfo, usize) {
        let input = Input::Bytes(bytes.into());
        let mut decoder = Decoder::open_directly(input, &DecodeOptions::default()).unwrap();
        let mut samples = 0;
        while let Some(block) = decoder.next_block().unwrap() {
            samples += block.len();
        }
        (decoder.info().clone(), samples)
    }

    /// Two seconds of mono 16-bit audio, with the lengths that the file and its samples claim, and a chunk after them.
    fn wav(whole: Option<u32>, samples: Option<u32>) -> Vec<u8> {
        let data: Vec<u8> = (0..44_100_u32)
            .flat_map(|n| (n as i16).to_le_bytes())
            .collect();
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        file.extend(22_050_u32.to_le_bytes());
        file.extend(44_100_u32.to_le_bytes());
        file.extend(b"\x02\0\x10\0data");
        file.extend(samples.unwrap_or(data.len() as u32).to_le_bytes());
        file.extend(data);
        let whole = whole.unwrap_or(file.len() as u32 - 8);
        file[4..8].copy_from_slice(&whole.to_le_bytes());
        file
    }

    fn aiff(whole: Option<u32>, samples: Option<u32>) -> Vec<u8> {
        let data: Vec<u8> = (0..44_100_u32)
            .flat_map(|n| (n as i16).to_be_bytes())
            .collect();
        let mut file = b"FORM\0\0\0\0AIFFCOMM\0\0\0\x12\0\x01".to_vec();
        file.extend(44_100_u32.to_be_bytes());
        // 22,050 as an 80-bit floating-point number.
        file.extend(b"\0\x10\x40\x0d\xac\x44\0\0\0\0\0\0SSND");
        file.extend(samples.unwrap_or(data.len() as u32 + 8).to_be_bytes());
        file.extend([0; 8]);
        file.extend(data);
        let whole = whole.unwrap_or(file.len() as u32 - 8);
        file[4..8].copy_from_slice(&whole.to_be_bytes());
        file
    }

    #[test]
    fn wrong_lengths_of_a_whole_wav_or_aiff_file_do_no_harm() {
        for whole in [
            None,
            Some(88_200),
            Some(35),
            Some(0),
            Some(0x7fff_ffff),
            Some(u32::MAX),
        ] {
            let (info, samples) = decode(&wav(whole, None));
            assert_eq!((samples, info.missing_s), (44_100, 0.0), "{whole:?}");
            let (info, samples) = decode(&aiff(whole, None));
            assert_eq!((samples, info.missing_s), (44_100, 0.0), "{whole:?}");
        }
        for size in [0, 0x7fff_ffff, 0x7fff_f000, u32::MAX] {
            let (info, samples) = decode(&aiff(Some(size), Some(size)));
            assert_eq!((samples, info.missing_s), (44_100, 0.0), "{size:x}");
            let (info, samples) = decode(&wav(Some(size), Some(size)));
            assert_eq!((samples, info.missing_s), (44_100, 0.0), "{size:x}");
        }
        // More samples than there are: the rest is missing, whatever the length of the whole.
        for whole in [None, Some(100_036)] {
            let (info, samples) = decode(&wav(whole, Some(100_000)));
            assert_eq!(samples, 44_100);
            assert!(
                (info.missing_s - 5_900.0 / 22_050.0).abs() < 1e-6,
                "{}",
                info.missing_s
            );
        }
    }

    #[test]
    fn a_flac_file_without_a_shortest_block_is_read() {
        let mut file = fs::read("tests/fixtures/audio/flac.flac").unwrap();
        let (_, samples) = decode(&file);
        for shortest in [0, 15] {
            file[8..10].copy_from_slice(&[0, shortest]);
            assert_eq!(decode(&file).1, samples);
            let with_tag = [b"ID3\x03\0\0\0\0\0\x02..".as_slice(), &file].concat();
            assert_eq!(decode(&with_tag).1, samples);
        }
    }

    /// The pages of an Ogg file, and whether they end a packet.
    fn pages(file: &[u8]) -> Vec<&[u8]> {
        let mut pages = Vec::new();
        let mut rest = file;
        while !rest.is_empty() {
            let count = usize::from(rest[26]);
            let body: usize = rest[27..27 + count].iter().map(|&n| usize::from(n)).sum();
            let (page, after) = rest.split_at(27 + count + body);
            pages.push(page);
            rest = after;
        }
        pages
    }

    /// An Ogg file of one stream with a comment of `size` bytes in place of its own ones.
    fn with_comment(file: &[u8], size: usize) -> Vec<u8> {
        let pages = pages(file);
        // The packets of the pages of headers, but the first.
        let (mut packets, mut packet, mut used) = (Vec::new(), Vec::new(), 1);
        let is_opus = pages[0].windows(8).any(|word| word == b"OpusHead");
        let wanted = if is_opus { 1 } else { 2 };
        while packets.len() < wanted {
            let page = pages[used];
            let count = usize::from(page[26]);
            let mut body = &page[27 + count..];
            for &segment in &page[27..27 + count] {
                let (now, later) = body.split_at(segment.into());
                packet.extend(now);
                body = later;
                if segment < 255 {
                    packets.push(std::mem::take(&mut packet));
                }
            }
            used += 1;
        }
        let mut comment = [b"COMMENT=".as_slice(), &vec![b'x'; size]].concat();
        // As by chance in a picture.
        for part in comment.chunks_exact_mut(654_321) {
            part[300_000..300_004].copy_from_slice(b"OggS");
        }
        let mut list = if is_opus {
            b"OpusTags".to_vec()
        } else {
            b"\x03vorbis".to_vec()
        };
        list.extend([0, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0]);
        list.extend(b"TITLE=big");
        list.extend((comment.len() as u32).to_le_bytes());
        list.extend(comment);
        list.push(1);
        packets[0] = list;
        let mut segments: Vec<(u8, &[u8])> = Vec::new();
        for packet in &packets {
            for part in packet.chunks(255) {
                segments.push((part.len() as u8, part));
            }
            if packet.len() % 255 == 0 {
                segments.push((0, &[]));
            }
        }
        let mut out = pages[0].to_vec();
        let mut write = |head: &[u8], flags: u8, number: u32, segments: &[(u8, &[u8])]| {
            let mut page = head[..27].to_vec();
            (page[5], page[26]) = (flags, segments.len() as u8);
            page[18..22].copy_from_slice(&number.to_le_bytes());
            page.extend(segments.iter().map(|segment| segment.0));
            segments.iter().for_each(|segment| page.extend(segment.1));
            page[22..26].fill(0);
            let checksum = crc(&page).to_le_bytes();
            page[22..26].copy_from_slice(&checksum);
            out.extend(page);
        };
        let mut number = 1;
        let mut continues = 0;
        for part in segments.chunks(255) {
            write(pages[1], continues, number, part);
            continues = u8::from(part[part.len() - 1].0 == 255);
            number += 1;
        }
        for page in &pages[used..] {
            let count = usize::from(page[26]);
            let mut body = &page[27 + count..];
            let mut segments = Vec::new();
            for &segment in &page[27..27 + count] {
                let (now, later) = body.split_at(segment.into());
                segments.push((segment, now));
                body = later;
            }
            write(page, page[5], number, &segments);
            number += 1;
        }
        out
    }

    #[test]
    fn comments_too_long_for_symphonia_are_left_out_of_an_ogg_file() {
        for name in ["opus.opus", "vorbis.ogg"] {
            let path = Path::new("tests/fixtures/audio").join(name);
            let file = fs::read(path).unwrap();
            let (original, samples) = decode(&file);
            for size in [10, 100_000, 17 << 20] {
                let (info, found) = decode(&with_comment(&file, size));
                assert_eq!(found, samples, "{name}, {size}");
                assert_eq!((info.missing_s, info.damaged_packets), (0.0, 0));
                assert_eq!(info.tags.title.as_deref(), Some("big"), "{name}, {size}");
                assert_eq!(info.duration_s, original.duration_s);
            }
        }
    }
}

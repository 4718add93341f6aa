//! Tags at the level of bytes, where lofty would lose text: what it refuses or misreads.

use super::{
    container::{after_id3v2, id3v1_len, id3v2_tags},
    input::{Corrections, Reader},
};
use crate::charset::{TagCharset, decode_code_page};
use lofty::tag::{ItemKey, ItemValue, Tag, TagItem, TagType};
use std::{
    io::{self, Seek, SeekFrom},
    ops::Range,
};

/// Frames of an ID3v2 tag, or chunks of a file, beyond which something else is read as them.
const MAX_PARTS: usize = 4096;
/// Longest text that is examined, in bytes.
const MAX_TEXT: u64 = 64 * 1024;
/// Longest compressed text that is read, in bytes. Decompressed, it may be a thousand times as long.
const MAX_COMPRESSED: u64 = 4096;
/// A tag that is longer has something else in it.
const MAX_TAG: u64 = 16 << 20;
/// Text with each byte that is not ASCII as the character of this number plus the byte: private-use characters, which no tag has.
const RAW: u32 = 0xf700;

/// Text of an unknown encoding, for [`decode_raw`]; UTF-8 as it is.
pub(super) fn raw_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => raw(bytes.iter().map(|byte| char::from(*byte))),
    }
}

/// Text that was decoded as Latin-1, for [`decode_raw`].
pub(super) fn raw(latin1: impl Iterator<Item = char>) -> String {
    let raw = |c: char| match u32::from(c) {
        byte @ 0x80..=0xff => char::from_u32(RAW + byte).unwrap_or(c),
        _ => c,
    };
    latin1.map(raw).collect()
}

/// The bytes of text of an unknown encoding; `None` for other text.
pub(super) fn raw_bytes(text: &str) -> Option<Vec<u8>> {
    let byte = |c: char| match u32::from(c) {
        raw if (RAW + 0x80..=RAW + 0xff).contains(&raw) => Some((raw - RAW) as u8),
        ascii if ascii < 0x80 => Some(ascii as u8),
        _ => None,
    };
    let bytes: Vec<u8> = text.chars().map(byte).collect::<Option<_>>()?;
    (!bytes.is_ascii()).then_some(bytes)
}

/// The corrections of the tags of a file, and the text in them that lofty leaves out. Text of an unknown encoding is for
/// [`decode_raw`].
pub(super) fn examine(file: &mut Reader, container: &str) -> io::Result<(Corrections, Tag)> {
    match container {
        "wave" | "aiff" => iff_text(file),
        "mp1" | "mp2" | "mp3" | "aac" => {
            let (mut corrections, text) = foreign_ape(file)?;
            corrections.extend(id3v2_corrections(file, 0)?);
            Ok((corrections, text))
        }
        "flac" => Ok((
            id3v2_corrections(file, 0)?,
            foreign_comments(&flac_comments(file)?),
        )),
        "ogg" => Ok((Corrections::new(), foreign_comments(&second_packet(file)?))),
        "isomp4" => foreign_atoms(file),
        _ => Ok((Corrections::new(), Tag::new(TagType::Id3v2))),
    }
}

/// Decodes those of the texts of a file whose encoding is unknown.
pub(super) fn decode_raw<'a>(texts: impl Iterator<Item = &'a mut String>, charset: TagCharset) {
    let (texts, bytes): (Vec<&mut String>, Vec<Vec<u8>>) = texts
        .filter_map(|text| raw_bytes(text).map(|bytes| (text, bytes)))
        .unzip();
    let bytes: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    for (text, decoded) in texts.into_iter().zip(charset.decode_fields(&bytes)) {
        *text = decoded;
    }
}

/// A frame of an ID3v2 tag.
struct Frame {
    /// Its first byte.
    at: u64,
    id: Vec<u8>,
    /// Bytes after its header.
    size: u64,
    /// The bytes of its text, that of the encoding first; `None` if they are compressed or encrypted.
    text: Option<Range<u64>>,
}

/// The corrections of the ID3v2 tags from byte `at` on:
///
/// - The size of a frame is written as ID3v2.4 asks, where a program (iTunes) wrote plain numbers.
/// - Text that is not valid in its encoding is marked as Latin-1, the one encoding that lofty never refuses.
/// - A frame that is not needed gets an unknown name and no flags, so that lofty neither refuses the tag for an invalid one nor
///   decompresses it.
fn id3v2_corrections(file: &mut Reader, at: u64) -> io::Result<Corrections> {
    let mut corrections = Corrections::new();
    for tag in id3v2_tags(file, at)? {
        correct(file, tag, &mut corrections)?;
    }
    Ok(corrections)
}

fn correct(file: &mut Reader, tag: Range<u64>, corrections: &mut Corrections) -> io::Result<()> {
    let header = file.bytes(tag.start, 14)?;
    let [_, _, _, version, _, flags, _, _, _, _, extended @ ..] = header.as_slice() else {
        return Ok(());
    };
    let mut body = tag.start + 10..tag.end;
    if flags & 0x10 != 0 {
        body.end -= 10;
    }
    if flags & 0x40 != 0
        && let Ok(size) = extended.try_into()
    {
        body.start += match version {
            4 => synchsafe(size).unwrap_or(0),
            _ => 4 + plain(size).unwrap_or(0),
        };
    }
    let version = *version;
    let mut found = match version {
        // Unsynchronization changes the whole tag.
        2 | 3 if flags & 0x80 != 0 => None,
        2 | 3 => frames(file, &body, version, plain)?,
        4 => frames(file, &body, version, synchsafe)?,
        _ => None,
    };
    if version == 4 && found.is_none() {
        found = frames(file, &body, version, plain)?;
        for frame in found.iter().flatten() {
            for n in 0..4 {
                let seven_bits = (frame.size >> (7 * (3 - n)) & 0x7f) as u8;
                corrections.insert(frame.at + 4 + n, seven_bits);
            }
        }
    }
    for frame in found.iter().flatten() {
        let mut is_needed = match frame.id.as_slice() {
            b"TIT2" | b"TPE1" | b"TPE2" | b"TALB" | b"TCON" => {
                frame.text.is_some() || frame.size <= MAX_COMPRESSED
            }
            b"TT2" | b"TP1" | b"TP2" | b"TAL" | b"TCO" => true,
            // Left out by lofty.
            b"APIC" | b"PIC" => true,
            _ => false,
        };
        if let Some(text) = frame.text.clone()
            && frame.id.starts_with(b"T")
        {
            let size = text.end.saturating_sub(text.start);
            let content = file.bytes(text.start, size.min(MAX_TEXT))?;
            let is_valid = match content.split_first() {
                Some((1, text)) => text.len() % 2 == 0,
                Some((3, text)) => version > 2 && std::str::from_utf8(text).is_ok(),
                _ => true,
            };
            if !is_valid {
                corrections.insert(text.start, 0);
            }
            is_needed &= content.first().is_some_and(|encoding| *encoding < 4);
        }
        if !is_needed {
            corrections.extend((frame.at..).take(frame.id.len()).map(|at| (at, b'X')));
            if version > 2 {
                corrections.insert(frame.at + 9, 0);
            }
        }
    }
    Ok(())
}

/// The frames of a tag; `None` if they do not fill it up to zeros.
fn frames(
    file: &mut Reader,
    bytes: &Range<u64>,
    version: u8,
    size_of: fn([u8; 4]) -> Option<u64>,
) -> io::Result<Option<Vec<Frame>>> {
    let header_len = if version == 2 { 6 } else { 10 };
    let mut frames = Vec::new();
    let mut at = bytes.start;
    while at + header_len < bytes.end {
        let header = file.bytes(at, header_len)?;
        if header.first() == Some(&0) {
            let padding = file.bytes(at, (bytes.end - at).min(1024))?;
            return Ok(padding.iter().all(|byte| *byte == 0).then_some(frames));
        }
        let (id, size, flags) = match *header.as_slice() {
            [a, b, c, x, y, z] => (vec![a, b, c], [0, x, y, z], 0),
            [a, b, c, d, w, x, y, z, _, flags] => (vec![a, b, c, d], [w, x, y, z], flags),
            _ => return Ok(None),
        };
        let is_name = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let size = size_of(size).filter(|size| *size <= bytes.end - at - header_len);
        let (true, Some(size)) = (id.iter().all(is_name) && frames.len() < MAX_PARTS, size) else {
            return Ok(None);
        };
        // The flags of a group, whose number comes first; of compression and encryption; and of the length, which comes next.
        let (group, packed, length) = match version {
            3 => (0x20, 0xc0, 0),
            4 => (0x40, 0x0c, 0x01),
            _ => (0, 0, 0),
        };
        let first = u64::from(flags & group != 0) + 4 * u64::from(flags & length != 0);
        let content = at + header_len + first..at + header_len + size;
        frames.push(Frame {
            at,
            id,
            size,
            text: (flags & packed == 0).then_some(content),
        });
        at += header_len + size;
    }
    Ok(Some(frames))
}

/// A number of four times eight bits.
fn plain(bytes: [u8; 4]) -> Option<u64> {
    Some(u32::from_be_bytes(bytes).into())
}

/// A number of four times seven bits.
fn synchsafe(bytes: [u8; 4]) -> Option<u64> {
    let is_safe = bytes.iter().all(|byte| *byte < 0x80);
    is_safe.then(|| {
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 7 | u64::from(*byte))
    })
}

/// The text in the chunks of a WAV or AIFF file, which lofty then leaves out.
fn iff_text(file: &mut Reader) -> io::Result<(Corrections, Tag)> {
    let is_aiff = file.bytes(0, 4)? == b"FORM";
    let (size_of, kind) = match is_aiff {
        true => (u32::from_be_bytes as fn([u8; 4]) -> u32, TagType::AiffText),
        false => (u32::from_le_bytes as fn([u8; 4]) -> u32, TagType::RiffInfo),
    };
    let (mut corrections, mut tag) = (Corrections::new(), Tag::new(kind));
    let (mut info, mut code_page) = (Vec::new(), 0);
    let mut at = 12;
    for _ in 0..MAX_PARTS {
        let header = file.bytes(at, 8)?;
        let [a, b, c, d, s0, s1, s2, s3] = *header.as_slice() else {
            break;
        };
        let size = u64::from(size_of([s0, s1, s2, s3]));
        match &[a, b, c, d] {
            b"ID3 " | b"id3 " => corrections.extend(id3v2_corrections(file, at + 8)?),
            b"CSET" => {
                if let [low, high] = *file.bytes(at + 8, 2)?.as_slice() {
                    code_page = u16::from_le_bytes([low, high]);
                }
            }
            b"LIST" | b"NAME" | b"AUTH" | b"(c) " | b"ANNO" | b"COMT" => {
                corrections.extend((at..).take(4).map(|at| (at, b'X')));
                let content = file.bytes(at + 8, size.min(MAX_TEXT))?;
                match (&[a, b, c, d], content.strip_prefix(b"INFO")) {
                    (b"NAME", _) => push(&mut tag, ItemKey::TrackTitle, 0, &content),
                    (b"AUTH", _) => push(&mut tag, ItemKey::TrackArtist, 0, &content),
                    (b"LIST", Some(list)) if info.is_empty() => info = list.to_vec(),
                    _ => {}
                }
            }
            _ => {}
        }
        at += 8 + size + size % 2;
    }
    let mut list = info.as_slice();
    while let Some((&[a, b, c, d, s0, s1, s2, s3], rest)) = list.split_first_chunk() {
        let size = (u32::from_le_bytes([s0, s1, s2, s3]) as usize).min(rest.len());
        let key = match &[a, b, c, d] {
            b"INAM" => Some(ItemKey::TrackTitle),
            b"IART" => Some(ItemKey::TrackArtist),
            b"IPRD" => Some(ItemKey::AlbumTitle),
            b"IGNR" => Some(ItemKey::Genre),
            _ => None,
        };
        if let Some(key) = key {
            push(&mut tag, key, code_page, &rest[..size]);
        }
        list = &rest[(size + size % 2).min(rest.len())..];
    }
    Ok((corrections, tag))
}

/// Adds text, up to a zero, in a code page of Windows; 0 if none is declared.
fn push(tag: &mut Tag, key: ItemKey, code_page: u16, bytes: &[u8]) {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let declared = decode_code_page(code_page, text);
    let text = declared.unwrap_or_else(|| raw_text(text));
    tag.push(TagItem::new(key, ItemValue::Text(text)));
}

/// The Vorbis comments that are not UTF-8: lofty leaves them out.
fn foreign_comments(comments: &[u8]) -> Tag {
    let names = [&b"OpusTags"[..], b"\x03vorbis"];
    let name = names.into_iter().find(|name| comments.starts_with(name));
    let mut rest = &comments[name.map_or(0, <[u8]>::len)..];
    let mut tag = Tag::new(TagType::VorbisComments);
    // The vendor, and the number of comments.
    take(&mut rest);
    rest = rest.get(4..).unwrap_or_default();
    while let Some(comment) = take(&mut rest) {
        let Some(equals) = comment.iter().position(|byte| *byte == b'=') else {
            continue;
        };
        let (name, text) = (&comment[..equals], &comment[equals + 1..]);
        let key = match name.to_ascii_uppercase().as_slice() {
            b"TITLE" => ItemKey::TrackTitle,
            b"ARTIST" => ItemKey::TrackArtist,
            b"ALBUMARTIST" => ItemKey::AlbumArtist,
            b"ALBUM" => ItemKey::AlbumTitle,
            b"GENRE" => ItemKey::Genre,
            _ => continue,
        };
        if std::str::from_utf8(text).is_err() {
            push(&mut tag, key, 0, text);
        }
    }
    tag
}

/// Takes bytes after their number from the front.
fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (taken, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *bytes = rest;
    Some(taken)
}

/// The content of the block of Vorbis comments of a FLAC file; empty without one.
fn flac_comments(file: &mut Reader) -> io::Result<Vec<u8>> {
    const COMMENTS: u8 = 4;
    let mut at = after_id3v2(file)? + 4;
    for _ in 0..MAX_PARTS {
        let header = file.bytes(at, 4)?;
        let [kind, a, b, c] = *header.as_slice() else {
            break;
        };
        let size = u64::from(u32::from_be_bytes([0, a, b, c]));
        if kind & 0x7f == COMMENTS {
            return file.bytes(at + 4, size);
        }
        if kind & 0x80 != 0 {
            break;
        }
        at += 4 + size;
    }
    Ok(Vec::new())
}

/// The second packet of the first stream of an Ogg file (RFC 3533); what there is of it if it is cut or long.
fn second_packet(file: &mut Reader) -> io::Result<Vec<u8>> {
    const HEADER: u64 = 27;
    let (mut at, mut packets, mut stream) = (0, 0, None);
    let mut packet = Vec::new();
    for _ in 0..MAX_PARTS {
        let header = file.bytes(at, HEADER)?;
        let (Some(&segments), Some(serial)) = (header.get(26), header.get(14..18)) else {
            break;
        };
        let segments = file.bytes(at + HEADER, segments.into())?;
        let start = at + HEADER + segments.len() as u64;
        let length = segments.iter().map(|segment| u64::from(*segment)).sum();
        at = start + length;
        if *stream.get_or_insert(serial.to_vec()) != serial {
            continue;
        }
        let page = file.bytes(start, length)?;
        let mut rest = page.as_slice();
        for segment in segments {
            let size = rest.len().min(segment.into());
            let (content, after) = rest.split_at(size);
            rest = after;
            if packets == 1 {
                packet.extend(content);
            }
            packets += u32::from(segment < 255);
            if packets > 1 || packet.len() as u64 > MAX_TAG {
                return Ok(packet);
            }
        }
    }
    Ok(packet)
}

/// The fields of the APE tag at the end of a file that are not UTF-8: version 1 was in any encoding, and lofty refuses it.
fn foreign_ape(file: &mut Reader) -> io::Result<(Corrections, Tag)> {
    const FOOTER: u64 = 32;
    let (mut corrections, mut tag) = (Corrections::new(), Tag::new(TagType::Ape));
    let len = file.seek(SeekFrom::End(0))?;
    let end = len - id3v1_len(file, len)?;
    let footer = file.bytes(end.saturating_sub(FOOTER), FOOTER)?;
    let size = footer
        .strip_prefix(b"APETAGEX")
        .and_then(|rest| rest.get(4..8)?.try_into().ok());
    // The size includes the footer.
    let size = size.map_or(0, u32::from_le_bytes).into();
    if !(FOOTER..MAX_TAG).contains(&size) || size > end {
        return Ok((corrections, tag));
    }
    let start = end - size;
    let items = file.bytes(start, size - FOOTER)?;
    let mut rest = items.as_slice();
    while let Some((&[s0, s1, s2, s3, flags, _, _, _], after)) = rest.split_first_chunk() {
        let at = start + (items.len() - rest.len()) as u64;
        let Some(name_end) = after.iter().position(|byte| *byte == 0) else {
            break;
        };
        let (name, value) = (&after[..name_end], &after[name_end + 1..]);
        let size = u32::from_le_bytes([s0, s1, s2, s3]) as usize;
        let Some((value, next)) = value.split_at_checked(size) else {
            break;
        };
        rest = next;
        if std::str::from_utf8(value).is_ok() {
            continue;
        }
        // As binary data it is not refused.
        corrections.insert(at + 4, flags & !6 | 2);
        let key = match name.to_ascii_uppercase().as_slice() {
            b"TITLE" => ItemKey::TrackTitle,
            b"ARTIST" => ItemKey::TrackArtist,
            b"ALBUM ARTIST" | b"ALBUMARTIST" => ItemKey::AlbumArtist,
            b"ALBUM" => ItemKey::AlbumTitle,
            b"GENRE" => ItemKey::Genre,
            _ => continue,
        };
        push(&mut tag, key, 0, value);
    }
    Ok((corrections, tag))
}

/// The fields of the tag of an MP4 file that should be UTF-8 and are not: lofty refuses it.
fn foreign_atoms(file: &mut Reader) -> io::Result<(Corrections, Tag)> {
    let (mut corrections, mut tag) = (Corrections::new(), Tag::new(TagType::Mp4Ilst));
    let mut inside = 0..file.seek(SeekFrom::End(0))?;
    for name in [b"moov", b"udta", b"meta", b"ilst"] {
        let mut found = atoms(file, inside)?.into_iter();
        let Some((_, content)) = found.find(|(found, _)| found == name) else {
            return Ok((corrections, tag));
        };
        inside = content;
        // Its version, which QuickTime leaves out.
        if name == b"meta" && file.bytes(inside.start + 4, 4)? != b"hdlr" {
            inside.start += 4;
        }
    }
    for (name, content) in atoms(file, inside)? {
        let key = match &name {
            b"\xa9nam" => ItemKey::TrackTitle,
            b"\xa9ART" => ItemKey::TrackArtist,
            b"aART" => ItemKey::AlbumArtist,
            b"\xa9alb" => ItemKey::AlbumTitle,
            b"\xa9gen" => ItemKey::Genre,
            _ => continue,
        };
        for (_, data) in atoms(file, content)? {
            let length = data.end.saturating_sub(data.start);
            let content = file.bytes(data.start, length.min(MAX_TEXT))?;
            if let Some(([0, 0, 0, 1, ..], text)) = content.split_first_chunk::<8>()
                && std::str::from_utf8(text).is_err()
            {
                // As data of no known type it is not refused.
                corrections.insert(data.start + 3, 0);
                push(&mut tag, key, 0, text);
            }
        }
    }
    Ok((corrections, tag))
}

/// The atoms in a part of an MP4 file: their names and contents.
fn atoms(file: &mut Reader, bytes: Range<u64>) -> io::Result<Vec<([u8; 4], Range<u64>)>> {
    let mut atoms = Vec::new();
    let mut at = bytes.start;
    while at < bytes.end && atoms.len() < MAX_PARTS {
        let header = file.bytes(at, 16)?;
        let Some((&[s0, s1, s2, s3, a, b, c, d], rest)) = header.split_first_chunk() else {
            break;
        };
        let (header, size) = match (u32::from_be_bytes([s0, s1, s2, s3]), rest.try_into()) {
            (0, _) => (8, bytes.end - at),
            (1, Ok(size)) => (16, u64::from_be_bytes(size)),
            (size, _) => (8, size.into()),
        };
        let end = at.saturating_add(size).min(bytes.end);
        if size < header {
            break;
        }
        atoms.push(([a, b, c, d], at + header..end));
        at = end;
    }
    Ok(atoms)
}

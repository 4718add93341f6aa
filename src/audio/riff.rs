//! What symphonia leaves unread in WAV and AIFF files: the tags, and whether the file is as long as it says.

use super::tags::{Tags, clean};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};
use symphonia::{
    core::{
        io::{MediaSourceStream, MediaSourceStreamOptions},
        meta::{MetadataOptions, MetadataReader as _},
    },
    default::meta::Id3v2Reader,
};

/// What the chunks of a file say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// Tags of the `LIST INFO` or `ID3 ` chunks of WAV, of the text chunks of AIFF.
    pub tags: Tags,
    /// The byte at which the sound should end, where that is behind the end of the file.
    pub missing_until: Option<u64>,
    /// The file was written to a pipe, and its length is not known.
    pub endless: bool,
}

/// Chunks looked at, so that a broken file costs bounded work.
const MAX_CHUNKS: usize = 4096;
/// Longest chunk of tags that is read.
const MAX_TAGS: u64 = 16 * 1024 * 1024;
/// The length that writers put where they cannot know it, because they write to a pipe.
const UNKNOWN: u64 = u32::MAX as u64;

/// Reads the chunks of a WAV (`big_endian` false) or an AIFF file of `len` bytes.
///
/// # Errors
/// What reading gives. A chunk that makes no sense ends the search.
pub(super) fn account(file: &mut File, len: u64, big_endian: bool) -> io::Result<Account> {
    let mut account = Account::default();
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        let Some(head) = read(file, at, 8)? else {
            break;
        };
        let size = number(&head[4..8], big_endian);
        let (start, end) = (at + 8, at + 8 + size);
        match &head[..4] {
            b"data" | b"SSND" => {
                if end > len && size != UNKNOWN {
                    account.missing_until = Some(end);
                }
                if size == UNKNOWN {
                    account.endless = true;
                    break;
                }
            }
            b"LIST" if size <= MAX_TAGS => {
                if let Some(list) = read(file, start, size)? {
                    account.tags.fill_from(info_tags(&list));
                }
            }
            b"id3 " | b"ID3 " if size <= MAX_TAGS => {
                if let Some(tags) = id3_tags(file, start)? {
                    account.tags.fill_from(tags);
                }
            }
            b"NAME" | b"AUTH" if big_endian && size <= MAX_TAGS => {
                if let Some(text) = read(file, start, size)? {
                    let text = clean(&String::from_utf8_lossy(&text));
                    let mut tags = Tags::default();
                    match &head[..4] {
                        b"NAME" => tags.title = text,
                        _ => tags.artist = text,
                    }
                    account.tags.fill_from(tags);
                }
            }
            _ => {}
        }
        at = end + (size & 1);
    }
    Ok(account)
}

/// The texts of a `LIST` chunk of the form `INFO`.
fn info_tags(list: &[u8]) -> Tags {
    let mut tags = Tags::default();
    let Some(mut rest) = list.strip_prefix(b"INFO") else {
        return tags;
    };
    while rest.len() >= 8 {
        let size = number(&rest[4..8], false) as usize;
        let Some(text) = rest.get(8..8 + size) else {
            break;
        };
        let text = || {
            clean(&String::from_utf8_lossy(
                text.split(|&b| b == 0).next().unwrap_or(text),
            ))
        };
        match &rest[..4] {
            b"INAM" => tags.title = text(),
            b"IART" => tags.artist = text(),
            b"IPRD" => tags.album = text(),
            b"IGNR" => tags.genre = text(),
            _ => {}
        }
        rest = rest.get(8 + size + (size & 1)..).unwrap_or_default();
    }
    tags
}

/// The tags of an ID3v2 tag that starts at a byte of the file.
fn id3_tags(file: &File, start: u64) -> io::Result<Option<Tags>> {
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(start))?;
    let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
    let revision = Id3v2Reader::try_new(stream, MetadataOptions::default())
        .and_then(|mut reader| reader.read_all());
    Ok(revision
        .ok()
        .map(|buffer| Tags::of_revision(&buffer.revision)))
}

fn read(file: &mut File, at: u64, size: u64) -> io::Result<Option<Vec<u8>>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.by_ref().take(size).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 == size).then_some(bytes))
}

fn number(bytes: &[u8], big_endian: bool) -> u64 {
    let step = |sum: u64, b: &u8| sum << 8 | u64::from(*b);
    if big_endian {
        bytes.iter().fold(0, step)
    } else {
        bytes.iter().rev().fold(0, step)
    }
}

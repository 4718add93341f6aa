//! What an Ogg file tells of its end. Ogg has no length to compare with, but marks the last page of every stream.

use std::io::{self, Read, Seek, SeekFrom};

/// How far from the end of the file the last page is looked for: more than the longest page (65,307 bytes).
const TAIL: u64 = 256 * 1024;
/// How much of the file is read for the streams that it begins with. Their first pages hold one short packet each.
const HEAD: u64 = 64 * 1024;
/// Bytes of a page before its table of segments.
const HEADER: usize = 27;
/// Flags of a page: the first of its stream, the last of its stream.
const FIRST: u8 = 2;
const LAST: u8 = 4;

/// How the file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    /// The last page of the sound is there, whole and marked as the last.
    pub complete: bool,
    /// Another sound follows the first (RFC 3533, section 4: chaining), as in recordings of radio streams.
    pub chained: bool,
}

/// Looks at the end of a file of `len` bytes, whose first sound is the stream `serial`.
///
/// # Errors
/// What reading gives.
pub(super) fn ending(file: &mut (impl Read + Seek), len: u64, serial: u32) -> io::Result<Ending> {
    let begun = streams_at_start(&bytes(file, 0, HEAD)?);
    let tail = bytes(file, len.saturating_sub(TAIL), TAIL)?;
    let pages = || {
        (0..tail.len())
            .rev()
            .filter_map(|at| Page::read(&tail[at..]))
    };
    let later = pages().next().filter(|page| !begun.contains(&page.serial));
    let chained = later.is_some();
    // In a file with a picture too, the last page of the sound may be far from the end.
    let complete = later
        .or_else(|| pages().find(|page| page.serial == serial))
        .is_none_or(|page| page.whole && page.flags & LAST != 0);
    Ok(Ending { complete, chained })
}

fn bytes(file: &mut (impl Read + Seek), from: u64, count: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.by_ref().take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The streams whose first pages stand together at the start of the file: all those that run side by side.
fn streams_at_start(mut head: &[u8]) -> Vec<u32> {
    let mut serials = Vec::new();
    while let Some(page) = Page::read(head).filter(|page| page.flags & FIRST != 0) {
        serials.push(page.serial);
        head = &head[page.length.min(head.len())..];
    }
    serials
}

/// One page, as far as it is needed here.
struct Page {
    serial: u32,
    flags: u8,
    /// Of header, table and body, in bytes.
    length: usize,
    /// All of it is there.
    whole: bool,
}

impl Page {
    /// The page that `bytes` begin with.
    fn read(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..HEADER)?;
        if !header.starts_with(b"OggS\0") {
            return None;
        }
        let behind_table = HEADER + usize::from(header[26]);
        let body = bytes
            .get(HEADER..behind_table)
            .map(|table| table.iter().map(|&bytes| usize::from(bytes)).sum::<usize>());
        let length = behind_table + body.unwrap_or(0);
        Some(Self {
            serial: u32::from_le_bytes([header[14], header[15], header[16], header[17]]),
            flags: header[5],
            length,
            whole: body.is_some() && bytes.len() >= length,
        })
    }
}

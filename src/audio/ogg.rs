//! Whether an Ogg file ends where its stream ends. Ogg has no length to compare with, but marks the last page.

use std::io::{self, Read, Seek, SeekFrom};

/// How far from the end of the file the last page is looked for: more than the longest page (65,307 bytes).
const TAIL: u64 = 256 * 1024;

/// Whether the last page of the stream `serial` in a file of `len` bytes is there, whole and marked as the last.
///
/// # Errors
/// What reading gives.
pub(super) fn is_complete(
    file: &mut (impl Read + Seek),
    len: u64,
    serial: u32,
) -> io::Result<bool> {
    file.seek(SeekFrom::Start(len.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.by_ref().take(TAIL).read_to_end(&mut tail)?;
    let last = (0..tail.len()).rev().find_map(|at| {
        let page = &tail[at..];
        let head = page.get(..27)?;
        let of_stream = head.starts_with(b"OggS\0") && head[14..18] == serial.to_le_bytes();
        of_stream.then_some((page, head))
    });
    // In a file with a picture too, the last page of the sound may be far from the end.
    let Some((page, head)) = last else {
        return Ok(true);
    };
    let segments = usize::from(head[26]);
    let whole = page.get(27..27 + segments).is_some_and(|table| {
        let body: usize = table.iter().map(|&b| usize::from(b)).sum();
        page.len() >= 27 + segments + body
    });
    Ok(whole && head[5] & 4 != 0)
}

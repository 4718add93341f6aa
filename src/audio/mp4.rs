//! What symphonia leaves unread in an MP4 file: where the sound starts (edit lists and iTunes' own note), and whether
//! the file is as long as its boxes say.

use std::io::{self, Read, Seek, SeekFrom};

/// What the boxes of an MP4 file say of one track.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Account {
    /// Seconds at the start of the track that are the encoder's delay.
    pub delay_s: f64,
    /// Samples of delay by iTunes' note, used where there is no edit list.
    pub itunes_delay: u64,
}

/// Boxes looked at in one parent, so that a broken file costs bounded work.
const MAX_CHILDREN: usize = 4096;

/// A box: its four letters and the bytes of its content.
#[derive(Clone, Copy)]
struct Node {
    kind: [u8; 4],
    start: u64,
    end: u64,
}

/// Reads the account of the track `track_id` in a file of `len` bytes.
///
/// # Errors
/// What reading gives. Boxes that contradict themselves are passed over: the decoder will say more about them.
pub(super) fn account(
    file: &mut (impl Read + Seek),
    len: u64,
    track_id: u32,
) -> io::Result<Account> {
    let mut account = Account::default();
    let top = children(file, 0, len)?;
    let Some(moov) = top.iter().find(|node| &node.kind == b"moov") else {
        return Ok(account);
    };
    for node in children(file, moov.start, moov.end.min(len))? {
        match &node.kind {
            b"trak" => {
                if let Some(delay_s) = edit_delay(file, &node, track_id)? {
                    account.delay_s = delay_s;
                }
            }
            b"udta" => account.itunes_delay = itunes_delay(file, &node)?.unwrap_or(0),
            _ => {}
        }
    }
    Ok(account)
}

/// A byte up to which a file of `len` bytes should go, where it does not: its last box ends there, or the box that
/// describes the sound is still to come.
///
/// # Errors
/// What reading gives.
pub(super) fn missing_until(file: &mut (impl Read + Seek), len: u64) -> io::Result<Option<u64>> {
    let top = children(file, 0, len)?;
    let last = top.iter().map(|node| node.end).max().unwrap_or(0);
    let described = top.iter().any(|node| &node.kind == b"moov");
    let cut = last > len || (!described && last == len);
    Ok(cut.then_some(last.max(len + 1)))
}

/// The seconds that the edit list of `trak` leaves out at the start, if it is the track `track_id` and has one.
fn edit_delay(
    file: &mut (impl Read + Seek),
    trak: &Node,
    track_id: u32,
) -> io::Result<Option<f64>> {
    let nodes = children(file, trak.start, trak.end)?;
    let Some(tkhd) = content(file, find(&nodes, b"tkhd"), 24)? else {
        return Ok(None);
    };
    let id_at = if tkhd.first() == Some(&1) { 20 } else { 12 };
    if be(&tkhd, id_at, 4) != Some(u64::from(track_id)) {
        return Ok(None);
    }
    let Some(mdia) = find(&nodes, b"mdia") else {
        return Ok(None);
    };
    let inside = children(file, mdia.start, mdia.end)?;
    let Some(mdhd) = content(file, find(&inside, b"mdhd"), 24)? else {
        return Ok(None);
    };
    let scale_at = if mdhd.first() == Some(&1) { 20 } else { 12 };
    let Some(edts) = find(&nodes, b"edts") else {
        return Ok(None);
    };
    let edits = children(file, edts.start, edts.end)?;
    let Some(elst) = content(file, find(&edits, b"elst"), 8 + 20 * 16)? else {
        return Ok(None);
    };
    let wide = elst.first() == Some(&1);
    let entries = be(&elst, 4, 4).unwrap_or(0).min(16) as usize;
    // The first edit that is not empty says where in the track the sound starts.
    let start = (0..entries).find_map(|i| {
        let time = if wide {
            be(&elst, 8 + 20 * i + 8, 8)? as i64
        } else {
            i64::from(be(&elst, 8 + 12 * i + 4, 4)? as u32 as i32)
        };
        (time >= 0).then_some(time)
    });
    match (start, be(&mdhd, scale_at, 4)) {
        (Some(time), Some(scale)) if scale > 0 => Ok(Some(time as f64 / scale as f64)),
        _ => Ok(None),
    }
}

/// The delay in samples that iTunes notes as ` 00000000 00000840 000001CA ...` under the name `iTunSMPB`.
fn itunes_delay(file: &mut (impl Read + Seek), udta: &Node) -> io::Result<Option<u64>> {
    let nodes = children(file, udta.start, udta.end)?;
    let Some(meta) = find(&nodes, b"meta") else {
        return Ok(None);
    };
    let nodes = children(file, meta.start + 4, meta.end)?;
    let Some(ilst) = find(&nodes, b"ilst") else {
        return Ok(None);
    };
    for item in children(file, ilst.start, ilst.end)? {
        if &item.kind != b"----" {
            continue;
        }
        let Some(bytes) = content(file, Some(item), 512)? else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        if let Some((_, value)) = text.split_once("iTunSMPB") {
            let mut numbers = value
                .split(' ')
                .filter(|word| word.len() >= 8 && word.bytes().all(|b| b.is_ascii_hexdigit()));
            let delay = numbers
                .nth(1)
                .and_then(|word| u64::from_str_radix(word, 16).ok());
            return Ok(delay.filter(|&samples| samples < 16_384));
        }
    }
    Ok(None)
}

fn find(nodes: &[Node], kind: &[u8; 4]) -> Option<Node> {
    nodes.iter().find(|node| &node.kind == kind).copied()
}

/// Up to `most` bytes of a box's content.
fn content(
    file: &mut (impl Read + Seek),
    node: Option<Node>,
    most: u64,
) -> io::Result<Option<Vec<u8>>> {
    let Some(node) = node else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(node.start))?;
    let mut bytes = Vec::new();
    let len = most.min(node.end - node.start);
    file.by_ref().take(len).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// The boxes between two bytes. The last one may claim to end behind `end`.
fn children(file: &mut (impl Read + Seek), start: u64, end: u64) -> io::Result<Vec<Node>> {
    let mut nodes = Vec::new();
    let mut at = start;
    while at.saturating_add(8) <= end && nodes.len() < MAX_CHILDREN {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        let mut got = 0;
        while got < head.len() {
            match file.read(&mut head[got..])? {
                0 => break,
                n => got += n,
            }
        }
        let (size, header) = match be(&head, 0, 4) {
            Some(0) => (end - at, 8),
            Some(1) if got == 16 => (be(&head, 8, 8).unwrap_or(0), 16),
            Some(size) => (size, 8),
            None => break,
        };
        let kind = [head[4], head[5], head[6], head[7]];
        if got < 8 || size < header || !kind.iter().all(|b| (0x20..0x7f).contains(b) || *b == 0xa9)
        {
            break;
        }
        let node_end = at.saturating_add(size);
        nodes.push(Node {
            kind,
            start: at + header,
            end: node_end,
        });
        at = node_end;
    }
    Ok(nodes)
}

/// A big-endian number of `n` bytes.
fn be(bytes: &[u8], at: usize, n: usize) -> Option<u64> {
    Some(
        bytes
            .get(at..at + n)?
            .iter()
            .fold(0, |sum, &b| sum << 8 | u64::from(b)),
    )
}

//! Which audio files are the same recording, byte for byte.

use super::DatasetError;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
};

/// Groups of indices into `files` whose sound data are identical, each with two members or more, in order. The tags
/// before and after an MPEG stream (ID3v2, ID3v1) do not count. Only files of equal length are read through, so this
/// is quick; files that cannot be read are in no group.
pub fn identical_audio(files: &[PathBuf]) -> Vec<Vec<usize>> {
    let mut by_length: BTreeMap<u64, Vec<(usize, Range<u64>)>> = BTreeMap::new();
    for (i, file) in files.iter().enumerate() {
        if let Ok(range) = sound_data(file) {
            by_length
                .entry(range.end - range.start)
                .or_default()
                .push((i, range));
        }
    }
    let candidates: Vec<(usize, Range<u64>)> = by_length
        .into_values()
        .filter(|same| same.len() > 1)
        .flatten()
        .collect();
    let hashes: Vec<(usize, Option<[u8; 32]>)> = candidates
        .into_par_iter()
        .map(|(i, range)| (i, hash(&files[i], range).ok()))
        .collect();
    let mut by_hash: BTreeMap<[u8; 32], Vec<usize>> = BTreeMap::new();
    for (i, hash) in hashes {
        if let Some(hash) = hash {
            by_hash.entry(hash).or_default().push(i);
        }
    }
    let mut groups: Vec<Vec<usize>> = by_hash.into_values().filter(|g| g.len() > 1).collect();
    for group in &mut groups {
        group.sort_unstable();
    }
    groups.sort();
    groups
}

/// The part of a file without ID3 tags.
fn sound_data(path: &Path) -> Result<Range<u64>, DatasetError> {
    let fault = || DatasetError::io(path, "reading the file");
    let mut file = File::open(path).map_err(fault())?;
    let length = file.metadata().map_err(fault())?.len();
    let (mut start, mut end) = (0, length);
    let mut head = [0; 10];
    if length >= 10 {
        file.read_exact(&mut head).map_err(fault())?;
        if &head[..3] == b"ID3" && head[6..].iter().all(|b| *b < 0x80) {
            // Four bytes of seven bits, without the header itself; a footer of ten bytes if flagged.
            let size = head[6..]
                .iter()
                .fold(0_u64, |sum, b| (sum << 7) | u64::from(*b));
            let footer = if head[5] & 0x10 != 0 { 10 } else { 0 };
            start = (10 + size + footer).min(length);
        }
    }
    if end - start >= 128 {
        let mut tail = [0; 3];
        file.seek(SeekFrom::Start(end - 128)).map_err(fault())?;
        file.read_exact(&mut tail).map_err(fault())?;
        if &tail == b"TAG" {
            end -= 128;
        }
    }
    Ok(start..end)
}

fn hash(path: &Path, range: Range<u64>) -> Result<[u8; 32], DatasetError> {
    let fault = || DatasetError::io(path, "reading the file");
    let mut file = File::open(path).map_err(fault())?;
    file.seek(SeekFrom::Start(range.start)).map_err(fault())?;
    let mut sound = file.take(range.end - range.start);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = sound.read(&mut buffer).map_err(fault())?;
        if read == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(&buffer[..read]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_sound_is_found_behind_other_tags_and_names() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let sound: Vec<u8> = (0..1000_u32).map(|i| (i * 7 % 251) as u8).collect();
        let mut tagged = b"ID3\x03\0\0\0\0\0\x05title".to_vec();
        tagged.extend(&sound);
        tagged.extend(b"TAG");
        tagged.extend([b' '; 125]);
        let mut other = sound.clone();
        other[500] ^= 1;
        let files = [
            write("a.mp3", &sound),
            write("b.mp3", &other),
            write("c.mp3", &tagged),
            write("empty1.mp3", b""),
            dir.path().join("absent.mp3"),
        ];
        assert_eq!(identical_audio(&files), [vec![0, 2]]);
    }
}

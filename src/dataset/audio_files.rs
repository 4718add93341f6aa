//! Audio files of a data set: which files of a directory they are, and which hold identical audio.

use super::table::canonical_id;
use crate::{ErrorKind, Result, error::Context as _};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
};

const EXTENSIONS: [&str; 17] = [
    "mp3", "wav", "flac", "ogg", "oga", "opus", "m4a", "mp4", "m4b", "aac", "aif", "aiff", "aifc",
    "caf", "mp2", "mp1", "wave",
];

/// Whether the file has an audio format's extension and is not hidden (`._12.mp3` of a Mac archive).
pub(super) fn is_audio(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let extension = path.extension().unwrap_or_default();
    let is_known = EXTENSIONS
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known));
    is_known && !name.as_encoded_bytes().starts_with(b".")
}

/// The files of a directory, sorted by name; none if there is no such directory.
pub(super) fn list_files(directory: &Path) -> Result<Vec<PathBuf>> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let list = || -> io::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(directory)?;
        entries.map(|entry| Ok(entry?.path())).collect()
    };
    let mut files = list().context_at(ErrorKind::Io, directory, "cannot be listed")?;
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
}

/// The audio files of a data set.
#[derive(Debug, Default)]
pub(super) struct AudioFiles {
    /// Their directory, if there are any.
    pub directory: Option<PathBuf>,
    /// By the name without its extension.
    pub by_id: BTreeMap<String, PathBuf>,
    /// Files whose id an earlier file has.
    pub duplicates: Vec<PathBuf>,
}

impl AudioFiles {
    /// Lists the first directory with audio files: one of those in DEAM's layouts, or `root` itself.
    pub(super) fn find(root: &Path) -> Result<Self> {
        let mut found = Self::default();
        for below in [
            "DEAM_audio/MEMD_audio",
            "DEAM_audio",
            "MEMD_audio",
            "audio",
            "",
        ] {
            let directory = root.join(below);
            for file in list_files(&directory)? {
                if !is_audio(&file) {
                    continue;
                }
                let stem = file.file_stem().unwrap_or_default().to_string_lossy();
                match found.by_id.entry(canonical_id(&stem)) {
                    Entry::Vacant(free) => _ = free.insert(file),
                    Entry::Occupied(_) => found.duplicates.push(file),
                }
            }
            if !found.by_id.is_empty() {
                found.directory = Some(directory);
                break;
            }
        }
        Ok(found)
    }
}

/// Groups of indices into `files` whose audio data are identical, each with two members or more, in order. ID3 tags do
/// not count. Only files of equal length are compared, by hash; files that cannot be read are in no group.
pub(super) fn identical_audio(files: &[PathBuf]) -> Vec<Vec<usize>> {
    let mut by_length: BTreeMap<u64, Vec<(usize, Range<u64>)>> = BTreeMap::new();
    for (index, file) in files.iter().enumerate() {
        if let Ok(range) = audio_data(file) {
            let length = range.end - range.start;
            by_length.entry(length).or_default().push((index, range));
        }
    }
    by_length.retain(|_, same_length| same_length.len() > 1);
    let candidates: Vec<(usize, Range<u64>)> = by_length.into_values().flatten().collect();
    let hashes: Vec<([u8; 32], usize)> = candidates
        .into_par_iter()
        .filter_map(|(index, range)| Some((hash(&files[index], range).ok()?, index)))
        .collect();
    let mut by_hash: BTreeMap<[u8; 32], Vec<usize>> = BTreeMap::new();
    for (hash, index) in hashes {
        by_hash.entry(hash).or_default().push(index);
    }
    let mut groups: Vec<Vec<usize>> = by_hash.into_values().collect();
    groups.retain(|group| group.len() > 1);
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort();
    groups
}

/// The bytes of a file between its ID3v2 and ID3v1 tags.
fn audio_data(path: &Path) -> io::Result<Range<u64>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let (mut start, mut end) = (0, length);
    let mut head = [0; 10];
    if length >= 10 {
        file.read_exact(&mut head)?;
        if head.starts_with(b"ID3") && head[6..].iter().all(|byte| *byte < 0x80) {
            // Four bytes of seven bits, without the header itself and a footer, if flagged.
            let bytes = head[6..].iter();
            let size = bytes.fold(0, |size, byte| size << 7 | u64::from(*byte));
            let footer = if head[5] & 0x10 != 0 { 10 } else { 0 };
            start = (10 + size + footer).min(length);
        }
    }
    if end - start >= 128 {
        let mut tail = [0; 3];
        file.seek(SeekFrom::Start(end - 128))?;
        file.read_exact(&mut tail)?;
        if &tail == b"TAG" {
            end -= 128;
        }
    }
    Ok(start..end)
}

fn hash(path: &Path, range: Range<u64>) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(range.start))?;
    let mut hasher = Sha256::new();
    io::copy(&mut file.take(range.end - range.start), &mut hasher)?;
    Ok(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identical_audio_is_found_despite_tags_and_names() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let audio: Vec<u8> = (0..1000_u32).map(|i| (i * 7 % 251) as u8).collect();
        let mut tagged = b"ID3\x03\0\0\0\0\0\x05title".to_vec();
        tagged.extend(&audio);
        tagged.extend(b"TAG");
        tagged.extend([b' '; 125]);
        let mut other = audio.clone();
        other[500] ^= 1;
        let files = [
            write("a.mp3", &audio),
            write("b.mp3", &other),
            write("c.mp3", &tagged),
            write("empty1.mp3", b""),
            dir.path().join("absent.mp3"),
        ];
        assert_eq!(identical_audio(&files), [vec![0, 2]]);
    }
}

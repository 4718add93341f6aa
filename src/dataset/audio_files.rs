//! Audio files of a data set: which files of a directory they are, and which hold identical audio.

use super::table::canonical_id;
use crate::{ErrorKind, Result, audio::packet_hash, error::Context as _};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, btree_map::Entry},
    io,
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

/// Groups of indices into `files` whose audio packets are identical, whatever their tags, each with two members or more, in
/// order. Files that cannot be read are in no group.
pub(super) fn identical_audio(files: &[PathBuf]) -> Vec<Vec<usize>> {
    let hash = |file: &PathBuf| packet_hash(file).ok();
    let hashes: Vec<_> = files.par_iter().map(hash).collect();
    let mut by_hash: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, hash) in hashes.into_iter().enumerate() {
        if let Some(hash) = hash {
            by_hash.entry(hash).or_default().push(index);
        }
    }
    let mut groups: Vec<Vec<usize>> = by_hash.into_values().collect();
    groups.retain(|group| group.len() > 1);
    groups.sort();
    groups
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
        let audio = include_bytes!("../../tests/fixtures/audio/no-info-frame.mp3").to_vec();
        let mut tagged = b"ID3\x03\0\0\0\0\0\x05title".to_vec();
        tagged.extend_from_slice(&audio);
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

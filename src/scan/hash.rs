//! The hash by which a moved file is recognized.

use super::{FoundFile, Track};
use sha2::{Digest, Sha256};
use std::{cell::RefCell, fs::File, io, path::Path};

/// The first 128 bits of the SHA-256 of a file's bytes, in hexadecimal.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn content_hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    io::copy(&mut file, &mut hasher)?;
    Ok(hexadecimal(hasher))
}

/// The same of bytes.
pub(super) fn hash_of(content: &[u8]) -> String {
    hexadecimal(Sha256::new_with_prefix(content))
}

fn hexadecimal(hasher: Sha256) -> String {
    format!("{:x}", hasher.finalize())[..32].to_owned()
}

/// A hash of the audio file's bytes and, for a track, of what the sheet contains about it. A thread that analyzes the tracks
/// of a file one after the other reads the file once.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn found_hash(file: &FoundFile) -> io::Result<String> {
    thread_local! {
        static LAST: RefCell<Option<(FoundFile, String)>> = const { RefCell::new(None) };
    }
    let Some(track) = file.track.as_deref() else {
        return content_hash(&file.path);
    };
    let whole = FoundFile {
        track: None,
        ..file.clone()
    };
    let last = LAST.take().filter(|(last, _)| *last == whole);
    let hash = match last {
        Some((_, hash)) => hash,
        None => content_hash(&whole.path)?,
    };
    LAST.set(Some((whole, hash.clone())));
    Ok(of_track(&hash, track))
}

fn of_track(file_hash: &str, track: &Track) -> String {
    let mut hasher = Sha256::new();
    let place = (track.start, track.end);
    let tags = (&track.title, &track.artist, &track.album, &track.genre);
    hasher.update(format!("{file_hash} {place:?} {tags:?}"));
    hexadecimal(hasher)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_start_of_sha_256() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("abc");
        std::fs::write(&path, b"abc").unwrap();
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            content_hash(&path).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223"
        );
    }
}

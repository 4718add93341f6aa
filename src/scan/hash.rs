//! The hash by which a file is recognised under another name.

use super::{FoundFile, Track};
use sha2::{Digest, Sha256};
use std::{cell::RefCell, fmt::Write, fs::File, io, io::Read, path::Path};

/// The first 128 bits of the SHA-256 of a file's bytes, hexadecimal. Reading the file once before decoding it also brings
/// it into the system's cache.
///
/// # Errors
/// Where the file cannot be read.
pub fn content_hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => hasher.update(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hexadecimal(hasher))
}

fn hexadecimal(hasher: Sha256) -> String {
    hasher
        .finalize()
        .iter()
        .take(16)
        .fold(String::with_capacity(32), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// What a thread hashed last: the file as it was found, and its hash.
type Last = Option<(FoundFile, String)>;

/// The hash by which what was found is recognised: that of the file's bytes, and for a track also of what its sheet says of
/// it. A file is read once for the tracks that one thread takes of it in turn.
///
/// # Errors
/// Where the file cannot be read.
pub fn found_hash(file: &FoundFile) -> io::Result<String> {
    thread_local! {
        static LAST: RefCell<Last> = const { RefCell::new(None) };
    }
    let Some(track) = file.track.as_deref() else {
        return content_hash(&file.path);
    };
    let sound = FoundFile {
        path: track.sound.clone(),
        track: None,
        ..file.clone()
    };
    let known = LAST.with_borrow(|last| {
        let (of, hash) = last.as_ref()?;
        (*of == sound).then(|| hash.clone())
    });
    let hash = match known {
        Some(hash) => hash,
        None => {
            let hash = content_hash(&sound.path)?;
            LAST.set(Some((sound, hash.clone())));
            hash
        }
    };
    Ok(of_track(&hash, track))
}

fn of_track(sound: &str, track: &Track) -> String {
    let mut hasher = Sha256::new();
    let end = track.end.map(|end| end.to_string());
    for part in [
        Some(sound),
        Some(&track.start.to_string()),
        end.as_deref(),
        track.title.as_deref(),
        track.artist.as_deref(),
        track.album.as_deref(),
        track.genre.as_deref(),
    ] {
        // What is absent and what is empty differ, and so do parts that are cut elsewhere.
        let part = part.map_or(String::new(), |part| format!("{part}\u{1f}"));
        hasher.update(part + "\u{1e}");
    }
    hexadecimal(hasher)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_start_of_sha_256() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, b"abc").unwrap();
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            content_hash(&path).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223"
        );
    }
}

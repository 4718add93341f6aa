//! The hash by which a file is recognised under another name.

use sha2::{Digest, Sha256};
use std::{fmt::Write, fs::File, io, io::Read, path::Path};

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
    Ok(hasher
        .finalize()
        .iter()
        .take(16)
        .fold(String::with_capacity(32), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        }))
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

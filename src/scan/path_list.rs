//! Lists of paths, as `find` and other programs print them.

use crate::{Error, ErrorKind, Result, error::Context};
use std::{io::Read, path::PathBuf};

/// Bytes of the longest path on any system.
const LONGEST_PATH: usize = 64 * 1024;
/// Bytes of the longest list; a longer one is an endless device.
const LONGEST_LIST: u64 = 256 << 20;

/// Reads a list of paths, separated by NUL if it has one (`find -print0`), otherwise by newlines. Empty entries are skipped.
/// `name` names the list in errors.
///
/// # Errors
/// When the list cannot be read, or is not a list of paths.
pub(crate) fn read_paths(list: impl Read, name: &str) -> Result<Vec<PathBuf>> {
    let not_a_list = |found: &str| {
        let expected = "expected a list of paths separated by newlines or NUL";
        Error::invalid(format!("{expected}, found {found}")).with_path(name)
    };
    let mut bytes = Vec::new();
    let read = list.take(LONGEST_LIST).read_to_end(&mut bytes);
    read.context_at(ErrorKind::Io, name, "cannot read the list of files")?;
    if bytes.len() as u64 == LONGEST_LIST {
        return Err(not_a_list("more than 256 MiB"));
    }
    let separator = if bytes.contains(&0) { 0 } else { b'\n' };
    let mut paths = Vec::new();
    for entry in bytes.split(|byte| *byte == separator) {
        let line_end: &[u8] = if separator == 0 { b"" } else { b"\r" };
        let entry = entry.strip_suffix(line_end).unwrap_or(entry);
        if entry.len() > LONGEST_PATH {
            return Err(not_a_list("more than 64 KiB without a separator"));
        }
        if !entry.is_empty() {
            let path = path(entry.to_vec());
            paths.push(path.ok_or_else(|| not_a_list("a name that is not UTF-8"))?);
        }
    }
    Ok(paths)
}

#[cfg(unix)]
fn path(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Some(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

#[cfg(not(unix))]
fn path(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<String> {
        read_paths(bytes, "-")
            .unwrap()
            .iter()
            .map(|path| path.to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn lines_and_nul_both_separate_paths() {
        assert_eq!(read(b"a.mp3\nb c.mp3\n"), ["a.mp3", "b c.mp3"]);
        assert_eq!(read(b"a.mp3\r\n\r\nb.mp3"), ["a.mp3", "b.mp3"]);
        assert_eq!(
            read(b"a\nb.mp3\0 c.mp3\0\0d.mp3"),
            ["a\nb.mp3", " c.mp3", "d.mp3"]
        );
        assert_eq!(read(b""), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_utf8_keeps_its_bytes() {
        let paths = read_paths(&b"caf\xe9.mp3\n"[..], "-").unwrap();
        assert_eq!(paths[0].as_os_str().as_encoded_bytes(), b"caf\xe9.mp3");
    }

    #[test]
    fn other_files_are_rejected() {
        let long = vec![b'x'; 3 * LONGEST_PATH];
        let error = read_paths(&long[..], "songs.mp3").unwrap_err().to_string();
        assert!(
            error.contains("songs.mp3") && error.contains("64 KiB"),
            "{error}"
        );
        let error = read_paths(std::io::repeat(0), "/dev/zero").unwrap_err();
        assert!(error.to_string().contains("256 MiB"), "{error}");
    }
}

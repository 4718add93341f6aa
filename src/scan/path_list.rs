//! Lists of paths, as `find` and other programs print them.

use crate::{Error, ErrorKind, Result, error::Context};
use std::{
    io::{BufRead, Read},
    path::PathBuf,
};

/// Bytes of the longest path on any system.
const LONGEST_PATH: usize = 64 * 1024;
/// Bytes of the longest list; a longer one is an endless device.
const LONGEST_LIST: u64 = 1 << 30;

/// Reads a list of paths, separated by NUL if it has one (`find -print0`), otherwise by newlines. Empty entries are skipped.
/// `name` names the list in errors.
///
/// # Errors
/// When the list cannot be read, or is not a list of paths.
pub(crate) fn read_paths(mut list: impl BufRead, name: &str) -> Result<Vec<PathBuf>> {
    let unreadable = "cannot read the list of files";
    // A list has a separator in here.
    let mut start = Vec::new();
    list.by_ref()
        .take(LONGEST_PATH as u64)
        .read_to_end(&mut start)
        .context_at(ErrorKind::Io, name, unreadable)?;
    let separator = if start.contains(&0) { 0 } else { b'\n' };
    let mut rest = start.chain(list).take(LONGEST_LIST);
    let mut paths = Vec::new();
    let mut entry = Vec::new();
    for number in 1.. {
        let not_a_list = |found| {
            let message = format!(
                "expected a list of paths separated by newlines or NUL, found {found} at entry {number}"
            );
            Error::new(ErrorKind::InvalidInput, message).with_path(name)
        };
        entry.clear();
        let length = (&mut rest)
            .take(LONGEST_PATH as u64 + 1)
            .read_until(separator, &mut entry)
            .context_at(ErrorKind::Io, name, unreadable)?;
        if length == 0 {
            break;
        }
        if rest.limit() == 0 {
            return Err(not_a_list("more than 1 GiB"));
        }
        if entry.last() == Some(&separator) {
            entry.pop();
        } else if entry.len() > LONGEST_PATH {
            return Err(not_a_list("more than 64 KiB without a separator"));
        }
        if separator == b'\n' && entry.last() == Some(&b'\r') {
            entry.pop();
        }
        if entry.is_empty() {
            continue;
        }
        let path = path(std::mem::take(&mut entry))
            .ok_or_else(|| not_a_list("a name that is not UTF-8"))?;
        paths.push(path);
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
    fn other_files_are_rejected_without_reading_all_of_them() {
        let long = vec![b'x'; 3 * LONGEST_PATH];
        let error = read_paths(&long[..], "songs.mp3").unwrap_err().to_string();
        assert!(
            error.contains("songs.mp3") && error.contains("64 KiB"),
            "{error}"
        );
        let error =
            read_paths(std::io::BufReader::new(std::io::repeat(0)), "/dev/zero").unwrap_err();
        assert!(error.to_string().contains("1 GiB"), "{error}");
    }
}

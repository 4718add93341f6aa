//! Lists of paths, as `find` and other programs print them.

use std::{
    io::{self, BufRead, Read},
    path::PathBuf,
};

/// Bytes of the longest path: no system has longer ones.
const LONGEST_PATH: usize = 64 * 1024;
/// Bytes of the longest list: what is longer is no list, but a device that never ends.
const LONGEST_LIST: u64 = 1 << 30;

/// A list of paths cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PathListError {
    /// When it cannot be read.
    #[error("{name}: cannot read the list of files")]
    Read {
        name: String,
        #[source]
        source: io::Error,
    },
    /// When it is something else.
    #[error(
        "{name}: expected a list of paths, one a line or with a NUL after each, found {found} at entry {entry}"
    )]
    NotAList {
        name: String,
        found: &'static str,
        entry: usize,
    },
}

/// Reads a list of paths. They are separated by NUL where a NUL stands in it (`find -print0`), otherwise by the ends of
/// lines; empty entries are passed over. `name` stands for the list in errors.
///
/// # Errors
/// [`PathListError`].
pub fn read_paths(mut list: impl BufRead, name: &str) -> Result<Vec<PathBuf>, PathListError> {
    let read_error = |source| PathListError::Read {
        name: name.to_owned(),
        source,
    };
    // The first separator stands in here, or this is no list.
    let mut start = Vec::new();
    list.by_ref()
        .take(LONGEST_PATH as u64)
        .read_to_end(&mut start)
        .map_err(read_error)?;
    let separator = if start.contains(&0) { 0 } else { b'\n' };
    let mut rest = start.chain(list).take(LONGEST_LIST);
    let mut paths = Vec::new();
    let mut entry = Vec::new();
    for number in 1.. {
        let not_a_list = |found| PathListError::NotAList {
            name: name.to_owned(),
            found,
            entry: number,
        };
        entry.clear();
        let length = (&mut rest)
            .take(LONGEST_PATH as u64 + 1)
            .read_until(separator, &mut entry)
            .map_err(read_error)?;
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
        let path = path(std::mem::take(&mut entry)).ok_or_else(|| not_a_list("no UTF-8"))?;
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
    fn what_is_no_list_is_refused_without_reading_it_all() {
        let long = vec![b'x'; 3 * LONGEST_PATH];
        let error = read_paths(&long[..], "songs.mp3").unwrap_err().to_string();
        assert!(
            error.contains("songs.mp3") && error.contains("64 KiB"),
            "{error}"
        );
        let error = read_paths(io::BufReader::new(io::repeat(0)), "/dev/zero").unwrap_err();
        assert!(error.to_string().contains("1 GiB"), "{error}");
    }
}

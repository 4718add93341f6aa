//! `--exclude-list`: a list of paths or a playlist.

use crate::{cli::CliError, scan::read_paths};
use std::{
    collections::HashSet,
    ffi::OsString,
    fs::{self, File},
    io::BufReader,
    path::{Component, Path, PathBuf},
};

/// The files of a list, absolute; each also as it really is where symbolic links lead to it. Relative paths in it begin at
/// its own folder, as in playlists.
pub fn excluded(list: &Path) -> Result<HashSet<PathBuf>, CliError> {
    let name = list.display().to_string();
    let file = File::open(list)
        .map_err(|error| format!("{name}: cannot open the list of files to leave out: {error}"))?;
    let entries = read_paths(BufReader::new(file), &name)?;
    let folder = std::path::absolute(list)?;
    let folder = folder.parent().unwrap_or(Path::new("/"));
    let is_playlist = list
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("m3u") || e.eq_ignore_ascii_case("m3u8"))
        || entries.first().is_some_and(|first| is_header(first));
    let mut files = HashSet::new();
    for entry in entries {
        let entry = without_mark(entry);
        if is_playlist && entry.as_os_str().as_encoded_bytes().starts_with(b"#") {
            continue;
        }
        let path = tidy(&folder.join(from_uri(&entry).unwrap_or(entry)));
        if path.is_dir() {
            // It names no song; those in it are meant no more than those further below.
            continue;
        }
        if let Ok(real) = fs::canonicalize(&path) {
            files.insert(real);
        }
        files.insert(path);
    }
    Ok(files)
}

/// The mark that some programs put before the first line of UTF-8.
const MARK: &str = "\u{feff}";

fn is_header(line: &Path) -> bool {
    line.to_str()
        .is_some_and(|line| line.trim_start_matches(MARK).trim() == "#EXTM3U")
}

fn without_mark(path: PathBuf) -> PathBuf {
    match path.to_str().and_then(|text| text.strip_prefix(MARK)) {
        Some(rest) => rest.into(),
        None => path,
    }
}

/// The path that a `file://` URI means; `None` where it is none.
fn from_uri(entry: &Path) -> Option<PathBuf> {
    let text = entry.to_str()?.strip_prefix("file://")?;
    let text = text.strip_prefix("localhost").unwrap_or(text);
    let bytes = crate::text::percent_decode(text);
    Some(PathBuf::from(os_string(bytes)))
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes)
        .trim_start_matches('/')
        .into()
}

/// An absolute path without `.` and `..`.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                tidy.pop();
            }
            part => tidy.push(part),
        }
    }
    tidy
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    fn read(name: &str, content: &[u8]) -> (PathBuf, HashSet<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join(name);
        fs::write(&list, content).unwrap();
        (folder.path().to_owned(), excluded(&list).unwrap())
    }

    #[test]
    fn a_playlist_is_read_as_one() {
        let (folder, files) = read(
            "heard.m3u8",
            b"\xef\xbb\xbf#EXTM3U\n#EXTINF:3,A - B\n/music/a.mp3\r\n./#1.mp3\n../up/c.mp3\nfile:///music/caf%E9%201.mp3\n",
        );
        let above = folder.parent().unwrap();
        for path in [
            PathBuf::from("/music/a.mp3"),
            folder.join("#1.mp3"),
            above.join("up/c.mp3"),
            PathBuf::from(OsStr::from_bytes(b"/music/caf\xe9 1.mp3")),
        ] {
            assert!(files.contains(&path), "{path:?}: {files:?}");
        }
        assert_eq!(files.len(), 4);
    }

    #[test]
    fn a_list_is_read_line_by_line_whatever_the_names() {
        let (folder, files) = read("heard.txt", b"/m/%20.mp3\n#1.mp3\n");
        assert!(files.contains(Path::new("/m/%20.mp3")), "{files:?}");
        assert!(files.contains(&folder.join("#1.mp3")), "{files:?}");
        let (_, files) = read("z", b"/m/a\nb.mp3\0/m/c.mp3\0");
        assert!(files.contains(Path::new("/m/a\nb.mp3")), "{files:?}");
        assert_eq!(files.len(), 2);
    }

    #[test]
    fn a_file_behind_a_link_is_left_out_under_both_names() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::write(root.join("a.mp3"), b"x").unwrap();
        std::os::unix::fs::symlink(root.join("a.mp3"), root.join("b.mp3")).unwrap();
        fs::write(root.join("list"), b"b.mp3\n").unwrap();
        let files = excluded(&root.join("list")).unwrap();
        assert_eq!(
            files,
            HashSet::from([root.join("a.mp3"), root.join("b.mp3")])
        );
        let error = excluded(&root.join("absent")).unwrap_err();
        assert!(error.to_string().contains("absent"), "{error}");
    }
}

//! `--exclude-list`: a list of paths or a playlist.

use crate::{
    cli::CliError,
    error::{Context, ErrorKind},
    scan::read_paths,
    text::percent_decode,
};
use std::{
    collections::HashSet,
    ffi::OsString,
    fs::{self, File},
    io::BufReader,
    path::{Component, Path, PathBuf},
};

/// Reads the files to exclude: absolute paths; if a symbolic link leads to a file, both paths. Relative paths in the list start
/// at its own directory, as in playlists.
pub(crate) fn excluded(list: &Path) -> Result<HashSet<PathBuf>, CliError> {
    let message = "cannot open the list of files to exclude";
    let file = File::open(list).context_at(ErrorKind::Io, list, message)?;
    let mut entries = read_paths(BufReader::new(file), &list.display().to_string())?;
    let first = entries.first().and_then(|first| first.to_str());
    let first = first.unwrap_or_default().to_owned();
    // Some programs write a byte order mark before UTF-8.
    let text = first.trim_start_matches('\u{feff}');
    if text.len() < first.len() {
        entries[0] = text.into();
    }
    let has_extension = |wanted| {
        let extension = list.extension();
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
    };
    let is_playlist = has_extension("m3u") || has_extension("m3u8") || text.trim() == "#EXTM3U";
    let directory = std::path::absolute(list)?;
    let directory = directory.parent().unwrap_or(Path::new("/"));
    let mut files = HashSet::new();
    for entry in entries {
        if is_playlist && entry.as_os_str().as_encoded_bytes().starts_with(b"#") {
            continue;
        }
        let path = normalize(&directory.join(from_uri(&entry).unwrap_or(entry)));
        // A directory does not exclude the files in it.
        if path.is_dir() {
            continue;
        }
        if let Ok(target) = fs::canonicalize(&path) {
            files.insert(target);
        }
        files.insert(path);
    }
    Ok(files)
}

/// The path of a `file://` URI; `None` for other entries.
fn from_uri(entry: &Path) -> Option<PathBuf> {
    let text = entry.to_str()?.strip_prefix("file://")?;
    let text = text.strip_prefix("localhost").unwrap_or(text);
    Some(PathBuf::from(os_string(percent_decode(text))))
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
fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    fn read(name: &str, content: &[u8]) -> (PathBuf, HashSet<PathBuf>) {
        let directory = tempfile::tempdir().unwrap();
        let list = directory.path().join(name);
        fs::write(&list, content).unwrap();
        (directory.path().to_owned(), excluded(&list).unwrap())
    }

    #[test]
    fn playlists_are_read_with_comments_uris_and_relative_paths() {
        let (directory, files) = read(
            "played.m3u8",
            b"\xef\xbb\xbf#EXTM3U\n#EXTINF:3,A - B\n/music/a.mp3\r\n./#1.mp3\n../up/c.mp3\nfile:///music/caf%E9%201.mp3\n",
        );
        let above = directory.parent().unwrap();
        for path in [
            PathBuf::from("/music/a.mp3"),
            directory.join("#1.mp3"),
            above.join("up/c.mp3"),
            PathBuf::from(OsStr::from_bytes(b"/music/caf\xe9 1.mp3")),
        ] {
            assert!(files.contains(&path), "{path:?}: {files:?}");
        }
        assert_eq!(files.len(), 4);
    }

    #[test]
    fn lists_of_paths_are_read_line_by_line() {
        let (directory, files) = read("played.txt", b"/m/%20.mp3\n#1.mp3\n");
        assert!(files.contains(Path::new("/m/%20.mp3")), "{files:?}");
        assert!(files.contains(&directory.join("#1.mp3")), "{files:?}");
        let (_, files) = read("z", b"/m/a\nb.mp3\0/m/c.mp3\0");
        assert!(files.contains(Path::new("/m/a\nb.mp3")), "{files:?}");
        assert_eq!(files.len(), 2);
    }

    #[test]
    fn a_linked_file_is_excluded_under_both_names() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
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

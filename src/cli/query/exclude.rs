//! `--exclude-list`: a list of paths or a playlist.

use crate::{
    cli::{CliError, Console},
    error::{Context, ErrorKind, Result},
    library::{Column, Columns, Library, PathMap, is_windows_path},
    scan::read_paths,
    text::{count, listed, percent_decode},
};
use std::{
    collections::{HashMap, HashSet},
    ffi::OsString,
    fs::{self, File},
    io::BufReader,
    path::{Component, Path, PathBuf},
};

/// Entries without a song that are named.
const MAX_NAMED: usize = 3;

/// An entry of a list.
struct Entry {
    text: String,
    /// The absolute paths that it may mean; if a symbolic link leads to a file, both.
    paths: Vec<PathBuf>,
}

/// Reads the songs of a library to exclude. Entries without a song are counted, and the first ones named.
pub(super) fn excluded(
    list: &Path,
    library: &Library,
    console: &Console,
) -> Result<HashSet<PathBuf>, CliError> {
    let entries = read(list, library.paths())?;
    let mut files: HashSet<PathBuf> = HashSet::new();
    let mut by_path: HashMap<&Path, Vec<usize>> = HashMap::new();
    for (number, entry) in entries.iter().enumerate() {
        for path in &entry.paths {
            by_path.entry(path).or_default().push(number);
            files.insert(path.clone());
        }
    }
    let mut is_found = vec![false; entries.len()];
    let columns = Columns::of(&[Column::Path, Column::Track]);
    for song in library.songs(columns) {
        let song = song?;
        for path in [song.path.as_path(), &song.unique_path()] {
            for &number in by_path.get(path).into_iter().flatten() {
                is_found[number] = true;
            }
        }
    }
    let mut by_folded: HashMap<String, Vec<usize>> = HashMap::new();
    for (number, entry) in entries.iter().enumerate().filter(|(n, _)| !is_found[*n]) {
        for path in &entry.paths {
            by_folded.entry(folded(path)).or_default().push(number);
        }
    }
    let name = list.display();
    if !by_folded.is_empty() {
        let mut inexact = 0;
        for song in library.songs(columns) {
            let song = song?;
            for &number in by_folded.get(&folded(&song.path)).into_iter().flatten() {
                is_found[number] = true;
                inexact += u64::from(files.insert(song.path.clone()));
            }
        }
        if inexact > 0 {
            let songs = count(inexact, "song", "songs");
            console.remark(&format!(
                "{name}: {songs} found by ignoring upper and lower case"
            ));
        }
    }
    let absent = entries.iter().zip(&is_found).filter(|(_, found)| !**found);
    let absent: Vec<&str> = absent.map(|(entry, _)| entry.text.as_str()).collect();
    if !absent.is_empty() {
        let entries = count(absent.len() as u64, "entry is", "entries are");
        console.remark(&format!(
            "{name}: {entries} no song of the library: {}",
            listed(&absent, MAX_NAMED)
        ));
    }
    Ok(files)
}

fn folded(path: &Path) -> String {
    path.to_string_lossy().to_lowercase()
}

/// Reads a list. Relative paths start at its own directory, as in playlists. An entry that is no UTF-8 may be Latin-1, as in
/// `.m3u`, and backslashes may separate directories. Paths are meant as they are and as they are mapped.
fn read(list: &Path, map: &PathMap) -> Result<Vec<Entry>> {
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
    let directory = std::path::absolute(list).context_at(ErrorKind::Io, list, message)?;
    let directory = directory.parent().unwrap_or(Path::new("/"));
    let mut read = Vec::new();
    for entry in entries {
        if is_playlist && entry.as_os_str().as_encoded_bytes().starts_with(b"#") {
            continue;
        }
        let bytes = entry.as_os_str().as_encoded_bytes();
        let text = match entry.to_str() {
            Some(text) => text.to_owned(),
            None => bytes.iter().copied().map(char::from).collect(),
        };
        let mut meant = Vec::new();
        if entry.to_str().is_none() || text.contains('\\') {
            meant.push(PathBuf::from(text.replace('\\', "/")));
        }
        meant.push(from_uri(&entry).unwrap_or(entry));
        let mut paths = Vec::new();
        for path in meant {
            let path = match is_windows_path(&path) && !path.is_absolute() {
                // Of another machine.
                true => path,
                false => normalize(&directory.join(path)),
            };
            // A directory does not exclude the files in it.
            if path.is_dir() {
                continue;
            }
            paths.extend(fs::canonicalize(&path));
            paths.push(map.map(&path).into_owned());
            paths.push(path);
        }
        paths.sort();
        paths.dedup();
        if !paths.is_empty() {
            read.push(Entry { text, paths });
        }
    }
    Ok(read)
}

/// The path of a `file://` URI; `None` for other entries.
fn from_uri(entry: &Path) -> Option<PathBuf> {
    let text = entry.to_str()?.strip_prefix("file://")?;
    let text = text.strip_prefix("localhost").unwrap_or(text);
    let drive = text.strip_prefix('/');
    let text = drive
        .filter(|path| is_windows_path(Path::new(path)))
        .unwrap_or(text);
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

    fn paths_of(list: &Path) -> HashSet<PathBuf> {
        let entries = read(list, &PathMap::default()).unwrap();
        entries.into_iter().flat_map(|entry| entry.paths).collect()
    }

    fn read_list(name: &str, content: &[u8]) -> (PathBuf, HashSet<PathBuf>) {
        let directory = tempfile::tempdir().unwrap();
        let list = directory.path().join(name);
        fs::write(&list, content).unwrap();
        (directory.path().to_owned(), paths_of(&list))
    }

    #[test]
    fn playlists_are_read_with_comments_uris_and_relative_paths() {
        let (directory, files) = read_list(
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
        let (directory, files) = read_list("old.m3u", b"J\xf6kull\\1.mp3\n");
        assert!(files.contains(&directory.join("Jökull/1.mp3")), "{files:?}");
    }

    #[test]
    fn lists_of_paths_are_read_line_by_line() {
        let (directory, files) = read_list("played.txt", b"/m/%20.mp3\n#1.mp3\n");
        assert!(files.contains(Path::new("/m/%20.mp3")), "{files:?}");
        assert!(files.contains(&directory.join("#1.mp3")), "{files:?}");
        let (_, files) = read_list("z", b"/m/a\nb.mp3\0/m/c.mp3\0");
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
        let files = paths_of(&root.join("list"));
        assert_eq!(
            files,
            HashSet::from([root.join("a.mp3"), root.join("b.mp3")])
        );
        let error = read(&root.join("absent"), &PathMap::default())
            .err()
            .unwrap();
        assert!(error.to_string().contains("absent"), "{error}");
    }
}

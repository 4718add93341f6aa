//! `--exclude-list`: a list of paths or a playlist.

use crate::{
    cli::{CliError, Console},
    error::{Context, ErrorKind, Result},
    library::{Column, Columns, Library, PathMap, is_windows_path},
    scan::{Entry, composed, folded, read_list},
    text::{count, listed, visible},
};
use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
    fs::{self, File},
    path::{Component, Path, PathBuf},
};

/// Entries without a song that are named.
const MAX_NAMED: usize = 3;

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
    let name = list.display();
    let keys: [(fn(&OsStr) -> String, bool); 2] = [(composed, false), (folded, true)];
    for (key, ignores_case) in keys {
        let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
        for (number, entry) in entries.iter().enumerate().filter(|(n, _)| !is_found[*n]) {
            for path in &entry.paths {
                by_key
                    .entry(key(path.as_os_str()))
                    .or_default()
                    .push(number);
            }
        }
        if by_key.is_empty() {
            break;
        }
        let mut inexact = 0;
        for song in library.songs(columns) {
            let song = song?;
            for path in [song.path.as_path(), &song.unique_path()] {
                for &number in by_key.get(&key(path.as_os_str())).into_iter().flatten() {
                    is_found[number] = true;
                    inexact += u64::from(files.insert(path.to_owned()));
                }
            }
        }
        if ignores_case && inexact > 0 {
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
            visible(&listed(&absent, MAX_NAMED))
        ));
    }
    Ok(files)
}

/// Reads a list. Relative paths start at its own directory, as in playlists. Paths are meant as they are and as they are mapped.
fn read(list: &Path, map: &PathMap) -> Result<Vec<Entry>> {
    let message = "cannot open the list of files to exclude";
    let file = File::open(list).context_at(ErrorKind::Io, list, message)?;
    let directory = list.parent().unwrap_or(Path::new(""));
    let mut entries = read_list(file, list, directory)?;
    for entry in &mut entries {
        let mut paths = Vec::new();
        for path in &entry.paths {
            let path = match is_windows_path(path) && !path.is_absolute() {
                // Of another machine.
                true => path.clone(),
                false => normalize(path),
            };
            // A directory does not exclude the files in it.
            if path.is_dir() {
                continue;
            }
            // If a symbolic link leads to a file, both.
            paths.extend(fs::canonicalize(&path));
            paths.push(map.map(&path).into_owned());
            paths.push(path);
        }
        paths.sort();
        paths.dedup();
        entry.paths = paths;
    }
    entries.retain(|entry| !entry.paths.is_empty());
    Ok(entries)
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

    fn paths_of(list: &Path) -> HashSet<PathBuf> {
        let entries = read(list, &PathMap::default()).unwrap();
        entries.into_iter().flat_map(|entry| entry.paths).collect()
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

//! Lists of files: paths as `find` and other programs print them, and playlists.

use crate::{
    Error, ErrorKind, Result,
    charset::{TagCharset, decode_utf16},
    error::Context,
    library::is_windows_path,
    text::percent_decode,
};
use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fs,
    io::Read,
    path::{Path, PathBuf},
};
use unicode_normalization::UnicodeNormalization;

/// Bytes of the longest path on any system.
const LONGEST_PATH: usize = 64 * 1024;
/// Bytes of the longest list; a longer one is an endless device.
const LONGEST_LIST: u64 = 256 << 20;

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The entry as it is in the list, decoded.
    pub text: String,
    /// The absolute paths that it may mean, the literal one first.
    pub paths: Vec<PathBuf>,
}

/// Reads a list of paths, separated by NUL if it has one (`find -print0`), otherwise by newlines. Empty entries are skipped, and
/// comments in playlists. Relative paths start at `base`, in playlists at their own directory. `list` is the path of the list,
/// or its name in errors.
///
/// An entry may be a `file://` URI. One that is not UTF-8 may be of another encoding, as in `.m3u`, and backslashes may separate
/// directories.
///
/// # Errors
/// When the list cannot be read, or is not a list of paths.
pub(crate) fn read_list(content: impl Read, list: &Path, base: &Path) -> Result<Vec<Entry>> {
    let not_a_list = |found: &str| {
        let expected = "expected a list of paths separated by newlines or NUL";
        Error::invalid(format!("{expected}, found {found}")).with_path(list)
    };
    let mut bytes = Vec::new();
    let read = content.take(LONGEST_LIST).read_to_end(&mut bytes);
    read.context_at(ErrorKind::Io, list, "cannot read the list of files")?;
    if bytes.len() as u64 == LONGEST_LIST {
        return Err(not_a_list("more than 256 MiB"));
    }
    if let Some(text) = decode_utf16(&bytes) {
        bytes = text.into_bytes();
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let separator = if bytes.contains(&0) { 0 } else { b'\n' };
    let line_end: &[u8] = if separator == 0 { b"" } else { b"\r" };
    let lines = bytes.split(|byte| *byte == separator);
    let mut lines: Vec<&[u8]> = lines
        .map(|line| line.strip_suffix(line_end).unwrap_or(line))
        .filter(|line| !line.is_empty())
        .collect();
    if lines.iter().any(|line| line.len() > LONGEST_PATH) {
        return Err(not_a_list("more than 64 KiB without a separator"));
    }
    let extension = list.extension().unwrap_or_default();
    let is_playlist = extension.eq_ignore_ascii_case("m3u")
        || extension.eq_ignore_ascii_case("m3u8")
        || lines
            .first()
            .is_some_and(|line| line.trim_ascii() == b"#EXTM3U");
    let mut base = absolute(base);
    if is_playlist {
        lines.retain(|line| !line.starts_with(b"#"));
        if let Some(directory) = absolute(list).parent() {
            base = directory.to_owned();
        }
    }
    let foreign = |line: &&[u8]| std::str::from_utf8(line).is_err();
    let foreign: Vec<&[u8]> = lines.iter().copied().filter(foreign).collect();
    let mut decoded = TagCharset::default().decode_fields(&foreign).into_iter();
    let entries = lines.into_iter().map(|line| {
        let text = match std::str::from_utf8(line) {
            Ok(text) => text.to_owned(),
            Err(_) => decoded.next().unwrap_or_default(),
        };
        let literal = match text.strip_prefix("file://") {
            Some(uri) => {
                let path = uri.strip_prefix("localhost").unwrap_or(uri);
                let drive = path.strip_prefix('/');
                let drive = drive.filter(|path| is_windows_path(Path::new(path)));
                percent_decode(drive.unwrap_or(path))
            }
            None => line.to_vec(),
        };
        let mut paths = vec![PathBuf::from(os_string(literal)), text.clone().into()];
        paths.push(text.replace('\\', "/").into());
        paths.dedup();
        let resolved = |path: PathBuf| match is_windows_path(&path) {
            // Of another machine.
            true => path,
            false => base.join(path),
        };
        let paths = paths.into_iter().map(resolved).collect();
        Entry { text, paths }
    });
    Ok(entries.collect())
}

fn absolute(path: &Path) -> PathBuf {
    let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    directory.join(path)
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

/// A name for comparison: equal for names that differ only in how accents are encoded (NFC, or NFD as on macOS).
pub(crate) fn composed(name: &OsStr) -> String {
    name.to_string_lossy().nfc().collect()
}

/// A name for comparison: equal for names that also differ in upper and lower case.
pub(crate) fn folded(name: &OsStr) -> String {
    name.to_string_lossy().to_lowercase().nfc().collect()
}

/// Finds the files of entries on disk.
#[derive(Default)]
pub(crate) struct Finder {
    /// The names in a directory, by themselves for comparison.
    composed: HashMap<PathBuf, HashMap<String, OsString>>,
    folded: HashMap<PathBuf, HashMap<String, OsString>>,
}

impl Finder {
    /// The file of an entry: the one of that name, or else of the same name in another Unicode normal form, or else in other
    /// upper and lower case. Whether that last was necessary is the second value.
    pub(crate) fn find(&mut self, entry: &Entry) -> Option<(PathBuf, bool)> {
        let mut paths = entry.paths.iter();
        if let Some(path) = paths.find(|path| exists(path)) {
            return Some((path.clone(), false));
        }
        let composed = |path: &PathBuf| find_by(path, composed, &mut self.composed);
        if let Some(path) = entry.paths.iter().find_map(composed) {
            return Some((path, false));
        }
        let folded = |path: &PathBuf| find_by(path, folded, &mut self.folded);
        let found = entry.paths.iter().find_map(folded);
        found.map(|path| (path, true))
    }
}

/// A broken link exists.
fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn find_by(
    path: &Path,
    key: fn(&OsStr) -> String,
    directories: &mut HashMap<PathBuf, HashMap<String, OsString>>,
) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for part in path.components() {
        let next = found.join(part);
        if exists(&next) {
            found = next;
            continue;
        }
        let names = directories.entry(found.clone()).or_insert_with(|| {
            let entries = fs::read_dir(&found).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name());
            names.map(|name| (key(&name), name)).collect()
        });
        found.push(names.get(&key(part.as_os_str()))?);
    }
    Some(found)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    /// The paths of a list called `name`.
    fn read(name: &str, content: &[u8]) -> Vec<Vec<PathBuf>> {
        let entries = read_list(content, Path::new(name), Path::new("/base")).unwrap();
        entries.into_iter().map(|entry| entry.paths).collect()
    }

    fn paths<const N: usize>(names: [&str; N]) -> Vec<Vec<PathBuf>> {
        names
            .map(|name| vec![Path::new("/base").join(name)])
            .to_vec()
    }

    #[test]
    fn lines_and_nul_both_separate_paths() {
        assert_eq!(read("-", b"a.mp3\nb c.mp3\n"), paths(["a.mp3", "b c.mp3"]));
        assert_eq!(
            read("-", b"a.mp3\r\n\r\n#b.mp3"),
            paths(["a.mp3", "#b.mp3"])
        );
        let expected = paths(["a\nb.mp3", " c.mp3", "/d%20.mp3"]);
        assert_eq!(read("-", b"a\nb.mp3\0 c.mp3\0\0/d%20.mp3"), expected);
        assert_eq!(read("-", b""), paths([]));
        let utf_16: Vec<u8> = "\u{feff}é.mp3\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(read("-", &utf_16), paths(["é.mp3"]));
    }

    #[test]
    fn playlists_have_comments_uris_and_their_own_directory() {
        let list = b"\xef\xbb\xbf#EXTM3U\n#EXTINF:3,A - B\n/music/a.mp3\r\n./#1.mp3\nfile:///music/caf%C3%A9%201.mp3\n";
        for name in ["/lists/a.m3u8", "/lists/a.M3U", "/lists/a.txt"] {
            let found = read(name, list).concat();
            for path in ["/music/a.mp3", "/lists/./#1.mp3", "/music/café 1.mp3"] {
                assert!(found.contains(&PathBuf::from(path)), "{path}: {found:?}");
            }
        }
    }

    #[test]
    fn an_entry_may_have_another_encoding_and_backslashes() {
        let found = read("-", b"J\xf6kull\\1.mp3\n");
        assert_eq!(
            found[0][0].as_os_str().as_bytes(),
            b"/base/J\xf6kull\\1.mp3"
        );
        assert!(
            found[0].contains(&PathBuf::from("/base/Jökull/1.mp3")),
            "{found:?}"
        );
        let cyrillic = b"\xc3\xf0\xf3\xef\xef\xe0 \xea\xf0\xee\xe2\xe8.mp3\n\xca\xe8\xed\xee.mp3\n";
        let found = read("-", cyrillic);
        assert!(
            found[0].contains(&PathBuf::from("/base/Группа крови.mp3")),
            "{found:?}"
        );
    }

    #[test]
    fn a_file_is_found_in_another_normal_form_and_then_in_another_case() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let decomposed = "Beyonce\u{301}";
        fs::create_dir(root.join(decomposed)).unwrap();
        fs::write(root.join(decomposed).join("Halo.mp3"), b"x").unwrap();
        fs::write(root.join("\u{c5}.mp3"), b"x").unwrap();
        let mut finder = Finder::default();
        let mut find = |name: &str| {
            let list = format!("{name}\n");
            let entries = read_list(list.as_bytes(), Path::new("-"), root).unwrap();
            let found = finder.find(&entries[0])?;
            Some((found.0.strip_prefix(root).unwrap().to_owned(), found.1))
        };
        let halo = Path::new(decomposed).join("Halo.mp3");
        assert_eq!(find("Beyonc\u{e9}/Halo.mp3"), Some((halo.clone(), false)));
        assert_eq!(find("A\u{30a}.mp3"), Some(("\u{c5}.mp3".into(), false)));
        assert_eq!(find("BEYONC\u{c9}\\halo.mp3"), Some((halo, true)));
        assert_eq!(find("Beyonce/Halo.mp3"), None);
        // The exact name wins over one in another case.
        fs::write(root.join("a\u{30a}.mp3"), b"x").unwrap();
        assert_eq!(find("a\u{30a}.mp3"), Some(("a\u{30a}.mp3".into(), false)));
    }

    #[test]
    fn other_files_are_rejected() {
        let read = |content: &mut dyn Read| {
            let error = read_list(content, Path::new("songs.mp3"), Path::new("/"));
            error.unwrap_err().to_string()
        };
        let error = read(&mut vec![b'x'; 3 * LONGEST_PATH].as_slice());
        assert!(
            error.contains("songs.mp3") && error.contains("64 KiB"),
            "{error}"
        );
        let error = read(&mut std::io::repeat(0));
        assert!(error.contains("256 MiB"), "{error}");
    }
}

//! Renamed directories: one library for machines that find the same music in different places.

use crate::error::{Error, Result};
use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    str::FromStr,
};

/// A directory (or file) of the library and where it is on this machine, as `FROM=TO`. Both are absolute, of Unix (`/music`) or of
/// Windows (`D:\Music`, `\\nas\music`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Renaming {
    from: String,
    to: String,
}

impl FromStr for Renaming {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let is_absolute = |path: &str| path.starts_with('/') || is_windows_path(Path::new(path));
        // Either may have a `=` of its own.
        let mut splits = text
            .match_indices('=')
            .map(|(at, _)| (&text[..at], &text[at + 1..]));
        let split = splits.find(|(from, to)| is_absolute(from) && is_absolute(to));
        let (from, to) = split.ok_or(
            "expected FROM=TO, two absolute paths like /mnt/nas/music=/home/me/Music or D:\\Music=/music",
        )?;
        Ok(Self {
            from: from.to_owned(),
            to: to.to_owned(),
        })
    }
}

impl Renaming {
    /// The components of `path` after FROM, where it begins with it.
    fn rest<'a>(&self, path: &'a [u8]) -> Option<impl Iterator<Item = &'a [u8]>> {
        let is_windows = is_windows_path(Path::new(&self.from));
        if is_windows != is_windows_bytes(path) || !is_windows && !path.starts_with(b"/") {
            return None;
        }
        let mut rest = components(path, is_windows);
        for part in components(self.from.as_bytes(), is_windows) {
            let found = rest.next()?;
            let is_same = match is_windows {
                true => lower(found) == lower(part),
                false => found == part,
            };
            if !is_same {
                return None;
            }
        }
        Some(rest)
    }

    fn apply(&self, path: &Path) -> Option<PathBuf> {
        let rest = self.rest(path.as_os_str().as_encoded_bytes())?;
        let is_windows = is_windows_path(Path::new(&self.to));
        let (separator, separators) = match is_windows {
            true => (b'\\', &['\\', '/'][..]),
            false => (b'/', &['/'][..]),
        };
        let mut mapped = self.to.trim_end_matches(separators).as_bytes().to_vec();
        for part in rest {
            mapped.push(separator);
            mapped.extend(part);
        }
        if mapped.is_empty() {
            mapped.push(separator);
        }
        Some(path_of_bytes(mapped))
    }
}

/// Renamings of directories. Of those that fit a path the longest is used.
#[derive(Debug, Clone, Default)]
pub(crate) struct PathMap(Vec<Renaming>);

impl PathMap {
    /// # Errors
    /// Where two have the same FROM.
    pub(crate) fn new(mut renamings: Vec<Renaming>) -> Result<Self> {
        let parts = |renaming: &Renaming| {
            let is_windows = is_windows_path(Path::new(&renaming.from));
            components(renaming.from.as_bytes(), is_windows).count()
        };
        renamings.sort_by_key(|renaming| std::cmp::Reverse(parts(renaming)));
        for (number, one) in renamings.iter().enumerate() {
            if renamings[..number]
                .iter()
                .any(|other| one.has_same_from(other))
            {
                let message = format!("{} is mapped twice; map it to one path", one.from);
                return Err(Error::invalid(message));
            }
        }
        Ok(Self(renamings))
    }

    /// The path with the renaming applied; unchanged where none fits.
    pub(crate) fn map<'a>(&self, path: &'a Path) -> Cow<'a, Path> {
        let mut mapped = self.0.iter().filter_map(|renaming| renaming.apply(path));
        mapped.next().map_or(Cow::Borrowed(path), Cow::Owned)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The FROM of every renaming that fits none of some paths.
    pub(super) fn unused(
        &self,
        paths: impl Iterator<Item = Result<PathBuf>>,
    ) -> Result<Vec<String>> {
        let mut unused: Vec<&Renaming> = self.0.iter().collect();
        for path in paths {
            if unused.is_empty() {
                break;
            }
            let path = path?;
            let bytes = path.as_os_str().as_encoded_bytes();
            unused.retain(|renaming| renaming.rest(bytes).is_none());
        }
        Ok(unused
            .into_iter()
            .map(|renaming| renaming.from.clone())
            .collect())
    }
}

impl Renaming {
    fn has_same_from(&self, other: &Self) -> bool {
        let fits = |a: &Self, b: &Self| a.rest(b.from.as_bytes()).is_some();
        fits(self, other) && fits(other, self)
    }
}

/// Whether a path is an absolute one of Windows, with a drive or a server, whatever the system of this machine.
pub(crate) fn is_windows_path(path: &Path) -> bool {
    is_windows_bytes(path.as_os_str().as_encoded_bytes())
}

fn is_windows_bytes(path: &[u8]) -> bool {
    match path {
        [drive, b':'] | [drive, b':', b'\\' | b'/', ..] => drive.is_ascii_alphabetic(),
        _ => path.starts_with(b"\\\\"),
    }
}

fn components(path: &[u8], is_windows: bool) -> impl Iterator<Item = &[u8]> {
    let parts = path.split(move |byte| *byte == b'/' || is_windows && *byte == b'\\');
    parts.filter(|part| !part.is_empty())
}

fn lower(part: &[u8]) -> String {
    String::from_utf8_lossy(part).to_lowercase()
}

#[cfg(unix)]
fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
    let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(bytes);
    name.into()
}

#[cfg(not(unix))]
fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map_of(renamings: &[&str]) -> PathMap {
        let renamings = renamings.iter().map(|text| text.parse().unwrap());
        PathMap::new(renamings.collect()).unwrap()
    }

    #[track_caller]
    fn check(renamings: &[&str], path: &str, expected: &str) {
        let map = map_of(renamings);
        let mapped = map.map(Path::new(path));
        assert_eq!(mapped.to_str(), Some(expected), "{renamings:?}");
    }

    #[test]
    fn whole_components_are_renamed_and_the_longest_wins() {
        let map = ["/music=/m", "/music/live=/media/live", "/music/live/1=/1"];
        for (path, expected) in [
            ("/music/a.mp3", "/m/a.mp3"),
            ("/music", "/m"),
            ("/music/live/2/a.mp3", "/media/live/2/a.mp3"),
            ("/music/live/1/a.mp3", "/1/a.mp3"),
            ("/music/lively/a.mp3", "/m/lively/a.mp3"),
            ("/musical/a.mp3", "/musical/a.mp3"),
            ("/Music/a.mp3", "/Music/a.mp3"),
            ("/a/music/a.mp3", "/a/music/a.mp3"),
            ("music/a.mp3", "music/a.mp3"),
            ("", ""),
        ] {
            check(&map, path, expected);
        }
    }

    #[test]
    fn roots_and_slashes_at_the_end_are_directories_like_others() {
        check(&["/music/=/m/"], "/music/a.mp3", "/m/a.mp3");
        check(&["/=/mnt"], "/music/a.mp3", "/mnt/music/a.mp3");
        check(&["/music=/"], "/music/a.mp3", "/a.mp3");
        check(&["/music=/"], "/music", "/");
        check(&["/a=b=/c=d"], "/a=b/x", "/c=d/x");
        check(&["/a\\b=/c"], "/a\\b/x\\y", "/c/x\\y");
    }

    #[test]
    fn paths_of_windows_ignore_case_and_get_the_separators_of_their_new_place() {
        check(
            &["D:\\Music=/music"],
            "d:\\MUSIC\\Ann\\1.mp3",
            "/music/Ann/1.mp3",
        );
        check(&["D:=/d"], "D:\\Music\\1.mp3", "/d/Music/1.mp3");
        check(&["D:/Music=/music"], "D:\\Music\\1.mp3", "/music/1.mp3");
        check(
            &["\\\\nas\\Jökull=/m"],
            "\\\\NAS\\jökull\\1.mp3",
            "/m/1.mp3",
        );
        check(&["/music=Z:\\"], "/music/Ann/1.mp3", "Z:\\Ann\\1.mp3");
        check(
            &["/music=\\\\nas\\music"],
            "/music/1.mp3",
            "\\\\nas\\music\\1.mp3",
        );
        check(&["C:\\a=D:\\b"], "C:\\a\\1.mp3", "D:\\b\\1.mp3");
        check(&["C:\\a=D:\\b"], "C:\\ab\\1.mp3", "C:\\ab\\1.mp3");
        check(&["C:\\a=D:\\b"], "/C:/a/1.mp3", "/C:/a/1.mp3");
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf_8_stay_exact() {
        let map = map_of(&["/music=/m"]);
        let path = path_of_bytes(b"/music/caf\xe9.mp3".to_vec());
        assert_eq!(*map.map(&path), path_of_bytes(b"/m/caf\xe9.mp3".to_vec()));
    }

    #[test]
    fn what_is_no_pair_of_absolute_paths_is_rejected() {
        for text in [
            "", "/a", "=", "/a=", "=/b", "a=/b", "/a=b", "/a=~/b", "D=/a", "/a=D:b",
        ] {
            let error = text.parse::<Renaming>().unwrap_err();
            assert!(error.contains("FROM=TO"), "{text}: {error}");
        }
        for (one, other) in [("/a=/b", "/a/=/c"), ("D:\\A=/b", "d:/a=/c")] {
            let renamings = [one, other].map(|text| text.parse().unwrap());
            let error = PathMap::new(renamings.to_vec()).unwrap_err().to_string();
            assert!(error.contains("mapped twice"), "{error}");
        }
    }

    #[test]
    fn renamings_that_fit_no_path_are_listed() {
        let map = map_of(&["/music=/m", "/music/live=/l", "/other=/o"]);
        let paths = ["/music/a.mp3", "/musical/b.mp3"];
        let unused = map
            .unused(paths.iter().map(|path| Ok(path.into())))
            .unwrap();
        assert_eq!(unused, ["/music/live", "/other"]);
    }
}

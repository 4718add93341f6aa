//! Playlists: M3U8 (extended M3U in UTF-8) and XSPF (version 1, <https://xspf.org/spec>).
//!
//! Both can name any file that a system can hold. A line of M3U8 is a path as it is; where a line cannot say it (bytes that are not
//! UTF-8, line breaks, blanks at an end) it is a `file://` URI, which players take as well. XSPF always has URIs.
//!
//! A stretch of a file is said in the way of VLC, for want of a standard; other players play the file from its start.

use crate::{library::Song, text::percent_encode};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};
use std::{
    ffi::OsStr,
    fs,
    io::{self, Write},
    ops::Range,
    path::{Component, Path, PathBuf},
};

/// One song of a playlist.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entry {
    /// The file. Its bytes need not be UTF-8.
    pub path: PathBuf,
    /// The seconds of the file that are meant, where that is not all of it.
    pub stretch: Option<Range<f64>>,
    /// Without one, players are shown the file's name.
    pub title: Option<String>,
    /// Who made it.
    pub artist: Option<String>,
    /// Where it appeared.
    pub album: Option<String>,
    /// Length in seconds.
    pub duration_s: Option<f64>,
}

impl From<&Song> for Entry {
    fn from(song: &Song) -> Self {
        Self {
            path: song.path.clone(),
            stretch: song
                .track_start_s
                .zip(song.track_end_s)
                .map(|(start, end)| start..end),
            title: song.title.clone(),
            artist: song.artist.clone(),
            album: song.album.clone(),
            duration_s: Some(song.duration_s),
        }
    }
}

/// How a playlist names its files.
#[derive(Debug, Clone, PartialEq)]
pub enum Paths {
    /// As the library has them.
    Absolute,
    /// From the folder that the playlist stands in, so that the folder can be moved with its music.
    RelativeTo(Folder),
}

/// The folder of a playlist.
#[derive(Debug, Clone, PartialEq)]
pub struct Folder {
    /// As it was named, made absolute.
    named: PathBuf,
    /// With symbolic links followed: what `..` goes up from.
    real: PathBuf,
}

impl Paths {
    /// Relative to the folder in which the file `playlist` is to stand.
    ///
    /// # Errors
    /// Where that folder is not there, or the working directory is gone.
    pub fn beside(playlist: &Path) -> io::Result<Self> {
        let folder = match playlist.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        Self::relative_to(folder)
    }

    /// Relative to a folder.
    ///
    /// # Errors
    /// Where it is not there, or the working directory is gone.
    pub fn relative_to(folder: &Path) -> io::Result<Self> {
        Ok(Self::RelativeTo(Folder {
            named: std::path::absolute(folder)?,
            real: fs::canonicalize(folder)?,
        }))
    }

    /// The path to write for a file; absolute where there is no way from the folder to it (another drive).
    fn of(&self, path: &Path) -> PathBuf {
        let Self::RelativeTo(folder) = self else {
            return path.to_owned();
        };
        match path.strip_prefix(&folder.named) {
            Ok(below) if !below.as_os_str().is_empty() => below.to_owned(),
            _ => way(&folder.real, path).unwrap_or_else(|| path.to_owned()),
        }
    }
}

/// The way from a folder to a file, both absolute, up with `..` and then down.
fn way(folder: &Path, file: &Path) -> Option<PathBuf> {
    let (mut from, mut to) = (folder.components().peekable(), file.components().peekable());
    let mut common = 0;
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
        common += 1;
    }
    if common == 0 || to.peek().is_none() {
        return None;
    }
    let mut way = PathBuf::new();
    for part in from {
        if !matches!(part, Component::Normal(_)) {
            return None;
        }
        way.push("..");
    }
    way.extend(to);
    Some(way)
}

/// Writes entries as M3U8: a line `#EXTINF:seconds,Artist - Title` (-1 where the length is not known) and a line with the path each.
/// `title` names the list.
///
/// # Errors
/// Those of `out`.
pub fn write_m3u8(
    mut out: impl Write,
    title: Option<&str>,
    entries: impl IntoIterator<Item = Entry>,
    paths: &Paths,
) -> io::Result<()> {
    writeln!(out, "#EXTM3U")?;
    if let Some(title) = title {
        writeln!(out, "#PLAYLIST:{}", one_line(title))?;
    }
    for entry in entries {
        let seconds = match entry.duration_s {
            Some(seconds) if seconds.is_finite() && seconds >= 0.0 => seconds.round() as i64,
            _ => -1,
        };
        let name = match (&entry.artist, &entry.title) {
            (Some(artist), Some(title)) => format!("{artist} - {title}"),
            (_, Some(title)) => title.clone(),
            (_, None) => {
                let stem = entry.path.file_stem().unwrap_or_default();
                stem.to_string_lossy().into_owned()
            }
        };
        writeln!(out, "#EXTINF:{seconds},{}", one_line(&name))?;
        for option in vlc_options(&entry) {
            writeln!(out, "#EXTVLCOPT:{option}")?;
        }
        writeln!(out, "{}", m3u_line(&entry.path, paths))?;
    }
    Ok(())
}

fn m3u_line(file: &Path, paths: &Paths) -> String {
    let path = paths.of(file);
    match path.to_str() {
        Some(text) if text.trim() == text && !text.contains(char::is_control) => {
            // Otherwise a comment, or what looks like `http:`.
            let misread = path.is_relative() && (text.starts_with('#') || text.contains(':'));
            let before = if misread { "./" } else { "" };
            format!("{before}{text}")
        }
        // A relative URI would be taken for a file with % in its name.
        _ => uri(file),
    }
}

/// Writes entries as XSPF. `title` names the list.
///
/// # Errors
/// Those of `out`.
pub fn write_xspf(
    out: impl Write,
    title: Option<&str>,
    entries: impl IntoIterator<Item = Entry>,
    paths: &Paths,
) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("playlist")
        .with_attribute(("version", "1"))
        .with_attribute(("xmlns", "http://xspf.org/ns/0/"))
        .write_inner_content(|xml| {
            element(xml, "title", title)?;
            xml.create_element("trackList").write_inner_content(|xml| {
                entries
                    .into_iter()
                    .try_for_each(|entry| track(xml, &entry, paths))
            })?;
            Ok(())
        })?;
    xml.into_inner().write_all(b"\n")
}

fn track(xml: &mut Writer<impl Write>, entry: &Entry, paths: &Paths) -> io::Result<()> {
    let milliseconds = entry
        .duration_s
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
        .map(|seconds| ((seconds * 1000.0).round() as u64).to_string());
    xml.create_element("track").write_inner_content(|xml| {
        element(xml, "location", Some(&uri(&paths.of(&entry.path))))?;
        element(xml, "title", entry.title.as_deref())?;
        element(xml, "creator", entry.artist.as_deref())?;
        element(xml, "album", entry.album.as_deref())?;
        element(xml, "duration", milliseconds.as_deref())?;
        let options = vlc_options(entry);
        if !options.is_empty() {
            xml.create_element("extension")
                .with_attribute(("application", VLC))
                .with_attribute(("xmlns:vlc", "http://www.videolan.org/vlc/playlist/ns/0/"))
                .write_inner_content(|xml| {
                    let mut options = options.iter();
                    options.try_for_each(|option| element(xml, "vlc:option", Some(option)))
                })?;
        }
        Ok(())
    })?;
    Ok(())
}

/// What names VLC in an XSPF file.
const VLC: &str = "http://www.videolan.org/vlc/playlist/0";

/// Where VLC is to begin and to end, in seconds.
fn vlc_options(entry: &Entry) -> Vec<String> {
    let options = |stretch: &Range<f64>| {
        let (start, end) = (stretch.start, stretch.end);
        vec![
            format!("start-time={start:.1}"),
            format!("stop-time={end:.1}"),
        ]
    };
    entry.stretch.as_ref().map(options).unwrap_or_default()
}

fn element(xml: &mut Writer<impl Write>, name: &str, text: Option<&str>) -> io::Result<()> {
    if let Some(text) = text {
        xml.create_element(name)
            .write_text_content(BytesText::new(&one_line(text)))?;
    }
    Ok(())
}

/// A text without control characters and the two that XML forbids: neither format can hold them.
fn one_line(text: &str) -> String {
    let forbidden = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    text.replace(forbidden, " ").trim().to_owned()
}

/// RFC 8089 and 3986: `file://` before an absolute path, a reference without a scheme for a relative one; every byte outside the
/// unreserved characters and `/` is written as `%XX`.
fn uri(path: &Path) -> String {
    let mut uri = String::new();
    if path.is_absolute() {
        uri.push_str("file://");
        if cfg!(windows) {
            uri.push('/');
        }
    }
    uri.push_str(&percent_encode(&uri_bytes(path.as_os_str())));
    uri
}

#[cfg(unix)]
fn uri_bytes(path: &OsStr) -> Vec<u8> {
    path.as_encoded_bytes().to_vec()
}

#[cfg(not(unix))]
fn uri_bytes(path: &OsStr) -> Vec<u8> {
    path.to_string_lossy().replace('\\', "/").into_bytes()
}

#[cfg(all(test, unix))]
mod tests;

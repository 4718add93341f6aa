//! Playlists: M3U8 (extended M3U in UTF-8) and XSPF (version 1, <https://xspf.org/spec>).
//!
//! Both can name every file of a system. A line of M3U8 is a plain path; where a line cannot hold it (bytes that are not UTF-8, line
//! breaks, spaces at an end) it is a `file://` URI, which players accept as well. XSPF always has URIs.
//!
//! A track of a CUE sheet has VLC's options for start and end, as there is no standard; other players play the file from its start.

use super::{Cell, Format, Sink};
use crate::{
    Error, Result,
    atomic_file::{self, write_error},
    emotion::Emotion,
    library::{Song, is_windows_path},
    search::{MeanEmotions, strongest},
    text::percent_encode,
};
use std::{
    fs,
    io::Write as _,
    path::{Component, Path, PathBuf},
};

/// How a playlist names its files.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Paths {
    /// As in the library.
    Absolute,
    /// From the directory of the playlist, so that it can be moved with its music.
    Relative {
        /// The directory as named, made absolute.
        named: PathBuf,
        /// With symbolic links resolved: the start of `..`.
        real: PathBuf,
    },
}

impl Paths {
    /// Relative to a directory.
    ///
    /// # Errors
    /// Where the directory or the working directory does not exist.
    pub(crate) fn relative_to(directory: &Path) -> Result<Self> {
        let error = |source| write_error(directory, source);
        let named = std::path::absolute(directory).map_err(error)?;
        let real = fs::canonicalize(directory).map_err(error)?;
        // Windows writes it in another form, `\\?\C:\`, which no path of a song has.
        let real = if cfg!(windows) { named.clone() } else { real };
        Ok(Self::Relative { named, real })
    }

    /// The path to write for a file; absolute if no relative path leads to it (another drive).
    fn of(&self, file: &Path) -> PathBuf {
        let Self::Relative { named, real } = self else {
            return file.to_owned();
        };
        match file.strip_prefix(named) {
            Ok(below) if !below.as_os_str().is_empty() => below.to_owned(),
            _ => relative_path(real, file).unwrap_or_else(|| file.to_owned()),
        }
    }
}

/// The path from a directory to a file, both absolute: up with `..` and then down.
fn relative_path(directory: &Path, file: &Path) -> Option<PathBuf> {
    let mut from = directory.components().peekable();
    let mut to = file.components().peekable();
    let mut common = 0;
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
        common += 1;
    }
    if common == 0 || to.peek().is_none() {
        return None;
    }
    let mut path = PathBuf::new();
    for part in from {
        if !matches!(part, Component::Normal(_)) {
            return None;
        }
        path.push("..");
    }
    path.extend(to);
    Some(path)
}

/// The start of a playlist, with its title.
pub(super) fn header(format: Format, title: Option<&str>) -> String {
    match (format, title) {
        (Format::M3u8, None) => "#EXTM3U\n".to_owned(),
        (Format::M3u8, Some(title)) => format!("#EXTM3U\n#PLAYLIST:{}\n", one_line(title)),
        (Format::Xspf, title) => format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<playlist version=\"1\" xmlns=\"http://xspf.org/ns/0/\">\n{}  \
             <trackList>\n",
            element("  ", "title", title)
        ),
        _ => String::new(),
    }
}

/// The end of a playlist.
pub(super) fn footer(format: Format) -> &'static str {
    match format {
        Format::Xspf => "  </trackList>\n</playlist>\n",
        _ => "",
    }
}

/// A song in a playlist.
pub(super) fn entry(format: Format, song: &Song, paths: &Paths) -> String {
    match format {
        Format::Xspf => xspf_entry(song, paths),
        _ => m3u8_entry(song, paths),
    }
}

/// A whole playlist.
pub(crate) fn playlist<'a>(
    format: Format,
    title: Option<&str>,
    songs: impl IntoIterator<Item = &'a Song>,
    paths: &Paths,
) -> String {
    let mut text = header(format, title);
    for song in songs {
        text.push_str(&entry(format, song, paths));
    }
    text.push_str(footer(format));
    text
}

fn m3u8_entry(song: &Song, paths: &Paths) -> String {
    let seconds = match song.duration_s {
        seconds if seconds.is_finite() && seconds > 0.0 => seconds.round() as i64,
        _ => -1,
    };
    let stem = song.path.file_stem().unwrap_or_default().to_string_lossy();
    let stem = match is_windows_path(&song.path) {
        true => stem.rsplit('\\').next().unwrap_or_default(),
        false => &stem,
    };
    let name = match (&song.artist, &song.title) {
        (Some(artist), Some(title)) => format!("{artist} - {title}"),
        (None, Some(title)) => title.clone(),
        (_, None) => stem.to_owned(),
    };
    let mut text = format!("#EXTINF:{seconds},{}\n", one_line(&name));
    for option in vlc_options(song) {
        text.push_str(&format!("#EXTVLCOPT:{option}\n"));
    }
    text + &m3u8_path(&song.path, paths) + "\n"
}

fn m3u8_path(file: &Path, paths: &Paths) -> String {
    let path = paths.of(file);
    match path.to_str() {
        Some(text) if text.trim() == text && !text.contains(char::is_control) => {
            // Otherwise read as a comment, or as a scheme such as `http:`.
            let is_relative = path.is_relative() && !is_windows_path(&path);
            let is_misread = is_relative && (text.starts_with('#') || text.contains(':'));
            format!("{}{text}", if is_misread { "./" } else { "" })
        }
        // A relative URI would be read as a file with % in its name.
        _ => uri(file),
    }
}

fn xspf_entry(song: &Song, paths: &Paths) -> String {
    let milliseconds = (song.duration_s.is_finite() && song.duration_s > 0.0)
        .then(|| ((song.duration_s * 1000.0).round() as u64).to_string());
    let mut text = String::from("    <track>\n");
    for (name, value) in [
        ("location", Some(uri(&paths.of(&song.path)).as_str())),
        ("title", song.title.as_deref()),
        ("creator", song.artist.as_deref()),
        ("album", song.album.as_deref()),
        ("duration", milliseconds.as_deref()),
    ] {
        text.push_str(&element("      ", name, value));
    }
    let options = vlc_options(song);
    if !options.is_empty() {
        text.push_str(
            "      <extension application=\"http://www.videolan.org/vlc/playlist/0\" \
             xmlns:vlc=\"http://www.videolan.org/vlc/playlist/ns/0/\">\n",
        );
        for option in &options {
            text.push_str(&element("        ", "vlc:option", Some(option)));
        }
        text.push_str("      </extension>\n");
    }
    text + "    </track>\n"
}

fn element(indent: &str, name: &str, text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| {
        let text = one_line(text)
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        format!("{indent}<{name}>{text}</{name}>\n")
    })
}

/// Where VLC starts and stops a track of a CUE sheet, in seconds.
fn vlc_options(song: &Song) -> Vec<String> {
    let start = song.track_start_s.map(|s| format!("start-time={s:.1}"));
    let end = song.track_end_s.map(|s| format!("stop-time={s:.1}"));
    start.into_iter().chain(end).collect()
}

/// Text without control characters and the two that XML forbids, which neither format can hold.
fn one_line(text: &str) -> String {
    let is_forbidden = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    text.replace(is_forbidden, " ").trim().to_owned()
}

/// RFC 8089 and 3986: `file://` before an absolute path, a reference without a scheme for a relative one.
fn uri(path: &Path) -> String {
    let slashes = || path.to_string_lossy().replace('\\', "/");
    if is_windows_path(path) {
        let text = slashes();
        return match text.strip_prefix("//") {
            Some(share) => format!("file://{}", percent_encode(share.as_bytes())),
            None => {
                let (drive, rest) = text.split_at(2);
                format!("file:///{drive}{}", percent_encode(rest.as_bytes()))
            }
        };
    }
    #[cfg(unix)]
    let bytes = path.as_os_str().as_encoded_bytes().to_vec();
    #[cfg(not(unix))]
    let bytes = slashes().into_bytes();
    let root = if path.has_root() { "file://" } else { "" };
    format!("{root}{}", percent_encode(&bytes))
}

/// Playlists in a directory, one for each list, with its best songs.
pub(crate) struct Lists {
    format: Format,
    directory: PathBuf,
    /// Maximum length of a playlist. It bounds the memory for libraries of any size.
    limit: usize,
    is_relative: bool,
    lists: Vec<List>,
    songs: u64,
}

struct List {
    name: String,
    file: PathBuf,
    /// Songs and their scores.
    songs: Vec<(f32, Song)>,
}

impl Lists {
    /// Creates the directory if it does not exist.
    ///
    /// # Errors
    /// Where it cannot be created, or two names give the same file.
    pub(crate) fn create(
        format: Format,
        directory: &Path,
        names: impl IntoIterator<Item = String>,
        limit: usize,
        is_relative: bool,
    ) -> Result<Self> {
        let mut lists: Vec<List> = Vec::new();
        for name in names {
            let file = directory.join(format!("{}.{format}", file_stem(&name)));
            if let Some(other) = lists.iter().find(|list| list.file == file) {
                let message = format!(
                    "would be the playlist of both {:?} and {name:?}; rename one",
                    other.name
                );
                return Err(Error::invalid(message).with_path(file));
            }
            lists.push(List {
                name,
                file,
                songs: Vec::new(),
            });
        }
        create_directory(directory)?;
        Ok(Self {
            format,
            directory: directory.to_owned(),
            limit,
            is_relative,
            lists,
            songs: 0,
        })
    }

    /// Adds a song to the list at `index`.
    pub(crate) fn push(&mut self, index: usize, score: f32, song: Song) {
        let list = &mut self.lists[index].songs;
        list.push((score, song));
        self.songs += 1;
        if list.len() > self.limit + 1000 {
            keep_best(list, self.limit);
        }
    }

    /// Number of songs beyond the limit of their playlist.
    pub(crate) fn skipped(&self) -> u64 {
        let lists = self.lists.iter();
        let listed: usize = lists.map(|list| list.songs.len().min(self.limit)).sum();
        self.songs - listed as u64
    }

    /// Writes the playlists, best songs first, and returns their files.
    pub(crate) fn finish(self) -> Result<Vec<PathBuf>> {
        let paths = match self.is_relative {
            true => Paths::relative_to(&self.directory)?,
            false => Paths::Absolute,
        };
        let mut files = Vec::new();
        for mut list in self.lists {
            keep_best(&mut list.songs, self.limit);
            // Empty ones too: they replace old ones.
            let songs = list.songs.iter().map(|(_, song)| song);
            let text = playlist(self.format, Some(&list.name), songs, &paths);
            atomic_file::write(&list.file, |file| file.write_all(text.as_bytes()))?;
            files.push(list.file);
        }
        Ok(files)
    }
}

/// Keeps the best songs; among equals the first of the library.
fn keep_best(list: &mut Vec<(f32, Song)>, limit: usize) {
    list.sort_by(|a, b| b.0.total_cmp(&a.0));
    list.truncate(limit);
}

/// The name as the name of a file on every system.
fn file_stem(name: &str) -> String {
    let is_refused = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    let stem = name.replace(is_refused, "_");
    let stem = stem.trim_matches([' ', '.']);
    // Systems allow 255 bytes with the extension.
    let end = stem.floor_char_boundary(200);
    match &stem[..end] {
        "" => "_".to_owned(),
        stem => stem.to_owned(),
    }
}

/// A playlist for each of the eight emotions: the songs with this strongest emotion, best first.
pub(super) struct EmotionLists {
    lists: Lists,
    /// The strongest emotion is relative to this mean.
    relative_to: Option<MeanEmotions>,
}

impl EmotionLists {
    pub(super) fn create(
        format: Format,
        directory: &Path,
        limit: usize,
        relative_paths: bool,
        relative_to: Option<MeanEmotions>,
    ) -> Result<Self> {
        let names = Emotion::ALL.map(|emotion| emotion.name().to_owned());
        Ok(Self {
            lists: Lists::create(format, directory, names, limit, relative_paths)?,
            relative_to,
        })
    }
}

impl Sink for EmotionLists {
    fn row(&mut self, song: Song, _: Vec<Cell<'static>>) -> Result<()> {
        let (emotion, percentage) = strongest(&song.emotions, self.relative_to.as_ref());
        self.lists.push(emotion.index(), percentage as f32, song);
        Ok(())
    }

    fn skipped(&self) -> u64 {
        self.lists.skipped()
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>> {
        self.lists.finish()
    }
}

/// A smart playlist of Navidrome for each of the eight emotions: a rule on the mood tag that [`tags`](crate::tags) writes, which
/// Navidrome evaluates (<https://www.navidrome.org/docs/usage/features/smart-playlists/>).
pub(super) struct SmartLists {
    directory: PathBuf,
    limit: usize,
}

impl SmartLists {
    /// Creates the directory if it does not exist.
    pub(super) fn create(directory: PathBuf, limit: usize) -> Result<Self> {
        create_directory(&directory)?;
        Ok(Self { directory, limit })
    }
}

impl Sink for SmartLists {
    /// The rules do not depend on the songs.
    fn row(&mut self, _: Song, _: Vec<Cell<'static>>) -> Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for emotion in Emotion::ALL {
            let mood = emotion.name();
            let list = serde_json::json!({
                "name": mood,
                "comment": format!("Songs with the mood {mood}"),
                "all": [{ "is": { "mood": mood } }],
                "limit": self.limit,
            });
            let path = self.directory.join(format!("{mood}.{}", Format::Nsp));
            atomic_file::write(&path, |file| writeln!(file, "{list:#}"))?;
            files.push(path);
        }
        Ok(files)
    }
}

fn create_directory(directory: &Path) -> Result<()> {
    match directory.is_dir() {
        true => Ok(()),
        false => fs::create_dir(directory).map_err(|e| write_error(directory, e)),
    }
}

#[cfg(all(test, unix))]
mod tests;

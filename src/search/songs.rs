//! Songs as queries: songs of the library, found by the names that people give.

use crate::{
    emotion::{Emotion, EmotionVector},
    error::{Error, Result},
    library::{Column, Columns, Library},
};
use std::{
    collections::HashSet,
    ffi::OsStr,
    path::{Component, Path, PathBuf},
};

/// A song of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Its path.
    pub path: PathBuf,
    /// Its eight percentages.
    pub emotions: EmotionVector,
    /// Its embedding.
    pub embedding: Vec<f32>,
    /// The hash of its content, by which copies are recognized.
    pub content_hash: Option<String>,
    /// Its row in the library, or `None` for a file outside it.
    pub row: Option<u64>,
}

impl Example {
    /// The song in a row of the library.
    ///
    /// # Errors
    /// Where the row cannot be read, or its song is silent.
    pub fn at(library: &Library, row: u64) -> Result<Self> {
        let columns = NAMES
            .with(Column::Emotions)
            .with(Column::Embedding)
            .with(Column::Silent);
        let mut songs = library.songs_at(&[row], columns)?;
        let song = songs
            .pop()
            .ok_or_else(|| Error::invalid(format!("there is no row {row}")))?;
        let path = song.unique_path().into_owned();
        if song.silent {
            return Err(silent(&path));
        }
        Ok(Self {
            path,
            emotions: song.emotions,
            embedding: song.embedding,
            content_hash: song.content_hash,
            row: Some(row),
        })
    }
}

/// The error for a silent song, whose percentages mean nothing.
pub fn silent(song: &Path) -> Error {
    Error::invalid("is silent, so no song is similar to it; choose another song").with_path(song)
}

/// The songs of a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Examples {
    /// In the order in which they were named.
    pub songs: Vec<Example>,
    /// The rows of the library with these songs, or copies of them (the same path or content), in ascending order.
    pub rows: Vec<u64>,
}

impl Examples {
    /// Finds the rows of some songs and their copies.
    ///
    /// # Errors
    /// Where the library cannot be read.
    pub fn new(library: &Library, songs: Vec<Example>) -> Result<Self> {
        let mut rows = Vec::new();
        if !songs.is_empty() {
            let paths: HashSet<&Path> = songs.iter().map(|song| &*song.path).collect();
            let hashes: HashSet<&String> = songs
                .iter()
                .filter_map(|song| song.content_hash.as_ref())
                .collect();
            for entry in entries(library) {
                let entry = entry?;
                let hash = entry.content_hash.as_ref();
                if hash.is_some_and(|hash| hashes.contains(hash)) || paths.contains(&*entry.path) {
                    rows.push(entry.row);
                }
            }
        }
        Ok(Self { songs, rows })
    }

    /// Takes the songs from index `at` on. Both halves keep the rows of all.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Self {
        Self {
            songs: self.songs.split_off(at.min(self.songs.len())),
            rows: self.rows.clone(),
        }
    }

    /// The mean of the percentages, sum 100; `None` without songs.
    pub fn mean_emotions(&self) -> Option<[f64; Emotion::COUNT]> {
        let mut mean = [0.0; Emotion::COUNT];
        for song in &self.songs {
            for (sum, value) in mean.iter_mut().zip(song.emotions.as_array()) {
                *sum += f64::from(*value) / self.songs.len() as f64;
            }
        }
        (!self.songs.is_empty()).then_some(mean)
    }

    /// The mean of the embeddings, each scaled to length 1 so that each counts the same; `None` without songs.
    pub fn mean_embedding(&self) -> Option<Vec<f64>> {
        let mut mean = vec![0.0; self.songs.first()?.embedding.len()];
        for song in &self.songs {
            let squares = song.embedding.iter().map(|value| f64::from(*value).powi(2));
            let length = squares.sum::<f64>().sqrt();
            if length > 0.0 {
                for (sum, value) in mean.iter_mut().zip(&song.embedding) {
                    *sum += f64::from(*value) / length / self.songs.len() as f64;
                }
            }
        }
        Some(mean)
    }
}

/// Candidates and suggestions that an error lists.
const LISTED: usize = 8;
const SUGGESTED: usize = 3;

/// The names of a song of the library.
struct Entry {
    row: u64,
    path: PathBuf,
    title: Option<String>,
    artist: Option<String>,
    content_hash: Option<String>,
}

const NAMES: Columns = Columns::STAMP.and(Columns::TAGS);

fn entries(library: &Library) -> impl Iterator<Item = Result<Entry>> + '_ {
    (0..).zip(library.songs(NAMES)).map(|(row, song)| {
        let song = song?;
        Ok(Entry {
            row,
            path: song.unique_path().into_owned(),
            title: song.title,
            artist: song.artist,
            content_hash: song.content_hash,
        })
    })
}

/// Finds songs of the library by name: the row of each, or `None` if the name is a file outside the library. A name is the path
/// of a song; else a file outside the library; else the end of a song's path (whole components); else its file name with or
/// without the extension; else its title, alone or as `artist - title`. Case matters in paths only.
///
/// # Errors
/// Where the library cannot be read, or a name fits no song or several different ones.
pub fn find_songs(library: &Library, names: &[PathBuf]) -> Result<Vec<Option<u64>>> {
    let mut lookups: Vec<Lookup<'_>> = names.iter().map(|name| Lookup::new(name)).collect();
    if !lookups.is_empty() {
        for entry in entries(library) {
            let entry = entry?;
            let names = Names::of(&entry);
            for lookup in &mut lookups {
                lookup.add(&entry, &names);
            }
        }
    }
    let found = lookups.into_iter().map(|lookup| lookup.finish(library));
    found.collect()
}

/// How a name fits a song, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Path,
    EndOfPath,
    FileName,
    Title,
}

/// The names of a song in lower case.
struct Names {
    /// With and without the extension.
    file: [String; 2],
    /// Alone and after the artist.
    title: Vec<String>,
}

impl Names {
    fn of(entry: &Entry) -> Self {
        let lower =
            |name: Option<&OsStr>| name.unwrap_or_default().to_string_lossy().to_lowercase();
        let mut title = Vec::new();
        if let Some(name) = &entry.title {
            let name = name.trim().to_lowercase();
            if let Some(artist) = &entry.artist {
                title.push(format!("{} - {name}", artist.trim().to_lowercase()));
            }
            title.push(name);
        }
        Self {
            file: [lower(entry.path.file_name()), lower(entry.path.file_stem())],
            title,
        }
    }

    /// The largest similarity of a name to what was typed, 0 to 1.
    fn similarity(&self, typed: &str) -> f64 {
        let names = self.file.iter().chain(&self.title);
        names
            .map(|name| strsim::jaro_winkler(typed, name))
            .fold(0.0, f64::max)
    }
}

struct Candidate {
    row: u64,
    path: PathBuf,
    content_hash: Option<String>,
}

/// The lookup of one name.
struct Lookup<'a> {
    name: &'a Path,
    absolute: Option<PathBuf>,
    /// The name without `./`, if it can be the end of a path.
    end: Option<PathBuf>,
    lower: String,
    /// The best fit so far, and the songs that have it.
    fit: Option<Fit>,
    candidates: Vec<Candidate>,
}

impl<'a> Lookup<'a> {
    fn new(name: &'a Path) -> Self {
        let parts = name.components().filter(|part| *part != Component::CurDir);
        let end: PathBuf = parts.collect();
        let mut parts = end.components();
        let is_end =
            !end.as_os_str().is_empty() && parts.all(|part| matches!(part, Component::Normal(_)));
        Self {
            name,
            // Links keep their names, as in a library, unless the path contains `..`.
            absolute: if name.components().any(|part| part == Component::ParentDir) {
                name.canonicalize().ok()
            } else {
                std::path::absolute(name).ok()
            },
            end: is_end.then_some(end),
            lower: name.to_string_lossy().trim().to_lowercase(),
            fit: None,
            candidates: Vec::new(),
        }
    }

    fn add(&mut self, entry: &Entry, names: &Names) {
        let Some(fit) = self.fit(&entry.path, names) else {
            return;
        };
        if self.fit.is_some_and(|best| best < fit) {
            return;
        }
        if self.fit != Some(fit) {
            self.candidates.clear();
        }
        self.fit = Some(fit);
        // Copies of one song are not ambiguous.
        let is_copy = self.candidates.iter().any(|known| {
            known.path == entry.path
                || known.content_hash.is_some() && known.content_hash == entry.content_hash
        });
        if !is_copy {
            self.candidates.push(Candidate {
                row: entry.row,
                path: entry.path.clone(),
                content_hash: entry.content_hash.clone(),
            });
        }
    }

    fn fit(&self, path: &Path, names: &Names) -> Option<Fit> {
        let is = |name: &String| !self.lower.is_empty() && *name == self.lower;
        if path == self.name || self.absolute.as_deref() == Some(path) {
            Some(Fit::Path)
        } else if self.end.as_ref().is_some_and(|end| path.ends_with(end)) {
            Some(Fit::EndOfPath)
        } else if names.file.iter().any(is) {
            Some(Fit::FileName)
        } else if names.title.iter().any(is) {
            Some(Fit::Title)
        } else {
            None
        }
    }

    fn finish(self, library: &Library) -> Result<Option<u64>> {
        if self.fit != Some(Fit::Path) && self.name.is_file() {
            return Ok(None);
        }
        match self.candidates.as_slice() {
            [] => {
                let similar = self.similar(library)?;
                let hint = match similar.as_slice() {
                    [] => String::new(),
                    names => format!("; did you mean {}?", names.join(" or ")),
                };
                Err(Error::invalid(format!(
                    "no song of {} has the path, file name or title {:?}, and no such file exists{hint}",
                    library.name(),
                    self.name
                )))
            }
            [only] => Ok(Some(only.row)),
            several => {
                let paths = several
                    .iter()
                    .map(|candidate| format!("{:?}", candidate.path));
                Err(Error::invalid(format!(
                    "{:?} fits {} songs of {}: {}; give more of the path",
                    self.name,
                    several.len(),
                    library.name(),
                    crate::text::listed(&paths.collect::<Vec<_>>(), LISTED)
                )))
            }
        }
    }

    /// The songs whose names are most similar to the typed one.
    fn similar(&self, library: &Library) -> Result<Vec<String>> {
        // As in `text::nearest`: passes typing errors, rejects other names.
        const SIMILAR: f64 = 0.8;
        let typed = self.name.file_name().unwrap_or_default();
        let typed = typed.to_string_lossy().trim().to_lowercase();
        let mut similar: Vec<(f64, String)> = Vec::new();
        for entry in entries(library) {
            let entry = entry?;
            let similarity = Names::of(&entry).similarity(&typed);
            if similarity < SIMILAR {
                continue;
            }
            let shown = match &entry.title {
                Some(title) => format!("{:?} ({title:?})", entry.path),
                None => format!("{:?}", entry.path),
            };
            similar.push((similarity, shown));
            similar.sort_by(|a, b| b.0.total_cmp(&a.0));
            similar.truncate(SUGGESTED);
        }
        Ok(similar.into_iter().map(|(_, shown)| shown).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::{LibraryInfo, LibraryWriter, ModelStamp, Song, test_songs::a_song};

    fn library(songs: Vec<Song>) -> (tempfile::TempDir, Library) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("library.parquet");
        let model = ModelStamp {
            identity: "0".repeat(64),
            name: "test".to_owned(),
        };
        let info = LibraryInfo::new(model, serde_json::json!({}));
        let mut writer = LibraryWriter::create(&path, &info, 4).unwrap();
        for song in songs {
            writer.push(song).unwrap();
        }
        writer.finish().unwrap();
        (directory, Library::open(&path).unwrap())
    }

    type Named = (&'static str, Option<&'static str>, Option<&'static str>);

    fn named(songs: &[Named]) -> (tempfile::TempDir, Library) {
        let song = |(n, (path, title, artist)): (usize, &Named)| Song {
            path: path.into(),
            title: title.map(str::to_owned),
            artist: artist.map(str::to_owned),
            ..a_song(n)
        };
        library(songs.iter().enumerate().map(song).collect())
    }

    const SONGS: [Named; 5] = [
        ("/music/a/intro.mp3", Some("Blue Sky"), Some("The Larks")),
        ("/music/b/intro.mp3", Some("Intro"), Some("The Larks")),
        ("/music/b/rain.flac", Some("Red Sky"), Some("Tom")),
        ("/music/b/sky.mp3", Some("Red Sky"), Some("Ann")),
        ("/music/long/way home.ogg", None, None),
    ];

    fn row_of(library: &Library, song: &str) -> Result<Option<u64>, String> {
        let found = find_songs(library, &[PathBuf::from(song)]);
        found
            .map(|rows| rows[0])
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_song_is_found_by_path_end_of_path_file_name_and_title() {
        let (_directory, library) = named(&SONGS);
        for (song, row) in [
            ("/music/b/intro.mp3", 1),
            ("b/intro.mp3", 1),
            ("./a/intro.mp3", 0),
            ("sky.mp3", 3),
            ("SKY.mp3", 3),
            ("Way Home", 4),
            ("way home.ogg", 4),
            ("blue sky", 0),
            ("Tom - Red Sky", 2),
        ] {
            assert_eq!(row_of(&library, song), Ok(Some(row)), "{song}");
        }
    }

    #[test]
    fn a_name_of_several_songs_lists_them_and_an_unknown_one_gets_a_suggestion() {
        let (_directory, library) = named(&SONGS);
        let message = |song| row_of(&library, song).unwrap_err();
        let both = message("intro.mp3");
        assert!(both.contains("fits 2 songs"), "{both}");
        assert!(both.contains("/music/a/intro.mp3"), "{both}");
        assert!(both.contains("/music/b/intro.mp3"), "{both}");
        assert!(message("red sky").contains("/music/b/rain.flac"));
        let unknown = message("/elsewhere/rian.flac");
        assert!(
            unknown.contains("did you mean \"/music/b/rain.flac\""),
            "{unknown}"
        );
        // A part of a file's name is not the name.
        assert!(message("ntro.mp3").contains("did you mean"));
        assert!(!message("zzzz").contains("did you mean"));
        assert!(message("").contains("no song"));
    }

    #[test]
    fn a_file_outside_the_library_comes_before_a_song_with_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("sky.mp3");
        std::fs::write(&file, b"x").unwrap();
        let (_directory, outside) = named(&SONGS);
        assert_eq!(row_of(&outside, file.to_str().unwrap()), Ok(None));
        let inside = Song {
            path: file.clone(),
            ..a_song(0)
        };
        let (_directory, inside) = library(vec![inside]);
        assert_eq!(row_of(&inside, file.to_str().unwrap()), Ok(Some(0)));
        let around = directory.path().join("x/../sky.mp3");
        std::fs::create_dir(directory.path().join("x")).unwrap();
        assert_eq!(row_of(&inside, around.to_str().unwrap()), Ok(Some(0)));
    }

    #[test]
    fn rows_that_repeat_a_path_are_one_song() {
        let (_directory, library) = named(&[SONGS[0], SONGS[0], SONGS[2]]);
        assert_eq!(row_of(&library, "intro"), Ok(Some(0)));
    }

    #[test]
    fn copies_of_the_songs_are_excluded_too() {
        let mut songs: Vec<Song> = (0..6).map(a_song).collect();
        songs[3].content_hash = songs[1].content_hash.clone();
        songs[5].path = songs[1].path.clone();
        songs[2].content_hash = None;
        songs[4].content_hash = None;
        let (_directory, library) = library(songs);
        let songs = [1, 2].map(|row| Example::at(&library, row).unwrap());
        let mut examples = Examples::new(&library, songs.to_vec()).unwrap();
        assert_eq!(examples.rows, [1, 2, 3, 5]);
        assert_eq!(examples.songs.len(), 2);
        let rest = examples.split_off(1);
        assert_eq!(rest.songs[0].row, Some(2));
        assert_eq!(rest.rows, examples.rows);
    }

    #[test]
    fn a_silent_song_is_rejected() {
        let mut song = a_song(1);
        song.silent = true;
        let (_directory, library) = library(vec![song]);
        let error = Example::at(&library, 0).unwrap_err();
        assert!(error.to_string().contains("is silent"), "{error}");
    }
}

//! Songs as queries: songs of the library, found by the names that people give.

use super::Query;
use crate::{
    emotion::Emotion,
    error::{Error, Result},
    library::{Column, Columns, Library, PathMap, Song, absolute},
    text::{SIMILAR, listed},
};
use std::{
    collections::{HashMap, HashSet},
    path::{Component, Path, PathBuf},
};

/// The song in a row of the library, with the columns that queries use; its path is [`Song::unique_path`].
///
/// # Errors
/// Where the row cannot be read, or its song is silent.
pub(crate) fn song_at(library: &Library, row: u64) -> Result<Song> {
    let columns = NAMES
        .with(Column::Emotions)
        .with(Column::Felt)
        .with(Column::Embedding)
        .with(Column::Silent);
    let song = library.songs_at(&[row], columns)?.pop();
    let mut song = song.ok_or_else(|| Error::invalid(format!("there is no row {row}")))?;
    song.path = song.unique_path().into_owned();
    if song.silent {
        return Err(silent(&song.path));
    }
    Ok(song)
}

/// The error for a silent song, whose percentages mean nothing.
pub(crate) fn silent(song: &Path) -> Error {
    Error::invalid("is silent, so no song is similar to it; choose another song").with_path(song)
}

/// The rows of the library with these songs, or copies of them (the same path or content), in ascending order.
///
/// # Errors
/// Where the library cannot be read.
pub(crate) fn rows_of(library: &Library, songs: &[Song]) -> Result<Vec<u64>> {
    let mut rows = Vec::new();
    if songs.is_empty() {
        return Ok(rows);
    }
    let paths: HashSet<&Path> = songs.iter().map(|song| &*song.path).collect();
    let hashes = songs.iter().filter_map(|song| song.content_hash.as_ref());
    let hashes: HashSet<&String> = hashes.collect();
    for (row, song) in (0..).zip(library.songs(Columns::STAMP)) {
        let song = song?;
        let has_content = |hash| hashes.contains(hash);
        if song.content_hash.as_ref().is_some_and(has_content)
            || paths.contains(song.unique_path().as_ref())
        {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// The mean of the vectors that a query compares, sum 100; `None` without songs.
pub(super) fn mean_vector(songs: &[Song], query: &Query) -> Result<Option<[f64; Emotion::COUNT]>> {
    let mut mean = [0.0; Emotion::COUNT];
    for song in songs {
        for (sum, value) in mean.iter_mut().zip(query.vector_of(song)?) {
            *sum += value / songs.len() as f64;
        }
    }
    Ok((!songs.is_empty()).then_some(mean))
}

/// The mean of the embeddings, each scaled to length 1 so that each counts the same; `None` without songs.
pub(super) fn mean_embedding(songs: &[Song]) -> Option<Vec<f64>> {
    let mut mean = vec![0.0; songs.first()?.embedding.len()];
    for song in songs {
        let squares = song.embedding.iter().map(|value| f64::from(*value).powi(2));
        let length = squares.sum::<f64>().sqrt();
        if length > 0.0 {
            for (sum, value) in mean.iter_mut().zip(&song.embedding) {
                *sum += f64::from(*value) / length / songs.len() as f64;
            }
        }
    }
    Some(mean)
}

/// Candidates and suggestions that an error lists.
const LISTED: usize = 8;
const SUGGESTED: usize = 3;
const NAMES: Columns = Columns::STAMP.and(Columns::TAGS);

/// Every song of the library, its path made unique, with its row.
fn named_songs(library: &Library) -> impl Iterator<Item = Result<(u64, Song)>> + '_ {
    (0..).zip(library.songs(NAMES)).map(|(row, song)| {
        let mut song = song?;
        song.path = song.unique_path().into_owned();
        Ok((row, song))
    })
}

/// The name of the file in lower case, with and without the extension.
fn file_names(song: &Song) -> [String; 2] {
    let stem = song.path.file_stem().unwrap_or_default();
    [file_name(&song.path), stem.to_string_lossy().to_lowercase()]
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().to_lowercase()
}

/// The title in lower case, alone and after the artist.
fn titles(song: &Song) -> Vec<String> {
    let lower = |text: &String| text.trim().to_lowercase();
    let mut titles: Vec<String> = song.title.iter().map(lower).collect();
    if let (Some(title), Some(artist)) = (titles.first(), &song.artist) {
        titles.push(format!("{} - {title}", lower(artist)));
    }
    titles
}

/// Finds songs of the library by name: the row of each, or `None` if the name is a file outside the library. A name is the path
/// of a song, as it is mapped or as the library has it; else a file outside the library; else the end of a song's path (whole components); else its file name with or
/// without the extension; else its title, alone or as `artist - title`. Case matters in paths only.
///
/// # Errors
/// Where the library cannot be read, or a name fits no song or several different ones.
pub(crate) fn find_songs(library: &Library, names: &[PathBuf]) -> Result<Vec<Option<u64>>> {
    let lookups = look_up(library, names)?.into_iter();
    let found = lookups.map(|lookup| match lookup.row(library.name()) {
        Err(error) if lookup.candidates.is_empty() => {
            let hint = match lookup.similar(library)?.as_slice() {
                [] => String::new(),
                names => format!("; did you mean {}?", names.join(" or ")),
            };
            Err(Error::invalid(format!("{error}{hint}")))
        }
        found => found,
    });
    found.collect()
}

/// Finds songs as [`find_songs`] does, each with its own error.
///
/// # Errors
/// Where the library cannot be read.
pub(crate) fn find_each(library: &Library, names: &[PathBuf]) -> Result<Vec<Result<Option<u64>>>> {
    let lookups = look_up(library, names)?.into_iter();
    Ok(lookups.map(|lookup| lookup.row(library.name())).collect())
}

fn look_up<'a>(library: &Library, names: &'a [PathBuf]) -> Result<Vec<Lookup<'a>>> {
    let lookups = names.iter().map(|name| Lookup::new(name, library.paths()));
    let mut lookups: Vec<Lookup<'_>> = lookups.collect();
    // Every fit has one of the song's names.
    let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
    for (number, lookup) in lookups.iter().enumerate() {
        let mut keys: Vec<String> = lookup.paths.iter().map(|path| file_name(path)).collect();
        keys.extend([file_name(&lookup.end), lookup.lower.clone()]);
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            by_name.entry(key).or_default().push(number);
        }
    }
    if !lookups.is_empty() {
        for song in named_songs(library) {
            let (row, song) = song?;
            let names = file_names(&song).into_iter().chain(titles(&song));
            let numbers = names.filter_map(|name| by_name.get(&name)).flatten();
            let mut numbers: Vec<usize> = numbers.copied().collect();
            numbers.sort_unstable();
            numbers.dedup();
            for number in numbers {
                lookups[number].add(row, &song);
            }
        }
    }
    Ok(lookups)
}

/// How a name fits a song, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Path,
    EndOfPath,
    FileName,
    Title,
}

/// The lookup of one name.
struct Lookup<'a> {
    name: &'a Path,
    /// The paths that the name may mean: itself, absolute, and both mapped.
    paths: Vec<PathBuf>,
    /// The name without `./`.
    end: PathBuf,
    lower: String,
    /// The best fit so far, and the songs that have it.
    fit: Fit,
    candidates: Vec<(u64, Song)>,
}

impl<'a> Lookup<'a> {
    fn new(name: &'a Path, map: &PathMap) -> Self {
        let mut paths = vec![name.to_owned()];
        // As in a library.
        paths.extend(absolute(name));
        paths.extend(paths.clone().iter().map(|path| map.map(path).into_owned()));
        Self {
            name,
            paths,
            end: (name.components())
                .filter(|part| *part != Component::CurDir)
                .collect(),
            lower: name.to_string_lossy().trim().to_lowercase(),
            fit: Fit::Title,
            candidates: Vec::new(),
        }
    }

    fn fit(&self, song: &Song) -> Option<Fit> {
        let path = song.path.as_path();
        if self.paths.iter().any(|meant| meant == path) {
            Some(Fit::Path)
        } else if self.lower.is_empty() {
            None
        } else if self.end != Path::new("") && path.ends_with(&self.end) {
            Some(Fit::EndOfPath)
        } else if file_names(song).contains(&self.lower) {
            Some(Fit::FileName)
        } else {
            titles(song).contains(&self.lower).then_some(Fit::Title)
        }
    }

    fn add(&mut self, row: u64, song: &Song) {
        let Some(fit) = self.fit(song) else {
            return;
        };
        if fit < self.fit {
            self.fit = fit;
            self.candidates.clear();
        }
        // Copies of one song are not ambiguous.
        let is_copy = |(_, known): &(u64, Song)| {
            known.path == song.path
                || known.content_hash.is_some() && known.content_hash == song.content_hash
        };
        if fit == self.fit && !self.candidates.iter().any(is_copy) {
            self.candidates.push((row, song.clone()));
        }
    }

    /// The row of the song; `None` for a file outside the library.
    fn row(&self, library: &str) -> Result<Option<u64>> {
        if self.fit != Fit::Path && self.name.is_file() {
            return Ok(None);
        }
        let name = self.name;
        Err(Error::invalid(match self.candidates.as_slice() {
            [(row, _)] => return Ok(Some(*row)),
            [] => format!(
                "no song of {library} has the path, file name or title {name:?}, and no such file exists"
            ),
            several => {
                let paths = several.iter().map(|(_, song)| format!("{:?}", song.path));
                let paths: Vec<String> = paths.collect();
                format!(
                    "{name:?} fits {} songs of {library}: {}; give more of the path",
                    several.len(),
                    listed(&paths, LISTED)
                )
            }
        }))
    }

    /// The songs whose names are most similar to the typed one.
    fn similar(&self, library: &Library) -> Result<Vec<String>> {
        let typed = self.name.file_name().unwrap_or_default();
        let typed = typed.to_string_lossy().trim().to_lowercase();
        let mut similar: Vec<(f64, String)> = Vec::new();
        for song in named_songs(library) {
            let (_, song) = song?;
            let names = file_names(&song).into_iter().chain(titles(&song));
            let similarity = names
                .map(|name| strsim::jaro_winkler(&typed, &name))
                .fold(0.0, f64::max);
            if similarity >= SIMILAR {
                let title = song.title.map(|title| format!(" ({title:?})"));
                let shown = format!("{:?}{}", song.path, title.unwrap_or_default());
                similar.push((similarity, shown));
                similar.sort_by(|a, b| b.0.total_cmp(&a.0));
                similar.truncate(SUGGESTED);
            }
        }
        Ok(similar.into_iter().map(|(_, shown)| shown).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::test_songs::{a_library, a_song};

    type Named = (&'static str, Option<&'static str>, Option<&'static str>);

    fn named(songs: &[Named]) -> (tempfile::TempDir, Library) {
        let song = |(n, (path, title, artist)): (usize, &Named)| Song {
            path: path.into(),
            title: title.map(str::to_owned),
            artist: artist.map(str::to_owned),
            ..a_song(n)
        };
        a_library(4, songs.iter().enumerate().map(song))
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
        let (_directory, inside) = a_library(4, [inside]);
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
        let (_directory, library) = a_library(4, songs);
        let songs = [1, 2].map(|row| song_at(&library, row).unwrap());
        assert_eq!(rows_of(&library, &songs).unwrap(), [1, 2, 3, 5]);
    }

    #[test]
    fn a_silent_song_is_rejected() {
        let mut song = a_song(1);
        song.silent = true;
        let (_directory, library) = a_library(4, [song]);
        let error = song_at(&library, 0).unwrap_err();
        assert!(error.to_string().contains("is silent"), "{error}");
    }
}

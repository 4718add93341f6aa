//! Which song a name means.

use super::SongError;
use crate::{
    error::Error,
    library::{Column, Columns, Library, Song},
};
use std::{
    collections::HashSet,
    path::{Component, Path, PathBuf},
};

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A row of the library.
    Row(u64),
    /// A file that is not in the library.
    File,
}

/// Candidates and suggestions that an error lists.
const LISTED: usize = 8;
const SUGGESTED: usize = 3;
/// What a song is recognized by.
const COLUMNS: Columns = Columns::FILE
    .with(Column::Title)
    .with(Column::Artist)
    .with(Column::ContentHash);

/// Finds what each of the names stands for, in one pass over the library.
///
/// # Errors
/// [`SongError::Ambiguous`] and [`SongError::Unknown`].
pub(super) fn find(library: &Library, songs: &[PathBuf]) -> Result<Vec<Found>, SongError> {
    let mut searches: Vec<Search> = songs.iter().map(|song| Search::new(song)).collect();
    for (row, name) in (0..).zip(library.songs(COLUMNS)) {
        let name = name?;
        let lower = Lower::new(&name);
        for search in &mut searches {
            search.see(row, &name, &lower);
        }
    }
    searches
        .into_iter()
        .map(|search| search.outcome(library))
        .collect()
}

/// How a name fits a song; the first is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Path,
    EndOfPath,
    FileName,
    Title,
}

/// What of a song is compared in lower case.
struct Lower {
    file: String,
    stem: String,
    title: Option<String>,
    full_title: Option<String>,
}

impl Lower {
    fn new(name: &Song) -> Self {
        let path = name.unique_path();
        let part = |part: Option<&std::ffi::OsStr>| {
            part.unwrap_or_default().to_string_lossy().to_lowercase()
        };
        let title = name.title.as_ref().map(|title| title.trim().to_lowercase());
        let full_title = title
            .as_ref()
            .zip(name.artist.as_ref())
            .map(|(title, artist)| format!("{} - {title}", artist.trim().to_lowercase()));
        Self {
            file: part(path.file_name()),
            stem: part(path.file_stem()),
            title,
            full_title,
        }
    }

    /// How near a mistyped name comes, 0 to 1.
    fn likeness(&self, typed: &str) -> f64 {
        let others = [
            Some(&self.file),
            Some(&self.stem),
            self.title.as_ref(),
            self.full_title.as_ref(),
        ];
        others
            .into_iter()
            .flatten()
            .map(|other| strsim::jaro_winkler(typed, other))
            .fold(0.0, f64::max)
    }
}

struct Candidate {
    row: u64,
    path: String,
    content_hash: Option<String>,
}

/// The search for one name.
struct Search<'a> {
    song: &'a Path,
    absolute: Option<PathBuf>,
    /// Without `./`, to be compared with the ends of paths; `None`: it begins elsewhere.
    end: Option<PathBuf>,
    lower: String,
    fit: Option<Fit>,
    candidates: Vec<Candidate>,
}

impl<'a> Search<'a> {
    fn new(song: &'a Path) -> Self {
        let parts = song.components().filter(|part| *part != Component::CurDir);
        let end: PathBuf = parts.collect();
        let is_plain = end
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        Self {
            song,
            // Links keep their names, as in a library, unless `..` stands in the path.
            absolute: if song.components().any(|part| part == Component::ParentDir) {
                song.canonicalize().ok()
            } else {
                std::path::absolute(song).ok()
            },
            end: Some(end).filter(|end| is_plain && !end.as_os_str().is_empty()),
            lower: song.to_string_lossy().trim().to_lowercase(),
            fit: None,
            candidates: Vec::new(),
        }
    }

    fn see(&mut self, row: u64, name: &Song, lower: &Lower) {
        let Some(fit) = self.fit(name, lower) else {
            return;
        };
        if self.fit.is_some_and(|best| best < fit) {
            return;
        }
        if self.fit.is_some_and(|best| fit < best) {
            self.candidates.clear();
        }
        self.fit = Some(fit);
        self.candidates.push(Candidate {
            row,
            path: name.unique_path().display().to_string(),
            content_hash: name.content_hash.clone(),
        });
    }

    fn fit(&self, name: &Song, lower: &Lower) -> Option<Fit> {
        let is = |text: &str| !self.lower.is_empty() && text == self.lower;
        let path = name.unique_path();
        if path == self.song || self.absolute.as_deref() == Some(&*path) {
            Some(Fit::Path)
        } else if let Some(end) = &self.end
            && path.ends_with(end)
        {
            Some(Fit::EndOfPath)
        } else if is(&lower.file) || is(&lower.stem) {
            Some(Fit::FileName)
        } else if lower.title.as_deref().is_some_and(is)
            || lower.full_title.as_deref().is_some_and(is)
        {
            Some(Fit::Title)
        } else {
            None
        }
    }

    fn outcome(mut self, library: &Library) -> Result<Found, SongError> {
        if self.fit != Some(Fit::Path) && self.song.is_file() {
            return Ok(Found::File);
        }
        // Copies of one song are no choice.
        let (mut paths, mut hashes) = (HashSet::new(), HashSet::new());
        self.candidates.retain(|candidate| {
            let hash = candidate.content_hash.as_ref();
            let is_known = hash.is_some_and(|hash| !hashes.insert(hash.clone()));
            paths.insert(candidate.path.clone()) && !is_known
        });
        match self.candidates.as_slice() {
            [] => Err(SongError::Unknown {
                song: self.song.to_owned(),
                library: library.name().to_owned(),
                suggestions: self.suggestions(library)?,
            }),
            [only] => Ok(Found::Row(only.row)),
            several => Err(SongError::Ambiguous {
                song: self.song.to_owned(),
                library: library.name().to_owned(),
                count: several.len(),
                candidates: several
                    .iter()
                    .take(LISTED)
                    .map(|candidate| format!("{:?}", candidate.path))
                    .collect(),
            }),
        }
    }

    /// Songs whose names are near to what was typed, nearest first.
    fn suggestions(&self, library: &Library) -> Result<Vec<String>, Error> {
        // 0.8 of Jaro-Winkler lets typing errors through and keeps other names out.
        const NEAR: f64 = 0.8;
        let typed = self.song.file_name().unwrap_or_default();
        let typed = typed.to_string_lossy().trim().to_lowercase();
        let mut near: Vec<(f64, String)> = Vec::new();
        for name in library.songs(COLUMNS) {
            let name = name?;
            let likeness = Lower::new(&name).likeness(&typed);
            if likeness < NEAR {
                continue;
            }
            let shown = match &name.title {
                Some(title) => format!("{:?} ({title:?})", name.unique_path()),
                None => format!("{:?}", name.unique_path()),
            };
            near.push((likeness, shown));
            near.sort_by(|a, b| b.0.total_cmp(&a.0));
            near.truncate(SUGGESTED);
        }
        Ok(near.into_iter().map(|(_, shown)| shown).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::one_line,
        library::{LibraryInfo, LibraryWriter, ModelStamp, test_songs::a_song},
    };

    fn library(songs: &[(&str, Option<&str>, Option<&str>)]) -> (tempfile::TempDir, Library) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("library.parquet");
        let model = ModelStamp {
            identity: "0".repeat(64),
            name: "test".to_owned(),
        };
        let info = LibraryInfo::new(model, serde_json::json!({}));
        let mut writer = LibraryWriter::create(&path, &info, 4).unwrap();
        for (n, (path, title, artist)) in songs.iter().enumerate() {
            writer
                .push(Song {
                    path: path.into(),
                    title: title.map(str::to_owned),
                    artist: artist.map(str::to_owned),
                    ..a_song(n)
                })
                .unwrap();
        }
        writer.finish().unwrap();
        let library = Library::open(&path).unwrap();
        (folder, library)
    }

    const SONGS: [(&str, Option<&str>, Option<&str>); 5] = [
        ("/music/a/intro.mp3", Some("Blue Sky"), Some("The Larks")),
        ("/music/b/intro.mp3", Some("Intro"), Some("The Larks")),
        ("/music/b/rain.flac", Some("Red Sky"), Some("Tom")),
        ("/music/b/sky.mp3", Some("Red Sky"), Some("Ann")),
        ("/music/long/way home.ogg", None, None),
    ];

    fn row_of(library: &Library, song: &str) -> Result<u64, String> {
        match find(library, &[PathBuf::from(song)]) {
            Ok(found) => match found[..] {
                [Found::Row(row)] => Ok(row),
                _ => panic!("{song}: {found:?}"),
            },
            Err(error) => Err(one_line(&error)),
        }
    }

    #[test]
    fn a_song_is_found_by_path_end_of_path_file_name_and_title() {
        let (_folder, library) = library(&SONGS);
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
            assert_eq!(row_of(&library, song), Ok(row), "{song}");
        }
    }

    #[test]
    fn a_name_of_several_songs_lists_them_and_an_unknown_one_gets_a_suggestion() {
        let (_folder, library) = library(&SONGS);
        let said = |song| row_of(&library, song).unwrap_err();
        let both = said("intro.mp3");
        assert!(both.contains("any of 2 songs"), "{both}");
        assert!(both.contains("/music/a/intro.mp3"), "{both}");
        assert!(both.contains("/music/b/intro.mp3"), "{both}");
        assert!(said("red sky").contains("/music/b/rain.flac"));
        let unknown = said("/elsewhere/rian.flac");
        assert!(
            unknown.contains("did you mean \"/music/b/rain.flac\""),
            "{unknown}"
        );
        // A part of a file's name is not the name.
        assert!(said("ntro.mp3").contains("did you mean"));
        assert!(!said("zzzz").contains("did you mean"));
        assert!(said("").contains("no song"));
    }

    #[test]
    fn a_file_that_is_there_is_meant_even_where_a_song_of_the_library_has_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sky.mp3");
        std::fs::write(&file, b"x").unwrap();
        let (_folder, outside) = library(&SONGS);
        assert_eq!(
            find(&outside, std::slice::from_ref(&file)).unwrap(),
            [Found::File]
        );
        let (_folder, inside) = library(&[(file.to_str().unwrap(), None, None)]);
        assert_eq!(row_of(&inside, file.to_str().unwrap()), Ok(0));
        let around = folder.path().join("x/../sky.mp3");
        std::fs::create_dir(folder.path().join("x")).unwrap();
        assert_eq!(row_of(&inside, around.to_str().unwrap()), Ok(0));
    }

    #[test]
    fn rows_that_repeat_a_path_are_one_song() {
        let (_folder, library) = library(&[SONGS[0], SONGS[0], SONGS[2]]);
        assert_eq!(row_of(&library, "intro"), Ok(0));
    }
}

//! Songs as questions: a song of the library, by its path, a part of it or its title, or any other music file.

mod name;

use crate::{
    analysis::{AnalyzeOptions, analyze_file},
    contain::{PanicError, catch_panic},
    emotion::{Emotion, EmotionVector},
    library::{Columns, Library},
    model::Model,
    scan::{content_hash, library_info},
};
use name::{Found, find};
use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

/// A song that is asked with.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Its path.
    pub name: String,
    /// Its eight percentages.
    pub emotions: EmotionVector,
    /// Where the network places it.
    pub embedding: Vec<f32>,
    /// Its row in the library; `None`: it is a file outside, and was heard now.
    pub row: Option<u64>,
}

/// Songs that are asked with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Examples {
    /// In the order in which they were named.
    pub songs: Vec<Example>,
    /// The rows of the library that hold them, or copies of them (the same path or the same content), in ascending order.
    pub rows: Vec<u64>,
}

impl Examples {
    /// Takes the songs from `at` on. Both halves go on knowing the rows of all.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Self {
        Self {
            songs: self.songs.split_off(at.min(self.songs.len())),
            rows: self.rows.clone(),
        }
    }

    /// The mean of the percentages, sum 100; `None` where there is no song.
    pub fn mean_emotions(&self) -> Option<[f64; Emotion::COUNT]> {
        let mut mean = [0.0; Emotion::COUNT];
        for song in &self.songs {
            for (sum, value) in mean.iter_mut().zip(song.emotions.as_array()) {
                *sum += f64::from(*value) / self.songs.len() as f64;
            }
        }
        (!self.songs.is_empty()).then_some(mean)
    }

    /// The mean of the embeddings, each scaled to length 1 so that each counts the same; `None` where there is no song.
    pub fn mean_embedding(&self) -> Option<Vec<f64>> {
        let mut mean = vec![0.0; self.songs.first()?.embedding.len()];
        for song in &self.songs {
            let length = song
                .embedding
                .iter()
                .map(|value| f64::from(*value).powi(2))
                .sum::<f64>()
                .sqrt();
            if length > 0.0 {
                for (sum, value) in mean.iter_mut().zip(&song.embedding) {
                    *sum += f64::from(*value) / length / self.songs.len() as f64;
                }
            }
        }
        Some(mean)
    }
}

/// A song cannot be asked with.
#[derive(Debug, thiserror::Error)]
pub enum SongError {
    /// When a name fits several songs that differ.
    #[error(
        "{song:?} may be any of {count} songs of {library}: {}{}; give more of the path", candidates.join(", "),
        if *count > candidates.len() { " and more" } else { "" }
    )]
    Ambiguous {
        /// What was asked for.
        song: PathBuf,
        /// The library's name.
        library: String,
        /// How many songs it fits.
        count: usize,
        /// Some of them.
        candidates: Vec<String>,
    },
    /// When a name fits no song of the library, and is no file either.
    #[error(
        "no song of {library} has the path, file name or title {song:?}, and no music file of that name is there{}",
        did_you_mean(suggestions)
    )]
    Unknown {
        /// What was asked for.
        song: PathBuf,
        /// The library's name.
        library: String,
        /// Paths of songs with a similar name.
        suggestions: Vec<String>,
    },
    /// When nothing can be heard in a song: its percentages mean nothing.
    #[error("{song:?} is silent, so nothing is like it; ask with another song")]
    Silent {
        /// The song.
        song: PathBuf,
    },
    /// When a file outside the library would be heard by another model, or in another way, than the library's songs.
    #[error(
        "{song:?} is not in {library}, and cannot be compared with it: {difference}; analyze the music again or give the \
         library's own model with --model"
    )]
    OtherModel {
        /// The song.
        song: PathBuf,
        /// The library's name.
        library: String,
        /// What differs.
        difference: String,
    },
    /// When the model cannot be used.
    #[error(transparent)]
    Model(#[from] crate::Error),
    /// When the file outside the library cannot be read.
    #[error("{song:?}: cannot read the file")]
    Read {
        /// The song.
        song: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// When the file outside the library cannot be analysed.
    #[error("{song:?}: cannot be analysed")]
    Chain {
        /// The song.
        song: PathBuf,
        /// Why.
        #[source]
        source: crate::Error,
    },
    /// When a decoder breaks down on the file outside the library.
    #[error("{song:?}: cannot be analysed")]
    Panicked {
        /// The song.
        song: PathBuf,
        /// Where.
        #[source]
        source: PanicError,
    },
}

fn did_you_mean(suggestions: &[String]) -> String {
    match suggestions {
        [] => String::new(),
        names => format!("; did you mean {}?", names.join(" or ")),
    }
}

/// Finds the songs that people name, and analyses those that are not in the library. A name is the path of a song of the
/// library; else a file outside it; else the end of a song's path (whole names of folders and file); else its file name
/// without the ending, or its title, alone or as `artist - title`, in upper or lower case. `load` gives the model where a file
/// is to be heard; it has to be the library's.
///
/// # Errors
/// [`SongError`].
pub fn find_examples(
    library: &Library,
    songs: &[PathBuf],
    load: impl Fn() -> crate::Result<Model>,
) -> Result<Examples, SongError> {
    if songs.is_empty() {
        return Ok(Examples::default());
    }
    let mut examples = Examples::default();
    let (mut paths, mut hashes) = (HashSet::new(), HashSet::new());
    let mut model = None;
    for (song, found) in songs.iter().zip(find(library, songs)?) {
        match found {
            Found::Row(row) => {
                let mut rows = library.songs_at(&[row], Columns::ALL)?;
                let Some(found) = rows.pop() else { continue };
                if found.silent {
                    return Err(SongError::Silent {
                        song: found.unique_path().into_owned(),
                    });
                }
                let path = found.unique_path().into_owned();
                hashes.extend(found.content_hash.clone());
                examples.songs.push(Example {
                    name: found.unique_path().display().to_string(),
                    emotions: found.emotions,
                    embedding: found.embedding,
                    row: Some(row),
                });
                paths.insert(path);
            }
            Found::File => {
                let model = match &model {
                    Some(model) => model,
                    None => model.insert(load()?),
                };
                examples.songs.push(hear(library, song, model)?);
                let hash = content_hash(song).map_err(|source| SongError::Read {
                    song: song.clone(),
                    source,
                })?;
                hashes.insert(hash);
            }
        }
    }
    for (row, song) in (0..).zip(library.songs(Columns::STAMP)) {
        let song = song?;
        let hash = song.content_hash.as_ref();
        if hash.is_some_and(|hash| hashes.contains(hash))
            || paths.contains(song.unique_path().as_ref())
        {
            examples.rows.push(row);
        }
    }
    Ok(examples)
}

/// Analyses a file as the songs of the library were.
fn hear(library: &Library, song: &Path, model: &Model) -> Result<Example, SongError> {
    let theirs = library.info();
    let other = |difference| SongError::OtherModel {
        song: song.to_owned(),
        library: library.name().to_owned(),
        difference,
    };
    let how = AnalyzeOptions {
        timeline: false,
        excerpt: match theirs.excerpt() {
            Some(part) => Some(
                part.parse()
                    .map_err(|_| other(format!("its songs were heard as excerpts of {part:?}")))?,
            ),
            None => None,
        },
        segment: None,
    };
    let ours = library_info(model, &how);
    if !ours.is_comparable(theirs) {
        let short = |identity: &str| identity.get(..12).unwrap_or(identity).to_owned();
        let (ours, theirs) = (&ours.model, &theirs.model);
        return Err(other(if ours.identity == theirs.identity {
            "the library's songs were prepared for the model in another way".to_owned()
        } else {
            format!(
                "the library was made by model {} ({}), the file would be heard by model {} ({})",
                theirs.name,
                short(&theirs.identity),
                ours.name,
                short(&ours.identity)
            )
        }));
    }
    let heard = catch_panic(|| analyze_file(song, model, &how))
        .map_err(|source| SongError::Panicked {
            song: song.to_owned(),
            source,
        })?
        .map_err(|source| SongError::Chain {
            song: song.to_owned(),
            source,
        })?;
    if heard.silent {
        return Err(SongError::Silent {
            song: song.to_owned(),
        });
    }
    Ok(Example {
        name: song.display().to_string(),
        emotions: heard.prediction.emotions,
        embedding: heard.prediction.embedding,
        row: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::one_line,
        library::{Library, LibraryInfo, LibraryWriter, ModelStamp, Song, test_songs::a_song},
        model::Model,
    };

    fn library(info: &LibraryInfo, rows: Vec<Song>) -> (tempfile::TempDir, Library) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("library.parquet");
        let mut writer = LibraryWriter::create(&path, info, 4).unwrap();
        for row in rows {
            writer.push(row).unwrap();
        }
        writer.finish().unwrap();
        let library = Library::open(&path).unwrap();
        (folder, library.into())
    }

    fn other_model() -> LibraryInfo {
        let model = ModelStamp {
            identity: "ab".repeat(32),
            name: "other".to_owned(),
        };
        LibraryInfo::new(model, serde_json::json!({}))
    }

    fn never() -> crate::Result<Model> {
        panic!("no song has to be heard")
    }

    fn songs(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn copies_of_the_songs_take_no_part_either() {
        let mut rows: Vec<Song> = (0..6).map(a_song).collect();
        rows[3].content_hash = rows[1].content_hash.clone();
        rows[5].path = rows[1].path.clone();
        rows[2].content_hash = None;
        rows[4].content_hash = None;
        let (_folder, library) = library(&other_model(), rows);
        let asked = songs(&["/music/000001.mp3", "/music/000002.mp3"]);
        let mut examples = find_examples(&library, &asked, never).unwrap();
        assert_eq!(examples.rows, [1, 2, 3, 5]);
        assert_eq!(examples.songs.len(), 2);
        let rest = examples.split_off(1);
        assert_eq!(rest.songs[0].row, Some(2));
        assert_eq!(rest.rows, examples.rows);
    }

    #[test]
    fn a_silent_song_is_no_question() {
        let mut row = a_song(1);
        row.silent = true;
        let (_folder, library) = library(&other_model(), vec![row]);
        let error = find_examples(&library, &songs(&["000001"]), never).unwrap_err();
        assert!(error.to_string().contains("is silent"), "{error}");
    }

    #[test]
    fn a_file_is_heard_by_the_librarys_model_alone_and_in_its_way() {
        let shipped = || Model::shipped();
        let outside = tempfile::NamedTempFile::new().unwrap();
        let asked = vec![outside.path().to_owned()];
        let said = |info: &LibraryInfo| {
            let (_folder, library) = library(info, vec![a_song(1)]);
            one_line(&find_examples(&library, &asked, shipped).unwrap_err())
        };
        let other = said(&other_model());
        assert!(
            other.contains("made by model other (abababababab)"),
            "{other}"
        );
        assert!(other.contains("--model"), "{other}");
        let mut info = library_info(&Model::shipped().unwrap(), &AnalyzeOptions::default());
        // It is the right model: now it is the file that is no music.
        assert!(said(&info).contains("cannot be analysed"));
        info.set_excerpt("5s");
        assert!(said(&info).contains("cannot be analysed"));
        info.set_excerpt("a part");
        assert!(said(&info).contains("excerpts of \"a part\""));
        info.preprocessing = serde_json::json!({});
        assert!(said(&info).contains("in another way"));
    }
}

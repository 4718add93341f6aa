//! [`ClassLabels`]: songs with a class each, such as a genre, as a person names them.

use super::{
    label_file::{ARTISTS, IDS, PATHS},
    table::Table,
};
use crate::{Error, ErrorKind, Result, text::is_missing};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// Columns that describe a song and are no labels, unless they are named.
const DESCRIPTIONS: [&str; 3] = ["title", "album", "name"];

/// Songs and their labels, one class for each song.
#[derive(Debug, Clone)]
pub struct ClassLabels {
    /// The file that they come from.
    pub(crate) file: Option<PathBuf>,
    pub(crate) songs: Vec<ClassLabel>,
    /// Number of rows without a label.
    pub(crate) unlabeled: usize,
}

/// The label of one song.
#[derive(Debug, Clone)]
pub(crate) struct ClassLabel {
    /// Its line in the file, or its number, for messages.
    pub(crate) place: String,
    /// The song's path, the end of its path, its file name or its title.
    pub(crate) song: PathBuf,
    pub(crate) label: String,
    pub(crate) artist: Option<String>,
}

impl ClassLabels {
    /// Labels of songs, each a path, the end of a path, a file name or a title. An empty label counts as none.
    ///
    /// # Errors
    /// [`ErrorKind::Dataset`] if two labels differ in upper and lower case only.
    pub fn new(songs: impl IntoIterator<Item = (PathBuf, String)>) -> Result<Self> {
        let songs = (1..).zip(songs).map(|(number, (song, label))| ClassLabel {
            place: format!("label {number}"),
            song,
            label,
            artist: None,
        });
        Self::checked(None, songs.collect())
    }

    /// Reads a CSV or Parquet file with a column for the song (`path`, `song_id`, `file`, `filename`, ...) and one for the label:
    /// `column`, else `label` or `class`, else the only one that is left. An artist column is used in place of the library's tags.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the file cannot be read, [`ErrorKind::Dataset`] if it has no such columns or no label, or if two labels
    /// differ in upper and lower case only.
    pub fn read(path: impl AsRef<Path>, column: Option<&str>) -> Result<Self> {
        let path = path.as_ref();
        let table = Table::read(path)?;
        let names = [&["path"][..], &IDS, &PATHS].concat();
        let song = table.find(&names).ok_or_else(|| {
            table.columns_error(
                "expected a heading with a column path or song_id that names the song of each row",
            )
        })?;
        let label = match column {
            Some(name) => table.require(&[&name.trim().to_lowercase()])?,
            None => label_column(&table, &names)?,
        };
        let artist = table.find(&ARTISTS);
        let directory = path.parent().unwrap_or(Path::new(""));
        let mut songs = Vec::new();
        for row in &table.rows {
            let name = table.cell(row, song);
            if name.is_empty() {
                return Err(table.cell_error(row, song, "the song's path or id"));
            }
            // As in a playlist, a relative path starts at the file's directory, if it leads to a file.
            let beside = directory.join(name);
            let artist = artist.map(|column| table.cell(row, column));
            songs.push(ClassLabel {
                place: format!("line {}", row.line),
                song: match beside.is_file() {
                    true => beside,
                    false => name.into(),
                },
                label: table.cell(row, label).to_owned(),
                artist: artist.filter(|name| !is_missing(name)).map(str::to_owned),
            });
        }
        Self::checked(Some(path), songs)
    }

    fn checked(file: Option<&Path>, mut songs: Vec<ClassLabel>) -> Result<Self> {
        let error = |message: String| {
            let error = Error::new(ErrorKind::Dataset, message);
            match file {
                Some(file) => error.with_path(file),
                None => error,
            }
        };
        let rows = songs.len();
        songs.retain(|song| !is_missing(&song.label));
        if songs.is_empty() {
            return Err(error(format!(
                "expected a label for each song, found none in {rows} rows"
            )));
        }
        let mut spellings: HashMap<String, &ClassLabel> = HashMap::new();
        for song in &songs {
            let first = *spellings.entry(song.label.to_lowercase()).or_insert(song);
            if first.label != song.label {
                return Err(error(format!(
                    "the labels {:?} ({}) and {:?} ({}) differ in upper and lower case only; use one spelling",
                    first.label, first.place, song.label, song.place
                )));
            }
        }
        Ok(Self {
            file: file.map(Path::to_owned),
            unlabeled: rows - songs.len(),
            songs,
        })
    }
}

/// The column with the labels.
fn label_column(table: &Table, songs: &[&str]) -> Result<usize> {
    if let Some(column) = table.find(&["label", "class"]) {
        return Ok(column);
    }
    let describes = |name: &str| {
        let names = [songs, &ARTISTS, &DESCRIPTIONS].concat();
        names.contains(&name)
    };
    let columns: Vec<usize> = (0..table.headers.len())
        .filter(|column| !describes(&table.headers[*column]))
        .collect();
    match columns.as_slice() {
        [column] => Ok(*column),
        [] => Err(table.columns_error("expected a column label")),
        _ => Err(table.columns_error(
            "expected a column label; of several columns, name the one with the labels (--column)",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(text: &str, column: Option<&str>) -> Result<ClassLabels> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("labels.csv");
        fs::write(&path, text).unwrap();
        ClassLabels::read(&path, column)
    }

    fn pairs(labels: &ClassLabels) -> Vec<String> {
        let songs = labels.songs.iter();
        songs
            .map(|song| format!("{} {}", song.song.display(), song.label))
            .collect()
    }

    #[test]
    fn the_label_is_the_column_of_that_name_or_the_only_one_left() {
        for text in [
            "path,label\na.mp3,rock\nb.mp3,\"folk, old\"\n",
            "\u{feff}File;Genre\r\na.mp3;rock\r\nb.mp3;folk, old\r\n",
            "mood\tartist\ttitle\tsong_id\nrock\tX\tY\ta.mp3\nfolk, old\tX\tY\tb.mp3\n",
            "path,year,class\na.mp3,1,rock\nb.mp3,2,\"folk, old\"\n",
        ] {
            let labels = read(text, None).unwrap();
            assert_eq!(pairs(&labels), ["a.mp3 rock", "b.mp3 folk, old"]);
        }
        let two = "path,genre,mood\na.mp3,rock,calm\nb.mp3,NA,calm\n";
        let labels = read(two, Some("Genre")).unwrap();
        assert_eq!(
            (pairs(&labels), labels.unlabeled),
            (vec!["a.mp3 rock".to_owned()], 1)
        );
        let error = read(two, None).unwrap_err().to_string();
        assert!(
            error.contains("--column") && error.contains("path, genre, mood"),
            "{error}"
        );
    }

    #[test]
    fn bad_files_are_explained() {
        for (text, column, expected) in [
            ("", None, "found the columns (none)"),
            (
                "a.mp3,rock\nb.mp3,folk\n",
                None,
                "heading with a column path",
            ),
            ("path\na.mp3\n", None, "expected a column label"),
            ("path,label\n", None, "found none in 0 rows"),
            (
                "path,label\na.mp3,\nb.mp3, \n",
                None,
                "found none in 2 rows",
            ),
            (
                "path,label\na.mp3,rock\n,folk\n",
                None,
                "line 3, column path",
            ),
            (
                "path,genre\na.mp3,rock\n",
                Some("gener"),
                "did you mean \"genre\"?",
            ),
            (
                "path,label\na.mp3,Rock\nb.mp3,rock\n",
                None,
                "\"Rock\" (line 2) and \"rock\" (line 3) differ in upper and lower case only",
            ),
        ] {
            let error = read(text, column).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}

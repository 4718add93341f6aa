//! Votes of listeners for songs.

use super::{
    audio_files::AudioFiles,
    label_file::{ARTISTS, IDS, PATHS},
    table::{Table, canonical_id},
};
use crate::{
    Error, ErrorKind, Result, atomic_file::directory_of, emotion::Emotion, text::is_missing,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// A song without labels of valence and arousal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VotedSong {
    /// Its id as text; its path where the table names paths.
    pub id: String,
    /// Its audio file.
    pub audio: PathBuf,
    /// Its artist, if known.
    pub artist: Option<String>,
    /// For each word, the share of listeners who chose it; none for songs without votes.
    pub votes: Vec<f64>,
}

/// The emotions to which words belong, by word.
pub(crate) type Words = BTreeMap<String, Emotion>;

/// Reads the votes of a data set: a CSV or Parquet file with a column for each word and `song_id` or `path`, or a directory
/// with such a file called `songs.csv` beside the audio in one of DEAM's layouts. Songs without audio are skipped.
///
/// # Errors
/// If a file cannot be read, a column is missing, a share is no number of at least 0, or no song has both.
#[cfg(any(test, feature = "train"))]
pub(crate) fn read_votes(data: &Path, words: &Words) -> Result<Vec<VotedSong>> {
    let (file, directory) = places(data);
    voted_songs(&Table::read(&file)?, directory, words)
}

/// The votes that a data set holds beside its labels, as [`read_votes`] finds them; none where no table has all words.
///
/// # Errors
/// If the table cannot be read, or a share is no number of at least 0.
pub(crate) fn votes_beside(data: &Path, words: &Words) -> Result<Vec<VotedSong>> {
    let (file, directory) = places(data);
    if !file.is_file() {
        return Ok(Vec::new());
    }
    let table = Table::read(&file)?;
    let has = |word: &String| table.find(&[&word.to_lowercase()]).is_some();
    match words.keys().all(has) {
        true => voted_songs(&table, directory, words),
        false => Ok(Vec::new()),
    }
}

/// The table of votes, and the directory that its songs are in.
fn places(data: &Path) -> (PathBuf, &Path) {
    match data.is_file() {
        true => (data.to_owned(), directory_of(data)),
        false => (data.join("songs.csv"), data),
    }
}

fn voted_songs(table: &Table, directory: &Path, words: &Words) -> Result<Vec<VotedSong>> {
    let columns: Vec<usize> = words
        .keys()
        .map(|word| table.require(&[&word.to_lowercase()]))
        .collect::<Result<_>>()?;
    let (paths, ids) = (table.find(&PATHS), table.find(&IDS));
    let artists = table.find(&ARTISTS);
    let Some(key) = ids.or(paths) else {
        return Err(table.columns_error("expected a column song_id or path"));
    };
    let mut audio = match ids {
        Some(_) => AudioFiles::find(directory)?.by_id,
        None => BTreeMap::new(),
    };
    let mut songs = Vec::new();
    for row in &table.rows {
        let mut votes = Vec::with_capacity(columns.len());
        for &column in &columns {
            match table.number(row, column)? {
                Some(share) if share >= 0.0 => votes.push(share),
                Some(_) => return Err(table.cell_error(row, column, "a share of at least 0")),
                None => votes.push(0.0),
            }
        }
        let id = table.cell(row, key);
        let (id, file) = match ids {
            Some(_) => {
                let id = canonical_id(id);
                let file = audio.remove(&id);
                (id, file)
            }
            None => (
                id.to_owned(),
                Some(directory.join(id)).filter(|file| file.is_file()),
            ),
        };
        let artist = artists.map(|column| table.cell(row, column).trim());
        let artist = artist.filter(|name| !is_missing(name)).map(str::to_owned);
        if let (Some(audio), true) = (file, votes.iter().sum::<f64>() > 0.0) {
            songs.push(VotedSong {
                id,
                audio,
                artist,
                votes,
            });
        }
    }
    match songs.is_empty() {
        true => {
            let message = "no song has both audio and votes";
            Err(Error::new(ErrorKind::Dataset, message).with_path(&table.path))
        }
        false => Ok(songs),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::fs;

    pub(in super::super) fn words() -> Words {
        let words = [
            ("joy", Emotion::Happy),
            ("nostalgia", Emotion::Content),
            ("tenderness", Emotion::Content),
        ];
        words
            .map(|(word, emotion)| (word.to_owned(), emotion))
            .into()
    }

    #[test]
    fn votes_are_read_with_their_audio_and_artist() {
        let directory = tempfile::tempdir().unwrap();
        let audio = directory.path().join("audio");
        fs::create_dir(&audio).unwrap();
        for id in [1, 2, 4] {
            fs::write(audio.join(format!("{id}.mp3")), b"").unwrap();
        }
        let table = "song_id,artist,joy,tenderness,Nostalgia\n1,A,0.5,0.25,0\n2,n/a,0,0,1\n3,B,1,0,0\n4,B,0,0,0\n";
        fs::write(directory.path().join("songs.csv"), table).unwrap();
        let songs = read_votes(directory.path(), &words()).unwrap();
        let read: Vec<_> = songs
            .iter()
            .map(|s| (s.id.as_str(), s.artist.as_deref(), &s.votes[..]))
            .collect();
        // In the order of the words, which is that of the alphabet. Song 3 has no audio, song 4 no votes.
        let expected: [(_, _, &[f64]); 2] = [
            ("1", Some("A"), &[0.5, 0.0, 0.25]),
            ("2", None, &[0.0, 1.0, 0.0]),
        ];
        assert_eq!(read, expected);
        let negative = table.replace("0.25", "-1");
        fs::write(directory.path().join("songs.csv"), negative).unwrap();
        let error = read_votes(directory.path(), &words()).unwrap_err();
        assert!(
            format!("{error:#}").contains("line 2, column tenderness"),
            "{error:#}"
        );
    }
}

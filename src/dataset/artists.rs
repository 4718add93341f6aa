//! Who made which song, from DEAM's metadata files and their like.

use super::{
    DatasetError,
    table::{Table, canonical_id, is_missing},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Artists by song id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Artists {
    by_id: BTreeMap<String, String>,
    /// Files that told artists, with the number of songs each.
    pub files: Vec<(PathBuf, usize)>,
    /// Files that look like metadata but tell no artists.
    pub useless: Vec<PathBuf>,
}

impl Artists {
    /// Reads metadata files. Each year of DEAM's has other columns (`song_id, file_name, Artist, Song title, ...` in
    /// 2013; `Id, Artist, Album, Track, ...` and then up to a hundred unnamed last.fm tags in 2014; `id, Filename,
    /// title, artist, album, genre` in 2015), with tabs inside of the quotes; so the columns are found by name in any
    /// case, rows may have any length, and rows without an id or an artist are passed over. Where files disagree, the
    /// first counts.
    ///
    /// # Errors
    /// [`DatasetError::Csv`], [`DatasetError::Io`].
    pub fn read(files: &[PathBuf]) -> Result<Self, DatasetError> {
        let mut artists = Self::default();
        for file in files {
            let told = artists.read_file(file)?;
            if told == 0 {
                artists.useless.push(file.clone());
            } else {
                artists.files.push((file.clone(), told));
            }
        }
        Ok(artists)
    }

    fn read_file(&mut self, file: &Path) -> Result<usize, DatasetError> {
        let table = Table::read(file)?;
        let (Some(id), Some(artist)) = (
            table.find(&["song_id", "id", "songid", "musicid"]),
            table.find(&["artist", "artists", "artist_name"]),
        ) else {
            return Ok(0);
        };
        let mut told = 0;
        for row in &table.rows {
            let name = collapse(table.cell(row, artist));
            let id = canonical_id(table.cell(row, id));
            if !id.is_empty() && !is_missing(&name) {
                self.by_id.entry(id).or_insert(name);
                told += 1;
            }
        }
        Ok(told)
    }

    /// The artist of a song as the file writes it.
    pub fn of(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(String::as_str)
    }

    /// How many songs' artists are known.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether no artist is known.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// How many different artists there are.
    pub fn distinct(&self) -> usize {
        let keys: BTreeSet<String> = self.by_id.values().map(|a| artist_key(a)).collect();
        keys.len()
    }
}

fn collapse(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What two spellings of one artist have in common: lower case, letters and digits only, no leading article.
pub fn artist_key(artist: &str) -> String {
    let lower = artist.to_lowercase();
    let name = lower.strip_prefix("the ").unwrap_or(&lower);
    let key: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    if key.is_empty() { lower } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header and row shapes of DEAM's three files, with made-up songs.
    const FILES: [(&str, &str); 3] = [
        (
            "metadata_2013.csv",
            "\"song_id\",\"file_name\",\"Artist\",\"Song title\",\"start of the segment (min.sec)\",\"end of the segment (min.sec)\",\"Genre\"\r\n\
             2,\"\t2.mp3\",\"The One, Two\t\",\"\tA Song\",\"\t0.48\t\",\"\t1.33\t\",\"\tBlues\t\"\r\n",
        ),
        (
            "metadata_2014.csv",
            "Id,Artist,Album,Track,Genre,segment start,segment end,last.fm tags\n1001,\"one  two\",X,Y,Rock,1,2,a,b,c,d\n1002,,X,Y,Rock,1,2\n",
        ),
        (
            "metadata_2015.csv",
            "id,Filename,title,artist,album,genre\n2001,f.mp3,T,Zoë,n/a,pop\n2002,f.mp3,T,n/a,n/a,pop\n",
        ),
    ];

    #[test]
    fn artists_are_read_from_the_columns_of_every_year() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        for (name, content) in FILES {
            files.push(dir.path().join(name));
            std::fs::write(files.last().unwrap(), content).unwrap();
        }
        files.push(dir.path().join("metadata_x.csv"));
        std::fs::write(files.last().unwrap(), "song_id,genre\n5,pop\n").unwrap();
        let artists = Artists::read(&files).unwrap();
        assert_eq!(artists.of("2"), Some("The One, Two"));
        assert_eq!(artists.of("1001"), Some("one two"));
        assert_eq!(artists.of("2001"), Some("Zoë"));
        assert_eq!(artists.of("1002"), None);
        assert_eq!(artists.of("2002"), None);
        assert_eq!((artists.len(), artists.distinct()), (3, 2));
        assert_eq!(artists.useless, [files[3].clone()]);
    }

    #[test]
    fn spellings_of_one_artist_have_one_key() {
        assert_eq!(artist_key("The B-52's"), artist_key("b52s"));
        assert_eq!(artist_key("!!!"), "!!!");
        assert_ne!(artist_key("Low"), artist_key("Law"));
    }
}

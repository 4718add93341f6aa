//! A directory in one of DEAM's layouts: where its parts are, the static annotations, and the artists.

use super::{
    ColumnChoice, Labels, RejectedRow, RowFault, SongLabel,
    audio_files::list_files,
    columns,
    table::{Row, Table, canonical_id, id_order},
};
use crate::{
    Error, ErrorKind, Result,
    emotion::{AffectBox, SCALE_MAX, SCALE_MIN},
    text::is_missing,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

/// A layout that DEAM is found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Layout {
    /// The official archives, unpacked in one directory: `MEMD_audio/`, `annotations/`, `metadata/`.
    Archives,
    /// The Kaggle mirror: the same below `DEAM_audio/` and `DEAM_Annotations/`.
    Kaggle,
    /// The annotation files directly in the directory, the audio files beside them or in `audio/`.
    Flat,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layout::Archives => "official archives (MEMD_audio/ and annotations/)",
            Layout::Kaggle => "Kaggle mirror (DEAM_audio/ and DEAM_Annotations/)",
            Layout::Flat => "flat (annotation files directly in the directory)",
        })
    }
}

/// The parts of a DEAM directory.
#[derive(Debug, Clone)]
pub(super) struct DeamFiles {
    pub layout: Layout,
    /// Static annotation files in the order of their names, at least one.
    pub annotations: Vec<PathBuf>,
    /// The annotations per second of valence and of arousal, if both files exist: one row per song, one cell per half
    /// second.
    pub per_second: Option<[PathBuf; 2]>,
    /// Files that may name artists: DEAM's `metadata_*.csv`, `songs_info.csv`, `songs.csv`.
    pub metadata: Vec<PathBuf>,
}

impl DeamFiles {
    /// Looks for the parts in `root`.
    pub(crate) fn find(root: &Path) -> Result<Self> {
        const AVERAGED: &str = "annotations averaged per song";
        if !root.is_dir() {
            let message = "does not exist; expected a directory in DEAM's layout, or a CSV or Parquet file of labels";
            return Err(Error::new(ErrorKind::Io, message).with_path(root));
        }
        for (layout, below) in [
            (Layout::Kaggle, "DEAM_Annotations/annotations"),
            (Layout::Kaggle, "DEAM_Annotations"),
            (Layout::Archives, "annotations"),
            (Layout::Archives, ""),
            (Layout::Flat, ""),
        ] {
            let base = root.join(below);
            let place = |name: &str| match layout {
                Layout::Flat => base.clone(),
                _ => base.join(AVERAGED).join(name),
            };
            let song_level = place("song_level");
            let per_second = place("dynamic (per second annotations)");
            let annotations = csv_files(&song_level, &["static_annotations"])?;
            if annotations.is_empty() {
                continue;
            }
            let per_second = ["valence.csv", "arousal.csv"].map(|name| per_second.join(name));
            let both = per_second.iter().all(|file| file.is_file());
            return Ok(Self {
                layout,
                annotations,
                per_second: both.then_some(per_second),
                metadata: metadata_files(root)?,
            });
        }
        let message = "holds no annotations: expected static_annotations_averaged_songs_*.csv in \"DEAM_Annotations/annotations/annotations averaged per song/song_level\", in \"annotations/annotations averaged per song/song_level\", or beside the audio files";
        Err(Error::new(ErrorKind::Dataset, message).with_path(root))
    }

    /// Reads the labels of all annotated songs, in the order of ids. Crossed columns are corrected if `choice` says so.
    pub(crate) fn labels(&self, choice: ColumnChoice) -> Result<Labels> {
        let mut found = BTreeMap::new();
        let mut rejected = Vec::new();
        for file in &self.annotations {
            read_annotations(file, &mut found, &mut rejected)?;
        }
        let mut songs: Vec<SongLabel> = found.into_values().collect();
        let columns = columns::correct(&mut songs, self.per_second.as_ref(), choice)?;
        Ok(Labels {
            songs,
            rejected,
            columns,
            by_path: false,
        })
    }
}

/// CSV files of a directory whose name has one of these starts.
fn csv_files(directory: &Path, starts: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = list_files(directory)?;
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default();
        let name = name.to_string_lossy().to_lowercase();
        name.ends_with(".csv") && starts.iter().any(|start| name.starts_with(start))
    });
    Ok(files)
}

fn metadata_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for below in [
        "",
        "metadata",
        "DEAM_metadata",
        "DEAM_metadata/metadata",
        "DEAM_Metadata",
        "DEAM_Metadata/metadata",
        "DEAM_Annotations/metadata",
    ] {
        let starts = ["metadata", "songs.", "songs_info."];
        found.extend(csv_files(&root.join(below), &starts)?);
    }
    // A file system that ignores case lists the same directory under two of the names.
    found.dedup_by_key(|file| file.canonicalize().unwrap_or_else(|_| file.clone()));
    Ok(found)
}

fn read_annotations(
    file: &Path,
    found: &mut BTreeMap<(u64, String), SongLabel>,
    rejected: &mut Vec<RejectedRow>,
) -> Result<()> {
    let table = Table::read(file)?;
    let id_column = table.require(&["song_id", "id"])?;
    let columns = [
        table.require(&["valence_mean"])?,
        table.require(&["valence_std"])?,
        table.require(&["arousal_mean"])?,
        table.require(&["arousal_std"])?,
    ];
    for row in &table.rows {
        let id = canonical_id(table.cell(row, id_column));
        let (file, line) = (file.to_owned(), row.line);
        let (fault, reason) = match (affect(&table, row, columns), found.entry(id_order(&id))) {
            (Err(fault), _) => fault,
            (Ok(_), Entry::Occupied(first)) => {
                let SongLabel { file, line, .. } = first.get();
                let first = format!("{} line {line}", file.display());
                let reason = format!("song {id} already has a row in {first}, which is used");
                (RowFault::Duplicate, reason)
            }
            (Ok(affect), Entry::Vacant(free)) => {
                free.insert(SongLabel {
                    id,
                    file,
                    line,
                    affect,
                    percentages: None,
                    artist: None,
                });
                continue;
            }
        };
        rejected.push(RejectedRow {
            id,
            file,
            line,
            reason,
            fault,
        });
    }
    Ok(())
}

fn affect(table: &Table, row: &Row, columns: [usize; 4]) -> Result<AffectBox, (RowFault, String)> {
    let number = |column: usize, fault, range: RangeInclusive<f64>, expected: &str| {
        let name = &table.headers[column];
        match table.number(row, column) {
            Ok(Some(number)) if range.contains(&number) => Ok(number),
            Ok(Some(number)) => Err((fault, format!("{name} is {number}, expected {expected}"))),
            Ok(None) => Err((RowFault::Missing, format!("{name} is missing"))),
            Err(error) => Err((RowFault::Missing, error.to_string())),
        }
    };
    let (outside, negative) = (RowFault::OutsideScale, RowFault::NegativeDeviation);
    let mean = |column| {
        number(
            column,
            outside,
            SCALE_MIN..=SCALE_MAX,
            "a value from 1 to 9",
        )
    };
    let deviation = |column| number(column, negative, 0.0..=f64::INFINITY, "at least 0");
    let [valence_mean, valence_std, arousal_mean, arousal_std] = columns;
    Ok(AffectBox {
        valence_mean: mean(valence_mean)?,
        valence_std: deviation(valence_std)?,
        arousal_mean: mean(arousal_mean)?,
        arousal_std: deviation(arousal_std)?,
    })
}

/// Artists by song id.
#[derive(Debug, Clone, Default)]
pub(super) struct Artists {
    pub by_id: BTreeMap<String, String>,
    /// Files that name artists, with the number of songs each.
    pub files: Vec<(PathBuf, usize)>,
    /// Metadata files that name none.
    pub files_without: Vec<PathBuf>,
}

impl Artists {
    /// Reads metadata files. Each year of DEAM's has other columns (`song_id, file_name, Artist, Song title, ...` in
    /// 2013; `Id, Artist, Album, Track, ...` and then up to a hundred unnamed last.fm tags in 2014; `id, Filename,
    /// title, artist, album, genre` in 2015), so columns are found by name in any case, rows may have any length, and
    /// rows without an id or an artist are skipped. If files disagree, the first one is used.
    pub(crate) fn read(files: &[PathBuf]) -> Result<Self> {
        let mut artists = Self::default();
        for file in files {
            let table = Table::read(file)?;
            let id = table.find(&["song_id", "id", "songid", "musicid"]);
            let artist = table.find(&super::label_file::ARTISTS);
            let mut named = 0;
            for row in &table.rows {
                let (Some(id), Some(artist)) = (id, artist) else {
                    break;
                };
                let id = canonical_id(table.cell(row, id));
                let words: Vec<&str> = table.cell(row, artist).split_whitespace().collect();
                let name = words.join(" ");
                if !id.is_empty() && !is_missing(&name) {
                    artists.by_id.entry(id).or_insert(name);
                    named += 1;
                }
            }
            match named {
                0 => artists.files_without.push(file.clone()),
                _ => artists.files.push((file.clone(), named)),
            }
        }
        Ok(artists)
    }
}

/// The key that all spellings of an artist share: lower case, letters and digits only, no leading article.
pub(crate) fn artist_key(artist: &str) -> String {
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
        let known: Vec<(&str, &str)> = artists
            .by_id
            .iter()
            .map(|(id, artist)| (id.as_str(), artist.as_str()))
            .collect();
        assert_eq!(
            known,
            [("1001", "one two"), ("2", "The One, Two"), ("2001", "Zoë")]
        );
        assert_eq!(artists.files_without, [files[3].clone()]);
    }

    #[test]
    fn spellings_of_one_artist_have_one_key() {
        assert_eq!(artist_key("The B-52's"), artist_key("b52s"));
        assert_eq!(artist_key("The One, Two"), artist_key("one two"));
        assert_eq!(artist_key("!!!"), "!!!");
        assert_ne!(artist_key("Low"), artist_key("Law"));
    }
}

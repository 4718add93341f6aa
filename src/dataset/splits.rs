//! Which songs train, which validate, which test. The same seed gives the same split on every machine: the random
//! numbers are ChaCha8's, the shuffle is written out here, and nothing depends on the order of files on a disk.

mod assign;
mod folds;

pub use folds::{Folds, k_folds, save_folds};

use self::assign::Units;
use super::{
    DatasetError, LabelledSong,
    table::{Table, canonical_id},
};
use crate::{atomic_file, emotion::Quadrant};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
    str::FromStr,
};

/// A side of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Weights are fitted to these songs.
    Train,
    /// These say when to stop.
    Validation,
    /// These are looked at once, at the end.
    Test,
}

impl Part {
    /// All three.
    pub const ALL: [Part; 3] = [Part::Train, Part::Validation, Part::Test];

    /// `train`, `validation` or `test`, as in files.
    pub fn name(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Validation => "validation",
            Part::Test => "test",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Part {
    type Err = DatasetError;

    fn from_str(s: &str) -> Result<Self, DatasetError> {
        match s.trim().to_lowercase().as_str() {
            "train" | "training" => Ok(Part::Train),
            "validation" | "valid" | "val" => Ok(Part::Validation),
            "test" => Ok(Part::Test),
            _ => Err(DatasetError::Option {
                option: "part",
                expected: "train, validation or test".to_owned(),
                found: s.to_owned(),
            }),
        }
    }
}

/// How large the parts are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fractions {
    /// Of all songs, rounded up: 0.2 of 1,802 songs are 361.
    pub test: f64,
    /// Of all songs, rounded up.
    pub validation: f64,
}

impl Default for Fractions {
    /// One fifth for the test, no validation.
    fn default() -> Self {
        Self {
            test: 0.2,
            validation: 0.0,
        }
    }
}

/// How songs were kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitMethod {
    /// By song; the same artist may stand on both sides.
    Random,
    /// By artist: no artist on both sides.
    Artist,
    /// As a file says.
    File,
}

/// A part for each song. Songs with identical audio always stand in one part, and so do songs of one artist where
/// [`Split::artist_disjoint`] made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// How it was made.
    pub method: SplitMethod,
    /// From which seed, if from one.
    pub seed: Option<u64>,
    parts: BTreeMap<String, Part>,
}

impl Split {
    /// Songs drawn at random, stratified on Russell's quadrant; songs with identical audio together.
    ///
    /// # Errors
    /// [`DatasetError::Split`] where the fractions make no sense or a part that should have songs has none.
    pub fn random(
        songs: &[LabelledSong],
        fractions: Fractions,
        seed: u64,
    ) -> Result<Self, DatasetError> {
        Self::draw(
            songs,
            &Units::of(songs, false),
            fractions,
            seed,
            SplitMethod::Random,
        )
    }

    /// As [`Split::random`], with all songs of an artist in one part. A song of an unknown artist is its own artist.
    ///
    /// # Errors
    /// As [`Split::random`]; and [`DatasetError::NoArtists`] where no artist is known.
    pub fn artist_disjoint(
        songs: &[LabelledSong],
        fractions: Fractions,
        seed: u64,
    ) -> Result<Self, DatasetError> {
        artists_known(songs)?;
        Self::draw(
            songs,
            &Units::of(songs, true),
            fractions,
            seed,
            SplitMethod::Artist,
        )
    }

    fn draw(
        songs: &[LabelledSong],
        units: &Units,
        fractions: Fractions,
        seed: u64,
        method: SplitMethod,
    ) -> Result<Self, DatasetError> {
        let Fractions { test, validation } = fractions;
        let sound = |f: f64| (0.0..1.0).contains(&f);
        if !(sound(test) && sound(validation) && test + validation < 1.0) {
            return Err(DatasetError::Split {
                reason: format!(
                    "the parts for test and validation must each be at least 0 and together less than 1, found {test} and {validation}"
                ),
            });
        }
        let count = |f: f64| (f * songs.len() as f64 - 1e-9).ceil().max(0.0) as usize;
        let wanted = [
            songs.len().saturating_sub(count(test) + count(validation)),
            count(validation),
            count(test),
        ];
        let assigned = units.assign(&wanted, seed);
        let mut parts = BTreeMap::new();
        for (song, part) in songs.iter().zip(assigned) {
            parts.insert(song.id.clone(), Part::ALL[part]);
        }
        let split = Self {
            method,
            seed: Some(seed),
            parts,
        };
        for (part, wanted) in Part::ALL.into_iter().zip(wanted) {
            let is_empty = !split.parts.values().any(|p| *p == part);
            if is_empty && (wanted > 0 || part == Part::Train) {
                return Err(DatasetError::Split {
                    reason: format!(
                        "{} songs in {} groups that must stay together are too few for a split: none would be left to {part}; {}",
                        songs.len(),
                        units.count(),
                        match method {
                            SplitMethod::Artist => "split at random, or add songs of other artists",
                            _ => "add songs",
                        }
                    ),
                });
            }
        }
        Ok(split)
    }

    /// Reads a split: a CSV or Parquet file with the columns `song_id` and `part` (train, validation, test), or a
    /// list of ids, one on a line, which are the test songs while all others train. Ids that the data set does not
    /// have are an error, as are songs with identical audio in different parts; songs that the file leaves out belong
    /// to no part where it names parts.
    ///
    /// # Errors
    /// [`DatasetError::Split`], [`DatasetError::Duplicate`], [`DatasetError::Value`], [`DatasetError::Io`].
    pub fn from_file(path: &Path, songs: &[LabelledSong]) -> Result<Self, DatasetError> {
        let known: HashMap<&str, &LabelledSong> =
            songs.iter().map(|s| (s.id.as_str(), s)).collect();
        let mut listed: Vec<(u64, String, Part)> = Vec::new();
        let table = Table::read(path)?;
        match (
            table.find(&["song_id", "id"]),
            table.find(&["part", "split"]),
        ) {
            (Some(id), Some(part)) => {
                for row in &table.rows {
                    let side = table
                        .cell(row, part)
                        .parse()
                        .map_err(|_| table.value_error(row, part, "train, validation or test"))?;
                    listed.push((row.line, canonical_id(table.cell(row, id)), side));
                }
            }
            (id, _) if table.headers().len() == 1 => {
                if id.is_none() {
                    listed.push((1, canonical_id(&table.headers()[0]), Part::Test));
                }
                for row in &table.rows {
                    listed.push((row.line, canonical_id(table.cell(row, 0)), Part::Test));
                }
            }
            _ => {
                return Err(table.columns_error(
                    "expected the columns song_id and part, or one id on each line".to_owned(),
                ));
            }
        }
        let names_parts = table.headers().len() > 1;
        let mut parts = BTreeMap::new();
        for (line, id, part) in listed {
            if !known.contains_key(id.as_str()) {
                return Err(DatasetError::Split {
                    reason: format!(
                        "{} line {line}: song {id:?} is not among the {} songs with audio and labels",
                        path.display(),
                        songs.len()
                    ),
                });
            }
            if parts.insert(id.clone(), part).is_some() {
                return Err(DatasetError::Duplicate {
                    path: path.to_owned(),
                    line,
                    id,
                });
            }
        }
        if !names_parts {
            for song in songs {
                parts.entry(song.id.clone()).or_insert(Part::Train);
            }
        }
        let split = Self {
            method: SplitMethod::File,
            seed: None,
            parts,
        };
        split.check_identical_audio(path, songs)?;
        Ok(split)
    }

    fn check_identical_audio(
        &self,
        path: &Path,
        songs: &[LabelledSong],
    ) -> Result<(), DatasetError> {
        let mut seen: HashMap<usize, (&str, Part)> = HashMap::new();
        for song in songs {
            let (Some(group), Some(part)) = (song.same_audio, self.part_of(&song.id)) else {
                continue;
            };
            let (first, its_part) = *seen.entry(group).or_insert((&song.id, part));
            if its_part != part {
                return Err(DatasetError::Split {
                    reason: format!(
                        "{}: songs {first} ({its_part}) and {} ({part}) have identical audio and must stand in one part",
                        path.display(),
                        song.id
                    ),
                });
            }
        }
        Ok(())
    }

    /// The part of a song, if it has one.
    pub fn part_of(&self, id: &str) -> Option<Part> {
        self.parts.get(id).copied()
    }

    /// Indices into `songs` of those of a part, in order. Songs that the split does not know belong to none.
    pub fn indices(&self, songs: &[LabelledSong], part: Part) -> Vec<usize> {
        let is_in = |i: &usize| self.part_of(&songs[*i].id) == Some(part);
        (0..songs.len()).filter(is_in).collect()
    }

    /// Ids that the split has and `songs` lacks: a split belongs to its data set.
    pub fn unknown_ids(&self, songs: &[LabelledSong]) -> Vec<String> {
        let known: HashMap<&str, ()> = songs.iter().map(|s| (s.id.as_str(), ())).collect();
        self.parts
            .keys()
            .filter(|id| !known.contains_key(id.as_str()))
            .cloned()
            .collect()
    }

    /// Every song with its part, in the order of ids as text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Part)> {
        self.parts.iter().map(|(id, part)| (id.as_str(), *part))
    }

    /// Writes `song_id,part`, in the order of ids, whole or not at all.
    ///
    /// # Errors
    /// [`DatasetError::Write`].
    pub fn save(&self, path: &Path) -> Result<(), DatasetError> {
        let rows = self
            .parts
            .iter()
            .map(|(id, part)| (id.as_str(), part.name().to_owned()));
        save_csv(path, ["song_id", "part"], rows)
    }
}

fn save_csv<'a>(
    path: &Path,
    header: [&str; 2],
    rows: impl Iterator<Item = (&'a str, String)>,
) -> Result<(), DatasetError> {
    let mut rows: Vec<(&str, String)> = rows.collect();
    rows.sort_by_key(|(id, _)| super::annotations::id_order(id));
    atomic_file::write(path, |file| {
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(header)?;
        for (id, value) in rows {
            writer.write_record([id, &value])?;
        }
        writer.flush()
    })?;
    Ok(())
}

fn artists_known(songs: &[LabelledSong]) -> Result<(), DatasetError> {
    if songs.iter().any(|s| s.artist.is_some()) {
        return Ok(());
    }
    let root = songs
        .first()
        .and_then(|s| s.audio.parent())
        .unwrap_or(Path::new(""));
    Err(DatasetError::NoArtists {
        root: root.to_owned(),
    })
}

/// How many songs of a part stand in each quadrant.
pub fn quadrant_counts(songs: &[LabelledSong], indices: &[usize]) -> [usize; 4] {
    Quadrant::ALL.map(|q| {
        indices
            .iter()
            .filter(|i| songs[**i].affect.quadrant() == q)
            .count()
    })
}

//! Splits and folds, drawn or read from a file. The same seed gives the same split on every machine: nothing depends on the order
//! of files on a disk.

use super::{
    Folds, LabeledSong, Part, Split, SplitMethod,
    deam::artist_key,
    groups::Units,
    table::{Table, canonical_id, id_order},
};
use crate::{Error, ErrorKind, Result, atomic_file, emotion::Quadrant};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

/// Sizes of the parts as shares of all songs, rounded up: 0.2 of 1,802 songs are 361.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fractions {
    pub test: f64,
    pub validation: f64,
}

impl Part {
    /// All three.
    pub(crate) const ALL: [Part; 3] = [Part::Train, Part::Validation, Part::Test];
}

impl Split {
    /// Draws a part for each song, stratified by Russell's quadrant. Songs with identical audio stay together and, if
    /// `by_artist`, all songs of an artist; a song of an unknown artist is on its own.
    ///
    /// # Errors
    /// [`ErrorKind::Dataset`] if a part that should have songs gets none, or no artist is known.
    pub(crate) fn draw(
        songs: &[LabeledSong],
        fractions: Fractions,
        by_artist: bool,
        seed: u64,
    ) -> Result<Self> {
        let Fractions { test, validation } = fractions;
        let usable = |fraction: f64| (0.0..1.0).contains(&fraction);
        if !(usable(test) && usable(validation) && test + validation < 1.0) {
            return Err(error(format!(
                "the parts for test and validation must each be at least 0 and together less than 1, found {test} and {validation}"
            )));
        }
        let units = units_of(songs, by_artist)?;
        let count = |share: f64| (share * songs.len() as f64 - 1e-9).ceil().max(0.0) as usize;
        let (test, validation) = (count(test), count(validation));
        let train = songs.len().saturating_sub(test + validation);
        let wanted = [train, validation, test];
        let parts = units.assign(&wanted, seed).into_iter();
        let parts = songs.iter().zip(parts.map(|part| Part::ALL[part]));
        let split = Self {
            method: method(by_artist),
            seed: Some(seed),
            parts: parts.map(|(song, part)| (song.id.clone(), part)).collect(),
        };
        for (part, wanted) in Part::ALL.into_iter().zip(wanted) {
            if split.ids(part).is_empty() && (wanted > 0 || part == Part::Train) {
                let (songs, groups) = (songs.len(), units.members.len());
                let remedy = match by_artist {
                    true => "split at random, or add songs of other artists",
                    false => "add songs",
                };
                return Err(error(format!(
                    "{songs} songs in {groups} groups that must stay together are too few for a split: none is left for {part}; {remedy}"
                )));
            }
        }
        Ok(split)
    }

    /// The same test songs; of the others, a share validates and the rest trains, drawn as [`Split::draw`] draws parts.
    ///
    /// # Errors
    /// As [`Split::draw`].
    #[cfg(feature = "train")]
    pub(crate) fn with_validation(
        mut self,
        songs: &[LabeledSong],
        share: f64,
        by_artist: bool,
        seed: u64,
    ) -> Result<Self> {
        let is_used = |song: &&LabeledSong| {
            let part = self.part_of(&song.id);
            part.is_some_and(|part| part != Part::Test)
        };
        let songs: Vec<LabeledSong> = songs.iter().filter(is_used).cloned().collect();
        let fractions = Fractions {
            test: 0.0,
            validation: share,
        };
        let drawn = Self::draw(&songs, fractions, by_artist, seed)?;
        self.parts.extend(drawn.parts);
        Ok(self)
    }

    /// Reads a split: a CSV or Parquet file with the columns `song_id` and `part` (train, validation, test), or a list
    /// of ids, one per line, which are the test songs while all others train. A file with parts may omit songs.
    ///
    /// # Errors
    /// [`ErrorKind::Dataset`] for an id that the data set lacks or that is listed twice, and for songs with identical
    /// audio in different parts.
    pub(crate) fn from_file(path: &Path, songs: &[LabeledSong]) -> Result<Self> {
        let table = Table::read(path)?;
        let id_column = table.find(&["song_id", "id"]);
        let part_column = table.find(&["part", "split"]);
        let is_list = table.headers.len() == 1;
        if !is_list && (id_column.is_none() || part_column.is_none()) {
            let expected = "expected the columns song_id and part, or one id on each line";
            return Err(table.columns_error(expected));
        }
        let mut listed = Vec::new();
        if is_list && id_column.is_none() {
            // There is no header: the first line is an id.
            listed.push((1, canonical_id(&table.headers[0]), Part::Test));
        }
        for row in &table.rows {
            let part = match part_column {
                Some(column) => parse_part(table.cell(row, column))
                    .ok_or_else(|| table.cell_error(row, column, "train, validation or test"))?,
                None => Part::Test,
            };
            let id = canonical_id(table.cell(row, id_column.unwrap_or(0)));
            listed.push((row.line, id, part));
        }
        let known: HashSet<&str> = songs.iter().map(|song| song.id.as_str()).collect();
        let mut parts = BTreeMap::new();
        for (line, id, part) in listed {
            let problem = if !known.contains(id.as_str()) {
                let songs = songs.len();
                format!("song {id:?} is not among the {songs} songs with audio and labels")
            } else if parts.insert(id.clone(), part).is_some() {
                format!("song {id} is listed twice")
            } else {
                continue;
            };
            return Err(error(format!("line {line}: {problem}")).with_path(path));
        }
        if is_list {
            for song in songs {
                parts.entry(song.id.clone()).or_insert(Part::Train);
            }
        }
        let mut groups: HashMap<usize, (&str, Part)> = HashMap::new();
        for song in songs {
            let (Some(group), Some(part)) = (song.same_audio, parts.get(&song.id).copied()) else {
                continue;
            };
            let (first, first_part) = *groups.entry(group).or_insert((&song.id, part));
            if first_part != part {
                let id = &song.id;
                return Err(error(format!(
                    "songs {first} ({first_part}) and {id} ({part}) have identical audio and must be in the same part"
                ))
                .with_path(path));
            }
        }
        Ok(Self {
            method: SplitMethod::File,
            seed: None,
            parts,
        })
    }

    /// Indices of a part's songs in `songs`.
    pub(crate) fn indices(&self, songs: &[LabeledSong], part: Part) -> Vec<usize> {
        let is_in = |index: &usize| self.part_of(&songs[*index].id) == Some(part);
        (0..songs.len()).filter(is_in).collect()
    }

    /// Writes `song_id,part` in the order of ids.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the file cannot be written.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let parts = self.parts.iter();
        save_csv(path, "part", parts.map(|(id, part)| (id, part.to_string())))
    }
}

impl Folds {
    /// Draws a fold for each song as [`Split::draw`] draws parts.
    ///
    /// # Errors
    /// [`ErrorKind::Dataset`] if `count` is below 2 or above the number of groups, or no artist is known.
    pub(crate) fn draw(
        songs: &[LabeledSong],
        count: usize,
        by_artist: bool,
        seed: u64,
    ) -> Result<Self> {
        let units = units_of(songs, by_artist)?;
        let groups = units.members.len();
        if count < 2 || count > groups {
            return Err(error(format!(
                "the number of folds must be from 2 to the number of groups that stay together ({groups}), found {count}"
            )));
        }
        let wanted: Vec<usize> = (0..count)
            .map(|fold| songs.len() / count + usize::from(fold < songs.len() % count))
            .collect();
        let folds = songs.iter().zip(units.assign(&wanted, seed));
        Ok(Self {
            method: method(by_artist),
            seed,
            count,
            folds: folds.map(|(song, fold)| (song.id.clone(), fold)).collect(),
        })
    }

    /// Writes `song_id,fold` with folds from 0, in the order of ids.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the file cannot be written.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let folds = self.folds.iter();
        save_csv(path, "fold", folds.map(|(id, fold)| (id, fold.to_string())))
    }
}

fn error(message: String) -> Error {
    Error::new(ErrorKind::Dataset, message)
}

fn method(by_artist: bool) -> SplitMethod {
    match by_artist {
        true => SplitMethod::Artist,
        false => SplitMethod::Random,
    }
}

fn parse_part(text: &str) -> Option<Part> {
    match text.to_lowercase().as_str() {
        "train" | "training" => Some(Part::Train),
        "validation" | "valid" | "val" => Some(Part::Validation),
        "test" => Some(Part::Test),
        _ => None,
    }
}

fn save_csv<'a>(
    path: &Path,
    column: &str,
    rows: impl Iterator<Item = (&'a String, String)>,
) -> Result<()> {
    let mut rows: Vec<(&String, String)> = rows.collect();
    rows.sort_by_cached_key(|(id, _)| id_order(id));
    atomic_file::write(path, |file| {
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(["song_id", column])?;
        for (id, value) in rows {
            writer.write_record([id, &value])?;
        }
        writer.flush()
    })
}

/// Songs with identical audio stay together and, if `by_artist`, all songs of an artist. Units come by their smallest id.
fn units_of(songs: &[LabeledSong], by_artist: bool) -> Result<Units> {
    if by_artist && songs.iter().all(|song| song.artist.is_none()) {
        return Err(error(
            "no song's artist is known, so songs cannot be divided by artist; add DEAM's metadata files (metadata/metadata_2013.csv and so on) or a songs.csv with song_id and artist, or split at random".to_owned(),
        ));
    }
    let keys = songs.iter().map(|song| {
        let audio = song.same_audio.map(|group| (false, group.to_string()));
        let artist = song.artist.as_ref().filter(|_| by_artist);
        let artist = artist.map(|artist| (true, artist_key(artist)));
        [audio, artist].into_iter().flatten()
    });
    let quadrants = songs.iter().map(|s| s.affect.quadrant() as usize);
    let mut units = Units::new(keys, quadrants.collect(), Quadrant::ALL.len());
    let members = &mut units.members;
    members.sort_by_cached_key(|unit| unit.iter().map(|i| id_order(&songs[*i].id)).min());
    Ok(units)
}

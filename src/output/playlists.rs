//! A folder with an M3U8 list for each of the eight emotions: the songs whose strongest emotion it is, best first.

use super::{
    ExportError, Sink,
    playlist::{Entry, Paths, write_m3u8},
};
use crate::{
    atomic_file::{self, write_error},
    emotion::Emotion,
    library::{Column, path_of},
};
use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{Float32Type, Float64Type},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// How the lists are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lists {
    /// Most songs of a list: the best ones. It bounds the memory, whatever the library's size.
    pub most: usize,
    /// Paths relative to the folder of the lists, rather than absolute ones.
    pub relative: bool,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            most: 10_000,
            relative: false,
        }
    }
}

/// By falling percentage, then by the order of the library.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    percentage: f32,
    row: u64,
}

impl Eq for Place {}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let falling = other.percentage.total_cmp(&self.percentage);
        falling.then(self.row.cmp(&other.row))
    }
}

pub(super) struct PlaylistsSink {
    folder: PathBuf,
    how: Lists,
    lists: [BTreeMap<Place, Entry>; Emotion::COUNT],
    next_row: u64,
    left_out: u64,
}

/// What the lists are made of.
pub(super) const COLUMNS: [Column; 8] = [
    Column::Path,
    Column::PathBytes,
    Column::Title,
    Column::Artist,
    Column::Album,
    Column::DurationS,
    Column::TrackStartS,
    Column::TrackEndS,
];

impl PlaylistsSink {
    /// Makes the folder where it is not there.
    pub(super) fn create(folder: &Path, how: Lists) -> Result<Self, ExportError> {
        if !folder.is_dir() {
            fs::create_dir(folder).map_err(|source| write_error(folder, source))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            how,
            lists: Default::default(),
            next_row: 0,
            left_out: 0,
        })
    }
}

impl Sink for PlaylistsSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        let text = |column: Column, row: usize| {
            let array = batch.column_by_name(column.name())?;
            let texts = array.as_string_opt::<i32>()?;
            texts.is_valid(row).then(|| texts.value(row).to_owned())
        };
        for row in 0..batch.num_rows() {
            let number = self.next_row;
            self.next_row += 1;
            let strongest = batch
                .column_by_name("emotion")
                .and_then(|array| array.as_string_opt::<i32>())
                .filter(|names| names.is_valid(row))
                .and_then(|names| names.value(row).parse::<Emotion>().ok());
            let Some(strongest) = strongest else {
                continue;
            };
            let percentage = batch
                .column_by_name(strongest.name())
                .and_then(|array| array.as_primitive_opt::<Float32Type>())
                .map_or(0.0, |numbers| numbers.value(row));
            let place = Place {
                percentage,
                row: number,
            };
            let list = &mut self.lists[strongest.index()];
            if list.len() >= self.how.most {
                self.left_out += 1;
                if list.last_key_value().is_none_or(|(last, _)| *last < place) {
                    continue;
                }
                list.pop_last();
            }
            let bytes = batch
                .column_by_name(Column::PathBytes.name())
                .and_then(|array| array.as_binary_opt::<i32>())
                .filter(|bytes| bytes.is_valid(row))
                .map(|bytes| bytes.value(row).to_vec());
            let path = path_of(text(Column::Path, row).unwrap_or_default(), bytes);
            let seconds = |column: Column| {
                let numbers = batch.column_by_name(column.name())?;
                let numbers = numbers.as_primitive_opt::<Float64Type>()?;
                numbers.is_valid(row).then(|| numbers.value(row))
            };
            let track = seconds(Column::TrackStartS).zip(seconds(Column::TrackEndS));
            list.insert(
                place,
                Entry {
                    path,
                    stretch: track.map(|(start, end)| start..end),
                    title: text(Column::Title, row),
                    artist: text(Column::Artist, row),
                    album: text(Column::Album, row),
                    duration_s: seconds(Column::DurationS),
                },
            );
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError> {
        let Self {
            folder, how, lists, ..
        } = *self;
        let paths = if how.relative {
            Paths::relative_to(&folder).map_err(|source| write_error(&folder, source))?
        } else {
            Paths::Absolute
        };
        let mut files = Vec::with_capacity(lists.len());
        for (emotion, list) in Emotion::ALL.into_iter().zip(lists) {
            // One without songs as well: the folder may hold a list from before.
            let path = folder.join(format!("{emotion}.m3u8"));
            atomic_file::write(&path, |file| {
                write_m3u8(file, Some(emotion.name()), list.into_values(), &paths)
            })?;
            files.push(path);
        }
        Ok(files)
    }

    fn left_out(&self) -> u64 {
        self.left_out
    }
}

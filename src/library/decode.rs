//! Arrow columns to songs.

use super::{Column, FileStamp, LibraryError, Micros, Note, SongRow, row::exact_path};
use crate::emotion::{Emotion, EmotionVector, Moment};
use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    buffer::ScalarBuffer,
    datatypes::{Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType},
    error::ArrowError,
};
use std::path::{Path, PathBuf};

/// The eight percentages of each row of a batch that has the column of emotions, row after row, each checked.
pub(super) fn vectors(
    path: &Path,
    first_row: u64,
    batch: &RecordBatch,
) -> Result<Vec<f32>, LibraryError> {
    let rows = Rows {
        path,
        first_row,
        batch,
    };
    let mut values = Vec::with_capacity(batch.num_rows() * Emotion::COUNT);
    if let Some(numbers) = rows.whole_column() {
        let (chunks, _) = numbers.as_chunks::<{ Emotion::COUNT }>();
        for (row, vector) in chunks.iter().enumerate() {
            rows.check(row, vector)?;
        }
        values.extend_from_slice(&numbers);
        return Ok(values);
    }
    for row in 0..batch.num_rows() {
        let vector = rows.list(Column::Emotions, row)?;
        rows.check(row, &vector)?;
        values.extend_from_slice(&vector);
    }
    Ok(values)
}

/// Of each row of a batch with the column of notes whether its song is silent.
pub(super) fn silent(batch: &RecordBatch) -> Vec<bool> {
    let notes = batch
        .column_by_name(Column::Note.name())
        .and_then(|array| array.as_string_opt::<i32>());
    match notes {
        Some(notes) => notes
            .iter()
            .map(|note| note.is_some_and(Note::says_silent))
            .collect(),
        None => vec![false; batch.num_rows()],
    }
}

/// The songs of a batch that has all columns.
pub(super) fn songs(
    path: &Path,
    first_row: u64,
    batch: &RecordBatch,
) -> Result<Vec<SongRow>, LibraryError> {
    let rows = Rows {
        path,
        first_row,
        batch,
    };
    (0..batch.num_rows()).map(|row| rows.song(row)).collect()
}

/// What a batch with the columns of [`STAMP`] says of its files.
pub(super) fn stamps(
    path: &Path,
    first_row: u64,
    batch: &RecordBatch,
) -> Result<Vec<FileStamp>, LibraryError> {
    let rows = Rows {
        path,
        first_row,
        batch,
    };
    (0..batch.num_rows()).map(|row| rows.stamp(row)).collect()
}

/// The columns of a [`FileStamp`].
pub(super) const STAMP: [Column; 5] = [
    Column::Path,
    Column::PathBytes,
    Column::SizeBytes,
    Column::Modified,
    Column::ContentHash,
];

/// A timeline; `None` where something in it is absent or no vector of emotions.
fn moments(array: &ArrayRef) -> Option<Vec<Moment>> {
    let fields = array.as_struct_opt()?;
    let column = |name| fields.column_by_name(name);
    let starts = column("start_s")?.as_primitive_opt::<Float64Type>()?;
    let valence = column("valence")?.as_primitive_opt::<Float32Type>()?;
    let arousal = column("arousal")?.as_primitive_opt::<Float32Type>()?;
    let emotions = column("emotions")?.as_fixed_size_list_opt()?;
    let whole = [
        fields.null_count(),
        starts.null_count(),
        valence.null_count(),
        arousal.null_count(),
        emotions.null_count(),
    ];
    if whole != [0; 5] {
        return None;
    }
    (0..fields.len())
        .map(|n| {
            let list = emotions.value(n);
            let numbers = list.as_primitive_opt::<Float32Type>()?;
            let numbers = <[f32; Emotion::COUNT]>::try_from(&numbers.values()[..]).ok()?;
            Some(Moment {
                start_s: starts.value(n),
                valence: valence.value(n),
                arousal: arousal.value(n),
                emotions: EmotionVector::new(numbers).ok()?,
            })
        })
        .collect()
}

pub(super) struct Rows<'a> {
    path: &'a Path,
    first_row: u64,
    batch: &'a RecordBatch,
}

impl<'a> Rows<'a> {
    pub(super) fn new(path: &'a Path, first_row: u64, batch: &'a RecordBatch) -> Self {
        Self {
            path,
            first_row,
            batch,
        }
    }

    /// Rows in the batch.
    pub(super) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// What Arrow says of the batch, as an error of the library.
    pub(super) fn read_error(&self, error: ArrowError) -> LibraryError {
        LibraryError::Read {
            path: self.path.to_owned(),
            source: error.into(),
        }
    }

    fn song(&self, row: usize) -> Result<SongRow, LibraryError> {
        let emotions = self.check(row, &self.list(Column::Emotions, row)?)?;
        Ok(SongRow {
            path: self.required(Column::Path, row, Self::text)?,
            path_bytes: self.path_bytes(row).map(<[u8]>::to_vec),
            size_bytes: self.size(row)?,
            modified: self.time(Column::Modified, row),
            duration_s: self.required(Column::DurationS, row, Self::double)?,
            sample_rate: self.count(Column::SampleRate, row)?,
            channels: self.count(Column::Channels, row)?,
            codec: self.required(Column::Codec, row, Self::text)?,
            title: self.text(Column::Title, row),
            artist: self.text(Column::Artist, row),
            album: self.text(Column::Album, row),
            genre: self.text(Column::Genre, row),
            valence: self.required(Column::Valence, row, Self::float)?,
            arousal: self.required(Column::Arousal, row, Self::float)?,
            emotions,
            embedding: self.list(Column::Embedding, row)?,
            analyzed_at: self.required(Column::AnalyzedAt, row, Self::time)?,
            windows: self.count(Column::Windows, row)?,
            content_hash: self.text(Column::ContentHash, row),
            note: self.text(Column::Note, row),
            timeline: self.timeline(row)?,
        })
    }

    /// The file's path, as exact as the platform can say it.
    pub(super) fn file(&self, row: usize) -> Result<PathBuf, LibraryError> {
        let text = self.required(Column::Path, row, Self::text)?;
        Ok(exact_path(&text, self.path_bytes(row)))
    }

    fn stamp(&self, row: usize) -> Result<FileStamp, LibraryError> {
        Ok(FileStamp {
            path: self.file(row)?,
            size_bytes: self.size(row)?,
            modified: self.time(Column::Modified, row),
            content_hash: self.text(Column::ContentHash, row),
        })
    }

    pub(super) fn path_bytes(&self, row: usize) -> Option<&[u8]> {
        let array = self.array(Column::PathBytes, row)?.as_binary_opt::<i32>()?;
        Some(array.value(row))
    }

    fn size(&self, row: usize) -> Result<u64, LibraryError> {
        self.required(Column::SizeBytes, row, |rows, column, row| {
            u64::try_from(rows.long(column, row)?).ok()
        })
    }

    /// All percentages of the batch at once, where no row and no number is absent: the usual case, and much faster than
    /// going row by row.
    fn whole_column(&self) -> Option<ScalarBuffer<f32>> {
        let lists = self
            .batch
            .column_by_name(Column::Emotions.name())?
            .as_fixed_size_list_opt()?;
        let numbers = lists.values().as_primitive_opt::<Float32Type>()?;
        if lists.null_count() > 0 || numbers.null_count() > 0 || lists.is_empty() {
            return None;
        }
        let first = lists.value_offset_at(0);
        let length = lists.len() * Emotion::COUNT;
        (lists.value_length() as usize == Emotion::COUNT && first + length <= numbers.len())
            .then(|| numbers.values().slice(first, length))
    }

    pub(super) fn check(&self, row: usize, vector: &[f32]) -> Result<EmotionVector, LibraryError> {
        let result = <[f32; Emotion::COUNT]>::try_from(vector)
            .map_err(|_| crate::Error::invalid("expected eight numbers"))
            .and_then(EmotionVector::new);
        result.map_err(|source| LibraryError::DamagedVector {
            path: self.path.to_owned(),
            row: self.first_row + row as u64,
            source,
        })
    }

    /// The column's array, if it is there and has a value in that row.
    fn array(&self, column: Column, row: usize) -> Option<&ArrayRef> {
        self.batch
            .column_by_name(column.name())
            .filter(|array| row < array.len() && array.is_valid(row))
    }

    pub(super) fn required<T>(
        &self,
        column: Column,
        row: usize,
        get: impl Fn(&Self, Column, usize) -> Option<T>,
    ) -> Result<T, LibraryError> {
        get(self, column, row).ok_or_else(|| LibraryError::MissingValue {
            path: self.path.to_owned(),
            row: self.first_row + row as u64,
            column: column.name(),
        })
    }

    pub(super) fn text(&self, column: Column, row: usize) -> Option<String> {
        let array = self.array(column, row)?.as_string_opt::<i32>()?;
        Some(array.value(row).to_owned())
    }

    fn long(&self, column: Column, row: usize) -> Option<i64> {
        let array = self.array(column, row)?.as_primitive_opt::<Int64Type>()?;
        Some(array.value(row))
    }

    fn count(&self, column: Column, row: usize) -> Result<u32, LibraryError> {
        self.required(column, row, |rows, column, row| {
            let array = rows.array(column, row)?.as_primitive_opt::<Int32Type>()?;
            u32::try_from(array.value(row)).ok()
        })
    }

    pub(super) fn float(&self, column: Column, row: usize) -> Option<f32> {
        let array = self.array(column, row)?.as_primitive_opt::<Float32Type>()?;
        Some(array.value(row))
    }

    pub(super) fn double(&self, column: Column, row: usize) -> Option<f64> {
        let array = self.array(column, row)?.as_primitive_opt::<Float64Type>()?;
        Some(array.value(row))
    }

    pub(super) fn time(&self, column: Column, row: usize) -> Option<Micros> {
        let array = self
            .array(column, row)?
            .as_primitive_opt::<TimestampMicrosecondType>()?;
        Some(Micros(array.value(row)))
    }

    pub(super) fn timeline(&self, row: usize) -> Result<Option<Vec<Moment>>, LibraryError> {
        let Some(array) = self.array(Column::Timeline, row) else {
            return Ok(None);
        };
        let moments = array
            .as_list_opt::<i32>()
            .and_then(|lists| moments(&lists.value(row)));
        match moments {
            Some(moments) => Ok(Some(moments)),
            None => Err(LibraryError::MissingValue {
                path: self.path.to_owned(),
                row: self.first_row + row as u64,
                column: Column::Timeline.name(),
            }),
        }
    }

    pub(super) fn list(&self, column: Column, row: usize) -> Result<Vec<f32>, LibraryError> {
        self.required(column, row, |rows, column, row| {
            let array = rows.array(column, row)?;
            let list = match array.as_fixed_size_list_opt() {
                Some(lists) => lists.value(row),
                None => array.as_list_opt::<i32>()?.value(row),
            };
            let numbers = list.as_primitive_opt::<Float32Type>()?;
            (numbers.null_count() == 0).then(|| numbers.values().to_vec())
        })
    }
}

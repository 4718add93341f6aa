//! Columns of row groups, batch by batch, in the types of [`Column::data_type`] whatever program wrote the file.

use super::{
    Column, Columns, Group, LibraryFile, Song, arrays, arrays::Value, song::path_of, version1,
};
use crate::{contain::catch_panic, emotion::EmotionVector, error::Result};
use arrow_array::{Array, ArrayRef, Float32Array, RecordBatch, cast::AsArray, types::Float32Type};
use arrow_schema::{ArrowError, Field, Schema};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection},
    },
    errors::ParquetError,
};
use std::sync::Arc;

/// Rows that are decoded at once, which bounds the memory; fewer where a row is large.
const BATCH_ROWS: usize = 8 * 1024;
const BATCH_ROWS_WITH_EMBEDDINGS: usize = 1024;
const BATCH_ROWS_WITH_TIMELINES: usize = 256;

/// Batches of some columns of a row group, each with the number of its first row.
pub(super) struct Batches<'a> {
    file: &'a LibraryFile,
    reader: ParquetRecordBatchReader,
    /// The reader of a damaged file would return errors without end.
    failed: bool,
    columns: Vec<Column>,
    next_row: u64,
}

impl<'a> Batches<'a> {
    pub(super) fn new(
        file: &'a LibraryFile,
        group: &Group,
        columns: Columns,
        selection: Option<RowSelection>,
    ) -> Result<Self> {
        let columns: Vec<Column> = columns.iter().collect();
        let mut names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
        if file.is_version_1() {
            names.extend([
                Column::Path.name(),
                Column::PathBytes.name(),
                version1::NOTE,
            ]);
        }
        if !file.stores(Column::Valence.name()) || !file.stores(Column::Arousal.name()) {
            names.push(Column::Emotions.name());
        }
        let rows = if columns.contains(&Column::Timeline) && file.stores(Column::Timeline.name()) {
            BATCH_ROWS_WITH_TIMELINES
        } else if columns.contains(&Column::Embedding) {
            BATCH_ROWS_WITH_EMBEDDINGS
        } else {
            BATCH_ROWS
        };
        let metadata = file.metadata.clone();
        let mask = ProjectionMask::columns(metadata.parquet_schema(), names);
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file.file.clone(), metadata)
                .with_projection(mask)
                .with_row_groups(vec![group.number])
                .with_batch_size(rows);
        let songs = file.songs_in(group.number).cloned();
        let selection = match (songs, selection) {
            (Some(songs), Some(selection)) => Some(songs.and_then(&selection)),
            (songs, selection) => songs.or(selection),
        };
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        Ok(Self {
            file,
            reader: caught(|| builder.build()).map_err(|error| file.read_error(error))?,
            failed: false,
            columns,
            next_row: group.first_row,
        })
    }

    fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let facts = match self.file.is_version_1() {
            true => Some(self.facts(batch)?),
            false => None,
        };
        let mut fields = Vec::with_capacity(self.columns.len());
        let mut arrays = Vec::with_capacity(self.columns.len());
        for &column in &self.columns {
            let is_fact = matches!(column, Column::Path | Column::PathBytes)
                || version1::FACTS.contains(&column);
            let array = match &facts {
                Some(facts) if is_fact => {
                    let encoded = column.encode(facts, 0);
                    encoded.map_err(|error| self.file.read_error(error))?
                }
                _ => self.array(column, batch)?,
            };
            fields.push(Field::new(column.name(), array.data_type().clone(), true));
            arrays.push(array);
        }
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let schema = Arc::new(Schema::new(fields));
        RecordBatch::try_new_with_options(schema, arrays, &options)
            .map_err(|error| self.file.read_error(error))
    }

    fn array(&self, column: Column, batch: &RecordBatch) -> Result<ArrayRef> {
        let wanted = column.data_type(0);
        match batch.column_by_name(column.name()) {
            Some(array) => arrays::canonical(array, &wanted).ok_or_else(|| {
                self.file.error(format!(
                    "the column `{}` has values that are not {wanted}; analyze the music again",
                    column.name()
                ))
            }),
            None => Ok(match column {
                Column::Valence => self.mean_direction(batch, f64::cos)?,
                Column::Arousal => self.mean_direction(batch, f64::sin)?,
                _ => arrays::absent(&wanted, column.is_nullable(), batch.num_rows()),
            }),
        }
    }

    /// Valence or arousal of a file that has only percentages: the mean of the directions of the eight emotions on the circumplex.
    fn mean_direction(&self, batch: &RecordBatch, part: fn(f64) -> f64) -> Result<ArrayRef> {
        let emotions = self.array(Column::Emotions, batch)?;
        let value = |row| {
            let vector = EmotionVector::decode(&emotions, row)?;
            let sum: f64 = vector
                .iter()
                .map(|(emotion, percent)| {
                    let angle = (45.0 * emotion.index() as f64 + 22.5).to_radians();
                    f64::from(percent) * part(angle)
                })
                .sum();
            Some((5.0 + 4.0 * sum / 100.0) as f32)
        };
        let values = (0..batch.num_rows()).map(value);
        Ok(Arc::new(values.collect::<Float32Array>()))
    }

    /// Songs with no more than paths and facts, from the paths and notes of version 1.
    fn facts(&self, batch: &RecordBatch) -> Result<Vec<Song>> {
        let paths = self.array(Column::Path, batch)?;
        let bytes = self.array(Column::PathBytes, batch)?;
        let notes = batch.column_by_name(version1::NOTE);
        let song = |row| {
            let text = String::decode(&paths, row).ok_or_else(|| {
                let row = self.next_row + row as u64;
                self.file.missing(row, Column::Path.name())
            })?;
            let path = path_of(text, Vec::<u8>::decode(&bytes, row));
            let note = notes.and_then(|notes| String::decode(notes, row));
            Ok(version1::facts(path, &note.unwrap_or_default()))
        };
        (0..batch.num_rows()).map(song).collect()
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<(u64, RecordBatch)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = catch_panic(|| self.reader.next())
            .unwrap_or_else(|panic| Some(Err(ArrowError::ExternalError(Box::new(panic)))));
        let batch = match next? {
            Ok(batch) => batch,
            Err(error) => {
                self.failed = true;
                return Some(Err(self.file.read_error(error)));
            }
        };
        let converted = self.convert(&batch);
        let first_row = self.next_row;
        self.next_row += batch.num_rows() as u64;
        Some(converted.map(|batch| (first_row, batch)))
    }
}

/// Turns panics of the Parquet reader on damaged files into errors.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    catch_panic(work).unwrap_or_else(|panic| Err(ParquetError::External(Box::new(panic))))
}

/// The numbers of fixed-size lists without nulls, list after list.
pub(crate) fn flat_numbers(lists: &ArrayRef, length: usize) -> Option<&[f32]> {
    let lists = lists.as_fixed_size_list_opt()?;
    let numbers = lists.values().as_primitive_opt::<Float32Type>()?;
    let start = lists.value_offset_at(0);
    let is_whole = lists.value_length() as usize == length && lists.null_count() == 0;
    let end = start + lists.len() * length;
    is_whole.then(|| numbers.values().get(start..end)).flatten()
}

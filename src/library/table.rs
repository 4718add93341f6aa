//! Some columns of all libraries as Arrow batches, for those who write them in other formats.

use super::{
    Collection, Column, Library, LibraryError, batches::Part, decode::Rows, schema::list_item,
};
use crate::emotion::Emotion;
use arrow::{
    array::{Array, ArrayRef, FixedSizeListArray, Float32Array, RecordBatch},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use std::sync::Arc;

impl Collection {
    /// Numbers in each embedding; 0 where no library has a song.
    ///
    /// # Errors
    /// Those of [`Library::embedding`].
    pub fn embedding(&self) -> Result<usize, LibraryError> {
        let mut longest = 0;
        for part in self.parts() {
            longest = longest.max(part.embedding()?);
        }
        Ok(longest)
    }

    /// Every row's values of some columns, in the order in which they are asked for, some thousand rows at a time. The columns have
    /// the types of [`schema`](super::schema) in all batches, whatever program wrote the libraries.
    ///
    /// # Errors
    /// Those of [`embedding`](Self::embedding); each item [`LibraryError::Read`], [`LibraryError::MissingValue`],
    /// [`LibraryError::DamagedVector`].
    pub fn table<'a>(
        &'a self,
        columns: &'a [Column],
    ) -> Result<impl Iterator<Item = Result<RecordBatch, LibraryError>> + 'a, LibraryError> {
        let embedding = self.embedding()?;
        let length = i32::try_from(embedding).unwrap_or(i32::MAX);
        let fields = columns.iter().map(|column| {
            Field::new(
                column.name(),
                column.data_type(length),
                column.is_nullable(),
            )
        });
        let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Ok(self.parts().iter().flat_map(move |part| {
            let schema = schema.clone();
            let batches: Box<dyn Iterator<Item = _>> = match part.batches(columns, Part::All) {
                Ok(batches) => Box::new(batches),
                Err(error) => Box::new(std::iter::once(Err(error))),
            };
            batches.map(move |batch| {
                let (first_row, batch) = batch?;
                checked(part, first_row, &batch, columns, &schema)
            })
        }))
    }
}

/// The batch in the types of `schema`, where every row has what it must have.
fn checked(
    part: &Library,
    first_row: u64,
    batch: &RecordBatch,
    columns: &[Column],
    schema: &SchemaRef,
) -> Result<RecordBatch, LibraryError> {
    let rows = Rows::new(part.path(), first_row, batch);
    let mut arrays = Vec::with_capacity(columns.len());
    for ((column, array), field) in columns.iter().zip(batch.columns()).zip(schema.fields()) {
        if !column.is_nullable()
            && let Some(row) = (0..array.len()).find(|row| array.is_null(*row))
        {
            return Err(LibraryError::MissingValue {
                path: part.path().to_owned(),
                row: first_row + row as u64,
                column: column.name(),
            });
        }
        arrays.push(match (column, field.data_type()) {
            (Column::Emotions, _) => {
                lists(&rows, *column, Emotion::COUNT as i32, |row, vector| {
                    rows.check(row, vector).map(drop)
                })?
            }
            (Column::Embedding, DataType::FixedSizeList(_, length)) => {
                lists(&rows, *column, *length, |row, vector| {
                    if vector.len() == *length as usize {
                        return Ok(());
                    }
                    Err(LibraryError::Embedding {
                        song: format!("{}: row {}", part.path().display(), first_row + row as u64),
                        expected: *length as usize,
                        found: vector.len(),
                    })
                })?
            }
            (Column::Timeline, _) => {
                for row in 0..batch.num_rows() {
                    rows.timeline(row)?;
                }
                array.clone()
            }
            _ => array.clone(),
        });
    }
    RecordBatch::try_new(schema.clone(), arrays).map_err(|error| rows.read_error(error))
}

/// A column of lists of one length, each row of which `check` has seen.
fn lists(
    rows: &Rows<'_>,
    column: Column,
    length: i32,
    check: impl Fn(usize, &[f32]) -> Result<(), LibraryError>,
) -> Result<ArrayRef, LibraryError> {
    let count = rows.len();
    let mut values = Vec::with_capacity(count * length as usize);
    for row in 0..count {
        let list = rows.list(column, row)?;
        check(row, &list)?;
        values.extend_from_slice(&list);
    }
    let values = Arc::new(Float32Array::from(values));
    FixedSizeListArray::try_new(list_item(), length, values, None)
        .map(|array| Arc::new(array) as ArrayRef)
        .map_err(|error| rows.read_error(error))
}

//! The columns of a library, batch by batch.

use super::{Column, Library, LibraryError, schema::list_item};
use crate::contain::catch_panic;
use arrow::{
    array::{RecordBatch, new_null_array},
    compute::{can_cast_types, cast},
    datatypes::{DataType, Field, Schema},
    error::ArrowError,
};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection},
    },
    errors::ParquetError,
};
use std::sync::Arc;

/// Rows that are decoded at once: bounds the memory of reading, whatever the library's size.
const BATCH_ROWS: usize = 8 * 1024;
/// The same where timelines are among the columns: a row of a long mix has thousands of moments.
const BATCH_ROWS_WITH_TIMELINES: usize = 256;

/// Which rows are read.
pub(super) enum Part {
    All,
    Rows(RowSelection),
    /// Those of a row group.
    Group(usize),
    /// Some of a row group, counted from its first.
    RowsOfGroup(usize, RowSelection),
}

impl Library {
    /// Some columns of some rows.
    pub(super) fn batches(
        &self,
        columns: &[Column],
        part: Part,
    ) -> Result<Batches<'_>, LibraryError> {
        let read_error = |source| LibraryError::Read {
            path: self.path.clone(),
            source,
        };
        let types = columns
            .iter()
            .map(|&column| Ok((column, self.file_type(column)?)))
            .collect::<Result<Vec<_>, LibraryError>>()?;
        let timelines = types
            .iter()
            .any(|(column, found)| *column == Column::Timeline && found.is_some());
        let rows = if timelines && self.info.timeline {
            BATCH_ROWS_WITH_TIMELINES
        } else {
            BATCH_ROWS
        };
        let mask = ProjectionMask::columns(
            self.metadata.parquet_schema(),
            types
                .iter()
                .filter(|(_, found)| found.is_some())
                .map(|(column, _)| column.name()),
        );
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.file.clone(),
            self.metadata.clone(),
        )
        .with_projection(mask)
        .with_batch_size(rows);
        builder = match part {
            Part::All => builder,
            Part::Rows(selection) => builder.with_row_selection(selection),
            Part::Group(number) => builder.with_row_groups(vec![number]),
            Part::RowsOfGroup(number, selection) => builder
                .with_row_groups(vec![number])
                .with_row_selection(selection),
        };
        let reader = catch_panic(|| builder.build())
            .unwrap_or_else(|panic| Err(ParquetError::External(Box::new(panic))))
            .map_err(read_error)?;
        Ok(Batches {
            library: self,
            reader,
            schema: Arc::new(Schema::new(
                types
                    .iter()
                    .map(|(column, found)| {
                        let data_type = wanted_type(*column, found.as_ref());
                        Field::new(column.name(), data_type, true)
                    })
                    .collect::<Vec<_>>(),
            )),
            columns: columns.to_vec(),
            next_row: 0,
            failed: false,
        })
    }

    /// The type that a column has in the file; `None` for a nullable one that the file lacks.
    pub(super) fn file_type(&self, column: Column) -> Result<Option<DataType>, LibraryError> {
        let Ok(field) = self.metadata.schema().field_with_name(column.name()) else {
            return if column.is_nullable() {
                Ok(None)
            } else {
                Err(LibraryError::MissingColumn {
                    path: self.path.clone(),
                    column: column.name(),
                })
            };
        };
        let found = field.data_type();
        let wanted = wanted_type(column, Some(found));
        if found == &wanted || can_cast_types(found, &wanted) {
            Ok(Some(found.clone()))
        } else {
            Err(LibraryError::ColumnType {
                path: self.path.clone(),
                column: column.name(),
                expected: wanted.to_string(),
                found: found.to_string(),
            })
        }
    }
}

/// What a column is turned into when it is read. Other programs rewrite libraries with types of their own (large strings,
/// lists of any length); the length of the embedding is the file's.
fn wanted_type(column: Column, found: Option<&DataType>) -> DataType {
    match (column, found) {
        (Column::Embedding, Some(&DataType::FixedSizeList(_, length))) => column.data_type(length),
        (Column::Embedding, _) => DataType::List(list_item()),
        _ => column.data_type(0),
    }
}

/// Batches of some columns, in the order in which they were asked for, each with the number of its first row (which means
/// something only where all rows are read).
pub(crate) struct Batches<'a> {
    library: &'a Library,
    reader: ParquetRecordBatchReader,
    schema: Arc<Schema>,
    columns: Vec<Column>,
    next_row: u64,
    failed: bool,
}

impl Batches<'_> {
    fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch, LibraryError> {
        let read_error = |e: ArrowError| LibraryError::Read {
            path: self.library.path.clone(),
            source: e.into(),
        };
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (column, field) in self.columns.iter().zip(self.schema.fields()) {
            arrays.push(match batch.column_by_name(column.name()) {
                Some(array) if array.data_type() == field.data_type() => array.clone(),
                Some(array) => cast(array, field.data_type()).map_err(read_error)?,
                None => new_null_array(field.data_type(), batch.num_rows()),
            });
        }
        RecordBatch::try_new(self.schema.clone(), arrays).map_err(read_error)
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<(u64, RecordBatch), LibraryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = catch_panic(|| self.reader.next())
            .unwrap_or_else(|panic| Some(Err(ArrowError::ExternalError(Box::new(panic)))))?;
        let batch = match next {
            Ok(batch) => batch,
            Err(error) => {
                // The reader of a damaged file would go on with errors for ever.
                self.failed = true;
                return Some(Err(LibraryError::Read {
                    path: self.library.path.clone(),
                    source: error.into(),
                }));
            }
        };
        let first = self.next_row;
        self.next_row += batch.num_rows() as u64;
        Some(self.convert(&batch).map(|batch| (first, batch)))
    }
}

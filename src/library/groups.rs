//! Reading a library row group by row group, several at once.

use super::{
    Column, Library, LibraryError,
    batches::{Batches, Part},
    decode::{Rows, vectors},
    plain::{is_list_of_floats, numbers},
};
use crate::{contain::catch_panic, emotion::Emotion};
use parquet::{
    column::page::PageReader, errors::ParquetError, file::serialized_reader::SerializedPageReader,
};
use std::sync::Arc;

/// Rows that stand together in the file: what one thread reads at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    /// Its place in the file.
    pub number: usize,
    /// The number of its first row.
    pub first_row: u64,
    /// How many rows it has.
    pub rows: u64,
}

/// What is done with some lists: the number of the first row, and their numbers as little-endian float32.
pub(crate) type Visit<'a> = dyn FnMut(u64, &[u8]) -> Result<(), LibraryError> + 'a;

impl Library {
    /// The row groups, in the order of the rows.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Group> + '_ {
        let mut first_row = 0;
        let groups = self.metadata.metadata().row_groups().iter().enumerate();
        groups.map(move |(number, group)| {
            let rows = u64::try_from(group.num_rows()).unwrap_or(0);
            let group = Group {
                number,
                first_row,
                rows,
            };
            first_row += rows;
            group
        })
    }

    /// Batches of some columns of a row group; the numbers of their first rows count from the beginning of the group.
    pub(crate) fn group_batches(
        &self,
        group: Group,
        columns: &[Column],
    ) -> Result<Batches<'_>, LibraryError> {
        self.batches(columns, Part::Group(group.number))
    }

    /// Whether a column of a row group holds nothing but nulls, as far as its statistics say so.
    pub(crate) fn is_all_null(&self, group: Group, column: Column) -> bool {
        let metadata = self.metadata.metadata();
        let Some(found) = metadata.row_groups().get(group.number) else {
            return false;
        };
        let mut chunks = found.columns().iter();
        match chunks.find(|chunk| chunk.column_path().parts() == [column.name()]) {
            Some(chunk) => {
                let nulls = chunk.statistics().and_then(|known| known.null_count_opt());
                nulls == Some(group.rows)
            }
            None => column.is_nullable(),
        }
    }

    /// Gives `visit` the numbers of a column of lists, each of `length` numbers, as little-endian float32, some thousand rows at
    /// a time, each time with the number of the first row (counted through the library).
    ///
    /// # Errors
    /// Those of `visit`; [`LibraryError::Read`]; [`LibraryError::MissingValue`] where a list is absent or has another length.
    pub(crate) fn visit_lists(
        &self,
        group: Group,
        column: Column,
        length: usize,
        visit: &mut Visit<'_>,
    ) -> Result<(), LibraryError> {
        let rows = self.visit_plain_pages(group, column, length, visit)?;
        if rows < group.rows {
            self.visit_decoded(group, rows, column, length, visit)?;
        }
        Ok(())
    }

    /// The same as long as the pages hold the numbers as they are; returns how many rows those were.
    fn visit_plain_pages(
        &self,
        group: Group,
        column: Column,
        length: usize,
        visit: &mut Visit<'_>,
    ) -> Result<u64, LibraryError> {
        let metadata = self.metadata.metadata();
        let Some(found) = metadata.row_groups().get(group.number) else {
            return Ok(0);
        };
        let mut chunks = found.columns().iter().filter(|chunk| {
            let path = chunk.column_path().parts();
            path.first().map(String::as_str) == Some(column.name())
        });
        let (Some(chunk), None) = (chunks.next(), chunks.next()) else {
            return Ok(0);
        };
        let descriptor = chunk.column_descr();
        if length == 0 || !is_list_of_floats(descriptor) {
            return Ok(0);
        }
        let read_error = |source| LibraryError::Read {
            path: self.path().to_owned(),
            source,
        };
        let total = usize::try_from(group.rows).unwrap_or(usize::MAX);
        let reader = catch_panic(|| {
            SerializedPageReader::new(Arc::new(self.file.clone()), chunk, total, None)
        });
        let mut pages = reader
            .unwrap_or_else(|panic| Err(ParquetError::External(Box::new(panic))))
            .map_err(read_error)?;
        let mut rows = 0;
        while rows < group.rows {
            let page = catch_panic(|| pages.get_next_page())
                .unwrap_or_else(|panic| Err(ParquetError::External(Box::new(panic))))
                .map_err(read_error)?;
            let Some(numbers) = page.and_then(|page| numbers(&page, descriptor, length)) else {
                break;
            };
            let here = (numbers.len() / (length * size_of::<f32>())) as u64;
            if here > group.rows - rows {
                break;
            }
            visit(group.first_row + rows, &numbers)?;
            rows += here;
        }
        Ok(rows)
    }

    /// The same for every kind of page, from a row of the group on.
    fn visit_decoded(
        &self,
        group: Group,
        from: u64,
        column: Column,
        length: usize,
        visit: &mut Visit<'_>,
    ) -> Result<(), LibraryError> {
        for batch in self.group_batches(group, &[column])? {
            let (first, batch) = batch?;
            let skip = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
            if skip >= batch.num_rows() {
                continue;
            }
            let batch = batch.slice(skip, batch.num_rows() - skip);
            let first_row = group.first_row + first + skip as u64;
            let values = if column == Column::Emotions && length == Emotion::COUNT {
                vectors(self.path(), first_row, &batch)?
            } else {
                let rows = Rows::new(self.path(), first_row, &batch);
                let mut values = Vec::with_capacity(batch.num_rows() * length);
                for row in 0..batch.num_rows() {
                    let list = rows.list(column, row)?;
                    if list.len() != length {
                        return Err(LibraryError::MissingValue {
                            path: self.path().to_owned(),
                            row: first_row + row as u64,
                            column: column.name(),
                        });
                    }
                    values.extend_from_slice(&list);
                }
                values
            };
            let bytes: Vec<u8> = values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            visit(first_row, &bytes)?;
        }
        Ok(())
    }
}

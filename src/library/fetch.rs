//! Single songs, fetched from the row groups that hold them, several groups at once.

use super::{
    Collection, Column, Group, Library, LibraryError, SongBrief, batches::Part, brief::briefs,
    decode::Rows,
};
use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::RowSelection;
use rayon::prelude::*;
use std::path::PathBuf;

/// What tells a song from others for people: its file and who made it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Identity {
    /// The file's path, as exact as the platform can say it.
    pub file: PathBuf,
    /// From the file's tags; only where it was asked for.
    pub artist: Option<String>,
}

impl Collection {
    /// The songs of some rows (counted from 0 through all libraries) in brief, in the order in which they are asked for; without
    /// title, artist, album and genre unless `tags` are wanted. Only the pages that hold them are read.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchRow`], [`LibraryError::Read`], [`LibraryError::MissingValue`],
    /// [`LibraryError::DamagedVector`].
    pub fn briefs_at(&self, rows: &[u64], tags: bool) -> Result<Vec<SongBrief>, LibraryError> {
        self.fetch(rows, SongBrief::columns(tags), |library, batch| {
            briefs(library.path(), 0, batch)
        })
    }

    /// The files of some rows, and their artists where those are wanted, as [`briefs_at`](Self::briefs_at) gives songs.
    pub(crate) fn identities_at(
        &self,
        rows: &[u64],
        artists: bool,
    ) -> Result<Vec<Identity>, LibraryError> {
        let columns = [Column::Path, Column::PathBytes, Column::Artist];
        let columns = if artists { &columns[..] } else { &columns[..2] };
        self.fetch(rows, columns, |library, batch| {
            let rows = Rows::new(library.path(), 0, batch);
            let identity = |row| {
                Ok(Identity {
                    file: rows.file(row)?,
                    artist: rows.text(Column::Artist, row),
                })
            };
            (0..batch.num_rows()).map(identity).collect()
        })
    }

    fn fetch<T: Clone + Send>(
        &self,
        rows: &[u64],
        columns: &[Column],
        decode: impl Fn(&Library, &RecordBatch) -> Result<Vec<T>, LibraryError> + Sync,
    ) -> Result<Vec<T>, LibraryError> {
        let mut wanted = rows.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        if let Some(&row) = wanted.last()
            && row >= self.rows()
        {
            return Err(LibraryError::NoSuchRow {
                path: PathBuf::from(self.name()),
                row,
                rows: self.rows(),
            });
        }
        let mut works: Vec<(&Library, Group, Vec<usize>)> = Vec::new();
        let mut rest = wanted.as_slice();
        let mut before = 0;
        for library in self.parts() {
            for group in library.groups() {
                let first = before + group.first_row;
                let count = rest.partition_point(|row| *row < first + group.rows);
                let (here, behind) = rest.split_at(count);
                rest = behind;
                if !here.is_empty() {
                    let here = here.iter().map(|row| (row - first) as usize);
                    works.push((library, group, here.collect()));
                }
            }
            before += library.rows();
        }
        let found: Vec<Vec<T>> = works
            .into_par_iter()
            .map(|(library, group, here)| {
                let total = usize::try_from(group.rows).unwrap_or(usize::MAX);
                let single = here.iter().map(|&row| row..row + 1);
                let selection = RowSelection::from_consecutive_ranges(single, total);
                let part = Part::RowsOfGroup(group.number, selection);
                let mut found = Vec::with_capacity(here.len());
                for batch in library.batches(columns, part)? {
                    found.extend(decode(library, &batch?.1)?);
                }
                Ok(found)
            })
            .collect::<Result<_, LibraryError>>()?;
        let found: Vec<T> = found.into_iter().flatten().collect();
        Ok(rows
            .iter()
            .filter_map(|row| found.get(wanted.binary_search(row).ok()?).cloned())
            .collect())
    }
}

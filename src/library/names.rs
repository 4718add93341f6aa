//! What the songs of a library are called, read without the rest of their rows.

use super::{Column, Library, LibraryError, batches::Part, decode::Rows, row::exact_path};
use std::{ffi::OsStr, path::Path};

/// By what a song is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SongName {
    /// Absolute path of the file; a name that is not UTF-8 has U+FFFD for what is not.
    pub path: String,
    /// The path's exact bytes where it is not UTF-8.
    pub path_bytes: Option<Vec<u8>>,
    /// From the file's tags.
    pub title: Option<String>,
    /// From the file's tags.
    pub artist: Option<String>,
    /// Hash of the file's bytes.
    pub content_hash: Option<String>,
}

impl SongName {
    /// Whether this is the file of a path, byte for byte.
    pub fn is_file(&self, path: &Path) -> bool {
        match &self.path_bytes {
            Some(bytes) => exact_path(&self.path, Some(bytes)) == path,
            None => path.as_os_str() == OsStr::new(&self.path),
        }
    }
}

const COLUMNS: [Column; 5] = [
    Column::Path,
    Column::PathBytes,
    Column::Title,
    Column::Artist,
    Column::ContentHash,
];

impl Library {
    /// What every song is called, in the order of the rows; memory holds some thousand at a time.
    ///
    /// # Errors
    /// [`LibraryError::Read`]; each item also [`LibraryError::MissingValue`].
    pub fn names(
        &self,
    ) -> Result<impl Iterator<Item = Result<Vec<SongName>, LibraryError>> + '_, LibraryError> {
        let batches = self.batches(&COLUMNS, Part::All)?;
        Ok(batches.map(|batch| {
            let (first_row, batch) = batch?;
            let rows = Rows::new(self.path(), first_row, &batch);
            let name = |row| {
                Ok(SongName {
                    path: rows.required(Column::Path, row, Rows::text)?,
                    path_bytes: rows.path_bytes(row).map(<[u8]>::to_vec),
                    title: rows.text(Column::Title, row),
                    artist: rows.text(Column::Artist, row),
                    content_hash: rows.text(Column::ContentHash, row),
                })
            };
            (0..batch.num_rows()).map(name).collect()
        }))
    }
}

//! Reading a library: its footer, its vectors, and single songs.

use super::{
    Column, FOOTER_KEY, FORMAT_VERSION, FileStamp, LibraryError, LibraryInfo, SongRow,
    batches::Part,
    decode::{STAMP, silent, songs, stamps, vectors},
    file::LibraryFile,
    schema::expected_labels,
};
use crate::contain::catch_panic;
use arrow::datatypes::DataType;
use parquet::{
    arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection},
    errors::ParquetError,
    file::metadata::PageIndexPolicy,
};
use serde::Deserialize;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// A library that was opened and found sound as far as its footer and columns go. The rows are read when asked for.
pub struct Library {
    pub(super) path: PathBuf,
    pub(super) file: LibraryFile,
    pub(super) metadata: ArrowReaderMetadata,
    pub(super) info: LibraryInfo,
}

impl Library {
    /// Opens a library and checks its footer, version, labels and columns.
    ///
    /// A library that another model made opens all the same: compare [`LibraryInfo::model`] before mixing vectors.
    ///
    /// # Errors
    /// Those of [`LibraryError`] that begin with [`LibraryError::Open`] and end with [`LibraryError::ColumnType`].
    pub fn open(path: &Path) -> Result<Self, LibraryError> {
        let open_error = |source| LibraryError::Open {
            path: path.to_owned(),
            source,
        };
        // Opening a pipe would wait for its writer.
        if !fs::metadata(path).map_err(open_error)?.is_file() {
            return Err(open_error(io::Error::new(
                io::ErrorKind::InvalidInput,
                "expected a file, found a folder, device or pipe",
            )));
        }
        let file = File::open(path)
            .and_then(LibraryFile::new)
            .map_err(open_error)?;
        let options = ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Optional);
        let metadata = catch_panic(|| ArrowReaderMetadata::load(&file, options))
            .unwrap_or_else(|panic| Err(ParquetError::External(Box::new(panic))))
            .map_err(|source| LibraryError::NotParquet {
                path: path.to_owned(),
                source,
            })?;
        let info = read_info(path, &metadata)?;
        let library = Self {
            path: path.to_owned(),
            file,
            metadata,
            info,
        };
        for column in Column::ALL {
            library.file_type(column)?;
        }
        Ok(library)
    }

    /// Where the library stands.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the footer says.
    pub fn info(&self) -> &LibraryInfo {
        &self.info
    }

    /// Whether the file has a column. A program of an earlier version wrote fewer; what it lacks reads as null.
    pub fn has(&self, column: Column) -> bool {
        let schema = self.metadata.schema();
        schema.field_with_name(column.name()).is_ok()
    }

    /// Number of songs.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Numbers in each embedding; 0 where another program gave the lists of a library without songs no fixed length.
    ///
    /// # Errors
    /// Those of [`songs_at`](Self::songs_at).
    pub fn embedding(&self) -> Result<usize, LibraryError> {
        if let Some(DataType::FixedSizeList(_, length)) = self.file_type(Column::Embedding)? {
            return Ok(usize::try_from(length).unwrap_or(0));
        }
        if self.rows() == 0 {
            return Ok(0);
        }
        let first = self.songs_at(&[0])?;
        Ok(first.first().map_or(0, |song| song.embedding.len()))
    }

    /// The eight percentages of every song, in the order of the rows, some thousand rows at a time. Beside them only the
    /// notes are read.
    ///
    /// # Errors
    /// [`LibraryError::Read`]; each item [`LibraryError::Read`] or [`LibraryError::DamagedVector`].
    pub fn vectors(
        &self,
    ) -> Result<impl Iterator<Item = Result<Vectors, LibraryError>> + '_, LibraryError> {
        let batches = self.batches(&[Column::Emotions, Column::Note], Part::All)?;
        Ok(batches.map(|batch| {
            let (first_row, batch) = batch?;
            Ok(Vectors {
                first_row,
                values: vectors(&self.path, first_row, &batch)?,
                silent: silent(&batch),
            })
        }))
    }

    /// Every song, in the order of the rows; memory holds some thousand at a time.
    ///
    /// # Errors
    /// [`LibraryError::Read`]; each item also [`LibraryError::MissingValue`] and [`LibraryError::DamagedVector`].
    pub fn songs(
        &self,
    ) -> Result<impl Iterator<Item = Result<Vec<SongRow>, LibraryError>> + '_, LibraryError> {
        let batches = self.batches(&Column::ALL, Part::All)?;
        Ok(batches.map(|batch| {
            let (first_row, batch) = batch?;
            songs(&self.path, first_row, &batch)
        }))
    }

    /// Every row's file with what tells whether it changed, in the order of the rows.
    ///
    /// # Errors
    /// [`LibraryError::Read`] and [`LibraryError::MissingValue`].
    pub fn stamps(&self) -> Result<Vec<FileStamp>, LibraryError> {
        let mut found = Vec::new();
        for batch in self.batches(&STAMP, Part::All)? {
            let (first_row, batch) = batch?;
            found.extend(stamps(&self.path, first_row, &batch)?);
        }
        Ok(found)
    }

    /// The songs of some rows (counted from 0), in the order in which they are asked for. Only the pages that hold them
    /// are read.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchRow`], [`LibraryError::Read`], [`LibraryError::MissingValue`],
    /// [`LibraryError::DamagedVector`].
    pub fn songs_at(&self, rows: &[u64]) -> Result<Vec<SongRow>, LibraryError> {
        if let Some(&row) = rows.iter().find(|&&row| row >= self.rows()) {
            return Err(LibraryError::NoSuchRow {
                path: self.path.clone(),
                row,
                rows: self.rows(),
            });
        }
        let mut wanted: Vec<usize> = rows
            .iter()
            .filter_map(|&row| usize::try_from(row).ok())
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let total = usize::try_from(self.rows()).unwrap_or(usize::MAX);
        let selection =
            RowSelection::from_consecutive_ranges(wanted.iter().map(|&row| row..row + 1), total);
        let mut found = Vec::with_capacity(wanted.len());
        for batch in self.batches(&Column::ALL, Part::Rows(selection))? {
            let (first, batch) = batch?;
            found.extend(songs(&self.path, first, &batch)?);
        }
        Ok(rows
            .iter()
            .filter_map(|&row| {
                let place = wanted
                    .binary_search_by(|&other| (other as u64).cmp(&row))
                    .ok()?;
                found.get(place).cloned()
            })
            .collect())
    }
}

/// The eight percentages of some rows.
pub struct Vectors {
    first_row: u64,
    values: Vec<f32>,
    silent: Vec<bool>,
}

impl Vectors {
    /// The same vectors as rows that begin `rows` later.
    pub(super) fn behind(mut self, rows: u64) -> Self {
        self.first_row += rows;
        self
    }

    /// Each row's number and its eight percentages.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &[f32; 8])> {
        let (vectors, _) = self.values.as_chunks::<8>();
        (self.first_row..).zip(vectors)
    }

    /// The same without the songs that are silent, whose percentages mean nothing.
    pub fn audible(&self) -> impl Iterator<Item = (u64, &[f32; 8])> {
        self.iter()
            .zip(&self.silent)
            .filter_map(|(row, silent)| (!silent).then_some(row))
    }
}

fn read_info(path: &Path, metadata: &ArrowReaderMetadata) -> Result<LibraryInfo, LibraryError> {
    let json = metadata
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .into_iter()
        .flatten()
        .find(|pair| pair.key == FOOTER_KEY)
        .and_then(|pair| pair.value.as_deref())
        .ok_or_else(|| LibraryError::NotALibrary {
            path: path.to_owned(),
        })?;
    let footer_error = |source| LibraryError::Footer {
        path: path.to_owned(),
        source,
    };
    // The version first: the rest may look different in a newer format.
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }
    let Version { format_version } = serde_json::from_str(json).map_err(footer_error)?;
    if format_version > FORMAT_VERSION {
        return Err(LibraryError::Version {
            path: path.to_owned(),
            found: format_version,
            supported: FORMAT_VERSION,
        });
    }
    let info: LibraryInfo = serde_json::from_str(json).map_err(footer_error)?;
    let expected = expected_labels();
    if info.labels != expected {
        return Err(LibraryError::Labels {
            path: path.to_owned(),
            expected,
            found: info.labels,
        });
    }
    Ok(info)
}

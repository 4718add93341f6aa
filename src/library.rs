//! The library: one or several Parquet files with a row for each song, and a description of how they were made.
//!
//! [`Library`] reads them as one, [`LibraryWriter`] writes one file; [`Song`] is a row, [`LibraryInfo`] the description.
//! DuckDB, pyarrow, Polars and pandas read the same files.

mod arrays;
mod cell;
mod compact;
mod failed;
mod file;
mod info;
mod path_map;
mod read;
mod song;
#[cfg(test)]
pub(crate) mod test_songs;
#[cfg(test)]
mod tests;
mod version1;
mod writer;

pub(crate) use arrays::canonical;
pub(crate) use cell::Cell;
pub(crate) use compact::compact;
pub(crate) use failed::ERROR;
pub(crate) use file::{Group, LibraryFile, open_file};
pub(crate) use info::{FORMAT_VERSION, INFO_KEY, track_name};
pub use info::{FailedFile, LibraryInfo, ModelStamp};
pub(crate) use path_map::{PathMap, Renaming, is_windows_path};
pub(crate) use read::{caught, flat_numbers};
pub use song::{Column, Columns, Micros, Song};
pub(crate) use song::{absolute, path_bytes, path_of, schema};
pub use writer::LibraryWriter;
pub(crate) use writer::{ROW_GROUP_BYTES, parquet_properties, resolve_target};

use crate::error::{Context, Error, ErrorKind, Result};
use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::RowSelection;
use rayon::prelude::*;
use std::{
    collections::HashSet,
    ffi::OsStr,
    fs, iter,
    path::{Path, PathBuf},
};

/// One or several Parquet files whose rows follow one another, all made by the same model. Rows are read on demand, some thousand
/// at a time.
#[derive(Debug)]
pub struct Library {
    name: String,
    files: Vec<LibraryFile>,
}

impl Library {
    /// Opens a library file, or a directory as [`open_all`](Self::open_all) does.
    ///
    /// # Errors
    /// Those of [`open_all`](Self::open_all).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_all(&[path])
    }

    /// Opens several libraries as one, in the given order. A directory means the `.parquet` files in it (not in its
    /// subdirectories, without hidden ones), sorted by name. A file that is named twice is read once.
    ///
    /// Any Parquet file with the columns `path` and `emotions` (lists of eight numbers) can be opened. If another program
    /// dropped the description, the model is unknown: see [`is_model_known`](Self::is_model_known). Rows with a text in a column
    /// `error` are no songs but [`failures`](Self::failures).
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if a file cannot be opened, [`ErrorKind::Library`] if it is not a library, is damaged, was written by a
    /// newer version, or was made by another model than the first.
    pub fn open_all<P: AsRef<Path>>(paths: &[P]) -> Result<Self> {
        let mut files: Vec<LibraryFile> = Vec::new();
        let mut seen = HashSet::new();
        let mut rows = 0;
        for path in paths.iter().map(AsRef::as_ref) {
            for path in library_files(path)? {
                if !seen.insert(fs::canonicalize(&path).unwrap_or_else(|_| path.clone())) {
                    continue;
                }
                let file = LibraryFile::open(&path, files.len(), rows)?;
                if let Some(first) = files.first()
                    && !first.info().is_comparable(file.info())
                {
                    let message = format!(
                        "made by model {}, but {} by model {}: their vectors are not comparable; analyze the music of one \
                         again with the model of the other",
                        file.info().description(),
                        first.path().display(),
                        first.info().description()
                    );
                    return Err(Error::new(ErrorKind::Library, message).with_path(path));
                }
                rows += file.rows();
                files.push(file);
            }
        }
        let Some(first) = paths.first().filter(|_| !files.is_empty()) else {
            return Err(Error::new(ErrorKind::Library, "no library was given"));
        };
        let first = first.as_ref().display();
        let name = match paths.len() {
            1 => first.to_string(),
            several => format!("{first} and {} more", several - 1),
        };
        Ok(Self { name, files })
    }

    /// The files, at least one.
    pub fn files(&self) -> &[LibraryFile] {
        &self.files
    }

    /// The path that was given, or the first one and the number of further ones.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The description of the first file; the model is that of all.
    pub fn info(&self) -> &LibraryInfo {
        // There is at least one file.
        self.files[0].info()
    }

    /// Whether the files name the model that made them. Those that another program wrote may not.
    pub fn is_model_known(&self) -> bool {
        !self.info().model.identity.is_empty()
    }

    /// Whether all files have a column. If not, it reads as null, or as zero where it cannot be null.
    pub fn has(&self, column: Column) -> bool {
        self.files.iter().all(|file| file.has(column))
    }

    /// Whether the songs have [`Song::felt`], which the first one tells: a library has one model.
    pub fn has_felt(&self) -> bool {
        let first = self.songs_at(&[0], Columns::of(&[Column::Felt]));
        self.has(Column::Felt)
            && self.rows() > 0
            && first.is_ok_and(|songs| songs.iter().all(|song| song.felt.is_some()))
    }

    /// Number of songs.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(LibraryFile::rows).sum()
    }

    /// Maps the paths of the songs from now on. Returns the FROM of every renaming that fits no song.
    ///
    /// # Errors
    /// [`ErrorKind::Library`] if the paths cannot be read.
    pub(crate) fn map_paths(&mut self, map: &PathMap) -> Result<Vec<String>> {
        let songs = self.songs(Columns::of(&[Column::Path]));
        let unused = map.unused(songs.map(|song| Ok(song?.path)))?;
        for file in &mut self.files {
            file.paths = map.clone();
        }
        Ok(unused)
    }

    /// The renamings of the songs' paths.
    pub(crate) fn paths(&self) -> &PathMap {
        // There is at least one file.
        &self.files[0].paths
    }

    /// The files that could not be analyzed, sorted by path.
    pub fn failures(&self) -> Vec<FailedFile> {
        let files = self.files.iter();
        let mut failures: Vec<FailedFile> = files
            .flat_map(|file| file.info().failures.iter().cloned())
            .collect();
        failures.sort_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
        failures
    }

    /// Numbers in each embedding, 0 if no file has any.
    ///
    /// # Errors
    /// [`ErrorKind::Library`] if the first row cannot be read.
    pub fn embedding_length(&self) -> Result<usize> {
        for file in &self.files {
            if let Some(length) = file.embedding_length().filter(|length| *length > 0) {
                return Ok(length);
            }
            // Other programs give lists no fixed length.
            let mut songs = self.read(file.groups(), Columns::of(&[Column::Embedding]));
            if let Some(song) = songs.next() {
                return Ok(song?.embedding.len());
            }
        }
        Ok(0)
    }

    /// Every song, in the order of the rows. Fields whose column is not among `columns` are empty.
    ///
    /// # Errors
    /// Each item [`ErrorKind::Library`] if the file or the row is damaged.
    pub fn songs(&self, columns: Columns) -> impl Iterator<Item = Result<Song>> + '_ {
        self.read(self.groups(), columns)
    }

    fn read<'a>(
        &'a self,
        groups: impl Iterator<Item = Group> + 'a,
        columns: Columns,
    ) -> impl Iterator<Item = Result<Song>> + 'a {
        let batches = groups.flat_map(move |group| self.batches(&group, columns, None));
        batches.flat_map(move |batch| {
            let songs = batch
                .and_then(|(first_row, batch)| self.file_of(first_row).songs_of(first_row, &batch));
            match songs {
                Ok(songs) => songs.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }
        })
    }

    /// The songs of some rows (counted from 0 through all files), in the order in which they are named. Only the pages that hold
    /// them are read, and several row groups at once.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if there is no such row, [`ErrorKind::Library`] if the file or the row is damaged.
    pub fn songs_at(&self, rows: &[u64], columns: Columns) -> Result<Vec<Song>> {
        self.map_at(rows, columns, |song| song)
    }

    /// What `of` makes of the songs of some rows, which are read as [`songs_at`](Self::songs_at) reads them.
    ///
    /// # Errors
    /// Those of [`songs_at`](Self::songs_at).
    pub(crate) fn map_at<T: Clone + Send>(
        &self,
        rows: &[u64],
        columns: Columns,
        of: impl Fn(Song) -> T + Sync,
    ) -> Result<Vec<T>> {
        let mut wanted = rows.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        if let Some(row) = wanted.last().filter(|row| **row >= self.rows()) {
            let message = format!("there is no row {row} in a library of {}", self.rows());
            return Err(Error::invalid(message).with_path(&self.name));
        }
        let mut rest = wanted.as_slice();
        let mut work: Vec<(Group, RowSelection)> = Vec::new();
        for group in self.groups() {
            let end = group.first_row + group.rows;
            let (here, later) = rest.split_at(rest.partition_point(|row| *row < end));
            rest = later;
            if !here.is_empty() {
                let single = here.iter().map(|row| (row - group.first_row) as usize);
                let ranges = single.map(|row| row..row + 1);
                let total = usize::try_from(group.rows).unwrap_or(usize::MAX);
                let selection = RowSelection::from_consecutive_ranges(ranges, total);
                work.push((group, selection));
            }
        }
        let found: Vec<Vec<T>> = work
            .into_par_iter()
            .map(|(group, selection)| {
                let mut songs = Vec::new();
                let file = &self.files[group.file];
                for batch in self.batches(&group, columns, Some(selection)) {
                    let some = file.songs_of(group.first_row, &batch?.1)?;
                    songs.extend(some.into_iter().map(&of));
                }
                Ok(songs)
            })
            .collect::<Result<_>>()?;
        let found: Vec<T> = found.into_iter().flatten().collect();
        let find = |row| found.get(wanted.binary_search(row).ok()?).cloned();
        Ok(rows.iter().filter_map(find).collect())
    }

    /// The row groups of all files, in the order of the rows.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Group> + '_ {
        self.files.iter().flat_map(LibraryFile::groups)
    }

    /// Some columns of a row group, or of some of its rows, in batches of canonical types ([`Column::data_type`]), each with the
    /// number of its first row (meaningless where rows are selected).
    pub(crate) fn batches(
        &self,
        group: &Group,
        columns: Columns,
        selection: Option<RowSelection>,
    ) -> Box<dyn Iterator<Item = Result<(u64, RecordBatch)>> + Send + '_> {
        match read::Batches::new(&self.files[group.file], group, columns, selection) {
            Ok(batches) => Box::new(batches),
            Err(error) => Box::new(iter::once(Err(error))),
        }
    }

    /// The file that holds a row.
    pub(crate) fn file_of(&self, row: u64) -> &LibraryFile {
        // Files without rows begin where the next one does: the last file that begins here holds the row.
        let after = self.files.partition_point(|file| file.first_row() <= row);
        &self.files[after.saturating_sub(1)]
    }
}

/// The file itself, or the libraries in a directory.
pub(crate) fn library_files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).context_at(ErrorKind::Io, path, "cannot read the directory")? {
        let entry = entry.context_at(ErrorKind::Io, path, "cannot read the directory")?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let file = entry.path();
        if !hidden && file.extension() == Some(OsStr::new("parquet")) {
            files.push(file);
        }
    }
    if files.is_empty() {
        let message = "expected a directory with libraries (.parquet files), found none";
        return Err(Error::new(ErrorKind::Library, message).with_path(path));
    }
    files.sort();
    Ok(files)
}

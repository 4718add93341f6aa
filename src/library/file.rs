//! One Parquet file of a library.

use super::{
    Column, FORMAT_VERSION, INFO_KEY, LibraryInfo, PathMap, Song,
    arrays::absent,
    canonical,
    failed::{self, Failed},
    read::caught,
    version1,
};
use crate::{
    emotion::Emotion,
    error::{Context, Error, ErrorKind, Result},
};
use arrow_array::RecordBatch;
use arrow_schema::DataType;
use parquet::{
    arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection},
    errors::ParquetError,
    file::{
        metadata::PageIndexPolicy,
        reader::{ChunkReader, Length},
    },
};
use prost::bytes::Bytes;
use serde::Deserialize;
use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

const CANNOT_READ: &str = "cannot read the library";

/// One file of a [`Library`](super::Library), its description and columns checked.
#[derive(Debug)]
pub struct LibraryFile {
    path: PathBuf,
    pub(super) file: SharedFile,
    pub(super) metadata: ArrowReaderMetadata,
    info: LibraryInfo,
    embedding_length: Option<usize>,
    number: usize,
    first_row: u64,
    pub(super) paths: PathMap,
    /// The songs of each row group, if the file has a column `error`; `None` where all rows are songs.
    songs: Vec<Option<RowSelection>>,
}

/// Rows that are stored together: what one thread reads at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    /// Place of its file in the library.
    pub file: usize,
    /// Its place in the file.
    pub number: usize,
    /// Its first row, counted through all files.
    pub first_row: u64,
    /// Number of its songs.
    pub rows: u64,
}

impl LibraryFile {
    pub(super) fn open(path: &Path, number: usize, first_row: u64) -> Result<Self> {
        let shared = |file| SharedFile::new(file).context_at(ErrorKind::Io, path, CANNOT_READ);
        let file = open_file(path, "library").and_then(shared)?;
        let load = || {
            let options =
                ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Optional);
            let stored = ArrowReaderMetadata::load(&file, options.clone())?;
            // The types of the Parquet file are fewer than those of Arrow that other programs store beside them.
            let plain = options.with_skip_arrow_metadata(true);
            Ok((
                ArrowReaderMetadata::try_new(stored.metadata().clone(), plain)?,
                stored,
            ))
        };
        let (metadata, stored) = caught(load).context_at(
            ErrorKind::Library,
            path,
            "expected a Parquet file, found another format or a damaged one; make a library with `circumplex analyze`",
        )?;
        let schema = stored.schema();
        let embedding_length = match schema.field_with_name(Column::Embedding.name()) {
            Ok(field) => match field.data_type() {
                DataType::FixedSizeList(_, length) => usize::try_from(*length).ok(),
                _ => None,
            },
            Err(_) => Some(0),
        };
        let mut info = match schema.metadata().get(INFO_KEY) {
            Some(json) => read_info(path, json)?,
            None => LibraryInfo::unknown(),
        };
        let failed = caught(|| failed::find(&file, &metadata));
        let Failed { songs, files } = failed.context_at(ErrorKind::Library, path, CANNOT_READ)?;
        info.failures.extend(files);
        let library = Self {
            info,
            songs,
            path: path.to_owned(),
            file,
            metadata,
            embedding_length,
            number,
            first_row,
            paths: PathMap::default(),
        };
        library.check_columns(schema.metadata().contains_key(INFO_KEY))?;
        Ok(library)
    }

    /// Every column that is there must be convertible to its type; only `path` and `emotions` are indispensable.
    fn check_columns(&self, is_described: bool) -> Result<()> {
        for column in [Column::Path, Column::Emotions].map(Column::name) {
            if !self.stores(column) {
                return Err(self.error(match is_described {
                    true => format!("the column `{column}` is missing; analyze the music again"),
                    false => format!(
                        "a Parquet file, but not a library: it lacks the column `{column}`; make a library with `circumplex analyze`"
                    ),
                }));
            }
        }
        for column in Column::ALL {
            let Ok(field) = self.metadata.schema().field_with_name(column.name()) else {
                continue;
            };
            let wanted = column.data_type(0);
            if canonical(&absent(field.data_type(), true, 0), &wanted).is_none() {
                return Err(self.error(format!(
                    "expected the column `{}` as {wanted}, found {}; analyze the music again",
                    column.name(),
                    field.data_type()
                )));
            }
        }
        Ok(())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its description.
    pub fn info(&self) -> &LibraryInfo {
        &self.info
    }

    /// Whether the file has a column; for the facts that version 1 kept as a note, whether it has notes.
    pub fn has(&self, column: Column) -> bool {
        self.stores(column.name()) || self.is_version_1() && version1::FACTS.contains(&column)
    }

    pub(super) fn stores(&self, name: &str) -> bool {
        self.metadata.schema().field_with_name(name).is_ok()
    }

    /// Whether the facts of each song are a note, as in version 1.
    pub(super) fn is_version_1(&self) -> bool {
        self.stores(version1::NOTE) && !self.stores(Column::Silent.name())
    }

    /// Number of songs.
    pub fn rows(&self) -> u64 {
        self.groups().map(|group| group.rows).sum()
    }

    /// Number of songs in the files before this one.
    pub(super) fn first_row(&self) -> u64 {
        self.first_row
    }

    /// Numbers in each embedding; `None` if only the rows tell.
    pub(super) fn embedding_length(&self) -> Option<usize> {
        self.embedding_length
    }

    /// The rows of a row group that are songs; `None` if all are.
    pub(super) fn songs_in(&self, group: usize) -> Option<&RowSelection> {
        self.songs.get(group)?.as_ref()
    }

    /// The row groups, in the order of the rows.
    pub(super) fn groups(&self) -> impl Iterator<Item = Group> + '_ {
        let mut first_row = self.first_row;
        let groups = self.metadata.metadata().row_groups().iter().enumerate();
        groups.map(move |(number, group)| {
            let rows = match self.songs_in(number) {
                Some(songs) => songs.row_count() as u64,
                None => u64::try_from(group.num_rows()).unwrap_or(0),
            };
            first_row += rows;
            Group {
                file: self.number,
                number,
                first_row: first_row - rows,
                rows,
            }
        })
    }

    /// The songs of a batch of this file, their paths mapped.
    pub(crate) fn songs_of(&self, first_row: u64, batch: &RecordBatch) -> Result<Vec<Song>> {
        let song = |row| {
            let song = Song::decode(batch, row);
            let mut song = song.map_err(|column| self.missing(first_row + row as u64, column))?;
            if !self.paths.is_empty() {
                song.path = self.paths.map(&song.path).into_owned();
            }
            Ok(song)
        };
        (0..batch.num_rows()).map(song).collect()
    }

    /// The error of a row without a valid value.
    pub(super) fn missing(&self, row: u64, column: &str) -> Error {
        self.error(format!(
            "row {row} (counted from 0) has no valid `{column}`; analyze the music again"
        ))
    }

    /// An error about the file's content.
    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Library, message).with_path(&self.path)
    }

    /// The error of a file that cannot be read or decoded.
    pub(super) fn read_error(
        &self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        self.error(CANNOT_READ).with_source(source)
    }
}

/// Opens a regular file; `content` is for the message.
pub(crate) fn open_file(path: &Path, content: &str) -> Result<File> {
    // Opening a pipe would wait for its writer.
    let opened = fs::metadata(path).and_then(|metadata| match metadata.is_file() {
        true => File::open(path),
        false => Err(io::Error::other(
            "expected a file, found a directory, device or pipe",
        )),
    });
    opened.context_at(ErrorKind::Io, path, format!("cannot open the {content}"))
}

fn read_info(path: &Path, json: &str) -> Result<LibraryInfo> {
    let refused = |message| Error::new(ErrorKind::Library, message).with_path(path);
    let damaged = |error: serde_json::Error| {
        let problem = "is damaged; analyze the music again";
        refused(format!(
            "the description under the key `{INFO_KEY}` {problem}"
        ))
        .with_source(error)
    };
    // The version first: the rest may look different in a newer format.
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }
    let Version { format_version } = serde_json::from_str(json).map_err(damaged)?;
    if format_version > FORMAT_VERSION {
        return Err(refused(format!(
            "format version {format_version}, but this circumplex reads versions up to {FORMAT_VERSION}; update circumplex or \
             analyze the music again"
        )));
    }
    let info: LibraryInfo = serde_json::from_str(json).map_err(damaged)?;
    let expected = Emotion::ALL.map(Emotion::name);
    if info.labels != expected {
        return Err(refused(format!(
            "expected the emotions {expected:?}, found {:?}; analyze the music again",
            info.labels
        )));
    }
    Ok(info)
}

/// A file without a position of its own: clones read it from several threads at once, which those of a [`File`] cannot.
#[derive(Debug, Clone)]
pub(super) struct SharedFile {
    file: Arc<File>,
    length: u64,
}

impl SharedFile {
    fn new(file: File) -> io::Result<Self> {
        Ok(Self {
            length: file.metadata()?.len(),
            file: Arc::new(file),
        })
    }
}

impl Length for SharedFile {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for SharedFile {
    type T = BufReader<ReadFrom>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        let reader = ReadFrom {
            file: self.file.clone(),
            position: start,
        };
        // Mostly the head of a page is read this way.
        Ok(BufReader::with_capacity(512, reader))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        // A damaged footer may ask for any length.
        if start
            .checked_add(length as u64)
            .is_none_or(|end| end > self.length)
        {
            return Err(ParquetError::EOF(format!(
                "expected {length} bytes at {start} of a file of {}",
                self.length
            )));
        }
        let mut bytes = vec![0; length];
        let mut reader = ReadFrom {
            file: self.file.clone(),
            position: start,
        };
        reader.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// Reads from a position on.
pub(super) struct ReadFrom {
    file: Arc<File>,
    position: u64,
}

impl Read for ReadFrom {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        use std::os::unix::fs::FileExt;
        #[cfg(windows)]
        use std::os::windows::fs::FileExt;
        #[cfg(unix)]
        let count = self.file.read_at(buffer, self.position)?;
        #[cfg(windows)]
        let count = self.file.seek_read(buffer, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

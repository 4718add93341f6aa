//! Songs in other formats: one writer per format, for `query`, `export` and `cluster`.
//!
//! An [`Export`] reads the library song by song and hands each to the writer of the format, so that memory does not grow with the
//! number of songs. A file replaces the old one only when it is complete.

mod columnar;
mod columns;
mod format;
mod hugging_face;
mod numpy;
pub(crate) mod playlist;
mod sqlite;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use crate::library::Cell;
pub(crate) use columns::Field;
pub(crate) use format::Format;
pub(crate) use numpy::npy_header;

use crate::{
    Error, ErrorKind, Result,
    atomic_file::PendingFile,
    error::Context,
    library::{Column, Library, LibraryInfo, Song, resolve_target},
    search::MeanEmotions,
};
use arrow_schema::DataType;
use playlist::Paths;
use std::{
    borrow::Cow,
    error::Error as StdError,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// The key of the description in the metadata of Parquet and Arrow files: model, preprocessing, emotions and program as JSON.
pub(crate) const METADATA_KEY: &str = "circumplex_export";

/// Name and version of this program.
const PROGRAM: &str = concat!("circumplex ", env!("CARGO_PKG_VERSION"));

/// The writer of a format.
pub(crate) trait Sink {
    /// Adds a song with the values of the fields that the library does not have.
    fn row(&mut self, song: Song, extra: Vec<Cell<'static>>) -> Result<()>;

    /// Completes the files and moves them to their paths, which it returns.
    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>>;

    /// Number of songs skipped because of a limit.
    fn skipped(&self) -> u64 {
        0
    }
}

/// The fields of the output and the description of where the numbers come from.
#[derive(Clone)]
pub(crate) struct Layout<'a> {
    pub(crate) fields: Vec<Field>,
    /// Length of the model's embedding.
    pub(crate) embedding: usize,
    /// Whether the windows of timelines have what is felt.
    pub(crate) has_felt: bool,
    pub(crate) info: &'a LibraryInfo,
    /// How playlists name their files.
    pub(crate) paths: Paths,
}

impl Layout<'_> {
    fn has(&self, column: Column) -> bool {
        self.fields.contains(&Field::Of(column))
    }

    fn metadata(&self) -> (String, String) {
        let description = serde_json::json!({
            "model": self.info.model,
            "preprocessing": self.info.preprocessing,
            "emotions": self.info.labels,
            "program": PROGRAM,
        });
        (METADATA_KEY.to_owned(), description.to_string())
    }
}

/// Makes the writer of a format.
///
/// # Errors
/// Where the format cannot hold a field, needs a file, or the file cannot be created.
pub(crate) fn sink(format: Format, to: Destination, layout: Layout<'_>) -> Result<Box<dyn Sink>> {
    let path = match to {
        to if format.is_text() => return Ok(Box::new(text::TextSink::create(format, to, layout)?)),
        Destination::Path(path) => path,
        Destination::Stream(_) => {
            let message = format!(
                "{format} needs a file; name one with -o (csv, json, jsonl and playlists can go to standard output)"
            );
            return Err(Error::invalid(message));
        }
    };
    Ok(match format {
        Format::Numpy => Box::new(numpy::NumpySink::create(&path, layout)?),
        Format::Sqlite => Box::new(sqlite::SqliteSink::create(&path, layout)?),
        Format::HuggingFace => Box::new(hugging_face::HuggingFaceSink::create(&path, layout)?),
        _ => Box::new(columnar::ColumnarSink::create(format, &path, layout)?),
    })
}

/// Where the output goes.
pub(crate) enum Destination {
    /// A file, or a directory for `huggingface` and the playlists of [`Export`].
    Path(PathBuf),
    /// A stream, such as standard output.
    Stream(Box<dyn Write + Send>),
}

/// A column that the library does not have.
pub(crate) struct Extra {
    pub(crate) name: Cow<'static, str>,
    pub(crate) data_type: DataType,
    /// A value for each row of the library.
    pub(crate) values: Vec<Cell<'static>>,
}

impl Extra {
    /// Its field, if it is the value at index `number` of each song.
    pub(crate) fn field(&self, number: usize) -> Field {
        Field::extra(self.name.clone(), self.data_type.clone(), number)
    }
}

/// The export of a library.
pub(crate) struct Export<'a> {
    library: &'a Library,
    /// The columns, in their order. Some formats add those that they need.
    pub columns: Vec<Field>,
    /// Further columns after those.
    pub(crate) extra: Vec<Extra>,
    /// Skip silent songs, whose numbers mean nothing.
    pub skip_silent: bool,
    /// Playlists: the maximum number of songs of each, the best ones.
    pub list_limit: usize,
    /// Playlists: paths relative to their directory.
    pub relative_paths: bool,
    /// The strongest emotion is the one that a song has most of relative to this mean.
    pub relative_to: Option<MeanEmotions>,
}

/// The result of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// Number of songs read.
    pub rows: u64,
    /// The files, or the directory.
    pub files: Vec<PathBuf>,
    /// Number of songs beyond the limit of their playlist.
    pub skipped: u64,
}

impl<'a> Export<'a> {
    /// Exports all songs with the default columns.
    pub(crate) fn new(library: &'a Library) -> Self {
        Self {
            library,
            columns: Field::default_columns(library.has_felt()),
            extra: Vec::new(),
            skip_silent: false,
            list_limit: 10_000,
            relative_paths: false,
            relative_to: None,
        }
    }

    /// Writes the songs and reports progress as the number of songs so far. Playlists are a directory with one for each emotion.
    ///
    /// # Errors
    /// Where there is no song, the format cannot hold a column, the library cannot be read or the output not be written. The old
    /// file stays.
    pub(crate) fn write(
        &self,
        format: Format,
        to: Destination,
        mut on_rows: impl FnMut(u64),
    ) -> Result<Written> {
        let mut fields = self.columns.clone();
        for (number, extra) in self.extra.iter().enumerate() {
            if extra.values.len() as u64 != self.library.rows() {
                let message = format!("`{}` needs a value for each row", extra.name);
                return Err(Error::new(ErrorKind::Internal, message));
            }
            fields.push(extra.field(number));
        }
        for field in &mut fields {
            if let Field::Strongest(relative_to) = field {
                *relative_to = self.relative_to;
            }
        }
        let columns = fields.iter().map(Field::columns);
        let columns = columns.fold(format.columns(), |all, of_field| all.and(of_field));
        let skip_silent = self.skip_silent || format.is_playlist();
        let songs = self.library.songs(columns).enumerate();
        let mut songs = songs
            .filter(|(_, song)| !(skip_silent && song.as_ref().is_ok_and(|song| song.silent)))
            .peekable();
        if songs.peek().is_none() {
            let message = match self.library.rows() {
                0 => "no song to export: the library is empty; fill it with `circumplex analyze`",
                _ => "no song to export: all songs are silent",
            };
            return Err(Error::invalid(message).with_path(self.library.name()));
        }
        if let Destination::Path(path) = &to {
            refuse_library(path)?;
        }
        let layout = Layout {
            fields,
            embedding: self.library.embedding_length()?,
            has_felt: self.library.has_felt(),
            info: self.library.info(),
            paths: Paths::Absolute,
        };
        let mut sink: Box<dyn Sink> = match to {
            Destination::Path(directory) if format == Format::Nsp => {
                Box::new(playlist::SmartLists::create(directory, self.list_limit)?)
            }
            Destination::Path(directory) if format.is_playlist() => {
                Box::new(playlist::EmotionLists::create(
                    format,
                    &directory,
                    self.list_limit,
                    self.relative_paths,
                    self.relative_to,
                )?)
            }
            to => sink(format, to, layout)?,
        };
        let mut rows = 0;
        for (row, song) in songs {
            let extra = self.extra.iter().filter_map(|extra| extra.values.get(row));
            sink.row(song?, extra.cloned().collect())?;
            rows += 1;
            on_rows(rows);
        }
        Ok(Written {
            rows,
            skipped: sink.skipped(),
            files: sink.finish()?,
        })
    }
}

/// An export never replaces a library.
fn refuse_library(path: &Path) -> Result<()> {
    let target = resolve_target(path).unwrap_or_else(|_| path.to_owned());
    if target.is_file() && Library::open(&target).is_ok() {
        let message = "is a library, which an export would destroy; give another name with -o";
        return Err(Error::invalid(message).with_path(path));
    }
    Ok(())
}

/// A file that appears once it is complete, or a stream.
struct Out {
    writer: BufWriter<Box<dyn Write + Send>>,
    pending: Option<PendingFile>,
}

impl Out {
    fn file(path: &Path) -> Result<Self> {
        Self::new(Destination::Path(path.to_owned()))
    }

    fn new(to: Destination) -> Result<Self> {
        let (writer, pending): (Box<dyn Write + Send>, _) = match to {
            Destination::Path(path) => {
                let pending = PendingFile::create(&path)?;
                let file = pending.file().try_clone().map_err(|e| pending.error(e))?;
                (Box::new(file), Some(pending))
            }
            Destination::Stream(stream) => (stream, None),
        };
        Ok(Self {
            writer: BufWriter::new(writer),
            pending,
        })
    }

    fn error(&self, source: io::Error) -> Error {
        match &self.pending {
            Some(pending) => pending.error(source),
            None => {
                Error::new(ErrorKind::Io, "cannot write to standard output").with_source(source)
            }
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(|e| self.error(e))
    }

    /// Moves the file to its path and returns that; nothing for a stream.
    fn finish(mut self) -> Result<Vec<PathBuf>> {
        self.writer.flush().map_err(|e| self.error(e))?;
        // Closed before the rename, as some systems demand.
        drop(self.writer);
        self.pending.into_iter().map(PendingFile::commit).collect()
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The error of another crate's writer.
fn encoded<T, E: StdError + Send + Sync + 'static>(
    result: std::result::Result<T, E>,
    path: &Path,
    format: Format,
) -> Result<T> {
    result.context_at(
        ErrorKind::Io,
        path,
        format!("cannot be written as {format}"),
    )
}

//! Music in rows of Arrow batches: paths or contents in, the library's columns and `error` out.

use crate::{
    AnalyzeOptions, Error, ErrorKind, Library, LibraryInfo, Model, Result, Song,
    error::Context,
    library::{Column, Columns, ERROR, Group, INFO_KEY, path_bytes, path_of},
    scan::{analyze_content, analyze_path, library_info, reason},
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, RecordBatch, RecordBatchReader, StringArray, UInt32Array,
    cast::AsArray, new_null_array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use arrow_select::take::take;
use rayon::prelude::*;
use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    vec,
};

/// The columns of a batch of music.
const PATH: &str = "path";
const CONTENT: &str = "content";

/// A music file to analyze.
#[derive(Debug, Clone, PartialEq)]
pub enum Source<'a> {
    /// A file to read.
    File(PathBuf),
    /// The content of a file, and the path that its row gets.
    Content(Option<PathBuf>, &'a [u8]),
    /// A row that has neither.
    Missing(Option<PathBuf>),
}

/// The rows of a batch with a column `path` (text or binary), `content` (binary), or both. With `content`, no file is read, and
/// `path` is a name.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] if the batch has neither column, or one has another type.
pub fn sources(batch: &RecordBatch) -> Result<Vec<Source<'_>>> {
    let column = |name| {
        let column = batch.column_by_name(name);
        column.map(|array| bytes_of(name, array)).transpose()
    };
    let (paths, contents) = (column(PATH)?, column(CONTENT)?);
    if paths.is_none() && contents.is_none() {
        let schema = batch.schema();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        return Err(Error::invalid(format!(
            "expected a column `{PATH}` (text) or `{CONTENT}` (binary), found {names:?}"
        )));
    }
    let source = |row: usize| {
        let path = paths.as_ref().and_then(|paths| paths[row]);
        let path =
            path.map(|path| path_of(String::from_utf8_lossy(path).into(), Some(path.to_vec())));
        match (path, contents.as_ref().map(|contents| contents[row])) {
            (path, Some(Some(content))) => Source::Content(path, content),
            (Some(path), None) => Source::File(path),
            (path, _) => Source::Missing(path),
        }
    };
    Ok((0..batch.num_rows()).map(source).collect())
}

/// The bytes of each value.
fn bytes_of<'a>(name: &str, array: &'a ArrayRef) -> Result<Vec<Option<&'a [u8]>>> {
    fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> Vec<Option<&'a [u8]>> {
        values.map(|text| text.map(str::as_bytes)).collect()
    }
    Ok(match array.data_type() {
        DataType::Utf8 => texts(array.as_string::<i32>().iter()),
        DataType::LargeUtf8 => texts(array.as_string::<i64>().iter()),
        DataType::Utf8View => texts(array.as_string_view().iter()),
        DataType::Binary => array.as_binary::<i32>().iter().collect(),
        DataType::LargeBinary => array.as_binary::<i64>().iter().collect(),
        DataType::BinaryView => array.as_binary_view().iter().collect(),
        DataType::Null => vec![None; array.len()],
        other => {
            return Err(Error::invalid(format!(
                "expected text or binary in the column `{name}`, found {other}"
            )));
        }
    })
}

/// The outcome of one file.
#[derive(Debug, Clone)]
pub struct Row {
    path: Option<PathBuf>,
    song: Result<Box<Song>, String>,
}

impl Row {
    /// A file that failed.
    pub(super) fn failed(path: Option<PathBuf>, reason: String) -> Self {
        Self {
            path,
            song: Err(reason),
        }
    }
}

/// Analyzes one file on this thread. Whatever is wrong with it is in the row.
pub fn analyze(source: &Source<'_>, model: &Model, options: &AnalyzeOptions) -> Row {
    let (path, song) = match source {
        Source::File(path) => (Some(path), analyze_path(path, model, options)),
        Source::Content(path, content) => {
            let name = path.as_deref().unwrap_or(Path::new(""));
            let song = analyze_content(name, content, model, options);
            (path.as_ref(), song)
        }
        Source::Missing(path) => {
            let missing = match path {
                Some(_) => "no content; was it downloaded?",
                None => "neither path nor content",
            };
            (path.as_ref(), Err(Error::invalid(missing)))
        }
    };
    Row {
        path: path.cloned(),
        song: song.map(Box::new).map_err(|error| reason(&error)),
    }
}

/// Analyzes files on `threads` threads; the rows have their order. When `stop` is set, files in progress are finished.
///
/// # Errors
/// [`ErrorKind::Interrupted`] if `stop` was set, [`ErrorKind::InvalidInput`] if the threads cannot be started.
pub fn analyze_all(
    sources: &[Source<'_>],
    threads: NonZeroUsize,
    model: &Model,
    options: &AnalyzeOptions,
    stop: &AtomicBool,
) -> Result<Vec<Row>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get());
    let pool = pool.build().context(
        ErrorKind::InvalidInput,
        format!("cannot start {threads} threads; use fewer"),
    )?;
    let row = |source| match stop.load(Ordering::Relaxed) {
        true => None,
        false => Some(analyze(source, model, options)),
    };
    let rows: Option<Vec<Row>> =
        pool.install(|| sources.par_iter().with_max_len(1).map(row).collect());
    rows.ok_or_else(|| Error::new(ErrorKind::Interrupted, "interrupted"))
}

/// Rows as a batch: the library's columns, null where a file failed, and `error`. The schema's metadata names the model, as in a
/// library file.
///
/// # Errors
/// [`ErrorKind::Internal`] if the arrays do not fit, or are too large.
pub fn batch_of(rows: &[Row], model: &Model, options: &AnalyzeOptions) -> Result<RecordBatch> {
    let embedding = model.metadata().embedding;
    batch(
        rows,
        embedding,
        schema(embedding, &library_info(model, options)),
    )
    .context(ErrorKind::Internal, TOO_LARGE)
}

const TOO_LARGE: &str = "cannot make an Arrow batch; analyze fewer files at once";

fn batch(rows: &[Row], embedding: usize, schema: SchemaRef) -> Result<RecordBatch, ArrowError> {
    let songs: Vec<Song> = rows
        .iter()
        .filter_map(|row| Some(row.song.as_deref().ok()?.clone()))
        .collect();
    let mut next = 0..;
    let places = rows.iter().map(|row| match row.song {
        Ok(_) => next.next(),
        Err(_) => None,
    });
    let places: UInt32Array = places.collect();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for column in Column::ALL {
        arrays.push(match column {
            Column::Path => {
                let paths = rows.iter().map(|row| row.path.as_deref());
                let texts = paths.map(|path| path.map(Path::to_string_lossy));
                Arc::new(texts.collect::<StringArray>())
            }
            Column::PathBytes => {
                let paths = rows.iter().map(|row| row.path.as_deref());
                let bytes = paths.map(|path| path.and_then(path_bytes));
                Arc::new(bytes.collect::<BinaryArray>())
            }
            column if songs.is_empty() => new_null_array(&column.data_type(embedding), rows.len()),
            column => take(&column.encode(&songs, embedding)?, &places, None)?,
        });
    }
    let errors = rows.iter().map(|row| row.song.as_ref().err());
    arrays.push(Arc::new(errors.collect::<StringArray>()));
    RecordBatch::try_new(schema, arrays)
}

/// The columns of a library, all nullable, and `error`.
fn schema(embedding: usize, info: &LibraryInfo) -> SchemaRef {
    let field = |column: Column| Field::new(column.name(), column.data_type(embedding), true);
    let mut fields = Column::ALL.map(field).to_vec();
    fields.push(Field::new(ERROR, DataType::Utf8, true));
    // Text, numbers and lists of them are always valid JSON.
    let info = serde_json::to_string(info).unwrap_or_default();
    let metadata = HashMap::from([(INFO_KEY.to_owned(), info)]);
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

/// The rows of a library, batch after batch.
pub struct Rows {
    library: Arc<Library>,
    groups: vec::IntoIter<Group>,
    batches: VecDeque<RecordBatch>,
    /// Files that failed, if there is a column `error`; they come last.
    failed: Option<Vec<Row>>,
    embedding: usize,
    schema: SchemaRef,
}

impl Rows {
    /// The songs of a library; and with `failed` a column `error`, and rows for these files after the songs.
    ///
    /// # Errors
    /// [`ErrorKind::Library`] if it cannot be read.
    pub fn new(library: Arc<Library>, failed: Option<Vec<Row>>) -> Result<Self> {
        let embedding = library.embedding_length()?;
        let with_errors = schema(embedding, library.info());
        let songs_only = || {
            let fields = &with_errors.fields()[..Column::ALL.len()];
            Arc::new(Schema::new_with_metadata(
                fields,
                with_errors.metadata().clone(),
            ))
        };
        Ok(Self {
            groups: library.groups().collect::<Vec<_>>().into_iter(),
            batches: VecDeque::new(),
            schema: match failed {
                Some(_) => with_errors,
                None => songs_only(),
            },
            failed,
            embedding,
            library,
        })
    }

    fn read(&mut self) -> Result<Option<RecordBatch>> {
        while self.batches.is_empty() {
            let Some(group) = self.groups.next() else {
                let failed = self.failed.as_mut().map(std::mem::take).unwrap_or_default();
                if failed.is_empty() {
                    return Ok(None);
                }
                let batch = batch(&failed, self.embedding, self.schema.clone());
                return batch.map(Some).context(ErrorKind::Internal, TOO_LARGE);
            };
            for batch in self.library.batches(&group, Columns::ALL, None) {
                self.batches.push_back(batch?.1);
            }
        }
        let Some(songs) = self.batches.pop_front() else {
            return Ok(None);
        };
        let mut arrays = songs.columns().to_vec();
        if self.failed.is_some() {
            arrays.push(new_null_array(&DataType::Utf8, songs.num_rows()));
        }
        let message = "the files of the library have columns of different types";
        let batch = RecordBatch::try_new(self.schema.clone(), arrays);
        let batch = batch.context_at(ErrorKind::Library, self.library.name(), message);
        batch.map(Some)
    }
}

impl Iterator for Rows {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.read();
        next.map_err(|error| ArrowError::ExternalError(error.into()))
            .transpose()
    }
}

impl RecordBatchReader for Rows {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

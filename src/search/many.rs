//! Many questions from a file, their answers into another.

mod questions;
#[cfg(test)]
mod tests;

pub use questions::{Questions, QuestionsError};

use super::{QueryError, Search};
use crate::{
    atomic_file,
    library::{Collection, LibraryError},
};
use arrow::{
    array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray, UInt64Array},
    compute::take,
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::properties::WriterProperties,
};
use std::{
    io::{self, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Answers that are held at once: bounds the memory.
const ANSWERS: usize = 128 * 1024;
/// Questions that are answered at once at most.
const QUESTIONS: usize = 16 * 1024;

/// Many questions could not be answered. No file was written.
#[derive(Debug, thiserror::Error)]
pub enum ManyError {
    /// When the file of questions cannot be used.
    #[error(transparent)]
    Questions(#[from] QuestionsError),
    /// When a question has no answer.
    #[error("the questions from row {first} (counted from 0) of {}", path.display())]
    Query {
        path: PathBuf,
        first: u64,
        #[source]
        source: Box<QueryError>,
    },
    /// When a song of the answer cannot be read.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// When the answers cannot be written.
    #[error("{}: cannot write the answers", path.display())]
    Encode {
        path: PathBuf,
        #[source]
        source: ParquetError,
    },
    /// When the file of answers cannot be put in its place.
    #[error(transparent)]
    Write(#[from] crate::Error),
}

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// Questions.
    pub questions: u64,
    /// Rows that were written, at most `k` a question.
    pub rows: u64,
}

/// Writes the `k` nearest songs of every question as Parquet: `query` (its `id`, or its row counted from 0), `rank` (from 1), `song`
/// (the path) and `similarity`, in the order of the questions. Some thousand questions are answered at a time, each time
/// with one reading of the library.
///
/// # Errors
/// [`ManyError`]; what stood at `output` is then untouched.
pub fn answer_many(
    search: &Search,
    library: &Collection,
    questions: Questions,
    k: NonZeroUsize,
    output: &Path,
) -> Result<Answered, ManyError> {
    let mut result = None;
    let written = atomic_file::write(output, |file| {
        match write(search, library, questions, k, output, file) {
            Ok(answered) => {
                result = Some(Ok(answered));
                Ok(())
            }
            Err(error) => {
                result = Some(Err(error));
                Err(io::Error::other("not all questions have an answer"))
            }
        }
    });
    match result {
        Some(Err(error)) => Err(error),
        Some(Ok(answered)) => {
            written?;
            Ok(answered)
        }
        None => {
            written?;
            Ok(Answered {
                questions: 0,
                rows: 0,
            })
        }
    }
}

fn write(
    search: &Search,
    library: &Collection,
    questions: Questions,
    k: NonZeroUsize,
    output: &Path,
    file: impl Write + Send,
) -> Result<Answered, ManyError> {
    let encode_error = |source| ManyError::Encode {
        path: output.to_owned(),
        source,
    };
    let path = questions.path().to_owned();
    let schema = schema(questions.id_type());
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer =
        ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(encode_error)?;
    let mut answered = Answered {
        questions: 0,
        rows: 0,
    };
    let at_once = (ANSWERS / k.get()).clamp(1, QUESTIONS);
    for batch in questions.batches(at_once)? {
        let (ids, asked) = batch?;
        let found = search
            .answers(library, &asked, k)
            .map_err(|source| ManyError::Query {
                path: path.clone(),
                first: answered.questions,
                source: Box::new(source),
            })?;
        let mut rows: Vec<u64> = found.iter().flatten().map(|song| song.row).collect();
        rows.sort_unstable();
        rows.dedup();
        let songs = library.identities_at(&rows, false)?;
        let name = |row: u64| {
            let place = rows.binary_search(&row).ok()?;
            Some(songs.get(place)?.file.to_string_lossy())
        };
        let all = || found.iter().flatten();
        let of = (0..).zip(&found);
        let of: UInt64Array = of
            .flat_map(|(n, songs)| std::iter::repeat_n(n, songs.len()))
            .collect::<Vec<u64>>()
            .into();
        let ranks = found.iter().flat_map(|songs| 1..=songs.len());
        let columns: Vec<ArrayRef> = vec![
            take(&ids, &of, None).map_err(|e| encode_error(e.into()))?,
            Arc::new(Int32Array::from_iter_values(
                ranks.map(|rank| i32::try_from(rank).unwrap_or(i32::MAX)),
            )),
            Arc::new(all().map(|song| name(song.row)).collect::<StringArray>()),
            Arc::new(Float64Array::from_iter_values(
                all().map(|song| song.similarity),
            )),
        ];
        let batch =
            RecordBatch::try_new(schema.clone(), columns).map_err(|e| encode_error(e.into()))?;
        writer.write(&batch).map_err(encode_error)?;
        answered.questions += found.len() as u64;
        answered.rows += batch.num_rows() as u64;
    }
    writer.close().map_err(encode_error)?;
    Ok(answered)
}

fn schema(id: &DataType) -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("query", id.clone(), true),
        Field::new("rank", DataType::Int32, false),
        Field::new("song", DataType::Utf8, false),
        Field::new("similarity", DataType::Float64, false),
    ]))
}

//! Many query vectors from a Parquet file, their answers into another.

#[cfg(test)]
mod tests;

use super::{Query, QueryVector};
use crate::{
    atomic_file::PendingFile,
    emotion::{Emotion, EmotionVector},
    error::{Context, Error, ErrorKind, Result},
    library::{
        Columns, Library, Records, canonical, caught, floats, open_file, parquet_properties,
    },
};
use arrow_array::{
    Array, ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, UInt64Array,
    cast::AsArray, types::UInt64Type,
};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::take::take;
use parquet::arrow::{
    ArrowWriter, ProjectionMask,
    arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
};
use std::{
    fs::File,
    io::BufWriter,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Answers that are held at once, which bounds the memory.
const ANSWERS: usize = 64 * 1024;
/// The maximum of queries that are answered in one pass over the library.
const AT_ONCE: usize = 16 * 1024;
/// The column with all eight numbers.
const LIST: &str = "emotions";
/// Names of the column that names the queries.
const IDS: [&str; 2] = ["id", "query"];
const CANNOT_WRITE: &str = "cannot write the answers";

/// Query vectors in a Parquet file: a column `emotions` with lists of eight numbers, or eight columns named after the emotions, in
/// any unit; and optionally a column `id` (or `query`) that names them.
pub(crate) struct Questions {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
    is_list: bool,
    id: Option<&'static str>,
}

impl Questions {
    /// Opens a file of query vectors and looks for its columns.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it cannot be opened, [`ErrorKind::InvalidInput`] if it is not Parquet, lacks the columns or has no row.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = open_file(path, "queries")?;
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = caught(|| ArrowReaderMetadata::load(&file, options))
            .map_err(|error| not_parquet(path, error))?;
        let has = |name: &str| metadata.schema().field_with_name(name).is_ok();
        let is_list = has(LIST);
        let refused = |message| Err(Error::invalid(message).with_path(path));
        if !is_list && !Emotion::ALL.iter().all(|emotion| has(emotion.name())) {
            let fields = metadata.schema().fields().iter();
            let found: Vec<&str> = fields.map(|field| field.name().as_str()).collect();
            return refused(format!(
                "expected a column `{LIST}` with lists of eight numbers, or the eight columns {}; found the columns {}",
                Emotion::ALL.map(Emotion::name).join(", "),
                found.join(", ")
            ));
        }
        if metadata.metadata().file_metadata().num_rows() == 0 {
            return refused("expected a query in each row, found no rows".to_owned());
        }
        Ok(Self {
            path: path.to_owned(),
            is_list,
            id: IDS.into_iter().find(|name| has(name)),
            file,
            metadata,
        })
    }

    /// The type of the names of the queries in the answers.
    fn id_type(&self) -> DataType {
        let field = |name| self.metadata.schema().field_with_name(name).ok();
        match self.id.and_then(field).map(Field::data_type) {
            Some(DataType::UInt64) => DataType::Utf8,
            Some(other) if !other.is_integer() => DataType::Utf8,
            _ => DataType::Int64,
        }
    }

    /// All query vectors with their names, `at_once` at a time.
    fn batches(
        self,
        at_once: usize,
    ) -> Result<impl Iterator<Item = Result<(ArrayRef, Vec<QueryVector>)>>> {
        let id_type = self.id_type();
        let mut names: Vec<&str> = match self.is_list {
            true => vec![LIST],
            false => Emotion::ALL.map(Emotion::name).to_vec(),
        };
        names.extend(self.id);
        let mask = ProjectionMask::columns(self.metadata.parquet_schema(), names);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.file, self.metadata)
            .with_projection(mask)
            .with_batch_size(at_once);
        let path = self.path;
        let records = Records::new(builder).map_err(|error| not_parquet(&path, error))?;
        let mut first = 0;
        Ok(records.map(move |batch| {
            let batch = batch.map_err(|error| not_parquet(&path, error))?;
            let refused = |message| Error::invalid(message).with_path(&path);
            let rows = first..first + batch.num_rows() as i64;
            first = rows.end;
            let ids: ArrayRef = match self.id.and_then(|name| batch.column_by_name(name)) {
                Some(array) => names_of(array, &id_type).ok_or_else(|| {
                    refused(
                        "the column that names the queries must hold text or whole numbers".into(),
                    )
                })?,
                None => Arc::new(Int64Array::from_iter_values(rows.clone())),
            };
            let vector = |(number, row)| {
                vector_of(&batch, number, self.is_list)
                    .map_err(|message| refused(format!("row {row} (counted from 0): {message}")))
            };
            let vectors = (0..).zip(rows).map(vector).collect::<Result<_>>()?;
            Ok((ids, vectors))
        }))
    }
}

fn not_parquet(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let message =
        "expected a Parquet file with a query in each row, found another format or a damaged one";
    Error::invalid(message).with_path(path).with_source(source)
}

/// Names of queries as whole numbers or text.
fn names_of(array: &ArrayRef, wanted: &DataType) -> Option<ArrayRef> {
    if array.data_type() == wanted || wanted == &DataType::Int64 {
        return canonical(array, wanted);
    }
    if let Some(unsigned) = array.as_primitive_opt::<UInt64Type>() {
        let texts = unsigned.iter().map(|id| Some(id?.to_string()));
        return Some(Arc::new(texts.collect::<StringArray>()));
    }
    let numbers = floats(array)?;
    let texts = numbers.iter().map(|id| Some(id?.to_string()));
    Some(Arc::new(texts.collect::<StringArray>()))
}

fn vector_of(batch: &RecordBatch, row: usize, is_list: bool) -> Result<QueryVector, String> {
    let numbers = || {
        let parts: Vec<ArrayRef> = if is_list {
            let lists = batch.column_by_name(LIST)?.as_list_opt::<i32>()?;
            vec![lists.is_valid(row).then(|| lists.value(row))?]
        } else {
            let column = |emotion: Emotion| batch.column_by_name(emotion.name());
            let parts = Emotion::ALL.map(|emotion| Some(column(emotion)?.slice(row, 1)));
            parts.into_iter().collect::<Option<_>>()?
        };
        let mut numbers = Vec::new();
        for part in parts {
            for number in &floats(&part)? {
                numbers.push(number?);
            }
        }
        Some(numbers)
    };
    let count = |found: &str| format!("expected eight numbers, found {found}");
    let numbers: Vec<f64> = numbers().ok_or_else(|| count("one that is missing"))?;
    let weights = <[f64; Emotion::COUNT]>::try_from(numbers)
        .map_err(|numbers| count(&numbers.len().to_string()))?;
    match EmotionVector::from_weights(weights) {
        Ok(vector) => Ok(vector.into()),
        Err(error) => Err(format!("not a valid emotion vector: {error}")),
    }
}

/// The size of an answer file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answered {
    /// Number of query vectors.
    pub questions: u64,
    /// Number of rows that were written, at most `k` for each query vector.
    pub rows: u64,
}

/// Writes the `k` nearest songs of every query vector as Parquet: `query` (its `id`, or its row counted from 0), `rank` (from 1),
/// `song` (the path) and `similarity`, in the order of the queries. Some thousand are answered in one pass over the library.
///
/// # Errors
/// Those of [`Query::nearest`], [`ErrorKind::InvalidInput`] if a row holds no valid vector, [`ErrorKind::Io`] if the answers
/// cannot be written; an existing file at `output` is then untouched.
pub(crate) fn answer_many(
    query: &Query,
    library: &Library,
    questions: Questions,
    k: NonZeroUsize,
    output: &Path,
) -> Result<Answered> {
    let pending = PendingFile::create(output)?;
    let file = pending.file().try_clone().map_err(|e| pending.error(e))?;
    let path = questions.path.clone();
    let schema = Arc::new(Schema::new(vec![
        Field::new("query", questions.id_type(), true),
        Field::new("rank", DataType::Int32, false),
        Field::new("song", DataType::Utf8, false),
        Field::new("similarity", DataType::Float64, false),
    ]));
    let properties = Some(parquet_properties().build());
    let writer = ArrowWriter::try_new(BufWriter::new(file), schema.clone(), properties);
    let mut writer = writer.context_at(ErrorKind::Io, output, CANNOT_WRITE)?;
    let mut answered = Answered {
        questions: 0,
        rows: 0,
    };
    for batch in questions.batches((ANSWERS / k.get()).clamp(1, AT_ONCE))? {
        let (ids, vectors) = batch?;
        let found = query.answers(library, &vectors, k).map_err(|error| {
            let first = answered.questions;
            let message = format!("the queries from row {first} (counted from 0)");
            Error::new(error.kind(), message)
                .with_path(&path)
                .with_source(error)
        })?;
        let rows: Vec<u64> = found.iter().flatten().map(|song| song.row).collect();
        let songs = library.songs_at(&rows, Columns::FILE)?;
        let names = songs
            .iter()
            .map(|song| Some(song.unique_path().to_string_lossy().into_owned()));
        let query_of = (0..).zip(&found);
        let query_of = query_of.flat_map(|(n, songs)| std::iter::repeat_n(n, songs.len()));
        let query_of = UInt64Array::from(query_of.collect::<Vec<u64>>());
        let ranks = found.iter().flat_map(|songs| (1..).take(songs.len()));
        let similarities = found.iter().flatten().map(|song| song.similarity);
        let batch = take(&ids, &query_of, None)
            .and_then(|ids| {
                let columns: Vec<ArrayRef> = vec![
                    ids,
                    Arc::new(ranks.collect::<Int32Array>()),
                    Arc::new(names.collect::<StringArray>()),
                    Arc::new(Float64Array::from_iter_values(similarities)),
                ];
                RecordBatch::try_new(schema.clone(), columns)
            })
            .context_at(ErrorKind::Io, output, CANNOT_WRITE)?;
        let written = writer.write(&batch);
        written.context_at(ErrorKind::Io, output, CANNOT_WRITE)?;
        answered.questions += found.len() as u64;
        answered.rows += batch.num_rows() as u64;
    }
    let closed = writer.close();
    closed.context_at(ErrorKind::Io, output, CANNOT_WRITE)?;
    pending.commit()?;
    Ok(answered)
}

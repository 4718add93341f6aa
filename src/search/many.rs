//! Many query vectors from a Parquet file, their answers into another.

#[cfg(test)]
mod tests;

use super::{Query, QueryVector, query::MAX_CANDIDATES};
use crate::{
    atomic_file::PendingFile,
    emotion::{Emotion, EmotionVector},
    error::{Context, Error, ErrorKind, Result},
    library::{Columns, Library, caught, open_file, parquet_properties},
};
use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::{
    arrow::ArrowWriter,
    basic::Type as Physical,
    file::reader::{FileReader, SerializedFileReader},
    record::{Field as Value, Row},
};
use std::{
    fs::File,
    io::BufWriter,
    iter,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

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
    reader: SerializedFileReader<File>,
    id: Option<&'static str>,
    /// Whether the names are whole numbers; the numbers of the rows are.
    is_numbered: bool,
}

impl Questions {
    /// Opens a file of query vectors and looks for its columns.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it cannot be opened, [`ErrorKind::InvalidInput`] if it is not Parquet, lacks the columns or has no row.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = open_file(path, "queries")?;
        let reader = caught(|| SerializedFileReader::new(file));
        let reader = reader.map_err(|error| not_parquet(path, error))?;
        let metadata = reader.metadata().file_metadata();
        let fields = metadata.schema().get_fields();
        let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
        let refused = |message| Err(Error::invalid(message).with_path(path));
        let emotions = Emotion::ALL.map(Emotion::name);
        if !names.contains(&LIST) && !emotions.iter().all(|name| names.contains(name)) {
            return refused(format!(
                "expected a column `{LIST}` with lists of eight numbers, or the eight columns {}; found the columns {}",
                emotions.join(", "),
                names.join(", ")
            ));
        }
        if metadata.num_rows() == 0 {
            return refused("expected a query in each row, found no rows".to_owned());
        }
        let id = IDS.into_iter().find(|name| names.contains(name));
        let of_id = fields.iter().find(|field| Some(field.name()) == id);
        let is_numbered = of_id.is_none_or(|field| {
            let whole = [Physical::INT32, Physical::INT64];
            field.is_primitive() && whole.contains(&field.get_physical_type())
        });
        Ok(Self {
            path: path.to_owned(),
            reader,
            id,
            is_numbered,
        })
    }

    /// The name and the vector of a row.
    fn question(&self, number: u64, row: &Row) -> Result<(String, QueryVector)> {
        let columns = || row.get_column_iter();
        let column = |wanted| columns().find(|(name, _)| *name == wanted);
        let values: Vec<&Value> = match column(LIST) {
            Some((_, Value::ListInternal(list))) => list.elements().iter().collect(),
            Some(_) => vec![&Value::Null],
            None => {
                let values = Emotion::ALL.iter().filter_map(|e| column(e.name()));
                values.map(|(_, value)| value).collect()
            }
        };
        let refused = |message: String| {
            let message = format!("row {number} (counted from 0): {message}");
            Error::invalid(message).with_path(&self.path)
        };
        let count = |found: &str| refused(format!("expected eight numbers, found {found}"));
        let numbers = values.iter().map(|value| value.to_string().parse().ok());
        let numbers: Option<Vec<f64>> = numbers.collect();
        let numbers = numbers.ok_or_else(|| count("one that is missing"))?;
        let weights = <[f64; Emotion::COUNT]>::try_from(numbers);
        let weights = weights.map_err(|numbers| count(&numbers.len().to_string()))?;
        let vector = EmotionVector::from_weights(weights)
            .map_err(|error| refused(format!("not a valid emotion vector: {error}")))?;
        let name = match self.id.and_then(column) {
            None => number.to_string(),
            Some((_, Value::Str(text))) => text.clone(),
            Some((_, other)) => other.to_string(),
        };
        Ok((name, vector.into()))
    }

    /// The names of queries as an array, each as often as it has answers.
    fn names<'a>(&self, names: impl Iterator<Item = &'a String>) -> ArrayRef {
        match self.is_numbered {
            true => Arc::new(names.map(|name| name.parse().ok()).collect::<Int64Array>()),
            false => Arc::new(names.map(Some).collect::<StringArray>()),
        }
    }
}

fn not_parquet(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let message =
        "expected a Parquet file with a query in each row, found another format or a damaged one";
    Error::invalid(message).with_path(path).with_source(source)
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
    let path = &questions.path;
    let id_type = match questions.is_numbered {
        true => DataType::Int64,
        false => DataType::Utf8,
    };
    let schema = Arc::new(Schema::new(vec![
        Field::new("query", id_type, true),
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
    let rows = questions.reader.get_row_iter(None);
    let mut rows = rows.map_err(|error| not_parquet(path, error))?;
    let mut asked = (0..).zip(iter::from_fn(|| {
        caught(|| rows.next().transpose()).transpose()
    }));
    let at_once = (MAX_CANDIDATES / query.candidates(k)).clamp(1, AT_ONCE);
    loop {
        let some = asked.by_ref().take(at_once).map(|(number, row)| {
            questions.question(number, &row.map_err(|error| not_parquet(path, error))?)
        });
        let some: Vec<(String, QueryVector)> = some.collect::<Result<_>>()?;
        let (ids, vectors): (Vec<String>, Vec<QueryVector>) = some.into_iter().unzip();
        if ids.is_empty() {
            break;
        }
        let found = query.answers(library, &vectors, k).map_err(|error| {
            let first = answered.questions;
            let message = format!("the queries from row {first} (counted from 0)");
            Error::new(error.kind(), message)
                .with_path(path)
                .with_source(error)
        })?;
        let places: Vec<u64> = found.iter().flatten().map(|song| song.row).collect();
        let songs = library.songs_at(&places, Columns::FILE)?;
        let names = songs
            .iter()
            .map(|song| Some(song.unique_path().to_string_lossy().into_owned()));
        let asked_by = ids.iter().zip(&found);
        let ids = asked_by.flat_map(|(id, songs)| iter::repeat_n(id, songs.len()));
        let ranks = found.iter().flat_map(|songs| (1..).take(songs.len()));
        let similarities = found.iter().flatten().map(|song| song.similarity);
        let columns: Vec<ArrayRef> = vec![
            questions.names(ids),
            Arc::new(ranks.collect::<Int32Array>()),
            Arc::new(names.collect::<StringArray>()),
            Arc::new(Float64Array::from_iter_values(similarities)),
        ];
        let batch = RecordBatch::try_new(schema.clone(), columns);
        let batch = batch.context_at(ErrorKind::Io, output, CANNOT_WRITE)?;
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

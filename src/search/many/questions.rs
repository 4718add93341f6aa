//! A Parquet file with a vector a row.

use crate::{
    contain::catch_panic,
    emotion::{Emotion, EmotionVector},
    search::QueryVector,
};
use arrow::{
    array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type, SchemaRef},
    error::ArrowError,
};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder},
    },
    errors::ParquetError,
};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The column with all eight numbers.
const LIST: &str = "emotions";
/// What the column that names the questions may be called.
const IDS: [&str; 2] = ["id", "query"];

/// A file of questions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum QuestionsError {
    /// When it cannot be opened.
    #[error("{}: cannot open the questions", path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// When it is not Parquet, or damaged.
    #[error("{}: expected a Parquet file with a question a row, found something else or a damaged one", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: ParquetError,
    },
    /// When it has no vectors.
    #[error(
        "{}: expected a column `{LIST}` with lists of eight numbers, or the eight columns {}; found the columns {}",
        path.display(), Emotion::ALL.map(Emotion::name).join(", "), found.join(", ")
    )]
    Columns { path: PathBuf, found: Vec<String> },
    /// When it has no rows.
    #[error("{}: expected a question a row, found no rows", path.display())]
    Empty { path: PathBuf },
    /// When a row has not eight numbers.
    #[error("{}: row {row} (counted from 0): expected eight numbers, found {found}", path.display())]
    Count {
        path: PathBuf,
        row: u64,
        found: String,
    },
    /// When the eight numbers are negative, not finite, or all zero.
    #[error("{}: row {row} (counted from 0) asks for nothing that a song can have", path.display())]
    Invalid {
        path: PathBuf,
        row: u64,
        #[source]
        source: crate::Error,
    },
}

/// Questions in a Parquet file: a column `emotions` with lists of eight numbers, or eight columns named for the emotions, in any
/// unit; and, where there is one, a column `id` (or `query`) that names them.
pub struct Questions {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
    listed: bool,
    id: Option<(&'static str, DataType)>,
}

type Batch = Result<(ArrayRef, Vec<QueryVector>), QuestionsError>;

impl Questions {
    /// Opens a file of questions and looks for its columns.
    ///
    /// # Errors
    /// [`QuestionsError`] but for those of a row.
    pub fn open(path: &Path) -> Result<Self, QuestionsError> {
        let open_error = |source| QuestionsError::Open {
            path: path.to_owned(),
            source,
        };
        // Opening a pipe would wait for its writer.
        if !fs::metadata(path).map_err(open_error)?.is_file() {
            let found = "expected a file, found a folder, device or pipe";
            return Err(open_error(io::Error::new(
                io::ErrorKind::InvalidInput,
                found,
            )));
        }
        let file = File::open(path).map_err(open_error)?;
        let metadata = catch_panic(|| ArrowReaderMetadata::load(&file, Default::default()))
            .unwrap_or_else(|panic| Err(ParquetError::External(Box::new(panic))))
            .map_err(|source| QuestionsError::Read {
                path: path.to_owned(),
                source,
            })?;
        let schema: &SchemaRef = metadata.schema();
        let has = |name: &str| schema.field_with_name(name).is_ok();
        let listed = has(LIST);
        if !listed && !Emotion::ALL.iter().all(|emotion| has(emotion.name())) {
            let found = schema.fields().iter();
            return Err(QuestionsError::Columns {
                path: path.to_owned(),
                found: found.map(|field| field.name().clone()).collect(),
            });
        }
        let id = IDS.into_iter().find_map(|name| {
            let field = schema.field_with_name(name).ok()?;
            let integer = field.data_type().is_integer() && field.data_type() != &DataType::UInt64;
            let kept = if integer {
                DataType::Int64
            } else {
                DataType::Utf8
            };
            Some((name, kept))
        });
        if metadata.metadata().file_metadata().num_rows() == 0 {
            return Err(QuestionsError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            metadata,
            listed,
            id,
        })
    }

    /// Where the questions stand.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The type of what names the questions.
    pub(super) fn id_type(&self) -> &DataType {
        self.id.as_ref().map_or(&DataType::Int64, |(_, kept)| kept)
    }

    /// All questions with their names, `at_once` at a time.
    pub(super) fn batches(
        self,
        at_once: usize,
    ) -> Result<impl Iterator<Item = Batch>, QuestionsError> {
        let read_error = {
            let path = self.path.clone();
            move |source| QuestionsError::Read {
                path: path.clone(),
                source,
            }
        };
        let mut names: Vec<&str> = match self.listed {
            true => vec![LIST],
            false => Emotion::ALL.map(Emotion::name).to_vec(),
        };
        names.extend(self.id.as_ref().map(|(name, _)| *name));
        let mask = ProjectionMask::columns(self.metadata.parquet_schema(), names);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.file, self.metadata)
            .with_projection(mask)
            .with_batch_size(at_once);
        let mut reader = catch_panic(|| builder.build())
            .unwrap_or_else(|panic| Err(ParquetError::External(Box::new(panic))))
            .map_err(&read_error)?;
        let decode = Decode {
            path: self.path,
            listed: self.listed,
            id: self.id,
        };
        let mut row = 0;
        let mut failed = false;
        Ok(std::iter::from_fn(move || {
            if failed {
                return None;
            }
            let next = catch_panic(|| reader.next())
                .unwrap_or_else(|panic| Some(Err(ArrowError::ExternalError(Box::new(panic)))))?;
            let result = next
                .map_err(|error| read_error(error.into()))
                .and_then(|batch| {
                    let decoded = decode.batch(&batch, row);
                    row += batch.num_rows() as u64;
                    decoded
                });
            failed = result.is_err();
            Some(result)
        }))
    }
}

struct Decode {
    path: PathBuf,
    listed: bool,
    id: Option<(&'static str, DataType)>,
}

impl Decode {
    fn batch(&self, batch: &RecordBatch, first: u64) -> Batch {
        let read_error = |error: ArrowError| QuestionsError::Read {
            path: self.path.clone(),
            source: error.into(),
        };
        let column = |name: &str| {
            let missing = || ArrowError::SchemaError(format!("the column `{name}` is missing"));
            batch.column_by_name(name).ok_or_else(missing)
        };
        let rows = batch.num_rows();
        let ids: ArrayRef = match &self.id {
            Some((name, kept)) => column(name)
                .and_then(|array| cast(array, kept))
                .map_err(read_error)?,
            None => Arc::new(Int64Array::from_iter_values(
                (first..)
                    .take(rows)
                    .map(|row| i64::try_from(row).unwrap_or(i64::MAX)),
            )),
        };
        let numbers: Vec<Option<Vec<f64>>> = if self.listed {
            let list = DataType::new_list(DataType::Float64, true);
            let lists = column(LIST)
                .and_then(|array| cast(array, &list))
                .map_err(read_error)?;
            let lists = lists.as_list_opt::<i32>();
            (0..rows)
                .map(|row| floats(&lists.filter(|lists| lists.is_valid(row))?.value(row)))
                .collect()
        } else {
            let columns = Emotion::ALL
                .iter()
                .map(|emotion| {
                    column(emotion.name()).and_then(|array| cast(array, &DataType::Float64))
                })
                .collect::<Result<Vec<ArrayRef>, _>>()
                .map_err(read_error)?;
            (0..rows)
                .map(|row| {
                    let numbers = columns.iter().map(|column| {
                        let numbers = column.as_primitive_opt::<Float64Type>()?;
                        numbers.is_valid(row).then(|| numbers.value(row))
                    });
                    numbers.collect()
                })
                .collect()
        };
        let asked = (first..)
            .zip(numbers)
            .map(|(row, numbers)| self.question(row, numbers))
            .collect::<Result<_, _>>()?;
        Ok((ids, asked))
    }

    fn question(&self, row: u64, numbers: Option<Vec<f64>>) -> Result<QueryVector, QuestionsError> {
        let count = |found| QuestionsError::Count {
            path: self.path.clone(),
            row,
            found,
        };
        let numbers = numbers.ok_or_else(|| count("one that is absent".to_owned()))?;
        let weights = <[f64; Emotion::COUNT]>::try_from(numbers)
            .map_err(|numbers| count(numbers.len().to_string()))?;
        let vector =
            EmotionVector::from_weights(weights).map_err(|source| QuestionsError::Invalid {
                path: self.path.clone(),
                row,
                source,
            })?;
        Ok(vector.into())
    }
}

/// `None` where a number is absent.
fn floats(array: &ArrayRef) -> Option<Vec<f64>> {
    let numbers = array.as_primitive_opt::<Float64Type>()?;
    (numbers.null_count() == 0).then(|| numbers.values().to_vec())
}

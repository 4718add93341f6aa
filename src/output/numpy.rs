//! NumPy: the eight percentages as `NAME.npy`, float32, one row a song; the embedding, where it is asked for, as
//! `NAME.embedding.npy`; and beside them `NAME.index.csv`, which says which song each row is. The three are put in their places
//! one after the other, the vectors last.

use super::{Destination, ExportError, Sink, csv::CsvSink};
use crate::{atomic_file::PendingFile, emotion::Emotion, library::Column};
use arrow::{
    array::{Array as _, ArrayRef, AsArray, Int64Array, RecordBatch},
    datatypes::{DataType, Field, Float32Type, Schema, SchemaRef},
    error::ArrowError,
};
use npyz::{NpyWriter, WriterBuilder};
use std::{
    fs::File,
    io::{self, BufWriter},
    path::{Path, PathBuf},
    sync::Arc,
};

const FORMAT: &str = "npy";

pub(super) struct NumpySink {
    vectors: Array,
    embedding: Option<Array>,
    index: CsvSink,
    index_schema: SchemaRef,
    rows: i64,
    name: PathBuf,
}

impl NumpySink {
    /// `schema` has the eight percentages; `rows` is how many will come.
    pub(super) fn create(path: &Path, schema: &SchemaRef, rows: u64) -> Result<Self, ExportError> {
        let vectors = Array::create(path, [rows, Emotion::COUNT as u64])?;
        let embedding = match schema.field_with_name(Column::Embedding.name()) {
            Ok(field) => {
                let DataType::FixedSizeList(_, length) = field.data_type() else {
                    return Err(ExportError::CannotHold {
                        format: FORMAT,
                        column: field.name().clone(),
                        others: "parquet, arrow, jsonl",
                    });
                };
                let length = u64::try_from(*length).unwrap_or(0);
                Some(Array::create(
                    &beside(path, "embedding.npy"),
                    [rows, length],
                )?)
            }
            Err(_) => None,
        };
        let mut fields = vec![Field::new("row", DataType::Int64, false)];
        let rest = schema.fields().iter().filter(|field| is_of_index(field));
        fields.extend(rest.map(|field| field.as_ref().clone()));
        let index_schema = Arc::new(Schema::new(fields));
        let index = Destination::Path(beside(path, "index.csv"));
        Ok(Self {
            vectors,
            embedding,
            index: CsvSink::create(index, &index_schema)?,
            index_schema,
            rows: 0,
            name: path.to_owned(),
        })
    }

    fn index_batch(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let rows = self.rows..self.rows + batch.num_rows() as i64;
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(Int64Array::from_iter_values(rows))];
        let schema = batch.schema();
        let fields = schema.fields().iter().zip(batch.columns());
        let rest = fields.filter(|(field, _)| is_of_index(field));
        arrays.extend(rest.map(|(_, array)| array.clone()));
        RecordBatch::try_new(self.index_schema.clone(), arrays)
    }
}

impl Sink for NumpySink {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        let encode_error =
            |error: ArrowError| super::out::encode_error(&self.name, FORMAT, error.into());
        let index = self.index_batch(batch).map_err(encode_error)?;
        let columns: Vec<&[f32]> = Emotion::ALL
            .iter()
            .filter_map(|emotion| batch.column_by_name(emotion.name()))
            .filter_map(|array| array.as_primitive_opt::<Float32Type>())
            .map(|array| &array.values()[..])
            .collect();
        let rows = 0..batch.num_rows();
        let values = rows.flat_map(|row| columns.iter().filter_map(move |c| c.get(row).copied()));
        self.vectors.write(values)?;
        if let Some(embedding) = &mut self.embedding
            && let Some(lists) = batch
                .column_by_name(Column::Embedding.name())
                .and_then(|array| array.as_fixed_size_list_opt())
        {
            // A filtered array begins at its first value; a slice would not.
            let values = (0..lists.len()).map(|row| lists.value(row));
            for list in values {
                if let Some(numbers) = list.as_primitive_opt::<Float32Type>() {
                    embedding.write(numbers.values().iter().copied())?;
                }
            }
        }
        self.index.write(&index)?;
        self.rows += batch.num_rows() as i64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError> {
        let index = Box::new(self.index).finish()?;
        let embedding = self.embedding.map(Array::finish).transpose()?;
        let mut files = vec![self.vectors.finish()?];
        files.extend(embedding);
        files.extend(index);
        Ok(files)
    }
}

/// Whether a column is said in the index rather than in an array of its own.
fn is_of_index(field: &Field) -> bool {
    field.name() != Column::Embedding.name()
        && !Emotion::ALL
            .iter()
            .any(|emotion| emotion.name() == field.name())
}

/// `folder/NAME.rest` beside `folder/NAME.npy`.
fn beside(path: &Path, rest: &str) -> PathBuf {
    path.with_extension(rest)
}

/// One array of float32 that is being written.
struct Array {
    writer: NpyWriter<f32, BufWriter<File>>,
    pending: PendingFile,
}

impl Array {
    fn create(path: &Path, shape: [u64; 2]) -> Result<Self, ExportError> {
        let pending = PendingFile::create(path)?;
        let begin = || -> io::Result<_> {
            npyz::WriteOptions::new()
                .default_dtype()
                .shape(&shape)
                .writer(BufWriter::new(pending.file().try_clone()?))
                .begin_nd()
        };
        let writer = begin().map_err(|e| pending.error(e))?;
        Ok(Self { writer, pending })
    }

    fn write(&mut self, values: impl IntoIterator<Item = f32>) -> Result<(), ExportError> {
        let written = self.writer.extend(values);
        Ok(written.map_err(|e| self.pending.error(e))?)
    }

    /// An error where there are more or fewer rows than the shape says.
    fn finish(self) -> Result<PathBuf, ExportError> {
        self.writer.finish().map_err(|e| self.pending.error(e))?;
        Ok(self.pending.commit()?)
    }
}

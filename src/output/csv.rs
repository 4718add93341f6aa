//! CSV: one line of names, then one line a song. Lists are JSON in their cell; what is absent is an empty cell.

use super::{
    Destination, ExportError, Sink,
    cell::{Cell, hexadecimal, time},
    out::Out,
};
use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, StringArray},
    csv::Writer,
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
};
use std::{path::PathBuf, sync::Arc};

const FORMAT: &str = "csv";

pub(super) struct CsvSink {
    writer: Writer<Out>,
    name: PathBuf,
}

impl CsvSink {
    /// Writes the line of names.
    pub(super) fn create(to: Destination, schema: &SchemaRef) -> Result<Self, ExportError> {
        let out = Out::new(to)?;
        let name = out.name();
        let mut sink = Self {
            writer: Writer::new(out),
            name,
        };
        sink.write(&RecordBatch::new_empty(schema.clone()))?;
        Ok(sink)
    }
}

impl Sink for CsvSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        let written = plain(batch).and_then(|batch| self.writer.write(&batch));
        written.map_err(|error| super::out::encode_error(&self.name, FORMAT, error.into()))
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError> {
        Ok(self.writer.into_inner().finish()?.into_iter().collect())
    }
}

/// The batch in texts and numbers alone.
fn plain(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut arrays = Vec::with_capacity(batch.num_columns());
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        let texts: Option<StringArray> = match array.data_type() {
            DataType::Binary => {
                let bytes = array.as_binary::<i32>().iter();
                Some(bytes.map(|bytes| bytes.map(hexadecimal)).collect())
            }
            DataType::Timestamp(..) => Some((0..array.len()).map(|row| time(array, row)).collect()),
            DataType::FixedSizeList(..) | DataType::List(_) | DataType::Struct(_) => {
                Some(json(array)?)
            }
            _ => None,
        };
        let array = texts.map_or_else(|| array.clone(), |texts| Arc::new(texts) as ArrayRef);
        fields.push(Field::new(field.name(), array.data_type().clone(), true));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

fn json(array: &ArrayRef) -> Result<StringArray, ArrowError> {
    (0..array.len())
        .map(|row| {
            if array.is_null(row) {
                return Ok(None);
            }
            let array = array.as_ref();
            serde_json::to_string(&Cell { array, row })
                .map(Some)
                .map_err(|error| ArrowError::ExternalError(Box::new(error)))
        })
        .collect()
}

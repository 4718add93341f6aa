//! JSON lines: one object a song, with all its columns.

use super::{Destination, ExportError, Sink, cell::Cell, out::Out};
use arrow::array::RecordBatch;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::{io::Write, path::PathBuf};

const FORMAT: &str = "jsonl";

pub(super) struct JsonLinesSink(Out);

impl JsonLinesSink {
    pub(super) fn create(to: Destination) -> Result<Self, ExportError> {
        Out::new(to).map(Self)
    }
}

impl Sink for JsonLinesSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        for row in 0..batch.num_rows() {
            match serde_json::to_writer(&mut self.0, &Row { batch, row }) {
                Ok(()) => {}
                Err(error) if error.is_io() => return Err(self.0.error(error.into())),
                Err(error) => return Err(self.0.encode_error(FORMAT, error.into())),
            }
            self.0.write_all(b"\n").map_err(|e| self.0.error(e))?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError> {
        Ok(self.0.finish()?.into_iter().collect())
    }
}

struct Row<'a> {
    batch: &'a RecordBatch,
    row: usize,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let schema = self.batch.schema();
        let mut map = to.serialize_map(Some(self.batch.num_columns()))?;
        for (field, array) in schema.fields().iter().zip(self.batch.columns()) {
            let (array, row) = (array.as_ref(), self.row);
            map.serialize_entry(field.name(), &Cell { array, row })?;
        }
        map.end()
    }
}

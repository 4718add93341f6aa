//! Arrow IPC in its file format, also known as Feather version 2: read without decoding, and mapped into memory as it is.

use super::{ExportError, Sink, out::Out};
use arrow::{array::RecordBatch, datatypes::SchemaRef, ipc::writer::FileWriter};
use std::path::{Path, PathBuf};

const FORMAT: &str = "arrow";

pub(super) struct ArrowSink {
    writer: FileWriter<Out>,
    name: PathBuf,
}

impl ArrowSink {
    pub(super) fn create(path: &Path, schema: &SchemaRef) -> Result<Self, ExportError> {
        let out = Out::file(path)?;
        let writer = FileWriter::try_new(out, schema)
            .map_err(|error| super::out::encode_error(path, FORMAT, error.into()))?;
        Ok(Self {
            writer,
            name: path.to_owned(),
        })
    }
}

impl Sink for ArrowSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        let written = self.writer.write(batch);
        written.map_err(|error| super::out::encode_error(&self.name, FORMAT, error.into()))
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError> {
        let name = self.name;
        // Writes what ends the file.
        let out = self.writer.into_inner();
        let out = out.map_err(|error| super::out::encode_error(&name, FORMAT, error.into()))?;
        Ok(out.finish()?.into_iter().collect())
    }
}

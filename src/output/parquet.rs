//! Plain Parquet: flat columns, zstd. The schema's metadata says which model made the numbers.

use super::{ExportError, Sink, out::Out};
use arrow::{array::RecordBatch, datatypes::SchemaRef};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::{metadata::KeyValue, properties::WriterProperties},
};
use std::path::{Path, PathBuf};

const FORMAT: &str = "parquet";
/// Rows of a row group: bounds the memory of writing and lets readers work on parts in parallel.
const ROW_GROUP_ROWS: usize = 32 * 1024;
/// Encoded bytes after which a row group ends before its rows are full.
const ROW_GROUP_BYTES: usize = 24 << 20;

pub(super) struct ParquetSink {
    writer: ArrowWriter<Out>,
    name: PathBuf,
}

impl ParquetSink {
    pub(super) fn create(path: &Path, schema: &SchemaRef) -> Result<Self, ExportError> {
        let out = Out::file(path)?;
        // Level 3 is zstd's own default.
        let zstd = ZstdLevel::try_new(3).unwrap_or_default();
        let metadata = schema.metadata().iter();
        let pairs = metadata.map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(zstd))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_key_value_metadata(Some(pairs.collect()))
            .set_created_by(concat!("circumplex version ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties));
        Ok(Self {
            writer: writer.map_err(|error| super::out::encode_error(path, FORMAT, error.into()))?,
            name: path.to_owned(),
        })
    }
}

impl Sink for ParquetSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        let mut written = self.writer.write(batch);
        if written.is_ok() && self.writer.in_progress_size() > ROW_GROUP_BYTES {
            written = self.writer.flush();
        }
        written.map_err(|error| super::out::encode_error(&self.name, FORMAT, error.into()))
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError> {
        let out = self.writer.into_inner();
        let out =
            out.map_err(|error| super::out::encode_error(&self.name, FORMAT, error.into()))?;
        Ok(out.finish()?.into_iter().collect())
    }
}

//! Parquet with flat columns (zstd), and Arrow IPC, which Feather readers read. The schema's metadata names the model.

use super::{Cell, Field, Format, Layout, Out, Sink, encoded};
use crate::{
    Result,
    library::{ROW_GROUP_BYTES, Song, parquet_properties},
};
use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{Schema, SchemaRef};
use parquet::{arrow::ArrowWriter, file::metadata::KeyValue};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Rows of a batch.
const BATCH_ROWS: usize = 4096;

pub(super) struct ColumnarSink {
    writer: Writer,
    format: Format,
    path: PathBuf,
    schema: SchemaRef,
    fields: Vec<Field>,
    embedding: usize,
    songs: Vec<Song>,
    extra: Vec<Vec<Cell<'static>>>,
}

enum Writer {
    Parquet(Box<ArrowWriter<Out>>),
    Arrow(Box<FileWriter<Out>>),
}

impl ColumnarSink {
    pub(super) fn create(format: Format, path: &Path, layout: Layout<'_>) -> Result<Self> {
        let out = Out::file(path)?;
        let (key, description) = layout.metadata();
        let fields = layout
            .fields
            .iter()
            .map(|field| field.arrow(layout.embedding));
        let schema: SchemaRef = Arc::new(Schema::new_with_metadata(
            fields.collect::<Vec<_>>(),
            HashMap::from([(key.clone(), description.clone())]),
        ));
        let writer = if format == Format::Arrow {
            let writer = FileWriter::try_new(out, &schema);
            Writer::Arrow(Box::new(encoded(writer, path, format)?))
        } else {
            let properties = parquet_properties()
                .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
                .set_key_value_metadata(Some(vec![KeyValue::new(key, description)]))
                .build();
            let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties));
            Writer::Parquet(Box::new(encoded(writer, path, format)?))
        };
        Ok(Self {
            writer,
            format,
            path: path.to_owned(),
            schema,
            fields: layout.fields,
            embedding: layout.embedding,
            songs: Vec::new(),
            extra: Vec::new(),
        })
    }

    fn flush(&mut self) -> Result<()> {
        let fields = self.fields.iter();
        let arrays = fields.map(|field| field.array(&self.songs, &self.extra, self.embedding));
        let batch = arrays
            .collect::<std::result::Result<_, _>>()
            .and_then(|arrays| RecordBatch::try_new(self.schema.clone(), arrays));
        let batch = encoded(batch, &self.path, self.format)?;
        self.songs.clear();
        self.extra.clear();
        match &mut self.writer {
            Writer::Arrow(writer) => encoded(writer.write(&batch), &self.path, self.format),
            Writer::Parquet(writer) => encoded(writer.write(&batch), &self.path, self.format),
        }
    }
}

impl Sink for ColumnarSink {
    fn row(&mut self, song: Song, extra: Vec<Cell<'static>>) -> Result<()> {
        self.songs.push(song);
        self.extra.push(extra);
        if self.songs.len() == BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<PathBuf>> {
        self.flush()?;
        let out = match self.writer {
            Writer::Arrow(writer) => encoded(writer.into_inner(), &self.path, self.format),
            Writer::Parquet(writer) => encoded(writer.into_inner(), &self.path, self.format),
        };
        out?.finish()
    }
}

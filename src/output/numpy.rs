//! NumPy: the eight percentages as `NAME.npy`, float32, one row per song; the embedding, if requested, as `NAME.embedding.npy`;
//! and `NAME.index.csv` with the other columns of each row. The files are moved to their paths one after the other, the
//! percentages last.

use super::{Cell, Destination, Field, Format, Layout, Out, Sink, text::TextSink};
use crate::{
    Error, Result,
    emotion::Emotion,
    library::{Column, Song},
};
use arrow_schema::DataType;
use std::{
    io::{Seek, Write},
    path::{Path, PathBuf},
};

/// The header of a `.npy` file (version 1.0) of float32 in C order, 128 bytes long whatever the shape.
pub(crate) fn npy_header(shape: &[u64]) -> Vec<u8> {
    let shape: String = shape.iter().map(|length| format!("{length}, ")).collect();
    let shape = shape.trim_end();
    let dictionary = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    let mut header = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    header.extend(format!("{dictionary:<117}\n").into_bytes());
    header
}

pub(super) struct NumpySink {
    vectors: Array,
    embedding: Option<Array>,
    index: Box<TextSink>,
    rows: i64,
}

impl NumpySink {
    pub(super) fn create(path: &Path, layout: Layout<'_>) -> Result<Self> {
        if layout.has(Column::Timeline) {
            let message = "npy cannot hold `timeline`; leave it out, or choose another format, such as parquet";
            return Err(Error::invalid(message).with_path(path));
        }
        let embedding = layout
            .has(Column::Embedding)
            .then(|| Array::create(&path.with_extension("embedding.npy"), layout.embedding));
        let is_in_array =
            |field: &&Field| matches!(field, Field::Of(Column::Embedding) | Field::Percentage(_));
        let is_extra = |field: &&Field| matches!(field, Field::Extra { .. });
        let extra = layout.fields.iter().filter(is_extra).count();
        let others = layout.fields.iter().filter(|field| !is_in_array(field));
        let mut fields = vec![Field::extra("row", DataType::Int64, extra)];
        fields.extend(others.cloned());
        let index = Destination::Path(path.with_extension("index.csv"));
        Ok(Self {
            vectors: Array::create(path, Emotion::COUNT)?,
            embedding: embedding.transpose()?,
            index: Box::new(TextSink::create(
                Format::Csv,
                index,
                Layout { fields, ..layout },
            )?),
            rows: 0,
        })
    }
}

impl Sink for NumpySink {
    fn row(&mut self, song: Song, mut extra: Vec<Cell<'static>>) -> Result<()> {
        self.vectors.push(song.emotions.as_array())?;
        if let Some(embedding) = &mut self.embedding {
            embedding.push(&song.embedding)?;
        }
        extra.push(Cell::Integer(self.rows));
        self.rows += 1;
        self.index.row(song, extra)
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>> {
        let index = self.index.finish()?;
        let embedding = self.embedding.map(Array::finish).transpose()?;
        let mut files = self.vectors.finish()?;
        files.extend(embedding.into_iter().flatten());
        files.extend(index);
        Ok(files)
    }
}

/// A matrix of float32.
struct Array {
    out: Out,
    rows: u64,
    columns: usize,
}

impl Array {
    fn create(path: &Path, columns: usize) -> Result<Self> {
        let mut out = Out::file(path)?;
        out.put(&npy_header(&[0, columns as u64]))?;
        Ok(Self {
            out,
            rows: 0,
            columns,
        })
    }

    fn push(&mut self, row: &[f32]) -> Result<()> {
        let bytes: Vec<u8> = row.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.rows += 1;
        self.out.put(&bytes)
    }

    fn finish(mut self) -> Result<Vec<PathBuf>> {
        // Now the number of rows is known.
        let header = npy_header(&[self.rows, self.columns as u64]);
        let out = &mut self.out;
        out.flush().map_err(|e| out.error(e))?;
        if let Some(pending) = &out.pending {
            let mut file = pending.file();
            file.rewind()
                .and_then(|()| file.write_all(&header))
                .map_err(|e| pending.error(e))?;
        }
        self.out.finish()
    }
}

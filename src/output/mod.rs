//! A library, or a part of it, in other people's formats.
//!
//! An [`Export`] reads the library batch by batch and hands each to the format's sink, so that memory does not grow with the number
//! of songs; the file takes its place when it is whole.
//!
//! ```no_run
//! use circumplex::{output::{Destination, Export, Format}, library::Library};
//!
//! let library = Library::open(&["library.parquet"])?;
//! let mut export = Export::new(&library);
//! export.audible = true;
//! let written = export.write(Format::Csv, Destination::Path("songs.csv".into()), |_| {})?;
//! println!("{} songs", written.rows);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arrow_ipc;
mod cell;
mod columns;
mod csv;
mod error;
mod flat;
mod format;
mod hugging_face;
mod json_lines;
mod moments;
mod numpy;
mod out;
mod parquet;
pub mod playlist;
mod playlists;
mod sqlite;
#[cfg(test)]
mod tests;

pub use columns::ExportColumn;
pub use error::ExportError;
pub use flat::Extra;
pub use format::Format;
pub use out::Destination;
pub use playlists::Lists;

use crate::library::{Library, ModelStamp, resolve_target};
use ::arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
};
use flat::Flat;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// What every format does: takes batches of one schema, and completes its file or files.
trait Sink {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError>;

    /// Puts what was written in its place, and says where that is.
    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError>;

    /// Songs that the format left out because there were too many.
    fn left_out(&self) -> u64 {
        0
    }
}

/// Where the numbers come from, for formats that can say it.
#[derive(Debug, Clone)]
struct Provenance {
    model: ModelStamp,
    preprocessing: serde_json::Value,
    emotions: Vec<String>,
    program: String,
}

/// The key of the metadata of Parquet and Arrow files that says as JSON which model made the numbers.
pub const METADATA_KEY: &str = "circumplex_export";

impl Provenance {
    fn json(&self) -> String {
        serde_json::json!({
            "model": self.model,
            "preprocessing": self.preprocessing,
            "emotions": self.emotions,
            "program": self.program,
        })
        .to_string()
    }
}

/// What is taken out of a library.
pub struct Export<'a> {
    library: &'a Library,
    /// The columns, in their order. Some formats add what they cannot do without.
    pub columns: Vec<ExportColumn>,
    /// Further columns, behind those.
    pub extra: Vec<Extra>,
    /// Leave out silent songs, whose numbers mean nothing.
    pub audible: bool,
    /// How lists are written, where the format is lists.
    pub lists: Lists,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Songs of the library that were looked at.
    pub rows: u64,
    /// The files, or the folder.
    pub files: Vec<PathBuf>,
    /// Songs that are in no list because theirs is full.
    pub left_out: u64,
}

impl<'a> Export<'a> {
    /// All songs with the usual columns.
    pub fn new(library: &'a Library) -> Self {
        Self {
            library,
            columns: ExportColumn::usual(),
            extra: Vec::new(),
            audible: false,
            lists: Lists::default(),
        }
    }

    /// Writes the songs. `on_rows` is told how many were written so far.
    ///
    /// # Errors
    /// [`ExportError`]. What stood at the destination before still does.
    pub fn write(
        &self,
        format: Format,
        to: Destination,
        mut on_rows: impl FnMut(u64),
    ) -> Result<Written, ExportError> {
        let columns = format.columns(&self.columns);
        let flat = Flat {
            library: self.library,
            columns: &columns,
            extra: &self.extra,
            audible: self.audible || format == Format::M3u8,
        };
        let rows = flat.rows()?;
        if rows == 0 {
            return Err(ExportError::NoSongs {
                library: self.library.name().to_owned(),
                why: match self.library.rows() {
                    0 => "the library is empty; fill it with `circumplex analyze`",
                    _ => "all its songs are silent",
                },
            });
        }
        let provenance = self.provenance();
        let schema = flat.schema()?;
        format.check(&schema)?;
        if let Destination::Path(path) = &to {
            refuse_library(path)?;
        }
        let metadata = HashMap::from([(METADATA_KEY.to_owned(), provenance.json())]);
        let schema: SchemaRef = Schema::clone(&schema).with_metadata(metadata).into();
        let mut sink = self.sink(format, to, &schema, rows, &provenance)?;
        let sources = flat.sources();
        let mut done = 0;
        for batch in flat.batches(&sources, schema)? {
            let batch = batch?;
            sink.write(&batch)?;
            done += batch.num_rows() as u64;
            on_rows(done);
        }
        let left_out = sink.left_out();
        Ok(Written {
            rows: done,
            files: sink.finish()?,
            left_out,
        })
    }

    fn provenance(&self) -> Provenance {
        let info = self.library.info();
        Provenance {
            model: info.model.clone(),
            preprocessing: info.preprocessing.clone(),
            emotions: info.labels.clone(),
            program: concat!("circumplex ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    fn sink(
        &self,
        format: Format,
        to: Destination,
        schema: &SchemaRef,
        rows: u64,
        provenance: &Provenance,
    ) -> Result<Box<dyn Sink>, ExportError> {
        Ok(match (format, to) {
            (Format::Csv, to) => Box::new(csv::CsvSink::create(to, schema)?),
            (Format::JsonLines, to) => Box::new(json_lines::JsonLinesSink::create(to)?),
            (format, Destination::Stream(_)) => {
                return Err(ExportError::NoStream {
                    format: format.name(),
                });
            }
            (Format::Parquet, Destination::Path(path)) => {
                Box::new(parquet::ParquetSink::create(&path, schema)?)
            }
            (Format::Arrow, Destination::Path(path)) => {
                Box::new(arrow_ipc::ArrowSink::create(&path, schema)?)
            }
            (Format::Numpy, Destination::Path(path)) => {
                Box::new(numpy::NumpySink::create(&path, schema, rows)?)
            }
            (Format::Sqlite, Destination::Path(path)) => {
                Box::new(sqlite::SqliteSink::create(&path, schema, provenance)?)
            }
            (Format::HuggingFace, Destination::Path(path)) => Box::new(
                hugging_face::HuggingFaceSink::create(&path, schema, provenance)?,
            ),
            (Format::M3u8, Destination::Path(path)) => {
                Box::new(playlists::PlaylistsSink::create(&path, self.lists)?)
            }
        })
    }
}

/// An export never replaces a library, neither the one that it reads nor another.
fn refuse_library(path: &Path) -> Result<(), ExportError> {
    let target = resolve_target(path).unwrap_or_else(|_| path.to_owned());
    if target.is_file() && Library::open(&target).is_ok() {
        return Err(ExportError::OverLibrary {
            path: path.to_owned(),
        });
    }
    Ok(())
}

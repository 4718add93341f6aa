//! CSV, JSON, JSON lines and single playlists: one record per song, without a buffer of all songs. In CSV lists are JSON and null
//! is an empty cell.

use super::{Cell, Destination, Field, Format, Layout, Out, Sink, playlist};
use crate::{Error, ErrorKind, Result, error::Context, library::Song};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::path::PathBuf;

pub(super) struct TextSink {
    format: Format,
    fields: Vec<Field>,
    paths: playlist::Paths,
    out: Out,
    rows: u64,
}

impl TextSink {
    pub(super) fn create(format: Format, to: Destination, layout: Layout<'_>) -> Result<Self> {
        let mut sink = Self {
            format,
            fields: layout.fields,
            paths: layout.paths,
            out: Out::new(to)?,
            rows: 0,
        };
        let header = match format {
            Format::Csv => csv_record(sink.fields.iter().map(|field| field.name()))?,
            Format::Json => b"[".to_vec(),
            Format::JsonLines => Vec::new(),
            playlist => playlist::header(playlist, None).into_bytes(),
        };
        sink.out.put(&header)?;
        Ok(sink)
    }
}

impl Sink for TextSink {
    fn row(&mut self, song: Song, extra: Vec<Cell<'static>>) -> Result<()> {
        let fields = &self.fields;
        let row = Row {
            fields,
            song: &song,
            extra: &extra,
        };
        let record = match self.format {
            Format::Csv => {
                let cells = fields.iter().map(|field| field.cell(&song, &extra).text());
                csv_record(cells.map(Option::unwrap_or_default))?
            }
            Format::Json => {
                let object = json(serde_json::to_string_pretty(&row))?.replace('\n', "\n  ");
                let comma = if self.rows > 0 { "," } else { "" };
                format!("{comma}\n  {object}").into_bytes()
            }
            Format::JsonLines => (json(serde_json::to_string(&row))? + "\n").into_bytes(),
            playlist => playlist::entry(playlist, &song, &self.paths).into_bytes(),
        };
        self.rows += 1;
        self.out.put(&record)
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<PathBuf>> {
        match self.format {
            Format::Json if self.rows == 0 => self.out.put(b"]\n")?,
            Format::Json => self.out.put(b"\n]\n")?,
            format => self.out.put(playlist::footer(format).as_bytes())?,
        }
        self.out.finish()
    }
}

fn json(text: serde_json::Result<String>) -> Result<String> {
    text.context(ErrorKind::Internal, "cannot be written as JSON")
}

fn csv_record<T: AsRef<[u8]>>(cells: impl Iterator<Item = T>) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(cells)
        .context(ErrorKind::Internal, "cannot be written as CSV")?;
    writer
        .into_inner()
        .map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))
}

/// A song as a JSON object.
struct Row<'a> {
    fields: &'a [Field],
    song: &'a Song,
    extra: &'a [Cell<'static>],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.fields.len()))?;
        for field in self.fields {
            map.serialize_entry(field.name(), &field.cell(self.song, self.extra))?;
        }
        map.end()
    }
}

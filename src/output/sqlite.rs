//! SQLite: a table `song` with indices on the usual columns, `model` with one row, and, if requested, `embedding` (float32, little
//! endian, as the vector extensions of SQLite read it) and `moment` (one row for each window of a timeline).

use super::{Cell, Field, Format, Layout, PROGRAM, Sink, encoded};
use crate::{
    Result,
    atomic_file::PendingFile,
    emotion::Emotion,
    library::{Column, LibraryInfo, Song},
};
use arrow_schema::DataType;
use rusqlite::{Connection, params, params_from_iter, types::Value};
use std::path::{Path, PathBuf};

/// Songs that are inserted at once.
const BATCH_ROWS: usize = 1000;
const INDICES: [&[&str]; 6] = [
    &["path"],
    &["artist"],
    &["genre"],
    &["emotion"],
    &["valence", "arousal"],
    &["cluster"],
];

pub(super) struct SqliteSink {
    database: Connection,
    pending: PendingFile,
    /// The columns of the table `song`.
    fields: Vec<Field>,
    has_embedding: bool,
    has_timeline: bool,
    has_felt: bool,
    /// Songs that are not inserted yet.
    waiting: Vec<(Song, Vec<Cell<'static>>)>,
    rows: i64,
}

impl SqliteSink {
    pub(super) fn create(path: &Path, layout: Layout<'_>) -> Result<Self> {
        let pending = PendingFile::create(path)?;
        let database = Connection::open(pending.temporary());
        let has_embedding = layout.has(Column::Embedding);
        let has_timeline = layout.has(Column::Timeline);
        let mut fields = layout.fields;
        fields.retain(|field| !field.data_type(0).is_nested());
        let sink = Self {
            database: encoded(database, path, Format::Sqlite)?,
            pending,
            fields,
            has_embedding,
            has_timeline,
            has_felt: layout.has_felt,
            waiting: Vec::new(),
            rows: 0,
        };
        encoded(sink.create_tables(layout.info), path, Format::Sqlite)?;
        Ok(sink)
    }

    /// An interrupted run leaves only a temporary file, so there is no need for a journal.
    fn create_tables(&self, info: &LibraryInfo) -> rusqlite::Result<()> {
        let mut columns = vec!["id INTEGER PRIMARY KEY".to_owned()];
        for field in &self.fields {
            let sql_type = match field.data_type(0) {
                DataType::Float32 | DataType::Float64 => "REAL",
                DataType::Binary => "BLOB",
                DataType::Boolean => "INTEGER",
                other if other.is_integer() => "INTEGER",
                _ => "TEXT",
            };
            let not_null = if field.is_nullable() { "" } else { " NOT NULL" };
            let name = field.name().replace('"', "\"\"");
            columns.push(format!("\"{name}\" {sql_type}{not_null}"));
        }
        self.database.execute_batch(&format!(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;
             CREATE TABLE model (
                 identity TEXT PRIMARY KEY,
                 name TEXT NOT NULL,
                 preprocessing TEXT NOT NULL, -- JSON
                 emotions TEXT NOT NULL,      -- JSON: the eight in their order
                 program TEXT NOT NULL
             );
             CREATE TABLE song (\n    {}\n);",
            columns.join(",\n    ")
        ))?;
        if self.has_embedding {
            self.database.execute_batch(
                "CREATE TABLE embedding (
                     song_id INTEGER PRIMARY KEY REFERENCES song (id),
                     vector BLOB NOT NULL -- float32, little endian
                 );",
            )?;
        }
        if self.has_timeline {
            let mut numbers = Emotion::ALL
                .map(|emotion| format!("{emotion} REAL NOT NULL"))
                .to_vec();
            if self.has_felt {
                let felt = Emotion::ALL.map(Field::Felt);
                numbers.extend(felt.map(|field| format!("{} REAL", field.name())));
            }
            self.database.execute_batch(&format!(
                "CREATE TABLE moment (
                     song_id INTEGER NOT NULL REFERENCES song (id),
                     number INTEGER NOT NULL,
                     start_s REAL NOT NULL, valence REAL NOT NULL, arousal REAL NOT NULL,
                     {},
                     PRIMARY KEY (song_id, number)
                 ) WITHOUT ROWID;",
                numbers.join(", ")
            ))?;
        }
        self.database.execute(
            "INSERT INTO model VALUES (?, ?, ?, ?, ?)",
            params![
                info.model.identity,
                info.model.name,
                info.preprocessing.to_string(),
                serde_json::Value::from(info.labels.clone()).to_string(),
                PROGRAM,
            ],
        )?;
        Ok(())
    }

    /// Inserts the waiting songs.
    fn flush(&mut self) -> Result<()> {
        let inserted = self.insert();
        self.rows += self.waiting.len() as i64;
        self.waiting.clear();
        encoded(inserted, self.pending.path(), Format::Sqlite)
    }

    fn insert(&self) -> rusqlite::Result<()> {
        let prepare = |table: &str, values: usize| {
            let marks = ", ?".repeat(values - 1);
            self.database
                .prepare(&format!("INSERT INTO {table} VALUES (?{marks})"))
        };
        let mut song_row = prepare("song", 1 + self.fields.len())?;
        let embedding_row = self.has_embedding.then(|| prepare("embedding", 2));
        let mut embedding_row = embedding_row.transpose()?;
        let percentages = Emotion::COUNT * if self.has_felt { 2 } else { 1 };
        let moment_row = self
            .has_timeline
            .then(|| prepare("moment", 5 + percentages));
        let mut moment_row = moment_row.transpose()?;
        for (id, (song, extra)) in (self.rows + 1..).zip(&self.waiting) {
            let cells = self.fields.iter().map(|f| value(&f.cell(song, extra)));
            let row = [Value::Integer(id)].into_iter().chain(cells);
            song_row.execute(params_from_iter(row))?;
            if let Some(insert) = &mut embedding_row {
                let numbers = song.embedding.iter();
                let bytes: Vec<u8> = numbers.flat_map(|number| number.to_le_bytes()).collect();
                insert.execute(params![id, bytes])?;
            }
            if let Some(insert) = &mut moment_row {
                for (number, moment) in (0..).zip(song.timeline.iter().flatten()) {
                    let mut row = vec![Value::Integer(id), Value::Integer(number)];
                    row.push(Value::Real(moment.start_s));
                    let numbers = [moment.valence, moment.arousal];
                    let numbers = numbers.iter().chain(moment.emotions.as_array());
                    row.extend(numbers.map(|number| Value::Real(f64::from(*number))));
                    if self.has_felt {
                        let share = |emotion| moment.felt.map(|felt| felt.get(emotion).into());
                        row.extend(Emotion::ALL.map(|e| share(e).map_or(Value::Null, Value::Real)));
                    }
                    insert.execute(params_from_iter(row))?;
                }
            }
        }
        Ok(())
    }

    /// Creates the indices last, which is faster.
    fn complete(&self) -> rusqlite::Result<()> {
        for columns in INDICES {
            let exists = |name: &&str| self.fields.iter().any(|field| field.name() == *name);
            if columns.iter().all(exists) {
                self.database.execute_batch(&format!(
                    "CREATE INDEX song_{} ON song ({});",
                    columns.join("_"),
                    columns.join(", ")
                ))?;
            }
        }
        self.database.execute_batch("COMMIT; ANALYZE;")
    }
}

impl Sink for SqliteSink {
    fn row(&mut self, song: Song, extra: Vec<Cell<'static>>) -> Result<()> {
        self.waiting.push((song, extra));
        if self.waiting.len() == BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<PathBuf>> {
        self.flush()?;
        encoded(self.complete(), self.pending.path(), Format::Sqlite)?;
        let closed = self.database.close().map_err(|(_, error)| error);
        encoded(closed, self.pending.path(), Format::Sqlite)?;
        Ok(vec![self.pending.commit()?])
    }
}

fn value(cell: &Cell<'_>) -> Value {
    match cell {
        Cell::Boolean(value) => Value::Integer((*value).into()),
        Cell::Integer(number) => Value::Integer(*number),
        Cell::Float(number) => Value::Real((*number).into()),
        Cell::Double(number) => Value::Real(*number),
        Cell::Bytes(bytes) => Value::Blob(bytes.to_vec()),
        other => other.text().map_or(Value::Null, Value::Text),
    }
}

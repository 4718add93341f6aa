//! SQLite: a table `song` with an index on what is asked for most, `model` with one row that says which model made the numbers,
//! and, where they are asked for, `embedding` (float32, little endian, as the vector extensions of SQLite read them) and `moment`
//! (one row for each window of a timeline).

use super::{ExportError, Provenance, Sink, cell::time, moments::moments};
use crate::{atomic_file::PendingFile, library::Column};
use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type, SchemaRef},
};
use rusqlite::{Connection, params, params_from_iter, types::Value};
use std::path::{Path, PathBuf};

const FORMAT: &str = "sqlite";

/// What is asked for most.
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
    insert: String,
    schema: SchemaRef,
    rows: i64,
}

impl SqliteSink {
    pub(super) fn create(
        path: &Path,
        schema: &SchemaRef,
        provenance: &Provenance,
    ) -> Result<Self, ExportError> {
        let pending = PendingFile::create(path)?;
        let error = |error: rusqlite::Error| super::out::encode_error(path, FORMAT, error.into());
        let database = Connection::open(pending.temporary()).map_err(error)?;
        let columns: Vec<&str> = plain(schema).map(|(_, name)| name).collect();
        let marks = vec!["?"; columns.len() + 1].join(", ");
        let mut names = vec!["id".to_owned()];
        names.extend(columns.iter().map(|name| quoted(name)));
        let insert = format!("INSERT INTO song ({}) VALUES ({marks})", names.join(", "));
        let sink = Self {
            database,
            pending,
            insert,
            schema: schema.clone(),
            rows: 0,
        };
        sink.begin(provenance).map_err(error)?;
        Ok(sink)
    }

    /// Makes the tables. A kill leaves a file that nobody asks for, so nothing need be journalled.
    fn begin(&self, provenance: &Provenance) -> rusqlite::Result<()> {
        self.database.execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;
             CREATE TABLE model (
                 identity TEXT PRIMARY KEY,
                 name TEXT NOT NULL,
                 preprocessing TEXT NOT NULL, -- JSON
                 emotions TEXT NOT NULL,      -- JSON: the eight in their order
                 program TEXT NOT NULL
             );",
        )?;
        let mut columns = vec!["id INTEGER PRIMARY KEY".to_owned()];
        for (place, name) in plain(&self.schema) {
            let field = self.schema.field(place);
            let kind = match field.data_type() {
                DataType::Boolean | DataType::Int32 | DataType::Int64 => "INTEGER",
                DataType::Float32 | DataType::Float64 => "REAL",
                DataType::Binary => "BLOB",
                _ => "TEXT",
            };
            let absent = if field.is_nullable() { "" } else { " NOT NULL" };
            columns.push(format!("{} {kind}{absent}", quoted(name)));
        }
        let columns = columns.join(",\n    ");
        self.database
            .execute_batch(&format!("CREATE TABLE song (\n    {columns}\n);"))?;
        if self.has(Column::Embedding) {
            self.database.execute_batch(
                "CREATE TABLE embedding (
                     song_id INTEGER PRIMARY KEY REFERENCES song (id),
                     vector BLOB NOT NULL -- float32, little endian
                 );",
            )?;
        }
        if self.has(Column::Timeline) {
            self.database.execute_batch(
                "CREATE TABLE moment (
                     song_id INTEGER NOT NULL REFERENCES song (id),
                     number INTEGER NOT NULL,
                     start_s REAL NOT NULL, valence REAL NOT NULL, arousal REAL NOT NULL,
                     happy REAL NOT NULL, excited REAL NOT NULL, tense REAL NOT NULL, frustrated REAL NOT NULL,
                     depressed REAL NOT NULL, tired REAL NOT NULL, calm REAL NOT NULL, content REAL NOT NULL,
                     PRIMARY KEY (song_id, number)
                 ) WITHOUT ROWID;",
            )?;
        }
        self.database.execute(
            "INSERT INTO model VALUES (?, ?, ?, ?, ?)",
            params![
                provenance.model.identity,
                provenance.model.name,
                provenance.preprocessing.to_string(),
                serde_json::Value::from(provenance.emotions.clone()).to_string(),
                provenance.program,
            ],
        )?;
        Ok(())
    }

    fn has(&self, column: Column) -> bool {
        self.schema.field_with_name(column.name()).is_ok()
    }

    fn insert(&self, batch: &RecordBatch) -> rusqlite::Result<()> {
        let mut song = self.database.prepare(&self.insert)?;
        let places: Vec<usize> = plain(&self.schema).map(|(place, _)| place).collect();
        for row in 0..batch.num_rows() {
            let id = Value::Integer(self.rows + row as i64 + 1);
            let values = places.iter().map(|place| value(batch.column(*place), row));
            song.execute(params_from_iter([id].into_iter().chain(values)))?;
        }
        if let Some(lists) = batch
            .column_by_name(Column::Embedding.name())
            .and_then(|array| array.as_fixed_size_list_opt())
        {
            let mut insert = self
                .database
                .prepare("INSERT INTO embedding VALUES (?, ?)")?;
            for row in 0..lists.len() {
                let list = lists.value(row);
                let numbers = list.as_primitive_opt::<Float32Type>();
                let bytes: Vec<u8> = numbers
                    .into_iter()
                    .flat_map(|numbers| numbers.values().iter())
                    .flat_map(|number| number.to_le_bytes())
                    .collect();
                insert.execute(params![self.rows + row as i64 + 1, bytes])?;
            }
        }
        if let Some(timelines) = batch.column_by_name(Column::Timeline.name()) {
            let mut insert = self
                .database
                .prepare("INSERT INTO moment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
            for moment in moments(timelines) {
                let row = self.rows + moment.row as i64 + 1;
                let [a, b, c, d, e, f, g, h] = moment.emotions;
                insert.execute(params![
                    row,
                    moment.number,
                    moment.start_s,
                    moment.valence,
                    moment.arousal,
                    a,
                    b,
                    c,
                    d,
                    e,
                    f,
                    g,
                    h
                ])?;
            }
        }
        Ok(())
    }

    /// Indices come last: it is faster so.
    fn complete(&self) -> rusqlite::Result<()> {
        for columns in INDICES {
            if columns
                .iter()
                .all(|name| self.schema.field_with_name(name).is_ok())
            {
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
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        self.insert(batch)
            .map_err(|error| super::out::encode_error(self.pending.path(), FORMAT, error.into()))?;
        self.rows += batch.num_rows() as i64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError> {
        let completed = self.complete();
        let Self {
            database, pending, ..
        } = *self;
        completed
            .and_then(|()| database.close().map_err(|(_, error)| error))
            .map_err(|error| super::out::encode_error(pending.path(), FORMAT, error.into()))?;
        Ok(vec![pending.commit()?])
    }
}

/// The columns of the table `song`, with their places in the batches.
fn plain(schema: &SchemaRef) -> impl Iterator<Item = (usize, &str)> {
    let fields = schema.fields().iter().enumerate();
    fields
        .filter(|(_, field)| !field.data_type().is_nested())
        .map(|(place, field)| (place, field.name().as_str()))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn value(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => Value::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::Binary => Value::Blob(array.as_binary::<i32>().value(row).to_owned()),
        DataType::Boolean => Value::Integer(array.as_boolean().value(row).into()),
        DataType::Int32 => Value::Integer(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Value::Integer(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => Value::Real(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => Value::Real(array.as_primitive::<Float64Type>().value(row)),
        _ => time(array, row).map_or(Value::Null, Value::Text),
    }
}

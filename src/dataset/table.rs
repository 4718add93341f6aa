//! A small table of text from a CSV or Parquet file, with errors that name the line and the column.

use crate::{
    Error, ErrorKind, Result,
    charset::decode_utf16,
    contain::catch_panic,
    error::Context as _,
    text::{csv_cell, csv_delimiter, did_you_mean, is_missing},
};
use parquet::{
    errors::ParquetError,
    file::reader::{FileReader as _, SerializedFileReader},
    record::Field,
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Its line in the file; in Parquet as if there were a header line.
    pub line: u64,
    cells: Vec<String>,
}

/// A whole table in memory.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub path: PathBuf,
    /// Names of the columns, trimmed and in lower case.
    pub headers: Vec<String>,
    pub rows: Vec<Row>,
}

impl Table {
    /// Reads Parquet if the name ends in `.parquet`, CSV otherwise.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let (headers, rows) = if is_parquet(path) {
            // The reader panics on some damaged files.
            let read = catch_panic(|| read_parquet(path));
            read.context_at(ErrorKind::Dataset, path, "cannot be read as Parquet")??
        } else {
            read_csv(path)?
        };
        let headers = headers.iter().map(|name| name.to_lowercase()).collect();
        let path = path.to_owned();
        Ok(Self {
            path,
            headers,
            rows,
        })
    }

    /// Index of the first of several names that the table has.
    pub(crate) fn find(&self, names: &[&str]) -> Option<usize> {
        let place = |name| self.headers.iter().position(|header| header == name);
        names.iter().find_map(place)
    }

    /// Index of a column that must exist.
    pub(crate) fn require(&self, names: &[&str]) -> Result<usize> {
        self.find(names).ok_or_else(|| {
            let headers = self.headers.iter().map(String::as_str);
            let (names, meant) = (names.join(" or "), did_you_mean(names[0], headers));
            self.columns_error(&format!("expected a column {names}{meant}"))
        })
    }

    /// A cell's text; empty if the row is too short.
    pub(crate) fn cell<'a>(&self, row: &'a Row, column: usize) -> &'a str {
        row.cells.get(column).map_or("", String::as_str)
    }

    /// All cells of a row.
    pub(crate) fn cells<'a>(&self, row: &'a Row) -> &'a [String] {
        &row.cells
    }

    /// A finite number, or `None` if the cell is empty or marked as missing.
    pub(crate) fn number(&self, row: &Row, column: usize) -> Result<Option<f64>> {
        let cell = self.cell(row, column);
        if is_missing(cell) {
            return Ok(None);
        }
        match cell.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            _ => Err(self.cell_error(row, column, "a number")),
        }
    }

    /// The error of a table that lacks columns.
    pub(crate) fn columns_error(&self, expected: &str) -> Error {
        let found = match self.headers.is_empty() {
            true => "(none)".to_owned(),
            false => self.headers.join(", "),
        };
        let message = format!("{expected}; found the columns {found}");
        Error::new(ErrorKind::Dataset, message).with_path(&self.path)
    }

    /// The error of a cell that holds something else.
    pub(crate) fn cell_error(&self, row: &Row, column: usize, expected: &str) -> Error {
        let name = self.headers.get(column).map_or("", String::as_str);
        let (line, found) = (row.line, self.cell(row, column));
        let message = format!("line {line}, column {name}: expected {expected}, found {found:?}");
        Error::new(ErrorKind::Dataset, message).with_path(&self.path)
    }
}

/// Whether the file name ends in `.parquet`.
pub(super) fn is_parquet(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    extension.eq_ignore_ascii_case("parquet")
}

fn read_csv(path: &Path) -> Result<(Vec<String>, Vec<Row>)> {
    let broken = "cannot be read as CSV";
    let mut bytes = fs::read(path).context_at(ErrorKind::Io, path, "cannot be read")?;
    if let Some(text) = decode_utf16(&bytes) {
        bytes = text.into_bytes();
    }
    // The parser's line numbers are right only if every line ends in a line feed alone.
    if bytes.contains(&b'\n') {
        bytes.retain(|byte| *byte != b'\r');
    } else {
        for byte in bytes.iter_mut().filter(|byte| **byte == b'\r') {
            *byte = b'\n';
        }
    }
    let heading = bytes.split(|byte| *byte == b'\n').next();
    let delimiter = csv_delimiter(heading.unwrap_or_default());
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.delimiter(delimiter).flexible(true);
    let mut reader = reader.from_reader(bytes.as_slice());
    let headers = reader.byte_headers();
    let headers = headers.context_at(ErrorKind::Dataset, path, broken)?;
    let headers = headers.iter().map(clean).collect();
    let mut rows = Vec::new();
    for record in reader.byte_records() {
        let record = record.context_at(ErrorKind::Dataset, path, broken)?;
        let cells = record.iter().map(|cell| csv_cell(&clean(cell), delimiter));
        let cells: Vec<String> = cells.collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            let line = record.position().map_or(0, csv::Position::line);
            rows.push(Row { line, cells });
        }
    }
    Ok((headers, rows))
}

fn read_parquet(path: &Path) -> Result<(Vec<String>, Vec<Row>)> {
    let file = File::open(path).context_at(ErrorKind::Io, path, "cannot be opened")?;
    let read = || -> Result<(Vec<String>, Vec<Row>), ParquetError> {
        let reader = SerializedFileReader::new(file)?;
        let fields = reader.metadata().file_metadata().schema().get_fields();
        let headers = fields.iter().map(|field| clean(field.name().as_bytes()));
        let headers = headers.collect();
        let mut rows = Vec::new();
        for row in reader.get_row_iter(None)? {
            let line = rows.len() as u64 + 2;
            let row = row?;
            let cells = row.get_column_iter().map(|(_, field)| match field {
                Field::Null => String::new(),
                Field::Str(text) => text.clone(),
                other => other.to_string(),
            });
            let cells = cells.collect();
            rows.push(Row { line, cells });
        }
        Ok((headers, rows))
    };
    read().context_at(ErrorKind::Dataset, path, "cannot be read as Parquet")
}

/// Removes spaces, tabs, byte order marks and quotes around a field, which the exports of several programs leave.
fn clean(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(field);
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '"')
        .to_owned()
}

/// The id as it is compared: `12`, `0012` and `12.0` are the same song; other names stay as they are.
pub(super) fn canonical_id(text: &str) -> String {
    let text = text.trim();
    match text.strip_suffix(".0").unwrap_or(text).parse::<u64>() {
        Ok(number) => number.to_string(),
        Err(_) => text.to_owned(),
    }
}

/// The order of ids: numbers by value, then names.
pub(super) fn id_order(id: &str) -> (u64, String) {
    (id.parse().unwrap_or(u64::MAX), id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(content: &[u8]) -> Table {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        fs::write(&path, content).unwrap();
        Table::read(&path).unwrap()
    }

    #[test]
    fn spaces_quotes_byte_order_marks_and_crlf_are_removed() {
        let table = table(
            b"\xef\xbb\xbfsong_id, Valence_Mean ,\"\tArtist\t\"\r\n1, 4.5 ,\"\tA, \"\"B\"\"\t\"\r\n\r\n2,nan\r\n",
        );
        assert_eq!(table.headers, ["song_id", "valence_mean", "artist"]);
        assert_eq!(table.rows.len(), 2);
        assert_eq!(table.number(&table.rows[0], 1).unwrap(), Some(4.5));
        assert_eq!(table.cell(&table.rows[0], 2), "A, \"B");
        assert_eq!(table.number(&table.rows[1], 1).unwrap(), None);
        assert_eq!(table.cell(&table.rows[1], 2), "");
    }

    #[test]
    fn semicolons_tabs_and_decimal_commas_are_read() {
        for text in ["id;x;name\n1;-4,5;a, b\n", "id\tx\tname\n1\t-4,5\ta, b\n"] {
            let table = table(text.as_bytes());
            assert_eq!(table.number(&table.rows[0], 1).unwrap(), Some(-4.5));
            assert_eq!(table.cell(&table.rows[0], 2), "a, b");
        }
    }

    #[test]
    fn utf_16_is_read_by_its_byte_order_mark() {
        let units = || "\u{feff}id\tname\r\n1\tÉ\r\n".encode_utf16();
        let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        for content in [little, big] {
            let table = table(&content);
            assert_eq!(table.headers, ["id", "name"]);
            assert_eq!(table.cell(&table.rows[0], 1), "É");
        }
    }

    #[test]
    fn a_wrong_cell_is_named_by_line_and_column() {
        let table = table(b"song_id,x\n1,2\n2,abc\n");
        let message = table.number(&table.rows[1], 1).unwrap_err().to_string();
        assert!(
            message.contains("line 3, column x: expected a number, found \"abc\""),
            "{message}"
        );
        let message = table.require(&["song_ids"]).unwrap_err().to_string();
        assert!(message.contains("did you mean \"song_id\"?"), "{message}");
    }

    #[test]
    fn ids_are_compared_as_numbers_if_they_are_numbers() {
        for id in ["12", "0012", " 12 ", "12.0"] {
            assert_eq!(canonical_id(id), "12");
        }
        assert_eq!(canonical_id("song_12"), "song_12");
        assert_eq!(canonical_id("1.5"), "1.5");
    }
}

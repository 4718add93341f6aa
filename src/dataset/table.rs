//! A small table of text, from CSV or Parquet, whose errors say which line and column.

use super::DatasetError;
use crate::contain::catch_panic;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::{arrow::arrow_reader::ParquetRecordBatchReaderBuilder, errors::ParquetError};
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// One row and the line on which it stands in its file.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub line: u64,
    cells: Vec<String>,
}

/// A whole table in memory. Header names are trimmed and in lower case.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub path: PathBuf,
    headers: Vec<String>,
    pub rows: Vec<Row>,
}

/// Blanks, tabs, byte order marks and quotes around a field, as files of several exports carry them.
fn clean(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(field);
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '"')
        .to_owned()
}

/// A CSV reader that takes rows of any length, and CRLF as well as LF.
pub(super) fn csv_reader(path: &Path) -> Result<csv::Reader<File>, DatasetError> {
    let file = File::open(path).map_err(DatasetError::io(path, "opening the file"))?;
    Ok(csv::ReaderBuilder::new().flexible(true).from_reader(file))
}

impl Table {
    /// Reads a file: Parquet where the name ends in `.parquet`, CSV otherwise.
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        let parquet = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("parquet"));
        if parquet {
            // The reader promises not to panic on damaged files, and does.
            catch_panic(|| Self::read_parquet(path)).unwrap_or_else(|panic| {
                Err(DatasetError::Parquet {
                    path: path.to_owned(),
                    source: ParquetError::External(Box::new(panic)),
                })
            })
        } else {
            Self::read_csv(path)
        }
    }

    fn read_csv(path: &Path) -> Result<Self, DatasetError> {
        let fault = |source| DatasetError::Csv {
            path: path.to_owned(),
            source,
        };
        let mut bytes = std::fs::read(path).map_err(DatasetError::io(path, "reading the file"))?;
        // The parser counts lines rightly only where every line ends in a line feed alone.
        if bytes.contains(&b'\n') {
            bytes.retain(|byte| *byte != b'\r');
        } else {
            for byte in bytes.iter_mut().filter(|byte| **byte == b'\r') {
                *byte = b'\n';
            }
        }
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(bytes.as_slice());
        let headers = reader
            .byte_headers()
            .map_err(fault)?
            .iter()
            .map(|h| clean(h).to_lowercase())
            .collect();
        let mut rows = Vec::new();
        for record in reader.byte_records() {
            let record = record.map_err(fault)?;
            let cells: Vec<String> = record.iter().map(clean).collect();
            if cells.iter().all(String::is_empty) {
                continue;
            }
            rows.push(Row {
                line: record.position().map_or(0, csv::Position::line),
                cells,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            headers,
            rows,
        })
    }

    fn read_parquet(path: &Path) -> Result<Self, DatasetError> {
        let fault = |source: ParquetError| DatasetError::Parquet {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(DatasetError::io(path, "opening the file"))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(fault)?;
        let headers = reader
            .schema()
            .fields()
            .iter()
            .map(|f| clean(f.name().as_bytes()).to_lowercase())
            .collect();
        let options = FormatOptions::default();
        let mut rows = Vec::new();
        for batch in reader.build().map_err(fault)? {
            let batch = batch.map_err(|e| fault(e.into()))?;
            let columns = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|e| fault(e.into()))?;
            for i in 0..batch.num_rows() {
                let cells = columns
                    .iter()
                    .map(|column| column.value(i).try_to_string())
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|e| fault(e.into()))?;
                rows.push(Row {
                    line: rows.len() as u64 + 2,
                    cells,
                });
            }
        }
        Ok(Self {
            path: path.to_owned(),
            headers,
            rows,
        })
    }

    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// Index of the first of several names that the table has.
    pub fn find(&self, names: &[&str]) -> Option<usize> {
        names
            .iter()
            .find_map(|name| self.headers.iter().position(|h| h == name))
    }

    /// Index of a column that must be there.
    pub fn require(&self, names: &[&str]) -> Result<usize, DatasetError> {
        self.find(names).ok_or_else(|| {
            let close = self
                .headers
                .iter()
                .find(|h| names.iter().any(|n| strsim::jaro_winkler(h, n) > 0.85));
            let mut expected = format!("expected a column {}", names.join(" or "));
            if let Some(close) = close {
                expected.push_str(&format!(" (is {close:?} meant?)"));
            }
            self.columns_error(expected)
        })
    }

    pub fn columns_error(&self, expected: String) -> DatasetError {
        DatasetError::Columns {
            path: self.path.clone(),
            expected,
            found: if self.headers.is_empty() {
                "(none)".to_owned()
            } else {
                self.headers.join(", ")
            },
        }
    }

    /// A cell's text; empty where the row is too short.
    pub fn cell<'a>(&self, row: &'a Row, column: usize) -> &'a str {
        row.cells.get(column).map_or("", String::as_str)
    }

    /// A finite number, or `None` where the cell is empty or says that it is missing.
    pub fn number(&self, row: &Row, column: usize) -> Result<Option<f64>, DatasetError> {
        let cell = self.cell(row, column);
        if is_missing(cell) {
            return Ok(None);
        }
        match cell.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            _ => Err(self.value_error(row, column, "a number")),
        }
    }

    pub fn value_error(&self, row: &Row, column: usize, expected: &str) -> DatasetError {
        DatasetError::Value {
            path: self.path.clone(),
            line: row.line,
            column: self.headers.get(column).cloned().unwrap_or_default(),
            expected: expected.to_owned(),
            found: self.cell(row, column).to_owned(),
        }
    }
}

/// Whether a cell says that there is no value.
pub(super) fn is_missing(cell: &str) -> bool {
    cell.is_empty()
        || ["nan", "na", "n/a", "null", "none"]
            .iter()
            .any(|m| cell.eq_ignore_ascii_case(m))
}

/// An id as it is compared: `12`, `0012` and `12.0` are the same song; other names stay as they are.
pub(super) fn canonical_id(text: &str) -> String {
    let text = text.trim();
    if let Ok(number) = text.parse::<u64>() {
        return number.to_string();
    }
    match text.strip_suffix(".0").map(str::parse::<u64>) {
        Some(Ok(number)) => number.to_string(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(content: &[u8]) -> Table {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        std::fs::write(&path, content).unwrap();
        Table::read(&path).unwrap()
    }

    #[test]
    fn blanks_tabs_quotes_byte_order_marks_and_crlf_are_taken_off() {
        let table = table(
            b"\xef\xbb\xbfsong_id, Valence_Mean ,\"\tArtist\t\"\r\n1, 4.5 ,\"\tA, \"\"B\"\"\t\"\r\n\r\n2,nan\r\n",
        );
        assert_eq!(table.headers(), ["song_id", "valence_mean", "artist"]);
        assert_eq!(table.rows.len(), 2);
        assert_eq!(table.number(&table.rows[0], 1).unwrap(), Some(4.5));
        assert_eq!(table.cell(&table.rows[0], 2), "A, \"B");
        assert_eq!(table.number(&table.rows[1], 1).unwrap(), None);
        assert_eq!(table.cell(&table.rows[1], 2), "");
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
        assert!(message.contains("is \"song_id\" meant?"), "{message}");
    }

    #[test]
    fn ids_are_compared_as_numbers_where_they_are_numbers() {
        for id in ["12", "0012", " 12 ", "12.0"] {
            assert_eq!(canonical_id(id), "12");
        }
        assert_eq!(canonical_id("song_12"), "song_12");
        assert_eq!(canonical_id("1.5"), "1.5");
    }
}

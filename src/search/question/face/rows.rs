//! The rows of a face file, whatever it is written in.

use super::{FaceError, json::read_json};
use crate::contain::catch_panic;
use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::cast,
    datatypes::DataType,
    util::display::{ArrayFormatter, FormatOptions},
};
use parquet::{arrow::arrow_reader::ParquetRecordBatchReaderBuilder, errors::ParquetError};
use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufRead, Cursor, Read, Seek},
    ops::ControlFlow,
};

/// Bytes of the longest heading.
const LONGEST_HEADING: u64 = 1 << 20;

/// A row with the names of its columns.
pub(super) struct Row<'a> {
    /// Counted from 1, the heading left out.
    pub number: u64,
    /// None at all where a list says that nothing was seen.
    pub names: &'a [String],
    /// Which list of a list of lists it stands in: the image or frame.
    pub image: Option<u64>,
    cells: Cells<'a>,
}

enum Cells<'a> {
    Csv(&'a csv::ByteRecord),
    Texts(&'a [String]),
    Arrow(&'a [Option<ArrayFormatter<'a>>], usize),
}

impl<'a> Row<'a> {
    /// A row of texts.
    pub fn of_texts(
        number: u64,
        image: Option<u64>,
        names: &'a [String],
        texts: &'a [String],
    ) -> Self {
        Self {
            number,
            names,
            image,
            cells: Cells::Texts(texts),
        }
    }

    /// A cell without blanks around it; empty where it is missing.
    pub fn cell(&self, column: usize) -> Cow<'_, str> {
        match &self.cells {
            Cells::Csv(record) => {
                match String::from_utf8_lossy(record.get(column).unwrap_or(b"")) {
                    Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
                    Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
                }
            }
            Cells::Texts(texts) => Cow::Borrowed(texts.get(column).map_or("", |text| text.trim())),
            Cells::Arrow(columns, row) => {
                let text = columns.get(column).and_then(Option::as_ref);
                let text = text.and_then(|cells| cells.value(*row).try_to_string().ok());
                Cow::Owned(text.unwrap_or_default())
            }
        }
    }
}

/// What takes the rows; it may stop the reading.
pub(super) type OnRow<'a> = dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>, FaceError> + 'a;

/// Hands each row of a file or stream to `on_row`, as soon as it is there. What it is written in is told from how it begins:
/// Parquet, JSON (an array, objects one after another, or lists of them), otherwise CSV with commas, semicolons or tabs.
///
/// # Errors
/// [`FaceError`], and what `on_row` returns.
pub(super) fn read(
    mut input: Box<dyn BufRead + '_>,
    name: &str,
    on_row: &mut OnRow<'_>,
) -> Result<(), FaceError> {
    let read_error = |source| FaceError::read(name, source);
    // Blank lines before anything else are nobody's heading.
    let mut first = Vec::new();
    loop {
        first.clear();
        let length = input
            .by_ref()
            .take(LONGEST_HEADING)
            .read_until(b'\n', &mut first)
            .map_err(read_error)?;
        if length == 0 {
            return Err(FaceError::Empty {
                name: name.to_owned(),
            });
        }
        if !first.trim_ascii().is_empty() {
            break;
        }
    }
    if first.starts_with(b"PAR1") {
        return read_parquet(first, input, name, on_row);
    }
    let first = match first.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest.to_vec(),
        None => first,
    };
    if matches!(first.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return read_json(Cursor::new(first).chain(input), name, on_row);
    }
    if first.starts_with(b"\xff\xfe") || first.starts_with(b"\xfe\xff") {
        return Err(read_error(io::Error::new(
            io::ErrorKind::InvalidData,
            "expected UTF-8, found UTF-16; save it as UTF-8",
        )));
    }
    if first.len() as u64 == LONGEST_HEADING || first.contains(&0) {
        return Err(read_error(io::Error::new(
            io::ErrorKind::InvalidData,
            "expected CSV with a heading, JSON or Parquet, found something else",
        )));
    }
    read_csv(first, input, name, on_row)
}

fn read_csv(
    heading: Vec<u8>,
    rest: Box<dyn BufRead + '_>,
    name: &str,
    on_row: &mut OnRow<'_>,
) -> Result<(), FaceError> {
    let csv_error = |source| FaceError::Csv {
        name: name.to_owned(),
        source,
    };
    let count = |delimiter: u8| heading.iter().filter(|byte| **byte == delimiter).count();
    // The last of equally many: a comma, where there is none of the three.
    let delimiter = [b'\t', b';', b',']
        .into_iter()
        .max_by_key(|delimiter| count(*delimiter))
        .unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(Cursor::new(heading).chain(rest));
    let names: Vec<String> = reader
        .byte_headers()
        .map_err(csv_error)?
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim().to_owned())
        .collect();
    let mut record = csv::ByteRecord::new();
    for number in 1.. {
        if !reader.read_byte_record(&mut record).map_err(csv_error)? {
            break;
        }
        let row = Row {
            number,
            names: &names,
            image: None,
            cells: Cells::Csv(&record),
        };
        if on_row(&row)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn read_parquet(
    first: Vec<u8>,
    mut rest: Box<dyn BufRead + '_>,
    name: &str,
    on_row: &mut OnRow<'_>,
) -> Result<(), FaceError> {
    let read_error = |source| FaceError::read(name, source);
    // Its footer comes last, and a stream cannot be wound back.
    let mut file = tempfile::tempfile().map_err(read_error)?;
    io::copy(&mut Cursor::new(first).chain(&mut rest), &mut file).map_err(read_error)?;
    file.rewind().map_err(read_error)?;
    // The reader promises not to panic on damaged files, and does.
    catch_panic(|| parquet_rows(file, name, on_row)).unwrap_or_else(|panic| {
        Err(FaceError::Parquet {
            name: name.to_owned(),
            source: ParquetError::External(Box::new(panic)),
        })
    })
}

fn parquet_rows(file: File, name: &str, on_row: &mut OnRow<'_>) -> Result<(), FaceError> {
    let parquet_error = |source| FaceError::Parquet {
        name: name.to_owned(),
        source,
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.build())
        .map_err(parquet_error)?;
    let options = FormatOptions::default();
    let mut number = 0;
    for batch in reader {
        let batch = batch.map_err(|error| parquet_error(error.into()))?;
        let (mut names, mut columns) = (Vec::new(), Vec::new());
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            columns_of(field.name(), column, &mut names, &mut columns);
        }
        // What cannot be shown as text is no column that is needed.
        let cells: Vec<_> = columns
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).ok())
            .collect();
        for row in 0..batch.num_rows() {
            number += 1;
            let row = Row {
                number,
                names: &names,
                image: None,
                cells: Cells::Arrow(&cells, row),
            };
            if on_row(&row)?.is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A column, or the columns of a struct, under names with dots. Times become their number since 1970, which says its unit by
/// its size and needs no time zone.
fn columns_of(name: &str, column: &ArrayRef, names: &mut Vec<String>, columns: &mut Vec<ArrayRef>) {
    match (column.data_type(), column.as_struct_opt()) {
        (DataType::Struct(fields), Some(inner)) => {
            for (field, column) in fields.iter().zip(inner.columns()) {
                columns_of(&format!("{name}.{}", field.name()), column, names, columns);
            }
        }
        (kind, _) => {
            let number = matches!(kind, DataType::Timestamp(..))
                .then(|| cast(column, &DataType::Int64).ok())
                .flatten();
            names.push(name.to_owned());
            columns.push(number.unwrap_or_else(|| column.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row as its number, image, and `name=cell` pairs.
    fn rows(text: &[u8]) -> Result<Vec<String>, FaceError> {
        let mut found = Vec::new();
        read(Box::new(text), "faces", &mut |row| {
            let cells: Vec<String> = (0..row.names.len())
                .map(|column| format!("{}={}", row.names[column], row.cell(column)))
                .collect();
            let image = row.image.map_or("-".to_owned(), |image| image.to_string());
            found.push(format!("{} {image} {}", row.number, cells.join(" ")));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    #[test]
    fn tables_may_use_commas_semicolons_and_tabs() {
        let expected = ["1 - a=1 b=x,y", "2 - a= b="];
        assert_eq!(
            rows(b"\xef\xbb\xbf a, b\r\n1,\"x,y\"\r\n,\r\n").unwrap(),
            expected
        );
        assert_eq!(rows(b"\n\na;b\n1;x,y\n;\n").unwrap(), expected);
        assert_eq!(rows(b"a\tb\n1\tx,y\n\t").unwrap(), expected);
    }

    #[test]
    fn json_may_be_an_array_or_lines_or_lists_of_faces() {
        let expected = ["1 - a=1 e.x=0.5", "2 - a=true e="];
        let array = br#"[{"a": 1, "e": {"x": 0.5}, "box": [1, 2]}, {"a": true, "e": null}]"#;
        assert_eq!(rows(array).unwrap(), expected);
        let lines = b"{\"a\":1,\"e\":{\"x\":0.5}}\n{\"a\":true,\"e\":null}\n";
        assert_eq!(rows(lines).unwrap(), expected);
        assert_eq!(rows(br#"{"a": "1"}"#).unwrap(), ["1 - a=1"]);
        let lists = br#"[[{"a": 1}, {"a": 2}], [], [{"a": 3}]]"#;
        let expected = ["1 0 a=1", "2 0 a=2", "3 1 ", "4 2 a=3"];
        assert_eq!(rows(lists).unwrap(), expected);
        let lines = b"[{\"a\": 1}, {\"a\": 2}]\n[]\n[{\"a\": 3}]\n";
        assert_eq!(rows(lines).unwrap(), expected);
        let service = br#"{"results": [{"a": 1}, {"a": 2}], "time": 5}"#;
        assert_eq!(rows(service).unwrap(), ["1 0 a=1 time=5", "2 0 a=2 time=5"]);
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let said = |text: &[u8]| crate::error::one_line(&rows(text).unwrap_err());
        assert!(said(b"").contains("no rows"));
        assert!(said(b" \n\n").contains("no rows"));
        assert!(said(b"[1, 2]").contains("found a number at row 1"));
        assert!(said(b"[{\"a\": NaN}]").contains("as JSON"));
        assert!(said(b"{\"a\": 1").contains("as JSON"));
        assert!(said(b"PAR1 is all").contains("as Parquet"));
        assert!(said(b"\xff\xfea\0").contains("UTF-16"));
        assert!(said(&[0; 100]).contains("something else"));
        assert!(said(&[b'x'; 3 << 20]).contains("something else"));
    }
}

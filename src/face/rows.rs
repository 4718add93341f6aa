//! The rows of a face file: CSV, JSON and Parquet become rows of text under the names of their columns.

use super::columns::EXPECTED;
use crate::{
    charset::decode_utf16,
    contain::catch_panic,
    error::{Context, Error, ErrorKind::InvalidInput, Result},
    text::{csv_cell, csv_delimiter},
};
use csv::StringRecord;
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use serde_json::{Map, Value};
use std::{
    io::{self, BufRead, Cursor, Read, Seek},
    ops::ControlFlow,
};

/// Bytes of the longest heading.
const LONGEST_HEADING: u64 = 1 << 20;
/// Bytes of the longest file in UTF-16, which is read at once.
const LONGEST_UTF16: u64 = 256 << 20;
const CANNOT_READ: &str = "cannot read the face file";

/// A row with the names of its columns.
pub(super) struct Row<'a> {
    /// Counted from 1, the heading not included.
    pub number: u64,
    /// The list that it comes from, where the file has a list of faces for each image or frame.
    pub image: Option<u64>,
    /// Empty for an image without faces.
    pub names: &'a [String],
    cells: &'a StringRecord,
}

impl Row<'_> {
    /// A cell without blanks around it; empty where it is missing.
    pub(crate) fn cell(&self, column: usize) -> &str {
        self.cells.get(column).unwrap_or_default().trim()
    }
}

/// Takes the rows; may stop the reading.
pub(super) type OnRow<'a> = dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>> + 'a;

/// Hands each row of a file or stream to `on_row` as soon as it is there. The first bytes tell the format: Parquet, JSON (an
/// array, objects one after another, or lists of them), else CSV with commas, semicolons or tabs. Text is UTF-8, or UTF-16 with a
/// byte order mark.
///
/// # Errors
/// Where the input cannot be read, and those of `on_row`.
pub(super) fn read(mut input: impl BufRead, on_row: &mut OnRow<'_>) -> Result<()> {
    let mut first = Vec::new();
    // Blank lines before anything else are not the heading.
    while first.trim_ascii().is_empty() {
        first.clear();
        let mut start = input.by_ref().take(LONGEST_HEADING);
        let length = start.read_until(b'\n', &mut first);
        if length.context(InvalidInput, CANNOT_READ)? == 0 {
            return Err(empty());
        }
    }
    if first.starts_with(b"\xef\xbb\xbf") {
        first.drain(..3);
    }
    let refused = |message| Err(Error::invalid(message));
    match first.trim_ascii_start() {
        [b'P', b'A', b'R', b'1', ..] => read_parquet(Cursor::new(first).chain(input), on_row),
        [b'{' | b'[', ..] => read_json(Cursor::new(first).chain(input), on_row),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            let mut rest = input.take(LONGEST_UTF16);
            let length = rest.read_to_end(&mut first);
            if length.context(InvalidInput, CANNOT_READ)? as u64 == LONGEST_UTF16 {
                return refused("expected at most 256 MiB of UTF-16; save it as UTF-8");
            }
            let text = decode_utf16(&first).unwrap_or_default();
            read(Cursor::new(text), on_row)
        }
        line if line.contains(&0) || first.len() as u64 == LONGEST_HEADING => {
            refused("expected CSV with a heading, JSON or Parquet, found something else")
        }
        _ => read_csv(first, input, on_row),
    }
}

/// The error for a file without rows.
pub(super) fn empty() -> Error {
    Error::invalid(format!(
        "the face file has no rows; {EXPECTED}, and a row for each frame or second"
    ))
}

fn read_csv(heading: Vec<u8>, rest: impl Read, on_row: &mut OnRow<'_>) -> Result<()> {
    const NOT_CSV: &str = "cannot read the face file as CSV";
    let delimiter = csv_delimiter(&heading);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(Cursor::new(heading).chain(rest));
    let heading = reader.byte_headers().context(InvalidInput, NOT_CSV)?;
    let name = |cell| String::from_utf8_lossy(cell).trim().to_owned();
    let names: Vec<String> = heading.iter().map(name).collect();
    for (number, record) in (1..).zip(reader.byte_records()) {
        let record = record.context(InvalidInput, NOT_CSV)?;
        let record = StringRecord::from_byte_record_lossy(record);
        let cells = record.iter().map(|cell| csv_cell(cell, delimiter));
        let row = Row {
            number,
            image: None,
            names: &names,
            cells: &cells.collect(),
        };
        if on_row(&row)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn read_json(input: impl BufRead, on_row: &mut OnRow<'_>) -> Result<()> {
    let message = "cannot read the face file as JSON (one array, or one object a line)";
    let input = WithoutNan {
        bytes: input.bytes(),
        is_text: false,
        is_escaped: false,
        pending: &[],
    };
    let values = serde_json::Deserializer::from_reader(input).into_iter::<Value>();
    let mut values = values.map(|value| value.context(InvalidInput, message));
    let first = values.next().transpose()?;
    // An array alone holds the rows; the first of several arrays holds the faces of the first image.
    let second = match first {
        Some(Value::Array(_)) => values.next().transpose()?,
        _ => None,
    };
    match (first, second) {
        (Some(Value::Array(items)), None) => read_values(items.into_iter().map(Ok), on_row),
        (first, second) => {
            let start = first.into_iter().chain(second);
            read_values(start.map(Ok).chain(values), on_row)
        }
    }
}

/// JSON with `null` for `NaN`, which is not JSON, but what Python writes.
struct WithoutNan<R> {
    bytes: io::Bytes<R>,
    is_text: bool,
    is_escaped: bool,
    /// Bytes that come next.
    pending: &'static [u8],
}

impl<R: Read> Read for WithoutNan<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(place) = buffer.first_mut() else {
            return Ok(0);
        };
        if let Some((next, rest)) = self.pending.split_first() {
            (*place, self.pending) = (*next, rest);
            return Ok(1);
        }
        let Some(byte) = self.bytes.next().transpose()? else {
            return Ok(0);
        };
        *place = byte;
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = self.is_text,
            b'"' => self.is_text = !self.is_text,
            // Outside of text, nothing else has this letter.
            b'N' if !self.is_text => {
                *place = b'n';
                self.pending = b"ull";
                for _ in 0..2 {
                    self.bytes.next().transpose()?;
                }
            }
            _ => {}
        }
        Ok(1)
    }
}

fn read_parquet(mut input: impl Read, on_row: &mut OnRow<'_>) -> Result<()> {
    const NOT_PARQUET: &str = "cannot read the face file as Parquet";
    // The footer comes last, and a stream cannot be rewound.
    let mut file = tempfile::tempfile().context(InvalidInput, CANNOT_READ)?;
    io::copy(&mut input, &mut file)
        .and_then(|_| file.rewind())
        .context(InvalidInput, CANNOT_READ)?;
    // The reader panics on some damaged files.
    let result = catch_panic(|| {
        let reader = SerializedFileReader::new(file).context(InvalidInput, NOT_PARQUET)?;
        let rows = reader.get_row_iter(None);
        let rows = rows.context(InvalidInput, NOT_PARQUET)?;
        let values = rows.map(|row| Ok(object(row.context(InvalidInput, NOT_PARQUET)?)));
        read_values(values, on_row)
    });
    result.context(InvalidInput, NOT_PARQUET)?
}

fn object(row: parquet::record::Row) -> Value {
    let columns = row.into_columns().into_iter();
    Value::Object(columns.map(|(name, field)| (name, value(field))).collect())
}

/// Times become their number since 1970, whose size tells its unit.
fn value(field: Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Str(text) => text.into(),
        Field::Group(row) => object(row),
        Field::ListInternal(_) | Field::MapInternal(_) | Field::Bytes(_) => {
            Value::Array(Vec::new())
        }
        Field::TimestampMillis(number) | Field::TimestampMicros(number) => number.into(),
        other => other.to_string().into(),
    }
}

/// Turns values into rows.
fn read_values(values: impl Iterator<Item = Result<Value>>, on_row: &mut OnRow<'_>) -> Result<()> {
    let (mut number, mut images) = (0, 0);
    for value in values {
        let faces = faces_of(value?, &mut images).ok_or_else(|| {
            Error::invalid(format!(
                "expected JSON objects, one for each frame or face, or lists of them, found another value at row {}; pandas writes \
                 them with to_json(orient=\"records\")",
                number + 1
            ))
        })?;
        for (image, face) in faces {
            number += 1;
            let (mut names, mut cells) = (Vec::new(), StringRecord::new());
            flatten("", &face, &mut names, &mut cells);
            let row = Row {
                number,
                image,
                names: &names,
                cells: &cells,
            };
            if on_row(&row)?.is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The rows of a value, each with the number of its image if the value is a list of the faces of one; a face also has the
/// properties of its image. `None` for a value that is neither an object nor a list of them.
fn faces_of(value: Value, images: &mut u64) -> Option<Vec<(Option<u64>, Map<String, Value>)>> {
    let (faces, properties) = match value {
        Value::Array(faces) => (faces, Map::new()),
        Value::Object(mut object) => {
            let list = ["results", "faces"]
                .into_iter()
                .find(|key| object.get(*key).is_some_and(Value::is_array));
            match list.and_then(|key| object.remove(key)) {
                Some(Value::Array(faces)) => (faces, object),
                _ => return Some(vec![(None, object)]),
            }
        }
        _ => return None,
    };
    let image = Some(*images);
    *images += 1;
    if faces.is_empty() {
        return Some(vec![(image, Map::new())]);
    }
    let with_properties = |face| {
        let Value::Object(mut face) = face else {
            return None;
        };
        for (key, value) in &properties {
            face.entry(key).or_insert_with(|| value.clone());
        }
        Some((image, face))
    };
    faces.into_iter().map(with_properties).collect()
}

/// The values of an object and of those in it, under names with dots. Lists are skipped: none of their values is needed.
fn flatten(
    prefix: &str,
    object: &Map<String, Value>,
    names: &mut Vec<String>,
    cells: &mut StringRecord,
) {
    for (key, value) in object {
        let name = format!("{prefix}{key}");
        match value {
            Value::Array(_) => continue,
            Value::Object(inner) => {
                flatten(&format!("{name}."), inner, names, cells);
                continue;
            }
            Value::Null => cells.push_field(""),
            Value::String(text) => cells.push_field(text),
            other => cells.push_field(&other.to_string()),
        }
        names.push(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row as its number, image, and `name=cell` pairs.
    fn rows(text: &[u8]) -> Result<Vec<String>> {
        let mut found = Vec::new();
        read(text, &mut |row| {
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
    fn utf_16_is_read_by_its_byte_order_mark() {
        for text in [
            "\u{feff}a;b\r\n1;é\r\n",
            "\u{feff}[{\"a\": 1, \"b\": \"é\"}]",
        ] {
            let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            assert_eq!(rows(&little).unwrap(), ["1 - a=1 b=é"]);
            assert_eq!(rows(&big).unwrap(), ["1 - a=1 b=é"]);
        }
    }

    #[test]
    fn numbers_of_python_that_are_nan_are_empty() {
        let text = br#"[{"a": NaN, "b": "NaN \"NaN"}, {"a": 2, "b": NaN}]"#;
        assert_eq!(rows(text).unwrap(), ["1 - a= b=NaN \"NaN", "2 - a=2 b="]);
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
    fn other_content_is_rejected() {
        let message = |text: &[u8]| format!("{:#}", rows(text).unwrap_err());
        assert!(message(b"").contains("no rows"));
        assert!(message(b" \n\n").contains("no rows"));
        assert!(message(b"[1, 2]").contains("found another value at row 1"));
        assert!(message(b"[{\"a\": Infinity}]").contains("as JSON"));
        assert!(message(b"{\"a\": 1").contains("as JSON"));
        assert!(message(b"PAR1 is all").contains("as Parquet"));
        assert!(message(&[0; 100]).contains("something else"));
        assert!(message(&[b'x'; 3 << 20]).contains("something else"));
    }
}

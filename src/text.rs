//! Small helpers for messages and file names.

use std::fmt::{Display, Write};

/// Jaro-Winkler similarity from which a known name counts as what somebody meant: passes typing errors, rejects other words.
pub(crate) const SIMILAR: f64 = 0.8;

/// `1 song`, `2 songs`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `a, b, c`; of more than `most` items the first, then `and 3 more`.
pub(crate) fn listed<T: Display>(items: &[T], most: usize) -> String {
    let shown: Vec<String> = items.iter().take(most).map(T::to_string).collect();
    match items.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The delimiter of a CSV file with this heading: tab, semicolon, or else comma.
pub(crate) fn csv_delimiter(heading: &[u8]) -> u8 {
    let count = |delimiter: u8| heading.iter().filter(|byte| **byte == delimiter).count();
    // Of equally many the last, so a comma where there are none.
    let delimiters = [b'\t', b';', b','];
    let most = delimiters.into_iter().max_by_key(|one| count(*one));
    most.unwrap_or(b',')
}

/// A cell of a CSV file with this delimiter: in a number, a decimal comma becomes a point.
pub(crate) fn csv_cell(cell: &str, delimiter: u8) -> String {
    let mut parts = cell.split(',');
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = delimiter != b','
        && match (parts.next(), parts.next(), parts.next()) {
            (Some(whole), Some(fraction), None) => {
                is_digits(whole.trim().trim_start_matches('-'))
                    && is_digits(fraction.trim().trim_end_matches('%'))
                    && !fraction.trim().is_empty()
            }
            _ => false,
        };
    match is_number {
        true => cell.replace(',', "."),
        false => cell.to_owned(),
    }
}

/// Whether a cell of a table is empty or marked as missing, as programs, languages and spreadsheets mark it.
pub(crate) fn is_missing(cell: &str) -> bool {
    const MARKS: &str = "na n/a nan null none #n/a #na #nv nan(ind) nan(snan) 1.#ind 1.#qnan";
    let cell = cell.trim().to_lowercase();
    let cell = cell
        .trim_start_matches(['-', '+', '<'])
        .trim_end_matches('>');
    cell.is_empty() || MARKS.split(' ').any(|mark| cell == mark)
}

/// The name nearest to `word`, ignoring case, if one is similar.
pub(crate) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.trim().to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&word, &name.to_lowercase()), name))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// ` (did you mean "title"?)` after an unknown `word` that is similar to a known name, else nothing.
pub(crate) fn did_you_mean<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, names).map_or_else(String::new, |name| format!(" (did you mean \"{name}\"?)"))
}

/// Text with its control characters escaped, so that a file name or tag cannot control the terminal.
pub(crate) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            visible.extend(c.escape_default());
        } else {
            visible.push(c);
        }
    }
    visible
}

/// The path of a URI (RFC 3986): every byte but the unreserved characters and `/` as `%XX`.
pub(crate) fn percent_encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The bytes that a part of a URI encodes; a `%` without two hexadecimal digits stays as it is.
pub(crate) fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |n: usize| char::from(*after.get(n)?).to_digit(16);
        rest = after;
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((16 * high + low) as u8);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => bytes.push(byte),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_commas_are_points_where_commas_do_not_separate() {
        let cells = ["0,25", "-1,5", "75,5%", "a, b", "1,2,3", "1,", "x,1", "3"];
        let read = cells.map(|cell| csv_cell(cell, b';'));
        let expected = ["0.25", "-1.5", "75.5%", "a, b", "1,2,3", "1,", "x,1", "3"];
        assert_eq!(read, expected);
        assert_eq!(csv_cell("0,25", b','), "0,25");
        let headings = [&b"a,b;c,d"[..], b"a;b;c,d", b"a\tb", b"a"];
        assert_eq!(headings.map(csv_delimiter), *b",;\t,");
    }

    #[test]
    fn missing_cells_are_known_in_any_spelling() {
        let marks =
            "nan NaN NAN -nan na NA n/a N/A <NA> #N/A #NV null None - 1.#QNAN -1.#IND -nan(ind)";
        assert!(marks.split(' ').chain(["", " "]).all(is_missing));
        assert!(
            ["0", "-1", "1", "nancy", "no", "a", "inf"]
                .iter()
                .all(|cell| !is_missing(cell))
        );
    }

    #[test]
    fn lists_are_counted_and_cut() {
        assert_eq!(count(1, "song", "songs"), "1 song");
        assert_eq!(count(0, "song", "songs"), "0 songs");
        assert_eq!(listed(&[1, 2, 3], 3), "1, 2, 3");
        assert_eq!(listed(&["a", "b", "c"], 2), "a, b and 1 more");
        assert_eq!(listed::<u8>(&[], 2), "");
    }

    #[test]
    fn typing_errors_get_a_suggestion_and_other_words_none() {
        let names = ["title", "artist", "Album"];
        assert_eq!(did_you_mean("tilte", names), " (did you mean \"title\"?)");
        assert_eq!(nearest(" ALBUN ", names), Some("Album"));
        assert_eq!(did_you_mean("colour", names), "");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(visible("a\u{1b}[2J\nä"), "a\\u{1b}[2J\\nä");
    }

    #[test]
    fn percent_codes_round_trip_for_every_byte() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(percent_decode(&percent_encode(&all)), all);
        assert_eq!(percent_encode("a b/é%".as_bytes()), "a%20b/%C3%A9%25");
        assert_eq!(percent_decode("100%&%4"), b"100%&%4");
    }
}

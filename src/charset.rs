//! Text whose character encoding is not declared, or declared wrongly.

use crate::{Error, Result};
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{DecoderResult, Encoding, IBM866, SHIFT_JIS, UTF_8, WINDOWS_1252};
use std::str::FromStr;

/// Bytes of a field of an ID3v1 tag, which cuts longer text.
const ID3V1_FIELD: usize = 30;
/// A top-level domain: the detector then prefers windows-1252 to the encodings of other Latin script, which it confuses with it in
/// short text, and still recognizes other scripts.
const WESTERN_DOMAIN: &[u8] = b"fr";

/// The character encoding of tags and CUE sheets that do not declare theirs, or declare Latin-1, as old programs did for any.
///
/// By default it is detected from all such text of a file: UTF-8, or the encoding of another script than Latin (such as GBK,
/// Shift_JIS, windows-1251), or else Western (windows-1252). Encodings of Latin script besides that one have to be named.
///
/// ```
/// use circumplex::TagCharset;
///
/// let charset: TagCharset = "windows-1251".parse()?;
/// assert_ne!(charset, TagCharset::default());
/// assert!("klingon".parse::<TagCharset>().is_err());
/// # Ok::<(), circumplex::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TagCharset(Option<&'static Encoding>);

impl FromStr for TagCharset {
    type Err = Error;

    /// Parses `auto`, or the name of an encoding as in web pages (WHATWG), in any case.
    fn from_str(name: &str) -> Result<Self> {
        if name.trim().eq_ignore_ascii_case("auto") {
            return Ok(Self(None));
        }
        match Encoding::for_label_no_replacement(name.as_bytes()) {
            Some(encoding) => Ok(Self(Some(encoding))),
            None => Err(Error::invalid(
                "expected auto or a character encoding, such as utf-8, gbk, big5, shift_jis, euc-kr, windows-1250, windows-1251",
            )),
        }
    }
}

impl TagCharset {
    /// Decodes the fields of one file that declare no encoding, or Latin-1.
    pub(crate) fn decode_fields(self, fields: &[&[u8]]) -> Vec<String> {
        let encoding = self.0.unwrap_or_else(|| detect(fields));
        let decoded = fields.iter().map(|field| {
            decode_utf16(field)
                .or_else(|| decode(encoding, field))
                .or_else(|| decode(UTF_8, field))
                .unwrap_or_else(|| encoding_rs::mem::decode_latin1(field).into_owned())
        });
        decoded.collect()
    }

    /// Decodes the lines of a file: as a byte order mark says, else in UTF-8 if they are that, else in this encoding.
    pub(crate) fn decode_file(self, bytes: &[u8]) -> String {
        if let Some(text) = decode_utf16(bytes) {
            return text;
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if let Ok(text) = std::str::from_utf8(bytes) {
            return text.to_owned();
        }
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        self.decode_fields(&lines).join("\n")
    }
}

/// Decodes text that begins with the byte order mark of UTF-16.
pub(crate) fn decode_utf16(bytes: &[u8]) -> Option<String> {
    let (encoding, mark) = Encoding::for_bom(bytes).filter(|(encoding, _)| *encoding != UTF_8)?;
    let mut bytes = bytes[mark..].to_vec();
    if bytes.len() % 2 == 1 {
        // Of the last character a zero is missing, or it is half a character.
        bytes.push(0);
    }
    let (text, _) = encoding.decode_without_bom_handling(&bytes);
    Some(text.into_owned())
}

/// Decodes text in a code page of Windows; `None` if it is not known, or a byte is not valid in it.
pub(crate) fn decode_code_page(number: u16, bytes: &[u8]) -> Option<String> {
    let label = match number {
        874 | 1250..=1258 => format!("windows-{number}"),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        866 => "ibm866".to_owned(),
        20866 => "koi8-r".to_owned(),
        28591..=28606 => format!("iso-8859-{}", number - 28590),
        65001 => "utf-8".to_owned(),
        _ => return None,
    };
    decode(Encoding::for_label(label.as_bytes())?, bytes)
}

/// Decodes text; `None` if a byte is not valid in this encoding. A field that ID3v1 may have cut can end in half a character.
fn decode(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let length = decoder.max_utf8_buffer_length_without_replacement(bytes.len())?;
    let mut text = String::with_capacity(length);
    let is_whole = bytes.len() != ID3V1_FIELD;
    let (result, _) = decoder.decode_to_string_without_replacement(bytes, &mut text, is_whole);
    (result == DecoderResult::InputEmpty).then_some(text)
}

/// The encoding of these texts of one file.
fn detect(texts: &[&[u8]]) -> &'static Encoding {
    let foreign = || texts.iter().filter(|text| !text.is_ascii());
    let utf_8 = foreign().filter(|text| decode(UTF_8, text).is_some());
    if 2 * utf_8.count() > foreign().count() {
        return UTF_8;
    }
    let guess = |cut: usize| {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        for text in texts {
            let cut = if text.len() == ID3V1_FIELD { cut } else { 0 };
            detector.feed(&text[..text.len() - cut], false);
            detector.feed(b"\n", false);
        }
        detector.feed(b"", true);
        detector.guess(Some(WESTERN_DOMAIN), Utf8Detection::Deny)
    };
    let whole = guess(0);
    // The detector misses it in short text.
    if whole != IBM866 && has_kana(texts) {
        return SHIFT_JIS;
    }
    if whole == WINDOWS_1252 {
        guess(1)
    } else {
        whole
    }
}

/// Whether texts are valid Shift_JIS with some kana, which other encodings are not by chance (only IBM866 is).
fn has_kana(texts: &[&[u8]]) -> bool {
    let decoded: Option<String> = texts.iter().map(|text| decode(SHIFT_JIS, text)).collect();
    let is_kana = |c: &char| ('\u{3041}'..='\u{30fa}').contains(c);
    decoded.is_some_and(|text| text.chars().filter(is_kana).count() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Detects the encoding of fields and decodes them.
    fn detected(fields: &[&[u8]]) -> Vec<String> {
        TagCharset::default().decode_fields(fields)
    }

    fn encoded(name: &str, texts: &[&str]) -> Vec<Vec<u8>> {
        let encoding = Encoding::for_label(name.as_bytes()).unwrap();
        let encoded = texts.iter().map(|text| {
            let (bytes, _, has_unmappable) = encoding.encode(text);
            assert!(!has_unmappable, "{text} in {name}");
            bytes.into_owned()
        });
        encoded.collect()
    }

    const OTHER_SCRIPTS: [(&str, &[&str]); 14] = [
        ("gbk", &["我的歌声里", "曲婉婷", "Everything"]),
        ("big5", &["月亮代表我的心", "鄧麗君"]),
        ("shift_jis", &["上を向いて歩こう", "坂本九", "ベスト"]),
        ("shift_jis", &["上を向いて歩こう", "坂本九"]),
        (
            "ibm866",
            &["Группа крови", "Кино", "Звезда по имени Солнце"],
        ),
        ("euc-jp", &["上を向いて歩こう", "坂本九", "ベスト"]),
        ("euc-kr", &["강남스타일", "싸이"]),
        ("windows-1251", &["Группа крови", "Кино"]),
        (
            "koi8-r",
            &["Группа крови", "Кино", "Звезда по имени Солнце"],
        ),
        (
            "windows-1253",
            &["Συννεφιασμένη Κυριακή", "Βασίλης Τσιτσάνης"],
        ),
        ("windows-1255", &["ירושלים של זהב", "נעמי שמר"]),
        ("windows-1256", &["أنت عمري", "أم كلثوم"]),
        ("windows-874", &["ขอใจเธอแลกเบอร์โทร", "หญิงลี"]),
        ("utf-8", &["我的歌声里", "Björk", "Группа крови"]),
    ];

    #[test]
    fn other_scripts_are_detected_from_the_fields_of_a_song() {
        for (name, texts) in OTHER_SCRIPTS {
            let bytes = encoded(name, texts);
            let fields: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
            assert_eq!(detected(&fields), texts, "{name}");
        }
    }

    #[test]
    fn western_names_stay_western() {
        for text in [
            "Björk",
            "Sigur Rós",
            "Motörhead",
            "Ænima",
            "Mötley Crüe",
            "Beyoncé",
            "Ágætis byrjun",
            "Señorita",
            "Für Elise",
            "Þeyr",
            "Don’t Stop – Live…",
            "“Heroes”",
            "¡Forward, Russia!",
            "¿Y?",
            "Año Nuevo",
            "Håkan Hellström",
            "Når himmelen faller ned",
            "João Gilberto",
            "Così fan tutte",
            "Œuvre",
            "Žižek",
            "£10",
            "n°5",
            "«Nuit»",
            "äöü",
            "É",
            "Queensrÿche",
            "Naïve",
        ] {
            let bytes = encoded("windows-1252", &[text]);
            assert_eq!(detected(&[&bytes[0]]), [text]);
        }
    }

    #[test]
    fn a_named_encoding_is_used_where_the_bytes_are_valid_in_it() {
        let charset: TagCharset = " Windows-1250 ".parse().unwrap();
        let bytes = encoded("windows-1250", &["Dvořák", "Miłość"]);
        assert_eq!(
            charset.decode_fields(&[&bytes[0], &bytes[1]]),
            ["Dvořák", "Miłość"]
        );
        let charset: TagCharset = "gbk".parse().unwrap();
        let two = encoded("gbk", &["联通", "爱"]);
        let other = "€ 5".as_bytes();
        assert_eq!(
            charset.decode_fields(&[&two[0], other, b"\xff"]),
            ["联通", "€ 5", "ÿ"]
        );
    }

    #[test]
    fn a_field_that_id3v1_cuts_within_a_character_does_not_hide_the_encoding() {
        let title = encoded("gbk", &["A我的歌声里爱的海洋我的歌声里好"]);
        let artist = encoded("gbk", &["曲婉婷"]);
        let cut = &title[0][..ID3V1_FIELD];
        assert_eq!(
            detected(&[cut, &artist[0]]),
            ["A我的歌声里爱的海洋我的歌声里", "曲婉婷"]
        );
    }

    #[test]
    fn a_file_is_decoded_by_its_byte_order_mark_or_as_utf_8_or_as_named() {
        let text = "Für 爱";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let charset: TagCharset = "windows-1251".parse().unwrap();
        for bytes in [
            text.as_bytes().to_vec(),
            [&b"\xef\xbb\xbf"[..], text.as_bytes()].concat(),
            [&b"\xff\xfe"[..], &little].concat(),
            [&b"\xfe\xff"[..], &big].concat(),
        ] {
            assert_eq!(charset.decode_file(&bytes), text);
        }
        assert_eq!(charset.decode_file(b"\xca\xe8\xed\xee"), "Кино");
        // A line that is not valid leaves the others as they are.
        let lines = ["TITLE Für 爱\nTITLE Ænima\nTITLE ".as_bytes(), b"\xe9"].concat();
        let decoded = TagCharset::default().decode_file(&lines);
        assert_eq!(decoded, "TITLE Für 爱\nTITLE Ænima\nTITLE é");
        assert_eq!(decode_utf16(b"\xff\xfeT\0i"), Some("Ti".to_owned()));
        assert_eq!(decode_utf16(b"Ti"), None);
    }

    #[test]
    fn an_unknown_name_is_an_error_that_names_some() {
        for name in ["klingon", "", "iso-2022-kr"] {
            let error = name.parse::<TagCharset>().unwrap_err().to_string();
            assert!(
                error.contains("gbk") && error.contains("windows-1251"),
                "{error}"
            );
        }
        assert_eq!("AUTO".parse::<TagCharset>().unwrap(), TagCharset::default());
    }
}

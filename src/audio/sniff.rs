//! The format of a file by its first bytes: formats without a decoder here, and formats that are not audio.

/// The number of bytes that [`sniff`] looks at.
pub(super) const HEAD: u64 = 4096;

/// The result of looking at the first bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sniffed {
    /// An audio format without a decoder here, by name.
    Unsupported(&'static str),
    /// Another kind of file, by name.
    NotAudio(&'static str),
    /// To be decided by the decoders.
    Unknown,
}

/// (offset, bytes, result)
const MAGIC: &[(usize, &[u8], Sniffed)] = {
    use Sniffed::{NotAudio, Unsupported};
    &[
        (0, b"MAC ", Unsupported("Monkey's Audio (APE)")),
        (0, b"wvpk", Unsupported("WavPack")),
        (0, b"MPCK", Unsupported("Musepack")),
        (0, b"MP+", Unsupported("Musepack")),
        (0, b"DSD ", Unsupported("DSD (DSF)")),
        (0, b"FRM8", Unsupported("DSD (DSDIFF)")),
        (0, b"TTA1", Unsupported("True Audio (TTA)")),
        (0, b"TTA2", Unsupported("True Audio (TTA)")),
        (0, b"tBaK", Unsupported("TAK")),
        (0, b"OFR ", Unsupported("OptimFROG")),
        (0, b"ajkg", Unsupported("Shorten")),
        (0, b"LA04", Unsupported("Lossless Audio (LA)")),
        (
            0,
            b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c",
            Unsupported("Windows Media (ASF, WMA)"),
        ),
        (0, b".RMF", Unsupported("RealMedia")),
        (0, b".ra\xfd", Unsupported("RealAudio")),
        (0, b"#!AMR", Unsupported("AMR")),
        (0, b"MThd", Unsupported("MIDI (notes, not audio)")),
        (0, b".snd", Unsupported("Sun audio (AU)")),
        (0, b"FLV\x01", Unsupported("Flash video")),
        (0, b"\x0b\x77", Unsupported("Dolby Digital (AC-3)")),
        (0, b"\x7f\xfe\x80\x01", Unsupported("DTS")),
        (0, b"Extended Module: ", Unsupported("tracker module (XM)")),
        (0, b"IMPM", Unsupported("tracker module (IT)")),
        (
            0,
            b"RF64",
            Unsupported("RF64 (a WAV file for more than 4 GB)"),
        ),
        (
            0,
            b"BW64",
            Unsupported("BW64 (a WAV file for more than 4 GB)"),
        ),
        (0, b"riff\x2e\x91\xcf\x11", Unsupported("Sony Wave64")),
        (8, b"AVI ", Unsupported("AVI video")),
        (0, b"\xff\xd8\xff", NotAudio("a JPEG picture")),
        (0, b"\x89PNG\r\n", NotAudio("a PNG picture")),
        (0, b"GIF8", NotAudio("a GIF picture")),
        (8, b"WEBP", NotAudio("a WebP picture")),
        (0, b"%PDF-", NotAudio("a PDF document")),
        (
            0,
            b"PK\x03\x04",
            NotAudio("a ZIP archive or an office document"),
        ),
        (0, b"\x1f\x8b", NotAudio("a gzip archive")),
        (0, b"Rar!", NotAudio("a RAR archive")),
        (0, b"7z\xbc\xaf\x27\x1c", NotAudio("a 7-Zip archive")),
        (0, b"SQLite format 3", NotAudio("an SQLite database")),
        (0, b"PAR1", NotAudio("a Parquet file")),
        (0, b"\x7fELF", NotAudio("a program")),
        (0, b"MZ", NotAudio("a program")),
        (0, b"\xca\xfe\xba\xbe", NotAudio("a program")),
        (0, b"\xfe\xed\xfa", NotAudio("a program")),
        (0, b"\xcf\xfa\xed\xfe", NotAudio("a program")),
        (0, b"BM", NotAudio("a BMP picture")),
    ]
};

/// Looks at `head`, the first [`HEAD`] bytes of a file or all of a shorter one.
pub(super) fn sniff(head: &[u8]) -> Sniffed {
    for &(offset, magic, result) in MAGIC {
        if head
            .get(offset..)
            .is_some_and(|rest| rest.starts_with(magic))
        {
            return result;
        }
    }
    if !head.is_empty() && head.iter().all(|&b| b == 0) {
        return Sniffed::NotAudio("zero bytes");
    }
    if is_text(head) {
        return Sniffed::NotAudio("text");
    }
    Sniffed::Unknown
}

/// Returns whether `head` is text: UTF-8, perhaps cut inside a character, without control characters but white space.
fn is_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            match std::str::from_utf8(&head[..error.valid_up_to()]) {
                Ok(text) => text,
                Err(_) => return false,
            }
        }
        Err(_) => return false,
    };
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}');
    valid.len() >= 4 && !valid.chars().any(is_odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_without_a_decoder_are_named() {
        assert_eq!(
            sniff(b"MAC \x96\x0f\0\0"),
            Sniffed::Unsupported("Monkey's Audio (APE)")
        );
        assert_eq!(sniff(b"wvpk\0\0\0\0"), Sniffed::Unsupported("WavPack"));
        assert_eq!(
            sniff(b"RIFF\0\0\0\0AVI LIST"),
            Sniffed::Unsupported("AVI video")
        );
    }

    #[test]
    fn pictures_text_and_zero_bytes_are_not_audio() {
        assert_eq!(
            sniff(b"\xff\xd8\xff\xe0\0\x10JFIF"),
            Sniffed::NotAudio("a JPEG picture")
        );
        assert_eq!(
            sniff("Noten für Flöte\n".as_bytes()),
            Sniffed::NotAudio("text")
        );
        // Cut in the middle of a letter.
        assert_eq!(
            sniff(&"Noten für".as_bytes()[..8]),
            Sniffed::NotAudio("text")
        );
        assert_eq!(sniff(&[0; 100]), Sniffed::NotAudio("zero bytes"));
    }

    #[test]
    fn audio_is_left_to_the_decoders() {
        for head in [
            b"RIFF\x24\0\0\0WAVEfmt ".as_slice(),
            b"fLaC\0\0\0\x22",
            b"OggS\0\x02\0\0",
            b"ID3\x04\0\0\0\0\0\x0a",
            b"\xff\xfb\x90\x64\0\0",
            b"\0\0\0\x20ftypM4A ",
            b"FORM\0\0\0\0AIFF",
        ] {
            assert_eq!(sniff(head), Sniffed::Unknown, "{head:?}");
        }
    }
}

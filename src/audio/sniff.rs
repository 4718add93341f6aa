//! The format of a file by its first bytes: formats without a decoder here, and formats that are not audio.

use super::source::{not_audio, unsupported};
use crate::Result;

/// The number of bytes that [`sniff`] looks at.
pub(super) const HEAD: u64 = 4096;

/// Offset, bytes and name of audio formats without a decoder here.
const UNSUPPORTED: &[(usize, &[u8], &str)] = &[
    (0, b"MAC ", "Monkey's Audio (APE)"),
    (0, b"wvpk", "WavPack"),
    (0, b"MPCK", "Musepack"),
    (0, b"MP+", "Musepack"),
    (0, b"DSD ", "DSD (DSF)"),
    (0, b"FRM8", "DSD (DSDIFF)"),
    (0, b"TTA1", "True Audio (TTA)"),
    (0, b"TTA2", "True Audio (TTA)"),
    (0, b"tBaK", "TAK"),
    (0, b"OFR ", "OptimFROG"),
    (0, b"ajkg", "Shorten"),
    (0, b"LA04", "Lossless Audio (LA)"),
    (
        0,
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c",
        "Windows Media (ASF, WMA)",
    ),
    (0, b".RMF", "RealMedia"),
    (0, b".ra\xfd", "RealAudio"),
    (0, b"#!AMR", "AMR"),
    (0, b"MThd", "MIDI (notes, not audio)"),
    (0, b".snd", "Sun audio (AU)"),
    (0, b"FLV\x01", "Flash video"),
    (0, b"\x0b\x77", "Dolby Digital (AC-3)"),
    (0, b"\x7f\xfe\x80\x01", "DTS"),
    (0, b"Extended Module: ", "tracker module (XM)"),
    (0, b"IMPM", "tracker module (IT)"),
    (0, b"RF64", "RF64 (a WAV file for more than 4 GB)"),
    (0, b"BW64", "BW64 (a WAV file for more than 4 GB)"),
    (0, b"riff\x2e\x91\xcf\x11", "Sony Wave64"),
    (8, b"AVI ", "AVI video"),
];

/// Offset, bytes and name of formats that are not audio.
const NOT_AUDIO: &[(usize, &[u8], &str)] = &[
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG\r\n", "a PNG picture"),
    (0, b"GIF8", "a GIF picture"),
    (8, b"WEBP", "a WebP picture"),
    (0, b"%PDF-", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"SQLite format 3", "an SQLite database"),
    (0, b"PAR1", "a Parquet file"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"\xca\xfe\xba\xbe", "a program"),
    (0, b"\xfe\xed\xfa", "a program"),
    (0, b"\xcf\xfa\xed\xfe", "a program"),
    (0, b"BM", "a BMP picture"),
];

/// The codec in a WAV file, if it has no decoder here, by its format tag (RFC 2361).
fn wav_codec(head: &[u8]) -> Option<&'static str> {
    let is_wav = head.starts_with(b"RIFF") && head.get(8..16) == Some(b"WAVEfmt ");
    let tag = head.get(20..22).filter(|_| is_wav)?;
    Some(match u16::from_le_bytes([tag[0], tag[1]]) {
        0x0050 => "MPEG audio",
        0x0055 => "MP3",
        0x0031 => "GSM",
        0x0092 | 0x2000 => "Dolby Digital (AC-3)",
        0x00ff | 0x1600 | 0x1610 => "AAC",
        0x0160..=0x0163 => "Windows Media Audio",
        0x2001 => "DTS",
        0x0040 | 0x0045 | 0x0064 => "G.726 ADPCM",
        0x0028 | 0x028f => "G.722 ADPCM",
        _ => return None,
    })
}

/// The compression of an AIFF-C file, if it is not linear PCM (Apple, *Audio Interchange File Format AIFF-C*, 1991).
fn aiff_codec(head: &[u8]) -> Option<String> {
    let is_aiff_c = head.starts_with(b"FORM") && head.get(8..12) == Some(b"AIFC");
    let at = head.windows(4).position(|word| word == b"COMM")?;
    let code = head.get(at + 26..at + 30).filter(|_| is_aiff_c)?;
    let name = match code {
        b"ima4" => "IMA4 ADPCM",
        b"MAC3" | b"MAC6" => "MACE",
        b"QDMC" | b"QDM2" => "QDesign Music",
        b"Qclp" => "QUALCOMM PureVoice",
        b"G722" | b"G726" | b"G728" => "G.72x",
        b"NONE" | b"twos" | b"sowt" | b"raw " | b"in24" | b"in32" | b"fl32" | b"FL32" | b"fl64"
        | b"FL64" | b"alaw" | b"ALAW" | b"ulaw" | b"ULAW" => return None,
        other => &format!("the compression {:?}", String::from_utf8_lossy(other)),
    };
    Some(name.to_owned())
}

/// Looks at `head`, the first [`HEAD`] bytes of a file or all of a shorter one.
///
/// # Errors
/// [`Unsupported`](crate::ErrorKind::Unsupported) and [`NotAudio`](crate::ErrorKind::NotAudio); other files are for the
/// decoders.
pub(super) fn sniff(head: &[u8]) -> Result<()> {
    let find = |formats: &[(usize, &[u8], &'static str)]| {
        let mut matches = formats.iter().filter(|(offset, magic, _)| {
            let rest = head.get(*offset..);
            rest.is_some_and(|rest| rest.starts_with(magic))
        });
        matches.next().map(|(_, _, name)| *name)
    };
    if let Some(name) = find(UNSUPPORTED) {
        return Err(unsupported(name));
    }
    if let Some(name) = wav_codec(head) {
        return Err(unsupported(&format!("{name} in a WAV container")));
    }
    if let Some(name) = aiff_codec(head) {
        return Err(unsupported(&format!("{name} in an AIFF-C container")));
    }
    if let Some(name) = find(NOT_AUDIO) {
        return Err(not_audio(name));
    }
    if head.iter().all(|&byte| byte == 0) {
        return Err(not_audio("zero bytes"));
    }
    if is_text(head) {
        return Err(not_audio("text"));
    }
    Ok(())
}

/// Returns whether `head` is text: UTF-8, perhaps cut inside a character, without control characters but white space.
fn is_text(head: &[u8]) -> bool {
    let text = match str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}');
    text.len() >= 4 && !text.chars().any(is_odd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn found(head: &[u8]) -> String {
        let error = sniff(head).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotAudio);
        error.to_string()
    }

    #[test]
    fn formats_without_a_decoder_are_named() {
        for (head, name) in [
            (&b"MAC \x96\x0f\0\0"[..], "Monkey's Audio (APE)"),
            (b"wvpk\0\0\0\0", "WavPack"),
            (b"RIFF\0\0\0\0AVI LIST", "AVI video"),
            (
                b"RIFF\0\0\0\0WAVEfmt \x1e\0\0\0\x55\0",
                "MP3 in a WAV container is not supported",
            ),
            (
                b"FORM\0\0\0\0AIFCCOMM\0\0\0\x18\0\x02\0\0\0\0\0\x10\x40\x0e\xac\x44\0\0\0\0\0\0ima4",
                "IMA4 ADPCM in an AIFF-C container is not supported",
            ),
        ] {
            let error = sniff(head).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn pictures_text_and_zero_bytes_are_not_audio() {
        assert!(found(b"\xff\xd8\xff\xe0\0\x10JFIF").contains("a JPEG picture"));
        assert!(found("Noten für Flöte\n".as_bytes()).contains("text"));
        // Cut in the middle of a letter.
        assert!(found(&"Noten für".as_bytes()[..8]).contains("text"));
        assert!(found(&[0; 100]).contains("zero bytes"));
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
            assert!(sniff(head).is_ok(), "{head:?}");
        }
    }
}

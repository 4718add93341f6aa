//! What a file is, by its name and its first bytes: all that is looked at of a file before it is decoded.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Endings of files that are tried. What is in them is for the decoder to find out.
const MUSIC: [&str; 22] = [
    "aac", "aif", "aifc", "aiff", "alac", "caf", "flac", "m4a", "m4b", "m4r", "mka", "mp1", "mp2",
    "mp3", "mp4", "mpga", "oga", "ogg", "opus", "wav", "wave", "webm",
];

/// Endings of music that circumplex does not decode, with the format's name.
const UNSUPPORTED: [(&str, &str); 20] = [
    ("ac3", "AC-3"),
    ("amr", "AMR"),
    ("ape", "Monkey's Audio"),
    ("dff", "DSD"),
    ("dsf", "DSD"),
    ("dts", "DTS"),
    ("it", "tracker module"),
    ("mid", "MIDI"),
    ("midi", "MIDI"),
    ("mod", "tracker module"),
    ("mpc", "Musepack"),
    ("ra", "RealAudio"),
    ("rm", "RealAudio"),
    ("s3m", "tracker module"),
    ("shn", "Shorten"),
    ("spx", "Speex"),
    ("tta", "True Audio"),
    ("wma", "WMA"),
    ("wv", "WavPack"),
    ("xm", "tracker module"),
];

/// What a name says of a file.
pub(super) enum Kind {
    Music,
    Unsupported(&'static str),
    NoEnding,
    Other,
}

/// What the name of a file says of it.
pub(super) fn kind(path: &Path) -> Kind {
    let Some(ending) = path.extension().and_then(OsStr::to_str) else {
        return if path.extension().is_none() {
            Kind::NoEnding
        } else {
            Kind::Other
        };
    };
    let ending = ending.to_ascii_lowercase();
    if MUSIC.contains(&ending.as_str()) {
        return Kind::Music;
    }
    match UNSUPPORTED.iter().find(|(other, _)| *other == ending) {
        Some((_, format)) => Kind::Unsupported(format),
        None => Kind::Other,
    }
}

/// Whether a file begins with the mark of a format that is decoded.
pub(super) fn begins_like_music(path: &Path) -> io::Result<bool> {
    let mut start = Vec::with_capacity(12);
    File::open(path)?.take(12).read_to_end(&mut start)?;
    let at = |offset: usize, mark: &[u8]| start.get(offset..).is_some_and(|s| s.starts_with(mark));
    Ok(at(0, b"ID3")
        || at(0, b"fLaC")
        || at(0, b"OggS")
        || at(0, b"caff")
        || (at(0, b"RIFF") && at(8, b"WAVE"))
        || (at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")))
        || at(4, b"ftypM4A"))
}

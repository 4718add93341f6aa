//! Title, artist, album and genre from a file's tags.

use super::{
    input::Reader,
    tag_bytes::{decode_raw, examine, raw},
};
use crate::{
    charset::{TagCharset, decode_utf16},
    contain::catch_panic,
};
use lofty::{
    TextEncoding,
    aac::AacFile,
    config::{GlobalOptions, ParseOptions, apply_global_options},
    file::AudioFile,
    flac::FlacFile,
    id3::{
        v1::Id3v1Tag,
        v2::{Frame, Id3v2Tag, TextInformationFrame},
    },
    iff::{aiff::AiffFile, wav::WavFile},
    mp4::Mp4File,
    mpeg::MpegFile,
    ogg::{OpusFile, VorbisFile},
    tag::{ItemKey, Tag},
};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use symphonia::core::{formats::FormatReader, meta::StandardTag};

/// Text tags of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// Title of the song.
    pub title: Option<String>,
    /// Artist, or the album's artist if the song names none. Several are joined by "; ".
    pub artist: Option<String>,
    /// Title of the album.
    pub album: Option<String>,
    /// Genre. Several are joined by "; ".
    pub genre: Option<String>,
}

/// Longest tag kept, in characters.
const MAX_CHARS: usize = 1000;
/// Bytes that lofty may read, pictures included. Larger tags are left to symphonia.
const MAX_BYTES: u64 = 32 << 20;

/// The fields of [`Tags`], and the one that replaces the artist.
const KEYS: [ItemKey; 5] = [
    ItemKey::TrackTitle,
    ItemKey::TrackArtist,
    ItemKey::AlbumArtist,
    ItemKey::AlbumTitle,
    ItemKey::Genre,
];

impl Tags {
    /// Reads the tags of a file whose container and codec are known by symphonia's short names. `None` if lofty cannot.
    pub(super) fn read(
        mut file: Reader,
        container: &str,
        codec: &str,
        charset: TagCharset,
    ) -> Option<Self> {
        let (corrections, text) = examine(&mut file, container).ok()?;
        file.rewind().ok()?;
        file.correct(corrections);
        apply_global_options(GlobalOptions::new().allocation_limit(MAX_BYTES as usize));
        let limited = Limited {
            file,
            left: MAX_BYTES,
        };
        let reader = BufReader::with_capacity(1024, limited);
        let tags = catch_panic(|| read_tags(reader, container, codec, text));
        Some(Self::of_tags(&tags.ok()??, charset))
    }

    /// The first tag that has a field provides it.
    fn of_tags(tags: &[Tag], charset: TagCharset) -> Self {
        let text_of = |tag: &Tag, key| tag.get_strings(key).map(str::to_owned).collect();
        let mut tags: Vec<[Vec<String>; 5]> = (tags.iter())
            .map(|tag| KEYS.map(|key| text_of(tag, key)))
            .collect();
        decode_raw(tags.iter_mut().flatten().flatten(), charset);
        let texts = |key: usize| {
            tags.iter()
                .map(move |tag| tag[key].iter().map(String::as_str))
        };
        let first = |key| texts(key).flatten().find_map(clean);
        let all = |key| texts(key).find_map(joined);
        Self {
            title: first(0),
            artist: all(1).or_else(|| all(2)),
            album: first(3),
            genre: all(4),
        }
    }

    /// The tags that symphonia has read: for Matroska and whatever lofty cannot read.
    pub(super) fn of_format(format: &mut dyn FormatReader) -> Self {
        let metadata = format.metadata();
        let Some(revision) = metadata.current() else {
            return Self::default();
        };
        let of_tracks = revision.per_track.iter().flat_map(|t| &t.metadata.tags);
        let all = || revision.media.tags.iter().chain(of_tracks.clone());
        let field = |pick: fn(&StandardTag) -> Option<&str>| {
            joined(all().filter_map(|tag| pick(tag.std.as_ref()?)))
        };
        macro_rules! text {
            ($kind:ident) => {
                field(|tag| match tag {
                    StandardTag::$kind(text) => Some(text),
                    _ => None,
                })
            };
        }
        Self {
            title: text!(TrackTitle),
            artist: text!(Artist).or_else(|| text!(AlbumArtist)),
            album: text!(Album),
            genre: text!(Genre),
        }
    }
}

/// `text` without padding and control characters, which some writers leave; `None` if nothing remains.
fn clean(text: &str) -> Option<String> {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_CHARS)
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in texts.filter_map(clean) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The tags of a file in the order in which they count, with the `text` that lofty leaves out. ID3v1, which cuts every text at 30
/// characters, comes last.
fn read_tags(
    mut reader: BufReader<Limited>,
    container: &str,
    codec: &str,
    text: Tag,
) -> Option<Vec<Tag>> {
    let options = ParseOptions::new()
        .read_properties(false)
        .read_cover_art(false);
    let reader = &mut reader;
    let mut tags = Vec::new();
    match (container, codec) {
        ("mp1" | "mp2" | "mp3", _) => {
            let mut file = MpegFile::read_from(reader, options).ok()?;
            tags.extend(file.remove_id3v2().map(with_raw_text));
            tags.extend(file.remove_ape().map(Tag::from));
            tags.push(text);
            tags.extend(file.remove_id3v1().map(of_id3v1));
        }
        ("aac", _) => {
            let mut file = AacFile::read_from(reader, options).ok()?;
            tags.extend(file.remove_id3v2().map(with_raw_text));
            tags.extend(file.remove_id3v1().map(of_id3v1));
        }
        ("wave", _) => {
            // It counts even if lofty fails.
            tags.push(text);
            let file = WavFile::read_from(reader, options).ok();
            let id3v2 = file.and_then(|mut file| file.remove_id3v2());
            tags.extend(id3v2.map(with_raw_text));
        }
        ("aiff", _) => {
            tags.push(text);
            let file = AiffFile::read_from(reader, options).ok();
            let id3v2 = file.and_then(|mut file| file.remove_id3v2());
            tags.extend(id3v2.map(with_raw_text));
        }
        ("flac", _) => {
            let mut file = FlacFile::read_from(reader, options).ok()?;
            tags.extend(file.remove_vorbis_comments().map(Tag::from));
            tags.push(text);
            tags.extend(file.remove_id3v2().map(with_raw_text));
        }
        ("ogg", "vorbis") => {
            let mut file = VorbisFile::read_from(reader, options).ok()?;
            tags.push(file.remove_vorbis_comments().into());
            tags.push(text);
        }
        ("ogg", "opus") => {
            let mut file = OpusFile::read_from(reader, options).ok()?;
            tags.push(file.remove_vorbis_comments().into());
            tags.push(text);
        }
        ("isomp4", _) => {
            let mut file = Mp4File::read_from(reader, options).ok()?;
            tags.extend(file.remove_ilst().map(Tag::from));
            tags.push(text);
        }
        _ => return None,
    }
    Some(tags)
}

/// A tag whose text in Latin-1 is for [`decode_raw`], since it may be of another encoding.
fn with_raw_text(mut tag: Id3v2Tag) -> Tag {
    let mut frames = Vec::new();
    for frame in &tag {
        if let Frame::Text(frame) = frame
            && frame.encoding == TextEncoding::Latin1
            && !frame.value.is_ascii()
        {
            let bytes: Vec<u8> = frame.value.chars().map(|c| c as u8).collect();
            let text = decode_utf16(&bytes).unwrap_or_else(|| raw(frame.value.chars()));
            let id = frame.id().clone().into_owned();
            frames.push(TextInformationFrame::new(id, TextEncoding::UTF8, text));
        }
    }
    for frame in frames {
        tag.insert(Frame::Text(frame));
    }
    tag.into()
}

/// A tag of text of an unknown encoding.
fn of_id3v1(mut tag: Id3v1Tag) -> Tag {
    for text in [&mut tag.title, &mut tag.artist, &mut tag.album] {
        *text = text.take().map(|text| raw(text.chars()));
    }
    tag.into()
}

/// A reader that fails after a number of bytes.
struct Limited {
    file: Reader,
    /// Bytes that may be read.
    left: u64,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let left = self.left.checked_sub(count as u64);
        self.left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(count)
    }
}

impl Seek for Limited {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests;

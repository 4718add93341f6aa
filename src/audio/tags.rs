//! Title, artist, album and genre from a file's tags.

use super::input::Reader;
use crate::contain::catch_panic;
use lofty::{
    config::ParseOptions,
    file::{FileType, TaggedFile, TaggedFileExt},
    probe::Probe,
    tag::{ItemKey, Tag, TagType},
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

impl Tags {
    /// Reads the tags of a file whose container and codec are known by symphonia's short names. `None` if lofty cannot.
    pub(super) fn read(reader: Reader, container: &str, codec: &str) -> Option<Self> {
        let kind = match (container, codec) {
            ("mp1" | "mp2" | "mp3", _) => FileType::Mpeg,
            ("aac", _) => FileType::Aac,
            ("wave", _) => FileType::Wav,
            ("aiff", _) => FileType::Aiff,
            ("isomp4", _) => FileType::Mp4,
            ("flac", _) => FileType::Flac,
            ("ogg", "vorbis") => FileType::Vorbis,
            ("ogg", "opus") => FileType::Opus,
            _ => return None,
        };
        let options = ParseOptions::new()
            .read_properties(false)
            .read_cover_art(false);
        let reader = BufReader::with_capacity(1024, Limited(reader, MAX_BYTES));
        let probe = Probe::with_file_type(reader, kind).options(options);
        let file = catch_panic(|| probe.read()).ok()?.ok()?;
        Some(Self::of_file(&file))
    }

    /// The first tag that has a field provides it. ID3v1, which cuts every text at 30 characters, comes last.
    fn of_file(file: &TaggedFile) -> Self {
        let mut tags: Vec<&Tag> = file.tags().iter().collect();
        tags.sort_by_key(|tag| tag.tag_type() == TagType::Id3v1);
        let field = |key| tags.iter().find_map(|tag| joined(tag.get_strings(key)));
        let first = |key| {
            let text = |tag: &&Tag| tag.get_strings(key).find_map(clean);
            tags.iter().find_map(text)
        };
        Self {
            title: first(ItemKey::TrackTitle),
            artist: field(ItemKey::TrackArtist).or_else(|| field(ItemKey::AlbumArtist)),
            album: first(ItemKey::AlbumTitle),
            genre: field(ItemKey::Genre),
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

/// A reader that fails after a number of bytes.
struct Limited(Reader, u64);

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1 = self
            .1
            .checked_sub(count as u64)
            .ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(count)
    }
}

impl Seek for Limited {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

//! Title, artist, album and genre from a file's tags.

use symphonia::core::{
    formats::FormatReader,
    meta::{MetadataRevision, StandardTag},
};

/// Text tags of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// Title of the song.
    pub title: Option<String>,
    /// Artist, or the album's artist where the song names none. Several are joined by "; ".
    pub artist: Option<String>,
    /// Title of the album.
    pub album: Option<String>,
    /// Genre. Several are joined by "; ".
    pub genre: Option<String>,
}

/// Longest tag kept, in characters: what is longer is no title.
const MAX_CHARS: usize = 1000;

impl Tags {
    /// Takes over what `other` has and `self` has not.
    pub(super) fn fill_from(&mut self, other: Tags) {
        for (mine, theirs) in [
            (&mut self.title, other.title),
            (&mut self.artist, other.artist),
            (&mut self.album, other.album),
            (&mut self.genre, other.genre),
        ] {
            if mine.is_none() {
                *mine = theirs;
            }
        }
    }

    /// What all the tags that `format` has read so far say. Where two formats of tags disagree the richer wins: ID3v1,
    /// which cuts every text at 30 characters, comes last.
    pub(super) fn of_format(format: &mut dyn FormatReader) -> Tags {
        let mut all: Vec<(bool, Tags)> = Vec::new();
        let mut log = format.metadata();
        loop {
            if let Some(revision) = log.current() {
                all.push((
                    revision.info.short_name == "id3v1",
                    Tags::of_revision(revision),
                ));
            }
            if log.is_latest() || log.pop().is_none() {
                break;
            }
        }
        all.sort_by_key(|(last, _)| *last);
        let mut tags = Tags::default();
        for (_, more) in all {
            tags.fill_from(more);
        }
        tags
    }

    /// What one set of tags says.
    pub(super) fn of_revision(revision: &MetadataRevision) -> Tags {
        let mut found = Found::default();
        let of_tracks = revision.per_track.iter().flat_map(|t| &t.metadata.tags);
        for tag in revision.media.tags.iter().chain(of_tracks) {
            match &tag.std {
                Some(StandardTag::TrackTitle(text)) => found.title.push(text),
                Some(StandardTag::Artist(text)) => found.artist.push(text),
                Some(StandardTag::AlbumArtist(text)) => found.album_artist.push(text),
                Some(StandardTag::Album(text)) => found.album.push(text),
                Some(StandardTag::Genre(text)) => found.genre.push(text),
                _ => {}
            }
        }
        Tags {
            title: first(&found.title),
            artist: joined(&found.artist).or_else(|| joined(&found.album_artist)),
            album: first(&found.album),
            genre: joined(&found.genre),
        }
    }
}

#[derive(Default)]
struct Found<'a> {
    title: Vec<&'a str>,
    artist: Vec<&'a str>,
    album_artist: Vec<&'a str>,
    album: Vec<&'a str>,
    genre: Vec<&'a str>,
}

/// `text` without the padding and the control characters that some writers leave in it; `None` where nothing is left.
pub(super) fn clean(text: &str) -> Option<String> {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_CHARS)
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn first(texts: &[&str]) -> Option<String> {
    texts.iter().find_map(|text| clean(text))
}

fn joined(texts: &[&str]) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in texts.iter().filter_map(|text| clean(text)) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

//! The audio of a song: the file as it is, or as WAV.

use super::{
    Answer, Shared,
    answer::{Failure, Reply, blocking, gone, streamed},
    guard::parameter,
    songs::{generation, read_song, row_of},
    wav::{Format, Wav},
};
use crate::{
    error::{Context as _, Error, ErrorKind, Result},
    library::{Column, Columns, Micros, Song},
};
use axum::{
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::Range,
};

/// Bytes of a file that are read at once.
const PIECE: u64 = 128 * 1024;
/// Bytes that tell the type of a file.
const HEAD: u64 = 4096;

/// `GET /api/songs/{row}/audio`: the file, or with `?format=wav` and for a track of a CUE sheet its part as WAV.
pub(super) async fn audio(
    State(server): State<Shared>,
    Path(row): Path<String>,
    request: Request,
) -> Answer {
    let opened = server.shelf.recent(generation(&request)?)?;
    let row = row_of(&row, opened.library()?)?;
    let wants_wav = match parameter(&request, "format") {
        None => false,
        Some("wav") => true,
        Some(other) => {
            let message = format!("there is no format {other:?}; ask for wav, or leave it out");
            return Err(Failure::invalid(message).of("format"));
        }
    };
    let found = blocking(move || {
        let columns = Columns::FILE
            .with(Column::TrackStartS)
            .with(Column::TrackEndS)
            .with(Column::DurationS);
        let Ok(library) = opened.library() else {
            return Ok(None);
        };
        let song = read_song(library, row, columns)?;
        let Ok(metadata) = song.path.metadata() else {
            return Ok(None);
        };
        if !metadata.is_file() {
            return Ok(None);
        }
        let modified = metadata.modified().map_or(0, |time| Micros::from(time).0);
        let content = match wants_wav || song.track_start_s.is_some() {
            true => Content::Wav(Format::of(&song)?),
            false => {
                let mut file = open(&song)?;
                let mut head = Vec::new();
                (&mut file).take(HEAD).read_to_end(&mut head).context_at(
                    ErrorKind::Io,
                    &song.path,
                    UNREADABLE,
                )?;
                let extension = song.path.extension().unwrap_or_default();
                let extension = extension.to_string_lossy().to_lowercase();
                Content::File(file, metadata.len(), content_type(&head, &extension))
            }
        };
        Ok(Some((song, modified, content)))
    });
    let Some((song, modified, content)) = found.await? else {
        return Err(gone());
    };
    let (length, content_type) = match &content {
        Content::Wav(format) => (format.length(), "audio/wav"),
        Content::File(_, length, content_type) => (*length, *content_type),
    };
    let tag = format!("\"{length:x}-{modified:x}\"");
    let part = part(request.headers(), length, &tag);
    let (status, range) = match part {
        Part::Whole => (StatusCode::OK, 0..length),
        Part::Range(range) => (StatusCode::PARTIAL_CONTENT, range),
        Part::Beyond => {
            let message = format!("the range begins after the end of {length} bytes");
            let failure = Failure::new(StatusCode::RANGE_NOT_SATISFIABLE, message);
            return Ok(
                Reply::failure(failure).with(header::CONTENT_RANGE, format!("bytes */{length}"))
            );
        }
    };
    let (start, end) = (range.start, range.end);
    let body = match (request.method() == Method::HEAD, content) {
        (true, _) => Body::empty(),
        (_, Content::Wav(format)) => {
            let wav = blocking(move || Wav::open(&song.path, format, range));
            streamed(wav.await?, Wav::next)
        }
        (_, Content::File(file, ..)) => streamed(FilePart { file, song, range }, FilePart::next),
    };
    let mut reply = Reply::of(content_type, body)
        .with_status(status)
        .with(header::CONTENT_LENGTH, (end - start).to_string())
        .with(header::ACCEPT_RANGES, "bytes")
        .with(header::CACHE_CONTROL, "private, no-cache")
        .with(header::ETAG, tag);
    if status == StatusCode::PARTIAL_CONTENT {
        let last = end - 1;
        reply = reply.with(
            header::CONTENT_RANGE,
            format!("bytes {start}-{last}/{length}"),
        );
    }
    Ok(reply)
}

const UNREADABLE: &str = "cannot be read";

fn open(song: &Song) -> Result<File> {
    File::open(&song.path).context_at(ErrorKind::Io, &song.path, UNREADABLE)
}

/// What is sent of a song.
enum Content {
    /// The file, its length and its type.
    File(File, u64, &'static str),
    Wav(Format),
}

/// A part of a file that is sent.
struct FilePart {
    file: File,
    song: Song,
    range: Range<u64>,
}

impl FilePart {
    fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if self.range.is_empty() {
            return Ok(None);
        }
        let mut piece = vec![0; (self.range.end - self.range.start).min(PIECE) as usize];
        self.file
            .seek(SeekFrom::Start(self.range.start))
            .and_then(|_| self.file.read_exact(&mut piece))
            .map_err(|error| {
                Error::new(ErrorKind::Io, UNREADABLE)
                    .with_path(&self.song.path)
                    .with_source(error)
            })?;
        self.range.start += piece.len() as u64;
        Ok(Some(piece))
    }
}

/// The part that a request asks for.
#[derive(Debug, PartialEq)]
enum Part {
    Whole,
    Range(Range<u64>),
    /// Nothing of it is there.
    Beyond,
}

/// Reads `Range` (RFC 9110, section 14.2) of something of `length` bytes. Several ranges, other units and what cannot be read
/// mean the whole, and so does a range of another version than `tag`.
fn part(headers: &HeaderMap, length: u64, tag: &str) -> Part {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_RANGE).is_some_and(|version| version != tag) {
        return Part::Whole;
    }
    let bounds = text(header::RANGE)
        .and_then(|range| range.trim().strip_prefix("bytes="))
        .and_then(|range| range.split_once('-'));
    let Some((first, last)) = bounds else {
        return Part::Whole;
    };
    let range = match (first.trim().parse(), last.trim(), last.trim().parse()) {
        (Ok(first), "", _) => first..length,
        (Ok(first), _, Ok(last)) if first <= last => first..length.min(last.saturating_add(1)),
        // The last so many bytes.
        (Err(_), _, Ok(count)) if first.trim().is_empty() => length.saturating_sub(count)..length,
        _ => return Part::Whole,
    };
    match range.is_empty() {
        true => Part::Beyond,
        false => Part::Range(range),
    }
}

/// The type of an audio file by its first bytes; the extension (lower case) tells what is behind tags of MP3.
fn content_type(head: &[u8], extension: &str) -> &'static str {
    match head {
        [b'R', b'I', b'F', b'F', ..] => "audio/wav",
        [b'f', b'L', b'a', b'C', ..] => "audio/flac",
        [b'O', b'g', b'g', b'S', ..] => "audio/ogg",
        [b'F', b'O', b'R', b'M', ..] => "audio/aiff",
        [b'c', b'a', b'f', b'f', ..] => "audio/x-caf",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "audio/mp4",
        [0x1a, 0x45, 0xdf, 0xa3, ..] if head.windows(4).any(|word| word == b"webm") => "audio/webm",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "audio/x-matroska",
        [0x30, 0x26, 0xb2, 0x75, ..] => "audio/x-ms-wma",
        [b'I', b'D', b'3', ..] if extension == "flac" => "audio/flac",
        [b'I', b'D', b'3', ..] if extension == "aac" => "audio/aac",
        [b'I', b'D', b'3', ..] => "audio/mpeg",
        [0xff, second, ..] if second & 0xf6 == 0xf0 => "audio/aac",
        [0xff, second, ..] if second & 0xe0 == 0xe0 => "audio/mpeg",
        _ if extension == "mp3" => "audio/mpeg",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_the_standard() {
        let part_of = |range: &str| {
            let headers = HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]);
            part(&headers, 1000, "\"a\"")
        };
        for (text, range) in [
            ("bytes=0-", 0..1000),
            ("bytes=0-0", 0..1),
            ("bytes=10-19", 10..20),
            ("bytes=990-2000", 990..1000),
            ("bytes=-10", 990..1000),
            ("bytes=-2000", 0..1000),
            ("bytes=999-18446744073709551615", 999..1000),
        ] {
            assert_eq!(part_of(text), Part::Range(range), "{text}");
        }
        for text in ["bytes=1000-", "bytes=2000-3000", "bytes=-0"] {
            assert_eq!(part_of(text), Part::Beyond, "{text}");
        }
        for text in [
            "",
            "bytes=",
            "bytes=-",
            "bytes=5-4",
            "bytes=a-b",
            "bytes=0-1,5-6",
            "items=0-1",
            "bytes=--5",
            "bytes=1-x",
        ] {
            assert_eq!(part_of(text), Part::Whole, "{text}");
        }
    }

    #[test]
    fn a_range_of_another_version_is_the_whole() {
        let with = |version: &str| {
            let headers = HeaderMap::from_iter([
                (header::RANGE, "bytes=1-".parse().unwrap()),
                (header::IF_RANGE, version.parse().unwrap()),
            ]);
            part(&headers, 10, "\"a\"")
        };
        assert_eq!(with("\"a\""), Part::Range(1..10));
        assert_eq!(with("\"b\""), Part::Whole);
    }
}

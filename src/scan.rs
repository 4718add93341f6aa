//! Music directories to a library: [`scan`] lists the music, a [`Plan`] compares it with the library, [`Update`] analyzes
//! what is new on all cores, keeps the outcomes in a [`Journal`], and writes the library.

mod cue;
mod hash;
mod journal;
mod path_list;
mod patterns;
mod plan;
mod run;
mod shard;
mod summary;
mod tracks;
mod update;
#[cfg(test)]
mod update_tests;
mod walk;
mod watch;

pub use cue::Sheet;
use cue::SheetTime;
pub(crate) use hash::content_hash;
use hash::{found_hash, hash_of};
pub use journal::{Journal, Record};
pub(crate) use path_list::{Entry, composed, folded, read_list};
pub(crate) use patterns::Patterns;
pub(crate) use plan::{Plan, RowPlan, UpdateOptions};
use run::{run, work_on};
pub(crate) use shard::Shard;
pub(crate) use summary::Spread;
use tracks::Track;
pub(crate) use update::{Report, Update};
use walk::cannot_read;
pub(crate) use walk::{FoundFile, Listing, ScanOptions, scan};
pub(crate) use watch::{Versions, Watcher};

use crate::{
    Error, ErrorKind, Result,
    analysis::{Analysis, AnalyzeOptions, analyze_bytes, analyze_file},
    audio::Segment,
    contain::catch_panic,
    library::{FailedFile, LibraryInfo, Micros, ModelStamp, Song},
    model::Model,
    text::count,
};
use std::{ffi::OsString, fs, path::Path};

/// The identity of a song: its file and its track.
type FileKey = (OsString, Option<u32>);

impl FoundFile {
    fn key(&self) -> FileKey {
        let track = self.track.as_ref().map(|track| track.number);
        (self.path.clone().into(), track)
    }
}

fn key_of(song: &Song) -> FileKey {
    (song.path.clone().into(), song.track)
}

fn key_of_failed(failed: &FailedFile) -> FileKey {
    (failed.path.clone().into(), failed.track)
}

/// An error about a file on one line, without the file's name, which a list of failures has already.
pub(crate) fn reason(error: &Error) -> String {
    let text = format!("{error:#}");
    let name = error.path().map(|path| format!("{}: ", path.display()));
    let reason = name.and_then(|name| text.strip_prefix(&name).map(str::to_owned));
    reason.unwrap_or(text)
}

/// The description of a library of this model. An excerpt is a part of the preprocessing, so that vectors of excerpts and of
/// whole songs are never in one library.
pub(crate) fn library_info(model: &Model, options: &AnalyzeOptions) -> LibraryInfo {
    let metadata = model.metadata();
    let mut info = LibraryInfo::new(
        ModelStamp {
            identity: model.identity().to_owned(),
            name: metadata.name.clone(),
        },
        // Structs of numbers are always valid JSON.
        serde_json::to_value(&metadata.preprocessing).unwrap_or_default(),
    );
    info.timeline = options.timeline;
    if let Some(excerpt) = &options.excerpt {
        info.set_excerpt(&excerpt.to_string());
    }
    info
}

/// The song of a file that was analyzed now.
fn song_of(file: &FoundFile, analysis: Analysis, content_hash: String) -> Song {
    let analyzed_s = analysis.analyzed_s();
    let audio = analysis.audio;
    let mut song = Song {
        path: file.path.clone(),
        size_bytes: file.size,
        modified: file.modified.map(Micros::from),
        duration_s: audio.duration_s,
        sample_rate: audio.sample_rate,
        channels: audio.channels.into(),
        channel: audio.channel.map(u32::from),
        codec: audio.codec,
        decoder: Some(audio.decoder.to_owned()),
        title: audio.tags.title,
        artist: audio.tags.artist,
        album: audio.tags.album,
        genre: audio.tags.genre,
        valence: analysis.prediction.valence,
        arousal: analysis.prediction.arousal,
        emotions: analysis.prediction.emotions,
        felt: analysis.prediction.felt,
        embedding: analysis.prediction.embedding,
        analyzed_at: Micros::now(),
        windows: analysis.windows,
        content_hash: Some(content_hash),
        silent: analysis.silent,
        damaged_packets: audio.damaged_packets,
        missing_s: audio.missing_s,
        timeline: analysis.timeline,
        ..Song::default()
    };
    if let Some(track) = file.track.as_deref() {
        let start_s = track.start.seconds();
        song.duration_s = analyzed_s;
        song.track = Some(track.number);
        song.track_start_s = Some(start_s);
        song.track_end_s = Some(start_s + analyzed_s);
        // The tags of the file complete those of the sheet, except for the title.
        song.title.clone_from(&track.title);
        song.artist = track.artist.clone().or(song.artist);
        song.album = track.album.clone().or(song.album);
        song.genre = track.genre.clone().or(song.genre);
    } else if let Some(segment) = &audio.segment {
        song.excerpt_start_s = Some(segment.start_s);
        song.excerpt_length_s = Some(analyzed_s);
    }
    song
}

/// Analyzes a file that a scan found; of a track of a CUE sheet its part of the file.
///
/// # Errors
/// Those of [`analyze_file`].
pub(crate) fn analyze_found(
    file: &FoundFile,
    model: &Model,
    options: &AnalyzeOptions,
) -> Result<Analysis> {
    let segment = file.track.as_deref().map(|track| Segment {
        start_s: track.start.seconds(),
        end_s: track.end.map_or(f64::INFINITY, SheetTime::seconds),
    });
    let options = AnalyzeOptions {
        segment,
        ..options.clone()
    };
    analyze_file(&file.path, model, &options)
}

/// The song of one file. Its row has the path as it is given.
///
/// # Errors
/// If the file cannot be read or decoded to its end, or changes meanwhile, or the model fails on it.
pub(crate) fn analyze_path(path: &Path, model: &Model, options: &AnalyzeOptions) -> Result<Song> {
    let metadata = fs::metadata(path).map_err(|source| cannot_read(path, source))?;
    if !metadata.is_file() {
        let message = "expected a file, found a directory, device or pipe";
        return Err(Error::new(ErrorKind::Io, message).with_path(path));
    }
    let work = |file: &FoundFile| {
        let hash = found_hash(file).map_err(|source| cannot_read(path, source))?;
        Ok(song_of(file, analyze_file(path, model, options)?, hash))
    };
    work_on(&FoundFile::new(path.to_owned(), &metadata), &work)
}

/// The song of a file whose content is in memory. `path` is for its row.
///
/// # Errors
/// If the content cannot be decoded to its end, or the model fails on it.
pub(crate) fn analyze_content(
    path: &Path,
    content: &[u8],
    model: &Model,
    options: &AnalyzeOptions,
) -> Result<Song> {
    let file = FoundFile {
        path: path.to_owned(),
        size: content.len() as u64,
        modified: None,
        track: None,
    };
    let analysis = catch_panic(|| analyze_bytes(content, model, options))??;
    Ok(song_of(&file, analysis, hash_of(content)))
}

/// The facts that are special about a song, in words.
pub(crate) fn notes(analysis: &Analysis) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(segment) = &analysis.audio.segment {
        let length_s = (analysis.analyzed_s() * 10.0).round() / 10.0;
        let start = crate::clock::position(segment.start_s);
        notes.push(format!("excerpt {length_s} s from {start}"));
    }
    if analysis.silent {
        notes.push("silent".to_owned());
    }
    if analysis.repeated {
        notes.push("shorter than a window (repeated)".to_owned());
    }
    let audio = &analysis.audio;
    notes.extend(audio.channel.map(u32::from).map(alone));
    notes.extend(gaps(audio.missing_s, audio.damaged_packets));
    notes
}

/// The channel that was analyzed, in words.
fn alone(channel: u32) -> String {
    format!("channel {channel} alone (the two cancel each other)")
}

/// The gaps of a song, in words: `12.30 s missing`, `3 damaged packets`.
pub(crate) fn gaps(missing_s: f64, damaged_packets: u64) -> Vec<String> {
    let missing = (missing_s > 0.0).then(|| format!("{missing_s:.2} s missing"));
    let packets = || count(damaged_packets, "damaged packet", "damaged packets");
    let damaged = (damaged_packets > 0).then(packets);
    missing.into_iter().chain(damaged).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_the_sources_and_not_the_file() {
        let error = Error::new(ErrorKind::Io, "cannot read")
            .with_path("a.mp3")
            .with_source(std::io::Error::other("the disk is gone"));
        assert_eq!(reason(&error), "cannot read: the disk is gone");
    }
}

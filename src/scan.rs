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

pub use cue::Sheet;
pub(crate) use cue::SheetTime;
pub(crate) use hash::content_hash;
use hash::found_hash;
pub use journal::{Journal, Record};
pub(crate) use path_list::read_paths;
use patterns::PathSet;
pub(crate) use patterns::Patterns;
pub(crate) use plan::{Plan, RowPlan, UpdateOptions};
use run::run;
pub(crate) use shard::Shard;
pub(crate) use summary::{Spread, Work};
use tracks::Track;
pub(crate) use update::{Report, Update};
pub(crate) use walk::{FoundFile, Listing, ScanOptions, scan};

use crate::{
    Error,
    analysis::{Analysis, AnalyzeOptions},
    audio::Tags,
    library::{LibraryInfo, Micros, ModelStamp, Note, SongRow},
    model::Model,
};
use std::ffi::OsString;

/// The path of a row or file.
type FileKey = OsString;

impl FoundFile {
    fn key(&self) -> FileKey {
        self.path.clone().into()
    }
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

/// The row of a song that was analyzed now.
fn song_row(file: &FoundFile, analysis: Analysis, content_hash: String) -> SongRow {
    let (path, path_bytes) = SongRow::path_columns(&file.path);
    let mut notes = notes(&analysis);
    let (mut duration_s, mut tags) = (analysis.audio.duration_s, analysis.audio.tags);
    if let Some(track) = file.track.as_deref() {
        notes.retain(|note| !matches!(note, Note::Excerpt { .. }));
        let segment = analysis.audio.segment;
        duration_s = segment.map_or(duration_s, |segment| segment.length_s());
        let place = Note::Track {
            number: track.number,
            start_s: track.start.seconds(),
            length_s: duration_s,
        };
        notes.insert(0, place);
        // The tags of the file complete those of the sheet, except for the title.
        tags = Tags {
            title: track.title.clone(),
            artist: track.artist.clone().or(tags.artist),
            album: track.album.clone().or(tags.album),
            genre: track.genre.clone().or(tags.genre),
        };
    }
    SongRow {
        path,
        path_bytes,
        size_bytes: file.size,
        modified: file.modified.map(Micros::from),
        duration_s,
        sample_rate: analysis.audio.sample_rate,
        channels: analysis.audio.channels.into(),
        codec: analysis.audio.codec,
        title: tags.title,
        artist: tags.artist,
        album: tags.album,
        genre: tags.genre,
        valence: analysis.prediction.valence,
        arousal: analysis.prediction.arousal,
        emotions: analysis.prediction.emotions,
        embedding: analysis.prediction.embedding,
        analyzed_at: Micros::now(),
        windows: analysis.windows,
        content_hash: Some(content_hash),
        note: Note::text(&notes),
        timeline: analysis.timeline,
    }
}

/// The notes of a song.
pub(crate) fn notes(analysis: &Analysis) -> Vec<Note> {
    let mut notes = Vec::new();
    if let Some(segment) = &analysis.audio.segment {
        notes.push(Note::Excerpt {
            start_s: segment.start_s,
            length_s: analysis.analyzed_s(),
        });
    }
    if analysis.silent {
        notes.push(Note::Silent);
    }
    if analysis.repeated {
        notes.push(Note::Repeated);
    }
    if analysis.audio.damaged_packets > 0 {
        notes.push(Note::Damaged(analysis.audio.damaged_packets));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_reason_has_the_sources_and_not_the_file() {
        let error = Error::new(ErrorKind::Io, "cannot read")
            .with_path("a.mp3")
            .with_source(std::io::Error::other("the disk is gone"));
        assert_eq!(reason(&error), "cannot read: the disk is gone");
    }
}

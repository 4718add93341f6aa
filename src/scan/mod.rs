//! A folder to a library, again and again: [`scan`] finds the music, a [`Plan`] says what of it is new, [`run`] sends that
//! through the chain on all cores, a [`Journal`] keeps what is done, and an [`Update`] writes the library.

mod cue;
mod divide;
mod exclude;
mod failure;
mod hash;
mod journal;
mod kind;
mod list;
mod merge;
mod plan;
mod run;
mod shard;
mod summary;
mod update;
#[cfg(test)]
mod update_tests;
mod walk;

pub use cue::{Sheet, SheetError, SheetFile, SheetTime, SheetTrack};
pub use divide::Track;
pub use exclude::{IGNORE_FILE, PathSet, PatternError, Patterns};
pub use failure::{Failure, FileError};
pub use hash::{content_hash, found_hash};
pub use journal::{Journal, JournalError, Record};
pub use list::{PathListError, read_paths};
pub use plan::{Contents, Options, Plan};
pub use run::{Finished, RunError, run};
pub use shard::{Shard, ShardError};
pub use summary::{Spread, Work};
pub use update::{Report, Run, Step, Update, UpdateError};
pub use walk::{FoundFile, Listing, ScanError, Wanted, scan};

use crate::{
    analysis::{Analysis, AnalyzeOptions},
    audio::Tags,
    library::{LibraryInfo, Micros, ModelStamp, Note, SongRow},
    model::Model,
};

/// What the footer of a library says whose vectors come from this model. An excerpt is a part of the preprocessing, so that
/// its vectors and those of whole songs do not stand in one library.
pub fn library_info(model: &Model, how: &AnalyzeOptions) -> LibraryInfo {
    let metadata = model.metadata();
    let mut info = LibraryInfo::new(
        ModelStamp {
            identity: model.identity().to_owned(),
            name: metadata.name.clone(),
        },
        // Plain numbers in structs: there is nothing in it that JSON cannot say.
        serde_json::to_value(&metadata.preprocessing).unwrap_or_default(),
    );
    info.timeline = how.timeline;
    if let Some(excerpt) = &how.excerpt {
        info.set_excerpt(&excerpt.to_string());
    }
    info
}

/// The row of a song that was analysed now.
pub fn song_row(file: &FoundFile, song: Analysis, content_hash: String) -> SongRow {
    let (path, path_bytes) = SongRow::path_columns(&file.path);
    let mut notes = notes(&song);
    let (mut duration_s, mut tags) = (song.audio.duration_s, song.audio.tags);
    if let Some(track) = file.track.as_deref() {
        notes.retain(|note| !matches!(note, Note::Excerpt { .. }));
        duration_s = song
            .audio
            .segment
            .map_or(duration_s, |segment| segment.length_s());
        let place = Note::Track {
            number: track.number,
            start_s: track.start.seconds(),
            length_s: duration_s,
        };
        notes.insert(0, place);
        // What the file says of itself as a whole fills what the sheet leaves open, but for the title.
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
        sample_rate: song.audio.sample_rate,
        channels: song.audio.channels.into(),
        codec: song.audio.codec,
        title: tags.title,
        artist: tags.artist,
        album: tags.album,
        genre: tags.genre,
        valence: song.prediction.valence,
        arousal: song.prediction.arousal,
        emotions: song.prediction.emotions,
        embedding: song.prediction.embedding,
        analyzed_at: Micros::now(),
        windows: song.windows,
        content_hash: Some(content_hash),
        note: Note::text(&notes),
        timeline: song.timeline,
    }
}

/// What is special about how a song was heard.
pub fn notes(song: &Analysis) -> Vec<Note> {
    let mut notes = Vec::new();
    if let Some(part) = &song.audio.segment {
        notes.push(Note::Excerpt {
            start_s: part.start_s,
            length_s: song.analyzed_s(),
        });
    }
    if song.silent {
        notes.push(Note::Silent);
    }
    if song.repeated {
        notes.push(Note::Repeated);
    }
    if song.audio.damaged_packets > 0 {
        notes.push(Note::Damaged(song.audio.damaged_packets));
    }
    notes
}

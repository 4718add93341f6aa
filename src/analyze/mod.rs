//! A folder to a library: [`scan`] finds the music, [`run`] sends it through the chain on all cores and [`song_row`]
//! makes each answer a row.

mod failure;
mod run;
mod scan;
mod summary;

pub use failure::{Failure, FileError};
pub use run::{Finished, RunError, run};
pub use scan::{FoundFile, Listing, ScanError, scan};
pub use summary::Summary;

use crate::{
    chain::Song,
    library::{LibraryInfo, Micros, ModelStamp, SongRow},
    model::Bundle,
};

/// What the footer of a library says whose vectors come from this model.
pub fn library_info(bundle: &Bundle) -> LibraryInfo {
    let metadata = bundle.metadata();
    LibraryInfo::new(
        ModelStamp {
            identity: bundle.identity().to_owned(),
            name: metadata.name.clone(),
        },
        // Plain numbers in structs: there is nothing in it that JSON cannot say.
        serde_json::to_value(&metadata.preprocessing).unwrap_or_default(),
    )
}

/// The row of a song that was analysed now.
pub fn song_row(file: &FoundFile, song: Song) -> SongRow {
    let (path, path_bytes) = SongRow::path_columns(&file.path);
    let tags = song.info.tags;
    SongRow {
        path,
        path_bytes,
        size_bytes: file.size,
        modified: file.modified.map(Micros::from),
        duration_s: song.duration_s,
        sample_rate: song.info.sample_rate,
        channels: song.info.channels.into(),
        codec: song.info.codec,
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
    }
}

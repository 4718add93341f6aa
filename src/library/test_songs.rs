//! Songs and libraries for tests.

use super::{Library, LibraryInfo, LibraryWriter, Micros, ModelStamp, Song};
use crate::emotion::{EmotionVector, Moment};

/// A library of songs whose embeddings have `embedding` numbers, in a directory of its own.
pub(crate) fn a_library(
    embedding: usize,
    songs: impl IntoIterator<Item = Song>,
) -> (tempfile::TempDir, Library) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("library.parquet");
    let model = ModelStamp {
        identity: "0".repeat(64),
        name: "test".to_owned(),
    };
    let info = LibraryInfo::new(model, serde_json::json!({}));
    let mut writer = LibraryWriter::create(&path, &info, embedding).unwrap();
    for song in songs {
        writer.push(song).unwrap();
    }
    writer.finish().unwrap();
    (directory, Library::open(&path).unwrap())
}

/// A song whose size is its number.
pub(crate) fn a_song(n: usize) -> Song {
    Song {
        path: format!("/music/{n:06}.mp3").into(),
        size_bytes: n as u64,
        modified: Some(Micros(1_700_000_000_000_000 + n as i64)),
        duration_s: 30.5 + n as f64,
        sample_rate: 44_100,
        channels: 2,
        codec: "mp3".to_owned(),
        title: Some(format!("Song {n}")),
        artist: (!n.is_multiple_of(2)).then(|| "Someone".to_owned()),
        genre: Some("Pop".to_owned()),
        felt: n.is_multiple_of(2).then(EmotionVector::even),
        valence: 6.5,
        arousal: 4.25,
        embedding: vec![n as f32, 0.25, -1.0, 0.0],
        analyzed_at: Micros(1_800_000_000_000_000),
        windows: 3,
        content_hash: Some(format!("{n:032x}")),
        damaged_packets: u64::from(n.is_multiple_of(5)),
        timeline: (!n.is_multiple_of(3)).then(|| some_moments(n % 4)),
        ..Song::default()
    }
}

/// Moments that differ; every second has what is felt.
pub(crate) fn some_moments(count: usize) -> Vec<Moment> {
    let moment = |n: usize| {
        let mut weights = [1.0; 8];
        weights[n % 8] = 3.0 + n as f64;
        Moment {
            start_s: 15.0 * n as f64,
            valence: 1.0 + (n % 8) as f32,
            arousal: 9.0 - (n % 8) as f32,
            emotions: EmotionVector::from_weights(weights).unwrap(),
            felt: n.is_multiple_of(2).then(EmotionVector::even),
            attention: Vec::new(),
        }
    };
    (0..count).map(moment).collect()
}

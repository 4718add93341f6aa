//! Writes a library of songs that do not exist, for measuring how fast questions are answered.
//!
//!     cargo xtask million-songs [--rows N] [--embedding N] [--seed N] -o FILE
//!
//! It has all that a real one has: long paths, artists with one song and with thousands, absent tags, notes, silent songs,
//! percentages that crowd around a direction of the plane as a model's do, an embedding of which about a third is zero.

use circumplex::{EmotionVector, LibraryInfo, LibraryWriter, Micros, ModelStamp, Song};
use clap::Parser;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng, seq::IndexedRandom};
use std::{error::Error, f64::consts::TAU, path::PathBuf};

#[derive(Parser)]
#[command(about = "Write a library of songs that do not exist")]
struct Args {
    /// How many songs
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Numbers in each embedding; the model inside the program has 256
    #[arg(long, default_value_t = 256)]
    embedding: usize,
    /// Other numbers give other songs
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The library to write
    #[arg(short, long)]
    output: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let model = ModelStamp {
        identity: "0".repeat(64),
        name: "made up".to_owned(),
    };
    let info = LibraryInfo::new(model, serde_json::json!({}));
    let mut writer = LibraryWriter::create(&args.output, &info, args.embedding.max(1))?;
    let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
    for number in 0..args.rows {
        writer.push(song(&mut rng, number, args.embedding.max(1)))?;
    }
    let rows = writer.finish()?;
    println!("{}: {rows} songs", args.output.display());
    Ok(())
}

const WORDS: [&str; 48] = [
    "Night", "River", "Golden", "Heart", "Away", "Blue", "Summer", "Rain", "Home", "Fire",
    "Dancing", "Shadow", "Light", "Forever", "Broken", "Dream", "Sea", "Winter", "Road", "Love",
    "Silent", "City", "Moon", "Song", "Wild", "Stone", "Garden", "Letter", "Mirror", "Glass",
    "Étude", "Sonata", "Running", "Falling", "Ghost", "Paper", "Electric", "Morning", "Star",
    "Ocean", "Silver", "Lost", "Island", "Red", "Waltz", "Train", "Sky", "夜",
];
const GENRES: [&str; 14] = [
    "Rock",
    "Pop",
    "Jazz",
    "Classical",
    "Electronic",
    "Hip-Hop",
    "Folk",
    "Metal",
    "Country",
    "Reggae",
    "Soul",
    "Blues",
    "Ambient",
    "Soundtrack",
];

/// A few words of the list.
fn words(rng: &mut ChaCha8Rng, most: usize) -> String {
    let count = rng.random_range(1..=most);
    let words: Vec<&str> = (0..count)
        .map(|_| WORDS.choose(rng).copied().unwrap_or_default())
        .collect();
    words.join(" ")
}

fn song(rng: &mut ChaCha8Rng, number: u64, embedding: usize) -> Song {
    // The more common an artist, the smaller the number: some have thousands of songs, most a few.
    let artist_number = (rng.random::<f64>().powi(4) * 120_000.0) as u64;
    let mut own = ChaCha8Rng::seed_from_u64(artist_number);
    let artist = format!("{} {artist_number}", words(&mut own, 2));
    let album = words(rng, 3);
    let title = words(rng, 4);
    let track = rng.random_range(1..20);
    let length = 60.0 + 300.0 * rng.random::<f64>();
    let tagged = rng.random_bool(0.93);
    let (valence, arousal, emotions) = feeling(rng);
    let (silent, damaged_packets) = match rng.random_range(0..1000) {
        0..4 => (true, 0),
        20..30 => (false, rng.random_range(1..9)),
        _ => (false, 0),
    };
    Song {
        path: format!("/home/me/Music/{artist}/{album}/{track:02} {title} {number}.mp3").into(),
        size_bytes: (length * 24_000.0) as u64,
        modified: Some(Micros(
            1_500_000_000_000_000 + rng.random_range(0..200_000_000_000_000),
        )),
        duration_s: (length * 44_100.0).round() / 44_100.0,
        sample_rate: 44_100,
        channels: 2,
        codec: "mp3".to_owned(),
        title: tagged.then_some(title),
        artist: tagged.then_some(artist),
        album: tagged.then_some(album),
        genre: (tagged && rng.random_bool(0.8))
            .then(|| GENRES.choose(rng).copied().unwrap_or_default().to_owned()),
        valence,
        arousal,
        emotions,
        embedding: (0..embedding)
            .map(|_| (rng.random::<f32>() * 3.0 - 1.0).max(0.0))
            .collect(),
        analyzed_at: Micros(1_700_000_000_000_000 + number as i64 * 10_000),
        windows: (length / 15.0) as u32,
        content_hash: Some(format!("{:032x}", rng.random::<u128>())),
        silent,
        damaged_packets,
        ..Song::default()
    }
}

/// Valence, arousal, and percentages that crowd around their direction: gamma-like weights (normalized they are Dirichlet-like),
/// each emotion's larger the nearer its sector is.
fn feeling(rng: &mut ChaCha8Rng) -> (f32, f32, EmotionVector) {
    let angle = TAU * rng.random::<f64>();
    let strength = 2.5 * rng.random::<f64>();
    let weights: [f64; 8] = std::array::from_fn(|n| {
        let sector = TAU / 8.0 * (n as f64 + 0.5);
        let chance: f64 = -(1.0 - rng.random::<f64>()).ln() - (1.0 - rng.random::<f64>()).ln();
        chance * (strength * (angle - sector).cos()).exp() + 1e-6
    });
    let emotions = EmotionVector::from_weights(weights).unwrap_or(EmotionVector::even());
    let valence = 5.0 + 1.4 * strength * angle.cos();
    let arousal = 5.0 + 1.4 * strength * angle.sin();
    (valence as f32, arousal as f32, emotions)
}

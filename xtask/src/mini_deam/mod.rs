//! `cargo xtask mini-deam`: a tiny data set in DEAM's layout, with music that is computed, so that tests, examples and
//! notebooks run where the real one is absent.
//!
//! 24 pieces, three for each of the eight emotions. Each has an intended valence and arousal, and tempo, mode, register,
//! loudness, brightness and percussion follow from these, so that a network can learn them. The same bytes come out on
//! every machine: sound is made with whole numbers and with additions and multiplications of 64-bit floats, which IEEE
//! 754 defines to the last bit, and with no function of a mathematics library.

mod synth;

use std::{fmt::Write as _, fs, path::Path};
use synth::Piece;

/// Where it lies, from the workspace's root.
const DIRECTORY: &str = "deam/mini";
/// Rough directions of the sectors' middles, in units of 1/1000: cosines and sines of 22.5 degrees and so on.
const DIRECTIONS: [(i32, i32); 8] = [
    (924, 383),
    (383, 924),
    (-383, 924),
    (-924, 383),
    (-924, -383),
    (-383, -924),
    (383, -924),
    (924, -383),
];
/// Distances from the center, in hundredths of the scale's half.
const RADII: [i32; 3] = [38, 64, 90];
const ARTISTS: [&str; 8] = [
    "The Oscillators",
    "Nadia Envelope",
    "Sine & Sons",
    "Partial Quartet",
    "Low Pass",
    "Ada Sawtooth",
    "The Rests",
    "Mode Minor",
];
const EMOTIONS: [&str; 8] = [
    "happy",
    "excited",
    "tense",
    "frustrated",
    "depressed",
    "tired",
    "calm",
    "content",
];

/// One piece with its labels, valence and arousal in hundredths of a point of the 1-to-9 scale.
struct Song {
    id: usize,
    artist: &'static str,
    title: String,
    valence: i32,
    arousal: i32,
    valence_std: i32,
    arousal_std: i32,
}

/// Ids and emotions are shuffled against each other, so that neither neighbors nor an artist's pieces are alike.
fn songs() -> Vec<Song> {
    (0..24)
        .map(|i| {
            let place = i * 7 % 24;
            let (sector, ring) = (place % 8, place / 8);
            let (x, y) = DIRECTIONS[sector];
            Song {
                id: i + 1,
                artist: ARTISTS[(i + i / 8 * 3) % 8],
                title: format!("Study in {} {}", EMOTIONS[sector], ring + 1),
                valence: 500 + x * RADII[ring] * 4 / 1000,
                arousal: 500 + y * RADII[ring] * 4 / 1000,
                valence_std: 80 + (i as i32 * 37) % 70,
                arousal_std: 80 + (i as i32 * 53) % 70,
            }
        })
        .collect()
}

fn hundredths(value: i32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", value.abs() / 100, value.abs() % 100)
}

/// Every file of the data set: its path below the directory, and its bytes.
fn files() -> Result<Vec<(String, Vec<u8>)>, String> {
    const AVERAGED: &str = "DEAM_Annotations/annotations/annotations averaged per song";
    let songs = songs();
    // The blanks after the commas are DEAM's own.
    let mut statics =
        String::from("song_id, valence_mean, valence_std, arousal_mean, arousal_std\n");
    let mut metadata =
        String::from("\"song_id\",\"file_name\",\"Artist\",\"Song title\",\"Genre\"\n");
    let header: String = (0..6).fold("song_id".to_owned(), |mut text, i| {
        let _ = write!(text, ",sample_{}ms", 500 * i);
        text
    });
    let (mut valence, mut arousal) = (header.clone() + "\n", header + "\n");
    let mut files = Vec::new();
    for song in &songs {
        let _ = writeln!(
            statics,
            "{},{},{},{},{}",
            song.id,
            hundredths(song.valence),
            hundredths(song.valence_std),
            hundredths(song.arousal),
            hundredths(song.arousal_std)
        );
        let _ = writeln!(
            metadata,
            "{},\"{}.wav\",\"{}\",\"{}\",\"Synthetic\"",
            song.id, song.id, song.artist, song.title
        );
        for (text, value) in [(&mut valence, song.valence), (&mut arousal, song.arousal)] {
            let _ = write!(text, "{}", song.id);
            for i in 0..6 {
                // Scale -1 to 1, with a little movement from one half second to the next.
                let wobble = (song.id as i32 * 31 + i * 17) % 9 - 4;
                let _ = write!(text, ",{}", hundredths((value - 500) / 4 + wobble));
            }
            text.push('\n');
        }
        let piece = Piece {
            seed: song.id as u32,
            valence: f64::from(song.valence - 500) / 400.0,
            arousal: f64::from(song.arousal - 500) / 400.0,
        };
        files.push((
            format!("DEAM_audio/MEMD_audio/{}.wav", song.id),
            synth::wav(&piece.samples())?,
        ));
    }
    for (path, text) in [
        (
            format!("{AVERAGED}/song_level/static_annotations_averaged_songs_1_24.csv"),
            statics,
        ),
        (
            format!("{AVERAGED}/dynamic (per second annotations)/valence.csv"),
            valence,
        ),
        (
            format!("{AVERAGED}/dynamic (per second annotations)/arousal.csv"),
            arousal,
        ),
        ("metadata/metadata_mini.csv".to_owned(), metadata),
    ] {
        files.push((path, text.into_bytes()));
    }
    Ok(files)
}

/// Writes the data set below the workspace's root; says what it wrote.
pub fn write(root: &Path) -> Result<String, String> {
    let directory = root.join(DIRECTORY);
    let files = files()?;
    let mut bytes = 0;
    for (path, content) in &files {
        let path = directory.join(path);
        let fault = |e: std::io::Error| format!("{}: {e}", path.display());
        fs::create_dir_all(path.parent().unwrap_or(&directory)).map_err(fault)?;
        fs::write(&path, content).map_err(fault)?;
        bytes += content.len();
    }
    Ok(format!(
        "{}: {} files, {bytes} bytes",
        directory.display(),
        files.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_data_set_is_what_this_machine_generates_bit_for_bit() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(DIRECTORY);
        let files = files().unwrap();
        for (path, content) in &files {
            let committed = fs::read(root.join(path)).unwrap();
            // A checkout may have turned the line ends of text.
            let same = if path.ends_with(".csv") {
                committed.iter().filter(|b| **b != b'\r').eq(content)
            } else {
                committed == *content
            };
            assert!(same, "{path} differs: run cargo xtask mini-deam");
        }
        let size: usize = files.iter().map(|(_, content)| content.len()).sum();
        assert!(size < 2_000_000, "{size} bytes");
    }

    #[test]
    fn labels_lie_on_the_scale_in_the_sector_of_their_name_and_artists_are_mixed() {
        for song in songs() {
            for value in [song.valence, song.arousal] {
                assert!((100..=900).contains(&value), "{}: {value}", song.id);
            }
            let same_artist: Vec<String> = songs()
                .into_iter()
                .filter(|s| s.artist == song.artist)
                .map(|s| s.title)
                .collect();
            assert_eq!(same_artist.len(), 3, "{}", song.artist);
            let emotion = |title: &str| title.split(' ').nth(2).unwrap().to_owned();
            assert_ne!(emotion(&same_artist[0]), emotion(&same_artist[1]));
        }
    }
}

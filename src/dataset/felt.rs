//! Labels and parts of songs with votes, for training.

use super::{LabeledSong, VotedSong, Words, audio_files::AudioFiles, deam::artist_key};
use crate::{
    Error, ErrorKind, Result,
    emotion::{Emotion, EmotionVector},
};
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// The audio files of a directory, or of its directory of audio in one of DEAM's layouts, as songs without labels.
///
/// # Errors
/// If it cannot be read or holds no audio.
pub(crate) fn read_unlabeled(data: &Path) -> Result<Vec<VotedSong>> {
    let files = AudioFiles::find(data)?;
    let songs: Vec<VotedSong> = files
        .by_id
        .into_values()
        .chain(files.duplicates)
        .map(|audio| VotedSong {
            id: audio.display().to_string(),
            audio,
            artist: None,
            votes: Vec::new(),
        })
        .collect();
    match songs.is_empty() {
        true => Err(Error::new(ErrorKind::Dataset, "holds no audio file").with_path(data)),
        false => Ok(songs),
    }
}

/// Gives each voted song a part, so that no artist is on two sides, not even in two data sets: the part of its artist's
/// labeled songs, if they have one, else one that lacks songs of `wanted` shares, all songs of an artist together. Songs without votes get
/// none.
pub(crate) fn parts_of_voted(
    songs: &[LabeledSong],
    parts: &[Option<usize>],
    voted: &[VotedSong],
    wanted: &[f64],
    seed: u64,
) -> Vec<Option<usize>> {
    let mut part_of: HashMap<String, usize> = HashMap::new();
    for (song, part) in songs.iter().zip(parts) {
        if let (Some(artist), Some(part)) = (&song.artist, part) {
            part_of.entry(artist_key(artist)).or_insert(*part);
        }
    }
    let mut by_artist: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, song) in voted
        .iter()
        .enumerate()
        .filter(|(_, song)| !song.votes.is_empty())
    {
        let alone = || format!("song {place}");
        let artist = song.artist.as_deref().map_or_else(alone, artist_key);
        by_artist.entry(artist).or_default().push(place);
    }
    let total: usize = by_artist.values().map(Vec::len).sum();
    let mut lacking: Vec<f64> = wanted.iter().map(|share| share * total as f64).collect();
    let mut result = vec![None; voted.len()];
    let mut give = |places: &[usize], part: usize, lacking: &mut [f64]| {
        lacking[part] -= places.len() as f64;
        places.iter().for_each(|&place| result[place] = Some(part));
    };
    let (known, mut other): (Vec<_>, Vec<_>) = by_artist
        .iter()
        .partition(|(artist, _)| part_of.contains_key(*artist));
    for (artist, places) in known {
        give(places, part_of[artist], &mut lacking);
    }
    other.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    other.sort_by_key(|(_, places)| Reverse(places.len()));
    for (_, places) in other {
        let most = (0..lacking.len()).max_by(|a, b| lacking[*a].total_cmp(&lacking[*b]));
        give(places, most.unwrap_or(0), &mut lacking);
    }
    result
}

/// For each word, the mean share of its votes in all votes for a song.
pub(crate) fn mean_shares<'a>(votes: impl Iterator<Item = &'a [f64]>) -> Vec<f64> {
    let mut sums: Vec<f64> = Vec::new();
    let mut songs = 0.0;
    for votes in votes {
        sums.resize(votes.len(), 0.0);
        let all: f64 = votes.iter().sum();
        sums.iter_mut()
            .zip(votes)
            .for_each(|(sum, vote)| *sum += vote / all);
        songs += 1.0;
    }
    sums.iter().map(|sum| sum / songs).collect()
}

/// The percentages that listeners felt: each word's share of a song's votes, divided by that word's mean share, which is how
/// much oftener it was chosen than for other songs; added by emotion, sum 100.
pub(crate) fn felt(votes: &[f64], means: &[f64], words: &Words) -> EmotionVector {
    let mut weights = [0.0; Emotion::COUNT];
    for ((vote, mean), emotion) in votes.iter().zip(means).zip(words.values()) {
        if *mean > 0.0 {
            weights[emotion.index()] += vote / mean;
        }
    }
    // A word that is chosen here has a mean above 0 wherever this song is one of those of the mean.
    EmotionVector::from_weights(weights).unwrap_or_else(|_| EmotionVector::even())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::votes::tests::words;
    use std::path::PathBuf;

    #[test]
    fn a_word_that_is_always_chosen_tells_little() {
        let songs = [[0.8, 0.2, 0.0], [0.8, 0.0, 0.2], [0.4, 0.4, 0.2]];
        let means = mean_shares(songs.iter().map(|song| &song[..]));
        for (mean, expected) in means.iter().zip([2.0 / 3.0, 0.2, 2.0 / 15.0]) {
            assert!((mean - expected).abs() < 1e-12);
        }
        let felt = felt(&songs[0], &means, &words());
        // 0.8 / 0.667 = 1.2 for happy against 0.2 / 0.2 = 1 for content.
        assert!((felt.get(Emotion::Happy) - 100.0 * 1.2 / 2.2).abs() < 1e-4);
        assert!((felt.get(Emotion::Content) - 100.0 / 2.2).abs() < 1e-4);
    }

    #[test]
    fn no_artist_is_on_two_sides_of_two_sets() {
        let label = |id: usize, artist: &str| LabeledSong {
            id: id.to_string(),
            audio: PathBuf::new(),
            affect: crate::emotion::AffectBox {
                valence_mean: 5.0,
                valence_std: 1.0,
                arousal_mean: 5.0,
                arousal_std: 1.0,
            },
            emotions: EmotionVector::even(),
            artist: Some(artist.to_owned()),
            same_audio: None,
        };
        // A song without a part comes first: it must not shift those of the others.
        let songs = [label(0, "Artist 5"), label(1, "The One"), label(2, "Two")];
        let of_songs = [None, Some(3), Some(1)];
        let voted: Vec<VotedSong> = (0..40)
            .map(|n| VotedSong {
                id: format!("v{n}"),
                audio: PathBuf::new(),
                artist: match n {
                    0 => Some("one".to_owned()),
                    1 => None,
                    n => Some(format!("Artist {}", n % 13)),
                },
                votes: if n == 39 { vec![] } else { vec![1.0] },
            })
            .collect();
        let parts = parts_of_voted(&songs, &of_songs, &voted, &[0.25; 4], 7);
        assert_eq!((parts[0], parts[39]), (Some(3), None));
        let mut of_artist: HashMap<&str, usize> = HashMap::new();
        for (song, part) in voted.iter().zip(&parts) {
            if let (Some(artist), Some(part)) = (&song.artist, part) {
                assert_eq!(*of_artist.entry(artist).or_insert(*part), *part, "{artist}");
            }
        }
        for part in 0..4 {
            let count = parts.iter().filter(|found| **found == Some(part)).count();
            assert!((8..=12).contains(&count), "part {part} has {count} songs");
        }
        assert_eq!(
            parts,
            parts_of_voted(&songs, &of_songs, &voted, &[0.25; 4], 7)
        );
    }
}

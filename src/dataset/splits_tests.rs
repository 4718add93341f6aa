//! Claims about splits.

use super::*;
use crate::emotion::Quadrant;
use std::{collections::HashMap, fs};

/// Songs of `artists` artists in turn, all quadrants, every tenth a copy of the one before.
fn songs(n: usize, artists: usize) -> Vec<LabelledSong> {
    (0..n)
        .map(|i| {
            let q = i * 7 % 11;
            let affect = AffectBox {
                valence_mean: if q % 2 == 0 { 6.0 } else { 4.0 },
                valence_std: 1.0,
                arousal_mean: if q < 5 { 6.0 } else { 4.0 },
                arousal_std: 1.0,
            };
            LabelledSong {
                id: (i + 1).to_string(),
                audio: format!("/music/{i}.mp3").into(),
                affect,
                emotions: affect.percentages(1.0).unwrap(),
                artist: (artists > 0)
                    .then(|| format!("Artist {}", (i / 2 * 17 + i / 22) % artists)),
                same_audio: (i % 10 < 2 && i >= 10).then_some(i / 10),
            }
        })
        .collect()
}

pub(super) fn assert_together(
    songs: &[LabelledSong],
    part: impl Fn(usize) -> usize,
    by_artist: bool,
) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (i, song) in songs.iter().enumerate() {
        let artist = song.artist.clone().filter(|_| by_artist);
        let audio = song.same_audio.map(|g| format!("audio {g}"));
        for key in [artist, audio].into_iter().flatten() {
            assert_eq!(
                *seen.entry(key.clone()).or_insert(part(i)),
                part(i),
                "{key}"
            );
        }
    }
}

#[test]
fn a_random_split_of_1802_songs_has_361_for_the_test_and_the_quadrants_of_the_whole() {
    let mut songs = songs(1802, 0);
    songs.iter_mut().for_each(|s| s.same_audio = None);
    let split = Split::random(&songs, Fractions::default(), 7).unwrap();
    let test = split.indices(&songs, Part::Test);
    assert_eq!(test.len(), 361);
    assert_eq!(split.indices(&songs, Part::Train).len(), 1802 - 361);
    assert!(split.indices(&songs, Part::Validation).is_empty());
    let all: Vec<usize> = (0..songs.len()).collect();
    let (whole, part) = (
        quadrant_counts(&songs, &all),
        quadrant_counts(&songs, &test),
    );
    for q in 0..Quadrant::ALL.len() {
        let expected = whole[q] as f64 * 361.0 / 1802.0;
        assert!(
            (part[q] as f64 - expected).abs() <= 1.0,
            "{whole:?} {part:?}"
        );
    }
    assert_ne!(
        split,
        Split::random(&songs, Fractions::default(), 8).unwrap()
    );
}

#[test]
fn the_same_seed_gives_the_same_split_whatever_the_order_of_the_songs() {
    let mut songs = songs(200, 30);
    let fractions = Fractions {
        test: 0.2,
        validation: 0.1,
    };
    let split = Split::artist_disjoint(&songs, fractions, 42).unwrap();
    songs.reverse();
    assert_eq!(
        Split::artist_disjoint(&songs, fractions, 42).unwrap(),
        split
    );
    // Pinned, so that a change of the algorithm or of a library is noticed: it would change published splits.
    let random =
        Split::random(&super::splits_tests::songs(40, 0), Fractions::default(), 1).unwrap();
    let test: Vec<&str> = random
        .iter()
        .filter(|(_, p)| *p == Part::Test)
        .map(|(id, _)| id)
        .collect();
    assert_eq!(test, PINNED);
}

const PINNED: [&str; 8] = ["1", "14", "16", "21", "22", "29", "35", "9"];

#[test]
fn artists_and_identical_audio_stand_on_one_side() {
    let songs = songs(300, 40);
    let fractions = Fractions {
        test: 0.2,
        validation: 0.2,
    };
    for seed in 0..5 {
        let split = Split::artist_disjoint(&songs, fractions, seed).unwrap();
        assert_together(
            &songs,
            |i| split.part_of(&songs[i].id).unwrap() as usize,
            true,
        );
        let sizes = Part::ALL.map(|p| split.indices(&songs, p).len());
        assert!(
            (50..=70).contains(&sizes[1]) && (50..=70).contains(&sizes[2]),
            "{sizes:?}"
        );
        let random = Split::random(&songs, fractions, seed).unwrap();
        assert_together(
            &songs,
            |i| random.part_of(&songs[i].id).unwrap() as usize,
            false,
        );
        let folds = k_folds(&songs, 5, true, seed).unwrap();
        assert_together(&songs, |i| folds[i], true);
        for fold in 0..5 {
            let size = folds.iter().filter(|f| **f == fold).count();
            assert!((45..=75).contains(&size), "fold {fold}: {size}");
        }
    }
}

#[test]
fn splits_that_cannot_be_made_are_errors() {
    let none = songs(20, 0);
    let default = Fractions::default();
    assert!(matches!(
        Split::artist_disjoint(&none, default, 1),
        Err(DatasetError::NoArtists { .. })
    ));
    assert!(matches!(
        k_folds(&none, 5, true, 1),
        Err(DatasetError::NoArtists { .. })
    ));
    assert!(matches!(
        k_folds(&none, 21, false, 1),
        Err(DatasetError::Split { .. })
    ));
    assert!(matches!(
        k_folds(&none, 1, false, 1),
        Err(DatasetError::Split { .. })
    ));
    for (test, validation) in [(0.5, 0.5), (-0.1, 0.0), (f64::NAN, 0.0), (1.0, 0.0)] {
        assert!(Split::random(&none, Fractions { test, validation }, 1).is_err());
    }
    assert!(Split::random(&none[..1], default, 1).is_err());
    assert!(Split::random(&[], default, 1).is_err());
    let one_artist = songs(20, 1);
    assert!(Split::artist_disjoint(&one_artist, default, 1).is_err());
}

#[test]
fn a_split_is_read_back_from_its_file_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("split.csv");
    let songs = songs(50, 9);
    let split = Split::artist_disjoint(&songs, Fractions::default(), 3).unwrap();
    split.save(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("song_id,part\n1,"), "{text}");
    let read = Split::from_file(&path, &songs).unwrap();
    assert!(read.iter().eq(split.iter()));
    let json = serde_json::to_string(&split).unwrap();
    assert_eq!(serde_json::from_str::<Split>(&json).unwrap(), split);
}

#[test]
fn a_list_of_ids_is_a_test_set_and_wrong_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("split.csv");
    let songs = songs(9, 0);
    for list in ["3\n5\n", "song_id\n3\n5\n"] {
        fs::write(&path, list).unwrap();
        let split = Split::from_file(&path, &songs).unwrap();
        assert_eq!(split.indices(&songs, Part::Test), [2, 4]);
        assert_eq!(split.indices(&songs, Part::Train).len(), 7);
    }
    for (content, reason) in [
        ("song_id,part\n3,test\n3,train\n", "song 3 is there twice"),
        (
            "song_id,part\n77,test\n",
            "song \"77\" is not among the 9 songs",
        ),
        (
            "song_id,part\n3,exam\n",
            "line 2, column part: expected train, validation or test",
        ),
        (
            "name,colour\n3,red\n",
            "expected the columns song_id and part",
        ),
    ] {
        fs::write(&path, content).unwrap();
        let error = Split::from_file(&path, &songs).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    let copies = super::splits_tests::songs(15, 0);
    fs::write(&path, "song_id,part\n11,test\n12,train\n").unwrap();
    let error = Split::from_file(&path, &copies).unwrap_err();
    assert!(error.to_string().contains("identical audio"), "{error}");
}

//! Splits and folds.

use super::{draw::Fractions, *};
use crate::emotion::Quadrant;
use std::{collections::HashMap, fs};

const A_FIFTH: Fractions = Fractions {
    test: 0.2,
    validation: 0.0,
};

/// Songs of `artists` artists in turn, all quadrants, every tenth a copy of the one before.
fn songs(n: usize, artists: usize) -> Vec<LabeledSong> {
    (0..n)
        .map(|i| {
            let q = i * 7 % 11;
            let affect = AffectBox {
                valence_mean: if q % 2 == 0 { 6.0 } else { 4.0 },
                valence_std: 1.0,
                arousal_mean: if q < 5 { 6.0 } else { 4.0 },
                arousal_std: 1.0,
            };
            LabeledSong {
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
    songs: &[LabeledSong],
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
fn a_fifth_of_1802_songs_is_361_with_the_quadrants_of_the_whole() {
    let mut songs = songs(1802, 0);
    songs.iter_mut().for_each(|s| s.same_audio = None);
    let split = Split::draw(&songs, A_FIFTH, false, 7).unwrap();
    let test = split.indices(&songs, Part::Test);
    assert_eq!(test.len(), 361);
    assert_eq!(split.indices(&songs, Part::Train).len(), 1802 - 361);
    assert!(split.indices(&songs, Part::Validation).is_empty());
    let quadrants = |indices: &[usize]| {
        Quadrant::ALL.map(|quadrant| {
            let members = indices
                .iter()
                .filter(|i| songs[**i].affect.quadrant() == quadrant);
            members.count()
        })
    };
    let all: Vec<usize> = (0..songs.len()).collect();
    let (whole, part) = (quadrants(&all), quadrants(&test));
    for q in 0..Quadrant::ALL.len() {
        let expected = whole[q] as f64 * 361.0 / 1802.0;
        assert!(
            (part[q] as f64 - expected).abs() <= 1.0,
            "{whole:?} {part:?}"
        );
    }
    assert_ne!(split, Split::draw(&songs, A_FIFTH, false, 8).unwrap());
}

#[test]
fn the_same_seed_gives_the_same_split_in_any_order_of_songs() {
    let mut songs = songs(200, 30);
    let fractions = Fractions {
        test: 0.2,
        validation: 0.1,
    };
    let split = Split::draw(&songs, fractions, true, 42).unwrap();
    songs.reverse();
    assert_eq!(Split::draw(&songs, fractions, true, 42).unwrap(), split);
    // Pinned, so that a change of the algorithm or of a library is noticed: it would change published splits.
    let random = Split::draw(&super::draw_tests::songs(40, 0), A_FIFTH, false, 1).unwrap();
    assert_eq!(random.ids(Part::Test), PINNED);
}

const PINNED: [&str; 8] = ["1", "14", "16", "21", "22", "29", "35", "9"];

#[test]
fn artists_and_identical_audio_are_on_one_side() {
    let songs = songs(300, 40);
    let fractions = Fractions {
        test: 0.2,
        validation: 0.2,
    };
    for seed in 0..5 {
        let split = Split::draw(&songs, fractions, true, seed).unwrap();
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
        let random = Split::draw(&songs, fractions, false, seed).unwrap();
        assert_together(
            &songs,
            |i| random.part_of(&songs[i].id).unwrap() as usize,
            false,
        );
        let folds = Folds::draw(&songs, 5, true, seed).unwrap();
        let fold_of = |i: usize| folds.fold_of(&songs[i].id).unwrap();
        assert_together(&songs, fold_of, true);
        for fold in 0..5 {
            let size = (0..songs.len()).filter(|i| fold_of(*i) == fold).count();
            assert!((45..=75).contains(&size), "fold {fold}: {size}");
        }
    }
}

#[test]
fn splits_that_cannot_be_made_are_errors() {
    let none = songs(20, 0);
    let unknown = |error: Error| error.to_string().contains("no song's artist is known");
    assert!(unknown(Split::draw(&none, A_FIFTH, true, 1).unwrap_err()));
    assert!(unknown(Folds::draw(&none, 5, true, 1).unwrap_err()));
    for count in [1, 21] {
        let error = Folds::draw(&none, count, false, 1).unwrap_err();
        assert!(error.to_string().contains("from 2 to"), "{error}");
    }
    for (test, validation) in [(0.5, 0.5), (-0.1, 0.0), (f64::NAN, 0.0), (1.0, 0.0)] {
        assert!(Split::draw(&none, Fractions { test, validation }, false, 1).is_err());
    }
    assert!(Split::draw(&none[..1], A_FIFTH, false, 1).is_err());
    assert!(Split::draw(&[], A_FIFTH, false, 1).is_err());
    let one_artist = songs(20, 1);
    assert!(Split::draw(&one_artist, A_FIFTH, true, 1).is_err());
}

#[test]
fn a_split_is_read_back_from_its_file_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("split.csv");
    let songs = songs(50, 9);
    let split = Split::draw(&songs, A_FIFTH, true, 3).unwrap();
    split.save(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("song_id,part\n1,"), "{text}");
    let read = Split::from_file(&path, &songs).unwrap();
    for song in &songs {
        assert_eq!(read.part_of(&song.id), split.part_of(&song.id));
    }
    let folds = Folds::draw(&songs, 4, true, 3).unwrap();
    folds.save(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let first = folds.fold_of("1").unwrap();
    assert!(
        text.starts_with(&format!("song_id,fold\n1,{first}\n2,")),
        "{text}"
    );
    assert_eq!(text.lines().count(), 51);
    let json = serde_json::to_string(&split).unwrap();
    assert_eq!(serde_json::from_str::<Split>(&json).unwrap(), split);
}

#[test]
fn a_list_of_ids_is_a_test_set_and_wrong_files_are_rejected() {
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
        ("song_id,part\n3,test\n3,train\n", "song 3 is listed twice"),
        (
            "song_id,part\n77,test\n",
            "song \"77\" is not among the 9 songs",
        ),
        (
            "song_id,part\n3,exam\n",
            "line 2, column part: expected train, validation or test",
        ),
        (
            "name,color\n3,red\n",
            "expected the columns song_id and part",
        ),
    ] {
        fs::write(&path, content).unwrap();
        let error = Split::from_file(&path, &songs).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    let copies = super::draw_tests::songs(15, 0);
    fs::write(&path, "song_id,part\n11,test\n12,train\n").unwrap();
    let error = Split::from_file(&path, &copies).unwrap_err();
    assert!(error.to_string().contains("identical audio"), "{error}");
}

//! What listeners feel, in libraries whose model learned from votes: queries, exports, and libraries without it.

use crate::common::{Ran, circumplex, json, run};
use circumplex::{EmotionVector, LibraryInfo, LibraryWriter, ModelStamp, Song};
use std::path::{Path, PathBuf};

/// Four songs: `emotions` are happy for all, `felt` differs.
fn library(directory: &Path, felt: bool) -> PathBuf {
    let path = directory.join("library.parquet");
    let model = ModelStamp {
        identity: "ab".repeat(32),
        name: "voted".to_owned(),
    };
    let info = LibraryInfo::new(model, serde_json::json!({}));
    let mut writer = LibraryWriter::create(&path, &info, 1).unwrap();
    for number in 0..4 {
        let vector = |happy: f64, depressed: f64| {
            let weights = [happy, 1.0, 1.0, 1.0, depressed, 1.0, 1.0, 1.0];
            EmotionVector::from_weights(weights).unwrap()
        };
        let n = f64::from(number);
        let song = Song {
            path: format!("/music/{number}.mp3").into(),
            emotions: vector(20.0 - n, 2.0),
            felt: felt.then(|| vector(1.0, 1.0 + n)),
            valence: 7.0,
            arousal: 6.0,
            embedding: vec![1.0],
            ..Song::default()
        };
        writer.push(song).unwrap();
    }
    writer.finish().unwrap();
    path
}

fn query(library: &Path, words: &[&str]) -> Ran {
    run(circumplex()
        .arg("query")
        .arg(library)
        .args(words)
        .args(["-k", "all", "--json"]))
}

fn names(ran: Ran) -> Vec<String> {
    let songs = json(&ran.ends_with_code(0));
    let paths = songs.iter().map(|song| song["path"].as_str().unwrap());
    paths.map(|path| path[7..8].to_owned()).collect()
}

#[test]
fn emotions_by_name_are_compared_with_what_is_felt_where_the_library_tells() {
    let directory = tempfile::tempdir().unwrap();
    let library = library(directory.path(), true);
    let sad = query(&library, &["--emotions", "depressed=1"]).complains("compared by: felt");
    let song = &json(&sad)[0];
    assert!(song["felt"]["depressed"].as_f64() > song["emotions"]["depressed"].as_f64());
    assert_eq!(names(sad), ["3", "2", "1", "0"]);
    let share = query(
        &library,
        &["--emotions", "depressed=1", "--metric", "share"],
    );
    let similarity = json(&share)[0]["similarity"].as_f64().unwrap();
    assert!((similarity - 4.0 / 11.0).abs() < 1e-6, "{similarity}");
    assert_eq!(names(share), ["3", "2", "1", "0"]);
    let by_face = query(&library, &["--face", "sadness=1"]).complains("compared by: felt");
    assert_eq!(names(by_face)[0], "3");
    // A vector, a point and songs are compared with the emotions unless the question says otherwise.
    let vector = ["--vector", "1,0,0,0,0,0,0,0"];
    let plain = query(&library, &vector).complains("compared by: emotions");
    assert_eq!(names(plain), ["0", "1", "2", "3"]);
    let felt = query(&library, &[&vector[..], &["--by", "felt"]].concat());
    assert_eq!(names(felt), ["0", "1", "2", "3"]);
    let like = query(&library, &["--like", "/music/3.mp3", "--by", "felt"]);
    assert_eq!(names(like), ["2", "1", "0"]);
    let emotions = query(&library, &["--emotions", "depressed=1", "--by", "emotions"]);
    assert_eq!(names(emotions)[0], "3");
}

#[test]
fn a_relative_query_compares_within_the_library_and_prints_the_songs_own_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let library = library(directory.path(), true);
    let plain = ["--emotions", "excited=1", "--by", "emotions"];
    let relative = [&plain[..], &["--relative"]].concat();
    let ran = query(&library, &relative)
        .complains("compared by: emotions, relative to the library's mean");
    // Every song is happy, the last one least: it has relatively most of all else.
    let songs = json(&ran);
    assert!(songs[0]["emotions"]["happy"].as_f64() > Some(60.0));
    let similarity = |ran: &Ran| json(ran)[0]["similarity"].as_f64().unwrap();
    assert!(similarity(&ran) > 0.34 && similarity(&query(&library, &plain)) < 0.1);
    assert_eq!(names(ran), ["3", "2", "1", "0"]);
    // The song's own vector is relative too: the nearest is the one that is next in happiness.
    let like = ["--like", "/music/0.mp3", "--relative"];
    let like = query(&library, &like).complains("relative to the library's mean");
    assert!(similarity(&like) > 0.99);
    assert_eq!(names(like), ["1", "2", "3"]);
    let some = [&relative[..], &["--where", "path NOT LIKE '%3.mp3'"]].concat();
    let all = json(&query(&library, &relative));
    let some = json(&query(&library, &some));
    assert_eq!(all[1]["similarity"], some[0]["similarity"]);
    let felt = query(&library, &["--face", "sadness=1", "--relative"])
        .complains("compared by: felt, relative");
    assert_eq!(names(felt)[0], "3");
    query(
        &library,
        &[
            "--like",
            "/music/0.mp3",
            "--relative",
            "--metric",
            "embedding",
        ],
    )
    .ends_with_code(1)
    .complains("--relative compares percentages");
}

#[test]
fn exports_have_columns_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let library = library(directory.path(), true);
    let file = directory.path().join("songs.csv");
    run(circumplex()
        .arg("export")
        .arg(&library)
        .arg("-o")
        .arg(&file))
    .ends_with_code(0);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.lines()
            .next()
            .unwrap()
            .contains("felt_happy,felt_excited,"),
        "{text}"
    );
    let only = directory.path().join("felt.csv");
    run(circumplex()
        .arg("export")
        .arg(&library)
        .args(["--columns", "path,felt", "-o"])
        .arg(&only))
    .ends_with_code(0);
    let text = std::fs::read_to_string(&only).unwrap();
    assert!(
        text.lines()
            .nth(4)
            .unwrap()
            .starts_with("/music/3.mp3,9.09"),
        "{text}"
    );
}

#[test]
fn a_library_without_it_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let library = library(directory.path(), false);
    query(&library, &["--emotions", "happy=1", "--by", "felt"])
        .ends_with_code(1)
        .complains("did not learn from listeners' votes");
    let plain = query(&library, &["--emotions", "happy=1"]);
    assert!(!plain.stderr.contains("compared by"), "{}", plain.stderr);
    assert!(json(&plain)[0].get("felt").is_none());
    assert_eq!(names(plain)[0], "0");
    let file = directory.path().join("songs.csv");
    run(circumplex()
        .arg("export")
        .arg(&library)
        .arg("-o")
        .arg(&file))
    .ends_with_code(0);
    assert!(!std::fs::read_to_string(&file).unwrap().contains("felt"));
}

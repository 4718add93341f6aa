//! `circumplex classify`, as a program.

use crate::common::{self, Place, circumplex, run};
use std::fs;

fn classify(place: &Place, words: &[&str]) -> common::Ran {
    let mut command = circumplex();
    command.arg("classify").arg(place.library()).args(words);
    run(command.current_dir(place.folder.path()))
}

/// Low and high tones, and silence.
fn filled() -> Place {
    let place = Place::new();
    for n in 0..8_u16 {
        place.tone(&format!("low/{n}.wav"), 80.0 + 5.0 * f32::from(n), 2.0);
        place.tone(&format!("high/{n}.wav"), 2000.0 + 100.0 * f32::from(n), 2.0);
    }
    place.tone("silence.wav", 0.0, 2.0);
    run(&mut place.analyze()).ends_with_code(0);
    place
}

fn write(place: &Place, labels: &str) {
    fs::write(place.folder.path().join("labels.csv"), labels).unwrap();
}

const LABELS: &str = "path;label\nlow/0.wav;\"deep, \"\"dark\"\" tones\"\nlow/1.wav;\"deep, \"\"dark\"\" tones\"\nmusic/low/2.wav;\"deep, \"\"dark\"\" tones\"\n\
    high/0.wav;a/b\nhigh/1.wav;a/b\nhigh/2.wav;a/b\nhigh/3.wav;\n";

#[test]
fn scores_come_first_and_every_song_gets_a_class_and_a_playlist() {
    let place = filled();
    write(&place, LABELS);
    let words = [
        "--labels",
        "labels.csv",
        "--json",
        "-o",
        "a.csv",
        "--playlists",
        "lists",
    ];
    let ran = classify(&place, &words)
        .ends_with_code(0)
        .complains("1 row without a label");
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["songs"], 6);
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    assert!(number(&report["accuracy"]) > number(&report["baseline"]["accuracy"]));
    assert_eq!(report["skipped"], serde_json::json!([]));

    let mut reader = csv::Reader::from_path(place.folder.path().join("a.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|other| other == name).unwrap();
    let deep = "deep, \"dark\" tones";
    let of_class = [("a/b", "high"), (deep, "low")];
    let mut labeled = 0;
    for record in reader.records().map(Result::unwrap) {
        let path = &record[column("path")].replace('\\', "/");
        let class = &record[column("class")];
        if path.ends_with("silence.wav") {
            assert_eq!((class, &record[column("probability_a/b")]), ("", ""));
            continue;
        }
        let (expected, _) = of_class
            .iter()
            .find(|(_, directory)| path.contains(&format!("/{directory}/")))
            .unwrap();
        assert_eq!(class, *expected, "{path}");
        let probability: f64 = record[column(&format!("probability_{class}"))]
            .parse()
            .unwrap();
        assert!(probability > 0.5, "{path}");
        labeled += usize::from(!record[column("label")].is_empty());
    }
    assert_eq!(labeled, 6);
    for (name, directory) in [("a_b.m3u8", "/high/"), ("deep, _dark_ tones.m3u8", "/low/")] {
        let text = fs::read_to_string(place.folder.path().join("lists").join(name)).unwrap();
        let text = text.replace('\\', "/");
        let songs: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(songs.len(), 8, "{text}");
        assert!(songs.iter().all(|song| song.contains(directory)), "{text}");
    }
    for name in ["a.parquet", "a.sqlite", "a.jsonl", "a.npy"] {
        classify(&place, &["--labels", "labels.csv", "-o", name]).ends_with_code(0);
    }
}

#[test]
fn the_table_has_the_scores_beside_the_baseline() {
    let place = filled();
    write(&place, LABELS);
    let text = classify(&place, &["--labels", "labels.csv"])
        .ends_with_code(0)
        .stdout;
    for part in [
        "6 labeled songs in 6 groups by artist, 6 songs without an artist; 5-fold cross-validation",
        "baseline F1",
        "true \\ predicted",
        ", baseline 0.167 (always a/b)",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Labels that say nothing about the sound.
    write(
        &place,
        "path,label\nlow/0.wav,x\nlow/1.wav,y\nlow/2.wav,x\nlow/3.wav,y\nhigh/0.wav,x\nhigh/1.wav,y\nhigh/2.wav,x\nhigh/3.wav,x\n\
         silence.wav,x\nabsent.wav,y\n",
    );
    let ran = classify(&place, &["--labels", "labels.csv"]).ends_with_code(3);
    let ran = ran.complains("no better than always answering \"x\"");
    let ran = ran
        .complains("line 10:")
        .complains("silence.wav\" is silent");
    ran.complains("line 11: no song of");
}

#[test]
fn errors_name_the_remedy_and_write_nothing() {
    let place = filled();
    write(&place, LABELS);
    let before = fs::read(place.library()).unwrap();
    for (words, complaint) in [
        (
            &["--labels", "absent.csv"][..],
            "absent.csv: cannot be read",
        ),
        (
            &["--labels", "labels.csv", "--column", "lable"],
            "did you mean \"label\"",
        ),
        (&["--labels", "labels.csv", "--penalty", "0"], "above 0"),
        (&["--labels", "labels.csv", "--folds", "1"], "at least 2"),
        (&["--labels", "labels.csv", "-o", "-"], "name a file"),
        (
            &["--labels", "labels.csv", "-o", "a", "--format", "m3u8"],
            "--playlists",
        ),
        (
            &["--labels", "labels.csv", "-o", "library.parquet"],
            "is a library",
        ),
        (&[], "--labels"),
    ] {
        classify(&place, words)
            .ends_with_code(1)
            .complains(complaint);
    }
    for (labels, complaint) in [
        ("", "found the columns (none)"),
        ("path,label\nlow/0.wav,x\nlow/1.wav,x\n", "found only \"x\""),
        (
            "path,label\nlow/0.wav,x\nhigh/0.wav,y\n",
            "found none (skipped: class \"x\"",
        ),
        (
            "path,label\n/elsewhere/a.wav,x\n",
            "none of the 1 labeled songs",
        ),
        (
            "path,label\nlow/0.wav,x\nlow/0.wav,y\n",
            "give each song one label",
        ),
        ("path,label\n0.wav,x\n1.wav,y\n", "fits 2 songs"),
    ] {
        write(&place, labels);
        classify(&place, &["--labels", "labels.csv", "-o", "a.csv"])
            .ends_with_code(1)
            .complains(complaint);
    }
    assert_eq!(fs::read(place.library()).unwrap(), before);
    assert_eq!(place.leftovers(), ["labels.csv"]);
}

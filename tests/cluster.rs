//! `circumplex cluster`, by the whole program.

mod common;

use common::{Place, circumplex, run};
use std::fs;

fn cluster(place: &Place, words: &[&str]) -> common::Ran {
    let mut command = circumplex();
    command.arg("cluster").arg(place.library()).args(words);
    run(command.current_dir(place.folder.path()))
}

fn filled(songs: u16) -> Place {
    let place = Place::new();
    for n in 0..songs {
        place.tone(&format!("{n:02}.wav"), 80.0 + 150.0 * f32::from(n), 2.0);
    }
    place.tone("silence.wav", 0.0, 2.0);
    run(&mut place.analyze()).ends_with_code(0);
    place
}

#[test]
fn songs_begin_at_emotions_or_at_random_and_the_export_says_their_cluster() {
    let place = filled(9);
    let ran = cluster(
        &place,
        &["--centres", "happy,sad,neutral", "--json", "-o", "a.csv"],
    );
    let said: serde_json::Value = serde_json::from_str(&ran.ends_with_code(0).stdout).unwrap();
    assert_eq!(said["k"], 3);
    assert_eq!(said["silent_songs"], 1);
    let clusters = said["clusters"].as_array().unwrap();
    assert_eq!(clusters[0]["name"], "happiness");
    assert_eq!(clusters[0]["start"], serde_json::json!([8.48, 6.5]));
    assert_eq!(clusters[2]["start"], serde_json::json!([5.0, 5.0]));
    let sizes: Vec<u64> = clusters
        .iter()
        .map(|c| c["songs"].as_u64().unwrap())
        .collect();
    assert_eq!(sizes.iter().sum::<u64>(), 9);
    let mut reader = csv::Reader::from_path(place.folder.path().join("a.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|other| other == name).unwrap();
    let (number, name, path) = (column("cluster"), column("cluster_name"), column("path"));
    let mut counted = [0; 3];
    for record in reader.records() {
        let record = record.unwrap();
        if record[path].ends_with("silence.wav") {
            assert_eq!((&record[number], &record[name]), ("", ""));
        } else {
            let cluster: usize = record[number].parse().unwrap();
            assert_eq!(record[name], *clusters[cluster]["name"].as_str().unwrap());
            counted[cluster] += 1;
        }
    }
    assert_eq!(counted.to_vec(), sizes);

    let random = ["--init", "random", "--k", "4", "--seed", "5", "--json"];
    let first = cluster(&place, &random).ends_with_code(0).stdout;
    assert_eq!(first, cluster(&place, &random).ends_with_code(0).stdout);
    let text = cluster(&place, &["--k", "7"]).ends_with_code(0).stdout;
    for part in [
        "surprise",
        "silhouette",
        "inertia",
        "1 silent song left out",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn what_cannot_be_parted_is_said_with_the_remedy() {
    let place = filled(3);
    for (words, complaint) in [
        (&["--k", "0"][..], "at least one cluster"),
        (&["--k", "5"], "--init random"),
        (&["--init", "random", "--k", "4"], "fewer clusters"),
        (
            &["--init", "random", "--k", "2", "--centres", "sad"],
            "leave one out",
        ),
        (&["--centres", "sad,sad"], "named twice"),
        (&["--centres", "angrry"], "did you mean"),
        (
            &["--centres", "sad", "-o", "a.m3u8", "--format", "m3u8"],
            "cannot hold",
        ),
        (
            &["--centres", "sad", "-o", "library.parquet"],
            "is a library",
        ),
    ] {
        cluster(&place, words)
            .ends_with_code(1)
            .complains(complaint);
    }
    // Seven centres, three songs.
    cluster(&place, &[]).ends_with_code(1).complains("3 songs");
    let silent = Place::new();
    silent.tone("silence.wav", 0.0, 2.0);
    run(&mut silent.analyze()).ends_with_code(0);
    cluster(&silent, &[]).ends_with_code(1).complains("silent");
}

#[test]
fn songs_at_one_point_are_one_cluster_or_an_error() {
    let place = Place::new();
    let sound = place.tone("a.wav", 440.0, 2.0);
    for name in ["b.wav", "c.wav"] {
        fs::copy(&sound, place.music().join(name)).unwrap();
    }
    run(&mut place.analyze()).ends_with_code(0);
    cluster(&place, &["--init", "random", "--k", "2"])
        .ends_with_code(1)
        .complains("3 songs at 1");
    let text = cluster(&place, &["--init", "random", "--k", "1"])
        .ends_with_code(0)
        .stdout;
    assert!(text.contains("no silhouette"), "{text}");
}

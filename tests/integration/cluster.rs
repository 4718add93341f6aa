//! `circumplex cluster`, as a program.

use crate::common::{self, Place, circumplex, run};
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
fn starts_lie_within_the_librarys_range_and_the_export_has_the_clusters() {
    let place = filled(9);
    let ran = cluster(
        &place,
        &["--centers", "happy,sad,neutral", "--json", "-o", "a.csv"],
    );
    let report: serde_json::Value = serde_json::from_str(&ran.ends_with_code(0).stdout).unwrap();
    assert_eq!(report["k"], 3);
    assert_eq!(report["silent_songs"], 1);
    let clusters = report["clusters"].as_array().unwrap();
    assert_eq!(clusters[0]["name"], "happiness");

    let mut reader = csv::Reader::from_path(place.folder.path().join("a.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|other| other == name).unwrap();
    let (number, name, path) = (column("cluster"), column("cluster_name"), column("path"));
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let (silent, songs): (Vec<_>, Vec<_>) = records
        .iter()
        .partition(|record| record[path].ends_with("silence.wav"));
    assert_eq!(silent.len(), 1);
    assert_eq!((&silent[0][number], &silent[0][name]), ("", ""));
    let mut sizes = [0; 3];
    for song in &songs {
        let cluster: usize = song[number].parse().unwrap();
        assert_eq!(song[name], *clusters[cluster]["name"].as_str().unwrap());
        sizes[cluster] += 1;
    }
    assert_eq!(sizes.iter().sum::<u64>(), 9);
    for (cluster, size) in clusters.iter().zip(sizes) {
        assert_eq!(cluster["songs"], size);
    }

    for (axis, name) in ["valence", "arousal"].into_iter().enumerate() {
        let values = || {
            songs
                .iter()
                .map(|song| song[column(name)].parse::<f64>().unwrap())
        };
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        for (cluster, on_scale) in [(0, [8.48, 6.5]), (2, [5.0, 5.0])] {
            let expected = low + (on_scale[axis] - 1.0) / 8.0 * (high - low);
            let start = clusters[cluster]["start"][axis].as_f64().unwrap();
            assert!((start - expected).abs() < 1e-5, "{start} {expected}");
        }
    }
    // The British spelling is an alias.
    cluster(&place, &["--centres", "happy,sad,neutral"]).ends_with_code(0);
}

#[test]
fn one_seed_gives_one_result_and_the_table_has_all_figures() {
    let place = filled(9);
    let random = ["--init", "random", "--k", "4", "--seed", "5", "--json"];
    let first = cluster(&place, &random).ends_with_code(0).stdout;
    assert_eq!(first, cluster(&place, &random).ends_with_code(0).stdout);
    let text = cluster(&place, &["--k", "7"]).ends_with_code(0).stdout;
    for part in [
        "surprise",
        "silhouette",
        "inertia",
        "initialized at",
        "1 silent song skipped",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn errors_name_the_remedy() {
    let place = filled(3);
    for (words, complaint) in [
        (&["--k", "0"][..], "at least one cluster"),
        (&["--k", "5"], "--init random"),
        (&["--init", "random", "--k", "4"], "fewer clusters"),
        (
            &["--init", "random", "--k", "2", "--centers", "sad"],
            "leave one out",
        ),
        (&["--centers", "sad,sad"], "named twice"),
        (&["--centers", "angrry"], "did you mean"),
        (
            &["--centers", "sad", "-o", "a.m3u8", "--format", "m3u8"],
            "cannot hold",
        ),
        (
            &["--centers", "sad", "-o", "library.parquet"],
            "is a library",
        ),
    ] {
        cluster(&place, words)
            .ends_with_code(1)
            .complains(complaint);
    }
    // Seven centers, three songs.
    cluster(&place, &[]).ends_with_code(1).complains("3 songs");
    let silent = Place::new();
    silent.tone("silence.wav", 0.0, 2.0);
    run(&mut silent.analyze()).ends_with_code(0);
    cluster(&silent, &[]).ends_with_code(1).complains("silent");
}

#[test]
fn songs_at_one_point_are_one_cluster_or_an_error() {
    let place = Place::new();
    let tone = place.tone("a.wav", 440.0, 2.0);
    for name in ["b.wav", "c.wav"] {
        fs::copy(&tone, place.music().join(name)).unwrap();
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

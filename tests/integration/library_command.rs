//! `circumplex library`: looking into libraries.

use crate::common::{self, Place, circumplex, json, run, three_songs};
use std::{fs, path::Path};

fn library(place: &Place, words: &[&str]) -> common::Ran {
    let mut command = circumplex();
    command.arg("library").args(words).arg(place.library());
    run(&mut command)
}

fn lines(text: &str) -> Vec<serde_json::Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn info_counts_songs_and_says_how_they_spread() {
    let place = three_songs();
    place.file("broken.mp3", b"no music");
    run(&mut place.analyze()).ends_with_code(3);
    let ran = library(&place, &["info"]).ends_with_code(0);
    for part in [
        "3 songs, 0.01 h of music",
        "the one inside this program",
        "1 file failed",
        "--retry-failed",
        "quadrant",
        "content",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    let ran = library(&place, &["info", "--json"]).ends_with_code(0);
    let info: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(info["songs"], 3);
    assert_eq!(info["failures"], 1);
    assert_eq!(info["repeated_rows"], 0);
    assert_eq!(info["duration_s"], 18.0);
    assert_eq!(
        info["size_bytes"],
        fs::metadata(place.library()).unwrap().len()
    );
    assert_eq!(info["model"]["is_inside_this_program"], true);
    assert_eq!(info["preprocessing"]["mel"]["sample_rate"], 22_050);
    let sum = |of: &str, field: Option<&str>| -> f64 {
        let parts = info[of].as_object().unwrap().values();
        parts
            .map(|value| field.map_or(value, |field| &value[field]).as_f64().unwrap())
            .sum()
    };
    assert_eq!(sum("quadrants", None), 3.0);
    assert_eq!(sum("emotions", Some("strongest_in")), 3.0);
    assert!((sum("emotions", Some("mean_percent")) - 100.0).abs() < 1e-3);
}

#[test]
fn failures_are_listed_with_their_reasons_until_they_are_mended() {
    let place = three_songs();
    place.file("broken.mp3", b"this is no music at all");
    run(&mut place.analyze()).ends_with_code(3);
    let ran = library(&place, &["failures"])
        .ends_with_code(0)
        .complains("--retry-failed");
    assert!(ran.stdout.contains("broken.mp3"), "{}", ran.stdout);
    assert!(ran.stdout.contains("not an audio file"), "{}", ran.stdout);
    let ran = library(&place, &["failures", "--json"]).ends_with_code(0);
    let failures = lines(&ran.stdout);
    assert_eq!(failures.len(), 1);
    assert!(
        failures[0]["reason"]
            .as_str()
            .unwrap()
            .contains("not an audio file")
    );

    let sound = fs::read(place.music().join("low.wav")).unwrap();
    place.file("broken.mp3", &sound);
    run(&mut place.analyze()).ends_with_code(0);
    let ran = library(&place, &["failures"])
        .ends_with_code(0)
        .complains("no file failed");
    assert_eq!(ran.stdout, "");
}

#[test]
fn songs_are_listed_in_the_order_that_is_asked_for() {
    let place = three_songs();
    run(&mut place.analyze()).ends_with_code(0);
    let list = |words: &[&str]| {
        let mut all = vec!["songs", "--json"];
        all.extend(words);
        lines(&library(&place, &all).ends_with_code(0).stdout)
    };
    let all = list(&[]);
    assert_eq!(all.len(), 3);
    for song in &all {
        let emotions = song["emotions"].as_object().unwrap();
        let strongest = emotions
            .iter()
            .max_by(|a, b| a.1.as_f64().unwrap().total_cmp(&b.1.as_f64().unwrap()));
        assert_eq!(song["emotion"], *strongest.unwrap().0);
    }
    let number = |song: &serde_json::Value, key: &str| match song.get(key) {
        Some(value) => value.as_f64().unwrap(),
        None => song["emotions"][key].as_f64().unwrap(),
    };
    for key in ["valence", "arousal", "tense", "happy"] {
        let sorted = list(&["--sort", key]);
        assert!(
            sorted.is_sorted_by(|a, b| number(a, key) >= number(b, key)),
            "{key}: {sorted:?}"
        );
        let mut reversed = list(&["--sort", key, "--reverse"]);
        reversed.reverse();
        assert_eq!(reversed, sorted);
        assert_eq!(list(&["--sort", key, "-n", "1"]), sorted[..1]);
    }
    let longest = list(&["--sort", "duration", "-n", "1"]);
    assert!(longest[0]["path"].as_str().unwrap().ends_with("middle.wav"));

    let ran = library(&place, &["songs", "-n", "2"])
        .ends_with_code(0)
        .complains("2 of 3 songs");
    assert_eq!(ran.stdout.lines().count(), 3, "{}", ran.stdout);
    library(&place, &["songs", "--sort", "hapy"])
        .ends_with_code(1)
        .complains("did you mean \"happy\"?");
}

#[test]
fn several_libraries_become_one_that_goes_on_being_brought_up_to_date() {
    let place = three_songs();
    place.file("broken.mp3", b"no music");
    let parts = place.folder.path().join("parts");
    for n in 1..=2 {
        let mut command = circumplex();
        command.arg("analyze").arg(place.music());
        command.args(["--shard", &format!("{n}/2"), "-o"]);
        let code = run(command.arg(&parts)).code;
        assert!(matches!(code, Some(0 | 3)));
    }
    let compact = |output: Option<&Path>| {
        let mut command = circumplex();
        command.args(["library", "compact"]).arg(&parts);
        if let Some(output) = output {
            command.arg("-o").arg(output);
        }
        run(&mut command)
    };
    compact(None).ends_with_code(1).complains("-o");
    compact(Some(&place.library()))
        .ends_with_code(0)
        .complains("3 songs from 2 files")
        .complains("1 failure remembered");
    compact(Some(&place.library()))
        .ends_with_code(1)
        .complains("exists already");
    let ran = run(&mut place.analyze())
        .ends_with_code(3)
        .complains("1 file failed before and did not change");
    assert!(ran.stdout.contains("3 unchanged"), "{}", ran.stdout);

    // In its own place it changes nothing that is asked of it.
    let before = library(&place, &["songs", "--json"]).stdout;
    library(&place, &["compact"]).ends_with_code(0);
    assert_eq!(library(&place, &["songs", "--json"]).stdout, before);
    assert_eq!(place.leftovers(), ["parts"]);

    // What an analysis that was stopped has done is not passed over.
    let journal = place.folder.path().join(".library.parquet.journal");
    fs::write(&journal, b"a header\na record\n").unwrap();
    library(&place, &["compact"])
        .ends_with_code(1)
        .complains("finish it with");
    assert_eq!(library(&place, &["songs", "--json"]).stdout, before);
    // One that was killed before it had done anything is no hindrance.
    fs::write(&journal, b"a header\n").unwrap();
    library(&place, &["compact"]).ends_with_code(0);
    assert_eq!(place.leftovers(), ["parts"]);
}

#[test]
fn copies_of_a_row_are_counted_and_compacted_away() {
    let place = three_songs();
    run(&mut place.analyze()).ends_with_code(0);
    let parts = place.folder.path().join("parts");
    fs::create_dir(&parts).unwrap();
    fs::copy(place.library(), parts.join("a.parquet")).unwrap();
    run(place.analyze().arg("--force")).ends_with_code(0);
    fs::copy(place.library(), parts.join("b.parquet")).unwrap();
    let ask = |words: &[&str]| {
        let mut command = circumplex();
        command.arg("library").args(words).arg(&parts);
        run(&mut command)
    };
    let ran = ask(&["info"]).ends_with_code(0);
    assert!(
        ran.stdout.contains("3 rows of songs that have another row"),
        "{}",
        ran.stdout
    );
    let one = parts.join("a.parquet");
    ask(&["compact", "-o", one.to_str().unwrap()])
        .ends_with_code(0)
        .complains("skipped 3 rows");
    fs::remove_file(parts.join("b.parquet")).unwrap();
    assert_eq!(lines(&ask(&["songs", "--json"]).stdout).len(), 3);
}

#[test]
fn silent_songs_are_listed_last_and_counted_apart() {
    let place = three_songs();
    let tone = fs::read(place.music().join("low.wav")).unwrap();
    let mut silence = tone.clone();
    silence[44..].fill(0);
    place.file("a silence.wav", &silence);
    run(&mut place.analyze()).ends_with_code(0);
    let info = library(&place, &["info"]).ends_with_code(0).stdout;
    assert!(info.contains("4 songs"), "{info}");
    assert!(info.contains("1 song is silent"), "{info}");
    let list = library(&place, &["songs", "--sort", "calm"]).stdout;
    let last = list.lines().last().unwrap();
    assert!(
        last.starts_with("silent") && last.ends_with("a silence.wav"),
        "{list}"
    );
    let lines = lines(&library(&place, &["songs", "--json", "-n", "1"]).stdout);
    assert_eq!(lines[0]["silent"], true);
}

#[test]
fn what_is_no_library_is_refused() {
    let place = three_songs();
    let ask = |path: &Path| run(circumplex().args(["library", "info"]).arg(path));
    ask(&place.music())
        .ends_with_code(1)
        .complains("expected a directory with libraries");
    ask(&place.music().join("low.wav"))
        .ends_with_code(1)
        .complains("expected a Parquet file");
    ask(Path::new("/no/such.parquet"))
        .ends_with_code(1)
        .complains("/no/such.parquet");
    run(&mut place.analyze()).ends_with_code(0);
    let mut command = circumplex();
    command.args(["query", "--emotions", "calm=1", "--json", "--library"]);
    let twice = [place.library(), place.library()];
    assert_eq!(json(&run(command.args(twice)).ends_with_code(0)).len(), 3);
}

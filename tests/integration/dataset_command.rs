//! `circumplex dataset check` and `circumplex labels`, run as a person runs them on the tiny data set of this project.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn mini() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deam/mini")
}

fn circumplex(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_circumplex"))
        .env("CIRCUMPLEX_FFMPEG", "never")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_complete_data_set_is_usable_with_exit_code_0() {
    let out = circumplex(&["dataset", "check", mini().to_str().unwrap(), "--json"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["usable_songs"], 24);
    assert_eq!(report["layout"], "kaggle");
    assert_eq!(report["artists"]["distinct"], 8);
    assert_eq!(report["sample_rates"]["11025"], 24);
    let low = &report["columns"]["up_to_1000"];
    assert_eq!(low["finding"], "straight");
    assert_eq!(low["evidence"], "per_second_annotations");
    assert!(low["correlations"]["valence_valence"].as_f64().unwrap() > 0.99);
    assert!((report["duration_s"]["median"].as_f64().unwrap() - 3.4).abs() < 1e-9);
}

#[test]
fn every_fault_of_a_data_set_is_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    copy_directory(&mini(), dir.path());
    let audio = dir.path().join("DEAM_audio/MEMD_audio");
    fs::copy(audio.join("1.wav"), audio.join("99.wav")).unwrap();
    fs::copy(audio.join("2.wav"), audio.join("2.mp3")).unwrap();
    fs::write(audio.join("3.wav"), "no audio").unwrap();
    fs::remove_file(audio.join("4.wav")).unwrap();
    let songs = dir
        .path()
        .join("DEAM_Annotations/annotations/annotations averaged per song/song_level");
    fs::write(
        songs.join("static_annotations_averaged_songs_z.csv"),
        "song_id,arousal_mean,arousal_std,valence_mean,valence_std\n31,5,0,5,1\n32,9.5,1,5,1\n33,5,,5,1\n1,5,1,5,1\n34,5,-2,5,1\n",
    )
    .unwrap();
    let directory = dir.path().to_str().unwrap();
    let out = circumplex(&["dataset", "check", directory, "--json"]);
    assert_eq!(out.status.code(), Some(3));
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["usable_songs"], 22);
    assert_eq!(
        report["labels_without_audio"],
        serde_json::json!(["4", "31"])
    );
    assert_eq!(report["zero_deviation"], serde_json::json!(["31"]));
    assert_eq!(report["same_audio"], serde_json::json!([["1", "99"]]));
    assert!(
        report["unreadable_audio"][0]["path"]
            .as_str()
            .unwrap()
            .ends_with("3.wav")
    );
    assert!(
        report["audio_without_labels"][0]
            .as_str()
            .unwrap()
            .ends_with("99.wav")
    );
    assert!(
        report["duplicate_audio"][0]
            .as_str()
            .unwrap()
            .ends_with("2.wav")
    );
    let faults: Vec<&str> = report["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["fault"].as_str().unwrap())
        .collect();
    assert_eq!(
        faults,
        [
            "outside_scale",
            "missing",
            "duplicate",
            "negative_deviation"
        ]
    );
    let table = text(&circumplex(&["dataset", "check", directory]).stdout);
    assert!(table.contains("usable: 22 songs"), "{table}");
    assert!(table.contains("(measured)"), "{table}");
}

#[test]
fn what_is_no_data_set_is_unusable_with_exit_code_1() {
    let dir = tempfile::tempdir().unwrap();
    let out = circumplex(&["dataset", "check", dir.path().to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("holds no annotations"));
    copy_directory(
        &mini().join("DEAM_Annotations"),
        &dir.path().join("DEAM_Annotations"),
    );
    let out = circumplex(&["dataset", "check", dir.path().to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stdout).contains("unusable: no song has both"));
}

#[test]
fn labels_need_no_audio_and_come_as_csv_and_picture() {
    let dir = tempfile::tempdir().unwrap();
    copy_directory(
        &mini().join("DEAM_Annotations"),
        &dir.path().join("DEAM_Annotations"),
    );
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let directory = dir.path().to_str().unwrap();
    let out = circumplex(&[
        "labels",
        directory,
        "-o",
        &file("l.csv"),
        "--plot",
        &file("l.png"),
    ]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert!(fs::read(file("l.png")).unwrap().starts_with(b"\x89PNG"));
    let csv = fs::read_to_string(file("l.csv")).unwrap();
    let header = "song_id,happy,excited,tense,frustrated,depressed,tired,calm,content,\
                  valence_mean,valence_std,arousal_mean,arousal_std,quadrant,argmax\n";
    assert!(csv.starts_with(header), "{csv}");
    assert_eq!(csv.lines().count(), 25);
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let sum: f64 = cells[1..9].iter().map(|c| c.parse::<f64>().unwrap()).sum();
        assert!((sum - 100.0).abs() < 1e-9, "{line}");
    }
    let out = circumplex(&["labels", directory, "-o", &file("g.parquet")]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("written as CSV"));
    // What was written is itself a label file.
    let again = circumplex(&["labels", &file("l.csv"), "-o", &file("again.csv"), "-q"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert_eq!(fs::read_to_string(file("again.csv")).unwrap(), csv);
}

#[test]
fn wrong_label_options_say_what_was_expected() {
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("l.csv");
    let mini = mini();
    let run = |options: &[&str]| {
        let mut arguments = vec![
            "labels",
            mini.to_str().unwrap(),
            "-o",
            output.to_str().unwrap(),
        ];
        arguments.extend(options);
        let out = circumplex(&arguments);
        assert_eq!(out.status.code(), Some(1), "{options:?}");
        assert!(!output.exists());
        text(&out.stderr)
    };
    assert!(run(&["--sigma", "0"]).contains("expected a number above 0"));
    assert!(run(&["--scale", "9..1"]).contains("LOW below HIGH"));
}

//! `circumplex evaluate` on the command line.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn circumplex(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_circumplex"))
        .env("CIRCUMPLEX_FFMPEG", "never")
        .args(arguments)
        .output()
        .expect("the program starts")
}

/// DEAM's layout without its two top directories: song 1 is a tone, song 2 is not audio, song 3 has no audio.
fn made_up_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let levels = "annotations/annotations averaged per song/song_level";
    let (audio, labels) = (
        directory.path().join("MEMD_audio"),
        directory.path().join(levels),
    );
    fs::create_dir_all(&audio).expect("a directory");
    fs::create_dir_all(&labels).expect("a directory");
    fs::write(
        labels.join("static_annotations_averaged_songs_1_3.csv"),
        "song_id, valence_mean, valence_std, arousal_mean, arousal_std\r\n\
         1,6.5,1.0,6.0,1.2\r\n2,3.0,0.8,4.0,0.9\r\n3,5.5,1.1,3.5,1.0\r\n",
    )
    .expect("a file");
    write_tone(&audio.join("1.wav"));
    fs::write(audio.join("2.wav"), "not audio").expect("a file");
    directory
}

fn write_tone(path: &Path) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 22_050,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("a file");
    for n in 0..44_100 {
        let phase = std::f32::consts::TAU * 440.0 * n as f32 / 22_050.0;
        writer
            .write_sample((8_000.0 * phase.sin()) as i16)
            .expect("a sample");
    }
    writer.finalize().expect("a header");
}

#[test]
fn json_is_one_object_and_messages_go_to_standard_error() {
    let directory = made_up_directory();
    let output = circumplex(&[
        "evaluate",
        "--json",
        "--data",
        directory.path().to_str().unwrap(),
    ]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names = |value: &serde_json::Value| {
        let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(
        names(&report),
        "arousal confusion labels mae mae_baseline mae_ratio mean_predicted mean_true model per_emotion \
         per_emotion_baseline quadrants reliability songs split valence"
    );
    assert_eq!(names(&report["arousal"]), "ccc pearson r2 rmse");
    assert_eq!(names(&report["quadrants"]), "accuracy macro_f1");
    assert_eq!(
        names(&report["per_emotion"]),
        "calm content depressed excited frustrated happy tense tired"
    );
    assert_eq!(report["songs"], 1);
    assert!(report["mae"].as_f64().unwrap() > 0.0);
    assert!(report["valence"]["pearson"].is_null());

    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(messages.contains("failed: song 2"), "{messages}");
    assert!(
        messages.contains("labeled songs without audio: 3"),
        "{messages}"
    );
    assert_eq!(output.status.code(), Some(3), "some songs failed");
}

#[test]
fn the_table_shows_the_baseline_beside_the_error() {
    let directory = made_up_directory();
    fs::remove_file(directory.path().join("MEMD_audio/2.wav")).unwrap();
    let output = circumplex(&[
        "evaluate",
        "-q",
        "--data",
        directory.path().to_str().unwrap(),
    ]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.starts_with("1 song, model "), "{table}");
    assert!(table.contains("mean-vector baseline 0.00"), "{table}");
    assert!(table.contains("n/a"), "{table}");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

#[test]
fn the_report_is_one_page_beside_the_same_scores() {
    let directory = made_up_directory();
    let (data, page) = (directory.path(), directory.path().join("report.html"));
    let output = circumplex(&[
        "evaluate",
        "--data",
        data.to_str().unwrap(),
        "--report",
        page.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(3), "some songs failed");
    assert!(output.stdout.starts_with(b"1 song, model "));
    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(messages.contains("report.html"), "{messages}");
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.starts_with("<!DOCTYPE html>") && text.ends_with("</html>\n"));
    assert!(text.contains("<svg"));
    assert!(text.contains("(1)</th>") && !text.contains("(2)</th>"));
    assert!(!text.contains("://"), "the page refers to nothing outside");
    assert!(
        !text.contains(data.to_str().unwrap()),
        "it names no directory"
    );
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_before_any_analysis() {
    let directory = made_up_directory();
    let output = circumplex(&[
        "evaluate",
        "--data",
        directory.path().to_str().unwrap(),
        "--report",
        "no/such/directory/report.html",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(
        messages.contains("no/such/directory/report.html"),
        "{messages}"
    );
    assert!(!messages.contains("song 2"), "{messages}");
    assert!(output.stdout.is_empty());
}

#[test]
fn nothing_to_evaluate_is_exit_code_1_with_a_reason() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    for arguments in [
        vec!["evaluate", "--data", data],
        vec!["evaluate", "--data", "no/such/directory"],
        vec!["evaluate", "--data", data, "--model", "no-such-model.onnx"],
    ] {
        let output = circumplex(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{arguments:?}"
        );
    }
}

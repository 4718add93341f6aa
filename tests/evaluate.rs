//! `circumplex evaluate` as a person or a program meets it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn circumplex(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_circumplex"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

/// DEAM's layout without its two top folders: song 1 is a tone, song 2 is no music, song 3 has no audio.
fn made_up_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let levels = "annotations/annotations averaged per song/song_level";
    let (audio, labels) = (folder.path().join("MEMD_audio"), folder.path().join(levels));
    fs::create_dir_all(&audio).expect("a folder");
    fs::create_dir_all(&labels).expect("a folder");
    fs::write(
        labels.join("static_annotations_averaged_songs_1_3.csv"),
        "song_id, valence_mean, valence_std, arousal_mean, arousal_std\r\n\
         1,6.5,1.0,6.0,1.2\r\n2,3.0,0.8,4.0,0.9\r\n3,5.5,1.1,3.5,1.0\r\n",
    )
    .expect("a file");
    write_tone(&audio.join("1.wav"));
    fs::write(audio.join("2.wav"), "no music").expect("a file");
    folder
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
fn json_is_one_object_with_the_promised_fields_and_messages_go_elsewhere() {
    let folder = made_up_folder();
    let output = circumplex(&[
        "evaluate",
        "--json",
        "--data",
        folder.path().to_str().unwrap(),
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
    let folder = made_up_folder();
    fs::remove_file(folder.path().join("MEMD_audio/2.wav")).unwrap();
    let output = circumplex(&["evaluate", "-q", "--data", folder.path().to_str().unwrap()]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.starts_with("1 song, model "), "{table}");
    assert!(table.contains("mean-vector baseline 0.00"), "{table}");
    assert!(table.contains("n/a"), "{table}");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

#[test]
fn the_report_is_one_page_beside_the_same_scores() {
    let folder = made_up_folder();
    let (data, page) = (folder.path(), folder.path().join("report.html"));
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
    assert!(text.contains("<svg") && text.contains("href=\"data:image/png;base64,"));
    assert!(text.contains("song 1 ·") && !text.contains("song 2 ·"));
    assert!(
        !text.contains("://"),
        "the page needs nothing from elsewhere"
    );
    assert!(
        !text.contains(data.to_str().unwrap()),
        "it tells nothing of folders"
    );
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_a_song_is_judged() {
    let folder = made_up_folder();
    let output = circumplex(&[
        "evaluate",
        "--data",
        folder.path().to_str().unwrap(),
        "--report",
        "no/such/folder/report.html",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(
        messages.contains("no/such/folder/report.html"),
        "{messages}"
    );
    assert!(!messages.contains("song 2"), "{messages}");
    assert!(output.stdout.is_empty());
}

#[test]
fn nothing_to_evaluate_is_exit_code_1_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    for arguments in [
        vec!["evaluate", "--data", data],
        vec!["evaluate", "--data", "no/such/folder"],
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

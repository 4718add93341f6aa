//! Training with the votes of listeners, with music without labels, and with teachers.

use crate::trained::{RECIPE, circumplex, copy_directory, messages, mini, text, train};
use circumplex::{Emotion, Model};
use std::{fmt::Write as _, fs, path::Path, time::SystemTime};

/// The model of this project is a network like any other: it teaches here.
const MORE: &str = r#"
[[set]]
name = "votes"
labels = "votes"
words = { joyful_activation = "happy", sadness = "depressed", calmness = "calm", power = "excited" }
[[set]]
name = "rest"
labels = "none"
[[teacher]]
name = "shipped"
file = "best-cnn-felt.onnx"
outputs = ["embedding", "emotions"]
at = "features"
weight = 0.5
[teacher.input]
frames = 323
features = { sample_rate = 22050, n_fft = 2048, hop_length = 1024, n_mels = 96, f_min = 0.0, f_max = 8000.0 }
[[teacher]]
name = "table"
file = "table.parquet"
at = "embedding"
weight = 0.5
"#;

/// A directory with audio and the votes of listeners: high songs are joyful, low ones sad.
fn votes(directory: &Path) -> String {
    copy_directory(
        &mini().join("DEAM_audio/MEMD_audio"),
        &directory.join("audio"),
    );
    let mut table = "song_id,artist,joyful_activation,sadness,calmness,power\n".to_owned();
    for id in 1..=24 {
        let joy = f64::from(id % 4) / 4.0;
        writeln!(table, "{id},Artist {},{joy},{},0.2,0.1", id % 9, 1.0 - joy).unwrap();
    }
    fs::write(directory.join("songs.csv"), table).unwrap();
    format!("votes={}", text(directory))
}

#[test]
fn votes_get_an_output_of_their_own_and_teachers_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let votes = votes(&path("votes"));
    let rest = path("rest");
    fs::create_dir(&rest).unwrap();
    fs::copy(path("votes/audio/3.wav"), rest.join("other.wav")).unwrap();
    let rest = format!("rest={}", text(&rest));
    let teachers = path("teachers");
    fs::create_dir(&teachers).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/best-cnn-felt.onnx");
    fs::copy(shipped, teachers.join("best-cnn-felt.onnx")).unwrap();
    fs::write(path("tiny.toml"), format!("{RECIPE}{MORE}")).unwrap();
    let all = [
        "--folds",
        "2",
        "--set",
        &votes,
        "--set",
        &rest,
        "--teachers",
        text(&teachers),
    ];

    let output = train(directory.path(), &mini(), &all[..2]);
    assert!(
        messages(&output).contains("--set votes=DATA"),
        "{}",
        messages(&output)
    );
    let output = train(
        directory.path(),
        &mini(),
        &[&all[..], &["--set", "other=x"]].concat(),
    );
    assert!(
        messages(&output).contains("--set other: no recipe"),
        "{}",
        messages(&output)
    );

    // A teacher that is not there is found at once. One that is damaged, after the first teacher's outputs, which are kept.
    let output = train(directory.path(), &mini(), &all);
    assert!(
        messages(&output).contains("table.parquet is not there"),
        "{}",
        messages(&output)
    );
    assert!(!path("run").exists());
    fs::write(teachers.join("table.parquet"), "damaged").unwrap();
    let output = train(
        directory.path(),
        &mini(),
        &[&all[..], &["--force"]].concat(),
    );
    assert!(
        messages(&output).contains("table.parquet") && !messages(&output).contains("is not there"),
        "{}",
        messages(&output)
    );
    let kept = fs::read_dir(&teachers)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let kept: Vec<_> = kept.filter(|path| path.is_dir()).collect();
    let part = kept[0].join("part-00000.parquet");
    let written = |path: &Path| -> SystemTime { fs::metadata(path).unwrap().modified().unwrap() };
    let before = written(&part);
    // A teacher's table may come from anywhere; here it is the one that was kept.
    fs::copy(&part, teachers.join("table.parquet")).unwrap();
    let output = train(
        directory.path(),
        &mini(),
        &[&all[..], &["--force"]].concat(),
    );
    assert_eq!(output.status.code(), Some(0), "{}", messages(&output));
    assert_eq!((kept.len(), written(&part)), (1, before));

    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        shown.contains("listeners say") && shown.contains("joyful_activation"),
        "{shown}"
    );
    let scores = fs::read(path("run/scores.json")).unwrap();
    let scores: serde_json::Value = serde_json::from_slice(&scores).unwrap();
    for vector in ["emotions", "felt"] {
        let agreement = &scores["listeners"][vector];
        assert_eq!(agreement["songs"], 24, "{scores}");
        assert_eq!(agreement["moods"][1]["word"], "sadness");
        assert!(agreement["mean_rho"]["low"].as_f64() < agreement["mean_rho"]["high"].as_f64());
    }
    let rows = fs::File::open(path("run/votes.parquet")).unwrap();
    let rows = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(rows, 100);
    let rows: usize = rows.unwrap().map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(rows, 24);

    let model = Model::load(&path("run/model.onnx")).unwrap();
    let votes = model.metadata().votes.as_ref().expect("learned from votes");
    assert_eq!((votes.songs, votes.words.len()), (24, 4));
    assert!(model.has_felt());
    let quiet = vec![-60.0; 32 * model.metadata().preprocessing.frames()];
    let prediction = model.predict(&quiet).unwrap();
    let felt = prediction.felt.expect("has the output");
    // No word means tense: its share is that of the emotions.
    for emotion in [
        Emotion::Tense,
        Emotion::Frustrated,
        Emotion::Tired,
        Emotion::Content,
    ] {
        let (felt, share) = (felt.get(emotion), prediction.emotions.get(emotion));
        assert!((felt - share).abs() < 1e-3, "{emotion}: {felt} and {share}");
    }
    // Teachers cost the model nothing: 8 x 16 mixed numbers and a bias for `felt`.
    assert_eq!(scores["parameters"].as_u64(), Some(parameters(4)));

    let output = circumplex(&[
        "analyze",
        text(&path("rest")),
        "--model",
        text(&path("run/model.onnx")),
        "-o",
        text(&path("l.parquet")),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", messages(&output));
}

/// Parameters of the tiny recipe with a head for so many words' emotions.
fn parameters(felt: u64) -> u64 {
    let convolutions = 9 * 4 + 2 * 4 + 9 * 4 * 4 + 2 * 4;
    let mix = (4 * 8) * 8 + 2 * 8;
    convolutions + mix + 16 * 10 + 10 + felt * 17
}

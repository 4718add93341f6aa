//! Label files.

use super::*;
use crate::emotion::Emotion;
use std::{fs, path::Path};

struct Directory(tempfile::TempDir);

impl Directory {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("audio")).unwrap();
        for name in ["1.wav", "2.mp3", "7.ogg"] {
            fs::write(dir.path().join("audio").join(name), name).unwrap();
        }
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn open(&self, content: &str, options: &LabelOptions) -> Result<Dataset> {
        let path = self.path().join("labels.csv");
        fs::write(&path, content).unwrap();
        Dataset::open(&path, options)
    }
}

fn scaled(scale: &str, deviation: Option<f64>) -> LabelOptions {
    LabelOptions {
        scale: Some(scale.parse().unwrap()),
        deviation,
        ..LabelOptions::default()
    }
}

#[test]
fn means_and_deviations_are_read_by_id_and_by_path() {
    let directory = Directory::new();
    let by_id = "Song_ID, Valence_mean, valence_std, arousal_mean, arousal_std, Artist, extra\n2,6,1,6,1,A,x\n01,4,1,4,1,,y\n9,5,1,5,1,,z\n";
    let data = directory.open(by_id, &LabelOptions::default()).unwrap();
    let ids: Vec<&str> = data.songs.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["1", "2"]);
    assert_eq!(data.without_audio, ["9"]);
    assert_eq!(data.without_labels, [directory.path().join("audio/7.ogg")]);
    assert_eq!(data.songs[1].artist.as_deref(), Some("A"));
    assert_eq!(data.songs[1].emotions.get(Emotion::Happy), 50.0);
    let by_path = "path,mean_valence,std_valence,mean_arousal,std_arousal\naudio/2.mp3,6,1,6,1\n";
    let data = directory.open(by_path, &LabelOptions::default()).unwrap();
    assert_eq!(data.songs[0].audio, directory.path().join("audio/2.mp3"));
    assert_eq!(data.columns.message(), None);
}

#[test]
fn points_on_another_scale_become_boxes_on_deams() {
    let directory = Directory::new();
    let points = "id,valence,arousal\n1,0.5,-1\n2,0,1\n";
    let data = directory
        .open(points, &scaled("-1..1", Some(0.25)))
        .unwrap();
    let affect = data.songs[0].affect;
    assert_eq!((affect.valence_mean, affect.arousal_mean), (7.0, 1.0));
    assert_eq!((affect.valence_std, affect.arousal_std), (1.0, 1.0));
    let data = directory.open(points, &scaled("-1..1", None)).unwrap();
    assert_eq!(
        data.songs[0].affect.valence_std,
        crate::emotion::TYPICAL_DEVIATION
    );
    let error = directory
        .open(points, &LabelOptions::default())
        .unwrap_err();
    assert!(error.to_string().contains("--scale"), "{error}");
}

#[test]
fn percentages_are_taken_as_they_are_and_give_a_point() {
    let directory = Directory::new();
    let header = "id,Happy,excited,tense,frustrated,depressed,tired,calm,content\n";
    let data = directory
        .open(
            &format!("{header}1,50,50,0,0,0,0,0,0\n2,12.5,12.5,12.5,12.5,12.5,12.5,12.5,12.5\n"),
            &LabelOptions::default(),
        )
        .unwrap();
    assert_eq!(data.songs[0].emotions.get(Emotion::Excited), 50.0);
    assert_eq!(data.songs[0].affect.valence_mean, 7.0);
    assert_eq!(data.songs[0].affect.arousal_mean, 7.0);
    assert_eq!(data.songs[1].affect.valence_mean, 5.0);
    let error = directory
        .open(
            &format!("{header}1,50,50,5,0,0,0,0,0\n"),
            &LabelOptions::default(),
        )
        .unwrap_err();
    assert!(error.to_string().contains("line 2, song 1"), "{error}");
    assert!(
        std::error::Error::source(&error)
            .unwrap()
            .to_string()
            .contains("sum to 100")
    );
}

#[test]
fn errors_name_the_line_and_what_was_expected() {
    let directory = Directory::new();
    let head = "id,valence_mean,valence_std,arousal_mean,arousal_std\n";
    for (content, options, expected) in [
        (
            format!("{head}1,5,1,5,1\n2,0.3,1,5,1\n"),
            LabelOptions::default(),
            "line 3: valence_mean is 0.3, outside the scale 1..9",
        ),
        (
            format!("{head}1,5,1,5,-1\n"),
            LabelOptions::default(),
            "line 2, column arousal_std: expected a number of at least 0, found \"-1\"",
        ),
        (
            format!("{head}1,5,1,,1\n"),
            LabelOptions::default(),
            "line 2, column arousal_mean: expected a number, found \"\"",
        ),
        (
            format!("{head}1,5,1,5,1\n1,5,1,5,1\n"),
            LabelOptions::default(),
            "line 3: song 1 has two rows",
        ),
        (
            "id,mood\n1,glad\n".to_owned(),
            LabelOptions::default(),
            "expected valence_mean, valence_std",
        ),
        (
            "id,happy,excited\n1,50,50\n".to_owned(),
            LabelOptions::default(),
            "of these tense, frustrated, depressed, tired, calm, content are missing",
        ),
        (
            "valence,arousal\n1,2\n".to_owned(),
            scaled("1..9", None),
            "expected a column path or song_id",
        ),
        (
            "path,valence,arousal\naudio/3.wav,1,2\n".to_owned(),
            scaled("1..9", None),
            "line 2: the audio file",
        ),
        (
            head.to_owned() + "99,5,1,5,1\n",
            LabelOptions::default(),
            "no song has both audio and labels (1 with labels, 3 audio files",
        ),
    ] {
        let error = directory.open(&content, &options).unwrap_err();
        assert!(error.to_string().contains(expected), "{content}: {error}");
    }
    for scale in ["1", "1..", "9..1", "a..b", "0..inf"] {
        assert!(scale.parse::<Scale>().is_err(), "{scale}");
    }
    let scale = |text: &str| text.parse::<Scale>().unwrap();
    assert_eq!(scale("0..=1"), scale("0..1"));
}

#[test]
fn parquet_is_read_like_csv() {
    use arrow_array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray};
    use std::sync::Arc;
    let directory = Directory::new();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("song_id", Arc::new(Int64Array::from(vec![1, 2]))),
        ("artist", Arc::new(StringArray::from(vec![Some("A"), None]))),
        ("valence", Arc::new(Float32Array::from(vec![0.25, 0.75]))),
        ("arousal", Arc::new(Float32Array::from(vec![1.0, 0.0]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let path = directory.path().join("labels.parquet");
    let file = fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let data = Dataset::open(&path, &scaled("0..1", None)).unwrap();
    assert_eq!(data.songs.len(), 2);
    assert_eq!(data.songs[0].affect.valence_mean, 3.0);
    assert_eq!(data.songs[0].artist.as_deref(), Some("A"));
    assert_eq!(data.songs[1].artist, None);
    assert_eq!(data.songs[1].affect.arousal_mean, 1.0);
    fs::write(&path, "not parquet").unwrap();
    let error = Dataset::open(&path, &scaled("0..1", None)).unwrap_err();
    assert!(
        error.to_string().contains("cannot be read as Parquet"),
        "{error}"
    );
}

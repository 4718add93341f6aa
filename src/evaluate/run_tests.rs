use super::*;
use crate::{
    analysis::{AnalyzeOptions, analyze_file},
    dataset::{Dataset, LabelOptions},
    model::Model,
    test_tone::write_tone,
};
use std::{
    fs,
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
};

const LABELS: &str = "song_id, valence_mean, valence_std, arousal_mean, arousal_std\n\
                      1,6.5,1.0,6.0,1.2\n2,3.0,0.8,4.0,0.9\n3,5.5,1.1,3.5,1.0\n";

/// Songs 1 and 2 are tones, song 3 is not audio.
fn made_up_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let labels = "static_annotations_averaged_songs_1_3.csv";
    fs::write(directory.path().join(labels), LABELS).unwrap();
    write_tone(&directory.path().join("1.wav"), 440.0, 3.0);
    write_tone(&directory.path().join("2.wav"), 110.0, 3.0);
    fs::write(directory.path().join("3.wav"), "not audio").unwrap();
    directory
}

fn model() -> Model {
    Model::shipped().unwrap()
}

fn options(model: &Model) -> LabelOptions {
    LabelOptions {
        sigma: model.metadata().label_settings.sigma,
        ..LabelOptions::default()
    }
}

fn two() -> NonZeroUsize {
    NonZeroUsize::new(2).unwrap()
}

#[test]
fn scores_are_those_of_analyze_and_a_broken_song_is_named() {
    let (directory, model) = (made_up_directory(), model());
    let dataset = Dataset::open(directory.path(), &options(&model)).unwrap();
    let called = AtomicUsize::new(0);
    let Evaluation { songs, failed } = evaluate(&dataset, &model, two(), |_| {
        called.fetch_add(1, Ordering::Relaxed);
    })
    .unwrap();

    assert_eq!(called.into_inner(), 3);
    let [(id, error)] = &failed[..] else {
        panic!("{failed:?}")
    };
    assert_eq!(id, "3");
    assert!(error.path().unwrap().ends_with("3.wav"), "{error}");
    let scores = RunScores::of(&songs, "a test").unwrap().scores;

    let mut absolute = 0.0;
    let mut squared = 0.0;
    for song in &dataset.songs[..2] {
        let answer = analyze_file(&song.audio, &model, &AnalyzeOptions::default())
            .unwrap()
            .prediction;
        let pairs = song
            .emotions
            .as_array()
            .iter()
            .zip(answer.emotions.as_array());
        absolute += pairs
            .map(|(t, p)| (f64::from(*t) - f64::from(*p)).abs())
            .sum::<f64>();
        squared += (song.affect.valence_mean - f64::from(answer.valence)).powi(2);
    }
    assert_eq!(scores.songs, 2);
    assert!((scores.mae - absolute / 16.0).abs() < 1e-9);
    assert!((scores.valence.rmse.unwrap() - (squared / 2.0).sqrt()).abs() < 1e-9);
}

#[test]
fn a_data_set_without_one_readable_song_is_an_error_with_the_first_reason() {
    let (directory, model) = (made_up_directory(), model());
    for name in ["1.wav", "2.wav"] {
        fs::write(directory.path().join(name), "not audio either").unwrap();
    }
    let dataset = Dataset::open(directory.path(), &options(&model)).unwrap();
    let error = evaluate(&dataset, &model, two(), |_| ()).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("none of the 3 labeled songs"), "{text}");
    assert!(text.contains("1.wav"), "{text}");
}

#[test]
fn labels_of_another_box_than_the_models_are_rejected() {
    let (directory, model) = (made_up_directory(), model());
    let mut options = options(&model);
    options.sigma += 1.0;
    let dataset = Dataset::open(directory.path(), &options).unwrap();
    let error = evaluate(&dataset, &model, two(), |_| ()).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("standard deviations"), "{error}");
}

#[test]
fn one_song_alone_has_no_correlations() {
    let (directory, model) = (made_up_directory(), model());
    for name in ["2.wav", "3.wav"] {
        fs::remove_file(directory.path().join(name)).unwrap();
    }
    let dataset = Dataset::open(directory.path(), &options(&model)).unwrap();
    let songs = evaluate(&dataset, &model, two(), |_| ()).unwrap().songs;
    let scores = RunScores::of(&songs, "a test").unwrap().scores;
    assert_eq!((scores.songs, scores.mae_baseline), (1, 0.0));
    assert_eq!(
        (
            scores.valence.r2,
            scores.valence.pearson,
            scores.valence.ccc
        ),
        (None, None, None)
    );
    assert!(scores.mae > 0.0);
}

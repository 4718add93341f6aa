//! `circumplex train` and `circumplex evaluate --split`, run as a person runs them on the tiny data set of this project.

use crate::trained::{
    circumplex, column, copy_directory, evaluate, messages, mini, text, train, trained,
};
use circumplex::testing::{ColumnChoice, Finding, Part, SplitMethod};
use std::{collections::BTreeMap, fs, path::Path};

#[test]
fn the_test_songs_are_those_of_the_csv_for_the_same_seed_and_for_every_evaluation() {
    let directory = tempfile::tempdir().expect("a directory");
    let (first, second) = (
        directory.path().join("first"),
        directory.path().join("second"),
    );
    let (metadata, provenance) = trained(&first, &mini(), &[]);
    trained(&second, &mini(), &[]);
    let csv = first.join("run/split.csv");
    for name in [
        "run/split.csv",
        "run/model.onnx",
        "run/predictions.parquet",
        "run/scores.json",
    ] {
        let read = |directory: &Path| fs::read(directory.join(name)).expect("is there");
        assert!(read(&first) == read(&second), "{name} differs");
    }

    let split = provenance.split.expect("a split is noted");
    assert_eq!((split.method, split.seed), (SplitMethod::Artist, Some(3)));
    let parts = [Part::Train, Part::Validation, Part::Test];
    let noted: BTreeMap<String, String> = parts
        .iter()
        .flat_map(|&part| split.ids(part).into_iter().map(move |id| (id, part)))
        .map(|(id, part)| (id.to_owned(), part.to_string()))
        .collect();
    assert_eq!(noted, column(&csv));
    assert_eq!(noted.len(), 24);
    let songs_of = |part: Part| split.ids(part).len();
    assert!(parts.iter().all(|part| songs_of(*part) > 0));
    assert_eq!(metadata.training.songs, songs_of(Part::Train));
    assert_eq!(metadata.scores["songs"], songs_of(Part::Test));
    assert_eq!(
        metadata.scores["measured_on"],
        "test songs, no artist in training"
    );

    let (test, said) = evaluate(&first, &mini(), &["--split", "test"]);
    assert!(!said.contains("was trained on"), "{said}");
    assert_eq!(test["songs"], songs_of(Part::Test));
    assert_eq!(
        test["split"],
        serde_json::json!({"part": "test", "trained_on": 0})
    );
    let close = |a: &serde_json::Value, b: &serde_json::Value| {
        (a.as_f64().expect("a number") - b.as_f64().expect("a number")).abs() < 1e-9
    };
    assert!(close(&test["mae"], &metadata.scores["mae"]));

    // a directory that holds the CSV's test songs alone gives the same scores
    let alone = directory.path().join("alone");
    copy_directory(&mini(), &alone);
    for (id, part) in &noted {
        if part != "test" {
            let audio = format!("DEAM_audio/MEMD_audio/{id}.wav");
            fs::remove_file(alone.join(audio)).expect("was there");
        }
    }
    let (all, _) = evaluate(&first, &alone, &[]);
    for field in ["songs", "mae", "mae_baseline", "per_emotion", "quadrants"] {
        assert_eq!(all[field], test[field], "{field}");
    }
    assert_eq!(all["split"]["part"], "all");

    // songs that were learned are spoken of, and songs that are missing are named
    let (_, said) = evaluate(&first, &mini(), &[]);
    let expected = format!("was trained on {} of these 24 songs", songs_of(Part::Train));
    assert!(said.contains(&expected), "{said}");
    let model = first.join("run/model.onnx");
    let mut arguments = vec!["evaluate", "--data", text(&alone), "--model", text(&model)];
    arguments.extend(["--split", "validation"]);
    let refused = circumplex(&arguments);
    let (missing, _) = noted
        .iter()
        .find(|(_, part)| *part == "validation")
        .expect("has validation songs");
    assert_eq!(refused.status.code(), Some(1));
    let said = messages(&refused);
    assert!(
        said.contains("are not among the songs") && said.contains(missing),
        "{said}"
    );

    // the CSV is a split that training takes
    let third = directory.path().join("third");
    let (_, again) = trained(&third, &mini(), &["--split", text(&csv)]);
    assert_eq!(again.split.expect("noted").method, SplitMethod::File);
    assert_eq!(column(&third.join("run/split.csv")), noted);
}

#[test]
fn crossed_columns_change_labels_and_scores_and_the_model_says_which_it_learned() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("crossed");
    copy_directory(&mini(), &data);
    let table = data
        .join("DEAM_Annotations/annotations/annotations averaged per song/song_level")
        .join("static_annotations_averaged_songs_1_24.csv");
    let rows = fs::read_to_string(&table).expect("is there");
    let (_, rows) = rows.split_once('\n').expect("has a header");
    let header = "song_id, arousal_mean, arousal_std, valence_mean, valence_std\n";
    fs::write(&table, header.to_owned() + rows).expect("a file");

    let options = ["--split", "random", "--epochs", "1"];
    let place = |name: &str| directory.path().join(name);
    let (corrected, its) = trained(&place("corrected"), &data, &options);
    let labels = its.labels.expect("is noted");
    assert_eq!(labels.labels, ColumnChoice::Corrected);
    assert_eq!(
        (labels.up_to_1000.finding, labels.exchanged),
        (Finding::Crossed, 24)
    );
    assert!(labels.up_to_1000.correlations.is_some());
    let options = [&options[..], &["--labels", "as-published"]].concat();
    let (published, its) = trained(&place("published"), &data, &options);
    let labels = its.labels.expect("is noted");
    assert_eq!(labels.labels, ColumnChoice::AsPublished);
    assert_eq!(
        (labels.up_to_1000.finding, labels.exchanged),
        (Finding::Crossed, 0)
    );
    assert_ne!(
        corrected.training.mean_emotions,
        published.training.mean_emotions
    );

    let (corrected, _) = evaluate(&place("corrected"), &data, &[]);
    let (straight, _) = evaluate(&place("corrected"), &mini(), &[]);
    assert_eq!(
        corrected["mae"], straight["mae"],
        "corrected is as if never crossed"
    );
    assert_eq!(corrected["labels"]["labels"], "corrected");
    let (published, said) = evaluate(&place("corrected"), &data, &["--labels", "as-published"]);
    assert_eq!(published["labels"]["labels"], "as-published");
    assert_ne!(corrected["mae"], published["mae"]);
    assert!(said.contains("trained on other labels"), "{said}");
}

#[test]
fn a_model_without_a_test_part_says_so_and_folds_are_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().join("folds");
    let (metadata, provenance) = trained(&place, &mini(), &["--folds", "2", "--epochs", "1"]);
    let folds = provenance.folds.expect("is noted");
    assert_eq!((folds.count, folds.method), (2, SplitMethod::Artist));
    assert_eq!(metadata.training.songs, 24);
    let column = column(&place.join("run/folds.csv"));
    assert_eq!(column.len(), 24);
    for (id, fold) in &column {
        let noted = folds.fold_of(id).expect("has a fold");
        assert_eq!(&noted.to_string(), fold, "{id}");
    }
    let model = place.join("run/model.onnx");
    let (mini, csv) = (mini(), place.join("run/folds.csv"));
    let asked = ["evaluate", "--split", "test", "--data", text(&mini)];
    let refused = circumplex(&[&asked[..], &["--model", text(&model)]].concat());
    assert_eq!(refused.status.code(), Some(1));
    let said = messages(&refused);
    assert!(said.contains("cross-validation in 2 folds"), "{said}");

    let refused = circumplex(&asked);
    assert_eq!(refused.status.code(), Some(1));
    let said = messages(&refused);
    assert!(
        said.contains("cross-validation in 5 folds"),
        "the shipped model: {said}"
    );

    for (options, reason) in [
        (vec!["--split", "artsit"], "a file that exists"),
        (vec!["--split", text(&csv)], "song_id and part"),
        (
            vec!["--split", text(&csv), "--folds", "2"],
            "says nothing of folds",
        ),
    ] {
        let refused = train(&directory.path().join("refused"), &mini, &options);
        assert_eq!(refused.status.code(), Some(1), "{options:?}");
        let said = messages(&refused);
        assert!(said.contains(reason), "{options:?}: {said}");
    }
}

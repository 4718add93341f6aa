//! Training on songs made here: what is learned, what is written, and when it stops.

use crate::trained;
use std::{f32::consts::TAU, path::Path};

use circumplex::{
    ErrorKind, MelConfig, Model, Recipe, spectrograms,
    testing::{
        Dataset, EpochScores, Event, LabelOptions, Run, Songs, Spectrograms, Trained,
        evaluate_onnx, label_of, scores_of,
    },
};

/// A small network that learns in seconds, changed.
fn recipe(change: impl Fn(&mut Recipe)) -> Recipe {
    let mut recipe = Recipe::parse("small", trained::RECIPE).expect("the recipe is sound");
    recipe.features = MelConfig {
        n_mels: 64,
        ..MelConfig::default()
    };
    for stage in &mut recipe.network.stages {
        stage.channels = 8;
    }
    recipe.network.mix = 16;
    // what training says of an epoch is compared with what the file says, which settling would change
    recipe.calibration.settle = false;
    recipe.optimizer.epochs = 30;
    recipe.optimizer.patience = 30;
    change(&mut recipe);
    recipe.checked("small").expect("still sound")
}

/// Sixteen songs of three seconds in DEAM's layout: arousal is how fast and loud the notes come, valence how high.
fn songs(directory: &Path) -> Dataset {
    let audio = directory.join("DEAM_audio/MEMD_audio");
    let labels =
        directory.join("DEAM_Annotations/annotations/annotations averaged per song/song_level");
    for place in [&audio, &labels] {
        std::fs::create_dir_all(place).expect("a temporary directory can be written");
    }
    let mut table = "song_id, valence_mean, valence_std, arousal_mean, arousal_std\n".to_owned();
    for id in 0..16 {
        let (column, row) = (id % 4, id / 4);
        let (valence, arousal) = (2.0 + 2.0 * column as f32, 2.0 + 2.0 * row as f32);
        table += &format!("{},{valence},0.8,{arousal},0.8\n", id + 1);
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 22_050,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(audio.join(format!("{}.wav", id + 1)), spec)
            .expect("can be written");
        let (pitch, notes, level) = (200.0 * valence, arousal, 0.08 * arousal);
        for sample in 0..22_050 * 3 {
            let time = sample as f32 / 22_050.0;
            let fade = 1.0 - (time * notes).fract();
            let value = level * fade * (TAU * pitch * time).sin();
            wav.write_sample((value * 32_767.0) as i16)
                .expect("can be written");
        }
        wav.finalize().expect("can be written");
    }
    std::fs::write(
        labels.join("static_annotations_averaged_songs_1_16.csv"),
        table,
    )
    .expect("can be written");
    Dataset::open(directory, &LabelOptions::default()).expect("the songs are in DEAM's layout")
}

/// Calls `work` with a run over the songs.
fn with_run<T>(recipe: &Recipe, work: impl FnOnce(&Run<'_>) -> T) -> T {
    // Tests run side by side, and threads that wait for each other wait long on a busy machine.
    tch::set_num_threads(1);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let dataset = songs(directory.path());
    let files: Vec<_> = dataset
        .songs
        .iter()
        .map(|song| song.audio.clone())
        .collect();
    let (spectrograms, failed) =
        Spectrograms::compute(&recipe.features, &files, || ()).expect("the settings are usable");
    assert!(failed.is_empty(), "{failed:?}");
    work(&Run {
        recipe,
        data_name: "made here",
        songs: Songs::new(&dataset.songs, &spectrograms),
        device: tch::Device::Cpu,
        checkpoints: None,
    })
}

fn everything(run: &Run<'_>) -> Vec<usize> {
    (0..run.songs.songs.len()).collect()
}

#[test]
fn training_learns_what_separates_the_songs() {
    with_run(&recipe(|_| ()), |run| {
        let all = everything(run);
        let trained = run.train(&all, &[], |_| true).expect("trains");
        let losses: Vec<f64> = trained.history.iter().map(|epoch| epoch.loss).collect();
        assert!(losses[losses.len() - 1] < 0.5 * losses[0], "{losses:?}");
        let asked: Vec<_> = run.songs.songs.iter().collect();
        let truth: Vec<_> = asked.iter().map(|song| label_of(song)).collect();
        let onnx = trained.onnx(serde_json::Value::Null).expect("is written");
        let scores =
            scores_of(&truth, &evaluate_onnx(&onnx, &asked).expect("answers")).expect("has scores");
        assert!(
            scores.mae < 0.7 * scores.mae_baseline,
            "{} of {}",
            scores.mae,
            scores.mae_baseline
        );
        assert!(
            scores.arousal.r2.is_some_and(|r2| r2 > 0.5),
            "{:?}",
            scores.arousal
        );
    });
}

#[test]
fn rten_answers_as_libtorch_does() {
    with_run(&recipe(|recipe| recipe.optimizer.epochs = 3), |run| {
        let trained = run.train(&everything(run), &[], |_| true).expect("trains");
        let onnx = trained.onnx(serde_json::Value::Null).expect("is written");
        let model = Model::from_bytes("trained", &onnx).expect("runs");
        let preprocessing = run.recipe.preprocessing();
        let (bands, frames) = (
            preprocessing.mel.n_mels as i64,
            preprocessing.frames() as i64,
        );
        let mut windows = 0;
        for song in run.songs.songs {
            spectrograms(&song.audio, &preprocessing, |log_mel| {
                let ours = model.predict(log_mel.values).expect("answers");
                let window = tch::Tensor::from_slice(log_mel.values).reshape([1, 1, bands, frames]);
                let (percentages, affect) = trained.network().answers(&window);
                for (emotion, ours) in ours.emotions.as_array().iter().enumerate() {
                    let theirs = percentages.double_value(&[0, emotion as i64]);
                    assert!(
                        (f64::from(*ours) - theirs).abs() < 1e-4,
                        "{ours} and {theirs}"
                    );
                }
                for (axis, ours) in [ours.valence, ours.arousal].into_iter().enumerate() {
                    let theirs = affect.double_value(&[0, axis as i64]).clamp(1.0, 9.0);
                    assert!(
                        (f64::from(ours) - theirs).abs() < 1e-4,
                        "{ours} and {theirs}"
                    );
                }
                windows += 1;
                Ok(())
            })
            .expect("has spectrograms");
        }
        assert!(windows >= 16);
    });
}

#[test]
fn the_same_seed_gives_the_same_file_and_another_seed_another() {
    let file = |seed| {
        with_run(
            &recipe(|recipe| (recipe.optimizer.epochs, recipe.seed) = (2, seed)),
            |run| {
                let trained = run.train(&everything(run), &[], |_| true).expect("trains");
                trained.onnx(serde_json::Value::Null).expect("is written")
            },
        )
    };
    let first = file(3);
    assert!(first == file(3), "the same seed gave another file");
    assert!(first != file(4), "another seed gave the same file");
}

#[test]
fn the_best_epoch_on_validation_is_kept_and_training_stops_when_it_gets_no_better() {
    let recipe = recipe(|recipe| (recipe.optimizer.epochs, recipe.optimizer.patience) = (40, 3));
    with_run(&recipe, |run| {
        let (validation, training): (Vec<_>, Vec<_>) =
            everything(run).into_iter().partition(|song| song % 4 == 1);
        let trained = run.train(&training, &validation, |_| true).expect("trains");
        let errors: Vec<f64> = trained
            .history
            .iter()
            .filter_map(|epoch| epoch.validation_mae)
            .collect();
        let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
        assert_eq!(errors[trained.kept_epoch], least);
        assert!(
            errors.len() == 40 || errors.len() == trained.kept_epoch + 1 + 3,
            "{errors:?}"
        );
        // what the file says of the validation songs is what the epoch's score said
        let asked: Vec<_> = validation
            .iter()
            .map(|&song| &run.songs.songs[song])
            .collect();
        let truth: Vec<_> = asked.iter().map(|song| label_of(song)).collect();
        let onnx = trained.onnx(serde_json::Value::Null).expect("is written");
        let scores =
            scores_of(&truth, &evaluate_onnx(&onnx, &asked).expect("answers")).expect("has scores");
        assert!(
            (scores.mae - least).abs() < 0.5,
            "{} through the file, {least} in training",
            scores.mae
        );
    });
}

#[test]
fn cross_validation_asks_each_song_a_network_that_did_not_hear_it() {
    with_run(&recipe(|recipe| recipe.optimizer.epochs = 8), |run| {
        let folds: Vec<Option<usize>> = everything(run).iter().map(|song| Some(song % 2)).collect();
        let mut seen = Vec::new();
        let result = run
            .cross_validate(&folds, |fold, event| {
                if let Event::Epoch(scores) = event {
                    seen.push((fold, scores.validation_mae));
                }
                true
            })
            .expect("runs");
        assert_eq!((result.folds.len(), result.answers.len()), (2, 16));
        assert_eq!(seen.len(), 16, "all epochs of both folds");
        assert!(
            seen.iter().all(|(_, validation)| validation.is_none()),
            "the fold decides nothing"
        );
        // the first fold's answers are those of a network trained on the other songs alone
        let trained = run
            .train(&(1..16).step_by(2).collect::<Vec<_>>(), &[], |_| true)
            .expect("trains");
        let asked: Vec<_> = run.songs.songs.iter().step_by(2).collect();
        let told = evaluate_onnx(
            &trained.onnx(serde_json::Value::Null).expect("is written"),
            &asked,
        )
        .expect("answers");
        let again: Vec<_> = result.answers.iter().step_by(2).copied().collect();
        assert_eq!(told, again);
    });
}

#[test]
fn whoever_watches_can_stop_it() {
    with_run(&recipe(|_| ()), |run| {
        let mut batches = 0;
        let stopped = run.train(&everything(run), &[], |event| {
            batches += usize::from(matches!(event, Event::Batch { .. }));
            batches < 5
        });
        assert!(
            matches!(&stopped, Err(error) if error.kind() == ErrorKind::Interrupted
                && error.to_string() == "stopped in epoch 3"),
            "{stopped:?}"
        );
    });
}

#[test]
fn a_loss_that_is_no_number_is_an_error_that_names_the_songs() {
    with_run(&recipe(|_| ()), |run| {
        let mut broken = run.songs.songs.to_vec();
        broken[4].affect.valence_mean = f64::INFINITY;
        let run = Run {
            songs: Songs::new(&broken, run.songs.spectrograms),
            ..*run
        };
        let error = run
            .train(&everything(&run), &[], |_| true)
            .expect_err("cannot train");
        let message = error.to_string();
        assert!(message.contains("finite number in epoch 1, "), "{message}");
        let (_, songs) = message.split_once("(songs ").expect("names the songs");
        let (songs, _) = songs.split_once(')').expect("names the songs");
        assert!(songs.split(", ").any(|song| song == "5"), "{message}");
    });
}

#[test]
fn training_that_goes_on_after_a_break_comes_to_the_same_file() {
    let recipe = recipe(|recipe| {
        (recipe.optimizer.epochs, recipe.optimizer.patience) = (6, 4);
        (recipe.optimizer.averaging, recipe.network.dropout) = (0.8, 0.5);
    });
    with_run(&recipe, |run| {
        let (validation, training): (Vec<_>, Vec<_>) =
            everything(run).into_iter().partition(|song| song % 4 == 1);
        let whole = run.train(&training, &validation, |_| true).expect("trains");
        let file = |trained: &Trained| trained.onnx(serde_json::Value::Null).expect("is written");
        let scores = |history: &[EpochScores]| -> Vec<_> {
            let figures = |epoch: &EpochScores| (epoch.loss, epoch.validation_mae);
            history.iter().map(figures).collect()
        };
        let directory = tempfile::tempdir().expect("a directory");
        let run = Run {
            checkpoints: Some(directory.path()),
            ..*run
        };
        let mut learned = 0;
        // breaks in the first epoch, within the third, and after the last
        for (batches, known) in [(1, 0), (4, 0), (100, 1)] {
            let (mut left, mut before) = (batches, 0);
            let result = run.train(&training, &validation, |event| {
                match event {
                    Event::Batch { .. } => left -= 1,
                    Event::Before(_) => before += 1,
                    Event::Epoch(_) => learned += 1,
                }
                left > 0
            });
            assert_eq!(result.is_ok(), batches == 100);
            assert_eq!(before, known);
            if let Ok(trained) = result {
                assert_eq!(scores(&trained.history), scores(&whole.history));
                assert_eq!(trained.kept_epoch, whole.kept_epoch);
                assert!(file(&trained) == file(&whole), "another model");
            }
        }
        assert_eq!(
            learned,
            whole.history.len(),
            "no whole epoch is learned twice"
        );
        // what has ended is not trained again
        let again = run
            .train(&training, &validation, |event| {
                matches!(event, Event::Before(_))
            })
            .expect("has ended");
        assert!(file(&again) == file(&whole), "another model");

        let checkpoint = directory.path().join("model.safetensors");
        let kept = std::fs::read(&checkpoint).expect("is there");
        let refused = |run: &Run<'_>, training: &[usize]| {
            let error = run
                .train(training, &validation, |_| true)
                .expect_err("belongs to something else");
            assert_eq!(error.kind(), ErrorKind::Training, "{error}");
            error.to_string()
        };
        let mut other = recipe.clone();
        other.optimizer.learning_rate *= 2.0;
        let other = Run {
            recipe: &other,
            ..run
        };
        assert!(refused(&other, &training).contains("another recipe"));
        assert!(refused(&run, &training[1..]).contains("set of songs, split or labels"));
        assert_eq!(std::fs::read(&checkpoint).expect("is there"), kept);
    });
}

#[test]
fn averaged_weights_are_what_is_validated_and_kept() {
    let recipe = |averaging| {
        recipe(|recipe| {
            (recipe.optimizer.epochs, recipe.optimizer.averaging) = (3, averaging);
        })
    };
    let train = |averaging| {
        with_run(&recipe(averaging), |run| {
            let validation = [1, 5, 9, 13];
            let training: Vec<_> = everything(run)
                .into_iter()
                .filter(|song| !validation.contains(song))
                .collect();
            let trained = run.train(&training, &validation, |_| true).expect("trains");
            let error = trained.history[trained.kept_epoch].validation_mae;
            let asked: Vec<_> = validation
                .iter()
                .map(|&song| &run.songs.songs[song])
                .collect();
            let truth: Vec<_> = asked.iter().map(|song| label_of(song)).collect();
            let onnx = trained.onnx(serde_json::Value::Null).expect("is written");
            let told = evaluate_onnx(&onnx, &asked).expect("answers");
            let scores = scores_of(&truth, &told).expect("has scores");
            let losses: Vec<f64> = trained.history.iter().map(|epoch| epoch.loss).collect();
            (losses, error.expect("validates"), scores.mae)
        })
    };
    let (losses, plain, _) = train(0.0);
    let (same_losses, averaged, through_the_file) = train(0.95);
    assert_eq!(
        losses, same_losses,
        "the average changes nothing of what is learned"
    );
    assert_ne!(plain, averaged);
    assert!(
        (averaged - through_the_file).abs() < 0.5,
        "{averaged} in training, {through_the_file} through the file"
    );
}

#[test]
fn batches_of_one_song_are_refused() {
    with_run(&recipe(|recipe| recipe.optimizer.batch = 1), |run| {
        let error = run
            .train(&everything(run), &[], |_| true)
            .expect_err("learns nothing");
        assert!(
            error.to_string().contains("`optimizer.batch` = 1"),
            "{error}"
        );
    });
}

#[test]
fn one_song_is_too_few() {
    with_run(&recipe(|_| ()), |run| {
        let error = run.train(&[0], &[], |_| true).expect_err("too few");
        assert!(
            error.to_string().starts_with("1 song(s) to train on"),
            "{error}"
        );
    });
}

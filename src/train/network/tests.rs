//! Every kind of network answers in rten as in libtorch.

use tch::{Device, Kind, Tensor};

use super::{BandStatistics, Network, Plain};
use crate::{
    emotion::Emotion,
    model::{FORMAT_VERSION, Model, ModelMetadata, Pooling, Recipe, Statistic, TrainingData},
};

/// A named recipe of the program, changed and made small enough for a test.
fn recipe(name: &str, change: impl Fn(&mut Recipe)) -> Recipe {
    let mut recipe = Recipe::named(name).expect("is listed").expect("is sound");
    recipe.window.seconds = 2.0;
    recipe.features.n_mels = 64;
    recipe.augmentation.mask_bands = 0;
    change(&mut recipe);
    recipe.checked(name).expect("is still sound")
}

/// A network with random weights, whose batch normalization has seen something.
fn network(recipe: &Recipe) -> Network {
    tch::manual_seed(7);
    let bands = recipe.features.n_mels;
    let statistics = BandStatistics {
        mean: (0..bands).map(|band| -30.0 - band as f32 / 4.0).collect(),
        deviation: (0..bands).map(|band| 9.0 + band as f32 / 16.0).collect(),
    };
    let mut network = Network::new(recipe, &statistics, &[], Device::Cpu);
    let emotions = Tensor::rand([40, 8], (Kind::Float, Device::Cpu)).softmax(1, Kind::Float);
    let affect = Tensor::randn([40, 2], (Kind::Float, Device::Cpu));
    network
        .learn_labels(&emotions, &affect)
        .expect("forty labels are enough");
    let _guard = tch::no_grad_guard();
    for (name, mut weights) in network.variables().variables() {
        if name.contains("attention") {
            let _ = weights.uniform_(-1.0, 1.0); // fresh ones are 0
        }
    }
    for _ in 0..20 {
        let _ = network.forward(&pooled(recipe, &sound(recipe, 8)), true);
    }
    network
}

/// `[songs, 1, bands, frames]` in dB.
fn sound(recipe: &Recipe, songs: i64) -> Tensor {
    let size = [
        songs,
        1,
        recipe.features.n_mels as i64,
        recipe.preprocessing().frames() as i64,
    ];
    Tensor::randn(size, (Kind::Float, Device::Cpu)) * 12.0 - 35.0
}

fn pooled(recipe: &Recipe, log_mel: &Tensor) -> Tensor {
    let pool = [1, recipe.network.frame_pool as i64];
    log_mel.avg_pool2d(pool, pool, [0, 0], false, true, None)
}

fn metadata(recipe: &Recipe) -> ModelMetadata {
    ModelMetadata {
        format_version: FORMAT_VERSION,
        name: recipe.name.clone(),
        preprocessing: recipe.preprocessing(),
        labels: Emotion::ALL
            .map(|emotion| emotion.name().to_owned())
            .to_vec(),
        label_settings: recipe.labels.clone(),
        embedding: recipe.embedding(),
        training: TrainingData {
            name: "random".to_owned(),
            songs: 0,
            mean_emotions: vec![12.5; 8],
            recipe: String::new(),
            provenance: None,
        },
        scores: serde_json::Value::Null,
        votes: None,
    }
}

/// Compares what both say of three windows; returns the model.
fn agree(recipe: &Recipe) -> Model {
    let network = network(recipe);
    let onnx = network.to_onnx(&metadata(recipe)).expect("is written");
    let model = Model::from_bytes(&recipe.name, &onnx).expect("is consistent and runs");
    let windows = sound(recipe, 3);
    let (percentages, affect) = network.answers(&windows);
    let felt = {
        let _guard = tch::no_grad_guard();
        network.answer(&pooled(recipe, &windows)).felt
    };
    for row in 0..3 {
        let window = windows.get(row).contiguous().view(-1);
        let mut values = vec![0.0_f32; window.numel()];
        window.copy_data(&mut values, window.numel());
        let told = model.predict(&values).expect("answers");
        for (emotion, told) in told.emotions.as_array().iter().enumerate() {
            let expected = percentages.double_value(&[row, emotion as i64]);
            assert!(
                (f64::from(*told) - expected).abs() < 1e-3,
                "{}: {told} and {expected}",
                recipe.name
            );
        }
        assert_eq!(told.felt.is_some(), felt.is_some());
        let attends = recipe.network.pooling == Pooling::Attention;
        assert_eq!(told.attention.is_some(), attends);
        if let Some(weights) = &told.attention {
            assert_eq!(weights.len(), recipe.summarized_frames());
            assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            let least = weights.iter().copied().fold(1.0, f32::min);
            assert!(weights.iter().any(|weight| *weight > least));
        }
        for (answer, felt) in told.felt.iter().zip(&felt) {
            for (emotion, answer) in answer.as_array().iter().enumerate() {
                let expected = 100.0 * felt.double_value(&[row, emotion as i64]);
                assert!(
                    (f64::from(*answer) - expected).abs() < 1e-3,
                    "{answer} and {expected}"
                );
            }
        }
        for (axis, told) in [told.valence, told.arousal].into_iter().enumerate() {
            let expected = affect.double_value(&[row, axis as i64]).clamp(1.0, 9.0);
            assert!(
                (f64::from(told) - expected).abs() < 1e-3,
                "{}: {told} and {expected}",
                recipe.name
            );
        }
    }
    model
}

#[test]
fn every_recipe_s_network_answers_in_rten_as_in_libtorch() {
    for name in Recipe::names() {
        agree(&recipe(name, |_| ()));
    }
}

type Change = fn(&mut Recipe);

#[test]
fn so_does_every_shape_that_a_recipe_can_ask_for() {
    let shapes: [(&str, Change); 11] = [
        ("three members, each with an LSTM of its own", |recipe| {
            recipe.network.members = 3;
            recipe.network.recurrent = 4;
            recipe.calibration.valence = 0.7;
        }),
        ("calibration", |recipe| {
            recipe.calibration.temperature = 0.7;
            recipe.calibration.valence = 0.6;
            recipe.calibration.arousal = 0.8;
        }),
        ("no mix", |recipe| recipe.network.mix = 0),
        ("relative bands", |recipe| {
            recipe.network.relative_bands = !recipe.network.relative_bands;
        }),
        ("all statistics", |recipe| {
            recipe.network.summary =
                vec![Statistic::Maximum, Statistic::Deviation, Statistic::Mean];
        }),
        ("one statistic", |recipe| {
            recipe.network.summary = vec![Statistic::Mean]
        }),
        ("an LSTM, dense layers and wide strides", |recipe| {
            recipe.network.recurrent = 5;
            recipe.network.dense = vec![7, 6];
            recipe.network.stages[0].stride = [4, 1];
            recipe.network.stages[1].kernel = 1;
        }),
        ("attention with a temperature", |recipe| {
            recipe.network.pooling = Pooling::Attention;
            recipe.network.attention_temperature = 0.5;
        }),
        (
            "two members with two layers of LSTM over windows and attention",
            |recipe| {
                recipe.window.seconds = 6.0;
                recipe.network.members = 2;
                recipe.network.recurrent = 4;
                recipe.network.recurrent_layers = 2;
                recipe.network.recurrent_pool = 3;
                recipe.network.pooling = Pooling::Attention;
            },
        ),
        ("an LSTM over windows of unmixed channels", |recipe| {
            recipe.window.seconds = 6.0;
            recipe.network.mix = 0;
            recipe.network.recurrent = 3;
            recipe.network.recurrent_pool = 2;
        }),
        ("no batch normalization, dB as they are", |recipe| {
            recipe.network.batch_norm = false;
            recipe.network.standardize = false;
        }),
    ];
    for (what, change) in shapes {
        agree(&recipe("best-cnn", |recipe| {
            what.clone_into(&mut recipe.name);
            change(recipe);
        }));
    }
}

#[test]
fn a_multi_label_network_gives_probabilities_that_need_not_sum_to_one() {
    let multi_label = recipe("multilabel-cnn2", |_| ());
    let model = agree(&multi_label);
    assert!(model.is_multi_label());
    let silence = vec![-100.0; sound(&multi_label, 1).numel()];
    let told = model.predict(&silence).expect("answers");
    let probabilities = told.probabilities.expect("has them");
    let sum: f32 = probabilities.iter().sum();
    for (probability, percent) in probabilities.iter().zip(told.emotions.as_array()) {
        assert!((0.0..=1.0).contains(probability));
        assert!((probability / sum * 100.0 - percent).abs() < 0.01);
    }
    let several = agree(&recipe("multilabel-cnn2", |recipe| {
        recipe.network.members = 2
    }));
    assert!(several.is_multi_label());
    let other = agree(&recipe("best-cnn", |_| ()));
    assert!(!other.is_multi_label());
}

#[test]
fn valence_and_arousal_read_off_the_percentages_are_the_least_squares_fit() {
    let recipe = recipe("mel-cnn2", |_| ());
    let mut network = network(&recipe);
    // places on the plane from which the labels are made without an error are found again
    let centers = Tensor::randn([8, 2], (Kind::Float, Device::Cpu));
    let emotions = Tensor::rand([50, 8], (Kind::Float, Device::Cpu)).softmax(1, Kind::Float);
    network
        .learn_labels(&emotions, &emotions.matmul(&centers))
        .expect("can be solved");
    let output = network.answer(&pooled(&recipe, &sound(&recipe, 4)));
    let expected = output.shares.matmul(&centers);
    let error = (&output.affect - expected).abs().max().double_value(&[]);
    assert!(error < 1e-3, "{error}");
}

#[test]
fn calibration_draws_valence_and_arousal_to_the_mean_and_divides_the_logits_outside_training() {
    let plain = recipe("best-cnn", |recipe| recipe.calibration = Default::default());
    let calibrated = recipe("best-cnn", |recipe| {
        recipe.calibration.temperature = 0.5;
        recipe.calibration.valence = 0.25;
        recipe.calibration.arousal = 0.0;
    });
    let log_mel = pooled(&plain, &sound(&plain, 5));
    let (plain, mut calibrated) = (network(&plain), network(&calibrated));
    // the same weights and labels, whatever other tests draw from the generator meanwhile
    calibrated
        .variables_mut()
        .copy(plain.variables())
        .expect("the networks have one shape");
    calibrated.affect_mean = plain.affect_mean.shallow_clone();
    let [before, after] =
        [&plain, &calibrated].map(|network| network.forward(&log_mel, false).remove(0));
    let mean = &plain.affect_mean;
    let distance = |affect: &Tensor, axis: i64| affect.select(1, axis) - mean.double_value(&[axis]);
    let close = |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]) < 1e-5;
    assert!(close(
        &distance(&after.affect, 0),
        &(distance(&before.affect, 0) * 0.25)
    ));
    assert!(close(
        &distance(&after.affect, 1),
        &(distance(&before.affect, 1) * 0.0)
    ));
    assert!(close(&after.logits, &(before.logits * 2.0)));
}

/// Windows with labels, in batches of eight.
fn plain(recipe: &Recipe, batches: usize) -> Vec<Plain> {
    (0..batches)
        .map(|_| Plain {
            frames: pooled(recipe, &sound(recipe, 8)),
            emotions: Tensor::rand([8, 8], (Kind::Float, Device::Cpu)).softmax(1, Kind::Float),
            affect: Tensor::randn([8, 2], (Kind::Float, Device::Cpu)),
            felt: Tensor::rand([8, 8], (Kind::Float, Device::Cpu)).softmax(1, Kind::Float),
            labeled: (0..8).collect(),
            voted: (0..8).collect(),
        })
        .collect()
}

#[test]
fn recalibrated_means_are_those_of_the_labels() {
    let recipe = recipe("best-cnn", |recipe| {
        recipe.network.members = 2;
        recipe.calibration.temperature = 0.6;
        recipe.calibration.valence = 0.5;
    });
    let mut network = network(&recipe);
    let batches = plain(&recipe, 3);
    let together =
        |part: fn(&Plain) -> &Tensor| Tensor::cat(&batches.iter().map(part).collect::<Vec<_>>(), 0);
    let [frames, emotions, affect] = [
        together(|batch| &batch.frames),
        together(|batch| &batch.emotions),
        together(|batch| &batch.affect),
    ];
    network
        .learn_labels(&emotions, &affect)
        .expect("labels are numbers");
    let off = |network: &Network| {
        let answer = network.answer(&frames);
        [(&answer.shares, &emotions), (&answer.affect, &affect)].map(|(told, truth)| {
            let mean = |x: &Tensor| x.mean_dim(0, false, Kind::Float);
            (mean(told) - mean(truth)).abs().max().double_value(&[])
        })
    };
    assert!(off(&network).iter().all(|error| *error > 1e-3));
    network.recalibrate_bias(&batches).expect("libtorch can");
    for error in off(&network) {
        assert!(error < 1e-4, "{error}");
    }
}

#[test]
fn recalibrated_norms_are_the_mean_over_the_batches() {
    let recipe = recipe("best-cnn", |recipe| recipe.network.dropout = 0.0);
    let mut network = network(&recipe);
    let batches = plain(&recipe, 1);
    let answers = |network: &Network, train: bool| {
        let _guard = tch::no_grad_guard();
        network.forward(&batches[0].frames, train).remove(0).affect
    };
    let distance = |network: &Network, from: &Tensor| {
        (answers(network, false) - from)
            .abs()
            .max()
            .double_value(&[])
    };
    // what training answers for one batch rests on the batch's own means and variances
    let expected = (answers(&network, true) - &network.affect_mean)
        * Tensor::from_slice(&network.kept())
        + &network.affect_mean;
    network
        .recalibrate_batch_norm(&plain(&recipe, 2))
        .expect("libtorch can");
    let others = distance(&network, &expected);
    network
        .recalibrate_batch_norm(&batches)
        .expect("libtorch can");
    let own = distance(&network, &expected);
    // the variance of a batch divides by one more than the running variance
    assert!(own < others / 2.0, "{own} and {others}");
}

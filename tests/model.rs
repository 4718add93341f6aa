//! Model files: what is accepted, what is refused, and that refusals say why.

use circumplex::model::{Bundle, METADATA_KEY, ModelError, Predictor};
use prost::Message;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tract_onnx::pb::ModelProto;

const SHIPPED: &[u8] = include_bytes!("../models/best-cnn.onnx");

/// The shipped model with its protobuf changed.
fn changed(change: impl FnOnce(&mut ModelProto)) -> Vec<u8> {
    let mut proto = ModelProto::decode(SHIPPED).expect("the shipped model is a protobuf");
    change(&mut proto);
    proto.encode_to_vec()
}

/// The shipped model with its metadata changed.
fn with_metadata(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    changed(|proto| {
        let entry = proto
            .metadata_props
            .iter_mut()
            .find(|entry| entry.key == METADATA_KEY)
            .expect("has metadata");
        let mut json = serde_json::from_str(&entry.value).expect("the metadata is JSON");
        change(&mut json);
        entry.value = json.to_string();
    })
}

fn refusal(bytes: &[u8]) -> ModelError {
    match Bundle::from_bytes("test.onnx", bytes).and_then(Predictor::new) {
        Err(error) => error,
        Ok(_) => panic!("the changed model was accepted"),
    }
}

fn shipped() -> Predictor {
    Predictor::new(Bundle::shipped().expect("loads")).expect("runs")
}

#[test]
fn the_shipped_model_answers_with_percentages_that_sum_to_100() {
    let predictor = shipped();
    let preprocessing = &predictor.bundle().metadata().preprocessing;
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let size = preprocessing.mel.n_mels * preprocessing.frames();
    for level in [-100.0, -40.0, 0.0, 40.0] {
        let window: Vec<f32> = (0..size)
            .map(|_| level + random.random_range(-15.0..15.0))
            .collect();
        let answer = predictor
            .predict(&window)
            .expect("a finite window gets an answer");
        let sum: f32 = answer.emotions.as_array().iter().sum();
        assert!((sum - 100.0).abs() < 1e-3, "sum {sum} at {level} dB");
        assert!((1.0..=9.0).contains(&answer.valence) && (1.0..=9.0).contains(&answer.arousal));
        assert_eq!(
            answer.embedding.len(),
            predictor.bundle().metadata().embedding
        );
    }
}

#[test]
fn the_same_window_gets_the_same_answer_in_every_thread() {
    let predictor = shipped();
    let preprocessing = &predictor.bundle().metadata().preprocessing;
    let size = preprocessing.mel.n_mels * preprocessing.frames();
    let window: Vec<f32> = (0..size).map(|index| (index % 97) as f32 - 60.0).collect();
    let first = predictor.predict(&window).expect("answers");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(predictor.predict(&window).expect("answers"), first));
        }
    });
}

#[test]
fn a_window_of_another_size_or_with_nan_is_refused() {
    let predictor = shipped();
    let preprocessing = &predictor.bundle().metadata().preprocessing;
    let size = preprocessing.mel.n_mels * preprocessing.frames();
    let message = predictor
        .predict(&vec![0.0; size - 1])
        .expect_err("too short")
        .to_string();
    assert!(message.contains(&size.to_string()), "{message}");
    let mut window = vec![0.0; size];
    window[5] = f32::NAN;
    let message = predictor.predict(&window).expect_err("NaN").to_string();
    assert!(message.contains("value 5"), "{message}");
}

#[test]
fn a_missing_file_is_named() {
    let error =
        Bundle::load(std::path::Path::new("no/such/model.onnx")).expect_err("does not exist");
    assert!(matches!(error, ModelError::Read { .. }));
    assert!(error.to_string().contains("no/such/model.onnx"));
}

#[test]
fn an_onnx_file_of_another_program_is_refused_for_its_missing_metadata() {
    assert!(matches!(
        refusal(&changed(|proto| proto.metadata_props.clear())),
        ModelError::NoMetadata { .. }
    ));
}

#[test]
fn another_format_version_is_refused_by_its_number_even_if_fields_differ() {
    let bytes =
        with_metadata(|json| *json = serde_json::json!({ "format_version": 99, "new": true }));
    assert!(matches!(
        refusal(&bytes),
        ModelError::FormatVersion { found: 99, .. }
    ));
}

#[test]
fn another_label_order_is_refused() {
    let bytes = with_metadata(|json| json["labels"].as_array_mut().expect("labels").swap(0, 1));
    let message = refusal(&bytes).to_string();
    assert!(
        message.contains("label order") && message.contains("excited, happy"),
        "{message}"
    );
}

#[test]
fn shapes_that_contradict_the_metadata_are_refused_with_both_shapes() {
    let bytes = with_metadata(|json| json["preprocessing"]["mel"]["n_mels"] = 64.into());
    let message = refusal(&bytes).to_string();
    assert!(
        message.contains("[batch, 1, 64,") && message.contains("[batch, 1, 96,"),
        "{message}"
    );
    let bytes = with_metadata(|json| json["embedding"] = 3.into());
    assert!(matches!(refusal(&bytes), ModelError::Inconsistent { .. }));
}

#[test]
fn impossible_preprocessing_is_refused() {
    for (key, value) in [("hop_length", 0), ("n_fft", 0), ("sample_rate", 0)] {
        let bytes = with_metadata(|json| json["preprocessing"]["mel"][key] = value.into());
        assert!(
            matches!(refusal(&bytes), ModelError::Inconsistent { .. }),
            "{key} = {value}"
        );
    }
    let bytes = with_metadata(|json| json["preprocessing"]["window"]["length"] = 0.into());
    assert!(matches!(refusal(&bytes), ModelError::Inconsistent { .. }));
}

#[test]
fn a_network_without_its_outputs_is_refused() {
    let bytes = changed(|proto| proto.graph.as_mut().expect("graph").output.clear());
    assert!(refusal(&bytes).to_string().contains("missing"));
    assert!(matches!(
        refusal(&changed(|proto| proto.graph = None)),
        ModelError::NotRunnable { .. }
    ));
}

#[test]
fn a_network_whose_inside_is_broken_is_refused() {
    let bytes = changed(|proto| {
        proto.graph.as_mut().expect("graph").node[0].op_type = "NoSuchOperator".to_owned()
    });
    assert!(matches!(refusal(&bytes), ModelError::NotRunnable { .. }));
    let bytes = changed(|proto| proto.graph.as_mut().expect("graph").initializer.clear());
    assert!(matches!(refusal(&bytes), ModelError::NotRunnable { .. }));
}

#[test]
fn damaged_bytes_never_panic() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for length in [0, 1, 100, SHIPPED.len() / 2, SHIPPED.len() - 1] {
        let _ = Bundle::from_bytes("cut.onnx", &SHIPPED[..length]).and_then(Predictor::new);
    }
    // The graph's structure lies around the weights: change bytes near the start and the end.
    let edge = 4_096.min(SHIPPED.len() / 2);
    for _ in 0..60 {
        let mut bytes = SHIPPED.to_vec();
        for _ in 0..random.random_range(1..4) {
            let offset = random.random_range(0..edge);
            let place = if random.random() {
                offset
            } else {
                SHIPPED.len() - 1 - offset
            };
            bytes[place] = random.random();
        }
        let _ = Bundle::from_bytes("damaged.onnx", &bytes).and_then(Predictor::new);
    }
}

#[test]
fn the_identity_changes_with_any_byte_of_the_file() {
    let shipped = Bundle::shipped().expect("loads");
    let other = Bundle::from_bytes(
        "other",
        &with_metadata(|json| json["name"] = "other".into()),
    )
    .expect("loads");
    assert_ne!(shipped.identity(), other.identity());
    assert_eq!(shipped.identity().len(), 64);
}

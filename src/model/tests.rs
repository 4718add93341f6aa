//! Model files: which are accepted, which are refused, and that refusals say why.

use super::*;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

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

/// The message with which the file is refused.
fn refusal(bytes: &[u8]) -> String {
    let error = Model::from_bytes("test.onnx", bytes).expect_err("the changed model was accepted");
    assert_eq!(error.kind(), ErrorKind::Model);
    format!("{error:#}")
}

fn shipped() -> Model {
    Model::shipped().expect("runs")
}

/// A file of `tests/`.
fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests")
            .join(path),
    )
    .unwrap()
}

#[test]
fn the_shipped_model_answers_with_percentages_that_sum_to_100() {
    let model = shipped();
    let preprocessing = &model.metadata().preprocessing;
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let size = preprocessing.mel.n_mels * preprocessing.frames();
    for level in [-100.0, -40.0, 0.0, 40.0] {
        let window: Vec<f32> = (0..size)
            .map(|_| level + random.random_range(-15.0..15.0))
            .collect();
        let answer = model
            .predict(&window)
            .expect("a finite window gets an answer");
        let sum: f32 = answer.emotions.as_array().iter().sum();
        assert!((sum - 100.0).abs() < 1e-3, "sum {sum} at {level} dB");
        assert!((1.0..=9.0).contains(&answer.valence) && (1.0..=9.0).contains(&answer.arousal));
        assert_eq!(answer.embedding.len(), model.metadata().embedding);
    }
}

#[test]
fn the_same_window_gets_the_same_answer_in_every_thread() {
    let model = shipped();
    let preprocessing = &model.metadata().preprocessing;
    let size = preprocessing.mel.n_mels * preprocessing.frames();
    let window: Vec<f32> = (0..size).map(|index| (index % 97) as f32 - 60.0).collect();
    let first = model.predict(&window).expect("answers");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(model.predict(&window).expect("answers"), first));
        }
    });
}

#[test]
fn workers_of_a_rayon_pool_predict_side_by_side() {
    use rayon::prelude::*;
    let model = shipped();
    let window = window(&model);
    let expected = model.predict(&window).expect("answers");
    for _ in 0..8 {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(3)
            .build()
            .unwrap();
        let answers: Vec<Prediction> = pool.install(|| {
            let windows = (0..48).into_par_iter();
            windows
                .map(|_| model.predict(&window).expect("answers"))
                .collect()
        });
        assert!(answers.iter().all(|answer| *answer == expected));
    }
}

#[test]
fn a_window_of_another_size_or_with_nan_is_refused() {
    let model = shipped();
    let preprocessing = &model.metadata().preprocessing;
    let size = preprocessing.mel.n_mels * preprocessing.frames();
    let message = model
        .predict(&vec![0.0; size - 1])
        .expect_err("too short")
        .to_string();
    assert!(message.contains(&size.to_string()), "{message}");
    let mut window = vec![0.0; size];
    window[5] = f32::NAN;
    let message = model.predict(&window).expect_err("NaN").to_string();
    assert!(message.contains("value 5"), "{message}");
}

#[test]
fn a_missing_file_is_named() {
    let error = Model::load(Path::new("no/such/model.onnx")).expect_err("does not exist");
    assert_eq!(error.kind(), ErrorKind::Model);
    assert!(error.to_string().contains("no/such/model.onnx"));
}

#[test]
fn an_onnx_file_of_another_program_is_refused_for_its_missing_metadata() {
    let message = refusal(&changed(|proto| proto.metadata_props.clear()));
    assert!(
        message.starts_with("test.onnx: carries no `circumplex` metadata"),
        "{message}"
    );
}

#[test]
fn another_format_version_is_refused_by_its_number_even_if_fields_differ() {
    let bytes =
        with_metadata(|json| *json = serde_json::json!({ "format_version": 99, "new": true }));
    let message = refusal(&bytes);
    assert!(message.contains("format version 99, but"), "{message}");
}

#[test]
fn another_label_order_is_refused() {
    let bytes = with_metadata(|json| json["labels"].as_array_mut().expect("labels").swap(0, 1));
    let message = refusal(&bytes);
    assert!(
        message.contains("label order") && message.contains("excited, happy"),
        "{message}"
    );
}

#[test]
fn shapes_that_contradict_the_metadata_are_refused_with_both_shapes() {
    let bytes = with_metadata(|json| json["preprocessing"]["mel"]["n_mels"] = 64.into());
    let message = refusal(&bytes);
    assert!(
        message.contains("[batch, 1, 64,") && message.contains("[batch, 1, 96,"),
        "{message}"
    );
    let bytes = with_metadata(|json| json["embedding"] = 3.into());
    assert!(refusal(&bytes).contains("inconsistent: "));
}

#[test]
fn impossible_preprocessing_is_refused() {
    for (key, value) in [("hop_length", 0), ("n_fft", 0), ("sample_rate", 0)] {
        let bytes = with_metadata(|json| json["preprocessing"]["mel"][key] = value.into());
        assert!(
            refusal(&bytes).contains("inconsistent: "),
            "{key} = {value}"
        );
    }
    let bytes = with_metadata(|json| json["preprocessing"]["window"]["length"] = 0.into());
    assert!(refusal(&bytes).contains("inconsistent: "));
}

#[test]
fn a_network_without_its_outputs_is_refused() {
    let bytes = changed(|proto| proto.graph.as_mut().expect("graph").output.clear());
    assert!(refusal(&bytes).contains("missing"));
    assert!(refusal(&changed(|proto| proto.graph = None)).contains(NOT_RUNNABLE));
}

#[test]
fn a_network_whose_inside_is_broken_is_refused() {
    let bytes = changed(|proto| {
        proto.graph.as_mut().expect("graph").node[0].op_type = "NoSuchOperator".to_owned()
    });
    assert!(refusal(&bytes).contains(NOT_RUNNABLE));
    let bytes = changed(|proto| proto.graph.as_mut().expect("graph").initializer.clear());
    assert!(refusal(&bytes).contains(NOT_RUNNABLE));
}

#[test]
fn damaged_bytes_never_panic() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for length in [0, 1, 100, SHIPPED.len() / 2, SHIPPED.len() - 1] {
        let _ = Model::from_bytes("cut.onnx", &SHIPPED[..length]);
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
        let _ = Model::from_bytes("damaged.onnx", &bytes);
    }
}

#[test]
fn the_identity_changes_with_any_byte_of_the_file() {
    let other = with_metadata(|json| json["name"] = "other".into());
    let other = Model::from_bytes("other", &other).expect("loads");
    assert_ne!(shipped().identity(), other.identity());
    assert_eq!(other.identity().len(), 64);
}

#[test]
fn a_file_of_an_older_version_with_packed_integers_loads() {
    let packed = fixture("corpus/model/tiny.onnx");
    let unpacked = ModelProto::decode(&packed[..]).unwrap().encode_to_vec();
    assert!(packed.len() < unpacked.len());
    let [old, new] = [packed, unpacked].map(|bytes| Model::from_bytes("tiny", &bytes).unwrap());
    let window = window(&old);
    assert_eq!(old.predict(&window).unwrap(), new.predict(&window).unwrap());
}

/// A window without a pattern, the one of `tests/reference/lstm_model.py`.
fn window(model: &Model) -> Vec<f32> {
    (0..model.network.input_len())
        .map(|index| -((index * 7919 % 1000) as f32) / 10.0)
        .collect()
}

#[test]
fn a_bidirectional_lstm_answers_as_onnx_runtime_does() {
    let model = Model::from_bytes("bilstm", &fixture("fixtures/model/bilstm.onnx")).unwrap();
    let answer = model.predict(&window(&model)).unwrap();
    let expected: Vec<Vec<f32>> =
        serde_json::from_slice(&fixture("fixtures/model/bilstm.json")).unwrap();
    let affect = [answer.valence, answer.arousal];
    let answers = [&answer.emotions.as_array()[..], &affect, &answer.embedding];
    for (expected, found) in expected.iter().zip(answers) {
        assert_eq!(expected.len(), found.len());
        for (expected, found) in expected.iter().zip(found) {
            assert!(
                (expected - found).abs() < 1e-4,
                "{found}, expected {expected}"
            );
        }
    }
}

#[test]
fn the_shipped_file_is_as_onnx_s_serializer_writes_it() {
    let again = ModelProto::decode(SHIPPED).unwrap().encode_to_vec();
    assert_eq!(again, SHIPPED, "repeated integers are not packed");
}

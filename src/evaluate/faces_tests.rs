use super::faces::{Curves, FaceScores, JudgedFace};
use crate::emotion::Expression;
use serde_json::Value;

fn face(truth: Option<usize>, predicted: [f32; 8]) -> JudgedFace {
    let mut shares = [0.125; 8];
    if let Some(truth) = truth {
        shares = [0.0; 8];
        shares[truth] = 1.0;
    }
    JudgedFace {
        place: 0,
        shares,
        majority: truth.map(|truth| Expression::ALL[truth]),
        predicted,
        milliseconds: 1.0,
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap();
    list.iter().map(|number| number.as_f64().unwrap()).collect()
}

#[track_caller]
fn assert_near(ours: &Value, reference: &Value, what: &str) {
    match (ours.as_f64(), reference.as_f64()) {
        (Some(ours), Some(reference)) => {
            assert!(
                (ours - reference).abs() < 1e-9,
                "{what}: {ours}, {reference}"
            );
        }
        _ => assert_eq!(ours, reference, "{what}"),
    }
}

#[test]
fn scores_are_those_of_scikit_learn() {
    let reference: Value = serde_json::from_str(include_str!("reference/faces.json")).unwrap();
    for case in reference["cases"].as_array().unwrap() {
        let truths = numbers(&case["truth"]).into_iter();
        let rows = case["probabilities"].as_array().unwrap();
        let faces: Vec<JudgedFace> = truths
            .zip(rows)
            .map(|(truth, row)| {
                let row: Vec<f32> = numbers(row).iter().map(|&number| number as f32).collect();
                face(Some(truth as usize), row.try_into().unwrap())
            })
            .collect();
        let scores = FaceScores::of(&faces).unwrap();
        let ours = serde_json::to_value(&scores).unwrap();
        let name = &case["name"];
        for key in ["accuracy", "macro_f1"] {
            assert_near(&ours[key], &case[key], &format!("{name}, {key}"));
        }
        assert_eq!(ours["confusion"], case["confusion"], "{name}");
        for expression in Expression::ALL.map(Expression::name) {
            for (key, value) in case["expressions"][expression].as_object().unwrap() {
                let what = format!("{name}, {expression}, {key}");
                assert_near(&ours["expressions"][expression][key], value, &what);
            }
        }
    }
}

#[test]
fn faces_without_a_majority_count_in_the_divergence_alone() {
    let sure = face(Some(3), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    let unclear = face(None, [0.125; 8]);
    let scores = FaceScores::of(&[sure.clone(), unclear.clone()]).unwrap();
    assert_eq!((scores.faces, scores.without_majority), (1, 1));
    assert_eq!((scores.accuracy, scores.divergence), (1.0, 0.0));
    let far = face(None, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert!(FaceScores::of(&[sure, far]).unwrap().divergence > 5.0);
    assert_eq!(FaceScores::of(&[unclear]), None);
    assert_eq!(FaceScores::of(&[]), None);
}

#[test]
fn curves_of_a_perfect_and_of_a_blind_network_enclose_all_and_half() {
    let happy = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    let angry = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let perfect = [face(Some(3), happy), face(Some(0), angry)];
    let curves = Curves::of(&perfect, Expression::Happiness);
    assert_eq!(
        (curves.roc_auc, curves.average_precision),
        (Some(1.0), Some(1.0))
    );
    assert_eq!(curves.roc, [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)]);
    let blind = [face(Some(3), [0.125; 8]), face(Some(0), [0.125; 8])];
    let curves = Curves::of(&blind, Expression::Happiness);
    assert_eq!(
        (curves.roc_auc, curves.average_precision),
        (Some(0.5), Some(0.5))
    );
    let absent = Curves::of(&blind, Expression::Fear);
    assert_eq!(absent, Curves::default());
}

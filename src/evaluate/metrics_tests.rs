use super::{Answer, Judged, Reliability, Report, Scores, metrics::*};
use crate::{
    dataset::ColumnReport,
    emotion::{EmotionVector, Quadrant},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    truth: Side,
    predicted: Side,
    mae: f64,
    mae_baseline: f64,
    per_emotion: Percentages,
    valence: ReferenceAgreement,
    arousal: ReferenceAgreement,
    quadrants: ReferenceQuadrants,
    per_emotion_baseline: Percentages,
    mean_true: Percentages,
    mean_predicted: Percentages,
    confusion: [[usize; 4]; 4],
    reliability: Vec<ReferenceBin>,
    calibration_error: f64,
}

#[derive(Deserialize)]
struct ReferenceBin {
    from: f64,
    count: usize,
    mean_predicted: f64,
    mean_true: f64,
}

/// Percentages, valence, arousal.
#[derive(Deserialize)]
struct Side(Vec<[f32; 8]>, Vec<f64>, Vec<f64>);

#[derive(Deserialize)]
struct ReferenceAgreement {
    r2: f64,
    rmse: f64,
    pearson: f64,
    ccc: f64,
}

#[derive(Deserialize)]
struct ReferenceQuadrants {
    accuracy: f64,
    macro_f1: f64,
}

impl Side {
    fn answers(&self) -> Vec<Answer> {
        let numbers = self.1.iter().zip(&self.2);
        self.0
            .iter()
            .zip(numbers)
            .map(|(percentages, (valence, arousal))| Answer {
                emotions: EmotionVector::new(*percentages).unwrap(),
                valence: *valence,
                arousal: *arousal,
                probabilities: None,
                felt: None,
            })
            .collect()
    }
}

fn assert_near(case: &str, what: &str, expected: f64, found: Option<f64>) {
    let found = found.unwrap_or(f64::NAN);
    let difference = (expected - found).abs();
    assert!(
        difference < 1e-12 * expected.abs().max(1.0),
        "{case}, {what}: expected {expected}, found {found}"
    );
}

#[test]
fn scores_equal_those_of_scikit_learn_and_scipy() {
    let reference: Reference =
        serde_json::from_str(include_str!("reference/metrics.json")).unwrap();
    assert_eq!(reference.cases.len(), 5);
    for case in &reference.cases {
        let scores = Scores::of(&case.truth.answers(), &case.predicted.answers()).unwrap();
        let near = |what: &str, expected, found| assert_near(&case.name, what, expected, found);
        assert_eq!(scores.songs, case.truth.1.len());
        near("mae", case.mae, Some(scores.mae));
        near("baseline", case.mae_baseline, Some(scores.mae_baseline));
        for ((emotion, found), expected) in scores.per_emotion.iter().zip(case.per_emotion) {
            near(emotion.name(), expected, Some(found));
        }
        for (expected, found) in [
            (&case.valence, &scores.valence),
            (&case.arousal, &scores.arousal),
        ] {
            near("r2", expected.r2, found.r2);
            near("rmse", expected.rmse, found.rmse);
            near("pearson", expected.pearson, found.pearson);
            near("ccc", expected.ccc, found.ccc);
        }
        near(
            "accuracy",
            case.quadrants.accuracy,
            Some(scores.quadrants.accuracy),
        );
        near(
            "macro F1",
            case.quadrants.macro_f1,
            Some(scores.quadrants.macro_f1),
        );
        for (what, expected, found) in [
            (
                "baseline",
                case.per_emotion_baseline,
                scores.per_emotion_baseline,
            ),
            ("mean true", case.mean_true, scores.mean_true),
            ("mean predicted", case.mean_predicted, scores.mean_predicted),
        ] {
            for (expected, (emotion, found)) in expected.into_iter().zip(found.iter()) {
                near(&format!("{what}, {emotion}"), expected, Some(found));
            }
        }
        assert_eq!(scores.confusion.counts, case.confusion, "{}", case.name);
        let bins = &scores.reliability.bins;
        assert_eq!(bins.len(), case.reliability.len(), "{}", case.name);
        for (bin, expected) in bins.iter().zip(&case.reliability) {
            assert_eq!((bin.from, bin.count), (expected.from, expected.count));
            near(
                "predicted in bin",
                expected.mean_predicted,
                Some(bin.mean_predicted),
            );
            near("true in bin", expected.mean_true, Some(bin.mean_true));
        }
        near(
            "calibration error",
            case.calibration_error,
            Some(scores.reliability.calibration_error),
        );
    }
}

#[test]
fn one_song_has_errors_but_no_correlations() {
    let scores = Agreement::of(&[6.0], &[4.5]);
    assert_eq!(
        scores,
        Agreement {
            rmse: Some(1.5),
            ..Agreement::default()
        }
    );
}

#[test]
fn a_constant_truth_has_neither_r2_nor_correlation() {
    // Three times 0.1 has a mean that is not 0.1 in floating point.
    let scores = Agreement::of(&[0.1, 0.1, 0.1], &[0.2, 0.1, 0.3]);
    assert_eq!((scores.r2, scores.pearson), (None, None));
    assert_near("constant truth", "ccc", 0.0, scores.ccc);
    assert!(scores.rmse.is_some());
}

#[test]
fn a_constant_prediction_has_an_r2_but_no_correlation() {
    let scores = Agreement::of(&[4.0, 6.0, 8.0], &[6.0, 6.0, 6.0]);
    assert_eq!(
        (scores.r2, scores.pearson, scores.ccc),
        (Some(0.0), None, Some(0.0))
    );
}

#[test]
fn the_same_constant_twice_has_no_concordance() {
    assert_eq!(Agreement::of(&[5.0, 5.0], &[5.0, 5.0]).ccc, None);
}

#[test]
fn concordance_punishes_a_shift_that_pearson_forgives() {
    let (truth, shifted) = ([2.0, 4.0, 6.0], [4.0, 6.0, 8.0]);
    let agreement = Agreement::of(&truth, &shifted);
    assert_eq!(agreement.pearson, Some(1.0));
    let variance = 8.0 / 3.0;
    assert_near(
        "shift",
        "ccc",
        2.0 * variance / (2.0 * variance + 4.0),
        agreement.ccc,
    );
}

#[test]
fn empty_unequal_and_not_finite_inputs_have_no_scores() {
    let none = Agreement::default();
    assert_eq!(Agreement::of(&[], &[]), none);
    assert_eq!(Agreement::of(&[1.0, 2.0], &[1.0]), none);
    assert_eq!(Agreement::of(&[1.0, f64::NAN], &[1.0, 2.0]), none);
    assert_eq!(Agreement::of(&[1.0, 2.0], &[1.0, f64::INFINITY]), none);
    assert_eq!(mean_absolute_error(&[], &[]), None);
    assert_eq!(mean_vector(&[]), None);
    assert_eq!(mae_of_vectors(&[[12.5; 8]], &[]), None);
    assert_eq!(mae_of_vectors(&[[f64::NAN; 8]], &[[12.5; 8]]), None);
    assert_eq!(mae_of_mean_vector(&[]), None);
    assert_eq!(Confusion::of(&[], &[]).classification(), None);
    assert_eq!(Scores::of(&[], &[]), None);
}

#[test]
fn the_baseline_is_exact_for_one_song_and_halfway_between_two() {
    let [a, b] = [0, 4].map(|hot| std::array::from_fn(|i| if i == hot { 100.0 } else { 0.0 }));
    assert_eq!(mae_of_mean_vector(&[a]), Some(0.0));
    assert_eq!(mae_of_mean_vector(&[a, b]), Some(100.0 / 8.0));
}

#[test]
fn the_json_has_its_fields_in_order_and_null_for_missing_numbers() {
    let song = Answer {
        emotions: EmotionVector::even(),
        valence: 5.5,
        arousal: 4.5,
        probabilities: None,
        felt: None,
    };
    let report = Report {
        scores: Scores::of(&[song], &[song]).unwrap(),
        model: "0a1b".to_owned(),
        labels: ColumnReport::not_applicable(1),
        split: Judged::default(),
        listeners: Default::default(),
    };
    assert_eq!(
        serde_json::to_string(&report).unwrap(),
        concat!(
            r#"{"songs":1,"mae":0.0,"mae_baseline":0.0,"#,
            r#""per_emotion":{"happy":0.0,"excited":0.0,"tense":0.0,"frustrated":0.0,"#,
            r#""depressed":0.0,"tired":0.0,"calm":0.0,"content":0.0},"#,
            r#""valence":{"r2":null,"rmse":0.0,"pearson":null,"ccc":null},"#,
            r#""arousal":{"r2":null,"rmse":0.0,"pearson":null,"ccc":null},"#,
            r#""quadrants":{"accuracy":1.0,"macro_f1":1.0},"mae_ratio":null,"#,
            r#""per_emotion_baseline":{"happy":0.0,"excited":0.0,"tense":0.0,"frustrated":0.0,"#,
            r#""depressed":0.0,"tired":0.0,"calm":0.0,"content":0.0},"#,
            r#""mean_true":{"happy":12.5,"excited":12.5,"tense":12.5,"frustrated":12.5,"#,
            r#""depressed":12.5,"tired":12.5,"calm":12.5,"content":12.5},"#,
            r#""mean_predicted":{"happy":12.5,"excited":12.5,"tense":12.5,"frustrated":12.5,"#,
            r#""depressed":12.5,"tired":12.5,"calm":12.5,"content":12.5},"#,
            r#""confusion":{"quadrants":["Q1","Q2","Q3","Q4"],"#,
            r#""counts":[[0,0,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,1]]},"#,
            r#""reliability":{"bins":[{"from":10.0,"to":15.0,"count":8,"#,
            r#""mean_predicted":12.5,"mean_true":12.5}],"calibration_error":0.0},"model":"0a1b","#,
            r#""labels":{"labels":"corrected","#,
            r#""up_to_1000":{"songs":0,"finding":"no_songs","evidence":"none","correlations":null},"#,
            r#""above_1000":{"songs":1,"finding":"no_songs","evidence":"none","correlations":null},"#,
            r#""exchanged":0},"split":{"part":"all","trained_on":null}}"#
        )
    );
}

#[test]
fn confusion_rows_are_the_truth_and_columns_the_prediction() {
    use Quadrant::{Q1, Q2, Q3, Q4};
    let confusion = Confusion::of(&[Q1, Q1, Q1, Q3, Q4], &[Q1, Q2, Q2, Q3, Q1]);
    assert_eq!(
        serde_json::to_string(&confusion).unwrap(),
        r#"{"quadrants":["Q1","Q2","Q3","Q4"],"counts":[[1,2,0,0],[0,0,0,0],[0,0,1,0],[1,0,0,0]]}"#
    );
}

#[test]
fn ends_of_bins_belong_to_the_bin_above_and_100_to_the_last() {
    let pairs = [(10.0, 4.9), (0.0, 5.0), (2.0, 9.0), (100.0, 100.0)];
    let reliability = Reliability::of(pairs).unwrap();
    let bins: Vec<_> = reliability
        .bins
        .iter()
        .map(|bin| (bin.from, bin.to, bin.count))
        .collect();
    assert_eq!(bins, [(0.0, 5.0, 1), (5.0, 10.0, 2), (95.0, 100.0, 1)]);
    assert_eq!(reliability.bins[1].mean_predicted, 7.0);
    assert_eq!(reliability.bins[1].mean_true, 1.0);
    assert!((reliability.calibration_error - (5.1 + 2.0 * 6.0) / 4.0).abs() < 1e-12);
}

#[test]
fn no_pairs_and_numbers_that_are_not_percentages_have_no_reliability() {
    assert_eq!(Reliability::of([]), None);
    for pair in [(f64::NAN, 1.0), (1.0, f64::NAN), (-1.0, 5.0), (5.0, 120.0)] {
        assert_eq!(Reliability::of([(1.0, 1.0), pair]), None);
    }
}

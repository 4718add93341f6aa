//! Emotions as labels, several per song: from percentages and probabilities to labels, and their classification report.
//!
//! The numbers are those of scikit-learn's `precision_recall_fscore_support` and `classification_report` with
//! `zero_division=0`. `reference/multilabel.json` holds its results; the script that made it is beside it.

use super::metrics::Percentages;
use crate::emotion::Emotion;
use serde::{Serialize, Serializer};

/// The default of the percentage above which an emotion is present: that of the published experiment.
pub(crate) const PRESENT_ABOVE: f64 = 13.0;

/// Whether a song has each emotion, in the order of [`Emotion::ALL`].
pub(crate) type LabelSet = [bool; Emotion::COUNT];

/// A probability for each emotion, 0 to 1, in the order of [`Emotion::ALL`]. They need not sum to 1.
pub(crate) type Probabilities = [f64; Emotion::COUNT];

/// The emotions whose number is above a threshold; a number that equals it is not.
pub(crate) fn above(numbers: &Percentages, threshold: f64) -> LabelSet {
    numbers.map(|number| number > threshold)
}

/// Scores of one label or of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct LabelScores {
    /// Share of the given labels that are right, 0 to 1; 0 if none was given.
    pub precision: f64,
    /// Share of the true labels that were given, 0 to 1; 0 if there are none.
    pub recall: f64,
    /// 2·right / (true + given), 0 to 1: the harmonic mean of the two. 0 if there is neither a true label nor a given
    /// one.
    #[serde(rename = "f1-score")]
    pub f1: f64,
    /// True labels.
    pub support: usize,
}

/// True labels, labels given, and those that are both.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    truth: usize,
    given: usize,
    right: usize,
}

impl Counts {
    pub(crate) fn add(&mut self, truth: bool, given: bool) {
        self.truth += usize::from(truth);
        self.given += usize::from(given);
        self.right += usize::from(truth && given);
    }

    pub(crate) fn scores(self) -> LabelScores {
        let share = |of: usize, all: usize| match all {
            0 => 0.0,
            all => of as f64 / all as f64,
        };
        LabelScores {
            precision: share(self.right, self.given),
            recall: share(self.right, self.truth),
            f1: share(2 * self.right, self.truth + self.given),
            support: self.truth,
        }
    }
}

/// Precision, recall, F1 and support of each emotion, and their four averages. In JSON it has the form of scikit-learn's
/// `classification_report(output_dict=True)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ClassificationReport {
    /// Of each emotion, in the order of [`Emotion::ALL`].
    pub per_emotion: [LabelScores; Emotion::COUNT],
    /// Over all labels of all songs.
    pub micro: LabelScores,
    /// Mean over the emotions.
    pub macro_average: LabelScores,
    /// Mean over the emotions, each weighted with its support.
    pub weighted: LabelScores,
    /// Mean over the songs.
    pub samples: LabelScores,
}

impl ClassificationReport {
    /// Compares label sets, song by song in the same order; `None` if the lengths differ or there is no song.
    pub(crate) fn of(truth: &[LabelSet], given: &[LabelSet]) -> Option<Self> {
        if truth.is_empty() || truth.len() != given.len() {
            return None;
        }
        let mut emotions = [Counts::default(); Emotion::COUNT];
        let mut all = Counts::default();
        let mut songs = Vec::with_capacity(truth.len());
        for (truth, given) in truth.iter().zip(given) {
            let mut song = Counts::default();
            for ((truth, given), emotion) in truth.iter().zip(given).zip(&mut emotions) {
                for counts in [emotion, &mut song, &mut all] {
                    counts.add(*truth, *given);
                }
            }
            songs.push(song.scores());
        }
        let per_emotion = emotions.map(Counts::scores);
        let support = all.truth;
        let weight = |scores: &LabelScores| match support {
            // Nothing to weight with: the plain mean, as numpy's average without weights.
            0 => 1.0,
            _ => scores.support as f64,
        };
        Some(Self {
            per_emotion,
            micro: all.scores(),
            macro_average: mean(&per_emotion, support, |_| 1.0),
            weighted: mean(&per_emotion, support, weight),
            samples: mean(&songs, support, |_| 1.0),
        })
    }

    /// Every row of the report with its name: the emotions, then the averages.
    pub(crate) fn rows(&self) -> Vec<(&'static str, LabelScores)> {
        let emotions = Emotion::ALL.map(Emotion::name).into_iter();
        let mut rows: Vec<_> = emotions.zip(self.per_emotion).collect();
        rows.extend([
            ("micro avg", self.micro),
            ("macro avg", self.macro_average),
            ("weighted avg", self.weighted),
            ("samples avg", self.samples),
        ]);
        rows
    }
}

impl Serialize for ClassificationReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.rows())
    }
}

fn mean(rows: &[LabelScores], support: usize, weight: impl Fn(&LabelScores) -> f64) -> LabelScores {
    let total: f64 = rows.iter().map(&weight).sum();
    let mean_of = |part: fn(&LabelScores) -> f64| {
        rows.iter().map(|row| weight(row) * part(row)).sum::<f64>() / total
    };
    LabelScores {
        precision: mean_of(|row| row.precision),
        recall: mean_of(|row| row.recall),
        f1: mean_of(|row| row.f1),
        support,
    }
}

/// One threshold that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Tried {
    /// Probability above which a label is given.
    pub threshold: f64,
    /// Micro F1 with it, 0 to 1.
    pub micro_f1: f64,
}

/// The search of the probability above which a label is given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ThresholdSearch {
    /// The threshold with the highest micro F1; of several, the lowest.
    pub best: Tried,
    /// All that were tried, lowest first: 0.05 to 0.95 in steps of 0.05.
    pub tried: Vec<Tried>,
}

impl ThresholdSearch {
    /// Searches on other songs than those of the report, or the report is too good. `None` if the lengths differ, there
    /// is no song, or a probability is not from 0 to 1.
    #[cfg(any(test, feature = "train"))]
    pub(crate) fn on(truth: &[LabelSet], probabilities: &[Probabilities]) -> Option<Self> {
        let usable = |p: &f64| (0.0..=1.0).contains(p);
        if !probabilities.iter().flatten().all(usable) {
            return None;
        }
        let mut tried = Vec::new();
        for twentieth in 1..20 {
            let threshold = f64::from(twentieth) / 20.0;
            let given: Vec<LabelSet> = probabilities.iter().map(|p| above(p, threshold)).collect();
            tried.push(Tried {
                threshold,
                micro_f1: ClassificationReport::of(truth, &given)?.micro.f1,
            });
        }
        let mut best = *tried.first()?;
        for next in &tried {
            if next.micro_f1 > best.micro_f1 {
                best = *next;
            }
        }
        Some(Self { best, tried })
    }
}

/// Scores of a multi-label model, with their thresholds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct MultiLabel {
    /// The percentage above which an emotion is a true label.
    pub present_above: f64,
    /// The probability above which a label is given.
    pub threshold: f64,
    /// How the threshold was found, if it was searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<ThresholdSearch>,
    /// The scores.
    pub report: ClassificationReport,
}

impl MultiLabel {
    /// The report of probabilities with a threshold; `None` as [`ClassificationReport::of`].
    pub(crate) fn of(
        truth: &[Percentages],
        present_above: f64,
        probabilities: &[Probabilities],
        threshold: f64,
        search: Option<ThresholdSearch>,
    ) -> Option<Self> {
        let labels = |rows: &[[f64; Emotion::COUNT]], limit: f64| -> Vec<LabelSet> {
            rows.iter().map(|row| above(row, limit)).collect()
        };
        Some(Self {
            present_above,
            threshold,
            search,
            report: ClassificationReport::of(
                &labels(truth, present_above),
                &labels(probabilities, threshold),
            )?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Deserialize)]
    struct Reference {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        /// Rows of eight 0 or 1.
        truth: Vec<[u8; 8]>,
        probabilities: Vec<Probabilities>,
        threshold: f64,
        report: BTreeMap<String, BTreeMap<String, f64>>,
        micro_f1_of_thresholds: Vec<f64>,
        best_threshold: f64,
    }

    #[test]
    fn reports_and_thresholds_equal_those_of_scikit_learn() {
        let reference: Reference =
            serde_json::from_str(include_str!("reference/multilabel.json")).unwrap();
        assert!(reference.cases.len() >= 10);
        for case in &reference.cases {
            let near = |what: &str, expected: f64, found: f64| {
                let name = &case.name;
                assert!(
                    (expected - found).abs() < 1e-12,
                    "{name}, {what}: expected {expected}, found {found}"
                );
            };
            let truth: Vec<LabelSet> = case
                .truth
                .iter()
                .map(|row| row.map(|label| label == 1))
                .collect();
            let given: Vec<LabelSet> = case
                .probabilities
                .iter()
                .map(|row| above(row, case.threshold))
                .collect();
            let report = ClassificationReport::of(&truth, &given).unwrap();
            let json = serde_json::to_value(report).unwrap();
            assert_eq!(json.as_object().unwrap().len(), case.report.len());
            for (row, numbers) in &case.report {
                assert_eq!(json[row].as_object().unwrap().len(), numbers.len());
                for (what, expected) in numbers {
                    let found = json[row][what].as_f64().unwrap();
                    near(&format!("{row} {what}"), *expected, found);
                }
            }
            let search = ThresholdSearch::on(&truth, &case.probabilities).unwrap();
            assert_eq!(search.tried.len(), case.micro_f1_of_thresholds.len());
            for (tried, expected) in search.tried.iter().zip(&case.micro_f1_of_thresholds) {
                near("micro F1 of a threshold", *expected, tried.micro_f1);
            }
            near("threshold", case.best_threshold, search.best.threshold);
        }
    }

    #[test]
    fn of_thresholds_that_do_equally_well_the_lowest_is_taken() {
        let truth = [above(&[1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0], 0.5)];
        let sure = [[0.92, 0.08, 0.92, 0.0, 0.0, 0.0, 0.0, 0.0]];
        let search = ThresholdSearch::on(&truth, &sure).unwrap();
        assert_eq!((search.best.threshold, search.best.micro_f1), (0.1, 1.0));
    }

    #[test]
    fn a_number_that_equals_the_threshold_gives_no_label() {
        let numbers = [13.0, 13.000_001, 0.0, 0.0, 0.0, 0.0, 0.0, 74.0];
        let expected = [false, true, false, false, false, false, false, true];
        assert_eq!(above(&numbers, PRESENT_ABOVE), expected);
    }

    #[test]
    fn what_cannot_be_compared_has_no_report() {
        let labels = [[true; 8]];
        assert_eq!(ClassificationReport::of(&[], &[]), None);
        assert_eq!(ClassificationReport::of(&labels, &[]), None);
        assert_eq!(ThresholdSearch::on(&labels, &[]), None);
        for wrong in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
            assert_eq!(ThresholdSearch::on(&labels, &[[wrong; 8]]), None);
        }
    }
}

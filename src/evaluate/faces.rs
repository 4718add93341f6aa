//! Scores of an expression network on labeled faces.
//!
//! The numbers are those of scikit-learn's `classification_report` with `zero_division=0`, `confusion_matrix`, `roc_auc_score`
//! and `average_precision_score`. `reference/faces.json` holds its results; the script that made it is beside it.

use super::multilabel::{Counts, LabelScores};
use crate::{
    Result,
    dataset::FaceSet,
    emotion::Expression,
    error::{Context as _, ErrorKind},
    face::FaceModel,
};
use rayon::prelude::*;
use serde::{Serialize, Serializer};
use std::{num::NonZeroUsize, time::Instant};

/// A number for each expression, in the order of [`Expression::ALL`].
type PerExpression<T> = [T; Expression::COUNT];

/// A face with its label and a network's answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JudgedFace {
    /// Its position in the set.
    pub place: usize,
    /// Shares of the votes, sum 1.
    pub shares: PerExpression<f32>,
    /// The expression of more than half of the voters, if there is one.
    pub majority: Option<Expression>,
    /// Probabilities, sum 1.
    pub predicted: PerExpression<f32>,
    /// Time that the network took, in milliseconds.
    pub milliseconds: f64,
}

impl JudgedFace {
    /// The expression with the highest probability; of equals, the first.
    pub(crate) fn answer(&self) -> Expression {
        highest(&self.predicted)
    }

    /// The probability of the expression that most voters chose.
    pub(crate) fn probability_of_truth(&self) -> f32 {
        self.predicted[highest(&self.shares).index()]
    }
}

fn highest(numbers: &PerExpression<f32>) -> Expression {
    let mut highest = Expression::ALL[0];
    for expression in Expression::ALL {
        if numbers[expression.index()] > numbers[highest.index()] {
            highest = expression;
        }
    }
    highest
}

/// Runs a network on faces of a set, on `threads` threads. `on_face` is called after each, from any thread.
///
/// # Errors
/// Of the kind [`ErrorKind::Model`] if the network fails on a face.
pub(crate) fn judge(
    set: &FaceSet,
    places: &[usize],
    model: &FaceModel,
    threads: NonZeroUsize,
    on_face: impl Fn() + Sync,
) -> Result<Vec<JudgedFace>> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .build();
    let pool = pool.context(
        ErrorKind::Internal,
        format!("cannot start {threads} threads; ask for fewer with --threads"),
    )?;
    let judge = |&place: &usize| {
        let since = Instant::now();
        let predicted = model.predict(set.pixels_of(place))?;
        let milliseconds = since.elapsed().as_secs_f64() * 1e3;
        on_face();
        let face = &set.faces[place];
        Ok(JudgedFace {
            place,
            shares: face.shares,
            majority: face.majority,
            predicted,
            milliseconds,
        })
    };
    pool.install(|| places.par_iter().map(judge).collect())
}

/// Scores over the faces of which more than half of the voters agree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct FaceScores {
    /// Faces that are judged: those with a majority.
    pub faces: usize,
    /// Faces without one, which count in `divergence` alone.
    pub without_majority: usize,
    /// Share of the faces whose expression is the most probable, 0 to 1.
    pub accuracy: f64,
    /// Mean F1 of the expressions that occur in truth or answers, 0 to 1.
    pub macro_f1: f64,
    /// Mean area under the ROC curves, 0 to 1; none if no expression has one.
    pub macro_roc_auc: Option<f64>,
    /// Mean average precision, the area under the precision-recall curves, 0 to 1.
    pub macro_average_precision: Option<f64>,
    /// Kullback-Leibler divergence of the probabilities from the votes in nats, mean over all faces.
    pub divergence: f64,
    /// Of each expression, one against the rest.
    #[serde(serialize_with = "by_name")]
    pub expressions: PerExpression<ExpressionScores>,
    /// Faces by true (row) and answered (column) expression.
    pub confusion: PerExpression<PerExpression<usize>>,
    /// Median time of the network for a face, in milliseconds.
    pub milliseconds: f64,
}

/// Scores of one expression against the rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct ExpressionScores {
    #[serde(flatten)]
    pub labels: LabelScores,
    /// Area under the ROC curve; none if all faces or none have the expression.
    pub roc_auc: Option<f64>,
    /// Average precision, the area under the precision-recall curve; none if no face has the expression.
    pub average_precision: Option<f64>,
}

fn by_name<S: Serializer>(
    scores: &PerExpression<ExpressionScores>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let names = Expression::ALL.map(Expression::name);
    serializer.collect_map(names.iter().zip(scores))
}

impl FaceScores {
    /// `None` if no face has a majority.
    pub(crate) fn of(faces: &[JudgedFace]) -> Option<Self> {
        let judged: Vec<(Expression, &JudgedFace)> = faces
            .iter()
            .filter_map(|face| Some((face.majority?, face)))
            .collect();
        if judged.is_empty() {
            return None;
        }
        let mut confusion = [[0; Expression::COUNT]; Expression::COUNT];
        for (truth, face) in &judged {
            confusion[truth.index()][face.answer().index()] += 1;
        }
        let expressions = Expression::ALL.map(|expression| {
            let mut counts = Counts::default();
            for (truth, face) in &judged {
                counts.add(*truth == expression, face.answer() == expression);
            }
            let curves = Curves::of(faces, expression);
            ExpressionScores {
                labels: counts.scores(),
                roc_auc: curves.roc_auc,
                average_precision: curves.average_precision,
            }
        });
        let occurs = Expression::ALL.map(|expression| {
            let index = expression.index();
            confusion.iter().any(|row| row[index] > 0) || confusion[index].iter().any(|&n| n > 0)
        });
        let mean_f1 = mean(
            expressions
                .iter()
                .zip(occurs)
                .filter_map(|(scores, occurs)| occurs.then_some(scores.labels.f1)),
        );
        let right: usize = (0..Expression::COUNT).map(|n| confusion[n][n]).sum();
        let mut times: Vec<f64> = faces.iter().map(|face| face.milliseconds).collect();
        times.sort_by(f64::total_cmp);
        Some(Self {
            faces: judged.len(),
            without_majority: faces.len() - judged.len(),
            accuracy: right as f64 / judged.len() as f64,
            macro_f1: mean_f1.unwrap_or_default(),
            macro_roc_auc: mean(expressions.iter().filter_map(|it| it.roc_auc)),
            macro_average_precision: mean(expressions.iter().filter_map(|it| it.average_precision)),
            divergence: faces.iter().map(divergence).sum::<f64>() / faces.len() as f64,
            expressions,
            confusion,
            milliseconds: times[times.len() / 2],
        })
    }
}

fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = numbers.fold((0, 0.0), |(count, sum), number| (count + 1, sum + number));
    (count > 0).then(|| sum / f64::from(count))
}

/// Kullback-Leibler divergence of a face's probabilities from its votes, in nats.
fn divergence(face: &JudgedFace) -> f64 {
    let pairs = face.shares.iter().zip(face.predicted);
    pairs
        .filter(|(share, _)| **share > 0.0)
        .map(|(&share, predicted)| {
            let [share, predicted] = [share, predicted.max(1e-12)].map(f64::from);
            share * (share / predicted).ln()
        })
        .sum()
}

/// The curves of one expression against the rest, over the faces with a majority.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Curves {
    /// False positive rate and true positive rate, from (0, 0) to (1, 1).
    pub roc: Vec<(f64, f64)>,
    /// Recall and precision, at falling thresholds, from recall 0.
    pub precision_recall: Vec<(f64, f64)>,
    /// Area under the ROC curve, by trapezoids.
    pub roc_auc: Option<f64>,
    /// The sum of the precisions, each weighted with its gain of recall.
    pub average_precision: Option<f64>,
}

impl Curves {
    pub(crate) fn of(faces: &[JudgedFace], expression: Expression) -> Self {
        let mut scored: Vec<(f32, bool)> = faces
            .iter()
            .filter_map(|face| {
                let probability = face.predicted[expression.index()];
                Some((probability, face.majority? == expression))
            })
            .collect();
        scored.sort_by(|one, other| other.0.total_cmp(&one.0));
        let positives = scored.iter().filter(|(_, is_true)| *is_true).count() as f64;
        let negatives = scored.len() as f64 - positives;
        let (mut right, mut wrong) = (0.0, 0.0);
        let (mut roc, mut precision_recall) = (vec![(0.0, 0.0)], vec![(0.0, 1.0)]);
        let (mut area, mut average) = (0.0, 0.0);
        // All faces of one probability pass a threshold together.
        for equals in scored.chunk_by(|one, other| one.0 == other.0) {
            let (right_before, wrong_before) = (right, wrong);
            for (_, is_true) in equals {
                match is_true {
                    true => right += 1.0,
                    false => wrong += 1.0,
                }
            }
            area += (wrong - wrong_before) * (right + right_before) / 2.0;
            average += (right - right_before) * right / (right + wrong);
            roc.push((wrong / negatives, right / positives));
            precision_recall.push((right / positives, right / (right + wrong)));
        }
        let has_both = positives > 0.0 && negatives > 0.0;
        Self {
            roc: if has_both { roc } else { Vec::new() },
            precision_recall: match positives > 0.0 {
                true => precision_recall,
                false => Vec::new(),
            },
            roc_auc: has_both.then(|| area / positives / negatives),
            average_precision: (positives > 0.0).then(|| average / positives),
        }
    }
}

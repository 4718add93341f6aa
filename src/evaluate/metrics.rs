//! How far predictions are from the truth, as pure functions on slices.
//!
//! Every function takes the truth first and pairs both slices by position. The answer is `None` where the number does
//! not exist: for slices of different lengths, for none at all, for numbers that are not finite, and where a formula
//! would divide by zero (each function says when). Nothing is made up in its place.
//!
//! `reference/metrics.json` holds what scikit-learn and scipy answer, and the script that asked them stands beside it.

use crate::emotion::Emotion;
use serde::Serialize;

/// Eight percentages, in the order of [`Emotion::ALL`].
pub type Percentages = [f64; Emotion::COUNT];

/// Mean of |truth - predicted|.
pub fn mean_absolute_error(truth: &[f64], predicted: &[f64]) -> Option<f64> {
    mean_over(truth, predicted, |t, p| (t - p).abs())
}

/// Root of the mean of (truth - predicted)².
pub fn root_mean_squared_error(truth: &[f64], predicted: &[f64]) -> Option<f64> {
    mean_over(truth, predicted, |t, p| (t - p).powi(2)).map(f64::sqrt)
}

/// Coefficient of determination, 1 - Σ(truth - predicted)² / Σ(truth - mean)²: 1 is perfect, 0 as good as always
/// answering the mean of the truth, and there is no lower bound. Scikit-learn's `r2_score`.
///
/// `None` where the truth is constant (one song included): scikit-learn then answers 1 or 0 by convention.
pub fn r2(truth: &[f64], predicted: &[f64]) -> Option<f64> {
    let squared_error = mean_over(truth, predicted, |t, p| (t - p).powi(2))?;
    let moments = Moments::of(truth, predicted)?;
    quotient(squared_error, moments.truth_variance).map(|unexplained| 1.0 - unexplained)
}

/// Pearson's correlation, -1 to 1.
///
/// `None` where the truth or the predictions are constant (one song included).
pub fn pearson(truth: &[f64], predicted: &[f64]) -> Option<f64> {
    let moments = Moments::of(truth, predicted)?;
    let deviations = moments.truth_variance.sqrt() * moments.predicted_variance.sqrt();
    quotient(moments.covariance, deviations).map(|r| r.clamp(-1.0, 1.0))
}

/// Concordance correlation coefficient, -1 to 1: Pearson's correlation times a factor below 1 for every shift and
/// stretch, 2·cov / (var(truth) + var(predicted) + (difference of the means)²), with the population's variances.
/// Lin 1989, *A concordance correlation coefficient to evaluate reproducibility*, Biometrics 45.
///
/// `None` for fewer than two pairs, and where truth and predictions are the same constant.
pub fn concordance(truth: &[f64], predicted: &[f64]) -> Option<f64> {
    let moments = Moments::of(truth, predicted).filter(|_| truth.len() > 1)?;
    let spread = moments.truth_variance
        + moments.predicted_variance
        + (moments.truth_mean - moments.predicted_mean).powi(2);
    quotient(2.0 * moments.covariance, spread).map(|ccc| ccc.clamp(-1.0, 1.0))
}

/// Mean of vectors, number by number: what a predictor that has not heard the song answers.
pub fn mean_vector(vectors: &[Percentages]) -> Option<Percentages> {
    let mut mean = [0.0; Emotion::COUNT];
    for vector in vectors {
        for (sum, value) in mean.iter_mut().zip(vector) {
            *sum += value;
        }
    }
    let mean = mean.map(|sum| sum / vectors.len() as f64);
    mean.iter().all(|value| value.is_finite()).then_some(mean)
}

/// Mean absolute error of each emotion's percentage, in percentage points.
pub fn mae_per_emotion(truth: &[Percentages], predicted: &[Percentages]) -> Option<Percentages> {
    if truth.len() != predicted.len() {
        return None;
    }
    let mut errors = Vec::with_capacity(truth.len());
    for (truth, predicted) in truth.iter().zip(predicted) {
        errors.push(std::array::from_fn(|i| (truth[i] - predicted[i]).abs()));
    }
    mean_vector(&errors)
}

/// Mean absolute error over all percentages of all songs, in percentage points.
pub fn mae_of_vectors(truth: &[Percentages], predicted: &[Percentages]) -> Option<f64> {
    let per_emotion = mae_per_emotion(truth, predicted)?;
    Some(per_emotion.iter().sum::<f64>() / per_emotion.len() as f64)
}

/// [`mae_of_vectors`] of the constant answer [`mean_vector`]`(truth)`.
///
/// The mean is that of the songs that are judged, which no constant predictor can know beforehand: a model is
/// compared with a baseline that is a little better than an honest one.
pub fn mae_of_mean_vector(truth: &[Percentages]) -> Option<f64> {
    let mean = mean_vector(truth)?;
    mae_of_vectors(truth, &vec![mean; truth.len()])
}

/// How well one dimension's predictions agree with the truth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Agreement {
    /// [`r2`].
    pub r2: Option<f64>,
    /// [`root_mean_squared_error`], in the dimension's unit.
    pub rmse: Option<f64>,
    /// [`pearson`].
    pub pearson: Option<f64>,
    /// [`concordance`].
    pub ccc: Option<f64>,
}

impl Agreement {
    /// All four of one dimension.
    pub fn of(truth: &[f64], predicted: &[f64]) -> Self {
        Self {
            r2: r2(truth, predicted),
            rmse: root_mean_squared_error(truth, predicted),
            pearson: pearson(truth, predicted),
            ccc: concordance(truth, predicted),
        }
    }
}

/// How often classes are named rightly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Classification {
    /// Share of right answers, 0 to 1.
    pub accuracy: f64,
    /// Mean of the classes' F1, 0 to 1. A class's F1 is 2·right / (times true + times predicted); classes that occur
    /// neither in the truth nor in the predictions are left out, as in scikit-learn's `f1_score(average="macro")`.
    pub macro_f1: f64,
}

impl Classification {
    /// Counts; `None` for slices of different lengths and for none at all.
    pub fn of<C: PartialEq>(classes: &[C], truth: &[C], predicted: &[C]) -> Option<Self> {
        if truth.is_empty() || truth.len() != predicted.len() {
            return None;
        }
        let right = truth.iter().zip(predicted).filter(|(t, p)| t == p).count();
        let mut f1 = Vec::with_capacity(classes.len());
        for class in classes {
            let count = |side: &[C]| side.iter().filter(|c| *c == class).count();
            let named = count(truth) + count(predicted);
            let hits = truth
                .iter()
                .zip(predicted)
                .filter(|(t, p)| *t == class && *p == class)
                .count();
            if named > 0 {
                f1.push(2.0 * hits as f64 / named as f64);
            }
        }
        let macro_f1 = f1.iter().sum::<f64>() / f1.len() as f64;
        Some(Self {
            accuracy: right as f64 / truth.len() as f64,
            macro_f1,
        })
        .filter(|scores| scores.macro_f1.is_finite())
    }
}

/// Means, population variances and covariance of pairs.
struct Moments {
    truth_mean: f64,
    predicted_mean: f64,
    truth_variance: f64,
    predicted_variance: f64,
    covariance: f64,
}

impl Moments {
    fn of(truth: &[f64], predicted: &[f64]) -> Option<Self> {
        let truth_mean = mean_over(truth, predicted, |t, _| t)?;
        let predicted_mean = mean_over(truth, predicted, |_, p| p)?;
        let central = |f: fn(f64, f64) -> f64| {
            mean_over(truth, predicted, |t, p| {
                f(t - truth_mean, p - predicted_mean)
            })
        };
        // The mean of equal numbers may differ from them by a rounding error, and so may its square from zero.
        let constant = |side: &[f64]| side.iter().all(|value| *value == side[0]);
        let variance = |side: &[f64], spread: f64| if constant(side) { 0.0 } else { spread };
        Some(Self {
            truth_mean,
            predicted_mean,
            truth_variance: variance(truth, central(|t, _| t * t)?),
            predicted_variance: variance(predicted, central(|_, p| p * p)?),
            covariance: central(|t, p| t * p)?,
        })
    }
}

fn mean_over(truth: &[f64], predicted: &[f64], f: impl Fn(f64, f64) -> f64) -> Option<f64> {
    if truth.is_empty() || truth.len() != predicted.len() {
        return None;
    }
    let sum: f64 = truth.iter().zip(predicted).map(|(t, p)| f(*t, *p)).sum();
    Some(sum / truth.len() as f64).filter(|mean| mean.is_finite())
}

fn quotient(above: f64, below: f64) -> Option<f64> {
    Some(above / below).filter(|quotient| below > 0.0 && quotient.is_finite())
}

//! Differences between predictions and the truth, as pure functions on slices.
//!
//! Every function takes the truth first and pairs both slices by position. The result is `None` if the number does not
//! exist: for slices of different lengths, for empty ones, for numbers that are not finite, and if a formula would
//! divide by zero (each function documents when).
//!
//! `reference/metrics.json` holds the results of scikit-learn and scipy; the script that made it is beside it.

use crate::emotion::{Emotion, Quadrant};
use serde::Serialize;

/// Eight percentages, in the order of [`Emotion::ALL`].
pub(crate) type Percentages = [f64; Emotion::COUNT];

/// Mean of |truth - predicted|.
pub(crate) fn mean_absolute_error(truth: &[f64], predicted: &[f64]) -> Option<f64> {
    mean_over(truth, predicted, |t, p| (t - p).abs())
}

/// Mean of vectors, number by number: the best constant answer.
pub(crate) fn mean_vector(vectors: &[Percentages]) -> Option<Percentages> {
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
pub(crate) fn mae_per_emotion(
    truth: &[Percentages],
    predicted: &[Percentages],
) -> Option<Percentages> {
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
pub(crate) fn mae_of_vectors(truth: &[Percentages], predicted: &[Percentages]) -> Option<f64> {
    let per_emotion = mae_per_emotion(truth, predicted)?;
    Some(per_emotion.iter().sum::<f64>() / per_emotion.len() as f64)
}

/// [`mae_of_vectors`] of the constant answer [`mean_vector`]`(truth)`.
///
/// The mean is that of the evaluated songs, which no constant predictor can know beforehand: a model is compared with a
/// baseline that is a little better than an honest one.
pub(crate) fn mae_of_mean_vector(truth: &[Percentages]) -> Option<f64> {
    let mean = mean_vector(truth)?;
    mae_of_vectors(truth, &vec![mean; truth.len()])
}

/// Agreement of one dimension's predictions with the truth, with the population's variances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// Coefficient of determination, 1 - Σ(truth - predicted)² / Σ(truth - mean)²: 1 is perfect, 0 as good as always
    /// answering the mean of the truth, and there is no lower bound. `None` if the truth is constant (one song
    /// included), for which scikit-learn's `r2_score` gives 1 or 0 by convention.
    pub r2: Option<f64>,
    /// Root of the mean of (truth - predicted)², in the dimension's unit.
    pub rmse: Option<f64>,
    /// Pearson's correlation, -1 to 1. `None` if the truth or the predictions are constant (one song included).
    pub pearson: Option<f64>,
    /// Concordance correlation coefficient, -1 to 1: Pearson's correlation times a factor below 1 for every shift and
    /// stretch, 2·cov / (var(truth) + var(predicted) + (difference of the means)²). Lin 1989, *A concordance correlation
    /// coefficient to evaluate reproducibility*, Biometrics 45. `None` for fewer than two pairs, and if truth and
    /// predictions are the same constant.
    pub ccc: Option<f64>,
}

impl Agreement {
    /// All four of one dimension.
    pub(crate) fn of(truth: &[f64], predicted: &[f64]) -> Self {
        let Some(squared_error) = mean_over(truth, predicted, |t, p| (t - p).powi(2)) else {
            return Self::default();
        };
        let mean =
            |of: &dyn Fn(f64, f64) -> f64| mean_over(truth, predicted, of).unwrap_or(f64::NAN);
        let (truth_mean, predicted_mean) = (mean(&|t, _| t), mean(&|_, p| p));
        // The mean of equal numbers may differ from them by a rounding error, and so may its square from zero.
        let constant = |side: &[f64]| side.iter().all(|value| *value == side[0]);
        let variance = |side: &[f64], spread: f64| if constant(side) { 0.0 } else { spread };
        let truth_variance = variance(truth, mean(&|t, _| (t - truth_mean).powi(2)));
        let predicted_variance = variance(predicted, mean(&|_, p| (p - predicted_mean).powi(2)));
        let covariance = mean(&|t, p| (t - truth_mean) * (p - predicted_mean));
        let deviations = truth_variance.sqrt() * predicted_variance.sqrt();
        let shift = (truth_mean - predicted_mean).powi(2);
        let concordance = quotient(
            2.0 * covariance,
            truth_variance + predicted_variance + shift,
        );
        Self {
            r2: quotient(squared_error, truth_variance).map(|unexplained| 1.0 - unexplained),
            rmse: Some(squared_error.sqrt()),
            pearson: quotient(covariance, deviations).map(|r| r.clamp(-1.0, 1.0)),
            ccc: concordance
                .filter(|_| truth.len() > 1)
                .map(|ccc| ccc.clamp(-1.0, 1.0)),
        }
    }
}

/// Accuracy of quadrants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Classification {
    /// Share of right answers, 0 to 1.
    pub accuracy: f64,
    /// Mean of the quadrants' F1, 0 to 1. The F1 of one is 2·right / (times true + times predicted); those that occur
    /// neither in the truth nor in the predictions are omitted, as in scikit-learn's `f1_score(average="macro")`.
    pub macro_f1: f64,
}

/// Counts of songs by true and predicted quadrant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Confusion {
    quadrants: [Quadrant; 4],
    /// `counts[true quadrant][predicted quadrant]`, both in the order of [`Quadrant::ALL`].
    pub counts: [[usize; 4]; 4],
}

impl Confusion {
    /// Counts songs.
    pub(crate) fn of(truth: &[Quadrant], predicted: &[Quadrant]) -> Self {
        let mut counts = [[0; 4]; 4];
        for (truth, predicted) in truth.iter().zip(predicted) {
            counts[*truth as usize][*predicted as usize] += 1;
        }
        Self {
            quadrants: Quadrant::ALL,
            counts,
        }
    }

    /// Accuracy and F1; `None` without songs.
    pub(crate) fn classification(&self) -> Option<Classification> {
        let songs: usize = self.counts.iter().flatten().sum();
        let right: usize = (0..4).map(|q| self.counts[q][q]).sum();
        let mut f1 = Vec::new();
        for (q, row) in self.counts.iter().enumerate() {
            let predicted: usize = self.counts.iter().map(|row| row[q]).sum();
            let named = row.iter().sum::<usize>() + predicted;
            if named > 0 {
                f1.push(2.0 * row[q] as f64 / named as f64);
            }
        }
        (songs > 0).then(|| Classification {
            accuracy: right as f64 / songs as f64,
            macro_f1: f1.iter().sum::<f64>() / f1.len() as f64,
        })
    }
}

/// Width of a reliability bin in percentage points.
const BIN: f64 = 5.0;
/// Bins from 0 to 100.
const BINS: usize = 20;

/// All percentages that were predicted within one bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct ReliabilityBin {
    /// Lower end of the bin, included.
    pub from: f64,
    /// Upper end of the bin, excluded (100 is included).
    pub to: f64,
    /// How many percentages were predicted within it.
    pub count: usize,
    /// Their mean.
    pub mean_predicted: f64,
    /// The mean of the true percentages.
    pub mean_true: f64,
}

/// Reliability of percentages: the true mean of those that are predicted as 20 % should be 20 %.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Reliability {
    /// The bins that are not empty, lowest first.
    pub bins: Vec<ReliabilityBin>,
    /// Mean of |mean predicted - mean true| over the bins, each weighted with its count, in percentage points: the
    /// expected calibration error of Naeini, Cooper and Hauskrecht 2015, *Obtaining well calibrated probabilities using
    /// Bayesian binning*, AAAI 29, with percentages in the place of outcomes.
    pub calibration_error: f64,
}

impl Reliability {
    /// Of pairs of a true and a predicted percentage, 0 to 100 each. `None` if there is no pair, or another number.
    pub(crate) fn of(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let mut sums = [(0_usize, 0.0, 0.0); BINS];
        let mut total = 0;
        for (truth, predicted) in pairs {
            // Rounding may leave a little above 100.
            let percentages = 0.0..=100.001;
            if !percentages.contains(&truth) || !percentages.contains(&predicted) {
                return None;
            }
            let bin = &mut sums[((predicted / BIN) as usize).min(BINS - 1)];
            bin.0 += 1;
            bin.1 += predicted;
            bin.2 += truth;
            total += 1;
        }
        let mut calibration_error = 0.0;
        let mut bins = Vec::new();
        for (index, (count, predicted, truth)) in sums.into_iter().enumerate() {
            if count > 0 {
                let from = BIN * index as f64;
                calibration_error += f64::abs(predicted - truth) / f64::from(total);
                bins.push(ReliabilityBin {
                    from,
                    to: from + BIN,
                    count,
                    mean_predicted: predicted / count as f64,
                    mean_true: truth / count as f64,
                });
            }
        }
        (total > 0).then_some(Self {
            bins,
            calibration_error,
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

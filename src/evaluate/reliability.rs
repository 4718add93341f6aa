//! Whether percentages mean what they say: of what is predicted as 20 %, the true mean should be 20 %.

use serde::Serialize;

/// Width of a bin in percentage points.
pub const BIN: f64 = 5.0;
/// Bins from 0 to 100.
const BINS: usize = 20;

/// All percentages that were predicted within one bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Lower end of the bin, inside.
    pub from: f64,
    /// Upper end of the bin, outside (inside for 100).
    pub to: f64,
    /// How many percentages were predicted within it.
    pub count: usize,
    /// Their mean.
    pub mean_predicted: f64,
    /// The mean of what is true of them.
    pub mean_true: f64,
}

/// Predicted percentages in bins, against what is true.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reliability {
    /// The bins that hold something, lowest first.
    pub bins: Vec<ReliabilityBin>,
    /// Mean of |mean predicted - mean true| over the bins, each weighted with its count, in percentage points: the
    /// expected calibration error of Naeini, Cooper and Hauskrecht 2015, *Obtaining well calibrated probabilities using
    /// Bayesian binning*, AAAI 29, with percentages in the place of outcomes.
    pub calibration_error: f64,
}

impl Reliability {
    /// Of pairs of a true and a predicted percentage, 0 to 100 each. `None` where there is no pair, or one holds
    /// something else.
    pub fn of(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let mut sums = [(0_usize, 0.0, 0.0); BINS];
        let mut total = 0;
        for (truth, predicted) in pairs {
            // What rounding leaves above 100 is no mistake.
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn no_pairs_and_what_is_no_percentage_have_no_reliability() {
        assert_eq!(Reliability::of([]), None);
        for pair in [(f64::NAN, 1.0), (1.0, f64::NAN), (-1.0, 5.0), (5.0, 120.0)] {
            assert_eq!(Reliability::of([(1.0, 1.0), pair]), None);
        }
    }
}

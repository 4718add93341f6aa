//! The learning rate over the steps of a run.

/// Share of the steps in which the one-cycle rate rises.
const RISE: f64 = 0.25;
/// It starts at this part of its highest value...
const FIRST: f64 = 1.0 / 25.0;
/// ... and ends at this part.
const LAST: f64 = 1e-5;

/// The one-cycle learning rate (Smith & Topin 2018) at a step: half a cosine up, and another down to almost nothing.
pub(crate) fn one_cycle(highest: f64, step: u64, steps: u64) -> f64 {
    let anneal = |from: f64, to: f64, share: f64| {
        to + (from - to) * (1.0 + (std::f64::consts::PI * share).cos()) / 2.0
    };
    let share = step as f64 / steps.max(1) as f64;
    if share < RISE {
        anneal(highest * FIRST, highest, share / RISE)
    } else {
        anneal(
            highest,
            highest * LAST,
            ((share - RISE) / (1.0 - RISE)).min(1.0),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_cycle_rate_rises_for_a_quarter_and_falls_to_almost_nothing() {
        let rates: Vec<f64> = (0..=100).map(|step| one_cycle(2.0, step, 100)).collect();
        let highest = rates.iter().copied().fold(0.0, f64::max);
        assert_eq!((rates[25], highest), (2.0, 2.0));
        assert!((rates[0] - 0.08).abs() < 1e-12, "{}", rates[0]);
        assert!(rates[..25].is_sorted() && rates[25..].is_sorted_by(|a, b| a >= b));
        assert!((rates[100] - 2e-5).abs() < 1e-12, "{}", rates[100]);
        assert!(
            one_cycle(2.0, 1000, 100) > 0.0,
            "past the end it stays above 0"
        );
    }
}

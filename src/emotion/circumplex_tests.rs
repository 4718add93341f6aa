//! Claims about the geometry, over random boxes.

use super::{AffectBox, EmotionVector, Quadrant};
use proptest::prelude::*;

fn affect(v: f64, vs: f64, a: f64, as_: f64) -> AffectBox {
    AffectBox {
        valence_mean: v,
        valence_std: vs,
        arousal_mean: a,
        arousal_std: as_,
    }
}

/// Means anywhere on the scale, deviations from none to more than the whole scale, many of them clipped.
fn any_box() -> impl Strategy<Value = AffectBox> {
    let mean = || prop_oneof![4 => 1.0..=9.0, 1 => Just(5.0), 1 => Just(1.0), 1 => Just(9.0)];
    let std = || prop_oneof![6 => 0.0..=4.0, 1 => Just(0.0), 1 => 4.0..=40.0];
    (mean(), std(), mean(), std()).prop_map(|(v, vs, a, as_)| affect(v, vs, a, as_))
}

fn proper_box() -> impl Strategy<Value = AffectBox> {
    (1.0..=9.0, 0.05..=4.0, 1.0..=9.0, 0.05..=4.0).prop_map(|(v, vs, a, as_)| affect(v, vs, a, as_))
}

/// The sector of a point by its angle: nothing shared with the code under test.
fn sector_by_angle(valence: f64, arousal: f64) -> usize {
    let angle = (arousal - 5.0).atan2(valence - 5.0).to_degrees();
    (((angle + 360.0) % 360.0) / 45.0) as usize % 8
}

/// A quadtree over the box, whose cells are split until all their corners lie in one sector (sectors are convex) or
/// until they are 2^-16 of the box wide; those share between the sectors of their corners. Percent.
fn numeric(b: &AffectBox, sigma: f64) -> [f64; 8] {
    fn cell(v: (f64, f64), a: (f64, f64), depth: u32, area: f64, shares: &mut [f64; 8]) {
        // Corners are looked at a little inside, so that a line along an edge splits no cell.
        let (inset_v, inset_a) = (1e-9 * (v.1 - v.0), 1e-9 * (a.1 - a.0));
        let corner = |v, a| sector_by_angle(v, a);
        let corners = [
            corner(v.0 + inset_v, a.0 + inset_a),
            corner(v.0 + inset_v, a.1 - inset_a),
            corner(v.1 - inset_v, a.0 + inset_a),
            corner(v.1 - inset_v, a.1 - inset_a),
        ];
        if depth == 16 || corners.iter().all(|c| *c == corners[0]) {
            for corner in corners {
                shares[corner] += area / 4.0;
            }
            return;
        }
        let (mid_v, mid_a) = (0.5 * (v.0 + v.1), 0.5 * (a.0 + a.1));
        for v in [(v.0, mid_v), (mid_v, v.1)] {
            for a in [(a.0, mid_a), (mid_a, a.1)] {
                cell(v, a, depth + 1, area / 4.0, shares);
            }
        }
    }
    let span = |mean: f64, std: f64| ((mean - sigma * std).max(1.0), (mean + sigma * std).min(9.0));
    let mut shares = [0.0; 8];
    let (v, a) = (
        span(b.valence_mean, b.valence_std),
        span(b.arousal_mean, b.arousal_std),
    );
    cell(v, a, 0, 100.0, &mut shares);
    shares
}

fn close(a: &[f64; 8], b: &[f64; 8], tolerance: f64) -> bool {
    a.iter().zip(b).all(|(x, y)| (x - y).abs() <= tolerance)
}

proptest! {
    #[test]
    fn shares_are_never_negative_and_sum_to_100(b in any_box(), sigma in 0.0..=3.0) {
        let shares = b.shares(sigma).unwrap();
        prop_assert!(shares.iter().all(|s| (0.0..=100.0 + 1e-9).contains(s)), "{shares:?}");
        prop_assert!((shares.iter().sum::<f64>() - 100.0).abs() < 1e-9, "{shares:?}");
        let percentages = b.percentages(sigma).unwrap();
        prop_assert!(EmotionVector::new(*percentages.as_array()).is_ok());
    }

    #[test]
    fn mirrors_of_the_plane_only_permute_the_shares(b in any_box()) {
        let shares = b.shares(1.0).unwrap();
        let permuted = |order: [usize; 8]| order.map(|i| shares[i]);
        let flip_valence = affect(10.0 - b.valence_mean, b.valence_std, b.arousal_mean, b.arousal_std);
        let flip_arousal = affect(b.valence_mean, b.valence_std, 10.0 - b.arousal_mean, b.arousal_std);
        let swap_axes = affect(b.arousal_mean, b.arousal_std, b.valence_mean, b.valence_std);
        prop_assert!(close(&flip_valence.shares(1.0).unwrap(), &permuted([3, 2, 1, 0, 7, 6, 5, 4]), 1e-7));
        prop_assert!(close(&flip_arousal.shares(1.0).unwrap(), &permuted([7, 6, 5, 4, 3, 2, 1, 0]), 1e-7));
        prop_assert!(close(&swap_axes.shares(1.0).unwrap(), &permuted([1, 0, 7, 6, 5, 4, 3, 2]), 1e-7));
    }

    #[test]
    fn shares_are_continuous_as_a_deviation_goes_to_zero(b in proper_box()) {
        let segment = affect(b.valence_mean, 0.0, b.arousal_mean, b.arousal_std);
        let nearly = affect(b.valence_mean, 1e-7, b.arousal_mean, b.arousal_std);
        prop_assert!(close(&segment.shares(1.0).unwrap(), &nearly.shares(1.0).unwrap(), 1e-3));
        let segment = affect(b.valence_mean, b.valence_std, b.arousal_mean, 0.0);
        let nearly = affect(b.valence_mean, b.valence_std, b.arousal_mean, 1e-7);
        prop_assert!(close(&segment.shares(1.0).unwrap(), &nearly.shares(1.0).unwrap(), 1e-3));
    }

    #[test]
    fn a_point_belongs_to_its_sector_and_the_shares_of_a_shrinking_box_end_there(
        v in 1.0..=9.0, a in 1.0..=9.0,
    ) {
        let (x, y): (f64, f64) = (v - 5.0, a - 5.0);
        prop_assume!(x.abs().min(y.abs()).min((x.abs() - y.abs()).abs()) > 1e-3);
        let mut expected = [0.0; 8];
        expected[sector_by_angle(v, a)] = 100.0;
        prop_assert!(close(&affect(v, 0.0, a, 0.0).shares(1.0).unwrap(), &expected, 1e-6));
        prop_assert!(close(&affect(v, 1e-4, a, 1e-4).shares(1.0).unwrap(), &expected, 1e-6));
    }

    #[test]
    fn more_deviations_are_the_same_as_wider_ones(b in any_box(), sigma in 0.0..=3.0) {
        let wide = affect(b.valence_mean, sigma * b.valence_std, b.arousal_mean, sigma * b.arousal_std);
        prop_assert!(close(&b.shares(sigma).unwrap(), &wide.shares(1.0).unwrap(), 1e-7));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn shares_equal_a_fine_numeric_integral(b in proper_box(), sigma in prop_oneof![Just(1.0), Just(2.0), Just(3.0)]) {
        let (exact, numeric) = (b.shares(sigma).unwrap(), numeric(&b, sigma));
        prop_assert!(close(&exact, &numeric, 1e-3), "{exact:?} {numeric:?}");
    }
}

#[test]
fn a_box_in_the_middle_has_eight_equal_shares_and_its_clipped_form_too() {
    for std in [1e-9, 0.5, 4.0, 100.0] {
        let shares = affect(5.0, std, 5.0, std).shares(1.0).unwrap();
        assert!(close(&shares, &[12.5; 8], 1e-6), "{shares:?}");
    }
}

#[test]
fn a_box_with_known_areas_has_them() {
    // Corners (5, 5) and (7, 6): the diagonal leaves a triangle of 1/2 above it, of an area of 2.
    let shares = affect(6.0, 1.0, 5.5, 0.5).shares(1.0).unwrap();
    assert!(
        close(&shares, &[75.0, 25.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 1e-12),
        "{shares:?}"
    );
}

#[test]
fn a_box_that_reaches_over_the_scale_is_cut_there_and_not_moved() {
    // 8 ± 3 becomes 5 to 9, 5 ± 1 stays: of 4 x 1 above the axis the diagonal leaves a triangle of 1/2 to excited.
    let shares = affect(8.0, 3.0, 5.0, 1.0).shares(1.0).unwrap();
    let expected = [43.75, 6.25, 0.0, 0.0, 0.0, 0.0, 6.25, 43.75];
    assert!(close(&shares, &expected, 1e-9), "{shares:?}");
}

#[test]
fn points_on_lines_are_shared_equally_by_the_sectors_that_touch_them() {
    let is = |v: f64, a: f64, expected: [f64; 8]| {
        let found = affect(v, 0.0, a, 0.0).shares(1.0).unwrap();
        assert!(close(&found, &expected, 1e-6), "{v} {a}: {found:?}");
    };
    let between = |i: usize, j: usize| {
        let mut shares = [0.0; 8];
        (shares[i], shares[j]) = (50.0, 50.0);
        shares
    };
    is(5.0, 5.0, [12.5; 8]);
    is(7.0, 5.0, between(0, 7));
    is(5.0, 7.0, between(1, 2));
    is(2.0, 5.0, between(3, 4));
    is(5.0, 1.0, between(5, 6));
    // Every diagonal point with one decimal, although 6.3 - 5 and 5 - 3.7 need not be the same binary number.
    for tenth in 1..=40 {
        let d = f64::from(tenth) / 10.0;
        is(5.0 + d, 5.0 + d, between(0, 1));
        is(5.0 - d, 5.0 + d, between(2, 3));
        is(5.0 - d, 5.0 - d, between(4, 5));
        is(5.0 + d, 5.0 - d, between(6, 7));
    }
}

#[test]
fn segments_share_by_length_and_on_an_axis_halve_between_both_sides() {
    let upright = affect(6.0, 0.0, 5.0, 2.0).shares(1.0).unwrap();
    assert!(close(
        &upright,
        &[25.0, 25.0, 0.0, 0.0, 0.0, 0.0, 25.0, 25.0],
        1e-9
    ));
    let on_the_arousal_axis = affect(5.0, 0.0, 6.0, 2.0).shares(1.0).unwrap();
    assert!(close(
        &on_the_arousal_axis,
        &[0.0, 37.5, 37.5, 0.0, 0.0, 12.5, 12.5, 0.0],
        1e-3
    ));
    let on_the_valence_axis = affect(6.0, 2.0, 5.0, 0.0).shares(1.0).unwrap();
    assert!(close(
        &on_the_valence_axis,
        &[37.5, 0.0, 0.0, 12.5, 12.5, 0.0, 0.0, 37.5],
        1e-3
    ));
}

#[test]
fn a_box_off_the_scale_or_without_a_deviation_is_an_error() {
    let message = |of: AffectBox, sigma| of.percentages(sigma).unwrap_err().to_string();
    for mean in [0.9, 9.1, -3.0, f64::NAN, f64::INFINITY] {
        let error = message(affect(mean, 1.0, 5.0, 1.0), 1.0);
        assert!(
            error.contains("the mean of valence must lie between 1 and 9"),
            "{error}"
        );
    }
    for std in [-0.1, f64::NAN, f64::INFINITY] {
        let error = message(affect(5.0, 1.0, 5.0, std), 1.0);
        assert!(error.contains("deviation of arousal"), "{error}");
    }
    assert!(message(affect(5.0, 1.0, 5.0, 1.0), f64::NAN).contains("sigma"));
}

#[test]
fn quadrants_go_by_sign_and_the_center_counts_as_positive() {
    assert_eq!(Quadrant::of(5.0, 5.0), Quadrant::Q1);
    assert_eq!(Quadrant::of(4.9, 5.0), Quadrant::Q2);
    assert_eq!(Quadrant::of(4.9, 4.9), Quadrant::Q3);
    assert_eq!(Quadrant::of(5.0, 4.9), Quadrant::Q4);
    assert_eq!(Quadrant::ALL.map(Quadrant::name), ["Q1", "Q2", "Q3", "Q4"]);
}

/// The numbers are made by `tests/reference/emotion_labels.py`, which also compares all of DEAM's songs.
#[test]
fn shares_of_random_boxes_equal_those_of_shapely_within_1e_9_percentage_points() {
    let table = include_str!("../../tests/reference/emotion_boxes.csv");
    let mut rows = 0;
    for line in table.lines().skip(1) {
        let values: Vec<f64> = line.split(',').map(|v| v.parse().unwrap()).collect();
        let song = affect(values[0], values[1], values[2], values[3]);
        let found = song.shares(values[4]).unwrap();
        assert_eq!(found.len(), values.len() - 5);
        for (found, expected) in found.iter().zip(&values[5..]) {
            assert!(
                (found - expected).abs() < 1e-9,
                "{line}: {found} {expected}"
            );
        }
        rows += 1;
    }
    assert_eq!(rows, 300);
}

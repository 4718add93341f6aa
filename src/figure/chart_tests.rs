//! The charts of reports, looked at pixel by pixel.

use super::{save::pixels_of, *};
use crate::{
    emotion::{Emotion, EmotionVector, Moment, Timeline},
    mel::MelConfig,
};
use plotters::style::RGBColor;

/// The colour of a figure's pixel.
struct Seen {
    width: usize,
    pixels: Vec<u8>,
}

impl Seen {
    fn of(figure: &impl Figure) -> Self {
        Self {
            width: figure.size().0 as usize,
            pixels: pixels_of(figure).unwrap(),
        }
    }

    fn at(&self, x: usize, y: usize) -> RGBColor {
        let at = 3 * (y * self.width + x);
        RGBColor(self.pixels[at], self.pixels[at + 1], self.pixels[at + 2])
    }
}

fn lightness(color: RGBColor) -> u32 {
    u32::from(color.0) + u32::from(color.1) + u32::from(color.2)
}

#[test]
fn a_song_stands_at_its_truth_and_its_prediction() {
    let seen = Seen::of(&Scatter {
        x_name: "true".to_owned(),
        y_name: "predicted".to_owned(),
        range: (1.0, 9.0),
        points: vec![(3.5, 7.5), (f64::NAN, 5.0)],
    });
    // The axes run from 120 to 960 and from 930 up to 90.
    let (x, y) = (120 + 840 * 5 / 16, 930 - 840 * 13 / 16);
    assert!(lightness(seen.at(x, y)) < 500, "{:?}", seen.at(x, y));
    assert_eq!(seen.at(x + 40, y + 10), PAPER);
    // Half-way between two dashes or on one, the line of right answers crosses here.
    let diagonal = (0..60).any(|n| seen.at(350 + n, 930 - (350 + n - 120)) != PAPER);
    assert!(diagonal);
}

#[test]
fn a_longer_bar_is_a_larger_number_and_grey_is_the_reference() {
    let bar = |emotion, number, reference| PairedBar {
        name: "name",
        color: emotion_color(emotion),
        number,
        reference,
    };
    let seen = Seen::of(&PairedBars {
        number_name: "model".to_owned(),
        reference_name: "baseline".to_owned(),
        unit: "",
        bars: vec![
            bar(Emotion::Happy, 10.0, 5.0),
            bar(Emotion::Tired, 2.0, f64::NAN),
        ],
    });
    // Bars begin at 222; the longest ends at 872. A name has 92 pixels, from 76 on.
    let (first, below, second) = (76 + 46 - 20, 76 + 46 + 20, 76 + 92 + 46 - 20);
    assert_eq!(seen.at(860, first), emotion_color(Emotion::Happy));
    let grey = seen.at(500, below);
    assert!(grey.0.abs_diff(grey.2) < 20 && grey != PAPER, "{grey:?}");
    assert_eq!(seen.at(700, below), PAPER);
    assert_eq!(seen.at(340, second), emotion_color(Emotion::Tired));
    assert_eq!(seen.at(500, second), PAPER);
}

#[test]
fn a_cell_is_the_darker_the_more_of_its_row_it_holds() {
    let seen = Seen::of(&Matrix {
        classes: vec!["A", "B"],
        counts: vec![vec![3, 1], vec![0, 0]],
    });
    // Cells of 395 x 150 from (190, 150) on.
    let cell = |column: usize, row: usize| seen.at(190 + 395 * column + 12, 150 + 150 * row + 12);
    assert!(lightness(cell(0, 0)) < lightness(cell(1, 0)));
    assert!(lightness(cell(1, 0)) < lightness(cell(0, 1)));
    assert_eq!(cell(0, 1), cell(1, 1));
}

#[test]
fn bins_of_few_percentages_are_faint_and_every_bin_shows_its_count() {
    let point = |from: f64, count, truth| ReliabilityPoint {
        bin: (from, from + 5.0),
        count,
        predicted: from + 2.5,
        truth,
    };
    let seen = Seen::of(&ReliabilityDiagram {
        points: vec![point(20.0, 100, 10.0), point(70.0, 3, 60.0)],
        classes: Vec::new(),
    });
    // Both axes end at 80.
    let place = |predicted: f64, truth: f64| {
        let (x, y) = (
            120.0 + 840.0 * predicted / 80.0,
            830.0 - 740.0 * truth / 80.0,
        );
        seen.at(x.round() as usize, y.round() as usize)
    };
    assert_eq!(place(22.5, 10.0), ACCENT);
    let faint = place(72.5, 60.0);
    assert!(faint != PAPER && lightness(faint) > lightness(ACCENT) + 100);
    let strip = |predicted: f64| seen.at((120.0 + 840.0 * predicted / 80.0) as usize, 1100);
    assert!(strip(22.5) != PAPER && strip(50.0) == PAPER);
}

#[test]
fn curves_run_through_their_points_and_over_no_gap() {
    let nan = f64::NAN;
    let line = |heights: [f64; 5]| Line {
        points: (0..5).map(|n| (n as f64, heights[n])).collect(),
        ring: None,
    };
    let seen = Seen::of(&Curves {
        x_name: "epoch".to_owned(),
        y_name: "loss".to_owned(),
        main: vec![line([1.0, 1.0, nan, 1.0, 1.0])],
        others: vec![line([0.0, 0.0, 0.0, 0.0, 2.0])],
        ..Curves::default()
    });
    // From 120 to 960, 210 for a step; 1 is in the middle of 90 and 600.
    assert_eq!(seen.at(225, 345), ACCENT);
    assert_eq!(seen.at(855, 345), ACCENT);
    assert_ne!(seen.at(540 + 5, 345), ACCENT);
}

#[test]
fn a_timeline_has_the_height_and_the_colour_of_each_window_at_its_time() {
    let moment = |n: u8, emotion: Emotion| {
        let mut weights = [0.0; Emotion::COUNT];
        weights[emotion.index()] = 1.0;
        Moment {
            start_s: 15.0 * f64::from(n),
            valence: 2.0 + 2.0 * f32::from(n),
            arousal: 8.0 - 2.0 * f32::from(n),
            emotions: EmotionVector::from_weights(weights).unwrap(),
        }
    };
    let moments = [
        moment(0, Emotion::Happy),
        moment(1, Emotion::Tired),
        moment(2, Emotion::Calm),
    ];
    let seen = Seen::of(&TimelineChart {
        title: "song.mp3",
        subtitle: "",
        timeline: Timeline {
            moments: &moments,
            window_s: 15.0,
            end_s: 45.0,
        },
    });
    // From 130 to 1350; 1 to 9 from 430 up to 150, the percentages from 860 up to 520.
    let middle = |window: usize| 130 + 1220 * (2 * window + 1) / 6;
    for (window, emotion) in [Emotion::Happy, Emotion::Tired, Emotion::Calm]
        .iter()
        .enumerate()
    {
        assert_eq!(seen.at(middle(window) + 30, 700), emotion_color(*emotion));
        let valence = 430 - 280 * (1 + 2 * window) / 8;
        assert_eq!(seen.at(middle(window), valence), ACCENT, "{window}");
    }
    let arousal = seen.at(middle(0), 430 - 280 * 7 / 8);
    assert!(arousal.0 > 150 && arousal.2 < 60, "{arousal:?}");
}

#[test]
fn a_strip_is_bright_where_the_sound_is() {
    let mel = MelConfig::default();
    let frames = mel.frames(44_100);
    let mut values = vec![-100.0; mel.n_mels * frames];
    for row in values.chunks_exact_mut(frames) {
        row[frames / 2..].fill(0.0);
    }
    let windows = [SpectrogramWindow {
        values: &values,
        start_s: 0.0,
        weight: 1.0,
    }];
    let seen = Seen::of(&SpectrogramStrip {
        mel: &mel,
        window_length: 44_100,
        windows: &windows,
    });
    assert_eq!(seen.at(184 + 100, 100), magma(0.0));
    assert_eq!(seen.at(184 + 700, 100), magma(1.0));
}

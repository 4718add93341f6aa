//! Numbers over time as blocks of text.

use crate::{clock, figure::Color};
use console::Style;
use std::ops::Range;

/// A chart of bars in `rows` lines of text, the top first, with one character for each number. The range is that of the
/// lowest and the highest bar; the lowest stays visible.
pub(crate) fn bars(
    values: impl Iterator<Item = f64>,
    (low, high): (f64, f64),
    rows: usize,
) -> Vec<String> {
    const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let heights: Vec<usize> = values
        .map(|value| ((value - low) / (high - low)).clamp(0.0, 1.0))
        .map(|share| ((share * (8 * rows) as f64).round() as usize).max(1))
        .collect();
    let row = |below: usize| {
        let bars = heights
            .iter()
            .map(|height| height.saturating_sub(8 * below));
        bars.map(|eighths| EIGHTHS[eighths.min(8)]).collect()
    };
    (0..rows).rev().map(row).collect()
}

/// A bar from left to right in `columns` characters, filled to the share `value / most`.
pub(crate) fn bar(value: f64, most: f64, columns: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let share = (value / most).clamp(0.0, 1.0);
    let eighths = (share * (8 * columns) as f64).round() as usize;
    let filled = "█".repeat(eighths / 8) + EIGHTHS[eighths % 8];
    format!("{filled:columns$}")
}

/// A text in a color, if the terminal shows colors.
pub(crate) fn colored(text: &str, color: Color) -> String {
    let style = Style::new().color256(nearest_of_256(color));
    style.apply_to(text).to_string()
}

/// The nearest color of the terminal's cube of 6 x 6 x 6.
fn nearest_of_256(color: Color) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let level = |value: u8| {
        let distance = |n: &u8| LEVELS[usize::from(*n)].abs_diff(value);
        (0..6).min_by_key(distance).unwrap_or(0)
    };
    let [red, green, blue] = color.rgb.map(level);
    16 + 36 * red + 6 * green + blue
}

/// Times below a chart of `columns` characters that spans `seconds`, in a line of at most `room` characters.
pub(crate) fn time_axis(seconds: Range<f64>, columns: usize, room: usize) -> String {
    /// Characters for one time.
    const PITCH: usize = 10;
    let length = (seconds.end - seconds.start).max(1e-3);
    let step = clock::step(length, (columns / PITCH).max(1));
    let mut line = vec![' '; room];
    let mut free = 0;
    let mut tick = (seconds.start / step).ceil();
    while tick * step <= seconds.end {
        let share = (tick * step - seconds.start) / length;
        let place = (share * columns as f64).round() as usize;
        let label = clock::position(tick * step);
        if place >= free && place + label.len() <= room {
            for (cell, letter) in line.iter_mut().skip(place).zip(label.chars()) {
                *cell = letter;
            }
            free = place + label.len() + 1;
        }
        tick += 1.0;
    }
    line.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_number_is_a_higher_bar_across_all_rows() {
        let values = [1.0, 3.0, 5.0, 7.0, 9.0, 99.0, -99.0, f64::NAN];
        let rows = bars(values.into_iter(), (1.0, 9.0), 2);
        assert_eq!(rows, ["   ▄██  ", "▁▄████▁▁"]);
    }

    #[test]
    fn a_bar_is_as_long_as_its_share_and_fills_its_columns() {
        let of = |value: f64| bar(value, 50.0, 4);
        assert_eq!([of(0.0), of(25.0)], ["    ", "██  "]);
        assert_eq!([of(7.0), of(99.0)], ["▌   ", "████"]);
        assert_eq!(of(f64::NAN), "    ");
    }

    #[test]
    fn colors_are_those_of_the_cube() {
        assert_eq!(nearest_of_256(Color::new(0, 0, 0)), 16);
        assert_eq!(nearest_of_256(Color::new(255, 255, 255)), 231);
        assert_eq!(nearest_of_256(Color::new(250, 10, 90)), 16 + 36 * 5 + 1);
    }

    #[test]
    fn times_are_below_their_columns_and_never_overlap() {
        let axis = time_axis(0.0..240.0, 48, 52);
        assert_eq!(
            axis.trim_end(),
            "0:00        1:00        2:00        3:00        4:00"
        );
        assert_eq!(
            time_axis(65.0..75.0, 20, 30).trim_end(),
            "1:05      1:10      1:15"
        );
        assert_eq!(time_axis(65.0..75.0, 20, 23).trim_end(), "1:05      1:10");
        assert_eq!(time_axis(0.0..1e9, 5, 5).trim_end(), "0:00");
    }
}

//! Axes of charts: numbers to pixels, ticks, a grid.

use super::{
    Scene,
    color::{GRID, INK},
    font::TextStyle,
};

/// A pixel along an axis and the label there.
pub(super) type Tick = (f64, String);

/// One direction of a chart: a range of numbers on a range of pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
    step: f64,
}

impl Axis {
    /// The numbers `from` to `to` on the pixels `start` to `end`, with at most `most` steps between ticks. An empty range
    /// is widened.
    pub(crate) fn new((from, to): (f64, f64), (start, end): (f64, f64), most: usize) -> Self {
        let around = (from.abs() * 0.1).max(0.5);
        let (from, to) = match (from.is_finite() && to.is_finite(), to > from) {
            (true, true) => (from, to),
            (true, false) => (from - around, from + around),
            (false, _) => (0.0, 1.0),
        };
        Self {
            from,
            to,
            start,
            end,
            step: round_step((to - from) / most.max(1) as f64),
        }
    }

    /// The same axis with ticks at whole numbers only.
    pub(crate) fn whole(self) -> Self {
        let step = self.step.max(1.0);
        Self { step, ..self }
    }

    /// The pixel of a number, clamped to the axis.
    pub(crate) fn at(&self, number: f64) -> f64 {
        let share = ((number - self.from) / (self.to - self.from)).clamp(0.0, 1.0);
        self.start + share * (self.end - self.start)
    }

    /// Round numbers within the range: the pixel and the label of each.
    pub(crate) fn ticks(&self) -> Vec<Tick> {
        let decimals = (-self.step.log10()).ceil().clamp(0.0, 9.0) as usize;
        let first = (self.from / self.step - 1e-9).ceil() as i64;
        let last = (self.to / self.step + 1e-9).floor() as i64;
        (first..=last)
            .map(|n| n as f64 * self.step)
            .map(|tick| (self.at(tick), number(tick, decimals)))
            .collect()
    }
}

/// A number with a typographic minus sign and a comma before its thousands.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let sign = match value < 0.0 && text.contains(|digit| ('1'..='9').contains(&digit)) {
        true => "−",
        false => "",
    };
    let whole = text.find('.').unwrap_or(text.len());
    let mut grouped = String::from(sign);
    for (place, digit) in text.chars().enumerate() {
        if place > 0 && place < whole && (whole - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The next of 1, 2, 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powi(least.log10().floor().clamp(-300.0, 300.0) as i32);
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// The rectangle that a chart fills.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
    /// Text size of the labels.
    pub font: f64,
}

impl Area {
    /// An axis from left to right.
    pub(crate) fn x(&self, range: (f64, f64), most: usize) -> Axis {
        Axis::new(range, (self.left, self.right), most)
    }

    /// An axis upward.
    pub(crate) fn y(&self, range: (f64, f64), most: usize) -> Axis {
        Axis::new(range, (self.bottom, self.top), most)
    }

    /// The center from left to right.
    pub(crate) fn middle(&self) -> f64 {
        (self.left + self.right) / 2.0
    }

    /// Width of grid lines and ticks: thicker where labels are larger.
    fn stroke(&self) -> f64 {
        (self.font / 15.0).round().max(1.0)
    }

    /// Vertical grid lines.
    pub(crate) fn grid_x(&self, scene: &mut Scene, ticks: &[Tick]) {
        for (x, _) in ticks {
            scene.line((*x, self.top), (*x, self.bottom), self.stroke(), GRID);
        }
    }

    /// Horizontal grid lines.
    pub(crate) fn grid_y(&self, scene: &mut Scene, ticks: &[Tick]) {
        for (y, _) in ticks {
            scene.line((self.left, *y), (self.right, *y), self.stroke(), GRID);
        }
    }

    /// Tick marks and labels below, and the name of the axis.
    pub(crate) fn ticks_below(&self, scene: &mut Scene, ticks: &[Tick], name: &str) {
        let style = TextStyle::new(self.font).center();
        let length = 0.4 * self.font;
        for (x, label) in ticks {
            let end = (*x, self.bottom + length);
            scene.line((*x, self.bottom), end, self.stroke(), INK);
            scene.text(label, (*x, end.1 + 0.8 * self.font), style);
        }
        let style = TextStyle::new(1.1 * self.font).center();
        scene.text(name, (self.middle(), self.bottom + 2.9 * self.font), style);
    }

    /// Tick marks and labels on the left.
    pub(crate) fn ticks_left(&self, scene: &mut Scene, ticks: &[Tick]) {
        let style = TextStyle::new(self.font).end();
        let end = self.left - 0.4 * self.font;
        for (y, label) in ticks {
            scene.line((end, *y), (self.left, *y), self.stroke(), INK);
            scene.text(label, (end - 0.4 * self.font, *y), style);
        }
    }

    /// Tick marks and labels on the right.
    pub(crate) fn ticks_right(&self, scene: &mut Scene, ticks: &[Tick]) {
        let end = self.right + 0.4 * self.font;
        for (y, label) in ticks {
            scene.line((self.right, *y), (end, *y), self.stroke(), INK);
            let at = (end + 0.4 * self.font, *y);
            scene.text(label, at, TextStyle::new(self.font));
        }
    }

    /// The name of the upward axis, written along it, `distance` pixels left of it.
    pub(crate) fn name_left(&self, scene: &mut Scene, name: &str, distance: f64) {
        let style = TextStyle::new(1.1 * self.font).center().upright();
        let middle = (self.top + self.bottom) / 2.0;
        scene.text(name, (self.left - distance, middle), style);
    }

    /// The line on which the chart rests.
    pub(crate) fn base(&self, scene: &mut Scene) {
        let (left, right) = ((self.left, self.bottom), (self.right, self.bottom));
        scene.line(left, right, self.stroke(), INK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_within_the_range() {
        let axis = |range, most| Axis::new(range, (0.0, 100.0), most);
        assert_eq!(labels(axis((8.3, 12.1), 5)), ["9", "10", "11", "12"]);
        let expected = ["−0.2", "−0.1", "0.0", "0.1", "0.2"];
        assert_eq!(labels(axis((-0.25, 0.25), 5)), expected);
        assert_eq!(labels(axis((0.0, 1e6), 4)), ["0", "500,000", "1,000,000"]);
        assert_eq!(labels(axis((1.0, 4.0), 8).whole()), ["1", "2", "3", "4"]);
    }

    #[test]
    fn numbers_are_at_their_place_and_never_outside() {
        let axis = Axis::new((1.0, 9.0), (500.0, 100.0), 4);
        assert_eq!([1.0, 5.0, 9.0].map(|n| axis.at(n)), [500.0, 300.0, 100.0]);
        assert_eq!([-7.0, 99.0].map(|n| axis.at(n)), [500.0, 100.0]);
    }

    #[test]
    fn an_empty_range_has_ticks_all_the_same() {
        for range in [
            (3.0, 3.0),
            (0.0, 0.0),
            (f64::NAN, 1.0),
            (0.0, f64::INFINITY),
            (f64::INFINITY, f64::NEG_INFINITY),
        ] {
            let ticks = Axis::new(range, (0.0, 100.0), 5).ticks().len();
            assert!((2..=6).contains(&ticks), "{range:?}: {ticks}");
        }
    }

    #[test]
    fn numbers_are_written_as_in_print() {
        assert_eq!(number(-1.093, 2), "−1.09");
        assert_eq!(number(-0.001, 2), "0.00");
        assert_eq!(number(1_234_567.0, 0), "1,234,567");
        assert_eq!(number(1_234.5, 1), "1,234.5");
    }
}

//! Axes of charts: numbers to pixels, ticks, a grid.

use super::{Canvas, Drawn, GRID, INK, Ink, MUTED};
use plotters::prelude::DrawingBackend;

/// Height of the numbers at ticks, in the charts of a report.
pub(super) const TICK: u32 = 34;
/// Height of the axes' names there.
pub(super) const NAME: u32 = 38;

/// One direction of a chart: a range of numbers on a range of pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    from: f64,
    to: f64,
    start: i32,
    end: i32,
    step: f64,
}

impl Axis {
    /// The numbers `from` to `to` on the pixels `start` to `end`, with at most `most` steps between ticks. A range that
    /// is none is widened.
    pub fn new((from, to): (f64, f64), (start, end): (i32, i32), most: usize) -> Self {
        let (from, to) = match (from.is_finite() && to.is_finite(), to > from) {
            (true, true) => (from, to),
            (true, false) => {
                let around = (from.abs() * 0.1).max(0.5);
                (from - around, from + around)
            }
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

    /// With ticks at whole numbers only.
    pub fn whole(self) -> Self {
        let step = self.step.max(1.0);
        Self { step, ..self }
    }

    /// The pixel of a number; what lies outside takes the nearer end.
    pub fn at(&self, number: f64) -> i32 {
        let share = ((number - self.from) / (self.to - self.from)).clamp(0.0, 1.0);
        self.start + (share * f64::from(self.end - self.start)).round() as i32
    }

    /// Round numbers within the range.
    pub fn ticks(&self) -> Vec<f64> {
        let first = (self.from / self.step - 1e-9).ceil() as i64;
        let last = (self.to / self.step + 1e-9).floor() as i64;
        (first..=last).map(|n| n as f64 * self.step).collect()
    }

    /// A tick's number, with as many decimals as the step needs.
    pub fn label(&self, tick: f64) -> String {
        let decimals = (-self.step.log10()).ceil().clamp(0.0, 9.0) as usize;
        let text = format!("{tick:.decimals$}");
        match text.strip_prefix('-') {
            Some(zero) if tick.abs() < self.step / 2.0 => zero.to_owned(),
            Some(number) => format!("−{number}"),
            None => text,
        }
    }
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

/// Both axes of a chart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axes {
    pub x: Axis,
    pub y: Axis,
}

impl Axes {
    /// The pixel of a point.
    pub fn at(&self, (x, y): (f64, f64)) -> (i32, i32) {
        (self.x.at(x), self.y.at(y))
    }

    /// Grid, ticks and names; `y_name` stands above the axis, where it is read without turning the head.
    pub fn draw<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        x_name: &str,
        y_name: &str,
    ) -> Drawn<B> {
        let (left, right) = (self.x.start, self.x.end);
        let (bottom, top) = (self.y.start, self.y.end);
        for tick in self.y.ticks() {
            let y = self.y.at(tick);
            canvas.stroke([(left, y), (right, y)], 2, &GRID)?;
            let ink = Ink::new(TICK).color(MUTED).right().middle();
            canvas.text(&self.y.label(tick), (left - 14, y), &ink)?;
        }
        for tick in self.x.ticks() {
            let x = self.x.at(tick);
            canvas.stroke([(x, top), (x, bottom)], 2, &GRID)?;
            let ink = Ink::new(TICK).color(MUTED).centred();
            canvas.text(&self.x.label(tick), (x, bottom + 14), &ink)?;
        }
        canvas.stroke([(left, bottom), (right, bottom)], 2, &INK)?;
        let name = Ink::new(NAME);
        let middle = ((left + right) / 2, bottom + 60);
        canvas.text(x_name, middle, &name.clone().centred())?;
        canvas.text(y_name, (left - 80, top - 66), &name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_range() {
        let axis = Axis::new((8.3, 12.1), (0, 100), 5);
        assert_eq!(axis.ticks(), [9.0, 10.0, 11.0, 12.0]);
        let axis = Axis::new((-0.25, 0.25), (0, 100), 5);
        let labels: Vec<String> = axis.ticks().iter().map(|t| axis.label(*t)).collect();
        assert_eq!(labels, ["−0.2", "−0.1", "0.0", "0.1", "0.2"]);
        assert_eq!(Axis::new((0.0, 1e6), (0, 1), 4).ticks().len(), 3);
        let epochs = Axis::new((1.0, 4.0), (0, 1), 8).whole();
        assert_eq!(epochs.ticks(), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn numbers_stand_at_their_place_and_never_outside() {
        let axis = Axis::new((1.0, 9.0), (500, 100), 4);
        assert_eq!([1.0, 5.0, 9.0].map(|n| axis.at(n)), [500, 300, 100]);
        assert_eq!([-7.0, 99.0].map(|n| axis.at(n)), [500, 100]);
    }

    #[test]
    fn a_range_that_is_none_has_ticks_all_the_same() {
        for range in [
            (3.0, 3.0),
            (0.0, 0.0),
            (f64::NAN, 1.0),
            (0.0, f64::INFINITY),
            (f64::INFINITY, f64::NEG_INFINITY),
        ] {
            let ticks = Axis::new(range, (0, 100), 5).ticks().len();
            assert!((2..=6).contains(&ticks), "{range:?}: {ticks}");
        }
    }
}

//! Whether predicted percentages mean what they say.

use super::{
    ACCENT, Canvas, Drawn, Figure, INK, Ink, MUTED,
    axes::{Axes, Axis, TICK},
};
use plotters::{
    prelude::DrawingBackend,
    style::{Color, RGBColor},
};

const SIZE: (u32, u32) = (1000, 1180);
/// Lower and upper edge of the strip of counts.
const STRIP: (i32, i32) = (1140, 1000);
/// A bin with fewer percentages than this is shown faint and apart: its mean says little.
const FEWEST: usize = 10;

/// A bin of predicted percentages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityPoint {
    /// Ends of the bin.
    pub bin: (f64, f64),
    /// How many percentages were predicted within it.
    pub count: usize,
    /// Their mean.
    pub predicted: f64,
    /// The mean of what is true of them.
    pub truth: f64,
}

/// Mean true percentage over mean predicted percentage, bin by bin, and below it how many there are in each bin.
#[derive(Debug, Clone, PartialEq)]
pub struct ReliabilityDiagram {
    /// Over all classes.
    pub points: Vec<ReliabilityPoint>,
    /// Each class by itself: its colour, and the same for it.
    pub classes: Vec<(RGBColor, Vec<(f64, f64)>)>,
}

impl Figure for ReliabilityDiagram {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let largest = self
            .points
            .iter()
            .flat_map(|point| [point.bin.1, point.truth])
            .fold(10.0, f64::max);
        let range = (0.0, (largest / 10.0).ceil() * 10.0);
        let axes = Axes {
            x: Axis::new(range, (120, 960), 8),
            y: Axis::new(range, (830, 90), 8),
        };
        axes.draw(canvas, "mean predicted percentage", "mean true percentage")?;
        let (low, high) = range;
        canvas.dashes(axes.at((low, low)), axes.at((high, high)), 14, 3, &MUTED)?;
        for (color, points) in &self.classes {
            let path: Vec<(i32, i32)> = points.iter().map(|point| axes.at(*point)).collect();
            if path.len() > 1 {
                canvas.stroke(path, 3, &color.mix(0.55))?;
            }
        }
        let place = |point: &ReliabilityPoint| axes.at((point.predicted, point.truth));
        for part in self.points.split(|point| point.count < FEWEST) {
            let path: Vec<(i32, i32)> = part.iter().map(place).collect();
            if path.len() > 1 {
                canvas.stroke(path, 6, &ACCENT)?;
            }
        }
        for point in &self.points {
            let strength = if point.count < FEWEST { 0.4 } else { 1.0 };
            canvas.dot(place(point), 12, &ACCENT.mix(strength))?;
        }
        self.draw_counts(canvas, &axes.x)
    }
}

impl ReliabilityDiagram {
    fn draw_counts<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, x: &Axis) -> Drawn<B> {
        let most = self.points.iter().map(|point| point.count).max();
        let height = Axis::new((0.0, most.unwrap_or(0).max(1) as f64), STRIP, 2);
        let ink = Ink::new(TICK).color(MUTED).right();
        canvas.text("how many in each bin", (960, STRIP.1 - 40), &ink)?;
        for point in &self.points {
            let (from, to) = (x.at(point.bin.0) + 2, x.at(point.bin.1) - 2);
            let top = height.at(point.count as f64).min(STRIP.0 - 2);
            canvas.block((from, top), (to, STRIP.0), &ACCENT.mix(0.35))?;
            let number = Ink::new(24).color(MUTED).centred().bottom();
            let text = point.count.to_string();
            if canvas.text_width(&text, &number) as i32 <= to - from + 20 {
                canvas.text(&text, ((from + to) / 2, top - 2), &number)?;
            }
        }
        canvas.stroke([(120, STRIP.0), (960, STRIP.0)], 2, &INK)
    }
}

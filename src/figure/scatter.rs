//! What a model says against what is true.

use super::{
    ACCENT, Canvas, Drawn, Figure, Ink, MUTED,
    axes::{Axes, Axis, TICK},
};
use plotters::{prelude::DrawingBackend, style::Color};

const SIZE: (u32, u32) = (1000, 1040);

/// A point for each song, and the line on which all would lie if the model were right.
#[derive(Debug, Clone, PartialEq)]
pub struct Scatter {
    /// Name of the axis from left to right: the truth.
    pub x_name: String,
    /// Name of the axis upwards: what was predicted.
    pub y_name: String,
    /// Both axes' range; what lies outside is drawn at its edge.
    pub range: (f64, f64),
    /// Truth and prediction.
    pub points: Vec<(f64, f64)>,
}

impl Figure for Scatter {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let axes = Axes {
            x: Axis::new(self.range, (120, 960), 8),
            y: Axis::new(self.range, (930, 90), 8),
        };
        axes.draw(canvas, &self.x_name, &self.y_name)?;
        let (low, high) = self.range;
        canvas.dashes(axes.at((low, low)), axes.at((high, high)), 14, 3, &MUTED)?;
        let corner = axes.at((high, high));
        let ink = Ink::new(TICK).color(MUTED).right();
        canvas.text("predicted = true", (corner.0 - 70, corner.1 + 6), &ink)?;
        // Many points are drawn fainter, so that where they lie densely can be told.
        let strength = match self.points.len() {
            0..=150 => 0.75,
            151..=800 => 0.5,
            _ => 0.3,
        };
        for point in &self.points {
            if point.0.is_finite() && point.1.is_finite() {
                canvas.dot(axes.at(*point), 8, &ACCENT.mix(strength))?;
            }
        }
        Ok(())
    }
}

//! Numbers over steps, such as the loss over epochs.

use super::{
    ACCENT, Canvas, Drawn, Figure, Ink, MUTED,
    axes::{Axes, Axis, TICK},
};
use plotters::{prelude::DrawingBackend, style::Color};

const SIZE: (u32, u32) = (1000, 720);

/// One line of a chart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Line {
    /// Its points from left to right. One that is no number interrupts the line.
    pub points: Vec<(f64, f64)>,
    /// The point with a ring around it, such as the one that was kept.
    pub ring: Option<(f64, f64)>,
}

/// Lines over a common axis.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curves {
    /// Name of the axis from left to right.
    pub x_name: String,
    /// Whether only whole numbers stand at that axis.
    pub whole_steps: bool,
    /// Name of the axis upwards.
    pub y_name: String,
    /// What the chart is about, in colour.
    pub main: Vec<Line>,
    /// What stands behind it, thin and grey.
    pub others: Vec<Line>,
    /// A level to compare with, and its name.
    pub level: Option<(f64, String)>,
}

impl Curves {
    fn axes(&self) -> Axes {
        let lines = self.main.iter().chain(&self.others);
        let points: Vec<(f64, f64)> = lines
            .flat_map(|line| line.points.iter().chain(&line.ring))
            .copied()
            .filter(|(x, y)| x.is_finite() && y.is_finite())
            .collect();
        let range = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            })
        };
        let level = self.level.iter().map(|(level, _)| *level);
        let (low, high) = range(&mut points.iter().map(|point| point.1).chain(level));
        let margin = 0.06 * (high - low);
        let x = range(&mut points.iter().map(|point| point.0));
        let x = Axis::new(x, (120, 960), 8);
        Axes {
            x: if self.whole_steps { x.whole() } else { x },
            y: Axis::new((low - margin, high + margin), (600, 90), 6),
        }
    }

    fn draw_line<B: DrawingBackend>(
        canvas: &Canvas<'_, B>,
        axes: &Axes,
        line: &Line,
        width: u32,
        color: &impl Color,
    ) -> Drawn<B> {
        let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
        for part in line.points.split(|point| !finite(point)) {
            let path: Vec<(i32, i32)> = part.iter().map(|point| axes.at(*point)).collect();
            match path[..] {
                [] => {}
                [only] => canvas.dot(only, width + 2, color)?,
                _ => canvas.stroke(path, width, color)?,
            }
        }
        if let Some(at) = line.ring.filter(finite) {
            canvas.dot(axes.at(at), width + 7, color)?;
        }
        Ok(())
    }
}

impl Figure for Curves {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let axes = self.axes();
        axes.draw(canvas, &self.x_name, &self.y_name)?;
        if let Some((level, name)) = &self.level {
            let y = axes.y.at(*level);
            canvas.dashes((120, y), (960, y), 12, 3, &MUTED)?;
            let ink = Ink::new(TICK).color(MUTED).right();
            canvas.text(name, (956, y + 10), &ink)?;
        }
        for line in &self.others {
            Self::draw_line(canvas, &axes, line, 2, &MUTED.mix(0.55))?;
        }
        for line in &self.main {
            Self::draw_line(canvas, &axes, line, 5, &ACCENT)?;
        }
        Ok(())
    }
}

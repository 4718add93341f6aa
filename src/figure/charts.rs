//! The charts of reports, 1000 pixels wide and meant to be shown at half that.

use super::{
    Color, MUTED, Scene,
    axes::{Area, Axis},
    font::TextStyle,
    scene::Point,
};

/// Text size of ticks and remarks.
const SMALL: f64 = 29.0;
/// Text size of names.
const LARGE: f64 = 32.0;

/// Lines and dots over two axes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Chart {
    pub height: u32,
    pub x_name: String,
    /// Whether the horizontal axis has ticks at whole numbers only.
    pub whole_steps: bool,
    pub y_name: String,
    /// The range of both axes; without one they cover the finite points.
    pub range: Option<(f64, f64)>,
    pub guide: Option<Guide>,
    pub lines: Vec<Line>,
    pub dots: Vec<Dot>,
}

/// A line from left to right, interrupted at points that are not finite.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub points: Vec<Point>,
    pub width: f64,
    pub color: Color,
}

/// A dot. One that is not finite is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Dot {
    pub at: Point,
    pub radius: f64,
    pub color: Color,
}

/// A dashed line to compare with, labeled near its end. Infinite numbers are the ends of the axes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Guide {
    pub from: Point,
    pub to: Point,
    pub name: String,
}

fn is_finite(point: &Point) -> bool {
    point.0.is_finite() && point.1.is_finite()
}

/// The smallest and the largest finite number.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
}

impl Chart {
    pub(crate) fn line(&mut self, points: Vec<Point>, width: f64, color: Color) {
        self.lines.push(Line {
            points,
            width,
            color,
        });
    }

    pub(crate) fn dot(&mut self, at: Point, radius: f64, color: Color) {
        self.dots.push(Dot { at, radius, color });
    }

    /// The horizontal axis, and the upward one with a margin.
    fn axes(&self, area: &Area) -> (Axis, Axis) {
        let points = || {
            let lines = self.lines.iter().flat_map(|line| &line.points);
            let dots = self.dots.iter().map(|dot| &dot.at);
            lines.chain(dots).filter(|point| is_finite(point))
        };
        let x_range = || range(points().map(|point| point.0));
        let y_range = || {
            let guide = self.guide.iter().map(|guide| guide.to.1);
            let (low, high) = range(points().map(|point| point.1).chain(guide));
            let margin = 0.06 * (high - low);
            (low - margin, high + margin)
        };
        let x = area.x(self.range.unwrap_or_else(x_range), 8);
        let y = area.y(self.range.unwrap_or_else(y_range), 8);
        (if self.whole_steps { x.whole() } else { x }, y)
    }

    pub(crate) fn scene(&self) -> Scene {
        let mut scene = Scene::new(1000, self.height);
        let area = Area {
            left: 120.0,
            top: 90.0,
            right: 960.0,
            bottom: f64::from(self.height) - 114.0,
            font: SMALL,
        };
        let (x, y) = self.axes(&area);
        area.grid_x(&mut scene, &x.ticks());
        area.grid_y(&mut scene, &y.ticks());
        area.ticks_below(&mut scene, &x.ticks(), &self.x_name);
        area.ticks_left(&mut scene, &y.ticks());
        area.base(&mut scene);
        scene.text(&self.y_name, (30.0, 38.0), TextStyle::new(LARGE));
        let at = |point: &Point| (x.at(point.0), y.at(point.1));
        if let Some(Guide { from, to, name }) = &self.guide {
            let end = at(to);
            scene.dashes(at(from), end, 3.0, 13.0, MUTED);
            let style = TextStyle::new(SMALL).muted().end();
            scene.text(name, (end.0 - 64.0, end.1 + 26.0), style);
        }
        for line in &self.lines {
            for part in line.points.split(|point| !is_finite(point)) {
                match part {
                    [] => {}
                    [only] => scene.circle(at(only), line.width + 2.0, line.color),
                    _ => scene.polyline(part.iter().map(at).collect(), line.width, line.color),
                }
            }
        }
        for dot in self.dots.iter().filter(|dot| is_finite(&dot.at)) {
            scene.circle(at(&dot.at), dot.radius, dot.color);
        }
        scene
    }
}

//! The charts of reports: lines and dots, bars, and a matrix. They are 1000 pixels wide and meant to be shown at half that.

use super::{
    Color, Scene,
    axes::{Area, Axis, number},
    color::{ACCENT, INK, MUTED, PAPER},
    font::TextStyle,
    scene::Point,
};

/// Text size of ticks and remarks.
const SMALL: f64 = 29.0;
/// Text size of names.
const LARGE: f64 = 32.0;

/// Lines and dots over two axes. An axis without a range covers all finite points.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Chart {
    pub height: u32,
    pub x_name: String,
    pub x_range: Option<(f64, f64)>,
    /// Whether the horizontal axis has ticks at whole numbers only.
    pub whole_steps: bool,
    pub y_name: String,
    pub y_range: Option<(f64, f64)>,
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

/// A dashed line to compare with, labeled near its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Guide {
    /// At one height.
    Level(f64, String),
    /// Where both numbers are equal.
    Diagonal(String),
}

fn is_finite(point: &Point) -> bool {
    point.0.is_finite() && point.1.is_finite()
}

impl Chart {
    /// The horizontal axis, and the upward one with a margin.
    fn axes(&self, area: &Area) -> (Axis, Axis) {
        let lines = self.lines.iter().flat_map(|line| line.points.clone());
        let dots = self.dots.iter().map(|dot| dot.at);
        let points: Vec<Point> = lines.chain(dots).filter(is_finite).collect();
        let range = |values: Vec<f64>| {
            values
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                    (low.min(*value), high.max(*value))
                })
        };
        let x_range = || range(points.iter().map(|point| point.0).collect());
        let y_range = || {
            let mut values: Vec<f64> = points.iter().map(|point| point.1).collect();
            if let Some(Guide::Level(level, _)) = &self.guide {
                values.push(*level);
            }
            let (low, high) = range(values);
            let margin = 0.06 * (high - low);
            (low - margin, high + margin)
        };
        let x = area.x(self.x_range.unwrap_or_else(x_range), 8);
        let y = area.y(self.y_range.unwrap_or_else(y_range), 7);
        (if self.whole_steps { x.whole() } else { x }, y)
    }

    pub fn scene(&self) -> Scene {
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
        let remark = TextStyle::new(SMALL).muted().end();
        match &self.guide {
            Some(Guide::Level(level, name)) => {
                let height = y.at(*level);
                let ends = ((area.left, height), (area.right, height));
                scene.dashes(ends.0, ends.1, 3.0, 12.0, MUTED);
                scene.text(name, (area.right - 4.0, height + 26.0), remark);
            }
            Some(Guide::Diagonal(name)) => {
                let ends = ((area.left, area.bottom), (area.right, area.top));
                scene.dashes(ends.0, ends.1, 3.0, 14.0, MUTED);
                scene.text(name, (area.right - 70.0, area.top + 22.0), remark);
            }
            None => {}
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

/// One name with a number in color, and a gray one to compare it with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PairedBar {
    pub name: &'static str,
    pub color: Color,
    pub number: f64,
    pub reference: f64,
}

/// For each name a bar in color and a gray one below it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PairedBars {
    /// What the colored and the gray bars show.
    pub legend: [&'static str; 2],
    /// Follows each number, such as ` %`.
    pub unit: &'static str,
    /// From top to bottom.
    pub bars: Vec<PairedBar>,
}

impl PairedBars {
    pub fn scene(&self) -> Scene {
        let (pitch, gray) = (92.0, MUTED.alpha(0.6));
        let area = Area {
            left: 222.0,
            top: 76.0,
            right: 872.0,
            bottom: 76.0 + pitch * self.bars.len() as f64,
            font: SMALL,
        };
        let mut scene = Scene::new(1000, area.bottom as u32 + 14);
        // The legend: a swatch of all colors, and a gray one.
        let colors: Vec<Color> = self.bars.iter().map(|bar| bar.color).collect();
        let (style, mut x) = (TextStyle::new(SMALL), area.left);
        for (name, colors) in self.legend.into_iter().zip([colors, vec![gray]]) {
            let width = 48.0 / colors.len() as f64;
            for (n, color) in colors.into_iter().enumerate() {
                let left = x + width * n as f64;
                scene.rectangle((left, 16.0), (left + width, 44.0), color);
            }
            scene.text(name, (x + 60.0, 30.0), style);
            x += 100.0 + style.width(name);
        }
        let numbers = self.bars.iter().flat_map(|bar| [bar.number, bar.reference]);
        let largest = numbers.filter(|n| n.is_finite()).fold(1e-9, f64::max);
        let axis = area.x((0.0, largest), 5);
        for (n, bar) in self.bars.iter().enumerate() {
            let middle = area.top + pitch * (n as f64 + 0.5);
            let name = TextStyle::new(LARGE).end();
            scene.text(bar.name, (area.left - 16.0, middle), name);
            for (value, color, top) in [
                (bar.number, bar.color, middle - 36.0),
                (bar.reference, gray, middle + 2.0),
            ] {
                if value.is_finite() {
                    let end = axis.at(value);
                    scene.rectangle((area.left, top), (end, top + 34.0), color);
                    let text = number(value, 1) + self.unit;
                    let style = TextStyle::new(27.0).muted();
                    scene.text(text, (end + 10.0, top + 17.0), style);
                }
            }
        }
        scene.line((area.left, area.top), (area.left, area.bottom), 2.0, INK);
        scene
    }
}

/// A confusion matrix: a row for each true class, a column for each predicted one, in each cell how many songs and
/// which share of the row. `counts[true][predicted]`.
pub(crate) fn matrix(classes: &[&str], counts: &[Vec<usize>]) -> Scene {
    let (left, top, width, height) = (190.0, 150.0, 790.0 / classes.len() as f64, 150.0);
    let mut scene = Scene::new(1000, 166 + 150 * classes.len() as u32);
    let name = TextStyle::new(LARGE);
    scene.text("predicted", (left + 395.0, 36.0), name.center());
    scene.text("true", (10.0, top - 34.0), name);
    for (n, class) in classes.iter().enumerate() {
        let x = left + width * (n as f64 + 0.5);
        scene.text(*class, (x, top - 34.0), name.bold().center());
    }
    for (row, (class, counts)) in classes.iter().zip(counts).enumerate() {
        let y = top + height * row as f64;
        let songs: usize = counts.iter().sum();
        let plural = if songs == 1 { "" } else { "s" };
        scene.text(*class, (10.0, y + 54.0), name.bold());
        let style = TextStyle::new(SMALL).muted();
        scene.text(format!("{songs} song{plural}"), (10.0, y + 100.0), style);
        for (column, count) in counts.iter().enumerate() {
            let x = left + width * column as f64;
            let share = *count as f64 / songs.max(1) as f64;
            let shade = ACCENT.alpha((0.05 + 0.9 * share) as f32);
            let end = (x + width - 3.0, y + height - 3.0);
            scene.rectangle((x + 3.0, y + 3.0), end, shade);
            let color = if share > 0.45 { PAPER } else { INK };
            let middle = x + width / 2.0;
            let style = TextStyle::new(44.0).bold().color(color).center();
            scene.text(count.to_string(), (middle, y + 58.0), style);
            let percent = match songs {
                0 => "–".to_owned(),
                _ => format!("{:.0} %", 100.0 * share),
            };
            let style = TextStyle::new(SMALL).color(color).center();
            scene.text(percent, (middle, y + 107.0), style);
        }
    }
    scene
}

//! A picture as a list of shapes, and its two file formats.

use super::{
    Color,
    color::{INK, PAPER},
    font::TextStyle,
    pixels::encode,
};
use crate::{
    atomic_file,
    error::{Error, Result},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{io::Write as _, path::Path};
use tiny_skia::{ColorU8, Pixmap};

/// Pixels from the left and from the top.
pub(crate) type Point = (f64, f64);

/// A picture: shapes in the order in which they are painted.
pub(crate) struct Scene {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) shapes: Vec<(Shape, Color)>,
}

pub(super) enum Shape {
    Polygon(Vec<Point>),
    /// A line along points and its width; the dashes, and the gaps between them, are as long as the last number, and 0
    /// makes a solid line.
    Line(Vec<Point>, f64, f64),
    /// Center and radius.
    Circle(Point, f64),
    Text(String, Point, TextStyle),
    /// Pixels from their upper left corner on.
    Image(Point, Pixmap),
}

impl Scene {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            shapes: Vec::new(),
        }
    }

    /// A filled rectangle; its edges are rounded to whole pixels, so that neighbors meet.
    pub(crate) fn rectangle(&mut self, from: Point, to: Point, color: Color) {
        let [(left, top), (right, bottom)] = [from, to].map(|(x, y)| (x.round(), y.round()));
        let points = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
        if left != right && top != bottom {
            self.polygon(points, color);
        }
    }

    pub(crate) fn polygon(&mut self, points: Vec<Point>, color: Color) {
        self.shapes.push((Shape::Polygon(points), color));
    }

    pub(crate) fn circle(&mut self, center: Point, radius: f64, color: Color) {
        self.shapes.push((Shape::Circle(center, radius), color));
    }

    /// A line along points.
    pub(crate) fn polyline(&mut self, points: Vec<Point>, width: f64, color: Color) {
        self.shapes.push((Shape::Line(points, width, 0.0), color));
    }

    /// A straight line; one along an axis is moved onto whole pixels, where it is crisp.
    pub(crate) fn line(&mut self, from: Point, to: Point, width: f64, color: Color) {
        self.dashes(from, to, width, 0.0, color);
    }

    /// A straight line of dashes.
    pub(crate) fn dashes(&mut self, from: Point, to: Point, width: f64, dash: f64, color: Color) {
        let (mut points, half) = (vec![from, to], (width / 2.0).fract());
        for point in &mut points {
            if from.0 == to.0 {
                point.0 = (point.0 - half).round() + half;
            }
            if from.1 == to.1 {
                point.1 = (point.1 - half).round() + half;
            }
        }
        self.shapes.push((Shape::Line(points, width, dash), color));
    }

    /// The outline of a rectangle, one pixel wide.
    pub(crate) fn frame(&mut self, from: Point, to: Point) {
        self.line(from, (to.0 + 1.0, from.1), 1.0, INK);
        self.line((from.0, to.1), (to.0 + 1.0, to.1), 1.0, INK);
        self.line(from, (from.0, to.1), 1.0, INK);
        self.line((to.0, from.1), to, 1.0, INK);
    }

    pub(crate) fn text(&mut self, text: impl Into<String>, at: Point, style: TextStyle) {
        let shape = Shape::Text(text.into(), at, style);
        self.shapes.push((shape, style.color));
    }

    /// An image with its upper left corner at a point, each pixel in the color that `pixel` gives for column and row.
    pub(crate) fn image(
        &mut self,
        corner: Point,
        (width, height): (u32, u32),
        pixel: impl Fn(u32, u32) -> Color,
    ) {
        // No pixels, no image.
        let Some(mut image) = Pixmap::new(width, height) else {
            return;
        };
        for (n, target) in (0..).zip(image.pixels_mut()) {
            let [red, green, blue] = pixel(n % width, n / width).rgb;
            *target = ColorU8::from_rgba(red, green, blue, 255).premultiply();
        }
        self.shapes.push((Shape::Image(corner, image), INK));
    }

    /// Title and subtitle above a figure, each cut to the width.
    pub(crate) fn heading(&mut self, title: &str, subtitle: &str, left: f64) {
        let room = f64::from(self.width) - left - 40.0;
        for (text, y, style) in [
            (title, 36.0, TextStyle::new(28.0).bold()),
            (subtitle, 73.0, TextStyle::new(18.0).muted()),
        ] {
            self.text(style.fit(text, room), (left, y), style);
        }
    }

    /// Writes the picture to `path`, as PNG or SVG by its extension. An existing file is replaced once the new one is complete.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for another extension, [`Io`](crate::ErrorKind::Io) if the file cannot be written.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let bytes = match check_extension(path)? {
            false => encode(&self.to_pixels()?)?,
            true => self.to_svg()?.into_bytes(),
        };
        atomic_file::write(path, |file| file.write_all(&bytes))
    }

    /// The picture as an SVG file.
    fn to_svg(&self) -> Result<String> {
        let (width, height) = (self.width, self.height);
        Ok(format!(
            "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"DejaVu Sans, Verdana, sans-serif\" xmlns=\"http://www.w3.org/2000/svg\">\n\
             <rect width=\"{width}\" height=\"{height}\"{}/>\n{}</svg>\n",
            paint("fill", PAPER),
            self.elements()?
        ))
    }

    /// The picture as an SVG element of an HTML page, without a background, as wide as the page allows. `label` describes
    /// it to screen readers. Colors are attributes `fill` and `stroke`, `#RRGGBB` in upper case, so that a style sheet can
    /// replace them.
    ///
    /// # Errors
    /// [`Internal`](crate::ErrorKind::Internal) if an image in it cannot be encoded.
    pub(crate) fn inline_svg(&self, label: &str) -> Result<String> {
        Ok(format!(
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n",
            self.width,
            self.height,
            escape(label),
            self.elements()?
        ))
    }

    fn elements(&self) -> Result<String> {
        let mut svg = String::new();
        for (shape, color) in &self.shapes {
            svg += &element(shape, *color)?;
            svg.push('\n');
        }
        Ok(svg)
    }
}

/// One shape in SVG.
fn element(shape: &Shape, color: Color) -> Result<String> {
    let fill = paint("fill", color);
    Ok(match shape {
        Shape::Polygon(points) => format!("<polygon points=\"{}\"{fill}/>", coordinates(points)),
        Shape::Line(points, width, dash) => {
            let mut stroke = paint("stroke", color);
            if *dash > 0.0 {
                stroke += &format!(" stroke-dasharray=\"{dash}\"");
            }
            format!(
                "<polyline points=\"{}\" fill=\"none\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{stroke}/>",
                coordinates(points)
            )
        }
        Shape::Circle(center, radius) => {
            let [x, y, radius] = [center.0, center.1, *radius].map(rounded);
            format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"{fill}/>")
        }
        Shape::Text(text, at, style) => {
            let [x, y, base] = [at.0, at.1, at.1 + style.baseline()].map(rounded);
            let mut attributes = fill;
            if style.anchor > 0.0 {
                let anchor = if style.anchor == 1.0 { "end" } else { "middle" };
                attributes += &format!(" text-anchor=\"{anchor}\"");
            }
            if style.bold {
                attributes += " font-weight=\"bold\"";
            }
            if style.upright {
                attributes += &format!(" transform=\"rotate(-90 {x} {y})\"");
            }
            let (size, text) = (style.size, escape(text));
            format!("<text x=\"{x}\" y=\"{base}\" font-size=\"{size}\"{attributes}>{text}</text>")
        }
        Shape::Image((x, y), image) => {
            let (width, height) = (image.width(), image.height());
            let file = STANDARD.encode(encode(image)?);
            format!(
                "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" href=\"data:image/png;base64,{file}\"/>"
            )
        }
    })
}

/// To hundredths of a pixel.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn coordinates(points: &[Point]) -> String {
    let pair = |(x, y): &Point| format!("{},{}", rounded(*x), rounded(*y));
    points.iter().map(pair).collect::<Vec<_>>().join(" ")
}

/// A color as an attribute, with another for its opacity.
fn paint(attribute: &str, color: Color) -> String {
    let [red, green, blue] = color.rgb;
    let opacity = match color.alpha < 1.0 {
        true => format!(" {attribute}-opacity=\"{}\"", color.alpha),
        false => String::new(),
    };
    format!(" {attribute}=\"#{red:02X}{green:02X}{blue:02X}\"{opacity}")
}

/// Whether a picture is written as SVG or as PNG, by the extension of its name. Called before long work.
///
/// # Errors
/// [`InvalidInput`](crate::ErrorKind::InvalidInput) for an extension other than `.png` and `.svg`.
pub(crate) fn check_extension(path: &Path) -> Result<bool> {
    let extension = path.extension().unwrap_or_default();
    let is_svg = extension.eq_ignore_ascii_case("svg");
    if is_svg || extension.eq_ignore_ascii_case("png") {
        return Ok(is_svg);
    }
    let expected = "expected a picture with the extension .png or .svg";
    Err(Error::invalid(expected).with_path(path))
}

/// Text for SVG or HTML: markup is escaped, and characters that no document may hold become U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(letter),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

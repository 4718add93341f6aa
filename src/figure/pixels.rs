//! A scene as pixels, and pixels as PNG.

use super::{
    Color, Scene,
    color::PAPER,
    scene::{Point, Shape},
};
use crate::error::{Context as _, Error, ErrorKind, Result};
use tiny_skia::{
    FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Stroke, StrokeDash,
    Transform,
};

impl Scene {
    /// The picture's pixels.
    pub(super) fn to_pixels(&self) -> Result<Pixmap> {
        let mut pixels = Pixmap::new(self.width, self.height)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a picture is too large"))?;
        pixels.fill(skia(PAPER));
        for (shape, color) in &self.shapes {
            draw(&mut pixels, shape, *color);
        }
        Ok(pixels)
    }
}

/// Pixels as a PNG file.
pub(super) fn encode(pixels: &Pixmap) -> Result<Vec<u8>> {
    pixels
        .encode_png()
        .context(ErrorKind::Internal, "cannot encode a picture as PNG")
}

fn draw(pixels: &mut Pixmap, shape: &Shape, color: Color) {
    let mut paint = Paint::default();
    paint.set_color(skia(color));
    let still = Transform::identity();
    let filled = match shape {
        Shape::Polygon(points) => path(points, true),
        Shape::Circle((x, y), radius) => {
            PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32)
        }
        Shape::Text(text, at, style) => style.outline(text, *at),
        Shape::Line(points, width, dash) => {
            let stroke = Stroke {
                width: *width as f32,
                line_join: LineJoin::Round,
                dash: StrokeDash::new(vec![*dash as f32; 2], 0.0),
                ..Stroke::default()
            };
            if let Some(path) = path(points, false) {
                pixels.stroke_path(&path, &paint, &stroke, still, None);
            }
            None
        }
        Shape::Image((x, y), image) => {
            let (x, y, image) = (*x as i32, *y as i32, image.as_ref());
            pixels.draw_pixmap(x, y, image, &PixmapPaint::default(), still, None);
            None
        }
    };
    if let Some(path) = filled {
        pixels.fill_path(&path, &paint, FillRule::Winding, still, None);
    }
}

fn path(points: &[Point], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (n, (x, y)) in points.iter().enumerate() {
        match n {
            0 => path.move_to(*x as f32, *y as f32),
            _ => path.line_to(*x as f32, *y as f32),
        }
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn skia(color: Color) -> tiny_skia::Color {
    let [red, green, blue] = color.rgb;
    tiny_skia::Color::from_rgba8(red, green, blue, (color.alpha * 255.0).round() as u8)
}

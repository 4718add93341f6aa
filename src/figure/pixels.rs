//! A scene as pixels, and pixels as PNG.

use super::{
    Color, Scene,
    color::PAPER,
    scene::{Point, Shape},
};
use crate::error::{Context as _, Error, ErrorKind, Result};
use tiny_skia::{
    FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, PixmapPaint, PremultipliedColorU8,
    Stroke, StrokeDash, Transform,
};

impl Scene {
    /// The picture's pixels.
    pub(super) fn to_pixels(&self) -> Result<Pixmap> {
        self.scaled(1.0)
    }

    fn scaled(&self, scale: f32) -> Result<Pixmap> {
        let [width, height] = [self.width, self.height].map(|side| (side as f32 * scale) as u32);
        let mut pixels = Pixmap::new(width, height)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a picture is too large or empty"))?;
        pixels.fill(skia(PAPER));
        for (shape, color) in &self.shapes {
            draw(
                &mut pixels,
                shape,
                *color,
                Transform::from_scale(scale, scale),
            );
        }
        Ok(pixels)
    }

    /// The picture as a PNG file.
    pub(crate) fn to_png(&self) -> Result<Vec<u8>> {
        encode(&self.to_pixels()?)
    }

    /// The picture scaled to a width of `width` pixels: rows of red, green and blue.
    pub(crate) fn to_rgb(&self, width: u32) -> Result<Vec<Vec<[u8; 3]>>> {
        let pixels = self.scaled(width as f32 / self.width as f32)?;
        // The paper is opaque, so that premultiplied colors are the colors.
        let rows = pixels.pixels().chunks(pixels.width() as usize);
        let rgb = |row: &[PremultipliedColorU8]| {
            row.iter()
                .map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
                .collect()
        };
        Ok(rows.map(rgb).collect())
    }
}

/// Pixels as a PNG file.
pub(super) fn encode(pixels: &Pixmap) -> Result<Vec<u8>> {
    pixels
        .encode_png()
        .context(ErrorKind::Internal, "cannot encode a picture as PNG")
}

fn draw(pixels: &mut Pixmap, shape: &Shape, color: Color, scale: Transform) {
    let mut paint = Paint::default();
    paint.set_color(skia(color));
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
                pixels.stroke_path(&path, &paint, &stroke, scale, None);
            }
            None
        }
        Shape::Image((x, y), image) => {
            let (x, y, image) = (*x as i32, *y as i32, image.as_ref());
            pixels.draw_pixmap(x, y, image, &PixmapPaint::default(), scale, None);
            None
        }
    };
    if let Some(path) = filled {
        pixels.fill_path(&path, &paint, FillRule::Winding, scale, None);
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

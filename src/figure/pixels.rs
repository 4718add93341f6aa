//! A scene as pixels, and pixels as PNG.

use super::{
    Color, Scene,
    color::PAPER,
    scene::{Image, Point, Shape},
};
use crate::error::{Context as _, Error, ErrorKind, Result};
use tiny_skia::{
    FillRule, IntSize, LineJoin, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Rect, Stroke,
    StrokeDash, Transform,
};

impl Scene {
    /// The picture as a PNG file.
    pub(super) fn to_png(&self) -> Result<Vec<u8>> {
        encode(&self.to_pixels()?)
    }

    /// The picture's pixels.
    pub(super) fn to_pixels(&self) -> Result<Pixmap> {
        let mut pixels = Pixmap::new(self.width, self.height).ok_or_else(too_large)?;
        pixels.fill(skia(PAPER));
        for shape in &self.shapes {
            draw(&mut pixels, shape)?;
        }
        Ok(pixels)
    }
}

impl Image {
    /// The image as a PNG file.
    pub(super) fn to_png(&self) -> Result<Vec<u8>> {
        encode(&self.to_pixels()?)
    }

    fn to_pixels(&self) -> Result<Pixmap> {
        IntSize::from_wh(self.width, self.height)
            .and_then(|size| Pixmap::from_vec(self.rgba.clone(), size))
            .ok_or_else(too_large)
    }
}

fn too_large() -> Error {
    Error::new(
        ErrorKind::Internal,
        "a picture without pixels, or with too many",
    )
}

fn encode(pixels: &Pixmap) -> Result<Vec<u8>> {
    pixels
        .encode_png()
        .context(ErrorKind::Internal, "cannot encode a picture as PNG")
}

fn draw(pixels: &mut Pixmap, shape: &Shape) -> Result<()> {
    match shape {
        Shape::Rectangle {
            corner,
            size,
            color,
        } => {
            let [x, y, width, height] = [corner.0, corner.1, size.0, size.1].map(|it| it as f32);
            let path = Rect::from_xywh(x, y, width, height).map(PathBuilder::from_rect);
            fill(pixels, path, *color);
        }
        Shape::Polygon { points, color } => fill(pixels, path(points, true), *color),
        Shape::Circle {
            center,
            radius,
            color,
        } => {
            let [x, y, radius] = [center.0, center.1, *radius].map(|it| it as f32);
            fill(pixels, PathBuilder::from_circle(x, y, radius), *color);
        }
        Shape::Text { text, at, style } => fill(pixels, style.outline(text, *at), style.color),
        Shape::Line {
            points,
            width,
            dash,
            color,
        } => {
            let dash = *dash as f32;
            let stroke = Stroke {
                width: *width as f32,
                line_join: LineJoin::Round,
                dash: StrokeDash::new(vec![dash, dash], 0.0),
                ..Stroke::default()
            };
            if let Some(path) = path(points, false) {
                pixels.stroke_path(&path, &paint(*color), &stroke, Transform::identity(), None);
            }
        }
        Shape::Image { corner, image } => pixels.draw_pixmap(
            corner.0 as i32,
            corner.1 as i32,
            image.to_pixels()?.as_ref(),
            &PixmapPaint::default(),
            Transform::identity(),
            None,
        ),
    }
    Ok(())
}

fn fill(pixels: &mut Pixmap, path: Option<Path>, color: Color) {
    if let Some(path) = path {
        let rule = FillRule::Winding;
        pixels.fill_path(&path, &paint(color), rule, Transform::identity(), None);
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

fn paint(color: Color) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(skia(color));
    paint
}

fn skia(color: Color) -> tiny_skia::Color {
    let [red, green, blue] = color.rgb;
    tiny_skia::Color::from_rgba8(red, green, blue, (color.alpha * 255.0).round() as u8)
}

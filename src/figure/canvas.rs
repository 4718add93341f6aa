//! What pictures are drawn on, and how they become files.

use super::{
    ink::Ink,
    palette::MUTED,
    text::{BOLD, Line, REGULAR},
};
use plotters::{
    coord::Shift,
    drawing::DrawingAreaErrorKind,
    prelude::*,
    style::{
        register_font,
        text_anchor::{HPos, VPos},
    },
};
use std::{cell::RefCell, sync::OnceLock};

/// Name of the typeface, [DejaVu Sans](https://dejavu-fonts.github.io), a part of which is inside the program.
pub const FONT: &str = "DejaVu Sans";

/// What drawing gives on the backend `B`.
pub type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// A picture.
pub trait Figure {
    /// Width and height in pixels.
    fn size(&self) -> (u32, u32);

    /// Draws it. The canvas is blank.
    ///
    /// # Errors
    /// What the backend says; pass it on.
    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B>;
}

/// Tells plotters of the typeface, once. [`super::save`] does it by itself; call it before drawing with plotters directly.
pub fn register_fonts() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        for (style, bytes) in [(FontStyle::Normal, REGULAR), (FontStyle::Bold, BOLD)] {
            // The bytes are inside the program and known to be a font: a test draws with both.
            let _ = register_font(FONT, style, bytes);
        }
    });
}

/// A blank sheet; the point (0, 0) is its upper left corner.
pub struct Canvas<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    lettering: Lettering,
    /// Where the backend takes lines and letters only: what [`Canvas::pixels`] was given.
    pictures: RefCell<Vec<Picture>>,
}

/// Pixels at their place.
pub(super) struct Picture {
    /// Of the upper left corner.
    pub at: (i32, i32),
    /// Pixels in a row.
    pub width: u32,
    /// Rows of red, green and blue bytes.
    pub rgb: Vec<u8>,
}

/// Who draws letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lettering {
    /// We do, pixel by pixel.
    Pixels,
    /// The backend does; it in turn has no pixels.
    Backend,
}

impl<'a, B: DrawingBackend> Canvas<'a, B> {
    pub(super) fn new(area: &'a DrawingArea<B, Shift>, lettering: Lettering) -> Self {
        Self {
            area,
            lettering,
            pictures: RefCell::default(),
        }
    }

    /// What [`Canvas::pixels`] was given and the backend did not draw.
    pub(super) fn into_pictures(self) -> Vec<Picture> {
        self.pictures.into_inner()
    }

    /// The sheet as plotters sees it, for charts of its own.
    pub fn area(&self) -> &DrawingArea<B, Shift> {
        self.area
    }

    /// A line of text at a point.
    ///
    /// # Errors
    /// What the backend says.
    pub fn text(&self, text: &str, at: (i32, i32), ink: &Ink) -> Drawn<B> {
        if self.lettering == Lettering::Backend {
            return self.area.draw_text(text, &ink.style(), at);
        }
        let line = Line::new(text, ink.size, ink.bold);
        let along = match ink.horizontal {
            HPos::Left => 0.0,
            HPos::Center => -0.5 * line.width,
            HPos::Right => -line.width,
        };
        let down = match ink.vertical {
            VPos::Top => line.ascent,
            VPos::Center => 0.5 * line.digit_height,
            VPos::Bottom => -line.descent,
        };
        let (start, base) = (along.floor() as i32, down.round() as i32);
        line.cover(along - along.floor(), |x, y, share| {
            let (along, down) = (start + x, base + y);
            let (x, y) = if ink.upright {
                (down, -along)
            } else {
                (along, down)
            };
            let color = ink.color.mix(f64::from(share));
            self.area.draw_pixel((at.0 + x, at.1 + y), &color)
        })
    }

    /// Width of a text in pixels, rounded up.
    pub fn text_width(&self, text: &str, ink: &Ink) -> u32 {
        Line::new(text, ink.size, ink.bold).width.ceil() as u32
    }

    /// As much of `text` as fits into `width` pixels, with an ellipsis where something is missing.
    pub fn fit(&self, text: &str, width: u32, ink: &Ink) -> String {
        if self.text_width(text, ink) <= width {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().take(width as usize).collect();
        while kept.pop().is_some() {
            let shorter = kept.iter().collect::<String>() + "…";
            if self.text_width(&shorter, ink) <= width {
                return shorter;
            }
        }
        String::new()
    }

    /// Title and subtitle in the upper left corner, each cut to `width` pixels.
    ///
    /// # Errors
    /// What the backend says.
    pub fn heading(&self, title: &str, subtitle: &str, left: i32, width: u32) -> Drawn<B> {
        for (text, y, ink) in [
            (title, 18, Ink::new(34).bold()),
            (subtitle, 61, Ink::new(21).color(MUTED)),
        ] {
            self.text(&self.fit(text, width, &ink), (left, y), &ink)?;
        }
        Ok(())
    }

    /// A line one pixel wide.
    ///
    /// # Errors
    /// What the backend says.
    pub fn line(&self, from: (i32, i32), to: (i32, i32), color: &impl Color) -> Drawn<B> {
        self.area
            .draw(&PathElement::new([from, to], color.stroke_width(1)))
    }

    /// A line along points.
    ///
    /// # Errors
    /// What the backend says.
    pub fn stroke(
        &self,
        points: impl Into<Vec<(i32, i32)>>,
        width: u32,
        color: &impl Color,
    ) -> Drawn<B> {
        let path = PathElement::new(points.into(), color.stroke_width(width));
        self.area.draw(&path)
    }

    /// A straight line in dashes and gaps of `dash` pixels.
    ///
    /// # Errors
    /// What the backend says.
    pub fn dashes(
        &self,
        from: (i32, i32),
        to: (i32, i32),
        dash: u32,
        width: u32,
        color: &impl Color,
    ) -> Drawn<B> {
        let (along, down) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
        let length = along.hypot(down);
        let point = |distance: f64| {
            let share = (distance / length).min(1.0);
            (
                from.0 + (share * along).round() as i32,
                from.1 + (share * down).round() as i32,
            )
        };
        let dash = f64::from(dash.max(1));
        let mut start = 0.0;
        while start < length {
            self.stroke([point(start), point(start + dash)], width, color)?;
            start += 2.0 * dash;
        }
        Ok(())
    }

    /// A filled rectangle.
    ///
    /// # Errors
    /// What the backend says.
    pub fn block(&self, corner: (i32, i32), opposite: (i32, i32), color: &impl Color) -> Drawn<B> {
        self.area
            .draw(&Rectangle::new([corner, opposite], color.filled()))
    }

    /// A filled circle.
    ///
    /// # Errors
    /// What the backend says.
    pub fn dot(&self, centre: (i32, i32), radius: u32, color: &impl Color) -> Drawn<B> {
        self.area.draw(&Circle::new(centre, radius, color.filled()))
    }

    /// The outline of a rectangle, its corners included.
    ///
    /// # Errors
    /// What the backend says.
    pub fn frame(&self, corner: (i32, i32), opposite: (i32, i32), color: &impl Color) -> Drawn<B> {
        let shape = Rectangle::new([corner, opposite], color.stroke_width(1));
        self.area.draw(&shape)
    }

    /// Pixels with their upper left corner at `at`: rows of red, green and blue bytes, `width` pixels each. In an SVG
    /// they lie below all lines and letters.
    ///
    /// # Errors
    /// What the backend says.
    pub fn pixels(&self, at: (i32, i32), width: u32, rgb: Vec<u8>) -> Drawn<B> {
        if self.lettering == Lettering::Backend {
            self.pictures.borrow_mut().push(Picture { at, width, rgb });
            return Ok(());
        }
        let height = rgb.len() / 3 / width.max(1) as usize;
        match BitMapElement::with_owned_buffer(at, (width, height as u32), rgb) {
            Some(bitmap) => {
                let bitmap: BitMapElement<'_, _> = bitmap;
                self.area.draw(&bitmap)
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::save::pixels_of;

    /// Left, right, upper and lower end of what is not paper.
    fn bounds(pixels: &[u8], width: usize) -> [usize; 4] {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for (index, pixel) in pixels.chunks_exact(3).enumerate() {
            if pixel.iter().any(|value| *value < 200) {
                x.push(index % width);
                y.push(index / width);
            }
        }
        let ends = |of: &[usize]| (*of.iter().min().unwrap(), *of.iter().max().unwrap());
        let ((left, right), (top, bottom)) = (ends(&x), ends(&y));
        [left, right, top, bottom]
    }

    #[test]
    fn text_stands_where_it_is_anchored() {
        struct At(Ink);
        impl Figure for At {
            fn size(&self) -> (u32, u32) {
                (200, 200)
            }
            fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
                canvas.text("1234", (100, 100), &self.0)
            }
        }
        let bounds = |ink| bounds(&pixels_of(&At(ink)).unwrap(), 200);
        let near = |found: usize, expected: usize| found.abs_diff(expected) <= 3;
        let [left, right, top, bottom] = bounds(Ink::new(30).centred().middle());
        assert!(near(left + right, 200) && near(top + bottom, 200));
        assert!(right - left > bottom - top);
        assert!(near(bounds(Ink::new(30))[0], 100) && bounds(Ink::new(30))[2] >= 100);
        assert!(near(bounds(Ink::new(30).right())[1], 100));
        assert!(bounds(Ink::new(30).bottom())[3] <= 100);
        let [left, right, top, bottom] = bounds(Ink::new(30).upwards().centred().middle());
        assert!(near(left + right, 200) && near(top + bottom, 200));
        assert!(bottom - top > right - left);
    }

    #[test]
    fn a_text_that_is_too_long_ends_in_an_ellipsis() {
        struct Long;
        impl Figure for Long {
            fn size(&self) -> (u32, u32) {
                (10, 10)
            }
            fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
                let ink = Ink::new(20);
                let fitted = canvas.fit(&"song ".repeat(100), 150, &ink);
                assert!(
                    fitted.starts_with("song") && fitted.ends_with('…'),
                    "{fitted}"
                );
                assert!(canvas.text_width(&fitted, &ink) <= 150);
                assert_eq!(canvas.fit("song", 150, &ink), "song");
                assert_eq!(canvas.fit("song", 0, &ink), "");
                Ok(())
            }
        }
        pixels_of(&Long).unwrap();
    }
}

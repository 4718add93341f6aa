//! The embedded typeface, [DejaVu Sans](https://dejavu-fonts.github.io): widths of texts and outlines of letters.

use std::sync::OnceLock;
use tiny_skia::{Path, PathBuilder, Transform};
use ttf_parser::{Face, OutlineBuilder};

static REGULAR: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans-subset.ttf");
static BOLD: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans-Bold-subset.ttf");

/// The typeface in one weight. `None` if the embedded bytes are not a font, which a test rules out.
fn face(bold: bool) -> Option<&'static Face<'static>> {
    static FACES: [OnceLock<Option<Face<'static>>>; 2] = [OnceLock::new(), OnceLock::new()];
    let bytes = if bold { BOLD } else { REGULAR };
    FACES[usize::from(bold)]
        .get_or_init(|| Face::parse(bytes, 0).ok())
        .as_ref()
}

/// How a text looks. By default it starts at its point, vertically centered on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextStyle {
    /// Pixels of an em.
    pub size: f64,
    pub color: super::Color,
    pub bold: bool,
    /// Read from bottom to top.
    pub upright: bool,
    /// The part of the width that lies before the point: 0, 0.5 or 1.
    pub anchor: f64,
}

impl TextStyle {
    pub(crate) fn new(size: f64) -> Self {
        Self {
            size,
            color: super::color::INK,
            bold: false,
            upright: false,
            anchor: 0.0,
        }
    }

    pub(crate) fn color(self, color: super::Color) -> Self {
        Self { color, ..self }
    }

    pub(crate) fn muted(self) -> Self {
        self.color(super::MUTED)
    }

    pub(crate) fn bold(mut self) -> Self {
        self.bold = true;
        self
    }

    /// Read from bottom to top.
    pub(crate) fn upright(mut self) -> Self {
        self.upright = true;
        self
    }

    /// Centered on the point.
    pub(crate) fn center(mut self) -> Self {
        self.anchor = 0.5;
        self
    }

    /// Ends at the point.
    pub(crate) fn end(mut self) -> Self {
        self.anchor = 1.0;
        self
    }

    /// Distance of the baseline below the point: half the height of a digit.
    pub(super) fn baseline(&self) -> f64 {
        0.365 * self.size
    }

    /// Width of a text in pixels.
    pub(crate) fn width(&self, text: &str) -> f64 {
        let Some(face) = face(self.bold) else {
            return 0.0;
        };
        let units: f64 = text.chars().map(|letter| advance(face, letter)).sum();
        units * self.size / f64::from(face.units_per_em())
    }

    /// As much of `text` as fits into `width` pixels, with an ellipsis if something is cut off.
    pub(crate) fn fit(&self, text: &str, width: f64) -> String {
        if self.width(text) <= width {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().take(width as usize).collect();
        while kept.pop().is_some() {
            let shorter = kept.iter().collect::<String>() + "…";
            if self.width(&shorter) <= width {
                return shorter;
            }
        }
        String::new()
    }

    /// The outlines of a text at a point. `None` if there are none, as of a space.
    pub(super) fn outline(&self, text: &str, (x, y): (f64, f64)) -> Option<Path> {
        let face = face(self.bold)?;
        let mut outline = Outline {
            path: PathBuilder::new(),
            left: 0.0,
        };
        for letter in text.chars() {
            face.outline_glyph(face.glyph_index(letter).unwrap_or_default(), &mut outline);
            outline.left += advance(face, letter) as f32;
        }
        let scale = (self.size / f64::from(face.units_per_em())) as f32;
        let start = -self.anchor * self.width(text);
        let turn = if self.upright { -90.0 } else { 0.0 };
        // Letters of a font point upward, pixels count downward.
        let place = Transform::from_scale(scale, -scale)
            .post_translate(start as f32, self.baseline() as f32)
            .post_rotate(turn)
            .post_translate(x as f32, y as f32);
        outline.path.finish()?.transform(place)
    }
}

fn advance(face: &Face<'_>, letter: char) -> f64 {
    let glyph = face.glyph_index(letter).unwrap_or_default();
    face.glyph_hor_advance(glyph).map_or(0.0, f64::from)
}

/// Glyphs one after another in font units.
struct Outline {
    path: PathBuilder,
    left: f32,
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.left + x, y);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.left + x, y);
    }
    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.quad_to(self.left + x1, y1, self.left + x, y);
    }
    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let left = self.left;
        self.path
            .cubic_to(left + x1, y1, left + x2, y2, left + x, y);
    }
    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(style: TextStyle, text: &str) -> [f32; 4] {
        let bounds = style.outline(text, (100.0, 100.0)).unwrap().bounds();
        [bounds.left(), bounds.right(), bounds.top(), bounds.bottom()]
    }

    #[test]
    fn both_weights_are_embedded_and_bold_is_wider() {
        let text = "Ärger Ελλάς Музыка";
        let style = TextStyle::new(30.0);
        assert!(style.width(text) > 200.0);
        assert!(style.bold().width(text) > 1.05 * style.width(text));
        assert!(style.outline(text, (0.0, 0.0)).is_some());
        assert!(style.outline(" ", (0.0, 0.0)).is_none());
    }

    #[test]
    fn text_is_anchored_at_its_point_and_centered_on_its_height() {
        let near = |found: f32, expected: f32| (found - expected).abs() <= 4.0;
        let style = TextStyle::new(30.0);
        let [left, right, top, bottom] = bounds(style.center(), "1234");
        assert!(near(left + right, 200.0) && near(top + bottom, 200.0));
        assert!(right - left > bottom - top);
        assert!(near(bounds(style, "1234")[0], 100.0));
        assert!(near(bounds(style.end(), "1234")[1], 100.0));
        let [left, right, top, bottom] = bounds(style.upright().center(), "1234");
        assert!(near(left + right, 200.0) && near(top + bottom, 200.0));
        assert!(bottom - top > right - left);
        assert!(near(bounds(style.upright(), "1234")[3], 100.0));
    }

    #[test]
    fn a_text_that_is_too_long_ends_in_an_ellipsis() {
        let style = TextStyle::new(20.0);
        let fitted = style.fit(&"song ".repeat(100), 150.0);
        assert!(fitted.starts_with("song") && fitted.ends_with('…'));
        assert!(style.width(&fitted) <= 150.0);
        assert_eq!(style.fit("song", 150.0), "song");
        assert_eq!(style.fit("song", 0.0), "");
    }
}

//! Lettering: where each glyph of a line of text stands, and how much of each pixel it covers.
//!
//! plotters' own rasteriser leaves out the side bearings of glyphs and moves each to a whole pixel, which makes for
//! uneven words; SVG viewers set the text themselves.

use ab_glyph::{Font, FontRef, Glyph, InvalidFont, ScaleFont, point};
use std::sync::OnceLock;

pub(super) static REGULAR: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans-subset.ttf");
pub(super) static BOLD: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans-Bold-subset.ttf");

/// Height of a digit in the unit of the font's height from its highest to its lowest point.
const DIGIT_HEIGHT: f32 = 0.626;

/// The typeface in one weight. `None` where the bytes inside the program are no font, which a test excludes.
fn font(bold: bool) -> Option<&'static FontRef<'static>> {
    type Loaded = Result<FontRef<'static>, InvalidFont>;
    static FONTS: [OnceLock<Loaded>; 2] = [OnceLock::new(), OnceLock::new()];
    let bytes = if bold { BOLD } else { REGULAR };
    let loaded = FONTS[usize::from(bold)].get_or_init(|| FontRef::try_from_slice(bytes));
    loaded.as_ref().ok()
}

/// One line of text, set with its start at (0, 0) on the baseline.
pub(super) struct Line {
    font: Option<&'static FontRef<'static>>,
    glyphs: Vec<Glyph>,
    /// From the start of the first letter to the end of the last, in pixels.
    pub width: f32,
    /// Of the highest letter above the baseline.
    pub ascent: f32,
    /// Of the lowest letter below the baseline, positive.
    pub descent: f32,
    /// Of a digit above the baseline.
    pub digit_height: f32,
}

impl Line {
    /// Sets `text`, `size` pixels from the highest to the lowest letter.
    pub fn new(text: &str, size: u32, bold: bool) -> Self {
        let mut line = Self {
            font: font(bold),
            glyphs: Vec::new(),
            width: 0.0,
            ascent: 0.0,
            descent: 0.0,
            digit_height: DIGIT_HEIGHT * size as f32,
        };
        let Some(font) = line.font else {
            return line;
        };
        let scaled = font.as_scaled(size as f32);
        (line.ascent, line.descent) = (scaled.ascent(), -scaled.descent());
        let mut previous = None;
        for letter in text.chars() {
            let id = scaled.glyph_id(letter);
            if let Some(previous) = previous {
                line.width += scaled.kern(previous, id);
            }
            line.glyphs
                .push(id.with_scale_and_position(size as f32, point(line.width, 0.0)));
            line.width += scaled.h_advance(id);
            previous = Some(id);
        }
        line
    }

    /// Calls `paint` with every pixel that a letter covers, relative to the start on the baseline (x to the right, y
    /// down), and the share of it that is covered. `offset`, 0 to 1, moves the line by a part of a pixel to the right.
    pub fn cover<E>(
        &self,
        offset: f32,
        mut paint: impl FnMut(i32, i32, f32) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(font) = self.font else {
            return Ok(());
        };
        let mut result = Ok(());
        for glyph in &self.glyphs {
            let mut glyph = glyph.clone();
            glyph.position.x += offset;
            let Some(outline) = font.outline_glyph(glyph) else {
                continue; // a space
            };
            let corner = outline.px_bounds().min;
            outline.draw(|x, y, share| {
                if result.is_ok() && share > 0.0 {
                    let (x, y) = (corner.x as i32 + x as i32, corner.y as i32 + y as i32);
                    result = paint(x, y, share.min(1.0));
                }
            });
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn covered(line: &Line) -> (f32, [i32; 4]) {
        let (mut sum, mut bounds) = (0.0, [i32::MAX, i32::MIN, i32::MAX, i32::MIN]);
        line.cover(0.0, |x, y, share| {
            sum += share;
            let [left, right, top, bottom] = bounds;
            bounds = [left.min(x), right.max(x), top.min(y), bottom.max(y)];
            Ok::<(), Infallible>(())
        })
        .unwrap();
        (sum, bounds)
    }

    #[test]
    fn both_weights_are_inside_the_program_and_bold_is_blacker() {
        let (regular, _) = covered(&Line::new("Ärger Ελλάς Музыка", 30, false));
        let (bold, _) = covered(&Line::new("Ärger Ελλάς Музыка", 30, true));
        assert!(
            regular > 1_000.0 && bold > 1.2 * regular,
            "{regular} {bold}"
        );
    }

    #[test]
    fn letters_stay_inside_the_box_of_their_line() {
        let line = Line::new("Àgqj|Ω", 40, false);
        let (_, [left, right, top, bottom]) = covered(&line);
        assert!(left >= 0 && right as f32 <= line.width);
        assert!(top as f32 >= -line.ascent - 1.0 && bottom as f32 <= line.descent + 1.0);
    }

    #[test]
    fn digits_are_as_high_as_they_are_said_to_be() {
        // Round digits reach a little further.
        let line = Line::new("147", 100, false);
        let (_, [_, _, top, bottom]) = covered(&line);
        let height = (bottom - top + 1) as f32;
        assert!((height - line.digit_height).abs() < 3.0, "{height}");
    }
}

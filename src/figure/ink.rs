//! How a text looks.

use super::{canvas::FONT, palette::INK};
use plotters::{
    prelude::*,
    style::{
        FontTransform,
        text_anchor::{HPos, Pos, VPos},
    },
};

/// How a text looks. By default in [`INK`], regular, its left end at the point given and its upper edge there.
#[derive(Clone)]
pub struct Ink {
    pub(super) size: u32,
    pub(super) color: RGBColor,
    pub(super) bold: bool,
    pub(super) upright: bool,
    pub(super) horizontal: HPos,
    pub(super) vertical: VPos,
}

impl Ink {
    /// Text of `size` pixels from the highest to the lowest letter.
    pub fn new(size: u32) -> Self {
        Self {
            size,
            color: INK,
            bold: false,
            upright: false,
            horizontal: HPos::Left,
            vertical: VPos::Top,
        }
    }

    /// In another colour.
    pub fn color(self, color: RGBColor) -> Self {
        Self { color, ..self }
    }

    /// In bold letters.
    pub fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// Centred on the point from left to right.
    pub fn centred(self) -> Self {
        Self {
            horizontal: HPos::Center,
            ..self
        }
    }

    /// Ends at the point.
    pub fn right(self) -> Self {
        Self {
            horizontal: HPos::Right,
            ..self
        }
    }

    /// Centred on the point from top to bottom.
    pub fn middle(self) -> Self {
        Self {
            vertical: VPos::Center,
            ..self
        }
    }

    /// Stands on the point.
    pub fn bottom(self) -> Self {
        Self {
            vertical: VPos::Bottom,
            ..self
        }
    }

    /// Read from bottom to top.
    pub fn upwards(self) -> Self {
        Self {
            upright: true,
            ..self
        }
    }

    /// For a backend that draws letters itself.
    pub(super) fn style(&self) -> TextStyle<'_> {
        let weight = if self.bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let turn = if self.upright {
            FontTransform::Rotate270
        } else {
            FontTransform::None
        };
        let font = FontDesc::new(FontFamily::Name(FONT), f64::from(self.size), weight);
        let style = TextStyle::from(font.transform(turn));
        style
            .color(&self.color)
            .pos(Pos::new(self.horizontal, self.vertical))
    }
}

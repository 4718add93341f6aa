//! Two numbers for each of several names, as bars.

use super::{Canvas, Drawn, Figure, INK, Ink, MUTED, axes::Axis};
use plotters::{
    prelude::DrawingBackend,
    style::{Color, RGBColor},
};

/// Where bars begin and where the longest may end.
const LEFT: i32 = 222;
const RIGHT: i32 = 872;
/// Height of one name's two bars with the space between names.
const PITCH: i32 = 92;
const TOP: i32 = 76;

/// One name with its two numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedBar {
    /// The name.
    pub name: &'static str,
    /// The colour of its first bar; the second is grey.
    pub color: RGBColor,
    /// The number that the picture is about, at least 0.
    pub number: f64,
    /// What to compare it with, at least 0.
    pub reference: f64,
}

/// For each name a bar in colour and a grey one below it.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedBars {
    /// What the coloured bars are.
    pub number_name: String,
    /// What the grey bars are.
    pub reference_name: String,
    /// Behind each number, such as ` %`.
    pub unit: &'static str,
    /// From top to bottom.
    pub bars: Vec<PairedBar>,
}

impl Figure for PairedBars {
    fn size(&self) -> (u32, u32) {
        (
            1000,
            (TOP + 14) as u32 + PITCH as u32 * self.bars.len() as u32,
        )
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let numbers = self.bars.iter().flat_map(|bar| [bar.number, bar.reference]);
        let largest = numbers.filter(|n| n.is_finite()).fold(0.0, f64::max);
        let axis = Axis::new((0.0, largest.max(1e-9)), (LEFT, RIGHT), 5);
        let bottom = TOP + PITCH * self.bars.len() as i32;
        self.draw_legend(canvas)?;
        for (place, bar) in self.bars.iter().enumerate() {
            let middle = TOP + PITCH * place as i32 + PITCH / 2;
            let name = Ink::new(38).right().middle();
            canvas.text(bar.name, (LEFT - 16, middle), &name)?;
            for (number, color, from) in [
                (bar.number, bar.color.mix(1.0), middle - 36),
                (bar.reference, MUTED.mix(0.6), middle + 2),
            ] {
                if !number.is_finite() {
                    continue;
                }
                let end = axis.at(number);
                canvas.block((LEFT, from), (end, from + 34), &color)?;
                let ink = Ink::new(32).color(MUTED).middle();
                let text = format!("{number:.1}{}", self.unit);
                canvas.text(&text, (end + 10, from + 17), &ink)?;
            }
        }
        canvas.stroke([(LEFT, TOP), (LEFT, bottom)], 2, &INK)
    }
}

impl PairedBars {
    /// Swatches in the colours that stand for all: the first bar's, and grey.
    fn draw_legend<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let ink = Ink::new(34).middle();
        let mut x = LEFT;
        let strip: Vec<RGBColor> = self.bars.iter().map(|bar| bar.color).collect();
        for (name, colors) in [
            (&self.number_name, strip),
            (&self.reference_name, Vec::new()),
        ] {
            let each = 48 / colors.len().max(1) as i32;
            for (place, color) in colors.iter().enumerate() {
                let from = x + each * place as i32;
                canvas.block((from, 16), (from + each, 44), color)?;
            }
            if colors.is_empty() {
                canvas.block((x, 16), (x + 48, 44), &MUTED.mix(0.6))?;
            }
            canvas.text(name, (x + 60, 30), &ink)?;
            x += 60 + canvas.text_width(name, &ink) as i32 + 40;
        }
        Ok(())
    }
}

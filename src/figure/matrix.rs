//! Which class is taken for which.

use super::{
    ACCENT, Canvas, Drawn, Figure, INK, Ink, MUTED, PAPER,
    axes::{NAME, TICK},
};
use plotters::{prelude::DrawingBackend, style::Color};

const LEFT: i32 = 190;
const TOP: i32 = 150;
const WIDTH: i32 = 790;
const CELL: i32 = 150;

/// A confusion matrix: a row for each true class, a column for each predicted one, and in each cell how many songs, and
/// what share of the row that is.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Names of the classes.
    pub classes: Vec<&'static str>,
    /// `counts[true][predicted]`.
    pub counts: Vec<Vec<usize>>,
}

impl Figure for Matrix {
    fn size(&self) -> (u32, u32) {
        (
            1000,
            (TOP + 16) as u32 + CELL as u32 * self.classes.len() as u32,
        )
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let side = WIDTH / self.classes.len().max(1) as i32;
        let name = Ink::new(NAME);
        let head = Ink::new(TICK).color(MUTED);
        canvas.text("predicted", (LEFT + WIDTH / 2, 16), &name.clone().centred())?;
        canvas.text("true", (10, TOP - 52), &name)?;
        for (place, class) in self.classes.iter().enumerate() {
            let x = LEFT + side * place as i32 + side / 2;
            canvas.text(
                class,
                (x, TOP - 12),
                &name.clone().bold().centred().bottom(),
            )?;
        }
        for (row, (class, counts)) in self.classes.iter().zip(&self.counts).enumerate() {
            let top = TOP + CELL * row as i32;
            let songs: usize = counts.iter().sum();
            let left = Ink::new(NAME).bold();
            canvas.text(class, (10, top + 34), &left)?;
            let plural = if songs == 1 { "" } else { "s" };
            canvas.text(&format!("{songs} song{plural}"), (10, top + 82), &head)?;
            for (column, count) in counts.iter().enumerate() {
                let x = LEFT + side * column as i32;
                let share = *count as f64 / songs.max(1) as f64;
                let shade = ACCENT.mix(0.05 + 0.9 * share);
                canvas.block((x + 3, top + 3), (x + side - 3, top + CELL - 3), &shade)?;
                let color = if share > 0.45 { PAPER } else { INK };
                let number = Ink::new(52).bold().color(color).centred();
                canvas.text(&count.to_string(), (x + side / 2, top + 26), &number)?;
                let part = match songs {
                    0 => "–".to_owned(),
                    _ => format!("{:.0} %", 100.0 * share),
                };
                let small = Ink::new(TICK).color(color).centred();
                canvas.text(&part, (x + side / 2, top + 90), &small)?;
            }
        }
        Ok(())
    }
}

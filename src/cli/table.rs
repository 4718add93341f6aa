//! Plain text tables that fit a terminal.

use super::visible;
use console::{Alignment, measure_text_width, pad_str, truncate_str};

/// Rows of cells below a heading, columns two spaces apart.
pub(crate) struct Table {
    aligns: Vec<Alignment>,
    /// The heading is the first.
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this heading; a column whose name starts with `>` is aligned to the right.
    pub(crate) fn new(columns: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let columns = columns.into_iter();
        let (heading, aligns) = columns
            .map(|column| match column.as_ref().strip_prefix('>') {
                Some(name) => (name.to_owned(), Alignment::Right),
                None => (column.as_ref().to_owned(), Alignment::Left),
            })
            .unzip();
        Self {
            aligns,
            rows: vec![heading],
        }
    }

    /// Adds a row, with control characters escaped.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        let cells = cells.into_iter();
        self.rows
            .push(cells.map(|cell| visible(cell.as_ref())).collect());
    }

    /// The table as text. If a row is wider than `width`, the cells of the last column lose their start.
    pub(crate) fn render(&self, width: Option<usize>) -> String {
        let mut widths = vec![0; self.aligns.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(measure_text_width(cell));
            }
        }
        let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
        if let (Some(limit), Some(last)) = (width, widths.last_mut()) {
            let shrunk = last.saturating_sub(total.saturating_sub(limit)).max(12);
            *last = shrunk.min(*last);
        }
        let mut text = String::new();
        for row in &self.rows {
            let mut cells = Vec::new();
            for ((cell, &width), &align) in row.iter().zip(&widths).zip(&self.aligns) {
                let cell = cut_start(cell, width);
                cells.push(pad_str(&cell, width, align, None).into_owned());
            }
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

/// Columns of the terminal at standard output; `None` if it is not a terminal.
pub(crate) fn terminal_width() -> Option<usize> {
    let terminal = console::Term::stdout();
    let (_, columns) = terminal.is_term().then(|| terminal.size_checked())??;
    Some(columns.into())
}

/// The end of a text after an ellipsis, at most `width` columns: the end of a path says more than its start.
fn cut_start(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let reversed: String = text.chars().rev().collect();
    let kept = truncate_str(&reversed, width, "…");
    kept.chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Table {
        let mut table = Table::new([">n", "path"]);
        table.row(["1", "music/a rather long name/song.mp3"]);
        table.row(["10", "b.mp3"]);
        table
    }

    #[test]
    fn columns_are_aligned() {
        assert_eq!(
            example().render(None),
            " n  path\n 1  music/a rather long name/song.mp3\n10  b.mp3\n"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_the_start_of_the_path() {
        let text = example().render(Some(24));
        assert!(text.lines().all(|line| measure_text_width(line) <= 24));
        assert!(text.contains("…") && text.contains("song.mp3"), "{text}");
    }

    #[test]
    fn wide_characters_count_two_columns() {
        let mut table = Table::new(["a", "b"]);
        table.row(["音楽", "x"]);
        table.row(["abcd", "x"]);
        assert_eq!(table.render(None), "a     b\n音楽  x\nabcd  x\n");
    }

    #[test]
    fn a_file_name_cannot_control_the_terminal() {
        let mut table = Table::new(["a"]);
        table.row(["\u{1b}[2J\nx"]);
        assert_eq!(table.render(None), "a\n\\u{1b}[2J\\nx\n");
    }
}

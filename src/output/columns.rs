//! Which columns an export has.

use super::ExportError;
use crate::{emotion::Emotion, library::Column, text::nearest};

/// A column of an export. The eight percentages are a column each, and the strongest emotion is one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportColumn {
    /// A column of the library, other than [`Column::Emotions`].
    Of(Column),
    /// `emotion`: the name of the strongest emotion; null for a silent song.
    Strongest,
    /// The percentage of one emotion, under its name.
    Percentage(Emotion),
}

/// The names that stand for several columns.
const ALL_EMOTIONS: &str = "emotions";

impl ExportColumn {
    /// Every column, in the order in which an export has them.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::with_capacity(Column::ALL.len() + Emotion::COUNT);
        for column in Column::ALL {
            if column == Column::Emotions {
                all.push(Self::Strongest);
                all.extend(Emotion::ALL.map(Self::Percentage));
            } else {
                all.push(Self::Of(column));
            }
        }
        all
    }

    /// What an export has unless told otherwise: everything but the exact bytes of odd file names, the embedding and the timeline.
    pub fn usual() -> Vec<Self> {
        let mut columns = Self::all();
        columns.retain(|column| !column.is_extra());
        columns
    }

    /// Whether it has to be asked for.
    pub fn is_extra(self) -> bool {
        matches!(
            self,
            Self::Of(Column::PathBytes | Column::Embedding | Column::Timeline)
        )
    }

    /// The column's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Of(column) => column.name(),
            Self::Strongest => "emotion",
            Self::Percentage(emotion) => emotion.name(),
        }
    }

    /// Reads names of columns; `emotions` stands for the eight percentages. A column that is named twice is there once.
    ///
    /// # Errors
    /// [`ExportError::UnknownColumn`].
    ///
    /// ```
    /// use circumplex::output::ExportColumn;
    /// let columns = ExportColumn::parse(["path", "emotions"]).unwrap();
    /// assert_eq!(columns.len(), 9);
    /// assert!(ExportColumn::parse(["tilte"]).unwrap_err().to_string().contains("did you mean \"title\""));
    /// ```
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>, ExportError> {
        let mut found: Vec<Self> = Vec::new();
        for name in names {
            let wanted = name.trim().to_lowercase();
            let columns = if wanted == ALL_EMOTIONS {
                Emotion::ALL.map(Self::Percentage).to_vec()
            } else {
                let column = Self::all().into_iter().find(|c| c.name() == wanted);
                vec![column.ok_or_else(|| unknown(name))?]
            };
            for column in columns {
                if !found.contains(&column) {
                    found.push(column);
                }
            }
        }
        Ok(found)
    }

    /// The columns of the library that it is made from.
    pub(super) fn sources(self) -> &'static [Column] {
        match self {
            Self::Of(column) => match Column::ALL.iter().position(|other| *other == column) {
                Some(place) => &Column::ALL[place..=place],
                None => &[],
            },
            Self::Strongest => &[Column::Emotions, Column::Silent],
            Self::Percentage(_) => &[Column::Emotions],
        }
    }
}

fn unknown(name: &str) -> ExportError {
    let names: Vec<&str> = ExportColumn::all()
        .into_iter()
        .map(ExportColumn::name)
        .chain([ALL_EMOTIONS])
        .collect();
    ExportError::UnknownColumn {
        name: name.to_owned(),
        suggestion: nearest(name, names.iter().copied()).map(str::to_owned),
        known: names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_the_library_is_there_and_no_name_twice() {
        let names: Vec<&str> = ExportColumn::all().iter().map(|c| c.name()).collect();
        for column in Column::ALL {
            assert!(
                column == Column::Emotions || names.contains(&column.name()),
                "{column:?}"
            );
        }
        for emotion in Emotion::ALL {
            assert!(names.contains(&emotion.name()));
        }
        let mut unique = names.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), names.len());
        assert_eq!(ExportColumn::usual().len(), names.len() - 3);
    }

    #[test]
    fn columns_come_in_the_order_in_which_they_are_named() {
        let columns = ExportColumn::parse(["tense", " Path", "emotions", "path"]).unwrap();
        let names: Vec<&str> = columns.iter().map(|c| c.name()).collect();
        assert_eq!(names[..3], ["tense", "path", "happy"]);
        assert_eq!(names.len(), 9);
        let error = ExportColumn::parse(["zzz"]).unwrap_err().to_string();
        assert!(
            error.contains("\"zzz\"") && error.contains("path, "),
            "{error}"
        );
        assert!(!error.contains("did you mean"), "{error}");
    }
}

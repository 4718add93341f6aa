//! Which columns of a face file say what.

use super::{
    FaceError,
    columns::{
        AFFECTNET, FACES, FRAMES, LABELS, MILLISECONDS, OF, SECONDS, SEEN, expression_of,
        is_action_unit, is_nothing, list, plain, time_of,
    },
    rows::Row,
};
use crate::emotion::Expression;

/// How much of each expression a face shows, sum 1, in the order of [`Expression::ALL`].
pub(super) type Shares = [f64; Expression::COUNT];

/// What the columns say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    names: Vec<String>,
    shows: Shows,
    time: Option<(usize, Unit)>,
    frame: Option<usize>,
    face: Option<usize>,
    /// Of which image or video a row is.
    of: Vec<usize>,
    /// Where one of these is 0 or false, there is no face.
    seen: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq)]
enum Shows {
    /// A column of each expression of each face that a row may have.
    Probabilities(Vec<Probability>),
    /// A column of labels; where `numbered`, they are numbers of AffectNet's classes.
    Label { column: usize, numbered: bool },
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Probability {
    column: usize,
    expression: Expression,
    face: u32,
}

/// The unit in which a column's name says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
}

impl Layout {
    /// Finds the columns.
    ///
    /// # Errors
    /// [`FaceError::Columns`] and [`FaceError::ActionUnits`].
    pub fn new(names: &[String], file: &str) -> Result<Self, FaceError> {
        let plain: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let find = |wanted: &[&str]| {
            wanted
                .iter()
                .find_map(|wanted| plain.iter().position(|name| name == wanted))
        };
        let all = |wanted: &[&str]| {
            let columns = plain.iter().enumerate();
            columns
                .filter(|(_, name)| wanted.contains(&name.as_str()))
                .map(|(column, _)| column)
                .collect()
        };
        let mut probabilities: Vec<Probability> = Vec::new();
        for (column, name) in plain.iter().enumerate() {
            if let Some((expression, face)) = expression_of(name)
                && !probabilities
                    .iter()
                    .any(|known| (known.expression, known.face) == (expression, face))
            {
                probabilities.push(Probability {
                    column,
                    expression,
                    face,
                });
            }
        }
        let several = probabilities
            .iter()
            .any(|other| other.expression != probabilities[0].expression);
        let shows = if several {
            Shows::Probabilities(probabilities)
        } else if let Some(column) = find(&LABELS) {
            Shows::Label {
                column,
                numbered: find(&["action_units"]).is_some() && find(&["gaze_yaw"]).is_some(),
            }
        } else {
            let units: Vec<&String> = names
                .iter()
                .zip(&plain)
                .filter(|(_, plain)| is_action_unit(plain))
                .map(|(name, _)| name)
                .collect();
            return Err(if units.is_empty() {
                FaceError::Columns {
                    name: file.to_owned(),
                    found: list(&names.iter().collect::<Vec<_>>()),
                }
            } else {
                FaceError::ActionUnits {
                    name: file.to_owned(),
                    found: list(&units),
                }
            });
        };
        let time = find(&MILLISECONDS).map(|column| (column, Unit::Milliseconds));
        Ok(Self {
            names: names.to_vec(),
            shows,
            time: time.or_else(|| find(&SECONDS).map(|column| (column, Unit::Seconds))),
            frame: find(&FRAMES),
            face: find(&FACES),
            of: all(&OF),
            seen: all(&SEEN),
        })
    }

    /// Whether rows of these columns have this layout.
    pub fn is_of(&self, names: &[String]) -> bool {
        self.names == names
    }

    /// The columns that say what the face shows, and what tells the time, for people.
    pub fn description(&self) -> String {
        let name = |column: usize| self.names.get(column).map_or("", String::as_str);
        match &self.shows {
            Shows::Label { column, .. } => format!("column {}", name(*column)),
            Shows::Probabilities(columns) => {
                let names: Vec<&str> = columns.iter().map(|p| name(p.column)).collect();
                match names.as_slice() {
                    [first, .., last] => format!("columns {first} to {last}"),
                    _ => format!("columns {}", names.join(", ")),
                }
            }
        }
    }

    /// The unit of the times, where there are any.
    pub fn unit(&self) -> Option<Unit> {
        self.time.map(|(_, unit)| unit)
    }

    /// What a row is about: rows of one frame stand together. `None`: each row is a frame of its own.
    pub fn frame_key(&self, row: &Row<'_>) -> Option<String> {
        let time = self.time.map(|(column, _)| column);
        let column = self.frame.or(time.filter(|_| self.face.is_some()));
        let mut key = match (row.image, column) {
            (Some(image), _) => image.to_string(),
            (None, Some(column)) => row.cell(column).into_owned(),
            (None, None) => return None,
        };
        for column in &self.of {
            key.push('\n');
            key.push_str(&row.cell(*column));
        }
        Some(key)
    }

    /// The number of a row's frame; `None` where it has none.
    ///
    /// # Errors
    /// [`FaceError::Time`].
    pub fn frame_number(&self, row: &Row<'_>, file: &str) -> Result<Option<f64>, FaceError> {
        let Some(column) = self.frame else {
            return Ok(row.image.map(|image| image as f64));
        };
        self.time_of(row, column, file, "the number of a frame", |text| {
            text.parse().ok()
        })
    }

    /// The time of a row in the unit of its column; `None` where it has none.
    ///
    /// # Errors
    /// [`FaceError::Time`].
    pub fn time(&self, row: &Row<'_>, file: &str) -> Result<Option<f64>, FaceError> {
        let Some((column, _)) = self.time else {
            return Ok(None);
        };
        const EXPECTED: &str = "a time such as 12.5, 1:10 or 2026-01-31 12:00:00.5";
        self.time_of(row, column, file, EXPECTED, time_of)
    }

    fn time_of(
        &self,
        row: &Row<'_>,
        column: usize,
        file: &str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<f64>,
    ) -> Result<Option<f64>, FaceError> {
        let text = row.cell(column);
        if is_nothing(&text) {
            return Ok(None);
        }
        match parse(&text).filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(FaceError::Time {
                name: file.to_owned(),
                row: row.number,
                column: self.names.get(column).cloned().unwrap_or_default(),
                expected,
                found: text.into_owned(),
            }),
        }
    }

    /// The faces of a row; none where nothing was recognised.
    ///
    /// # Errors
    /// [`FaceError::LabelNumber`], [`FaceError::Label`] and [`FaceError::Probability`].
    pub fn faces(&self, row: &Row<'_>, file: &str) -> Result<Vec<Shares>, FaceError> {
        let is_unseen = |column: &usize| {
            let text = row.cell(*column);
            text.eq_ignore_ascii_case("false") || text.parse::<f64>().is_ok_and(|seen| seen == 0.0)
        };
        match &self.shows {
            _ if self.seen.iter().any(is_unseen) => Ok(Vec::new()),
            Shows::Label { column, numbered } => self.label(row, *column, *numbered, file),
            Shows::Probabilities(columns) => self.probabilities(row, columns, file),
        }
    }

    fn label(
        &self,
        row: &Row<'_>,
        column: usize,
        numbered: bool,
        file: &str,
    ) -> Result<Vec<Shares>, FaceError> {
        let text = row.cell(column);
        if is_nothing(&text) {
            return Ok(Vec::new());
        }
        let name = || self.names.get(column).cloned().unwrap_or_default();
        let expression = match text.parse::<f64>() {
            Ok(number) => AFFECTNET
                .iter()
                .enumerate()
                .find(|(class, _)| numbered && *class as f64 == number)
                .map(|(_, expression)| *expression)
                .ok_or_else(|| FaceError::LabelNumber {
                    name: file.to_owned(),
                    row: row.number,
                    column: name(),
                    found: text.to_string(),
                })?,
            Err(_) => text.parse().map_err(|source| FaceError::Label {
                name: file.to_owned(),
                row: row.number,
                column: name(),
                source,
            })?,
        };
        let mut shares = [0.0; Expression::COUNT];
        shares[expression.index()] = 1.0;
        Ok(vec![shares])
    }

    fn probabilities(
        &self,
        row: &Row<'_>,
        columns: &[Probability],
        file: &str,
    ) -> Result<Vec<Shares>, FaceError> {
        let mut faces: Vec<(u32, Shares)> = Vec::new();
        for probability in columns {
            let text = row.cell(probability.column);
            if is_nothing(&text) {
                continue;
            }
            // What programs write as nought may lie a little below it.
            let value = text.trim_end_matches('%').trim().parse().ok();
            let value = value.filter(|value: &f64| value.is_finite() && *value >= -1e-6);
            let value = value.ok_or_else(|| FaceError::Probability {
                name: file.to_owned(),
                row: row.number,
                column: self
                    .names
                    .get(probability.column)
                    .cloned()
                    .unwrap_or_default(),
                found: text.to_string(),
            })?;
            let place = faces.iter().position(|(face, _)| *face == probability.face);
            let place = place.unwrap_or_else(|| {
                faces.push((probability.face, [0.0; Expression::COUNT]));
                faces.len() - 1
            });
            faces[place].1[probability.expression.index()] = value.max(0.0);
        }
        let shares = faces.into_iter().filter_map(|(_, values)| {
            let largest = values.iter().copied().fold(0.0, f64::max);
            let sum: f64 = values.iter().map(|value| value / largest).sum();
            (largest > 0.0).then(|| values.map(|value| value / largest / sum))
        });
        Ok(shares.collect())
    }
}

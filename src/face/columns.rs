//! The columns of a face file: which says what, under the names that programs give them.

use super::rows::Row;
use crate::{
    clock,
    emotion::{Expression, scaled_to},
    error::{Context, Error, ErrorKind, Result},
    text::{is_missing, listed},
};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// Share of each expression in the order of [`Expression::ALL`], sum 1.
pub(super) type Shares = [f64; Expression::COUNT];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Label,
    Time,
    Milliseconds,
    Frame,
    Face,
    /// The image or video that a row belongs to.
    Source,
    /// 0 or false where no face was found.
    Detected,
}

/// Names of columns, their words joined by `_`. Of several columns of one kind, the first in this order counts.
const NAMES: [(Kind, &str); 7] = [
    (
        Kind::Label,
        "dominant_emotion emotion expression label prediction class dominant_expression dominant_label facial_emotion \
         facial_expression predicted_emotion predicted_expression predicted_label predicted_class top_emotion top_expression \
         top_label top_prediction top_class emotion_label expression_label facial_expression_label predicted_emotion_label \
         emotion_class expression_class class_label emotion_id expression_id label_id class_id emotion_idx expression_idx \
         label_idx class_idx emotion_index expression_index label_index class_index",
    ),
    (
        Kind::Time,
        "timestamp time t elapsed frame_time datetime start approx_time timestamp_s time_s t_s elapsed_s frame_time_s start_s \
         approx_time_s timestamp_sec time_sec t_sec elapsed_sec frame_time_sec start_sec timestamp_seconds time_seconds t_seconds \
         elapsed_seconds frame_time_seconds start_seconds time_in_s time_in_sec time_in_seconds frame_time_in_s \
         frame_time_in_seconds second seconds sec s",
    ),
    (
        Kind::Milliseconds,
        "timestamp_ms time_ms t_ms elapsed_ms frame_time_ms start_ms approx_time_ms timestamp_msec time_msec t_msec elapsed_msec \
         timestamp_millis time_millis t_millis elapsed_millis timestamp_milliseconds time_milliseconds t_milliseconds \
         elapsed_milliseconds time_in_ms frame_time_in_ms time_in_milliseconds frame_time_in_milliseconds mediatime ms msec \
         millis milliseconds",
    ),
    (
        Kind::Frame,
        "frame frameno frame_no frame_id frame_idx frame_index frame_number",
    ),
    (
        Kind::Face,
        "face faceid person face_id face_idx face_index face_no face_number person_id person_idx person_index person_no \
         person_number",
    ),
    (
        Kind::Source,
        "input image image_path video video_path file filename image_id video_id file_id image_index video_index",
    ),
    (
        Kind::Detected,
        "success confidence face_confidence face_detected face_score facescore",
    ),
];
/// Words around the name of an expression.
const FILLERS: &str = "confidence emotion emotions expression expressions face facial fer p pct percent prob probs \
                       probability probabilities score scores";
/// Cells of frames in which no face was recognized, besides empty ones and those marked as missing.
const NO_FACE: &str = "no face,no_face,noface,undetected,unknown";
/// The classes of AffectNet by number (Mollahosseini, Hasani & Mahoor 2017), which OpenFace 3 writes.
const AFFECTNET: [Expression; 8] = [
    Expression::Neutral,
    Expression::Happiness,
    Expression::Sadness,
    Expression::Surprise,
    Expression::Fear,
    Expression::Disgust,
    Expression::Anger,
    Expression::Contempt,
];
pub(super) const EXPECTED: &str = "expected a column of labels (emotion, dominant_emotion, expression) or a column for each of \
                                   at least two expressions (happy, sad, neutral, ...)";
/// Columns that an error lists.
const LISTED: usize = 12;

/// The lower-case words of a name after its last dot; digits at the end of a word are a word of their own.
fn words(name: &str) -> Vec<String> {
    let last = name.rsplit('.').next().unwrap_or(name).to_lowercase();
    let mut words = Vec::new();
    for word in last.split(|c: char| !c.is_alphanumeric()) {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let parts = [letters, &word[letters.len()..]];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        words.extend(parts.map(str::to_owned));
    }
    words
}

fn has_word(list: &str, word: &str) -> bool {
    list.split(' ').any(|known| known == word)
}

/// The content of a column, and its rank among those of its kind.
fn kind_of(words: &[String]) -> Option<(Kind, usize)> {
    let name = words.join("_");
    NAMES.iter().find_map(|(kind, names)| {
        let rank = names.split(' ').position(|known| known == name)?;
        Some((*kind, rank))
    })
}

/// The expression whose probability a column holds, and the number of the face.
fn expression_of(words: &[String]) -> Option<(Expression, u32)> {
    let mut words = words.iter().filter(|word| !has_word(FILLERS, word));
    let word = words.next()?;
    let expression = Expression::ALL
        .into_iter()
        .find(|expression| expression.spellings().contains(&&**word))?;
    let face = words.next().map_or(Some(0), |face| face.parse().ok())?;
    words.next().is_none().then_some((expression, face))
}

/// `AU01_r` and the like.
fn is_action_unit(words: &[String]) -> bool {
    matches!(words, [au, digits, ..] if au == "au" && digits.len() <= 2 && digits.parse::<u8>().is_ok())
}

/// The columns of a file that are used.
#[derive(Debug)]
pub(super) struct Columns {
    pub names: Vec<String>,
    shows: Shows,
    time: Option<usize>,
    /// Whether times are in milliseconds by the name of their column.
    pub are_milliseconds: bool,
    frame: Option<usize>,
    face: Option<usize>,
    sources: Vec<usize>,
    detected: Vec<usize>,
}

#[derive(Debug)]
enum Shows {
    /// Columns of probabilities, each with its expression and the number of the face.
    Probabilities(Vec<(usize, Expression, u32)>),
    /// A column of labels; where `numbered`, the numbers are classes of AffectNet.
    Label { column: usize, numbered: bool },
}

impl Columns {
    /// Finds the columns by their names.
    ///
    /// # Errors
    /// Where no column tells the expression.
    pub(crate) fn new(names: &[String]) -> Result<Self> {
        let words: Vec<Vec<String>> = names.iter().map(|name| words(name)).collect();
        let kinds: Vec<_> = words.iter().map(|words| kind_of(words)).collect();
        let all = |wanted: Kind| {
            let columns = kinds.iter().enumerate();
            columns.filter_map(move |(column, kind)| match kind {
                Some((kind, rank)) if *kind == wanted => Some((*rank, column)),
                _ => None,
            })
        };
        let first = |kind| all(kind).min().map(|(_, column)| column);
        let mut probabilities: Vec<(usize, Expression, u32)> = Vec::new();
        for (column, words) in words.iter().enumerate() {
            let known = |(expression, face)| {
                let mut probabilities = probabilities.iter();
                probabilities.any(|(_, e, f)| (*e, *f) == (expression, face))
            };
            if let Some((expression, face)) = expression_of(words).filter(|column| !known(*column))
            {
                probabilities.push((column, expression, face));
            }
        }
        let shows = if probabilities.iter().any(|p| p.1 != probabilities[0].1) {
            Shows::Probabilities(probabilities)
        } else if let Some(column) = first(Kind::Label) {
            let has = |wanted: &str| names.iter().any(|name| name == wanted);
            Shows::Label {
                column,
                numbered: has("action_units") && has("gaze_yaw"),
            }
        } else {
            return Err(no_expression(names, &words));
        };
        Ok(Self {
            names: names.to_vec(),
            shows,
            // Milliseconds are finer than anything else.
            time: first(Kind::Milliseconds).or(first(Kind::Time)),
            are_milliseconds: first(Kind::Milliseconds).is_some(),
            frame: first(Kind::Frame),
            face: first(Kind::Face),
            sources: all(Kind::Source).map(|(_, column)| column).collect(),
            detected: all(Kind::Detected).map(|(_, column)| column).collect(),
        })
    }

    /// The columns that tell the expression, for people.
    pub(crate) fn description(&self) -> String {
        match &self.shows {
            Shows::Label { column, .. } => format!("column {}", self.names[*column]),
            Shows::Probabilities(columns) => {
                let (first, last) = (columns[0].0, columns[columns.len() - 1].0);
                format!("columns {} to {}", self.names[first], self.names[last])
            }
        }
    }

    /// Equal for rows of one frame that follow each other; `None` where each row is a frame.
    pub(crate) fn frame_key(&self, row: &Row<'_>) -> Option<String> {
        let column = self.frame.or(self.time.filter(|_| self.face.is_some()));
        let mut key = match (row.image, column) {
            (Some(image), _) => image.to_string(),
            (None, Some(column)) => row.cell(column).to_owned(),
            (None, None) => return None,
        };
        for column in &self.sources {
            key.push('\n');
            key.push_str(row.cell(*column));
        }
        Some(key)
    }

    /// The number of a row's frame, where it has one.
    ///
    /// # Errors
    /// Where the cell is not a number.
    pub(crate) fn frame_number(&self, row: &Row<'_>) -> Result<Option<f64>> {
        let Some(column) = self.frame else {
            return Ok(row.image.map(|image| image as f64));
        };
        let number = |text: &str| text.parse().ok();
        self.number(row, column, number, "the number of a frame")
    }

    /// The time of a row in the unit of its column, where it has one.
    ///
    /// # Errors
    /// Where there is no column of times, or the cell is not a time.
    pub(crate) fn time(&self, row: &Row<'_>) -> Result<Option<f64>> {
        let Some(column) = self.time else {
            return Err(Error::invalid(
                "--observe needs the times of the rows: a column time or timestamp in seconds, or time_ms; or give the frames \
                 (without a column of frame numbers, the rows) per second with --fps",
            ));
        };
        let expected = "a time such as 12.5, 1:10 or 2026-01-31 12:00:00.5";
        self.number(row, column, time_of, expected)
    }

    fn number(
        &self,
        row: &Row<'_>,
        column: usize,
        parse: fn(&str) -> Option<f64>,
        expected: &str,
    ) -> Result<Option<f64>> {
        let text = row.cell(column);
        if is_no_face(text) {
            return Ok(None);
        }
        match parse(text).filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(Error::invalid(format!(
                "{}: expected {expected}, found {text:?}",
                self.place(row, column)
            ))),
        }
    }

    /// The faces of a row; none where nothing was recognized.
    ///
    /// # Errors
    /// Where a label or probability cannot be used.
    pub(crate) fn faces(&self, row: &Row<'_>) -> Result<Vec<Shares>> {
        let is_zero = |text: &str| {
            text.eq_ignore_ascii_case("false") || text.parse::<f64>().is_ok_and(|n| n == 0.0)
        };
        let mut detected = self.detected.iter();
        if detected.any(|column| is_zero(row.cell(*column))) {
            return Ok(Vec::new());
        }
        match &self.shows {
            Shows::Probabilities(columns) => self.probabilities(row, columns),
            Shows::Label { column, .. } if is_no_face(row.cell(*column)) => Ok(Vec::new()),
            Shows::Label { column, numbered } => {
                let mut shares = [0.0; Expression::COUNT];
                shares[self.label(row, *column, *numbered)?.index()] = 1.0;
                Ok(vec![shares])
            }
        }
    }

    fn label(&self, row: &Row<'_>, column: usize, numbered: bool) -> Result<Expression> {
        let text = row.cell(column);
        let is_class = |class: u8| numbered && text.parse() == Ok(f64::from(class));
        if let Some((_, expression)) = (0..).zip(AFFECTNET).find(|(class, _)| is_class(*class)) {
            return Ok(expression);
        }
        let expression = text.parse::<Expression>();
        expression.context(ErrorKind::InvalidInput, self.place(row, column))
    }

    fn probabilities(
        &self,
        row: &Row<'_>,
        columns: &[(usize, Expression, u32)],
    ) -> Result<Vec<Shares>> {
        let mut faces: BTreeMap<u32, Shares> = BTreeMap::new();
        for (column, expression, face) in columns {
            let text = row.cell(*column);
            if is_no_face(text) {
                continue;
            }
            let value = text.trim_end_matches('%').trim_end().parse().ok();
            // Rounding may put a zero a little below zero.
            let value = value.filter(|value: &f64| value.is_finite() && *value >= -1e-6);
            let value = value.ok_or_else(|| {
                Error::invalid(format!(
                    "{}: expected a probability, percentage or weight of at least 0, found {text:?}",
                    self.place(row, *column)
                ))
            })?;
            faces.entry(*face).or_default()[expression.index()] = value.max(0.0);
        }
        let shares = faces.into_values().filter_map(|face| scaled_to(1.0, face));
        Ok(shares.collect())
    }

    fn place(&self, row: &Row<'_>, column: usize) -> String {
        format!("row {}, column {}", row.number, self.names[column])
    }
}

fn no_expression(names: &[String], words: &[Vec<String>]) -> Error {
    let quote = |name: &String| format!("{name:?}");
    let columns = names.iter().zip(words);
    let units = columns.filter(|(_, words)| is_action_unit(words));
    let units: Vec<String> = units.map(|(name, _)| quote(name)).collect();
    Error::invalid(if units.is_empty() {
        let found: Vec<String> = names.iter().map(quote).collect();
        let found = listed(&found, LISTED);
        format!("no column tells the expression of a face: {EXPECTED}, found {found}")
    } else {
        format!(
            "the columns {} are action units, which tell how muscles move, not the expression. Run a program that recognizes \
             expressions on the same video (py-feat, DeepFace, FER, LibreFace, OpenFace 3)",
            listed(&units, LISTED)
        )
    })
}

fn is_no_face(text: &str) -> bool {
    let mut words = NO_FACE.split(',');
    is_missing(text) || words.any(|word| text.eq_ignore_ascii_case(word))
}

/// A number; a clock (`1:10`) in seconds; a date with a time in seconds since 1970.
fn time_of(text: &str) -> Option<f64> {
    let number = text.parse().ok();
    number
        .or_else(|| clock::seconds(text))
        .or_else(|| date(text))
}

/// Seconds since 1970 of a date and a time (`2026-01-31 18:00:00.5`), UTC unless it ends in an offset (`+02:00`).
fn date(text: &str) -> Option<f64> {
    thread_local! {
        static SQLITE: Option<Connection> = Connection::open_in_memory().ok();
    }
    // SQLite also reads `now` and times without a date.
    let has_year = text.as_bytes().get(4) == Some(&b'-');
    let seconds = |sqlite: &Option<Connection>| {
        let query = "SELECT unixepoch(?1, 'subsec')";
        let found = sqlite.as_ref()?.query_row(query, [text], |row| row.get(0));
        found.ok()?
    };
    has_year.then(|| SQLITE.with(seconds))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_expressions_are_known_by_any_spelling_prefix_and_number() {
        for (name, expected) in [
            ("angry", Some((Expression::Anger, 0))),
            (" Happiness ", Some((Expression::Happiness, 0))),
            ("emotion.sad", Some((Expression::Sadness, 0))),
            ("emotion_fear_prob", Some((Expression::Fear, 0))),
            ("disgust1", Some((Expression::Disgust, 1))),
            ("surprise_12", Some((Expression::Surprise, 12))),
            ("p(contempt)", Some((Expression::Contempt, 0))),
            ("region.x", None),
            ("happy_time", None),
            ("dominant_emotion", None),
            ("emotion", None),
            ("AU12", None),
            ("box0", None),
        ] {
            assert_eq!(expression_of(&words(name)), expected, "{name}");
        }
    }

    #[test]
    fn columns_are_known_by_many_names() {
        let kind = |name: &str| kind_of(&words(name)).map(|(kind, _)| kind);
        for (expected, names) in [
            (
                Some(Kind::Label),
                "emotion dominant_emotion facial_expression emotion_label predicted_emotion class",
            ),
            (
                Some(Kind::Time),
                "timestamp Time time_s timestamp_s t_s seconds elapsed frame_time start_s approx_time",
            ),
            (
                Some(Kind::Milliseconds),
                "time_ms frame_time_in_ms t_ms ms MediaTime timestamp_ms elapsed_ms",
            ),
            (
                Some(Kind::Frame),
                "frame frame_idx frame_index frame_no FrameNo",
            ),
            (Some(Kind::Face), "face face_id faceid person_id"),
            (
                Some(Kind::Source),
                "input image_path video_path file filename",
            ),
            (Some(Kind::Detected), "success face_confidence FaceScore"),
            (
                None,
                "x_0 pitch region.x AU01 box0 gaze_yaw action_units ms_level",
            ),
        ] {
            for name in names.split(' ') {
                assert_eq!(kind(name), expected, "{name}");
            }
        }
    }

    #[test]
    fn times_are_numbers_clocks_and_dates() {
        assert_eq!(time_of("12.5"), Some(12.5));
        assert_eq!(time_of("01:10"), Some(70.0));
        assert_eq!(time_of("1:00:02.5"), Some(3602.5));
        for (date, seconds) in [
            ("1970-01-01 00:00:00", 0.0),
            ("2000-02-29T12:00:00Z", 951_825_600.0),
            ("2026-01-31 12:00:01.5", 1_769_860_801.5),
            ("2026-01-31T13:00:01.5+01:00", 1_769_860_801.5),
        ] {
            assert_eq!(time_of(date), Some(seconds), "{date}");
        }
        for text in ["x", "1:-2", "1:2:3:4", ""] {
            assert_eq!(time_of(text), None, "{text}");
        }
    }

    #[test]
    fn action_units_are_known() {
        for name in ["AU01_r", " AU45_c", "AU1", "au12", "au_1"] {
            assert!(is_action_unit(&words(name)), "{name}");
        }
        for name in ["author", "AU", "AU123_r"] {
            assert!(!is_action_unit(&words(name)), "{name}");
        }
    }
}

//! Maps from expressions to emotions as people write them.

use crate::{
    emotion::{Emotion, Expression, FaceMap},
    error::{Context, Error, ErrorKind::InvalidInput, Result},
};
use std::path::Path;

/// Reads a map in CSV: the eight emotions of each of the eight expressions in any unit, in any order and spelling.
///
/// # Errors
/// Where the file cannot be read, an expression is missing or given twice, or its numbers cannot be used.
pub(crate) fn read_face_map(path: &Path) -> Result<FaceMap> {
    read(path).map_err(|error| error.with_path(path))
}

fn read(path: &Path) -> Result<FaceMap> {
    let expected = "expected a CSV file with the columns expression and the eight emotions, as `circumplex face table --csv` \
                    prints it";
    let mut builder = csv::ReaderBuilder::new();
    let reader = builder.trim(csv::Trim::All).from_path(path);
    let mut reader = reader.context(InvalidInput, expected)?;
    let mut found: [Option<[f64; Emotion::COUNT]>; Expression::COUNT] = [None; Expression::COUNT];
    let headers = reader.headers().context(InvalidInput, expected)?.clone();
    let column = |name| headers.iter().position(|header| header == name);
    let column = |name| column(name).ok_or_else(|| Error::invalid(expected));
    let name = column("expression")?;
    let columns = Emotion::ALL.map(|emotion| column(emotion.name()));
    let columns: Vec<usize> = columns.into_iter().collect::<Result<_>>()?;
    for row in reader.records() {
        let row = row.context(InvalidInput, expected)?;
        let expression: Expression = row.get(name).unwrap_or_default().parse()?;
        let mut numbers = [0.0; Emotion::COUNT];
        for (number, column) in numbers.iter_mut().zip(&columns) {
            let cell = row.get(*column).unwrap_or_default();
            *number = cell.parse().map_err(|_| {
                Error::invalid(format!("{expression}: expected a number, found {cell:?}"))
            })?;
        }
        if found[expression.index()].replace(numbers).is_some() {
            return Err(Error::invalid(format!("{expression} is given twice")));
        }
    }
    let mut rows = [[0.0; Emotion::COUNT]; Expression::COUNT];
    for ((row, found), expression) in rows.iter_mut().zip(found).zip(Expression::ALL) {
        *row = found.ok_or_else(|| {
            Error::invalid(format!(
                "{expression} is missing; start from `circumplex face table --csv`, which has all eight"
            ))
        })?;
    }
    FaceMap::new(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<FaceMap, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        read_face_map(&path).map_err(|error| format!("{error:#}"))
    }

    const MAP: &str = "\
tired,expression,happy,excited,tense,frustrated,depressed,calm,content
0,anger,0,0,3,1,0,0,0
0,disgust,0,0,0,1.5,0,0,0
0,fear,0,0,1,0,0,0,0
0, happy ,1,0,0,0,0,0,0
1,sadness,0,0,0,0,2,0,0
0,surprise,0,1,0,0,0,0,0
1,neutral,1,1,1,1,1,1,1
0,contempt,0,0,0,1,1,0,0
";

    #[test]
    fn a_map_gives_emotions_in_any_unit_and_order() {
        let map = read("map.csv", &format!("\u{feff}{MAP}")).unwrap();
        assert_eq!(map.get(Expression::Anger)[2], 75.0);
        assert_eq!(map.get(Expression::Happiness)[0], 100.0);
        assert_eq!(map.get(Expression::Neutral), &[12.5; 8]);
    }

    #[test]
    fn an_invalid_map_is_rejected_with_its_reason() {
        let message = |text: &str| read("a.csv", text).unwrap_err();
        let with = |old: &str, new: &str| message(&MAP.replace(old, new));
        assert!(with("0,fear,0,0,1,0,0,0,0\n", "").contains("fear is missing"));
        assert!(with("fear", "faer").contains("did you mean \"fear\"?"));
        assert!(with("excited", "exited").contains("face table --csv"));
        assert!(with("anger,0,0,3", "anger,0,0,-3").contains("anger: the percentage of tense"));
        assert!(with("surprise,0,1", "surprise,0,0").contains("surprise: at least one"));
        assert!(with("anger,0,0,3", "anger,0,0,x").contains("found \"x\""));
        let twice = format!("{MAP}0,scared,0,0,1,0,0,0,0\n");
        assert!(message(&twice).contains("fear is given twice"));
        assert!(message("a,b\n1,2\n").contains("face table --csv"));
    }
}

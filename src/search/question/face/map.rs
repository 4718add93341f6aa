//! Maps from expressions to emotions as people write them.

use super::FaceMapError;
use crate::emotion::{AffectBox, Emotion, Expression, FaceMap};
use std::{fs::File, io::Read, path::Path};

/// Bytes of the largest map.
const LARGEST: u64 = 1 << 20;
/// The four numbers of a box, as tables of labels name them.
const MEANS: [&str; 4] = ["valence_mean", "valence_std", "arousal_mean", "arousal_std"];

/// Numbers under their names.
type Pairs = Vec<(String, f64)>;

/// Reads a map: TOML where the name ends in `.toml`, else CSV. All eight expressions must be there, in any order and spelling.
/// Each has the eight emotions in any unit (in TOML those that are absent are 0), or `valence_mean`, `valence_std`,
/// `arousal_mean` and `arousal_std` (1 to 9), whose box is shared as the label of a song is.
///
/// # Errors
/// [`FaceMapError`].
pub fn read_face_map(path: &Path) -> Result<FaceMap, FaceMapError> {
    let text = text(path)?;
    let is_toml = path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("toml"));
    let rows = if is_toml {
        toml_rows(path, &text)?
    } else {
        csv_rows(path, &text)?
    };
    let mut found: [Option<[f64; Emotion::COUNT]>; Expression::COUNT] = [None; Expression::COUNT];
    for (expression, pairs) in rows {
        let numbers = numbers(path, expression, &pairs)?;
        if found[expression.index()].replace(numbers).is_some() {
            return Err(FaceMapError::Twice {
                path: path.to_owned(),
                expression,
            });
        }
    }
    let mut rows = [[0.0; Emotion::COUNT]; Expression::COUNT];
    for ((row, found), expression) in rows.iter_mut().zip(found).zip(Expression::ALL) {
        *row = found.ok_or_else(|| FaceMapError::Missing {
            path: path.to_owned(),
            expression,
        })?;
    }
    FaceMap::new(rows).map_err(|(expression, source)| FaceMapError::Vector {
        path: path.to_owned(),
        expression,
        source,
    })
}

fn text(path: &Path) -> Result<String, FaceMapError> {
    let read_error = |source| FaceMapError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(read_error)?;
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(read_error)?;
    if bytes.len() as u64 > LARGEST {
        return Err(FaceMapError::TooLarge {
            path: path.to_owned(),
        });
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

fn expression(path: &Path, name: &str) -> Result<Expression, FaceMapError> {
    name.parse().map_err(|source| FaceMapError::Expression {
        path: path.to_owned(),
        source,
    })
}

fn toml_rows(path: &Path, text: &str) -> Result<Vec<(Expression, Pairs)>, FaceMapError> {
    let table: toml::Table = toml::from_str(text).map_err(|source| FaceMapError::Toml {
        path: path.to_owned(),
        source,
    })?;
    let mut rows = Vec::new();
    for (name, value) in table {
        let expression = expression(path, &name)?;
        let not_a_number = |key: &str, value: &toml::Value| FaceMapError::Number {
            path: path.to_owned(),
            expression,
            key: key.to_owned(),
            found: format!("{:?}", value.to_string()),
        };
        let toml::Value::Table(table) = value else {
            return Err(FaceMapError::Mixed {
                path: path.to_owned(),
                expression,
            });
        };
        let mut pairs = Pairs::new();
        for (key, value) in table {
            let number = match value {
                toml::Value::Integer(number) => number as f64,
                toml::Value::Float(number) => number,
                other => return Err(not_a_number(&key, &other)),
            };
            pairs.push((key, number));
        }
        rows.push((expression, pairs));
    }
    Ok(rows)
}

fn csv_rows(path: &Path, text: &str) -> Result<Vec<(Expression, Pairs)>, FaceMapError> {
    let csv_error = |source| FaceMapError::Csv {
        path: path.to_owned(),
        source,
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let headers = reader.headers().map_err(csv_error)?.clone();
    if headers.get(0) != Some("expression") || headers.len() < 2 {
        return Err(FaceMapError::Columns {
            path: path.to_owned(),
            found: format!("{:?}", headers.iter().collect::<Vec<_>>().join(",")),
        });
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(csv_error)?;
        let expression = expression(path, record.get(0).unwrap_or_default())?;
        let mut pairs = Pairs::new();
        for (key, cell) in headers.iter().zip(&record).skip(1) {
            // A table may hold both kinds of rows: what does not belong to one is empty.
            if cell.is_empty() {
                continue;
            }
            let number = cell.parse().map_err(|_| FaceMapError::Number {
                path: path.to_owned(),
                expression,
                key: key.to_owned(),
                found: format!("{cell:?}"),
            })?;
            pairs.push((key.to_owned(), number));
        }
        rows.push((expression, pairs));
    }
    Ok(rows)
}

/// The eight numbers of an expression: its own, or the shares of its box.
fn numbers(
    path: &Path,
    expression: Expression,
    pairs: &Pairs,
) -> Result<[f64; Emotion::COUNT], FaceMapError> {
    let mixed = || FaceMapError::Mixed {
        path: path.to_owned(),
        expression,
    };
    let means = MEANS.map(|name| {
        pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| *value)
    });
    if means.iter().any(Option::is_some) {
        let [
            Some(valence_mean),
            Some(valence_std),
            Some(arousal_mean),
            Some(arousal_std),
        ] = means
        else {
            return Err(mixed());
        };
        if pairs.len() != MEANS.len() {
            return Err(mixed());
        }
        let around = AffectBox {
            valence_mean,
            valence_std,
            arousal_mean,
            arousal_std,
        };
        return around.shares(1.0).map_err(|source| FaceMapError::Box {
            path: path.to_owned(),
            expression,
            source,
        });
    }
    if pairs.is_empty() {
        return Err(mixed());
    }
    let mut numbers = [0.0; Emotion::COUNT];
    for (key, number) in pairs {
        let emotion: Emotion = key.parse().map_err(|source| FaceMapError::Key {
            path: path.to_owned(),
            expression,
            key: key.clone(),
            source,
        })?;
        numbers[emotion.index()] = *number;
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::one_line;

    fn read(name: &str, text: &str) -> Result<FaceMap, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read_face_map(&path).map_err(|error| one_line(&error))
    }

    const TOML: &str = "\
anger = { tense = 3, frustrated = 1 }
disgust = { frustrated = 1.5 }
fear = { tense = 1 }
happy = { happy = 1 }
sadness = { valence_mean = 2.40, valence_std = 1.10, arousal_mean = 2.81, arousal_std = 2.25 }
surprise = { excited = 1 }
neutral = { happy=1, excited=1, tense=1, frustrated=1, depressed=1, tired=1, calm=1, content=1 }
contempt = { frustrated = 1, depressed = 1 }
";

    #[test]
    fn a_map_in_toml_may_give_emotions_or_means() {
        let map = read("map.toml", TOML).unwrap();
        assert_eq!(map.get(Expression::Anger)[2], 75.0);
        assert_eq!(map.get(Expression::Neutral), &[12.5; 8]);
        let own = FaceMap::default();
        assert_eq!(map.get(Expression::Sadness), own.get(Expression::Sadness));
    }

    #[test]
    fn a_table_may_give_means_too() {
        let mut text = "expression,valence_mean,valence_std,arousal_mean,arousal_std\n".to_owned();
        for expression in Expression::ALL {
            text.push_str(&format!("{expression}, 2.40, 1.10, 2.81, 2.25\n"));
        }
        let map = read("map.csv", &text).unwrap();
        let own = FaceMap::default();
        assert_eq!(map.get(Expression::Fear), own.get(Expression::Sadness));
    }

    #[test]
    fn a_map_that_is_none_is_refused_with_its_reason() {
        let said = |name, text: &str| read(name, text).unwrap_err();
        let without = |line: &str| TOML.replace(line, "");
        assert!(said("a.toml", &without("fear = { tense = 1 }\n")).contains("fear is missing"));
        let typo = TOML.replace("fear =", "faer =");
        assert!(said("a.toml", &typo).contains("did you mean \"fear\"?"));
        let emotion = TOML.replace("{ excited = 1 }", "{ exited = 1 }");
        assert!(said("a.toml", &emotion).contains("did you mean \"excited\"?"));
        let negative = TOML.replace("tense = 3", "tense = -3");
        assert!(said("a.toml", &negative).contains("anger: the percentage of tense"));
        let zero = TOML.replace("{ excited = 1 }", "{ excited = 0 }");
        assert!(said("a.toml", &zero).contains("surprise: at least one"));
        let part = TOML.replace("valence_std = 1.10, ", "");
        assert!(said("a.toml", &part).contains("all of valence_mean"));
        let both = TOML.replace("valence_std = 1.10", "valence_std = 1.10, calm = 1");
        assert!(said("a.toml", &both).contains("either emotions or"));
        let off = TOML.replace("valence_mean = 2.40", "valence_mean = 24");
        assert!(said("a.toml", &off).contains("sadness: the mean of valence"));
        let text = TOML.replace("tense = 3", "tense = \"3\"");
        assert!(said("a.toml", &text).contains("anger, tense: expected a number"));
        let twice = format!("{TOML}scared = {{ tense = 1 }}\n");
        assert!(said("a.toml", &twice).contains("fear stands twice"));
        assert!(said("a.toml", "anger").contains("as TOML"));
        assert!(said("a.toml", "anger = 3").contains("anger"));
        assert!(said("a.csv", "a,b\n1,2\n").contains("face table --csv"));
        assert!(said("a.csv", "expression,tense\nanger,x\n").contains("found \"x\""));
        assert!(said("a.csv", "expression,tense\nanger\n").contains("as CSV"));
        assert!(said("a.csv", &"x".repeat(1 << 21)).contains("1 MiB"));
    }
}

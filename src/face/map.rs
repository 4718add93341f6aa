//! Maps from expressions to emotions as people write them.

use crate::{
    emotion::{AffectBox, Emotion, Expression, FaceMap},
    error::{Context, Error, ErrorKind::InvalidInput, Result},
};
use serde_json::json;
use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

/// Bytes of the largest map.
const LARGEST: u64 = 1 << 20;
/// The four numbers of a box, as tables of labels name them.
const MEANS: [&str; 4] = ["valence_mean", "valence_std", "arousal_mean", "arousal_std"];

type Numbers = BTreeMap<String, f64>;

/// Reads a map: TOML where the extension is `toml`, else CSV. All eight expressions must be there, in any order and spelling.
/// Each has the eight emotions in any unit (in TOML absent ones are 0), or `valence_mean`, `valence_std`, `arousal_mean` and
/// `arousal_std` (1 to 9), whose box is shared as the label of a song is.
///
/// # Errors
/// Where the file cannot be read, an expression is missing or given twice, or its numbers cannot be used.
pub(crate) fn read_face_map(path: &Path) -> Result<FaceMap> {
    read(path).map_err(|error| error.with_path(path))
}

fn read(path: &Path) -> Result<FaceMap> {
    let text = text(path)?;
    let is_toml = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    let rows = if is_toml {
        let rows: BTreeMap<String, Numbers> = toml::from_str(&text).context(
            InvalidInput,
            "cannot read the face map as TOML; expected a .toml file, or a .csv file as `circumplex face table --csv` prints it",
        )?;
        rows.into_iter().collect()
    } else {
        csv_rows(&text)?
    };
    let mut found: [Option<[f64; Emotion::COUNT]>; Expression::COUNT] = [None; Expression::COUNT];
    for (name, numbers) in rows {
        let expression: Expression = name.parse()?;
        let shares = shares(&numbers).context(InvalidInput, expression.name())?;
        if found[expression.index()].replace(shares).is_some() {
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

fn text(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .context(InvalidInput, "cannot read the face map")?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::invalid(
            "expected a face map of at most 1 MiB, found more",
        ));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

fn csv_rows(text: &str) -> Result<Vec<(String, Numbers)>> {
    let mut rows = Vec::new();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    for row in reader.deserialize::<BTreeMap<String, String>>() {
        let mut row = row.context(InvalidInput, "cannot read the face map as CSV")?;
        let name = row.remove("expression").ok_or_else(|| {
            let found: Vec<String> = row.keys().cloned().collect();
            Error::invalid(format!(
                "expected the column expression and the eight emotions, as `circumplex face table --csv` prints them, found {}",
                found.join(", ")
            ))
        })?;
        let mut numbers = Numbers::new();
        // A table may have both kinds of rows; the columns of the other kind are empty.
        for (key, cell) in row.into_iter().filter(|(_, cell)| !cell.is_empty()) {
            let number = cell.parse().map_err(|_| {
                Error::invalid(format!("{name}, {key}: expected a number, found {cell:?}"))
            })?;
            numbers.insert(key, number);
        }
        rows.push((name, numbers));
    }
    Ok(rows)
}

/// The eight numbers of an expression, or the shares of its box.
fn shares(numbers: &Numbers) -> Result<[f64; Emotion::COUNT]> {
    if let Ok(around) = serde_json::from_value::<AffectBox>(json!(numbers)) {
        return around.shares(1.0);
    }
    if numbers.is_empty() || MEANS.iter().any(|name| numbers.contains_key(*name)) {
        return Err(Error::invalid(format!(
            "expected either emotions or all of {}",
            MEANS.join(", ")
        )));
    }
    let mut weights = [0.0; Emotion::COUNT];
    for (key, number) in numbers {
        weights[key.parse::<Emotion>()?.index()] = *number;
    }
    Ok(weights)
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
    fn an_invalid_map_is_rejected_with_its_reason() {
        let message = |name, text: &str| read(name, text).unwrap_err();
        let without = |line: &str| TOML.replace(line, "");
        assert!(message("a.toml", &without("fear = { tense = 1 }\n")).contains("fear is missing"));
        let typo = TOML.replace("fear =", "faer =");
        assert!(message("a.toml", &typo).contains("did you mean \"fear\"?"));
        let emotion = TOML.replace("{ excited = 1 }", "{ exited = 1 }");
        assert!(message("a.toml", &emotion).contains("did you mean \"excited\"?"));
        let negative = TOML.replace("tense = 3", "tense = -3");
        assert!(message("a.toml", &negative).contains("anger: the percentage of tense"));
        let zero = TOML.replace("{ excited = 1 }", "{ excited = 0 }");
        assert!(message("a.toml", &zero).contains("surprise: at least one"));
        let part = TOML.replace("valence_std = 1.10, ", "");
        assert!(message("a.toml", &part).contains("all of valence_mean"));
        let both = TOML.replace("valence_std = 1.10", "valence_std = 1.10, calm = 1");
        assert!(message("a.toml", &both).contains("either emotions or"));
        let off = TOML.replace("valence_mean = 2.40", "valence_mean = 24");
        assert!(message("a.toml", &off).contains("sadness: the mean of valence"));
        let text = TOML.replace("tense = 3", "tense = \"3\"");
        assert!(message("a.toml", &text).contains("invalid type: string \"3\", expected f64"));
        let twice = format!("{TOML}scared = {{ tense = 1 }}\n");
        assert!(message("a.toml", &twice).contains("fear is given twice"));
        assert!(message("a.toml", "anger").contains("as TOML"));
        assert!(message("a.toml", "anger = 3").contains("anger"));
        assert!(message("a.csv", "a,b\n1,2\n").contains("face table --csv"));
        assert!(message("a.csv", "expression,tense\nanger,x\n").contains("found \"x\""));
        assert!(message("a.csv", "expression,tense\nanger\n").contains("as CSV"));
        assert!(message("a.csv", &"x".repeat(1 << 21)).contains("1 MiB"));
    }
}

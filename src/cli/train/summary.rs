//! `scores.json`: the scores of a run, and their spread over folds.

use crate::{
    cli::table::{Align, Table},
    evaluate::Scores,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// What is written of a run's scores.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Name of the recipe.
    pub recipe: String,
    /// Name of the data.
    pub data: String,
    /// Which songs the scores belong to.
    pub measured_on: String,
    /// Numbers that training adapted.
    pub parameters: usize,
    /// Epochs that were trained, of the network that became the model.
    pub epochs: usize,
    /// The epoch whose weights the model has, 1 first.
    pub kept_epoch: usize,
    /// On the test songs, or out of fold on all songs.
    pub scores: Scores,
    /// With cross-validation: the scores of each fold, first to last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<FoldScores>,
}

/// Scores of folds.
#[derive(Debug, Serialize)]
pub struct FoldScores {
    /// Of each fold.
    each: Vec<Value>,
    /// Mean over the folds, score by score; null where a fold has none.
    mean: Value,
    /// Standard deviation over the folds (n - 1 in the divisor).
    deviation: Value,
}

impl FoldScores {
    /// Of the folds' scores.
    pub fn of(folds: &[Scores]) -> Result<Self, serde_json::Error> {
        let each = folds
            .iter()
            .map(|scores| {
                let mut value = serde_json::to_value(scores)?;
                value["mae_ratio"] = (scores.mae / scores.mae_baseline).into();
                Ok(value)
            })
            .collect::<Result<Vec<Value>, serde_json::Error>>()?;
        let columns: Vec<&Value> = each.iter().collect();
        Ok(Self {
            mean: over(&columns, mean),
            deviation: over(&columns, deviation),
            each,
        })
    }

    /// Mean and deviation of every score as a table.
    pub fn table(&self) -> String {
        let mut rows = Vec::new();
        flatten("", &self.mean, &self.deviation, &mut rows);
        let mut table = Table::new([
            ("over the folds", Align::Left),
            ("mean", Align::Right),
            ("deviation", Align::Right),
        ]);
        for (name, mean, deviation) in rows {
            let number =
                |value: Option<f64>| value.map_or("n/a".to_owned(), |value| format!("{value:.3}"));
            table.row([name, number(mean), number(deviation)]);
        }
        table.render(None)
    }
}

/// Applies a statistic to every number of equally shaped values.
fn over(values: &[&Value], statistic: fn(&[f64]) -> Option<f64>) -> Value {
    let Some(Value::Object(first)) = values.first() else {
        let numbers: Option<Vec<f64>> = values.iter().map(|value| value.as_f64()).collect();
        return numbers
            .and_then(|numbers| statistic(&numbers))
            .map_or(Value::Null, Value::from);
    };
    let mut object = Map::new();
    for name in first.keys() {
        let members: Vec<&Value> = values.iter().map(|value| &value[name]).collect();
        object.insert(name.clone(), over(&members, statistic));
    }
    Value::Object(object)
}

fn mean(numbers: &[f64]) -> Option<f64> {
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    mean.is_finite().then_some(mean)
}

fn deviation(numbers: &[f64]) -> Option<f64> {
    let centre = mean(numbers)?;
    let squares: f64 = numbers.iter().map(|number| (number - centre).powi(2)).sum();
    let deviation = (squares / (numbers.len() as f64 - 1.0)).sqrt();
    deviation.is_finite().then_some(deviation)
}

type Row = (String, Option<f64>, Option<f64>);

fn flatten(name: &str, mean: &Value, deviation: &Value, rows: &mut Vec<Row>) {
    match mean {
        Value::Object(members) => {
            for (member, mean) in members {
                let name = match name {
                    "" => member.replace('_', " "),
                    name => format!("{name}, {}", member.replace('_', " ")),
                };
                flatten(&name, mean, &deviation[member], rows);
            }
        }
        mean => rows.push((name.to_owned(), mean.as_f64(), deviation.as_f64())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{emotion::EmotionVector, evaluate::Answer};

    #[test]
    fn every_score_has_its_mean_and_sample_deviation_over_the_folds() {
        let answer = |valence| Answer {
            emotions: EmotionVector::even(),
            valence,
            arousal: 5.0,
            probabilities: None,
        };
        let fold = |error: f64| {
            let truth = [answer(2.0), answer(8.0)];
            let told = [answer(2.0 + error), answer(8.0)];
            Scores::of(&truth, &told).unwrap()
        };
        // one error e of two songs: RMSE e / sqrt(2)
        let folds = FoldScores::of(&[fold(1.0), fold(2.0), fold(3.0)]).unwrap();
        let close = |value: &Value, expected: f64| {
            let found = value.as_f64().unwrap();
            assert!((found - expected).abs() < 1e-12, "{found} and {expected}");
        };
        close(&folds.mean["valence"]["rmse"], 2.0 / 2.0_f64.sqrt());
        close(&folds.deviation["valence"]["rmse"], 0.5_f64.sqrt());
        close(&folds.mean["songs"], 2.0);
        assert_eq!(folds.mean["arousal"]["r2"], Value::Null, "constant labels");
        let table = folds.table();
        assert!(
            table.contains("valence, rmse") && table.contains("1.414"),
            "{table}"
        );
        assert!(table.contains("n/a"), "{table}");
    }
}

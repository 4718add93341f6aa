//! Hyper-parameter search: random search (Bergstra & Bengio 2012) with successive halving (Jamieson & Talwalkar 2016).
//!
//! Every trial is a recipe with some fields drawn at random. All trials are trained for a few epochs, the best third of
//! them for three times as many, and so on, up to the recipe's own number. Each rung trains anew, since a one-cycle
//! schedule depends on the number of epochs.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use serde::{Deserialize, Serialize};
use toml::Value;

use super::{
    fit::Event,
    run::{Run, evaluate_onnx, scores_of},
};
use crate::{
    dataset::LabeledSong,
    error::{Context as _, Error, ErrorKind, Result},
    evaluate::{Answer, Scores, decimals, label_of},
    model::{Recipe, suggestion},
};

/// One of this many trials is promoted at each rung, and the epochs grow by the same factor.
const ETA: usize = 3;
/// No trial is judged by fewer epochs, unless the recipe has fewer.
const LEAST_EPOCHS: usize = 3;
/// Combinations drawn for each that is wanted: some are invalid, or were drawn before.
const DRAWN_FOR_EACH: usize = 50;

/// The values of a trial by their fields in the recipe.
pub(crate) type Values = BTreeMap<String, Value>;

/// The recipe to start from and the values to try, as a TOML file gives them.
#[derive(Debug)]
pub(crate) struct Space {
    pub base: Recipe,
    ranges: BTreeMap<String, Range>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpaceFile {
    recipe: Option<String>,
    search: BTreeMap<String, Range>,
}

/// The values that one field may have: those of a list, or numbers from an interval.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    values: Option<Vec<Value>>,
    from: Option<f64>,
    to: Option<f64>,
    step: Option<f64>,
    #[serde(default)]
    scale: Scale,
    /// Whether the recipe has a whole number here.
    #[serde(skip)]
    is_whole: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scale {
    #[default]
    Linear,
    Log,
}

/// A combination of values, and the recipe with them, or why there is none.
#[derive(Debug)]
pub(crate) struct Trial {
    pub values: Values,
    pub recipe: Result<Recipe>,
}

/// A trial's figures after some epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrialResult {
    /// Number of the trial, 1 first.
    pub trial: usize,
    pub values: Values,
    /// Invalid recipes have none.
    pub epochs: usize,
    pub mae: Option<f64>,
    pub mae_baseline: Option<f64>,
    pub mae_ratio: Option<f64>,
    pub r2_valence: Option<f64>,
    pub r2_arousal: Option<f64>,
    /// The reason why there are no figures.
    pub failure: Option<String>,
}

impl Space {
    /// Reads a space. `adapt` changes the recipe that it names; a file is looked for beside the space.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if it cannot be read, names a field that recipes lack, or a value that the field cannot
    /// have.
    pub(crate) fn load(path: &Path, adapt: impl Fn(Recipe) -> Result<Recipe>) -> Result<Self> {
        let text = std::fs::read_to_string(path).context_at(
            ErrorKind::InvalidInput,
            path,
            "cannot read the search space",
        )?;
        let file: SpaceFile = toml::from_str(&text).map_err(|source| {
            let message = format!(
                "the search space cannot be read{}; expected `recipe` and, below [search], fields in quotes, such as \
                 \"network.dropout\" = {{ from = 0.1, to = 0.6 }}",
                suggestion(&source)
            );
            Error::invalid(message).with_path(path).with_source(source)
        })?;
        let base = match &file.recipe {
            None => Recipe::standard(),
            Some(name) => Recipe::named(name).unwrap_or_else(|| {
                let directory = path.parent().unwrap_or(Path::new(""));
                Recipe::load(&directory.join(name))
            }),
        };
        Self::new(adapt(base?)?, file).map_err(|error| error.with_path(path))
    }

    fn new(mut base: Recipe, file: SpaceFile) -> Result<Self> {
        base.name.push_str("-search");
        // The published figures are of the recipe as it was.
        base.paper = None;
        if file.search.is_empty() {
            let message =
                "[search] names no field; expected one or more, such as \"network.dropout\"";
            return Err(Error::invalid(message));
        }
        let table = as_table(&base)?;
        let mut space = Self {
            base,
            ranges: BTreeMap::new(),
        };
        for (key, mut range) in file.search {
            let wrong = |problem: String| Error::invalid(format!("{key}: {problem}"));
            for value in range.checked(found(&table, &key)).map_err(wrong)? {
                space.unchecked(&[(key.clone(), value)].into())?;
            }
            space.ranges.insert(key, range);
        }
        Ok(space)
    }

    /// The fields to search.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.ranges.keys().map(String::as_str)
    }

    /// Draws different combinations until `count` of them are valid recipes, or no more are found. The same seed draws the
    /// same ones, and a higher count the same ones first.
    pub(crate) fn draw(&self, count: usize) -> Vec<Trial> {
        let mut random = ChaCha8Rng::seed_from_u64(self.base.seed);
        let (mut trials, mut known, mut valid) = (Vec::new(), HashSet::new(), 0);
        for _ in 0..DRAWN_FOR_EACH * count {
            let ranges = self.ranges.iter();
            let values: Values = ranges
                .map(|(key, range)| (key.clone(), range.draw(&mut random)))
                .collect();
            if !known.insert(format!("{values:?}")) {
                continue;
            }
            let recipe = self.unchecked(&values);
            let recipe = recipe.and_then(|recipe| recipe.checked("of this trial"));
            valid += usize::from(recipe.is_ok());
            trials.push(Trial { values, recipe });
            if valid == count {
                break;
            }
        }
        trials
    }

    /// The recipe with these values, which fit together or not.
    fn unchecked(&self, values: &Values) -> Result<Recipe> {
        let mut table = as_table(&self.base)?;
        for (key, value) in values {
            put(&mut table, key, value.clone())
                .map_err(|problem| Error::invalid(format!("{key}: {problem}")))?;
        }
        table.try_into().map_err(|source: toml::de::Error| {
            let values: Vec<String> = values
                .iter()
                .map(|(key, value)| format!("{key} = {value}"))
                .collect();
            let message = format!("no recipe has {}{}", values.join(", "), suggestion(&source));
            Error::invalid(message).with_source(source)
        })
    }
}

fn as_table(recipe: &Recipe) -> Result<Value> {
    Value::try_from(recipe).context(ErrorKind::Internal, "the recipe cannot be written as TOML")
}

/// The value at a path such as `network.stages.0.channels`.
fn found<'a>(table: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(table, |value, part| match value {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        value => value.get(part),
    })
}

/// Puts a value at such a path; a field that recipes lack is found when the recipe is read.
fn put(table: &mut Value, key: &str, new: Value) -> Result<(), String> {
    let mut place = table;
    for part in key.split('.') {
        place = match place {
            Value::Table(fields) => fields
                .entry(part)
                .or_insert_with(|| Value::Table(toml::Table::new())),
            Value::Array(items) => {
                let count = items.len();
                let item = part.parse().ok().and_then(|at: usize| items.get_mut(at));
                item.ok_or_else(|| format!("{part:?}: expected a number below {count}"))?
            }
            other => return Err(format!("{part:?} is a field of {other}, which has none")),
        };
    }
    *place = new;
    Ok(())
}

impl Range {
    /// Checks the range of a field whose value in the recipe is `now`. Returns the list, or the ends of the interval.
    fn checked(&mut self, now: Option<&Value>) -> Result<Vec<Value>, String> {
        let (from, to, step) = match (&self.values, self.from, self.to, self.step) {
            (Some(values), None, None, None) if !values.is_empty() => return Ok(values.clone()),
            (None, Some(from), Some(to), step) => (from, to, step),
            _ => return Err("expected values = [...] with at least one, or from and to".to_owned()),
        };
        if let Some(now) = now.filter(|now| !now.is_integer() && !now.is_float()) {
            return Err(format!("{now} is not a number; expected values = [...]"));
        }
        self.is_whole = now.is_some_and(Value::is_integer);
        if !(from.is_finite() && to.is_finite() && from < to) {
            return Err(format!("from = {from}, to = {to}; expected from below to"));
        }
        if self.scale == Scale::Log && (from <= 0.0 || step.is_some()) {
            return Err("scale = \"log\": expected from above 0, and no step".to_owned());
        }
        if let Some(step) = step.filter(|step| !(*step > 0.0 && *step <= to - from)) {
            let most = to - from;
            return Err(format!("step = {step}; expected above 0, up to {most}"));
        }
        let numbers = [Some(from), Some(to), step];
        if self.is_whole && numbers.iter().flatten().any(|number| number.fract() != 0.0) {
            return Err("expected whole numbers".to_owned());
        }
        Ok([from, to].map(|end| self.number(end)).into())
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> Value {
        if let Some(values) = &self.values {
            return values[random.random_range(0..values.len())].clone();
        }
        let (from, to) = (self.from.unwrap_or_default(), self.to.unwrap_or_default());
        // Without a step, each whole number is as likely as the others.
        let drawn = match self.step.or(self.is_whole.then_some(1.0)) {
            _ if self.scale == Scale::Log => random.random_range(from.ln()..=to.ln()).exp(),
            None => random.random_range(from..=to),
            Some(step) => {
                let steps = ((to - from) / step + 1e-9) as u64;
                from + step * random.random_range(0..=steps) as f64
            }
        };
        self.number(rounded(drawn).clamp(from, to))
    }

    fn number(&self, value: f64) -> Value {
        match self.is_whole {
            true => Value::Integer(value.round() as i64),
            false => Value::Float(value),
        }
    }
}

/// A number with six significant digits, which a person can read and copy.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// The divisor of the recipe's epochs at each rung.
pub(crate) fn rungs(mut trials: usize, epochs: usize) -> Vec<usize> {
    let mut divisors = vec![1];
    let mut divisor = ETA;
    while trials > 1 && epochs / divisor >= LEAST_EPOCHS {
        divisors.insert(0, divisor);
        divisor *= ETA;
        trials /= ETA;
    }
    divisors
}

impl TrialResult {
    /// Of scores on the validation songs, or of the reason why there are none.
    pub(crate) fn new(
        number: usize,
        trial: &Trial,
        epochs: usize,
        scores: Result<Scores, String>,
    ) -> Self {
        let known = scores.as_ref().ok();
        Self {
            trial: number,
            values: trial.values.clone(),
            epochs,
            mae: known.map(|scores| scores.mae),
            mae_baseline: known.map(|scores| scores.mae_baseline),
            mae_ratio: known.and_then(|scores| scores.mae_ratio),
            r2_valence: known.and_then(|scores| scores.valence.r2),
            r2_arousal: known.and_then(|scores| scores.arousal.r2),
            failure: scores.err(),
        }
    }

    /// For a line of the log.
    pub(crate) fn outcome(&self) -> String {
        match &self.failure {
            Some(reason) => format!("failed: {reason}"),
            None => format!("MAE ratio {}", decimals(self.mae_ratio, 3)),
        }
    }
}

/// The trials to promote, the best first: a third, at least one; none that failed.
pub(crate) fn promoted(results: &[TrialResult]) -> Vec<usize> {
    let mut ranked: Vec<(f64, usize)> = results
        .iter()
        .filter_map(|result| Some((result.mae_ratio?, result.trial)))
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    ranked.truncate((results.len() / ETA).max(1));
    ranked.into_iter().map(|(_, trial)| trial).collect()
}

/// Trains a trial and measures it on the validation songs, through the model file as `analyze` would.
///
/// # Errors
/// As [`Run::train`] and [`evaluate_onnx`].
pub(crate) fn measure(
    run: Run<'_>,
    training: &[usize],
    validation: &[usize],
    watch: impl FnMut(Event) -> bool,
) -> Result<Scores> {
    let trained = run.train(training, validation, watch)?;
    let onnx = trained.onnx(serde_json::Value::Null)?;
    let songs = run.songs.songs;
    let asked: Vec<&LabeledSong> = validation.iter().map(|&song| &songs[song]).collect();
    let truth: Vec<Answer> = asked.iter().map(|song| label_of(song)).collect();
    scores_of(&truth, &evaluate_onnx(&onnx, &asked)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::one_line;

    fn space(fields: &str) -> Result<Space> {
        let file = toml::from_str(&format!("[search]\n{fields}")).unwrap();
        Space::new(Recipe::standard()?, file)
    }

    #[test]
    fn values_are_within_their_range_and_the_same_for_the_same_seed() {
        let fields = r#"
            "optimizer.learning_rate" = { from = 1e-4, to = 1e-2, scale = "log" }
            "network.dropout" = { from = 0.1, to = 0.6 }
            "network.mix" = { values = [64, 128] }
            "network.stages.0.channels" = { from = 8, to = 12 }
            "augmentation.mask_bands" = { from = 0, to = 24, step = 8 }
            "augmentation.mask_time" = { from = 0, to = 0.3, step = 0.1 }
        "#;
        let space = space(fields).unwrap();
        let trials = space.draw(300);
        assert_eq!(trials.len(), 300);
        let (mut low_rates, mut channels, mut bands, mut times) =
            (0, HashSet::new(), HashSet::new(), HashSet::new());
        for trial in &trials {
            let recipe = trial.recipe.as_ref().unwrap();
            let rate = recipe.optimizer.learning_rate;
            assert!((1e-4..=1e-2).contains(&rate));
            low_rates += usize::from(rate < 1e-3);
            assert!((0.1..=0.6).contains(&recipe.network.dropout));
            assert!([64, 128].contains(&recipe.network.mix));
            channels.insert(recipe.network.stages[0].channels);
            bands.insert(recipe.augmentation.mask_bands);
            times.insert(recipe.augmentation.mask_time.to_string());
        }
        assert!(
            (100..200).contains(&low_rates),
            "half of the decades: {low_rates}"
        );
        assert_eq!(channels, (8..=12).collect());
        assert_eq!(bands, [0, 8, 16, 24].into());
        assert_eq!(times, ["0", "0.1", "0.2", "0.3"].map(String::from).into());
        for (again, trial) in space.draw(500).iter().zip(&trials) {
            assert_eq!(again.values, trial.values);
        }
    }

    #[test]
    fn an_invalid_combination_is_drawn_once_and_counted_with_its_reason() {
        let trials = space(r#""network.stages.0.kernel" = { values = [3, 4, 5] }"#)
            .unwrap()
            .draw(3);
        let invalid: Vec<String> = trials
            .iter()
            .filter_map(|trial| trial.recipe.as_ref().err().map(Error::to_string))
            .collect();
        assert_eq!((trials.len(), invalid.len()), (3, 1));
        assert!(
            invalid[0].contains("kernel = 4; expected an odd number"),
            "{invalid:?}"
        );
    }

    #[test]
    fn a_space_that_no_recipe_fits_is_refused_with_the_field() {
        for (fields, expected) in [
            (
                r#""network.dropot" = { from = 0, to = 0.5 }"#,
                "did you mean \"dropout\"?",
            ),
            (
                r#""optimiser.clip" = { values = [1] }"#,
                "did you mean \"optimizer\"?",
            ),
            (
                r#""seed.x" = { values = [1] }"#,
                "seed.x: \"x\" is a field of 1",
            ),
            (
                r#""network.stages.9.kernel" = { values = [3] }"#,
                "expected a number below 4",
            ),
            (
                r#""network.mix" = { values = [64, "wide"] }"#,
                "network.mix = \"wide\"",
            ),
            (
                r#""network.mix" = { from = 1.5, to = 4 }"#,
                "network.mix: expected whole numbers",
            ),
            (
                r#""network.output" = { from = 0, to = 1 }"#,
                "expected values = [...]",
            ),
            (
                r#""network.dropout" = { from = 0.5, to = 0.5 }"#,
                "expected from below to",
            ),
            (r#""network.dropout" = { from = 0.1 }"#, "or from and to"),
            (r#""network.dropout" = { values = [] }"#, "at least one"),
            (
                r#""network.dropout" = { from = 0, to = 0.5, scale = "log" }"#,
                "above 0",
            ),
            (
                r#""network.mix" = { from = 1, to = 9, step = 0 }"#,
                "step = 0; expected above 0",
            ),
            ("", "names no field"),
        ] {
            let error = one_line(&space(fields).unwrap_err());
            assert!(error.contains(expected), "{fields}: {error}");
        }
    }

    #[test]
    fn a_third_is_promoted_to_three_times_the_epochs() {
        assert_eq!(rungs(30, 60), [9, 3, 1]);
        assert_eq!(rungs(3, 60), [3, 1]);
        assert_eq!(rungs(2, 9), [3, 1]);
        assert_eq!(rungs(100, 8), [1]);
        assert_eq!(rungs(1, 60), [1]);
        let trial = &space("\"seed\" = { values = [1] }").unwrap().draw(1)[0];
        let result = |(number, ratio): (usize, Option<f64>)| TrialResult {
            mae_ratio: ratio,
            ..TrialResult::new(number, trial, 1, Err(String::new()))
        };
        let ratios = [Some(0.9), None, Some(0.7), Some(0.8), Some(0.7), None, None];
        let results: Vec<TrialResult> = (1..).zip(ratios).map(result).collect();
        assert_eq!(promoted(&results), [3, 5]);
        assert_eq!(promoted(&results[..2]), [1]);
        assert!(promoted(&results[5..]).is_empty());
    }
}

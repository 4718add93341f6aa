//! [`Scores`]: all numbers of one evaluation, and how they are written as JSON.

use super::{
    Confusion, Reliability,
    metrics::{self, Agreement, Classification, Percentages},
    multilabel::Probabilities,
};
use crate::{
    dataset::{ColumnReport, Part},
    emotion::{Emotion, EmotionVector, Quadrant},
};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// What is true of a song, or what a model says of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// The eight percentages.
    pub emotions: EmotionVector,
    /// Valence, 1 to 9.
    pub valence: f64,
    /// Arousal, 1 to 9.
    pub arousal: f64,
    /// How probable it is that each emotion is present, 0 to 1; only of multi-label models.
    pub probabilities: Option<Probabilities>,
}

/// Percentage points for each emotion; in JSON an object with the eight names in their order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerEmotion(pub Percentages);

impl PerEmotion {
    /// Every emotion with its number.
    pub fn iter(&self) -> impl Iterator<Item = (Emotion, f64)> {
        Emotion::ALL.into_iter().zip(self.0)
    }
}

impl Serialize for PerEmotion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Emotion::COUNT))?;
        for (emotion, value) in self.iter() {
            map.serialize_entry(emotion.name(), &value)?;
        }
        map.end()
    }
}

/// How far a model's answers are from the truth. In JSON, a number that does not exist (a correlation of constant
/// labels, for example) is `null`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// How many songs were judged.
    pub songs: usize,
    /// Mean absolute error over the eight percentages of all songs, in percentage points.
    pub mae: f64,
    /// The same of a predictor that answers the mean vector of these songs' labels for every song
    /// ([`metrics::mae_of_mean_vector`]).
    pub mae_baseline: f64,
    /// Mean absolute error of each emotion's percentage.
    pub per_emotion: PerEmotion,
    /// Of valence, 1 to 9.
    pub valence: Agreement,
    /// Of arousal, 1 to 9.
    pub arousal: Agreement,
    /// Of Russell's quadrants ([`Quadrant::of`]).
    pub quadrants: Classification,
    /// `mae / mae_baseline`: below 1, the model knows something; none where the baseline makes no error.
    pub mae_ratio: Option<f64>,
    /// Mean absolute error of each emotion's percentage by the mean vector.
    pub per_emotion_baseline: PerEmotion,
    /// Mean percentage of each emotion by the labels.
    pub mean_true: PerEmotion,
    /// Mean percentage of each emotion by the model.
    pub mean_predicted: PerEmotion,
    /// Which quadrant is taken for which.
    pub confusion: Confusion,
    /// Whether percentages mean what they say, over all eight emotions.
    pub reliability: Reliability,
}

/// One of the scores that are a single number.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// Name in files, such as `valence.r2`.
    pub key: String,
    /// Name for people, such as `valence, R2`.
    pub name: String,
    /// The number, where it exists.
    pub value: Option<f64>,
    /// How many decimals say enough.
    pub decimals: usize,
}

impl Number {
    /// The number as people read it; `n/a` where there is none.
    pub fn text(&self) -> String {
        let decimals = self.decimals;
        self.value
            .map_or_else(|| "n/a".to_owned(), |value| format!("{value:.decimals$}"))
    }
}

impl Scores {
    /// Every score that is a single number, in the order in which they are shown.
    pub fn numbers(&self) -> Vec<Number> {
        let number = |key: &str, name: &str, value, decimals| Number {
            key: key.to_owned(),
            name: name.to_owned(),
            value,
            decimals,
        };
        let mut numbers = vec![
            number("mae", "MAE", Some(self.mae), 2),
            number(
                "mae_baseline",
                "mean-vector baseline",
                Some(self.mae_baseline),
                2,
            ),
            number("mae_ratio", "MAE over baseline", self.mae_ratio, 3),
        ];
        for (emotion, mae) in self.per_emotion.iter() {
            let (key, name) = (format!("per_emotion.{emotion}"), format!("MAE, {emotion}"));
            numbers.push(number(&key, &name, Some(mae), 2));
        }
        for (axis, of) in [("valence", self.valence), ("arousal", self.arousal)] {
            for (key, name, value) in [
                ("r2", "R2", of.r2),
                ("rmse", "RMSE", of.rmse),
                ("pearson", "Pearson", of.pearson),
                ("ccc", "CCC", of.ccc),
            ] {
                let (key, name) = (format!("{axis}.{key}"), format!("{axis}, {name}"));
                numbers.push(number(&key, &name, value, 3));
            }
        }
        let quadrants = self.quadrants;
        numbers.extend([
            number(
                "quadrants.accuracy",
                "quadrants, accuracy",
                Some(quadrants.accuracy),
                3,
            ),
            number(
                "quadrants.macro_f1",
                "quadrants, macro F1",
                Some(quadrants.macro_f1),
                3,
            ),
            number(
                "reliability.calibration_error",
                "calibration error",
                Some(self.reliability.calibration_error),
                2,
            ),
        ]);
        numbers
    }

    /// Compares answers with the truth, song by song in the same order; `None` where the lengths differ or there is
    /// no song.
    pub fn of(truth: &[Answer], predicted: &[Answer]) -> Option<Self> {
        let [truth, predicted] = [truth, predicted].map(Columns::of);
        let mae = metrics::mae_of_vectors(&truth.emotions, &predicted.emotions)?;
        let mae_baseline = metrics::mae_of_mean_vector(&truth.emotions)?;
        let mean_true = metrics::mean_vector(&truth.emotions)?;
        let constant = vec![mean_true; truth.emotions.len()];
        Some(Self {
            songs: truth.emotions.len(),
            mae,
            mae_baseline,
            per_emotion: PerEmotion(metrics::mae_per_emotion(
                &truth.emotions,
                &predicted.emotions,
            )?),
            valence: Agreement::of(&truth.valence, &predicted.valence),
            arousal: Agreement::of(&truth.arousal, &predicted.arousal),
            quadrants: Classification::of(&Quadrant::ALL, &truth.quadrants, &predicted.quadrants)?,
            mae_ratio: Some(mae / mae_baseline).filter(|ratio| ratio.is_finite()),
            per_emotion_baseline: PerEmotion(metrics::mae_per_emotion(&truth.emotions, &constant)?),
            mean_true: PerEmotion(mean_true),
            mean_predicted: PerEmotion(metrics::mean_vector(&predicted.emotions)?),
            confusion: Confusion::of(&truth.quadrants, &predicted.quadrants),
            reliability: Reliability::of(
                truth
                    .emotions
                    .iter()
                    .flatten()
                    .copied()
                    .zip(predicted.emotions.iter().flatten().copied()),
            )?,
        })
    }
}

struct Columns {
    emotions: Vec<Percentages>,
    valence: Vec<f64>,
    arousal: Vec<f64>,
    quadrants: Vec<Quadrant>,
}

impl Columns {
    fn of(answers: &[Answer]) -> Self {
        Self {
            emotions: answers
                .iter()
                .map(|a| a.emotions.as_array().map(f64::from))
                .collect(),
            valence: answers.iter().map(|a| a.valence).collect(),
            arousal: answers.iter().map(|a| a.arousal).collect(),
            quadrants: answers
                .iter()
                .map(|a| Quadrant::of(a.valence, a.arousal))
                .collect(),
        }
    }
}

/// The scores, the model that they belong to, and what it was judged by: the JSON of `circumplex evaluate`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The scores.
    #[serde(flatten)]
    pub scores: Scores,
    /// Identity of the model ([`Bundle::identity`](crate::model::Bundle::identity)).
    pub model: String,
    /// Which columns the labels were read from, and how that is known.
    pub labels: ColumnReport,
    /// Which songs were judged.
    pub split: Judged,
    /// The same answers against the labels as they are published, where both were asked for and columns are crossed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_published: Option<Box<Report>>,
}

/// Which songs of a data set were judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// The part of the model's split; none: all songs, in JSON `all`.
    #[serde(serialize_with = "part_or_all")]
    pub part: Option<Part>,
    /// How many of them the model's weights were fitted to, by its own account; none where it gives none.
    pub trained_on: Option<usize>,
}

fn part_or_all<S: Serializer>(part: &Option<Part>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(part.map_or("all", Part::name))
}

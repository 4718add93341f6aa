//! [`Scores`]: all numbers of one evaluation, and how they are written as JSON.

use super::metrics::{self, Agreement, Classification, Percentages};
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
}

impl Scores {
    /// Compares answers with the truth, song by song in the same order; `None` where the lengths differ or there is
    /// no song.
    pub fn of(truth: &[Answer], predicted: &[Answer]) -> Option<Self> {
        let [truth, predicted] = [truth, predicted].map(Columns::of);
        Some(Self {
            songs: truth.emotions.len(),
            mae: metrics::mae_of_vectors(&truth.emotions, &predicted.emotions)?,
            mae_baseline: metrics::mae_of_mean_vector(&truth.emotions)?,
            per_emotion: PerEmotion(metrics::mae_per_emotion(
                &truth.emotions,
                &predicted.emotions,
            )?),
            valence: Agreement::of(&truth.valence, &predicted.valence),
            arousal: Agreement::of(&truth.arousal, &predicted.arousal),
            quadrants: Classification::of(&Quadrant::ALL, &truth.quadrants, &predicted.quadrants)?,
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

//! [`Scores`] of one evaluation, [`RunScores`] with everything else in `scores.json`, and the evaluated songs.

use super::{
    ListenerAgreement, MultiLabel, Reliability, ThresholdSearch,
    metrics::{self, Agreement, Classification, Confusion, Percentages, mean_absolute_error},
    multilabel::Probabilities,
};
use crate::emotion::{Emotion, EmotionVector, Quadrant};
use serde::{Serialize, Serializer};
use std::{collections::BTreeMap, path::PathBuf};

/// The label of a song, or a model's prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// The eight percentages.
    pub emotions: EmotionVector,
    /// Valence, 1 to 9.
    pub valence: f64,
    /// Arousal, 1 to 9.
    pub arousal: f64,
    /// Probability that each emotion is present, 0 to 1; only of multi-label models.
    pub probabilities: Option<Probabilities>,
    /// The percentages of what listeners feel; only of models that learned from votes.
    pub felt: Option<EmotionVector>,
}

impl Answer {
    pub(crate) fn percentages(&self) -> Percentages {
        self.emotions.as_array().map(f64::from)
    }

    pub(crate) fn quadrant(&self) -> Quadrant {
        Quadrant::of(self.valence, self.arousal)
    }
}

/// Percentage points for each emotion; in JSON an object with the eight names in their order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerEmotion(pub Percentages);

impl PerEmotion {
    /// Every emotion with its number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Emotion, f64)> {
        Emotion::ALL.into_iter().zip(self.0)
    }
}

impl Serialize for PerEmotion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(emotion, value)| (emotion.name(), value)))
    }
}

/// Differences between a model's predictions and the labels. In JSON, a number that does not exist (a correlation of
/// constant labels, for example) is `null`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// Number of evaluated songs.
    pub songs: usize,
    /// Mean absolute error over the eight percentages of all songs, in percentage points.
    pub mae: f64,
    /// The same of a predictor that answers the mean vector of these songs' labels for every song
    /// (`metrics::mae_of_mean_vector`).
    pub mae_baseline: f64,
    /// Mean absolute error of each emotion's percentage.
    pub per_emotion: PerEmotion,
    /// Of valence, 1 to 9.
    pub valence: Agreement,
    /// Of arousal, 1 to 9.
    pub arousal: Agreement,
    /// Of Russell's quadrants ([`Quadrant::of`]).
    pub quadrants: Classification,
    /// `mae / mae_baseline`: below 1, the model is better than the baseline; none if the baseline makes no error.
    pub mae_ratio: Option<f64>,
    /// Mean absolute error of each emotion's percentage by the mean vector.
    pub per_emotion_baseline: PerEmotion,
    /// Mean percentage of each emotion by the labels.
    pub mean_true: PerEmotion,
    /// Mean percentage of each emotion by the model.
    pub mean_predicted: PerEmotion,
    /// Counts of songs by true and predicted quadrant.
    pub confusion: Confusion,
    /// Reliability of the percentages, over all eight emotions.
    pub reliability: Reliability,
}

/// One of the scores that are a single number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Number {
    /// Name in files, such as `valence.r2`.
    pub key: String,
    /// Name for people, such as `valence, R2`.
    pub name: String,
    /// The number, where it exists.
    pub value: Option<f64>,
    /// How many decimals say enough.
    pub decimals: usize,
}

/// A number with that many decimals; `n/a` if there is none.
pub(crate) fn decimals(number: Option<f64>, decimals: usize) -> String {
    number.map_or("n/a".to_owned(), |number| format!("{number:.decimals$}"))
}

impl Scores {
    /// Every score that is a single number, in the order in which they are shown.
    pub(crate) fn numbers(&self) -> Vec<Number> {
        let mut numbers = Vec::new();
        let mut add = |key: &str, name: &str, value: Option<f64>, decimals| {
            numbers.push(Number {
                key: key.to_owned(),
                name: name.to_owned(),
                value,
                decimals,
            });
        };
        let (mae, baseline) = (Some(self.mae), Some(self.mae_baseline));
        add("mae", "MAE", mae, 2);
        add("mae_baseline", "mean-vector baseline", baseline, 2);
        add("mae_ratio", "MAE over baseline", self.mae_ratio, 3);
        for (emotion, mae) in self.per_emotion.iter() {
            let (key, name) = (format!("per_emotion.{emotion}"), format!("MAE, {emotion}"));
            add(&key, &name, Some(mae), 2);
        }
        for (axis, of) in [("valence", self.valence), ("arousal", self.arousal)] {
            for (key, name, value) in [
                ("r2", "R2", of.r2),
                ("rmse", "RMSE", of.rmse),
                ("pearson", "Pearson", of.pearson),
                ("ccc", "CCC", of.ccc),
            ] {
                let (key, name) = (format!("{axis}.{key}"), format!("{axis}, {name}"));
                add(&key, &name, value, 3);
            }
        }
        let accuracy = Some(self.quadrants.accuracy);
        add("quadrants.accuracy", "quadrants, accuracy", accuracy, 3);
        let macro_f1 = Some(self.quadrants.macro_f1);
        add("quadrants.macro_f1", "quadrants, macro F1", macro_f1, 3);
        let (key, error) = (
            "reliability.calibration_error",
            self.reliability.calibration_error,
        );
        add(key, "calibration error", Some(error), 2);
        numbers
    }

    /// Compares predictions with the truth, song by song in the same order; `None` if the lengths differ or there is no
    /// song.
    pub(crate) fn of(truth: &[Answer], predicted: &[Answer]) -> Option<Self> {
        fn all<T>(answers: &[Answer], of: impl Fn(&Answer) -> T) -> Vec<T> {
            answers.iter().map(of).collect()
        }
        let emotions = all(truth, Answer::percentages);
        let predicted_emotions = all(predicted, Answer::percentages);
        let axis = |of: fn(&Answer) -> f64| Agreement::of(&all(truth, of), &all(predicted, of));
        let quadrants = all(truth, Answer::quadrant);
        let confusion = Confusion::of(&quadrants, &all(predicted, Answer::quadrant));
        let pairs = emotions.iter().zip(&predicted_emotions);
        let pairs = pairs.flat_map(|(truth, predicted)| truth.iter().copied().zip(*predicted));
        let mae = metrics::mae_of_vectors(&emotions, &predicted_emotions)?;
        let mae_baseline = metrics::mae_of_mean_vector(&emotions)?;
        let mean_true = metrics::mean_vector(&emotions)?;
        let constant = vec![mean_true; emotions.len()];
        Some(Self {
            songs: emotions.len(),
            mae,
            mae_baseline,
            per_emotion: PerEmotion(metrics::mae_per_emotion(&emotions, &predicted_emotions)?),
            valence: axis(|answer| answer.valence),
            arousal: axis(|answer| answer.arousal),
            quadrants: confusion.classification()?,
            mae_ratio: Some(mae / mae_baseline).filter(|ratio| ratio.is_finite()),
            per_emotion_baseline: PerEmotion(metrics::mae_per_emotion(&emotions, &constant)?),
            mean_true: PerEmotion(mean_true),
            mean_predicted: PerEmotion(metrics::mean_vector(&predicted_emotions)?),
            confusion,
            reliability: Reliability::of(pairs)?,
        })
    }
}

/// An evaluated song.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JudgedSong {
    /// Its id in the data set.
    pub id: String,
    /// Its title, if known.
    pub title: Option<String>,
    /// Its artist, if known.
    pub artist: Option<String>,
    /// Its audio file.
    pub audio: PathBuf,
    /// The fold that held it out, from 0, if there are folds.
    pub fold: Option<usize>,
    /// Its label.
    pub truth: Answer,
    /// The model's prediction.
    pub predicted: Answer,
}

impl JudgedSong {
    /// Mean absolute error of its eight percentages, in percentage points.
    pub(crate) fn mae(&self) -> f64 {
        let (truth, predicted) = (self.truth.percentages(), self.predicted.percentages());
        mean_absolute_error(&truth, &predicted).unwrap_or_default()
    }
}

#[cfg(test)]
impl Default for JudgedSong {
    /// A nameless, neutral song, to fill in.
    fn default() -> Self {
        let neutral = Answer {
            emotions: EmotionVector::even(),
            valence: crate::emotion::CENTER,
            arousal: crate::emotion::CENTER,
            probabilities: None,
            felt: None,
        };
        Self {
            id: String::new(),
            title: None,
            artist: None,
            audio: PathBuf::new(),
            fold: None,
            truth: neutral,
            predicted: neutral,
        }
    }
}

/// All scores of a run: the content of its `scores.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RunScores {
    /// Over all evaluated songs.
    #[serde(flatten)]
    pub scores: Scores,
    /// The evaluated songs in words, such as `test songs, no artist in training`.
    pub measured_on: String,
    /// Mean and deviation over folds, if every song has a fold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_validation: Option<FoldScores>,
    /// Of a multi-label model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_label: Option<MultiLabel>,
    /// Agreement of `emotions` and of `felt` with the votes of listeners, if there are votes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub listeners: BTreeMap<&'static str, ListenerAgreement>,
}

impl RunScores {
    /// Of evaluated songs; `None` if there is none.
    pub(crate) fn of(songs: &[JudgedSong], measured_on: &str) -> Option<Self> {
        let truth: Vec<Answer> = songs.iter().map(|song| song.truth).collect();
        let predicted: Vec<Answer> = songs.iter().map(|song| song.predicted).collect();
        Some(Self {
            scores: Scores::of(&truth, &predicted)?,
            measured_on: measured_on.to_owned(),
            cross_validation: FoldScores::of(songs),
            multi_label: None,
            listeners: BTreeMap::new(),
        })
    }

    /// Adds the classification report of a multi-label model, if all songs have probabilities.
    #[must_use]
    pub(crate) fn with_labels(
        self,
        songs: &[JudgedSong],
        present_above: f64,
        threshold: f64,
        search: Option<ThresholdSearch>,
    ) -> Self {
        let truth: Vec<Percentages> = songs.iter().map(|song| song.truth.percentages()).collect();
        let probabilities = songs.iter().map(|song| song.predicted.probabilities);
        let probabilities: Option<Vec<Probabilities>> = probabilities.collect();
        let multi_label = probabilities
            .and_then(|all| MultiLabel::of(&truth, present_above, &all, threshold, search));
        Self {
            multi_label,
            ..self
        }
    }
}

/// Mean and deviation of one score over folds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// The mean over the folds that have the score.
    pub mean: f64,
    /// Their sample standard deviation (divided by folds - 1); none for one fold.
    pub deviation: Option<f64>,
    /// How many folds have the score.
    pub folds: usize,
}

impl Spread {
    /// Of the scores that exist; `None` if there is none.
    fn of(values: impl IntoIterator<Item = Option<f64>>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().flatten().collect();
        let folds = values.len();
        let mean = values.iter().sum::<f64>() / folds as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (folds > 1).then(|| (squares / (folds - 1) as f64).sqrt());
        mean.is_finite().then_some(Self {
            mean,
            deviation,
            folds,
        })
    }
}

/// One fold's songs and scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct FoldNumbers {
    pub songs: usize,
    /// Each score under its key.
    #[serde(flatten)]
    pub numbers: BTreeMap<String, Option<f64>>,
}

/// Mean and deviation over the folds of every score in [`Scores::numbers`], under the same keys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct FoldScores {
    /// Mean and deviation of each score; null in JSON if no fold has it.
    over_folds: BTreeMap<String, Option<Spread>>,
    /// Each fold by itself.
    pub folds: Vec<FoldNumbers>,
}

impl FoldScores {
    /// Of songs with folds; `None` if one has none, or there is no song.
    pub(crate) fn of(songs: &[JudgedSong]) -> Option<Self> {
        let mut by_fold: BTreeMap<usize, (Vec<Answer>, Vec<Answer>)> = BTreeMap::new();
        for song in songs {
            let (truth, predicted) = by_fold.entry(song.fold?).or_default();
            truth.push(song.truth);
            predicted.push(song.predicted);
        }
        let mut folds = Vec::new();
        for (truth, predicted) in by_fold.values() {
            let scores = Scores::of(truth, predicted)?;
            let numbers = scores.numbers().into_iter();
            folds.push(FoldNumbers {
                songs: scores.songs,
                numbers: numbers.map(|number| (number.key, number.value)).collect(),
            });
        }
        let mut over_folds = BTreeMap::new();
        for key in folds.first()?.numbers.keys() {
            let spread = Spread::of(folds.iter().map(|fold| fold.numbers[key]));
            over_folds.insert(key.clone(), spread);
        }
        Some(Self { over_folds, folds })
    }

    /// The spread of the score under a key, such as `valence.r2`.
    pub(crate) fn spread(&self, key: &str) -> Option<Spread> {
        *self.over_folds.get(key)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(valence: f64, arousal: f64) -> Answer {
        Answer {
            valence,
            arousal,
            ..JudgedSong::default().truth
        }
    }

    fn song(id: &str, fold: Option<usize>, valence: [f64; 2]) -> JudgedSong {
        JudgedSong {
            id: id.to_owned(),
            fold,
            truth: answer(valence[0], 3.0),
            predicted: answer(valence[1], 4.0),
            ..JudgedSong::default()
        }
    }

    #[test]
    fn a_spread_is_the_mean_and_the_sample_deviation() {
        let spread = Spread::of([Some(1.0), Some(2.0), None, Some(4.0)]).unwrap();
        assert_eq!((spread.folds, spread.mean), (3, 7.0 / 3.0));
        // numpy.std([1, 2, 4], ddof=1)
        assert!((spread.deviation.unwrap() - 1.527_525_231_651_946_8).abs() < 1e-15);
        let one = Spread::of([Some(3.0)]).unwrap();
        assert_eq!((one.mean, one.deviation), (3.0, None));
        assert_eq!(Spread::of([None, None]), None);
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn every_score_has_a_spread_over_the_folds_of_the_songs() {
        let songs = [
            song("1", Some(1), [2.0, 3.0]),
            song("2", Some(0), [6.0, 6.0]),
            song("3", Some(1), [8.0, 7.0]),
            song("4", Some(0), [4.0, 4.0]),
        ];
        let folds = FoldScores::of(&songs).unwrap();
        assert_eq!(folds.folds.len(), 2);
        let rmse = folds.spread("valence.rmse").unwrap();
        assert_eq!((rmse.mean, rmse.folds), (0.5, 2));
        assert!((rmse.deviation.unwrap() - 0.5_f64.sqrt()).abs() < 1e-15);
        // Arousal is constant, so no fold has its correlation.
        assert_eq!(folds.spread("arousal.pearson"), None);
        let json = serde_json::to_value(&folds).unwrap();
        assert!(json["over_folds"]["arousal.pearson"].is_null());
        assert_eq!(json["over_folds"]["valence.rmse"]["mean"], 0.5);
        assert_eq!(json["folds"][1]["valence.rmse"], 1.0);
        assert_eq!(json["folds"][1]["songs"], 2);
        let scores = Scores::of(&[answer(1.0, 1.0)], &[answer(1.0, 1.0)]).unwrap();
        assert_eq!(
            json["over_folds"].as_object().unwrap().len(),
            scores.numbers().len()
        );
    }

    #[test]
    fn songs_without_a_fold_have_no_spread() {
        let songs = [song("1", Some(0), [2.0, 3.0]), song("2", None, [6.0, 6.0])];
        assert_eq!(FoldScores::of(&songs), None);
        assert_eq!(FoldScores::of(&[]), None);
    }
}

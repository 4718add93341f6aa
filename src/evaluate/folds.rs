//! How much scores vary from fold to fold.

use super::{Answer, JudgedSong, Scores};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::collections::BTreeMap;

/// Mean and deviation of one score over folds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The mean over the folds that have the score.
    pub mean: f64,
    /// Their sample standard deviation (divided by folds - 1); none for one fold.
    pub deviation: Option<f64>,
    /// How many folds have the score.
    pub folds: usize,
}

impl Spread {
    /// Of the scores that exist; none where there is none.
    pub fn of(values: impl IntoIterator<Item = Option<f64>>) -> Option<Self> {
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
pub struct FoldNumbers {
    /// How many songs the fold has.
    pub songs: usize,
    /// Each score under its key.
    #[serde(flatten)]
    pub numbers: Named<Option<f64>>,
}

/// Every score with its mean and deviation over the folds. The scores are those of [`Scores::numbers`], under the same
/// keys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoldScores {
    /// Mean and deviation of each score; null in JSON where no fold has it.
    pub over_folds: Named<Option<Spread>>,
    /// Each fold by itself.
    pub folds: Vec<FoldNumbers>,
}

impl FoldScores {
    /// Of the scores of every fold; `None` where there is no fold.
    pub fn of(folds: &[Scores]) -> Option<Self> {
        let folds: Vec<FoldNumbers> = folds
            .iter()
            .map(|scores| FoldNumbers {
                songs: scores.songs,
                numbers: Named(
                    scores
                        .numbers()
                        .into_iter()
                        .map(|number| (number.key, number.value))
                        .collect(),
                ),
            })
            .collect();
        let first = folds.first()?;
        let spreads = first.numbers.0.iter().enumerate().map(|(place, (key, _))| {
            let values = folds.iter().map(|fold| fold.numbers.0.get(place)?.1);
            (key.clone(), Spread::of(values))
        });
        Some(Self {
            over_folds: Named(spreads.collect()),
            folds,
        })
    }

    /// Of songs that know their fold, the folds in their order; `None` where one does not know it, or there is no song.
    pub fn of_songs(songs: &[JudgedSong]) -> Option<Self> {
        let mut folds: BTreeMap<usize, (Vec<Answer>, Vec<Answer>)> = BTreeMap::new();
        for song in songs {
            let (truth, predicted) = folds.entry(song.fold?).or_default();
            truth.push(song.truth);
            predicted.push(song.predicted);
        }
        let scores = folds
            .values()
            .map(|(truth, predicted)| Scores::of(truth, predicted))
            .collect::<Option<Vec<Scores>>>()?;
        Self::of(&scores)
    }

    /// The spread of the score under a key, such as `valence.r2`.
    pub fn spread(&self, key: &str) -> Option<Spread> {
        let mut all = self.over_folds.0.iter();
        all.find(|(name, _)| name == key)?.1
    }
}

/// Values under names, in order; in JSON an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<T>(pub Vec<(String, T)>);

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emotion::EmotionVector;

    fn answer(valence: f64, arousal: f64) -> Answer {
        Answer {
            emotions: EmotionVector::even(),
            valence,
            arousal,
            probabilities: None,
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
    fn folds_are_told_apart_by_their_songs_and_every_score_gets_a_spread() {
        let songs = [
            song("1", Some(1), [2.0, 3.0]),
            song("2", Some(0), [6.0, 6.0]),
            song("3", Some(1), [8.0, 7.0]),
            song("4", Some(0), [4.0, 4.0]),
        ];
        let folds = FoldScores::of_songs(&songs).unwrap();
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
        let count = Scores::of(&[answer(1.0, 1.0)], &[answer(1.0, 1.0)])
            .unwrap()
            .numbers()
            .len();
        assert_eq!(json["over_folds"].as_object().unwrap().len(), count);
    }

    #[test]
    fn songs_without_a_fold_have_no_spread() {
        let songs = [song("1", Some(0), [2.0, 3.0]), song("2", None, [6.0, 6.0])];
        assert_eq!(FoldScores::of_songs(&songs), None);
        assert_eq!(FoldScores::of_songs(&[]), None);
        assert_eq!(FoldScores::of(&[]), None);
    }
}

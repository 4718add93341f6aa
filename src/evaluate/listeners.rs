//! Do listeners agree? Answers of a model compared with the words that people chose for the same songs.

use super::Answer;
use crate::emotion::{Emotion, EmotionVector};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use serde::Serialize;
use std::collections::BTreeMap;

/// The moods that are compared: an emotion, and the word of the Geneva Emotional Music Scales (Zentner, Grandjean & Scherer
/// 2008) that means it.
const MOODS: [(Emotion, &str); 4] = [
    (Emotion::Happy, "joyful_activation"),
    (Emotion::Depressed, "sadness"),
    (Emotion::Calm, "calmness"),
    (Emotion::Tense, "tension"),
];
/// Songs at the top of a list that a lift is about.
const TOP: usize = 10;
const RESAMPLES: usize = 1000;
/// Fewer songs rank nothing.
const FEWEST: usize = 3;

/// A figure and the interval that holds 95 % of it over resampled songs (bootstrap, Efron 1979).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Interval {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// Agreement about one mood.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct MoodAgreement {
    pub emotion: Emotion,
    /// The word that listeners choose.
    pub word: String,
    /// Spearman's rank correlation of the emotion's percentage and the word's share of listeners.
    pub rho: Interval,
    /// How much oftener listeners chose the word for the ten songs with the highest percentage than for all songs.
    pub lift: Interval,
}

/// Agreement of a model's vectors with listeners.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ListenerAgreement {
    pub songs: usize,
    pub moods: Vec<MoodAgreement>,
    /// Mean over the moods.
    pub mean_rho: Interval,
    /// Mean over the moods.
    pub mean_lift: Interval,
}

/// The words of the moods that are compared, with their emotions.
pub(crate) fn words() -> BTreeMap<String, Emotion> {
    MOODS
        .map(|(emotion, word)| (word.to_owned(), emotion))
        .into()
}

/// Agreement of `emotions`, and of `felt` where all answers have it, by these names. `words` are the columns of `votes`.
pub(crate) fn agreements<'a>(
    words: impl Iterator<Item = &'a str>,
    votes: &[&[f64]],
    answers: &[Answer],
) -> BTreeMap<&'static str, ListenerAgreement> {
    let words: Vec<&str> = words.collect();
    let felt: Option<Vec<EmotionVector>> = answers.iter().map(|answer| answer.felt).collect();
    let emotions = Some(answers.iter().map(|answer| answer.emotions).collect());
    [("emotions", emotions), ("felt", felt)]
        .into_iter()
        .filter_map(|(name, vectors)| Some((name, agreement(&words, votes, &vectors?)?)))
        .collect()
}

/// `None` where no mood has a word among `words`, or songs are too few.
fn agreement(
    words: &[&str],
    votes: &[&[f64]],
    vectors: &[EmotionVector],
) -> Option<ListenerAgreement> {
    let columns: Vec<(Emotion, &str, Vec<f64>, Vec<f64>)> = MOODS
        .iter()
        .filter_map(|(emotion, word)| {
            let column = words.iter().position(|name| name == word)?;
            let shares = vectors.iter().map(|vector| f64::from(vector.get(*emotion)));
            let chosen = votes.iter().map(|votes| votes[column]);
            Some((*emotion, *word, shares.collect(), chosen.collect()))
        })
        .collect();
    if columns.is_empty() || vectors.len() < FEWEST {
        return None;
    }
    let all: Vec<usize> = (0..vectors.len()).collect();
    // Rho and lift of every mood for some songs.
    let figures = |songs: &[usize]| -> Vec<[f64; 2]> {
        let of = |column: &[f64]| -> Vec<f64> { songs.iter().map(|&song| column[song]).collect() };
        columns
            .iter()
            .map(|(_, _, shares, chosen)| {
                let (shares, chosen) = (of(shares), of(chosen));
                [spearman(&shares, &chosen), lift(&shares, &chosen)]
            })
            .collect()
    };
    let own = figures(&all);
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let resampled: Vec<Vec<[f64; 2]>> = (0..RESAMPLES)
        .map(|_| {
            let songs = all.iter().map(|_| random.random_range(0..all.len()));
            figures(&songs.collect::<Vec<_>>())
        })
        .collect();
    let interval = |of: &dyn Fn(&[[f64; 2]]) -> f64| {
        let mut values: Vec<f64> = resampled.iter().map(|figures| of(figures)).collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[(share * (RESAMPLES - 1) as f64).round() as usize];
        Interval {
            value: of(&own),
            low: at(0.025),
            high: at(0.975),
        }
    };
    let mean = |kind: usize| {
        interval(&|figures| {
            figures.iter().map(|mood| mood[kind]).sum::<f64>() / figures.len() as f64
        })
    };
    Some(ListenerAgreement {
        songs: all.len(),
        moods: columns
            .iter()
            .enumerate()
            .map(|(mood, (emotion, word, ..))| MoodAgreement {
                emotion: *emotion,
                word: (*word).to_owned(),
                rho: interval(&|figures| figures[mood][0]),
                lift: interval(&|figures| figures[mood][1]),
            })
            .collect(),
        mean_rho: mean(0),
        mean_lift: mean(1),
    })
}

/// Spearman's rank correlation; 0 where one side is constant.
fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    // The mean of ranks is the same whatever the ties.
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let sum = |x: &[f64], y: &[f64]| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum()
    };
    let spread = (sum(&a, &a) * sum(&b, &b)).sqrt();
    match spread > 0.0 {
        true => sum(&a, &b) / spread,
        false => 0.0,
    }
}

/// Ranks from 0; equal values share the mean of theirs.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for run in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = first as f64 + (run.len() as f64 - 1.0) / 2.0;
        run.iter().for_each(|&place| ranks[place] = rank);
        first += run.len();
    }
    ranks
}

/// The mean of `chosen` over the songs with the highest shares, over its mean over all; 1 where nobody chose the word.
fn lift(shares: &[f64], chosen: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|a, b| shares[*b].total_cmp(&shares[*a]));
    let top = TOP.min(order.len());
    let mean = chosen.iter().sum::<f64>() / chosen.len() as f64;
    let at_top = order[..top].iter().map(|&song| chosen[song]).sum::<f64>() / top as f64;
    match mean > 0.0 {
        true => at_top / mean,
        false => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rank_correlation_shares_ties_as_scipy_does() {
        // scipy.stats.spearmanr([1, 2, 2, 4, 5], [2, 1, 3, 3, 9])
        let rho = spearman(&[1.0, 2.0, 2.0, 4.0, 5.0], &[2.0, 1.0, 3.0, 3.0, 9.0]);
        assert!((rho - 0.763_157_894_736_842_1).abs() < 1e-12, "{rho}");
        assert_eq!(spearman(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]), 0.0);
        assert_eq!(ranks(&[3.0, 1.0, 3.0]), [1.5, 0.0, 1.5]);
    }

    #[test]
    fn agreement_finds_the_mood_that_listeners_share_and_not_the_other() {
        let vector = |happy: f64, depressed: f64| {
            let mut weights = [1.0; Emotion::COUNT];
            weights[Emotion::Happy.index()] = happy;
            weights[Emotion::Depressed.index()] = depressed;
            EmotionVector::from_weights(weights).unwrap()
        };
        let songs: Vec<(Answer, Vec<f64>)> = (0..40)
            .map(|song| {
                let joy = f64::from(song) / 40.0;
                let answer = Answer {
                    emotions: vector(joy, f64::from((song * 17) % 40) / 40.0),
                    valence: 5.0,
                    arousal: 5.0,
                    probabilities: None,
                    felt: None,
                };
                (answer, vec![joy, f64::from((song * 23 + 5) % 40) / 40.0])
            })
            .collect();
        let answers: Vec<Answer> = songs.iter().map(|(answer, _)| *answer).collect();
        let votes: Vec<&[f64]> = songs.iter().map(|(_, votes)| &votes[..]).collect();
        let words = ["joyful_activation", "sadness"];
        let found = agreements(words.into_iter(), &votes, &answers);
        assert!(!found.contains_key("felt"));
        let [joy, sadness] = &found["emotions"].moods[..] else {
            panic!("{found:?}")
        };
        assert!(
            joy.rho.value > 0.9 && joy.rho.low > 0.8 && joy.lift.value > 1.6,
            "{joy:?}"
        );
        assert!(
            sadness.rho.low < 0.0 && sadness.rho.high > 0.0,
            "{sadness:?}"
        );
        assert!(agreements(["other"].into_iter(), &votes, &answers).is_empty());
    }
}

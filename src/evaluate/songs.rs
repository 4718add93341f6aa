//! [`JudgedSong`]: one song's truth beside what a model says; [`RunScores`]: all that is known of many of them.

use super::{
    Answer, FoldScores, MultiLabel, Scores, ThresholdSearch, metrics::Percentages,
    multilabel::Probabilities,
};
use crate::emotion::EmotionVector;
use serde::Serialize;
use std::path::PathBuf;

/// A song, what is true of it, and what a model says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedSong {
    /// Its id in the data set.
    pub id: String,
    /// Its title, where known.
    pub title: Option<String>,
    /// Its artist, where known.
    pub artist: Option<String>,
    /// Its audio file.
    pub audio: PathBuf,
    /// The fold that it was left out with, where there are folds, 0 first.
    pub fold: Option<usize>,
    /// What its labels say.
    pub truth: Answer,
    /// What the model says.
    pub predicted: Answer,
}

impl JudgedSong {
    /// Mean absolute error of its eight percentages, in percentage points.
    pub fn mae(&self) -> f64 {
        let [truth, predicted] = [&self.truth, &self.predicted].map(|a| a.emotions.as_array());
        let errors = truth.iter().zip(predicted);
        let sum: f64 = errors
            .map(|(t, p)| (f64::from(*t) - f64::from(*p)).abs())
            .sum();
        sum / truth.len() as f64
    }
}

impl Default for JudgedSong {
    /// A nameless song without any feeling, to fill in.
    fn default() -> Self {
        let neutral = Answer {
            emotions: EmotionVector::even(),
            valence: crate::emotion::CENTER,
            arousal: crate::emotion::CENTER,
            probabilities: None,
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
pub struct RunScores {
    /// Over all judged songs.
    #[serde(flatten)]
    pub scores: Scores,
    /// What they were measured on, in words, such as `test songs, no artist in training`.
    pub measured_on: String,
    /// Mean and deviation over folds, where every song knows its fold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_validation: Option<FoldScores>,
    /// Of a multi-label model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_label: Option<MultiLabel>,
}

impl RunScores {
    /// Of judged songs; `None` where there is none.
    pub fn of(songs: &[JudgedSong], measured_on: &str) -> Option<Self> {
        let truth: Vec<Answer> = songs.iter().map(|song| song.truth).collect();
        let predicted: Vec<Answer> = songs.iter().map(|song| song.predicted).collect();
        Some(Self {
            scores: Scores::of(&truth, &predicted)?,
            measured_on: measured_on.to_owned(),
            cross_validation: FoldScores::of_songs(songs),
            multi_label: None,
        })
    }

    /// Adds the classification report of a multi-label model; where a song has no probabilities, there is none.
    #[must_use]
    pub fn with_labels(
        self,
        songs: &[JudgedSong],
        present_above: f64,
        threshold: f64,
        search: Option<ThresholdSearch>,
    ) -> Self {
        let truth: Vec<Percentages> = songs
            .iter()
            .map(|song| song.truth.emotions.as_array().map(f64::from))
            .collect();
        let probabilities = songs.iter().map(|song| song.predicted.probabilities);
        let multi_label = probabilities
            .collect::<Option<Vec<Probabilities>>>()
            .and_then(|all| MultiLabel::of(&truth, present_above, &all, threshold, search));
        Self {
            multi_label,
            ..self
        }
    }
}

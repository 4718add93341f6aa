//! From labeled songs to a model file with honest scores: one split, or cross-validation.

use std::path::Path;

use rayon::prelude::*;
use tch::Device;

use super::{
    batches::Songs,
    fit::{EpochScores, Event, Fitted, Task, fit},
    network::Network,
    too_few_songs,
};
use crate::{
    dataset::{LabeledSong, Provenance},
    emotion::Emotion,
    error::{Context, ErrorKind, Result},
    evaluate::{Answer, Scores, answer, label_of},
    model::{FORMAT_VERSION, Model, ModelMetadata, Recipe, TrainingData, VoteData},
};

/// A recipe and the songs to follow it on.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// How to train.
    pub recipe: &'a Recipe,
    /// Name of the data in the model's metadata.
    pub data_name: &'a str,
    /// Labels and spectrograms.
    pub songs: Songs<'a>,
    /// Where libtorch computes.
    pub device: Device,
    /// The directory in which checkpoints are kept: `model.safetensors`, and `fold-1.safetensors` and so on. Those that
    /// are there at the start are resumed.
    pub checkpoints: Option<&'a Path>,
}

const UNWRITABLE: &str = "the metadata of the model cannot be written";

/// A trained network and its history.
#[derive(Debug)]
pub struct Trained {
    network: Network,
    metadata: ModelMetadata,
    /// Every epoch's figures.
    pub history: Vec<EpochScores>,
    /// The epoch whose weights the network has, 0 first.
    pub kept_epoch: usize,
}

impl Trained {
    /// The ONNX file, with `scores` (null where there are none) in its metadata.
    ///
    /// # Errors
    /// If the metadata cannot be written, which no scores of this program cause.
    pub fn onnx(&self, scores: serde_json::Value) -> Result<Vec<u8>> {
        let metadata = ModelMetadata {
            scores,
            ..self.metadata.clone()
        };
        let onnx = self.network.to_onnx(&metadata);
        onnx.context(ErrorKind::Training, UNWRITABLE)
    }

    /// Notes in the metadata how the songs were labeled and divided.
    ///
    /// # Errors
    /// If it cannot be written as JSON, which no provenance of this program causes.
    pub fn note(&mut self, provenance: &Provenance) -> Result<()> {
        self.metadata.training.provenance =
            Some(serde_json::to_value(provenance).context(ErrorKind::Training, UNWRITABLE)?);
        Ok(())
    }

    /// The network in libtorch.
    pub fn network(&self) -> &Network {
        &self.network
    }
}

/// How well a recipe does on songs that its networks did not learn from.
#[derive(Debug)]
pub struct CrossValidation {
    /// The answer for every song of the model that was not trained on it, in the order of the songs.
    pub answers: Vec<Answer>,
    /// Over all songs.
    pub scores: Scores,
    /// Over the songs of each fold.
    pub folds: Vec<Scores>,
    /// How the training of each fold went: every epoch's figures.
    pub histories: Vec<Vec<EpochScores>>,
    /// The same answers for the songs with votes: their positions among the further songs.
    pub(crate) voted: Vec<(usize, Answer)>,
}

impl<'a> Run<'a> {
    /// Trains on the songs at the positions `training`; with `validation` songs, the epoch that does best on them is
    /// kept.
    ///
    /// # Errors
    /// As [`fit`].
    pub fn train(
        &self,
        training: &[usize],
        validation: &[usize],
        watch: impl FnMut(Event) -> bool,
    ) -> Result<Trained> {
        self.train_as("model", training, validation, watch)
    }

    /// As [`Run::train`], with a checkpoint of that name.
    fn train_as(
        &self,
        name: &str,
        training: &[usize],
        validation: &[usize],
        watch: impl FnMut(Event) -> bool,
    ) -> Result<Trained> {
        let checkpoint = self
            .checkpoints
            .map(|directory| directory.join(format!("{name}.safetensors")));
        let task = Task {
            training,
            validation,
            checkpoint: checkpoint.as_deref(),
        };
        let Fitted {
            network,
            history,
            kept_epoch,
        } = fit(self.recipe, self.songs, self.device, task, watch)?;
        Ok(Trained {
            network,
            metadata: self.metadata(training)?,
            history,
            kept_epoch,
        })
    }

    /// Trains one network per fold on the songs of the other folds, for all epochs of the recipe (so that the fold
    /// decides nothing), and asks it about the fold's songs through the model file, as `analyze` would. `folds[i]` is
    /// the fold of the song at position `i`; a further song without a fold is always learned from. `watch` learns the fold
    /// with every event.
    ///
    /// # Errors
    /// As [`fit`] and [`evaluate_onnx`]; an error if a fold is empty.
    pub fn cross_validate(
        &self,
        folds: &[Option<usize>],
        mut watch: impl FnMut(usize, Event) -> bool,
    ) -> Result<CrossValidation> {
        let songs = self.songs.songs;
        let count = folds.iter().flatten().max().map_or(0, |last| last + 1);
        let truth: Vec<Answer> = songs.iter().map(label_of).collect();
        let mut answers = truth.clone();
        let mut fold_scores = Vec::with_capacity(count);
        let mut histories = Vec::with_capacity(count);
        let mut voted = Vec::new();
        for fold in 0..count {
            let (test, training): (Vec<usize>, Vec<usize>) =
                (0..folds.len()).partition(|&song| folds[song] == Some(fold));
            let (test, more): (Vec<usize>, Vec<usize>) =
                test.iter().partition(|&&song| song < songs.len());
            let name = format!("fold-{}", fold + 1);
            let trained = self.train_as(&name, &training, &[], |event| watch(fold, event))?;
            let asked: Vec<&LabeledSong> = test.iter().map(|&song| &songs[song]).collect();
            let onnx = trained.onnx(serde_json::Value::Null)?;
            let predicted = evaluate_onnx(&onnx, &asked)?;
            let more: Vec<usize> = more.iter().map(|position| position - songs.len()).collect();
            voted.extend(
                more.iter()
                    .copied()
                    .zip(self.answers_for_votes(&onnx, &more)?),
            );
            let expected: Vec<Answer> = test.iter().map(|&song| truth[song]).collect();
            fold_scores.push(scores_of(&expected, &predicted)?);
            histories.push(trained.history);
            for (&song, answer) in test.iter().zip(predicted) {
                answers[song] = answer;
            }
        }
        let scores = scores_of(&truth, &answers)?;
        Ok(CrossValidation {
            answers,
            scores,
            folds: fold_scores,
            histories,
            voted,
        })
    }

    /// The answers of a model file for further songs at positions among them.
    pub(crate) fn answers_for_votes(&self, onnx: &[u8], more: &[usize]) -> Result<Vec<Answer>> {
        let songs = more.iter().map(|&song| &self.songs.more[song]);
        let songs: Vec<(&str, &Path)> = songs.map(|song| (&*song.id, &*song.audio)).collect();
        answers(onnx, &songs)
    }

    fn metadata(&self, training: &[usize]) -> Result<ModelMetadata> {
        let mut mean_emotions = vec![0.0; Emotion::COUNT];
        let labeled = training
            .iter()
            .filter_map(|&song| self.songs.songs.get(song));
        let labeled: Vec<&LabeledSong> = labeled.collect();
        for song in &labeled {
            for (mean, percent) in mean_emotions.iter_mut().zip(song.emotions.as_array()) {
                *mean += f64::from(*percent) / labeled.len() as f64;
            }
        }
        let votes = self.recipe.votes().map(|set| VoteData {
            name: set.name.clone(),
            songs: training
                .iter()
                .filter(|song| !self.songs.votes(**song).is_empty())
                .count(),
            words: set.words.clone(),
        });
        Ok(ModelMetadata {
            format_version: FORMAT_VERSION,
            name: self.recipe.name.clone(),
            preprocessing: self.recipe.preprocessing(),
            labels: Emotion::ALL
                .iter()
                .map(|emotion| emotion.name().to_owned())
                .collect(),
            label_settings: self.recipe.labels.clone(),
            embedding: self.recipe.embedding(),
            training: TrainingData {
                name: self.data_name.to_owned(),
                songs: labeled.len(),
                mean_emotions,
                recipe: toml::to_string(self.recipe).context(ErrorKind::Training, UNWRITABLE)?,
                provenance: None,
            },
            scores: serde_json::Value::Null,
            votes,
        })
    }
}

/// The answers of a model file for songs, through the same chain and model as `analyze`; in the order of `songs`.
///
/// # Errors
/// If the file cannot be run or a song cannot be analyzed.
pub fn evaluate_onnx(onnx: &[u8], songs: &[&LabeledSong]) -> Result<Vec<Answer>> {
    let songs: Vec<(&str, &Path)> = songs.iter().map(|song| (&*song.id, &*song.audio)).collect();
    answers(onnx, &songs)
}

fn answers(onnx: &[u8], songs: &[(&str, &Path)]) -> Result<Vec<Answer>> {
    let model = Model::from_bytes("the trained network", onnx)?;
    songs
        .par_iter()
        .map(|(id, audio)| {
            let message = format!("song {id} could not be analyzed");
            answer(audio, &model).context(ErrorKind::Training, message)
        })
        .collect()
}

/// The scores of answers to songs whose truth is known.
///
/// # Errors
/// If there is none.
pub fn scores_of(truth: &[Answer], answers: &[Answer]) -> Result<Scores> {
    Scores::of(truth, answers).ok_or_else(|| too_few_songs(truth.len()))
}

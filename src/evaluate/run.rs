//! Evaluation of a model on the songs of a data set.

use super::{Answer, JudgedSong, ListenerAgreement, Scores};
use crate::{
    Error, ErrorKind, Result,
    analysis::{Analysis, AnalyzeOptions, analyze_file},
    contain::catch_panic,
    dataset::{ColumnReport, Dataset, LabeledSong, Part, Provenance},
    error::Context as _,
    model::{Model, Prediction},
    text::listed,
};
use rayon::prelude::*;
use serde::{Deserialize as _, Serialize, Serializer};
use std::{
    collections::{BTreeMap, HashSet},
    num::NonZeroUsize,
    path::Path,
};

/// Scores with the model, the labels and the songs: the JSON of `circumplex evaluate`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    pub scores: Scores,
    /// Identity of the model ([`Model::identity`]).
    pub model: String,
    /// Whether the labels' columns were crossed, and how they were read.
    pub labels: ColumnReport,
    /// Which songs were evaluated.
    pub split: Judged,
    /// Agreement of `emotions` and of `felt` with the votes of listeners, if the data set holds votes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub listeners: BTreeMap<&'static str, ListenerAgreement>,
}

/// The evaluated songs of a data set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Judged {
    /// The part of the model's split; none: all songs, in JSON `all`.
    #[serde(serialize_with = "part_or_all")]
    pub part: Option<Part>,
    /// The number of them that the weights were fitted to, if the model file tells.
    pub trained_on: Option<usize>,
}

fn part_or_all<S: Serializer>(part: &Option<Part>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(part.map_or("all", Part::name))
}

/// The songs of a data set after their analysis, both in the order of the data set.
#[derive(Debug)]
pub(crate) struct Evaluation {
    pub songs: Vec<JudgedSong>,
    /// Ids of the songs that could not be analyzed, with the reason.
    pub failed: Vec<(String, Error)>,
}

/// Analyzes every song of a data set as `analyze` does, on `threads` threads, and puts the predictions beside the
/// labels. Each song counts once, whatever its length. `on_song` is called after each song, from any thread, with
/// whether it could be analyzed.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] if the labels were made with another box than the model's, [`ErrorKind::Dataset`] if no
/// song could be analyzed. A song that fails beside others is in [`Evaluation::failed`].
pub(crate) fn evaluate(
    dataset: &Dataset,
    model: &Model,
    threads: NonZeroUsize,
    on_song: impl Fn(bool) + Sync,
) -> Result<Evaluation> {
    let sigma = model.metadata().label_settings.sigma;
    if dataset.sigma != sigma {
        let message = format!(
            "{} was trained on boxes of {sigma} standard deviations, and these labels were made with {}; open the data set with the model's own",
            model.name(),
            dataset.sigma
        );
        return Err(Error::invalid(message).with_path(&dataset.root));
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .thread_name(|n| format!("evaluate-{n}"))
        .build();
    let pool = pool.context(
        ErrorKind::Internal,
        format!("cannot start {threads} threads; ask for fewer with --threads"),
    )?;
    let judge = |song: &LabeledSong| {
        let analysis = analyze(&song.audio, model);
        on_song(analysis.is_ok());
        let analysis = analysis?;
        let tags = analysis.audio.tags;
        Ok(JudgedSong {
            id: song.id.clone(),
            title: tags.title,
            artist: song.artist.clone().or(tags.artist),
            audio: song.audio.clone(),
            fold: None,
            truth: label_of(song),
            predicted: predicted(&analysis.prediction),
        })
    };
    // Collected in the order of the data set: the same songs give the same sums.
    let outcomes: Vec<Result<JudgedSong>> = pool.install(|| {
        dataset
            .songs
            .par_iter()
            .with_max_len(1)
            .map(judge)
            .collect()
    });
    let (mut songs, mut failed) = (Vec::new(), Vec::new());
    for (song, outcome) in dataset.songs.iter().zip(outcomes) {
        match outcome {
            Ok(song) => songs.push(song),
            Err(error) => failed.push((song.id.clone(), error)),
        }
    }
    if songs.is_empty() {
        let count = failed.len();
        let message = format!("none of the {count} labeled songs could be analyzed");
        let error = Error::new(ErrorKind::Dataset, message).with_path(&dataset.root);
        return Err(match failed.into_iter().next() {
            Some((_, first)) => error.with_source(first),
            None => error,
        });
    }
    Ok(Evaluation { songs, failed })
}

/// The label of a song.
pub fn label_of(song: &LabeledSong) -> Answer {
    Answer {
        emotions: song.emotions,
        valence: song.affect.valence_mean,
        arousal: song.affect.arousal_mean,
        probabilities: None,
        felt: None,
    }
}

/// A model's prediction for an audio file, analyzed as `analyze` does.
///
/// # Errors
/// If the file cannot be analyzed.
#[cfg(feature = "train")]
pub(crate) fn answer(audio: &Path, model: &Model) -> Result<Answer> {
    analyze(audio, model).map(|analysis| predicted(&analysis.prediction))
}

fn predicted(prediction: &Prediction) -> Answer {
    Answer {
        emotions: prediction.emotions,
        valence: f64::from(prediction.valence),
        arousal: f64::from(prediction.arousal),
        probabilities: prediction.probabilities.map(|all| all.map(f64::from)),
        felt: prediction.felt,
    }
}

fn analyze(audio: &Path, model: &Model) -> Result<Analysis> {
    catch_panic(|| analyze_file(audio, model, &AnalyzeOptions::default()))?
}

/// The labels and the split of a model, as its file keeps them; empty if it keeps none.
///
/// # Errors
/// [`ErrorKind::Model`] if the entry cannot be read.
pub(crate) fn provenance(model: &Model) -> Result<Provenance> {
    let Some(json) = &model.metadata().training.provenance else {
        return Ok(Provenance::default());
    };
    let name = model.name();
    let message = format!("the split in {name} cannot be read; train the model again");
    Provenance::deserialize(json).context(ErrorKind::Model, message)
}

/// Keeps only the songs of a part of the model's split in the data set. `model` is the model's name in messages.
///
/// # Errors
/// [`ErrorKind::Dataset`] if the model has no split, or the data set lacks a song of the part.
pub(crate) fn keep_part(
    dataset: &mut Dataset,
    provenance: &Provenance,
    model: &str,
    part: Part,
) -> Result<()> {
    let error = |message: String| Err(Error::new(ErrorKind::Dataset, message));
    let Some(split) = &provenance.split else {
        return error(match &provenance.folds {
            Some(folds) => format!(
                "{model} was trained on all of its songs after cross-validation in {} folds, so it has no {part} songs; its out-of-fold scores are in the model file, and a model trained without --folds has a test part",
                folds.count
            ),
            None => format!(
                "{model} has no split, so its {part} songs are unknown; use a model from `circumplex train --split`, or evaluate all songs"
            ),
        });
    };
    let wanted = split.ids(part);
    if wanted.is_empty() {
        return error(format!(
            "the split in {model} has no {part} song; choose another part"
        ));
    }
    let present: HashSet<&str> = dataset.songs.iter().map(|song| song.id.as_str()).collect();
    let absent: Vec<&&str> = wanted.iter().filter(|id| !present.contains(*id)).collect();
    if !absent.is_empty() {
        return error(format!(
            "{} of the {} {part} songs of {model} are not among the songs with audio and labels in {}: {}; use the data set that it was trained on",
            absent.len(),
            wanted.len(),
            dataset.root.display(),
            listed(&absent, 8)
        ));
    }
    let is_in = |song: &LabeledSong| split.part_of(&song.id) == Some(part);
    dataset.songs.retain(is_in);
    Ok(())
}

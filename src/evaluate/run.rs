//! A data set through the chain, song by song.

use super::{Answer, Judged, JudgedSong, Report, Scores};
use crate::{
    analysis::{Analysis, AnalyzeOptions, analyze_file},
    contain::{PanicError, catch_panic},
    dataset::{Dataset, LabelledSong},
    model::{Model, Prediction},
};
use rayon::prelude::*;
use std::{collections::HashMap, num::NonZeroUsize, path::PathBuf};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// When the system refuses to start threads.
    #[error("cannot start {threads} threads; ask for fewer with --threads")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// The system's reason.
        #[source]
        source: rayon::ThreadPoolBuildError,
    },
    /// When the labels were made with other settings than those of the model, so that the two cannot be compared.
    #[error(
        "{model} was trained on boxes of {expected} standard deviations, and the labels of {} were made with {found}; \
         open the data set with the model's own",
        root.display()
    )]
    LabelSettings {
        /// Which model.
        model: String,
        /// The data set's folder.
        root: PathBuf,
        /// The model's sigma.
        expected: f64,
        /// The labels' sigma.
        found: f64,
    },
    /// When the data set holds no song.
    #[error("{} holds no labelled song to evaluate", root.display())]
    Empty {
        /// The data set's folder.
        root: PathBuf,
    },
    /// When not one of the songs could be analysed.
    #[error(
        "none of the {songs} labelled songs of {} could be analysed; the first, {}, failed",
        root.display(),
        first.display()
    )]
    NoSong {
        /// The data set's folder.
        root: PathBuf,
        /// How many songs failed.
        songs: usize,
        /// The file that failed first, in the order of the ids.
        first: PathBuf,
        /// Why.
        #[source]
        source: Box<SongError>,
    },
}

/// Why one song was not judged.
#[derive(Debug, thiserror::Error)]
pub enum SongError {
    /// When the chain refuses the file: it cannot be read or decoded, or is damaged.
    #[error(transparent)]
    Chain(#[from] crate::Error),
    /// When a defect of this program was met. The other songs are not affected.
    #[error("an internal error of circumplex (please report it)")]
    Panicked(#[from] PanicError),
}

/// One song that was not judged.
#[derive(Debug)]
pub struct Unjudged {
    /// Its id.
    pub id: String,
    /// Its file.
    pub audio: PathBuf,
    /// Why.
    pub error: SongError,
}

/// What came out.
#[derive(Debug)]
pub struct Evaluation {
    /// Scores of the songs that could be analysed, and the model. All songs of the data set were judged; who leaves
    /// songs out of it beforehand says so in [`Report::split`].
    pub report: Report,
    /// These songs, each with what is true of it and what the model says, in the order of the data set.
    pub songs: Vec<JudgedSong>,
    /// The songs that could not, in the order of the data set.
    pub failed: Vec<Unjudged>,
}

impl Evaluation {
    /// The same answers compared with other labels of the same songs, such as the published ones; `None` where a song
    /// has none there.
    pub fn against(&self, dataset: &Dataset) -> Option<Report> {
        let labels: HashMap<&str, &LabelledSong> = dataset
            .songs
            .iter()
            .map(|song| (song.id.as_str(), song))
            .collect();
        let truth: Vec<Answer> = self
            .songs
            .iter()
            .map(|song| labels.get(song.id.as_str()).map(|song| labelled(song)))
            .collect::<Option<_>>()?;
        let answers: Vec<Answer> = self.songs.iter().map(|song| song.predicted).collect();
        Some(Report {
            scores: Scores::of(&truth, &answers)?,
            model: self.report.model.clone(),
            labels: dataset.columns,
            split: self.report.split,
            as_published: None,
        })
    }
}

/// Analyses every song of a data set as `analyze` does, on `threads` threads, and compares the answers with the
/// labels. Each song counts once, whatever its length. `on_song` is called as songs become ready, from any thread.
///
/// # Errors
/// [`EvaluateError`] where the labels were made with other settings than the model's, or no song could be analysed. A
/// song that fails beside others is listed in [`Evaluation::failed`].
pub fn evaluate(
    dataset: &Dataset,
    model: &Model,
    threads: NonZeroUsize,
    on_song: impl Fn(Result<&Analysis, &SongError>) + Sync,
) -> Result<Evaluation, EvaluateError> {
    let sigma = model.metadata().label_settings.sigma;
    if dataset.sigma != sigma {
        return Err(EvaluateError::LabelSettings {
            model: model.name().to_owned(),
            root: dataset.root.clone(),
            expected: sigma,
            found: dataset.sigma,
        });
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .thread_name(|n| format!("evaluate-{n}"))
        .build()
        .map_err(|source| EvaluateError::Threads {
            threads: threads.get(),
            source,
        })?;
    let judge = |song: &LabelledSong| {
        let outcome = analyze_contained(song, model);
        on_song(outcome.as_ref());
        outcome.map(|analyzed| judged(song, analyzed))
    };
    // Collected in the order of the data set: the same songs give the same sums.
    let outcomes: Vec<_> = pool.install(|| {
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
            Err(error) => failed.push(Unjudged {
                id: song.id.clone(),
                audio: song.audio.clone(),
                error,
            }),
        }
    }
    let truth: Vec<Answer> = songs.iter().map(|song| song.truth).collect();
    let answers: Vec<Answer> = songs.iter().map(|song| song.predicted).collect();
    match Scores::of(&truth, &answers) {
        Some(scores) => Ok(Evaluation {
            report: Report {
                scores,
                model: model.identity().to_owned(),
                labels: dataset.columns,
                split: Judged::default(),
                as_published: None,
            },
            songs,
            failed,
        }),
        None => Err(no_song(dataset, failed)),
    }
}

fn judged(song: &LabelledSong, analyzed: Analysis) -> JudgedSong {
    let tags = analyzed.audio.tags;
    JudgedSong {
        id: song.id.clone(),
        title: tags.title,
        artist: song.artist.clone().or(tags.artist),
        audio: song.audio.clone(),
        fold: None,
        truth: labelled(song),
        predicted: predicted(&analyzed.prediction),
    }
}

/// What the labels say of a song.
pub fn labelled(song: &LabelledSong) -> Answer {
    Answer {
        emotions: song.emotions,
        valence: song.affect.valence_mean,
        arousal: song.affect.arousal_mean,
        probabilities: None,
    }
}

/// What a model says of a song, through the chain that `analyze` uses.
///
/// # Errors
/// [`SongError`] where the file cannot be analysed.
pub fn answer(song: &LabelledSong, model: &Model) -> Result<Answer, SongError> {
    analyze_contained(song, model).map(|song| predicted(&song.prediction))
}

fn predicted(prediction: &Prediction) -> Answer {
    Answer {
        emotions: prediction.emotions,
        valence: f64::from(prediction.valence),
        arousal: f64::from(prediction.arousal),
        probabilities: prediction.probabilities.map(|all| all.map(f64::from)),
    }
}

fn analyze_contained(song: &LabelledSong, model: &Model) -> Result<Analysis, SongError> {
    Ok(catch_panic(|| {
        analyze_file(&song.audio, model, &AnalyzeOptions::default())
    })??)
}

fn no_song(dataset: &Dataset, failed: Vec<Unjudged>) -> EvaluateError {
    let songs = failed.len();
    match failed.into_iter().next() {
        Some(first) => EvaluateError::NoSong {
            root: dataset.root.clone(),
            songs,
            first: first.audio,
            source: Box::new(first.error),
        },
        None => EvaluateError::Empty {
            root: dataset.root.clone(),
        },
    }
}

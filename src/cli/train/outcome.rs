//! Training with one split or with cross-validation, and the files that a run writes.

use super::{directory::RunDirectory, division::Division, watch::Watch};
use crate::{
    atomic_file,
    cli::{
        CliError, Console,
        scores::{about, run_tables},
    },
    dataset::{ColumnReport, Folds, LabeledSong, Part, Provenance, Split},
    evaluate::{
        Answer, JudgedSong, ListenerAgreement, RunScores, ThresholdSearch, agreements, decimals,
        html::{self, Epoch, RunReport, Training},
        label_of,
        metrics::mae_of_mean_vector,
        multilabel::above,
    },
    model::{Model, OutputKind},
    train::{EpochScores, Run, Trained, evaluate_onnx, save_predictions, save_voted},
};
use serde::Serialize;
use std::{collections::BTreeMap, io::Write as _, sync::atomic::AtomicBool};

/// The probability above which a label is given, where no songs are at hand to search a better one.
const EVEN_CHANCE: f64 = 0.5;

/// The content of `scores.json`.
#[derive(Serialize)]
struct Summary<'a> {
    /// Name of the recipe.
    recipe: &'a str,
    /// Name of the data.
    data: &'a str,
    /// Numbers that training adapted.
    parameters: usize,
    /// Epochs that were trained, of the network that became the model.
    epochs: usize,
    /// The epoch whose weights the model has, 1 first.
    kept_epoch: usize,
    /// On the test songs, or out of fold on all songs.
    #[serde(flatten)]
    scores: &'a RunScores,
}

/// A run and where its results go.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    /// The recipe and the songs.
    pub run: Run<'a>,
    /// The division of its songs.
    pub division: &'a Division,
    /// Where everything is written.
    pub directory: &'a RunDirectory,
    /// Findings about the labels' columns.
    pub labels: ColumnReport,
    /// Whether to stop.
    pub stop: &'a AtomicBool,
    /// Where results are shown.
    pub console: &'a Console,
}

/// The network that becomes the model, and how good it is.
struct Outcome {
    trained: Trained,
    /// The course of each training: that of the model last.
    trainings: Vec<Training>,
    /// The held-out songs.
    songs: Vec<JudgedSong>,
    scores: RunScores,
}

impl Job<'_> {
    /// Trains, measures and writes. Returns what `scores.json` holds.
    pub(crate) fn carry_out(&self) -> Result<serde_json::Value, CliError> {
        let outcome = match self.division {
            Division::Split(split) => self.with_split(split)?,
            Division::Folds(folds) => self.with_folds(folds)?,
        };
        self.write(outcome)
    }

    /// One split: training songs fit the weights, validation songs decide the epoch, test songs give the scores.
    fn with_split(&self, split: &Split) -> Result<Outcome, CliError> {
        let all = self.run.songs.songs;
        let parts = self.division.parts(all, self.run.songs.more);
        let [mut training, validation, test] = Part::ALL.map(|part| split.indices(all, part));
        let more =
            (all.len()..parts.len()).filter(|song| parts[*song].is_none_or(|part| part == 0));
        training.extend(more);
        self.console.remark(&format!(
            "Training on {} songs, validating on {}, testing on {}.",
            training.len(),
            validation.len(),
            test.len(),
        ));
        if validation.is_empty() {
            self.console.remark(
                "No song validates: every epoch of the recipe is trained, and the last is kept.",
            );
        }
        let mut watch = Watch::new(self, 1);
        let trained = self
            .run
            .train(&training, &validation, |event| watch.event(0, event));
        let trained = watch.explain(trained)?;
        drop(watch);
        let onnx = trained.onnx(serde_json::Value::Null)?;
        let songs = self.judged(&onnx, &test)?;
        let searched = match self.is_multi_label() {
            true => self.judged(&onnx, &validation)?,
            false => Vec::new(),
        };
        let mut scores = self.scores(&songs, &songs, &searched)?;
        let test_part = Some(Part::Test as usize);
        let voted = (all.len()..parts.len()).filter(|song| parts[*song] == test_part);
        let voted: Vec<usize> = voted.map(|song| song - all.len()).collect();
        let answers = self.run.answers_for_votes(&onnx, &voted)?;
        let voted: Vec<(usize, Answer)> = voted.into_iter().zip(answers).collect();
        scores.listeners = self.agreements(&voted);
        self.save_voted(&voted, &parts)?;
        let truth: Vec<_> = validation
            .iter()
            .map(|&song| label_of(&all[song]).percentages())
            .collect();
        let course = Training {
            kept: (!validation.is_empty()).then_some(trained.kept_epoch),
            validation_baseline: mae_of_mean_vector(&truth),
            ..course(&trained.history)
        };
        Ok(Outcome {
            trained,
            trainings: vec![course],
            songs,
            scores,
        })
    }

    /// Cross-validation for the scores, then all songs for the model.
    fn with_folds(&self, folds: &Folds) -> Result<Outcome, CliError> {
        let all = self.run.songs.songs;
        let numbers = self.division.parts(all, self.run.songs.more);
        let mut watch = Watch::new(self, folds.count + 1);
        let result = self
            .run
            .cross_validate(&numbers, |fold, event| watch.event(fold, event));
        let validated = watch.explain(result)?;
        let positions: Vec<usize> = (0..numbers.len()).collect();
        let trained = self
            .run
            .train(&positions, &[], |event| watch.event(folds.count, event));
        let trained = watch.explain(trained)?;
        drop(watch);
        let songs: Vec<JudgedSong> = all
            .iter()
            .zip(validated.answers.iter().zip(&numbers))
            .map(|(song, (predicted, fold))| JudgedSong {
                fold: *fold,
                ..judged(song, *predicted)
            })
            .collect();
        if self.is_multi_label() {
            self.console.remark(
                "The probability threshold was searched on the songs of fold 1; the report of labels is of the others.",
            );
        }
        // Nothing validates here.
        let (searched, reported): (Vec<_>, Vec<_>) =
            songs.iter().cloned().partition(|song| song.fold == Some(0));
        let mut scores = self.scores(&songs, &reported, &searched)?;
        scores.listeners = self.agreements(&validated.voted);
        self.save_voted(&validated.voted, &numbers)?;
        for (number, part) in validated.folds.iter().enumerate() {
            self.console.print(&format!(
                "fold {}: {} songs, MAE {:.2} (baseline {:.2}, ratio {}), R2 valence {}, arousal {}",
                number + 1,
                part.songs,
                part.mae,
                part.mae_baseline,
                decimals(part.mae_ratio, 3),
                decimals(part.valence.r2, 3),
                decimals(part.arousal.r2, 3),
            ))?;
        }
        let histories = validated.histories.iter().chain([&trained.history]);
        let trainings = histories.map(|history| course(history)).collect();
        Ok(Outcome {
            trained,
            trainings,
            songs,
            scores,
        })
    }

    /// The predictions of a model file for songs.
    fn judged(&self, onnx: &[u8], positions: &[usize]) -> Result<Vec<JudgedSong>, CliError> {
        let songs = self.run.songs.songs;
        let asked: Vec<&LabeledSong> = positions.iter().map(|&song| &songs[song]).collect();
        let answers = evaluate_onnx(onnx, &asked)?;
        let pairs = asked.iter().zip(answers);
        Ok(pairs.map(|(song, answer)| judged(song, answer)).collect())
    }

    /// Agreement of held-out answers with the votes for these songs, by their positions among the further songs.
    fn agreements(&self, voted: &[(usize, Answer)]) -> BTreeMap<&'static str, ListenerAgreement> {
        let Some(words) = self.run.songs.words else {
            return BTreeMap::new();
        };
        let votes: Vec<&[f64]> = voted
            .iter()
            .map(|(song, _)| &*self.run.songs.more[*song].votes)
            .collect();
        let answers: Vec<Answer> = voted.iter().map(|(_, answer)| *answer).collect();
        agreements(words.keys().map(String::as_str), &votes, &answers)
    }

    /// Writes the held-out answers for songs with votes, if there are any.
    fn save_voted(
        &self,
        voted: &[(usize, Answer)],
        parts: &[Option<usize>],
    ) -> Result<(), CliError> {
        let songs = &self.run.songs;
        let folds = matches!(self.division, Division::Folds(_));
        let rows: Vec<(&str, Option<usize>, Answer)> = voted
            .iter()
            .map(|&(song, answer)| {
                let fold = parts[songs.songs.len() + song].filter(|_| folds);
                (&*songs.more[song].id, fold, answer)
            })
            .collect();
        match rows.is_empty() {
            true => Ok(()),
            false => Ok(save_voted(&self.directory.file("votes.parquet"), &rows)?),
        }
    }

    fn is_multi_label(&self) -> bool {
        self.run.recipe.network.output == OutputKind::Sigmoid
    }

    /// The scores on `songs`; of a multi-label model also the classification report on `reported`, at the probability
    /// threshold that is best on `searched`.
    fn scores(
        &self,
        songs: &[JudgedSong],
        reported: &[JudgedSong],
        searched: &[JudgedSong],
    ) -> Result<RunScores, CliError> {
        let scores = RunScores::of(songs, &self.division.method()).ok_or(
            "no song is held out to evaluate the model; add songs, or divide them differently",
        )?;
        if !self.is_multi_label() {
            return Ok(scores);
        }
        let present_above = self.run.recipe.loss.present_above;
        let truth = searched.iter().map(|song| song.truth.percentages());
        let truth: Vec<_> = truth.map(|it| above(&it, present_above)).collect();
        let probabilities = searched.iter().map(|song| song.predicted.probabilities);
        let probabilities: Option<Vec<_>> = probabilities.collect();
        let search = probabilities.and_then(|found| ThresholdSearch::on(&truth, &found));
        let threshold = search
            .as_ref()
            .map_or(EVEN_CHANCE, |search| search.best.threshold);
        Ok(scores.with_labels(reported, present_above, threshold, search))
    }

    /// Writes the model, the predictions, the report and, last, the scores; each whole or not at all. The model is read
    /// back as `analyze` would.
    fn write(&self, outcome: Outcome) -> Result<serde_json::Value, CliError> {
        let Outcome {
            mut trained,
            trainings,
            songs,
            scores,
        } = outcome;
        let (split, folds) = match self.division {
            Division::Split(split) => (Some(split.clone()), None),
            Division::Folds(folds) => (None, Some(folds.clone())),
        };
        let part = split.as_ref().map(|_| Part::Test);
        trained.note(&Provenance {
            labels: Some(self.labels),
            split,
            folds,
        })?;
        let summary = Summary {
            recipe: &self.run.recipe.name,
            data: self.run.data_name,
            parameters: trained.network().parameters(),
            epochs: trained.history.len(),
            kept_epoch: trained.kept_epoch + 1,
            scores: &scores,
        };
        self.console.remark(&format!(
            "Kept epoch {} of {}; {} parameters.",
            summary.kept_epoch, summary.epochs, summary.parameters
        ));
        let model = self.directory.file("model.onnx");
        let onnx = trained.onnx(serde_json::to_value(&scores)?)?;
        atomic_file::write(&model, |file| file.write_all(&onnx))?;
        let model = Model::load(&model)?;
        save_predictions(&self.directory.file("predictions.parquet"), &songs)?;
        let report = RunReport {
            title: &format!(
                "{} trained on {}",
                model.metadata().name,
                self.run.data_name
            ),
            metadata: model.metadata(),
            identity: model.identity(),
            size: Some((summary.parameters, onnx.len())),
            data: self.run.data_name,
            labels: about(&self.labels),
            trainings: &trainings,
            songs: &songs,
            scores: &scores,
        };
        html::write(&self.directory.file("report.html"), &report)?;
        let text = serde_json::to_string_pretty(&summary)? + "\n";
        atomic_file::write(&self.directory.file("scores.json"), |file| {
            file.write_all(text.as_bytes())
        })?;
        self.console
            .print(&run_tables(&scores, &model, part, &self.labels))?;
        Ok(serde_json::to_value(&summary)?)
    }
}

/// The course of a training whose last epoch was kept.
fn course(history: &[EpochScores]) -> Training {
    let epochs = history.iter().map(|scores| Epoch {
        epoch: scores.epoch,
        loss: scores.loss,
        validation_mae: scores.validation_mae,
        learning_rate: scores.learning_rate,
    });
    Training {
        epochs: epochs.collect(),
        ..Training::default()
    }
}

fn judged(song: &LabeledSong, predicted: Answer) -> JudgedSong {
    JudgedSong {
        id: song.id.clone(),
        title: None,
        artist: song.artist.clone(),
        audio: song.audio.clone(),
        fold: None,
        truth: label_of(song),
        predicted,
    }
}

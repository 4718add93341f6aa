//! The two ways to a model with honest scores, one split or cross-validation, and what is written of them.

use super::{directory::RunDirectory, division::Division, report::Course, watch::Watch};
use crate::{
    atomic_file,
    cli::{CliError, Console, scores::run_tables},
    dataset::{ColumnReport, Folds, LabeledSong, Part, Provenance, Split},
    evaluate::{
        Answer, JudgedSong, RunScores, ThresholdSearch, label_of, metrics::mae_of_mean_vector,
        multilabel::above,
    },
    model::{Model, OutputKind},
    train::{CrossValidation, Log, Run, Trained, evaluate_onnx, save_predictions},
};
use serde::Serialize;
use std::{fmt::Write as _, io::Write as _, sync::atomic::AtomicBool};

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

impl Job<'_> {
    /// Trains, measures and writes. Returns what `scores.json` holds.
    pub(crate) fn carry_out(&self) -> Result<serde_json::Value, CliError> {
        match self.division {
            Division::Split(split) => self.with_split(split),
            Division::Folds(folds) => self.with_folds(folds),
        }
    }

    fn watch(&self, networks: usize) -> Watch<'_> {
        let log = Log::new(
            self.directory.file("log.csv"),
            self.directory.file("log.jsonl"),
        );
        Watch::new(&self.run, networks, log, self.stop, self.console)
    }

    /// One split: training songs fit the weights, validation songs decide the epoch, test songs give the scores.
    fn with_split(&self, split: &Split) -> Result<serde_json::Value, CliError> {
        let songs = self.run.songs.songs;
        let [training, validation, test] = Part::ALL.map(|part| split.indices(songs, part));
        self.console.remark(&format!(
            "Training on {} songs, validating on {}, testing on {}.",
            training.len(),
            validation.len(),
            test.len()
        ));
        if validation.is_empty() {
            self.console.remark(
                "No song validates: every epoch of the recipe is trained, and the last is kept.",
            );
        }
        let mut watch = self.watch(1);
        let trained = self
            .run
            .train(&training, &validation, |event| watch.event(0, event));
        let trained = watch.explain(trained)?;
        drop(watch);
        let onnx = trained.onnx(serde_json::Value::Null)?;
        let judged = self.judged(&onnx, &test)?;
        let search = match self.is_multi_label() {
            true => self.search(&self.judged(&onnx, &validation)?),
            false => None,
        };
        let scores = self.scores(&judged)?;
        let scores = self.with_labels(scores, &judged, search);
        let truth: Vec<_> = validation
            .iter()
            .map(|&song| songs[song].emotions.as_array().map(f64::from))
            .collect();
        let course = Course {
            history: trained.history.clone(),
            kept: (!validation.is_empty()).then_some(trained.kept_epoch),
            validation_baseline: mae_of_mean_vector(&truth),
        };
        let provenance = Provenance {
            labels: Some(self.labels),
            split: Some(split.clone()),
            folds: None,
        };
        let (model, summary) = self.write(trained, &[course], &judged, &scores, &provenance)?;
        self.console
            .print(&run_tables(&scores, &model, Some(Part::Test), &self.labels))?;
        Ok(summary)
    }

    /// Cross-validation for the scores, then all songs for the model.
    fn with_folds(&self, folds: &Folds) -> Result<serde_json::Value, CliError> {
        let songs = self.run.songs.songs;
        // The songs are those that have a fold.
        let numbers: Vec<usize> = songs
            .iter()
            .filter_map(|song| folds.fold_of(&song.id))
            .collect();
        let mut watch = self.watch(folds.count + 1);
        let result = self
            .run
            .cross_validate(&numbers, |fold, event| watch.event(fold, event));
        let CrossValidation {
            answers,
            folds: parts,
            histories,
            ..
        } = watch.explain(result)?;
        let all: Vec<usize> = (0..songs.len()).collect();
        let trained = self
            .run
            .train(&all, &[], |event| watch.event(folds.count, event));
        let trained = watch.explain(trained)?;
        drop(watch);
        let judged: Vec<JudgedSong> = songs
            .iter()
            .zip(answers.iter().zip(&numbers))
            .map(|(song, (predicted, fold))| JudgedSong {
                fold: Some(*fold),
                ..judged(song, *predicted)
            })
            .collect();
        let mut scores = self.scores(&judged)?;
        if self.is_multi_label() {
            // Nothing validates here: the first fold's songs are searched, and the report is of the others.
            let (searched, reported): (Vec<_>, Vec<_>) = judged
                .iter()
                .cloned()
                .partition(|song| song.fold == Some(0));
            self.console.remark(
                "The probability threshold was searched on the songs of fold 1; the report of labels is of the others.",
            );
            scores = self.with_labels(scores, &reported, self.search(&searched));
        }
        let course = |history| Course {
            history,
            kept: None,
            validation_baseline: None,
        };
        let mut courses: Vec<Course> = histories.into_iter().map(course).collect();
        courses.push(course(trained.history.clone()));
        let provenance = Provenance {
            labels: Some(self.labels),
            split: None,
            folds: Some(folds.clone()),
        };
        let (model, summary) = self.write(trained, &courses, &judged, &scores, &provenance)?;
        let mut report = String::new();
        for (number, part) in parts.iter().enumerate() {
            writeln!(
                report,
                "fold {}: {} songs, MAE {:.2} (baseline {:.2}, ratio {}), R2 valence {}, arousal {}",
                number + 1,
                part.songs,
                part.mae,
                part.mae_baseline,
                number_or_dash(part.mae_ratio),
                number_or_dash(part.valence.r2),
                number_or_dash(part.arousal.r2),
            )?;
        }
        self.console.print(&report)?;
        self.console
            .print(&run_tables(&scores, &model, None, &self.labels))?;
        Ok(summary)
    }

    /// The predictions of a model file for songs.
    fn judged(&self, onnx: &[u8], positions: &[usize]) -> Result<Vec<JudgedSong>, CliError> {
        let songs = self.run.songs.songs;
        let asked: Vec<&LabeledSong> = positions.iter().map(|&song| &songs[song]).collect();
        let answers = evaluate_onnx(onnx, &asked)?;
        let pairs = asked.iter().zip(answers);
        Ok(pairs.map(|(song, answer)| judged(song, answer)).collect())
    }

    fn scores(&self, songs: &[JudgedSong]) -> Result<RunScores, CliError> {
        Ok(RunScores::of(songs, &self.division.method()).ok_or(
            "no song is held out to evaluate the model; add songs, or divide them differently",
        )?)
    }

    fn is_multi_label(&self) -> bool {
        self.run.recipe.network.output == OutputKind::Sigmoid
    }

    /// The probability above which labels are given best, on songs that are not those of the report.
    fn search(&self, songs: &[JudgedSong]) -> Option<ThresholdSearch> {
        let present_above = self.run.recipe.loss.present_above;
        let truth: Vec<_> = songs
            .iter()
            .map(|song| song.truth.emotions.as_array().map(f64::from))
            .map(|percentages| above(&percentages, present_above))
            .collect();
        let probabilities: Option<Vec<_>> = songs
            .iter()
            .map(|song| song.predicted.probabilities)
            .collect();
        ThresholdSearch::on(&truth, &probabilities?)
    }

    /// Adds the classification report of a multi-label model.
    fn with_labels(
        &self,
        scores: RunScores,
        songs: &[JudgedSong],
        search: Option<ThresholdSearch>,
    ) -> RunScores {
        if !self.is_multi_label() {
            return scores;
        }
        let threshold = search
            .as_ref()
            .map_or(EVEN_CHANCE, |search| search.best.threshold);
        scores.with_labels(songs, self.run.recipe.loss.present_above, threshold, search)
    }

    /// Writes the model, the predictions, the report and, last, the scores; each whole or not at all. The model is read
    /// back as `analyze` would.
    fn write(
        &self,
        mut trained: Trained,
        courses: &[Course],
        songs: &[JudgedSong],
        scores: &RunScores,
        provenance: &Provenance,
    ) -> Result<(Model, serde_json::Value), CliError> {
        trained.note(provenance)?;
        let summary = Summary {
            recipe: &self.run.recipe.name,
            data: self.run.data_name,
            parameters: trained.network().parameters(),
            epochs: trained.history.len(),
            kept_epoch: trained.kept_epoch + 1,
            scores,
        };
        self.console.remark(&format!(
            "Kept epoch {} of {}; {} parameters.",
            summary.kept_epoch, summary.epochs, summary.parameters
        ));
        let model = self.directory.file("model.onnx");
        let onnx = trained.onnx(serde_json::to_value(scores)?)?;
        atomic_file::write(&model, |file| file.write_all(&onnx))?;
        let model = Model::load(&model)?;
        save_predictions(&self.directory.file("predictions.parquet"), songs)?;
        self.write_report(
            &model,
            (summary.parameters, onnx.len()),
            courses,
            songs,
            scores,
        )?;
        let text = serde_json::to_string_pretty(&summary)? + "\n";
        atomic_file::write(&self.directory.file("scores.json"), |file| {
            file.write_all(text.as_bytes())
        })?;
        Ok((model, serde_json::to_value(&summary)?))
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

fn number_or_dash(number: Option<f64>) -> String {
    number.map_or("-".to_owned(), |number| format!("{number:.3}"))
}

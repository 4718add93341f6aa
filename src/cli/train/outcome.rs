//! The two ways to a model with honest scores, one split or cross-validation, and what is written of them.

use super::{
    division::Division,
    folder::RunFolder,
    summary::{FoldScores, Summary},
    watch::Watch,
};
use crate::{
    atomic_file,
    cli::{CliError, console::Console, scores::tables},
    dataset::{ColumnReport, Folds, LabelledSong, Part, Provenance, Split},
    evaluate::{Answer, Scores, labelled},
    model::Bundle,
    train::{
        CrossValidation, Log, PredictedSong, Run, Trained, judge, save_predictions, scores_of,
    },
};
use std::{fmt::Write as _, io::Write as _, sync::atomic::AtomicBool};

/// A run and where its results go.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// What is trained on what.
    pub run: Run<'a>,
    /// How its songs are kept apart.
    pub division: &'a Division,
    /// Where everything is written.
    pub folder: &'a RunFolder,
    /// What is known of the labels' columns.
    pub labels: ColumnReport,
    /// Whether to stop.
    pub stop: &'a AtomicBool,
    /// Where results are shown.
    pub console: &'a Console,
}

impl Job<'_> {
    /// Trains, measures and writes. Returns what `scores.json` holds.
    pub fn carry_out(&self) -> Result<serde_json::Value, CliError> {
        match self.division {
            Division::Split(split) => self.with_split(split),
            Division::Folds(folds) => self.with_folds(folds),
        }
    }

    fn watch(&self, networks: usize) -> Watch<'_> {
        let log = Log::new(self.folder.file("log.csv"), self.folder.file("log.jsonl"));
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
        let asked: Vec<&LabelledSong> = test.iter().map(|&song| &songs[song]).collect();
        let truth: Vec<Answer> = asked.iter().map(|song| labelled(song)).collect();
        let answers = judge(&trained.onnx(serde_json::Value::Null)?, &asked)?;
        let scores = scores_of(&truth, &answers)?;
        let predictions: Vec<PredictedSong<'_>> = asked
            .iter()
            .zip(truth.iter().zip(&answers))
            .map(|(song, (truth, predicted))| PredictedSong {
                id: &song.id,
                fold: None,
                truth: *truth,
                predicted: *predicted,
            })
            .collect();
        let provenance = Provenance {
            labels: Some(self.labels),
            split: Some(split.clone()),
            folds: None,
        };
        let (bundle, summary) = self.write(trained, &scores, None, &predictions, &provenance)?;
        self.console
            .print(&tables(&scores, &bundle, Some(Part::Test), &self.labels))?;
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
            scores,
            folds: parts,
        } = watch.explain(result)?;
        let all: Vec<usize> = (0..songs.len()).collect();
        let trained = self
            .run
            .train(&all, &[], |event| watch.event(folds.count, event));
        let trained = watch.explain(trained)?;
        drop(watch);
        let predictions: Vec<PredictedSong<'_>> = songs
            .iter()
            .zip(answers.iter().zip(&numbers))
            .map(|(song, (predicted, fold))| PredictedSong {
                id: &song.id,
                fold: Some(fold + 1),
                truth: labelled(song),
                predicted: *predicted,
            })
            .collect();
        let provenance = Provenance {
            labels: Some(self.labels),
            split: None,
            folds: Some(folds.clone()),
        };
        let spread = FoldScores::of(&parts)?;
        let over_folds = spread.table();
        let (bundle, summary) =
            self.write(trained, &scores, Some(spread), &predictions, &provenance)?;
        let mut report = String::new();
        for (number, part) in parts.iter().enumerate() {
            writeln!(
                report,
                "fold {}: {} songs, MAE {:.2} (baseline {:.2}, ratio {:.3}), R2 valence {}, arousal {}",
                number + 1,
                part.songs,
                part.mae,
                part.mae_baseline,
                part.mae / part.mae_baseline,
                number_or_dash(part.valence.r2),
                number_or_dash(part.arousal.r2),
            )?;
        }
        writeln!(report, "\n{over_folds}")?;
        self.console.print(&report)?;
        self.console
            .print(&tables(&scores, &bundle, None, &self.labels))?;
        Ok(summary)
    }

    /// Writes the model, the predictions and the scores; each whole or not at all. The model is read back as `analyze`
    /// would.
    fn write(
        &self,
        mut trained: Trained,
        scores: &Scores,
        folds: Option<FoldScores>,
        predictions: &[PredictedSong<'_>],
        provenance: &Provenance,
    ) -> Result<(Bundle, serde_json::Value), CliError> {
        trained.note(provenance)?;
        let summary = Summary {
            recipe: self.run.recipe.name.clone(),
            data: self.run.data_name.to_owned(),
            measured_on: self.division.method(),
            parameters: trained.network().parameters(),
            epochs: trained.history.len(),
            kept_epoch: trained.kept_epoch + 1,
            scores: scores.clone(),
            folds,
        };
        self.console.remark(&format!(
            "Kept epoch {} of {}; {} parameters.",
            summary.kept_epoch, summary.epochs, summary.parameters
        ));
        let model = self.folder.file("model.onnx");
        let onnx = trained.onnx(described(scores, &summary.measured_on)?)?;
        atomic_file::write(&model, |file| file.write_all(&onnx))?;
        let bundle = Bundle::load(&model)?;
        save_predictions(&self.folder.file("predictions.parquet"), predictions)?;
        let text = serde_json::to_string_pretty(&summary)? + "\n";
        atomic_file::write(&self.folder.file("scores.json"), |file| {
            file.write_all(text.as_bytes())
        })?;
        Ok((bundle, serde_json::to_value(&summary)?))
    }
}

fn number_or_dash(number: Option<f64>) -> String {
    number.map_or("-".to_owned(), |number| format!("{number:.3}"))
}

/// Scores as the model's metadata keeps them: with what they were measured on.
fn described(scores: &Scores, method: &str) -> Result<serde_json::Value, serde_json::Error> {
    let mut value = serde_json::to_value(scores)?;
    value["measured_on"] = method.into();
    Ok(value)
}

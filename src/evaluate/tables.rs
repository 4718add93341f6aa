//! The tables of scores that terminal and report show.

use super::{
    FoldScores, Scores, faces::FaceScores, multilabel::ClassificationReport, scores::decimals,
};
use crate::emotion::{Emotion, Expression};

/// Texts under headings; the first column names the rows.
pub(crate) struct ScoreTable {
    pub heads: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl ScoreTable {
    fn new(heads: &[&str]) -> Self {
        Self {
            heads: heads.iter().map(|head| (*head).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    fn row(&mut self, name: &str, cells: impl IntoIterator<Item = String>) {
        let name = std::iter::once(name.to_owned());
        self.rows.push(name.chain(cells).collect());
    }

    /// The errors of the eight percentages beside those of the baseline.
    pub(crate) fn emotions(scores: &Scores) -> Self {
        let mut table = Self::new(&["", "MAE", "baseline", "ratio", "true %", "predicted %"]);
        let mut row = |name: &str, mae: f64, baseline: f64, means: [f64; 2]| {
            let ratio = Some(mae / baseline).filter(|ratio| ratio.is_finite());
            let [truth, predicted] = means.map(Some);
            let numbers = [Some(mae), Some(baseline), ratio, truth, predicted];
            table.row(name, numbers.map(|number| decimals(number, 2)));
        };
        for (n, (emotion, mae)) in scores.per_emotion.iter().enumerate() {
            let means = [scores.mean_true.0[n], scores.mean_predicted.0[n]];
            row(emotion.name(), mae, scores.per_emotion_baseline.0[n], means);
        }
        let even = 100.0 / Emotion::COUNT as f64;
        row("all eight", scores.mae, scores.mae_baseline, [even, even]);
        table
    }

    /// The agreement of valence and arousal.
    pub(crate) fn affect(scores: &Scores) -> Self {
        let mut table = Self::new(&["", "R²", "RMSE", "Pearson", "CCC"]);
        for (axis, of) in [("valence", scores.valence), ("arousal", scores.arousal)] {
            let cells = [of.r2, of.rmse, of.pearson, of.ccc].map(|number| decimals(number, 3));
            table.row(axis, cells);
        }
        table
    }

    /// Precision, recall, F1 and support of each emotion, and their averages.
    pub(crate) fn labels(report: &ClassificationReport) -> Self {
        let mut table = Self::new(&["", "precision", "recall", "F1", "support"]);
        for (name, row) in report.rows() {
            let shares = [row.precision, row.recall, row.f1].map(|share| format!("{share:.2}"));
            table.row(name, shares.into_iter().chain([row.support.to_string()]));
        }
        table
    }

    /// Precision, recall, F1, the areas under the curves and the faces of each expression.
    pub(crate) fn expressions(scores: &FaceScores) -> Self {
        let mut table = Self::new(&[
            "",
            "precision",
            "recall",
            "F1",
            "ROC area",
            "PR area",
            "faces",
        ]);
        for (expression, of) in Expression::ALL.iter().zip(&scores.expressions) {
            let labels = [of.labels.precision, of.labels.recall, of.labels.f1].map(Some);
            let areas = [of.roc_auc, of.average_precision];
            let numbers = labels.into_iter().chain(areas);
            let cells = numbers.map(|number| decimals(number, 3));
            table.row(
                expression.name(),
                cells.chain([of.labels.support.to_string()]),
            );
        }
        let areas = [scores.macro_roc_auc, scores.macro_average_precision];
        let means = [None, None, Some(scores.macro_f1)].into_iter().chain(areas);
        let cells = means.map(|number| number.map_or_else(String::new, |it| decimals(Some(it), 3)));
        table.row("mean", cells.chain([scores.faces.to_string()]));
        table
    }

    /// Every score over all songs, its mean and deviation over the folds, and that of each fold.
    pub(crate) fn folds(scores: &Scores, folds: &FoldScores) -> Self {
        let mut table = Self::new(&["", "all songs", "mean of folds", "deviation"]);
        let numbers = 1..=folds.folds.len();
        table.heads.extend(numbers.map(|n| format!("fold {n}")));
        let songs = [&scores.songs.to_string(), "", ""].map(str::to_owned);
        let counts = folds.folds.iter().map(|fold| fold.songs.to_string());
        table.row("songs", songs.into_iter().chain(counts));
        for number in scores.numbers() {
            let spread = folds.spread(&number.key);
            let mut values = vec![
                number.value,
                spread.map(|spread| spread.mean),
                spread.and_then(|spread| spread.deviation),
            ];
            values.extend(folds.folds.iter().map(|fold| fold.numbers[&number.key]));
            let cells = values.iter().map(|value| decimals(*value, number.decimals));
            table.row(&number.name, cells);
        }
        table
    }
}

//! Tables of scores, for `evaluate` and `train`.

use super::table::{Align, Table, visible};
use crate::{
    dataset::{ColumnReport, Part},
    evaluate::{FoldScores, MultiLabel, Report, RunScores, Scores},
    model::Model,
    text::count,
};

/// All scores of a run, on a part of the model's split or on all songs.
pub fn run_tables(
    run: &RunScores,
    model: &Model,
    part: Option<Part>,
    labels: &ColumnReport,
) -> String {
    let scores = &run.scores;
    let ratio = scores.mae_ratio.map(|ratio| format!(" ({ratio:.2} of it)"));
    let mut emotions = table(["emotion", "MAE", "baseline", "mean true %", "predicted %"]);
    for (i, (emotion, mae)) in scores.per_emotion.iter().enumerate() {
        let (baseline, truth) = (scores.per_emotion_baseline.0[i], scores.mean_true.0[i]);
        let numbers = [mae, baseline, truth, scores.mean_predicted.0[i]];
        let [mae, baseline, truth, predicted] = numbers.map(|number| format!("{number:.2}"));
        emotions.row([emotion.to_string(), mae, baseline, truth, predicted]);
    }
    let mut agreement = table(["", "R2", "RMSE", "Pearson", "CCC"]);
    for (name, of) in [("valence", scores.valence), ("arousal", scores.arousal)] {
        let [r2, rmse, pearson, ccc] = [of.r2, of.rmse, of.pearson, of.ccc].map(|n| decimals(n, 3));
        agreement.row([name.to_owned(), r2, rmse, pearson, ccc]);
    }
    let mut text = format!(
        "{}\n\nMAE {:.2}, mean-vector baseline {:.2}{}\n\n{}\n{}\nquadrants: accuracy {:.3}, macro F1 {:.3}\n\nlabels: {}\n",
        heading(scores.songs, model, part),
        scores.mae,
        scores.mae_baseline,
        ratio.unwrap_or_default(),
        emotions.render(None),
        agreement.render(None),
        scores.quadrants.accuracy,
        scores.quadrants.macro_f1,
        about(labels)
    );
    if let Some(folds) = &run.cross_validation {
        text.push_str(&format!("\n{}", over_folds(scores, folds)));
    }
    if let Some(labels) = &run.multi_label {
        text.push_str(&format!("\n{}", classification(labels)));
    }
    text
}

/// The same predictions compared with corrected and with published labels, one column each.
pub fn side_by_side(corrected: &Report, published: &Report, model: &Model) -> String {
    let mut table = table(["", "corrected", "as published"]);
    let numbers = corrected.scores.numbers().into_iter();
    for (corrected, published) in numbers.zip(published.scores.numbers()) {
        let (left, right) = (corrected.text(), published.text());
        table.row([corrected.name, left, right]);
    }
    format!(
        "{}\n\n{}\nlabels: {}\n",
        heading(corrected.scores.songs, model, corrected.split.part),
        table.render(None),
        about(&corrected.labels)
    )
}

/// Every score over all songs, and its mean and deviation over the folds.
fn over_folds(scores: &Scores, folds: &FoldScores) -> String {
    let mean = format!("mean of {} folds", folds.folds.len());
    let mut table = table(["", "all songs", &mean, "deviation"]);
    for number in scores.numbers() {
        let spread = folds.spread(&number.key);
        let mean = decimals(spread.map(|spread| spread.mean), number.decimals);
        let deviation = spread.and_then(|spread| spread.deviation);
        let deviation = decimals(deviation, number.decimals);
        table.row([number.name.clone(), number.text(), mean, deviation]);
    }
    table.render(None)
}

/// Precision, recall, F1 and support of each emotion and their averages, with the thresholds that they belong to.
fn classification(labels: &MultiLabel) -> String {
    let mut table = table(["", "precision", "recall", "F1", "support"]);
    for (name, row) in labels.report.rows() {
        let [precision, recall, f1] =
            [row.precision, row.recall, row.f1].map(|share| format!("{share:.2}"));
        let support = row.support.to_string();
        table.row([name.to_owned(), precision, recall, f1, support]);
    }
    let found = labels.search.as_ref().map(|search| {
        format!(
            ", the best of {} on other songs (micro F1 {:.3} there)",
            search.tried.len(),
            search.best.micro_f1
        )
    });
    format!(
        "{}\nAn emotion is true above {} %, and given above probability {:.2}{}.\n",
        table.render(None),
        labels.present_above,
        labels.threshold,
        found.unwrap_or_default()
    )
}

/// A table with names on the left and numbers on the right.
fn table<const N: usize>(heads: [&str; N]) -> Table {
    let mut align = Align::Left;
    Table::new(heads.map(|head| (head, std::mem::replace(&mut align, Align::Right))))
}

fn heading(songs: usize, model: &Model, part: Option<Part>) -> String {
    let metadata = model.metadata();
    let identity: String = model.identity().chars().take(12).collect();
    let part = part.map_or(String::new(), |part| format!("{part} "));
    let songs = count(
        songs as u64,
        &format!("{part}song"),
        &format!("{part}songs"),
    );
    visible(&format!(
        "{songs}, model {} ({identity}), trained on {} ({} songs)",
        metadata.name, metadata.training.name, metadata.training.songs
    ))
}

/// How the labels' columns were read, as one line.
pub fn about(labels: &ColumnReport) -> String {
    let message = labels.message();
    message.unwrap_or_else(|| "columns as the file names them".to_owned())
}

/// A number with that many decimals; `n/a` if there is none.
fn decimals(number: Option<f64>, decimals: usize) -> String {
    number.map_or("n/a".to_owned(), |number| format!("{number:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{Answer, JudgedSong, ThresholdSearch};

    #[test]
    fn a_number_that_does_not_exist_is_shown_as_such() {
        assert_eq!(decimals(None, 3), "n/a");
        assert_eq!(decimals(Some(-0.12345), 3), "-0.123");
    }

    #[test]
    fn the_classification_report_names_every_emotion_average_and_threshold() {
        let truth = [[20.0, 20.0, 20.0, 20.0, 5.0, 5.0, 5.0, 5.0]];
        let probabilities = [[0.9, 0.9, 0.9, 0.1, 0.9, 0.1, 0.1, 0.1]];
        let search = ThresholdSearch::on(&[[true; 8]], &[[0.9; 8]]);
        let labels = MultiLabel::of(&truth, 13.0, &probabilities, 0.4, search).unwrap();
        let text = classification(&labels);
        assert_eq!(text.lines().count(), 1 + 8 + 4 + 2, "{text}");
        let micro = text.lines().find(|line| line.starts_with("micro avg"));
        let cells: Vec<&str> = micro.unwrap().split_whitespace().collect();
        assert_eq!(cells, ["micro", "avg", "0.75", "0.75", "0.75", "4"]);
        assert!(
            text.contains("above 13 %") && text.contains("0.40, the best of 19"),
            "{text}"
        );
    }

    #[test]
    fn folds_show_every_score_with_its_deviation() {
        let song = |fold, valence| JudgedSong {
            fold: Some(fold),
            predicted: Answer {
                valence,
                ..JudgedSong::default().truth
            },
            ..JudgedSong::default()
        };
        let songs = [song(0, 6.0), song(1, 8.0)];
        let folds = FoldScores::of(&songs).unwrap();
        let scores = RunScores::of(&songs, "two folds").unwrap().scores;
        let text = over_folds(&scores, &folds);
        let rmse = text.lines().find(|line| line.starts_with("valence, RMSE"));
        let cells: Vec<&str> = rmse.unwrap().split_whitespace().collect();
        assert_eq!(cells, ["valence,", "RMSE", "2.236", "2.000", "1.414"]);
        assert!(text.contains("mean of 2 folds"), "{text}");
    }
}

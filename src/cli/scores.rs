//! Scores as a person reads them, for `evaluate` and `train`.

use super::table::{Align, Table, visible};
use crate::{
    dataset::{ColumnReport, Part},
    evaluate::{FoldScores, MultiLabel, Report, RunScores, Scores},
    model::Model,
};

/// All scores of one model, the songs that it was judged on (a part of its split, or all), and what the labels are.
pub fn tables(scores: &Scores, model: &Model, part: Option<Part>, labels: &ColumnReport) -> String {
    let mut text = heading(scores.songs, model, part);
    let ratio = match scores.mae_ratio {
        Some(ratio) => format!(" ({ratio:.2} of it)"),
        None => String::new(),
    };
    text.push_str(&format!(
        "\n\nMAE {:.2}, mean-vector baseline {:.2}{ratio}\n\n",
        scores.mae, scores.mae_baseline
    ));

    let mut emotions = Table::new([
        ("emotion", Align::Left),
        ("MAE", Align::Right),
        ("baseline", Align::Right),
        ("mean true %", Align::Right),
        ("predicted %", Align::Right),
    ]);
    for (i, (emotion, mae)) in scores.per_emotion.iter().enumerate() {
        let others = [
            scores.per_emotion_baseline,
            scores.mean_true,
            scores.mean_predicted,
        ];
        let cells = std::iter::once(mae)
            .chain(others.map(|numbers| numbers.0[i]))
            .map(|number| format!("{number:.2}"));
        emotions.row(std::iter::once(emotion.to_string()).chain(cells));
    }
    text.push_str(&emotions.render(None));

    let mut agreement = Table::new([
        ("", Align::Left),
        ("R2", Align::Right),
        ("RMSE", Align::Right),
        ("Pearson", Align::Right),
        ("CCC", Align::Right),
    ]);
    for (name, of) in [("valence", scores.valence), ("arousal", scores.arousal)] {
        agreement.row([
            name.to_owned(),
            number(of.r2),
            number(of.rmse),
            number(of.pearson),
            number(of.ccc),
        ]);
    }
    text.push('\n');
    text.push_str(&agreement.render(None));
    text.push_str(&format!(
        "\nquadrants: accuracy {:.3}, macro F1 {:.3}\n\nlabels: {}\n",
        scores.quadrants.accuracy,
        scores.quadrants.macro_f1,
        about(labels)
    ));
    text
}

/// The same answers against corrected labels and against those that are published, one column each.
pub fn side_by_side(corrected: &Report, published: &Report, model: &Model) -> String {
    let mut table = Table::new([
        ("", Align::Left),
        ("corrected", Align::Right),
        ("as published", Align::Right),
    ]);
    for (corrected, published) in rows(&corrected.scores)
        .into_iter()
        .zip(rows(&published.scores))
    {
        table.row([corrected.0, corrected.1, published.1]);
    }
    format!(
        "{}\n\n{}\nlabels: {}\n",
        heading(corrected.scores.songs, model, corrected.split.part),
        table.render(None),
        about(&corrected.labels)
    )
}

fn rows(scores: &Scores) -> Vec<(String, String)> {
    let numbers = scores.numbers().into_iter();
    numbers
        .map(|number| (number.name.clone(), number.text()))
        .collect()
}

/// As [`tables`], with mean and deviation over folds and the classification report, where the run has them.
pub fn run_tables(
    scores: &RunScores,
    model: &Model,
    part: Option<Part>,
    labels: &ColumnReport,
) -> String {
    let mut text = tables(&scores.scores, model, part, labels);
    if let Some(folds) = &scores.cross_validation {
        text.push_str(&format!("\n{}", over_folds(&scores.scores, folds)));
    }
    if let Some(labels) = &scores.multi_label {
        text.push_str(&format!("\n{}", classification(labels)));
    }
    text
}

/// Every score over all songs, and its mean and deviation over the folds.
fn over_folds(scores: &Scores, folds: &FoldScores) -> String {
    let count = folds.folds.len();
    let mean = format!("mean of {count} folds");
    let mut table = Table::new([
        ("", Align::Left),
        ("all songs", Align::Right),
        (mean.as_str(), Align::Right),
        ("deviation", Align::Right),
    ]);
    for number in scores.numbers() {
        let decimals = number.decimals;
        let shown = |value: Option<f64>| match value {
            Some(value) => format!("{value:.decimals$}"),
            None => "n/a".to_owned(),
        };
        let spread = folds.spread(&number.key);
        table.row([
            number.name.clone(),
            number.text(),
            shown(spread.map(|spread| spread.mean)),
            shown(spread.and_then(|spread| spread.deviation)),
        ]);
    }
    table.render(None)
}

/// Precision, recall, F1 and support of each emotion and their averages, with the thresholds that they belong to.
fn classification(labels: &MultiLabel) -> String {
    let mut table = Table::new([
        ("", Align::Left),
        ("precision", Align::Right),
        ("recall", Align::Right),
        ("F1", Align::Right),
        ("support", Align::Right),
    ]);
    for (name, row) in labels.report.rows() {
        let shares = [row.precision, row.recall, row.f1].map(|share| format!("{share:.2}"));
        let [precision, recall, f1] = shares;
        table.row([
            name.to_owned(),
            precision,
            recall,
            f1,
            row.support.to_string(),
        ]);
    }
    let found = match &labels.search {
        Some(search) => format!(
            ", the best of {} on other songs (micro F1 {:.3} there)",
            search.tried.len(),
            search.best.micro_f1
        ),
        None => String::new(),
    };
    format!(
        "{}\nAn emotion is true above {} %, and given above probability {:.2}{found}.\n",
        table.render(None),
        labels.present_above,
        labels.threshold
    )
}

fn heading(songs: usize, model: &Model, part: Option<Part>) -> String {
    let metadata = model.metadata();
    let identity: String = model.identity().chars().take(12).collect();
    let part = part.map_or(String::new(), |part| format!("{part} "));
    let plural = if songs == 1 { "" } else { "s" };
    visible(&format!(
        "{songs} {part}song{plural}, model {} ({identity}), trained on {} ({} songs)",
        metadata.name, metadata.training.name, metadata.training.songs
    ))
}

/// What is known of the labels' columns, as one line.
pub fn about(labels: &ColumnReport) -> String {
    labels
        .message()
        .unwrap_or_else(|| "columns as the file names them".to_owned())
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{Answer, JudgedSong, ThresholdSearch};

    #[test]
    fn a_number_that_does_not_exist_is_shown_as_such() {
        assert_eq!(number(None), "n/a");
        assert_eq!(number(Some(-0.12345)), "-0.123");
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

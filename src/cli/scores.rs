//! Tables of scores, for `evaluate` and `train`.

use super::{Table, count, visible};
use crate::{
    dataset::{ColumnReport, Part},
    evaluate::{Interval, ListenerAgreement, MultiLabel, RunScores, ScoreTable},
    model::Model,
};

/// All scores of a run, on a part of the model's split or on all songs.
pub(crate) fn run_tables(
    run: &RunScores,
    model: &Model,
    part: Option<Part>,
    labels: &ColumnReport,
) -> String {
    let scores = &run.scores;
    let ratio = scores.mae_ratio.map(|ratio| format!(" ({ratio:.2} of it)"));
    let mut text = format!(
        "{}\n\nMAE {:.2}, mean-vector baseline {:.2}{}\n\n{}\n{}\nquadrants: accuracy {:.3}, macro F1 {:.3}\n\nlabels: {}\n",
        heading(scores.songs, model, part),
        scores.mae,
        scores.mae_baseline,
        ratio.unwrap_or_default(),
        render(&ScoreTable::emotions(scores), usize::MAX),
        render(&ScoreTable::affect(scores), usize::MAX),
        scores.quadrants.accuracy,
        scores.quadrants.macro_f1,
        about(labels)
    );
    if let Some(folds) = &run.cross_validation {
        // Without the columns of single folds, which a terminal has no room for.
        text.push_str(&format!(
            "\n{}",
            render(&ScoreTable::folds(scores, folds), 4)
        ));
    }
    if let Some(labels) = &run.multi_label {
        text.push_str(&format!("\n{}", classification(labels)));
    }
    for (vector, agreement) in &run.listeners {
        text.push_str(&format!("\n{}", listeners(vector, agreement)));
    }
    text
}

/// Agreement of a vector, by its name, with listeners.
fn listeners(vector: &str, agreement: &ListenerAgreement) -> String {
    let mut table = Table::new([vector, "listeners say", ">rho", ">lift of ten"]);
    let figure = |interval: &Interval| {
        let Interval { value, low, high } = interval;
        format!("{value:.2} ({low:.2} to {high:.2})")
    };
    for mood in &agreement.moods {
        let [rho, lift] = [&mood.rho, &mood.lift].map(figure);
        table.row([mood.emotion.name().to_owned(), mood.word.clone(), rho, lift]);
    }
    let [rho, lift] = [&agreement.mean_rho, &agreement.mean_lift].map(figure);
    table.row([
        "mean".to_owned(),
        count(agreement.songs as u64, "song", "songs"),
        rho,
        lift,
    ]);
    table.render(None)
}

/// Precision, recall, F1 and support of each emotion and their averages, with the thresholds that they belong to.
fn classification(labels: &MultiLabel) -> String {
    let found = labels.search.as_ref().map(|search| {
        format!(
            ", the best of {} on other songs (micro F1 {:.3} there)",
            search.tried.len(),
            search.best.micro_f1
        )
    });
    format!(
        "{}\nAn emotion is true above {} %, and given above probability {:.2}{}.\n",
        render(&ScoreTable::labels(&labels.report), usize::MAX),
        labels.present_above,
        labels.threshold,
        found.unwrap_or_default()
    )
}

/// The first columns of a table, names on the left and numbers on the right.
pub(super) fn render(scores: &ScoreTable, columns: usize) -> String {
    let heads = scores.heads.iter().take(columns).enumerate();
    let mut table = Table::new(heads.map(|(column, head)| match column {
        0 => head.clone(),
        _ => format!(">{head}"),
    }));
    for row in &scores.rows {
        table.row(row.iter().take(columns).cloned());
    }
    table.render(None)
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
pub(crate) fn about(labels: &ColumnReport) -> String {
    let message = labels.message();
    message.unwrap_or_else(|| "columns as the file names them".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{Answer, FoldScores, JudgedSong, ThresholdSearch, decimals};

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
        let text = render(&ScoreTable::folds(&scores, &folds), 4);
        let rmse = text.lines().find(|line| line.starts_with("valence, RMSE"));
        let cells: Vec<&str> = rmse.unwrap().split_whitespace().collect();
        assert_eq!(cells, ["valence,", "RMSE", "2.236", "2.000", "1.414"]);
        assert!(text.contains("mean of folds"), "{text}");
    }
}

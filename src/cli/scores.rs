//! Scores as a person reads them, for `evaluate` and `train`.

use super::table::{Align, Table, visible};
use crate::{
    dataset::{ColumnReport, Part},
    evaluate::{Report, Scores},
    model::Bundle,
};

/// All scores of one model, the songs that it was judged on (a part of its split, or all), and what the labels are.
pub fn tables(
    scores: &Scores,
    bundle: &Bundle,
    part: Option<Part>,
    labels: &ColumnReport,
) -> String {
    let mut text = heading(scores.songs, bundle, part);
    let ratio = scores.mae / scores.mae_baseline;
    let ratio = match ratio.is_finite() {
        true => format!(" ({ratio:.2} of it)"),
        false => String::new(),
    };
    text.push_str(&format!(
        "\n\nMAE {:.2}, mean-vector baseline {:.2}{ratio}\n\n",
        scores.mae, scores.mae_baseline
    ));

    let mut emotions = Table::new([("emotion", Align::Left), ("MAE", Align::Right)]);
    for (emotion, mae) in scores.per_emotion.iter() {
        emotions.row([emotion.to_string(), format!("{mae:.2}")]);
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
        "\nquadrants: accuracy {:.3}, macro F1 {:.3}\n\n{}\n",
        scores.quadrants.accuracy,
        scores.quadrants.macro_f1,
        about(labels)
    ));
    text
}

/// The same answers against corrected labels and against those that are published, one column each.
pub fn side_by_side(corrected: &Report, published: &Report, bundle: &Bundle) -> String {
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
        "{}\n\n{}\n{}\n",
        heading(corrected.scores.songs, bundle, corrected.split.part),
        table.render(None),
        about(&corrected.labels)
    )
}

fn rows(scores: &Scores) -> Vec<(String, String)> {
    let mut rows = vec![
        ("MAE".to_owned(), format!("{:.2}", scores.mae)),
        (
            "mean-vector baseline".to_owned(),
            format!("{:.2}", scores.mae_baseline),
        ),
    ];
    for (emotion, mae) in scores.per_emotion.iter() {
        rows.push((format!("MAE, {emotion}"), format!("{mae:.2}")));
    }
    for (name, of) in [("valence", scores.valence), ("arousal", scores.arousal)] {
        for (what, value) in [
            ("R2", of.r2),
            ("RMSE", of.rmse),
            ("Pearson", of.pearson),
            ("CCC", of.ccc),
        ] {
            rows.push((format!("{name}, {what}"), number(value)));
        }
    }
    for (what, value) in [
        ("accuracy", scores.quadrants.accuracy),
        ("macro F1", scores.quadrants.macro_f1),
    ] {
        rows.push((format!("quadrants, {what}"), format!("{value:.3}")));
    }
    rows
}

fn heading(songs: usize, bundle: &Bundle, part: Option<Part>) -> String {
    let metadata = bundle.metadata();
    let identity: String = bundle.identity().chars().take(12).collect();
    let part = part.map_or(String::new(), |part| format!("{part} "));
    let plural = if songs == 1 { "" } else { "s" };
    visible(&format!(
        "{songs} {part}song{plural}, model {} ({identity}), trained on {} ({} songs)",
        metadata.name, metadata.training.name, metadata.training.songs
    ))
}

/// What is known of the labels' columns, as one line.
fn about(labels: &ColumnReport) -> String {
    let known = labels
        .message()
        .unwrap_or_else(|| "columns as the file names them".to_owned());
    format!("labels: {known}")
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_does_not_exist_is_shown_as_such() {
        assert_eq!(number(None), "n/a");
        assert_eq!(number(Some(-0.12345)), "-0.123");
    }
}

//! `circumplex evaluate`: how good a model is on labelled music.

use super::{
    CliResult,
    console::Console,
    exit::Exit,
    model::ModelChoice,
    table::{Align, Table, visible},
    threads::Threads,
};
use crate::{
    dataset::{Dataset, LabelOptions},
    error_text::one_line,
    evaluate::{self, Evaluation, Scores, Unjudged},
    model::{Bundle, Predictor},
};
use std::{path::PathBuf, sync::Mutex};

/// Compare a model's answers with the labels of a data set in DEAM's layout
#[derive(clap::Args)]
#[command(
    after_help = "Each song goes through the same chain as in `analyze`. The baseline answers the mean vector of the \
                  evaluated songs' labels for every song. Quadrants are Russell's: the signs of valence - 5 and \
                  arousal - 5. A number that does not exist, such as a correlation with constant labels, is shown as \
                  n/a (null in JSON). Scores on the songs that a model was trained on say nothing about other music."
)]
pub struct Args {
    /// Folder with DEAM's audio and annotations
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    #[command(flatten)]
    model: ModelChoice,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, console: &Console) -> CliResult {
    let predictor = args.model.load()?;
    let options = LabelOptions {
        sigma: predictor.bundle().metadata().label_settings.sigma,
        ..LabelOptions::default()
    };
    let dataset = Dataset::open(&args.data, &options)?;
    report_left_out(console, &dataset);

    let Evaluation { report, failed } = judge(&args, console, &dataset, &predictor)?;
    for song in &failed {
        console.warning(&visible(&failure_text(song)));
    }
    let text = match args.json {
        true => serde_json::to_string_pretty(&report)?,
        false => tables(&report.scores, predictor.bundle()),
    };
    console.print(&text)?;
    Ok(Exit::of_files(report.scores.songs, failed.len()))
}

fn judge(
    args: &Args,
    console: &Console,
    dataset: &Dataset,
    predictor: &Predictor,
) -> Result<Evaluation, evaluate::EvaluateError> {
    let bar = console.progress(
        dataset.songs.len() as u64,
        Some("{bar:24} {pos}/{len} songs{msg}, {eta} left"),
    );
    let failures = Mutex::new(0_usize);
    let evaluation = evaluate::evaluate(dataset, predictor, args.threads.count(), |outcome| {
        if outcome.is_err()
            && let Ok(mut failures) = failures.lock()
        {
            *failures += 1;
            bar.set_message(format!(", {failures} failed"));
        }
        bar.inc(1);
    });
    bar.finish_and_clear();
    evaluation
}

fn failure_text(song: &Unjudged) -> String {
    format!("failed: song {}: {}", song.id, one_line(&song.error))
}

/// Says what was done about crossed columns, and names the songs that lack something.
pub(super) fn report_left_out(console: &Console, dataset: &Dataset) {
    if let Some(message) = dataset.columns.message() {
        console.remark(&format!("labels: {message}"));
    }
    let names = |path: &PathBuf| {
        path.file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned())
    };
    let files: Vec<String> = dataset.without_labels.iter().map(names).collect();
    for (what, ids) in [
        ("labelled songs without audio", &dataset.without_audio),
        ("audio files without labels", &files),
    ] {
        if !ids.is_empty() {
            console.remark(&visible(&format!(
                "left out: {} {what}: {}",
                ids.len(),
                listed(ids)
            )));
        }
    }
    for row in &dataset.rejected {
        console.remark(&visible(&format!(
            "left out: song {} ({} line {}): {}",
            row.id,
            row.file.display(),
            row.line,
            row.reason
        )));
    }
}

/// The first names; a whole data set's ids would fill the screen.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 20;
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}

pub(super) fn tables(scores: &Scores, bundle: &Bundle) -> String {
    let metadata = bundle.metadata();
    let identity: String = bundle.identity().chars().take(12).collect();
    let songs = match scores.songs {
        1 => "1 song".to_owned(),
        songs => format!("{songs} songs"),
    };
    let mut text = visible(&format!(
        "{songs}, model {} ({identity}), trained on {} ({} songs)",
        metadata.name, metadata.training.name, metadata.training.songs
    ));
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
        "\nquadrants: accuracy {:.3}, macro F1 {:.3}\n",
        scores.quadrants.accuracy, scores.quadrants.macro_f1
    ));
    text
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

    #[test]
    fn long_lists_of_names_are_cut_and_counted() {
        let names: Vec<String> = (1..=23).map(|n| n.to_string()).collect();
        assert_eq!(listed(&names[..2]), "1, 2");
        assert!(listed(&names).ends_with("19, 20 and 3 more"));
        assert_eq!(listed(&names[..20]).split(", ").count(), 20);
    }
}

//! `circumplex classify`: classes of a person's own for every song of a library.

use super::{
    CliError, CliResult, Console, Exit, MappedLibrary, Table, count,
    export::{Selection, summary, write},
    visible,
};
use crate::{
    classify::{ClassScores, Classifier, ClassifyOptions},
    dataset::ClassLabels,
    library::{Columns, Library},
    output::{Format, Written},
};
use std::path::{Path, PathBuf};

/// Labels that were not used and are named; the others are counted.
const MAX_NAMED: usize = 10;
/// Classes whose confusion matrix fits a terminal.
const MAX_CONFUSION: usize = 12;

/// Learn classes of your own, such as genres, from a few labeled songs, and classify the rest
#[derive(clap::Args)]
#[command(
    after_help = "LABELS is a CSV or Parquet file with a heading, a column `path` (a song's path in the library, relative or \
                  absolute, the end of it, or its file name or title) and a column `label`:\n\
                  \n  \
                    path,label\n  \
                    Music/Miles Davis/So What.flac,focus\n  \
                    Bad Moon Rising.mp3,workout\n\
                  \n\
                  A logistic regression on the model's embeddings learns the classes. How well is measured before anything is \
                  written, by cross-validation: each song is classified by a model that was fitted to no song of its artist. \
                  The artist comes from a column `artist` of LABELS, else from the library; songs without one stand for \
                  themselves. The baseline always answers the class with the most songs.\n\
                  \n\
                  -o writes the songs as `circumplex export` does, with the columns `label` (as given), `class` (the label, or \
                  else the most probable class) and `probability_CLASS` for each class. Silent songs have none.\n\
                  \n\
                  Examples:\n  \
                    circumplex classify --labels mine.csv\n  \
                    circumplex classify --labels mine.csv -o classes.csv --playlists classes\n  \
                    circumplex classify --labels songs.csv --column genre --json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    library: MappedLibrary,
    /// Songs and their labels: CSV or Parquet
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// Column with the labels [default: label or class, or the only one]
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// Strength of the L2 penalty on the weights (scikit-learn's 1 / C)
    #[arg(long, value_name = "X", default_value_t = ClassifyOptions::default().penalty)]
    penalty: f64,
    /// Folds of the cross-validation
    #[arg(long, value_name = "N", default_value_t = ClassifyOptions::default().folds)]
    folds: usize,
    /// Seed of the division into folds
    #[arg(long, value_name = "N", default_value_t = ClassifyOptions::default().seed)]
    seed: u64,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Also write the songs with their classes, in a format of `circumplex export`
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Also write a playlist (M3U8) for each class into this directory, the most probable songs first
    #[arg(long, value_name = "DIR")]
    playlists: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    let mut output = None;
    if let Some(path) = &args.output {
        if path.as_os_str() == "-" {
            bail!("-o -: the scores go to standard output; name a file with -o");
        }
        let format = args.selection.format(path)?;
        if format.is_playlist() {
            bail!(
                "{format} cannot hold `class`; choose another format, such as csv, or write playlists with --playlists DIR"
            );
        }
        output = Some((path, format));
    }
    let labels = ClassLabels::read(&args.labels, args.column.as_deref())?;
    let library = args.library.open_filled(console)?;
    let options = ClassifyOptions {
        penalty: args.penalty,
        folds: args.folds,
        seed: args.seed,
    };
    let classifier = Classifier::train(&library, &labels, &options)?;
    if labels.unlabeled > 0 {
        console.remark(&format!(
            "{}: {} without a label",
            args.labels.display(),
            count(labels.unlabeled as u64, "row", "rows")
        ));
    }
    let skipped = classifier.skipped();
    for reason in skipped.iter().take(MAX_NAMED) {
        console.warning(&format!("skipped: {reason}"));
    }
    if skipped.len() > MAX_NAMED {
        console.warning(&format!("skipped: {} more", skipped.len() - MAX_NAMED));
    }
    let scores = classifier.scores();
    console.print(&match args.json {
        true => serde_json::to_string_pretty(&classifier.report(&library))?,
        false => text(scores, library.name()),
    })?;
    if scores.accuracy <= scores.baseline.accuracy {
        console.warning(&format!(
            "the classes are no better than always answering {:?} (accuracy {:.3}, baseline {:.3}): label more songs, or choose \
             classes that differ in sound",
            scores.baseline.class, scores.accuracy, scores.baseline.accuracy
        ));
    }
    if output.is_some() || args.playlists.is_some() {
        let probabilities = classifier.probabilities(&library)?;
        if let Some((path, format)) = output {
            let mut export = args.selection.export(&library)?;
            export.extra = classifier.columns(&probabilities);
            write(&export, format, path, library.rows(), console)?;
        }
        if let Some(directory) = &args.playlists {
            let written = playlists(
                &args.selection,
                directory,
                &library,
                &classifier,
                probabilities,
            )?;
            console.remark(&summary(&written));
        }
    }
    Ok(Exit::of_files(scores.songs, skipped.len()))
}

/// Writes a playlist for each class. A song is in that of its class, and those that were labeled so come by their probability too.
fn playlists(
    selection: &Selection,
    directory: &Path,
    library: &Library,
    classifier: &Classifier,
    probabilities: Vec<Option<Vec<f32>>>,
) -> Result<Written, CliError> {
    let names = classifier.classes().iter().cloned();
    let mut lists = selection.lists(Format::M3u8, directory, names)?;
    let mut rows = 0;
    let songs = library.songs(Columns::LIST.and(Columns::TAGS));
    for ((row, of_song), song) in (0..).zip(probabilities).zip(songs) {
        let song = song?;
        if let Some(of_song) = of_song {
            let class = classifier.class(row, &of_song);
            lists.push(class, of_song[class], song);
            rows += 1;
        }
    }
    Ok(Written {
        rows,
        skipped: lists.skipped(),
        files: lists.finish()?,
    })
}

fn text(scores: &ClassScores, library: &str) -> String {
    let mut table = Table::new([
        "class",
        ">songs",
        ">precision",
        ">recall",
        ">F1",
        ">baseline F1",
    ]);
    let decimals = |number: f64| format!("{number:.3}");
    for class in &scores.classes {
        table.row([
            class.class.clone(),
            class.songs.to_string(),
            decimals(class.precision),
            decimals(class.recall),
            decimals(class.f1),
            decimals(class.baseline_f1),
        ]);
    }
    table.row([
        "mean".to_owned(),
        scores.songs.to_string(),
        String::new(),
        String::new(),
        decimals(scores.macro_f1),
        decimals(scores.baseline.macro_f1),
    ]);
    let confusion = match scores.classes.len() {
        ..=MAX_CONFUSION => confusion(scores),
        classes => format!("confusion of {classes} classes: see --json\n"),
    };
    let alone = match scores.without_artist {
        0 => String::new(),
        songs => format!(
            ", {} without an artist",
            count(songs as u64, "song", "songs")
        ),
    };
    format!(
        "{}: {} labeled songs in {} by artist{alone}; {}-fold cross-validation, no artist on both sides\n\n{}\n{}\naccuracy {:.3}, baseline {:.3} (always {})",
        visible(library),
        scores.songs,
        count(scores.groups as u64, "group", "groups"),
        scores.folds,
        table.render(None),
        confusion,
        scores.accuracy,
        scores.baseline.accuracy,
        visible(&scores.baseline.class)
    )
}

/// The number of songs by true and predicted class.
fn confusion(scores: &ClassScores) -> String {
    let heads = scores
        .classes
        .iter()
        .map(|class| format!(">{}", visible(&class.class)));
    let mut table = Table::new(["true \\ predicted".to_owned()].into_iter().chain(heads));
    for (class, row) in scores.classes.iter().zip(&scores.confusion) {
        let counts = row.iter().map(usize::to_string);
        table.row([class.class.clone()].into_iter().chain(counts));
    }
    table.render(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{ClassBaseline, ClassScore};

    #[test]
    fn a_confusion_matrix_too_wide_for_a_terminal_is_left_to_json() {
        let of = |classes: usize| {
            let class = |n| ClassScore {
                class: format!("class {n}"),
                songs: 2,
                precision: 1.0,
                recall: 1.0,
                f1: 1.0,
                baseline_f1: 0.0,
            };
            let scores = ClassScores {
                songs: 2 * classes,
                groups: 2 * classes,
                without_artist: 0,
                folds: 5,
                penalty: 30.0,
                accuracy: 1.0,
                macro_f1: 1.0,
                baseline: ClassBaseline {
                    class: "class 0".to_owned(),
                    accuracy: 0.1,
                    macro_f1: 0.1,
                },
                classes: (0..classes).map(class).collect(),
                confusion: vec![vec![0; classes]; classes],
            };
            text(&scores, "library.parquet")
        };
        assert!(of(12).contains("true \\ predicted"));
        let wide = of(13);
        assert!(
            wide.contains("confusion of 13 classes: see --json"),
            "{wide}"
        );
        assert!(!wide.contains("predicted"), "{wide}");
    }
}

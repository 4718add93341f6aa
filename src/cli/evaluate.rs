//! `circumplex evaluate`: how good a model is on labelled music.

use super::{
    CliError, CliResult,
    console::Console,
    exit::Exit,
    labels::LabelValues,
    model::ModelChoice,
    scores::{about, run_tables, side_by_side},
    table::visible,
    threads::Threads,
};
use crate::{
    dataset::{ColumnChoice, Dataset, Part, Provenance},
    error::one_line,
    evaluate::{
        self, Evaluation, Judged, JudgedSong, RunScores, Unjudged,
        html::{self, DataFacts, ModelFacts, RunReport},
        keep_part,
        multilabel::PRESENT_ABOVE,
        provenance,
    },
    model::Model,
};
use clap::ValueEnum;
use std::{
    path::{Path, PathBuf},
    sync::Mutex,
};

/// Compare a model's answers with the labels of a data set in DEAM's layout
#[derive(clap::Args)]
#[command(
    after_help = "Each song goes through the same chain as in `analyze`. The baseline answers the mean vector of the \
                  evaluated songs' labels for every song. Quadrants are Russell's: the signs of valence - 5 and \
                  arousal - 5. A number that does not exist, such as a correlation with constant labels, is shown as \
                  n/a (null in JSON). Scores on the songs that a model was trained on say nothing about other music: --split test \
                  judges those that it was not, the same for ever, where the model carries its split."
)]
pub struct Args {
    /// A folder in DEAM's layout, or a label file (CSV or Parquet) beside its audio
    #[arg(long, value_name = "DATA")]
    data: PathBuf,
    #[command(flatten)]
    model: ModelChoice,
    /// Which songs are judged: all, or those of a part of the split that the model carries
    #[arg(long, value_enum, value_name = "PART", default_value = "all")]
    split: Songs,
    /// By which labels, where DEAM's valence and arousal are found to be crossed (ids up to 1000)
    #[arg(long, value_enum, value_name = "WHICH", default_value = "corrected")]
    labels: Labels,
    #[command(flatten)]
    values: LabelValues,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Also write a page with pictures and the worst songs: one file that opens offline
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Songs {
    /// Those that were kept out of training: what a score should be measured on
    Test,
    /// Those that decided which epoch was kept
    Validation,
    /// Those that the weights were fitted to
    Train,
    /// All songs of the data set
    All,
}

impl Songs {
    fn part(self) -> Option<Part> {
        match self {
            Songs::Test => Some(Part::Test),
            Songs::Validation => Some(Part::Validation),
            Songs::Train => Some(Part::Train),
            Songs::All => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Labels {
    /// Exchange crossed columns
    Corrected,
    /// Take columns by their names in the file
    AsPublished,
    /// The same answers by either, side by side
    Both,
}

pub fn run(args: Args, console: &Console) -> CliResult {
    if let Some(path) = &args.report {
        check_writable(path)?;
    }
    let model = args.model.load()?;
    let provenance = provenance(&model)?;
    let sigma = model.metadata().label_settings.sigma;
    let choice = match args.labels {
        Labels::AsPublished => ColumnChoice::AsPublished,
        Labels::Corrected | Labels::Both => ColumnChoice::Corrected,
    };
    let mut dataset = Dataset::open(&args.data, &args.values.options(sigma, choice))?;
    if args.json {
        report_columns(console, &dataset);
    }
    report_left_out(console, &dataset);
    let part = args.split.part();
    if let Some(part) = part {
        keep_part(&mut dataset, &provenance, model.name(), part)?;
    }
    let trained_on = provenance.songs_trained_on(&dataset.songs);
    if part.is_none() {
        warn_of_known_songs(console, &dataset, &provenance, model.name(), trained_on);
    }
    if args.labels != Labels::Both {
        remark_on_other_labels(console, &dataset, &provenance);
    }

    let mut evaluation = judge(&args, console, &dataset, &model)?;
    for song in &evaluation.failed {
        console.warning(&visible(&failure_text(song)));
    }
    evaluation.report.split = Judged { part, trained_on };
    let published = match args.labels {
        Labels::Both if dataset.columns.is_crossed() => {
            let options = args.values.options(sigma, ColumnChoice::AsPublished);
            evaluation.against(&Dataset::open(&args.data, &options)?)
        }
        Labels::Both => {
            console.remark("No column is known to be crossed: either way the labels are these.");
            None
        }
        _ => None,
    };
    let Evaluation {
        mut report,
        songs,
        failed,
    } = evaluation;
    let scores = RunScores::of(&songs, &measured_on(part, trained_on))
        .ok_or("internal error: an evaluation without songs")?;
    let scores = with_labels(scores, &songs, &model);
    let text = match (args.json, published) {
        (true, published) => {
            report.as_published = published.map(Box::new);
            serde_json::to_string_pretty(&report)?
        }
        (false, Some(published)) => side_by_side(&report, &published, &model),
        (false, None) => run_tables(&scores, &model, part, &report.labels),
    };
    if let Some(path) = &args.report {
        write_report(path, &args.data, &model, &dataset, &songs, &scores)?;
        console.remark(&visible(&format!("wrote {}", path.display())));
    }
    console.print(&text)?;
    Ok(Exit::of_files(report.scores.songs, failed.len()))
}

/// Finds out before minutes of work whether the page can be written.
fn check_writable(path: &Path) -> Result<(), CliError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    tempfile::NamedTempFile::new_in(folder).map_err(|error| {
        format!(
            "cannot write {}: {error}; choose another --report",
            path.display()
        )
    })?;
    Ok(())
}

/// The classification report of a multi-label model, with the thresholds that its own scores name.
fn with_labels(scores: RunScores, songs: &[JudgedSong], model: &Model) -> RunScores {
    let own = &model.metadata().scores["multi_label"];
    scores.with_labels(
        songs,
        own["present_above"].as_f64().unwrap_or(PRESENT_ABOVE),
        own["threshold"].as_f64().unwrap_or(0.5),
        None,
    )
}

fn write_report(
    path: &Path,
    data: &Path,
    model: &Model,
    dataset: &Dataset,
    songs: &[JudgedSong],
    scores: &RunScores,
) -> crate::Result<()> {
    let metadata = model.metadata();
    let training = &metadata.training;
    let data = data
        .file_name()
        .unwrap_or(data.as_os_str())
        .to_string_lossy();
    let report = RunReport {
        title: &format!("{} on {data}", metadata.name),
        model: ModelFacts {
            name: metadata.name.clone(),
            identity: Some(model.identity().to_owned()),
            trained_on: Some(format!("{} ({} songs)", training.name, training.songs)),
            ..ModelFacts::default()
        },
        data: DataFacts {
            name: data.to_string(),
            split: None,
            labels: Some(about(&dataset.columns)),
        },
        recipe: Some(&training.recipe)
            .filter(|recipe| !recipe.is_empty())
            .map(String::as_str),
        preprocessing: &metadata.preprocessing,
        trainings: &[],
        songs,
        scores,
    };
    html::write(path, &report)
}

/// The songs that were judged, in words.
fn measured_on(part: Option<Part>, trained_on: Option<usize>) -> String {
    match (part, trained_on) {
        (Some(part), _) => format!("{part} songs of the model's split"),
        (None, None) => "all songs of the data set".to_owned(),
        (None, Some(0)) => {
            "all songs of the data set, none of which the model was trained on".to_owned()
        }
        (None, Some(known)) => {
            format!("all songs of the data set; the model was trained on {known} of them")
        }
    }
}

/// Scores on songs that were learned say nothing about other music.
fn warn_of_known_songs(
    console: &Console,
    dataset: &Dataset,
    provenance: &Provenance,
    model: &str,
    trained_on: Option<usize>,
) {
    let Some(known) = trained_on.filter(|known| *known > 0) else {
        return;
    };
    let instead = match provenance.split {
        Some(_) => "--split test judges those that were kept out",
        None => "its out-of-fold scores are in the model file",
    };
    console.warning(&visible(&format!(
        "{model} was trained on {known} of these {} songs, by their ids: the scores say little about other music; {instead}",
        dataset.songs.len()
    )));
}

/// A model that learned crossed labels is judged by straight ones, or the other way round.
fn remark_on_other_labels(console: &Console, dataset: &Dataset, provenance: &Provenance) {
    let learned = provenance.labels.filter(|_| dataset.columns.is_crossed());
    if let Some(learned) = learned.filter(|learned| learned.labels != dataset.columns.labels) {
        let how = match learned.labels {
            ColumnChoice::Corrected => "corrected",
            ColumnChoice::AsPublished => "as-published",
        };
        console.remark(&format!(
            "The model was trained on other labels: --labels {how} judges it by those, --labels both by either."
        ));
    }
}

fn judge(
    args: &Args,
    console: &Console,
    dataset: &Dataset,
    model: &Model,
) -> Result<Evaluation, evaluate::EvaluateError> {
    let bar = console.progress(
        dataset.songs.len() as u64,
        Some("{bar:24} {pos}/{len} songs{msg}, {eta} left"),
    );
    let failures = Mutex::new(0_usize);
    let evaluation = evaluate::evaluate(dataset, model, args.threads.count(), |outcome| {
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

/// Says what was done about crossed columns, as long as no table has.
pub(super) fn report_columns(console: &Console, dataset: &Dataset) {
    if let Some(message) = dataset.columns.message() {
        console.remark(&format!("labels: {message}"));
    }
}

/// Names the songs that lack something.
pub(super) fn report_left_out(console: &Console, dataset: &Dataset) {
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
        console.remark(&visible(&format!("left out: {row}")));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_of_names_are_cut_and_counted() {
        let names: Vec<String> = (1..=23).map(|n| n.to_string()).collect();
        assert_eq!(listed(&names[..2]), "1, 2");
        assert!(listed(&names).ends_with("19, 20 and 3 more"));
        assert_eq!(listed(&names[..20]).split(", ").count(), 20);
    }
}

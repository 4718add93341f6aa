//! `circumplex evaluate`: scores of a model on labeled music.

use super::{
    CliResult, Console, Exit, ModelChoice, Threads, file_name,
    labels::LabelValues,
    listed,
    scores::{about, run_tables},
};
use crate::{
    atomic_file::directory_of,
    dataset::{ColumnChoice, Dataset, Part, Provenance, votes_beside},
    error::one_line,
    evaluate::{
        self, Answer, Evaluation, Judged, JudgedSong, ListenerAgreement, Report, RunScores,
        agreements,
        html::{self, RunReport},
        keep_part,
        listeners::words,
        multilabel::PRESENT_ABOVE,
        provenance,
    },
    model::Model,
};
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

/// Evaluate a model on labeled music
#[derive(clap::Args)]
#[command(
    after_help = "Songs are analyzed as in `analyze`. The baseline predicts the mean vector of the evaluated songs' \
                  labels for every song. Quadrants are Russell's: the signs of valence - 5 and arousal - 5. A number \
                  that does not exist, such as a correlation with constant labels, is n/a (null in JSON).\n\n\
                  Scores on songs that a model was trained on say little about other music. The model file keeps its \
                  split: --split test always evaluates on the same test split, the held-out songs.\n\n\
                  Examples:\n  \
                    circumplex evaluate --data DEAM\n  \
                    circumplex evaluate --data DEAM --model run/model.onnx --split test --report report.html\n  \
                    circumplex evaluate --data labels.csv --scale -1..1 --json"
)]
pub(crate) struct Args {
    /// Directory in DEAM's layout, or a label file (CSV or Parquet) beside its audio
    #[arg(long, value_name = "DATA")]
    data: PathBuf,
    #[command(flatten)]
    model: ModelChoice,
    /// Evaluate on a part of the model's split only
    #[arg(long, value_enum, value_name = "PART")]
    split: Option<Part>,
    /// How to read DEAM's crossed columns (valence and arousal of ids up to 1000)
    #[arg(long, value_enum, value_name = "WHICH", default_value = "corrected")]
    labels: ColumnChoice,
    #[command(flatten)]
    values: LabelValues,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Also write a report with charts and the worst songs: one HTML file that opens offline
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    if let Some(path) = &args.report {
        // Fails before minutes of work.
        tempfile::NamedTempFile::new_in(directory_of(path)).map_err(|error| {
            let path = path.display();
            format!("cannot write {path}: {error}; choose another --report")
        })?;
    }
    let model = args.model.load()?;
    let provenance = provenance(&model)?;
    let sigma = model.metadata().label_settings.sigma;
    let options = args.values.options(sigma, args.labels);
    let mut dataset = Dataset::open(&args.data, &options)?;
    if args.json {
        report_columns(console, &dataset);
    }
    report_left_out(console, &dataset);
    let part = args.split;
    if let Some(part) = part {
        keep_part(&mut dataset, &provenance, model.name(), part)?;
    }
    let trained_on = provenance.songs_trained_on(&dataset.songs);
    if let (None, Some(known @ 1..)) = (part, trained_on) {
        let instead = match provenance.split {
            Some(_) => "--split test evaluates on the held-out songs",
            None => "its out-of-fold scores are in the model file",
        };
        let (name, songs) = (model.name(), dataset.songs.len());
        console.warning(&format!(
            "{name} was trained on {known} of these {songs} songs, by their ids: the scores say little about other music; {instead}"
        ));
    }
    remark_on_other_labels(console, &dataset, &provenance);

    let Evaluation { songs, failed } = evaluate(&args, console, &dataset, &model)?;
    for (id, error) in &failed {
        console.warning(&format!("failed: song {id}: {}", one_line(error)));
    }
    let run = RunScores::of(&songs, &measured_on(part, trained_on))
        .ok_or("internal error: an evaluation without songs")?;
    // Of a multi-label model, with the thresholds in the model file.
    let own = &model.metadata().scores["multi_label"];
    let mut run = run.with_labels(
        &songs,
        own["present_above"].as_f64().unwrap_or(PRESENT_ABOVE),
        own["threshold"].as_f64().unwrap_or(0.5),
        None,
    );
    run.listeners = listeners(&args.data, &songs)?;
    if let (Some(votes), false) = (&model.metadata().votes, run.listeners.is_empty()) {
        console.warning(&format!(
            "{} learned from the votes for {} songs: if these are among them, their agreement says little; held-out \
             agreement is in the model file",
            model.name(),
            votes.songs
        ));
    }
    let report = Report {
        scores: run.scores.clone(),
        model: model.identity().to_owned(),
        labels: dataset.columns,
        split: Judged { part, trained_on },
        listeners: run.listeners.clone(),
    };
    let text = match args.json {
        true => serde_json::to_string_pretty(&report)?,
        false => run_tables(&run, &model, part, &report.labels),
    };
    if let Some(path) = &args.report {
        let data = file_name(&args.data);
        let report = RunReport {
            title: &format!("{} on {data}", model.metadata().name),
            metadata: model.metadata(),
            identity: model.identity(),
            size: None,
            data: &data,
            labels: about(&dataset.columns),
            trainings: &[],
            songs: &songs,
            scores: &run,
        };
        html::write(path, &report)?;
        console.remark(&format!("wrote {}", path.display()));
    }
    console.print(&text)?;
    Ok(Exit::of_files(songs.len(), failed.len()))
}

fn evaluate(
    args: &Args,
    console: &Console,
    dataset: &Dataset,
    model: &Model,
) -> crate::Result<Evaluation> {
    let bar = console.progress(
        dataset.songs.len() as u64,
        Some("{bar:24} {pos}/{len} songs{msg}, {eta} left"),
    );
    let failures = AtomicUsize::new(0);
    let evaluation = evaluate::evaluate(dataset, model, args.threads.count(), |analyzed| {
        if !analyzed {
            let failures = failures.fetch_add(1, Ordering::Relaxed) + 1;
            bar.set_message(format!(", {failures} failed"));
        }
        bar.inc(1);
    });
    bar.finish_and_clear();
    evaluation
}

/// Agreement with the listeners whose votes the data set holds, if it holds any.
fn listeners(
    data: &Path,
    songs: &[JudgedSong],
) -> crate::Result<BTreeMap<&'static str, ListenerAgreement>> {
    let words = words();
    let voted = votes_beside(data, &words)?;
    let predicted: HashMap<&Path, Answer> = songs
        .iter()
        .map(|song| (song.audio.as_path(), song.predicted))
        .collect();
    let (votes, answers): (Vec<&[f64]>, Vec<Answer>) = voted
        .iter()
        .filter_map(|song| Some((&song.votes[..], *predicted.get(song.audio.as_path())?)))
        .unzip();
    Ok(agreements(
        words.keys().map(String::as_str),
        &votes,
        &answers,
    ))
}

/// The evaluated songs, in words.
fn measured_on(part: Option<Part>, trained_on: Option<usize>) -> String {
    match (part, trained_on) {
        (Some(part), _) => format!("{part} songs of the model's split"),
        (None, None) => "all songs of the data set".to_owned(),
        (None, Some(known)) => {
            format!("all songs of the data set; the model was trained on {known} of them")
        }
    }
}

/// Warns if a model was trained on crossed labels and is evaluated on corrected ones, or the reverse.
fn remark_on_other_labels(console: &Console, dataset: &Dataset, provenance: &Provenance) {
    let learned = provenance.labels.filter(|_| dataset.columns.is_crossed());
    if let Some(learned) = learned.filter(|learned| learned.labels != dataset.columns.labels) {
        let how = match learned.labels {
            ColumnChoice::Corrected => "corrected",
            ColumnChoice::AsPublished => "as-published",
        };
        console.remark(&format!(
            "The model was trained on other labels: --labels {how} evaluates it on those."
        ));
    }
}

/// Reports how crossed columns were read, if no table does.
pub(super) fn report_columns(console: &Console, dataset: &Dataset) {
    if let Some(message) = dataset.columns.message() {
        console.remark(&format!("labels: {message}"));
    }
}

/// Names the songs that lack audio or labels.
pub(super) fn report_left_out(console: &Console, dataset: &Dataset) {
    let files = dataset.without_labels.iter();
    let files: Vec<String> = files.map(|path| file_name(path)).collect();
    for (kind, names) in [
        ("labeled songs without audio", &dataset.without_audio),
        ("audio files without labels", &files),
    ] {
        if !names.is_empty() {
            let (count, names) = (names.len(), listed(names, 20));
            console.remark(&format!("skipped: {count} {kind}: {names}"));
        }
    }
    for row in &dataset.rejected {
        console.remark(&format!("skipped: {row}"));
    }
}

//! `circumplex dataset check`: the content of a DEAM directory, and its faults.

use super::{CliResult, Console, Exit, Table, count, file_name, listed, visible};
use crate::dataset::{CheckReport, Evidence, Finding, IdRange, RowFault, check};
use std::{
    collections::BTreeMap,
    fmt::{Display, Write as _},
    path::PathBuf,
    sync::OnceLock,
};

/// Check a data set
#[derive(clap::Subcommand)]
pub(crate) enum Action {
    Check(CheckArgs),
}

/// Check a DEAM directory: read every annotation, decode every audio file, and report what is missing or wrong
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 usable; 1 unusable (no song has both labels and readable audio); 3 usable, but some \
                  audio files or annotation rows are not.\n\n\
                  Examples:\n  \
                    circumplex dataset check DEAM\n  \
                    circumplex dataset check DEAM --json"
)]
pub(crate) struct CheckArgs {
    /// Directory in DEAM's layout: the official archives, the Kaggle mirror, or flat
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(Action::Check(args): Action, console: &Console) -> CliResult {
    let bar = OnceLock::new();
    let report = check(&args.directory, |files| {
        let template = Some("{bar:24} {pos}/{len} audio files, {eta} left");
        bar.get_or_init(|| console.progress(files as u64, template))
            .inc(1);
    })?;
    if let Some(bar) = bar.get() {
        bar.finish_and_clear();
    }
    console.print(&match args.json {
        true => serde_json::to_string_pretty(&report)?,
        false => text(&report),
    })?;
    let faults = report.unreadable_audio.len() + report.rejected.len();
    Ok(Exit::of_files(report.usable_songs, faults))
}

fn text(report: &CheckReport) -> String {
    let mut text = table(report);
    for file in &report.unreadable_audio {
        let _ = write!(text, "\nunreadable: {}", visible(&file.reason));
    }
    for row in &report.rejected {
        let _ = write!(text, "\nrow skipped: {}", visible(&row.to_string()));
    }
    let verdict = match report.usable_songs as u64 {
        0 => "unusable: no song has both labels and readable audio".to_owned(),
        songs => {
            let songs = count(songs, "song has", "songs have");
            format!("usable: {songs} labels and readable audio")
        }
    };
    text + "\n" + &verdict + "\n"
}

fn table(report: &CheckReport) -> String {
    let mut table = Table::new(["check", "found", "advice"]);
    let mut row = |check: &str, found: String, advice: &str| table.row([check, &found, advice]);
    row("layout", report.layout.to_string(), "");
    let files = file_names(&report.annotation_files).join(", ");
    let annotated = format!("{} in {files}", report.annotated);
    row("annotated songs", annotated, "");
    if let Some(directory) = &report.audio_directory {
        let below = directory.strip_prefix(&report.root).unwrap_or(directory);
        let found = format!("{} in {}/", report.audio_files, below.display());
        row("audio files", found, "");
    } else {
        let advice = "unpack DEAM_audio.zip into this directory";
        row("audio files", "0".to_owned(), advice);
    }
    let both = report.with_audio_and_labels.to_string();
    row("audio and labels", both, "");
    let rejected = |fault: RowFault| -> Vec<String> {
        let rows = report.rejected.iter().filter(|row| row.fault == fault);
        rows.map(|row| row.id.clone()).collect()
    };
    let unreadable = report.unreadable_audio.iter();
    let unreadable = unreadable.map(|file| file_name(&file.path)).collect();
    let same = report.same_audio.iter().map(|ids| ids.join(" = "));
    let outside = rejected(RowFault::OutsideScale);
    let correct = "rows skipped; correct them";
    for (check, names, advice) in [
        (
            "audio without labels",
            file_names(&report.audio_without_labels),
            "skipped",
        ),
        (
            "labels without audio",
            report.labels_without_audio.clone(),
            "skipped; add the audio files",
        ),
        (
            "unreadable audio",
            unreadable,
            "skipped; unpack these again",
        ),
        ("values outside 1 to 9", outside, correct),
        ("missing values", rejected(RowFault::Missing), correct),
        (
            "negative deviations",
            rejected(RowFault::NegativeDeviation),
            correct,
        ),
        (
            "duplicate ids",
            rejected(RowFault::Duplicate),
            "the first row is used",
        ),
        (
            "zero deviations",
            report.zero_deviation.clone(),
            "used: the box becomes a line or a point",
        ),
        (
            "several audio files of one id",
            file_names(&report.duplicate_audio),
            "the first is used; remove these",
        ),
        (
            "identical audio",
            same.collect(),
            "kept on one side of every split",
        ),
    ] {
        match names.len() {
            0 => row(check, "0".to_owned(), ""),
            number => row(check, format!("{number}: {}", listed(&names, 6)), advice),
        }
    }
    for (check, range) in [
        ("columns, ids up to 1000", &report.columns.up_to_1000),
        ("columns, other ids", &report.columns.above_1000),
    ] {
        let (found, advice) = columns(range);
        row(check, found, advice);
    }
    let duration = report.duration_s.map(|d| {
        let hours = d.sum / 3600.0;
        let (min, max, median) = (d.min, d.max, d.median);
        format!("{min:.1} to {max:.1} s, median {median:.1} s, {hours:.2} h in all")
    });
    row("duration", duration.unwrap_or("unknown".to_owned()), "");
    row("sample rates", counts(&report.sample_rates, " Hz"), "");
    row("channels", counts(&report.channels, ""), "");
    row("codecs", counts(&report.codecs, ""), "");
    let artists = &report.artists;
    match artists.known {
        0 => row(
            "artists",
            "unknown".to_owned(),
            "unpack DEAM's metadata.zip into metadata/ for splits by artist",
        ),
        known => {
            let (distinct, sharing) = (artists.distinct, artists.songs_sharing_an_artist);
            let unknown = report.annotated - known;
            let found =
                format!("{distinct} of {known} songs; {sharing} songs share one with another");
            let advice = format!("{unknown} songs count as artists of their own");
            row("artists", found, if unknown > 0 { &advice } else { "" });
        }
    }
    table.render(None)
}

fn file_names(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| file_name(path)).collect()
}

fn counts<K: Display>(counts: &BTreeMap<K, usize>, unit: &str) -> String {
    let parts: Vec<String> = counts
        .iter()
        .map(|(key, files)| format!("{key}{unit}: {files}"))
        .collect();
    parts.join(", ")
}

/// Whether the columns of a range of ids are crossed, and the advice.
fn columns(range: &IdRange) -> (String, &'static str) {
    let (finding, advice) = match range.finding {
        Finding::NoSongs => return ("no such songs".to_owned(), ""),
        Finding::Crossed => (
            "crossed",
            "corrected on reading; --labels as-published keeps them",
        ),
        Finding::Straight => ("as named", ""),
        Finding::Unknown => (
            "unknown",
            "used as named; add DEAM's per-second annotations to find out",
        ),
    };
    let evidence = match range.evidence {
        Evidence::PerSecondAnnotations => " (measured)",
        Evidence::KnownFile => " (known file)",
        Evidence::None => "",
    };
    (
        format!("{finding} for {} songs{evidence}", range.songs),
        advice,
    )
}

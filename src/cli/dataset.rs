//! `circumplex dataset check`: what is in a DEAM folder, and what is wrong with it.

use super::{
    CliResult,
    console::Console,
    exit::Exit,
    table::{Align, Table, visible},
};
use crate::dataset::{CheckProgress, CheckReport, Evidence, Finding, IdRange, RowFault, check};
use std::{
    fmt::{Display, Write as _},
    path::PathBuf,
    sync::OnceLock,
};

/// Look into a data set
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    Check(CheckArgs),
}

/// Read every annotation and decode every audio file of a DEAM folder, and say what is there and what is wrong
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 usable; 1 unusable (no song has both labels and readable audio); 3 usable, but some \
                  audio files or annotation rows are not."
)]
struct CheckArgs {
    /// A folder in DEAM's layout: the official archives, the Kaggle mirror, or flat
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, console: &Console) -> CliResult {
    let Action::Check(args) = args.action;
    let bar = OnceLock::new();
    let report = check(&args.folder, |progress| match progress {
        CheckProgress::Started { files } => {
            let template = "{bar:24} {pos}/{len} audio files, {eta} left";
            let _ = bar.set(console.progress(files as u64, Some(template)));
        }
        CheckProgress::File => {
            if let Some(bar) = bar.get() {
                bar.inc(1);
            }
        }
    })?;
    if let Some(bar) = bar.get() {
        bar.finish_and_clear();
    }
    let text = match args.json {
        true => serde_json::to_string_pretty(&report)?,
        false => table(&report),
    };
    console.print(&text)?;
    let faults = report.unreadable_audio.len() + report.rejected.len();
    Ok(Exit::of_files(report.usable_songs, faults))
}

/// A count and the first names.
fn listed<T: Display>(names: &[T]) -> String {
    const SHOWN: usize = 6;
    if names.is_empty() {
        return "0".to_owned();
    }
    let first: Vec<String> = names.iter().take(SHOWN).map(T::to_string).collect();
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    format!("{}: {}{more}", names.len(), first.join(", "))
}

fn file_names(paths: &[PathBuf]) -> Vec<String> {
    let name = |p: &PathBuf| {
        p.file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned())
    };
    paths.iter().map(name).collect()
}

/// What can be done about something that was found; empty where it was not.
fn advice<T>(found: &[T], text: &str) -> String {
    if found.is_empty() {
        String::new()
    } else {
        text.to_owned()
    }
}

fn table(report: &CheckReport) -> String {
    let mut table = Table::new([
        ("what", Align::Left),
        ("found", Align::Left),
        ("what to do", Align::Left),
    ]);
    let mut row = |what: &str, found: String, to_do: String| {
        table.row([what.to_owned(), found, to_do]);
    };
    row("layout", report.layout.to_string(), String::new());
    row(
        "annotated songs",
        format!(
            "{} in {}",
            report.annotated,
            file_names(&report.annotation_files).join(", ")
        ),
        String::new(),
    );
    row(
        "audio files",
        match &report.audio_folder {
            Some(folder) => {
                let below = folder.strip_prefix(&report.root).unwrap_or(folder);
                format!("{} in {}/", report.audio_files, below.display())
            }
            None => "0".to_owned(),
        },
        match report.audio_files {
            0 => "unpack DEAM_audio.zip into this folder".to_owned(),
            _ => String::new(),
        },
    );
    row(
        "audio and labels",
        report.with_audio_and_labels.to_string(),
        String::new(),
    );
    row(
        "audio without labels",
        listed(&file_names(&report.audio_without_labels)),
        advice(&report.audio_without_labels, "left out"),
    );
    row(
        "labels without audio",
        listed(&report.labels_without_audio),
        advice(
            &report.labels_without_audio,
            "left out; add the audio files",
        ),
    );
    let unreadable: Vec<PathBuf> = report
        .unreadable_audio
        .iter()
        .map(|u| u.path.clone())
        .collect();
    row(
        "unreadable audio",
        listed(&file_names(&unreadable)),
        advice(&unreadable, "left out; unpack these again"),
    );
    for (what, fault, to_do) in [
        (
            "values outside 1 to 9",
            RowFault::OutsideScale,
            "rows left out; correct them",
        ),
        (
            "missing values",
            RowFault::Missing,
            "rows left out; correct them",
        ),
        (
            "negative deviations",
            RowFault::NegativeDeviation,
            "rows left out; correct them",
        ),
        ("duplicate ids", RowFault::Duplicate, "the first row counts"),
    ] {
        let rejected = report.rejected.iter().filter(|row| row.fault == fault);
        let found: Vec<&str> = rejected.map(|row| row.id.as_str()).collect();
        row(what, listed(&found), advice(&found, to_do));
    }
    row(
        "zero deviations",
        listed(&report.zero_deviation),
        advice(
            &report.zero_deviation,
            "used: the box becomes a line or a point",
        ),
    );
    row(
        "several audio files of one id",
        listed(&file_names(&report.duplicate_audio)),
        advice(&report.duplicate_audio, "the first counts; remove these"),
    );
    for (what, range) in [
        ("columns, ids up to 1000", &report.columns.up_to_1000),
        ("columns, other ids", &report.columns.above_1000),
    ] {
        row(what, finding(range), on_columns(range));
    }
    row("duration", duration(report), String::new());
    row(
        "sample rates",
        counts(&report.sample_rates, " Hz"),
        String::new(),
    );
    row("channels", counts(&report.channels, ""), String::new());
    row("codecs", counts(&report.codecs, ""), String::new());
    let artists = &report.artists;
    row(
        "artists",
        match artists.known {
            0 => "unknown".to_owned(),
            known => format!(
                "{} of {known} songs; {} songs share one with another",
                artists.distinct, artists.songs_sharing_an_artist
            ),
        },
        match artists.known {
            0 => "unpack DEAM's metadata.zip into metadata/ for splits by artist".to_owned(),
            known if known < report.annotated => {
                format!(
                    "{} songs count as artists of their own",
                    report.annotated - known
                )
            }
            _ => String::new(),
        },
    );
    let groups: Vec<String> = report.same_audio.iter().map(|g| g.join(" = ")).collect();
    row(
        "identical audio",
        listed(&groups),
        advice(&groups, "kept on one side of every split"),
    );
    let mut text = table.render(None);
    text.push_str(&correlations(report));
    for file in &report.unreadable_audio {
        let _ = write!(text, "\nunreadable: {}", visible(&file.reason));
    }
    for rejected in &report.rejected {
        let line = format!(
            "{} line {}, song {}: {}",
            rejected.file.display(),
            rejected.line,
            rejected.id,
            rejected.reason
        );
        let _ = write!(text, "\nrow left out: {}", visible(&line));
    }
    let verdict = match report.usable_songs {
        0 => "unusable: no song has both labels and readable audio".to_owned(),
        1 => "usable: 1 song has labels and readable audio".to_owned(),
        songs => format!("usable: {songs} songs have labels and readable audio"),
    };
    let _ = write!(text, "\n{verdict}\n");
    text
}

fn finding(range: &IdRange) -> String {
    let songs = range.songs;
    match (range.finding, range.evidence) {
        (Finding::NoSongs, _) => "no such songs".to_owned(),
        (Finding::Crossed, Evidence::PerSecondAnnotations) => {
            format!("crossed for {songs} songs (measured)")
        }
        (Finding::Crossed, _) => format!("crossed for {songs} songs (known file)"),
        (Finding::Straight, Evidence::PerSecondAnnotations) => {
            format!("as named for {songs} songs (measured)")
        }
        (Finding::Straight, Evidence::KnownFile) => {
            format!("as named for {songs} songs (known file, corrected)")
        }
        (Finding::Straight, Evidence::None) => format!("taken as named for {songs} songs"),
        (Finding::Unknown, _) => format!("cannot be told for {songs} songs"),
    }
}

fn on_columns(range: &IdRange) -> String {
    match (range.finding, range.evidence) {
        (Finding::Crossed, Evidence::PerSecondAnnotations) => {
            "read corrected; --labels as-published keeps them"
        }
        (Finding::Crossed, _) => {
            "read corrected, relying on the published values' hash; --labels as-published keeps them"
        }
        (Finding::Unknown, _) => "taken as named; add DEAM's per-second annotations to find out",
        _ => "",
    }
    .to_owned()
}

fn correlations(report: &CheckReport) -> String {
    let mut table = Table::new([
        ("static mean with per-second mean, r", Align::Left),
        ("songs", Align::Right),
        ("valence-valence", Align::Right),
        ("arousal-arousal", Align::Right),
        ("valence-arousal", Align::Right),
        ("arousal-valence", Align::Right),
    ]);
    let mut is_measured = false;
    for (name, range) in [
        ("ids up to 1000", &report.columns.up_to_1000),
        ("other ids", &report.columns.above_1000),
    ] {
        if let Some(r) = range.correlations {
            is_measured = true;
            table.row([
                name.to_owned(),
                r.songs.to_string(),
                format!("{:.3}", r.valence_valence),
                format!("{:.3}", r.arousal_arousal),
                format!("{:.3}", r.valence_arousal),
                format!("{:.3}", r.arousal_valence),
            ]);
        }
    }
    match is_measured {
        true => format!("\n{}", table.render(None)),
        false => String::new(),
    }
}

fn duration(report: &CheckReport) -> String {
    report.duration_s.map_or_else(
        || "unknown".to_owned(),
        |d| {
            format!(
                "{:.1} to {:.1} s, median {:.1} s, {:.2} h in all",
                d.min,
                d.max,
                d.median,
                d.sum / 3600.0
            )
        },
    )
}

fn counts<K: Display>(counts: &std::collections::BTreeMap<K, usize>, unit: &str) -> String {
    let parts: Vec<String> = counts
        .iter()
        .map(|(what, files)| format!("{what}{unit}: {files}"))
        .collect();
    parts.join(", ")
}

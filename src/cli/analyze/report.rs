//! The messages and the summary of `circumplex analyze`.

use crate::{
    audio::ffmpeg,
    cli::{CliResult, Console, Exit, Table, count, listed, visible},
    library::{Cell, LibraryInfo, Micros},
    scan::{Listing, Plan, Report, RowPlan, Spread, Update, UpdateOptions},
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Failures of earlier runs that are printed.
const MOST_FAILURES: usize = 20;
/// Entries of a list without a file that are named.
const MAX_NAMED: usize = 3;

/// Explains why every file is analyzed again.
pub(super) fn announce_incompatible(console: &Console, update: &Update, info: &LibraryInfo) {
    let target = update.target.display();
    if update.has_discarded_journal() {
        console.remark(&format!(
            "{target}: discarded the results of an interrupted run of another version or model; its files are analyzed again"
        ));
    }
    if update.is_upgrade() {
        console.remark(&format!(
            "{target}: older format; it is upgraded without analyzing files again"
        ));
    }
    let Some((old, rows)) = &update.incompatible else {
        return;
    };
    let model = |info: &LibraryInfo| format!("{} ({:.12})", info.model.name, info.model.identity);
    let excerpt = |info: &LibraryInfo| match info.excerpt() {
        Some(excerpt) => format!("excerpts of {excerpt}"),
        None => "whole songs".to_owned(),
    };
    let reason = if old.model.identity != info.model.identity {
        format!("by model {}, not {}", model(old), model(info))
    } else if old.excerpt() != info.excerpt() {
        format!("of {}, not {}", excerpt(old), excerpt(info))
    } else if old.preprocessing != info.preprocessing {
        "with other preprocessing".to_owned()
    } else {
        "without timelines".to_owned()
    };
    console.remark(&format!(
        "{target}: {} {reason}: every file is analyzed again, and rows of files elsewhere are removed",
        count(*rows, "song", "songs"),
    ));
}

/// Prints what `--dry-run` would do, one file per line.
pub(super) fn show_plan(
    console: &Console,
    update: &Update,
    listing: &Listing,
    plan: &Plan,
) -> CliResult {
    let mut text = String::new();
    for (action, name) in update.actions(plan) {
        text.push_str(&format!("{action}\t{}\n", visible(&name)));
    }
    if !text.is_empty() {
        console.print(&text)?;
    }
    console.remark(&format!(
        "{}: {} new, changed or moved, {} from an interrupted run, {} unchanged, {} failed before; rows to remove: {} gone, \
         {} excluded, {} replaced",
        count(listing.files.len() as u64, "music file", "music files"),
        plan.todo.len(),
        plan.recorded.len(),
        plan.count(RowPlan::Keep),
        plan.known_failures.len(),
        plan.count(RowPlan::Missing),
        plan.count(RowPlan::Excluded),
        plan.count(RowPlan::Replaced),
    ));
    Ok(Exit::Success)
}

pub(super) fn report_failure(console: &Console, path: &str, reason: &str) {
    console.warning(&format!("failed: {path}: {reason}"));
}

pub(super) fn report_incomplete(console: &Console, report: &Report) {
    for (name, gaps) in &report.incomplete {
        console.warning(&format!("incomplete: {name}: {gaps}"));
    }
}

/// Reports what the scan skipped.
pub(super) fn report_skipped(console: &Console, listing: &Listing) {
    let skipped = |number: u64, one: &str, many: &str, reason: &str| {
        if number > 0 {
            console.remark(&format!("skipped: {} {reason}", count(number, one, many)));
        }
    };
    let formats = listing.unsupported.iter();
    let formats: Vec<String> = formats
        .map(|(name, files)| format!("{name} {files}"))
        .collect();
    let mut unsupported = format!("in unsupported formats ({})", formats.join(", "));
    if ffmpeg::program().is_none() {
        unsupported.push_str("; with ffmpeg installed, most of these formats are decoded");
    }
    let number = listing.unsupported.values().sum();
    skipped(number, "file", "files", &unsupported);
    let number = listing.other_shards as u64;
    skipped(number, "file", "files", "in other shards");
    let number = listing.not_audio;
    skipped(number, "file that is", "files that are", "not audio");
    let reason = "(--hidden includes them)";
    skipped(
        listing.hidden,
        "hidden file or directory",
        "hidden files and directories",
        reason,
    );
    let number = listing.excluded.len() as u64;
    let reason = "excluded by patterns";
    skipped(number, "file or directory", "files and directories", reason);
}

/// Reports the entries of a list that match no file, or only one in other upper and lower case.
pub(super) fn report_absent(console: &Console, list: &str, listing: &Listing) {
    if listing.ignoring_case > 0 {
        let files = count(listing.ignoring_case, "file", "files");
        console.remark(&format!(
            "{list}: {files} found by ignoring upper and lower case"
        ));
    }
    if !listing.absent.is_empty() {
        let entries = count(
            listing.absent.len() as u64,
            "entry matches",
            "entries match",
        );
        let names = visible(&listed(&listing.absent, MAX_NAMED));
        console.warning(&format!("{list}: {entries} no file: {names}"));
    }
}

pub(super) fn report_interrupted(console: &Console, report: &Report) {
    if report.not_processed > 0 {
        console.warning(&format!(
            "interrupted: {} not processed; run the same command to resume{}",
            count(report.not_processed as u64, "file", "files"),
            if report.written {
                ""
            } else {
                " (the library is unchanged, results are kept beside it)"
            }
        ));
    }
}

/// The error message for files that all fail.
pub(super) fn none_analyzed(listing: &Listing, output: &Path) -> String {
    format!(
        "none of {} could be analyzed (reasons above); {}",
        count(listing.files.len() as u64, "music file", "music files"),
        if output.is_file() {
            "`circumplex library failures` lists them"
        } else {
            "no library was written"
        }
    )
}

/// A line for an update that changed the library.
pub(super) fn update_line(report: &Report, output: &Path) -> String {
    let removed = report.removed + report.excluded + report.replaced;
    let parts = [
        (report.new, "new"),
        (report.changed, "changed"),
        (report.moved, "moved"),
        (removed, "removed"),
        (report.failures.len(), "failed"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    let now = Cell::Time(Micros::now()).text().unwrap_or_default();
    format!(
        "{}Z {}: {}; {}",
        // To the second.
        &now[..now.len().min(19)],
        visible(&output.display().to_string()),
        parts.join(", "),
        count(report.spread.songs, "song", "songs"),
    )
}

/// Reports the result; returns the exit code.
pub(super) fn conclude(
    console: &Console,
    output: &Path,
    listing: &Listing,
    report: &Report,
    options: UpdateOptions,
    start: Instant,
) -> CliResult {
    report_incomplete(console, report);
    let known = &report.known_failures;
    for failed in report
        .failures
        .iter()
        .chain(known.iter().take(MOST_FAILURES))
    {
        report_failure(console, &failed.name(), &failed.reason);
    }
    if known.len() > MOST_FAILURES {
        console.warning(&format!("and {} more", known.len() - MOST_FAILURES));
    }
    if !known.is_empty() {
        console.remark(&format!(
            "{} failed before and did not change; --retry-failed tries again",
            count(known.len() as u64, "file", "files")
        ));
    }
    report_interrupted(console, report);
    let failed =
        listing.failures.len() + listing.absent.len() + report.failures.len() + known.len();
    let songs = report.spread.songs;
    let hint = ffmpeg_hint(report);
    if songs == 0 && report.not_processed == 0 && !options.write_empty {
        if !hint.is_empty() {
            console.remark(hint.trim_end());
        }
        return Err(none_analyzed(listing, output).into());
    }
    if !console.is_quiet() && (songs > 0 || options.write_empty) {
        console.print(&summary(report, failed, start.elapsed(), output))?;
    }
    Ok(if report.not_processed > 0 {
        Exit::Interrupted
    } else if failed > 0 {
        Exit::SomeFailed
    } else {
        Exit::Success
    })
}

/// Formats seconds: `42 s`, `3:07 min`, `2:05 h`.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = Duration::try_from_secs_f64(seconds.round().max(0.0));
    match seconds.unwrap_or_default().as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        seconds => format!("{}:{:02} h", seconds / 3600, seconds % 3600 / 60),
    }
}

/// The number of failed files that ffmpeg could have decoded; empty if there are none, or ffmpeg was there.
fn ffmpeg_hint(report: &Report) -> String {
    let failed = report.failures.iter().chain(&report.known_failures);
    match failed.filter(|failed| failed.needs_ffmpeg).count() {
        0 => String::new(),
        files => format!(
            "{files} of the failed files could probably be read with ffmpeg, which was not found or is turned off; install it and \
             run again\n"
        ),
    }
}

/// Songs, failures, speed, and how the library spreads over the emotions.
fn summary(report: &Report, failed: usize, elapsed: Duration, output: &Path) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    let mut text = format!(
        "{}: {}, {failed} failed\n",
        visible(&output.display().to_string()),
        count(report.spread.songs, "song", "songs"),
    );
    text.push_str(&ffmpeg_hint(report));
    let parts = [
        (report.analyzed, "analyzed"),
        (report.resumed, "from the interrupted run"),
        (report.recognized, "moved (recognized by content)"),
        (report.kept, "unchanged"),
        (report.removed, "removed because their files are gone"),
        (report.excluded, "removed because patterns exclude them"),
        (report.replaced, "replaced because of CUE sheets"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    if parts.len() > 1 || report.analyzed == 0 {
        text.push_str(&format!("{}\n", parts.join(", ")));
    }
    if report.analyzed > 0 {
        text.push_str(&format!(
            "{:.2} h of music in {}: {:.0} times real time, {:.1} files per second\n",
            report.audio_s / 3600.0,
            if seconds < 60.0 {
                format!("{seconds:.1} s")
            } else {
                duration(seconds)
            },
            report.audio_s / seconds,
            (report.analyzed + report.failures.len()) as f64 / seconds,
        ));
    }
    text.push_str(&spread_text(&report.spread));
    text
}

/// A table of the emotions with bars; empty without songs.
pub(crate) fn spread_text(spread: &Spread) -> String {
    let Some(means) = spread.means() else {
        return String::new();
    };
    let mut table = Table::new(["emotion", ">mean %", "", ">strongest in"]);
    let most = means.iter().map(|(_, mean, _)| *mean).fold(1e-9, f64::max);
    for (emotion, mean, songs) in means {
        table.row([
            emotion.to_string(),
            format!("{mean:.1}"),
            "█".repeat((24.0 * mean / most).round() as usize),
            songs.to_string(),
        ]);
    }
    format!("\n{}", table.render(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_suitable_unit() {
        assert_eq!(duration(0.2), "0 s");
        assert_eq!(duration(59.4), "59 s");
        assert_eq!(duration(187.0), "3:07 min");
        assert_eq!(duration(7_500.0), "2:05 h");
        assert_eq!(duration(f64::NAN), "0 s");
        assert_eq!(duration(f64::INFINITY), "0 s");
    }

    #[test]
    fn the_summary_counts_analyzed_moved_and_unchanged_songs() {
        let mut report = Report {
            kept: 7,
            recognized: 2,
            removed: 1,
            ..Report::default()
        };
        report.analyzed = 3;
        report.audio_s = 7200.0;
        let text = summary(&report, 1, Duration::from_secs(60), Path::new("l.parquet"));
        assert!(text.contains("1 failed"), "{text}");
        assert!(text.contains(
            "3 analyzed, 2 moved (recognized by content), 7 unchanged, 1 removed because"
        ));
        assert!(
            text.contains("2.00 h of music in 1:00 min: 120 times real time"),
            "{text}"
        );
    }
}

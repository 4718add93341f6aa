//! `circumplex analyze`: a folder of music to a library.

use super::{
    CliResult,
    analyze_text::{clock, count, summary_text},
    console::Console,
    exit::Exit,
    model::ModelChoice,
    signals::stop_on_signal,
    table::visible,
    threads::Threads,
};
use crate::{
    analyze::{Listing, Options, Plan, Report, Run, Step, Update, library_info, scan},
    chain::{Listening, listen},
    library::{FailedFile, LibraryInfo},
};
use indicatif::ProgressBar;
use std::{
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::Instant,
};

/// Listen to every music file below a folder and write one row per song
#[derive(clap::Args)]
#[command(
    after_help = "A second run does only what changed: files of the same size and time are kept, files that were moved \
                  are recognised by their content, rows of files that are gone leave. A run that was killed goes on \
                  where it stopped when the same command is given again. Ctrl-C completes the files in hand and writes \
                  what is done.\n\nHidden files are left out. The library is a Parquet file that DuckDB, pyarrow, Polars \
                  and pandas read as it is; its paths are absolute."
)]
pub struct Args {
    /// Folders with music, or single files
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// The library to write, or to bring up to date
    #[arg(short, long, value_name = "FILE", default_value = "library.parquet")]
    output: PathBuf,
    #[command(flatten)]
    model: ModelChoice,
    #[command(flatten)]
    threads: Threads,
    /// Analyse every file again, whatever the library knows of it
    #[arg(long)]
    force: bool,
    /// Keep the rows of files that are gone
    #[arg(long)]
    keep_missing: bool,
    /// Try files again that failed before and have not changed
    #[arg(long)]
    retry_failed: bool,
    /// Keep what the model says of each window as well (a library that has this goes on having it)
    #[arg(long)]
    timeline: bool,
    /// List what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: Args, console: &Console) -> CliResult {
    let predictor = args.model.load()?;
    let bundle = predictor.bundle();
    let mut info = library_info(bundle);
    info.timeline = args.timeline;
    let mut update = Update::open(
        &args.output,
        info.clone(),
        bundle.metadata().embedding,
        args.dry_run,
    )?;
    let listing = scan(&args.folders)?;
    for failure in &listing.failures {
        report_failure(
            console,
            &failure.path.display().to_string(),
            &failure.reason(),
        );
    }
    report_left_alone(console, &listing);
    if listing.files.is_empty() {
        return Err(no_music(&args.folders, &listing).into());
    }
    let options = Options {
        force: args.force,
        keep_missing: args.keep_missing,
        retry_failed: args.retry_failed,
    };
    announce_other_kind(console, &update, &info);
    announce_missing_notes(console, &update, args.force);
    let plan = update.plan(&listing, options)?;
    if args.dry_run {
        return show_plan(console, &update, &listing, &plan);
    }
    if !plan.recorded.is_empty() {
        console.remark(&format!(
            "going on where the last run stopped: {} of {} done",
            plan.recorded.len(),
            count(listing.files.len() as u64, "file", "files"),
        ));
    }

    let stop = stop_on_signal()?;
    let how = Listening {
        timeline: update.timeline(),
    };
    let progress = Progress::new(console, &plan);
    let (mut bytes_done, mut said) = (0, false);
    let report = update.run(
        &listing,
        plan,
        Run {
            options,
            threads: args.threads.count(),
            stop: &stop,
        },
        |path| listen(path, &predictor, &how),
        |step| {
            progress.advance(&step, &mut bytes_done);
            if stop.load(Ordering::Relaxed) && !said {
                said = true;
                progress.bar.suspend(|| {
                    console.remark(
                        "stopping: the files in hand are completed (again to stop at once)",
                    );
                });
            }
        },
    );
    progress.bar.finish_and_clear();
    let report = report?;
    conclude(console, &args.output, &listing, &report, progress.begin)
}

/// Says what came of it, and the exit code.
fn conclude(
    console: &Console,
    output: &Path,
    listing: &Listing,
    report: &Report,
    begin: Instant,
) -> CliResult {
    for failed in &report.failures {
        report_failure(console, &failed.path, &failed.reason);
    }
    report_known_failures(console, &report.known_failures);
    if report.not_begun > 0 {
        console.warning(&format!(
            "stopped: {} not begun; run the same command again to go on{}",
            count(report.not_begun as u64, "file was", "files were"),
            if report.written {
                ""
            } else {
                " (what is done is kept beside the library, which is as it was)"
            }
        ));
    }
    let failed = listing.failures.len() + report.failures.len() + report.known_failures.len();
    if report.spread.songs() == 0 && report.not_begun == 0 {
        return Err(format!(
            "none of {} could be analysed (reasons above); no library was written",
            count(listing.files.len() as u64, "music file", "music files")
        )
        .into());
    }
    if !console.is_quiet() && report.spread.songs() > 0 {
        console.print(&summary_text(report, failed, begin.elapsed(), output))?;
    }
    Ok(if report.not_begun > 0 {
        Exit::Stopped
    } else if failed > 0 {
        Exit::SomeFailed
    } else {
        Exit::AllDone
    })
}

/// Says why every file is analysed again, where that is so.
fn announce_other_kind(console: &Console, update: &Update, info: &LibraryInfo) {
    let Some((old, rows)) = update.other_kind() else {
        return;
    };
    let short = |identity: &str| identity.get(..12).unwrap_or(identity).to_owned();
    let why = if old.model.identity != info.model.identity {
        format!(
            "made by model {} ({}); model {} ({}) is to be used now",
            old.model.name,
            short(&old.model.identity),
            info.model.name,
            short(&info.model.identity),
        )
    } else if old.preprocessing != info.preprocessing {
        "its songs were prepared for the model in another way".to_owned()
    } else {
        "its songs have no timelines".to_owned()
    };
    console.remark(&format!(
        "{}: {}, {why}: every file is analysed again, and rows of files elsewhere leave the library",
        visible(&update.target().display().to_string()),
        count(rows, "song", "songs"),
    ));
}

fn announce_missing_notes(console: &Console, update: &Update, force: bool) {
    let rows = update.without_notes();
    if rows > 0 && !force {
        console.remark(&format!(
            "{}: written by an earlier circumplex, which made no notes of silent, short and damaged songs; rows that are \
             kept ({rows} at most) have none, --force analyses them again",
            visible(&update.target().display().to_string()),
        ));
    }
}

/// `--dry-run`: one line for each thing that would be done.
fn show_plan(console: &Console, update: &Update, listing: &Listing, plan: &Plan) -> CliResult {
    let mut text = String::new();
    for file in &plan.todo {
        let verb = if plan.outdated.contains_key(&file.path) {
            "changed"
        } else {
            "new"
        };
        text.push_str(&format!(
            "{verb}\t{}\n",
            visible(&file.path.display().to_string())
        ));
    }
    for path in plan.missing.iter().filter_map(|row| update.file_of(*row)) {
        text.push_str(&format!("gone\t{}\n", visible(&path.display().to_string())));
    }
    if !text.is_empty() {
        console.print(&text)?;
    }
    console.remark(&format!(
        "{}: {} to analyse or to recognise as moved, {} done by a run that was stopped, {} kept, {} gone, {} that failed \
         before",
        count(listing.files.len() as u64, "music file", "music files"),
        plan.todo.len(),
        plan.recorded.len(),
        plan.kept(),
        plan.missing.len(),
        plan.known_failures.len(),
    ));
    Ok(Exit::AllDone)
}

fn report_failure(console: &Console, path: &str, reason: &str) {
    console.warning(&visible(&format!("failed: {path}: {reason}")));
}

/// Failures that every run meets again: some of them, and how to try again.
fn report_known_failures(console: &Console, failures: &[FailedFile]) {
    const LISTED: usize = 20;
    for failed in failures.iter().take(LISTED) {
        report_failure(console, &failed.path, &failed.reason);
    }
    if failures.len() > LISTED {
        console.warning(&format!("and {} more", failures.len() - LISTED));
    }
    if !failures.is_empty() {
        console.remark(&format!(
            "{} failed before and did not change; --retry-failed tries again",
            count(failures.len() as u64, "file", "files")
        ));
    }
}

fn report_left_alone(console: &Console, listing: &Listing) {
    let unsupported: u64 = listing.unsupported.values().sum();
    if unsupported > 0 {
        let formats: Vec<String> = listing
            .unsupported
            .iter()
            .map(|(format, count)| format!("{format} {count}"))
            .collect();
        console.remark(&format!(
            "not analysed: {} in formats that circumplex does not decode ({})",
            count(unsupported, "file", "files"),
            formats.join(", ")
        ));
    }
    if listing.other > 0 {
        console.remark(&format!(
            "left alone: {}",
            count(
                listing.other,
                "file that is no music",
                "files that are no music"
            )
        ));
    }
}

fn no_music(folders: &[PathBuf], listing: &Listing) -> String {
    let names: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
    let why = if listing.failures.is_empty() {
        "no music file found"
    } else {
        "no music file could be read"
    };
    format!(
        "{}: {why} (known are MP3, M4A, AAC, FLAC, Ogg, Opus, WAV, AIFF and CAF)",
        names.join(", ")
    )
}

/// The bar while the run goes on.
struct Progress {
    bar: ProgressBar,
    begin: Instant,
    bytes: u64,
}

impl Progress {
    fn new(console: &Console, plan: &Plan) -> Self {
        let bar = console.progress(
            plan.todo.len() as u64,
            Some("{bar:16} {pos}/{len} files{wide_msg}"),
        );
        Self {
            bar,
            begin: Instant::now(),
            bytes: plan.todo.iter().map(|file| file.size).sum(),
        }
    }

    fn advance(&self, step: &Step<'_>, bytes_done: &mut u64) {
        *bytes_done += step.file.size;
        if !self.bar.is_hidden() {
            let elapsed = self.begin.elapsed().as_secs_f64();
            // By size, not by number: a long mix takes longer than a short song.
            let left = elapsed * self.bytes.saturating_sub(*bytes_done) as f64
                / (*bytes_done).max(1) as f64;
            self.bar.set_message(format!(
                ", {} failed, {:.2} h of music, {:.0}x real time, {} left",
                step.failed,
                step.work.audio_s / 3600.0,
                step.work.audio_s / elapsed.max(1e-3),
                clock(left),
            ));
        }
        self.bar.inc(1);
    }
}

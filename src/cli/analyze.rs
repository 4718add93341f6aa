//! `circumplex analyze`: a folder of music to a library.

use super::{
    CliError, CliResult,
    analyze_said::{
        announce_missing_notes, announce_other_kind, no_music, report_failure,
        report_known_failures, report_left_alone, show_plan,
    },
    analyze_text::{clock, count, summary_text},
    console::Console,
    exit::Exit,
    model::ModelChoice,
    signals::stop_on_signal,
    threads::Threads,
};
use crate::{
    analysis::{AnalyzeOptions, analyze_file},
    audio::{Excerpt, Segment},
    scan::{
        Listing, Options, Patterns, Plan, Report, Run, Shard, SheetTime, Step, Update, Wanted,
        library_info, read_paths, scan,
    },
};
use indicatif::ProgressBar;
use std::{
    fs::{self, File},
    io::{self, BufReader},
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
                  what is done.\n\nHidden files are left out, and what a file called .circumplexignore names in a folder, \
                  above it or below it; it is written like .gitignore (`podcasts/`, `*.wav`, `!keep.wav`). Links are \
                  followed, never in circles; devices and pipes are left alone. Files named one by one are taken even \
                  where they are hidden or a .circumplexignore names them, but not where --exclude does.\n\nRows of the \
                  library whose files lie outside the folders given this time stay. Below them a row leaves where its \
                  file is gone (unless --keep-missing) or is left out by a pattern now; one in a folder that cannot be \
                  read at the moment stays.\n\nThe library is a Parquet file that DuckDB, pyarrow, Polars and pandas read \
                  as it is; its paths are absolute."
)]
pub struct Args {
    /// Folders with music, or single files; `-` reads a list of them from standard input
    #[arg(required_unless_present = "files_from", value_name = "FOLDER")]
    pub(super) folders: Vec<PathBuf>,
    /// Take the files and folders that a list names, one a line or with a NUL after each; `-` is standard input
    #[arg(long, value_name = "LIST")]
    pub(super) files_from: Option<PathBuf>,
    /// Leave out what matches a pattern like those of .gitignore: "*.wav", podcasts/, "/live/*.mp3"; may be repeated
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// The library to write, or to bring up to date; with --shard, the folder of its parts
    #[arg(short, long, value_name = "FILE", default_value = "library.parquet")]
    output: PathBuf,
    /// Work on one of several parts alone, such as 3/8, and write it as part-00003-of-00008.parquet in the folder of -o.
    /// To which part a file belongs depends on its absolute path alone
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
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
    /// Hear only a part of each song: so much of its middle (45s), or from a place on (1:10:45s, 70s:45s)
    #[arg(long, value_name = "[START:]LENGTH")]
    excerpt: Option<Excerpt>,
    /// Give each track of a file that a CUE sheet beside it divides a row of its own
    #[arg(long, conflicts_with = "excerpt")]
    cue: bool,
    /// List what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: Args, console: &Console) -> CliResult {
    let wanted = args.wanted()?;
    let model = args.model.load()?;
    let mut how = AnalyzeOptions {
        timeline: args.timeline,
        excerpt: args.excerpt,
        segment: None,
    };
    let info = library_info(&model, &how);
    let output = args.target()?;
    let mut update = Update::open(
        &output,
        info.clone(),
        model.metadata().embedding,
        args.dry_run,
    )?;
    let listing = scan(&wanted)?;
    for failure in &listing.failures {
        report_failure(
            console,
            &failure.path.display().to_string(),
            &failure.reason(),
        );
    }
    report_left_alone(console, &listing);
    if listing.files.is_empty() && listing.elsewhere == 0 {
        return Err(no_music(&args, &listing).into());
    }
    let options = Options {
        force: args.force,
        keep_missing: args.keep_missing,
        retry_failed: args.retry_failed,
        write_empty: args.shard.is_some(),
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
    how.timeline = update.timeline();
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
        |file| {
            let segment = file.track.as_deref().map(|track| Segment {
                start_s: track.start.seconds(),
                end_s: track.end.map_or(f64::INFINITY, SheetTime::seconds),
            });
            let how = AnalyzeOptions {
                segment,
                ..how.clone()
            };
            analyze_file(file.sound(), &model, &how)
        },
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
    conclude(console, &output, &listing, &report, options, progress.begin)
}

impl Args {
    /// What is to be listed.
    fn wanted(&self) -> Result<Wanted, CliError> {
        let standard_input = Path::new("-");
        let mut listed = Vec::new();
        let from_input = self.folders.iter().any(|folder| folder == standard_input);
        match &self.files_from {
            Some(list) if list != standard_input => {
                let file = File::open(list)
                    .map_err(|error| format!("{}: cannot be read: {error}", list.display()))?;
                listed = read_paths(BufReader::new(file), &list.display().to_string())?;
            }
            list if list.is_some() || from_input => {
                listed = read_paths(io::stdin().lock(), "standard input")?;
            }
            _ => {}
        }
        let folders = self
            .folders
            .iter()
            .filter(|folder| *folder != standard_input);
        Ok(Wanted {
            roots: folders.cloned().collect(),
            listed,
            exclude: Patterns::new(self.exclude.iter().cloned())?,
            shard: self.shard,
            cue: self.cue,
        })
    }

    /// The file to write: a part has its own in the folder that is named.
    fn target(&self) -> Result<PathBuf, CliError> {
        let Some(shard) = self.shard else {
            return Ok(self.output.clone());
        };
        let folder = &self.output;
        if folder.is_file() {
            return Err(format!(
                "{}: expected a folder for the parts that --shard writes, found a file; give another name with -o",
                folder.display()
            )
            .into());
        }
        if !self.dry_run {
            fs::create_dir_all(folder).map_err(|error| {
                format!("{}: cannot make the folder: {error}", folder.display())
            })?;
        }
        let others = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names = others.map(|entry| entry.file_name().to_string_lossy().into_owned());
        if let Some(name) = names.find(|name| shard.is_of_another_cut(name)) {
            return Err(format!(
                "{}: holds {name}, of another number of parts than {shard}: the songs of both would stand there twice; \
                 remove the old parts, or give another folder with -o",
                folder.display()
            )
            .into());
        }
        Ok(folder.join(shard.file_name()))
    }
}

/// Says what came of it, and the exit code.
fn conclude(
    console: &Console,
    output: &Path,
    listing: &Listing,
    report: &Report,
    options: Options,
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
    if report.spread.songs() == 0 && report.not_begun == 0 && !options.write_empty {
        return Err(format!(
            "none of {} could be analysed (reasons above); {}",
            count(listing.files.len() as u64, "music file", "music files"),
            if output.is_file() {
                "`circumplex library failures` lists them again"
            } else {
                "no library was written"
            }
        )
        .into());
    }
    if !console.is_quiet() && (report.spread.songs() > 0 || options.write_empty) {
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

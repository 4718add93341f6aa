//! `circumplex analyze`: music directories to a library.

pub(super) mod report;
mod watch;

use self::{
    report::{
        announce_incompatible, conclude, report_absent, report_failure, report_skipped, show_plan,
    },
    watch::Watch,
};
use super::{CliError, CliResult, Console, Exit, ModelChoice, Threads, count, stop_on_signal};
use crate::{
    Error, ErrorKind, Model,
    analysis::AnalyzeOptions,
    audio::Excerpt,
    charset::TagCharset,
    error::Context,
    library::LibraryInfo,
    scan::{
        FoundFile, Listing, Patterns, Plan, Report, ScanOptions, Shard, Update, UpdateOptions,
        analyze_found, library_info, read_list, reason, scan,
    },
};
use indicatif::ProgressBar;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// Analyze every music file in a directory and write a library with one row per song
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// Directories and music files; `-` reads a list of them from standard input
    #[arg(required_unless_present = "files_from", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Read a list of files and directories, separated by newlines or NUL, or a playlist; `-` is standard input
    #[arg(long, value_name = "LIST")]
    files_from: Option<PathBuf>,
    /// Skip files and directories that match a .gitignore pattern ("*.wav", podcasts/, "/live/*.mp3"); repeatable
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// The library to write or update; with --shard, the directory of the shards
    #[arg(short, long, value_name = "FILE", default_value = "library.parquet")]
    output: PathBuf,
    /// Analyze only one of N shards (such as 3/8) and write part-00003-of-00008.parquet in the directory OUTPUT. The shard of
    /// a file depends on its absolute path alone
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    #[command(flatten)]
    model: ModelChoice,
    #[command(flatten)]
    threads: Threads,
    /// Analyze every file again
    #[arg(long)]
    force: bool,
    /// Keep the rows of files that are gone
    #[arg(long)]
    keep_missing: bool,
    /// Try unchanged files again that failed before
    #[arg(long)]
    retry_failed: bool,
    /// Also store the predictions for each window
    #[arg(long)]
    timeline: bool,
    /// Analyze only an excerpt: LENGTH from the middle (45s) or START:LENGTH (1:10:45s)
    #[arg(long, value_name = "[START:]LENGTH")]
    excerpt: Option<Excerpt>,
    /// Split files that have a CUE sheet into tracks, with one row per track
    #[arg(long, conflicts_with = "excerpt")]
    cue: bool,
    /// The encoding of tags and CUE sheets that do not declare theirs, or declare Latin-1: detected (auto), or a name such as gbk,
    /// shift_jis, windows-1251
    #[arg(
        long,
        value_name = "NAME",
        default_value = "auto",
        hide_default_value = true
    )]
    tag_charset: TagCharset,
    /// Also analyze hidden files and directories, whose names begin with a dot
    #[arg(long)]
    hidden: bool,
    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Stay after the run, and bring the library up to date whenever files are added, changed, renamed or removed; Ctrl-C ends
    /// it
    #[arg(long, conflicts_with_all = ["dry_run", "files_from"])]
    watch: bool,
    /// With --watch, look for changes every SECONDS instead of waiting for events of the system, which network file systems
    /// lack
    #[arg(long, value_name = "SECONDS", requires = "watch")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    watch_poll: Option<u64>,
}

const STANDARD_INPUT: &str = "standard input";

const HELP: &str = "\
A second run only processes new or changed files. Moved files are recognized by their content; rows of files that are gone \
are removed. A run that was killed resumes when the same command is run again. Ctrl-C finishes files in progress and writes \
the library.

Hidden files are skipped without --hidden, and files that match a pattern in a .circumplexignore file (in .gitignore syntax) in their \
directory or above. Symbolic links are followed, except in loops. Files named on the command line or in a list are skipped \
only if --exclude matches them.

Rows of files outside the given directories stay. A row inside leaves if its file is gone (unless --keep-missing) or is \
excluded now, but stays while its directory cannot be read. Once a library has timelines, later runs keep them.

With --watch, files that are still growing are left out until they are complete, and rows of a directory that is gone or empty, as \
of a disk that is not mounted, stay until it is back.

Examples:
  circumplex analyze ~/Music                           write or update library.parquet
  circumplex analyze ~/Music -o music.parquet --exclude podcasts/
  circumplex analyze ~/Music --dry-run                 print what would be done
  circumplex analyze ~/Music --watch                   keep the library up to date
  find ~/Music -name '*.flac' -print0 | circumplex analyze -
  circumplex analyze /archive --shard 3/8 -o shards    one of eight machines";

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    let mut scan_options = args.scan_options()?;
    let model = args.model.load()?;
    let analysis = AnalyzeOptions {
        timeline: args.timeline,
        excerpt: args.excerpt,
        segment: None,
        tag_charset: args.tag_charset,
    };
    let mut job = Job {
        info: library_info(&model, &analysis),
        model,
        analysis,
        output: args.target()?,
        options: UpdateOptions {
            force: args.force,
            keep_missing: args.keep_missing,
            retry_failed: args.retry_failed,
            write_empty: args.shard.is_some(),
        },
        args: &args,
        console,
        stop: None,
    };
    let mut update = job.open()?;
    // Before the first scan, so that no change is missed.
    let watch = match args.watch {
        true => Some(Watch::start(
            &mut scan_options,
            &update.target,
            args.watch_poll,
            console,
        )),
        false => None,
    };
    let listing = scan(&scan_options)?;
    for failure in &listing.failures {
        let path = failure.path().unwrap_or(Path::new("")).display();
        report_failure(console, &path.to_string(), &reason(failure));
    }
    report_skipped(console, &listing);
    report_absent(console, &args.list_name(), &listing);
    let done = if has_no_music(&listing) {
        // No lock while waiting.
        drop(update);
        let names: Vec<_> = args.paths.iter().chain(&args.files_from).collect();
        Err(listing.no_music(&names).into())
    } else {
        let plan = job.plan(&mut update, &listing)?;
        if args.dry_run {
            return show_plan(console, &update, &listing, &plan);
        }
        let start = Instant::now();
        let report = job.run(update, &listing, plan)?;
        conclude(console, &job.output, &listing, &report, job.options, start)
    };
    match (watch, done) {
        (None, done) => done,
        (_, Ok(Exit::Interrupted)) => Ok(Exit::Interrupted),
        (Some(watch), done) => {
            if let Err(error) = done {
                console.warning(&format!("{error:#}"));
            }
            watch.run(job, listing)
        }
    }
}

/// Whether a scan found no file to analyze, in this shard or another.
fn has_no_music(listing: &Listing) -> bool {
    listing.files.is_empty() && listing.other_shards == 0
}

/// The analysis of what is new, each time the same.
struct Job<'a> {
    args: &'a Args,
    console: &'a Console,
    model: Model,
    analysis: AnalyzeOptions,
    info: LibraryInfo,
    output: PathBuf,
    options: UpdateOptions,
    /// Set by Ctrl-C, once it is caught.
    stop: Option<Arc<AtomicBool>>,
}

impl Job<'_> {
    /// Opens and locks the library.
    fn open(&self) -> Result<Update, Error> {
        let embedding = self.model.metadata().embedding;
        Update::open(
            &self.output,
            self.info.clone(),
            embedding,
            self.args.dry_run,
        )
    }

    fn plan(&self, update: &mut Update, listing: &Listing) -> Result<Plan, Error> {
        announce_incompatible(self.console, update, &self.info);
        let plan = update.plan(listing, self.options)?;
        if !plan.recorded.is_empty() && !self.args.dry_run {
            self.console.remark(&format!(
                "resuming an interrupted run: {} of {} done",
                plan.recorded.len(),
                count(listing.files.len() as u64, "file", "files"),
            ));
        }
        Ok(plan)
    }

    /// From now on Ctrl-C sets a flag.
    fn stop(&mut self) -> Result<Arc<AtomicBool>, CliError> {
        let stop = match self.stop.take() {
            Some(stop) => stop,
            None => stop_on_signal()?,
        };
        Ok(self.stop.insert(stop).clone())
    }

    /// Analyzes the files of a plan and writes the library.
    fn run(&mut self, update: Update, listing: &Listing, plan: Plan) -> Result<Report, CliError> {
        let stop = self.stop()?;
        let analysis = AnalyzeOptions {
            timeline: update.timeline(),
            ..self.analysis.clone()
        };
        let mut progress = Progress::new(self.console, &plan);
        let report = update.run(
            listing,
            plan,
            self.options,
            self.args.threads.count(),
            &stop,
            |file| analyze_found(file, &self.model, &analysis),
            |file, report| {
                progress.advance(file, report);
                if stop.load(Ordering::Relaxed) && !progress.is_stopping {
                    progress.is_stopping = true;
                    progress.bar.suspend(|| {
                        self.console.remark(
                            "stopping after the files in progress (Ctrl-C again to stop now)",
                        );
                    });
                }
            },
        );
        progress.bar.finish_and_clear();
        Ok(report?)
    }
}

impl Args {
    /// The list of files, for messages.
    fn list_name(&self) -> String {
        match &self.files_from {
            Some(list) if list != Path::new("-") => list.display().to_string(),
            _ => STANDARD_INPUT.to_owned(),
        }
    }

    fn scan_options(&self) -> Result<ScanOptions, CliError> {
        let standard_input = Path::new("-");
        let reads_input = |path: &PathBuf| path == standard_input;
        if self.watch && self.paths.iter().any(reads_input) {
            bail!(
                "--watch needs directories to watch, but `-` reads a list once; name the directories"
            );
        }
        let listed = match &self.files_from {
            Some(list) if !reads_input(list) => {
                let file = File::open(list).context_at(ErrorKind::Io, list, "cannot read")?;
                read_list(file, list, Path::new(""))?
            }
            list if list.is_some() || self.paths.iter().any(reads_input) => {
                read_list(io::stdin().lock(), Path::new(STANDARD_INPUT), Path::new(""))?
            }
            _ => Vec::new(),
        };
        let roots = self.paths.iter().filter(|path| !reads_input(path));
        Ok(ScanOptions {
            roots: roots.cloned().collect(),
            listed,
            exclude: Patterns::new(self.exclude.iter().cloned())?,
            shard: self.shard,
            cue: self.cue,
            tag_charset: self.tag_charset,
            hidden: self.hidden,
        })
    }

    /// The library to write: a shard has a file of its own in the output directory.
    fn target(&self) -> Result<PathBuf, CliError> {
        let Some(shard) = self.shard else {
            return Ok(self.output.clone());
        };
        let directory = &self.output;
        if directory.is_file() {
            bail!(
                "{}: is a file; --shard writes to a directory, choose one with -o",
                directory.display()
            );
        }
        if !self.dry_run {
            let created = fs::create_dir_all(directory);
            created.context_at(ErrorKind::Io, directory, "cannot create the directory")?;
        }
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let mut names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        if let Some(name) = names.find(|name| shard.is_other_count(name)) {
            bail!(
                "{}: has {name}, with another number of shards than {shard}, so that songs would be there twice; remove the \
                 old shards, or choose another directory with -o",
                directory.display()
            );
        }
        Ok(directory.join(shard.file_name()))
    }
}

/// The progress bar.
struct Progress {
    bar: ProgressBar,
    start: Instant,
    bytes: u64,
    bytes_done: u64,
    is_stopping: bool,
}

impl Progress {
    fn new(console: &Console, plan: &Plan) -> Self {
        let template = "{bar:16} {pos}/{len} files{wide_msg}";
        Self {
            bar: console.progress(plan.todo.len() as u64, Some(template)),
            start: Instant::now(),
            bytes: plan.todo.iter().map(|file| file.size).sum(),
            bytes_done: 0,
            is_stopping: false,
        }
    }

    fn advance(&mut self, file: &FoundFile, report: &Report) {
        self.bytes_done += file.size;
        if !self.bar.is_hidden() {
            let elapsed = self.start.elapsed().as_secs_f64();
            // By size, not by number: a long mix takes longer than a short song.
            let remaining = self.bytes.saturating_sub(self.bytes_done) as f64;
            self.bar.set_message(format!(
                ", {} failed, {:.2} h of music, {:.0}x real time, {} left",
                report.failures.len(),
                report.audio_s / 3600.0,
                report.audio_s / elapsed.max(1e-3),
                report::duration(elapsed * remaining / self.bytes_done.max(1) as f64),
            ));
        }
        self.bar.inc(1);
    }
}

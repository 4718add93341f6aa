//! `circumplex analyze --watch`: keeps a library up to date.

use super::{
    Job, has_no_music,
    report::{none_analyzed, report_failure, report_incomplete, report_interrupted, update_line},
};
use crate::{
    Error, ErrorKind,
    cli::{CliError, CliResult, Console, Exit},
    scan::{Listing, Report, ScanOptions, Versions, Watcher, reason, scan},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// How soon Ctrl-C is noticed.
const TICK: Duration = Duration::from_millis(200);
/// Time between two scans that must find the same: until then files may still be growing.
const QUIET: Duration = Duration::from_secs(2);
/// The longest that complete files wait for others that keep changing; also ten times as long as the last update took.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time between two checks that the directories are still there.
const PRESENCE: Duration = Duration::from_secs(5);
/// Time after which an update that failed is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// Time between two scans where the system reports no events.
const POLL: Duration = Duration::from_secs(60);

/// What tells one directory from another that takes its place; `None` while it is gone, empty or unreadable. An unmounted disk
/// leaves an empty directory.
type Presence = Option<(u64, u64)>;

/// The watched directories.
pub(super) struct Watch<'a> {
    console: &'a Console,
    /// With all roots, also those that are not there.
    options: ScanOptions,
    presence: Vec<Presence>,
    watcher: Option<Watcher>,
    poll: Option<Duration>,
    /// The problems at the last look, which are not printed again.
    problems: Vec<String>,
}

/// The result of a look at the directories.
struct Look {
    presence: Vec<Presence>,
    listing: Result<Listing, Error>,
}

impl<'a> Watch<'a> {
    /// Starts watching the roots of a scan, and removes those that are empty from the scan. `poll` are the seconds between two
    /// scans without events.
    pub(super) fn start(
        options: &mut ScanOptions,
        target: &Path,
        poll: Option<u64>,
        console: &'a Console,
    ) -> Self {
        let mut watch = Self {
            console,
            options: options.clone(),
            presence: presence(&options.roots),
            watcher: None,
            poll: poll.map(Duration::from_secs),
            problems: Vec::new(),
        };
        if poll.is_none() {
            match Watcher::new(target, options) {
                Ok(watcher) => watch.watcher = Some(watcher),
                Err(error) => watch.poll_because(&format!("{error:#}")),
            }
            for root in options.roots.iter().filter(|root| root.exists()) {
                watch.watch(root);
            }
        }
        // The scan reports those that do not exist.
        let is_empty =
            |(root, presence): &(&PathBuf, &Presence)| presence.is_none() && root.exists();
        let (empty, present): (Vec<_>, Vec<_>) = watch
            .options
            .roots
            .iter()
            .zip(&watch.presence)
            .partition(is_empty);
        options.roots = present.into_iter().map(|(root, _)| root.clone()).collect();
        let problems = empty.into_iter().map(|(root, _)| absent(root)).collect();
        watch.tell(problems);
        watch
    }

    fn watch(&mut self, root: &Path) {
        if let Some(watcher) = &mut self.watcher
            && let Err(error) = watcher.watch(root)
        {
            self.poll_because(&format!("{error:#}"));
        }
    }

    /// Scans the directories from time to time from now on, since events are missing.
    fn poll_because(&mut self, reason: &str) {
        if self.poll.is_none() {
            self.poll = Some(POLL);
            self.console.warning(&format!(
                "{reason}; looking for changes every {} s instead (--watch-poll sets the time)",
                POLL.as_secs()
            ));
        }
    }

    /// Prints the problems that the last look did not have.
    fn tell(&mut self, problems: Vec<String>) {
        for problem in &problems {
            if !self.problems.contains(problem) {
                self.console.warning(problem);
            }
        }
        self.problems = problems;
    }

    /// Brings the library up to date until a signal ends it. `listing` is the scan of the first run.
    pub(super) fn run(mut self, mut job: Job<'_>, listing: Listing) -> CliResult {
        let stop = job.stop()?;
        job.options.force = false;
        job.options.retry_failed = false;
        // The files that the library is up to date with, and those that the last scan found.
        let mut done = Versions::of(&listing.files);
        let mut seen = done.clone();
        // The first run printed them.
        self.problems
            .extend(listing.failures.iter().map(unreadable));
        drop(listing);
        // The time of the first change that the library does not have.
        let mut changed: Option<Instant> = None;
        let mut patience = PATIENCE;
        let mut next_look = Instant::now();
        let mut next_presence = Instant::now();
        let mut next_poll = self.poll.map(|poll| Instant::now() + poll);
        self.console.remark("watching for changes (Ctrl-C ends it)");
        loop {
            let has_event = match &self.watcher {
                Some(watcher) => watcher.wait(TICK),
                None => {
                    thread::sleep(TICK);
                    false
                }
            };
            if stop.load(Relaxed) {
                return Ok(Exit::Success);
            }
            let now = Instant::now();
            if let Some(failure) = self.watcher.as_ref().and_then(Watcher::failure) {
                let failure = failure.to_owned();
                self.poll_because(&failure);
            }
            let is_due = next_poll.is_some_and(|next| now >= next);
            let mut has_moved = false;
            if now >= next_presence {
                let roots = self.options.roots.clone();
                let Some(found) = in_background(&stop, move || presence(&roots))? else {
                    return Ok(Exit::Success);
                };
                has_moved = found != self.presence;
                next_presence = Instant::now() + PRESENCE;
            }
            if has_event || is_due || has_moved {
                changed.get_or_insert(now);
            }
            let Some(since) = changed.filter(|_| now >= next_look) else {
                continue;
            };
            next_poll = self.poll.map(|poll| now + poll);

            let start = Instant::now();
            let options = self.options.clone();
            let Some(look) = in_background(&stop, move || look(options))? else {
                return Ok(Exit::Success);
            };
            next_look = Instant::now() + QUIET.max(4 * start.elapsed());
            let mut problems = self.update_presence(look.presence);
            let mut listing = match look.listing {
                Ok(listing) => listing,
                Err(error) => {
                    problems.push(format!("{error:#}"));
                    self.tell(problems);
                    next_look = Instant::now() + RETRY;
                    continue;
                }
            };
            problems.extend(listing.failures.iter().map(unreadable));
            let earlier = std::mem::replace(&mut seen, Versions::of(&listing.files));
            let is_quiet = seen == earlier;
            if !is_quiet && since.elapsed() < patience {
                self.tell(problems);
                continue;
            }
            changed = (!is_quiet).then(Instant::now);
            if !is_quiet {
                // They may still be growing.
                listing.files.retain(|file| earlier.contains(file));
            }
            let versions = Versions::of(&listing.files);
            if has_no_music(&listing) {
                if self.presence.iter().all(Option::is_some) {
                    let names: Vec<_> = self.options.roots.iter().collect();
                    problems.push(listing.no_music(&names));
                }
            } else if versions != done {
                let start = Instant::now();
                match update(&mut job, &listing) {
                    Ok(report) => {
                        self.report(&job, &listing, &report)?;
                        if report.not_processed > 0 {
                            return Ok(Exit::Interrupted);
                        }
                        done = versions;
                    }
                    Err(error) => {
                        problems.push(format!("{error:#}"));
                        changed = Some(since);
                        next_look = Instant::now() + RETRY;
                    }
                }
                patience = PATIENCE.max(10 * start.elapsed());
            }
            self.tell(problems);
        }
    }

    /// Takes over which roots are there, watches those that are back, and returns a problem for each that is gone.
    fn update_presence(&mut self, found: Vec<Presence>) -> Vec<String> {
        let before = std::mem::replace(&mut self.presence, found.clone());
        let mut problems = Vec::new();
        for (number, root) in self.options.roots.clone().iter().enumerate() {
            if found[number].is_none() {
                problems.push(absent(root));
            } else if found[number] != before[number] {
                if before[number].is_none() {
                    self.console.remark(&format!("{}: is back", root.display()));
                }
                self.watch(root);
            }
        }
        problems
    }

    fn report(&self, job: &Job<'_>, listing: &Listing, report: &Report) -> Result<(), Error> {
        report_incomplete(self.console, report);
        for failed in &report.failures {
            report_failure(self.console, &failed.name(), &failed.reason);
        }
        report_interrupted(self.console, report);
        if report.written && !self.console.is_quiet() {
            self.console.print(&update_line(report, &job.output))?;
        }
        if report.spread.songs == 0 && report.not_processed == 0 && !job.options.write_empty {
            self.console.warning(&none_analyzed(listing, &job.output));
        }
        Ok(())
    }
}

fn unreadable(failure: &Error) -> String {
    let path = failure.path().unwrap_or(Path::new("")).display();
    format!("failed: {path}: {}", reason(failure))
}

fn absent(root: &Path) -> String {
    format!(
        "{}: gone or empty, as a disk that is not mounted: its songs stay in the library until it is back",
        root.display()
    )
}

/// Brings the library up to date with a scan. It is locked during that time only.
fn update(job: &mut Job<'_>, listing: &Listing) -> Result<Report, CliError> {
    let mut update = job.open()?;
    let plan = job.plan(&mut update, listing)?;
    job.run(update, listing, plan)
}

/// Scans the roots that are there.
fn look(options: ScanOptions) -> Look {
    loop {
        let before = presence(&options.roots);
        let roots = options.roots.iter().zip(&before);
        let there = roots.filter(|(_, presence)| presence.is_some());
        let listing = scan(&ScanOptions {
            roots: there.map(|(root, _)| root.clone()).collect(),
            ..options.clone()
        });
        // One that went away meanwhile would seem to have no files.
        if presence(&options.roots) == before {
            return Look {
                presence: before,
                listing,
            };
        }
    }
}

fn presence(roots: &[PathBuf]) -> Vec<Presence> {
    let presence = |root: &PathBuf| {
        let metadata = fs::metadata(root).ok()?;
        let is_there = match metadata.is_dir() {
            true => fs::read_dir(root).ok()?.next().is_some(),
            false => true,
        };
        is_there.then(|| identity(&metadata))
    };
    roots.iter().map(presence).collect()
}

#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    match metadata.is_dir() {
        true => (metadata.dev(), metadata.ino()),
        // A file may be replaced: its directory is watched.
        false => (0, 0),
    }
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> (u64, u64) {
    (0, 0)
}

/// The result of some work; `None` when `stop` is set before, since a disk may take long or not answer at all.
fn in_background<T: Send + 'static>(
    stop: &AtomicBool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Option<T>, Error> {
    let (sender, receiver) = channel();
    // The receiver may be gone.
    thread::spawn(move || sender.send(work()));
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(result) => return Ok(Some(result)),
            Err(RecvTimeoutError::Timeout) if stop.load(Relaxed) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::new(
                    ErrorKind::Internal,
                    "the scan ended without a result",
                ));
            }
        }
    }
}

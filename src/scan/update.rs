//! Bringing a library up to date with its folders.

use super::{
    Contents, Failure, FileError, Finished, FoundFile, Journal, JournalError, Listing, Options,
    Plan, Record, RunError, Spread, Work, divide::is_below_a_file, found_hash, merge::Merge, run,
    song_row,
};
use crate::{
    analysis::Analysis,
    library::{
        Column, FailedFile, FileStamp, Library, LibraryError, LibraryInfo, LibraryWriter,
        resolve_target,
    },
};
use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// The library cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// When something else stands in the library's place.
    #[error(
        "{}: exists, but is no library that could be brought up to date; move it away, or give another name with -o",
        path.display()
    )]
    NotALibrary {
        path: PathBuf,
        #[source]
        source: LibraryError,
    },
    /// When the library cannot be read or written.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// When what is done cannot be recorded, or another run works on the library.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// When the run cannot begin.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Where the outcomes of a run go.
pub struct Update {
    target: PathBuf,
    info: LibraryInfo,
    embedding: usize,
    old: Option<Library>,
    stamps: Vec<FileStamp>,
    journal: Option<Journal>,
    other_kind: Option<(LibraryInfo, u64)>,
}

/// How a plan is carried out.
pub struct Run<'a> {
    /// Those that the plan was made with.
    pub options: Options,
    /// Files to work on at once.
    pub threads: NonZeroUsize,
    /// When set, the files in hand are completed and what is done is written.
    pub stop: &'a AtomicBool,
}

/// What is known after each file.
pub struct Step<'a> {
    /// The file that is done.
    pub file: &'a FoundFile,
    /// Songs analysed so far, with their times.
    pub work: &'a Work,
    /// Files that failed so far.
    pub failed: usize,
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Report {
    /// The songs that this run analysed.
    pub work: Work,
    /// How the library's songs spread over the emotions; their number is that of its rows.
    pub spread: Spread,
    /// Rows that stayed as they were.
    pub kept: usize,
    /// Songs that an interrupted run had analysed.
    pub resumed: usize,
    /// Files whose content was known under another name or time.
    pub recognised: usize,
    /// Rows of files that are gone and were not recognised elsewhere.
    pub removed: usize,
    /// Rows of files that patterns now leave out.
    pub excluded: usize,
    /// Rows in whose place others came, as a CUE sheet divides their file otherwise than before.
    pub replaced: usize,
    /// Files that failed in this run, or in the interrupted run that it continues.
    pub failures: Vec<FailedFile>,
    /// Files that failed before, have not changed, and were not tried again.
    pub known_failures: Vec<FailedFile>,
    /// Files that were not begun because the run was stopped.
    pub not_begun: usize,
    /// Whether the library was written. If not, either nothing was to be done, or there is no song, or the run was stopped
    /// while the library of another model stands in its place; in that last case the journal keeps what was done.
    pub written: bool,
}

/// One file's answer.
enum Answer {
    Song(Box<Analysis>, String),
    Known(u64),
}

/// Whether there is a library at `target` to which songs of the kind of `info` can be added, and it has timelines.
fn has_timelines(target: &Path, info: &LibraryInfo) -> bool {
    // What cannot be opened is complained of later, under the lock.
    target.is_file()
        && Library::open(target)
            .is_ok_and(|old| old.info().is_comparable(info) && old.info().timeline)
}

impl Update {
    /// Opens the library at `target` if there is one, and locks it against other runs until this value is dropped. `info`
    /// and `embedding` belong to the model that will be used. With `look_only`, nothing is locked or written.
    ///
    /// # Errors
    /// [`UpdateError`].
    pub fn open(
        target: &Path,
        mut info: LibraryInfo,
        embedding: usize,
        look_only: bool,
    ) -> Result<Self, UpdateError> {
        let target = resolve_target(target)?;
        info.timeline |= has_timelines(&target, &info);
        let journal = if look_only && !Journal::path_of(&target).exists() {
            None
        } else {
            Some(Journal::open(&target, &info)?)
        };
        let mut update = Self {
            target,
            info,
            embedding,
            old: None,
            stamps: Vec::new(),
            journal,
            other_kind: None,
        };
        if update.target.exists() {
            update.open_old()?;
        }
        Ok(update)
    }

    fn open_old(&mut self) -> Result<(), UpdateError> {
        let not_a_library = |source| UpdateError::NotALibrary {
            path: self.target.clone(),
            source,
        };
        let old = Library::open(&self.target).map_err(not_a_library)?;
        if old.info().is_comparable(&self.info) && old.info().timeline == self.info.timeline {
            self.stamps = old.stamps().map_err(not_a_library)?;
            self.old = Some(old);
        } else {
            self.other_kind = Some((old.info().clone(), old.rows()));
        }
        Ok(())
    }

    /// Where the library stands, symbolic links resolved.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// What the library that stands there says of itself, and its number of songs, where its rows must not stand beside
    /// new ones (another model or preprocessing, no timelines where they are asked for): all will be analysed again, and
    /// rows of files outside the folders that are listed will be lost.
    pub fn other_kind(&self) -> Option<(&LibraryInfo, u64)> {
        self.other_kind.as_ref().map(|(info, rows)| (info, *rows))
    }

    /// Whether songs get timelines: because it is asked for, or because those in the library have them.
    pub fn timeline(&self) -> bool {
        self.info.timeline
    }

    /// Number of rows that stay though the program that wrote them knew no notes, so that they have none.
    pub fn without_notes(&self) -> u64 {
        self.old
            .as_ref()
            .filter(|old| !old.has(Column::Note))
            .map_or(0, Library::rows)
    }

    /// The file of a row of the library as it is.
    pub fn file_of(&self, row: u64) -> Option<&Path> {
        let row = usize::try_from(row).ok()?;
        self.stamps.get(row).map(|stamp| stamp.path.as_path())
    }

    /// What there is to do.
    ///
    /// # Errors
    /// [`UpdateError::Journal`].
    pub fn plan(&mut self, listing: &Listing, options: Options) -> Result<Plan, UpdateError> {
        if options.force
            && let Some(journal) = &mut self.journal
        {
            journal.clear(&self.info)?;
        }
        Ok(Plan::new(
            listing,
            &self.stamps,
            self.old_failures(),
            self.journal.as_ref(),
            options,
        ))
    }

    fn old_failures(&self) -> &[FailedFile] {
        self.old
            .as_ref()
            // A program of another version may be able to read them.
            .filter(|old| old.info().program == self.info.program)
            .map_or(&[], |old| old.info().failures.as_slice())
    }

    /// Does what the plan says and writes the library. `analyze` runs on several threads; `on_step` is told of each
    /// file.
    ///
    /// # Errors
    /// [`UpdateError`]. What was done is then in the journal, from which the next run goes on.
    pub fn run(
        mut self,
        listing: &Listing,
        mut plan: Plan,
        how: Run<'_>,
        analyze: impl Fn(&FoundFile) -> crate::Result<Analysis> + Sync,
        mut on_step: impl FnMut(Step<'_>),
    ) -> Result<Report, UpdateError> {
        let mut report = Report {
            kept: plan.kept(),
            known_failures: plan.known_failures.clone(),
            ..Report::default()
        };
        if plan.is_done()
            && let Some(old) = &self.old
        {
            for vectors in old.vectors()? {
                for (_, vector) in vectors?.iter() {
                    if let Ok(vector) = crate::emotion::EmotionVector::new(*vector) {
                        report.spread.add(&vector);
                    }
                }
            }
            return Ok(report);
        }
        let journal = match self.journal.take() {
            Some(journal) => journal,
            None => Journal::open(&self.target, &self.info)?,
        };
        let mut merge = Merge::new(journal);
        for file in &plan.recorded {
            merge.add_recorded(&file.path)?;
        }
        report.resumed = merge.songs();

        let contents = if how.options.force {
            Contents::default()
        } else {
            Contents::new(&self.stamps)
        };
        let mut done = 0;
        run(
            &plan.todo,
            how.threads,
            how.stop,
            |file| {
                let hash = found_hash(file).map_err(FileError::Unreadable)?;
                match contents.find(file.size, &hash) {
                    Some(row) => Ok(Answer::Known(row)),
                    None => Ok(Answer::Song(Box::new(analyze(file)?), hash)),
                }
            },
            |Finished { file, outcome }| -> Result<(), UpdateError> {
                done += 1;
                match outcome {
                    Ok(Answer::Song(song, hash)) => {
                        report.work.add(&song);
                        let row = song_row(file, *song, hash);
                        merge.add(Record::Song(Box::new(row)))?;
                    }
                    Ok(Answer::Known(row)) => merge.add_renewed(file, row),
                    Err(error) => {
                        let failure = Failure {
                            path: file.path.clone(),
                            error,
                        };
                        merge.add(Record::Failed(failure.remembered(file)))?;
                    }
                }
                on_step(Step {
                    file,
                    work: &report.work,
                    failed: merge.failures().len(),
                });
                Ok(())
            },
        )?;
        report.not_begun = plan.todo.len() - done;
        report.recognised = merge.renewed().len();
        report.failures = merge.failures().to_vec();
        let stopped = how.stop.load(Ordering::Relaxed) && report.not_begun > 0;
        if stopped && self.other_kind.is_some() {
            // The other library stays until this one can take its place as a whole.
            return Ok(report);
        }

        self.settle(&mut plan, &merge, &mut report);
        let rows = plan.keep.iter().filter(|keep| **keep).count() + merge.len();
        // A library without a song still remembers what failed. It does not take the place of one with songs.
        let failed = !merge.failures().is_empty() || !plan.known_failures.is_empty();
        let takes_nothing = self.old.as_ref().is_none_or(|old| old.rows() == 0);
        let remembers = failed && takes_nothing && self.other_kind.is_none();
        if rows == 0 && !how.options.write_empty && !remembers {
            merge.remove_journal();
            return Ok(report);
        }
        let mut failures = plan.known_failures;
        failures.extend(merge.failures().iter().cloned());
        failures.extend(self.failures_elsewhere(listing));
        failures.sort_by(|a, b| a.path.cmp(&b.path));
        let mut writer = LibraryWriter::create(&self.target, &self.info, self.embedding)?;
        writer.set_failures(failures);
        merge.write(self.old.as_ref(), &plan.keep, |row| {
            report.spread.add(&row.emotions);
            writer.push(row)
        })?;
        // Closed before its file is replaced, which some systems demand.
        self.old = None;
        writer.finish()?;
        merge.remove_journal();
        report.written = true;
        Ok(report)
    }

    /// Drops the rows that the outcomes replace, and counts what left.
    fn settle(&self, plan: &mut Plan, merge: &Merge, report: &mut Report) {
        for path in merge.paths() {
            if let Some(row) = plan.outdated.get(path)
                && let Some(keep) = usize::try_from(*row)
                    .ok()
                    .and_then(|r| plan.keep.get_mut(r))
            {
                *keep = false;
            }
        }
        let mut moved = 0;
        for row in merge.renewed() {
            if plan.missing.binary_search(row).is_ok() {
                moved += 1;
            } else if let Some(path) = self.file_of(*row)
                && !is_there(path)
                && let Some(keep) = usize::try_from(*row)
                    .ok()
                    .and_then(|r| plan.keep.get_mut(r))
            {
                // A file of another folder that came into this one.
                *keep = false;
            }
        }
        report.removed = plan.missing.len().saturating_sub(moved);
        report.excluded = plan.excluded.len();
        report.replaced = plan.replaced.len();
    }

    /// Failures of files that this run did not look at.
    fn failures_elsewhere(&self, listing: &Listing) -> Vec<FailedFile> {
        self.old_failures()
            .iter()
            .filter(|failed| !listing.roots.covers(&failed.file()))
            .cloned()
            .collect()
    }
}

/// Whether the file of a row is there: its own, or for a track the one that a sheet divides.
fn is_there(path: &Path) -> bool {
    path.exists() || is_below_a_file(path)
}

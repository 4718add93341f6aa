//! Bringing a library up to date with its directories.

use super::{
    FileKey, FoundFile, Journal, Listing, Plan, Record, RowPlan, Spread, UpdateOptions, found_hash,
    gaps, key_of, key_of_failed, patterns::covers, plan::is_gone, reason, run, song_of,
    walk::cannot_read,
};
use crate::{
    Error, ErrorKind, Result,
    analysis::Analysis,
    audio::ffmpeg,
    library::{
        Column, Columns, FORMAT_VERSION, FailedFile, Library, LibraryInfo, LibraryWriter, Micros,
        Song, resolve_target, track_name,
    },
};
use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

/// Rows of moved files that are read at once.
const BATCH: usize = 512;

/// A library that is being updated.
pub(crate) struct Update {
    /// The path of the library, with symbolic links resolved.
    pub target: PathBuf,
    info: LibraryInfo,
    embedding: usize,
    old: Option<Library>,
    stamps: Vec<Song>,
    journal: Option<Journal>,
    /// The existing library's description and number of songs, if its rows cannot be combined with new ones (another model
    /// or preprocessing, or no timelines where they are requested). Every file is then analyzed, and rows of files that
    /// are not listed are lost.
    pub incompatible: Option<(LibraryInfo, u64)>,
}

/// The result of an update.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The songs analyzed in this run.
    pub analyzed: usize,
    /// Seconds of their audio.
    pub audio_s: f64,
    /// How the songs of the library spread over the emotions.
    pub spread: Spread,
    /// Rows that are unchanged.
    pub kept: usize,
    /// Songs that an interrupted run analyzed.
    pub resumed: usize,
    /// Files that were recognized by their content.
    pub recognized: usize,
    /// Of all these songs, those that replace a row of the same file.
    pub changed: usize,
    /// Of the recognized files, those whose earlier file is gone.
    pub moved: usize,
    /// Of all these songs, those of files that are new to the library.
    pub new: usize,
    /// Rows removed because their files are gone.
    pub removed: usize,
    /// Rows removed because patterns exclude their files.
    pub excluded: usize,
    /// Rows replaced because a CUE sheet splits their files differently now.
    pub replaced: usize,
    /// Songs that are not complete, and what is missing.
    pub incomplete: Vec<(String, String)>,
    /// Files that failed in this run or in the interrupted run that it resumes.
    pub failures: Vec<FailedFile>,
    /// Unchanged files that failed before and were not tried again.
    pub known_failures: Vec<FailedFile>,
    /// Files not processed because the run was interrupted.
    pub not_processed: usize,
    /// Whether the library was written. If not, nothing was to do, or there are no songs, or the run was interrupted and
    /// the journal keeps its outcomes, since a library of another model stays until it can be replaced as a whole.
    pub written: bool,
}

/// The outcome of a file.
enum Outcome {
    Analyzed(Box<Analysis>, String),
    /// The file has the content of this row.
    Known(usize),
}

impl Update {
    /// Opens the library at `target`, if there is one, and locks it until the value is dropped. `info` and `embedding` are
    /// those of the model in use. With `dry_run`, nothing is written.
    ///
    /// # Errors
    /// When `target` is not a library, or its directory cannot be written, or another run is updating it.
    pub(crate) fn open(
        target: &Path,
        mut info: LibraryInfo,
        embedding: usize,
        dry_run: bool,
    ) -> Result<Self> {
        let target = resolve_target(target)?;
        let mut journal = match dry_run && !Journal::path_of(&target).exists() {
            true => None,
            false => Some(Journal::lock(&target)?),
        };
        let (mut old, mut stamps, mut incompatible) = (None, Vec::new(), None);
        if target.exists() {
            let message =
                "exists but is not a circumplex library; move it, or choose another file with -o";
            let not_a_library = || Error::new(ErrorKind::Library, message).with_path(&target);
            let library = Library::open(&target).map_err(|e| not_a_library().with_source(e))?;
            if !library.is_model_known() || !is_complete(&library) {
                return Err(not_a_library());
            }
            let is_comparable = library.info().is_comparable(&info);
            if is_comparable && library.info().timeline >= info.timeline {
                info.timeline = library.info().timeline;
                stamps = library.songs(Columns::STAMP).collect::<Result<_>>()?;
                old = Some(library);
            } else {
                incompatible = Some((library.info().clone(), library.rows()));
            }
        }
        if let Some(journal) = &mut journal {
            journal.resume(&info, dry_run)?;
        }
        Ok(Self {
            target,
            info,
            embedding,
            old,
            stamps,
            journal,
            incompatible,
        })
    }

    /// Whether the records of an interrupted run had to be discarded.
    pub(crate) fn has_discarded_journal(&self) -> bool {
        self.journal.as_ref().is_some_and(|it| it.discarded)
    }

    /// Whether songs get timelines, because they are requested or because those in the library have them.
    pub(crate) fn timeline(&self) -> bool {
        self.info.timeline
    }

    /// Whether the library has an older format, so that it is written again.
    pub(crate) fn is_upgrade(&self) -> bool {
        let old = self.old.as_ref();
        old.is_some_and(|old| old.info().format_version < FORMAT_VERSION)
    }

    /// The actions of a plan, each with its file.
    pub(crate) fn actions(&self, plan: &Plan) -> Vec<(&'static str, String)> {
        let songs = |row_plan| plan.rows_with(row_plan).map(|row| &self.stamps[row]);
        let changed: HashSet<FileKey> = songs(RowPlan::Update).map(key_of).collect();
        let todo = plan.todo.iter().map(|file| {
            let key = file.key();
            let is_known = changed.contains(&key);
            let action = if is_known { "changed" } else { "new" };
            (action, track_name(&file.path, key.1))
        });
        let leaving = [
            ("gone", RowPlan::Missing),
            ("excluded", RowPlan::Excluded),
            ("replaced", RowPlan::Replaced),
        ];
        let leaving = leaving.into_iter().flat_map(|(action, row_plan)| {
            songs(row_plan).map(move |song| (action, track_name(&song.path, song.track)))
        });
        todo.chain(leaving).collect()
    }

    /// Plans the update.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(crate) fn plan(&mut self, listing: &Listing, options: UpdateOptions) -> Result<Plan> {
        if options.force
            && let Some(journal) = &mut self.journal
        {
            journal.clear(&self.info)?;
        }
        let (journal, failures) = (self.journal.as_ref(), self.old_failures());
        let plan = Plan::new(listing, &self.stamps, failures, journal, options);
        Ok(plan)
    }

    fn old_failures(&self) -> &[FailedFile] {
        match &self.old {
            // Another version of the program may be able to read them.
            Some(old) if old.info().program == self.info.program => &old.info().failures,
            _ => &[],
        }
    }

    /// Carries out a plan that was made with `options`, and writes the library. `analyze` is called on `threads` threads,
    /// `on_finished` after each file with the report so far. When `stop` is set, files in progress are finished, and the
    /// library is written with what is done.
    ///
    /// # Errors
    /// When the journal or the library cannot be read or written. The next run resumes from the journal.
    pub(crate) fn run(
        mut self,
        listing: &Listing,
        mut plan: Plan,
        options: UpdateOptions,
        threads: NonZeroUsize,
        stop: &AtomicBool,
        analyze: impl Fn(&FoundFile) -> Result<Analysis> + Sync,
        mut on_finished: impl FnMut(&FoundFile, &Report),
    ) -> Result<Report> {
        let mut report = Report {
            kept: plan.count(RowPlan::Keep),
            known_failures: std::mem::take(&mut plan.known_failures),
            ..Report::default()
        };
        if plan.is_done()
            && !self.is_upgrade()
            && let Some(old) = &self.old
        {
            for song in old.songs(Columns::of(&[Column::Emotions])) {
                report.spread.add(&song?.emotions);
            }
            return Ok(report);
        }
        let mut journal = match self.journal.take() {
            Some(journal) => journal,
            None => Journal::open(&self.target, &self.info)?,
        };
        // The songs in the journal, which holds their rows: memory holds only names.
        let mut songs: Vec<FileKey> = Vec::new();
        for file in &plan.recorded {
            match journal.read(&file.key())? {
                Record::Song(_) => songs.push(file.key()),
                Record::Failed(failed) => report.failures.push(failed),
            }
        }
        report.resumed = songs.len();

        let mut contents: HashMap<&str, usize> = HashMap::new();
        if !options.force {
            for (row, stamp) in self.stamps.iter().enumerate() {
                if let Some(hash) = &stamp.content_hash {
                    contents.entry(hash).or_insert(row);
                }
            }
        }
        let mut recognized: Vec<(usize, &FoundFile)> = Vec::new();
        let mut done = 0;
        let work = |file: &FoundFile| {
            let hash = found_hash(file).map_err(|source| cannot_read(&file.path, source))?;
            Ok(match contents.get(hash.as_str()) {
                Some(row) => Outcome::Known(*row),
                None => Outcome::Analyzed(Box::new(analyze(file)?), hash),
            })
        };
        run(&plan.todo, threads, stop, work, |file, outcome| {
            done += 1;
            match outcome {
                Ok(Outcome::Analyzed(song, hash)) => {
                    report.analyzed += 1;
                    report.audio_s += song.analyzed_s();
                    let song = song_of(file, *song, hash);
                    let gaps = gaps(song.missing_s, song.damaged_packets);
                    if !gaps.is_empty() {
                        let name = track_name(&song.path, song.track);
                        report.incomplete.push((name, gaps.join(", ")));
                    }
                    journal.append(&Record::Song(Box::new(song)))?;
                    songs.push(file.key());
                }
                Ok(Outcome::Known(row)) => recognized.push((row, file)),
                Err(error) => {
                    let failed = failed_file(file, &error);
                    journal.append(&Record::Failed(failed.clone()))?;
                    report.failures.push(failed);
                }
            }
            on_finished(file, &report);
            Ok(())
        })?;
        report.not_processed = plan.todo.len() - done;
        report.recognized = recognized.len();
        if report.not_processed > 0 && self.incompatible.is_some() {
            return Ok(report);
        }

        // Rows of recognized files are taken over into the journal under their new names.
        for batch in recognized.chunks(BATCH) {
            let Some(old) = &self.old else { break };
            let rows: Vec<u64> = batch.iter().map(|(row, _)| *row as u64).collect();
            for (song, (_, file)) in old.songs_at(&rows, Columns::ALL)?.into_iter().zip(batch) {
                journal.append(&Record::Song(Box::new(renamed(song, file))))?;
                songs.push(file.key());
            }
        }
        for (row, _) in recognized {
            let row_plan = &mut plan.rows[row];
            let is_kept = *row_plan == RowPlan::Keep;
            if *row_plan == RowPlan::Missing || is_kept && is_gone(&self.stamps[row].path) {
                *row_plan = RowPlan::Moved;
            }
        }
        report.removed = plan.count(RowPlan::Missing);
        report.excluded = plan.count(RowPlan::Excluded);
        report.replaced = plan.count(RowPlan::Replaced);
        report.moved = plan.count(RowPlan::Moved);

        let mut finished: HashSet<FileKey> = songs.iter().cloned().collect();
        let changed = plan
            .rows_with(RowPlan::Update)
            .map(|row| key_of(&self.stamps[row]));
        report.changed = changed.filter(|key| finished.contains(key)).count();
        report.new = songs.len().saturating_sub(report.changed + report.moved);
        finished.extend(report.failures.iter().map(key_of_failed));
        let keep = |row: usize| match plan.rows[row] {
            RowPlan::Keep => true,
            RowPlan::Update => !finished.contains(&key_of(&self.stamps[row])),
            _ => false,
        };
        let rows = songs.len() + (0..plan.rows.len()).filter(|row| keep(*row)).count();
        let mut failures = [&report.failures[..], &report.known_failures].concat();
        // A library without songs still records failures, but never replaces one with songs.
        let replaces_songs = self.incompatible.is_some() || !self.stamps.is_empty();
        if rows == 0 && !options.write_empty && (failures.is_empty() || replaces_songs) {
            journal.remove();
            return Ok(report);
        }
        let elsewhere = |failed: &&FailedFile| !covers(&listing.roots, &failed.path);
        failures.extend(self.old_failures().iter().filter(elsewhere).cloned());
        failures.sort_by_cached_key(key_of_failed);
        self.info.failures = failures;

        let mut writer = LibraryWriter::create(&self.target, &self.info, self.embedding)?;
        let spread = &mut report.spread;
        let mut push = |song: Song| {
            spread.add(&song.emotions);
            writer.push(song)
        };
        songs.sort();
        let mut songs = songs.into_iter().peekable();
        if let Some(old) = &self.old {
            for (row, song) in old.songs(Columns::ALL).enumerate() {
                let song = song?;
                let key = key_of(&song);
                while let Some(next) = songs.next_if(|next| *next <= key) {
                    push(recorded_song(&mut journal, &next)?)?;
                }
                if keep(row) {
                    push(song)?;
                }
            }
        }
        for next in songs {
            push(recorded_song(&mut journal, &next)?)?;
        }
        // Closed before its file is replaced, as some systems require.
        self.old = None;
        writer.finish()?;
        journal.remove();
        report.written = true;
        Ok(report)
    }
}

/// Whether a library has every column that analysis fills. Facts are zero in older libraries.
fn is_complete(library: &Library) -> bool {
    let mut required = Column::ALL
        .iter()
        .filter(|c| !c.is_nullable() && !c.is_fact());
    required.all(|column| library.has(*column))
}

fn failed_file(file: &FoundFile, error: &Error) -> FailedFile {
    FailedFile {
        path: file.path.clone(),
        track: file.key().1,
        size_bytes: file.size,
        modified: file.modified.map(Micros::from),
        reason: reason(error),
        needs_ffmpeg: error.kind() == ErrorKind::Unsupported && ffmpeg::program().is_none(),
    }
}

/// The song of a file that has the content of `song`.
fn renamed(song: Song, file: &FoundFile) -> Song {
    Song {
        path: file.path.clone(),
        track: file.key().1,
        size_bytes: file.size,
        modified: file.modified.map(Micros::from),
        ..song
    }
}

fn recorded_song(journal: &mut Journal, key: &FileKey) -> Result<Song> {
    match journal.read(key)? {
        Record::Song(song) => Ok(*song),
        Record::Failed(failed) => Err(Error::new(ErrorKind::Internal, failed.reason)),
    }
}

//! Directories to a library file, as `circumplex analyze` does.

use super::Row;
use crate::{
    AnalyzeOptions, Error, ErrorKind, Model, Result,
    scan::{
        Patterns, ScanOptions, Update, UpdateOptions, analyze_found, library_info, reason, scan,
    },
};
use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

/// Options of [`analyze_directories`], as those of `circumplex analyze`.
#[derive(Debug, Clone, Default)]
pub struct DirectoryOptions {
    /// How each file is analyzed.
    pub analysis: AnalyzeOptions,
    /// Patterns in .gitignore syntax of files and directories to skip.
    pub exclude: Vec<String>,
    /// Also hidden files and directories.
    pub hidden: bool,
    /// Split files that have a CUE sheet into tracks.
    pub cue: bool,
    /// Analyze every file again.
    pub force: bool,
    /// Keep the rows of files that are gone.
    pub keep_missing: bool,
    /// Try unchanged files again that failed before.
    pub retry_failed: bool,
}

/// Brings the library `target` up to date with directories and files on `threads` threads, resuming an interrupted run.
/// `on_finished` is called on this thread with the numbers of finished, failed and all files. When `stop` is set, files in progress
/// are finished, and the library is written with what is done.
///
/// Returns the files that failed, now or in an earlier run, and the directories that could not be read.
///
/// # Errors
/// If there is no music, or the library cannot be read or written, or a pattern is not valid.
pub fn analyze_directories(
    roots: &[PathBuf],
    target: &Path,
    threads: NonZeroUsize,
    model: &Model,
    options: &DirectoryOptions,
    stop: &AtomicBool,
    mut on_finished: impl FnMut(usize, usize, usize),
) -> Result<Vec<Row>> {
    let listed = ScanOptions {
        roots: roots.to_vec(),
        exclude: Patterns::new(options.exclude.iter().cloned())?,
        cue: options.cue,
        tag_charset: options.analysis.tag_charset,
        hidden: options.hidden,
        ..ScanOptions::default()
    };
    let update_options = UpdateOptions {
        force: options.force,
        keep_missing: options.keep_missing,
        retry_failed: options.retry_failed,
        write_empty: false,
    };
    let info = library_info(model, &options.analysis);
    let mut update = Update::open(target, info, model.metadata().embedding, false)?;
    let listing = scan(&listed)?;
    if listing.files.is_empty() {
        let names: Vec<&PathBuf> = roots.iter().collect();
        let message = listing.no_music(&names);
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let plan = update.plan(&listing, update_options)?;
    let total = plan.todo.len();
    let analysis = AnalyzeOptions {
        timeline: update.timeline(),
        ..options.analysis.clone()
    };
    let mut done = 0;
    let report = update.run(
        &listing,
        plan,
        update_options,
        threads,
        stop,
        |file| analyze_found(file, model, &analysis),
        |_, report| {
            done += 1;
            on_finished(done, report.failures.len(), total);
        },
    )?;
    let unread = listing.failures.iter();
    let unread = unread.map(|error| Row::failed(error.path().map(Path::to_owned), reason(error)));
    let files = report.failures.into_iter().chain(report.known_failures);
    let files = files.map(|file| Row::failed(Some(file.path), file.reason));
    Ok(unread.chain(files).collect())
}

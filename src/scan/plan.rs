//! The plan of a run: which files to analyze, and which rows of the library to keep.

use super::{
    FileKey, FoundFile, Journal, Listing, key_of, key_of_failed,
    patterns::{PathSet, covers, is_absent},
};
use crate::{
    Error,
    audio::ffmpeg,
    library::{FailedFile, Micros, Song},
};
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

/// Options of an update.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct UpdateOptions {
    /// Analyze every file again.
    pub force: bool,
    /// Keep the rows of files that are gone.
    pub keep_missing: bool,
    /// Try unchanged files again that failed before.
    pub retry_failed: bool,
    /// Write the library even if it has no songs: a shard has to exist.
    pub write_empty: bool,
}

/// The plan for a row of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowPlan {
    /// It stays.
    Keep,
    /// It stays until its file, which has changed, is analyzed.
    Update,
    /// It leaves, since its file is gone.
    Missing,
    /// It leaves, since a pattern excludes its file.
    Excluded,
    /// It leaves, since a CUE sheet now splits its file, or splits it no longer or otherwise.
    Replaced,
    /// It leaves, since its file was moved and has another row.
    Moved,
}

/// The plan for each file and each row.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Files to analyze, or to recognize by their content, in the order of the listing.
    pub todo: Vec<FoundFile>,
    /// Files that an interrupted run analyzed.
    pub recorded: Vec<FoundFile>,
    /// Unchanged files that failed before and are not tried again.
    pub known_failures: Vec<FailedFile>,
    /// The plan for each row.
    pub rows: Vec<RowPlan>,
}

impl Plan {
    /// A row whose file is not listed stays if the file is outside of what was scanned, or could not be read, or exists
    /// without being excluded (because it was once named on the command line).
    ///
    /// `stamps` and `failures` are those of the library: empty if there is none, or one of another model.
    pub(super) fn new(
        listing: &Listing,
        stamps: &[Song],
        failures: &[FailedFile],
        journal: Option<&Journal>,
        options: UpdateOptions,
    ) -> Self {
        let mut plan = Plan {
            // Of several rows for a file the first stays.
            rows: vec![RowPlan::Replaced; stamps.len()],
            ..Plan::default()
        };
        let mut rows: HashMap<FileKey, usize> = HashMap::with_capacity(stamps.len());
        for (row, stamp) in stamps.iter().enumerate() {
            rows.entry(key_of(stamp)).or_insert(row);
        }
        let failed = failures.iter().map(|file| (key_of_failed(file), file));
        let failed: HashMap<FileKey, &FailedFile> = failed.collect();

        for file in &listing.files {
            let key = file.key();
            let modified = file.modified.map(Micros::from);
            let is_same = |size, time| size == file.size && time == modified;
            let row = rows.remove(&key);
            let stamp = row.map(|row| &stamps[row]);
            let mut row_plan = RowPlan::Update;
            if journal.is_some_and(|journal| journal.contains(&key, file.size, modified)) {
                plan.recorded.push(file.clone());
            } else if !options.force
                && stamp.is_some_and(|stamp| is_same(stamp.size_bytes, stamp.modified))
            {
                row_plan = RowPlan::Keep;
            } else if !options.force
                && !options.retry_failed
                && let Some(failed) = failed.get(&key)
                && is_same(failed.size_bytes, failed.modified)
                && !(failed.needs_ffmpeg && ffmpeg::program().is_some())
            {
                plan.known_failures.push((*failed).clone());
                continue;
            } else {
                plan.todo.push(file.clone());
            }
            if let Some(row) = row {
                plan.rows[row] = row_plan;
            }
        }

        // Their rows, if not found yet, are of other tracks, or of a file that is now split or no longer split.
        let listed: HashSet<&Path> = listing.files.iter().map(|f| f.path.as_path()).collect();
        let unreadable = listing.failures.iter().filter_map(Error::path);
        let unreadable: PathSet = unreadable.map(PathBuf::from).collect();
        for row in rows.into_values() {
            let path = stamps[row].path.as_path();
            plan.rows[row] = if !covers(&listing.roots, path) || covers(&unreadable, path) {
                RowPlan::Keep
            } else if covers(&listing.excluded, path) {
                RowPlan::Excluded
            } else if listed.contains(path)
                || listing.shard.is_some_and(|shard| !shard.contains(path))
            {
                RowPlan::Replaced
            } else if !options.keep_missing && is_gone(path) {
                RowPlan::Missing
            } else {
                RowPlan::Keep
            };
        }
        plan
    }

    /// The rows with this plan.
    pub(crate) fn rows_with(&self, wanted: RowPlan) -> impl Iterator<Item = usize> {
        let rows = self.rows.iter().enumerate();
        rows.filter(move |(_, plan)| **plan == wanted)
            .map(|(row, _)| row)
    }

    /// The number of rows with this plan.
    pub(crate) fn count(&self, wanted: RowPlan) -> usize {
        self.rows_with(wanted).count()
    }

    /// Whether the library is up to date.
    pub(crate) fn is_done(&self) -> bool {
        self.todo.is_empty()
            && self.recorded.is_empty()
            && self.rows.iter().all(|plan| *plan == RowPlan::Keep)
    }
}

/// Whether a file is known not to exist.
pub(super) fn is_gone(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(metadata) => !metadata.is_file(),
        Err(error) => is_absent(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind, library::test_songs::a_song};
    use RowPlan::{Excluded, Keep, Missing, Update};
    use std::time::{Duration, UNIX_EPOCH};

    /// The stamps of the first rows for tests.
    fn stamps(count: usize) -> Vec<Song> {
        (0..count).map(a_song).collect()
    }

    fn file_of(stamp: &Song) -> FoundFile {
        let micros = u64::try_from(stamp.modified.unwrap().0).unwrap();
        FoundFile {
            path: stamp.path.clone(),
            size: stamp.size_bytes,
            modified: Some(UNIX_EPOCH + Duration::from_micros(micros)),
            track: None,
        }
    }

    fn listing(files: Vec<FoundFile>) -> Listing {
        Listing {
            roots: PathSet::from(["/music".into()]),
            files,
            ..Listing::default()
        }
    }

    fn plan(listing: &Listing, stamps: &[Song], options: UpdateOptions) -> Plan {
        Plan::new(listing, stamps, &[], None, options)
    }

    #[test]
    fn only_new_and_changed_files_are_analyzed() {
        let known = stamps(4);
        let mut files: Vec<FoundFile> = known.iter().take(3).map(file_of).collect();
        files[1].size += 1;
        files[2].modified = Some(UNIX_EPOCH);
        files.push(FoundFile {
            path: "/music/new.mp3".into(),
            ..files[0].clone()
        });
        let plan = plan(&listing(files.clone()), &known, UpdateOptions::default());
        assert_eq!(plan.todo, files[1..]);
        assert_eq!(plan.rows, [Keep, Update, Update, Missing]);
        assert!(!plan.is_done());
    }

    #[test]
    fn nothing_changed_means_nothing_to_do() {
        let known = stamps(3);
        let files = known.iter().map(file_of).collect();
        assert!(plan(&listing(files), &known, UpdateOptions::default()).is_done());
    }

    #[test]
    fn force_analyzes_every_file() {
        let known = stamps(3);
        let files: Vec<FoundFile> = known.iter().map(file_of).collect();
        let options = UpdateOptions {
            force: true,
            ..UpdateOptions::default()
        };
        assert_eq!(plan(&listing(files.clone()), &known, options).todo, files);
    }

    #[test]
    fn keep_missing_keeps_rows_of_missing_files() {
        let known = stamps(3);
        let options = UpdateOptions {
            keep_missing: true,
            ..UpdateOptions::default()
        };
        let plan = plan(&listing(vec![]), &known, options);
        assert_eq!(plan.rows, [Keep; 3]);
    }

    #[test]
    fn rows_in_other_and_unreadable_directories_stay() {
        let mut known = stamps(3);
        known[1].path = "/elsewhere/a.mp3".into();
        known[2].path = "/music/locked/b.mp3".into();
        let mut listing = listing(vec![]);
        let failure = Error::new(ErrorKind::Io, "cannot read").with_path("/music/locked");
        listing.failures.push(failure);
        let plan = plan(&listing, &known, UpdateOptions::default());
        assert_eq!(plan.rows, [Missing, Keep, Keep]);
    }

    #[test]
    fn rows_of_excluded_files_leave_even_with_keep_missing() {
        let mut known = stamps(3);
        known[1].path = "/music/podcasts/a.mp3".into();
        let mut listing = listing(vec![]);
        listing.excluded.insert("/music/podcasts".into());
        let options = UpdateOptions {
            keep_missing: true,
            ..UpdateOptions::default()
        };
        let plan = plan(&listing, &known, options);
        assert_eq!(plan.rows, [Keep, Excluded, Keep]);
        assert!(!plan.is_done());
    }

    #[test]
    fn rows_of_existing_unlisted_files_stay() {
        let directory = tempfile::tempdir().unwrap();
        let mut known = stamps(2);
        known[0].path = directory.path().join("song.bin");
        known[1].path = directory.path().join("gone.bin");
        fs::write(&known[0].path, b"x").unwrap();
        let mut listing = listing(vec![]);
        listing.roots.insert(directory.path().to_owned());
        let plan = plan(&listing, &known, UpdateOptions::default());
        assert_eq!(plan.rows, [Keep, Missing]);
    }

    #[test]
    fn a_failed_file_is_retried_only_if_changed_or_on_request() {
        let known = stamps(1);
        let file = file_of(&known[0]);
        let failed = FailedFile {
            path: known[0].path.clone(),
            track: None,
            size_bytes: file.size,
            modified: known[0].modified,
            reason: "is damaged".to_owned(),
            needs_ffmpeg: false,
        };
        let plan = |file: &FoundFile, options| {
            Plan::new(
                &listing(vec![file.clone()]),
                &[],
                std::slice::from_ref(&failed),
                None,
                options,
            )
        };
        let usual = plan(&file, UpdateOptions::default());
        assert_eq!(usual.known_failures.len(), 1);
        assert!(usual.is_done());
        let retry = UpdateOptions {
            retry_failed: true,
            ..UpdateOptions::default()
        };
        assert_eq!(plan(&file, retry).todo.len(), 1);
        let changed = FoundFile { size: 77, ..file };
        assert_eq!(plan(&changed, UpdateOptions::default()).todo.len(), 1);
    }
}

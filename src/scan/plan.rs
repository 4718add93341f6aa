//! What there is to do: a listing of files against a library and a journal.

use super::{FoundFile, Journal, Listing, PathSet, divide::is_below_a_file, exclude::is_absent};
use crate::library::{FailedFile, FileStamp, Micros};
use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// What a person may ask for beyond the usual.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Analyse every file again, whatever is known of it.
    pub force: bool,
    /// Keep the rows of files that are gone.
    pub keep_missing: bool,
    /// Try files again that failed before and have not changed.
    pub retry_failed: bool,
    /// Write the library even where it has no song: one part of several, each of which has to be there.
    pub write_empty: bool,
}

/// What becomes of each file and each row.
#[derive(Debug, Default)]
pub struct Plan {
    /// Files to analyse, or to recognise by their content, in the order of the listing.
    pub todo: Vec<FoundFile>,
    /// Files whose outcome an interrupted run recorded.
    pub recorded: Vec<FoundFile>,
    /// Failures from before, of files that have not changed: not tried again.
    pub known_failures: Vec<FailedFile>,
    /// Of each row of the library whether it stays as it is.
    pub keep: Vec<bool>,
    /// Rows whose file was changed and is among `todo` or `recorded`: they stay until its outcome is known.
    pub outdated: HashMap<PathBuf, u64>,
    /// Rows of files that are gone: below what was listed, but not there any more.
    pub missing: Vec<u64>,
    /// Rows of files that patterns now leave out.
    pub excluded: Vec<u64>,
    /// Rows in whose place others come: of a file that a CUE sheet divides now, or of tracks that none divides it into any more.
    pub replaced: Vec<u64>,
}

impl Plan {
    /// A row whose file was not listed stays where the file lies elsewhere than in what was to be listed, where it could not
    /// be looked at, and where it is still there and no pattern leaves it out (as when it was once named by itself). It
    /// leaves where patterns leave its file out, where a CUE sheet divides the file otherwise than before, and, unless
    /// [`Options::keep_missing`] is set, where the file is gone.
    ///
    /// `stamps` and `failures` are those of the library as it is: empty where there is none, or one of another model.
    pub fn new(
        listing: &Listing,
        stamps: &[FileStamp],
        failures: &[FailedFile],
        journal: Option<&Journal>,
        options: Options,
    ) -> Self {
        let mut rows: HashMap<&OsStr, usize> = HashMap::with_capacity(stamps.len());
        let mut plan = Plan {
            keep: vec![false; stamps.len()],
            ..Plan::default()
        };
        for (row, stamp) in stamps.iter().enumerate() {
            // Of several rows for one file the first stays.
            rows.entry(stamp.path.as_os_str()).or_insert(row);
        }
        let failed: HashMap<PathBuf, &FailedFile> =
            failures.iter().map(|file| (file.file(), file)).collect();

        for file in &listing.files {
            let modified = file.modified.map(Micros::from);
            let unchanged = |size: u64, time: Option<Micros>| size == file.size && time == modified;
            let row = rows.remove(file.path.as_os_str());
            if journal.is_some_and(|journal| journal.knows(&file.path, file.size, modified)) {
                plan.recorded.push(file.clone());
            } else if !options.force
                && let Some(row) = row
                && stamps
                    .get(row)
                    .is_some_and(|stamp| unchanged(stamp.size_bytes, stamp.modified))
            {
                plan.set_keep(row);
                continue;
            } else if !options.force
                && !options.retry_failed
                && let Some(failed) = failed.get(&file.path)
                && unchanged(failed.size_bytes, failed.modified)
            {
                plan.known_failures.push((*failed).clone());
                continue;
            } else {
                plan.todo.push(file.clone());
            }
            if let Some(row) = row {
                plan.set_keep(row);
                plan.outdated.insert(file.path.clone(), row as u64);
            }
        }

        // A file that cannot be listed at the moment (no permission, a disk that is gone) is not missing: its folder failed.
        let unseen: PathSet = listing.failures.iter().map(|f| &f.path).collect();
        for row in rows.into_values() {
            let Some(stamp) = stamps.get(row) else {
                continue;
            };
            let path = stamp.path.as_path();
            if !listing.roots.covers(path) || unseen.covers(path) {
                plan.set_keep(row);
            } else if listing.excluded.covers(path) {
                plan.excluded.push(row as u64);
            } else if listing.divided.contains(path) || is_below_a_file(path) {
                // Its tracks, other tracks, or the whole file stand there instead.
                plan.replaced.push(row as u64);
            } else if !options.keep_missing && is_gone(path) {
                plan.missing.push(row as u64);
            } else {
                plan.set_keep(row);
            }
        }
        plan.excluded.sort_unstable();
        plan.missing.sort_unstable();
        plan.replaced.sort_unstable();
        plan
    }

    fn set_keep(&mut self, row: usize) {
        if let Some(keep) = self.keep.get_mut(row) {
            *keep = true;
        }
    }

    /// Rows that stay as they are.
    pub fn kept(&self) -> usize {
        self.keep.iter().filter(|keep| **keep).count() - self.outdated.len()
    }

    /// Whether the library is already what it should be.
    pub fn is_done(&self) -> bool {
        self.todo.is_empty()
            && self.recorded.is_empty()
            && self.missing.is_empty()
            && self.excluded.is_empty()
            && self.replaced.is_empty()
    }
}

/// Whether no file of this name is there; not so where that cannot be told.
fn is_gone(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(metadata) => !metadata.is_file(),
        Err(error) => is_absent(&error),
    }
}

/// The library's rows by the content of their files.
#[derive(Debug, Default)]
pub struct Contents {
    sizes: HashSet<u64>,
    rows: HashMap<(u64, String), u64>,
}

impl Contents {
    /// Of several rows with one content the first stands for all.
    pub fn new(stamps: &[FileStamp]) -> Self {
        let mut contents = Self::default();
        for (row, stamp) in (0..).zip(stamps) {
            if let Some(hash) = &stamp.content_hash {
                contents.sizes.insert(stamp.size_bytes);
                contents
                    .rows
                    .entry((stamp.size_bytes, hash.clone()))
                    .or_insert(row);
            }
        }
        contents
    }

    /// The row of a file with this content.
    pub fn find(&self, size: u64, hash: &str) -> Option<u64> {
        if !self.sizes.contains(&size) {
            return None;
        }
        self.rows.get(&(size, hash.to_owned())).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        library::test_rows::a_row,
        scan::{Failure, FileError},
    };
    use std::{
        io,
        time::{Duration, UNIX_EPOCH},
    };

    /// The stamps of the first rows for tests.
    fn stamps(count: usize) -> Vec<FileStamp> {
        (0..count)
            .map(|n| {
                let row = a_row(n);
                FileStamp {
                    path: row.file(),
                    size_bytes: row.size_bytes,
                    modified: row.modified,
                    content_hash: row.content_hash,
                }
            })
            .collect()
    }

    fn file_of(stamp: &FileStamp) -> FoundFile {
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
            roots: PathSet::from_iter(["/music"]),
            files,
            ..Listing::default()
        }
    }

    fn plan(listing: &Listing, stamps: &[FileStamp], options: Options) -> Plan {
        Plan::new(listing, stamps, &[], None, options)
    }

    #[test]
    fn what_has_not_changed_is_kept_and_the_rest_is_done() {
        let known = stamps(4);
        let mut files: Vec<FoundFile> = known.iter().take(3).map(file_of).collect();
        files[1].size += 1;
        files[2].modified = Some(UNIX_EPOCH);
        files.push(FoundFile {
            path: "/music/new.mp3".into(),
            ..files[0].clone()
        });
        let plan = plan(&listing(files.clone()), &known, Options::default());
        assert_eq!(plan.todo, files[1..]);
        assert_eq!(plan.keep, [true, true, true, false]);
        assert_eq!(plan.missing, [3]);
        assert_eq!(plan.kept(), 1);
        assert_eq!(plan.outdated.len(), 2);
        assert!(!plan.is_done());
    }

    #[test]
    fn nothing_changed_means_nothing_to_do() {
        let known = stamps(3);
        let files = known.iter().map(file_of).collect();
        assert!(plan(&listing(files), &known, Options::default()).is_done());
    }

    #[test]
    fn force_does_everything_again() {
        let known = stamps(3);
        let files: Vec<FoundFile> = known.iter().map(file_of).collect();
        let options = Options {
            force: true,
            ..Options::default()
        };
        assert_eq!(plan(&listing(files.clone()), &known, options).todo, files);
    }

    #[test]
    fn rows_of_missing_files_stay_where_that_is_asked_for() {
        let known = stamps(3);
        let options = Options {
            keep_missing: true,
            ..Options::default()
        };
        let plan = plan(&listing(vec![]), &known, options);
        assert_eq!(plan.keep, [true; 3]);
        assert!(plan.missing.is_empty());
    }

    #[test]
    fn rows_of_other_folders_and_of_folders_that_cannot_be_read_stay() {
        let mut known = stamps(3);
        known[1].path = "/elsewhere/a.mp3".into();
        known[2].path = "/music/locked/b.mp3".into();
        let mut listing = listing(vec![]);
        listing.failures.push(Failure {
            path: "/music/locked".into(),
            error: FileError::Unreadable(io::Error::other("no")),
        });
        let plan = plan(&listing, &known, Options::default());
        assert_eq!(plan.keep, [false, true, true]);
        assert_eq!(plan.missing, [0]);
    }

    #[test]
    fn rows_of_files_that_patterns_leave_out_leave_even_where_missing_ones_stay() {
        let mut known = stamps(3);
        known[1].path = "/music/podcasts/a.mp3".into();
        let mut listing = listing(vec![]);
        listing.excluded.insert("/music/podcasts".into());
        let options = Options {
            keep_missing: true,
            ..Options::default()
        };
        let plan = plan(&listing, &known, options);
        assert_eq!(plan.keep, [true, false, true]);
        assert_eq!(
            (plan.excluded.as_slice(), plan.missing.len()),
            (&[1][..], 0)
        );
        assert!(!plan.is_done());
    }

    #[test]
    fn the_row_of_a_file_that_is_there_stays_though_it_was_not_listed() {
        let folder = tempfile::tempdir().unwrap();
        let mut known = stamps(2);
        known[0].path = folder.path().join("song.bin");
        known[1].path = folder.path().join("gone.bin");
        fs::write(&known[0].path, b"x").unwrap();
        let mut listing = listing(vec![]);
        listing.roots.insert(folder.path().to_owned());
        let plan = plan(&listing, &known, Options::default());
        assert_eq!(plan.keep, [true, false]);
        assert_eq!(plan.missing, [1]);
    }

    #[test]
    fn a_failure_is_tried_again_only_when_the_file_changed_or_it_is_asked_for() {
        let known = stamps(1);
        let file = file_of(&known[0]);
        let failed = FailedFile {
            path: known[0].path.display().to_string(),
            path_bytes: None,
            size_bytes: file.size,
            modified: known[0].modified,
            reason: "is damaged".to_owned(),
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
        let usual = plan(&file, Options::default());
        assert_eq!(usual.known_failures.len(), 1);
        assert!(usual.is_done());
        let retry = Options {
            retry_failed: true,
            ..Options::default()
        };
        assert_eq!(plan(&file, retry).todo.len(), 1);
        let changed = FoundFile { size: 77, ..file };
        assert_eq!(plan(&changed, Options::default()).todo.len(), 1);
    }

    #[test]
    fn content_is_found_by_size_and_hash() {
        let known = stamps(5);
        let contents = Contents::new(&known);
        let hash = known[3].content_hash.as_deref().unwrap();
        assert_eq!(contents.find(known[3].size_bytes, hash), Some(3));
        assert_eq!(contents.find(99, hash), None);
        assert_eq!(contents.find(known[3].size_bytes, "other"), None);
    }
}

//! Events of the file system: something in a directory may have changed.

use super::{FoundFile, ScanOptions, patterns::IGNORE_FILE, walk};
use crate::{ErrorKind, Result, atomic_file::directory_of, error::Context};
use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, ModifyKind},
};
use std::{
    collections::HashSet,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, sync_channel},
    },
    time::Duration,
};

/// Waits for events in directories that may concern their music.
pub(crate) struct Watcher {
    watcher: RecommendedWatcher,
    changed: Receiver<()>,
    failure: Arc<OnceLock<String>>,
}

impl Watcher {
    /// Makes a watcher of no directory yet. What is written of the library at `target` is no event.
    ///
    /// # Errors
    /// When the system has no events, or no more watchers.
    pub(crate) fn new(target: &Path, options: &ScanOptions) -> Result<Self> {
        // One message is enough: events only tell that it is time to look.
        let (sender, changed) = sync_channel(1);
        let failure = Arc::new(OnceLock::new());
        let filter = EventFilter::new(target, options);
        let failed = failure.clone();
        let on_event = move |event: notify::Result<Event>| {
            let matters = match event {
                Ok(event) => filter.matters(&event),
                Err(error) => {
                    // The first one is enough.
                    let _ = failed.set(error.to_string());
                    true
                }
            };
            if matters {
                // A full channel has the message already.
                let _ = sender.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(on_event);
        Ok(Self {
            watcher: watcher.context(ErrorKind::Io, "cannot watch files")?,
            changed,
            failure,
        })
    }

    /// Watches a directory and everything below it, or a file; again if it is watched already, since another directory may have
    /// taken its place.
    ///
    /// # Errors
    /// When it cannot be read, or there are more directories than the system can watch.
    pub(crate) fn watch(&mut self, root: &Path) -> Result<()> {
        let message = "cannot watch for changes";
        let absolute = std::path::absolute(root).context_at(ErrorKind::Io, root, message)?;
        // A file that is replaced is another file: its directory tells.
        let (path, mode) = match absolute.is_file() {
            true => (directory_of(&absolute), RecursiveMode::NonRecursive),
            false => (absolute.as_path(), RecursiveMode::Recursive),
        };
        // Fails where it was not watched.
        let _ = self.watcher.unwatch(path);
        let watched = self.watcher.watch(path, mode);
        watched.context_at(ErrorKind::Io, root, message)
    }

    /// Waits for an event; `false` if none comes in this time.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        self.changed.recv_timeout(time).is_ok()
    }

    /// The reason for which events are missing from now on.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }
}

/// Tells which events may concern the music.
struct EventFilter {
    target: PathBuf,
    /// Files that are music whatever their names.
    named: Vec<PathBuf>,
    hidden: bool,
}

impl EventFilter {
    fn new(target: &Path, options: &ScanOptions) -> Self {
        let named = options.roots.iter().filter(|root| root.is_file());
        Self {
            target: target.to_owned(),
            named: named
                .filter_map(|root| std::path::absolute(root).ok())
                .collect(),
            hidden: options.hidden,
        }
    }

    fn matters(&self, event: &Event) -> bool {
        // Analysis itself opens and reads.
        let is_read = matches!(
            event.kind,
            EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write)
        );
        // What is gone may have been a directory.
        let is_gone = matches!(
            event.kind,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
        );
        let may_be_music = |path: &PathBuf| {
            let is_hidden = walk::is_hidden(path) && !self.hidden;
            self.named.contains(path)
                || path.file_name().is_some_and(|name| name == IGNORE_FILE)
                || !is_hidden && !self.is_ours(path) && (is_gone || may_concern_music(path))
        };
        event.need_rescan() || !is_read && event.paths.iter().any(may_be_music)
    }

    /// Whether a path is the library, its journal or a temporary file beside it.
    fn is_ours(&self, path: &Path) -> bool {
        let (Some(name), Some(library)) = (path.file_name(), self.target.file_name()) else {
            return false;
        };
        let (name, library) = (name.as_encoded_bytes(), library.as_encoded_bytes());
        let hidden = name
            .strip_prefix(b".")
            .and_then(|name| name.strip_prefix(library));
        let is_named = name == library || hidden.is_some_and(|rest| rest.starts_with(b"."));
        let directory = || fs::canonicalize(directory_of(path)).ok();
        is_named && directory().as_deref() == self.target.parent()
    }
}

fn may_concern_music(path: &Path) -> bool {
    let is_sheet = path
        .extension()
        .is_some_and(|it| it.eq_ignore_ascii_case("cue"));
    path.extension().is_none() || is_sheet || walk::is_music_name(path) || path.is_dir()
}

/// The versions of some files, to compare two scans: a number for the path, track, size and time of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Versions(HashSet<u64>);

impl Versions {
    pub(crate) fn of(files: &[FoundFile]) -> Self {
        Self(files.iter().map(version).collect())
    }

    /// Whether a file is as it was.
    pub(crate) fn contains(&self, file: &FoundFile) -> bool {
        self.0.contains(&version(file))
    }
}

fn version(file: &FoundFile) -> u64 {
    // Of a million changes, one is missed with a probability of 1 in 20 million.
    let mut hasher = DefaultHasher::new();
    (file.key(), file.size, file.modified).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, Flag, MetadataKind, RemoveKind, RenameMode};
    use std::time::SystemTime;

    fn filter(directory: &Path) -> EventFilter {
        let target = fs::canonicalize(directory).unwrap().join("library.parquet");
        EventFilter::new(&target, &ScanOptions::default())
    }

    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));

    #[test]
    fn events_of_music_directories_and_patterns_matter() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("Vol. 2")).unwrap();
        let filter = filter(directory.path());
        let matters = |kind, name: &str| {
            let event = Event::new(kind).add_path(directory.path().join(name));
            filter.matters(&event)
        };
        for name in [
            "a.mp3",
            "a.FLAC",
            "sheet.cue",
            "no extension",
            "Vol. 2",
            ".circumplexignore",
        ] {
            assert!(matters(WRITTEN, name), "{name}");
            assert!(matters(EventKind::Create(CreateKind::Any), name), "{name}");
            let metadata = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
            assert!(matters(metadata, name), "{name}");
            let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
            assert!(matters(closed, name), "{name}");
            for read in [
                AccessKind::Open(AccessMode::Any),
                AccessKind::Close(AccessMode::Read),
            ] {
                assert!(!matters(EventKind::Access(read), name), "{name}");
            }
        }
        // It may have been a directory.
        assert!(matters(EventKind::Remove(RemoveKind::Any), "Vol. 3"));
        let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::From));
        assert!(matters(renamed, "Vol. 3"));
        for name in ["cover.jpg", "notes.txt", ".a.mp3", ".a.mp3.x7Fq2P"] {
            assert!(!matters(WRITTEN, name), "{name}");
        }
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(filter.matters(&lost));
    }

    #[test]
    fn the_library_its_journal_and_its_temporary_files_do_not_matter() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("other")).unwrap();
        let options = ScanOptions {
            hidden: true,
            ..ScanOptions::default()
        };
        let target = fs::canonicalize(directory.path())
            .unwrap()
            .join("library.parquet");
        let filter = EventFilter::new(&target, &options);
        let removed = |name: &str| {
            let event = Event::new(EventKind::Remove(RemoveKind::Any));
            filter.matters(&event.add_path(directory.path().join(name)))
        };
        for ours in [
            "library.parquet",
            ".library.parquet.journal",
            ".library.parquet.aB3dE6.tmp",
        ] {
            assert!(!removed(ours), "{ours}");
            assert!(removed(&format!("other/{ours}")), "{ours}");
        }
        assert!(removed("library.parquet.mp3"));
        assert!(removed(".library.parquets"));
    }

    #[test]
    fn a_file_of_another_size_or_time_is_another_version() {
        let file = |name: &str, size, seconds| FoundFile {
            path: name.into(),
            size,
            modified: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)),
            track: None,
        };
        let files = [file("a", 1, 0), file("b", 2, 0)];
        let versions = Versions::of(&files);
        assert!(versions.contains(&files[0]) && versions.contains(&files[1]));
        for other in [file("c", 1, 0), file("a", 2, 0), file("a", 1, 1)] {
            assert!(!versions.contains(&other), "{other:?}");
        }
        assert_eq!(
            versions,
            Versions::of(&[files[1].clone(), files[0].clone()])
        );
        assert_ne!(versions, Versions::of(&files[..1]));
    }

    #[test]
    fn a_watcher_notices_a_file_in_a_new_directory() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("library.parquet");
        let mut watcher = Watcher::new(&target, &ScanOptions::default()).unwrap();
        watcher.watch(directory.path()).unwrap();
        watcher.watch(directory.path()).unwrap();
        assert!(!watcher.wait(Duration::from_millis(1)));
        fs::create_dir(directory.path().join("new")).unwrap();
        assert!(watcher.wait(Duration::from_secs(60)));
        // The new directory is watched soon after its own event.
        let is_noticed = (0..600).any(|_| {
            fs::write(directory.path().join("new/a.mp3"), b"x").unwrap();
            watcher.wait(Duration::from_millis(100))
        });
        assert!(is_noticed);
        assert_eq!(watcher.failure(), None);
        assert!(watcher.watch(&directory.path().join("absent")).is_err());
    }
}

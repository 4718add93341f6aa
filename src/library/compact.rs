//! Libraries rewritten as one sorted file.

use super::{Column, Columns, Library, LibraryInfo, LibraryWriter, Song};
use crate::error::Result;
use std::{cmp::Reverse, collections::HashSet, path::Path};

/// Rows that are fetched at once.
const AT_ONCE: usize = 4 * 1024;

/// The outcome of [`compact`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compacted {
    /// Songs that were written.
    pub rows: u64,
    /// Rows that were dropped because another holds a later analysis of the same song.
    pub repeated: u64,
    /// Failures that the library remembers.
    pub failures: usize,
}

/// Writes the songs of `from` as one library at `target`, sorted by path, in row groups of the usual size. Of several rows of one
/// song the one that was analyzed last is kept. The failures of all are kept once for each path that has no row. Columns that
/// circumplex does not know are dropped.
///
/// `target` may be one of the files of `from`: it is replaced when the new one is complete.
///
/// # Errors
/// Those of reading and writing a library. An existing file at `target` is then untouched.
pub(crate) fn compact(from: Library, target: &Path) -> Result<Compacted> {
    let mut keys = Vec::new();
    for song in from.songs(Columns::FILE.with(Column::AnalyzedAt)) {
        let song = song?;
        let row = keys.len() as u64;
        let path = song.unique_path().into_owned().into_os_string();
        keys.push((path, Reverse(song.analyzed_at), row));
    }
    keys.sort_unstable();
    let all = keys.len();
    keys.dedup_by(|later, kept| later.0 == kept.0);
    let repeated = (all - keys.len()) as u64;

    let mut failures = from.failures();
    failures.dedup_by(|a, b| (&a.path, a.track) == (&b.path, b.track));
    let paths: HashSet<_> = keys.iter().map(|(path, ..)| path.as_os_str()).collect();
    failures.retain(|failed| {
        let song = Song {
            path: failed.path.clone(),
            track: failed.track,
            ..Song::default()
        };
        !paths.contains(song.unique_path().as_os_str())
    });
    drop(paths);

    // Failures are tried again by another version of the program than the one that is named: name one that is not this.
    let mut info = LibraryInfo::new(from.info().model.clone(), from.info().preprocessing.clone());
    let infos = || from.files().iter().map(|file| file.info());
    if let Some(other) = infos().find(|other| other.program != info.program) {
        info.program.clone_from(&other.program);
    }
    info.timeline = infos().all(|info| info.timeline);
    info.failures = failures;

    let mut writer = LibraryWriter::create(target, &info, from.embedding_length()?.max(1))?;
    let rows: Vec<u64> = keys.into_iter().map(|(.., row)| row).collect();
    for some in rows.chunks(AT_ONCE) {
        for song in from.songs_at(some, Columns::ALL)? {
            writer.push(song)?;
        }
    }
    // Closed before one of its files is replaced, which some systems demand.
    drop(from);
    Ok(Compacted {
        rows: writer.finish()?,
        repeated,
        failures: info.failures.len(),
    })
}

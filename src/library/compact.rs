//! Libraries rewritten as one file in good order.

use super::{Collection, LibraryError, LibraryInfo, LibraryWriter};
use std::{cmp::Reverse, collections::HashSet, path::Path};

/// Rows that are fetched at once.
const AT_ONCE: usize = 4 * 1024;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compacted {
    /// Songs that were written.
    pub rows: u64,
    /// Rows that were left out because a later analysis of the same path stands in another.
    pub repeated: u64,
    /// Failures that the footer remembers.
    pub failures: usize,
}

/// Writes the songs of `from` as one library at `target`, sorted by path, in row groups of the usual size. Of several rows
/// for one path the one that was analysed last is kept. The failures of all are kept, each path once, but for those whose
/// path has a row. Columns that circumplex does not know are left out.
///
/// `target` may be one of the libraries in `from`: it is replaced when the new one is whole.
///
/// # Errors
/// Those of reading and writing a library. What stood at `target` is then untouched.
pub fn compact(from: Collection, target: &Path) -> Result<Compacted, LibraryError> {
    let mut keys = Vec::new();
    for batch in from.briefs() {
        for song in batch? {
            let row = keys.len() as u64;
            keys.push(((song.path, song.path_bytes), Reverse(song.analyzed_at), row));
        }
    }
    keys.sort_unstable();
    let all = keys.len();
    keys.dedup_by(|later, kept| later.0 == kept.0);
    let repeated = (all - keys.len()) as u64;

    let mut failures = from.failures();
    failures.dedup_by(|a, b| (&a.path, &a.path_bytes) == (&b.path, &b.path_bytes));
    let paths: HashSet<_> = keys.iter().map(|(path, ..)| path).collect();
    failures.retain(|failed| !paths.contains(&(failed.path.clone(), failed.path_bytes.clone())));
    drop(paths);
    let remembered = failures.len();

    let mut embedding = 0;
    for part in from.parts() {
        embedding = embedding.max(part.embedding()?);
    }
    let info = info_of(&from);
    let mut writer = LibraryWriter::create(target, &info, embedding.max(1))?;
    writer.set_failures(failures);
    let rows: Vec<u64> = keys.into_iter().map(|(.., row)| row).collect();
    for some in rows.chunks(AT_ONCE) {
        for song in from.songs_at(some)? {
            writer.push(song)?;
        }
    }
    // Closed before one of them is replaced, which some systems demand.
    drop(from);
    Ok(Compacted {
        rows: writer.finish()?,
        repeated,
        failures: remembered,
    })
}

/// The footer for all. Failures are tried again by another version of the program than the one it names, so it names the
/// one that is not this.
fn info_of(from: &Collection) -> LibraryInfo {
    let this = LibraryInfo::new(from.info().model.clone(), from.info().preprocessing.clone());
    let programs = from.parts().iter().map(|part| &part.info().program);
    let program = programs
        .clone()
        .find(|program| **program != this.program)
        .unwrap_or(&this.program)
        .clone();
    LibraryInfo {
        program,
        timeline: from.parts().iter().all(|part| part.info().timeline),
        ..this
    }
}

//! Telling a library that files have changed under it.

use super::Changed;
use crate::library::{Library, LibraryError, LibraryWriter};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// Rewrites the library at `path` so that the rows of these files know them as they are now: the next analysis then leaves them
/// alone. Everything else of the rows stays; columns that circumplex does not know are left out. Returns the number of rows
/// that were renewed.
///
/// # Errors
/// Those of reading and writing a library, which is then untouched.
pub fn renew(path: &Path, files: &HashMap<PathBuf, Changed>) -> Result<u64, LibraryError> {
    let library = Library::open(path)?;
    let embedding = library.embedding()?.max(1);
    let mut writer = LibraryWriter::create(path, library.info(), embedding)?;
    let mut renewed = 0;
    for batch in library.songs()? {
        for mut song in batch? {
            if let Some(changed) = files.get(&song.file()) {
                song.size_bytes = changed.stamp.size_bytes;
                song.modified = changed.stamp.modified;
                song.content_hash = Some(changed.content_hash.clone());
                renewed += 1;
            }
            writer.push(song)?;
        }
    }
    // Closed before it is replaced, which some systems demand.
    drop(library);
    writer.finish()?;
    Ok(renewed)
}

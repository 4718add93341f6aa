//! Mood tags in the music files: the strongest emotion where players look for a mood, and all numbers in `CIRCUMPLEX_*` fields.
//!
//! A file is never written in place. A copy beside it gets the tags; the copy must hold the same audio packets and the same other
//! tags and pictures; only then, once it is on the disk, it replaces the file and keeps its permissions and modification time. The
//! earlier mood is renamed inside the file, and removing the tags restores it.
//!
//! One thing may be lost: comments of a FLAC file that held nothing but the name of the encoder.
//!
//! | | mood | numbers |
//! |---|---|---|
//! | ID3v2 (MP3, AAC, WAV, AIFF) | `TMOO`; in version 2.3, which lacks it, `TXXX:MOOD` | `TXXX:CIRCUMPLEX_*` |
//! | Vorbis comments (FLAC, Ogg Vorbis, Opus) | `MOOD` | `CIRCUMPLEX_*` |
//! | MP4 | `----:com.apple.iTunes:MOOD` | `----:com.apple.iTunes:CIRCUMPLEX_*` |

mod carrier;
mod fields;
#[cfg(test)]
mod tests;

pub(crate) use fields::MoodFields;

use crate::{
    Error, ErrorKind, Result,
    atomic_file::{directory_of, sync_directory, write_error},
    audio::packet_hash,
    error::Context,
    library::{Columns, Library, LibraryWriter, Micros},
    scan::content_hash,
};
use carrier::Carrier;
use std::{
    collections::HashMap,
    fs::{self, File, FileTimes, Metadata},
    io,
    path::{Path, PathBuf},
};

/// Size and modification time: how a library recognizes an unchanged file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Size in bytes.
    pub(crate) size_bytes: u64,
    /// Modification time.
    pub(crate) modified: Option<Micros>,
}

impl Stamp {
    fn of(facts: &Metadata) -> Self {
        Self {
            size_bytes: facts.len(),
            modified: facts.modified().ok().map(Micros::from),
        }
    }
}

/// A file after a change, as the library has to record it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Size, and the modification time, which is that from before.
    pub(crate) stamp: Stamp,
    /// [`content_hash`] of the new bytes.
    pub(crate) content_hash: String,
}

/// The outcome for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The tags are as wanted.
    UpToDate,
    /// The tags would be changed. The present mood.
    Due(Vec<String>),
    /// The tags were changed, now or by an earlier run that was interrupted before it updated the library.
    Changed(Changed),
}

/// Writes the fields into a file, or with `None` removes them and restores the earlier mood. `known` is the file's entry in the
/// library. Unless `write`, the file is only inspected.
///
/// # Errors
/// Where the file is missing, changed since it was analyzed, read-only, of a format without tags, its tags are damaged, or the copy
/// cannot be written or differs in anything else. The file is then unchanged.
pub(crate) fn tag(
    path: &Path,
    known: &Stamp,
    wanted: Option<&MoodFields>,
    write: bool,
) -> Result<Outcome> {
    let (path, facts) = resolve(path)?;
    let path = path.as_path();
    let before = Carrier::read(path, path)?;
    let is_as_wanted = before.tag.is_as(wanted);
    let now = Stamp::of(&facts);
    // Removing the fields does not depend on the analyzed audio.
    if wanted.is_some() && now != *known {
        // Our own changes keep the time; those of other programs do not.
        if is_as_wanted && now.modified == known.modified {
            return changed(path).map(Outcome::Changed);
        }
        return Err(changed_since(path));
    }
    if is_as_wanted {
        return Ok(Outcome::UpToDate);
    }
    if facts.permissions().readonly() {
        let message = "read-only; make it writable first";
        return Err(Error::new(ErrorKind::Io, message).with_path(path));
    }
    if !write {
        return Ok(Outcome::Due(before.tag.mood()));
    }
    replace(path, &facts, &before, wanted)?;
    changed(path).map(Outcome::Changed)
}

/// Replaces the file by a verified copy with the fields.
fn replace(
    path: &Path,
    facts: &Metadata,
    before: &Carrier,
    wanted: Option<&MoodFields>,
) -> Result<()> {
    let error = |source| write_error(path, source);
    let directory = directory_of(path);
    let copy = tempfile::Builder::new()
        .prefix(".circumplex-")
        .suffix(".tmp")
        .tempfile_in(directory)
        .map_err(error)?;
    let mut original = File::open(path).map_err(error)?;
    io::copy(&mut original, &mut copy.as_file()).map_err(error)?;
    // Windows replaces no open file.
    drop(original);
    let mut after = Carrier::read(copy.path(), path)?;
    after.tag.set(wanted);
    after.save(copy.path(), path)?;
    verify(path, copy.path(), before, wanted)?;

    // A change by another program in the meantime must not get lost.
    let latest = fs::metadata(path).map_err(error)?;
    if Stamp::of(&latest) != Stamp::of(facts) {
        return Err(changed_since(path));
    }
    keep_owner(&copy, facts);
    fs::set_permissions(copy.path(), facts.permissions()).map_err(error)?;
    let mut times = FileTimes::new();
    if let Ok(modified) = facts.modified() {
        times = times.set_modified(modified);
    }
    copy.as_file().set_times(times).map_err(error)?;
    copy.as_file().sync_all().map_err(error)?;
    copy.persist(path).map_err(|e| error(e.error))?;
    sync_directory(directory);
    Ok(())
}

/// Rewrites the library at `path` with the new size, time and hash of these files, so that the next analysis finds them up to
/// date. Columns unknown to circumplex are dropped. Returns the number of updated rows.
///
/// # Errors
/// Those of reading and writing a library, which is then unchanged.
pub(crate) fn update_library(path: &Path, files: &HashMap<PathBuf, Changed>) -> Result<u64> {
    let library = Library::open(path)?;
    let embedding = library.embedding_length()?.max(1);
    let mut writer = LibraryWriter::create(path, library.info(), embedding)?;
    let mut updated = 0;
    for song in library.songs(Columns::ALL) {
        let mut song = song?;
        if let Some(changed) = files.get(&song.path) {
            song.size_bytes = changed.stamp.size_bytes;
            song.modified = changed.stamp.modified;
            song.content_hash = Some(changed.content_hash.clone());
            updated += 1;
        }
        writer.push(song)?;
    }
    // Windows replaces no open file.
    drop(library);
    writer.finish()?;
    Ok(updated)
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    let message = "cannot be read; check that it exists, is a regular file and is readable";
    Error::new(ErrorKind::Io, message)
        .with_path(path)
        .with_source(source)
}

fn changed_since(path: &Path) -> Error {
    let message =
        "changed since it was analyzed; update the library with `circumplex analyze` first";
    Error::invalid(message).with_path(path)
}

/// Follows symbolic links, which are kept.
fn resolve(path: &Path) -> Result<(PathBuf, Metadata)> {
    let real = fs::canonicalize(path).map_err(|e| unreadable(path, e))?;
    let facts = fs::metadata(&real).map_err(|e| unreadable(path, e))?;
    if !facts.is_file() {
        return Err(unreadable(path, io::Error::other("not a regular file")));
    }
    Ok((real, facts))
}

/// Checks that the copy differs from the file in our fields alone.
fn verify(path: &Path, copy: &Path, before: &Carrier, wanted: Option<&MoodFields>) -> Result<()> {
    let differs = |what: &str| {
        let message = format!("writing the tags would also change {what}; nothing was written");
        Error::new(ErrorKind::Unsupported, message).with_path(path)
    };
    let after = Carrier::read(copy, path)?;
    if !after.tag.is_as(wanted) || !before.keeps(&after, path)? {
        return Err(differs("other tags"));
    }
    let audio = |file: &Path| {
        let message = "its audio cannot be read, so the copy cannot be verified";
        packet_hash(file).context_at(ErrorKind::Damaged, path, message)
    };
    if audio(path)? != audio(copy)? {
        return Err(differs("the audio"));
    }
    Ok(())
}

/// The time is read again: a file system may store fewer digits.
fn changed(path: &Path) -> Result<Changed> {
    let facts = fs::metadata(path).map_err(|e| unreadable(path, e))?;
    Ok(Changed {
        stamp: Stamp::of(&facts),
        content_hash: content_hash(path).map_err(|e| unreadable(path, e))?,
    })
}

/// Gives the copy the owner of the file where the system allows it.
fn keep_owner(copy: &tempfile::NamedTempFile, facts: &Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let _ = fchown(copy.as_file(), Some(facts.uid()), Some(facts.gid()));
    }
    #[cfg(not(unix))]
    let _ = (copy, facts);
}

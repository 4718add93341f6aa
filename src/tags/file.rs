//! One file: looking at it, and changing it safely.

use super::{MoodFields, TagError, carrier::Carrier};
use crate::{audio::packet_hash, library::Micros, scan::content_hash};
use std::{
    fs::{self, File, FileTimes, Metadata},
    io,
    path::{Path, PathBuf},
};

/// By what a library knows a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Size in bytes.
    pub size_bytes: u64,
    /// Modification time.
    pub modified: Option<Micros>,
}

impl Stamp {
    fn of(facts: &Metadata) -> Self {
        Self {
            size_bytes: facts.len(),
            modified: facts.modified().ok().map(Micros::from),
        }
    }
}

/// A file after a change, as a library has to know it from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Size and time. The time is that from before.
    pub stamp: Stamp,
    /// [`content_hash`] of its bytes.
    pub content_hash: String,
}

/// What there is to do for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing: the tags are already as they should be.
    Done,
    /// Nothing but to tell the library: an earlier run changed the file and was stopped before it could.
    Unrecorded,
    /// The tags have to be written or removed. `mood`: what the file says now.
    ToDo { mood: Vec<String> },
}

/// Looks at a file without changing it. `known`: what the library knows of it. `wanted`: the fields to write; `None` to remove.
///
/// # Errors
/// [`TagError`] where the change could not be made: the file is missing, changed since it was analysed, read-only, of a kind that
/// has no tags, or its tags are damaged.
pub fn look(path: &Path, known: &Stamp, wanted: Option<&MoodFields>) -> Result<Found, TagError> {
    let (path, facts) = resolve(path)?;
    let carrier = Carrier::read(&path, &path)?;
    state(&path, &facts, &carrier, known, wanted)
}

/// Writes the fields into a file. `None` where there was nothing to do.
///
/// # Errors
/// Those of [`look`], and those of copying, writing and comparing. The file is then as it was.
pub fn tag(path: &Path, known: &Stamp, wanted: &MoodFields) -> Result<Option<Changed>, TagError> {
    change(path, known, Some(wanted))
}

/// Removes the fields from a file and gives it back the mood that it had. `None` where it has none of them.
///
/// # Errors
/// Those of [`tag`].
pub fn untag(path: &Path, known: &Stamp) -> Result<Option<Changed>, TagError> {
    change(path, known, None)
}

/// The file behind symbolic links, which are kept.
fn resolve(path: &Path) -> Result<(PathBuf, Metadata), TagError> {
    let unreadable = |source| TagError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let real = fs::canonicalize(path).map_err(unreadable)?;
    let facts = fs::metadata(&real).map_err(unreadable)?;
    if !facts.is_file() {
        let what = io::Error::new(io::ErrorKind::InvalidInput, "not an ordinary file");
        return Err(unreadable(what));
    }
    Ok((real, facts))
}

fn state(
    path: &Path,
    facts: &Metadata,
    carrier: &Carrier,
    known: &Stamp,
    wanted: Option<&MoodFields>,
) -> Result<Found, TagError> {
    let now = Stamp::of(facts);
    let is_done = match wanted {
        Some(wanted) => carrier.holds(wanted),
        None => !carrier.is_tagged(),
    };
    if is_done {
        // A change of ours keeps the time; anybody else's gives the file another.
        let ours = wanted.is_some() && now != *known && now.modified == known.modified;
        return if ours {
            Ok(Found::Unrecorded)
        } else if now == *known || wanted.is_none() {
            Ok(Found::Done)
        } else {
            Err(TagError::Changed {
                path: path.to_owned(),
            })
        };
    }
    // To remove what is ours, the sound need not be that of the analysis.
    if wanted.is_some() && now != *known {
        return Err(TagError::Changed {
            path: path.to_owned(),
        });
    }
    if facts.permissions().readonly() {
        return Err(TagError::ReadOnly {
            path: path.to_owned(),
        });
    }
    Ok(Found::ToDo {
        mood: carrier.mood(),
    })
}

fn change(
    path: &Path,
    known: &Stamp,
    wanted: Option<&MoodFields>,
) -> Result<Option<Changed>, TagError> {
    let (path, facts) = resolve(path)?;
    let path = path.as_path();
    let before = Carrier::read(path, path)?;
    match state(path, &facts, &before, known, wanted)? {
        Found::Done => return Ok(None),
        Found::Unrecorded => return changed(path).map(Some),
        Found::ToDo { .. } => {}
    }
    let write_error = |source| TagError::Write {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    let copy = builder
        .prefix(".circumplex-")
        .suffix(".tmp")
        .tempfile_in(folder)
        .map_err(write_error)?;
    {
        let mut original = File::open(path).map_err(write_error)?;
        io::copy(&mut original, &mut copy.as_file()).map_err(write_error)?;
    }
    let mut after = Carrier::read(copy.path(), path)?;
    match wanted {
        Some(wanted) => after.write(wanted),
        None => after.remove(),
    }
    after.save(copy.path(), path)?;
    compare(path, copy.path(), &before, wanted)?;

    // Nobody else's change may get lost.
    let latest = fs::metadata(path).map_err(write_error)?;
    if Stamp::of(&latest) != Stamp::of(&facts) {
        return Err(TagError::Changed {
            path: path.to_owned(),
        });
    }
    keep_owner(&copy, &facts);
    fs::set_permissions(copy.path(), facts.permissions()).map_err(write_error)?;
    let mut times = FileTimes::new();
    if let Ok(modified) = facts.modified() {
        times = times.set_modified(modified);
    }
    copy.as_file().set_times(times).map_err(write_error)?;
    copy.as_file().sync_all().map_err(write_error)?;
    copy.persist(path).map_err(|e| write_error(e.error))?;
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        // Some file systems cannot; the file's content is on the disk already.
        let _ = folder.sync_all();
    }
    changed(path).map(Some)
}

/// Makes sure that the copy differs in our fields alone.
fn compare(
    path: &Path,
    copy: &Path,
    before: &Carrier,
    wanted: Option<&MoodFields>,
) -> Result<(), TagError> {
    let not_kept = |what| TagError::NotKept {
        path: path.to_owned(),
        what,
    };
    let after = Carrier::read(copy, path)?;
    let as_wanted = match wanted {
        Some(wanted) => after.holds(wanted),
        None => !after.is_tagged(),
    };
    if !as_wanted || !before.keeps(&after, path)? {
        return Err(not_kept("other tags"));
    }
    let sound = |file: &Path| {
        packet_hash(file).map_err(|source| TagError::Sound {
            path: path.to_owned(),
            source,
        })
    };
    if sound(path)? != sound(copy)? {
        return Err(not_kept("the sound"));
    }
    Ok(())
}

/// What the library has to know. The time is read anew: a file system may keep fewer digits.
fn changed(path: &Path) -> Result<Changed, TagError> {
    let unreadable = |source| TagError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let facts = fs::metadata(path).map_err(unreadable)?;
    Ok(Changed {
        stamp: Stamp::of(&facts),
        content_hash: content_hash(path).map_err(unreadable)?,
    })
}

/// Where the system allows it, the copy belongs to whom the file belonged.
fn keep_owner(copy: &tempfile::NamedTempFile, facts: &Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let _ = fchown(copy.as_file(), Some(facts.uid()), Some(facts.gid()));
    }
    #[cfg(not(unix))]
    let _ = (copy, facts);
}

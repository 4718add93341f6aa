//! Which files below a folder are music.

use super::{
    Failure, FileError, PathSet, PatternError, Patterns, Shard, Track,
    divide::divide,
    exclude::{Rules, excludes_named},
    kind::{Kind, begins_like_music, kind},
};
use ignore::gitignore::Gitignore;
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, Metadata},
    io,
    path::{Component, Path, PathBuf},
    time::SystemTime,
};
use walkdir::{DirEntry, WalkDir};

/// A file to analyse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Absolute path.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Modification time, where the file system knows it; of a track, that of the file or of the sheet, whichever is later.
    pub modified: Option<SystemTime>,
    /// The track that it is, where a CUE sheet divides the file; the path is then that of the track.
    pub track: Option<Box<Track>>,
}

impl FoundFile {
    /// A file with what its file system says of it.
    pub fn new(path: PathBuf, metadata: &Metadata) -> Self {
        Self {
            path,
            size: metadata.len(),
            modified: metadata.modified().ok(),
            track: None,
        }
    }

    /// The file with the sound.
    pub fn sound(&self) -> &Path {
        self.track.as_ref().map_or(&self.path, |track| &track.sound)
    }

    /// Whether the file still has the size and time that the scan saw.
    pub fn is_unchanged(&self) -> io::Result<bool> {
        let mut now = Self::new(self.path.clone(), &fs::metadata(self.sound())?);
        if let Some(track) = &self.track {
            now.modified = track.modified(now.modified);
            now.track = self.track.clone();
        }
        Ok(now == *self)
    }
}

/// What is to be listed.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Folders, and files that are taken whatever their names.
    pub roots: Vec<PathBuf>,
    /// Files and folders that some list names. One that cannot be read is a failure of its own.
    pub listed: Vec<PathBuf>,
    /// What is left out, also of the files that are named one by one.
    pub exclude: Patterns,
    /// The part that is asked for.
    pub shard: Option<Shard>,
    /// Whether CUE sheets beside files divide them into tracks.
    pub cue: bool,
}

impl Wanted {
    /// All music below some folders.
    pub fn folders(roots: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            roots: roots.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// What was found below the folders.
#[derive(Debug, Default)]
pub struct Listing {
    /// The folders and files that were asked for, as absolute paths.
    pub roots: PathSet,
    /// The music, sorted by path, each file once.
    pub files: Vec<FoundFile>,
    /// Music in formats that circumplex does not decode: the format's name and the number of files.
    pub unsupported: BTreeMap<&'static str, u64>,
    /// Files that are no music, and were left alone.
    pub other: u64,
    /// Files and folders that patterns leave out. What lies in such a folder was not looked at.
    pub excluded: PathSet,
    /// Files whose tracks stand among the music in their place.
    pub divided: PathSet,
    /// Music that belongs to other shards.
    pub elsewhere: usize,
    /// Files and folders that could not be looked at.
    pub failures: Vec<Failure>,
}

/// Nothing can be scanned.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// When the folder or file that was asked for does not exist or may not be read.
    #[error("{}: expected a folder of music or a music file, but it cannot be read", path.display())]
    Root {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// When what was asked for is a device, a pipe or the like.
    #[error("{}: expected a folder of music or a music file, found a device or pipe", path.display())]
    NotMusic { path: PathBuf },
    /// When the patterns of the command line cannot be used together.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

/// Lists the music below some folders, the same way every time. A file may stand for a folder: it is then taken whatever
/// its name. A file of a list is taken where its name or its first bytes are those of music.
///
/// Music is what has the ending of a format that the decoder may know, or no ending and the first bytes of one. Hidden
/// files and folders (a dot before the name) are left out, and so is what patterns name: those of [`Wanted::exclude`] and
/// those in files called [`IGNORE_FILE`](super::IGNORE_FILE) in the folder, above it and below it. Of several patterns the
/// last one that matches decides; those of [`Wanted::exclude`] come after all files, and inner files after outer ones. A
/// folder that is left out is not looked into. Files that are named one by one are left out by [`Wanted::exclude`] alone.
///
/// With [`Wanted::cue`], the tracks of a file that a CUE sheet beside it divides stand in its place.
///
/// Symbolic links are followed, but never in a circle. Devices, pipes and sockets are left alone.
///
/// Paths are absolute; symbolic links in them keep their names, except where `..` in the folder's name makes it necessary
/// to follow them.
///
/// # Errors
/// [`ScanError`] where a folder of [`Wanted::roots`] itself cannot be read. What cannot be read below it is a failure in
/// the listing.
pub fn scan(wanted: &Wanted) -> Result<Listing, ScanError> {
    let mut listing = Listing::default();
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let named = wanted.exclude.below(&here)?;
    for root in &wanted.roots {
        scan_root(root, wanted, &named, &mut listing)?;
    }
    for path in &wanted.listed {
        scan_listed(path, wanted, &named, &mut listing)?;
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    listing.files.dedup_by(|a, b| a.path == b.path);
    if wanted.cue {
        divide(&mut listing);
        listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    }
    listing.failures.sort_by(|a, b| a.path.cmp(&b.path));
    listing.failures.dedup_by(|a, b| a.path == b.path);
    if let Some(shard) = &wanted.shard {
        let all = listing.files.len();
        listing.files.retain(|file| shard.holds(&file.path));
        listing.elsewhere = all - listing.files.len();
    }
    Ok(listing)
}

fn scan_root(
    root: &Path,
    wanted: &Wanted,
    named: &Gitignore,
    listing: &mut Listing,
) -> Result<(), ScanError> {
    let root_error = |source| ScanError::Root {
        path: root.to_owned(),
        source,
    };
    let metadata = fs::metadata(root).map_err(root_error)?;
    let absolute = absolute(root).map_err(root_error)?;
    if metadata.is_file() {
        listing.roots.insert(absolute.clone());
        if excludes_named(named, &absolute) {
            listing.excluded.insert(absolute);
        } else {
            listing.files.push(FoundFile::new(absolute, &metadata));
        }
        return Ok(());
    }
    if !metadata.is_dir() {
        return Err(ScanError::NotMusic {
            path: root.to_owned(),
        });
    }
    fs::read_dir(root).map_err(root_error)?;
    Ok(walk(absolute, wanted, listing)?)
}

/// A path of a list: what is wrong with it is its own failure.
fn scan_listed(
    path: &Path,
    wanted: &Wanted,
    named: &Gitignore,
    listing: &mut Listing,
) -> Result<(), PatternError> {
    let (absolute, metadata) =
        match absolute(path).and_then(|absolute| Ok((absolute, fs::metadata(path)?))) {
            Ok(found) => found,
            Err(source) => {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
                listing.roots.insert(path.clone());
                listing.failures.push(Failure {
                    path,
                    error: FileError::Unreadable(source),
                });
                return Ok(());
            }
        };
    if metadata.is_dir() {
        return walk(absolute, wanted, listing);
    }
    listing.roots.insert(absolute.clone());
    if excludes_named(named, &absolute) {
        listing.excluded.insert(absolute);
    } else if metadata.is_file() {
        match kind(&absolute) {
            // Its name says nothing, but somebody named it.
            Kind::Other | Kind::NoEnding if !begins_like_music(&absolute).unwrap_or(false) => {
                listing.other += 1;
            }
            Kind::Unsupported(format) => *listing.unsupported.entry(format).or_default() += 1,
            _ => listing.files.push(FoundFile::new(absolute, &metadata)),
        }
    } else {
        listing.other += 1;
    }
    Ok(())
}

/// Lists what is below a folder.
fn walk(root: PathBuf, wanted: &Wanted, listing: &mut Listing) -> Result<(), PatternError> {
    listing.roots.insert(root.clone());
    let mut rules = Rules::new(&root, &wanted.exclude, &mut listing.failures)?;
    let mut entries = WalkDir::new(&root).follow_links(true).into_iter();
    while let Some(entry) = entries.next() {
        match entry {
            Ok(entry) => {
                let is_folder = entry.file_type().is_dir();
                if entry.depth() > 0 {
                    let hidden = is_hidden(&entry);
                    if hidden || rules.exclude(entry.depth(), entry.path(), is_folder) {
                        if !hidden {
                            listing.excluded.insert(entry.path().to_owned());
                        }
                        if is_folder {
                            entries.skip_current_dir();
                        }
                        continue;
                    }
                }
                if is_folder {
                    rules.enter(entry.depth(), entry.path(), &mut listing.failures);
                } else if entry.file_type().is_file() {
                    add(entry, listing);
                } else {
                    listing.other += 1;
                }
            }
            // A link back to a folder above: everything in it is being listed already.
            Err(error) if error.loop_ancestor().is_some() => {}
            Err(error) => {
                let path = error.path().unwrap_or(&root).to_owned();
                let left_out =
                    is_hidden_name(path.file_name()) || rules.exclude(error.depth(), &path, false);
                if error.depth() > 0 && left_out {
                    continue;
                }
                if is_dangling_non_music(&path) {
                    listing.other += 1;
                    continue;
                }
                let source = error
                    .into_io_error()
                    .unwrap_or_else(|| io::Error::other("cannot be listed"));
                listing.failures.push(Failure {
                    path,
                    error: FileError::Unreadable(source),
                });
            }
        }
    }
    Ok(())
}

/// A link that leads nowhere is a failure only where its name promises music.
fn is_dangling_non_music(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink())
        && !fs::exists(path).unwrap_or(true)
        && !matches!(kind(path), Kind::Music)
}

fn add(entry: DirEntry, listing: &mut Listing) {
    let kind = match kind(entry.path()) {
        Kind::NoEnding => match begins_like_music(entry.path()) {
            Ok(true) => Kind::Music,
            // A file that nobody said was music and that cannot be read is left alone as well.
            Ok(false) | Err(_) => Kind::Other,
        },
        kind => kind,
    };
    match kind {
        Kind::Music => match entry.metadata() {
            Ok(metadata) => listing
                .files
                .push(FoundFile::new(entry.into_path(), &metadata)),
            Err(error) => listing.failures.push(Failure {
                path: entry.into_path(),
                error: FileError::Unreadable(error.into()),
            }),
        },
        Kind::Unsupported(format) => *listing.unsupported.entry(format).or_default() += 1,
        Kind::Other | Kind::NoEnding => listing.other += 1,
    }
}

fn is_hidden(entry: &DirEntry) -> bool {
    is_hidden_name(Some(entry.file_name()))
}

fn is_hidden_name(name: Option<&OsStr>) -> bool {
    name.is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The absolute path, by name alone where possible: links keep their names, unless `..` stands in the path.
fn absolute(path: &Path) -> io::Result<PathBuf> {
    if path.components().any(|c| c == Component::ParentDir) {
        fs::canonicalize(path)
    } else {
        std::path::absolute(path)
    }
}

#[cfg(test)]
mod tests;

//! Finding the music in directories.

use super::{
    Entry, Shard, Track,
    path_list::Finder,
    patterns::{PathSet, Patterns, Rules, excludes_named, is_absent},
    tracks::split_files,
};
use crate::{
    Error, ErrorKind, Result, audio::ffmpeg, charset::TagCharset, error::Context,
    library::absolute, text::listed,
};
use ignore::gitignore::Gitignore;
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, DirEntry, File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Extensions of files that are analyzed. The decoder finds out what is in them.
const AUDIO: [&str; 22] = [
    "aac", "aif", "aifc", "aiff", "alac", "caf", "flac", "m4a", "m4b", "m4r", "mka", "mp1", "mp2",
    "mp3", "mp4", "mpga", "oga", "ogg", "opus", "wav", "wave", "webm",
];

/// A file, or a track of one, to analyze.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundFile {
    /// Absolute path of the audio file.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Modification time, if the file system has it; of a track, the later of the file's and the sheet's.
    pub modified: Option<SystemTime>,
    /// The track of a CUE sheet.
    pub track: Option<Box<Track>>,
}

impl FoundFile {
    /// A whole file.
    pub(crate) fn new(path: PathBuf, metadata: &Metadata) -> Self {
        Self {
            path,
            size: metadata.len(),
            modified: metadata.modified().ok(),
            track: None,
        }
    }

    /// Whether the file still has the size and time that the scan found.
    pub(crate) fn is_unchanged(&self) -> io::Result<bool> {
        let mut now = Self::new(self.path.clone(), &fs::metadata(&self.path)?);
        if let Some(track) = &self.track {
            now.modified = track.modified(now.modified);
            now.track = self.track.clone();
        }
        Ok(now == *self)
    }
}

/// Where to look for music.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScanOptions {
    /// Directories, and files that are taken whatever their names.
    pub roots: Vec<PathBuf>,
    /// Files and directories of a list; one that cannot be read does not end the scan.
    pub listed: Vec<Entry>,
    /// Patterns of files and directories to skip, also of those in `roots` and `listed`.
    pub exclude: Patterns,
    /// The shard to keep.
    pub shard: Option<Shard>,
    /// Whether CUE sheets beside files split them into tracks.
    pub cue: bool,
    /// The encoding of CUE sheets that are not Unicode.
    pub tag_charset: TagCharset,
    /// Whether hidden files and directories are listed.
    pub hidden: bool,
}

/// The result of a scan.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// The directories and files that were scanned, as absolute paths.
    pub roots: PathSet,
    /// The music, sorted by path and track.
    pub files: Vec<FoundFile>,
    /// The number of files in each unsupported format.
    pub unsupported: BTreeMap<&'static str, u64>,
    /// The number of hidden music files and directories that were skipped.
    pub hidden: u64,
    /// The number of files that are not audio.
    pub not_audio: u64,
    /// Files and directories that patterns exclude; such a directory was not entered.
    pub excluded: PathSet,
    /// The shard that was kept.
    pub shard: Option<Shard>,
    /// The number of files in other shards.
    pub other_shards: usize,
    /// Files and directories that could not be read.
    pub failures: Vec<Error>,
    /// Entries of the list that match no file.
    pub absent: Vec<String>,
    /// The number of entries of the list that match a file only if upper and lower case are ignored.
    pub ignoring_case: u64,
}

impl Listing {
    /// The error message for a scan of these files and directories that found no music.
    pub(crate) fn no_music(&self, names: &[&PathBuf]) -> String {
        let names: Vec<_> = names.iter().map(|name| name.display()).collect();
        let reason = if !self.failures.is_empty() || !self.absent.is_empty() {
            "no music file could be read"
        } else if !self.excluded.is_empty() {
            "patterns exclude every music file"
        } else {
            "no music files found"
        };
        format!(
            "{}: {reason} (supported formats: MP3, M4A, AAC, FLAC, Ogg, Opus, WAV, AIFF and CAF)",
            listed(&names, names.len())
        )
    }
}

/// Lists the music in directories, the same each time. A root may be a file, which is taken whatever its name; a listed
/// file is taken if its extension or its first bytes are those of music.
///
/// Music has the extension of a format that the decoder may support, or no extension and the first bytes of one. Hidden
/// files and directories are skipped unless [`ScanOptions::hidden`], and so is what patterns exclude: those of [`ScanOptions::exclude`] and those in
/// files called `.circumplexignore` in a directory, its ancestors and its descendants. The last matching pattern decides;
/// those of [`ScanOptions::exclude`] come after all files, inner files after outer ones. An excluded directory is not
/// entered. Only [`ScanOptions::exclude`] excludes a root or listed file.
///
/// Symbolic links are followed, except in loops. Devices, pipes and sockets are skipped. Paths are absolute; symbolic
/// links in them keep their names, unless `..` in a root makes it necessary to resolve them.
///
/// # Errors
/// When a root cannot be read, or is a device. What cannot be read inside a root is in [`Listing::failures`].
pub(crate) fn scan(options: &ScanOptions) -> Result<Listing> {
    let mut listing = Listing {
        shard: options.shard,
        ..Listing::default()
    };
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let exclude = options.exclude.compile(&here)?;
    for root in &options.roots {
        scan_named(root, true, options, &exclude, &mut listing)?;
    }
    let mut finder = Finder::default();
    for entry in &options.listed {
        match finder.find(entry) {
            Some((path, ignores_case)) => {
                listing.ignoring_case += u64::from(ignores_case);
                scan_named(&path, false, options, &exclude, &mut listing)?;
            }
            None => listing.absent.push(entry.text.clone()),
        }
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    listing.files.dedup_by(|a, b| a.path == b.path);
    if options.cue {
        split_files(&mut listing, options.tag_charset);
    }
    listing.failures.sort_by(|a, b| a.path().cmp(&b.path()));
    listing.failures.dedup_by(|a, b| a.path() == b.path());
    if let Some(shard) = &options.shard {
        let all = listing.files.len();
        listing.files.retain(|file| shard.contains(&file.path));
        listing.other_shards = all - listing.files.len();
    }
    Ok(listing)
}

/// Lists what is in a root or listed directory, or adds such a file. A listed one may be unreadable, or something else
/// than music.
fn scan_named(
    path: &Path,
    is_root: bool,
    options: &ScanOptions,
    exclude: &Gitignore,
    listing: &mut Listing,
) -> Result<()> {
    let found = absolute(path).and_then(|absolute| {
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            fs::read_dir(path)?;
        }
        Ok((absolute, metadata))
    });
    let (absolute, metadata) = match found {
        Ok(found) => found,
        Err(source) if is_root => {
            let unreadable = "cannot read; expected a directory or an audio file";
            return Err(source).context_at(ErrorKind::Io, path, unreadable);
        }
        Err(source) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            listing.failures.push(cannot_read(&path, source));
            listing.roots.insert(path);
            return Ok(());
        }
    };
    if metadata.is_dir() {
        return walk(absolute, options, listing);
    }
    if is_root && !metadata.is_file() {
        let message = "is a device or pipe; expected a directory or an audio file";
        return Err(Error::invalid(message).with_path(path));
    }
    listing.roots.insert(absolute.clone());
    if excludes_named(exclude, &absolute) {
        listing.excluded.insert(absolute);
    } else if metadata.is_file() {
        // The extension may be unknown, but somebody named the file.
        let kind = match kind_of(&absolute) {
            _ if is_root => FileKind::Audio,
            FileKind::Other if starts_like_audio(&absolute) => FileKind::Audio,
            kind => kind,
        };
        add(absolute, kind, &metadata, listing);
    } else {
        listing.not_audio += 1;
    }
    Ok(())
}

/// Lists what is in a root.
fn walk(root: PathBuf, options: &ScanOptions, listing: &mut Listing) -> Result<()> {
    let mut rules = Rules::new(&root, &options.exclude, &mut listing.failures)?;
    walk_directory(&root, &root, options.hidden, &mut rules, listing);
    listing.roots.insert(root);
    Ok(())
}

/// Lists what is in a directory in or under `root`.
fn walk_directory(
    root: &Path,
    directory: &Path,
    hidden: bool,
    rules: &mut Rules,
    listing: &mut Listing,
) {
    rules.read(directory, &mut listing.failures);
    // All entries at once, so that no directory stays open while those in it are listed.
    let entries = fs::read_dir(directory).and_then(|entries| entries.collect());
    let entries: Vec<DirEntry> = match entries {
        Ok(entries) => entries,
        Err(source) => return listing.failures.push(cannot_read(directory, source)),
    };
    for entry in entries {
        let path = entry.path();
        if is_apple_double(&path) {
            continue;
        }
        let metadata = fs::metadata(&path);
        let is_directory = metadata.as_ref().is_ok_and(Metadata::is_dir);
        if is_hidden(&path) && !hidden {
            let is_music = is_directory || !matches!(kind_of(&path), FileKind::Other);
            listing.hidden += u64::from(is_music);
            continue;
        }
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if rules.exclude(&path, is_directory) {
            listing.excluded.insert(path);
            continue;
        }
        match metadata {
            Ok(_) if is_directory && is_link && is_loop(root, &path) => {}
            Ok(_) if is_directory => walk_directory(root, &path, hidden, rules, listing),
            Ok(metadata) if metadata.is_file() => {
                let is_known = path.extension().is_some() || !starts_like_audio(&path);
                let kind = if is_known {
                    kind_of(&path)
                } else {
                    FileKind::Audio
                };
                add(path, kind, &metadata, listing);
            }
            // A device or pipe.
            Ok(_) => listing.not_audio += 1,
            // A broken link to something else than music.
            Err(source) if is_absent(&source) && !matches!(kind_of(&path), FileKind::Audio) => {
                listing.not_audio += 1;
            }
            Err(source) => listing.failures.push(cannot_read(&path, source)),
        }
    }
}

/// Whether a link leads to a directory that it is in, whose content is listed already.
fn is_loop(root: &Path, link: &Path) -> bool {
    let target = fs::canonicalize(link).ok();
    let above = link.ancestors().skip(1);
    let mut above = above.take_while(|directory| directory.starts_with(root));
    above.any(|directory| fs::canonicalize(directory).ok() == target)
}

fn add(path: PathBuf, kind: FileKind, metadata: &Metadata, listing: &mut Listing) {
    match kind {
        FileKind::Audio => listing.files.push(FoundFile::new(path, metadata)),
        FileKind::Unsupported(format) => *listing.unsupported.entry(format).or_default() += 1,
        FileKind::Other => listing.not_audio += 1,
    }
}

pub(super) fn cannot_read(path: &Path, source: io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot read")
        .with_path(path)
        .with_source(source)
}

/// Whether a file holds what macOS keeps beside a file on other file systems (AppleDouble), which is no audio.
fn is_apple_double(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"._"))
}

pub(super) fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The kind of a file according to its extension.
enum FileKind {
    Audio,
    Unsupported(&'static str),
    Other,
}

fn kind_of(path: &Path) -> FileKind {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    let extension = extension.to_ascii_lowercase();
    let format = match extension.as_str() {
        audio if AUDIO.contains(&audio) => return FileKind::Audio,
        "it" | "mod" | "s3m" | "xm" => return FileKind::Unsupported("tracker module"),
        "mid" | "midi" => return FileKind::Unsupported("MIDI"),
        "ac3" => "AC-3",
        "amr" => "AMR",
        "au" | "snd" => "AU",
        "ape" => "Monkey's Audio",
        "dff" | "dsf" => "DSD",
        "dts" => "DTS",
        "mpc" => "Musepack",
        "ra" | "rm" => "RealAudio",
        "shn" => "Shorten",
        "spx" => "Speex",
        "tak" => "TAK",
        "tta" => "True Audio",
        "w64" => "Wave64",
        "wma" => "WMA",
        "wv" => "WavPack",
        _ => return FileKind::Other,
    };
    match ffmpeg::program() {
        Some(_) => FileKind::Audio,
        None => FileKind::Unsupported(format),
    }
}

/// Whether the name of a file is one of music, in a supported format or another.
pub(super) fn is_music_name(path: &Path) -> bool {
    !matches!(kind_of(path), FileKind::Other)
}

/// Whether a file starts with the magic number of a supported format; not if it cannot be read.
fn starts_like_audio(path: &Path) -> bool {
    let mut start = Vec::with_capacity(12);
    let read = File::open(path).and_then(|file| file.take(12).read_to_end(&mut start));
    let at = |offset: usize, magic: &[u8]| {
        let rest = start.get(offset..);
        rest.is_some_and(|rest| rest.starts_with(magic))
    };
    read.is_ok()
        && (at(0, b"ID3")
            || at(0, b"fLaC")
            || at(0, b"OggS")
            || at(0, b"caff")
            || (at(0, b"RIFF") && at(8, b"WAVE"))
            || (at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")))
            || at(4, b"ftypM4A"))
}

#[cfg(test)]
mod tests;

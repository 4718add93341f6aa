//! The journal: the outcomes of a run so far, on disk, so that a run that is killed can be resumed.
//!
//! A hidden file beside the library, `.<name>.journal`, with one record per line, each after its checksum. A run locks it,
//! and removes it once the library is written.

use super::{FileKey, key_of, key_of_failed};
use crate::{
    Error, ErrorKind, Result,
    atomic_file::directory_of,
    error::Context,
    library::{FailedFile, LibraryInfo, Micros, Song},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The work that a power failure may lose; a kill loses none.
const SYNC_EVERY: Duration = Duration::from_secs(2);
/// Bounds the memory for a damaged journal.
const LONGEST_LINE: u64 = 16 << 20;
const VERSION: u32 = 3;

/// The outcome of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// It was analyzed.
    Song(Box<Song>),
    /// It failed.
    Failed(FailedFile),
}

impl Record {
    pub(super) fn key(&self) -> FileKey {
        match self {
            Self::Song(song) => key_of(song),
            Self::Failed(failed) => key_of_failed(failed),
        }
    }

    fn stamp(&self) -> Stamp {
        match self {
            Self::Song(song) => (song.size_bytes, song.modified),
            Self::Failed(file) => (file.size_bytes, file.modified),
        }
    }
}

/// Size and time of a file.
type Stamp = (u64, Option<Micros>);

/// The bytes of a record in the journal, and the version of the file that it is about.
type Entry = (Range<u64>, Stamp);

/// The journal of a library, locked by this run.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    end: u64,
    entries: HashMap<FileKey, Entry>,
    /// Whether records of an interrupted run were discarded.
    pub(super) discarded: bool,
    /// Whether the journal stays on disk as it is.
    read_only: bool,
    last_sync: Instant,
}

impl Journal {
    /// Opens or creates the journal of the library at `target` (symbolic links resolved), locks it, and removes temporary
    /// files of a killed run. [`resume`](Self::resume) reads its records.
    ///
    /// # Errors
    /// When another run holds the lock, or the library's directory cannot be written.
    pub(super) fn lock(target: &Path) -> Result<Self> {
        let path = Self::path_of(target);
        let file = loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path);
            let unwritable = "cannot write in the library's directory";
            let file = file.context_at(ErrorKind::Io, &path, unwritable)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let message = "another circumplex process is writing this library; wait for it, or choose another \
                                   file with -o";
                    return Err(Error::new(ErrorKind::Library, message).with_path(target));
                }
                // A file system without locks.
                Err(TryLockError::Error(_)) => break file,
            }
            // The run that held the lock may have removed the file: the lock would then protect nothing.
            if is_still_at(&file, &path) {
                break file;
            }
        };
        remove_leftovers(target);
        Ok(Self {
            file,
            path,
            end: 0,
            entries: HashMap::new(),
            discarded: false,
            // Until its records are read.
            read_only: true,
            last_sync: Instant::now(),
        })
    }

    /// Locks the journal of a library and reads its records.
    ///
    /// # Errors
    /// Those of [`lock`](Self::lock) and [`resume`](Self::resume).
    pub fn open(target: &Path, info: &LibraryInfo) -> Result<Self> {
        let mut journal = Self::lock(target)?;
        journal.resume(info, false)?;
        Ok(journal)
    }

    /// Reads the records of an interrupted run up to the first incomplete one. All are discarded if they are of another
    /// format, model or preprocessing than `info`. With `read_only` the file stays as it is.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub(super) fn resume(&mut self, info: &LibraryInfo, read_only: bool) -> Result<()> {
        self.read_only = read_only;
        let header = header(info);
        let copy = self.file.try_clone();
        let mut reader = BufReader::new(copy.context_at(ErrorKind::Io, &self.path, UNREADABLE)?);
        let mut line = Vec::new();
        let length = read_line(&mut reader, &mut line, &self.path)?;
        if parse_line(&line) != Some(header.as_bytes()) {
            self.discarded = length > 0 && read_line(&mut reader, &mut line, &self.path)? > 0;
            return if read_only { Ok(()) } else { self.clear(info) };
        }
        self.end = length;
        loop {
            let length = read_line(&mut reader, &mut line, &self.path)?;
            let record = parse_line(&line).and_then(|json| serde_json::from_slice(json).ok());
            let Some(record) = record else { break };
            self.add_entry(&record, length);
        }
        if read_only {
            return Ok(());
        }
        let truncated = self.file.set_len(self.end);
        truncated.context_at(ErrorKind::Io, &self.path, UNWRITABLE)
    }

    /// The path of the journal of a library.
    pub fn path_of(target: &Path) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(".journal");
        target.with_file_name(name)
    }

    /// Whether an interrupted or running analysis has records that are not in the library yet.
    pub(crate) fn has_records(target: &Path) -> bool {
        let path = Self::path_of(target);
        let Ok(file) = File::open(&path) else {
            return false;
        };
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        // The first line is the header.
        (0..2).all(|_| read_line(&mut reader, &mut line, &path).is_ok_and(|length| length > 0))
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether there is a record for this version of a file.
    pub(super) fn contains(&self, key: &FileKey, size: u64, modified: Option<Micros>) -> bool {
        let entry = self.entries.get(key);
        entry.is_some_and(|(_, stamp)| *stamp == (size, modified))
    }

    /// Adds a record. It survives the end of this program at once, and that of the system within seconds.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn append(&mut self, record: &Record) -> Result<()> {
        let json = serde_json::to_string(record);
        let json = json.context_at(ErrorKind::Internal, &self.path, UNWRITABLE)?;
        let length = self.write_line(&json)?;
        self.add_entry(record, length);
        if self.last_sync.elapsed() >= SYNC_EVERY {
            let synced = self.file.sync_data();
            synced.context_at(ErrorKind::Io, &self.path, UNWRITABLE)?;
            self.last_sync = Instant::now();
        }
        Ok(())
    }

    fn add_entry(&mut self, record: &Record, length: u64) {
        let start = self.end;
        self.end += length;
        let entry = (start..self.end, record.stamp());
        self.entries.insert(record.key(), entry);
    }

    /// The record of a file.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub(super) fn read(&mut self, key: &FileKey) -> Result<Record> {
        let damaged = || Error::new(ErrorKind::Damaged, UNREADABLE).with_path(&self.path);
        let (bytes, _) = self.entries.get(key).ok_or_else(damaged)?;
        let (mut line, length) = (Vec::new(), bytes.end - bytes.start);
        self.file
            .seek(SeekFrom::Start(bytes.start))
            .and_then(|_| (&self.file).take(length).read_to_end(&mut line))
            .context_at(ErrorKind::Io, &self.path, UNREADABLE)?;
        let record = parse_line(&line).and_then(|json| serde_json::from_slice(json).ok());
        record.ok_or_else(damaged)
    }

    /// Removes all records.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(super) fn clear(&mut self, info: &LibraryInfo) -> Result<()> {
        self.entries.clear();
        self.end = 0;
        let emptied = self.file.set_len(0);
        emptied.context_at(ErrorKind::Io, &self.path, UNWRITABLE)?;
        self.end = self.write_line(&header(info))?;
        Ok(())
    }

    /// Removes the journal, once its records are in the library.
    pub(crate) fn remove(mut self) {
        self.entries.clear();
        self.read_only = false;
        // Dropping it removes the file.
    }

    fn write_line(&mut self, json: &str) -> Result<u64> {
        let line = format!("{} {json}\n", checksum(json.as_bytes()));
        self.file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(line.as_bytes()))
            .context_at(ErrorKind::Io, &self.path, UNWRITABLE)?;
        Ok(line.len() as u64)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let is_new = (self.file.metadata()).is_ok_and(|metadata| metadata.len() == 0);
        if self.entries.is_empty() && (is_new || !self.read_only) {
            // Still locked. If it cannot be removed, the next run reads it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

const UNWRITABLE: &str = "cannot write the journal; free some disk space and run the same command again (finished files are \
                          kept)";
const UNREADABLE: &str = "cannot read the journal; remove it and run the same command again";

/// The first line: what the records depend on.
fn header(info: &LibraryInfo) -> String {
    let mut header = serde_json::json!({
        "journal": VERSION,
        "model": info.model.identity,
        "preprocessing": info.preprocessing,
        "program": info.program,
    });
    if info.timeline {
        header["timeline"] = true.into();
    }
    header.to_string()
}

/// Reads a line with its line break; returns its length.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>, path: &Path) -> Result<u64> {
    line.clear();
    let read = reader.take(LONGEST_LINE).read_until(b'\n', line);
    Ok(read.context_at(ErrorKind::Io, path, UNREADABLE)? as u64)
}

/// The first eight hexadecimal digits of the SHA-256 of a record.
fn checksum(json: &[u8]) -> String {
    format!("{:x}", Sha256::digest(json))[..8].to_owned()
}

/// The JSON of a complete line with the right checksum.
fn parse_line(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, json) = (line.get(..8)?, line.get(9..)?);
    (sum == checksum(json).as_bytes()).then_some(json)
}

#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// On other systems an open file cannot be removed.
#[cfg(not(unix))]
fn is_still_at(_file: &File, _path: &Path) -> bool {
    true
}

/// Removes the temporary files of a killed run: `.<name>.<random>.tmp`. Called under the lock, so nobody uses them.
fn remove_leftovers(target: &Path) {
    let mut prefix = OsString::from(".");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push(".");
    for entry in fs::read_dir(directory_of(target))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let rest = name.strip_prefix(prefix.as_encoded_bytes());
        let middle = rest.and_then(|rest| rest.strip_suffix(b".tmp"));
        if middle.is_some_and(|m| m.len() == 6 && m.iter().all(u8::is_ascii_alphanumeric)) {
            // If it cannot be removed, the next run tries again.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests;

//! What a run has done so far, on the disk, so that a run that is killed goes on where it stopped.
//!
//! A hidden file beside the library, `.<name>.journal`: one record a line, each with its checksum before it. It is locked
//! while a run works on the library, and removed when the library is in its place.

use crate::library::{FailedFile, LibraryInfo, Micros, SongRow};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How much work a power failure may cost; a kill costs none.
const SYNC_EVERY: Duration = Duration::from_secs(2);
/// No line is longer: a damaged journal cannot make the program eat memory.
const LONGEST_LINE: u64 = 16 << 20;

/// The journal cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// When another run works on the same library.
    #[error(
        "{}: another run of circumplex is writing this library; wait until it is done, or give another name with -o",
        library.display()
    )]
    Busy { library: PathBuf },
    /// When the journal cannot be made beside the library: the folder is absent or may not be written.
    #[error("{}: cannot write in the folder of the library", path.display())]
    Create {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// When the disk is full or fails. What was done before is kept.
    #[error(
        "{}: cannot record what is done; what was recorded before is kept: free some room and run the same command again",
        path.display()
    )]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// When a record cannot be read back.
    #[error("{}: cannot read back what was done; remove the file and run the same command again", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// One file's outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// It was analysed.
    Song(Box<SongRow>),
    /// It failed.
    Failed(FailedFile),
}

impl Record {
    fn stamp(&self) -> (OsString, u64, Option<Micros>) {
        match self {
            Record::Song(row) => (row.file().into(), row.size_bytes, row.modified),
            Record::Failed(file) => (file.file().into(), file.size_bytes, file.modified),
        }
    }
}

#[derive(Debug, Clone)]
struct Place {
    offset: u64,
    length: u64,
    size: u64,
    modified: Option<Micros>,
}

/// The journal of a library, locked by this run.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    end: u64,
    places: HashMap<OsString, Place>,
    last_sync: Instant,
}

impl Journal {
    /// Opens or makes the journal of the library at `target` (symbolic links resolved) and locks it. Records of a run that
    /// was killed are taken over where they were made by the model and preprocessing of `info`; a last record that was cut
    /// off is dropped. Temporary files that a killed run left are removed.
    ///
    /// # Errors
    /// [`JournalError::Busy`], [`JournalError::Create`], [`JournalError::Write`], [`JournalError::Read`].
    pub fn open(target: &Path, info: &LibraryInfo) -> Result<Self, JournalError> {
        let path = Self::path_of(target);
        let create_error = |source| JournalError::Create {
            path: path.clone(),
            source,
        };
        let file = loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(create_error)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(JournalError::Busy {
                        library: target.to_owned(),
                    });
                }
                // A file system without locks: go on without.
                Err(TryLockError::Error(_)) => break file,
            }
            // The run that held the lock may have removed the file in between: the lock would then guard nothing.
            if is_still_at(&file, &path) {
                break file;
            }
        };
        remove_leftovers(target);
        let mut journal = Self {
            file,
            path,
            end: 0,
            places: HashMap::new(),
            last_sync: Instant::now(),
        };
        journal.take_over(&header(info))?;
        Ok(journal)
    }

    /// Where the journal of a library stands.
    pub fn path_of(target: &Path) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(".journal");
        target.with_file_name(name)
    }

    /// Whether a run that was stopped or still goes on has left outcomes beside the library, which are not in it yet.
    pub fn holds_work(target: &Path) -> bool {
        let Ok(file) = File::open(Self::path_of(target)) else {
            return false;
        };
        // Behind the first line, which says what the records depend on.
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        (0..2).all(|_| {
            line.clear();
            let read = (&mut reader)
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line);
            read.is_ok_and(|length| length > 0)
        })
    }

    /// Number of files that have an outcome.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether no file has an outcome.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether the file has an outcome for this size and time.
    pub fn knows(&self, path: &Path, size: u64, modified: Option<Micros>) -> bool {
        self.places
            .get(path.as_os_str())
            .is_some_and(|place| place.size == size && place.modified == modified)
    }

    /// Adds an outcome. It survives this program's end at once, and that of the system after some seconds.
    ///
    /// # Errors
    /// [`JournalError::Write`].
    pub fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        let json = serde_json::to_string(record).map_err(|e| self.write_error(e.into()))?;
        let (path, size, modified) = record.stamp();
        let offset = self.end;
        self.write_line(&json)?;
        let place = Place {
            offset,
            length: self.end - offset,
            size,
            modified,
        };
        self.places.insert(path, place);
        if self.last_sync.elapsed() >= SYNC_EVERY {
            self.file
                .sync_data()
                .map_err(|source| self.write_error(source))?;
            self.last_sync = Instant::now();
        }
        Ok(())
    }

    /// The outcome of a file.
    ///
    /// # Errors
    /// [`JournalError::Read`].
    pub fn read(&mut self, path: &Path) -> Result<Option<Record>, JournalError> {
        let Some(place) = self.places.get(path.as_os_str()).cloned() else {
            return Ok(None);
        };
        let mut line = Vec::new();
        let read = self
            .file
            .seek(SeekFrom::Start(place.offset))
            .and_then(|_| (&self.file).take(place.length).read_to_end(&mut line));
        let record = read.and_then(|_| {
            parse_line(&line)
                .and_then(|json| serde_json::from_slice(json).ok())
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a damaged record"))
        });
        record.map(Some).map_err(|source| JournalError::Read {
            path: self.path.clone(),
            source,
        })
    }

    /// Forgets all outcomes.
    ///
    /// # Errors
    /// [`JournalError::Write`].
    pub fn clear(&mut self, info: &LibraryInfo) -> Result<(), JournalError> {
        self.places.clear();
        self.begin(&header(info))
    }

    /// Removes the journal: its library is in its place.
    pub fn remove(mut self) {
        self.places.clear();
        // Dropped empty, it goes.
    }

    /// Reads what a run before this one recorded. What does not belong to this model is dropped, and so is everything
    /// after a line that is not whole.
    fn take_over(&mut self, header: &str) -> Result<(), JournalError> {
        let read_error = |path: &Path, source| JournalError::Read {
            path: path.to_owned(),
            source,
        };
        let copy = self
            .file
            .try_clone()
            .map_err(|e| read_error(&self.path, e))?;
        let mut reader = BufReader::new(copy);
        let mut line = Vec::new();
        let mut next = |line: &mut Vec<u8>| {
            line.clear();
            (&mut reader)
                .take(LONGEST_LINE)
                .read_until(b'\n', line)
                .map_err(|e| read_error(&self.path, e))
        };
        let length = next(&mut line)?;
        if parse_line(&line) != Some(header.as_bytes()) {
            return self.begin(header);
        }
        self.end = length as u64;
        loop {
            let length = next(&mut line)? as u64;
            let record =
                parse_line(&line).and_then(|json| serde_json::from_slice::<Record>(json).ok());
            let Some(record) = record else { break };
            let (path, size, modified) = record.stamp();
            let place = Place {
                offset: self.end,
                length,
                size,
                modified,
            };
            self.places.insert(path, place);
            self.end += length;
        }
        self.file
            .set_len(self.end)
            .map_err(|source| self.write_error(source))
    }

    fn begin(&mut self, header: &str) -> Result<(), JournalError> {
        self.end = 0;
        self.file
            .set_len(0)
            .map_err(|source| self.write_error(source))?;
        self.write_line(header)
    }

    fn write_line(&mut self, json: &str) -> Result<(), JournalError> {
        let line = format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()));
        self.file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(line.as_bytes()))
            .map_err(|source| self.write_error(source))?;
        self.end += line.len() as u64;
        Ok(())
    }

    fn write_error(&self, source: io::Error) -> JournalError {
        JournalError::Write {
            path: self.path.clone(),
            source,
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if self.places.is_empty() {
            // Still under the lock. Where it cannot be removed, the next run will take it over.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The first line: what the records depend on.
fn header(info: &LibraryInfo) -> String {
    let mut header = serde_json::json!({
        "journal": 1,
        "model": info.model.identity,
        "preprocessing": info.preprocessing,
        "program": info.program,
    });
    if info.timeline {
        header["timeline"] = true.into();
    }
    header.to_string()
}

/// The JSON of a whole line with the right checksum.
fn parse_line(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, json) = (line.get(..8)?, line.get(9..)?);
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    (sum == crc32fast::hash(json)).then_some(json)
}

#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Elsewhere an open file cannot be removed by another.
#[cfg(not(unix))]
fn is_still_at(_file: &File, _path: &Path) -> bool {
    true
}

/// Removes what a killed run left beside the library: `.<name>.<random>.tmp`. Called under the lock, so nobody uses them.
fn remove_leftovers(target: &Path) {
    let mut prefix = OsString::from(".");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push(".");
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let middle = name
            .strip_prefix(prefix.as_encoded_bytes())
            .and_then(|rest| rest.strip_suffix(b".tmp"));
        if middle.is_some_and(|m| m.len() == 6 && m.iter().all(u8::is_ascii_alphanumeric)) {
            // Left for the next time where it cannot be removed.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests;

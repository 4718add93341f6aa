//! The file of a cache.
//!
//! The file only ever grows. It is a head and then one record per song:
//!
//! | bytes | head | record |
//! |---|---|---|
//! | 0..8 | magic `CxSpecF1` | magic `CxSpecR1` |
//! | 8..40 | hash of the configuration | key: hash of the song's path, size and time |
//! | 40..44 | bands | bands |
//! | 44..48 | 0 | frames |
//! | 48..52 | 0 | CRC-32 of the values |
//! | 60..64 | CRC-32 of bytes 0..60 | CRC-32 of bytes 0..60 |
//!
//! A record's head is followed by its values, 16-bit floats in little endian, row-major `[frames, bands]`, and zeros up
//! to the next multiple of 64. A run that was interrupted leaves a piece of a record at the end, damage leaves wrong
//! checksums; both are passed over on the next opening and only the songs that they hit are computed again. Building
//! happens under a lock, so a second run waits and then finds the work done. Nothing that another run has mapped is
//! ever changed: a song that must be computed again is appended.

use super::{CacheError, CacheProgress, FailedSong};
use crate::{
    dataset::whole_song,
    mel::{MelConfig, MelExtractor},
};
use half::f16;
use memmap2::Mmap;
use rayon::prelude::*;
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use zerocopy::IntoBytes;

pub(super) const FILE_MAGIC: &[u8; 8] = b"CxSpecF1";
const RECORD_MAGIC: &[u8; 8] = b"CxSpecR1";
const HEAD: usize = 64;

/// Where a song's values lie.
pub(super) struct Record {
    /// Offsets in the file.
    pub(super) values: Range<u64>,
    crc: u32,
}

/// The file, open for reading and appending.
pub(super) struct Store {
    path: PathBuf,
    file: File,
    bands: usize,
}

impl Store {
    pub(super) fn fault(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> CacheError {
        let path = path.to_owned();
        move |source| CacheError::Io {
            path,
            doing,
            source,
        }
    }

    /// Opens the file; where there is none, or its head is damaged, a new one takes its place.
    pub(super) fn open(path: &Path, identity: &[u8; 32], bands: usize) -> Result<Self, CacheError> {
        let head = head(FILE_MAGIC, identity, bands, 0, 0);
        let is_good = match File::open(path) {
            Ok(mut file) => {
                let mut found = [0; HEAD];
                file.read_exact(&mut found).is_ok() && found == head
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(Self::fault(path, "opening the cache")(error)),
        };
        if !is_good {
            // A new file under the old name: another run may have the old one mapped.
            let fresh = path.with_extension("new");
            fs::write(&fresh, head).map_err(Self::fault(&fresh, "writing the cache"))?;
            fs::rename(&fresh, path).map_err(Self::fault(path, "renaming the cache"))?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(Self::fault(path, "opening the cache"))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            bands,
        })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// All records with a sound head, by key; the last of several with one key. Where a head is wrong, the next sound
    /// one is looked for at every multiple of 64 bytes. Second, where the file's usable part ends: before a record
    /// whose values are not all there, which an interrupted run has left.
    pub(super) fn records(&mut self) -> Result<(HashMap<[u8; 32], Record>, u64), CacheError> {
        let (path, bands) = (&self.path, self.bands);
        let fault = || Self::fault(path, "reading the cache");
        let length = self.file.metadata().map_err(fault())?.len();
        let mut records = HashMap::new();
        let mut reader = BufReader::with_capacity(4096, &mut self.file);
        let mut at = HEAD as u64;
        reader.seek(SeekFrom::Start(at)).map_err(fault())?;
        let mut bytes = [0; HEAD];
        while at + HEAD as u64 <= length {
            reader.read_exact(&mut bytes).map_err(fault())?;
            let Some((key, frames, crc)) = parse_head(&bytes, bands) else {
                at += HEAD as u64;
                continue;
            };
            let values = at + HEAD as u64..at + (HEAD + frames * bands * size_of::<f16>()) as u64;
            if values.end > length {
                return Ok((records, at));
            }
            let next = values.end.next_multiple_of(HEAD as u64);
            reader
                .seek_relative((next - values.start) as i64)
                .map_err(fault())?;
            at = next;
            records.insert(key, Record { values, crc });
        }
        Ok((records, length))
    }

    /// Cuts an unfinished record off, and stands at the end of the file, at a multiple of 64.
    pub(super) fn truncate(&mut self, end: u64) -> Result<(), CacheError> {
        let path = &self.path;
        let fault = || Self::fault(path, "preparing the cache for writing");
        self.file.set_len(end).map_err(fault())?;
        self.file.seek(SeekFrom::End(0)).map_err(fault())?;
        let padding = end.next_multiple_of(HEAD as u64) - end;
        self.file
            .write_all(&[0; HEAD][..padding as usize])
            .map_err(fault())
    }

    /// Computes the songs `missing` of `files` in parallel and appends each as soon as it is done.
    pub(super) fn build(
        &mut self,
        files: &[PathBuf],
        keys: &[[u8; 32]],
        missing: &[usize],
        mel: &MelConfig,
        ready: usize,
        progress: &(impl Fn(CacheProgress) + Sync),
    ) -> Result<(), CacheError> {
        let writer = self
            .file
            .try_clone()
            .map_err(Self::fault(&self.path, "opening the cache"))?;
        let writer = Mutex::new(writer);
        let (done, stop) = (AtomicUsize::new(ready), AtomicBool::new(false));
        let extractor = || MelExtractor::new(mel);
        let one = |extractor: &mut Result<MelExtractor, crate::Error>, index: usize| {
            let Ok(extractor) = extractor else {
                return Ok(None); // The settings were validated before.
            };
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let mut values = Vec::new();
            let result = whole_song(&files[index], extractor, &mut values);
            let failed = match result {
                Ok(frames) => {
                    let record = record(&keys[index], self.bands, frames, &values);
                    let mut writer = writer.lock().unwrap_or_else(|e| e.into_inner());
                    if let Err(source) = writer.write_all(&record) {
                        stop.store(true, Ordering::Relaxed);
                        return Err(Self::fault(&self.path, "writing the cache")(source));
                    }
                    None
                }
                Err(error) => Some(FailedSong {
                    index,
                    path: files[index].clone(),
                    error,
                }),
            };
            progress(CacheProgress::Song {
                done: done.fetch_add(1, Ordering::Relaxed) + 1,
                total: files.len(),
            });
            Ok(failed)
        };
        let outcomes: Vec<Option<FailedSong>> = missing
            .par_iter()
            // One song at a time: a long one must not keep others waiting behind it.
            .with_max_len(1)
            .map_init(extractor, |extractor, index| one(extractor, *index))
            .collect::<Result<_, CacheError>>()?;
        self.file
            .sync_data()
            .map_err(Self::fault(&self.path, "writing the cache"))?;
        let failed: Vec<FailedSong> = outcomes.into_iter().flatten().collect();
        if !failed.is_empty() {
            return Err(CacheError::Songs {
                failed,
                total: files.len(),
            });
        }
        Ok(())
    }
}

/// Key, frames and checksum of a record, where these bytes are the head of one.
fn parse_head(bytes: &[u8; HEAD], bands: usize) -> Option<([u8; 32], usize, u32)> {
    let number = |at: usize| {
        let four = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(four))
    };
    let is_head = bytes.starts_with(RECORD_MAGIC)
        && number(60)? == crc32fast::hash(&bytes[..60])
        && number(40)? as usize == bands;
    let key = bytes.get(8..40)?.try_into().ok()?;
    is_head.then_some((key, number(44)? as usize, number(48)?))
}

/// Whether a record's values have their checksum. Read in pieces, not through a map, so that checking a large cache
/// takes no memory.
pub(super) fn is_sound(file: &mut File, record: &Record) -> io::Result<bool> {
    file.seek(SeekFrom::Start(record.values.start))?;
    let mut values = file.take(record.values.end - record.values.start);
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = values.read(&mut buffer)?;
        if read == 0 {
            return Ok(values.limit() == 0 && hasher.finalize() == record.crc);
        }
        hasher.update(&buffer[..read]);
    }
}

fn head(magic: &[u8; 8], hash: &[u8; 32], bands: usize, frames: usize, crc: u32) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(magic);
    head[8..40].copy_from_slice(hash);
    head[40..44].copy_from_slice(&(bands as u32).to_le_bytes());
    head[44..48].copy_from_slice(&(frames as u32).to_le_bytes());
    head[48..52].copy_from_slice(&crc.to_le_bytes());
    let own = crc32fast::hash(&head[..60]);
    head[60..].copy_from_slice(&own.to_le_bytes());
    head
}

fn record(key: &[u8; 32], bands: usize, frames: usize, values: &[f16]) -> Vec<u8> {
    let values = values.as_bytes();
    let mut record = Vec::with_capacity((HEAD + values.len()).next_multiple_of(HEAD));
    record.extend(head(
        RECORD_MAGIC,
        key,
        bands,
        frames,
        crc32fast::hash(values),
    ));
    record.extend(values);
    record.resize(record.len().next_multiple_of(HEAD), 0);
    record
}

/// Maps the whole file for reading.
#[allow(unsafe_code)]
pub(super) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: a map is unsound only where bytes that are read through it change or vanish. This program never changes
    // bytes that a cache file already has: it appends, or puts a new file in the old one's place by renaming. It takes
    // away only a record at the end whose values were never written whole, and such a record no one reads. Values are
    // read as 16-bit floats, for which every bit pattern is valid.
    unsafe { Mmap::map(file) }
}

//! Spectrograms of whole songs, computed once and kept in one file per spectrogram configuration.
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

use super::{SongError, columns::hex, whole::whole_song};
use crate::{
    mel::{MelConfig, MelError, MelExtractor},
    model::Preprocessing,
};
use half::f16;
use memmap2::Mmap;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::UNIX_EPOCH,
};
use zerocopy::{FromBytes, IntoBytes};

const FILE_MAGIC: &[u8; 8] = b"CxSpecF1";
const RECORD_MAGIC: &[u8; 8] = b"CxSpecR1";
const HEAD: usize = 64;

/// Raise it whenever decoding, resampling or the spectrogram changes what comes out for the same settings.
const CHAIN_VERSION: u32 = 1;

/// Why spectrograms cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Happens when the system refuses to read, write, lock or map.
    #[error("{}: {doing} failed", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// Happens when the spectrogram's settings make no sense.
    #[error(transparent)]
    Mel(#[from] MelError),
    /// Happens when songs cannot be decoded. All others are in the cache by then: leave these out and ask again.
    #[error("{} of {total} songs cannot be decoded; the first: {}", .failed.len(), .failed.first().map(|f| f.error.to_string()).unwrap_or_default())]
    Songs {
        /// The songs, in the order of the list that was asked for.
        failed: Vec<FailedSong>,
        /// Songs asked for.
        total: usize,
    },
}

/// A song that cannot be decoded.
#[derive(Debug)]
pub struct FailedSong {
    /// Its place in the list that was asked for.
    pub index: usize,
    /// Its file.
    pub path: PathBuf,
    /// Why.
    pub error: SongError,
}

/// How far [`SpectrogramCache::open_or_build`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheProgress {
    /// Another run is building; waits until it is done.
    Waiting,
    /// What is in the cache has been checked.
    Checked {
        /// Songs that are there and sound.
        ready: usize,
        /// Songs whose values were damaged and are computed again.
        damaged: usize,
        /// Songs asked for.
        total: usize,
    },
    /// A song has been computed and stored, or found undecodable.
    Song {
        /// Songs that are done, those found ready included.
        done: usize,
        /// Songs asked for.
        total: usize,
    },
}

/// Log-mel spectrograms of a list of songs, mapped from a file: memory is taken only by what is looked at, and the system
/// may take it back.
#[derive(Debug)]
pub struct SpectrogramCache {
    path: PathBuf,
    map: Mmap,
    /// Where each song's values lie.
    songs: Vec<Range<usize>>,
    bands: usize,
}

impl SpectrogramCache {
    /// Opens the cache in `dir` for these settings and makes it hold all of `files`: what is missing, changed (by size
    /// or time) or damaged is computed in parallel. Song `i` of the cache is `files[i]`. Memory while building: a few
    /// megabytes per thread and the spectrogram of the song at hand, 11 kB per second of sound at the usual settings.
    ///
    /// `progress` is called from several threads.
    ///
    /// # Errors
    /// [`CacheError::Songs`] where songs cannot be decoded, after all others have been stored; [`CacheError::Io`];
    /// [`CacheError::Mel`].
    pub fn open_or_build(
        dir: &Path,
        preprocessing: &Preprocessing,
        files: &[PathBuf],
        progress: impl Fn(CacheProgress) + Sync,
    ) -> Result<Self, CacheError> {
        let mel = &preprocessing.mel;
        mel.validate()?;
        let fault = |doing| {
            move |source| CacheError::Io {
                path: dir.to_owned(),
                doing,
                source,
            }
        };
        fs::create_dir_all(dir).map_err(fault("making the folder"))?;
        let identity = configuration_hash(mel);
        let path = dir.join(format!("spectrograms-{}.cache", &hex(&identity)[..16]));
        let keys = files
            .iter()
            .map(|file| song_key(file))
            .collect::<Result<Vec<_>, _>>()?;

        let _lock = lock(&path.with_extension("lock"), &progress)?;
        let mut store = Store::open(&path, &identity, mel.n_mels)?;
        let (records, end) = store.records();
        let found: Vec<Option<&Record>> = keys.iter().map(|key| records.get(key)).collect();
        let sound: Vec<bool> = found
            .par_iter()
            .map(|record| record.is_some_and(|r| store.is_sound(r)))
            .collect();
        let ready = sound.iter().filter(|s| **s).count();
        progress(CacheProgress::Checked {
            ready,
            damaged: found
                .iter()
                .zip(&sound)
                .filter(|(r, s)| r.is_some() && !**s)
                .count(),
            total: files.len(),
        });
        // A file that is listed twice is computed once.
        let mut missing: HashMap<[u8; 32], usize> = HashMap::new();
        for (i, key) in keys.iter().enumerate().filter(|(i, _)| !sound[*i]) {
            missing.entry(*key).or_insert(i);
        }
        let mut missing: Vec<usize> = missing.into_values().collect();
        missing.sort_unstable();
        if !missing.is_empty() {
            store.truncate(end)?;
            store.build(files, &keys, &missing, mel, ready, &progress)?;
        }
        let (records, _) = store.records();
        let songs = keys
            .iter()
            .map(|key| records.get(key).map(|r| r.values.clone()))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| CacheError::Io {
                path: path.clone(),
                doing: "reading back what was written",
                source: io::Error::other("a song that was just stored is not there"),
            })?;
        Ok(Self {
            path,
            map: store.map,
            songs,
            bands: mel.n_mels,
        })
    }

    /// Number of songs.
    pub fn len(&self) -> usize {
        self.songs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.songs.is_empty()
    }

    /// Mel bands of every frame.
    pub fn bands(&self) -> usize {
        self.bands
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The spectrogram of the whole of song `index`, dB, row-major `[frames, bands]`, at least one frame.
    ///
    /// # Panics
    /// Where there is no such song.
    pub fn song(&self, index: usize) -> &[f16] {
        values(&self.map, &self.songs[index])
    }

    /// Frames of song `index`.
    ///
    /// # Panics
    /// Where there is no such song.
    pub fn frames(&self, index: usize) -> usize {
        self.songs[index].len() / size_of::<f16>() / self.bands
    }
}

/// Values of a record whose place was checked: it lies in the map and starts at a multiple of 64.
fn values<'a>(map: &'a Mmap, place: &Range<usize>) -> &'a [f16] {
    map.get(place.clone())
        .and_then(|bytes| <[f16]>::ref_from_bytes(bytes).ok())
        .unwrap_or_default()
}

fn configuration_hash(mel: &MelConfig) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(FILE_MAGIC);
    hash.update(CHAIN_VERSION.to_le_bytes());
    hash.update(mel.sample_rate.to_le_bytes());
    for size in [mel.n_fft, mel.hop_length, mel.n_mels] {
        hash.update((size as u64).to_le_bytes());
    }
    for frequency in [mel.f_min, mel.f_max] {
        hash.update(frequency.to_bits().to_le_bytes());
    }
    // Values lie in the file as this machine has them in memory.
    hash.update(1_u16.to_ne_bytes());
    hash.finalize().into()
}

fn song_key(file: &Path) -> Result<[u8; 32], CacheError> {
    let fault = |doing| {
        move |source| CacheError::Io {
            path: file.to_owned(),
            doing,
            source,
        }
    };
    let full = file.canonicalize().map_err(fault("finding the file"))?;
    let facts = fs::metadata(&full).map_err(fault("looking at the file"))?;
    let time = facts
        .modified()
        .ok()
        .and_then(|t| t.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |t| t.as_nanos());
    let mut hash = Sha256::new();
    hash.update(full.as_os_str().as_encoded_bytes());
    hash.update([0]);
    hash.update(facts.len().to_le_bytes());
    hash.update(time.to_le_bytes());
    Ok(hash.finalize().into())
}

/// Takes the lock that building needs; it ends with the file that is returned, also when the process is killed.
fn lock(path: &Path, progress: &impl Fn(CacheProgress)) -> Result<File, CacheError> {
    let fault = |doing| {
        move |source| CacheError::Io {
            path: path.to_owned(),
            doing,
            source,
        }
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(fault("opening the lock file"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            progress(CacheProgress::Waiting);
            file.lock().map_err(fault("locking the file"))?;
        }
        Err(fs::TryLockError::Error(source)) => return Err(fault("locking the file")(source)),
    }
    Ok(file)
}

/// Where a song's values lie.
struct Record {
    values: Range<usize>,
    crc: u32,
}

/// The file, open for appending, and its map.
struct Store {
    path: PathBuf,
    file: File,
    map: Mmap,
    bands: usize,
}

impl Store {
    fn fault(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> CacheError {
        let path = path.to_owned();
        move |source| CacheError::Io {
            path,
            doing,
            source,
        }
    }

    /// Opens the file; where there is none, or its head is damaged, a new one takes its place.
    fn open(path: &Path, identity: &[u8; 32], bands: usize) -> Result<Self, CacheError> {
        let head = head(FILE_MAGIC, identity, bands, 0, 0);
        let is_good = match File::open(path) {
            Ok(mut file) => {
                let mut found = [0; HEAD];
                io::Read::read_exact(&mut file, &mut found).is_ok() && found == head
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
        let map = map(&file).map_err(Self::fault(path, "mapping the cache"))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            map,
            bands,
        })
    }

    /// All records with a sound head, by key; the last of several with one key. Where a head is wrong, the next sound
    /// one is looked for at every multiple of 64 bytes. Second, where the file's usable part ends: before a record
    /// whose values are not all there, which an interrupted run has left.
    fn records(&self) -> (HashMap<[u8; 32], Record>, usize) {
        let mut records = HashMap::new();
        let mut at = HEAD;
        while let Some(bytes) = self.map.get(at..at + HEAD) {
            let Some((key, frames, crc)) = self.parse_head(bytes) else {
                at += HEAD;
                continue;
            };
            let length = frames * self.bands * size_of::<f16>();
            let values = at + HEAD..at + HEAD + length;
            if values.end > self.map.len() {
                return (records, at);
            }
            at = values.end.next_multiple_of(HEAD);
            records.insert(key, Record { values, crc });
        }
        (records, self.map.len())
    }

    fn parse_head(&self, bytes: &[u8]) -> Option<([u8; 32], usize, u32)> {
        let number = |at: usize| {
            bytes
                .get(at..at + 4)
                .and_then(|b| b.try_into().ok())
                .map(u32::from_le_bytes)
        };
        let is_head = bytes.starts_with(RECORD_MAGIC)
            && number(60)? == crc32fast::hash(&bytes[..60])
            && number(40)? as usize == self.bands;
        let key = bytes.get(8..40)?.try_into().ok()?;
        is_head.then_some((key, number(44)? as usize, number(48)?))
    }

    fn is_sound(&self, record: &Record) -> bool {
        self.map
            .get(record.values.clone())
            .is_some_and(|bytes| crc32fast::hash(bytes) == record.crc)
    }

    /// Cuts an unfinished record off, and stands at the end of the file, at a multiple of 64.
    fn truncate(&mut self, end: usize) -> Result<(), CacheError> {
        let fault = || Self::fault(&self.path, "preparing the cache for writing");
        self.file.set_len(end as u64).map_err(fault())?;
        self.file.seek(SeekFrom::End(0)).map_err(fault())?;
        let padding = end.next_multiple_of(HEAD) - end;
        self.file
            .write_all(&[0; HEAD][..padding])
            .map_err(fault())
    }

    /// Computes the songs `missing` of `files` in parallel and appends each as soon as it is done.
    fn build(
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
        let one = |extractor: &mut Result<MelExtractor, MelError>, index: usize| {
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
        self.map = map(&self.file).map_err(Self::fault(&self.path, "mapping the cache"))?;
        Ok(())
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
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: a map is unsound only where bytes that are read through it change or vanish. This program never changes
    // bytes that a cache file already has: it appends, or puts a new file in the old one's place by renaming. It takes
    // away only a record at the end whose values were never written whole, and such a record no one reads. Values are
    // read as 16-bit floats, for which every bit pattern is valid.
    unsafe { Mmap::map(file) }
}

//! Claims about the cache of spectrograms, on sounds that the tests make.

use super::*;
use crate::{
    mel::{MelConfig, MelExtractor, WindowRule},
    model::Preprocessing,
    test_tone::write_tone,
};
use half::f16;
use std::{fs, sync::Mutex};

const N: usize = 5;

fn preprocessing() -> Preprocessing {
    Preprocessing {
        mel: MelConfig {
            n_mels: 40,
            ..MelConfig::default()
        },
        window: WindowRule { length: 22_050 },
    }
}

struct Room {
    dir: tempfile::TempDir,
    files: Vec<PathBuf>,
}

impl Room {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> = (0..N)
            .map(|i| dir.path().join(format!("{i}.wav")))
            .collect();
        for (i, file) in files.iter().enumerate() {
            write_tone(file, 200.0 * (i + 1) as f32, 0.3 + 0.2 * i as f32);
        }
        Self { dir, files }
    }

    fn cache_dir(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    /// Opens the cache; returns it, the songs that were computed, and those found damaged.
    fn open(&self) -> (Result<SpectrogramCache, CacheError>, usize, usize) {
        let seen = Mutex::new((0, 0));
        let cache = SpectrogramCache::open_or_build(
            &self.cache_dir(),
            &preprocessing(),
            &self.files,
            |progress| match progress {
                CacheProgress::Song { .. } => seen.lock().unwrap().0 += 1,
                CacheProgress::Checked { damaged, .. } => seen.lock().unwrap().1 += damaged,
                CacheProgress::Waiting => {}
            },
        );
        let (computed, damaged) = seen.into_inner().unwrap();
        (cache, computed, damaged)
    }

    /// Opens the cache, checks every value, and says how many songs were computed and how many damaged.
    fn open_and_check(&self) -> (usize, usize) {
        let (cache, computed, damaged) = self.open();
        let cache = cache.unwrap();
        assert_eq!(cache.len(), self.files.len());
        for (i, file) in self.files.iter().enumerate() {
            assert!(cache.song(i) == expected(file), "song {i}");
            assert_eq!(cache.frames(i) * cache.bands(), cache.song(i).len());
        }
        (computed, damaged)
    }

    fn cache_file(&self) -> PathBuf {
        let is_cache = |p: &PathBuf| p.extension().is_some_and(|e| e == "cache");
        let mut entries = fs::read_dir(self.cache_dir())
            .unwrap()
            .map(|e| e.unwrap().path());
        entries.find(is_cache).unwrap()
    }

    fn change(&self, edit: impl FnOnce(&mut Vec<u8>)) {
        let path = self.cache_file();
        let mut bytes = fs::read(&path).unwrap();
        edit(&mut bytes);
        fs::write(path, bytes).unwrap();
    }
}

fn expected(file: &Path) -> Vec<f16> {
    let mut values = Vec::new();
    whole_song(
        file,
        &mut MelExtractor::new(&preprocessing().mel).unwrap(),
        &mut values,
    )
    .unwrap();
    values
}

/// Offsets of the record heads.
fn heads(bytes: &[u8]) -> Vec<usize> {
    (0..bytes.len())
        .step_by(64)
        .filter(|at| bytes[*at..].starts_with(b"CxSpecR1"))
        .collect()
}

#[test]
fn spectrograms_are_computed_once_and_found_again() {
    let room = Room::new();
    assert_eq!(room.open_and_check(), (N, 0));
    assert_eq!(room.open_and_check(), (0, 0));
}

#[test]
fn a_changed_file_is_computed_again_alone() {
    let room = Room::new();
    room.open_and_check();
    write_tone(&room.files[2], 3000.0, 0.5);
    assert_eq!(room.open_and_check(), (1, 0));
    assert_eq!(room.open_and_check(), (0, 0));
}

#[test]
fn damaged_values_are_noticed_and_computed_again() {
    let room = Room::new();
    room.open_and_check();
    room.change(|bytes| {
        let heads = heads(bytes);
        bytes[heads[1] + 100] ^= 4;
        let last = bytes.len() - 70;
        bytes[last] ^= 1;
    });
    assert_eq!(room.open_and_check(), (2, 2));
    assert_eq!(room.open_and_check(), (0, 0));
}

#[test]
fn a_damaged_record_head_costs_that_song_only() {
    let room = Room::new();
    room.open_and_check();
    room.change(|bytes| {
        let heads = heads(bytes);
        // The number of frames: everything behind would be misread if it were believed.
        bytes[heads[1] + 45] ^= 0xff;
    });
    assert_eq!(room.open_and_check().0, 1);
    assert_eq!(room.open_and_check(), (0, 0));
}

#[test]
fn an_interrupted_run_goes_on_where_it_stopped() {
    let room = Room::new();
    room.open_and_check();
    let whole = fs::read(room.cache_file()).unwrap();
    let heads = heads(&whole);
    assert_eq!(heads.len(), N);
    for (length, missing) in [
        (heads[3] + 1000, 2),
        (heads[3] + 30, 2),
        (heads[3], 2),
        (heads[4] + 64, 1),
        (64, N),
    ] {
        room.change(|bytes| *bytes = whole[..length].to_vec());
        assert_eq!(room.open_and_check().0, missing, "cut at {length}");
        assert_eq!(room.open_and_check(), (0, 0), "cut at {length}");
    }
}

#[test]
fn a_file_that_is_no_cache_is_replaced() {
    let room = Room::new();
    room.open_and_check();
    for content in [&b""[..], b"something else", &[0; 5000]] {
        room.change(|bytes| *bytes = content.to_vec());
        assert_eq!(room.open_and_check(), (N, 0));
    }
}

#[test]
fn two_runs_at_once_share_the_work_and_harm_nothing() {
    let room = Room::new();
    let computed: usize = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| room.open_and_check().0))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    assert_eq!(computed, N);
    assert_eq!(room.open_and_check(), (0, 0));
}

#[test]
fn a_cache_in_use_stays_as_it_is_while_another_run_repairs_the_file() {
    let room = Room::new();
    let (held, _, _) = room.open();
    let held = held.unwrap();
    write_tone(&room.files[0], 500.0, 1.0);
    let before: Vec<f16> = held.song(4).to_vec();
    room.open_and_check();
    assert!(held.song(4) == before);
}

#[test]
fn undecodable_songs_are_named_and_the_others_kept() {
    let mut room = Room::new();
    fs::write(
        &room.files[1],
        b"this is no sound at all, whatever its name says",
    )
    .unwrap();
    let (cache, _, _) = room.open();
    let Err(CacheError::Songs { failed, total }) = cache else {
        panic!("expected failed songs");
    };
    assert_eq!((failed.len(), failed[0].index, total), (1, 1, N));
    assert_eq!(failed[0].path, room.files[1]);
    room.files.remove(1);
    assert_eq!(room.open_and_check(), (0, 0));
    room.files.push(room.dir.path().join("absent.wav"));
    assert!(matches!(room.open().0, Err(CacheError::Io { .. })));
}

#[test]
fn other_settings_have_another_file_and_a_song_listed_twice_is_computed_once() {
    let mut room = Room::new();
    room.files.push(room.files[0].clone());
    assert_eq!(room.open_and_check().0, N);
    let first = room.cache_file();
    let mut other = preprocessing();
    other.mel.hop_length = 256;
    let cache =
        SpectrogramCache::open_or_build(&room.cache_dir(), &other, &room.files, |_| {}).unwrap();
    assert_ne!(cache.path(), first);
    assert!(cache.song(0).len() > expected(&room.files[0]).len());
    assert!(cache.song(0) == cache.song(N));
    // The window that a model cuts makes no difference to the spectrogram of the whole song.
    other.window.length = 1000;
    let same =
        SpectrogramCache::open_or_build(&room.cache_dir(), &other, &room.files, |_| {}).unwrap();
    assert_eq!(same.path(), cache.path());
}

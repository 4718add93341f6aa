//! Updates with a made-up analysis.

use super::{run::tests::a_song, *};
use crate::{
    contain::silence_caught_panics,
    library::{Column, Columns, INFO_KEY, Library, LibraryInfo, LibraryWriter, ModelStamp, Song},
};
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::{
    arrow::ArrowWriter,
    file::{metadata::KeyValue, properties::WriterProperties},
};
use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

struct World {
    directory: tempfile::TempDir,
    model: &'static str,
    options: UpdateOptions,
    exclude: Vec<&'static str>,
    cue: bool,
    analyzed: Mutex<Vec<String>>,
}

impl World {
    fn new(files: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("music")).unwrap();
        let world = Self {
            directory,
            model: "a",
            options: UpdateOptions::default(),
            exclude: Vec::new(),
            cue: false,
            analyzed: Mutex::default(),
        };
        for n in 0..files {
            fs::write(world.music(&format!("{n:03}.mp3")), format!("song {n}")).unwrap();
        }
        world
    }

    fn music(&self, name: &str) -> PathBuf {
        self.directory.path().join("music").join(name)
    }

    fn target(&self) -> PathBuf {
        self.directory.path().join("library.parquet")
    }

    fn scan_options(&self) -> ScanOptions {
        let exclude = self.exclude.iter().map(|pattern| (*pattern).to_owned());
        ScanOptions {
            roots: vec![self.directory.path().join("music")],
            exclude: Patterns::new(exclude).unwrap(),
            cue: self.cue,
            ..ScanOptions::default()
        }
    }

    fn info(&self) -> LibraryInfo {
        let model = ModelStamp {
            identity: self.model.to_owned(),
            name: format!("model-{}", self.model),
        };
        LibraryInfo::new(model, serde_json::json!({}))
    }

    /// Updates; stops after `most` files. `analyzed` has the names of the analyzed files, sorted.
    fn update(&self, most: usize) -> crate::Result<Report> {
        self.analyzed.lock().unwrap().clear();
        let listing = scan(&self.scan_options()).unwrap();
        let mut update = Update::open(&self.target(), self.info(), 4, false)?;
        let plan = update.plan(&listing, self.options)?;
        let stop = AtomicBool::new(false);
        let mut done = 0;
        let report = update.run(
            &listing,
            plan,
            self.options,
            NonZeroUsize::MIN,
            &stop,
            |file| {
                let name = file.path.file_name().unwrap().to_str().unwrap().to_owned();
                self.analyzed.lock().unwrap().push(name.clone());
                assert!(!name.starts_with("broken"), "cannot decode");
                Ok(a_song())
            },
            |_, _| {
                done += 1;
                stop.store(done >= most, Ordering::Relaxed);
            },
        );
        self.analyzed.lock().unwrap().sort();
        report
    }

    fn analyzed(&self) -> Vec<String> {
        self.analyzed.lock().unwrap().clone()
    }

    fn names(&self) -> Vec<String> {
        let library = Library::open(self.target()).unwrap();
        let songs = library.songs(Columns::FILE).map(Result::unwrap);
        songs
            .map(|song| {
                let name = song.path.file_name().unwrap();
                name.to_str().unwrap().to_owned()
            })
            .collect()
    }

    /// Replaces the library by one of format version 1: notes instead of facts, and the number of a track in its path.
    fn downgrade(&self) {
        let library = Library::open(self.target()).unwrap();
        let mut info = library.info().clone();
        info.format_version = 1;
        let mut songs: Vec<Song> = library.songs(Columns::ALL).map(Result::unwrap).collect();
        let notes = songs.iter_mut().map(|song| {
            song.path = song.unique_path().into_owned();
            let track = song.track.take()?;
            Some(format!("track {track}, 2 s from 0:{:02}", 2 * (track - 1)))
        });
        let notes: ArrayRef = Arc::new(notes.collect::<StringArray>());
        let path = self.directory.path().join("paths.parquet");
        let mut writer = LibraryWriter::create(&path, &info, 4).unwrap();
        songs
            .into_iter()
            .for_each(|song| writer.push(song).unwrap());
        writer.finish().unwrap();

        let library = Library::open(&path).unwrap();
        let columns: Vec<Column> = Column::ALL
            .into_iter()
            .filter(|column| !column.name().starts_with("track") && !column.is_fact())
            .filter(|column| !column.name().starts_with("excerpt"))
            .collect();
        let group = library.groups().next().unwrap();
        let mut batches = library.batches(&group, Columns::of(&columns), None);
        let (_, batch) = batches.next().unwrap().unwrap();
        let mut fields = batch.schema().fields().to_vec();
        fields.push(Arc::new(Field::new("note", DataType::Utf8, true)));
        let arrays = [batch.columns(), &[notes]].concat();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
        let footer = KeyValue::new(INFO_KEY.to_owned(), serde_json::to_string(&info).unwrap());
        let properties = WriterProperties::builder()
            .set_key_value_metadata(Some(vec![footer]))
            .build();
        let file = fs::File::create(self.target()).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        fs::remove_file(path).unwrap();
    }

    fn model_of_library(&self) -> String {
        let library = Library::open(self.target()).unwrap();
        library.info().model.identity.clone()
    }
}

#[test]
fn another_model_means_that_every_file_is_analyzed_again() {
    let mut world = World::new(5);
    world.update(usize::MAX).unwrap();
    world.model = "b";
    let update = Update::open(&world.target(), world.info(), 4, true).unwrap();
    let (old, rows) = update.incompatible.as_ref().unwrap();
    assert_eq!((old.model.name.as_str(), *rows), ("model-a", 5));
    drop(update);
    let report = world.update(usize::MAX).unwrap();
    assert_eq!((report.analyzed, report.kept), (5, 0));
    assert_eq!(world.model_of_library(), "b");
    assert_eq!(world.names().len(), 5);
}

#[test]
fn an_interrupted_run_of_another_model_keeps_the_library_and_resumes() {
    let mut world = World::new(60);
    world.update(usize::MAX).unwrap();
    world.model = "b";
    let report = world.update(3).unwrap();
    assert!(!report.written && report.not_processed > 0);
    assert_eq!(world.model_of_library(), "a");
    let first = world.analyzed().len();
    let report = world.update(usize::MAX).unwrap();
    assert_eq!(report.resumed, first);
    assert_eq!(report.analyzed, 60 - first);
    assert_eq!(world.model_of_library(), "b");
    assert!(!Journal::path_of(&world.target()).exists());
}

#[test]
fn an_interrupted_run_keeps_the_rows_of_files_not_processed() {
    let world = World::new(60);
    world.update(usize::MAX).unwrap();
    for n in 0..60 {
        fs::write(
            world.music(&format!("{n:03}.mp3")),
            format!("another song {n}"),
        )
        .unwrap();
    }
    let report = world.update(3).unwrap();
    assert!(report.written);
    assert_eq!(world.names().len(), 60);
    let first = world.analyzed().len();
    assert_eq!(report.not_processed, 60 - first);
    world.update(usize::MAX).unwrap();
    assert_eq!(world.analyzed().len(), 60 - first, "each file once");
    assert_eq!(world.names().len(), 60);
}

#[test]
fn rows_are_sorted_by_path() {
    let world = World::new(9);
    world.update(usize::MAX).unwrap();
    fs::rename(world.music("001.mp3"), world.music("005b.mp3")).unwrap();
    fs::remove_file(world.music("003.mp3")).unwrap();
    fs::write(world.music("000a.mp3"), b"new").unwrap();
    fs::write(world.music("007.mp3"), b"changed").unwrap();
    let report = world.update(usize::MAX).unwrap();
    assert_eq!(world.analyzed(), ["000a.mp3", "007.mp3"]);
    assert_eq!((report.recognized, report.removed, report.kept), (1, 1, 6));
    assert_eq!(
        world.names(),
        [
            "000.mp3", "000a.mp3", "002.mp3", "004.mp3", "005.mp3", "005b.mp3", "006.mp3",
            "007.mp3", "008.mp3"
        ]
    );
    assert_eq!(report.spread.songs, 9);
}

#[test]
fn rows_of_excluded_files_leave_and_come_back() {
    let mut world = World::new(4);
    world.update(usize::MAX).unwrap();
    world.exclude = vec!["001.*"];
    let report = world.update(usize::MAX).unwrap();
    assert_eq!((report.excluded, report.removed, report.kept), (1, 0, 3));
    assert_eq!(world.names(), ["000.mp3", "002.mp3", "003.mp3"]);
    assert!(!world.update(usize::MAX).unwrap().written);
    world.exclude.clear();
    world.update(usize::MAX).unwrap();
    assert_eq!(world.analyzed(), ["001.mp3"]);
    assert_eq!(world.names().len(), 4);
}

#[test]
fn a_touched_file_is_not_analyzed_again() {
    let world = World::new(3);
    world.update(usize::MAX).unwrap();
    let touched = fs::read(world.music("001.mp3")).unwrap();
    fs::remove_file(world.music("001.mp3")).unwrap();
    fs::write(world.music("001.mp3"), touched).unwrap();
    let report = world.update(usize::MAX).unwrap();
    assert_eq!(world.analyzed(), [""; 0]);
    assert_eq!(report.recognized, 1);
    // The new time is in the library.
    assert!(!world.update(usize::MAX).unwrap().written);
}

#[test]
fn a_failed_file_is_remembered() {
    silence_caught_panics();
    let world = World::new(2);
    fs::write(world.music("broken.mp3"), b"x").unwrap();
    let report = world.update(usize::MAX).unwrap();
    assert_eq!(report.failures.len(), 1);
    assert!(report.failures[0].reason.contains("cannot decode"));
    let report = world.update(usize::MAX).unwrap();
    assert_eq!((report.known_failures.len(), report.failures.len()), (1, 0));
    assert_eq!(world.analyzed(), [""; 0]);
    // It is forgotten when the file is gone and the library is written again.
    fs::remove_file(world.music("broken.mp3")).unwrap();
    fs::write(world.music("new.mp3"), b"new").unwrap();
    world.update(usize::MAX).unwrap();
    let library = Library::open(world.target()).unwrap();
    assert!(library.info().failures.is_empty());
}

#[test]
fn a_library_without_songs_remembers_failed_files() {
    silence_caught_panics();
    let world = World::new(0);
    fs::write(world.music("broken.mp3"), b"x").unwrap();
    let report = world.update(usize::MAX).unwrap();
    assert!(report.written);
    assert_eq!(report.spread.songs, 0);
    let library = Library::open(world.target()).unwrap();
    assert_eq!((library.rows(), library.info().failures.len()), (0, 1));
    assert!(!Journal::path_of(&world.target()).exists());
}

#[test]
fn a_dry_run_locks_and_leaves_nothing() {
    let world = World::new(1);
    let first = Update::open(&world.target(), world.info(), 4, true).unwrap();
    let second = Update::open(&world.target(), world.info(), 4, true).unwrap();
    drop((first, second));
    assert_eq!(fs::read_dir(world.directory.path()).unwrap().count(), 1);
    assert!(!Path::new(&world.target()).exists());
}

#[test]
fn a_version_1_library_is_upgraded_without_analyzing_again() {
    let mut world = World::new(3);
    world.cue = true;
    let sheet =
        "FILE 001.mp3 MP3\nTRACK 01 AUDIO\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 01 00:02:00\n";
    fs::write(world.music("001.cue"), sheet).unwrap();
    world.update(usize::MAX).unwrap();
    world.downgrade();
    let old = Library::open(world.target()).unwrap();
    assert_eq!((old.rows(), old.info().format_version), (4, 1));
    drop(old);

    let report = world.update(usize::MAX).unwrap();
    assert_eq!(world.analyzed(), [""; 0]);
    assert!(report.written);
    assert_eq!((report.kept, report.spread.songs), (4, 4));
    let library = Library::open(world.target()).unwrap();
    assert_eq!(library.info().format_version, 2);
    let songs = library.songs(Columns::FILE).map(Result::unwrap);
    let songs: Vec<_> = songs.map(|song| (song.path, song.track)).collect();
    let expected = [
        ("000", None),
        ("001", Some(1)),
        ("001", Some(2)),
        ("002", None),
    ];
    let expected = expected.map(|(name, track)| (world.music(&format!("{name}.mp3")), track));
    assert_eq!(songs, expected);
    // Up to date from now on.
    assert!(!world.update(usize::MAX).unwrap().written);
}

//! `circumplex analyze --watch`: the library follows its directories.

use crate::common::{Place, circumplex, run};
use circumplex::{Columns, Library};
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// A program that watches, and the lines that it printed so far.
struct Watching {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Watching {
    /// Starts and waits for the end of the first run.
    fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let outputs: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().unwrap()),
            Box::new(child.stderr.take().unwrap()),
        ];
        for output in outputs {
            let lines = lines.clone();
            thread::spawn(move || {
                for line in BufReader::new(output).lines() {
                    lines.lock().unwrap().push(line.unwrap());
                }
            });
        }
        let watching = Self { child, lines };
        watching.wait_for_line("watching for changes");
        watching
    }

    fn of(place: &Place, options: &[&str]) -> Self {
        Self::start(place.analyze().arg("--watch").args(options))
    }

    #[track_caller]
    fn wait_until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begin = Instant::now();
        while !is_so() {
            assert!(
                begin.elapsed() < Duration::from_secs(120),
                "waited in vain for {what}; printed: {:#?}",
                self.lines()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    #[track_caller]
    fn wait_for_line(&self, part: &str) {
        self.wait_until(part, || self.lines().iter().any(|line| line.contains(part)));
    }

    #[track_caller]
    fn wait_for_songs(&self, place: &Place, expected: &[&str]) {
        let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
        self.wait_until(&format!("{expected:?}"), || songs(place) == expected);
    }

    /// Sends a signal, expects an end within the time, and returns the exit code.
    fn end(mut self, signal: &str, within: Duration) -> Option<i32> {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(
                begin.elapsed() < within,
                "does not end: {:#?}",
                self.lines()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The files of the library below the music directory.
fn songs(place: &Place) -> BTreeSet<String> {
    let Ok(library) = Library::open(place.library()) else {
        return BTreeSet::new();
    };
    let name = |song: circumplex::Song| {
        let path = song.path.strip_prefix(place.music()).unwrap().to_owned();
        path.into_os_string().into_string().unwrap()
    };
    library
        .songs(Columns::FILE)
        .map(|song| name(song.unwrap()))
        .collect()
}

fn duration(place: &Place, name: &str) -> f64 {
    let library = Library::open(place.library()).unwrap();
    let song = library
        .songs(Columns::LIST)
        .map(Result::unwrap)
        .find(|song| song.path.ends_with(name));
    song.unwrap().duration_s
}

/// Generous: the machine may be busy.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn added_changed_renamed_removed_and_failing_files_are_followed() {
    let place = Place::new();
    place.tone("a.wav", 220.0, 3.0);
    place.tone("sub/b.wav", 440.0, 3.0);
    let watching = Watching::of(&place, &[]);
    watching.wait_for_songs(&place, &["a.wav", "sub/b.wav"]);

    place.tone("new dir/c.wav", 880.0, 3.0);
    watching.wait_for_songs(&place, &["a.wav", "new dir/c.wav", "sub/b.wav"]);
    watching.wait_for_line("library.parquet: 1 new; 3 songs");

    fs::rename(place.music().join("a.wav"), place.music().join("d.wav")).unwrap();
    watching.wait_for_songs(&place, &["d.wav", "new dir/c.wav", "sub/b.wav"]);
    watching.wait_for_line("library.parquet: 1 moved; 3 songs");

    fs::remove_dir_all(place.music().join("sub")).unwrap();
    watching.wait_for_songs(&place, &["d.wav", "new dir/c.wav"]);
    watching.wait_for_line("library.parquet: 1 removed; 2 songs");

    place.tone("d.wav", 330.0, 5.0);
    watching.wait_until("the changed file", || duration(&place, "d.wav") == 5.0);
    watching.wait_for_line("library.parquet: 1 changed; 2 songs");

    place.file("broken.mp3", b"no music");
    watching.wait_for_line("failed: ");
    watching.wait_for_line("library.parquet: 1 failed; 2 songs");

    // The same content with another time.
    let touched = fs::File::options()
        .write(true)
        .open(place.music().join("d.wav"));
    let time = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    touched.unwrap().set_modified(time).unwrap();
    let count = |part: &str| {
        watching
            .lines()
            .iter()
            .filter(|line| line.contains(part))
            .count()
    };
    watching.wait_until("the touched file", || count(": 1 changed; 2 songs") == 2);

    // Each was told once, and the failed file was not tried again.
    place.tone("e.wav", 550.0, 3.0);
    watching.wait_until("e.wav", || count(": 1 new; 3 songs") == 2);
    let lines = watching.lines();
    assert_eq!(count("failed: "), 1, "{lines:#?}");
    assert_eq!(count("library.parquet: "), 8, "{lines:#?}");
    assert_eq!(watching.end("-INT", SOON), Some(0));
    assert!(
        !place
            .folder
            .path()
            .join(".library.parquet.journal")
            .exists()
    );
    let again = run(&mut place.analyze()).ends_with_code(3);
    assert!(again.stdout.contains("3 unchanged"), "{}", again.stdout);
}

#[test]
fn a_file_that_grows_is_waited_for_but_others_are_not_kept_waiting() {
    let place = Place::new();
    place.tone("a.wav", 220.0, 3.0);
    let whole = {
        let elsewhere = Place::new();
        fs::read(elsewhere.tone("long.wav", 440.0, 30.0)).unwrap()
    };
    let watching = Watching::of(&place, &[]);
    let growing = place.music().join("long.wav");
    let mut file = fs::File::create(&growing).unwrap();
    let mut parts = whole.chunks(whole.len() / 40);
    file.write_all(parts.next().unwrap()).unwrap();
    place.tone("b.wav", 330.0, 3.0);
    let mut others = false;
    // On a machine that is too busy to write in time, the file seems to be complete.
    let mut has_paused = false;
    for part in parts {
        let begin = Instant::now();
        thread::sleep(Duration::from_millis(700));
        file.write_all(part).unwrap();
        others |= songs(&place).contains("b.wav");
        has_paused |= begin.elapsed() > Duration::from_millis(1500);
        let is_early = songs(&place).contains("long.wav");
        assert!(
            !is_early || has_paused,
            "too early: {:#?}",
            watching.lines()
        );
    }
    drop(file);
    assert!(others, "b.wav waited for long.wav: {:#?}", watching.lines());
    watching.wait_for_songs(&place, &["a.wav", "b.wav", "long.wav"]);
    watching.wait_until("all of it", || duration(&place, "long.wav") == 30.0);
    let lines = watching.lines();
    let has_failed = lines.iter().any(|line| line.contains("failed: "));
    assert!(!has_failed || has_paused, "{lines:#?}");
    assert_eq!(watching.end("-TERM", SOON), Some(0));
}

#[test]
fn a_directory_that_is_gone_or_empty_keeps_its_songs_until_it_is_back() {
    let place = Place::new();
    place.tone("one/a.wav", 220.0, 3.0);
    place.tone("two/b.wav", 440.0, 3.0);
    let start = || {
        let mut command = circumplex();
        command
            .arg("analyze")
            .args(["one", "two"].map(|name| place.music().join(name)));
        command.arg("-o").arg(place.library()).arg("--watch");
        Watching::start(&mut command)
    };
    let both: &[&str] = &["one/a.wav", "two/b.wav"];
    let watching = start();
    watching.wait_for_songs(&place, both);

    let aside = place.folder.path().join("aside");
    fs::rename(place.music().join("two"), &aside).unwrap();
    watching.wait_for_line("two: gone or empty");
    place.tone("one/c.wav", 330.0, 3.0);
    watching.wait_for_songs(&place, &["one/a.wav", "one/c.wav", "two/b.wav"]);
    // As a disk's empty mount point.
    fs::create_dir(place.music().join("two")).unwrap();
    fs::remove_file(place.music().join("one/c.wav")).unwrap();
    watching.wait_for_songs(&place, both);
    assert_eq!(watching.end("-INT", SOON), Some(0));

    let watching = start();
    watching.wait_for_line("two: gone or empty");
    watching.wait_for_songs(&place, both);
    fs::remove_dir(place.music().join("two")).unwrap();
    fs::rename(&aside, place.music().join("two")).unwrap();
    watching.wait_for_line("two: is back");
    // It is watched again.
    place.tone("two/d.wav", 550.0, 3.0);
    watching.wait_for_songs(&place, &["one/a.wav", "two/b.wav", "two/d.wav"]);
    assert_eq!(watching.end("-INT", SOON), Some(0));
}

#[test]
fn the_library_in_its_own_directory_does_not_wake_and_nothing_is_locked() {
    let place = Place::new();
    place.tone("a.wav", 220.0, 3.0);
    let library = place.music().join("library.parquet");
    let mut command = circumplex();
    command
        .args(["analyze", "--watch"])
        .arg(place.music())
        .arg("-o")
        .arg(&library);
    let watching = Watching::start(&mut command);
    place.tone("b.wav", 330.0, 3.0);
    watching.wait_for_line("library.parquet: 1 new; 2 songs");
    let journal = place.music().join(".library.parquet.journal");
    watching.wait_until("the lock", || !journal.exists());
    // Another run is not refused, and the watching one keeps what it wrote.
    place.tone("c.wav", 440.0, 3.0);
    let mut other = circumplex();
    other
        .arg("analyze")
        .arg(place.music())
        .arg("-o")
        .arg(&library);
    let begin = Instant::now();
    loop {
        let ran = run(&mut other);
        if ran.code == Some(0) {
            break;
        }
        // Both may start at once.
        assert!(
            ran.stderr.contains("another circumplex process"),
            "{}",
            ran.stderr
        );
        assert!(begin.elapsed() < Duration::from_secs(60));
    }
    place.tone("d.wav", 550.0, 3.0);
    watching.wait_until("d.wav", || {
        Library::open(&library).is_ok_and(|it| it.rows() == 4)
    });
    assert_eq!(watching.end("-INT", SOON), Some(0));
}

#[test]
fn without_events_it_looks_from_time_to_time_and_starts_without_music() {
    let place = Place::new();
    let watching = Watching::of(&place, &["--watch-poll", "1"]);
    place.tone("a.wav", 220.0, 3.0);
    watching.wait_for_songs(&place, &["a.wav"]);
    fs::rename(place.music().join("a.wav"), place.music().join("b.wav")).unwrap();
    watching.wait_for_songs(&place, &["b.wav"]);
    assert_eq!(watching.end("-INT", SOON), Some(0));
}

#[test]
fn a_signal_while_it_analyzes_interrupts_as_without_watching() {
    let place = Place::new();
    place.tone("a.wav", 220.0, 3.0);
    let watching = Watching::of(&place, &["--threads", "1"]);
    let source = place.folder.path().join("source");
    fs::create_dir(&source).unwrap();
    for n in 0..40 {
        let tone = place.tone("tone.wav.part", 80.0 * 1.08_f32.powi(n), 20.0);
        fs::rename(tone, source.join(format!("{n:02}.wav"))).unwrap();
    }
    fs::rename(source, place.music().join("many")).unwrap();
    let journal = place.folder.path().join(".library.parquet.journal");
    watching.wait_until("records", || {
        let records = fs::read(&journal).unwrap_or_default();
        records.iter().filter(|byte| **byte == b'\n').count() >= 4
    });
    let lines = watching.lines.clone();
    assert_eq!(watching.end("-INT", Duration::from_secs(120)), Some(130));
    let begin = Instant::now();
    while !lines
        .lock()
        .unwrap()
        .iter()
        .any(|line| line.contains("run the same command to resume"))
    {
        assert!(begin.elapsed() < SOON, "{:#?}", lines.lock().unwrap());
        thread::sleep(Duration::from_millis(5));
    }
    let found = songs(&place).len();
    assert!((2..41).contains(&found), "{found}");
}

#[test]
fn what_cannot_be_watched_is_rejected() {
    let place = Place::new();
    place.tone("a.wav", 220.0, 3.0);
    let refuse = |args: &[&str], complaint: &str| {
        run(place.analyze().args(args))
            .ends_with_code(1)
            .complains(complaint);
    };
    refuse(&["--watch", "--dry-run"], "cannot be used with");
    refuse(&["--watch", "--files-from", "list"], "cannot be used with");
    refuse(&["--watch", "-"], "`-` reads a list once");
    refuse(&["--watch-poll", "5"], "--watch");
    refuse(&["--watch", "--watch-poll", "0"], "0 is not in");
    refuse(&["--watch", "/no/such/directory"], "/no/such/directory");
}

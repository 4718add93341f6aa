//! `circumplex analyze` run again: after changes, after a kill, after Ctrl-C, and twice at once.

use crate::common::{self, Place, json, run, three_songs};
use circumplex::{Columns, Library};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Path, similarity and vector of every song, in the order of one question: two libraries with the same answers are alike.
fn answers(place: &Place) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let ran = run(place
        .query()
        .args(["--emotions", "calm=2,tense=1", "-k", "all", "--json"]));
    json(&ran.ends_with_code(0))
}

fn paths(place: &Place) -> Vec<String> {
    let mut paths: Vec<String> = answers(place)
        .iter()
        .map(|song| song["path"].as_str().unwrap().to_owned())
        .collect();
    paths.sort();
    paths
}

fn many_songs() -> Place {
    let place = Place::new();
    for n in 0..40 {
        place.tone(&format!("{n:02}.wav"), 80.0 * 1.08_f32.powi(n), 20.0);
    }
    place
}

fn journal(place: &Place) -> PathBuf {
    place.folder.path().join(".library.parquet.journal")
}

/// Starts an analysis and waits until it has recorded some songs.
fn start_and_wait(place: &Place) -> Child {
    let mut child = place
        .analyze()
        .args(["--threads", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    loop {
        let recorded = fs::read(journal(place)).map_or(0, |bytes| {
            bytes.iter().filter(|byte| **byte == b'\n').count()
        });
        if recorded >= 4 {
            return child;
        }
        if let Some(status) = child.try_wait().unwrap() {
            panic!("ended too early: {status}");
        }
        assert!(begin.elapsed() < Duration::from_secs(120), "too slow");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_second_run_changes_nothing() {
    let place = three_songs();
    place.file("broken.mp3", b"no music");
    run(&mut place.analyze()).ends_with_code(3);
    let before = fs::read(place.library()).unwrap();
    let ran = run(&mut place.analyze())
        .ends_with_code(3)
        .complains("1 file failed before and did not change");
    assert!(ran.stdout.contains("3 unchanged"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("analyzed"), "{}", ran.stdout);
    assert_eq!(fs::read(place.library()).unwrap(), before);
    assert_eq!(place.leftovers(), [""; 0]);
    run(place.analyze().arg("--retry-failed"))
        .ends_with_code(3)
        .complains("broken.mp3: ");
}

#[test]
fn only_changed_files_are_analyzed() {
    let place = three_songs();
    run(&mut place.analyze()).ends_with_code(0);
    let music = place.music();
    let tone = |name| place.tone(name, 523.0, 3.0);
    tone("new.wav");
    fs::rename(music.join("low.wav"), music.join("folder/moved.wav")).unwrap();
    fs::remove_file(music.join("folder/deep/high.wav")).unwrap();
    tone("folder/middle.wav");

    let plan = run(place.analyze().arg("--dry-run")).ends_with_code(0);
    let mut lines: Vec<&str> = plan.stdout.lines().collect();
    lines.sort_unstable();
    let place_of = |name: &str| {
        let path: PathBuf = music.join(name).components().collect();
        path.display().to_string()
    };
    let line = |verb: &str, name: &str| format!("{verb}\t{}", place_of(name));
    assert_eq!(
        lines,
        [
            line("changed", "folder/middle.wav"),
            line("gone", "folder/deep/high.wav"),
            line("gone", "low.wav"),
            line("new", "folder/moved.wav"),
            line("new", "new.wav"),
        ]
    );
    assert_eq!(place.leftovers(), [""; 0]);

    let ran = run(&mut place.analyze()).ends_with_code(0);
    assert!(
        ran.stdout
            .contains("2 analyzed, 1 moved (recognized by content), 1 removed"),
        "{}",
        ran.stdout
    );
    let names = ["folder/middle.wav", "folder/moved.wav", "new.wav"];
    let expected = names.map(place_of);
    assert_eq!(paths(&place), expected);
    let updated = answers(&place);
    run(place.analyze().arg("--force")).ends_with_code(0);
    assert_eq!(answers(&place), updated, "as if analyzed from scratch");
}

#[test]
fn keep_missing_keeps_rows_of_missing_files() {
    let place = three_songs();
    run(&mut place.analyze()).ends_with_code(0);
    fs::remove_file(place.music().join("low.wav")).unwrap();
    run(place.analyze().arg("--keep-missing")).ends_with_code(0);
    assert_eq!(paths(&place).len(), 3);
    run(&mut place.analyze()).ends_with_code(0);
    assert_eq!(paths(&place).len(), 2);
}

#[test]
fn silence_is_marked_and_never_matches_a_query() {
    let place = Place::new();
    place.tone("long.wav", 220.0, 16.0);
    place.tone("short.wav", 330.0, 3.0);
    place.tone("silent.wav", 0.0, 16.0);
    run(&mut place.analyze()).ends_with_code(0);
    let library = Library::open(place.library()).unwrap();
    let songs = library.songs(Columns::ALL).map(Result::unwrap);
    let facts: Vec<(u32, bool)> = songs.map(|song| (song.windows, song.silent)).collect();
    assert_eq!(facts, [(1, false), (1, false), (1, true)]);
    let names = paths(&place);
    assert_eq!(names.len(), 2);
    assert!(names.iter().all(|name| !name.ends_with("silent.wav")));
}

#[test]
fn adding_timelines_analyzes_every_file_and_later_runs_keep_them() {
    let place = three_songs();
    place.tone("long.wav", 220.0, 50.0);
    run(&mut place.analyze()).ends_with_code(0);
    let plain = answers(&place);
    let ran = run(place.analyze().arg("--timeline"))
        .ends_with_code(0)
        .complains("4 songs without timelines: every file is analyzed again");
    assert!(ran.stdout.contains("4 songs, 0 failed"), "{}", ran.stdout);
    assert_eq!(answers(&place), plain, "the songs' answers are the same");
    place.tone("new.wav", 220.0, 3.0);
    let ran = run(&mut place.analyze()).ends_with_code(0);
    assert!(
        ran.stdout.contains("1 analyzed, 4 unchanged"),
        "{}",
        ran.stdout
    );
    let library = Library::open(place.library()).unwrap();
    for song in library.songs(Columns::ALL).flatten() {
        let timeline = song.timeline.unwrap();
        assert_eq!(timeline.len() as u32, song.windows);
        assert_eq!(timeline[0].start_s, 0.0);
        if song.path.ends_with("long.wav") {
            let starts: Vec<f64> = timeline.iter().map(|moment| moment.start_s).collect();
            assert_eq!(starts, [0.0, 15.0, 30.0]);
        }
    }
}

#[test]
fn excerpts_are_marked_and_never_mixed_with_whole_songs() {
    let place = three_songs();
    place.tone("long.wav", 220.0, 100.0);
    run(&mut place.analyze()).ends_with_code(0);
    let excerpt = |excerpt: &str| {
        let ran = run(place.analyze().args(["--timeline", "--excerpt", excerpt])).ends_with_code(0);
        let library = Library::open(place.library()).unwrap();
        let songs: Vec<_> = library.songs(Columns::ALL).map(Result::unwrap).collect();
        (ran, songs)
    };
    let (ran, songs) = excerpt("45s");
    let ran = ran.complains("4 songs of whole songs, not excerpts of 45s");
    assert!(ran.stderr.contains("every file is analyzed again"));
    for song in &songs {
        let excerpt = song.excerpt_start_s.zip(song.excerpt_length_s);
        if song.path.ends_with("long.wav") {
            assert_eq!(excerpt, Some((27.5, 45.0)));
            assert_eq!((song.windows, song.duration_s), (3, 100.0));
            let timeline = song.timeline.as_ref().unwrap();
            assert_eq!(timeline[0].start_s, 27.5);
        } else {
            assert_eq!(excerpt, None);
        }
    }
    let (ran, _) = excerpt("45s");
    assert!(ran.stdout.contains("4 unchanged"), "{}", ran.stdout);
    let (ran, songs) = excerpt("1:10:15s");
    ran.complains("4 songs of excerpts of 45s, not excerpts of 1:10:15s");
    let long = songs.iter().find(|song| song.path.ends_with("long.wav"));
    let excerpt = long.and_then(|song| song.excerpt_start_s.zip(song.excerpt_length_s));
    assert_eq!(excerpt, Some((70.0, 15.0)));
    run(place.analyze().args(["--excerpt", "1:10"]))
        .ends_with_code(1)
        .complains("expected a length like 45s");
}

#[test]
fn another_directory_is_added_to_the_library() {
    let place = three_songs();
    let elsewhere = three_songs();
    run(&mut place.analyze()).ends_with_code(0);
    let mut command = common::circumplex();
    command.arg("analyze").arg(elsewhere.music()).arg("-o");
    run(command.arg(place.library())).ends_with_code(0);
    assert_eq!(paths(&place).len(), 6);
}

#[cfg(unix)]
#[test]
fn a_killed_run_resumes() {
    let place = many_songs();
    // A library from before, which the kill must not damage.
    let mut first = common::circumplex();
    first
        .arg("analyze")
        .arg(place.music().join("00.wav"))
        .arg("-o");
    run(first.arg(place.library())).ends_with_code(0);
    let before = fs::read(place.library()).unwrap();

    let mut child = start_and_wait(&place);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read(place.library()).unwrap(), before);
    assert!(journal(&place).exists());

    let ran = run(&mut place.analyze())
        .ends_with_code(0)
        .complains("resuming an interrupted run");
    assert!(
        ran.stdout.contains("from the interrupted run"),
        "{}",
        ran.stdout
    );
    assert_eq!(place.leftovers(), [""; 0]);
    let resumed = answers(&place);
    assert_eq!(resumed.len(), 40);
    run(place.analyze().arg("--force")).ends_with_code(0);
    assert_eq!(answers(&place), resumed, "as if never killed");
}

#[cfg(unix)]
#[test]
fn ctrl_c_writes_the_library_and_the_next_run_resumes() {
    let place = many_songs();
    let child = start_and_wait(&place);
    let sent = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let ran: common::Ran = child.wait_with_output().unwrap().into();
    ran.ends_with_code(130)
        .complains("run the same command to resume");
    let done = paths(&place).len();
    assert!((3..40).contains(&done), "{done}");
    assert_eq!(place.leftovers(), [""; 0]);
    run(&mut place.analyze()).ends_with_code(0);
    assert_eq!(paths(&place).len(), 40);
}

#[cfg(unix)]
#[test]
fn a_second_run_on_a_library_is_rejected() {
    let place = many_songs();
    let mut first = start_and_wait(&place);
    run(&mut place.analyze())
        .ends_with_code(1)
        .complains("another circumplex process is writing this library");
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(!Path::new(&place.library()).exists());
}

/// A full disk, made by a limit on the size of files.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_and_loses_nothing() {
    let place = many_songs();
    let analyze = place.analyze();
    let words: Vec<String> = std::iter::once(analyze.get_program())
        .chain(analyze.get_args())
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    // The signal for too large a file is ignored, so that writing fails as on a full disk. 8 blocks are 4 or 8 KiB.
    let script = format!("trap '' XFSZ; ulimit -f 8; {}", words.join(" "));
    let ran = run(std::process::Command::new("sh").args(["-c", &script]));
    ran.ends_with_code(1)
        .complains("run the same command again");
    assert!(!place.library().exists());
    assert!(journal(&place).exists());
    run(&mut place.analyze())
        .ends_with_code(0)
        .complains("resuming an interrupted run");
    assert_eq!(paths(&place).len(), 40);
    assert_eq!(place.leftovers(), [""; 0]);
}

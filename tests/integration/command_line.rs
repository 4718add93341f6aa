//! The whole program, as a person runs it.

use crate::common::{Place, Ran, circumplex, json, run, three_songs};
use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

#[test]
fn a_folder_of_music_becomes_a_library_that_answers() {
    let place = three_songs();
    let ran = run(&mut place.analyze()).ends_with_code(0);
    assert!(ran.stdout.contains("3 songs, 0 failed"), "{}", ran.stdout);
    for emotion in [
        "happy",
        "excited",
        "tense",
        "frustrated",
        "depressed",
        "tired",
        "calm",
        "content",
    ] {
        assert!(ran.stdout.contains(emotion), "{}", ran.stdout);
    }
    assert_eq!(place.leftovers(), [""; 0]);

    let ran = run(place
        .query()
        .args(["--emotions", "happy=60,excited=40", "-k", "2", "--json"]))
    .ends_with_code(0)
    .complains("by model");
    let answer = json(&ran);
    assert_eq!(answer.len(), 2);
    for (place, song) in answer.iter().enumerate() {
        let mut fields: Vec<&str> = song.keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "album",
                "arousal",
                "artist",
                "duration_s",
                "emotions",
                "felt",
                "genre",
                "path",
                "rank",
                "similarity",
                "title",
                "track",
                "valence"
            ]
        );
        assert_eq!(song["rank"], place + 1);
        let emotions = song["emotions"].as_object().unwrap();
        let sum: f64 = emotions.values().map(|value| value.as_f64().unwrap()).sum();
        assert_eq!(emotions.len(), 8);
        assert!((sum - 100.0).abs() < 0.1, "{sum}");
        assert!((1.0..=9.0).contains(&song["valence"].as_f64().unwrap()));
        assert!((1.0..=9.0).contains(&song["arousal"].as_f64().unwrap()));
        assert!(Path::new(song["path"].as_str().unwrap()).is_file());
    }
    assert!(answer[0]["similarity"].as_f64() >= answer[1]["similarity"].as_f64());

    let ran = run(place.query().args(["--vector", "0,0,0,0,1,1,0,0"])).ends_with_code(0);
    assert_eq!(
        ran.stdout.lines().count(),
        4,
        "a heading and three songs: {}",
        ran.stdout
    );
    assert!(ran.stdout.contains("middle.wav"));
}

#[test]
fn a_song_is_nearest_to_its_own_vector() {
    let place = three_songs();
    run(&mut place.analyze()).ends_with_code(0);
    let all = json(&run(place.query().args([
        "--emotions",
        "calm=1",
        "-k",
        "3",
        "--json",
    ])));
    assert_eq!(all.len(), 3);
    for song in &all {
        let own: Vec<String> = [
            "happy",
            "excited",
            "tense",
            "frustrated",
            "depressed",
            "tired",
            "calm",
            "content",
        ]
        .iter()
        .map(|emotion| song["emotions"][*emotion].to_string())
        .collect();
        let found = json(&run(place.query().args([
            "--vector",
            &own.join(","),
            "-k",
            "1",
            "--json",
        ])));
        assert_eq!(found[0]["path"], song["path"]);
        assert!(found[0]["similarity"].as_f64().unwrap() > 0.999_999);
    }
}

#[test]
fn files_that_fail_are_listed_and_the_rest_is_done() {
    let place = three_songs();
    place.file("empty.mp3", b"");
    place.file(
        "text.flac",
        b"this is no music at all, whatever its name says",
    );
    place.file("song.wma", b"x");
    place.file("cover.jpg", b"x");
    place.file(".hidden.mp3", b"x");
    let cut = fs::read(place.music().join("low.wav")).unwrap();
    place.file("cut.wav", &cut[..cut.len() / 2]);
    let ran = run(&mut place.analyze())
        .ends_with_code(3)
        .complains("empty.mp3: ")
        .complains("text.flac: ")
        .complains("cut.wav: ")
        .complains("WMA 1")
        .complains("skipped: 1 file that is not audio");
    assert!(ran.stdout.contains("3 songs, 3 failed"), "{}", ran.stdout);
    assert_eq!(ran.stderr.matches("failed: ").count(), 3, "{}", ran.stderr);
    let hidden = "skipped: 1 hidden file or directory (--hidden includes them)";
    assert!(ran.stderr.contains(hidden), "{}", ran.stderr);
    let all = json(&run(place.query().args([
        "--emotions",
        "calm=1",
        "-k",
        "all",
        "--json",
    ])));
    assert_eq!(all.len(), 3);
}

#[test]
fn where_nothing_can_be_done_the_code_is_1_and_an_older_library_stays() {
    let place = Place::new();
    let song = place.tone("song.wav", 220.0, 3.0);
    run(&mut place.analyze()).ends_with_code(0);
    let before = fs::read(place.library()).unwrap();
    fs::remove_file(song).unwrap();
    run(&mut place.analyze())
        .ends_with_code(1)
        .complains("no music files found");
    place.file("broken.mp3", b"not music");
    run(&mut place.analyze())
        .ends_with_code(1)
        .complains("broken.mp3")
        .complains("none of 1 music file");
    run(circumplex()
        .args(["analyze", "/no/such/folder", "-o"])
        .arg(place.library()))
    .ends_with_code(1)
    .complains("/no/such/folder");
    assert_eq!(fs::read(place.library()).unwrap(), before);
    assert_eq!(place.leftovers(), [""; 0]);
}

#[test]
fn a_library_or_model_that_cannot_be_used_is_refused_before_the_work() {
    let place = three_songs();
    let mut analyze = circumplex();
    analyze.arg("analyze").arg(place.music()).arg("-o");
    run(analyze.arg(place.music()))
        .ends_with_code(1)
        .complains("a directory");
    let mut analyze = circumplex();
    analyze.arg("analyze").arg(place.music()).arg("-o");
    run(analyze.arg(place.folder.path().join("absent/library.parquet")))
        .ends_with_code(1)
        .complains("absent");
    run(place.analyze().args(["--model", "/no/such/model.onnx"]))
        .ends_with_code(1)
        .complains("/no/such/model.onnx");
    let text = place.file("text.onnx", b"no model");
    run(place.analyze().arg("--model").arg(text))
        .ends_with_code(1)
        .complains("text.onnx");
    assert!(!place.library().exists());
    assert_eq!(place.leftovers(), [""; 0]);
}

#[test]
fn a_file_that_is_no_library_is_never_replaced_by_one() {
    let place = three_songs();
    fs::write(place.library(), b"precious").unwrap();
    run(&mut place.analyze())
        .ends_with_code(1)
        .complains("is not a circumplex library");
    assert_eq!(fs::read(place.library()).unwrap(), b"precious");
    assert_eq!(place.leftovers(), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_is_never_replaced_by_a_library() {
    let place = three_songs();
    let mut analyze = circumplex();
    analyze
        .arg("analyze")
        .arg(place.music())
        .args(["-o", "/dev/full"]);
    run(&mut analyze).ends_with_code(1).complains("a device");
    assert!(!fs::metadata("/dev/full").unwrap().is_file());
}

#[test]
fn quiet_means_results_and_errors_only() {
    let place = three_songs();
    let ran = run(place.analyze().arg("--quiet")).ends_with_code(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    let ran = run(place
        .query()
        .args(["--quiet", "--emotions", "happy=1", "--json"]))
    .ends_with_code(0);
    assert_eq!(ran.stderr, "");
    assert_eq!(json(&ran).len(), 3);
    place.file("broken.mp3", b"");
    let ran = run(place.analyze().arg("-q"))
        .ends_with_code(3)
        .complains("broken.mp3");
    assert_eq!(ran.stdout, "");
}

#[test]
fn the_same_folder_gives_the_same_library_on_any_number_of_threads() {
    let place = three_songs();
    let mut answers = Vec::new();
    for threads in ["1", "2", "7"] {
        run(place.analyze().args(["--force", "--threads", threads])).ends_with_code(0);
        answers.push(
            run(place
                .query()
                .args(["--emotions", "tired=1,calm=2", "--json"]))
            .stdout,
        );
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

#[test]
fn a_question_that_cannot_be_understood_is_explained() {
    let place = three_songs();
    run(&mut place.analyze()).ends_with_code(0);
    let ask = |args: &[&str]| run(place.query().args(args)).ends_with_code(1);
    ask(&["--emotions", "hapy=1"]).complains("did you mean \"happy\"?");
    ask(&["--emotions", "happy"]).complains("happy=60");
    ask(&["--vector", "1,2,3,4,5,6,7"]).complains("found 7");
    ask(&["--vector", "0,0,0,0,0,0,0,0"]).complains("above zero");
    ask(&["--vector", "-1,0,0,0,0,0,0,2"]).complains("negative");
    ask(&["--emotions", "happy=1", "-k", "0"]).complains("-k");
    ask(&["--emotions", "happy=1", "--vector", "1,1,1,1,1,1,1,1"]).complains("--vector");
    ask(&[]).complains("--emotions");
    run(circumplex().args([
        "query",
        "--library",
        "/no/such.parquet",
        "--emotions",
        "happy=1",
    ]))
    .ends_with_code(1)
    .complains("/no/such.parquet");
    let text = place.file("text.parquet", b"no library");
    run(circumplex()
        .args(["query", "--emotions", "happy=1", "--library"])
        .arg(text))
    .ends_with_code(1)
    .complains("expected a Parquet file");
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_reason_to_complain() {
    let place = three_songs();
    run(&mut place.analyze()).ends_with_code(0);
    let mut child = place
        .query()
        .args(["--emotions", "happy=1", "-k", "3", "--quiet"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.ends_with_code(0).stderr, "");
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_written_are_an_error() {
    let place = three_songs();
    run(&mut place.analyze()).ends_with_code(0);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = place
        .query()
        .args(["--emotions", "happy=1"])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    Ran::from(output)
        .ends_with_code(1)
        .complains("cannot write to standard output");
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_or_have_control_characters_are_analyzed() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let place = Place::new();
    let made = place.tone("plain.wav", 220.0, 3.0);
    fs::copy(&made, place.music().join(OsStr::from_bytes(b"caf\xe9.wav"))).unwrap();
    fs::rename(&made, place.music().join("\u{1b}[2Jclear.wav")).unwrap();
    run(&mut place.analyze()).ends_with_code(0);
    let ran = run(place.query().args(["--emotions", "happy=1"])).ends_with_code(0);
    assert!(ran.stdout.contains("caf\u{fffd}.wav"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\\u{1b}[2Jclear.wav"), "{}", ran.stdout);
}

#[test]
fn usage_errors_are_code_1_and_help_is_code_0() {
    run(&mut circumplex()).ends_with_code(1).complains("Usage");
    run(circumplex().arg("no-such-command")).ends_with_code(1);
    run(circumplex().arg("analyze"))
        .ends_with_code(1)
        .complains("PATH");
    let ran = run(circumplex().arg("--help")).ends_with_code(0);
    assert!(ran.stdout.contains("analyze") && ran.stdout.contains("query"));
    run(circumplex().args(["analyze", "--help"])).ends_with_code(0);
    run(circumplex().arg("--version")).ends_with_code(0);
}

/// `tests/reference/library.py`, where Python with pyarrow and duckdb is installed (`CIRCUMPLEX_PYTHON` names it).
#[test]
fn duckdb_and_pyarrow_read_the_same_library_and_give_the_same_answers() {
    let place = three_songs();
    for n in 0..9 {
        place.tone(&format!("{n}.wav"), 100.0 * 1.5_f32.powi(n), 3.0);
    }
    place.tone("long.wav", 300.0, 100.0);
    run(place.analyze().arg("--timeline")).ends_with_code(0);
    let python = std::env::var_os("CIRCUMPLEX_PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/library.py");
    let output = Command::new(&python)
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_circumplex"))
        .arg(place.library())
        .output();
    match output {
        Err(error) => eprintln!("skipped: cannot run {}: {error}", python.display()),
        Ok(output) if output.status.code() == Some(77) => {
            eprintln!(
                "skipped: {}",
                String::from_utf8_lossy(&output.stdout).trim()
            );
        }
        Ok(output) => assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

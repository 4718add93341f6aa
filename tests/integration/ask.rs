//! Queries by a point on the plane, songs and faces.

use crate::common::{Place, Ran, circumplex, json, run, three_songs};
use arrow_array::{
    ArrayRef, Float64Array, RecordBatch, StringArray, StructArray, TimestampNanosecondArray,
};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

/// Three songs and their library.
fn library() -> Place {
    let place = three_songs();
    run(&mut place.analyze()).ends_with_code(0);
    place
}

fn ask(place: &Place, words: &[&str]) -> Ran {
    run(place.query().args(words).args(["-k", "all", "--json"]))
}

/// The songs of an answer, nearest first, each with its similarity.
fn answer(ran: Ran) -> Vec<(String, f64)> {
    json(&ran.ends_with_code(0))
        .iter()
        .map(|song| {
            let path = Path::new(song["path"].as_str().unwrap());
            let name = path.file_name().unwrap().to_str().unwrap();
            (name.to_owned(), song["similarity"].as_f64().unwrap())
        })
        .collect()
}

fn names(ran: Ran) -> Vec<String> {
    let mut names: Vec<String> = answer(ran).into_iter().map(|(name, _)| name).collect();
    names.sort();
    names
}

fn faces(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/faces");
    folder.join(name).to_str().unwrap().to_owned()
}

#[track_caller]
fn is_the_same(a: &[(String, f64)], b: &[(String, f64)]) {
    assert_eq!(a.len(), b.len());
    for ((name, similarity), (other, expected)) in a.iter().zip(b) {
        assert_eq!(name, other);
        assert!((similarity - expected).abs() < 1e-6, "{name}");
    }
}

#[test]
fn a_point_on_the_plane_is_a_query_for_its_emotions() {
    let place = library();
    let point = |words: &[&str]| answer(ask(&place, words));
    // Around 7 and 3 the diagonal cuts the box in halves.
    is_the_same(
        &point(&["--valence", "7", "--arousal", "3"]),
        &point(&["--emotions", "calm=1,content=1", "--by", "emotions"]),
    );
    is_the_same(
        &point(&["--valence", "6", "--arousal", "8", "--spread", "0.5"]),
        &point(&["--emotions", "excited=1", "--by", "emotions"]),
    );
    for (words, message) in [
        (["--valence", "7"].as_slice(), "--arousal"),
        (&["--arousal", "7"], "--valence"),
        (&["--emotions", "calm=1", "--arousal", "7"], "--valence"),
        (&["--emotions", "calm=1", "--spread", "1"], "--valence"),
        (
            &["--valence", "0.9", "--arousal", "3"],
            "between 1 and 9, found 0.9",
        ),
        (
            &["--valence", "5", "--arousal", "-inf"],
            "between 1 and 9, found -inf",
        ),
        (&["--valence", "5", "--arousal", "nan"], "between 1 and 9"),
        (
            &["--valence", "5", "--arousal", "5", "--spread", "-1"],
            "at least 0, found -1",
        ),
        (&["--vector", "0,0,0,0,0,0,0,0"], "above zero"),
        (&["--vector", "1,2,3,4,5,6,7"], "found 7"),
        (&["--vector", "1,2,3,4,5,6,7,-8"], "must not be negative"),
        (&["--vector", "1,2,3,4,5,6,7,inf"], "finite"),
        (&["--emotions", "hapy=1"], "did you mean"),
        (
            &["--emotions", "calm=1", "--face", "sad=1"],
            "cannot be used with",
        ),
        (&[], "no query: give --emotions"),
    ] {
        ask(&place, words).ends_with_code(1).complains(message);
    }
}

#[test]
fn songs_of_the_query_are_excluded_from_the_answer() {
    let place = library();
    let all = ["high.wav", "low.wav", "middle.wav"];
    assert_eq!(names(ask(&place, &["--emotions", "calm=1"])), all);
    let low = place.music().join("low.wav");
    for song in ["low.wav", "LOW", low.to_str().unwrap()] {
        let ran = ask(&place, &["--like", song]).complains("query song: ");
        assert_eq!(names(ran), ["high.wav", "middle.wav"], "{song}");
    }
    let both = ask(&place, &["--like", "deep/high.wav", "--like", "low"]);
    assert_eq!(names(both), ["middle.wav"]);
    let away = ask(&place, &["--like", "low", "--unlike", "high"]);
    assert_eq!(names(away), ["middle.wav"]);
    let away = ask(&place, &["--emotions", "calm=1", "--unlike", "high"]);
    assert_eq!(names(away), ["low.wav", "middle.wav"]);

    ask(&place, &["--like", "low", "--unlike", "low.wav"])
        .ends_with_code(1)
        .complains("nothing is left of the query");
    ask(&place, &["--unlike", "low"])
        .ends_with_code(1)
        .complains("no query: give --emotions");
    ask(&place, &["--like", "midle.wav"])
        .ends_with_code(1)
        .complains("did you mean")
        .complains("middle.wav");
    ask(&place, &["--like", "no such song"])
        .ends_with_code(1)
        .complains("\"no such song\"");
}

#[test]
fn a_file_outside_the_library_is_analyzed_for_the_query() {
    let place = library();
    let outside = place.folder.path().join("outside.wav");
    let path = outside.to_str().unwrap().to_owned();
    let middle = fs::read(place.music().join("folder/middle.wav")).unwrap();
    // A copy is the same song.
    fs::write(&outside, &middle).unwrap();
    let ran = ask(&place, &["--like", &path]).complains("analyzed now");
    assert_eq!(names(ran), ["high.wav", "low.wav"]);
    // With other bytes it is another song, with the same emotions.
    let mut other = middle;
    other[1000] ^= 1;
    fs::write(&outside, &other).unwrap();
    let near = answer(ask(&place, &["--like", &path]));
    assert_eq!(near.len(), 3);
    assert_eq!(near[0].0, "middle.wav");
    assert!(near[0].1 > 0.9999, "{near:?}");

    other[44..].fill(0);
    fs::write(&outside, &other).unwrap();
    ask(&place, &["--like", &path])
        .ends_with_code(1)
        .complains("is silent");
    fs::write(&outside, b"not audio").unwrap();
    ask(&place, &["--like", &path])
        .ends_with_code(1)
        .complains("outside.wav: ");
}

const SEEN: &str = "happiness 45 %, neutral 30 %, sadness 25 %";
const LABELLED: &str = "happiness 60 %, neutral 40 %";

#[test]
fn files_of_five_face_programs_are_read() {
    let place = library();
    let seen = answer(ask(&place, &["--face", "happy=9,neutral=6,sad=5"]));
    let labeled = answer(ask(&place, &["--face", "joy=3,neutral=2"]));
    for (file, shows, unsure) in [
        ("deepface.json", SEEN, 1),
        ("deepface-batch.json", SEEN, 1),
        ("deepface-stream.jsonl", SEEN, 1),
        ("deepface-service.jsonl", SEEN, 1),
        ("py-feat.csv", SEEN, 1),
        ("py-feat-two-faces.csv", SEEN, 1),
        ("py-feat-v2.csv", SEEN, 1),
        ("fer.csv", SEEN, 0),
        ("fer-first-face.csv", SEEN, 0),
        ("fer.json", SEEN, 1),
        ("libreface.csv", LABELLED, 0),
        ("openface3.csv", LABELLED, 1),
        ("labels.csv", LABELLED, 1),
    ] {
        let ran = ask(&place, &["--face-file", &faces(file)])
            .complains(shows)
            .complains("5 frames, by column");
        assert_eq!(
            ran.stderr
                .contains("skipped: 1 frame without a recognized face"),
            unsure == 1,
            "{file}: {}",
            ran.stderr
        );
        let several = ["py-feat-two-faces.csv", "fer.csv"].contains(&file);
        assert_eq!(ran.stderr.contains("averaged"), several, "{}", ran.stderr);
        let expected = if shows == SEEN { &seen } else { &labeled };
        is_the_same(&answer(ran), expected);
    }
    ask(&place, &["--face-file", &faces("openface2.csv")])
        .ends_with_code(1)
        .complains("action units")
        .complains("py-feat, DeepFace, FER");
}

#[test]
fn observe_takes_a_stretch_by_time_or_by_frames() {
    let place = library();
    // The last three quarters of a second: no face, happiness, neutral.
    let half = "happiness 50 %, neutral 50 %";
    for (file, words) in [
        ("labels.csv", ["--observe", "0.75s"].as_slice()),
        ("libreface.csv", &["--observe", "0.75s"]),
        ("openface3.csv", &["--observe", "0.75s", "--fps", "4"]),
        ("openface3.csv", &["--observe", "9s"]),
    ] {
        let mut all = vec!["--face-file"];
        let file = faces(file);
        all.push(&file);
        all.extend(words);
        ask(&place, &all).ends_with_code(0).complains(half);
    }
    let labels = faces("labels.csv");
    ask(&place, &["--face-file", &labels, "--observe", "0s:0.5s"])
        .ends_with_code(0)
        .complains("2 frames from 0:00 to 0:00.5")
        .complains("happiness 100 %");
    for (words, message) in [
        (
            ["--observe", "15"].as_slice(),
            "the length needs a number and a unit",
        ),
        (&["--observe", "15s", "--fps", "0"], "above 0"),
    ] {
        let mut all = vec!["--face-file", &labels];
        all.extend(words);
        ask(&place, &all).ends_with_code(1).complains(message);
    }
    ask(
        &place,
        &["--face-file", &faces("fer.csv"), "--observe", "1s"],
    )
    .ends_with_code(1)
    .complains("--fps");
    ask(&place, &["--face", "sad=1", "--observe", "1s"])
        .ends_with_code(1)
        .complains("--face-file");
}

/// Starts a query whose standard input stays open, after `rows` were written to it.
fn piped(command: &mut Command, rows: &[u8], keep_open: bool) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // A program that has seen enough need not read the rest.
    let _ = input.write_all(rows);
    let open = keep_open.then_some(input);
    let (mut stdout, mut stderr) = (String::new(), String::new());
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut stdout)
        .unwrap();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    let code = child.wait().unwrap().code();
    drop(open);
    Ran {
        code,
        stdout,
        stderr,
    }
}

#[test]
fn a_face_program_can_pipe_into_the_query() {
    let place = library();
    let mut rows = "time,emotion\n".to_owned();
    for n in 0..15 {
        let label = if n < 9 { "happy" } else { "neutral" };
        rows.push_str(&format!("{n},{label}\n"));
    }
    let query = || {
        let mut query = place.query();
        query.args(["--face-file", "-", "-k", "all", "--json"]);
        query
    };
    // Nobody closes the pipe; fifteen seconds of it are there.
    let live = piped(query().args(["--observe", "15s"]), rows.as_bytes(), true)
        .complains("15 frames from 0:00 to 0:15")
        .complains(LABELLED);
    let whole =
        piped(&mut query(), rows.as_bytes(), false).complains("15 frames, by column emotion");
    let typed = answer(ask(&place, &["--face", "happy=9,neutral=6"]));
    is_the_same(&answer(live), &typed);
    is_the_same(&answer(whole), &typed);
    piped(&mut query(), b"", false)
        .ends_with_code(1)
        .complains("standard input: the face file has no rows");
}

fn parquet_file(place: &Place, name: &str, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
    let path = place.folder.path().join(name);
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

#[test]
fn parquet_is_read_from_a_file_and_from_a_pipe() {
    let place = library();
    let numbers =
        |values: [Option<f64>; 3]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
    let (happy, sad) = (
        numbers([Some(60.0), Some(20.0), None]),
        numbers([Some(40.0), Some(80.0), None]),
    );
    let flat = vec![("happy", happy.clone()), ("sad", sad.clone())];
    let flat = parquet_file(&place, "flat.parquet", flat);
    let field = |name: &str| Arc::new(Field::new(name, DataType::Float64, true));
    let inner = StructArray::from(vec![(field("happy"), happy), (field("sad"), sad)]);
    let nested = parquet_file(&place, "nested.parquet", vec![("emotion", Arc::new(inner))]);
    // As pandas writes times: with a zone, in nanoseconds.
    let times: Vec<i64> = (0..5)
        .map(|n| 1_700_000_000_000_000_000 + n * 250_000_000)
        .collect();
    let times = TimestampNanosecondArray::from(times).with_timezone("UTC");
    let labels: ArrayRef = Arc::new(StringArray::from(vec!["happy", "sad", "", "sad", "happy"]));
    let timed = vec![("time", Arc::new(times) as ArrayRef), ("emotion", labels)];
    let labels = parquet_file(&place, "labels.parquet", timed);
    ask(
        &place,
        &["--face-file", labels.to_str().unwrap(), "--observe", "0.5s"],
    )
    .ends_with_code(0)
    .complains("2 frames from 0:00.8 to 0:01.3");
    let expected = [
        (&flat, "sadness 60 %, happiness 40 %"),
        (&nested, "sadness 60 %, happiness 40 %"),
        (&labels, "happiness 50 %, sadness 50 %"),
    ];
    for (path, shows) in expected {
        ask(&place, &["--face-file", path.to_str().unwrap()])
            .ends_with_code(0)
            .complains(shows);
        let bytes = fs::read(path).unwrap();
        piped(place.query().args(["--face-file", "-"]), &bytes, false)
            .ends_with_code(0)
            .complains(shows);
        let cut = place.folder.path().join("cut.parquet");
        fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
        ask(&place, &["--face-file", cut.to_str().unwrap()])
            .ends_with_code(1)
            .complains("as Parquet");
    }
}

#[test]
fn the_map_from_faces_to_emotions_is_printed_and_can_be_replaced() {
    let place = library();
    let table = |words: &[&str]| {
        let ran = run(circumplex().args(["face", "table"]).args(words));
        ran.ends_with_code(0).stdout
    };
    let text = table(&[]);
    assert!(text.contains("8.48 ± 0.81"), "{text}");
    assert_eq!(text.lines().count(), 9, "{text}");
    let map = place.folder.path().join("map.csv");
    let path = map.to_str().unwrap();
    fs::write(&map, table(&["--csv"])).unwrap();
    assert_eq!(table(&["--csv", "--face-map", path]), table(&["--csv"]));
    let face = ["--face", "happy=9,neutral=4,surprise=2"];
    let own = answer(ask(&place, &face));
    let same = answer(ask(
        &place,
        &[face.as_slice(), &["--face-map", path]].concat(),
    ));
    assert_eq!(own, same);

    // A map after which an angry face asks for calm.
    let changed: Vec<String> = table(&["--csv"])
        .lines()
        .map(|line| match line.starts_with("anger") {
            true => "anger,0,0,0,0,0,0,1,0".to_owned(),
            false => line.to_owned(),
        })
        .collect();
    fs::write(&map, changed.join("\n")).unwrap();
    is_the_same(
        &answer(ask(&place, &["--face", "angry=1", "--face-map", path])),
        &answer(ask(&place, &["--emotions", "calm=1"])),
    );
    fs::write(&map, changed[..5].join("\n")).unwrap();
    ask(&place, &["--face", "angry=1", "--face-map", path])
        .ends_with_code(1)
        .complains("sadness is missing");
    ask(&place, &["--face", "angry=1", "--face-map", "/no/such.csv"])
        .ends_with_code(1)
        .complains("/no/such.csv");
    ask(&place, &["--emotions", "calm=1", "--face-map", path])
        .ends_with_code(1)
        .complains("--face");
}

#[test]
fn invalid_faces_are_rejected_with_the_remedy() {
    let place = library();
    let file = place.folder.path().join("faces.csv");
    let path = file.to_str().unwrap();
    for (words, message) in [
        (
            ["--face", "hapy=3"].as_slice(),
            "did you mean \"happiness\"?",
        ),
        (&["--face", "happy=-1"], "at least 0"),
        (&["--face", "happy=0"], "above zero"),
        (&["--face", "happy"], "found \"happy\""),
        (
            &["--face-file", "/no/such/file"],
            "/no/such/file: cannot read",
        ),
        (&["--face-file", "/"], "cannot read the face file"),
    ] {
        ask(&place, words).ends_with_code(1).complains(message);
    }
    for (content, message) in [
        (
            b"a,b\n1,2\n".as_slice(),
            "no column tells the expression of a face",
        ),
        (
            b"emotion\nhapy\n",
            "row 1, column emotion: unknown expression \"hapy\"",
        ),
        (b"emotion\nnone\n", "none of 1 rows shows a face"),
        (b"happy,sad\n1,-0.5\n", "row 1, column sad"),
        (b"[{\"emotion\": 3}]", "unknown expression"),
        (b"{\"emotion\": \"sad\"", "as JSON"),
        (b"", "no rows"),
    ] {
        fs::write(&file, content).unwrap();
        ask(&place, &["--face-file", path])
            .ends_with_code(1)
            .complains(message)
            .complains(path);
    }
}

#[test]
fn entries_of_an_exclude_list_that_match_no_song_are_counted_and_named() {
    let place = three_songs();
    place.tone("Beyonce\u{301}.wav", 300.0, 3.0);
    run(&mut place.analyze()).ends_with_code(0);
    let list = place.folder.path().join("heard.m3u8");
    let entries = "music/Beyonc\u{e9}.wav\nmusic/LOW.wav\nmusic\\folder\\middle.wav\nmusic/gone.wav\nmusic/never.wav\n";
    fs::write(&list, entries).unwrap();
    let mut query = place.query();
    query.args(["--emotions", "happy=1", "-k", "all", "--exclude-list"]);
    let ran = run(query.arg(&list))
        .ends_with_code(0)
        .complains("1 song found by ignoring upper and lower case")
        .complains("2 entries are no song of the library: music/gone.wav, music/never.wav");
    assert!(ran.stdout.contains("high.wav"), "{}", ran.stdout);
    for excluded in ["low.wav", "middle.wav", "Beyonc"] {
        assert!(!ran.stdout.contains(excluded), "{}", ran.stdout);
    }
}

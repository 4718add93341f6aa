//! `circumplex face detect`, `face observe` and questions with pictures of faces, on a portrait and on drawn pictures.

use crate::common::{self, Ran, circumplex, run};
use image::{DynamicImage, GrayImage, Luma};
use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

const PORTRAIT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/faces/portrait.jpg"
);

fn face(arguments: &[&str]) -> Command {
    let mut command = circumplex();
    command.arg("face").args(arguments);
    command
}

fn value(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

/// A picture of waves, without a face.
fn save_waves(path: &Path) {
    let waves = GrayImage::from_fn(320, 240, |x, y| {
        Luma([(128.0 + 90.0 * (f64::from(x * x + 3 * y) / 900.0).sin()) as u8])
    });
    DynamicImage::from(waves).save(path).unwrap();
}

/// Runs with bytes on standard input.
fn piped(command: &mut Command, bytes: &[u8]) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    // A program that has seen enough stops reading.
    let _ = child.stdin.take().unwrap().write_all(bytes);
    child.wait_with_output().unwrap().into()
}

#[test]
fn detect_prints_the_face_as_a_table_json_and_csv() {
    let ran = run(&mut face(&["detect", PORTRAIT])).ends_with_code(0);
    assert!(ran.stdout.contains("happiness") && ran.stdout.contains("portrait.jpg"));
    let ran = run(&mut face(&[
        "detect",
        PORTRAIT,
        "--json",
        "--score",
        "happy,sad",
    ]));
    let found = value(&ran.ends_with_code(0));
    let face_found = &found[0]["faces"][0];
    assert_eq!(found[0]["picture"], PORTRAIT);
    assert_eq!(face_found["box"].as_array().unwrap().len(), 4);
    let expressions = face_found["expressions"].as_object().unwrap();
    let of = |name: &str| expressions[name].as_f64().unwrap();
    assert_eq!(expressions.len(), 8);
    let mood = of("happiness") / (of("happiness") + of("sadness"));
    assert!((face_found["mood_score"].as_f64().unwrap() - mood).abs() < 1e-5);
    let csv = run(&mut face(&["detect", PORTRAIT, "--csv"])).ends_with_code(0);
    let mut rows = csv::Reader::from_reader(csv.stdout.as_bytes());
    let names = rows.headers().unwrap().clone();
    let row = rows.records().next().unwrap().unwrap();
    let place = names.iter().position(|name| name == "happiness").unwrap();
    assert!((row[place].parse::<f64>().unwrap() - of("happiness")).abs() < 1e-6);
}

#[test]
fn a_picture_without_a_face_or_that_cannot_be_read_is_exit_code_3() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (waves, broken) = (place("waves.png"), place("broken.jpg"));
    save_waves(Path::new(&waves));
    let portrait = fs::read(PORTRAIT).unwrap();
    fs::write(&broken, &portrait[..400]).unwrap();
    let ran = run(&mut face(&["detect", &waves])).ends_with_code(3);
    assert_eq!(ran.stdout, "");
    ran.complains("no face found");
    run(&mut face(&["detect", &broken]))
        .ends_with_code(1)
        .complains("the picture is damaged");
    let ran = run(&mut face(&["detect", &waves, PORTRAIT, &broken, "--csv"]))
        .ends_with_code(3)
        .complains("no face found");
    assert_eq!(ran.stdout.lines().count(), 3);
    // `query --face-file` takes the picture without a face for a frame without one.
    let faces = place("faces.csv");
    fs::write(&faces, &ran.stdout).unwrap();
    let library = common::three_songs();
    run(&mut library.analyze()).ends_with_code(0);
    run(library.query().args(["--face-file", &faces, "-k", "1"]))
        .ends_with_code(0)
        .complains("1 frame, by columns anger to contempt")
        .complains("skipped: 1 frame without a recognized face");
    let ran = run(library.query().args(["--face-image", PORTRAIT, "-k", "1"]));
    ran.ends_with_code(0).complains("happiness");
    run(library.query().args(["--face-image", &waves]))
        .ends_with_code(1)
        .complains("no face found");
}

#[test]
fn boxes_are_drawn_and_nothing_else_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let png = directory.path().join("boxes.png");
    let mut command = face(&["detect", PORTRAIT, "--json", "--png"]);
    let ran = run(command.arg(&png).current_dir(&directory)).ends_with_code(0);
    let region = value(&ran)[0]["faces"][0]["box"].clone();
    let [left, top] = [0, 1].map(|n| region[n].as_u64().unwrap() as u32);
    let drawn = image::open(&png).unwrap().into_rgb8();
    assert_eq!(drawn.get_pixel(left, top).0, [255, 64, 0]);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    let both = face(&["detect", PORTRAIT, PORTRAIT, "--png", "x.png"]);
    run(&mut { both }).ends_with_code(1).complains("give one");
}

#[test]
fn a_directory_and_motion_jpeg_give_the_same_observation() {
    let directory = tempfile::tempdir().unwrap();
    let portrait = fs::read(PORTRAIT).unwrap();
    for n in 0..4 {
        fs::write(directory.path().join(format!("{n}.jpg")), &portrait).unwrap();
    }
    save_waves(&directory.path().join("4.png"));
    let frames = directory.path().to_str().unwrap();
    let observe = |source: &str, more: &[&str]| {
        let mut command = face(&["observe", source, "--json"]);
        command.args(more);
        command
    };
    let ran = run(&mut observe(frames, &["--fps", "2"])).ends_with_code(0);
    let seen = value(&ran.complains("skipped: 1 frame without a face"));
    assert_eq!(
        (&seen["frames"], &seen["without_face"]),
        (&4.into(), &1.into())
    );
    let seconds = seen["seconds"].as_object().unwrap().values();
    let total: f64 = seconds.map(|it| it.as_f64().unwrap()).sum();
    assert!((total - 2.0).abs() < 1e-6, "{total}");
    let emotions = seen["emotions"].as_object().unwrap().values();
    let total: f64 = emotions.map(|it| it.as_f64().unwrap()).sum();
    assert!((total - 100.0).abs() < 1e-3, "{total}");
    let stream = portrait.repeat(4);
    let ran = piped(&mut observe("-", &["--fps", "2"]), &stream).ends_with_code(0);
    assert_eq!(value(&ran)["shares"], seen["shares"]);
    let ran = piped(
        &mut observe("-", &["--fps", "2", "--seconds", "1"]),
        &stream,
    );
    assert_eq!(value(&ran.ends_with_code(0))["frames"], 2);
    run(&mut observe(frames, &[]))
        .ends_with_code(1)
        .complains("give --fps");
    piped(&mut observe("-", &[]), b"text")
        .ends_with_code(1)
        .complains("found no frames");
    run(&mut observe(PORTRAIT, &[]))
        .ends_with_code(1)
        .complains("needs ffmpeg");
}

#[cfg(unix)]
#[test]
fn a_video_is_decoded_by_ffmpeg_without_a_shell() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    let (ffmpeg, arguments) = (place("ffmpeg"), place("arguments"));
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = -version ] && {{ echo ffmpeg version 0; exit; }}\n\
         printf '%s\\n' \"$@\" > '{}'\necho '  Duration: 00:00:10.00, start: 0' >&2\ncat '{PORTRAIT}' '{PORTRAIT}' '{PORTRAIT}'\n",
        arguments.display()
    );
    fs::write(&ffmpeg, script).unwrap();
    fs::set_permissions(&ffmpeg, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(place("-clip $(x).mp4"), "a video").unwrap();
    let mut command = face(&["observe", "--json", "--seconds", "15", "--ffmpeg"]);
    command.arg(&ffmpeg).args(["--", "-clip $(x).mp4"]);
    let ran = run(command.current_dir(&directory)).ends_with_code(0);
    // Three frames at five a second are not the ten seconds that the header declares.
    let ran = ran.complains("the last 9.6 s cannot be decoded");
    let seen = value(&ran);
    assert_eq!(seen["frames"], 3);
    assert!((seen["missing_s"].as_f64().unwrap() - 9.6).abs() < 1e-9);
    let asked = fs::read_to_string(&arguments).unwrap();
    assert!(
        asked.contains("\n-sseof\n-15\n-t\n15\n-i\nfile:/"),
        "{asked}"
    );
    assert!(
        asked.contains("/-clip $(x).mp4\n") && asked.contains("fps=5,"),
        "{asked}"
    );
}

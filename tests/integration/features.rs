//! `circumplex features`, on the command line.

use crate::common::npy::read_npy;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn circumplex(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_circumplex"))
        .env("CIRCUMPLEX_FFMPEG", "never")
        .current_dir(directory)
        .args(arguments)
        .output()
        .unwrap()
}

fn sine(directory: &Path, name: &str, seconds: u32) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(directory.join(name), spec).unwrap();
    for i in 0..seconds * 44_100 {
        let phase = std::f64::consts::TAU * 440.0 * f64::from(i) / 44_100.0;
        for _ in 0..2 {
            writer
                .write_sample((16_000.0 * phase.sin()) as i16)
                .unwrap();
        }
    }
    writer.finalize().unwrap();
}

#[test]
fn a_song_becomes_an_array_a_picture_and_two_lines_of_facts() {
    let directory = tempfile::tempdir().unwrap();
    sine(directory.path(), "a song.wav", 31);
    let output = circumplex(
        directory.path(),
        &[
            "features",
            "a song.wav",
            "-o",
            "mel.npy",
            "--picture",
            "mel.png",
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let facts = String::from_utf8(output.stdout).unwrap();
    assert_eq!(facts.lines().count(), 2, "{facts}");
    assert!(
        facts.starts_with("a song.wav: 31.00 s, pcm_s16le, 44100 Hz, stereo"),
        "{facts}"
    );
    let remarks = String::from_utf8(output.stderr).unwrap();
    assert!(remarks.contains("mel.npy") && remarks.contains("mel.png"));

    let (shape, values) = read_npy(&directory.path().join("mel.npy"));
    assert_eq!((shape.len(), shape[1]), (3, 96));
    assert!(facts.contains(&format!("{} windows", shape[0])), "{facts}");
    // 440 Hz is the loudest in every window: band 13 of 96 has its center at 435 Hz.
    let frames = shape[2] as usize;
    for window in values.chunks_exact(96 * frames) {
        let level = |band: usize| window[band * frames + frames / 2];
        let loudest = (0..96)
            .max_by(|a, b| level(*a).total_cmp(&level(*b)))
            .unwrap();
        assert_eq!(loudest, 13);
    }
    let picture = fs::read(directory.path().join("mel.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
}

#[test]
fn quiet_keeps_the_facts_and_drops_the_remarks() {
    let directory = tempfile::tempdir().unwrap();
    sine(directory.path(), "song.wav", 2);
    let output = circumplex(
        directory.path(),
        &["--quiet", "features", "song.wav", "-o", "mel.npy"],
    );
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("repeated to fill the window")
    );
}

#[test]
fn a_file_that_cannot_be_read_or_written_is_one_line_and_exit_code_1() {
    let directory = tempfile::tempdir().unwrap();
    sine(directory.path(), "song.wav", 2);
    fs::write(
        directory.path().join("text.mp3"),
        "This is not audio. ".repeat(100),
    )
    .unwrap();
    for (arguments, named) in [
        (&["features", "absent.mp3"][..], "absent.mp3"),
        (&["features", "text.mp3", "-o", "mel.npy"], "text.mp3"),
        (&["features", "song.wav", "--picture", "mel.jpg"], "mel.jpg"),
        (
            &["features", "song.wav", "-o", "absent/mel.npy"],
            "absent/mel.npy",
        ),
        (&["features", "song.wav", "--model", "song.wav"], "song.wav"),
    ] {
        let output = circumplex(directory.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.contains(named), "{message}");
    }
    assert!(!directory.path().join("mel.npy").exists());
}

//! Formats that only ffmpeg decodes. Most tests run a script in its place, which answers as ffmpeg does; one runs the real
//! program, if it is installed.

use crate::common::{self, Place, run, wav};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The magic bytes of Windows Media.
const ASF: &[u8] = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c rest";

/// A script that describes every file as WMA of `declared`, and writes `seconds` of a tone as WAV of unknown length.
fn stand_in(place: &Place, declared: &str, seconds: usize) -> PathBuf {
    let samples = (0..seconds * 8000).map(|n| ((n as f32 * 0.3).sin() * 9000.0) as i16);
    let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let output = place.folder.path().join("output.wav");
    fs::write(&output, wav(8000, 1, u32::MAX, &data)).unwrap();
    let arguments = place.folder.path().join("arguments");
    script(
        place,
        &format!(
            "printf '%s\\n' \"$@\" >> '{}'\n\
             cat >&2 <<'END'\n\
             Input #0, asf, from 'file:song.wma':\n  Metadata:\n    title           : A Song\n  Duration: {declared}, start: 0.0\n  \
             Stream #0:0: Audio: wmav2 (a[1][0][0] / 0x0161), 8000 Hz, mono, fltp, 32 kb/s\n\
             Output #0, wav, to 'pipe:1':\n\
             END\n\
             exec cat '{}'",
            arguments.display(),
            output.display()
        ),
    )
}

/// An executable that answers `-version` as ffmpeg does, and otherwise does what `body` says.
fn script(place: &Place, body: &str) -> PathBuf {
    let path = place.folder.path().join("my ffmpeg");
    let text =
        format!("#!/bin/sh\n[ \"$1\" = -version ] && {{ echo ffmpeg version 0; exit; }}\n{body}\n");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn analyze(place: &Place, ffmpeg: &Path) -> Command {
    let mut command = place.analyze();
    command.arg("--ffmpeg").arg(ffmpeg);
    command
}

/// The rows of the library by column.
fn songs(place: &Place) -> Vec<serde_json::Value> {
    let mut command = common::circumplex();
    let command = command
        .args(["export", "--format", "jsonl", "-o", "-"])
        .arg(place.library());
    let lines = run(command).ends_with_code(0).stdout;
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_format_without_a_decoder_is_decoded_by_ffmpeg() {
    let place = Place::new();
    place.file("-odd name\n.wma", ASF);
    place.tone("plain.wav", 220.0, 3.0);
    let ffmpeg = stand_in(&place, "00:00:04.00", 4);
    run(&mut analyze(&place, &ffmpeg)).ends_with_code(0);
    let songs = songs(&place);
    assert_eq!(songs.len(), 2);
    let by = |decoder: &str| {
        songs
            .iter()
            .find(|song| song["decoder"] == decoder)
            .unwrap()
    };
    let (odd, plain) = (by("ffmpeg"), by("symphonia"));
    assert_eq!(
        (&odd["codec"], &odd["title"]),
        (&"wmav2".into(), &"A Song".into())
    );
    assert_eq!(
        (&odd["duration_s"], &odd["missing_s"]),
        (&4.0.into(), &0.0.into())
    );
    assert_eq!(
        (&odd["sample_rate"], &odd["channels"]),
        (&8000.into(), &1.into())
    );
    assert_eq!(plain["codec"], "pcm_s16le");
    // The name is one argument, and never an option; ffmpeg was asked about this file alone.
    let arguments = fs::read_to_string(place.folder.path().join("arguments")).unwrap();
    let input = format!("-i\nfile:{}/-odd name\n.wma\n", place.music().display());
    assert_eq!(arguments.matches(&input).count(), 1, "{arguments}");
    assert_eq!(arguments.matches("\n-i\n").count(), 1, "{arguments}");
}

#[test]
fn a_part_of_such_a_file_is_decoded_too() {
    let place = Place::new();
    place.file("song.wma", ASF);
    let ffmpeg = stand_in(&place, "00:00:40.00", 40);
    run(analyze(&place, &ffmpeg).args(["--excerpt", "10s:20s"])).ends_with_code(0);
    let song = &songs(&place)[0];
    assert_eq!(song["excerpt_start_s"], 10.0);
    assert_eq!(song["excerpt_length_s"], 20.0);
}

#[test]
fn without_ffmpeg_such_files_are_skipped_with_a_hint_or_fail_if_named() {
    let place = Place::new();
    let song = place.file("song.wma", ASF);
    place.tone("plain.wav", 220.0, 3.0);
    run(&mut analyze(&place, Path::new("never")))
        .ends_with_code(0)
        .complains("WMA 1")
        .complains("with ffmpeg installed");
    run(common::circumplex().arg("timeline").arg(song))
        .ends_with_code(1)
        .complains("Windows Media (ASF, WMA)");
    run(&mut analyze(&place, Path::new("/absent/ffmpeg")))
        .ends_with_code(1)
        .complains("/absent/ffmpeg: does not run as ffmpeg");
}

#[test]
fn a_file_that_ffmpeg_cannot_decode_or_of_which_most_is_missing_fails() {
    let place = Place::new();
    place.file("song.wma", ASF);
    let broken = script(&place, "echo 'song.wma: Invalid data found' >&2; exit 1");
    run(&mut analyze(&place, &broken))
        .ends_with_code(1)
        .complains("Windows Media (ASF, WMA) is not supported")
        .complains("Invalid data found");
    let cut = stand_in(&place, "00:00:30.00", 4);
    run(analyze(&place, &cut).arg("--retry-failed"))
        .ends_with_code(1)
        .complains("4.00 s of 30.00 s");
    let half = stand_in(&place, "00:00:30.00", 20);
    run(analyze(&place, &half).arg("--retry-failed"))
        .ends_with_code(0)
        .complains("10.00 s missing");
}

#[test]
fn the_real_ffmpeg_decodes_what_it_encoded() {
    let ffmpeg = std::env::var_os("CIRCUMPLEX_TEST_FFMPEG").unwrap_or_else(|| "ffmpeg".into());
    let version = Command::new(&ffmpeg)
        .arg("-version")
        .stdin(Stdio::null())
        .output();
    if version.is_err() {
        eprintln!("skipped: {} is not installed", ffmpeg.display());
        return;
    }
    let place = Place::new();
    let tone = place.tone("tone.wav", 330.0, 8.0);
    let formats = ["wma", "wv", "tta", "ac3", "w64", "au"];
    for format in formats {
        let output = Command::new(&ffmpeg)
            .args(["-v", "error", "-nostdin", "-i"])
            .arg(&tone)
            .args(["-metadata", "title=Tone"])
            .arg(place.music().join(format!("tone.{format}")))
            .output()
            .unwrap();
        assert!(output.status.success(), "{format}: {output:?}");
    }
    run(place.analyze().arg("--ffmpeg").arg(&ffmpeg)).ends_with_code(0);
    let songs = songs(&place);
    assert_eq!(songs.len(), 1 + formats.len());
    let number = |song: &serde_json::Value, key: &str| song[key].as_f64().unwrap();
    let plain = songs
        .iter()
        .find(|song| song["decoder"] == "symphonia")
        .unwrap();
    for song in songs.iter().filter(|song| song["decoder"] == "ffmpeg") {
        assert!((number(song, "duration_s") - 8.0).abs() < 0.15, "{song:?}");
        for key in ["valence", "arousal"] {
            assert!(
                (number(song, key) - number(plain, key)).abs() < 0.4,
                "{song:?}"
            );
        }
    }
}

#[test]
fn files_that_failed_for_lack_of_ffmpeg_are_counted_and_tried_again_with_it() {
    let place = Place::new();
    place.file("song.mp3", ASF);
    place.file("text.mp3", b"no music");
    let hint = "1 of the failed files could probably be read with ffmpeg";
    run(&mut analyze(&place, Path::new("never")))
        .ends_with_code(1)
        .complains(hint);
    place.tone("plain.wav", 220.0, 3.0);
    // Later runs know the failures of the first.
    for _ in 0..2 {
        let ran = run(&mut analyze(&place, Path::new("never"))).ends_with_code(3);
        assert!(ran.stdout.contains(hint), "{}", ran.stdout);
    }
    let ffmpeg = stand_in(&place, "00:00:04.00", 4);
    let ran = run(&mut analyze(&place, &ffmpeg)).ends_with_code(3);
    assert!(!ran.stdout.contains(hint), "{}", ran.stdout);
    assert_eq!(songs(&place).len(), 2);
}

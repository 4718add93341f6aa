//! `circumplex timeline`, on the command line.

use crate::common::{Place, circumplex, run};
use std::process::Command;

/// A tone for 40 s: two windows, and a third that ends with the song.
fn song() -> (Place, Command) {
    let place = Place::new();
    place.tone("song.wav", 330.0, 40.0);
    let command = song_of(&place);
    (place, command)
}

fn song_of(place: &Place) -> Command {
    let mut command = circumplex();
    command.arg("timeline").arg(place.music().join("song.wav"));
    command
}

#[test]
fn a_song_outside_any_library_is_shown_window_by_window() {
    let (place, mut command) = song();
    let ran = run(&mut command).ends_with_code(0);
    assert_eq!(place.leftovers(), [""; 0], "nothing is written");
    assert!(
        ran.stdout.contains("0:40, 3 windows of 15 s"),
        "{}",
        ran.stdout
    );
    for name in ["valence", "arousal", "happy", "content", "0:00", "0:30"] {
        assert!(ran.stdout.contains(name), "{name}: {}", ran.stdout);
    }
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100));
    let plain = run(command.env("NO_COLOR", "1")).ends_with_code(0);
    assert_eq!(plain.stdout, ran.stdout);
}

#[test]
fn the_json_has_every_window_and_the_song() {
    let (_place, mut command) = song();
    let ran = run(command.args(["--json", "--quiet"])).ends_with_code(0);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["window_s"], 15.0);
    assert_eq!(json["note"], serde_json::Value::Null);
    let timeline = json["timeline"].as_array().unwrap();
    let starts: Vec<f64> = timeline
        .iter()
        .map(|moment| moment["start_s"].as_f64().unwrap())
        .collect();
    assert_eq!(starts, [0.0, 15.0, 25.0]);
    let valence = |moment: &serde_json::Value| moment["valence"].as_f64().unwrap();
    let mean =
        (valence(&timeline[0]) + valence(&timeline[1]) + valence(&timeline[2]) * 10.0 / 15.0)
            / (2.0 + 10.0 / 15.0);
    assert!((mean - valence(&json)).abs() < 1e-3);
    assert_eq!(timeline[0]["emotions"].as_object().unwrap().len(), 8);
    let felt = |moment: &serde_json::Value| moment["felt"]["calm"].as_f64().unwrap();
    let mean = (felt(&timeline[0]) + felt(&timeline[1]) + felt(&timeline[2]) * 10.0 / 15.0)
        / (2.0 + 10.0 / 15.0);
    assert!((mean - felt(&json)).abs() < 1e-2);
}

#[test]
fn the_percentages_are_those_of_the_emotions_unless_what_is_felt_is_asked_for() {
    let (place, mut command) = song();
    let json = run(song_of(&place).args(["--json", "--quiet"])).ends_with_code(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let happy = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("happy")).unwrap();
        let number = line.split_whitespace().nth(1).unwrap();
        number.parse::<f64>().unwrap()
    };
    let near = |text: &str, vector: &str| {
        (happy(text) - json[vector]["happy"].as_f64().unwrap()).abs() < 0.06
    };
    let plain = run(&mut command).ends_with_code(0).stdout;
    let felt = run(command.args(["--by", "felt"])).ends_with_code(0).stdout;
    assert!(
        near(&plain, "emotions") && !near(&plain, "felt"),
        "{plain} {json}"
    );
    assert!(near(&felt, "felt"), "{felt} {json}");
    assert!(felt.contains("what listeners feel") && !plain.contains("listeners"));
    let picture = place.folder.path().join("felt.svg");
    run(command.arg("-o").arg(&picture)).ends_with_code(0);
    let svg = std::fs::read_to_string(picture).unwrap();
    assert!(svg.contains("the eight emotions that listeners feel"));
}

#[test]
fn the_picture_is_png_or_svg_and_other_extensions_are_refused_first() {
    let (place, _) = song();
    let ask = |output: &str| {
        run(song_of(&place)
            .arg("-o")
            .arg(place.folder.path().join(output)))
    };
    ask("a.png").ends_with_code(0).complains("wrote ");
    ask("a.svg").ends_with_code(0);
    let png = std::fs::read(place.folder.path().join("a.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    let svg = std::fs::read_to_string(place.folder.path().join("a.svg")).unwrap();
    for text in ["song.wav", "valence", "arousal", "frustrated", "0:30"] {
        assert!(svg.contains(text), "{text}");
    }
    let refused = ask("a.gif").ends_with_code(1);
    assert!(refused.stderr.contains("a.gif") && refused.stdout.is_empty());
}

#[test]
fn a_file_that_is_not_audio_is_named() {
    let place = Place::new();
    let path = place.file("text.mp3", b"not audio at all");
    run(circumplex().arg("timeline").arg(path))
        .ends_with_code(1)
        .complains("text.mp3");
}

//! `circumplex show`, on the command line.

use crate::common::{Place, circumplex, json, run};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{fs, path::Path, process::Command};

fn show(song: &Path) -> Command {
    let mut command = circumplex();
    command.arg("show").arg(song);
    command
}

/// The percentage in the line of an emotion.
fn percentage(text: &str, emotion: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(emotion)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn the_text_has_the_percentages_the_place_and_the_course_of_the_json() {
    let place = Place::new();
    let song = place.tone("song.wav", 330.0, 40.0);
    let text = run(&mut show(&song)).ends_with_code(0).stdout;
    let song = json(&run(show(&song).arg("--json")).ends_with_code(0)).remove(0);
    for (emotion, share) in song["emotions"].as_object().unwrap() {
        let shown = percentage(&text, emotion);
        assert!((shown - share.as_f64().unwrap()).abs() < 0.06, "{text}");
    }
    let number = |key: &str| song[key].as_f64().unwrap();
    for axis in ["valence", "arousal"] {
        assert!(
            text.contains(&format!("{axis} {:.2}", number(axis))),
            "{text}"
        );
    }
    // The plane is 11 rows high, arousal 9 to 1, and its last 33 columns are valence 1 to 9.
    let lines: Vec<&str> = text.lines().collect();
    let top = lines
        .iter()
        .position(|line| line.contains("9 arousal"))
        .unwrap();
    let row = lines.iter().position(|line| line.contains('●')).unwrap() - top;
    let column = |line: &str, mark: char| line.chars().position(|letter| letter == mark).unwrap();
    let left = column(lines[top + 4], '│') - 16;
    let column = column(lines[top + row], '●') - left;
    assert_eq!(
        row as f64,
        ((9.0 - number("arousal")) / 0.8).round(),
        "{text}"
    );
    assert_eq!(
        column as f64,
        ((number("valence") - 1.0) / 0.25).round(),
        "{text}"
    );
    assert!(
        text.contains("3 windows of 15 s") && text.contains("0:30"),
        "{text}"
    );
    let starts = song["timeline"].as_array().unwrap().iter();
    let starts: Vec<f64> = starts
        .map(|moment| moment["start_s"].as_f64().unwrap())
        .collect();
    assert_eq!(starts, [0.0, 15.0, 25.0]);
    assert_eq!(place.leftovers(), [""; 0], "nothing is written");
}

#[test]
fn the_percentages_are_what_listeners_feel_if_asked_for() {
    let place = Place::new();
    let song = place.tone("song.wav", 330.0, 3.0);
    let text = run(show(&song).args(["--by", "felt"]))
        .ends_with_code(0)
        .stdout;
    let song = json(&run(show(&song).arg("--json")).ends_with_code(0)).remove(0);
    for (emotion, share) in song["felt"].as_object().unwrap() {
        let shown = percentage(&text, emotion);
        assert!((shown - share.as_f64().unwrap()).abs() < 0.06, "{text}");
    }
    assert!(text.contains("what listeners feel"));
}

#[test]
fn a_song_of_a_library_is_found_by_name_and_shown_as_it_was_analyzed() {
    let place = Place::new();
    let song = place.tone("folder/low.wav", 110.0, 40.0);
    place.tone("high.wav", 1760.0, 3.0);
    let now = json(&run(show(&song).arg("--json")).ends_with_code(0)).remove(0);
    let stored = |name: &str| {
        let mut command = circumplex();
        command.args(["show", name, "--json", "--library"]);
        command.arg(place.library());
        run(&mut command)
    };
    run(&mut place.analyze()).ends_with_code(0);
    let plain = json(&stored("low").ends_with_code(0)).remove(0);
    for key in [
        "valence",
        "arousal",
        "emotions",
        "felt",
        "strongest",
        "duration_s",
        "model",
    ] {
        assert_eq!(plain[key], now[key], "{key}");
    }
    assert_eq!(plain["timeline"].as_array().unwrap().len(), 0);
    run(place.analyze().arg("--timeline")).ends_with_code(0);
    fs::remove_file(&song).unwrap();
    let whole = json(&stored("low").ends_with_code(0)).remove(0);
    assert_eq!(whole["timeline"].as_array().unwrap().len(), 3);
    assert_eq!(whole["window_s"], 15.0);
    let missing = stored("lo").ends_with_code(1);
    assert!(missing.stderr.contains("no song of"), "{}", missing.stderr);
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_others_are_shown() {
    let place = Place::new();
    let song = place.tone("song.wav", 330.0, 3.0);
    let text = place.file("text.mp3", b"not audio at all");
    run(&mut show(&text))
        .ends_with_code(1)
        .complains("text.mp3");
    let ran = run(show(&text).arg(&song)).ends_with_code(3);
    assert!(ran.stdout.contains("song.wav") && ran.stderr.contains("text.mp3"));
    let ran = run(show(&text).arg(&song).arg("--json")).ends_with_code(3);
    assert_eq!(json(&ran).len(), 1);
}

#[test]
fn a_picture_is_sent_to_a_terminal_or_when_asked_for() {
    let place = Place::new();
    let song = place.tone("song.wav", 330.0, 3.0);
    let picture = place.folder.path().join("song.png");
    run(show(&song).arg("-o").arg(&picture)).ends_with_code(0);
    let png = fs::read(picture).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    let asked = |protocol: &str| {
        let ran = run(show(&song).args(["--picture", protocol]));
        assert_eq!(ran.code, Some(0));
        ran.stdout
    };
    let iterm = asked("iterm2");
    let code = iterm.strip_prefix("\x1b]1337;File=inline=1;").unwrap();
    let code = code
        .split_once(':')
        .unwrap()
        .1
        .strip_suffix("\x07\n")
        .unwrap();
    assert_eq!(STANDARD.decode(code).unwrap(), png);
    assert!(asked("kitty").starts_with("\x1b_Ga=T,f=100,q=2,c=80,m=1;"));
    assert!(asked("sixel").starts_with("\x1bPq\"1;1;640;"));
    // `ends_with_code` fails on any escape sequence.
    run(show(&song).env("TERM", "xterm-kitty")).ends_with_code(0);
    run(show(&song).args(["--picture", "never"])).ends_with_code(0);
}

#[test]
fn one_picture_is_of_one_song_and_png_or_svg() {
    let place = Place::new();
    let song = place.tone("song.wav", 330.0, 3.0);
    let ask = |output: &str, songs: usize| {
        let mut command = circumplex();
        command.arg("show").args(vec![&song; songs]);
        command.arg("-o").arg(place.folder.path().join(output));
        run(&mut command)
    };
    let refused = ask("a.gif", 1).ends_with_code(1).complains("a.gif");
    assert!(refused.stdout.is_empty());
    ask("a.svg", 2).ends_with_code(1).complains("one song");
    ask("a.svg", 1).ends_with_code(0).complains("wrote ");
    let svg = fs::read_to_string(place.folder.path().join("a.svg")).unwrap();
    for text in ["song.wav", "valence", "frustrated", "the eight emotions"] {
        assert!(svg.contains(text), "{text}");
    }
}

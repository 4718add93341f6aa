//! Stretches of what a face showed.

use super::observe::{FaceInput, FaceOptions, Observation, observe};
use crate::{emotion::Expression, error::one_line};
use std::io::{self, BufReader, Read};

fn options(stretch: Option<&str>, frames_per_second: Option<f64>) -> FaceOptions {
    FaceOptions {
        stretch: stretch.map(|text| text.parse().unwrap()),
        frames_per_second,
    }
}

fn file(text: &str, options: FaceOptions) -> Result<Observation, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faces");
    std::fs::write(&path, text).unwrap();
    observe(FaceInput::File(path), &options).map_err(|error| one_line(&error))
}

fn stream(text: &str, options: FaceOptions) -> Result<Observation, String> {
    let input = FaceInput::Stream {
        name: "standard input".to_owned(),
        rows: Box::new(text.as_bytes()),
    };
    observe(input, &options).map_err(|error| one_line(&error))
}

/// `happy` for ten seconds, then `sad` for ten, then nobody for two: four rows a second.
fn film(time: impl Fn(usize) -> String, heading: &str) -> String {
    let mut text = format!("{heading},emotion\n");
    for n in 0..88 {
        let label = match n {
            0..40 => "happy",
            40..80 => "sad",
            _ => "",
        };
        text.push_str(&format!("{},{label}\n", time(n)));
    }
    text
}

fn share(observed: &Observation, expression: Expression) -> f64 {
    observed.shares[expression.index()]
}

/// How the time of a row may be written.
type Clock = fn(usize) -> String;

const TIMES: [(&str, Clock); 6] = [
    ("time", |n| format!("{}", n as f64 / 4.0)),
    ("timestamp", |n| format!("{:.3}", 1.7e9 + n as f64 / 4.0)),
    ("timestamp", |n| format!("{}", 1_700_000_000_000 + 250 * n)),
    ("time_ms", |n| format!("{}", 250 * n)),
    ("frame_time_in_ms", |n| format!("{}", n as f64 / 4.0)),
    ("datetime", |n| {
        format!("2026-01-31 12:00:{:02}.{:02}", n / 4, n % 4 * 25)
    }),
];

#[test]
fn the_end_of_a_file_and_the_beginning_of_a_stream_are_observed() {
    for (heading, time) in TIMES {
        let text = film(time, heading);
        let observed = file(&text, options(Some("6s"), None)).unwrap();
        assert_eq!(share(&observed, Expression::Sadness), 1.0, "{heading}");
        assert_eq!((observed.frames, observed.unsure), (16, 8), "{heading}");
        let observed = file(&text, options(Some("8s:4s"), None)).unwrap();
        assert_eq!(share(&observed, Expression::Happiness), 0.5, "{heading}");
        assert_eq!((observed.frames, observed.unsure), (16, 0), "{heading}");
        let observed = stream(&text, options(Some("6s"), None)).unwrap();
        assert_eq!(share(&observed, Expression::Happiness), 1.0, "{heading}");
        assert_eq!((observed.frames, observed.unsure), (24, 0), "{heading}");
        let observed = stream(&text, options(Some("8s:4s"), None)).unwrap();
        assert_eq!(share(&observed, Expression::Happiness), 0.5, "{heading}");
        let observed = file(&text, options(Some("1m"), None)).unwrap();
        assert_eq!((observed.frames, observed.unsure), (80, 8), "{heading}");
    }
}

#[test]
fn frames_or_rows_are_counted_where_their_rate_is_given() {
    let frames = film(|n| (n * 6).to_string(), "frame");
    let observed = file(&frames, options(Some("6s"), Some(24.0))).unwrap();
    assert_eq!((observed.frames, observed.unsure), (16, 8));
    let rows = film(|_| String::new(), "x");
    let observed = file(&rows, options(Some("6s"), Some(4.0))).unwrap();
    assert_eq!((observed.frames, observed.unsure), (16, 8));
    let error = file(&rows, options(Some("6s"), None)).unwrap_err();
    assert!(error.contains("--fps"), "{error}");
    assert_eq!(file(&rows, options(None, None)).unwrap().frames, 80);
}

/// Gives a text line by line, and fails when it is asked for more than the first lines.
struct Slow<'a> {
    lines: std::str::Lines<'a>,
    allowed: usize,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(self.allowed > 0, "read on though enough was seen");
        self.allowed -= 1;
        let line = format!("{}\n", self.lines.next().unwrap_or_default());
        buffer[..line.len()].copy_from_slice(line.as_bytes());
        Ok(line.len())
    }
}

#[test]
fn a_stream_is_left_as_soon_as_enough_was_seen() {
    let csv = film(TIMES[0].1, "time");
    let mut lines = String::new();
    for n in 0..88 {
        lines.push_str(&format!(
            "{{\"t\": {}, \"emotion\": \"happy\"}}\n",
            n as f64 / 4.0
        ));
    }
    // A heading and 24 rows; JSON has no heading.
    for (text, allowed) in [(&csv, 25), (&lines, 24)] {
        let slow = Slow {
            lines: text.lines(),
            allowed,
        };
        let input = FaceInput::Stream {
            name: "slow".to_owned(),
            rows: Box::new(BufReader::new(slow)),
        };
        let observed = observe(input, &options(Some("6s"), None)).unwrap();
        assert_eq!(observed.frames, 24);
    }
}

#[test]
fn each_frame_counts_the_same_whatever_its_numbers_sum_to() {
    let text = "happy,sad\n90,10\n0.2,0.2\n,\nnan,NaN\n0,0\n3,\n";
    let observed = file(text, options(None, None)).unwrap();
    assert_eq!((observed.frames, observed.unsure), (3, 3));
    let happy = (0.9 + 0.5 + 1.0) / 3.0;
    assert!((share(&observed, Expression::Happiness) - happy).abs() < 1e-12);
    assert!((observed.shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn the_faces_of_a_frame_are_averaged() {
    let rows = "frame,happy,sad\n1,1,0\n1,0,1\n2,1,0\n2,,\n";
    let wide = "angry0,angry1,happy0,happy1,sad0,sad1\n0,0,1,0,0,1\n0,,1,,0,\n";
    let lists = r#"[[{"emotion": "happy"}, {"emotion": "sad"}], [{"emotion": "happy"}], []]"#;
    for (text, unsure) in [(rows, 0), (wide, 0), (lists, 1)] {
        let observed = file(text, options(None, None)).unwrap();
        assert_eq!(share(&observed, Expression::Happiness), 0.75, "{text}");
        assert_eq!(observed.frames, 2, "{text}");
        assert_eq!((observed.several, observed.unsure), (1, unsure), "{text}");
    }
}

#[test]
fn what_cannot_be_understood_is_named_by_row_and_column() {
    let said = |text| file(text, options(None, None)).unwrap_err();
    assert!(said("emotion\nhappy\nhapy\n").contains("row 2, column emotion: unknown"));
    assert!(said("emotion\nhapiness\n").contains("did you mean \"happiness\"?"));
    assert!(said("emotion\n3\n").contains("could stand for any expression"));
    assert!(said("happy,sad\n1,-1\n").contains("row 1, column sad"));
    assert!(said("happy,sad\n1,inf\n").contains("found \"inf\""));
    assert!(said("happy,sad\n1,x\n").contains("found \"x\""));
    assert!(said("a,b\n1,2\n").contains("\"a\", \"b\""));
    assert!(said("happy,excited\n1,2\n").contains("at least two expressions"));
    assert!(said("emotion\n").contains("no rows"));
    assert!(said("emotion,x\n,1\nno face,1\n").contains("none of 2 rows"));
    assert!(said("[[], []]").contains("none of 2 rows"));
    assert!(said("[]").contains("no rows"));
    let timed = file("time,emotion\nx,sad\n", options(Some("1s"), None)).unwrap_err();
    assert!(
        timed.contains("row 1, column time: expected a time"),
        "{timed}"
    );
    let late = film(TIMES[0].1, "time");
    let late = file(&late, options(Some("1s"), None)).unwrap_err();
    assert!(late.contains("none of 4 rows from 0:21 to 0:22"), "{late}");
}

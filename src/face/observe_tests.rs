//! The expressions of a face over stretches of time.

use super::observe::{Observation, ObserveOptions, observe};
use crate::emotion::Expression;
use std::io::{self, BufReader, Read};

fn options(
    start_s: Option<f64>,
    length_s: Option<f64>,
    frames_per_second: Option<f64>,
) -> ObserveOptions {
    ObserveOptions {
        is_live: false,
        start_s,
        length_s,
        frames_per_second,
    }
}

fn file(text: &str, options: ObserveOptions) -> Result<Observation, String> {
    observe(text.as_bytes(), &options).map_err(|error| format!("{error:#}"))
}

fn stream(text: &str, options: ObserveOptions) -> Result<Observation, String> {
    let is_live = true;
    file(text, ObserveOptions { is_live, ..options })
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
        let observed = file(&text, options(None, Some(6.0), None)).unwrap();
        assert_eq!(share(&observed, Expression::Sadness), 1.0, "{heading}");
        assert_eq!(
            (observed.frames, observed.without_face),
            (16, 8),
            "{heading}"
        );
        let observed = file(&text, options(Some(8.0), Some(4.0), None)).unwrap();
        assert_eq!(share(&observed, Expression::Happiness), 0.5, "{heading}");
        assert_eq!(
            (observed.frames, observed.without_face),
            (16, 0),
            "{heading}"
        );
        let observed = stream(&text, options(None, Some(6.0), None)).unwrap();
        assert_eq!(share(&observed, Expression::Happiness), 1.0, "{heading}");
        assert_eq!(
            (observed.frames, observed.without_face),
            (24, 0),
            "{heading}"
        );
        let observed = stream(&text, options(Some(8.0), Some(4.0), None)).unwrap();
        assert_eq!(share(&observed, Expression::Happiness), 0.5, "{heading}");
        let observed = file(&text, options(None, Some(60.0), None)).unwrap();
        assert_eq!(
            (observed.frames, observed.without_face),
            (80, 8),
            "{heading}"
        );
    }
}

#[test]
fn frames_or_rows_are_counted_where_their_rate_is_given() {
    let frames = film(|n| (n * 6).to_string(), "frame");
    let observed = file(&frames, options(None, Some(6.0), Some(24.0))).unwrap();
    assert_eq!((observed.frames, observed.without_face), (16, 8));
    let rows = film(|_| String::new(), "x");
    let observed = file(&rows, options(None, Some(6.0), Some(4.0))).unwrap();
    assert_eq!((observed.frames, observed.without_face), (16, 8));
    let error = file(&rows, options(None, Some(6.0), None)).unwrap_err();
    assert!(error.contains("--fps"), "{error}");
    assert_eq!(file(&rows, options(None, None, None)).unwrap().frames, 80);
}

/// Gives a text line by line, and fails when it is asked for more than the first lines.
struct Slow<'a> {
    lines: std::str::Lines<'a>,
    allowed: usize,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(self.allowed > 0, "read further than needed");
        self.allowed -= 1;
        let line = format!("{}\n", self.lines.next().unwrap_or_default());
        buffer[..line.len()].copy_from_slice(line.as_bytes());
        Ok(line.len())
    }
}

#[test]
fn a_stream_is_read_no_further_than_needed() {
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
        let options = ObserveOptions {
            is_live: true,
            ..options(None, Some(6.0), None)
        };
        let observed = observe(BufReader::new(slow), &options).unwrap();
        assert_eq!(observed.frames, 24);
    }
}

#[test]
fn each_frame_counts_the_same_whatever_its_numbers_sum_to() {
    let text = "happy,sad\n90,10\n0.2,0.2\n,\nnan,NaN\n0,0\n3,\n";
    let observed = file(text, options(None, None, None)).unwrap();
    assert_eq!((observed.frames, observed.without_face), (3, 3));
    let happy = (0.9 + 0.5 + 1.0) / 3.0;
    assert!((share(&observed, Expression::Happiness) - happy).abs() < 1e-12);
    assert!((observed.shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn the_faces_of_a_frame_are_averaged() {
    let rows = "frame,happy,sad\n1,1,0\n1,0,1\n2,1,0\n2,,\n";
    let wide = "angry0,angry1,happy0,happy1,sad0,sad1\n0,0,1,0,0,1\n0,,1,,0,\n";
    let lists = r#"[[{"emotion": "happy"}, {"emotion": "sad"}], [{"emotion": "happy"}], []]"#;
    for (text, without_face) in [(rows, 0), (wide, 0), (lists, 1)] {
        let observed = file(text, options(None, None, None)).unwrap();
        assert_eq!(share(&observed, Expression::Happiness), 0.75, "{text}");
        assert_eq!(observed.frames, 2, "{text}");
        assert_eq!(
            (observed.several, observed.without_face),
            (1, without_face),
            "{text}"
        );
    }
}

#[test]
fn errors_name_the_row_and_the_column() {
    let message = |text| file(text, options(None, None, None)).unwrap_err();
    assert!(message("emotion\nhappy\nhapy\n").contains("row 2, column emotion: unknown"));
    assert!(message("emotion\nhapiness\n").contains("did you mean \"happiness\"?"));
    assert!(message("emotion\n3\n").contains("unknown expression \"3\""));
    assert!(message("happy,sad\n1,-1\n").contains("row 1, column sad"));
    assert!(message("happy,sad\n1,inf\n").contains("found \"inf\""));
    assert!(message("happy,sad\n1,x\n").contains("found \"x\""));
    assert!(message("a,b\n1,2\n").contains("\"a\", \"b\""));
    assert!(message("happy,excited\n1,2\n").contains("at least two expressions"));
    assert!(message("emotion\n").contains("no rows"));
    assert!(message("emotion,x\n,1\nno face,1\n").contains("none of 2 rows"));
    assert!(message("[[], []]").contains("none of 2 rows"));
    assert!(message("[]").contains("no rows"));
    let timed = file("time,emotion\nx,sad\n", options(None, Some(1.0), None)).unwrap_err();
    assert!(
        timed.contains("row 1, column time: expected a time"),
        "{timed}"
    );
    let late = film(TIMES[0].1, "time");
    let late = file(&late, options(None, Some(1.0), None)).unwrap_err();
    assert!(late.contains("none of 4 rows from 0:21 to 0:22"), "{late}");
}

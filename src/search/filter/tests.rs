//! Conditions compared with the answers of DuckDB on the same rows: `tests/reference/where.py` wrote the expected rows.

use super::*;
use crate::{
    emotion::EmotionVector,
    library::{
        Song,
        test_songs::{a_library, a_song},
    },
};

/// Ten songs with absent tags, odd characters, and numbers that are not exact.
fn songs() -> Vec<Song> {
    let titles = [
        Some("Night"),
        Some("night_train"),
        Some("100%"),
        None,
        Some("Über"),
        Some("a\\b"),
        Some(""),
        Some("O'Hara"),
        None,
        Some("nightly\nnews"),
    ];
    let genres = [
        Some("Jazz"),
        Some("jazz"),
        None,
        Some("Rock"),
        None,
        Some("Soul"),
        Some("Jazz"),
        Some("Rock"),
        None,
        Some("Pop"),
    ];
    (0..10)
        .map(|n| {
            let mut row = a_song(n);
            row.title = titles[n].map(str::to_owned);
            row.genre = genres[n].map(str::to_owned);
            row.duration_s = 60.0 * n as f64 + 0.1;
            row.valence = 5.5 + 0.1 * n as f32;
            row.arousal = 6.0;
            let mut weights = [1.0; 8];
            weights[n % 8] = 3.0;
            row.emotions = EmotionVector::from_weights(weights).unwrap();
            row
        })
        .collect()
}

/// The numbers of the songs that meet a condition.
fn rows(condition: &str) -> Vec<usize> {
    let (_directory, library) = a_library(4, songs());
    let filter: Filter = condition.parse().unwrap();
    let songs = library.songs(filter.columns());
    let songs: Vec<Song> = songs.collect::<Result<_>>().unwrap();
    let found = filter.holds(&songs).unwrap();
    assert_eq!(found.len(), 10);
    (0..10).filter(|n| found[*n]).collect()
}

/// `tests/reference/where.tsv`: a condition and the rows that DuckDB finds, one a line.
#[test]
fn every_condition_finds_the_rows_that_duckdb_finds() {
    let expected = include_str!("../../../tests/reference/where.tsv");
    let mut count = 0;
    for line in expected.lines() {
        let (condition, expected) = line.split_once('\t').unwrap();
        let expected: Vec<usize> = expected
            .split_whitespace()
            .map(|row| row.parse().unwrap())
            .collect();
        assert_eq!(rows(condition), expected, "{condition}");
        count += 1;
    }
    assert!(count >= 50, "{count}");
}

fn refused(condition: &str) -> String {
    condition.parse::<Filter>().unwrap_err().to_string()
}

#[test]
fn unsupported_conditions_are_refused_with_the_reason() {
    for (condition, part) in [
        ("gener = 'Jazz'", "did you mean \"genre\"?"),
        ("genre = \"Jazz\"", "text needs single quotes"),
        ("genre =", "expected a condition"),
        (
            "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c) > 0",
            "SELECT",
        ),
        ("genre = 'Jazz' ORDER BY 1", "ORDER"),
        ("genre = 'Jazz'; DROP TABLE songs", "\";\""),
        ("embedding IS NULL", "there is no column"),
        ("genre = 'Jazz", "expected a condition"),
        ("valence > 1.2.3", "expected a condition"),
        ("genre LIKE", "expected a condition"),
        ("genre BETWEEN 'a'", "expected a condition"),
        ("valence > §", "no column"),
        ("", "expected a condition"),
    ] {
        let message = refused(condition);
        assert!(message.contains(part), "{condition}: {message}");
    }
    assert!(refused(&"(".repeat(10_000)).contains("expected a condition"));
    assert!(refused(&"NOT ".repeat(10_000)).contains("expected a condition"));
}

#[test]
fn a_condition_as_long_as_is_allowed_is_answered() {
    let long = vec!["channels = 2"; 900].join(" AND ");
    assert_eq!(rows(&long).len(), 10);
}

#[test]
fn times_are_compared_as_times() {
    // The rows were modified at 2023-11-14 22:13:20 UTC and some microseconds.
    assert_eq!(rows("modified > '2023-11-14 22:13:20'").len(), 9);
    assert_eq!(rows("modified <= '2023-11-14T22:13:20Z'"), [0]);
    assert_eq!(rows("modified >= '2023-11-15'").len(), 0);
    assert_eq!(rows("analyzed_at > modified").len(), 10);
    let offset = "modified < datetime('2023-11-14 23:13:21+01:00')";
    assert_eq!(rows(offset).len(), 10);
    assert_eq!(rows("modified > '2020-02-29 00:00:59.5Z'").len(), 10);
}

#[test]
fn conditions_can_compute() {
    assert_eq!(rows("lower(genre) = 'jazz'"), [0, 1, 6]);
    assert_eq!(rows("valence - arousal > 0.15"), [7, 8, 9]);
    assert_eq!(rows("title ILIKE '%I%T%'"), [0, 1, 9]);
}

#[test]
fn facts_are_columns() {
    assert_eq!(rows("silent").len(), 0);
    assert_eq!(rows("NOT silent AND NOT (silent)").len(), 10);
    assert_eq!(rows("silent = FALSE").len(), 10);
    assert_eq!(
        rows("track IS NULL AND excerpt_start_s IS NULL AND missing_s = 0").len(),
        10
    );
    assert_eq!(rows("(damaged_packets) > (0)"), [0, 5]);
}

#[test]
fn patterns_with_several_wildcards_backtrack() {
    assert_eq!(rows("title LIKE '%i%t%'"), [0, 1, 9]);
    assert_eq!(rows("title LIKE '%t%n'"), [1]);
    assert_eq!(rows("title LIKE '%_%_%_%_%_%_%_%_%_%_%_%'"), [1, 9]);
    assert_eq!(rows("path LIKE '%0%0%0%0%0%3.%'"), [3]);
    assert_eq!(rows("title LIKE '%%'").len(), 8);
}

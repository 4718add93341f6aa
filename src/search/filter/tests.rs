//! Conditions compared with the answers of DuckDB on the same rows: `tests/reference/where.py` wrote the expected rows.

use super::*;
use crate::{
    emotion::EmotionVector,
    library::{Library, LibraryInfo, LibraryWriter, ModelStamp, Song, test_songs::a_song},
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
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("library.parquet");
    let model = ModelStamp {
        identity: "0".repeat(64),
        name: "test".to_owned(),
    };
    let info = LibraryInfo::new(model, serde_json::json!({}));
    let mut writer = LibraryWriter::create(&path, &info, 4).unwrap();
    for song in songs() {
        writer.push(song).unwrap();
    }
    writer.finish().unwrap();
    let filter: Filter = condition.parse().unwrap();
    let library = Library::open(&path).unwrap();
    let group = library.groups().next().unwrap();
    let mut found = Vec::new();
    for batch in library.batches(&group, filter.columns(), None) {
        let (_, batch) = batch.unwrap();
        found.extend(filter.holds(&batch));
    }
    assert_eq!(found.len(), 10);
    (0..10).filter(|n| found[*n] == Some(true)).collect()
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
        ("genre = 5", "`genre` is text"),
        ("valence > 'high'", "`valence` is a number"),
        ("valence LIKE '6%'", "`valence` is a number"),
        ("genre = valence", "cannot be compared with `valence`"),
        ("modified > 'yesterday'", "'2026-01-31'"),
        ("genre =", "expected a condition"),
        ("genre = 'Jazz' ORDER BY 1", "ORDER"),
        ("genre = 'Jazz'; DROP TABLE songs", "\"; DROP TABLE"),
        ("1 = 1", "of a column"),
        ("TRUE", "unsupported"),
        ("genre", "unsupported"),
        ("lower(genre) = 'jazz'", "lower(genre)"),
        ("valence + 1 > 3", "valence + 1"),
        ("genre IN (SELECT 1)", "there is no column `select`"),
        ("valence > -(5)", "unsupported"),
        ("embedding IS NULL", "there is no column"),
        ("note IS NULL", "replaced by silent, damaged_packets"),
        ("silent = 1", "`silent` is true or false"),
        ("genre = 'Jazz", "a quote is not closed"),
        ("valence > 1.2.3", "is not a number"),
        ("genre LIKE", "expected a condition"),
        ("genre BETWEEN 'a'", "AND is missing"),
        ("valence > §", "unsupported"),
        ("genre LIKE title", "unsupported"),
        ("", "expected a condition"),
    ] {
        let message = refused(condition);
        assert!(message.contains(part), "{condition}: {message}");
    }
    assert!(refused(&"(".repeat(10_000)).contains("expected a condition"));
    assert!(refused(&"NOT ".repeat(10_000)).contains("nested"));
    assert!(refused(&"- ".repeat(10_000)).contains("unsupported"));
    assert!(refused(&"x".repeat(LARGE)).contains("bytes"));
}

const LARGE: usize = 1 << 17;

#[test]
fn a_condition_as_long_as_is_allowed_is_answered() {
    let long = vec!["channels = 2"; 3000].join(" AND ");
    assert_eq!(rows(&long).len(), 10);
}

#[test]
fn times_are_compared_as_times() {
    // The rows were modified at 2023-11-14 22:13:20 UTC and some microseconds.
    assert_eq!(rows("modified > '2023-11-14 22:13:20'").len(), 9);
    assert_eq!(rows("modified <= '2023-11-14T22:13:20Z'"), [0]);
    assert_eq!(rows("modified >= '2023-11-15'").len(), 0);
    assert_eq!(rows("analyzed_at > modified").len(), 10);
    assert_eq!(rows("modified < '2023-11-14 23:13:20.000001+01:00'"), [0]);
    assert_eq!(rows("modified < '2023-11-14T17:13:20.000001-05'"), [0]);
    for bad in [
        "2023-02-29",
        "2023-13-01",
        "2023-11-14 25:00",
        "2023-11-14 10",
        "-5-1-1",
    ] {
        assert!(refused(&format!("modified > '{bad}'")).contains("`modified` is a time"));
    }
    assert_eq!(rows("modified > '2020-02-29 00:00:59.5Z'").len(), 10);
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

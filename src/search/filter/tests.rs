//! Conditions compared with what DuckDB says of the same rows: `tests/reference/where.py` wrote the expected rows.

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
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("library.parquet");
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
        found.extend(filter.holds(&batch).unwrap().iter());
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
fn what_cannot_be_understood_is_named() {
    for (condition, part) in [
        ("gener = 'Jazz'", "did you mean `genre`?"),
        ("genre = \"Jazz\"", "text stands in single quotes"),
        ("genre = 5", "`genre` is text"),
        ("valence > 'high'", "`valence` is a number"),
        ("valence LIKE '6%'", "`valence` is a number"),
        ("genre = valence", "cannot be compared with `valence`"),
        ("modified > 'yesterday'", "'2026-01-31'"),
        ("genre =", "expected a condition"),
        ("genre = 'Jazz' ORDER BY 1", "ORDER"),
        ("genre = 'Jazz'; DROP TABLE songs", "\";\""),
        ("1 = 1", "of a column"),
        ("TRUE", "not understood"),
        ("genre", "not understood"),
        ("lower(genre) = 'jazz'", "lower(genre)"),
        ("valence + 1 > 3", "valence + 1"),
        ("genre IN (SELECT 1)", "not understood"),
        ("embedding IS NULL", "there is no column"),
        ("genre LIKE title", "not understood"),
        ("", "expected a condition"),
    ] {
        let said = refused(condition);
        assert!(said.contains(part), "{condition}: {said}");
    }
    assert!(refused(&"(".repeat(10_000)).contains("expected a condition"));
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
}

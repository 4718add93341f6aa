//! The records that a journal keeps.

use super::*;
use crate::library::{ModelStamp, test_songs::a_song};

fn info(identity: &str) -> LibraryInfo {
    let model = ModelStamp {
        identity: identity.to_owned(),
        name: "test".to_owned(),
    };
    LibraryInfo::new(model, serde_json::json!({}))
}

fn song(n: usize) -> Record {
    Record::Song(Box::new(a_song(n)))
}

fn has(journal: &Journal, n: usize) -> bool {
    let row = a_song(n);
    journal.contains(&key_of(&row), row.size_bytes, row.modified)
}

#[test]
fn the_records_of_a_killed_run_are_read_up_to_the_last_whole_line() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("library.parquet");
    let mut journal = Journal::open(&target, &info("a")).unwrap();
    for n in 0..5 {
        journal.append(&song(n)).unwrap();
    }
    assert!(Journal::has_records(&target));
    // As a kill leaves it: nothing is dropped in order, the last line is torn.
    let bytes = fs::read(Journal::path_of(&target)).unwrap();
    drop(journal);
    fs::write(Journal::path_of(&target), &bytes[..bytes.len() - 10]).unwrap();

    let mut journal = Journal::open(&target, &info("a")).unwrap();
    assert_eq!(journal.len(), 4);
    assert!(has(&journal, 3) && !has(&journal, 4));
    journal.append(&song(4)).unwrap();
    for n in 0..5 {
        assert_eq!(journal.read(&song(n).key()).unwrap(), song(n));
    }
    journal.read(&("/other".into(), None)).unwrap_err();
}

#[test]
fn lengths_are_read_to_the_last_digit() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("library.parquet");
    let mut journal = Journal::open(&target, &info("a")).unwrap();
    for n in 1..500 {
        let mut song = a_song(n);
        song.duration_s = (1152 * n + 7) as f64 / 44_100.0;
        let record = Record::Song(Box::new(song));
        journal.append(&record).unwrap();
        assert_eq!(journal.read(&record.key()).unwrap(), record);
    }
}

#[test]
fn records_of_another_model_are_discarded() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("library.parquet");
    let mut journal = Journal::open(&target, &info("a")).unwrap();
    assert!(!Journal::has_records(&target), "a header is not a record");
    journal.append(&song(1)).unwrap();
    drop(journal);
    // A dry run discards nothing.
    let mut journal = Journal::lock(&target).unwrap();
    journal.resume(&info("b"), true).unwrap();
    assert!(journal.is_empty() && journal.discarded);
    drop(journal);
    assert_eq!(Journal::open(&target, &info("a")).unwrap().len(), 1);
    assert_eq!(Journal::open(&target, &info("b")).unwrap().len(), 0);
    assert!(!Journal::path_of(&target).exists());
}

#[test]
fn a_journal_that_is_only_locked_keeps_its_records() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("library.parquet");
    Journal::open(&target, &info("a"))
        .unwrap()
        .append(&song(1))
        .unwrap();
    drop(Journal::lock(&target).unwrap());
    assert_eq!(Journal::open(&target, &info("a")).unwrap().len(), 1);
}

#[test]
fn a_second_run_on_a_library_is_rejected() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("library.parquet");
    let first = Journal::open(&target, &info("a")).unwrap();
    let second = Journal::open(&target, &info("a"));
    let message = second.unwrap_err().to_string();
    assert!(message.contains("another circumplex process"), "{message}");
    drop(first);
    assert!(
        !Journal::path_of(&target).exists(),
        "an empty journal is removed"
    );
    Journal::open(&target, &info("a")).unwrap();
}

#[test]
fn only_temporary_files_of_a_killed_run_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("library.parquet");
    let left = directory.path().join(".library.parquet.Ab3xYz.tmp");
    let other = directory.path().join(".library.parquet.old-copy.tmp");
    fs::write(&left, b"x").unwrap();
    fs::write(&other, b"x").unwrap();
    drop(Journal::open(&target, &info("a")).unwrap());
    assert!(!left.exists() && other.exists());
}

#[test]
fn damage_costs_only_the_records_from_there_on() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("library.parquet");
    let mut journal = Journal::open(&target, &info("a")).unwrap();
    let mut ends = Vec::new();
    for n in 0..3 {
        journal.append(&song(n)).unwrap();
        ends.push(journal.end as usize);
    }
    let mut bytes = fs::read(Journal::path_of(&target)).unwrap();
    drop(journal);
    bytes[ends[0] + 40] ^= 1;
    fs::write(Journal::path_of(&target), bytes).unwrap();
    let journal = Journal::open(&target, &info("a")).unwrap();
    assert!(has(&journal, 0) && !has(&journal, 1) && !has(&journal, 2));
}

#[test]
fn a_journal_of_an_older_format_is_discarded() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("library.parquet");
    Journal::open(&target, &info("a"))
        .unwrap()
        .append(&song(1))
        .unwrap();
    let text = fs::read_to_string(Journal::path_of(&target)).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let json = first[9..].replace("\"journal\":3", "\"journal\":1");
    assert_ne!(json, first[9..]);
    let old = format!("{} {json}\n{rest}", checksum(json.as_bytes()));
    fs::write(Journal::path_of(&target), old).unwrap();
    let journal = Journal::open(&target, &info("a")).unwrap();
    assert!(journal.is_empty() && journal.discarded);
}

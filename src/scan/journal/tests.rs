//! What the journal of a run keeps.

use super::*;
use crate::library::{ModelStamp, test_rows::a_row};

fn info(identity: &str) -> LibraryInfo {
    let model = ModelStamp {
        identity: identity.to_owned(),
        name: "test".to_owned(),
    };
    LibraryInfo::new(model, serde_json::json!({}))
}

fn song(n: usize) -> Record {
    Record::Song(Box::new(a_row(n)))
}

fn knows(journal: &Journal, n: usize) -> bool {
    let row = a_row(n);
    journal.knows(&row.file(), row.size_bytes, row.modified)
}

#[test]
fn what_a_killed_run_recorded_is_taken_over_up_to_the_last_whole_line() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("library.parquet");
    let mut journal = Journal::open(&target, &info("a")).unwrap();
    for n in 0..5 {
        journal.append(&song(n)).unwrap();
    }
    assert!(Journal::holds_work(&target));
    // As a kill leaves it: nothing is dropped in order, the last line is torn.
    let bytes = fs::read(Journal::path_of(&target)).unwrap();
    drop(journal);
    fs::write(Journal::path_of(&target), &bytes[..bytes.len() - 10]).unwrap();

    let mut journal = Journal::open(&target, &info("a")).unwrap();
    assert_eq!(journal.len(), 4);
    assert!(knows(&journal, 3) && !knows(&journal, 4));
    journal.append(&song(4)).unwrap();
    for n in 0..5 {
        assert_eq!(journal.read(&a_row(n).file()).unwrap(), Some(song(n)));
    }
    assert_eq!(journal.read(Path::new("/other")).unwrap(), None);
}

#[test]
fn records_of_another_model_are_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("library.parquet");
    let mut journal = Journal::open(&target, &info("a")).unwrap();
    assert!(!Journal::holds_work(&target), "a header is no work");
    journal.append(&song(1)).unwrap();
    drop(journal);
    assert_eq!(Journal::open(&target, &info("b")).unwrap().len(), 0);
}

#[test]
fn a_second_run_on_one_library_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("library.parquet");
    let first = Journal::open(&target, &info("a")).unwrap();
    let second = Journal::open(&target, &info("a"));
    assert!(matches!(second, Err(JournalError::Busy { .. })));
    drop(first);
    assert!(!Journal::path_of(&target).exists(), "an empty journal goes");
    Journal::open(&target, &info("a")).unwrap();
}

#[test]
fn leftovers_of_a_killed_run_are_removed_and_other_files_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("library.parquet");
    let left = folder.path().join(".library.parquet.Ab3xYz.tmp");
    let other = folder.path().join(".library.parquet.old-copy.tmp");
    fs::write(&left, b"x").unwrap();
    fs::write(&other, b"x").unwrap();
    drop(Journal::open(&target, &info("a")).unwrap());
    assert!(!left.exists() && other.exists());
}

#[test]
fn damage_in_the_middle_costs_what_comes_after_it_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("library.parquet");
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
    assert!(knows(&journal, 0) && !knows(&journal, 1) && !knows(&journal, 2));
}

//! Several libraries as one, and one made of several.

use super::{test_rows::a_row, *};
use std::path::{Path, PathBuf};

fn info(identity: &str) -> LibraryInfo {
    let model = ModelStamp {
        identity: identity.to_owned(),
        name: format!("model-{identity}"),
    };
    LibraryInfo::new(model, serde_json::json!({}))
}

fn failed(path: &str) -> FailedFile {
    FailedFile {
        path: path.to_owned(),
        path_bytes: None,
        size_bytes: 5,
        modified: None,
        reason: "is damaged".to_owned(),
    }
}

fn write(folder: &Path, name: &str, rows: Vec<SongRow>, failures: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let mut writer = LibraryWriter::create(&path, &info("a"), 4).unwrap();
    for row in rows {
        writer.push(row).unwrap();
    }
    writer.set_failures(failures.iter().map(|path| failed(path)).collect());
    writer.finish().unwrap();
    path
}

/// Rows `from`, `from + 3`, ...: a third of `count` rows.
fn third(from: usize, count: usize) -> Vec<SongRow> {
    (from..count).step_by(3).map(a_row).collect()
}

fn refused(result: Result<Collection, LibraryError>) -> String {
    result.err().expect("must be refused").to_string()
}

#[test]
fn several_files_are_read_as_one() {
    let folder = tempfile::tempdir().unwrap();
    for part in 0..3 {
        write(
            folder.path(),
            &format!("{part}.parquet"),
            third(part, 100),
            &[],
        );
    }
    std::fs::write(folder.path().join(".1.parquet.x.tmp"), b"x").unwrap();
    std::fs::write(folder.path().join(".hidden.parquet"), b"x").unwrap();
    std::fs::write(folder.path().join("notes.txt"), b"x").unwrap();
    let again = folder.path().join("./1.parquet");
    let all = Collection::open(&[folder.path(), &again]).unwrap();
    assert_eq!((all.parts().len(), all.rows()), (3, 100));
    let songs: Vec<SongRow> = all.songs().flat_map(|batch| batch.unwrap()).collect();
    let expected: Vec<SongRow> = (0..3).flat_map(|part| third(part, 100)).collect();
    assert_eq!(songs, expected);
    let briefs: Vec<String> = all
        .briefs()
        .flat_map(|batch| batch.unwrap())
        .map(|brief| brief.path)
        .collect();
    let paths: Vec<String> = expected.iter().map(|song| song.path.clone()).collect();
    assert_eq!(briefs, paths);
    let numbers: Vec<u64> = all
        .vectors()
        .flat_map(|vectors| {
            let vectors = vectors.unwrap();
            let rows: Vec<u64> = vectors.iter().map(|(row, _)| row).collect();
            rows
        })
        .collect();
    assert_eq!(numbers, (0..100).collect::<Vec<u64>>());
    let wanted = [99, 0, 34, 33, 50, 99];
    let found = all.songs_at(&wanted).unwrap();
    let expected: Vec<SongRow> = wanted
        .iter()
        .map(|row| expected[usize::try_from(*row).unwrap()].clone())
        .collect();
    assert_eq!(found, expected);
    assert!(matches!(
        all.songs_at(&[3, 100]),
        Err(LibraryError::NoSuchRow { .. })
    ));
}

#[test]
fn libraries_of_two_models_are_not_read_as_one() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "1.parquet", vec![a_row(1)], &[]);
    let other = folder.path().join("2.parquet");
    LibraryWriter::create(&other, &info("b"), 4)
        .unwrap()
        .finish()
        .unwrap();
    let error = refused(Collection::open(&[folder.path()]));
    assert!(error.contains("model-a (a)") && error.contains("model-b (b)"));
}

#[test]
fn excerpts_and_whole_songs_are_not_read_as_one() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "1.parquet", vec![a_row(1)], &[]);
    let mut excerpts = info("a");
    excerpts.set_excerpt("45s");
    assert_eq!(excerpts.excerpt(), Some("45s"));
    LibraryWriter::create(&folder.path().join("2.parquet"), &excerpts, 4)
        .unwrap()
        .finish()
        .unwrap();
    let error = refused(Collection::open(&[folder.path()]));
    assert!(error.contains("model-a (a), excerpts of 45s"), "{error}");
}

#[test]
fn a_folder_without_a_library_and_one_with_another_parquet_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refused(Collection::open(&[folder.path()])).contains("found none"));
    std::fs::write(folder.path().join("x.parquet"), b"no Parquet").unwrap();
    assert!(refused(Collection::open(&[folder.path()])).contains("x.parquet"));
}

#[test]
fn compacting_sorts_and_keeps_the_latest_row_of_each_path() {
    let folder = tempfile::tempdir().unwrap();
    let mut later = a_row(4);
    later.analyzed_at.0 += 1;
    later.valence = 1.5;
    let mut earlier = a_row(7);
    earlier.analyzed_at.0 -= 1;
    earlier.valence = 1.5;
    let mut second = third(1, 10_000);
    second.push(earlier);
    second.reverse();
    let mut first = third(0, 10_000);
    first.insert(0, later.clone());
    write(
        folder.path(),
        "1.parquet",
        first,
        &["/music/x.mp3", "/music/000007.mp3"],
    );
    write(folder.path(), "2.parquet", second, &["/music/x.mp3"]);
    write(folder.path(), "3.parquet", third(2, 10_000), &[]);
    let target = folder.path().join("2.parquet");
    let done = compact(Collection::open(&[folder.path()]).unwrap(), &target).unwrap();
    let expected = Compacted {
        rows: 10_000,
        repeated: 2,
        failures: 1,
    };
    assert_eq!(done, expected);
    let library = Library::open(&target).unwrap();
    assert_eq!(library.info().failures, [failed("/music/x.mp3")]);
    assert_eq!(library.info().program, info("a").program);
    let songs: Vec<SongRow> = library
        .songs()
        .unwrap()
        .flat_map(|batch| batch.unwrap())
        .collect();
    let mut rows: Vec<SongRow> = (0..10_000).map(a_row).collect();
    rows[4] = later;
    assert_eq!(songs, rows);
}

#[test]
fn a_library_without_songs_can_be_compacted_and_keeps_its_schema() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "1.parquet", vec![], &["/music/x.mp3"]);
    let done = compact(Collection::open(&[&path]).unwrap(), &path).unwrap();
    assert_eq!((done.rows, done.failures), (0, 1));
    assert_eq!(Library::open(&path).unwrap().embedding().unwrap(), 4);
}

//! Writing and reading together, and what a reader says of files that are no libraries.

use super::{test_rows::a_row, *};
use arrow::{
    array::{ArrayRef, Float32Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use parquet::{
    arrow::ArrowWriter,
    file::{metadata::KeyValue, properties::WriterProperties},
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

fn info() -> LibraryInfo {
    let model = ModelStamp {
        identity: "ab".repeat(32),
        name: "test-model".to_owned(),
    };
    LibraryInfo::new(model, serde_json::json!({"mel": {"n_mels": 128}}))
}

fn write(path: &Path, rows: impl IntoIterator<Item = SongRow>) {
    let mut writer = LibraryWriter::create(path, &info(), 4).unwrap();
    for row in rows {
        writer.push(row).unwrap();
    }
    writer.finish().unwrap();
}

fn in_a_folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("library.parquet");
    (folder, path)
}

fn files_in(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

fn open_error(path: &Path) -> String {
    let error = Library::open(path).err().expect("must be refused");
    crate::error::one_line(&error)
}

#[test]
fn what_is_written_is_read_back() {
    let (_folder, path) = in_a_folder();
    let mut rows: Vec<SongRow> = (0..3000).map(a_row).collect();
    rows[7].title = None;
    rows[8].modified = None;
    rows[9].path_bytes = Some(b"/music/\xff.mp3".to_vec());
    write(&path, rows.clone());
    let library = Library::open(&path).unwrap();
    assert_eq!(library.rows(), 3000);
    assert_eq!(library.info(), &info());
    let read: Vec<SongRow> = library
        .songs()
        .unwrap()
        .flat_map(|batch| batch.unwrap())
        .collect();
    assert_eq!(read, rows);
}

#[test]
fn the_footer_remembers_failures_and_the_stamps_say_which_file_a_row_stands_for() {
    let (_folder, path) = in_a_folder();
    let failed = FailedFile {
        path: "/music/broken.mp3".to_owned(),
        path_bytes: None,
        size_bytes: 5,
        modified: Some(Micros(17)),
        reason: "is damaged".to_owned(),
    };
    let mut writer = LibraryWriter::create(&path, &info(), 4).unwrap();
    writer.push(a_row(6)).unwrap();
    writer.set_failures(vec![failed.clone()]);
    writer.finish().unwrap();
    let library = Library::open(&path).unwrap();
    assert_eq!(library.info().failures, [failed]);
    let row = a_row(6);
    let stamp = FileStamp {
        path: row.file(),
        size_bytes: row.size_bytes,
        modified: row.modified,
        content_hash: row.content_hash,
    };
    assert_eq!(library.stamps().unwrap(), [stamp]);
}

#[test]
fn songs_come_in_the_order_in_which_they_are_asked_for() {
    let (_folder, path) = in_a_folder();
    write(&path, (0..40_000).map(a_row));
    let library = Library::open(&path).unwrap();
    let wanted = [39_999, 0, 32_768, 17, 17];
    let found = library.songs_at(&wanted).unwrap();
    assert_eq!(
        found,
        wanted.map(|row| a_row(usize::try_from(row).unwrap()))
    );
    assert!(matches!(
        library.songs_at(&[40_000]),
        Err(LibraryError::NoSuchRow { row: 40_000, .. })
    ));
}

#[test]
fn a_library_without_songs_is_readable() {
    let (_folder, path) = in_a_folder();
    write(&path, []);
    let library = Library::open(&path).unwrap();
    assert_eq!(library.rows(), 0);
    assert_eq!(library.vectors().unwrap().count(), 0);
    assert_eq!(library.songs_at(&[]).unwrap(), []);
}

#[test]
fn an_unfinished_library_leaves_nothing_and_harms_nothing() {
    let (folder, path) = in_a_folder();
    write(&path, [a_row(1)]);
    let before = fs::read(&path).unwrap();
    let mut writer = LibraryWriter::create(&path, &info(), 4).unwrap();
    writer.push(a_row(2)).unwrap();
    assert_eq!(files_in(folder.path()), 2);
    drop(writer);
    assert_eq!(files_in(folder.path()), 1);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn an_output_that_cannot_be_written_is_known_at_once() {
    let (folder, path) = in_a_folder();
    let refused = |target: &Path| {
        let error = LibraryWriter::create(target, &info(), 4).err().unwrap();
        crate::error::one_line(&error)
    };
    assert!(refused(folder.path()).contains("a folder"));
    assert!(refused(&folder.path().join("absent/library.parquet")).contains("absent"));
    #[cfg(unix)]
    {
        assert!(refused(Path::new("/dev/full")).contains("a device"));
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        assert!(refused(&path).contains("leads nowhere"));
    }
    let _ = path;
}

#[cfg(unix)]
#[test]
fn a_link_keeps_its_place_and_a_library_its_permissions() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (folder, path) = in_a_folder();
    write(&path, [a_row(1)]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let link = folder.path().join("link.parquet");
    symlink(&path, &link).unwrap();
    write(&link, [a_row(2), a_row(3)]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(Library::open(&path).unwrap().rows(), 2);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn an_embedding_of_another_length_is_refused() {
    let (_folder, path) = in_a_folder();
    let mut writer = LibraryWriter::create(&path, &info(), 4).unwrap();
    let mut row = a_row(0);
    row.embedding.pop();
    let error = writer.push(row).unwrap_err();
    assert!(error.to_string().contains("expected an embedding of 4"));
}

/// A Parquet file that another program might have made.
fn foreign(path: &Path, footer: Option<String>, columns: Vec<(Field, ArrayRef)>) {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    let pairs = footer.map(|json| vec![KeyValue::new(FOOTER_KEY.to_owned(), json)]);
    let properties = WriterProperties::builder()
        .set_key_value_metadata(pairs)
        .build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn path_column() -> Vec<(Field, ArrayRef)> {
    let array: ArrayRef = Arc::new(StringArray::from(vec!["/a.mp3"]));
    vec![(Field::new("path", DataType::Utf8, false), array)]
}

#[test]
fn files_that_are_no_libraries_are_refused_with_the_reason() {
    let (folder, path) = in_a_folder();
    assert!(open_error(&path).contains("cannot open"));
    assert!(open_error(folder.path()).contains("found a folder"));

    fs::write(&path, b"no parquet at all").unwrap();
    assert!(open_error(&path).contains("expected a Parquet file"));
    fs::write(&path, b"").unwrap();
    assert!(open_error(&path).contains("expected a Parquet file"));

    foreign(&path, None, path_column());
    assert!(open_error(&path).contains("lacks the key `circumplex`"));

    foreign(&path, Some("{".to_owned()), path_column());
    assert!(open_error(&path).contains("is damaged"));

    let mut newer = info();
    newer.format_version = FORMAT_VERSION + 1;
    foreign(
        &path,
        Some(serde_json::to_string(&newer).unwrap()),
        path_column(),
    );
    assert!(open_error(&path).contains("update circumplex"));

    let mut reordered = info();
    reordered.labels.swap(0, 1);
    foreign(
        &path,
        Some(serde_json::to_string(&reordered).unwrap()),
        path_column(),
    );
    assert!(open_error(&path).contains("expected the emotions"));

    let footer = serde_json::to_string(&info()).unwrap();
    foreign(&path, Some(footer.clone()), path_column());
    assert!(open_error(&path).contains("`size_bytes` is missing"));

    let mut columns = path_column();
    columns[0] = (
        Field::new("path", DataType::Float32, false),
        Arc::new(Float32Array::from(vec![1.0])),
    );
    columns.push((
        Field::new("size_bytes", DataType::Boolean, false),
        Arc::new(arrow::array::BooleanArray::from(vec![true])),
    ));
    columns.push((
        Field::new("modified", DataType::Boolean, false),
        Arc::new(arrow::array::BooleanArray::from(vec![true])),
    ));
    foreign(&path, Some(footer), columns);
    assert!(open_error(&path).contains("expected the column `modified`"));
}

#[test]
fn a_library_that_is_cut_off_is_refused() {
    let (_folder, path) = in_a_folder();
    write(&path, (0..10).map(a_row));
    let whole = fs::read(&path).unwrap();
    for length in [0, 4, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(open_error(&path).contains("expected a Parquet file"));
    }
}

#[test]
fn damaged_bytes_neither_panic_nor_read_for_ever() {
    let (_folder, path) = in_a_folder();
    crate::contain::silence_caught_panics();
    write(&path, (0..50).map(a_row));
    let whole = fs::read(&path).unwrap();
    for place in (0..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        fs::write(&path, &damaged).unwrap();
        if let Ok(library) = Library::open(&path) {
            let _ = library.songs().map(|batches| batches.count());
            let _ = library.vectors().map(|batches| batches.count());
        }
    }
}

/// The same library without some columns, as a program that did not know them wrote it.
fn without(path: &Path, columns: &[Column]) -> PathBuf {
    let library = Library::open(path).unwrap();
    let mut batches = library.batches(&Column::ALL, batches::Part::All).unwrap();
    let (_, batch) = batches.next().unwrap().unwrap();
    let kept = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .filter(|(field, _)| columns.iter().all(|column| column.name() != field.name()))
        .map(|(field, array)| (field.as_ref().clone(), array.clone()))
        .collect();
    let earlier = path.with_extension("earlier.parquet");
    let footer = serde_json::to_string(library.info()).unwrap();
    foreign(&earlier, Some(footer), kept);
    earlier
}

#[test]
fn a_library_of_a_program_that_made_no_notes_is_read_without_them() {
    let (_folder, path) = in_a_folder();
    write(&path, (0..6).map(a_row));
    assert!(Library::open(&path).unwrap().has(Column::Note));
    let earlier = Library::open(&without(&path, &[Column::Note, Column::Timeline])).unwrap();
    assert!(!earlier.has(Column::Note));
    let rows: Vec<SongRow> = earlier.songs().unwrap().flatten().flatten().collect();
    let expected = |n| SongRow {
        note: None,
        timeline: None,
        ..a_row(n)
    };
    assert_eq!(rows, (0..6).map(expected).collect::<Vec<_>>());
    let vectors = earlier.vectors().unwrap().next().unwrap().unwrap();
    assert_eq!(vectors.audible().count(), 6);
}

#[test]
fn long_timelines_are_read_back_whole_and_end_a_row_group_early() {
    let (_folder, path) = in_a_folder();
    let row = |n| SongRow {
        timeline: Some(test_rows::some_moments(6 * 240 + n)),
        ..a_row(n)
    };
    write(&path, (0..600).map(row));
    let library = Library::open(&path).unwrap();
    let mut expected = 0;
    for batch in library.songs().unwrap() {
        for song in batch.unwrap() {
            assert_eq!(song, row(expected));
            expected += 1;
        }
    }
    assert_eq!(expected, 600);
    assert_eq!(library.songs_at(&[599]).unwrap(), [row(599)]);
}

#[test]
fn a_row_without_a_vector_is_named() {
    let (_folder, path) = in_a_folder();
    write(&path, (0..3).map(a_row));
    let library = Library::open(&path).unwrap();
    let batch = library
        .batches(&Column::ALL, batches::Part::All)
        .unwrap()
        .next()
        .unwrap();
    let (_, batch) = batch.unwrap();
    let vectors: Vec<f32> = [[12.5; 8], [12.5; 8], [f32::NAN; 8]].concat();
    let list = arrow::array::FixedSizeListArray::try_new(
        schema::list_item(),
        8,
        Arc::new(Float32Array::from(vectors)),
        None,
    );
    let columns = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| {
            let array: ArrayRef = if field.name() == "emotions" {
                Arc::new(list.as_ref().unwrap().clone())
            } else {
                array.clone()
            };
            (field.as_ref().clone(), array)
        })
        .collect();
    let damaged = path.with_extension("damaged.parquet");
    foreign(
        &damaged,
        Some(serde_json::to_string(&info()).unwrap()),
        columns,
    );
    let library = Library::open(&damaged).unwrap();
    let error = library.vectors().unwrap().find_map(Result::err).unwrap();
    assert!(
        error
            .to_string()
            .contains("row 2 (counted from 0) holds no emotion vector")
    );
}

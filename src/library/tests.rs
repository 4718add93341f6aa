//! Writing and reading together, several files as one, and files that are not libraries.

use super::{test_songs::a_song, *};
use arrow_array::{ArrayRef, BooleanArray, Float32Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
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

fn write(path: &Path, rows: impl IntoIterator<Item = Song>) {
    let mut writer = LibraryWriter::create(path, &info(), 4).unwrap();
    for row in rows {
        writer.push(row).unwrap();
    }
    writer.finish().unwrap();
}

fn in_a_directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("library.parquet");
    (directory, path)
}

fn files_in(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

fn open_error(path: &Path) -> String {
    let error = Library::open(path).expect_err("must be refused");
    crate::error::one_line(&error)
}

#[test]
fn what_is_written_is_read_back() {
    let (_directory, path) = in_a_directory();
    let mut rows: Vec<Song> = (0..3000).map(a_song).collect();
    rows[7].title = None;
    rows[8].modified = None;
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        rows[9].path = std::ffi::OsStr::from_bytes(b"/music/\xff.mp3").into();
    }
    rows[10].silent = true;
    rows[11].missing_s = 0.5;
    rows[12].track = Some(3);
    rows[12].track_start_s = Some(245.5);
    rows[12].track_end_s = Some(445.5);
    rows[13].excerpt_start_s = Some(70.0);
    rows[13].excerpt_length_s = Some(45.0);
    write(&path, rows.clone());
    let library = Library::open(&path).unwrap();
    assert_eq!(library.rows(), 3000);
    assert_eq!(library.info(), &info());
    assert_eq!(all(&library), rows);
    let files: Vec<Song> = library.songs(Columns::FILE).map(Result::unwrap).collect();
    let file = |song: &Song| Song {
        path: song.path.clone(),
        track: song.track,
        ..Song::default()
    };
    assert_eq!(files, rows.iter().map(file).collect::<Vec<_>>());
}

fn all(library: &Library) -> Vec<Song> {
    library.songs(Columns::ALL).map(Result::unwrap).collect()
}

#[test]
fn the_description_remembers_failures() {
    let (_directory, path) = in_a_directory();
    let mut with_failures = info();
    with_failures.failures = vec![FailedFile {
        path: "/music/broken.mp3".into(),
        track: None,
        size_bytes: 5,
        modified: Some(Micros(17)),
        reason: "is damaged".to_owned(),
        needs_ffmpeg: true,
    }];
    let writer = LibraryWriter::create(&path, &with_failures, 4).unwrap();
    writer.finish().unwrap();
    let library = Library::open(&path).unwrap();
    assert_eq!(library.failures(), with_failures.failures);
    // As version 1 wrote them.
    let json = r#"{"path":"/a\ufffd.mp3","path_bytes":[47,97,255,46,109,112,51],"size_bytes":5,"modified":null,"reason":"x"}"#;
    let failed: FailedFile = serde_json::from_str(json).unwrap();
    assert_eq!(failed.path.to_string_lossy(), "/a\u{fffd}.mp3");
    let again: FailedFile = serde_json::from_str(&serde_json::to_string(&failed).unwrap()).unwrap();
    assert_eq!(again, failed);
}

#[test]
fn songs_come_in_the_order_in_which_they_are_asked_for() {
    let (_directory, path) = in_a_directory();
    write(&path, (0..40_000).map(a_song));
    let library = Library::open(&path).unwrap();
    let wanted = [39_999, 0, 32_768, 17, 17];
    let found = library.songs_at(&wanted, Columns::ALL).unwrap();
    assert_eq!(
        found,
        wanted.map(|row| a_song(usize::try_from(row).unwrap()))
    );
    let error = library.songs_at(&[40_000], Columns::FILE).unwrap_err();
    assert!(error.to_string().contains("no row 40000"), "{error}");
}

#[test]
fn a_library_without_songs_is_readable() {
    let (_directory, path) = in_a_directory();
    write(&path, []);
    let library = Library::open(&path).unwrap();
    assert_eq!(library.rows(), 0);
    assert_eq!(all(&library), []);
    assert_eq!(library.songs_at(&[], Columns::ALL).unwrap(), []);
    assert_eq!(library.embedding_length().unwrap(), 4);
}

#[test]
fn an_unfinished_library_leaves_nothing_and_harms_nothing() {
    let (directory, path) = in_a_directory();
    write(&path, [a_song(1)]);
    let before = fs::read(&path).unwrap();
    let mut writer = LibraryWriter::create(&path, &info(), 4).unwrap();
    writer.push(a_song(2)).unwrap();
    assert_eq!(files_in(directory.path()), 2);
    drop(writer);
    assert_eq!(files_in(directory.path()), 1);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn an_output_that_cannot_be_written_is_known_at_once() {
    let (directory, path) = in_a_directory();
    let refused = |target: &Path| {
        let error = LibraryWriter::create(target, &info(), 4).err().unwrap();
        crate::error::one_line(&error)
    };
    assert!(refused(directory.path()).contains("a directory"));
    assert!(refused(&directory.path().join("absent/library.parquet")).contains("absent"));
    #[cfg(unix)]
    {
        assert!(refused(Path::new("/dev/full")).contains("a device"));
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        assert!(refused(&path).contains("broken symbolic link"));
    }
    let _ = path;
}

#[cfg(unix)]
#[test]
fn a_link_keeps_its_place_and_a_library_its_permissions() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (directory, path) = in_a_directory();
    write(&path, [a_song(1)]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let link = directory.path().join("link.parquet");
    symlink(&path, &link).unwrap();
    write(&link, [a_song(2), a_song(3)]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(Library::open(&path).unwrap().rows(), 2);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn an_embedding_of_another_length_is_refused() {
    let (_directory, path) = in_a_directory();
    let mut writer = LibraryWriter::create(&path, &info(), 4).unwrap();
    let mut row = a_song(0);
    row.embedding.pop();
    let error = writer.push(row).unwrap_err();
    assert!(error.to_string().contains("expected an embedding of 4"));
}

/// A Parquet file that another program might have made.
fn foreign(path: &Path, footer: Option<String>, columns: Vec<(Field, ArrayRef)>) {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    let pairs = footer.map(|json| vec![KeyValue::new(INFO_KEY.to_owned(), json)]);
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
    let (directory, path) = in_a_directory();
    assert!(open_error(&path).contains("cannot open"));
    assert!(open_error(directory.path()).contains("found none"));

    fs::write(&path, b"no parquet at all").unwrap();
    assert!(open_error(&path).contains("expected a Parquet file"));
    fs::write(&path, b"").unwrap();
    assert!(open_error(&path).contains("expected a Parquet file"));

    foreign(&path, None, path_column());
    assert!(open_error(&path).contains("lacks the column `emotions`"));

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
    assert!(open_error(&path).contains("`emotions` is missing"));

    let mut columns = path_column();
    columns.push((
        Field::new("emotions", DataType::Boolean, false),
        Arc::new(BooleanArray::from(vec![true])),
    ));
    foreign(&path, Some(footer), columns);
    assert!(open_error(&path).contains("expected the column `emotions`"));
}

#[test]
fn a_library_that_is_cut_off_is_refused() {
    let (_directory, path) = in_a_directory();
    write(&path, (0..10).map(a_song));
    let whole = fs::read(&path).unwrap();
    for length in [0, 4, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(open_error(&path).contains("expected a Parquet file"));
    }
}

#[test]
fn damaged_bytes_neither_panic_nor_read_without_end() {
    let (_directory, path) = in_a_directory();
    crate::contain::silence_caught_panics();
    write(&path, (0..50).map(a_song));
    let whole = fs::read(&path).unwrap();
    for place in (0..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        fs::write(&path, &damaged).unwrap();
        if let Ok(library) = Library::open(&path) {
            let _ = library.songs(Columns::ALL).count();
        }
    }
}

/// The columns of a library as arrays, to be written otherwise.
fn columns_of(path: &Path) -> Vec<(Field, ArrayRef)> {
    let library = Library::open(path).unwrap();
    let group = library.groups().next().unwrap();
    let mut batches = library.batches(&group, Columns::ALL, None);
    let (_, batch) = batches.next().unwrap().unwrap();
    let schema = batch.schema();
    let fields = schema.fields().iter().map(|field| field.as_ref().clone());
    fields.zip(batch.columns().iter().cloned()).collect()
}

#[test]
fn a_version_1_library_is_read_with_its_notes_as_facts() {
    let (_directory, path) = in_a_directory();
    let mut songs: Vec<Song> = (0..6).map(a_song).collect();
    for song in &mut songs {
        song.damaged_packets = 0;
    }
    let old_paths = [
        "/m/0.mp3",
        "/m/mix.flac/03",
        "/m/2.mp3",
        "/m/3.mp3",
        "/m/4.mp3",
        "/m/5.mp3",
    ];
    let notes = [
        Some("silent; shorter than a window (repeated)"),
        Some("track 3, 200 s from 4:05.5; 1 damaged packet"),
        None,
        Some("excerpt 45 s from 1:10"),
        Some("7 damaged packets"),
        None,
    ];
    for (song, path) in songs.iter_mut().zip(old_paths) {
        song.path = path.into();
    }
    write(&path, songs.clone());
    let mut columns = columns_of(&path);
    let is_fact = |name: &str| version1::FACTS.iter().any(|column| column.name() == name);
    columns.retain(|(field, _)| !is_fact(field.name()));
    columns.push((
        Field::new("note", DataType::Utf8, true),
        Arc::new(StringArray::from(notes.to_vec())),
    ));
    let mut info = info();
    info.format_version = 1;
    let old = path.with_extension("old.parquet");
    foreign(&old, Some(serde_json::to_string(&info).unwrap()), columns);

    songs[0].silent = true;
    songs[1].path = "/m/mix.flac".into();
    songs[1].track = Some(3);
    songs[1].track_start_s = Some(245.5);
    songs[1].track_end_s = Some(445.5);
    songs[1].damaged_packets = 1;
    songs[3].excerpt_start_s = Some(70.0);
    songs[3].excerpt_length_s = Some(45.0);
    songs[4].damaged_packets = 7;
    let library = Library::open(&old).unwrap();
    assert!(library.has(Column::Silent));
    assert_eq!(all(&library), songs);
    assert_eq!(library.songs_at(&[1], Columns::ALL).unwrap(), songs[1..2]);
    assert_eq!(songs[1].unique_path(), Path::new("/m/mix.flac/03"));
    let only = library
        .songs_at(&[0], Columns::of(&[Column::Silent]))
        .unwrap();
    assert!(only[0].silent && only[0].path.as_os_str().is_empty());
    // Written again, it is one of version 2.
    let new = path.with_extension("new.parquet");
    compact(library, &new).unwrap();
    let library = Library::open(&new).unwrap();
    assert_eq!(library.info().format_version, FORMAT_VERSION);
    songs.sort_by_key(|song| song.unique_path().into_owned().into_os_string());
    assert_eq!(all(&library), songs);
}

#[test]
fn a_library_without_facts_is_read_without_them() {
    let (_directory, path) = in_a_directory();
    write(&path, (0..6).map(a_song));
    let mut columns = columns_of(&path);
    let is_new = |name: &str| {
        name == "timeline" || version1::FACTS.iter().any(|column| column.name() == name)
    };
    columns.retain(|(field, _)| !is_new(field.name()));
    let footer = serde_json::to_string(&info()).unwrap();
    foreign(&path, Some(footer), columns);
    let library = Library::open(&path).unwrap();
    assert!(!library.has(Column::Silent));
    let expected = |n| Song {
        damaged_packets: 0,
        timeline: None,
        ..a_song(n)
    };
    assert_eq!(all(&library), (0..6).map(expected).collect::<Vec<_>>());
}

#[test]
fn the_description_in_the_arrow_schema_suffices() {
    let (_directory, path) = in_a_directory();
    write(&path, (0..6).map(a_song));
    // pyarrow keeps the metadata of the schema, and drops that of the file.
    let file = File::open(&path).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file);
    let reader = reader.unwrap();
    let (schema, reader) = (reader.schema().clone(), reader.build().unwrap());
    assert!(schema.metadata().contains_key(INFO_KEY));
    let again = path.with_extension("again.parquet");
    let mut writer = ArrowWriter::try_new(File::create(&again).unwrap(), schema, None).unwrap();
    for batch in reader {
        writer.write(&batch.unwrap()).unwrap();
    }
    writer.close().unwrap();
    let library = Library::open(&again).unwrap();
    assert_eq!(library.info(), &info());
    assert_eq!(all(&library), (0..6).map(a_song).collect::<Vec<_>>());
}

/// Lists of every kind that a program may write, of the same two vectors.
fn lists_of_every_kind() -> Vec<ArrayRef> {
    use arrow_array::{
        FixedSizeListArray, LargeListArray, ListArray,
        types::{Float32Type, Float64Type, Int64Type},
    };
    let [happy, even] = [[100.0, 0., 0., 0., 0., 0., 0., 0.], [12.5_f64; 8]];
    let rows = [happy, even].map(|row| Some(row.map(Some)));
    let single = rows.map(|row| row.map(|row| row.map(|v| v.map(|v| v as f32))));
    let whole = [[100, 0, 0, 0, 0, 0, 0, 0], [13, 13, 13, 13, 12, 12, 12, 12]];
    vec![
        Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(single)),
        Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(rows)),
        Arc::new(LargeListArray::from_iter_primitive::<Float64Type, _, _>(
            rows,
        )),
        Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(single, 8)),
        Arc::new(FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(rows, 8)),
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(
            whole.map(|row| Some(row.map(Some))),
        )),
    ]
}

#[test]
fn any_parquet_file_with_paths_and_eight_numbers_is_a_library_of_an_unknown_model() {
    let (_directory, path) = in_a_directory();
    for lists in lists_of_every_kind() {
        let kind = lists.data_type().to_string();
        let texts: [ArrayRef; 2] = [
            Arc::new(StringArray::from(vec!["/a.mp3", "/b.mp3"])),
            Arc::new(arrow_array::LargeStringArray::from(vec![
                "/a.mp3", "/b.mp3",
            ])),
        ];
        for paths in texts {
            let field =
                |name: &str, array: &ArrayRef| Field::new(name, array.data_type().clone(), true);
            let columns = vec![
                (field("emotions", &lists), lists.clone()),
                (field("path", &paths), paths),
            ];
            foreign(&path, None, columns);
            let library = Library::open(&path).unwrap();
            assert!(!library.is_model_known(), "{kind}");
            let songs = all(&library);
            assert_eq!(songs[1].path, Path::new("/b.mp3"), "{kind}");
            assert_eq!(songs[0].emotions.as_array()[0], 100.0, "{kind}");
            assert!(songs[0].valence > 8.0 && songs[0].arousal > 6.0, "{kind}");
            assert!(songs[1].embedding.is_empty() && !songs[1].silent);
            assert_eq!(library.embedding_length().unwrap(), 0);
        }
    }
}

#[test]
fn long_timelines_are_read_back_whole_and_end_a_song_group_early() {
    let (_directory, path) = in_a_directory();
    let row = |n| Song {
        timeline: Some(test_songs::some_moments(6 * 240 + n)),
        ..a_song(n)
    };
    write(&path, (0..600).map(row));
    let library = Library::open(&path).unwrap();
    let mut expected = 0;
    for song in library.songs(Columns::ALL) {
        assert_eq!(song.unwrap(), row(expected));
        expected += 1;
    }
    assert_eq!(expected, 600);
    assert_eq!(library.songs_at(&[599], Columns::ALL).unwrap(), [row(599)]);
}

#[test]
fn timelines_that_were_written_before_they_had_what_is_felt_are_read() {
    use arrow_array::{Array, ListArray, StructArray, cast::AsArray};
    let (_directory, path) = in_a_directory();
    write(&path, (0..8).map(a_song));
    assert_eq!(
        all(&Library::open(&path).unwrap()),
        (0..8).map(a_song).collect::<Vec<_>>()
    );
    let mut columns = columns_of(&path);
    let (field, array) = columns.last_mut().unwrap();
    assert_eq!(field.name(), "timeline");
    let lists = array.as_list::<i32>();
    let (fields, arrays, _) = lists.values().as_struct().clone().into_parts();
    let fields = fields.iter().cloned().zip(arrays).take(4);
    let moments = StructArray::from(fields.collect::<Vec<_>>());
    let item = Field::new("item", moments.data_type().clone(), false);
    let lists = ListArray::new(
        Arc::new(item),
        lists.offsets().clone(),
        Arc::new(moments),
        lists.nulls().cloned(),
    );
    *field = Field::new("timeline", lists.data_type().clone(), true);
    *array = Arc::new(lists);
    let footer = serde_json::to_string(&info()).unwrap();
    foreign(&path, Some(footer), columns);
    let without = |n| {
        let mut song = a_song(n);
        for moment in song.timeline.iter_mut().flatten() {
            moment.felt = None;
        }
        song
    };
    let library = Library::open(&path).unwrap();
    assert_eq!(all(&library), (0..8).map(without).collect::<Vec<_>>());
}

#[test]
fn a_row_without_a_vector_is_named() {
    let (_directory, path) = in_a_directory();
    write(&path, (0..3).map(a_song));
    let vectors: Vec<f32> = [[12.5; 8], [12.5; 8], [f32::NAN; 8]].concat();
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let list =
        arrow_array::FixedSizeListArray::new(item, 8, Arc::new(Float32Array::from(vectors)), None);
    let mut columns = columns_of(&path);
    for (field, array) in &mut columns {
        if field.name() == "emotions" {
            *array = Arc::new(list.clone());
        }
    }
    let footer = serde_json::to_string(&info()).unwrap();
    foreign(&path, Some(footer), columns);
    let library = Library::open(&path).unwrap();
    let error = library.songs(Columns::LIST).find_map(Result::err).unwrap();
    assert!(
        error
            .to_string()
            .contains("row 2 (counted from 0) has no valid `emotions`"),
        "{error}"
    );
}

#[test]
fn times_before_1970_are_negative_and_rounded_down() {
    use std::time::{Duration, UNIX_EPOCH};
    assert_eq!(
        Micros::from(UNIX_EPOCH - Duration::from_nanos(1_500)),
        Micros(-2)
    );
    assert_eq!(
        Micros::from(UNIX_EPOCH + Duration::from_nanos(1_500)),
        Micros(1)
    );
}

#[test]
fn columns_are_in_the_order_of_the_table() {
    let schema = schema(4);
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(
        names.join(" "),
        "path path_bytes track track_start_s track_end_s size_bytes modified duration_s sample_rate channels channel codec decoder \
         title artist album genre valence arousal emotions felt embedding analyzed_at windows content_hash silent damaged_packets \
         missing_s excerpt_start_s excerpt_length_s timeline"
    );
}

fn failed(path: &str) -> FailedFile {
    FailedFile {
        path: path.into(),
        track: None,
        size_bytes: 5,
        modified: None,
        reason: "is damaged".to_owned(),
        needs_ffmpeg: false,
    }
}

fn info_of(identity: &str) -> LibraryInfo {
    let model = ModelStamp {
        identity: identity.to_owned(),
        name: format!("model-{identity}"),
    };
    LibraryInfo::new(model, serde_json::json!({}))
}

fn write_part(directory: &Path, name: &str, rows: Vec<Song>, failures: &[&str]) -> PathBuf {
    let path = directory.join(name);
    let mut info = info_of("a");
    info.failures = failures.iter().map(|path| failed(path)).collect();
    let mut writer = LibraryWriter::create(&path, &info, 4).unwrap();
    for row in rows {
        writer.push(row).unwrap();
    }
    writer.finish().unwrap();
    path
}

/// Rows `from`, `from + 3`, ...: a third of `count` rows.
fn third(from: usize, count: usize) -> Vec<Song> {
    (from..count).step_by(3).map(a_song).collect()
}

fn refused(result: Result<Library, crate::Error>) -> String {
    result.expect_err("must be refused").to_string()
}

#[test]
fn several_files_are_read_as_one() {
    let directory = tempfile::tempdir().unwrap();
    for part in 0..3 {
        write_part(
            directory.path(),
            &format!("{part}.parquet"),
            third(part, 100),
            &[],
        );
    }
    std::fs::write(directory.path().join(".1.parquet.x.tmp"), b"x").unwrap();
    std::fs::write(directory.path().join(".hidden.parquet"), b"x").unwrap();
    std::fs::write(directory.path().join("notes.txt"), b"x").unwrap();
    let again = directory.path().join("./1.parquet");
    let library = Library::open_all(&[directory.path(), &again]).unwrap();
    assert_eq!((library.files().len(), library.rows()), (3, 100));
    let expected: Vec<Song> = (0..3).flat_map(|part| third(part, 100)).collect();
    assert_eq!(all(&library), expected);
    let wanted = [99, 0, 34, 33, 50, 99];
    let found = library.songs_at(&wanted, Columns::ALL).unwrap();
    let expected: Vec<Song> = wanted
        .iter()
        .map(|row| expected[usize::try_from(*row).unwrap()].clone())
        .collect();
    assert_eq!(found, expected);
    assert!(library.songs_at(&[3, 100], Columns::ALL).is_err());
}

#[test]
fn libraries_of_two_models_are_not_read_as_one() {
    let directory = tempfile::tempdir().unwrap();
    write_part(directory.path(), "1.parquet", vec![a_song(1)], &[]);
    let other = directory.path().join("2.parquet");
    LibraryWriter::create(&other, &info_of("b"), 4)
        .unwrap()
        .finish()
        .unwrap();
    let error = refused(Library::open_all(&[directory.path()]));
    assert!(error.contains("model-a (a)") && error.contains("model-b (b)"));
}

#[test]
fn excerpts_and_whole_songs_are_not_read_as_one() {
    let directory = tempfile::tempdir().unwrap();
    write_part(directory.path(), "1.parquet", vec![a_song(1)], &[]);
    let mut excerpts = info_of("a");
    excerpts.set_excerpt("45s");
    assert_eq!(excerpts.excerpt(), Some("45s"));
    LibraryWriter::create(&directory.path().join("2.parquet"), &excerpts, 4)
        .unwrap()
        .finish()
        .unwrap();
    let error = refused(Library::open_all(&[directory.path()]));
    assert!(error.contains("model-a (a), excerpts of 45s"), "{error}");
}

#[test]
fn a_directory_without_a_library_and_one_with_another_file_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    assert!(refused(Library::open_all(&[directory.path()])).contains("found none"));
    std::fs::write(directory.path().join("x.parquet"), b"no Parquet").unwrap();
    assert!(refused(Library::open_all(&[directory.path()])).contains("x.parquet"));
}

#[test]
fn compacting_sorts_and_keeps_the_latest_row_of_each_path() {
    let directory = tempfile::tempdir().unwrap();
    let mut later = a_song(4);
    later.analyzed_at.0 += 1;
    later.valence = 1.5;
    let mut earlier = a_song(7);
    earlier.analyzed_at.0 -= 1;
    earlier.valence = 1.5;
    let mut second = third(1, 10_000);
    second.push(earlier);
    second.reverse();
    let mut first = third(0, 10_000);
    first.insert(0, later.clone());
    write_part(
        directory.path(),
        "1.parquet",
        first,
        &["/music/x.mp3", "/music/000007.mp3"],
    );
    write_part(directory.path(), "2.parquet", second, &["/music/x.mp3"]);
    write_part(directory.path(), "3.parquet", third(2, 10_000), &[]);
    let target = directory.path().join("2.parquet");
    let done = compact(Library::open_all(&[directory.path()]).unwrap(), &target).unwrap();
    let expected = super::compact::Compacted {
        rows: 10_000,
        repeated: 2,
        failures: 1,
    };
    assert_eq!(done, expected);
    let library = Library::open(&target).unwrap();
    assert_eq!(library.info().failures, [failed("/music/x.mp3")]);
    assert_eq!(library.info().program, info_of("a").program);
    let songs = all(&library);
    let mut rows: Vec<Song> = (0..10_000).map(a_song).collect();
    rows[4] = later;
    assert_eq!(songs, rows);
}

#[test]
fn a_library_without_songs_can_be_compacted_and_keeps_its_schema() {
    let directory = tempfile::tempdir().unwrap();
    let path = write_part(directory.path(), "1.parquet", vec![], &["/music/x.mp3"]);
    let done = compact(Library::open_all(&[&path]).unwrap(), &path).unwrap();
    assert_eq!((done.rows, done.failures), (0, 1));
    assert_eq!(Library::open(&path).unwrap().embedding_length().unwrap(), 4);
}

#[test]
fn rows_of_files_that_failed_are_failures_and_no_songs() {
    let (directory, path) = in_a_directory();
    write(&path, (0..6).map(a_song));
    let mut columns = columns_of(&path);
    let reasons = [Some("truncated"), None, None, Some("empty"), None, None];
    let reasons: ArrayRef = Arc::new(StringArray::from(reasons.to_vec()));
    columns.push((Field::new(ERROR, DataType::Utf8, true), reasons));
    let part = directory.path().join("part.parquet");
    foreign(&part, None, columns);

    let library = Library::open(&part).unwrap();
    assert_eq!(library.rows(), 4);
    let songs: Vec<Song> = [1, 2, 4, 5].map(a_song).into();
    assert_eq!(all(&library), songs);
    let some = library.songs_at(&[3, 1], Columns::ALL).unwrap();
    assert_eq!(some, [songs[3].clone(), songs[1].clone()]);
    let failures = library.failures().into_iter();
    let failures: Vec<_> = failures
        .map(|failed| (failed.path, failed.reason))
        .collect();
    let expected = [(0, "truncated"), (3, "empty")];
    let expected = expected.map(|(n, reason)| (a_song(n).path, reason.to_owned()));
    assert_eq!(failures, expected);

    // The rows of the next file follow those of the songs.
    let (_other, next) = in_a_directory();
    write(&next, [a_song(7)]);
    let mut columns = columns_of(&next);
    let reasons: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
    columns.push((Field::new(ERROR, DataType::Utf8, true), reasons));
    foreign(&next, None, columns);
    let both = Library::open_all(&[&part, &next]).unwrap();
    let last = both.songs_at(&[4], Columns::ALL).unwrap();
    assert_eq!(last, [a_song(7)]);
    assert_eq!(both.file_of(4).path(), next);
}

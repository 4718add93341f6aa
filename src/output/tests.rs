use super::*;
use crate::npy::read_npy;
use crate::{
    emotion::{Emotion, EmotionVector},
    library::{LibraryWriter, ModelStamp, test_songs::a_song},
};
use arrow_array::{Array, RecordBatch, cast::AsArray, types::Float32Type};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use std::{
    fs,
    sync::{Arc, Mutex},
};

/// Songs whose strongest emotions take turns; every seventh is silent.
fn songs(count: usize) -> Vec<Song> {
    (0..count)
        .map(|n| {
            let mut weights = [1.0; 8];
            weights[n % 8] = 2.0 + n as f64;
            Song {
                emotions: EmotionVector::from_weights(weights).unwrap(),
                title: Some(format!("\"Song\", \n{n}")),
                silent: n % 7 == 3,
                track: (n == 5).then_some(2),
                track_start_s: (n == 5).then_some(245.5),
                ..a_song(n)
            }
        })
        .collect()
}

fn info() -> LibraryInfo {
    let model = ModelStamp {
        identity: "ab".repeat(32),
        name: "best".to_owned(),
    };
    LibraryInfo {
        timeline: true,
        ..LibraryInfo::new(model, serde_json::json!({"mel": {"bands": 128}}))
    }
}

struct Place {
    directory: tempfile::TempDir,
    library: Library,
}

impl Place {
    fn new(songs: Vec<Song>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("library.parquet");
        let mut writer = LibraryWriter::create(&path, &info(), 4).unwrap();
        for song in songs {
            writer.push(song).unwrap();
        }
        writer.finish().unwrap();
        let library = Library::open(&path).unwrap();
        Self { directory, library }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn export(&self, columns: &[&str]) -> Export<'_> {
        Export {
            columns: Field::parse(columns.iter().copied()).unwrap(),
            ..Export::new(&self.library)
        }
    }

    fn export_all(&self) -> Export<'_> {
        Export {
            columns: Field::all(),
            ..Export::new(&self.library)
        }
    }

    fn write(&self, export: &Export<'_>, format: Format, name: &str) -> Written {
        let to = Destination::Path(self.path(name));
        export.write(format, to, |_| {}).unwrap()
    }

    fn fails(&self, export: &Export<'_>, format: Format, name: &str) -> String {
        let to = Destination::Path(self.path(name));
        export.write(format, to, |_| {}).unwrap_err().to_string()
    }

    fn leftovers(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.retain(|name| name.ends_with(".tmp"));
        names
    }
}

fn parquet_rows(path: &Path) -> (SchemaRef, Vec<RecordBatch>) {
    let file = fs::File::open(path).unwrap();
    let builder =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = builder.schema().clone();
    let batches = builder.build().unwrap().map(Result::unwrap).collect();
    (schema, batches)
}

#[test]
fn parquet_and_arrow_hold_every_column_with_its_values() {
    let songs = songs(30);
    let place = Place::new(songs.clone());
    let export = place.export_all();
    assert_eq!(place.write(&export, Format::Parquet, "a.parquet").rows, 30);
    place.write(&export, Format::Arrow, "a.arrow");
    let (schema, parquet) = parquet_rows(&place.path("a.parquet"));
    let file = fs::File::open(place.path("a.arrow")).unwrap();
    let reader = arrow_ipc::reader::FileReader::try_new(file, None).unwrap();
    assert!(reader.schema().metadata()[METADATA_KEY].contains("\"best\""));
    assert!(schema.metadata()[METADATA_KEY].contains("\"best\""));
    let arrow: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    for batches in [parquet, arrow] {
        let batch = concat_batches(&batches[0].schema(), &batches).unwrap();
        assert_eq!(batch.num_rows(), 30);
        for (n, song) in songs.iter().enumerate() {
            for (emotion, percentage) in song.emotions.iter() {
                let column = batch.column_by_name(emotion.name()).unwrap();
                assert_eq!(column.as_primitive::<Float32Type>().value(n), percentage);
            }
            let strongest = batch.column_by_name("emotion").unwrap();
            let strongest = strongest.as_string::<i32>();
            if song.silent {
                assert!(strongest.is_null(n));
            } else {
                assert_eq!(strongest.value(n), song.emotions.strongest().name());
            }
            let embedding = batch.column_by_name("embedding").unwrap();
            let embedding = embedding.as_fixed_size_list().value(n);
            let numbers = embedding.as_primitive::<Float32Type>();
            assert_eq!(&numbers.values()[..], song.embedding.as_slice());
            let timelines = batch.column_by_name("timeline").unwrap().as_list::<i32>();
            let moments = song.timeline.as_ref().map(Vec::len);
            let found = timelines.is_valid(n).then(|| timelines.value(n).len());
            assert_eq!(found, moments);
        }
    }
    assert!(place.leftovers().is_empty());
}

#[test]
fn json_has_short_numbers_times_in_utc_and_null_for_silence() {
    let place = Place::new(songs(8));
    let export = place.export_all();
    place.write(&export, Format::JsonLines, "a.jsonl");
    let text = fs::read_to_string(place.path("a.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 8);
    place.write(&export, Format::Json, "a.json");
    let array = fs::read_to_string(place.path("a.json")).unwrap();
    assert_eq!(
        serde_json::from_str::<Vec<serde_json::Value>>(&array).unwrap(),
        lines
    );
    assert!(text.contains("\"arousal\":4.25,"), "{text}");
    assert!(text.contains("\"embedding\":[1.0,0.25,-1.0,0.0]"), "{text}");
    assert_eq!(lines[1]["modified"], "2023-11-14T22:13:20.000001Z");
    assert_eq!(lines[1]["title"], "\"Song\", \n1");
    assert_eq!(lines[3]["emotion"], serde_json::Value::Null);
    assert_eq!(lines[4]["emotion"], "depressed");
    assert_eq!(lines[3]["silent"], true);
    assert_eq!(lines[5]["track"], 2);
    assert_eq!(lines[5]["track_start_s"], 245.5);
    assert_eq!(lines[4]["track"], serde_json::Value::Null);
    assert_eq!(lines[0]["timeline"], serde_json::Value::Null);
    let moments = lines[2]["timeline"].as_array().unwrap();
    assert_eq!(moments.len(), 2);
    assert_eq!(moments[1]["start_s"], 15.0);
    assert_eq!(moments[1]["emotions"].as_array().unwrap().len(), 8);
    assert_eq!(moments[0]["felt"].as_array().unwrap().len(), 8);
    assert!(moments[1].get("felt").is_none());
}

#[test]
fn csv_keeps_commas_quotes_and_line_breaks_in_their_cell() {
    let place = Place::new(songs(10));
    let export = place.export(&["title", "emotion", "embedding", "modified", "album"]);
    place.write(&export, Format::Csv, "a.csv");
    let mut reader = csv::Reader::from_path(place.path("a.csv")).unwrap();
    assert_eq!(
        reader.headers().unwrap(),
        &["title", "emotion", "embedding", "modified", "album"][..]
    );
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 10);
    assert_eq!(&records[4][0], "\"Song\", \n4");
    assert_eq!(&records[3][1], "", "silent");
    let embedding: Vec<f32> = serde_json::from_str(&records[4][2]).unwrap();
    assert_eq!(embedding, [4.0, 0.25, -1.0, 0.0]);
    assert_eq!(&records[0][3], "2023-11-14T22:13:20.000000Z");
    assert_eq!(&records[0][4], "");
}

#[test]
fn numpy_arrays_and_their_index_have_the_same_rows_without_the_silent_ones() {
    let songs = songs(20);
    let place = Place::new(songs.clone());
    let mut export = place.export(&["path", "embedding"]);
    export.skip_silent = true;
    let written = place.write(&export, Format::Numpy, "a.npy");
    assert_eq!(written.files.len(), 3);
    let read = |name: &str| read_npy(&place.path(name));
    let audible: Vec<&Song> = songs.iter().filter(|song| !song.silent).collect();
    let (shape, values) = read("a.npy");
    assert_eq!(shape, [audible.len() as u64, 8]);
    let (embedding_shape, embedding) = read("a.embedding.npy");
    assert_eq!(embedding_shape, [audible.len() as u64, 4]);
    let mut index = csv::Reader::from_path(place.path("a.index.csv")).unwrap();
    assert_eq!(index.headers().unwrap(), &["row", "path"][..]);
    for (n, (record, song)) in index.records().zip(&audible).enumerate() {
        let record = record.unwrap();
        assert_eq!(
            (&record[0], &record[1]),
            (&*n.to_string(), song.path.to_str().unwrap())
        );
        assert_eq!(&values[8 * n..8 * n + 8], song.emotions.as_array());
        assert_eq!(&embedding[4 * n..4 * n + 4], song.embedding.as_slice());
    }
    let error = place.fails(&place.export(&["timeline"]), Format::Numpy, "b.npy");
    assert!(error.contains("cannot hold `timeline`"), "{error}");
    assert!(place.leftovers().is_empty());
}

#[test]
fn sqlite_has_songs_model_embeddings_moments_and_indices() {
    let songs = songs(20);
    let place = Place::new(songs.clone());
    let export = place.export_all();
    fs::write(place.path("a.sqlite"), b"something else").unwrap();
    place.write(&export, Format::Sqlite, "a.sqlite");
    let database = rusqlite::Connection::open(place.path("a.sqlite")).unwrap();
    let one = |query: &str| -> i64 { database.query_row(query, [], |row| row.get(0)).unwrap() };
    assert_eq!(one("SELECT count(*) FROM song"), 20);
    assert_eq!(one("SELECT count(*) FROM embedding"), 20);
    let moments: usize = songs
        .iter()
        .filter_map(|s| s.timeline.as_ref())
        .map(Vec::len)
        .sum();
    assert_eq!(one("SELECT count(*) FROM moment"), moments as i64);
    let felt = songs.iter().filter_map(|s| s.timeline.as_ref()).flatten();
    let felt: f64 = felt
        .filter_map(|moment| moment.felt)
        .map(|felt| f64::from(felt.get(Emotion::Content)))
        .sum();
    let sum: f64 = database
        .query_row("SELECT sum(felt_content) FROM moment", [], |row| row.get(0))
        .unwrap();
    assert!(felt > 100.0 && (sum - felt).abs() < 1e-6, "{sum}, {felt}");
    assert_eq!(one("SELECT count(*) FROM song WHERE emotion IS NULL"), 3);
    let name: String = database
        .query_row("SELECT name FROM model", [], |row| row.get(0))
        .unwrap();
    assert_eq!(name, "best");
    let (path, happy): (String, f64) = database
        .query_row(
            "SELECT path, happy FROM song ORDER BY happy DESC LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(Path::new(&path), songs[16].path);
    assert_eq!(happy as f32, songs[16].emotions.get(Emotion::Happy));
    let vector: Vec<u8> = database
        .query_row(
            "SELECT vector FROM embedding WHERE song_id = 6",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let bytes: Vec<u8> = songs[5]
        .embedding
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    assert_eq!(vector, bytes);
    let plan: String = database
        .query_row(
            "EXPLAIN QUERY PLAN SELECT * FROM song WHERE artist = 'x'",
            [],
            |row| row.get(3),
        )
        .unwrap();
    assert!(plan.contains("USING INDEX song_artist"), "{plan}");
}

#[test]
fn a_hugging_face_directory_has_a_card_that_names_its_files() {
    let all = songs(20);
    let place = Place::new(all.clone());
    let export = place.export(&["path", "emotions", "timeline"]);
    fs::create_dir(place.path("set")).unwrap();
    place.write(&export, Format::HuggingFace, "set");
    let card = fs::read_to_string(place.path("set/README.md")).unwrap();
    assert!(card.starts_with("---\n"), "{card}");
    for part in [
        "config_name: windows",
        "data/songs-*.parquet",
        "`best`",
        "\"bands\": 128",
    ] {
        assert!(card.contains(part), "{part}: {card}");
    }
    let (schema, songs) = parquet_rows(&place.path("set/data/songs-00000-of-00001.parquet"));
    assert_eq!(
        schema.fields().len(),
        9,
        "the timeline is in a file of its own"
    );
    assert_eq!(songs.iter().map(RecordBatch::num_rows).sum::<usize>(), 20);
    let (_, windows) = parquet_rows(&place.path("set/data/windows-00000-of-00001.parquet"));
    assert!(windows[0].column_by_name("path").is_some());
    let felt = windows[0].column_by_name("felt_tired").unwrap();
    let moments = || all.iter().flat_map(|song| song.timeline.iter().flatten());
    let expected = moments().map(|moment| moment.felt.map(|felt| felt.get(Emotion::Tired)));
    let found: Vec<Option<f32>> = felt.as_primitive::<Float32Type>().iter().collect();
    assert_eq!(found, expected.collect::<Vec<_>>());
    assert!(found.contains(&None) && found.contains(&Some(12.5)));
    let error = place.fails(&export, Format::HuggingFace, "set");
    assert!(error.contains("not empty"), "{error}");
    assert!(place.leftovers().is_empty());
}

#[test]
fn each_playlist_has_the_songs_of_its_emotion_best_first_without_silence() {
    let songs = songs(40);
    let place = Place::new(songs.clone());
    let mut export = Export::new(&place.library);
    export.list_limit = 3;
    let written = place.write(&export, Format::M3u8, "lists");
    assert_eq!(written.files.len(), 8);
    let mut listed = 0;
    for emotion in Emotion::ALL {
        let text = fs::read_to_string(place.path(&format!("lists/{emotion}.m3u8"))).unwrap();
        let found: Vec<&str> = text.lines().filter(|line| line.starts_with('/')).collect();
        let mut expected: Vec<&Song> = songs
            .iter()
            .filter(|song| !song.silent && song.emotions.strongest() == emotion)
            .collect();
        expected.sort_by(|a, b| b.emotions.get(emotion).total_cmp(&a.emotions.get(emotion)));
        let expected = expected.iter().take(3);
        let expected: Vec<&str> = expected.map(|s| s.path.to_str().unwrap()).collect();
        assert_eq!(found, expected, "{emotion}");
        listed += found.len() as u64;
    }
    assert_eq!(written.rows, listed + written.skipped);
}

#[test]
fn further_columns_keep_to_their_rows() {
    let place = Place::new(songs(20));
    let cluster = |count: i64| Extra {
        name: "cluster".into(),
        data_type: DataType::Int64,
        values: (0..count).map(Cell::Integer).collect(),
    };
    let mut export = place.export(&["size_bytes"]);
    export.extra = vec![cluster(20)];
    export.skip_silent = true;
    place.write(&export, Format::Csv, "a.csv");
    let text = fs::read_to_string(place.path("a.csv")).unwrap();
    for line in text.lines().skip(1) {
        let (size, cluster) = line.split_once(',').unwrap();
        assert_eq!(size, cluster);
    }
    place.write(&export, Format::Parquet, "a.parquet");
    let (_, batches) = parquet_rows(&place.path("a.parquet"));
    let numbers = |name: &str| {
        let column = batches[0].column_by_name(name).unwrap();
        column
            .as_primitive::<arrow_array::types::Int64Type>()
            .values()
            .to_vec()
    };
    assert_eq!(numbers("cluster"), numbers("size_bytes"));
    export.extra = vec![cluster(19)];
    let error = place.fails(&export, Format::Csv, "b.csv");
    assert!(error.contains("a value for each row"), "{error}");
    assert!(place.leftovers().is_empty());
}

#[test]
fn a_library_is_never_replaced_and_an_empty_one_is_an_error() {
    let place = Place::new(songs(3));
    let export = Export::new(&place.library);
    let before = fs::read(place.path("library.parquet")).unwrap();
    for format in [Format::Parquet, Format::Csv] {
        let error = place.fails(&export, format, "library.parquet");
        assert!(error.contains("is a library"), "{error}");
    }
    assert_eq!(fs::read(place.path("library.parquet")).unwrap(), before);
    let empty = Place::new(Vec::new());
    let error = empty.fails(&Export::new(&empty.library), Format::Csv, "a.csv");
    assert!(error.contains("circumplex analyze"), "{error}");
    let silent = Place::new(vec![songs(4)[3].clone()]);
    let error = silent.fails(&Export::new(&silent.library), Format::M3u8, "lists");
    assert!(error.contains("silent"), "{error}");
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn text_formats_can_go_to_a_stream_and_others_need_a_file() {
    let place = Place::new(songs(3));
    let export = place.export(&["size_bytes"]);
    let shared = Shared::default();
    let to = Destination::Stream(Box::new(shared.clone()));
    export.write(Format::Csv, to, |_| {}).unwrap();
    assert_eq!(*shared.0.lock().unwrap(), b"size_bytes\n0\n1\n2\n");
    let to = Destination::Stream(Box::new(Shared::default()));
    let error = export.write(Format::Sqlite, to, |_| {}).unwrap_err();
    assert!(error.message().contains("needs a file"), "{error}");
}

#[test]
fn formats_are_recognized_by_extension() {
    let of = |name: &str| Format::of_path(Path::new(name)).map(Format::name).ok();
    assert_eq!(of("a.PARQUET"), Some("parquet"));
    assert_eq!(of("a.ndjson"), Some("jsonl"));
    assert_eq!(of("a.db"), Some("sqlite"));
    assert_eq!(of("a.m3u"), Some("m3u8"));
    assert_eq!(of("a.xls"), None);
    assert_eq!(of("directory"), None);
    assert!("CSV".parse::<Format>().is_ok());
    let error = "xls".parse::<Format>().unwrap_err().to_string();
    assert!(error.contains("huggingface"), "{error}");
    // The emotions and what is felt take eight columns each, and the strongest emotion and the mood score one each.
    assert_eq!(Column::ALL.len() + 16, Field::all().len());
}

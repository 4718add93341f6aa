//! Many query vectors at once.

use super::*;
use crate::{
    emotion::EmotionVector,
    library::{LibraryInfo, LibraryWriter, ModelStamp, test_songs::a_song},
};
use arrow_array::{
    Float32Array, Int16Array, ListArray,
    cast::AsArray,
    types::{Float32Type, Float64Type, Int32Type, Int64Type},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;

fn weights(n: usize) -> [f64; 8] {
    std::array::from_fn(|i| ((n * 7919 + i * 104_729) % 1000) as f64 + 1.0)
}

fn library(directory: &Path) -> Library {
    let path = directory.join("library.parquet");
    let model = ModelStamp {
        identity: "0".repeat(64),
        name: "test".to_owned(),
    };
    let info = LibraryInfo::new(model, serde_json::json!({}));
    let mut writer = LibraryWriter::create(&path, &info, 4).unwrap();
    for n in 0..3000 {
        let mut row = a_song(n);
        row.emotions = EmotionVector::from_weights(weights(n)).unwrap();
        writer.push(row).unwrap();
    }
    writer.finish().unwrap();
    Library::open(&path).unwrap()
}

fn parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn list(rows: Vec<Option<Vec<Option<f32>>>>) -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(rows))
}

fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap())
        .unwrap()
        .with_batch_size(1 << 20)
        .build()
        .unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!(batches.len(), 1);
    batches.into_iter().next().unwrap()
}

#[test]
fn each_of_many_questions_has_the_answer_that_it_has_alone() {
    let directory = tempfile::tempdir().unwrap();
    let library = library(directory.path());
    let (questions, output) = (
        directory.path().join("q.parquet"),
        directory.path().join("a.parquet"),
    );
    let row = |n| weights(n).map(|v| Some(v as f32)).to_vec();
    let count = 2000;
    parquet(
        &questions,
        vec![(
            "emotions",
            list((0..count).map(|n| Some(row(n + 17))).collect()),
        )],
    );
    let k = NonZeroUsize::new(9).unwrap();
    let search = Query::default();
    let opened = Questions::open(&questions).unwrap();
    let answered = answer_many(&search, &library, opened, k, &output).unwrap();
    let expected = Answered {
        questions: count as u64,
        rows: 9 * count as u64,
    };
    assert_eq!(answered, expected);
    let found = read(&output);
    assert_eq!(found.num_rows(), 9 * count);
    let query = found["query"].as_primitive::<Int64Type>();
    let rank = found["rank"].as_primitive::<Int32Type>();
    let song = found["song"].as_string::<i32>();
    let similarity = found["similarity"].as_primitive::<Float64Type>();
    for n in (0..count).step_by(997) {
        let asked: QueryVector =
            EmotionVector::from_weights(weights(n + 17).map(|v| f64::from(v as f32)))
                .unwrap()
                .into();
        for expected in search.nearest(&library, &asked, k).unwrap() {
            let place = 9 * n + expected.rank - 1;
            assert_eq!(query.value(place), n as i64);
            assert_eq!(rank.value(place), expected.rank as i32);
            assert_eq!(song.value(place), expected.song.path.to_str().unwrap());
            assert_eq!(similarity.value(place), expected.similarity);
        }
    }
}

#[test]
fn eight_columns_and_names_are_read_too() {
    let directory = tempfile::tempdir().unwrap();
    let library = library(directory.path());
    let (questions, output) = (
        directory.path().join("q.parquet"),
        directory.path().join("a.parquet"),
    );
    let mut columns: Vec<(&str, ArrayRef)> =
        vec![("id", Arc::new(StringArray::from(vec!["first", "second"])))];
    for (n, emotion) in crate::emotion::Emotion::ALL.into_iter().enumerate() {
        let numbers = [weights(3)[n] as i16, weights(4)[n] as i16];
        columns.push((emotion.name(), Arc::new(Int16Array::from(numbers.to_vec()))));
    }
    parquet(&questions, columns);
    let k = NonZeroUsize::new(1).unwrap();
    let opened = Questions::open(&questions).unwrap();
    answer_many(&Query::default(), &library, opened, k, &output).unwrap();
    let found = read(&output);
    assert_eq!(found["query"].as_string::<i32>().value(1), "second");
    assert_eq!(
        found["song"].as_string::<i32>().value(0),
        "/music/000003.mp3"
    );
    assert_eq!(
        found["song"].as_string::<i32>().value(1),
        "/music/000004.mp3"
    );
}

#[test]
fn a_file_that_asks_for_nothing_is_refused_and_nothing_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let library = library(directory.path());
    let (questions, output) = (
        directory.path().join("q.parquet"),
        directory.path().join("a.parquet"),
    );
    let refused = || -> String {
        let answered = Questions::open(&questions).and_then(|opened| {
            answer_many(
                &Query::default(),
                &library,
                opened,
                NonZeroUsize::MIN,
                &output,
            )
        });
        assert!(!output.exists());
        crate::error::one_line(&answered.unwrap_err())
    };
    assert!(refused().contains("cannot open the queries"));
    std::fs::write(&questions, b"no Parquet").unwrap();
    assert!(refused().contains("expected a Parquet file"));
    parquet(
        &questions,
        vec![("happy", Arc::new(Float32Array::from(vec![1.0])))],
    );
    assert!(refused().contains("the eight columns happy, excited"));
    let even = || Some(vec![Some(1.0_f32); 8]);
    for (bad, says) in [
        (None, "missing"),
        (Some(vec![Some(1.0); 7]), "found 7"),
        (Some(vec![Some(0.0); 8]), "above zero"),
        (Some(vec![Some(-1.0); 8]), "negative"),
        (Some(vec![Some(f32::NAN); 8]), "finite"),
        (Some([vec![None], vec![Some(1.0); 7]].concat()), "missing"),
    ] {
        parquet(&questions, vec![("emotions", list(vec![even(), bad]))]);
        let message = refused();
        assert!(
            message.contains("row 1 ") && message.contains(says),
            "{message}"
        );
    }
    parquet(&questions, vec![("emotions", list(Vec::new()))]);
    assert!(refused().contains("no rows"));
}

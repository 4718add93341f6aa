//! Predictions for held-out songs, as a Parquet file.

use std::{io, path::Path, sync::Arc};

use arrow_array::{
    ArrayRef, Float32Array, Float64Array, Int32Array, RecordBatch, StringArray,
    builder::{Float32Builder, ListBuilder},
};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

use crate::{
    atomic_file::{self, write_error},
    emotion::{Emotion, EmotionVector},
    evaluate::{Answer, JudgedSong},
};

/// Writes a Parquet file with one row per song, whole or not at all: `song_id`, `fold` (null without folds), the eight
/// percentages `true_happy` ... and `predicted_happy` ..., and `true_valence`, `true_arousal`, `predicted_valence`,
/// `predicted_arousal` on the scale 1 to 9; of a multi-label model also `probability_happy` ..., 0 to 1. Folds count from
/// 0, as in `folds.csv`.
///
/// # Errors
/// An error if the file cannot be written.
pub(crate) fn save_predictions(path: &Path, songs: &[JudgedSong]) -> crate::Result<()> {
    write(path, table(songs))
}

/// Writes a Parquet file with one row per song with votes, whole or not at all: `song_id`, `fold` (null without folds),
/// predicted `valence` and `arousal`, and `emotions` and `felt`, eight percentages each.
///
/// # Errors
/// An error if the file cannot be written.
pub(crate) fn save_voted(
    path: &Path,
    songs: &[(&str, Option<usize>, Answer)],
) -> crate::Result<()> {
    let numbers = |of: fn(&Answer) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(
            songs.iter().map(|(_, _, answer)| of(answer)),
        ))
    };
    let vectors = |of: fn(&Answer) -> Option<EmotionVector>| -> ArrayRef {
        let mut lists = ListBuilder::new(Float32Builder::new());
        for (_, _, answer) in songs {
            lists.append_option(of(answer).map(|vector| vector.as_array().map(Some)));
        }
        Arc::new(lists.finish())
    };
    let folds = songs
        .iter()
        .map(|(_, fold, _)| fold.and_then(|fold| i32::try_from(fold).ok()));
    let ids = songs.iter().map(|(id, ..)| *id);
    let columns: [(&str, ArrayRef, bool); 6] = [
        (
            "song_id",
            Arc::new(StringArray::from_iter_values(ids)),
            false,
        ),
        ("fold", Arc::new(Int32Array::from_iter(folds)), true),
        ("valence", numbers(|answer| answer.valence), false),
        ("arousal", numbers(|answer| answer.arousal), false),
        ("emotions", vectors(|answer| Some(answer.emotions)), false),
        ("felt", vectors(|answer| answer.felt), true),
    ];
    write(path, RecordBatch::try_from_iter_with_nullable(columns))
}

/// Writes a Parquet file, whole or not at all.
pub(super) fn write(path: &Path, batch: Result<RecordBatch, ArrowError>) -> crate::Result<()> {
    let batch = batch.map_err(|source| write_error(path, io::Error::other(source)))?;
    atomic_file::write(path, |file| {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("circumplex version ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties))?;
        writer.write(&batch)?;
        writer.close()?;
        Ok(())
    })
}

fn table(songs: &[JudgedSong]) -> Result<RecordBatch, ArrowError> {
    let mut fields = vec![
        Field::new("song_id", DataType::Utf8, false),
        Field::new("fold", DataType::Int32, true),
    ];
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(
            songs.iter().map(|song| &song.id),
        )),
        Arc::new(Int32Array::from_iter(
            songs
                .iter()
                .map(|song| song.fold.and_then(|fold| i32::try_from(fold).ok())),
        )),
    ];
    type Side = (&'static str, fn(&JudgedSong) -> Answer);
    let sides: [Side; 2] = [
        ("true", |song| song.truth),
        ("predicted", |song| song.predicted),
    ];
    for (side, of) in sides {
        for emotion in Emotion::ALL {
            let name = format!("{side}_{}", emotion.name());
            fields.push(Field::new(name, DataType::Float32, false));
            columns.push(Arc::new(Float32Array::from_iter_values(
                songs.iter().map(|song| of(song).emotions.get(emotion)),
            )));
        }
    }
    for (side, of) in sides {
        for (name, axis) in [
            ("valence", (|answer| answer.valence) as fn(Answer) -> f64),
            ("arousal", |answer| answer.arousal),
        ] {
            fields.push(Field::new(
                format!("{side}_{name}"),
                DataType::Float64,
                false,
            ));
            columns.push(Arc::new(Float64Array::from_iter_values(
                songs.iter().map(|song| axis(of(song))),
            )));
        }
    }
    let probabilities: Option<Vec<_>> = songs
        .iter()
        .map(|song| song.predicted.probabilities)
        .collect();
    for emotion in Emotion::ALL {
        if let Some(rows) = probabilities.as_ref().filter(|rows| !rows.is_empty()) {
            let name = format!("probability_{}", emotion.name());
            fields.push(Field::new(name, DataType::Float64, false));
            columns.push(Arc::new(Float64Array::from_iter_values(
                rows.iter().map(|row| row[emotion.index()]),
            )));
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

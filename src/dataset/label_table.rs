//! Labels of all annotated songs as one table, for people who train elsewhere. No audio is needed.

use super::{
    ColumnReport, LabelOptions, Labels, RejectedRow, SongLabel, invalid, table::is_parquet,
};
use crate::{
    ErrorKind, Result, atomic_file,
    emotion::{AffectBox, Emotion},
    error::Context as _,
};
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, UInt8Array};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::{metadata::KeyValue, properties::WriterProperties},
};
use serde_json::json;
use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

/// Labels of one song.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LabelRow {
    /// The song's id.
    pub id: String,
    /// Percentage of each emotion; sum 100.
    pub percentages: [f64; Emotion::COUNT],
    /// Valence and arousal, scale 1 to 9.
    pub affect: AffectBox,
}

impl LabelRow {
    fn of(label: SongLabel, sigma: f64) -> Result<Self> {
        let shares = match label.percentages {
            Some(emotions) => Ok(emotions.as_array().map(f64::from)),
            None => label.affect.shares(sigma),
        };
        Ok(Self {
            percentages: shares.context_at(ErrorKind::Dataset, &label.file, label.place())?,
            id: label.id,
            affect: label.affect,
        })
    }

    /// The strongest emotion; the first of several that tie.
    pub(crate) fn argmax(&self) -> Emotion {
        let mut strongest = Emotion::Happy;
        for emotion in Emotion::ALL {
            if self.percentages[emotion.index()] > self.percentages[strongest.index()] {
                strongest = emotion;
            }
        }
        strongest
    }
}

/// Labels of all annotated songs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LabelTable {
    /// Deviations to each side that the boxes reach.
    pub sigma: f64,
    /// The percentage above which an emotion is present in the binary labels.
    pub threshold: f64,
    /// One row per song, ordered by id.
    pub rows: Vec<LabelRow>,
    /// Whether columns are crossed, and how they were read.
    pub columns: ColumnReport,
    /// Rows of the annotation files that cannot be used.
    pub rejected: Vec<RejectedRow>,
}

/// The cells of one column.
enum Cells {
    Text(Vec<String>),
    Integers(Vec<i64>),
    Numbers(Vec<f64>),
    Flags(Vec<u8>),
}

impl LabelTable {
    /// Makes the labels of a DEAM directory or of a label file. `threshold` in percent; default: 12.5.
    pub(crate) fn make(
        path: &Path,
        options: &LabelOptions,
        threshold: Option<f64>,
    ) -> Result<Self> {
        let threshold = threshold.unwrap_or(100.0 / Emotion::COUNT as f64);
        if !(0.0..=100.0).contains(&threshold) {
            let expected = "a percentage from 0 to 100";
            return Err(invalid("threshold", expected, threshold));
        }
        let labels = Labels::read(path, options)?;
        let rows = labels.songs.into_iter();
        let rows = rows.map(|song| LabelRow::of(song, options.sigma));
        Ok(Self {
            sigma: options.sigma,
            threshold,
            rows: rows.collect::<Result<_>>()?,
            columns: labels.columns,
            rejected: labels.rejected,
        })
    }

    /// Writes the table, as Parquet if the name ends in `.parquet`, else as CSV: `song_id`; the percentage of each emotion
    /// by name; `valence_mean`, `valence_std`, `arousal_mean`, `arousal_std`; `quadrant`; `argmax`, the strongest emotion;
    /// `above_<emotion>`, 1 if its percentage is above the threshold. An existing file is replaced once the new one is
    /// complete.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        atomic_file::write(path, |file| match is_parquet(path) {
            true => self.write_parquet(file).map_err(io::Error::other),
            false => self.write_csv(file),
        })
    }

    /// The columns by name, in their order.
    fn columns(&self) -> Vec<(String, Cells)> {
        let numbers = |value: &dyn Fn(&LabelRow) -> f64| {
            Cells::Numbers(self.rows.iter().map(value).collect())
        };
        let texts = |value: &dyn Fn(&LabelRow) -> String| {
            Cells::Text(self.rows.iter().map(value).collect())
        };
        let mut columns = Vec::new();
        let mut add = |name: &str, cells| columns.push((name.to_owned(), cells));
        let ids: Option<Vec<i64>> = self.rows.iter().map(|row| row.id.parse().ok()).collect();
        add(
            "song_id",
            ids.map_or_else(|| texts(&|row| row.id.clone()), Cells::Integers),
        );
        for emotion in Emotion::ALL {
            let percentage = |row: &LabelRow| row.percentages[emotion.index()];
            add(emotion.name(), numbers(&percentage));
        }
        add("valence_mean", numbers(&|row| row.affect.valence_mean));
        add("valence_std", numbers(&|row| row.affect.valence_std));
        add("arousal_mean", numbers(&|row| row.affect.arousal_mean));
        add("arousal_std", numbers(&|row| row.affect.arousal_std));
        add("quadrant", texts(&|row| row.affect.quadrant().to_string()));
        add("argmax", texts(&|row| row.argmax().to_string()));
        for emotion in Emotion::ALL {
            let percentages = self.rows.iter().map(|row| row.percentages[emotion.index()]);
            let above = percentages.map(|percentage| u8::from(percentage > self.threshold));
            add(&format!("above_{emotion}"), Cells::Flags(above.collect()));
        }
        columns
    }

    fn write_parquet(&self, file: impl Write + Send) -> Result<(), ParquetError> {
        let columns = self.columns().into_iter().map(|(name, cells)| {
            let array: ArrayRef = match cells {
                Cells::Text(cells) => Arc::new(StringArray::from(cells)),
                Cells::Integers(cells) => Arc::new(Int64Array::from(cells)),
                Cells::Numbers(cells) => Arc::new(Float64Array::from(cells)),
                Cells::Flags(cells) => Arc::new(UInt8Array::from(cells)),
            };
            (name, array)
        });
        let footer = json!({
            "format_version": 1,
            "sigma": self.sigma,
            "threshold": self.threshold,
            "classes": Emotion::ALL,
            "columns": self.columns,
        });
        let footer = KeyValue::new("circumplex".to_owned(), footer.to_string());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(vec![footer]))
            .build();
        let batch = RecordBatch::try_from_iter(columns)?;
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties))?;
        writer.write(&batch)?;
        writer.close().map(drop)
    }

    fn write_csv(&self, file: impl Write) -> io::Result<()> {
        let columns = self.columns();
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(columns.iter().map(|(name, _)| name))?;
        for row in 0..self.rows.len() {
            writer.write_record(columns.iter().map(|(_, cells)| match cells {
                Cells::Text(cells) => cells[row].clone(),
                Cells::Integers(cells) => cells[row].to_string(),
                Cells::Numbers(cells) => cells[row].to_string(),
                Cells::Flags(cells) => cells[row].to_string(),
            }))?;
        }
        writer.flush()
    }
}

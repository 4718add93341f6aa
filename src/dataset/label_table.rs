//! Labels of all annotated songs as one table, for people who train elsewhere. No audio is needed.

use super::{
    Annotations, ColumnReport, DatasetError, Folders, LabelFile, LabelKind, LabelOptions, settle,
};
use crate::{
    atomic_file,
    emotion::{AffectBox, Emotion, EmotionVector},
};
use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, UInt8Array};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::{metadata::KeyValue, properties::WriterProperties},
};
use serde::{Deserialize, Serialize};
use std::{io, path::Path, sync::Arc};

/// How the plane is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Eight sectors of 45 degrees.
    #[default]
    Sectors,
    /// Sixteen cells, the middle four neutral, the others by the sector that holds them: nine classes.
    Grid,
}

impl Scheme {
    /// Names of the classes in their order: the eight emotions and, in the grid, `neutral`.
    pub fn classes(self) -> Vec<&'static str> {
        let mut names = Emotion::ALL.map(Emotion::name).to_vec();
        if self == Scheme::Grid {
            names.push("neutral");
        }
        names
    }

    /// `sectors` or `grid`.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Sectors => "sectors",
            Scheme::Grid => "grid",
        }
    }
}

/// Labels of one song.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelRow {
    /// The song's id.
    pub id: String,
    /// Percentage of each class, in the scheme's order; sum 100.
    pub percentages: Vec<f64>,
    /// What they were made of, scale 1 to 9.
    pub affect: AffectBox,
}

impl LabelRow {
    /// The strongest class; the first in order where several tie.
    pub fn argmax(&self) -> usize {
        let mut best = 0;
        for (i, value) in self.percentages.iter().enumerate() {
            if *value > self.percentages[best] {
                best = i;
            }
        }
        best
    }
}

/// Labels of all annotated songs.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelTable {
    /// How the plane is divided.
    pub scheme: Scheme,
    /// Deviations to each side that the boxes reach.
    pub sigma: f64,
    /// Above this percentage a class is present in the binary labels.
    pub threshold: f64,
    /// One row for each song, ordered by id.
    pub rows: Vec<LabelRow>,
    /// What was found out about crossed columns.
    pub columns: ColumnReport,
    /// Rows of the annotation files that give no label.
    pub rejected: Vec<super::Rejected>,
}

/// What the Parquet footer says under the key `circumplex`.
#[derive(Serialize)]
struct Footer<'a> {
    format_version: u32,
    scheme: Scheme,
    sigma: f64,
    threshold: f64,
    classes: Vec<&'static str>,
    columns: &'a ColumnReport,
}

impl LabelTable {
    /// Makes the labels of a DEAM folder or of a label file. `threshold` in percent; none: 100 / number of classes.
    ///
    /// # Errors
    /// [`DatasetError`] where the annotations cannot be read, or where the grid is asked of a file that gives
    /// percentages, from which it cannot be told what is neutral.
    pub fn make(
        path: &Path,
        options: &LabelOptions,
        scheme: Scheme,
        threshold: Option<f64>,
    ) -> Result<Self, DatasetError> {
        options.check()?;
        let threshold = threshold.unwrap_or(100.0 / scheme.classes().len() as f64);
        if !(0.0..=100.0).contains(&threshold) {
            return Err(DatasetError::Option {
                option: "threshold",
                expected: "a percentage from 0 to 100".to_owned(),
                found: threshold.to_string(),
            });
        }
        let (mut rows, columns, rejected) = match path.is_file() {
            true => from_file(path, options, scheme)?,
            false => from_folder(path, options, scheme)?,
        };
        rows.sort_by_cached_key(|row| super::annotations::id_order(&row.id));
        Ok(Self {
            scheme,
            sigma: options.sigma,
            threshold,
            rows,
            columns,
            rejected,
        })
    }

    /// Mean percentage of each class over all songs.
    pub fn means(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.scheme.classes().len()];
        for row in &self.rows {
            for (sum, value) in sums.iter_mut().zip(&row.percentages) {
                *sum += value;
            }
        }
        let n = self.rows.len().max(1) as f64;
        sums.into_iter().map(|sum| sum / n).collect()
    }

    /// Writes the table, as Parquet where the name ends in `.parquet`, else as CSV: `song_id`; the percentage of each
    /// class by name; `valence_mean`, `valence_std`, `arousal_mean`, `arousal_std`; `quadrant`; `argmax`, the strongest
    /// class; `above_<class>`, 1 where its percentage is above the threshold. A file that was there is replaced once
    /// the new one is whole.
    ///
    /// # Errors
    /// [`DatasetError::Write`], [`DatasetError::Parquet`].
    pub fn save(&self, path: &Path) -> Result<(), DatasetError> {
        let batch = self.batch().map_err(|source| DatasetError::Parquet {
            path: path.to_owned(),
            source: source.into(),
        })?;
        let is_parquet = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("parquet"));
        let bytes = if is_parquet {
            self.parquet(&batch)
                .map_err(|source| DatasetError::Parquet {
                    path: path.to_owned(),
                    source,
                })?
        } else {
            self.csv().map_err(|source| DatasetError::Csv {
                path: path.to_owned(),
                source,
            })?
        };
        atomic_file::write(path, |file| io::Write::write_all(file, &bytes))?;
        Ok(())
    }

    fn is_above(&self, row: &LabelRow, class: usize) -> u8 {
        u8::from(row.percentages[class] > self.threshold)
    }

    fn batch(&self) -> Result<RecordBatch, arrow::error::ArrowError> {
        let classes = self.scheme.classes();
        let text = |values: Vec<&str>| Arc::new(StringArray::from(values)) as ArrayRef;
        let numbers = |value: &dyn Fn(&LabelRow) -> f64| {
            Arc::new(
                self.rows
                    .iter()
                    .map(|r| Some(value(r)))
                    .collect::<Float64Array>(),
            ) as ArrayRef
        };
        let ids: Option<Vec<i64>> = self.rows.iter().map(|r| r.id.parse().ok()).collect();
        let ids = match ids {
            Some(numbers) => Arc::new(Int64Array::from(numbers)) as ArrayRef,
            None => text(self.rows.iter().map(|r| r.id.as_str()).collect()),
        };
        let mut columns = vec![("song_id".to_owned(), ids)];
        for (i, class) in classes.iter().enumerate() {
            columns.push(((*class).to_owned(), numbers(&|r| r.percentages[i])));
        }
        columns.push((
            "valence_mean".to_owned(),
            numbers(&|r| r.affect.valence_mean),
        ));
        columns.push(("valence_std".to_owned(), numbers(&|r| r.affect.valence_std)));
        columns.push((
            "arousal_mean".to_owned(),
            numbers(&|r| r.affect.arousal_mean),
        ));
        columns.push(("arousal_std".to_owned(), numbers(&|r| r.affect.arousal_std)));
        let quadrants = self.rows.iter().map(|r| r.affect.quadrant().name());
        columns.push(("quadrant".to_owned(), text(quadrants.collect())));
        let strongest = self.rows.iter().map(|r| classes[r.argmax()]);
        columns.push(("argmax".to_owned(), text(strongest.collect())));
        for (i, class) in classes.iter().enumerate() {
            let above: UInt8Array = self
                .rows
                .iter()
                .map(|r| Some(self.is_above(r, i)))
                .collect();
            columns.push((format!("above_{class}"), Arc::new(above)));
        }
        RecordBatch::try_from_iter(columns)
    }

    fn parquet(&self, batch: &RecordBatch) -> Result<Vec<u8>, parquet::errors::ParquetError> {
        let footer = serde_json::to_string(&Footer {
            format_version: 1,
            scheme: self.scheme,
            sigma: self.sigma,
            threshold: self.threshold,
            classes: self.scheme.classes(),
            columns: &self.columns,
        })
        .map_err(|e| parquet::errors::ParquetError::External(Box::new(e)))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(vec![KeyValue::new("circumplex".to_owned(), footer)]))
            .build();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties))?;
        writer.write(batch)?;
        writer.close()?;
        Ok(bytes)
    }

    fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let classes = self.scheme.classes();
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut header = vec!["song_id".to_owned()];
        header.extend(classes.iter().map(|c| (*c).to_owned()));
        for name in [
            "valence_mean",
            "valence_std",
            "arousal_mean",
            "arousal_std",
            "quadrant",
            "argmax",
        ] {
            header.push(name.to_owned());
        }
        header.extend(classes.iter().map(|c| format!("above_{c}")));
        writer.write_record(&header)?;
        for row in &self.rows {
            let b = row.affect;
            let mut cells = vec![row.id.clone()];
            cells.extend(row.percentages.iter().map(f64::to_string));
            for value in [b.valence_mean, b.valence_std, b.arousal_mean, b.arousal_std] {
                cells.push(value.to_string());
            }
            cells.push(b.quadrant().name().to_owned());
            cells.push(classes[row.argmax()].to_owned());
            cells.extend((0..classes.len()).map(|i| self.is_above(row, i).to_string()));
            writer.write_record(&cells)?;
        }
        writer
            .into_inner()
            .map_err(|e| csv::Error::from(io::Error::other(e.to_string())))
    }
}

type Rows = (Vec<LabelRow>, ColumnReport, Vec<super::Rejected>);

fn percentages(affect: &AffectBox, sigma: f64, scheme: Scheme) -> crate::Result<Vec<f64>> {
    Ok(match scheme {
        Scheme::Sectors => affect.shares(sigma)?.to_vec(),
        Scheme::Grid => {
            let shares = affect.grid_shares(sigma)?;
            let mut all = shares.emotions.to_vec();
            all.push(shares.neutral);
            all
        }
    })
}

fn from_folder(root: &Path, options: &LabelOptions, scheme: Scheme) -> Result<Rows, DatasetError> {
    let folders = Folders::find(root)?;
    let mut annotations = Annotations::read(&folders.statics)?;
    let columns = settle(&mut annotations, folders.dynamics.as_ref(), options.columns)?;
    let mut rows = Vec::new();
    for song in annotations.songs {
        let percentages = percentages(&song.affect, options.sigma, scheme).map_err(|source| {
            DatasetError::Box {
                path: song.file.clone(),
                line: song.line,
                id: song.id.clone(),
                source,
            }
        })?;
        rows.push(LabelRow {
            id: song.id,
            percentages,
            affect: song.affect,
        });
    }
    Ok((rows, columns, annotations.rejected))
}

fn from_file(path: &Path, options: &LabelOptions, scheme: Scheme) -> Result<Rows, DatasetError> {
    let file = LabelFile::read(path, options)?;
    if file.kind == LabelKind::Percentages && scheme == Scheme::Grid {
        return Err(DatasetError::Option {
            option: "--scheme",
            expected: "sectors, as this file gives percentages and no box to cut anew".to_owned(),
            found: scheme.name().to_owned(),
        });
    }
    let mut rows = Vec::new();
    for song in file.songs {
        let given = |emotions: &EmotionVector| -> Vec<f64> {
            emotions.as_array().iter().map(|p| f64::from(*p)).collect()
        };
        let percentages = match file.kind {
            LabelKind::Percentages => given(&song.emotions),
            _ => percentages(&song.affect, options.sigma, scheme).map_err(|source| {
                DatasetError::Box {
                    path: path.to_owned(),
                    line: song.line,
                    id: song.id.clone(),
                    source,
                }
            })?,
        };
        rows.push(LabelRow {
            id: song.id,
            percentages,
            affect: song.affect,
        });
    }
    let columns = ColumnReport::not_applicable(rows.len());
    Ok((rows, columns, Vec::new()))
}

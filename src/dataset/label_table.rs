//! Labels of all annotated songs as one table, for people who train elsewhere. No audio is needed.

use super::{ColumnReport, LabelOptions, Labels, RejectedRow, SongLabel, table::is_parquet};
use crate::{
    Error, ErrorKind, Result, atomic_file,
    emotion::{AffectBox, Emotion, EmotionVector},
    error::Context as _,
};
use std::path::Path;

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

    /// Its cells in the table.
    fn cells(&self) -> Vec<String> {
        let affect = &self.affect;
        let mut cells = vec![self.id.clone()];
        cells.extend(self.percentages.map(|percentage| percentage.to_string()));
        let numbers = [
            affect.valence_mean,
            affect.valence_std,
            affect.arousal_mean,
            affect.arousal_std,
        ];
        cells.extend(numbers.map(|number| number.to_string()));
        cells.push(affect.quadrant().to_string());
        cells.push(self.argmax().to_string());
        cells
    }

    /// The strongest emotion; the first of several that tie.
    pub(crate) fn argmax(&self) -> Emotion {
        // Shares are always a valid vector.
        EmotionVector::from_weights(self.percentages).map_or(Emotion::Happy, |all| all.strongest())
    }
}

/// Labels of all annotated songs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LabelTable {
    /// Deviations to each side that the boxes reach.
    pub sigma: f64,
    /// One row per song, ordered by id.
    pub rows: Vec<LabelRow>,
    /// Whether columns are crossed, and how they were read.
    pub columns: ColumnReport,
    /// Rows of the annotation files that cannot be used.
    pub rejected: Vec<RejectedRow>,
}

impl LabelTable {
    /// Makes the labels of a DEAM directory or of a label file.
    pub(crate) fn make(path: &Path, options: &LabelOptions) -> Result<Self> {
        let labels = Labels::read(path, options)?;
        let rows = labels.songs.into_iter();
        let rows = rows.map(|song| LabelRow::of(song, options.sigma));
        Ok(Self {
            sigma: options.sigma,
            rows: rows.collect::<Result<_>>()?,
            columns: labels.columns,
            rejected: labels.rejected,
        })
    }

    /// Writes the table as CSV: `song_id`; the percentage of each emotion by name; `valence_mean`, `valence_std`, `arousal_mean`,
    /// `arousal_std`; `quadrant`; `argmax`, the strongest emotion. An existing file is replaced once the new one is complete.
    ///
    /// # Errors
    /// For a name that ends in `.parquet`, or if the file cannot be written.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        if is_parquet(path) {
            let message = "labels are written as CSV; give the file another name";
            return Err(Error::invalid(message).with_path(path));
        }
        atomic_file::write(path, |file| {
            let mut writer = csv::Writer::from_writer(file);
            let emotions = Emotion::ALL.map(|emotion| emotion.name().to_owned());
            let others = [
                "valence_mean",
                "valence_std",
                "arousal_mean",
                "arousal_std",
                "quadrant",
                "argmax",
            ];
            let names = others.map(str::to_owned);
            let id = ["song_id".to_owned()];
            writer.write_record([&id[..], &emotions, &names].concat())?;
            for row in &self.rows {
                writer.write_record(row.cells())?;
            }
            writer.flush()
        })
    }
}

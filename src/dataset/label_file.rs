//! Labels from a single table: a person's own, or another collection's.

use super::{
    ColumnReport, LabelOptions, Labels, SongLabel,
    table::{Row, Table, canonical_id, id_order},
};
use crate::{
    Error, ErrorKind, Result,
    emotion::{AffectBox, CENTER, Emotion, EmotionVector, SCALE_MAX, SCALE_MIN, TYPICAL_DEVIATION},
    error::Context as _,
    text::is_missing,
};
use std::{collections::HashSet, path::Path, str::FromStr};

pub(super) const PATHS: [&str; 5] = ["path", "file", "filename", "file_name", "audio"];
pub(super) const IDS: [&str; 6] = ["song_id", "id", "musicid", "track_id", "songid", "song"];
pub(super) const ARTISTS: [&str; 3] = ["artist", "artists", "artist_name"];
const VALENCE_MEANS: [&str; 3] = ["valence_mean", "mean_valence", "valence(mean)"];
const AROUSAL_MEANS: [&str; 3] = ["arousal_mean", "mean_arousal", "arousal(mean)"];
const VALENCE_STDS: [&str; 3] = ["valence_std", "std_valence", "valence(std)"];
const AROUSAL_STDS: [&str; 3] = ["arousal_std", "std_arousal", "arousal(std)"];

/// The scale of a file's valence and arousal; DEAM's is 1 to 9.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// The value on DEAM's scale; `None` if it lies outside of its own.
    fn to_deam(self, value: f64) -> Option<f64> {
        // Half a millionth of the scale is rounding in the file.
        let share = (value - self.low) / (self.high - self.low);
        let inside = (-5e-7..=1.0 + 5e-7).contains(&share);
        inside.then(|| SCALE_MIN + (SCALE_MAX - SCALE_MIN) * share.clamp(0.0, 1.0))
    }

    /// The deviation on DEAM's scale.
    fn deviation_to_deam(self, deviation: f64) -> f64 {
        deviation * (SCALE_MAX - SCALE_MIN) / (self.high - self.low)
    }
}

impl Default for Scale {
    fn default() -> Self {
        Self {
            low: SCALE_MIN,
            high: SCALE_MAX,
        }
    }
}

impl FromStr for Scale {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers = text.split_once("..").and_then(|(low, high)| {
            let high = high.strip_prefix('=').unwrap_or(high);
            let (low, high): (f64, f64) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
            (low.is_finite() && high.is_finite() && low < high).then_some(Self { low, high })
        });
        let expected = "expected LOW..HIGH with LOW below HIGH, such as -1..1";
        numbers.ok_or_else(|| Error::invalid(expected))
    }
}

/// The columns with the labels.
#[derive(Clone, Copy)]
enum Columns {
    /// Valence and arousal, and the deviations of both, unless all songs have the same.
    Affect([usize; 2], Option<[usize; 2]>),
    /// The eight percentages.
    Percentages([usize; 8]),
}

/// Reads a CSV or Parquet file of labels; see [`Dataset::open`](super::Dataset::open).
pub(super) fn read(path: &Path, options: &LabelOptions) -> Result<Labels> {
    let table = Table::read(path)?;
    let columns = find_columns(&table, options)?;
    let file = table.find(&PATHS);
    let id = table.find(&IDS).filter(|_| table.find(&["path"]).is_none());
    let name = id.or(file).ok_or_else(|| {
        table.columns_error("expected a column path or song_id that names the song of each row")
    })?;
    let by_path = id.is_none();
    let artist = table.find(&ARTISTS);
    let mut seen = HashSet::new();
    let mut songs = Vec::new();
    for row in &table.rows {
        let cell = table.cell(row, name);
        if cell.is_empty() {
            return Err(table.cell_error(row, name, "the song's path or id"));
        }
        let id = match by_path {
            true => cell.to_owned(),
            false => canonical_id(cell),
        };
        if !seen.insert(id.clone()) {
            let message = format!("line {}: song {id} has two rows", row.line);
            return Err(Error::new(ErrorKind::Dataset, message).with_path(path));
        }
        let artist = artist.map(|column| table.cell(row, column));
        let (affect, percentages) = label(&table, row, columns, options, &id)?;
        songs.push(SongLabel {
            id,
            file: path.to_owned(),
            line: row.line,
            affect,
            percentages,
            artist: artist.filter(|name| !is_missing(name)).map(str::to_owned),
        });
    }
    songs.sort_by_cached_key(|song| id_order(&song.id));
    Ok(Labels {
        columns: ColumnReport::not_applicable(songs.len()),
        songs,
        rejected: Vec::new(),
        by_path,
    })
}

fn find_columns(table: &Table, options: &LabelOptions) -> Result<Columns> {
    let pair =
        |valence: &[&str], arousal: &[&str]| Some([table.find(valence)?, table.find(arousal)?]);
    let means = pair(&VALENCE_MEANS, &AROUSAL_MEANS);
    let deviations = pair(&VALENCE_STDS, &AROUSAL_STDS);
    if let (Some(means), Some(_)) = (means, deviations) {
        return Ok(Columns::Affect(means, deviations));
    }
    let emotions = Emotion::ALL.map(|emotion| table.find(&[emotion.name()]));
    let missing = Emotion::ALL.into_iter();
    let missing = missing.filter(|emotion| emotions[emotion.index()].is_none());
    let missing: Vec<&str> = missing.map(Emotion::name).collect();
    if missing.is_empty() {
        let emotions = emotions.map(Option::unwrap_or_default);
        return Ok(Columns::Percentages(emotions));
    }
    if let Some(means) = pair(&["valence"], &["arousal"]).or(means) {
        if options.scale.is_none() {
            let message = "gives valence and arousal without deviations, so their scale is unknown; name it, such as --scale 1..9, -1..1 or 0..1";
            return Err(Error::invalid(message).with_path(&table.path));
        }
        return Ok(Columns::Affect(means, None));
    }
    let some_missing = match missing.len() {
        Emotion::COUNT => String::new(),
        _ => format!(" (of these {} are missing)", missing.join(", ")),
    };
    Err(table.columns_error(&format!(
        "expected valence_mean, valence_std, arousal_mean and arousal_std, or valence and arousal, or the eight emotions by name as percentages{some_missing}"
    )))
}

/// Valence and arousal of a row, and its percentages if the file gives them.
fn label(
    table: &Table,
    row: &Row,
    columns: Columns,
    options: &LabelOptions,
    id: &str,
) -> Result<(AffectBox, Option<EmotionVector>)> {
    let scale = options.scale.unwrap_or_default();
    let number = |column: usize, expected: &str| {
        let number = table.number(row, column)?;
        number.ok_or_else(|| table.cell_error(row, column, expected))
    };
    let mean = |column: usize| {
        let found = number(column, "a number")?;
        scale.to_deam(found).ok_or_else(|| {
            let (line, name, Scale { low, high }) = (row.line, &table.headers[column], scale);
            let message = format!(
                "line {line}: {name} is {found}, outside the scale {low}..{high}; name the file's own scale with --scale LOW..HIGH"
            );
            Error::new(ErrorKind::Dataset, message).with_path(&table.path)
        })
    };
    let deviation = |column: usize| {
        let expected = "a number of at least 0";
        match number(column, expected)? {
            deviation if deviation >= 0.0 => Ok(scale.deviation_to_deam(deviation)),
            _ => Err(table.cell_error(row, column, expected)),
        }
    };
    match columns {
        Columns::Affect([valence, arousal], deviations) => {
            let given = options.deviation.map(|d| scale.deviation_to_deam(d));
            let mut stds = [given.unwrap_or(TYPICAL_DEVIATION); 2];
            if let Some([valence, arousal]) = deviations {
                stds = [deviation(valence)?, deviation(arousal)?];
            }
            let affect = AffectBox {
                valence_mean: mean(valence)?,
                valence_std: stds[0],
                arousal_mean: mean(arousal)?,
                arousal_std: stds[1],
            };
            Ok((affect, None))
        }
        Columns::Percentages(columns) => {
            let mut values = [0.0; Emotion::COUNT];
            for (value, column) in values.iter_mut().zip(columns) {
                *value = number(column, "a percentage")? as f32;
            }
            let place = format!("line {}, song {id}", row.line);
            let emotions = EmotionVector::new(values);
            let emotions = emotions.context_at(ErrorKind::Dataset, &table.path, place)?;
            Ok((centroid(&emotions), Some(emotions)))
        }
    }
}

/// The point of eight percentages: the weighted mean of the sectors' centroids. A sector of the square is a triangle
/// with corners at (0, 0), (4, 0) and (4, 4) from the center, so its centroid is at 8/3 and 4/3.
fn centroid(emotions: &EmotionVector) -> AffectBox {
    const FAR: f64 = 8.0 / 3.0;
    const NEAR: f64 = 4.0 / 3.0;
    const CENTROIDS: [(f64, f64); Emotion::COUNT] = [
        (FAR, NEAR),
        (NEAR, FAR),
        (-NEAR, FAR),
        (-FAR, NEAR),
        (-FAR, -NEAR),
        (-NEAR, -FAR),
        (NEAR, -FAR),
        (FAR, -NEAR),
    ];
    let (mut valence, mut arousal, mut sum) = (0.0, 0.0, 0.0);
    for ((_, share), (x, y)) in emotions.iter().zip(CENTROIDS) {
        valence += f64::from(share) * x;
        arousal += f64::from(share) * y;
        sum += f64::from(share);
    }
    AffectBox {
        valence_mean: CENTER + valence / sum,
        valence_std: 0.0,
        arousal_mean: CENTER + arousal / sum,
        arousal_std: 0.0,
    }
}

//! Labels from a single table: a person's own, or another collection's.

use super::{
    ColumnReport, Dataset, DatasetError, LabelOptions, LabelledSong,
    annotations::id_order,
    layout::{audio_by_id, audio_folder, is_audio},
    mark_same_audio,
    table::{Row, Table, canonical_id, is_missing},
};
use crate::emotion::{AffectBox, CENTRE, Emotion, EmotionVector};
use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

/// Which labels a file gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelKind {
    /// Mean and deviation of valence and arousal.
    MeansAndDeviations,
    /// Valence and arousal; the deviation is one for all, from the options.
    Means,
    /// The eight percentages. Valence and arousal are derived: the mean of the sectors' centroids, weighted.
    Percentages,
}

/// One song of a label file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileLabel {
    /// Its id; for a path, the path as it stands in the file.
    pub id: String,
    /// The line on which it stands.
    pub line: u64,
    /// Valence and arousal on DEAM's scale.
    pub affect: AffectBox,
    /// The percentages.
    pub emotions: EmotionVector,
    /// Its artist, where the file has such a column.
    pub artist: Option<String>,
}

/// A label file that was read and found sound.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelFile {
    /// The file.
    pub path: PathBuf,
    /// Which labels it gives.
    pub kind: LabelKind,
    /// Whether songs are named by path; otherwise by id.
    pub by_path: bool,
    /// Its songs, in the file's order.
    pub songs: Vec<FileLabel>,
}

const PATHS: [&str; 5] = ["path", "file", "filename", "file_name", "audio"];
const IDS: [&str; 6] = ["song_id", "id", "musicid", "track_id", "songid", "song"];
const VALENCE_MEANS: [&str; 3] = ["valence_mean", "mean_valence", "valence(mean)"];
const AROUSAL_MEANS: [&str; 3] = ["arousal_mean", "mean_arousal", "arousal(mean)"];
const VALENCE_STDS: [&str; 3] = ["valence_std", "std_valence", "valence(std)"];
const AROUSAL_STDS: [&str; 3] = ["arousal_std", "std_arousal", "arousal(std)"];

/// Where a file's values stand.
enum Columns {
    Boxes([usize; 4]),
    Points([usize; 2]),
    Percentages([usize; 8]),
}

impl LabelFile {
    /// Reads a CSV or Parquet file that names each song by `path` or by `song_id` (or `id`) and labels it with
    /// `valence_mean, valence_std, arousal_mean, arousal_std`, or with `valence, arousal`, or with the eight emotions by
    /// name as percentages. Column names may be in any case and order; columns beyond these are left alone, except
    /// `artist`, which splits can use.
    ///
    /// # Errors
    /// [`DatasetError`], with the line and what was expected: columns that are none of these sets, values that do not
    /// fit the stated scale, percentages that do not sum to 100, a song that stands twice.
    pub fn read(path: &Path, options: &LabelOptions) -> Result<Self, DatasetError> {
        options.check()?;
        let table = Table::read(path)?;
        let columns = find_columns(&table, options)?;
        let (name, by_path) = match (table.find(&PATHS), table.find(&IDS)) {
            (_, Some(id)) if table.find(&["path"]).is_none() => (id, false),
            (Some(file), _) => (file, true),
            _ => {
                return Err(table.columns_error(
                    "expected a column path or song_id that says which song each row is".to_owned(),
                ));
            }
        };
        let artist = table.find(&["artist", "artists", "artist_name"]);
        let mut seen = HashSet::new();
        let mut songs = Vec::new();
        for row in &table.rows {
            let cell = table.cell(row, name);
            if cell.is_empty() {
                return Err(table.value_error(row, name, "the song's path or id"));
            }
            let id = if by_path {
                cell.to_owned()
            } else {
                canonical_id(cell)
            };
            if !seen.insert(id.clone()) {
                return Err(DatasetError::Duplicate {
                    path: path.to_owned(),
                    line: row.line,
                    id,
                });
            }
            let (affect, emotions) = labels(&table, row, &columns, options, &id)?;
            let artist = artist
                .map(|column| table.cell(row, column))
                .filter(|artist| !is_missing(artist))
                .map(str::to_owned);
            songs.push(FileLabel {
                id,
                line: row.line,
                affect,
                emotions,
                artist,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            kind: match columns {
                Columns::Boxes(_) => LabelKind::MeansAndDeviations,
                Columns::Points(_) => LabelKind::Means,
                Columns::Percentages(_) => LabelKind::Percentages,
            },
            by_path,
            songs,
        })
    }
}

fn find_columns(table: &Table, options: &LabelOptions) -> Result<Columns, DatasetError> {
    let all = |names: [&[&str]; 4]| {
        let mut found = [0; 4];
        for (place, names) in found.iter_mut().zip(names) {
            *place = table.find(names)?;
        }
        Some(found)
    };
    if let Some(boxes) = all([&VALENCE_MEANS, &VALENCE_STDS, &AROUSAL_MEANS, &AROUSAL_STDS]) {
        return Ok(Columns::Boxes(boxes));
    }
    let mut percentages = [0; 8];
    let mut missing = Vec::new();
    for emotion in Emotion::ALL {
        match table.find(&[emotion.name()]) {
            Some(column) => percentages[emotion.index()] = column,
            None => missing.push(emotion.name()),
        }
    }
    if missing.is_empty() {
        return Ok(Columns::Percentages(percentages));
    }
    let valence = table
        .find(&["valence"])
        .or_else(|| table.find(&VALENCE_MEANS));
    let arousal = table
        .find(&["arousal"])
        .or_else(|| table.find(&AROUSAL_MEANS));
    if let (Some(valence), Some(arousal)) = (valence, arousal) {
        if options.scale.is_none() {
            return Err(DatasetError::Option {
                option: "--scale",
                expected: format!(
                    "the scale of the valence and arousal in {} (1..9, -1..1, 0..1 and so on), since the file gives no deviations to judge it by",
                    table.path.display()
                ),
                found: "none".to_owned(),
            });
        }
        return Ok(Columns::Points([valence, arousal]));
    }
    let mut expected =
        "expected valence_mean, valence_std, arousal_mean and arousal_std, or valence and arousal, or the eight emotions by name as percentages"
            .to_owned();
    if missing.len() < Emotion::COUNT {
        expected.push_str(&format!(" (of these {} are missing)", missing.join(", ")));
    }
    Err(table.columns_error(expected))
}

fn labels(
    table: &Table,
    row: &Row,
    columns: &Columns,
    options: &LabelOptions,
    id: &str,
) -> Result<(AffectBox, EmotionVector), DatasetError> {
    let scale = options.scale.unwrap_or_default();
    let number = |column: usize, expected: &str| {
        table
            .number(row, column)?
            .ok_or_else(|| table.value_error(row, column, expected))
    };
    let mean = |column: usize| {
        let found = number(column, "a number")?;
        scale.to_deam(found).ok_or_else(|| DatasetError::Scale {
            path: table.path.clone(),
            line: row.line,
            column: table.headers()[column].clone(),
            found,
            scale: scale.to_string(),
        })
    };
    let deviation = |column: usize| match number(column, "a number of at least 0")? {
        std if std >= 0.0 => Ok(scale.deviation_to_deam(std)),
        _ => Err(table.value_error(row, column, "a number of at least 0")),
    };
    let affect = match columns {
        Columns::Boxes([vm, vs, am, as_]) => AffectBox {
            valence_mean: mean(*vm)?,
            valence_std: deviation(*vs)?,
            arousal_mean: mean(*am)?,
            arousal_std: deviation(*as_)?,
        },
        Columns::Points([valence, arousal]) => {
            let std = options
                .deviation
                .map_or(DEFAULT_DEVIATION, |d| scale.deviation_to_deam(d));
            AffectBox {
                valence_mean: mean(*valence)?,
                valence_std: std,
                arousal_mean: mean(*arousal)?,
                arousal_std: std,
            }
        }
        Columns::Percentages(columns) => {
            let mut values = [0.0; 8];
            for (value, column) in values.iter_mut().zip(columns) {
                *value = number(*column, "a percentage")?;
            }
            let fault = |source| DatasetError::Vector {
                path: table.path.clone(),
                line: row.line,
                id: id.to_owned(),
                source,
            };
            let emotions = EmotionVector::new(values.map(|v| v as f32)).map_err(fault)?;
            return Ok((centroid(&emotions), emotions));
        }
    };
    let emotions = affect
        .percentages(options.sigma)
        .map_err(|source| DatasetError::Box {
            path: table.path.clone(),
            line: row.line,
            id: id.to_owned(),
            source,
        })?;
    Ok((affect, emotions))
}

/// Deviation of a label without one, on DEAM's scale.
pub const DEFAULT_DEVIATION: f64 = crate::emotion::TYPICAL_DEVIATION;

/// The point that eight percentages stand for: the mean of the sectors' centroids, weighted. A sector of the square is
/// a triangle with corners at distances (0, 0), (4, 0) and (4, 4) from the centre, so its centroid is at 8/3 and 4/3.
fn centroid(emotions: &EmotionVector) -> AffectBox {
    const FAR: f64 = 8.0 / 3.0;
    const NEAR: f64 = 4.0 / 3.0;
    const CENTROIDS: [(f64, f64); 8] = [
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
        valence_mean: CENTRE + valence / sum,
        valence_std: 0.0,
        arousal_mean: CENTRE + arousal / sum,
        arousal_std: 0.0,
    }
}

/// Opens a label file as a data set: paths are relative to the options' audio folder or else the file's own; ids are the
/// names of audio files there (or in `audio`, `MEMD_audio` and so on below it).
pub(super) fn open(path: &Path, options: &LabelOptions) -> Result<Dataset, DatasetError> {
    let file = LabelFile::read(path, options)?;
    let own = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let base = options.audio.as_deref().unwrap_or(own);
    if !base.is_dir() {
        return Err(DatasetError::NotFound {
            path: base.to_owned(),
        });
    }
    let (mut by_id, folder) = match file.by_path {
        true => (BTreeMap::new(), Some(base.to_owned())),
        false => match audio_folder(base)? {
            Some(folder) => (audio_by_id(&folder)?.0, Some(folder)),
            None => (BTreeMap::new(), None),
        },
    };
    let (labelled, found) = (file.songs.len(), by_id.len());
    let (mut songs, mut without_audio) = (Vec::new(), Vec::new());
    for label in file.songs {
        let audio = if file.by_path {
            let audio = base.join(&label.id);
            if !audio.is_file() || !is_audio(&audio) {
                return Err(DatasetError::AudioMissing {
                    path: path.to_owned(),
                    line: label.line,
                    audio,
                    base: base.to_owned(),
                });
            }
            audio
        } else if let Some(audio) = by_id.remove(&label.id) {
            audio
        } else {
            without_audio.push(label.id);
            continue;
        };
        songs.push(LabelledSong {
            id: label.id,
            audio,
            affect: label.affect,
            emotions: label.emotions,
            artist: label.artist,
            same_audio: None,
        });
    }
    if songs.is_empty() {
        return Err(DatasetError::NoSongs {
            root: path.to_owned(),
            labelled,
            audio: found,
            folder,
        });
    }
    songs.sort_by_cached_key(|song| id_order(&song.id));
    mark_same_audio(&mut songs);
    Ok(Dataset {
        root: path.to_owned(),
        columns: ColumnReport::not_applicable(songs.len()),
        songs,
        without_audio,
        without_labels: by_id.into_values().collect(),
        rejected: Vec::new(),
        sigma: options.sigma,
    })
}

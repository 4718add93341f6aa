//! Whether the columns of valence and arousal are crossed, told from evidence.
//!
//! DEAM's published `static_annotations_averaged_songs_1_2000.csv` has them crossed for the 744 songs with ids up to
//! 1000. Where DEAM's per-second files are there, the means of the static ratings are correlated with the means of the
//! per-second ones, straight and crossed; otherwise the published file is known by the hash of its values.

use super::{Annotation, Annotations, DatasetError, DynamicFiles, table};
use crate::emotion::AffectBox;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, fmt::Write as _, path::Path};

/// The last id of the songs that came from the 2013 collection.
pub const LAST_ID_OF_2013: u64 = 1000;

/// SHA-256 over the values of the 744 rows with ids up to 1000 as they are published (see [`values_hash`]).
const PUBLISHED: &str = "527ced333e0c1fda2f5ff47156cfc1a42ce94c798dfa675be868ea9b42f114ad";
/// The same with the columns exchanged, that is, corrected.
const CORRECTED: &str = "327aef445d0c7c832458b371e0346bd3a630d325158862f7a2b0a4331caf38d7";

/// Fewer songs than this tell nothing by correlation.
const FEWEST_SONGS: usize = 20;
/// By how much one way must correlate better than the other (mean of two Pearson coefficients) to be believed.
const MARGIN: f64 = 0.1;

/// Which columns a reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnChoice {
    /// Crossed columns are exchanged, so that valence is valence.
    #[default]
    Corrected,
    /// Columns are taken by their names in the file.
    AsPublished,
}

/// Pearson correlations of the static means with the means of the per-second annotations, over the same songs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Correlations {
    /// Songs in both.
    pub songs: usize,
    /// Static valence with per-second valence.
    pub valence_valence: f64,
    /// Static arousal with per-second arousal.
    pub arousal_arousal: f64,
    /// Static valence with per-second arousal.
    pub valence_arousal: f64,
    /// Static arousal with per-second valence.
    pub arousal_valence: f64,
}

impl Correlations {
    fn finding(&self) -> Finding {
        let straight = self.valence_valence + self.arousal_arousal;
        let crossed = self.valence_arousal + self.arousal_valence;
        let lead = 0.5 * (crossed - straight);
        if self.songs < FEWEST_SONGS || !lead.is_finite() || lead.abs() < MARGIN {
            Finding::Unknown
        } else if lead > 0.0 {
            Finding::Crossed
        } else {
            Finding::Straight
        }
    }
}

/// What the evidence says of some songs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Valence and arousal stand in each other's columns.
    Crossed,
    /// The columns are as named.
    Straight,
    /// Nothing tells.
    Unknown,
    /// There are no such songs.
    NoSongs,
}

/// Where a finding comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Correlation with DEAM's per-second annotations.
    PerSecondAnnotations,
    /// The values' hash is that of the published file (or of the published file with its columns exchanged).
    KnownFile,
    /// None.
    None,
}

/// The songs of one range of ids.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IdRange {
    /// Annotated songs in it.
    pub songs: usize,
    /// What was found.
    pub finding: Finding,
    /// How it is known.
    pub evidence: Evidence,
    /// The four correlations, where the per-second files allowed them.
    pub correlations: Option<Correlations>,
}

/// What was found out about the columns and what was done: stored with every model and report.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ColumnReport {
    /// What was asked for.
    pub labels: ColumnChoice,
    /// Ids up to 1000.
    pub up_to_1000: IdRange,
    /// Ids above 1000 and ids that are no numbers.
    pub above_1000: IdRange,
    /// Songs whose columns were exchanged on reading.
    pub exchanged: usize,
}

impl ColumnReport {
    /// The report of labels in which no column can be crossed, such as a person's own label file.
    pub fn not_applicable(songs: usize) -> Self {
        let range = |songs| IdRange {
            songs,
            finding: Finding::NoSongs,
            evidence: Evidence::None,
            correlations: None,
        };
        Self {
            labels: ColumnChoice::Corrected,
            up_to_1000: range(0),
            above_1000: range(songs),
            exchanged: 0,
        }
    }

    /// Whether columns of the file are crossed, whatever was done about it.
    pub fn is_crossed(&self) -> bool {
        [&self.up_to_1000, &self.above_1000]
            .iter()
            .any(|range| range.finding == Finding::Crossed)
    }

    /// One line for a person, or `None` where there is nothing to say.
    pub fn message(&self) -> Option<String> {
        let mut parts = Vec::new();
        for (range, ids) in [
            (&self.up_to_1000, "up to 1000"),
            (&self.above_1000, "above 1000"),
        ] {
            if range.finding == Finding::Crossed {
                let known = match (range.evidence, range.correlations) {
                    (Evidence::PerSecondAnnotations, Some(c)) => format!(
                        "measured against the per-second annotations: r = {:.3} and {:.3} crossed, {:.3} and {:.3} straight",
                        c.valence_arousal, c.arousal_valence, c.valence_valence, c.arousal_arousal
                    ),
                    _ => "known by the hash of the published values, not measured, as the per-second annotations are absent".to_owned(),
                };
                let done = match self.labels {
                    ColumnChoice::Corrected => "read corrected",
                    ColumnChoice::AsPublished => "kept as published",
                };
                parts.push(format!(
                    "valence and arousal are crossed in the file for the {} songs with ids {ids} ({known}); {done}",
                    range.songs
                ));
            }
        }
        if self.up_to_1000.finding == Finding::Unknown {
            parts.push(format!(
                "whether valence and arousal are crossed for the {} songs with ids up to 1000 cannot be told: the values are not those of DEAM's published file, and its per-second annotations are absent or too few; columns taken as named",
                self.up_to_1000.songs
            ));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

fn is_low(annotation: &Annotation) -> bool {
    annotation.number().is_some_and(|n| n <= LAST_ID_OF_2013)
}

/// Finds out whether columns are crossed and, if asked to, exchanges them.
///
/// # Errors
/// Where the per-second files are there but cannot be read.
pub fn settle(
    annotations: &mut Annotations,
    dynamics: Option<&DynamicFiles>,
    choice: ColumnChoice,
) -> Result<ColumnReport, DatasetError> {
    let means = match dynamics {
        Some(files) => Some((song_means(&files.valence)?, song_means(&files.arousal)?)),
        None => None,
    };
    let examine = |low: bool| -> IdRange {
        let songs: Vec<&Annotation> = annotations
            .songs
            .iter()
            .filter(|a| is_low(a) == low)
            .collect();
        let correlations = means
            .as_ref()
            .and_then(|(valence, arousal)| correlate(&songs, valence, arousal));
        let measured = correlations.map_or(Finding::Unknown, |c| c.finding());
        let (finding, evidence) = if songs.is_empty() {
            (Finding::NoSongs, Evidence::None)
        } else if measured != Finding::Unknown {
            (measured, Evidence::PerSecondAnnotations)
        } else if low {
            match values_hash(&songs).as_str() {
                PUBLISHED => (Finding::Crossed, Evidence::KnownFile),
                CORRECTED => (Finding::Straight, Evidence::KnownFile),
                _ => (Finding::Unknown, Evidence::None),
            }
        } else {
            // Nothing speaks against the columns' names.
            (Finding::Straight, Evidence::None)
        };
        IdRange {
            songs: songs.len(),
            finding,
            evidence,
            correlations,
        }
    };
    let (up_to_1000, above_1000) = (examine(true), examine(false));
    let mut exchanged = 0;
    if choice == ColumnChoice::Corrected {
        for annotation in &mut annotations.songs {
            let range = if is_low(annotation) {
                up_to_1000
            } else {
                above_1000
            };
            if range.finding == Finding::Crossed {
                annotation.affect = exchange(annotation.affect);
                exchanged += 1;
            }
        }
    }
    Ok(ColumnReport {
        labels: choice,
        up_to_1000,
        above_1000,
        exchanged,
    })
}

fn exchange(b: AffectBox) -> AffectBox {
    AffectBox {
        valence_mean: b.arousal_mean,
        valence_std: b.arousal_std,
        arousal_mean: b.valence_mean,
        arousal_std: b.valence_std,
    }
}

/// SHA-256, hexadecimal, over one line `id,valence_mean,valence_std,arousal_mean,arousal_std` for each song in the
/// order of ids, numbers in their shortest form, line feed after each. Blanks, line ends and the order of columns in
/// the file make no difference.
fn values_hash(songs: &[&Annotation]) -> String {
    let mut text = String::new();
    for song in songs {
        let b = song.affect;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{},{},{},{},{}",
            song.id, b.valence_mean, b.valence_std, b.arousal_mean, b.arousal_std
        );
    }
    hex(&Sha256::digest(text.as_bytes()))
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Mean of every row of a per-second file, by song id. Rows have as many cells as the song has half seconds; empty
/// cells and words are passed over.
fn song_means(path: &Path) -> Result<HashMap<String, f64>, DatasetError> {
    let mut reader = table::csv_reader(path)?;
    let mut means = HashMap::new();
    for record in reader.byte_records() {
        let record = record.map_err(|source| DatasetError::Csv {
            path: path.to_owned(),
            source,
        })?;
        let mut cells = record.iter().map(|c| String::from_utf8_lossy(c));
        let Some(id) = cells.next() else { continue };
        let (mut sum, mut count) = (0.0, 0.0);
        for cell in cells {
            if let Ok(value) = cell.trim().parse::<f64>()
                && value.is_finite()
            {
                sum += value;
                count += 1.0;
            }
        }
        if count > 0.0 {
            means.insert(table::canonical_id(&id), sum / count);
        }
    }
    Ok(means)
}

fn correlate(
    songs: &[&Annotation],
    valence: &HashMap<String, f64>,
    arousal: &HashMap<String, f64>,
) -> Option<Correlations> {
    let mut columns: [Vec<f64>; 4] = Default::default();
    for song in songs {
        if let (Some(&v), Some(&a)) = (valence.get(&song.id), arousal.get(&song.id)) {
            let values = [song.affect.valence_mean, song.affect.arousal_mean, v, a];
            for (column, value) in columns.iter_mut().zip(values) {
                column.push(value);
            }
        }
    }
    let [static_v, static_a, dynamic_v, dynamic_a] = &columns;
    let found = Correlations {
        songs: static_v.len(),
        valence_valence: pearson(static_v, dynamic_v)?,
        arousal_arousal: pearson(static_a, dynamic_a)?,
        valence_arousal: pearson(static_v, dynamic_a)?,
        arousal_valence: pearson(static_a, dynamic_v)?,
    };
    Some(found)
}

/// Pearson's r; `None` for fewer than two values or where one side does not vary.
fn pearson(x: &[f64], y: &[f64]) -> Option<f64> {
    let n = x.len() as f64;
    let (mx, my) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (a, b) in x.iter().zip(y) {
        xy += (a - mx) * (b - my);
        xx += (a - mx) * (a - mx);
        yy += (b - my) * (b - my);
    }
    let r = xy / (xx * yy).sqrt();
    r.is_finite().then_some(r)
}

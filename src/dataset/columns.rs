//! Whether the columns of valence and arousal are crossed in DEAM's static annotations.
//!
//! The published `static_annotations_averaged_songs_1_2000.csv` has them crossed for the 744 songs with ids up to 1000
//! (`deam/crossed_columns.py` shows it). With DEAM's per-second files, the means of the static ratings are correlated
//! with those of the per-second ones, straight and crossed; without them, the published file is known by the hash of
//! its values.

use super::{
    SongLabel,
    table::{Table, canonical_id},
};
use crate::{Result, evaluate::metrics::Agreement};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    mem::swap,
    path::{Path, PathBuf},
};

/// The last id of the songs that came from the collection of 2013.
const LAST_ID_OF_2013: u64 = 1000;
/// SHA-256 of the values of the 744 rows with ids up to 1000 as published (see [`values_hash`]).
const PUBLISHED: &str = "527ced333e0c1fda2f5ff47156cfc1a42ce94c798dfa675be868ea9b42f114ad";
/// The same with the columns exchanged, that is, corrected.
const CORRECTED: &str = "327aef445d0c7c832458b371e0346bd3a630d325158862f7a2b0a4331caf38d7";
/// The fewest songs whose correlation is evidence.
const FEWEST_SONGS: usize = 20;
/// The lead in correlation (mean of two Pearson coefficients) that is evidence.
const MARGIN: f64 = 0.1;

/// How crossed columns are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnChoice {
    /// Exchange crossed columns.
    #[default]
    Corrected,
    /// Use columns as the file names them.
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

/// Whether columns are crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Valence is in arousal's column and arousal in valence's.
    Crossed,
    /// The columns are as named.
    Straight,
    /// There is no evidence.
    Unknown,
    /// There are no such songs.
    NoSongs,
}

/// The evidence for a finding.
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
    /// Whether their columns are crossed.
    pub finding: Finding,
    /// How that is known.
    pub evidence: Evidence,
    /// The correlations, if there are per-second files.
    pub correlations: Option<Correlations>,
}

/// Whether columns are crossed and how they were read. Stored with every model and report.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ColumnReport {
    /// How crossed columns were read.
    pub labels: ColumnChoice,
    /// Ids up to 1000.
    pub up_to_1000: IdRange,
    /// Ids above 1000 and ids that are not numbers.
    pub above_1000: IdRange,
    /// Songs whose columns were exchanged.
    pub exchanged: usize,
}

impl ColumnReport {
    /// The report of labels whose columns cannot be crossed, such as a person's own label file.
    pub(crate) fn not_applicable(songs: usize) -> Self {
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

    /// Whether columns of the file are crossed, however they were read.
    pub(crate) fn is_crossed(&self) -> bool {
        let mut ranges = [self.up_to_1000, self.above_1000].into_iter();
        ranges.any(|range| range.finding == Finding::Crossed)
    }

    /// One line for people; `None` if nothing is unusual.
    pub(crate) fn message(&self) -> Option<String> {
        let mut parts = Vec::new();
        for (range, ids) in [
            (self.up_to_1000, "up to 1000"),
            (self.above_1000, "above 1000"),
        ] {
            if range.finding != Finding::Crossed {
                continue;
            }
            let evidence = match range.correlations {
                Some(r) if range.evidence == Evidence::PerSecondAnnotations => format!(
                    "measured against the per-second annotations: r = {:.3} and {:.3} crossed, {:.3} and {:.3} straight",
                    r.valence_arousal, r.arousal_valence, r.valence_valence, r.arousal_arousal
                ),
                _ => "known by the hash of the published values, not measured, as there are no per-second annotations".to_owned(),
            };
            let read = match self.labels {
                ColumnChoice::Corrected => "corrected on reading",
                ColumnChoice::AsPublished => "kept as published",
            };
            parts.push(format!(
                "valence and arousal are crossed in the file for the {} songs with ids {ids} ({evidence}); {read}",
                range.songs
            ));
        }
        if self.up_to_1000.finding == Finding::Unknown {
            parts.push(format!(
                "unknown whether valence and arousal are crossed for the {} songs with ids up to 1000: the values are not those of DEAM's published file, and its per-second annotations are missing or too few; columns used as named",
                self.up_to_1000.songs
            ));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// Finds out whether columns are crossed and, if `choice` says so, exchanges them.
pub(super) fn correct(
    songs: &mut [SongLabel],
    per_second: Option<&[PathBuf; 2]>,
    choice: ColumnChoice,
) -> Result<ColumnReport> {
    let means = match per_second {
        Some([valence, arousal]) => Some([song_means(valence)?, song_means(arousal)?]),
        None => None,
    };
    let (low, other): (Vec<&SongLabel>, Vec<&SongLabel>) =
        songs.iter().partition(|song| is_low(song));
    let mut report = ColumnReport {
        labels: choice,
        up_to_1000: examine(&low, means.as_ref(), true),
        above_1000: examine(&other, means.as_ref(), false),
        exchanged: 0,
    };
    for song in songs {
        let range = match is_low(song) {
            true => report.up_to_1000,
            false => report.above_1000,
        };
        if range.finding == Finding::Crossed && choice == ColumnChoice::Corrected {
            let affect = &mut song.affect;
            swap(&mut affect.valence_mean, &mut affect.arousal_mean);
            swap(&mut affect.valence_std, &mut affect.arousal_std);
            report.exchanged += 1;
        }
    }
    Ok(report)
}

fn is_low(song: &SongLabel) -> bool {
    song.id.parse().is_ok_and(|id: u64| id <= LAST_ID_OF_2013)
}

fn examine(songs: &[&SongLabel], means: Option<&[HashMap<String, f64>; 2]>, low: bool) -> IdRange {
    let correlations = means.and_then(|means| correlate(songs, means));
    let lead = correlations.filter(|r| r.songs >= FEWEST_SONGS).map(|r| {
        let crossed = r.valence_arousal + r.arousal_valence;
        0.5 * (crossed - r.valence_valence - r.arousal_arousal)
    });
    let (finding, evidence) = match lead {
        _ if songs.is_empty() => (Finding::NoSongs, Evidence::None),
        Some(lead) if lead >= MARGIN => (Finding::Crossed, Evidence::PerSecondAnnotations),
        Some(lead) if lead <= -MARGIN => (Finding::Straight, Evidence::PerSecondAnnotations),
        // Nothing suggests that the columns of later years are crossed.
        _ if !low => (Finding::Straight, Evidence::None),
        _ => match values_hash(songs).as_str() {
            PUBLISHED => (Finding::Crossed, Evidence::KnownFile),
            CORRECTED => (Finding::Straight, Evidence::KnownFile),
            _ => (Finding::Unknown, Evidence::None),
        },
    };
    IdRange {
        songs: songs.len(),
        finding,
        evidence,
        correlations,
    }
}

/// SHA-256, hexadecimal, of one line `id,valence_mean,valence_std,arousal_mean,arousal_std` per song in the order of
/// ids, numbers in their shortest form. Spaces, line ends and the order of columns in the file make no difference.
fn values_hash(songs: &[&SongLabel]) -> String {
    let mut hash = Sha256::new();
    for SongLabel { id, affect, .. } in songs.iter().copied() {
        hash.update(format!(
            "{id},{},{},{},{}\n",
            affect.valence_mean, affect.valence_std, affect.arousal_mean, affect.arousal_std
        ));
    }
    format!("{:x}", hash.finalize())
}

/// The mean of every row of a per-second file, by song id. Cells that are not numbers are skipped.
fn song_means(path: &Path) -> Result<HashMap<String, f64>> {
    let table = Table::read(path)?;
    let mut means = HashMap::new();
    for row in &table.rows {
        let Some((id, cells)) = table.cells(row).split_first() else {
            continue;
        };
        let numbers = cells.iter().filter_map(|cell| cell.parse::<f64>().ok());
        let numbers: Vec<f64> = numbers.filter(|number| number.is_finite()).collect();
        if !numbers.is_empty() {
            let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
            means.insert(canonical_id(id), mean);
        }
    }
    Ok(means)
}

fn correlate(songs: &[&SongLabel], means: &[HashMap<String, f64>; 2]) -> Option<Correlations> {
    let mut columns: [Vec<f64>; 4] = Default::default();
    for SongLabel { id, affect, .. } in songs.iter().copied() {
        if let (Some(valence), Some(arousal)) = (means[0].get(id), means[1].get(id)) {
            let values = [affect.valence_mean, affect.arousal_mean, *valence, *arousal];
            for (column, value) in columns.iter_mut().zip(values) {
                column.push(value);
            }
        }
    }
    let [valence, arousal, valence_per_second, arousal_per_second] = &columns;
    let pearson = |a: &[f64], b: &[f64]| Agreement::of(a, b).pearson;
    Some(Correlations {
        songs: valence.len(),
        valence_valence: pearson(valence, valence_per_second)?,
        arousal_arousal: pearson(arousal, arousal_per_second)?,
        valence_arousal: pearson(valence, arousal_per_second)?,
        arousal_valence: pearson(arousal, valence_per_second)?,
    })
}

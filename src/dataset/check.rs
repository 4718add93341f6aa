//! Everything that can be wrong with a DEAM directory.

use super::{
    ColumnChoice, ColumnReport, RejectedRow,
    audio_files::{AudioFiles, identical_audio},
    deam::{Artists, DeamFiles, Layout, artist_key},
};
use crate::{AudioInfo, Result, audio::Decoder, error::one_line};
use rayon::prelude::*;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// The content of a DEAM directory and its faults; the JSON of `circumplex dataset check --json`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CheckReport {
    /// Whether at least one song has labels and readable audio.
    pub usable: bool,
    /// Songs with labels and readable audio.
    pub usable_songs: usize,
    pub root: PathBuf,
    pub layout: Layout,
    /// The static annotation files.
    pub annotation_files: Vec<PathBuf>,
    /// Songs with usable annotations.
    pub annotated: usize,
    /// The directory of the audio files.
    pub audio_directory: Option<PathBuf>,
    /// Number of audio files.
    pub audio_files: usize,
    /// Songs with both audio and labels, readable or not.
    pub with_audio_and_labels: usize,
    pub audio_without_labels: Vec<PathBuf>,
    /// Ids of labels without audio.
    pub labels_without_audio: Vec<String>,
    /// Files that cannot be decoded to their end.
    pub unreadable_audio: Vec<Unreadable>,
    /// Annotation rows that cannot be used: values outside 1 to 9, missing or negative deviations, duplicate ids.
    pub rejected: Vec<RejectedRow>,
    /// Ids of songs with a deviation of zero.
    pub zero_deviation: Vec<String>,
    /// Audio files whose id another file has.
    pub duplicate_audio: Vec<PathBuf>,
    /// Whether valence and arousal are crossed.
    pub columns: ColumnReport,
    /// Lengths in seconds of the readable audio files.
    pub duration_s: Option<Durations>,
    /// Files by sample rate in Hz.
    pub sample_rates: BTreeMap<u32, usize>,
    /// Files by number of channels.
    pub channels: BTreeMap<u16, usize>,
    /// Files by codec.
    pub codecs: BTreeMap<String, usize>,
    pub artists: ArtistReport,
    /// Groups of ids with identical audio.
    pub same_audio: Vec<Vec<String>>,
}

/// A file that cannot be decoded.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Unreadable {
    pub path: PathBuf,
    pub reason: String,
}

/// Statistics of lengths in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Durations {
    pub min: f64,
    pub median: f64,
    pub mean: f64,
    pub max: f64,
    pub sum: f64,
}

impl Durations {
    fn of(mut seconds: Vec<f64>) -> Option<Self> {
        seconds.sort_by(f64::total_cmp);
        let (upper, lower) = (seconds.len() / 2, seconds.len().saturating_sub(1) / 2);
        let sum: f64 = seconds.iter().sum();
        Some(Self {
            min: *seconds.first()?,
            median: 0.5 * (seconds[lower] + seconds[upper]),
            mean: sum / seconds.len() as f64,
            max: *seconds.last()?,
            sum,
        })
    }
}

/// Which artists are known.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ArtistReport {
    /// Annotated songs whose artist is known.
    pub known: usize,
    /// Different artists among them.
    pub distinct: usize,
    /// Annotated songs by an artist who has more than one.
    pub songs_sharing_an_artist: usize,
    /// Metadata files with artists, with the number of songs in each.
    pub files: Vec<(PathBuf, usize)>,
    /// Metadata files without artists.
    pub files_without_artists: Vec<PathBuf>,
}

/// Checks a DEAM directory: reads every annotation and decodes every audio file to its end, in parallel. `on_file` is
/// called after each file, from several threads, with the number of all.
///
/// # Errors
/// If there is no such directory or no annotation file, or one of them cannot be read.
pub(crate) fn check(root: &Path, on_file: impl Fn(usize) + Sync) -> Result<CheckReport> {
    let deam = DeamFiles::find(root)?;
    let labels = deam.labels(ColumnChoice::Corrected)?;
    let artists = Artists::read(&deam.metadata)?;
    let audio = AudioFiles::find(root)?;
    let (ids, files): (Vec<String>, Vec<PathBuf>) = audio.by_id.into_iter().unzip();
    let decode = |file: &PathBuf| {
        let outcome = decode(file);
        on_file(files.len());
        outcome
    };
    let decoded: Vec<Result<AudioInfo>> = files.par_iter().map(decode).collect();

    let labeled: BTreeSet<&str> = labels.songs.iter().map(|song| song.id.as_str()).collect();
    let with_audio: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    let (mut durations, mut unreadable_audio) = (Vec::new(), Vec::new());
    let (mut sample_rates, mut channels, mut codecs) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let (mut both, mut usable_songs, mut audio_without_labels) = (0, 0, Vec::new());
    for ((id, file), outcome) in ids.iter().zip(&files).zip(decoded) {
        if labeled.contains(id.as_str()) {
            both += 1;
            usable_songs += usize::from(outcome.is_ok());
        } else {
            audio_without_labels.push(file.clone());
        }
        match outcome {
            Ok(audio) => {
                durations.push(audio.duration_s);
                *sample_rates.entry(audio.sample_rate).or_default() += 1;
                *channels.entry(audio.channels).or_default() += 1;
                *codecs.entry(audio.codec).or_default() += 1;
            }
            Err(error) => unreadable_audio.push(Unreadable {
                path: file.clone(),
                reason: one_line(&error),
            }),
        }
    }
    let ids_where = |condition: &dyn Fn(&super::SongLabel) -> bool| -> Vec<String> {
        let songs = labels.songs.iter().filter(|song| condition(song));
        songs.map(|song| song.id.clone()).collect()
    };
    let same_audio = identical_audio(&files).into_iter();
    let same_audio = same_audio.map(|group| group.iter().map(|i| ids[*i].clone()).collect());
    Ok(CheckReport {
        usable: usable_songs > 0,
        usable_songs,
        root: root.to_owned(),
        layout: deam.layout,
        annotation_files: deam.annotations,
        annotated: labels.songs.len(),
        audio_directory: audio.directory,
        audio_files: files.len() + audio.duplicates.len(),
        with_audio_and_labels: both,
        audio_without_labels,
        labels_without_audio: ids_where(&|song| !with_audio.contains(song.id.as_str())),
        unreadable_audio,
        zero_deviation: ids_where(&|song| {
            song.affect.valence_std == 0.0 || song.affect.arousal_std == 0.0
        }),
        duplicate_audio: audio.duplicates,
        columns: labels.columns,
        duration_s: Durations::of(durations),
        sample_rates,
        channels,
        codecs,
        same_audio: same_audio.collect(),
        artists: artist_report(artists, &labeled),
        rejected: labels.rejected,
    })
}

/// Decodes a file to its end.
fn decode(path: &Path) -> Result<AudioInfo> {
    let mut decoder = Decoder::open(path)?;
    while decoder.next_block()?.is_some() {}
    Ok(decoder.info().clone())
}

fn artist_report(artists: Artists, labeled: &BTreeSet<&str>) -> ArtistReport {
    let mut songs_by: BTreeMap<String, usize> = BTreeMap::new();
    for artist in labeled.iter().filter_map(|id| artists.by_id.get(*id)) {
        *songs_by.entry(artist_key(artist)).or_default() += 1;
    }
    ArtistReport {
        known: songs_by.values().sum(),
        distinct: songs_by.len(),
        songs_sharing_an_artist: songs_by.values().filter(|songs| **songs > 1).sum(),
        files: artists.files,
        files_without_artists: artists.files_without,
    }
}

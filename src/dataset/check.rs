//! Everything that can be wrong with a DEAM folder, looked for.

use super::{
    Annotations, Artists, ColumnChoice, ColumnReport, DatasetError, Fault, Folders, Layout,
    Rejected, artist_key, identical_audio, settle,
};
use crate::{
    audio::{AudioError, Decoder},
    error::one_line,
};
use rayon::prelude::*;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// What was found in a DEAM folder.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// Whether at least one song has labels and readable audio.
    pub usable: bool,
    /// Songs with labels and readable audio.
    pub usable_songs: usize,
    /// The folder.
    pub root: PathBuf,
    /// How it is laid out.
    pub layout: Layout,
    /// The static annotation files.
    pub annotation_files: Vec<PathBuf>,
    /// Songs with usable annotations.
    pub annotated: usize,
    /// Where the audio files lie.
    pub audio_folder: Option<PathBuf>,
    /// Audio files found.
    pub audio_files: usize,
    /// Songs with both audio and labels, readable or not.
    pub with_audio_and_labels: usize,
    /// Audio files without labels.
    pub audio_without_labels: Vec<PathBuf>,
    /// Ids of labels without audio.
    pub labels_without_audio: Vec<String>,
    /// Files that cannot be decoded to their end.
    pub unreadable_audio: Vec<Unreadable>,
    /// Annotation rows that give no label: values outside 1 to 9, missing or negative deviations, duplicate ids.
    pub rejected: Vec<Rejected>,
    /// Ids of songs with a deviation of zero.
    pub zero_deviation: Vec<String>,
    /// Audio files whose id another file already has.
    pub duplicate_audio: Vec<PathBuf>,
    /// Whether valence and arousal are crossed.
    pub columns: ColumnReport,
    /// Lengths in seconds of the readable audio files.
    pub duration_s: Option<Spread>,
    /// Files by sample rate in Hz.
    pub sample_rates: BTreeMap<u32, usize>,
    /// Files by number of channels.
    pub channels: BTreeMap<u16, usize>,
    /// Files by codec.
    pub codecs: BTreeMap<String, usize>,
    /// What is known of artists.
    pub artists: ArtistReport,
    /// Groups of ids with identical audio.
    pub same_audio: Vec<Vec<String>>,
}

/// A file that cannot be decoded.
#[derive(Debug, Clone, Serialize)]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// Least, middle, mean and greatest of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The middle.
    pub median: f64,
    /// The mean.
    pub mean: f64,
    /// The greatest.
    pub max: f64,
    /// Of all together.
    pub sum: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            1 => values[middle],
            _ => 0.5 * (values[middle - 1] + values[middle]),
        };
        let sum: f64 = values.iter().sum();
        Some(Self {
            min,
            median,
            mean: sum / values.len() as f64,
            max,
            sum,
        })
    }
}

/// What is known of artists.
#[derive(Debug, Clone, Serialize)]
pub struct ArtistReport {
    /// Annotated songs whose artist is known.
    pub known: usize,
    /// Different artists among them.
    pub distinct: usize,
    /// Annotated songs by an artist who has more than one.
    pub songs_sharing_an_artist: usize,
    /// Metadata files that told artists, with how many songs each.
    pub files: Vec<(PathBuf, usize)>,
    /// Files that look like metadata but tell none.
    pub files_without_artists: Vec<PathBuf>,
}

struct Sound {
    seconds: f64,
    rate: u32,
    channels: u16,
    codec: String,
}

/// Decodes a file to its end.
fn listen(path: &Path) -> Result<Sound, AudioError> {
    let mut decoder = Decoder::open(path)?;
    let mut samples = 0;
    while let Some(block) = decoder.next_block()? {
        samples += block.len();
    }
    let info = decoder.info();
    Ok(Sound {
        seconds: samples as f64 / f64::from(info.sample_rate),
        rate: info.sample_rate,
        channels: info.channels,
        codec: info.codec.clone(),
    })
}

/// Checks a DEAM folder: reads every annotation and decodes every audio file to its end, in parallel. `progress` is
/// called with the number of audio files before the first is decoded, and with 0 after each, from several threads.
///
/// # Errors
/// [`DatasetError`] where there is no such folder or no annotation file, or one cannot be read.
pub fn check(
    root: &Path,
    progress: impl Fn(CheckProgress) + Sync,
) -> Result<CheckReport, DatasetError> {
    let folders = Folders::find(root)?;
    let mut annotations = Annotations::read(&folders.statics)?;
    let columns = settle(
        &mut annotations,
        folders.dynamics.as_ref(),
        ColumnChoice::Corrected,
    )?;
    let artists = Artists::read(&folders.metadata)?;
    let (by_id, duplicate_audio) = folders.audio_files()?;
    let (ids, files): (Vec<String>, Vec<PathBuf>) = by_id.into_iter().unzip();

    progress(CheckProgress::Started { files: files.len() });
    let sounds: Vec<Result<Sound, AudioError>> = files
        .par_iter()
        .map(|file| {
            let sound = listen(file);
            progress(CheckProgress::File);
            sound
        })
        .collect();

    let labelled: BTreeSet<&str> = annotations.songs.iter().map(|s| s.id.as_str()).collect();
    let heard: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    let readable = |i: &usize| sounds[*i].is_ok();
    let both: Vec<usize> = (0..ids.len())
        .filter(|i| labelled.contains(ids[*i].as_str()))
        .collect();
    let usable_songs = both.iter().filter(|i| readable(i)).count();
    let mut report = CheckReport {
        usable: usable_songs > 0,
        usable_songs,
        root: root.to_owned(),
        layout: folders.layout,
        annotation_files: folders.statics.clone(),
        annotated: annotations.songs.len(),
        audio_folder: folders.audio.clone(),
        audio_files: files.len() + duplicate_audio.len(),
        with_audio_and_labels: both.len(),
        audio_without_labels: ids
            .iter()
            .zip(&files)
            .filter(|(id, _)| !labelled.contains(id.as_str()))
            .map(|(_, file)| file.clone())
            .collect(),
        labels_without_audio: annotations
            .songs
            .iter()
            .filter(|s| !heard.contains(s.id.as_str()))
            .map(|s| s.id.clone())
            .collect(),
        unreadable_audio: Vec::new(),
        zero_deviation: annotations
            .songs
            .iter()
            .filter(|s| s.affect.valence_std == 0.0 || s.affect.arousal_std == 0.0)
            .map(|s| s.id.clone())
            .collect(),
        duplicate_audio,
        columns,
        duration_s: None,
        sample_rates: BTreeMap::new(),
        channels: BTreeMap::new(),
        codecs: BTreeMap::new(),
        artists: artist_report(&artists, &labelled),
        same_audio: identical_audio(&files)
            .into_iter()
            .map(|group| group.into_iter().map(|i| ids[i].clone()).collect())
            .collect(),
        rejected: annotations.rejected,
    };
    let mut durations = Vec::new();
    for (file, sound) in files.iter().zip(sounds) {
        match sound {
            Ok(sound) => {
                durations.push(sound.seconds);
                *report.sample_rates.entry(sound.rate).or_default() += 1;
                *report.channels.entry(sound.channels).or_default() += 1;
                *report.codecs.entry(sound.codec).or_default() += 1;
            }
            Err(error) => report.unreadable_audio.push(Unreadable {
                path: file.clone(),
                reason: one_line(&error),
            }),
        }
    }
    report.duration_s = Spread::of(durations);
    Ok(report)
}

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckProgress {
    /// The annotations are read; so many audio files are about to be decoded.
    Started {
        /// How many.
        files: usize,
    },
    /// An audio file has been decoded, or found undecodable.
    File,
}

fn artist_report(artists: &Artists, labelled: &BTreeSet<&str>) -> ArtistReport {
    let mut songs_by: BTreeMap<String, usize> = BTreeMap::new();
    for artist in labelled.iter().filter_map(|id| artists.of(id)) {
        *songs_by.entry(artist_key(artist)).or_default() += 1;
    }
    ArtistReport {
        known: songs_by.values().sum(),
        distinct: songs_by.len(),
        songs_sharing_an_artist: songs_by.values().filter(|n| **n > 1).sum(),
        files: artists.files.clone(),
        files_without_artists: artists.useless.clone(),
    }
}

impl CheckReport {
    /// Ids of annotation rows with a fault of this kind.
    pub fn faulty(&self, fault: Fault) -> Vec<&str> {
        self.rejected
            .iter()
            .filter(|r| r.fault == fault)
            .map(|r| r.id.as_str())
            .collect()
    }
}

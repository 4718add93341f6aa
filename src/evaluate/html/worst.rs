//! The songs with the largest errors, each with its spectrogram.

use super::{RunReport, Values, charts, fill, sections::table};
use crate::{
    Result,
    analysis::spectrograms,
    contain::catch_panic,
    emotion::Quadrant,
    error::one_line,
    evaluate::{JudgedSong, metrics::mean_absolute_error},
    figure::{Spectrogram, SpectrogramWindow, escape},
    model::Preprocessing,
};
use rayon::prelude::*;
use std::path::Path;

/// Songs that are shown.
const SHOWN: usize = 10;

/// The songs with the largest error, worst first; of equals, in their order.
pub(super) fn worst(songs: &[JudgedSong]) -> Vec<&JudgedSong> {
    let mut worst: Vec<(f64, &JudgedSong)> = songs.iter().map(|song| (song.mae(), song)).collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    worst.truncate(SHOWN);
    worst.into_iter().map(|(_, song)| song).collect()
}

/// An article for each.
pub(super) fn articles(report: &RunReport<'_>) -> Result<String> {
    let songs = worst(report.songs);
    let decoded: Vec<Decoded> = songs
        .par_iter()
        .map(|song| Decoded::of(&song.audio, report.preprocessing))
        .collect();
    let mut articles = String::new();
    for (n, (song, decoded)) in songs.iter().zip(&decoded).enumerate() {
        let mut values = values(song, decoded, report);
        values.insert("place", (n + 1).to_string());
        values.insert("bars", charts::song_bars(song));
        values.insert("spectrogram", decoded.figure(report.preprocessing)?);
        articles += &fill(include_str!("song.html"), &values).unwrap_or_default();
    }
    Ok(articles)
}

fn values(song: &JudgedSong, decoded: &Decoded, report: &RunReport<'_>) -> Values {
    let file = song.audio.file_name().unwrap_or(song.audio.as_os_str());
    let file = file.to_string_lossy().into_owned();
    let title = song.title.as_ref().or(decoded.title.as_ref());
    let artist = song.artist.as_ref().or(decoded.artist.as_ref());
    let title = title.unwrap_or(&file);
    let name = match artist {
        Some(artist) => format!("{artist} – {title}"),
        None => title.clone(),
    };
    let truth = song.truth.emotions.as_array().map(f64::from);
    let mean = &report.scores.scores.mean_true.0;
    let baseline = mean_absolute_error(&truth, mean).unwrap_or_default();
    let fold = song.fold.map(|fold| format!(" · fold {}", fold + 1));
    let (truth, predicted) = (&song.truth, &song.predicted);
    let numbers = |name: &str, values: [f64; 2]| {
        let cells = values.map(|value| format!("{value:.2}"));
        (name.to_owned(), cells.to_vec())
    };
    let quadrants = [truth, predicted].map(|it| Quadrant::of(it.valence, it.arousal).to_string());
    let rows = [
        numbers("valence", [truth.valence, predicted.valence]),
        numbers("arousal", [truth.arousal, predicted.arousal]),
        ("quadrant".to_owned(), quadrants.to_vec()),
    ];
    Values::from([
        ("name", name),
        ("file", file),
        ("id", song.id.clone()),
        ("fold", fold.unwrap_or_default()),
        ("mae", format!("{:.2}", song.mae())),
        ("baseline", format!("{baseline:.2}")),
        ("table", table("", &["true", "predicted"], &rows)),
    ])
}

/// All windows of a song, or the reason why there are none.
struct Decoded {
    windows: std::result::Result<Vec<SpectrogramWindow>, String>,
    title: Option<String>,
    artist: Option<String>,
}

impl Decoded {
    fn of(path: &Path, preprocessing: &Preprocessing) -> Self {
        let mut windows = Vec::new();
        let contained = catch_panic(|| {
            spectrograms(path, preprocessing, |window| {
                windows.push(SpectrogramWindow {
                    values: window.values.to_vec(),
                    start_s: window.start_s,
                    weight: window.weight,
                });
                Ok(())
            })
        });
        let (windows, tags) = match contained {
            Ok(Ok(info)) if !windows.is_empty() => (Ok(windows), Some(info.tags)),
            Ok(Ok(_)) => (Err("the file contains no audio".to_owned()), None),
            Ok(Err(error)) => (Err(one_line(&error)), None),
            Err(panicked) => (Err(one_line(&panicked)), None),
        };
        let tags = tags.unwrap_or_default();
        Self {
            windows,
            title: tags.title,
            artist: tags.artist,
        }
    }

    fn figure(&self, preprocessing: &Preprocessing) -> Result<String> {
        let windows = match &self.windows {
            Ok(windows) => windows,
            Err(reason) => {
                return Ok(format!(
                    "<p class=\"note small\">No spectrogram: {}</p>\n",
                    escape(reason)
                ));
            }
        };
        let mel = &preprocessing.mel;
        let rate = f64::from(mel.sample_rate);
        let spectrogram = Spectrogram {
            band_centers: mel.band_centers(),
            hop_s: mel.hop_length as f64 / rate,
            window_s: preprocessing.window.length as f64 / rate,
            windows,
        };
        let svg = spectrogram
            .strip()
            .inline_svg("log-mel spectrogram of the song")?;
        Ok(format!("<figure>\n{svg}</figure>\n"))
    }
}

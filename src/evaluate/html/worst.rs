//! The songs that a model is most wrong about, each with what it heard.

use super::{RunReport, pictures};
use crate::{
    analysis::spectrograms,
    contain::catch_panic,
    emotion::Quadrant,
    error::one_line,
    evaluate::{JudgedSong, metrics::mean_absolute_error},
    figure::{DrawError, SpectrogramStrip, SpectrogramWindow, escape, inline_svg},
    model::Preprocessing,
};
use rayon::prelude::*;
use std::path::Path;

/// How many are shown.
pub(super) const SHOWN: usize = 10;

/// The songs with the largest error, worst first; of equals, in their order.
pub(super) fn worst(songs: &[JudgedSong]) -> Vec<&JudgedSong> {
    let mut worst: Vec<(f64, &JudgedSong)> = songs.iter().map(|song| (song.mae(), song)).collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    worst.truncate(SHOWN);
    worst.into_iter().map(|(_, song)| song).collect()
}

/// An article for each.
pub(super) fn articles(report: &RunReport<'_>) -> Result<String, DrawError> {
    let songs = worst(report.songs);
    let heard: Vec<Heard> = songs
        .par_iter()
        .map(|song| Heard::of(&song.audio, report.preprocessing))
        .collect();
    let mut text = String::new();
    for (place, (song, heard)) in songs.iter().zip(&heard).enumerate() {
        text.push_str(&article(place + 1, song, heard, report)?);
    }
    Ok(text)
}

fn article(
    place: usize,
    song: &JudgedSong,
    heard: &Heard,
    report: &RunReport<'_>,
) -> Result<String, DrawError> {
    let file = song.audio.file_name().unwrap_or(song.audio.as_os_str());
    let file = escape(&file.to_string_lossy());
    let title = song.title.as_deref().or(heard.title.as_deref());
    let artist = song.artist.as_deref().or(heard.artist.as_deref());
    let name = match (title, artist) {
        (Some(title), Some(artist)) => format!("{} – {}", escape(artist), escape(title)),
        (Some(title), None) => escape(title),
        (None, Some(artist)) => format!("{} – {file}", escape(artist)),
        (None, None) => file.clone(),
    };
    let fold = match song.fold {
        Some(fold) => format!(" · fold {}", fold + 1),
        None => String::new(),
    };
    let bars = inline_svg(
        &pictures::song_bars(song),
        "predicted and true percentage of each emotion",
    )?;
    let mean = &report.scores.scores.mean_true.0;
    let truth = song.truth.emotions.as_array().map(f64::from);
    let baseline = mean_absolute_error(&truth, mean).unwrap_or_default();
    let [truth, predicted] =
        [song.truth, song.predicted].map(|of| Quadrant::of(of.valence, of.arousal));
    Ok(format!(
        "<article class=\"song\">\n<h3>{place}. <bdi>{name}</bdi></h3>\n\
         <p class=\"small muted\">song {} · <bdi>{file}</bdi>{fold} · MAE {:.2}, mean vector {baseline:.2}</p>\n<div class=\"pair\">\n\
         <figure>\n{bars}</figure>\n<div>\n<div class=\"scroll\"><table>\n\
         <thead><tr><th></th><th>true</th><th>predicted</th></tr></thead>\n<tbody>\n\
         <tr><th>valence</th><td>{:.2}</td><td>{:.2}</td></tr>\n\
         <tr><th>arousal</th><td>{:.2}</td><td>{:.2}</td></tr>\n\
         <tr><th>quadrant</th><td>{truth}</td><td>{predicted}</td></tr>\n\
         </tbody></table></div>\n{}</div>\n</div>\n</article>\n",
        escape(&song.id),
        song.mae(),
        song.truth.valence,
        song.predicted.valence,
        song.truth.arousal,
        song.predicted.arousal,
        heard.figure(report.preprocessing)?,
    ))
}

/// All windows of a song, or why there are none.
struct Heard {
    windows: Result<Vec<HeardWindow>, String>,
    title: Option<String>,
    artist: Option<String>,
}

struct HeardWindow {
    values: Vec<f32>,
    start_s: f64,
    weight: f64,
}

impl Heard {
    fn of(path: &Path, preprocessing: &Preprocessing) -> Self {
        let mut windows = Vec::new();
        let contained = catch_panic(|| {
            spectrograms(path, preprocessing, |window| {
                windows.push(HeardWindow {
                    values: window.values.to_vec(),
                    start_s: window.start_s,
                    weight: window.weight,
                });
                Ok(())
            })
        });
        let (windows, tags) = match contained {
            Ok(Ok(info)) if !windows.is_empty() => (Ok(windows), Some(info.tags)),
            Ok(Ok(_)) => (Err("the file holds no sound".to_owned()), None),
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

    fn figure(&self, preprocessing: &Preprocessing) -> Result<String, DrawError> {
        let windows = match &self.windows {
            Ok(windows) => windows,
            Err(reason) => {
                return Ok(format!(
                    "<p class=\"note small\">No spectrogram: {}</p>\n",
                    escape(reason)
                ));
            }
        };
        let windows: Vec<SpectrogramWindow<'_>> = windows
            .iter()
            .map(|window| SpectrogramWindow {
                values: &window.values,
                start_s: window.start_s,
                weight: window.weight,
            })
            .collect();
        let strip = SpectrogramStrip {
            mel: &preprocessing.mel,
            window_length: preprocessing.window.length,
            windows: &windows,
        };
        let svg = inline_svg(&strip, "log-mel spectrogram of the song")?;
        Ok(format!("<figure>\n{svg}</figure>\n"))
    }
}

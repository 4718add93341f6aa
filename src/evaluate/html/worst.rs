//! The songs with the largest errors.

use super::{RunReport, sections::html_table};
use crate::{
    evaluate::{Answer, JudgedSong, metrics::mean_absolute_error},
    figure::escape,
};

/// Songs that are shown.
const SHOWN: usize = 10;

/// The songs with the largest error, worst first; of equals, in their order.
pub(super) fn worst(songs: &[JudgedSong]) -> Vec<&JudgedSong> {
    let mut worst: Vec<(f64, &JudgedSong)> = songs.iter().map(|song| (song.mae(), song)).collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    worst.truncate(SHOWN);
    worst.into_iter().map(|(_, song)| song).collect()
}

/// A table of them: their errors, and what is true and predicted.
pub(super) fn table(report: &RunReport<'_>) -> String {
    let mean = &report.scores.scores.mean_true.0;
    let rows = worst(report.songs).into_iter().map(|song| {
        let file = song.audio.file_name().unwrap_or(song.audio.as_os_str());
        let file = file.to_string_lossy().into_owned();
        let title = song.title.as_ref().unwrap_or(&file);
        let name = match &song.artist {
            Some(artist) => format!("{artist} – {title}"),
            None => title.clone(),
        };
        let truth = song.truth.percentages();
        let baseline = mean_absolute_error(&truth, mean).unwrap_or_default();
        let of = |answer: &Answer| {
            let (valence, arousal) = (answer.valence, answer.arousal);
            let strongest = answer.emotions.strongest();
            format!("{valence:.2}, {arousal:.2}, {strongest}")
        };
        vec![
            format!("<bdi>{}</bdi> ({})", escape(&name), escape(&song.id)),
            format!("{:.2}", song.mae()),
            format!("{baseline:.2}"),
            of(&song.truth),
            of(&song.predicted),
        ]
    });
    let heads = ["song", "MAE", "mean vector", "true", "predicted"];
    html_table("", &heads, &rows.collect::<Vec<_>>())
}

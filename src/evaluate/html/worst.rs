//! The songs with the largest errors.

use super::{RunReport, Values, charts, fill, sections::html_table};
use crate::evaluate::{JudgedSong, PerEmotion, metrics::mean_absolute_error};

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
pub(super) fn articles(report: &RunReport<'_>) -> String {
    let mut articles = String::new();
    for (n, song) in worst(report.songs).into_iter().enumerate() {
        let mut values = values(song, report);
        values.add("place", (n + 1).to_string());
        articles += &fill(include_str!("song.html"), &values).unwrap_or_default();
    }
    articles
}

fn values(song: &JudgedSong, report: &RunReport<'_>) -> Values {
    let file = song.audio.file_name().unwrap_or(song.audio.as_os_str());
    let file = file.to_string_lossy().into_owned();
    let title = song.title.as_ref().unwrap_or(&file);
    let name = match &song.artist {
        Some(artist) => format!("{artist} – {title}"),
        None => title.clone(),
    };
    let answers = [&song.truth, &song.predicted];
    let [truth, predicted] = answers.map(|answer| answer.percentages());
    let mean = &report.scores.scores.mean_true.0;
    let baseline = mean_absolute_error(&truth, mean).unwrap_or_default();
    let fold = song.fold.map(|fold| format!(" · fold {}", fold + 1));
    let row = |name: &str, [truth, predicted]: [String; 2]| vec![name.to_owned(), truth, predicted];
    let rows = [
        row("valence", answers.map(|it| format!("{:.2}", it.valence))),
        row("arousal", answers.map(|it| format!("{:.2}", it.arousal))),
        row("quadrant", answers.map(|it| it.quadrant().to_string())),
    ];
    let legend = ["predicted", "true"];
    let bars = [predicted, truth].map(PerEmotion);
    let bars = charts::bars(legend, " %", bars.each_ref());
    Values::new([
        ("name", name),
        ("file", file),
        ("id", song.id.clone()),
        ("fold", fold.unwrap_or_default()),
        ("mae", format!("{:.2}", song.mae())),
        ("baseline", format!("{baseline:.2}")),
        ("bars", bars),
        ("table", html_table("", &["", "true", "predicted"], &rows)),
    ])
}

//! `circumplex timeline`: the emotions of one song over time.

use super::{
    CliResult, Console, Exit, ModelChoice, count, file_name,
    sparkline::{bars, colored, time_axis},
    terminal_width, visible,
};
use crate::{
    analysis::{Analysis, AnalyzeOptions, analyze_file},
    audio::Excerpt,
    clock,
    emotion::{Emotion, EmotionVector, Moment, SCALE_MAX, SCALE_MIN, Stretch, Timeline},
    figure::{TimelineChart, check_extension, emotion_color},
    model::Model,
    scan::notes,
    search::SongVector,
};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Show the emotions of one song over time
#[derive(clap::Args)]
#[command(after_help = "\
The song need not be in a library: it is analyzed window by window. Valence and arousal go from 1 to 9; the \
percentages of the eight emotions are drawn to one scale. JSON has both vectors. `circumplex analyze --timeline` stores timelines in a library.

Examples:
  circumplex timeline song.mp3
  circumplex timeline song.mp3 -o timeline.png
  circumplex timeline song.mp3 --by felt
  circumplex timeline mix.flac --excerpt 1:10:45s --json")]
pub(crate) struct Args {
    /// Music file
    song: PathBuf,
    /// Draw a picture, .png or .svg
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Analyze only an excerpt: LENGTH from the middle (45s), or from START on (1:10:45s, 70s:45s)
    #[arg(long, value_name = "[START:]LENGTH")]
    excerpt: Option<Excerpt>,
    /// The vector that is drawn: `emotions`, or `felt`, which tells what listeners feel if the model learned from their votes
    #[arg(long, value_enum, value_name = "VECTOR", default_value_t)]
    by: SongVector,
    /// Print JSON instead of a chart
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelChoice,
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    if let Some(picture) = &args.output {
        check_extension(picture)?;
    }
    let model = args.model.load()?;
    if args.by == SongVector::Felt && !model.has_felt() {
        bail!(
            "--by felt: the model {} did not learn from listeners' votes; ask --by emotions, or choose another --model",
            model.metadata().name
        );
    }
    let options = AnalyzeOptions {
        timeline: true,
        excerpt: args.excerpt,
        ..AnalyzeOptions::default()
    };
    let song = analyze_file(&args.song, &model, &options)?;
    let analyzed = Analyzed::new(&args.song, &song, &model, args.by);
    if args.json {
        console.print(&serde_json::to_string_pretty(&analyzed.json())?)?;
    } else {
        console.print(&analyzed.text(terminal_width().unwrap_or(80)))?;
    }
    if let Some(picture) = &args.output {
        let chart = TimelineChart {
            title: &file_name(&args.song),
            subtitle: &analyzed.summary(),
            timeline: analyzed.timeline,
        };
        chart.scene().save(picture)?;
        console.remark(&format!("wrote {}", picture.display()));
    }
    Ok(Exit::Success)
}

/// Columns before a chart: `frustrated  100 %  `.
pub(super) const MARGIN: usize = 19;

/// Columns of a timeline's chart in a terminal of `width` columns.
pub(super) fn columns(timeline: &Timeline, width: usize) -> usize {
    let most = 8 * timeline.moments.len().max(2);
    width.saturating_sub(MARGIN).clamp(10, most)
}

/// Valence and arousal over time, each with its mean, in two rows.
pub(super) fn affect_rows(slices: &[Stretch], whole: &Stretch) -> String {
    let affect: [(&str, fn(&Stretch) -> f64); 2] =
        [("valence", |s| s.valence), ("arousal", |s| s.arousal)];
    let mut text = String::new();
    for (name, number) in affect {
        let rows = bars(slices.iter().map(number), (SCALE_MIN, SCALE_MAX), 2);
        let [upper, lower] = [&rows[0], &rows[1]];
        text.push_str(&format!("{:MARGIN$}{upper}\n", ""));
        text.push_str(&format!("{name:<10}{:>7.2}  {lower}\n", number(whole)));
    }
    text
}

/// The times below a chart of `columns` characters, in a terminal of `width` columns.
pub(super) fn axis_row(timeline: &Timeline, columns: usize, width: usize) -> String {
    let room = width.saturating_sub(MARGIN);
    let axis = time_axis(timeline.extent(), columns, room);
    format!("{:MARGIN$}{}\n", "", axis.trim_end())
}

/// A song with its moments.
struct Analyzed<'a> {
    path: &'a Path,
    song: &'a Analysis,
    timeline: Timeline<'a>,
    model: &'a str,
}

impl<'a> Analyzed<'a> {
    fn new(path: &'a Path, song: &'a Analysis, model: &'a Model, by: SongVector) -> Self {
        let metadata = model.metadata();
        let preprocessing = &metadata.preprocessing;
        let rate = f64::from(preprocessing.mel.sample_rate);
        Self {
            path,
            song,
            timeline: Timeline {
                moments: song.timeline.as_deref().unwrap_or_default(),
                window_s: preprocessing.window.length as f64 / rate,
                end_s: song
                    .audio
                    .segment
                    .map_or(song.audio.duration_s, |segment| segment.end_s),
                is_felt: by == SongVector::Felt,
            },
            model: &metadata.name,
        }
    }

    /// Length, windows and model in one line.
    fn summary(&self) -> String {
        let mut text = format!(
            "{}, {} of {} s, model {}",
            clock::position(self.song.audio.duration_s),
            count(self.song.windows.into(), "window", "windows"),
            self.timeline.window_s,
            self.model,
        );
        if self.timeline.is_felt {
            text.push_str("; what listeners feel");
        }
        for note in notes(self.song) {
            text.push_str(&format!("; {note}"));
        }
        visible(&text)
    }

    /// The chart for a terminal of `width` columns.
    fn text(&self, width: usize) -> String {
        let path = visible(&self.path.display().to_string());
        let mut text = format!("{path}\n{}\n\n", self.summary());
        let Some(whole) = self.timeline.whole() else {
            return text;
        };
        let slices = self.timeline.slices(columns(&self.timeline, width));
        text.push_str(&affect_rows(&slices, &whole));
        let shares = slices.iter().flat_map(|slice| slice.emotions);
        let most = shares.fold(1.0, f64::max);
        text.push('\n');
        for emotion in Emotion::ALL {
            let shares = slices.iter().map(|slice| slice.emotions[emotion.index()]);
            let row = colored(
                &bars(shares, (0.0, most), 1).concat(),
                emotion_color(emotion),
            );
            let mean = whole.emotions[emotion.index()];
            text.push_str(&format!("{:<10}{mean:>5.1} %  {row}\n", emotion.name()));
        }
        text.push_str(&axis_row(&self.timeline, slices.len(), width));
        text.push_str(&format!(
            "\nvalence and arousal from 1 to 9; a full block is {most:.0} % of an emotion; the numbers are means\n"
        ));
        text
    }

    fn json(&self) -> Json<'_> {
        let prediction = &self.song.prediction;
        let notes = notes(self.song);
        Json {
            path: self.path.display().to_string(),
            model: self.model,
            duration_s: self.song.audio.duration_s,
            window_s: self.timeline.window_s,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
            valence: prediction.valence,
            arousal: prediction.arousal,
            emotions: &prediction.emotions,
            felt: prediction.felt.as_ref(),
            timeline: json_moments(self.timeline.moments),
        }
    }
}

/// One song as JSON.
#[derive(Serialize)]
struct Json<'a> {
    path: String,
    model: &'a str,
    duration_s: f64,
    window_s: f64,
    note: Option<String>,
    valence: f32,
    arousal: f32,
    emotions: &'a EmotionVector,
    #[serde(skip_serializing_if = "Option::is_none")]
    felt: Option<&'a EmotionVector>,
    timeline: Vec<JsonMoment<'a>>,
}

/// One window as JSON, with the emotions by name.
#[derive(Serialize)]
pub(super) struct JsonMoment<'a> {
    start_s: f64,
    valence: f32,
    arousal: f32,
    emotions: &'a EmotionVector,
    #[serde(skip_serializing_if = "Option::is_none")]
    felt: Option<&'a EmotionVector>,
    #[serde(skip_serializing_if = "<[f32]>::is_empty")]
    attention: &'a [f32],
}

/// Windows as JSON.
pub(super) fn json_moments(moments: &[Moment]) -> Vec<JsonMoment<'_>> {
    let moments = moments.iter().map(|moment| JsonMoment {
        start_s: moment.start_s,
        valence: moment.valence,
        arousal: moment.arousal,
        emotions: &moment.emotions,
        felt: moment.felt.as_ref(),
        attention: &moment.attention,
    });
    moments.collect()
}

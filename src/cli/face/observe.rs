//! `circumplex face observe`: the expressions of a person over time.

use super::{
    super::{CliError, CliResult, Console, Exit, Table, terminal_width},
    load_map, reader, shares_text,
};
use crate::{
    audio::Excerpt,
    emotion::{EmotionVector, Expression},
    error::one_line,
    face::{FaceReader, FrameSource, FramesSeen, observe_frames},
    text::count,
};
use serde_json::{Map, Value, json};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Watch the face in a video, a directory of pictures or a camera's stream
#[derive(clap::Args)]
#[command(
    after_help = "A video is decoded by ffmpeg, which must be installed. A directory holds frames as JPEG, PNG or WebP, taken in the order \
                  of their names. - reads Motion-JPEG, JPEG pictures one after another, as cameras and ffmpeg send it.\n\n\
                  Of each frame the largest face counts. Each expression's share of a frame is the median of the frame and its two \
                  neighbors, so that what only one frame shows is passed over; then all frames with a face count the same.\n\n\
                  Pictures stay on this computer: nothing is sent and nothing is written.\n\n\
                  Examples:\n  \
                    circumplex face observe clip.mp4 --seconds 15\n  \
                    circumplex face observe frames --fps 10 --json\n  \
                    ffmpeg -f v4l2 -i /dev/video0 -r 5 -f mjpeg - | circumplex face observe - --seconds 15"
)]
pub(crate) struct Args {
    /// Video file, directory of frames, or - for Motion-JPEG on standard input
    source: PathBuf,
    /// Use only the last N seconds; of standard input the first N, and stop then
    #[arg(long, value_name = "N", value_parser = above_zero)]
    seconds: Option<f64>,
    /// Frames per second: of a video, how many are looked at [default: 5]; of a directory, how many it has; of standard
    /// input, how many arrive [default: by the clock]
    #[arg(long, value_name = "N", value_parser = above_zero)]
    fps: Option<f64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Map from expressions to emotions, as `circumplex face table --csv` prints it
    #[arg(long, value_name = "FILE")]
    face_map: Option<PathBuf>,
    /// ONNX file of another expression network than the one inside this program
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

pub(crate) fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    number
        .filter(|number: &f64| number.is_finite() && *number > 0.0)
        .ok_or_else(|| format!("expected a number above 0, found {text:?}"))
}

/// The expressions of a video, a directory or standard input (`-`).
///
/// # Errors
/// Where it cannot be read or shows no face.
pub(crate) fn observe_source(
    source: &Path,
    part: Option<Excerpt>,
    fps: Option<f64>,
    model: Option<&Path>,
    console: &Console,
) -> Result<FramesSeen, CliError> {
    let mut reader = reader(model, FaceReader::SMALLEST)?;
    let (name, frames) = match source {
        _ if source == Path::new("-") => {
            let input = io::stdin().lock();
            (
                Path::new("standard input"),
                FrameSource::Stream(Box::new(input)),
            )
        }
        _ if source.is_dir() => (source, FrameSource::Directory(source)),
        _ => (source, FrameSource::Video(source)),
    };
    let seen = observe_frames(frames, &mut reader, part, fps);
    let seen = seen.map_err(|error| error.with_path(name))?;
    let frames = |number: usize| count(number as u64, "frame", "frames");
    let observed = &seen.observed;
    let shares = Expression::ALL.into_iter().zip(observed.shares);
    let shares = shares.map(|(expression, share)| (expression.name(), 100.0 * share));
    console.remark(&format!(
        "{}: {} with a face{}: {}",
        name.display(),
        frames(observed.frames),
        observed.time_range(),
        shares_text(shares)
    ));
    if observed.without_face > 0 {
        console.remark(&format!(
            "skipped: {} without a face",
            frames(observed.without_face)
        ));
    }
    if observed.several > 0 {
        let several = frames(observed.several);
        console.remark(&format!(
            "used: the largest face in each of {several} with several"
        ));
    }
    if let Some(damage) = &seen.damage {
        let damaged = frames(seen.damaged);
        console.warning(&format!(
            "skipped: {damaged} that cannot be decoded: {}",
            one_line(damage)
        ));
    }
    if seen.missing_s > 0.0 {
        console.warning(&format!(
            "incomplete: {}: the last {:.1} s cannot be decoded",
            name.display(),
            seen.missing_s
        ));
    }
    Ok(seen)
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    let map = load_map(args.face_map.as_deref())?;
    let part = args.seconds.map(|length_s| Excerpt {
        start_s: None,
        length_s,
    });
    let seen = observe_source(&args.source, part, args.fps, args.model.as_deref(), console)?;
    let emotions = map.mix(&seen.observed.shares)?;
    let text = match args.json {
        true => serde_json::to_string_pretty(&json(&args.source, &seen, &emotions))?,
        false => table(&seen, &emotions),
    };
    console.print(&text)?;
    Ok(Exit::Success)
}

/// The seconds that the frames with a face stand for.
fn seconds(seen: &FramesSeen) -> f64 {
    seen.observed.frames as f64 * seen.seconds_per_frame
}

fn json(source: &Path, seen: &FramesSeen, emotions: &EmotionVector) -> Value {
    let by_name = |scale: f64| -> Map<String, Value> {
        let shares = Expression::ALL.iter().zip(seen.observed.shares);
        shares
            .map(|(expression, share)| (expression.to_string(), (share * scale).into()))
            .collect()
    };
    let emotions: Map<String, Value> = emotions
        .iter()
        .map(|(emotion, percent)| (emotion.to_string(), percent.into()))
        .collect();
    json!({
        "source": source.to_string_lossy(),
        "frames": seen.observed.frames,
        "without_face": seen.observed.without_face,
        "with_several_faces": seen.observed.several,
        "damaged_frames": seen.damaged,
        "missing_s": seen.missing_s,
        "seconds": by_name(seconds(seen)),
        "shares": by_name(1.0),
        "emotions": emotions,
    })
}

fn table(seen: &FramesSeen, emotions: &EmotionVector) -> String {
    let mut table = Table::new(["expression", ">seconds", ">share"]);
    for (expression, share) in Expression::ALL.iter().zip(seen.observed.shares) {
        table.row([
            expression.to_string(),
            format!("{:.1}", share * seconds(seen)),
            format!("{:.1} %", 100.0 * share),
        ]);
    }
    let emotions = emotions.iter();
    let emotions = emotions.map(|(emotion, percent)| (emotion.name(), percent.into()));
    format!(
        "{}\nemotions: {}",
        table.render(terminal_width()),
        shares_text(emotions)
    )
}

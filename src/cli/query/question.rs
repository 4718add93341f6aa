//! The options that make the query vector.

use super::outside::analyze_outside;
use crate::{
    audio::Excerpt,
    cli::{
        CliError,
        console::Console,
        face::{FaceMapChoice, shares_text},
        model::ModelChoice,
    },
    clock::position,
    emotion::{Emotion, EmotionVector, Expression, TYPICAL_DEVIATION},
    face::{FaceInput, ObserveOptions, observe, parse_face},
    library::Library,
    search::{Example, Examples, QueryVector, find_songs, parse_emotions, parse_vector, point},
    text::{count, visible},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// One kind of query; the songs of `--unlike` may be subtracted from each.
#[derive(clap::Args)]
pub struct Question {
    /// Emotions with weights in any unit, like happy=60,excited=40
    #[arg(long, value_name = "LIST", group = "asked", value_parser = parse_emotions, allow_hyphen_values = true)]
    emotions: Option<EmotionVector>,
    /// Eight numbers in the order of the emotions, in any unit
    #[arg(long, value_name = "A,B,C,D,E,F,G,H", group = "asked", value_parser = parse_vector, allow_hyphen_values = true)]
    vector: Option<EmotionVector>,
    /// With --arousal, a point on the plane: how pleasant, 1 to 9
    #[arg(
        long,
        value_name = "V",
        group = "asked",
        requires = "arousal",
        allow_hyphen_values = true
    )]
    valence: Option<f64>,
    /// How energetic, 1 to 9
    #[arg(
        long,
        value_name = "A",
        requires = "valence",
        allow_hyphen_values = true
    )]
    arousal: Option<f64>,
    /// Distance from the point to each side of the box around it; a larger box takes in more emotions [default: 1.5]
    #[arg(
        long,
        value_name = "S",
        requires = "valence",
        allow_hyphen_values = true
    )]
    spread: Option<f64>,
    /// Songs like this one: its path, the end of its path or its title, or a music file outside the library; several are
    /// averaged
    #[arg(long, value_name = "SONG", group = "asked")]
    like: Vec<PathBuf>,
    /// Subtract this song, named as for --like, from the query; several are averaged
    #[arg(long, value_name = "SONG")]
    unlike: Vec<PathBuf>,
    /// Expressions of a face with seconds or weights, like happy=9,neutral=4,surprise=2
    #[arg(long, value_name = "LIST", groups = ["asked", "face_asked"], value_parser = parse_face, allow_hyphen_values = true)]
    face: Option<[f64; Expression::COUNT]>,
    /// Expressions that a program recognized: CSV, JSON or Parquet with a row for each frame, and a label or a probability of
    /// each expression; - reads standard input
    #[arg(long, value_name = "FILE", groups = ["asked", "face_asked"])]
    face_file: Option<PathBuf>,
    /// Use only this much of the end of the face file (of the start of standard input), like 15s, or from a start, like
    /// 1:10:15s
    #[arg(long, value_name = "[START:]LENGTH", requires = "face_file", value_parser = stretch)]
    observe: Option<Excerpt>,
    /// Frames per second of the face file; without a column of frame numbers, rows per second
    #[arg(long, value_name = "N", requires = "face_file", value_parser = rate)]
    fps: Option<f64>,
    #[command(flatten)]
    face_map: FaceMapChoice,
    #[command(flatten)]
    model: ModelChoice,
}

/// Reads a stretch like an excerpt; without a start it is the end of the file, not the middle.
fn stretch(text: &str) -> Result<Excerpt, String> {
    text.parse()
        .map_err(|error: crate::Error| error.to_string())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok();
    rate.filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
        .ok_or_else(|| format!("expected a number above 0, found {text:?}"))
}

impl Question {
    /// The query vector. Looks up songs in `library`.
    pub fn vector(&self, library: &Library, console: &Console) -> Result<QueryVector, CliError> {
        self.check()?;
        let mut liked = self.examples(library, console)?;
        let unliked = liked.split_off(self.like.len());
        let vector = if let Some(emotions) = self.emotions.or(self.vector) {
            Some(emotions.into())
        } else if let (Some(valence), Some(arousal)) = (self.valence, self.arousal) {
            let spread = self.spread.unwrap_or(TYPICAL_DEVIATION);
            Some(point(valence, arousal, spread)?.into())
        } else if let Some(emotions) = self.face_emotions(console)? {
            Some(emotions.into())
        } else {
            QueryVector::like(&liked)
        };
        let vector = vector.ok_or(
            "no query: give --emotions, --vector, --valence with --arousal, --like, --face or --face-file",
        )?;
        Ok(vector.unlike(&unliked)?)
    }

    /// Rejects options of another kind of query than the given one: clap accepts them where they require an option that
    /// conflicts with a given one.
    fn check(&self) -> Result<(), CliError> {
        let has_file = self.face_file.is_some();
        if self.valence.is_none() && (self.arousal.is_some() || self.spread.is_some()) {
            return Err("--arousal and --spread need --valence, and no other kind of query".into());
        }
        if !has_file && (self.observe.is_some() || self.fps.is_some()) {
            return Err("--observe and --fps need --face-file".into());
        }
        if self.face.is_none() && !has_file && self.face_map.is_given() {
            return Err("--face-map needs --face or --face-file".into());
        }
        Ok(())
    }

    /// The emotions of a face, where one is given.
    fn face_emotions(&self, console: &Console) -> Result<Option<EmotionVector>, CliError> {
        let map = self.face_map.load()?;
        let shares = match (&self.face, &self.face_file) {
            (Some(weights), _) => *weights,
            (None, Some(file)) => self.observe(file, console)?,
            (None, None) => return Ok(None),
        };
        let emotions = map.mix(&shares)?;
        let names = Emotion::ALL.map(Emotion::name);
        let percent = emotions.as_array().map(f64::from);
        console.remark(&format!(
            "query emotions: {}",
            shares_text(&names, &percent)
        ));
        Ok(Some(emotions))
    }

    /// The shares of the expressions in a face file.
    fn observe(
        &self,
        file: &Path,
        console: &Console,
    ) -> Result<[f64; Expression::COUNT], CliError> {
        let options = ObserveOptions {
            start_s: self.observe.and_then(|stretch| stretch.start_s),
            length_s: self.observe.map(|stretch| stretch.length_s),
            frames_per_second: self.fps,
        };
        let (name, input) = if file == Path::new("-") {
            let name = "standard input".to_owned();
            let rows = Box::new(io::stdin().lock());
            (name.clone(), FaceInput::Stream { name, rows })
        } else {
            (file.display().to_string(), FaceInput::File(file.to_owned()))
        };
        let seen = observe(input, &options)?;
        let frames = |number: usize| count(number as u64, "frame", "frames");
        let when = seen.seconds.as_ref().map_or_else(String::new, |seconds| {
            let (start, end) = (position(seconds.start), position(seconds.end));
            format!(" from {start} to {end}")
        });
        let names = Expression::ALL.map(Expression::name);
        let percent = seen.shares.map(|share| 100.0 * share);
        console.remark(&visible(&format!(
            "{name}: {}{when}, by {}: {}",
            frames(seen.frames),
            seen.columns,
            shares_text(&names, &percent)
        )));
        if seen.without_face > 0 {
            console.remark(&format!(
                "skipped: {} without a recognized face",
                frames(seen.without_face)
            ));
        }
        if seen.several > 0 {
            console.remark(&format!(
                "averaged: the faces in each of {} with several",
                frames(seen.several)
            ));
        }
        Ok(seen.shares)
    }

    /// The songs of `--like`, then those of `--unlike`.
    fn examples(&self, library: &Library, console: &Console) -> Result<Examples, CliError> {
        let names = [self.like.as_slice(), &self.unlike].concat();
        let mut songs = Vec::new();
        let mut model = None;
        for (name, row) in names.iter().zip(find_songs(library, &names)?) {
            let (song, source) = if let Some(row) = row {
                (Example::at(library, row)?, "")
            } else {
                let model = match &model {
                    Some(model) => model,
                    None => model.insert(self.model.load()?),
                };
                let song = analyze_outside(library, name, model)?;
                (song, " (not in the library: analyzed now)")
            };
            let path = song.path.display();
            console.remark(&visible(&format!("query song: {path}{source}")));
            songs.push(song);
        }
        let examples = Examples::new(library, songs)?;
        if examples.rows.len() > examples.songs.len() {
            let copies = (examples.rows.len() - examples.songs.len()) as u64;
            console.remark(&format!(
                "also excluded: {}",
                count(copies, "copy", "copies")
            ));
        }
        Ok(examples)
    }
}

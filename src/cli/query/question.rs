//! The options that say what is asked.

use crate::{
    audio::Excerpt,
    cli::{
        CliError,
        analyze_text::count,
        console::Console,
        face::{FaceMapChoice, parts},
        model::ModelChoice,
        table::visible,
    },
    clock::position,
    emotion::{Emotion, EmotionVector, Expression, TYPICAL_DEVIATION},
    library::Collection,
    search::{
        Asked, Examples, FaceInput, FaceOptions, Observation, find_examples, observe,
        parse_emotions, parse_face, parse_vector,
    },
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// One way of asking; the songs of `--unlike` may be subtracted from each.
#[derive(clap::Args)]
pub struct Question {
    /// Emotions with weights in any unit, like happy=60,excited=40
    #[arg(long, value_name = "LIST", group = "asked", value_parser = parse_emotions, allow_hyphen_values = true)]
    emotions: Option<EmotionVector>,
    /// Eight numbers in the order of the emotions, in any unit
    #[arg(long, value_name = "A,B,C,D,E,F,G,H", group = "asked", value_parser = parse_vector, allow_hyphen_values = true)]
    vector: Option<EmotionVector>,
    /// A point on the plane, with --arousal: how pleasant, 1 to 9
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
    /// How far the box around the point reaches to each side; the more, the more emotions share [default: 1.5]
    #[arg(
        long,
        value_name = "S",
        requires = "valence",
        allow_hyphen_values = true
    )]
    spread: Option<f64>,
    /// Songs like this one: its path, the end of it or its title, or a music file outside the library. Several are averaged
    #[arg(long, value_name = "SONG", group = "asked")]
    like: Vec<PathBuf>,
    /// Away from this song, named as for --like: it is subtracted from what is asked. Several are averaged
    #[arg(long, value_name = "SONG")]
    unlike: Vec<PathBuf>,
    /// What a face showed: expressions with seconds or weights, like happy=9,neutral=4,surprise=2
    #[arg(long, value_name = "LIST", groups = ["asked", "face_asked"], value_parser = parse_face, allow_hyphen_values = true)]
    face: Option<[f64; Expression::COUNT]>,
    /// What a program saw of a face: CSV, JSON or Parquet with a row for each frame, and a label or a probability of each
    /// expression; - reads standard input
    #[arg(long, value_name = "FILE", groups = ["asked", "face_asked"])]
    face_file: Option<PathBuf>,
    /// Only so much of the face file's end (of the beginning of standard input), as 15s, or from a place on, as 1:10:15s
    #[arg(long, value_name = "[START:]LENGTH", requires = "face_file", value_parser = stretch)]
    observe: Option<Excerpt>,
    /// Frames in a second of the face file; without a column of frame numbers, rows
    #[arg(long, value_name = "N", requires = "face_file", value_parser = rate)]
    fps: Option<f64>,
    #[command(flatten)]
    face_map: FaceMapChoice,
    #[command(flatten)]
    model: ModelChoice,
}

/// The part of a face file; read as that of a song, but it lies at the end where no start is given.
fn stretch(text: &str) -> Result<Excerpt, String> {
    text.parse().map_err(|error: crate::audio::InvalidExcerpt| {
        format!(
            "expected a length like 15s or a start and a length like 1:10:15s or 70s:15s: {}",
            error.why
        )
    })
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok();
    rate.filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
        .ok_or_else(|| format!("expected a number above 0, found {text:?}"))
}

impl Question {
    /// Whether anything is asked.
    pub fn is_given(&self) -> bool {
        self.emotions.is_some()
            || self.vector.is_some()
            || self.valence.is_some()
            || self.face.is_some()
            || self.face_file.is_some()
            || !self.like.is_empty()
            || !self.unlike.is_empty()
    }

    /// What was asked. Songs are looked for in `library`.
    pub fn asked(&self, library: &Collection, console: &Console) -> Result<Asked, CliError> {
        const NOTHING: &str =
            "say what is asked for: --emotions, --vector, --valence with --arousal, or --like";
        if !self.is_given() {
            return Err(NOTHING.into());
        }
        self.is_of_one_kind()?;
        let mut liked = self.examples(library, console)?;
        let unliked = liked.split_off(self.like.len());
        let asked = if let Some(vector) = self.emotions.or(self.vector) {
            Some(vector.into())
        } else if let (Some(valence), Some(arousal)) = (self.valence, self.arousal) {
            let spread = self.spread.unwrap_or(TYPICAL_DEVIATION);
            Some(Asked::point(valence, arousal, spread)?)
        } else if let Some(face) = self.face_asked(console)? {
            Some(face.into())
        } else {
            Asked::like(&liked)
        };
        Ok(asked.ok_or(NOTHING)?.unlike(&unliked)?)
    }

    /// Refuses options that are about another question than the one that is asked: clap lets them pass where they require an
    /// option that conflicts with a given one.
    fn is_of_one_kind(&self) -> Result<(), CliError> {
        if self.valence.is_none() && (self.arousal.is_some() || self.spread.is_some()) {
            return Err("--arousal and --spread are about a point on the plane: give --valence, and nothing else to ask with".into());
        }
        if self.face_file.is_none() && (self.observe.is_some() || self.fps.is_some()) {
            return Err(
                "--observe and --fps are about --face-file; leave them out or give one".into(),
            );
        }
        if self.face.is_none() && self.face_file.is_none() && self.face_map.is_given() {
            return Err(
                "--face-map is about --face and --face-file; leave it out or give one".into(),
            );
        }
        Ok(())
    }

    /// The emotions of a face, where one is asked with.
    fn face_asked(&self, console: &Console) -> Result<Option<EmotionVector>, CliError> {
        let map = self.face_map.load()?;
        let shares = match (&self.face, &self.face_file) {
            (Some(weights), _) => *weights,
            (None, Some(file)) => self.observation(file, console)?.shares,
            (None, None) => return Ok(None),
        };
        let emotions = map.mix(&shares)?;
        let names = Emotion::ALL.map(Emotion::name);
        let values = emotions.as_array().map(f64::from);
        console.remark(&format!("asked for {}", parts(&names, &values)));
        Ok(Some(emotions))
    }

    fn observation(&self, file: &Path, console: &Console) -> Result<Observation, CliError> {
        let options = FaceOptions {
            stretch: self.observe,
            frames_per_second: self.fps,
        };
        let is_stream = file == Path::new("-");
        let input = if is_stream {
            FaceInput::Stream {
                name: "standard input".to_owned(),
                rows: Box::new(io::stdin().lock()),
            }
        } else {
            FaceInput::File(file.to_owned())
        };
        let seen = observe(input, &options)?;
        let name = if is_stream {
            "standard input".to_owned()
        } else {
            visible(&file.display().to_string())
        };
        let frames = count(seen.frames as u64, "frame", "frames");
        let when = seen.seconds.as_ref().map_or_else(String::new, |seconds| {
            format!(
                " from {} to {}",
                position(seconds.start),
                position(seconds.end)
            )
        });
        let shares = seen.shares.map(|share| 100.0 * share);
        let shows = parts(&Expression::ALL.map(Expression::name), &shares);
        let columns = visible(&seen.columns);
        console.remark(&format!("{name}: {frames}{when}, by {columns}: {shows}"));
        if seen.unsure > 0 {
            console.remark(&format!(
                "left out: {} in which no face was recognised",
                count(seen.unsure as u64, "frame", "frames")
            ));
        }
        if seen.several > 0 {
            console.remark(&format!(
                "averaged: the faces of {} with several",
                count(seen.several as u64, "frame", "frames")
            ));
        }
        Ok(seen)
    }

    /// The songs of `--like`, then those of `--unlike`.
    fn examples(&self, library: &Collection, console: &Console) -> Result<Examples, CliError> {
        let songs = [self.like.as_slice(), &self.unlike].concat();
        let examples = find_examples(library, &songs, || self.model.load())?;
        for song in &examples.songs {
            let source = match song.row {
                Some(_) => "",
                None => " (not in the library: heard now)",
            };
            console.remark(&visible(&format!("asked with {}{source}", song.name)));
        }
        if examples.rows.len() > examples.songs.len() {
            let copies = (examples.rows.len() - examples.songs.len()) as u64;
            console.remark(&format!(
                "left out with them: {}",
                count(copies, "copy", "copies")
            ));
        }
        Ok(examples)
    }
}

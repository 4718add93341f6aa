//! The options that make the query vector.

use crate::{
    audio::Excerpt,
    bindings::analyze_outside,
    cli::{
        CliError, Console, ModelChoice, count,
        face::{above_zero, load_map, observe_source, reader, shares_text},
    },
    emotion::{EmotionVector, Expression, TYPICAL_DEVIATION},
    error::{Context, ErrorKind},
    face::{FaceReader, ObserveOptions, observe, parse_face, read_picture},
    library::{Library, Song},
    search::{
        Query, QueryVector, find_songs, parse_emotions, parse_vector, point, rows_of, song_at,
    },
};
use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

/// One kind of query; the songs of `--unlike` may be subtracted from each.
#[derive(clap::Args)]
pub(crate) struct Question {
    /// Emotions with weights in any unit, like happy=60,excited=40
    #[arg(long, value_name = "LIST", group = "asked", value_parser = parse_emotions, allow_hyphen_values = true)]
    emotions: Option<EmotionVector>,
    /// Eight numbers in the order of the emotions, in any unit
    #[arg(long, value_name = "A,B,C,D,E,F,G,H", group = "asked", value_parser = parse_vector, allow_hyphen_values = true)]
    vector: Option<EmotionVector>,
    /// With --arousal, a point on the plane: how pleasant, 1 to 9
    #[arg(long, value_name = "V", group = "asked")]
    #[arg(requires = "arousal", allow_hyphen_values = true)]
    valence: Option<f64>,
    /// How energetic, 1 to 9
    #[arg(long, value_name = "A")]
    #[arg(requires = "valence", allow_hyphen_values = true)]
    arousal: Option<f64>,
    /// Distance from the point to each side of the box around it; a larger box takes in more emotions [default: 1.5]
    #[arg(long, value_name = "S")]
    #[arg(requires = "valence", allow_hyphen_values = true)]
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
    /// The largest face in a picture: JPEG, PNG or WebP
    #[arg(long, value_name = "PICTURE", groups = ["asked", "face_asked"])]
    face_image: Option<PathBuf>,
    /// A face over time: a video file (needs ffmpeg), a directory of frames, or - for Motion-JPEG on standard input
    #[arg(long, value_name = "SOURCE", groups = ["asked", "face_asked"])]
    face_video: Option<PathBuf>,
    /// Use only this much of the end of the face file or video (of the start of standard input), like 15s, or from a start,
    /// like 1:10:15s
    #[arg(long, value_name = "[START:]LENGTH")]
    observe: Option<Excerpt>,
    /// Frames per second of the face file (without a column of frame numbers, rows per second) or directory; of a video, how
    /// many are looked at [default: 5]
    #[arg(long, value_name = "N", value_parser = above_zero)]
    fps: Option<f64>,
    /// ONNX file of another expression network for --face-image and --face-video
    #[arg(long, value_name = "FILE")]
    face_model: Option<PathBuf>,
    /// Map from expressions to emotions, as `circumplex face table --csv` prints it
    #[arg(long, value_name = "FILE", requires = "face_asked")]
    face_map: Option<PathBuf>,
    #[command(flatten)]
    model: ModelChoice,
}

impl Question {
    /// Whether it asks how music feels: emotions by name, or a face.
    pub(crate) fn is_felt(&self) -> bool {
        self.emotions.is_some() || self.has_face()
    }

    fn has_face(&self) -> bool {
        let files = [&self.face_file, &self.face_image, &self.face_video];
        self.face.is_some() || files.iter().any(|file| file.is_some())
    }

    /// The vector of a query. Looks up songs in `library`.
    pub(crate) fn vector(
        &self,
        library: &Library,
        query: &Query,
        console: &Console,
    ) -> Result<QueryVector, CliError> {
        self.check()?;
        let songs = self.songs(library, console)?;
        let (liked, unliked) = songs.split_at(self.like.len());
        let vector = if let Some(emotions) = self.emotions.or(self.vector) {
            Some(emotions.into())
        } else if let (Some(valence), Some(arousal)) = (self.valence, self.arousal) {
            let spread = self.spread.unwrap_or(TYPICAL_DEVIATION);
            Some(point(valence, arousal, spread)?.into())
        } else if let Some(emotions) = self.face_emotions(console)? {
            Some(emotions.into())
        } else {
            QueryVector::like(liked, query)?
        };
        let vector = vector.ok_or(
            "no query: give --emotions, --vector, --valence with --arousal, --like, --face, --face-file, --face-image or --face-video",
        )?;
        let mut vector = vector.unlike(unliked, query)?;
        vector.excluded_rows = rows_of(library, &songs)?;
        let copies = vector.excluded_rows.len().saturating_sub(songs.len()) as u64;
        if copies > 0 {
            let copies = count(copies, "copy", "copies");
            console.remark(&format!("also excluded: {copies}"));
        }
        Ok(vector)
    }

    /// Rejects options of another kind of query than the given one: clap accepts them where they require an option that
    /// conflicts with a given one.
    fn check(&self) -> Result<(), CliError> {
        if self.valence.is_none() && (self.arousal.is_some() || self.spread.is_some()) {
            bail!("--arousal and --spread need --valence, and no other kind of query");
        }
        let has_frames = self.face_file.is_some() || self.face_video.is_some();
        if !has_frames && (self.observe.is_some() || self.fps.is_some()) {
            bail!("--observe and --fps need --face-file or --face-video");
        }
        if !self.has_face() && self.face_map.is_some() {
            bail!("--face-map needs --face, --face-file, --face-image or --face-video");
        }
        let has_picture = self.face_image.is_some() || self.face_video.is_some();
        if !has_picture && self.face_model.is_some() {
            bail!("--face-model needs --face-image or --face-video");
        }
        Ok(())
    }

    /// The emotions of a face, where one is given.
    fn face_emotions(&self, console: &Console) -> Result<Option<EmotionVector>, CliError> {
        let map = load_map(self.face_map.as_deref())?;
        let shares = if let Some(weights) = &self.face {
            *weights
        } else if let Some(file) = &self.face_file {
            self.observe(file, console)?
        } else if let Some(picture) = &self.face_image {
            self.look(picture, console)?
        } else if let Some(source) = &self.face_video {
            let model = self.face_model.as_deref();
            let seen = observe_source(source, self.observe, self.fps, model, console)?;
            seen.observed.shares
        } else {
            return Ok(None);
        };
        let emotions = map.mix(&shares)?;
        let shares = emotions.iter();
        let shares = shares_text(shares.map(|(emotion, share)| (emotion.name(), share.into())));
        console.remark(&format!("query emotions: {shares}"));
        Ok(Some(emotions))
    }

    /// The probabilities of the expressions of the largest face in a picture.
    fn look(&self, path: &Path, console: &Console) -> Result<[f64; Expression::COUNT], CliError> {
        let mut reader = reader(self.face_model.as_deref(), FaceReader::SMALLEST)?;
        let faces = reader.faces(&read_picture(path)?);
        let faces = faces.map_err(|error| error.with_path(path))?;
        let Some(face) = faces.first() else {
            bail!(
                "{}: no face found; give a picture that shows one larger, or crop it",
                path.display()
            );
        };
        let several = match faces.len() {
            1 => String::new(),
            number => format!(" (the largest of {number} faces)"),
        };
        let shares = face.expressions.map(f64::from);
        let named = Expression::ALL.into_iter().zip(shares);
        let named = named.map(|(expression, share)| (expression.name(), 100.0 * share));
        let path = path.display();
        console.remark(&format!("{path}{several}: {}", shares_text(named)));
        Ok(shares)
    }

    /// The shares of the expressions in a face file.
    fn observe(
        &self,
        file: &Path,
        console: &Console,
    ) -> Result<[f64; Expression::COUNT], CliError> {
        let is_live = file == Path::new("-");
        let (name, rows): (&Path, Box<dyn BufRead>) = if is_live {
            (Path::new("standard input"), Box::new(io::stdin().lock()))
        } else {
            let rows = File::open(file);
            let rows = rows.context_at(ErrorKind::Io, file, "cannot read the face file")?;
            (file, Box::new(BufReader::new(rows)))
        };
        let options = ObserveOptions {
            is_live,
            start_s: self.observe.and_then(|stretch| stretch.start_s),
            length_s: self.observe.map(|stretch| stretch.length_s),
            frames_per_second: self.fps,
        };
        let seen = observe(rows, &options).map_err(|error| error.with_path(name))?;
        let frames = |number: usize| count(number as u64, "frame", "frames");
        let shares = Expression::ALL.into_iter().zip(seen.shares);
        let shares = shares.map(|(expression, share)| (expression.name(), 100.0 * share));
        console.remark(&format!(
            "{}: {}{}, by {}: {}",
            name.display(),
            frames(seen.frames),
            seen.time_range(),
            seen.columns,
            shares_text(shares)
        ));
        if seen.without_face > 0 {
            let skipped = frames(seen.without_face);
            console.remark(&format!("skipped: {skipped} without a recognized face"));
        }
        if seen.several > 0 {
            let several = frames(seen.several);
            console.remark(&format!(
                "averaged: the faces in each of {several} with several"
            ));
        }
        Ok(seen.shares)
    }

    /// The songs of `--like`, then those of `--unlike`.
    fn songs(&self, library: &Library, console: &Console) -> Result<Vec<Song>, CliError> {
        let names = [self.like.as_slice(), &self.unlike].concat();
        let mut songs = Vec::new();
        let mut model = None;
        for (name, row) in names.iter().zip(find_songs(library, &names)?) {
            let (song, source) = if let Some(row) = row {
                (song_at(library, row)?, "")
            } else {
                let model = match &model {
                    Some(model) => model,
                    None => model.insert(self.model.load()?),
                };
                let song = analyze_outside(library, name, model)?;
                (song, " (not in the library: analyzed now)")
            };
            let path = song.path.display();
            console.remark(&format!("query song: {path}{source}"));
            songs.push(song);
        }
        Ok(songs)
    }
}

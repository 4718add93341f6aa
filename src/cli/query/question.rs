//! The options that say what is asked.

use crate::{
    cli::{CliError, analyze_text::count, console::Console, model::ModelChoice, table::visible},
    emotion::{EmotionVector, TYPICAL_DEVIATION},
    library::Collection,
    query::{Asked, Examples, find_examples, parse_emotions, parse_vector},
};
use std::path::PathBuf;

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
    /// How far the box around the point reaches to each side; the more, the more emotions share
    #[arg(long, value_name = "S", requires = "valence", default_value_t = TYPICAL_DEVIATION, allow_hyphen_values = true)]
    spread: f64,
    /// Songs like this one: its path, the end of it or its title, or a music file outside the library. Several are averaged
    #[arg(long, value_name = "SONG", group = "asked")]
    like: Vec<PathBuf>,
    /// Away from this song, named as for --like: it is subtracted from what is asked. Several are averaged
    #[arg(long, value_name = "SONG")]
    unlike: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelChoice,
}

impl Question {
    /// Whether anything is asked.
    pub fn is_given(&self) -> bool {
        self.emotions.is_some()
            || self.vector.is_some()
            || self.valence.is_some()
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
        let mut liked = self.examples(library, console)?;
        let unliked = liked.split_off(self.like.len());
        let asked = if let Some(vector) = self.emotions.or(self.vector) {
            Some(vector.into())
        } else if let (Some(valence), Some(arousal)) = (self.valence, self.arousal) {
            Some(Asked::point(valence, arousal, self.spread)?)
        } else {
            Asked::like(&liked)
        };
        Ok(asked.ok_or(NOTHING)?.unlike(&unliked)?)
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

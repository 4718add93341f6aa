//! The options that say what is asked.

use crate::{
    cli::CliError,
    emotion::EmotionVector,
    query::{Asked, parse_emotions, parse_vector},
};

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub struct Question {
    /// Emotions with weights in any unit, like happy=60,excited=40
    #[arg(long, value_name = "LIST", value_parser = parse_emotions)]
    emotions: Option<EmotionVector>,
    /// Eight numbers in the order of the emotions, in any unit
    #[arg(long, value_name = "A,B,C,D,E,F,G,H", value_parser = parse_vector, allow_hyphen_values = true)]
    vector: Option<EmotionVector>,
}

impl Question {
    /// What was asked.
    pub fn asked(&self) -> Result<Asked, CliError> {
        let vector = self.emotions.as_ref().or(self.vector.as_ref());
        Ok(Asked::from(vector.cloned().ok_or(
            "say what is asked for with --emotions or --vector",
        )?))
    }
}

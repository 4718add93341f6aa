//! A question to ranked songs.

mod nearest;
mod parse;

pub use nearest::{Match, nearest};
pub use parse::{QuestionError, parse_emotions, parse_vector};

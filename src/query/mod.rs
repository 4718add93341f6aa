//! A question to ranked songs.

mod nearest;
mod question;

pub use nearest::{Match, nearest};
pub use question::{Asked, QuestionError, parse_emotions, parse_vector};

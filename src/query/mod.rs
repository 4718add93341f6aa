//! A question to ranked songs.

mod nearest;
mod question;

pub use nearest::{Match, nearest};
pub use question::{
    Asked, Example, Examples, QuestionError, SongError, find_examples, parse_emotions, parse_point,
    parse_target, parse_vector,
};

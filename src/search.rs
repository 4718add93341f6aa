//! Query vectors to ranked songs.

mod filter;
mod limits;
mod many;
mod metric;
mod query;
mod question;
mod relative;
mod songs;
mod top;
mod vector;

pub use filter::Filter;
pub(crate) use many::{Questions, answer_many};
pub use metric::Metric;
pub use query::{Explore, Match, Query};
pub(crate) use question::{parse_emotions, parse_pairs, parse_target, parse_vector, point};
pub use relative::MeanEmotions;
pub(crate) use relative::strongest;
pub(crate) use songs::{find_each, find_songs, rows_of, silent, song_at};
pub use vector::{QueryVector, SongVector};

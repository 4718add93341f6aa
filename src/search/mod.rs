//! A question to ranked songs.

mod best;
mod block;
mod filter;
mod many;
mod metric;
mod nearest;
mod question;
mod song;
mod sweep;
mod vector;

pub use filter::{Filter, FilterError};
pub use many::{Answered, ManyError, Questions, QuestionsError, answer_many};
pub use metric::{Metric, MetricError};
pub use nearest::{Explore, Match, QueryError, Search};
pub use question::{parse_emotions, parse_point, parse_target, parse_vector, point};
pub use song::{Example, Examples, SongError, find_examples};
pub use vector::QueryVector;

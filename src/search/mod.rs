//! A question to ranked songs.

mod best;
mod block;
mod filter;
mod many;
mod metric;
mod nearest;
mod question;
mod sweep;

pub use filter::{Filter, FilterError};
pub use many::{Answered, ManyError, Questions, QuestionsError, answer_many};
pub use metric::{Metric, MetricError};
pub use nearest::{Explore, Match, QueryError, Search};
pub use question::{
    Asked, Example, Examples, FaceError, FaceInput, FaceMapError, FaceOptions, Observation,
    QuestionError, SongError, find_examples, observe, parse_emotions, parse_face, parse_point,
    parse_target, parse_vector, read_face_map,
};

//! Arrow batches, directories and questions for programs in other languages: what the Python package calls.

mod batch;
mod classes;
mod directory;
mod outside;
mod question;

pub use crate::contain::silence_caught_panics;
pub use batch::{Row, Rows, Source, analyze, analyze_all, batch_of, sources};
pub use classes::classify;
pub use directory::{DirectoryOptions, analyze_directories};
pub(crate) use outside::analyze_outside;
pub use question::{Asked, FoundFace, Options, Picture, face, mel, nearest};

//! circumplex turns music files into emotion vectors on Russell's valence-arousal circumplex, and answers
//! questions with them.
//!
//! A music file flows one way, from sound to numbers to answers, and each module knows nothing of the modules
//! behind it:
//!
//! ```text
//!  file ─▶ audio ─▶ mel ─▶ model ─▶ library ─▶ query / export      (the first three, for one file: chain)
//!                    │       ▲
//!                    └─▶ dataset ─▶ train (libtorch) ─▶ a model file ─▶ evaluate
//! ```
//!
//! [`emotion`] holds the eight emotions and their geometry; every module uses it and it uses none.
// The one exception sets the memory allocator for training (cli/train/memory.rs).
#![deny(unsafe_code)]
// Library code returns errors and never prints or exits; what `cli` prints goes through its console.
#![cfg_attr(
    not(test),
    warn(
        clippy::dbg_macro,
        clippy::exit,
        clippy::print_stderr,
        clippy::print_stdout,
        clippy::todo,
        clippy::unimplemented,
        clippy::unwrap_used
    )
)]

pub mod analysis;
pub mod atomic_file;
pub mod audio;
pub mod cli;
pub mod clock;
mod cluster;
pub mod contain;
pub mod dataset;
pub mod emotion;
pub mod error;
pub mod evaluate;
mod face;
pub mod figure;
pub mod library;
pub mod mel;
pub mod model;
pub mod output;
pub mod scan;
pub mod search;
pub mod tags;
#[cfg(test)]
mod test_tone;
mod text;
#[cfg(feature = "train")]
pub mod train;

pub use error::{Error, ErrorKind, Result};

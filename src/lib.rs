//! circumplex turns music files into emotion vectors on Russell's valence-arousal circumplex, keeps them in a Parquet
//! library, and searches it.
//!
//! # Analyze a file
//!
//! [`Model::shipped`](model::Model::shipped) is the model inside the crate; [`analyze_file`](analysis::analyze_file)
//! decodes, resamples and runs it. [`analyze_bytes`](analysis::analyze_bytes) does the same for a file in memory. The
//! example makes its own music:
//!
//! ```
//! use circumplex::{
//!     analysis::{AnalyzeOptions, analyze_file},
//!     model::Model,
//! };
//!
//! let directory = tempfile::tempdir()?;
//! let song = directory.path().join("song.wav");
//! let spec = hound::WavSpec {
//!     channels: 1,
//!     sample_rate: 22_050,
//!     bits_per_sample: 16,
//!     sample_format: hound::SampleFormat::Int,
//! };
//! let mut wav = hound::WavWriter::create(&song, spec)?;
//! for n in 0..5 * spec.sample_rate {
//!     let note = [262.0, 330.0, 392.0, 523.0][n as usize / 5_000 % 4];
//!     let phase = std::f32::consts::TAU * note * n as f32 / spec.sample_rate as f32;
//!     wav.write_sample((8_000.0 * phase.sin()) as i16)?;
//! }
//! wav.finalize()?;
//!
//! let model = Model::shipped()?;
//! let analysis = analyze_file(&song, &model, &AnalyzeOptions::default())?;
//! let prediction = &analysis.prediction;
//! println!("valence {:.1}, arousal {:.1} (1 to 9)", prediction.valence, prediction.arousal);
//! for (emotion, percent) in prediction.emotions.iter() {
//!     println!("{emotion}: {percent:.1} %");
//! }
//! assert_eq!(analysis.audio.duration_s, 5.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Map
//!
//! A music file flows one way, and no module knows the modules after it:
//!
//! ```text
//!  file ─▶ audio ─▶ mel ─▶ model ─▶ library ─▶ search ─▶ output      (the first three, for one file: analysis)
//!                    │       ▲                    ▲
//!                    │       │              face ─┘   a picture, a video or a webcam to an emotion vector
//!                    └─▶ dataset ─▶ train (libtorch) ─▶ a model file ─▶ evaluate
//! ```
//!
//! - [`emotion`]: [`EmotionVector`](emotion::EmotionVector), the eight emotions and their geometry. Every module uses it.
//! - [`audio`]: [`Decoder`](audio::Decoder), a file to mono samples; [`mel`]: log-mel spectrograms with librosa's numbers.
//! - [`model`]: [`Model`](model::Model), one ONNX file with its preprocessing, labels and scores.
//! - [`analysis`]: [`Analysis`](analysis::Analysis), the chain from a file to its emotions.
//! - [`library`]: [`Library`](library::Library), songs and vectors in Parquet; [`scan`]: a directory to a library.
//! - [`search`]: query vectors, metrics, filters and the nearest songs; [`output`]: one writer per format.
//! - [`dataset`], [`evaluate`], `train`: labeled music, scores of a model, and training.
//!
//! Everything that can fail returns [`Error`], whose [`kind`](Error::kind) a program can match on.
//!
//! # Features
//!
//! - `train`: training with libtorch (off by default; nothing else needs libtorch).
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

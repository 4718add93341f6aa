//! circumplex turns music files into emotion vectors on Russell's valence-arousal circumplex, keeps them in a Parquet
//! library, and searches it.
//!
//! # Analyze a file
//!
//! [`Model::shipped`] is the model inside the crate; [`analyze_file`] decodes, resamples and runs it. [`analyze_bytes`]
//! does the same for a file in memory. The example makes its own music:
//!
//! ```
//! use circumplex::{AnalyzeOptions, Model, analyze_file};
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
//! # Search a library
//!
//! `circumplex analyze` writes a [`Library`]; a [`Query`] finds the songs nearest to a [`QueryVector`]:
//!
//! ```
//! use circumplex::{EmotionVector, Library, LibraryInfo, LibraryWriter, ModelStamp, Query, Song};
//! use std::{num::NonZeroUsize, path::Path};
//!
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("library.parquet");
//! let model = ModelStamp { identity: "0".repeat(64), name: "example".to_owned() };
//! let info = LibraryInfo::new(model, serde_json::json!({}));
//! let mut writer = LibraryWriter::create(&path, &info, 1)?;
//! for (name, weights) in [
//!     ("waltz.mp3", [6.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]),
//!     ("lament.mp3", [0.0, 0.0, 0.0, 1.0, 7.0, 2.0, 0.0, 0.0]),
//! ] {
//!     let emotions = EmotionVector::from_weights(weights)?;
//!     writer.push(Song { path: name.into(), emotions, embedding: vec![0.0], ..Song::default() })?;
//! }
//! writer.finish()?;
//!
//! let library = Library::open(&path)?;
//! let happy = EmotionVector::from_weights([60.0, 40.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])?;
//! let nearest = Query::default().nearest(&library, &happy.into(), NonZeroUsize::MIN)?;
//! assert_eq!(nearest[0].song.path, Path::new("waltz.mp3"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Map
//!
//! A music file flows one way, and no module knows the modules after it (`ARCHITECTURE.md` has the rules):
//!
//! ```text
//!  file ─▶ audio ─▶ mel ─▶ model ─▶ library ─▶ search ─▶ output      (the first three, for one file: analysis)
//!                    │       ▲                    ▲
//!                    │       │              face ─┘   a face's expressions to an emotion vector
//!                    └─▶ dataset ─▶ train (libtorch) ─▶ a model file ─▶ evaluate
//! ```
//!
//! - The chain for one file: [`Decoder`] and [`Resampler`], [`MelExtractor`], [`Model`], [`Analysis`].
//! - Emotions: [`Emotion`], [`EmotionVector`], [`Expression`] and [`FaceMap`].
//! - Libraries: [`Library`], [`Song`], [`LibraryWriter`]; [`Query`], [`Metric`], [`Filter`].
//! - Classes of your own, from the labels of some songs: [`ClassLabels`], [`Classifier`].
//!
//! Everything that can fail returns [`Error`], whose [`kind`](Error::kind) a program can match on.
//!
//! # Features
//!
//! - `serve`: the page in the browser of `circumplex serve` (on by default).
//! - `train`: training with libtorch (off by default; nothing else needs libtorch).
// The one exception sets the memory allocator for training (cli/train/memory.rs).
#![deny(unsafe_code)]
#![warn(missing_docs)]
// `testing` exports functions whose types stay internal.
#![allow(private_interfaces)]
// Library code returns errors and never prints or exits; what `cli` prints goes through its console.
#![cfg_attr(
    not(test),
    warn(
        unreachable_pub,
        clippy::dbg_macro,
        clippy::exit,
        clippy::print_stderr,
        clippy::print_stdout,
        clippy::todo,
        clippy::unimplemented,
        clippy::unwrap_used
    )
)]

mod analysis;
mod atomic_file;
mod audio;
#[doc(hidden)]
pub mod bindings;
mod charset;
mod classify;
mod cli;
mod clock;
mod cluster;
mod contain;
mod dataset;
mod emotion;
mod error;
mod evaluate;
mod face;
mod figure;
mod library;
mod mel;
mod model;
#[cfg(test)]
#[path = "../tests/common/npy.rs"]
mod npy;
mod output;
mod scan;
mod search;
#[cfg(feature = "serve")]
mod serve;
mod tags;
#[cfg(test)]
mod test_faces;
#[cfg(test)]
mod test_tone;
mod text;
#[cfg(feature = "train")]
mod train;

pub use analysis::{
    Analysis, AnalyzeOptions, LogMel, SILENCE, analyze_bytes, analyze_file, spectrograms,
};
pub use audio::{AudioInfo, Decoder, Excerpt, Resampler, Segment, Tags, use_ffmpeg};
pub use charset::TagCharset;
pub use classify::{ClassBaseline, ClassScore, ClassScores, Classifier, ClassifyOptions};
#[doc(hidden)]
pub use cli::run;
pub use dataset::ClassLabels;
pub use emotion::{Emotion, EmotionVector, Expression, FaceMap, Moment, Quadrant};
pub use error::{Error, ErrorKind, Result};
pub use library::{
    Column, Columns, FailedFile, Library, LibraryInfo, LibraryWriter, Micros, ModelStamp, Song,
};
pub use mel::{Framer, FrequencyScale, MelConfig, MelExtractor, Window, WindowRule};
pub use model::{Model, ModelMetadata, Prediction, Preprocessing, Recipe};
pub use search::{Explore, Filter, Match, MeanEmotions, Metric, Query, QueryVector, SongVector};

/// For the tests and fuzz targets of this repository; no part of the interface, and free to change.
#[doc(hidden)]
pub mod testing {
    pub use crate::{
        contain::is_caught,
        dataset::{ColumnChoice, Dataset, Finding, LabelOptions, Part, Provenance, SplitMethod},
        evaluate::{Scores, label_of},
        face::count_faces,
        scan::{Journal, Record, Sheet},
    };
    #[cfg(feature = "train")]
    pub use crate::{
        dataset::Spectrograms,
        train::{EpochScores, Event, Run, Songs, Trained, evaluate_onnx, scores_of},
    };
}

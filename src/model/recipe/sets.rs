//! Further sources that a network learns from: sets of music, and teachers.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{emotion::Emotion, mel::MelConfig};

/// A set of music beside the labeled songs of the run; `circumplex train --set NAME=DATA` says where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSet {
    /// The name of the set.
    pub name: String,
    /// Its labels.
    pub labels: SetLabels,
    /// With votes: the emotion to which each word belongs. Votes for an emotion without a word are unknown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub words: BTreeMap<String, Emotion>,
}

/// The labels of a further set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetLabels {
    /// For each word, the share of listeners who chose it for a song. They are learned by an output of their own, `felt`.
    Votes,
    /// None: only teachers tell something about these songs.
    None,
}

/// A network, or a table of its outputs, that the trained network learns to predict from the same music (distillation,
/// Hinton, Vinyals & Dean 2015).
///
/// The teacher's numbers for successive patches of a song are standardized over all songs and interpolated in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Teacher {
    /// Name in messages, and of the file that keeps its targets.
    pub name: String,
    /// An ONNX file with the input `log_mel` (needs `input` and `outputs`), or a Parquet file with the columns `path`,
    /// `start_s` and `vector`; relative to `--teachers`.
    pub file: PathBuf,
    /// Outputs of the ONNX file, joined to one vector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// Where the student's prediction is read off.
    pub at: Attachment,
    /// Weight of the mean squared error beside the losses of labels.
    pub weight: f64,
    /// Input of the ONNX file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<TeacherInput>,
}

/// A teacher's input: `[batch, 1, n_mels, frames]` in dB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeacherInput {
    /// Frames of a patch; patches follow one another without overlap.
    pub frames: usize,
    /// The log-mel spectrogram.
    pub features: MelConfig,
}

/// Where a linear layer predicts a teacher's numbers from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attachment {
    /// The features over time, averaged over about three seconds: one prediction for each of these moments.
    Features,
    /// The embedding: one prediction for the window, of the mean over the song.
    Embedding,
}

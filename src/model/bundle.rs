//! [`Bundle`]: one ONNX file with its preprocessing, labels, version and scores in its metadata.

use std::path::{Path, PathBuf};

use prost::Message;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tract_onnx::pb;

use crate::{
    emotion::Emotion,
    mel::{MelConfig, WindowRule},
};

/// The key under which an ONNX file carries its [`Metadata`].
pub const METADATA_KEY: &str = "circumplex";
/// The version of [`Metadata`] that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;
/// Name of the network's input: float32 `[batch, 1, bands, frames]`, dB.
pub const INPUT: &str = "log_mel";
/// Name of the output of eight percentages: float32 `[batch, 8]`, sum 100.
pub const EMOTIONS: &str = "emotions";
/// Name of the output of valence and arousal: float32 `[batch, 2]`, scale 1 to 9.
pub const VALENCE_AROUSAL: &str = "valence_arousal";
/// Name of the output that places songs by their sound: float32 `[batch, E]`.
pub const EMBEDDING: &str = "embedding";
/// Name of the output that only multi-label models have, the probability that each emotion is present: float32
/// `[batch, 8]`, 0 to 1.
pub const PROBABILITIES: &str = "probabilities";

/// The model inside the binary.
const SHIPPED: &[u8] = include_bytes!("../../models/best-cnn.onnx");
const SHIPPED_NAME: &str = "the model inside this program";

/// Everything between a file's samples and the network's input. A model is never used with other settings than its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// How a window becomes a log-mel spectrogram; also the sample rate of the windows.
    pub mel: MelConfig,
    /// How a song is cut into windows.
    pub window: WindowRule,
}

impl Preprocessing {
    /// Frames of one window's spectrogram.
    pub fn frames(&self) -> usize {
        self.mel.frames(self.window.length)
    }
}

/// How the percentages that the network learned were made from valence and arousal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSettings {
    /// Half the box's side, in standard deviations.
    pub sigma: f64,
    /// How the plane is cut: `sectors`.
    pub scheme: String,
}

/// What a model was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingData {
    /// The data set's name, as far as known.
    pub name: String,
    /// Songs that the weights were fitted to.
    pub songs: usize,
    /// Mean of their percentages, in the order of [`Emotion::ALL`]: what a predictor that has not heard the song
    /// would answer.
    pub mean_emotions: Vec<f64>,
    /// The recipe, as TOML: with the data, all that is needed to train the model again.
    pub recipe: String,
    /// How the songs were labelled and kept apart ([`Provenance`](crate::dataset::Provenance) as JSON); none in files
    /// that were written before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<serde_json::Value>,
}

/// The JSON that the ONNX file carries under the metadata key [`METADATA_KEY`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The model's name, from its recipe.
    pub name: String,
    /// From samples to the network's input.
    pub preprocessing: Preprocessing,
    /// Names of the eight outputs, in order.
    pub labels: Vec<String>,
    /// How the labels were made.
    pub label_settings: LabelSettings,
    /// Length of the embedding.
    pub embedding: usize,
    /// What it was trained on.
    pub training: TrainingData,
    /// Scores on songs that the weights were not fitted to, by name.
    pub scores: serde_json::Value,
}

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file cannot be read.
    #[error("cannot read the model {}; give the path of an ONNX file that `circumplex train` wrote", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The bytes are no ONNX file, or one that the runtime cannot run.
    #[error("{model} is not an ONNX model that this program can run: {reason}")]
    NotRunnable {
        /// Which model.
        model: String,
        /// What the decoder or the runtime said.
        reason: String,
    },
    /// The file is ONNX, but was not written by this program.
    #[error(
        "{model} carries no `{METADATA_KEY}` metadata, so its preprocessing and labels are unknown; \
         use a file that `circumplex train` wrote"
    )]
    NoMetadata {
        /// Which model.
        model: String,
    },
    /// The metadata is no JSON of the expected fields.
    #[error("the `{METADATA_KEY}` metadata of {model} cannot be read; train the model again")]
    Metadata {
        /// Which model.
        model: String,
        /// Where the JSON is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// Another version of this program wrote the file.
    #[error(
        "{model} has format version {found}, this program reads version {FORMAT_VERSION}; \
         train the model again or use the program version that wrote it"
    )]
    FormatVersion {
        /// Which model.
        model: String,
        /// The version in the file.
        found: u64,
    },
    /// Metadata and network disagree, or the metadata contradicts itself.
    #[error(
        "{model} is inconsistent: {what} should be {expected}, but is {found}; train the model again"
    )]
    Inconsistent {
        /// Which model.
        model: String,
        /// Which part of it.
        what: String,
        /// What the metadata or this program asks for.
        expected: String,
        /// What the file holds.
        found: String,
    },
    /// The network failed on an input.
    #[error("{model} failed on a window: {reason}")]
    Inference {
        /// Which model.
        model: String,
        /// What went wrong.
        reason: String,
    },
}

/// A model file that was read and whose metadata agrees with its network.
#[derive(Debug, Clone)]
pub struct Bundle {
    name: String,
    metadata: Metadata,
    identity: String,
    proto: pb::ModelProto,
}

impl Bundle {
    /// Reads a model file.
    ///
    /// # Errors
    /// [`ModelError`] where the file cannot be read, is no ONNX, lacks the metadata, has another format version, or
    /// its shapes disagree with its metadata.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let bytes = std::fs::read(path).map_err(|source| ModelError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::from_bytes(&path.display().to_string(), &bytes)
    }

    /// The [`identity`](Self::identity) of the model inside the binary, without the work of reading it.
    pub fn shipped_identity() -> String {
        identity(SHIPPED)
    }

    /// The model inside the binary.
    ///
    /// # Errors
    /// As [`Bundle::load`]; a build whose tests passed has none.
    pub fn shipped() -> Result<Self, ModelError> {
        Self::from_bytes(SHIPPED_NAME, SHIPPED)
    }

    /// Reads a model from the bytes of an ONNX file; `name` is what messages call it.
    ///
    /// # Errors
    /// As [`Bundle::load`].
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, ModelError> {
        let model = || name.to_owned();
        let proto = pb::ModelProto::decode(bytes).map_err(|error| ModelError::NotRunnable {
            model: model(),
            reason: error.to_string(),
        })?;
        let json = proto
            .metadata_props
            .iter()
            .find(|entry| entry.key == METADATA_KEY)
            .map(|entry| entry.value.as_str())
            .ok_or_else(|| ModelError::NoMetadata { model: model() })?;
        let metadata = parse_metadata(name, json)?;
        let bundle = Self {
            name: model(),
            metadata,
            identity: identity(bytes),
            proto,
        };
        bundle.check()?;
        Ok(bundle)
    }

    /// What messages call this model: its path, or that it is the one inside the program.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the file says of itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// SHA-256 of the file's bytes, hexadecimal. Vectors of different identities never mix silently.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The network, decoded.
    pub(crate) fn proto(&self) -> &pb::ModelProto {
        &self.proto
    }

    fn check(&self) -> Result<(), ModelError> {
        let metadata = &self.metadata;
        let names: Vec<&str> = Emotion::ALL.iter().map(|emotion| emotion.name()).collect();
        self.expect(
            "the label order",
            names.join(", "),
            metadata.labels.join(", "),
        )?;
        let Preprocessing { mel, window } = &metadata.preprocessing;
        if let Err(error) = mel.validate() {
            return Err(self.inconsistent(
                "the preprocessing",
                "usable".to_owned(),
                error.to_string(),
            ));
        }
        if window.length < mel.n_fft {
            return Err(self.inconsistent(
                "the window's length",
                format!("at least {} samples", mel.n_fft),
                window.length.to_string(),
            ));
        }
        let graph = self
            .proto
            .graph
            .as_ref()
            .ok_or_else(|| ModelError::NotRunnable {
                model: self.name.clone(),
                reason: "it holds no graph".to_owned(),
            })?;
        let weights: Vec<&str> = graph
            .initializer
            .iter()
            .map(|tensor| tensor.name.as_str())
            .collect();
        let inputs: Vec<_> = graph
            .input
            .iter()
            .filter(|input| !weights.contains(&input.name.as_str()))
            .collect();
        self.expect_shape(
            &inputs,
            INPUT,
            &[1, mel.n_mels, metadata.preprocessing.frames()],
        )?;
        let outputs: Vec<_> = graph.output.iter().collect();
        self.expect_shape(&outputs, EMOTIONS, &[Emotion::COUNT])?;
        self.expect_shape(&outputs, VALENCE_AROUSAL, &[2])?;
        self.expect_shape(&outputs, EMBEDDING, &[metadata.embedding])?;
        if self.is_multi_label() {
            self.expect_shape(&outputs, PROBABILITIES, &[Emotion::COUNT])?;
        }
        Ok(())
    }

    /// Whether the network says of each emotion how probable it is that it is present.
    pub fn is_multi_label(&self) -> bool {
        let graph = self.proto.graph.as_ref();
        graph.is_some_and(|graph| {
            graph
                .output
                .iter()
                .any(|output| output.name == PROBABILITIES)
        })
    }

    /// Checks that a tensor of that name is float32 `[batch, shape...]`.
    fn expect_shape(
        &self,
        values: &[&pb::ValueInfoProto],
        name: &str,
        shape: &[usize],
    ) -> Result<(), ModelError> {
        let found = match values.iter().find(|value| value.name == name) {
            Some(value) => describe(value),
            None => "missing".to_owned(),
        };
        let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
        self.expect(
            &format!("`{name}`"),
            format!("float32 [batch, {}]", sizes.join(", ")),
            found,
        )
    }

    fn expect(&self, what: &str, expected: String, found: String) -> Result<(), ModelError> {
        if expected == found {
            Ok(())
        } else {
            Err(self.inconsistent(what, expected, found))
        }
    }

    fn inconsistent(&self, what: &str, expected: String, found: String) -> ModelError {
        ModelError::Inconsistent {
            model: self.name.clone(),
            what: what.to_owned(),
            expected,
            found,
        }
    }
}

/// SHA-256 of a model file, hexadecimal.
fn identity(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Looks at the version before the rest, so that a file of another version is told by its version.
fn parse_metadata(model: &str, json: &str) -> Result<Metadata, ModelError> {
    let wrong = |source| ModelError::Metadata {
        model: model.to_owned(),
        source,
    };
    let value: serde_json::Value = serde_json::from_str(json).map_err(wrong)?;
    if let Some(found) = value
        .get("format_version")
        .and_then(serde_json::Value::as_u64)
        && found != u64::from(FORMAT_VERSION)
    {
        return Err(ModelError::FormatVersion {
            model: model.to_owned(),
            found,
        });
    }
    serde_json::from_value(value).map_err(wrong)
}

/// A tensor's type in words: `float32 [batch, 1, 128, 646]`; the first dimension is called batch whatever its name.
fn describe(value: &pb::ValueInfoProto) -> String {
    use pb::{tensor_proto::DataType, tensor_shape_proto::dimension::Value, type_proto};
    let Some(type_proto::Value::TensorType(tensor)) =
        value.r#type.as_ref().and_then(|t| t.value.as_ref())
    else {
        return "no tensor".to_owned();
    };
    let element = match tensor.elem_type {
        code if code == DataType::Float as i32 => "float32".to_owned(),
        code => format!("element type {code}"),
    };
    let dimensions = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
    let sizes: Vec<String> = dimensions
        .iter()
        .enumerate()
        .map(|(position, dimension)| match &dimension.value {
            _ if position == 0 => "batch".to_owned(),
            Some(Value::DimValue(size)) => size.to_string(),
            Some(Value::DimParam(name)) => name.clone(),
            None => "?".to_owned(),
        })
        .collect();
    format!("{element} [{}]", sizes.join(", "))
}

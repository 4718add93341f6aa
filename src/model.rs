//! [`Model`]: one ONNX file with its preprocessing, labels and scores, ready to predict.

pub(crate) mod onnx;
mod recipe;
pub(crate) mod runtime;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use prost::Message;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{
    emotion::{Emotion, EmotionVector, SCALE_MAX, SCALE_MIN},
    error::{Context, Error, ErrorKind, Result},
    mel::{MelConfig, WindowRule},
};
use onnx::{GraphProto, ModelProto, ValueInfoProto};
use runtime::Network;

pub use recipe::Recipe;
#[cfg(feature = "train")]
pub(crate) use recipe::{
    AffectLoss, Attachment, Augmentation, EmotionLoss, LabelSet, Network as NetworkShape,
    OptimizerKind, OutputKind, Pooling, Schedule, SetLabels, Statistic, Teacher, TeacherInput,
    suggestion,
};

/// The key of the [`ModelMetadata`] among an ONNX file's metadata.
pub(crate) const METADATA_KEY: &str = "circumplex";
/// The version of [`ModelMetadata`] that this program writes and reads.
pub(crate) const FORMAT_VERSION: u32 = 1;
/// Name of the network's input: float32 `[batch, 1, bands, frames]`, dB.
pub(crate) const INPUT: &str = "log_mel";
/// Name of the output of eight percentages: float32 `[batch, 8]`, sum 100.
pub(crate) const EMOTIONS: &str = "emotions";
/// Name of the output of valence and arousal: float32 `[batch, 2]`, scale 1 to 9.
pub(crate) const VALENCE_AROUSAL: &str = "valence_arousal";
/// Name of the output that places songs by their audio: float32 `[batch, E]`.
pub(crate) const EMBEDDING: &str = "embedding";
/// Name of the output that only models with listeners' votes have, the percentages of what listeners felt: float32
/// `[batch, 8]`, sum 100.
pub(crate) const FELT: &str = "felt";
/// Name of the output that only multi-label models have, the probability that each emotion is present: float32
/// `[batch, 8]`, 0 to 1.
pub(crate) const PROBABILITIES: &str = "probabilities";
/// Name of the output that only models with attention have, the weight of each moment of the window: float32
/// `[batch, moments]`, sum 1.
pub(crate) const ATTENTION: &str = "attention";

/// The model inside the binary.
const SHIPPED: &[u8] = include_bytes!("../models/best-cnn-felt.onnx");
const SHIPPED_NAME: &str = "the model inside this program";

/// Everything between a file's samples and the network's input. A model is never used with other settings than its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Settings of the log-mel spectrogram, with the sample rate of the windows.
    pub mel: MelConfig,
    /// The rule by which a song is cut into windows.
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

/// The data that a model was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingData {
    /// The data set's name, as far as known.
    pub name: String,
    /// Number of songs that the weights were fitted to.
    pub songs: usize,
    /// Mean of their percentages, in the order of [`Emotion::ALL`]: the answer of a predictor that ignores the song.
    pub mean_emotions: Vec<f64>,
    /// The recipe, as TOML: with the data, all that is needed to train the model again.
    pub recipe: String,
    /// How the songs were labeled and split ([`Provenance`](crate::dataset::Provenance) as JSON); none in files of
    /// older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<serde_json::Value>,
}

/// Description of a model, carried by its ONNX file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelMetadata {
    /// Version of this description's format, 1.
    pub format_version: u32,
    /// The model's name, from its recipe.
    pub name: String,
    /// The way from samples to the network's input.
    pub preprocessing: Preprocessing,
    /// Names of the eight outputs, in order.
    pub labels: Vec<String>,
    /// How the labels were made.
    pub label_settings: LabelSettings,
    /// Length of the embedding.
    pub embedding: usize,
    /// The data that it was trained on.
    pub training: TrainingData,
    /// Scores on songs that the weights were not fitted to, by name.
    pub scores: serde_json::Value,
    /// The votes that the output `felt` was learned from, of models that have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub votes: Option<VoteData>,
}

/// The votes of listeners that a model learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VoteData {
    /// The data set's name.
    pub name: String,
    /// Number of songs with votes that the weights were fitted to.
    pub songs: usize,
    /// The emotion to which each word belongs.
    pub words: BTreeMap<String, Emotion>,
}

/// A model's answer for one window, or for one song as the weighted mean of its windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The eight percentages.
    pub emotions: EmotionVector,
    /// Valence, 1 (unpleasant) to 9 (pleasant).
    pub valence: f32,
    /// Arousal, 1 (calm) to 9 (aroused).
    pub arousal: f32,
    /// Place of the audio among other audio; its length is the model's `embedding`.
    pub embedding: Vec<f32>,
    /// Probability that each emotion is present, 0 to 1; only of multi-label models.
    pub probabilities: Option<[f32; Emotion::COUNT]>,
    /// The percentages of what listeners feel, as far as their words tell; only of models that learned from votes.
    pub felt: Option<EmotionVector>,
    /// Weight of each moment of a window in the answer, at even distances, sum 1; only of models with attention.
    pub attention: Option<Vec<f32>>,
}

/// A model that was read, checked and made ready to run. Threads share it.
#[derive(Debug)]
pub struct Model {
    name: String,
    metadata: ModelMetadata,
    identity: String,
    network: Arc<Network>,
    /// Places of the outputs that not every model has.
    probabilities: Option<usize>,
    felt: Option<usize>,
    attention: Option<usize>,
}

impl Model {
    /// The model inside this program.
    ///
    /// # Errors
    /// As [`Model::load`]; a build whose tests passed has none.
    pub fn shipped() -> Result<Self> {
        Self::from_bytes(SHIPPED_NAME, SHIPPED)
    }

    /// The [`identity`](Self::identity) of the model inside this program, without the work of loading it.
    pub(crate) fn shipped_identity() -> String {
        identity(SHIPPED)
    }

    /// Loads an ONNX file that `circumplex train` wrote.
    ///
    /// # Errors
    /// Of the kind [`ErrorKind::Model`] if the file cannot be read, is not ONNX, lacks the metadata, has another format
    /// version, if its shapes disagree with its metadata, or if it holds an operator that cannot be run.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).context_at(
            ErrorKind::Model,
            path,
            "cannot read the model; give an ONNX file that `circumplex train` wrote",
        )?;
        Self::from_bytes(&path.display().to_string(), &bytes)
    }

    /// Reads a model from the bytes of an ONNX file; messages call it `name`.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self> {
        Self::read(name, bytes).map_err(|error| error.with_path(name))
    }

    fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        let proto = ModelProto::decode(bytes).context(ErrorKind::Model, NOT_RUNNABLE)?;
        let metadata: ModelMetadata =
            read_metadata(&proto, METADATA_KEY, FORMAT_VERSION, "circumplex train")?;
        let optional = check(&proto, &metadata)?;
        let preprocessing = &metadata.preprocessing;
        let shape = [1, preprocessing.mel.n_mels, preprocessing.frames()];
        let mut outputs = vec![EMOTIONS, VALENCE_AROUSAL, EMBEDDING];
        outputs.extend(&optional);
        let network = Network::new(proto, INPUT, &shape, &outputs)
            .map_err(|reason| failure(format!("{NOT_RUNNABLE}: {reason}")))?;
        let model = Self {
            name: name.to_owned(),
            metadata,
            identity: identity(bytes),
            network: Arc::new(network),
            probabilities: outputs.iter().position(|name| *name == PROBABILITIES),
            felt: outputs.iter().position(|name| *name == FELT),
            attention: outputs.iter().position(|name| *name == ATTENTION),
        };
        // A network whose inside contradicts its declared shapes shows it on the first window: here, not in mid-run.
        model
            .answer(&vec![0.0; model.network.input_len()])
            .map_err(|reason| failure(format!("{NOT_RUNNABLE}: {reason}")))?;
        Ok(model)
    }

    /// The name in messages: the file's path, or that it is the model inside the program.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The description in the file.
    pub fn metadata(&self) -> &ModelMetadata {
        &self.metadata
    }

    /// SHA-256 of the file's bytes, hexadecimal. Vectors of different identities never mix silently.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Whether predictions have [`probabilities`](Prediction::probabilities).
    pub fn is_multi_label(&self) -> bool {
        self.probabilities.is_some()
    }

    /// Whether predictions have [`felt`](Prediction::felt).
    pub fn has_felt(&self) -> bool {
        self.felt.is_some()
    }

    /// Runs the network on one window: `log_mel` is `[bands, frames]`, row-major, in dB, made with the
    /// preprocessing that the model's metadata carries.
    ///
    /// # Errors
    /// Of the kind [`ErrorKind::Model`] if `log_mel` has another length or a value that is not finite, or if the
    /// network's answer is not finite.
    pub fn predict(&self, log_mel: &[f32]) -> Result<Prediction> {
        self.answer(log_mel)
            .map_err(|reason| failure(format!("{} failed on a window: {reason}", self.name)))
    }

    fn answer(&self, log_mel: &[f32]) -> Result<Prediction, String> {
        let expected = self.network.input_len();
        if log_mel.len() != expected {
            let found = log_mel.len();
            return Err(format!("it takes {expected} values, got {found}"));
        }
        if let Some(at) = log_mel.iter().position(|value| !value.is_finite()) {
            return Err(format!("value {at} of its spectrogram is {}", log_mel[at]));
        }
        let outputs = self.network.run(log_mel)?;
        if let Some(wrong) = outputs.iter().flatten().find(|value| !value.is_finite()) {
            return Err(format!("its answer holds {wrong}"));
        }
        let sizes = |numbers: &[f32]| format!("an output has {} numbers", numbers.len());
        let array = |index: usize| -> Result<[f32; Emotion::COUNT], String> {
            let numbers = &outputs[index][..];
            numbers.try_into().map_err(|_| sizes(numbers))
        };
        let &[valence, arousal] = &outputs[1][..] else {
            return Err(sizes(&outputs[1]));
        };
        if outputs[2].len() != self.metadata.embedding {
            return Err(sizes(&outputs[2]));
        }
        let vector = |index: usize| -> Result<EmotionVector, String> {
            let weights = array(index)?.map(|value| f64::from(value.max(0.0)));
            EmotionVector::from_weights(weights).map_err(|error| error.to_string())
        };
        let on_scale = |value: f32| value.clamp(SCALE_MIN as f32, SCALE_MAX as f32);
        Ok(Prediction {
            emotions: vector(0)?,
            valence: on_scale(valence),
            arousal: on_scale(arousal),
            embedding: outputs[2].clone(),
            probabilities: self.probabilities.map(array).transpose()?,
            felt: self.felt.map(vector).transpose()?,
            attention: self.attention.map(|index| outputs[index].clone()),
        })
    }
}

pub(crate) const NOT_RUNNABLE: &str = "not an ONNX model that this program can run";

fn failure(message: String) -> Error {
    Error::new(ErrorKind::Model, message)
}

pub(crate) fn identity(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Reads the metadata that `command` writes under `key`: the version before the rest, so that a file of another version is
/// refused for its version.
pub(crate) fn read_metadata<T: DeserializeOwned>(
    proto: &ModelProto,
    key: &str,
    version: u32,
    command: &str,
) -> Result<T> {
    let entry = proto.metadata_props.iter().find(|entry| entry.key == key);
    let entry = entry.ok_or_else(|| {
        failure(format!(
            "carries no `{key}` metadata, so its preprocessing and labels are unknown; use a file that `{command}` wrote"
        ))
    })?;
    let unreadable = || format!("cannot read its `{key}` metadata; train the model again");
    let json: serde_json::Value =
        serde_json::from_str(&entry.value).context(ErrorKind::Model, unreadable())?;
    match json["format_version"].as_u64() {
        Some(found) if found != u64::from(version) => Err(failure(format!(
            "format version {found}, but this program reads version {version}; train the model again or use the \
             program version that wrote it"
        ))),
        _ => serde_json::from_value(json).context(ErrorKind::Model, unreadable()),
    }
}

/// Checks that network and metadata agree. Returns which of the outputs that not every model has it has.
fn check(proto: &ModelProto, metadata: &ModelMetadata) -> Result<Vec<&'static str>> {
    let names = Emotion::ALL.map(Emotion::name);
    if metadata.labels != names {
        return Err(inconsistent(
            "the label order",
            names.join(", "),
            metadata.labels.join(", "),
        ));
    }
    let Preprocessing { mel, window } = &metadata.preprocessing;
    mel.validate()
        .map_err(|error| inconsistent("the preprocessing", "usable", error))?;
    if window.length < mel.n_fft {
        let expected = format!("at least {} samples", mel.n_fft);
        return Err(inconsistent("the window's length", expected, window.length));
    }
    let Some(graph) = &proto.graph else {
        return Err(failure(format!("{NOT_RUNNABLE}: it holds no graph")));
    };
    let GraphProto { input, output, .. } = graph;
    check_tensor(
        input,
        INPUT,
        &[1, mel.n_mels, metadata.preprocessing.frames()],
    )?;
    check_tensor(output, EMOTIONS, &[Emotion::COUNT])?;
    check_tensor(output, VALENCE_AROUSAL, &[2])?;
    check_tensor(output, EMBEDDING, &[metadata.embedding])?;
    let mut optional = vec![PROBABILITIES, FELT];
    optional.retain(|name| output.iter().any(|value| value.name == *name));
    for name in &optional {
        check_tensor(output, name, &[Emotion::COUNT])?;
    }
    if output.iter().any(|value| value.name == ATTENTION) {
        optional.push(ATTENTION);
    }
    Ok(optional)
}

/// Checks that a tensor of that name is float32 `[batch, shape...]`.
pub(crate) fn check_tensor(values: &[ValueInfoProto], name: &str, shape: &[usize]) -> Result<()> {
    let tensor = values
        .iter()
        .find(|value| value.name == name)
        .and_then(|value| value.r#type.as_ref()?.tensor_type.as_ref());
    let dimensions = tensor
        .and_then(|tensor| tensor.shape.as_ref())
        .map_or(&[][..], |shape| &shape.dim);
    let sizes = |sizes: &[i64]| {
        sizes
            .iter()
            .map(|size| format!(", {size}"))
            .collect::<String>()
    };
    let expected: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
    // A size that is only a name is no size.
    let found: Vec<i64> = dimensions
        .iter()
        .skip(1)
        .map(|size| size.dim_value.unwrap_or(-1))
        .collect();
    match tensor {
        Some(tensor) if tensor.elem_type == onnx::FLOAT && found == expected => Ok(()),
        _ => Err(inconsistent(
            &format!("`{name}`"),
            format!("float32 [batch{}]", sizes(&expected)),
            tensor.map_or("missing".to_owned(), |tensor| match tensor.elem_type {
                onnx::FLOAT => format!("float32 [batch{}]", sizes(&found)),
                other => format!("element type {other} [batch{}]", sizes(&found)),
            }),
        )),
    }
}

pub(crate) fn inconsistent(what: &str, expected: impl ToString, found: impl ToString) -> Error {
    let (expected, found) = (expected.to_string(), found.to_string());
    failure(format!(
        "inconsistent: {what} should be {expected}, but is {found}; train the model again"
    ))
}

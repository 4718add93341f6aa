//! [`FaceModel`]: the expression network, one ONNX file with its preprocessing and labels.

use super::picture::{PIXELS, SIDE};
use crate::{
    Error, ErrorKind, Result,
    emotion::Expression,
    error::Context as _,
    model::{
        NOT_RUNNABLE, check_tensor, identity, inconsistent,
        onnx::{GraphProto, ModelProto},
        read_metadata,
        runtime::Network,
    },
};
use prost::Message as _;
use serde::{Deserialize, Serialize};
use std::{fs, path::Path, sync::Arc};

/// The network inside the binary.
const SHIPPED: &[u8] = include_bytes!("../../models/best-face.onnx");

/// The key of the [`FaceMetadata`] among an ONNX file's metadata.
pub(crate) const FACE_METADATA_KEY: &str = "circumplex_face";
/// The version of [`FaceMetadata`] that this program writes and reads.
pub(crate) const FACE_FORMAT_VERSION: u32 = 1;
/// Name of the network's input: float32 `[batch, 1, 48, 48]`, gray from 0 (black) to 255 (white).
pub(crate) const FACE: &str = "face";
/// Name of the network's output: float32 `[batch, 8]`, the probability of each expression, sum 1.
pub(crate) const PROBABILITIES: &str = "expressions";

/// Description of an expression network, carried by its ONNX file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaceMetadata {
    /// Version of this description's format, 1.
    pub format_version: u32,
    /// The model's name, from its recipe.
    pub name: String,
    /// The way from a picture to the network's input.
    pub preprocessing: FaceInput,
    /// Names of the eight outputs, in order.
    pub labels: Vec<String>,
    /// The data that it was trained on.
    pub training: FaceTraining,
    /// Scores on faces that the weights were not fitted to, by name.
    pub scores: serde_json::Value,
}

/// The way from a picture to the network's input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaceInput {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Colors: `gray`.
    pub color: String,
    /// Value of black and of white.
    pub range: [u8; 2],
    /// What is done with the values: `picture` (each picture to mean 0 and deviation 1), which the network does itself.
    pub standardized: String,
}

impl Default for FaceInput {
    fn default() -> Self {
        Self {
            width: SIDE,
            height: SIDE,
            color: "gray".to_owned(),
            range: [0, 255],
            standardized: "picture".to_owned(),
        }
    }
}

/// The data that an expression network was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaceTraining {
    /// The data set's name, as far as known.
    pub name: String,
    /// Number of faces that the weights were fitted to.
    pub faces: usize,
    /// Number of faces that decided which epoch was kept.
    pub validation_faces: usize,
    /// The recipe, as TOML.
    pub recipe: String,
}

/// An expression network, ready to run. Threads share it.
#[derive(Debug)]
pub(crate) struct FaceModel {
    name: String,
    metadata: FaceMetadata,
    identity: String,
    parameters: usize,
    bytes: usize,
    network: Arc<Network>,
}

impl FaceModel {
    /// The network inside this program.
    ///
    /// # Errors
    /// As [`FaceModel::load`]; a build whose tests passed has none.
    pub(crate) fn shipped() -> Result<Self> {
        Self::from_bytes("the expression network inside this program", SHIPPED)
    }

    /// Loads an ONNX file that `circumplex face train` wrote.
    ///
    /// # Errors
    /// Of the kind [`ErrorKind::Model`] if the file cannot be read, is no expression network, has another format version, or
    /// cannot be run.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).context_at(
            ErrorKind::Model,
            path,
            "cannot read the model; give an ONNX file that `circumplex face train` wrote",
        )?;
        Self::from_bytes(&path.display().to_string(), &bytes)
    }

    /// Reads a network from the bytes of an ONNX file; messages call it `name`.
    ///
    /// # Errors
    /// As [`FaceModel::load`].
    pub(crate) fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self> {
        Self::read(name, bytes).map_err(|error| error.with_path(name))
    }

    fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        let proto = ModelProto::decode(bytes).context(ErrorKind::Model, NOT_RUNNABLE)?;
        let metadata: FaceMetadata = read_metadata(
            &proto,
            FACE_METADATA_KEY,
            FACE_FORMAT_VERSION,
            "circumplex face train",
        )?;
        let names = Expression::ALL.map(Expression::name);
        if metadata.labels != names {
            let (expected, found) = (names.join(", "), metadata.labels.join(", "));
            return Err(inconsistent("the label order", expected, found));
        }
        let expected = FaceInput::default();
        if metadata.preprocessing != expected {
            let [expected, found] =
                [&expected, &metadata.preprocessing].map(|input| format!("{input:?}"));
            return Err(inconsistent("the preprocessing", expected, found));
        }
        let failure =
            |reason: String| Error::new(ErrorKind::Model, format!("{NOT_RUNNABLE}: {reason}"));
        let Some(GraphProto {
            input,
            output,
            initializer,
            ..
        }) = &proto.graph
        else {
            return Err(failure("it holds no graph".to_owned()));
        };
        check_tensor(input, FACE, &[1, SIDE, SIDE])?;
        check_tensor(output, PROBABILITIES, &[Expression::COUNT])?;
        let floats = |data: &Option<Vec<u8>>| data.as_ref().map_or(0, |data| data.len() / 4);
        let parameters = initializer
            .iter()
            .map(|tensor| floats(&tensor.raw_data))
            .sum();
        let network = Network::new(proto, FACE, &[1, SIDE, SIDE], &[PROBABILITIES]);
        let model = Self {
            name: name.to_owned(),
            metadata,
            identity: identity(bytes),
            parameters,
            bytes: bytes.len(),
            network: Arc::new(network.map_err(failure)?),
        };
        // A network whose inside contradicts its declared shapes shows it on the first face.
        model.answer(&[0; PIXELS]).map_err(failure)?;
        Ok(model)
    }

    /// The description in the file.
    pub(crate) fn metadata(&self) -> &FaceMetadata {
        &self.metadata
    }

    /// SHA-256 of the file's bytes, hexadecimal.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// Numbers in the network and bytes of its file.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.parameters, self.bytes)
    }

    /// The probability of each expression, in the order of [`Expression::ALL`], sum 1, of a face's gray pixels: 48 x 48, row
    /// by row.
    ///
    /// # Errors
    /// Of the kind [`ErrorKind::Model`] if there are not [`PIXELS`] of them, or if the network's answer is not finite.
    pub(crate) fn predict(&self, pixels: &[u8]) -> Result<[f32; Expression::COUNT]> {
        self.answer(pixels).map_err(|reason| {
            let message = format!("{} failed on a face: {reason}", self.name);
            Error::new(ErrorKind::Model, message)
        })
    }

    fn answer(&self, pixels: &[u8]) -> Result<[f32; Expression::COUNT], String> {
        if pixels.len() != PIXELS {
            return Err(format!("it takes {PIXELS} pixels, got {}", pixels.len()));
        }
        let pixels: Vec<f32> = pixels.iter().map(|&pixel| f32::from(pixel)).collect();
        let outputs = self.network.run(&pixels)?;
        let numbers = outputs.into_iter().next().unwrap_or_default();
        if let Some(wrong) = numbers.iter().find(|number| !number.is_finite()) {
            return Err(format!("its answer holds {wrong}"));
        }
        numbers
            .try_into()
            .map_err(|numbers: Vec<f32>| format!("an output has {} numbers", numbers.len()))
    }
}

use crate::{audio::WindowRule, mel::MelConfig};
use serde::{Deserialize, Serialize};
use std::path::Path;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    pub mel: MelConfig,
    pub window: WindowRule,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSettings {
    pub sigma: f64,
    pub scheme: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingData {
    pub name: String,
    pub songs: usize,
}

/// The JSON that the ONNX file carries under the metadata key `circumplex`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    pub format_version: u32,
    pub name: String,
    pub preprocessing: Preprocessing,
    pub labels: Vec<String>,
    pub label_settings: LabelSettings,
    pub embedding: usize,
    pub training: TrainingData,
    pub scores: serde_json::Value,
}

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("placeholder")]
    Placeholder,
}

/// A model file that was read and found sound.
pub struct Bundle {
    metadata: Metadata,
    identity: String,
}
impl Bundle {
    pub fn load(_path: &Path) -> Result<Self, ModelError> {
        unimplemented!()
    }
    /// The model inside the binary.
    pub fn shipped() -> Result<Self, ModelError> {
        unimplemented!()
    }
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }
    /// Hash of the file's bytes, hexadecimal: vectors of different identities never mix silently.
    pub fn identity(&self) -> &str {
        &self.identity
    }
}

//! [`Recipe`]: the TOML that describes a training run completely.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{LabelSettings, Preprocessing};
use crate::{audio::WindowRule, mel::MelConfig};

/// The recipe of the shipped model.
const BEST_CNN: &str = include_str!("../../models/recipes/best-cnn.toml");

/// A training run: features, window, labels, network, loss, optimiser, schedule, augmentation, seed. With the data, it
/// says all that is needed to train the same model again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The model's name.
    pub name: String,
    /// Seed of every random choice: split, initial weights, order, crops, augmentation.
    pub seed: u64,
    /// The log-mel spectrogram.
    pub features: MelConfig,
    /// The windows that the network hears.
    pub window: WindowSettings,
    /// How labels are made of valence and arousal.
    pub labels: LabelSettings,
    /// The network's shape.
    pub network: Network,
    /// What training minimises.
    pub loss: Loss,
    /// How it is minimised.
    pub optimizer: Optimizer,
    /// What is done to a spectrogram before the network sees it in training.
    pub augmentation: Augmentation,
}

/// The windows that the network hears.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSettings {
    /// Length in seconds.
    pub seconds: f64,
}

/// A convolutional network: frames are averaged and every band standardised; then, for each of `channels`, a 3 x 3
/// convolution, batch normalisation, ReLU and a maximum pool that halves the bands (and, in the first three, the
/// frames); then a 1 x 1 convolution mixes channels and bands into `mix` features, whose mean and standard deviation
/// over time are the embedding; a dense layer makes the outputs of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Spectrogram frames averaged into one before the first convolution.
    pub frame_pool: usize,
    /// Channels of each convolution.
    pub channels: Vec<usize>,
    /// Features mixed of channels and bands; the embedding is twice as long.
    pub mix: usize,
    /// Share of the embedding that is dropped in training, 0 to 1.
    pub dropout: f64,
}

/// What training minimises: Kullback-Leibler divergence of the predicted percentages from the true ones, plus
/// `valence_arousal` times the mean squared error of valence and arousal (in units of two points of the scale).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// Weight of the valence-arousal head.
    pub valence_arousal: f64,
}

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019) under a one-cycle learning rate (Smith & Topin 2018):
/// it rises along a half cosine during the first quarter of the steps and falls along another to almost nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Songs per step.
    pub batch: usize,
    /// Passes over the songs.
    pub epochs: usize,
    /// Norm to which gradients are clipped.
    pub clip: f64,
    /// Epochs without a better validation score after which training stops; the best epoch's weights are kept.
    pub patience: usize,
}

/// What is done to a spectrogram before the network sees it in training; 0 switches a step off. Every song is cropped
/// to the window at a random place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Mixup (Zhang et al. 2018): both shape parameters of the beta distribution.
    pub mixup: f64,
    /// Highest number of neighbouring bands that are masked with their mean (SpecAugment, Park et al. 2019).
    pub mask_bands: usize,
    /// Highest share of the window's frames that are masked, 0 to 1.
    pub mask_time: f64,
    /// Standard deviation of a change of loudness, in dB.
    pub gain_db: f64,
}

/// Why a recipe cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The file cannot be read.
    #[error("cannot read the recipe {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The text is no TOML of the expected keys.
    #[error("the recipe {recipe} is not understood")]
    Syntax {
        /// Which recipe.
        recipe: String,
        /// Line, column and what was expected there.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A value that no run can use.
    #[error("the recipe {recipe} asks for {what} = {found}; expected {expected}")]
    Value {
        /// Which recipe.
        recipe: String,
        /// The key.
        what: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
}

impl Recipe {
    /// Reads a recipe file.
    ///
    /// # Errors
    /// [`RecipeError`] where the file cannot be read, holds an unknown key or lacks one, or asks for the impossible.
    pub fn load(path: &Path) -> Result<Self, RecipeError> {
        let text = std::fs::read_to_string(path).map_err(|source| RecipeError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// The recipe of the shipped model.
    ///
    /// # Errors
    /// As [`Recipe::load`]; a build whose tests passed has none.
    pub fn shipped() -> Result<Self, RecipeError> {
        Self::parse("best-cnn", BEST_CNN)
    }

    /// Reads a recipe from TOML; `name` is what messages call it.
    ///
    /// # Errors
    /// As [`Recipe::load`].
    pub fn parse(name: &str, text: &str) -> Result<Self, RecipeError> {
        let recipe: Self = toml::from_str(text).map_err(|source| RecipeError::Syntax {
            recipe: name.to_owned(),
            source: Box::new(source),
        })?;
        recipe.checked(name)
    }

    /// The recipe itself, where every value can be used; `name` is what messages call it.
    ///
    /// # Errors
    /// [`RecipeError::Value`] where it asks for the impossible.
    pub fn checked(self, name: &str) -> Result<Self, RecipeError> {
        self.check(name)?;
        Ok(self)
    }

    /// What the trained model does with a file's samples before the network sees them.
    pub fn preprocessing(&self) -> Preprocessing {
        let length = (self.window.seconds * f64::from(self.features.sample_rate)).round() as usize;
        Preprocessing {
            mel: self.features.clone(),
            window: WindowRule { length },
        }
    }

    /// Bands and frames that are left after the last pool.
    pub fn pooled_shape(&self) -> (usize, usize) {
        let (mut bands, mut frames) = (
            self.features.n_mels,
            self.preprocessing().frames() / self.network.frame_pool.max(1),
        );
        for stage in 0..self.network.channels.len() {
            bands /= 2;
            frames /= self.network.time_pool(stage);
        }
        (bands, frames)
    }

    fn check(&self, name: &str) -> Result<(), RecipeError> {
        let value = |what, found: String, expected: &str| RecipeError::Value {
            recipe: name.to_owned(),
            what,
            found,
            expected: expected.to_owned(),
        };
        let positive = |what, number: usize| match number {
            0 => Err(value(what, "0".to_owned(), "at least 1")),
            _ => Ok(()),
        };
        let within = |what, number: f64, low: f64, high: f64| {
            if (low..=high).contains(&number) {
                Ok(())
            } else {
                Err(value(what, number.to_string(), &format!("{low} to {high}")))
            }
        };
        self.features.validate().map_err(|error| {
            value(
                "features",
                error.to_string(),
                "a spectrogram that can be computed",
            )
        })?;
        within("window.seconds", self.window.seconds, 1.0, 600.0)?;
        within("labels.sigma", self.labels.sigma, 0.01, 8.0)?;
        if self.labels.scheme != "sectors" {
            return Err(value(
                "labels.scheme",
                format!("{:?}", self.labels.scheme),
                "\"sectors\"",
            ));
        }
        positive("network.frame_pool", self.network.frame_pool)?;
        positive("network.mix", self.network.mix)?;
        if self.network.channels.is_empty() || self.network.channels.contains(&0) {
            return Err(value(
                "network.channels",
                format!("{:?}", self.network.channels),
                "one or more numbers above 0",
            ));
        }
        within("network.dropout", self.network.dropout, 0.0, 0.95)?;
        within("loss.valence_arousal", self.loss.valence_arousal, 0.0, 1e3)?;
        within(
            "optimizer.learning_rate",
            self.optimizer.learning_rate,
            1e-8,
            10.0,
        )?;
        within(
            "optimizer.weight_decay",
            self.optimizer.weight_decay,
            0.0,
            10.0,
        )?;
        within("optimizer.clip", self.optimizer.clip, 1e-6, 1e6)?;
        positive("optimizer.batch", self.optimizer.batch)?;
        positive("optimizer.epochs", self.optimizer.epochs)?;
        positive("optimizer.patience", self.optimizer.patience)?;
        within("augmentation.mixup", self.augmentation.mixup, 0.0, 100.0)?;
        within(
            "augmentation.mask_time",
            self.augmentation.mask_time,
            0.0,
            0.9,
        )?;
        within("augmentation.gain_db", self.augmentation.gain_db, 0.0, 60.0)?;
        if self.augmentation.mask_bands >= self.features.n_mels {
            return Err(value(
                "augmentation.mask_bands",
                self.augmentation.mask_bands.to_string(),
                &format!("fewer than the {} bands", self.features.n_mels),
            ));
        }
        let (bands, frames) = self.pooled_shape();
        if bands == 0 || frames < 2 {
            return Err(value(
                "network.channels",
                format!("{:?}", self.network.channels),
                &format!(
                    "few enough pools to leave a band and two frames of {} x {}; these leave {bands} x {frames}",
                    self.features.n_mels,
                    self.preprocessing().frames()
                ),
            ));
        }
        Ok(())
    }
}

impl Network {
    /// By how much the pool after convolution `stage` (0 first) shortens time: 2 in the first three, then 1.
    pub fn time_pool(&self, stage: usize) -> usize {
        if stage < 3 { 2 } else { 1 }
    }

    /// Length of the embedding.
    pub fn embedding(&self) -> usize {
        2 * self.mix
    }
}

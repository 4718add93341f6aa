//! [`Recipe`]: the TOML that describes a training run completely.

mod check;
mod load;
mod network;
mod sets;

#[cfg(feature = "train")]
pub(crate) use load::suggestion;
pub(crate) use network::{Network, OutputKind};
#[cfg(feature = "train")]
pub(crate) use network::{Pooling, Statistic};
pub(crate) use sets::SetLabels;
#[cfg(feature = "train")]
pub(crate) use sets::{Attachment, LabelSet, Teacher, TeacherInput};

use serde::{Deserialize, Serialize};

use super::{LabelSettings, Preprocessing};
use crate::mel::{MelConfig, WindowRule};

/// A training run: features, window, labels, network, loss, optimizer, schedule, augmentation, seed. With the data, it
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
    /// The windows that the network sees.
    pub window: WindowSettings,
    /// How labels are made of valence and arousal.
    pub labels: LabelSettings,
    /// The network's shape.
    pub network: Network,
    /// The quantity that training minimizes.
    pub loss: Loss,
    /// How it is minimized.
    pub optimizer: Optimizer,
    /// Changes of a spectrogram before the network sees it in training.
    #[serde(default)]
    pub augmentation: Augmentation,
    /// Correction of the trained network's confidence.
    #[serde(default)]
    pub calibration: Calibration,
    /// Published figures of the system that this recipe follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<Paper>,
    /// Further music to learn from, with other labels or none.
    #[serde(default, rename = "set", skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<sets::LabelSet>,
    /// Networks whose outputs the network also learns to predict, in training only.
    #[serde(default, rename = "teacher", skip_serializing_if = "Vec::is_empty")]
    pub teachers: Vec<sets::Teacher>,
}

/// The windows that the network sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSettings {
    /// Length in seconds.
    pub seconds: f64,
}

/// The quantity that training minimizes: a divergence of the eight percentages, plus `valence_arousal` times one of valence and
/// arousal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Loss {
    /// Of the percentages.
    pub emotions: EmotionLoss,
    /// Weight of a second term for the percentages: the sum of the absolute errors of the eight shares, mean over the
    /// songs. It draws predictions from the mean of what is likely to its median, which a mean absolute error rewards.
    pub absolute_error: f64,
    /// Of valence and arousal.
    pub affect: AffectLoss,
    /// Weight of valence and arousal. With 0 the network has no output for them: the model file reads them off the
    /// percentages, by the linear map that fits the training labels best.
    pub valence_arousal: f64,
    /// With `binary-cross-entropy`: the percentage above which an emotion counts as present.
    pub present_above: f64,
}

impl Default for Loss {
    fn default() -> Self {
        Self {
            emotions: EmotionLoss::default(),
            absolute_error: 0.0,
            affect: AffectLoss::default(),
            valence_arousal: 1.0,
            present_above: 13.0,
        }
    }
}

/// How far predicted percentages are from the true ones, in training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmotionLoss {
    /// Kullback-Leibler divergence of the predicted shares from the true ones, in nats; mean over the songs.
    #[default]
    KullbackLeibler,
    /// Mean squared error, in units of ten percentage points.
    SquaredError,
    /// Cross-entropy of "this emotion is present" for each emotion, in nats; mean over songs and emotions.
    BinaryCrossEntropy,
}

/// How far predicted valence and arousal are from the true ones, in training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AffectLoss {
    /// Mean squared error, in units of two points of the scale.
    #[default]
    SquaredError,
    /// 1 minus the concordance correlation over the batch (Lin 1989), mean of valence and arousal.
    Concordance,
}

/// How the loss is minimized.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Optimizer {
    /// The method.
    pub kind: OptimizerKind,
    /// How the learning rate changes.
    pub schedule: Schedule,
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
    /// The model is an exponential moving average of the weights, of which each step keeps this share (Polyak &
    /// Juditsky 1992); 0 takes the weights as they are.
    pub averaging: f64,
}

impl Default for Optimizer {
    /// The settings of the shipped model.
    fn default() -> Self {
        Self {
            kind: OptimizerKind::default(),
            schedule: Schedule::default(),
            learning_rate: 3e-3,
            weight_decay: 0.05,
            batch: 32,
            epochs: 60,
            clip: 2.0,
            patience: 60,
            averaging: 0.0,
        }
    }
}

/// A gradient method.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    #[default]
    Adamw,
    /// Adam (Kingma & Ba 2015); weight decay is added to the gradient.
    Adam,
}

/// How the learning rate changes over the steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// One cycle (Smith & Topin 2018): up along a half cosine during the first quarter of the steps, then down along
    /// another to almost nothing.
    #[default]
    OneCycle,
    /// The same rate at every step.
    Constant,
}

/// Changes of a spectrogram before the network sees it in training; 0 switches a step off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Whether songs are cropped to the window at a random place in every epoch; otherwise the crop is one of the
    /// windows that `analyze` takes, in turn.
    pub random_crop: bool,
    /// Mixup (Zhang et al. 2018): both shape parameters of the beta distribution.
    pub mixup: f64,
    /// Highest number of neighboring bands that are masked with their mean (SpecAugment, Park et al. 2019).
    pub mask_bands: usize,
    /// Highest share of the window's frames that are masked, 0 to 1.
    pub mask_time: f64,
    /// Standard deviation of a change of loudness, in dB.
    pub gain_db: f64,
    /// Standard deviation of a random equaliser, in dB: a line through three to six random points over the bands
    /// (Nam et al. 2022, *FilterAugment*).
    pub equalizer_db: f64,
    /// Highest number of bands by which the picture is shifted up or down, as a change of pitch and formants.
    pub shift_bands: usize,
    /// Highest relative change of tempo: 0.1 plays at 0.91 to 1.1 times the speed, at the same pitch.
    pub stretch: f64,
}

impl Default for Augmentation {
    /// Random crops, and nothing else.
    fn default() -> Self {
        Self {
            random_crop: true,
            mixup: 0.0,
            mask_bands: 0,
            mask_time: 0.0,
            gain_db: 0.0,
            equalizer_db: 0.0,
            shift_bands: 0,
            stretch: 0.0,
        }
    }
}

/// Correction of a trained network's confidence. A network that has learned a few hundred songs almost by heart is
/// overconfident on others; how much is a property of recipe and data set, to be chosen on validation songs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calibration {
    /// Divisor of the logits of a softmax (Guo et al. 2017): above 1 evens the percentages out, below 1
    /// sharpens them towards the median that a mean absolute error asks for.
    pub temperature: f64,
    /// The same of the shares that listeners felt.
    pub felt_temperature: f64,
    /// Share of predicted valence's distance from the training songs' mean that is kept, 0 to 1.
    pub valence: f64,
    /// The same of arousal.
    pub arousal: f64,
    /// Whether, after the last step, batch normalization's statistics are recomputed on the training songs without
    /// augmentation, and the last layer's bias is moved until the mean answer for them is the mean of their labels. Mixup
    /// and masks shift the statistics from those of whole songs.
    pub settle: bool,
}

impl Default for Calibration {
    /// The network's answers as they are.
    fn default() -> Self {
        Self {
            temperature: 1.0,
            felt_temperature: 1.0,
            valence: 1.0,
            arousal: 1.0,
            settle: false,
        }
    }
}

/// Published figures of a system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    /// Mean absolute error of the eight percentages on DEAM, in percentage points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mae: Option<f64>,
    /// Micro-averaged F1 of a multi-label system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_f1: Option<f64>,
}

impl Recipe {
    /// The trained model's way from a file's samples to the network's input.
    pub fn preprocessing(&self) -> Preprocessing {
        let length = (self.window.seconds * f64::from(self.features.sample_rate)).round() as usize;
        Preprocessing {
            mel: self.features.clone(),
            window: WindowRule { length },
        }
    }

    /// The set whose listeners' answers the output `felt` learns, if there is one.
    pub fn votes(&self) -> Option<&sets::LabelSet> {
        self.sets.iter().find(|set| set.labels == SetLabels::Votes)
    }

    /// Whether the network has no output of valence and arousal, so that a model file reads them off the percentages.
    pub fn reads_affect_off_emotions(&self) -> bool {
        self.loss.valence_arousal == 0.0
    }

    /// The number of moments at which a teacher's features are predicted in a window, and the frames that are
    /// averaged for each, about three seconds.
    pub fn moment_frames(&self) -> (usize, usize) {
        let frames = self.summarized_frames();
        let each = (3.0 / self.frame_seconds()).round() as usize;
        let each = each.clamp(1, frames.max(1));
        (frames / each, each)
    }

    /// The middle of each of these moments, in seconds from the start of the window.
    pub fn moments(&self) -> Vec<f64> {
        let (count, each) = self.moment_frames();
        let step = self.frame_seconds() * each as f64;
        (0..count)
            .map(|moment| (moment as f64 + 0.5) * step)
            .collect()
    }

    /// Bands and frames that are left after the last stage.
    pub fn pooled_shape(&self) -> (usize, usize) {
        let frames = self.preprocessing().frames() / self.network.frame_pool.max(1);
        let start = (self.features.n_mels, frames);
        self.network
            .stages
            .iter()
            .fold(start, |shape, stage| stage.shape_after(shape.0, shape.1))
    }

    /// Seconds of one of the frames that the statistics over time are taken of.
    fn frame_seconds(&self) -> f64 {
        let (_, frames) = self.pooled_shape();
        let pool = match self.network.recurrent {
            0 => 1,
            _ => self.network.recurrent_pool,
        };
        self.window.seconds * pool as f64 / frames as f64
    }

    /// Frames that the statistics over time are taken of.
    pub fn summarized_frames(&self) -> usize {
        let (_, frames) = self.pooled_shape();
        match self.network.recurrent {
            0 => frames,
            _ => frames / self.network.recurrent_pool.max(1),
        }
    }

    /// Length of the embedding, which joins those of all members.
    pub fn embedding(&self) -> usize {
        self.network.members * self.member_embedding()
    }

    /// Length of one member's embedding.
    pub fn member_embedding(&self) -> usize {
        self.network.summary.len() * self.features_over_time()
    }

    /// Numbers per moment that the summary is taken of.
    pub fn features_over_time(&self) -> usize {
        match (self.network.recurrent, self.network.mix) {
            (0, 0) => self.channels_and_bands(),
            (0, mix) => mix,
            (units, _) => 2 * units,
        }
    }

    /// Channels times bands after the last stage.
    pub fn channels_and_bands(&self) -> usize {
        let channels = self.network.stages.last().map_or(1, |stage| stage.channels);
        channels * self.pooled_shape().0
    }
}

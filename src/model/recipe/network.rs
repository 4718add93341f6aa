//! The shape of a network.

use serde::{Deserialize, Serialize};

use super::{is_false, is_nought};

/// A convolutional network, optionally with a recurrent layer over time.
///
/// Frames are averaged and bands standardised; the `stages` follow one another; then, if `mix` is not 0, a 1 x 1
/// convolution mixes channels and bands into `mix` features (batch normalisation as in the stages, ReLU); then, if
/// `recurrent` is not 0, a bidirectional LSTM reads them in time. Statistics over time (`summary`) are the embedding;
/// dense layers make the outputs of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Networks of this shape side by side, each with its own weights and its own loss; the answer is the mean of
    /// theirs (an ensemble: Hansen & Salamon 1990). Cost and size grow with them.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub members: usize,
    /// Spectrogram frames averaged into one before the first convolution.
    pub frame_pool: usize,
    /// Whether every band is brought to mean 0 and deviation 1 over the training songs; otherwise the network sees dB.
    #[serde(default = "yes")]
    pub standardize: bool,
    /// Whether the network also sees every band without its mean over the window, as a second channel: what sounds at
    /// a moment, whatever the recording's tone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub relative_bands: bool,
    /// The convolutions, first to last.
    pub stages: Vec<Stage>,
    /// Whether each convolution is followed by batch normalisation (Ioffe & Szegedy 2015).
    #[serde(default = "yes")]
    pub batch_norm: bool,
    /// Features mixed of channels and bands; 0 leaves all channels of all bands as they are.
    pub mix: usize,
    /// Units of the bidirectional LSTM in each direction; 0 is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub recurrent: usize,
    /// What is taken over time, one after the other.
    pub summary: Vec<Statistic>,
    /// Widths of dense layers with ReLU before the last one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dense: Vec<usize>,
    /// Share of every stage's output that is dropped in training, 0 to 1.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub stage_dropout: f64,
    /// Share of the last layer's input that is dropped in training, 0 to 1.
    pub dropout: f64,
    /// How the last layer's numbers become percentages.
    #[serde(default)]
    pub output: OutputKind,
}

/// A convolution, batch normalisation (where the network has it), ReLU, and a maximum pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Channels that it puts out.
    pub channels: usize,
    /// Bands and frames that the kernel spans, odd. The sides are padded with zeros, so that the size is kept.
    #[serde(default = "three")]
    pub kernel: usize,
    /// Bands and frames from one position of the kernel to the next.
    #[serde(default = "one_by_one")]
    pub stride: [usize; 2],
    /// Bands and frames of which the maximum is taken, without overlap; a rest is left out.
    #[serde(default = "two_by_two")]
    pub pool: [usize; 2],
}

/// What is taken of each feature over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statistic {
    /// Mean.
    Mean,
    /// Standard deviation.
    Deviation,
    /// Maximum.
    Maximum,
}

/// How the last layer's eight numbers become percentages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputKind {
    /// Softmax.
    #[default]
    Softmax,
    /// As they are, in units of ten percentage points; a model file cuts them off at 0 and scales their sum to 100.
    Linear,
    /// A logistic function makes each the probability that the emotion is present; a model file gives the
    /// probabilities, and as percentages their shares in their sum.
    Sigmoid,
}

impl Stage {
    /// Bands and frames that come out where `bands` and `frames` go in.
    pub fn shape_after(&self, bands: usize, frames: usize) -> (usize, usize) {
        let [band_stride, frame_stride] = self.stride.map(|stride| stride.max(1));
        let [band_pool, frame_pool] = self.pool.map(|pool| pool.max(1));
        (
            bands.div_ceil(band_stride) / band_pool,
            frames.div_ceil(frame_stride) / frame_pool,
        )
    }
}

fn yes() -> bool {
    true
}

fn three() -> usize {
    3
}

fn one_by_one() -> [usize; 2] {
    [1, 1]
}

fn two_by_two() -> [usize; 2] {
    [2, 2]
}

fn one() -> usize {
    1
}

fn is_one(value: &usize) -> bool {
    *value == 1
}

fn is_zero(value: &usize) -> bool {
    *value == 0
}

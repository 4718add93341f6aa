//! The shape of a network.

use serde::{Deserialize, Serialize};

/// A convolutional network, optionally with a recurrent layer over time.
///
/// Frames are averaged and bands standardized; the `stages` follow one another; then, if `mix` is not 0, a 1 x 1
/// convolution mixes channels and bands into `mix` features (batch normalization as in the stages, ReLU); then, if
/// `recurrent` is not 0, a bidirectional LSTM reads them in time. Statistics over time (`summary`), of all moments alike or
/// weighted by attention (`pooling`), are the embedding; dense layers make the outputs of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Networks of this shape side by side, each with its own weights and its own loss; the answer is the mean of
    /// theirs (an ensemble: Hansen & Salamon 1990). Cost and size grow with them.
    pub members: usize,
    /// Spectrogram frames averaged into one before the first convolution.
    pub frame_pool: usize,
    /// Whether every band is brought to mean 0 and deviation 1 over the training songs; otherwise the network sees dB.
    pub standardize: bool,
    /// Whether the network also sees every band without its mean over the window, as a second channel: the
    /// changes, whatever the recording's tone.
    pub relative_bands: bool,
    /// The convolutions, first to last.
    pub stages: Vec<Stage>,
    /// Whether each convolution is followed by batch normalization (Ioffe & Szegedy 2015).
    pub batch_norm: bool,
    /// Features mixed of channels and bands; 0 leaves all channels of all bands as they are.
    pub mix: usize,
    /// Units of the bidirectional LSTM in each direction; 0 is none.
    pub recurrent: usize,
    /// Layers of the LSTM, each reading the states of the one before.
    pub recurrent_layers: usize,
    /// Moments averaged into one step of the LSTM, so that it reads windows of a few seconds.
    pub recurrent_pool: usize,
    /// The weights of the moments in `summary`.
    pub pooling: Pooling,
    /// With attention: divisor of its scores; above 1 evens the weights out.
    pub attention_temperature: f64,
    /// Statistics over time, one after the other.
    pub summary: Vec<Statistic>,
    /// Widths of dense layers with ReLU before the last one.
    pub dense: Vec<usize>,
    /// Share of every stage's output that is dropped in training, 0 to 1.
    pub stage_dropout: f64,
    /// Share of the last layer's input that is dropped in training, 0 to 1.
    pub dropout: f64,
    /// How the last layer's numbers become percentages.
    pub output: OutputKind,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            members: 1,
            frame_pool: 1,
            standardize: true,
            relative_bands: false,
            stages: Vec::new(),
            batch_norm: true,
            mix: 0,
            recurrent: 0,
            recurrent_layers: 1,
            recurrent_pool: 1,
            pooling: Pooling::default(),
            attention_temperature: 1.0,
            summary: vec![Statistic::Mean],
            dense: Vec::new(),
            stage_dropout: 0.0,
            dropout: 0.0,
            output: OutputKind::default(),
        }
    }
}

/// A convolution, batch normalization (where the network has it), ReLU, and a maximum pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stage {
    /// Channels that it puts out.
    pub channels: usize,
    /// Bands and frames that the kernel spans, odd. The sides are padded with zeros, so that the size is kept.
    pub kernel: usize,
    /// Bands and frames from one position of the kernel to the next.
    pub stride: [usize; 2],
    /// Bands and frames of which the maximum is taken, without overlap; a rest is left out.
    pub pool: [usize; 2],
}

impl Default for Stage {
    /// A kernel of 3 by 3 and a pool of 2 by 2; the channels must be named.
    fn default() -> Self {
        Self {
            channels: 0,
            kernel: 3,
            stride: [1, 1],
            pool: [2, 2],
        }
    }
}

/// A statistic of each feature over time.
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

/// The weights of the moments in the statistics over time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// All alike.
    #[default]
    Uniform,
    /// A softmax over time of a linear function of the features (Bahdanau, Cho & Bengio 2015); mean and deviation are weighted, the
    /// maximum is not. The model file has the weights as the output `attention`.
    Attention,
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

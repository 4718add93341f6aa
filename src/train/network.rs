//! The network in libtorch, and the same network as ONNX.

use tch::{
    Device, Kind, Tensor,
    nn::{self, ModuleT},
};

use super::onnx::{GraphBuilder, Value};
use crate::{
    emotion::{CENTRE, Emotion},
    model::{EMBEDDING, EMOTIONS, INPUT, METADATA_KEY, Metadata, Recipe, VALENCE_AROUSAL},
};

/// Points of the valence-arousal scale that the network's output of 1 stands for: it learns (value - 5) / 2.
pub const AFFECT_UNIT: f64 = 2.0;
/// Added to a variance before its square root is taken.
const VARIANCE_FLOOR: f64 = 1e-4;
/// Added to a variance by batch normalisation.
const NORM_EPSILON: f64 = 1e-5;
/// Outputs of the last layer: eight emotions, valence, arousal.
const OUTPUTS: i64 = Emotion::COUNT as i64 + 2;

/// Mean and standard deviation of every band, in dB, over the training songs.
#[derive(Debug, Clone, PartialEq)]
pub struct BandStatistics {
    /// One mean per band.
    pub mean: Vec<f32>,
    /// One standard deviation per band, above 0.
    pub deviation: Vec<f32>,
}

/// What the network answers for a batch.
#[derive(Debug)]
pub struct Output {
    /// `[batch, 8]`; their softmax is the share of each emotion.
    pub logits: Tensor,
    /// `[batch, 2]`: valence and arousal, as (value - 5) / [`AFFECT_UNIT`].
    pub affect: Tensor,
}

#[derive(Debug)]
struct Stage {
    convolution: nn::Conv2D,
    norm: nn::BatchNorm,
    time_pool: i64,
}

/// The network that a recipe describes, with its weights in libtorch.
#[derive(Debug)]
pub struct Network {
    recipe: Recipe,
    scale: Tensor,
    offset: Tensor,
    stages: Vec<Stage>,
    mix: nn::Conv1D,
    mix_norm: nn::BatchNorm,
    head: nn::Linear,
    variables: nn::VarStore,
}

impl Network {
    /// A network with fresh weights; libtorch's generator must be seeded before.
    pub fn new(recipe: &Recipe, bands: &BandStatistics, device: Device) -> Self {
        let variables = nn::VarStore::new(device);
        let root = variables.root();
        let shape = &recipe.network;
        let norm = nn::BatchNormConfig {
            eps: NORM_EPSILON,
            ws_init: nn::Init::Const(1.0),
            ..Default::default()
        };
        let no_bias = nn::ConvConfig {
            padding: 1,
            bias: false,
            ..Default::default()
        };
        let mut inputs = 1;
        let mut stages = Vec::new();
        for (number, &channels) in shape.channels.iter().enumerate() {
            let channels = channels as i64;
            let path = &root / format!("stage_{number}");
            stages.push(Stage {
                convolution: nn::conv2d(&path / "convolution", inputs, channels, 3, no_bias),
                norm: nn::batch_norm2d(&path / "norm", channels, norm),
                time_pool: shape.time_pool(number) as i64,
            });
            inputs = channels;
        }
        let (bands_left, _) = recipe.pooled_shape();
        let mix = shape.mix as i64;
        let pointwise = nn::ConvConfig {
            bias: false,
            ..Default::default()
        };
        let (scale, offset) = bands.affine();
        let per_band = |values: &[f32]| {
            Tensor::from_slice(values)
                .reshape([1, 1, -1, 1])
                .to_device(device)
        };
        Self {
            scale: per_band(&scale),
            offset: per_band(&offset),
            stages,
            mix: nn::conv1d(&root / "mix", inputs * bands_left as i64, mix, 1, pointwise),
            mix_norm: nn::batch_norm1d(&root / "mix_norm", mix, norm),
            head: nn::linear(&root / "head", 2 * mix, OUTPUTS, Default::default()),
            recipe: recipe.clone(),
            variables,
        }
    }

    /// The weights, for an optimiser and for checkpoints.
    pub fn variables(&self) -> &nn::VarStore {
        &self.variables
    }

    /// The weights, to be overwritten.
    pub fn variables_mut(&mut self) -> &mut nn::VarStore {
        &mut self.variables
    }

    /// Numbers that training adapts.
    pub fn parameters(&self) -> usize {
        self.variables
            .trainable_variables()
            .iter()
            .map(Tensor::numel)
            .sum()
    }

    /// `frames`: `[batch, 1, bands, frames / frame_pool]`, dB, already averaged over `frame_pool` frames.
    pub fn forward(&self, frames: &Tensor, train: bool) -> Output {
        let mut x = frames * &self.scale + &self.offset;
        for stage in &self.stages {
            // [batch, channels, bands, frames], bands and frames halved at every pool
            x = stage
                .convolution
                .forward_t(&x, train)
                .apply_t(&stage.norm, train)
                .relu();
            let kernel = [2, stage.time_pool];
            x = x.max_pool2d(kernel, kernel, [0, 0], [1, 1], false);
        }
        // [batch, channels * bands, frames] to [batch, mix, frames]
        let x = x
            .flatten(1, 2)
            .apply(&self.mix)
            .apply_t(&self.mix_norm, train)
            .relu();
        // [batch, 2 * mix]
        let mean = x.mean_dim(2, false, Kind::Float);
        let variance = (&x * &x).mean_dim(2, false, Kind::Float) - &mean * &mean;
        let deviation = (variance.relu() + VARIANCE_FLOOR).sqrt();
        let embedding = Tensor::cat(&[mean, deviation], 1);
        let outputs = embedding
            .dropout(self.recipe.network.dropout, train)
            .apply(&self.head);
        let emotions = Emotion::COUNT as i64;
        Output {
            logits: outputs.narrow(1, 0, emotions),
            affect: outputs.narrow(1, emotions, 2),
        }
    }

    /// The answers as a model file gives them: percentages `[batch, 8]`, and valence and arousal `[batch, 2]` on the
    /// scale 1 to 9, for full-rate spectrograms `[batch, 1, bands, frames]`.
    pub fn answers(&self, log_mel: &Tensor) -> (Tensor, Tensor) {
        let pool = [1, self.recipe.network.frame_pool as i64];
        let frames = log_mel.avg_pool2d(pool, pool, [0, 0], false, true, None);
        let output = self.forward(&frames, false);
        (
            output.logits.softmax(1, Kind::Float) * 100.0,
            output.affect * AFFECT_UNIT + CENTRE,
        )
    }

    /// The network as an ONNX file, batch normalisation folded into the convolutions.
    pub fn to_onnx(&self, metadata: &Metadata) -> Result<Vec<u8>, serde_json::Error> {
        let preprocessing = &metadata.preprocessing;
        let shape = &self.recipe.network;
        let bands = preprocessing.mel.n_mels;
        let mut graph = GraphBuilder::new(&metadata.name);
        let input = graph.input(INPUT, &[1, bands, preprocessing.frames()]);
        let averaged = graph.average_frames(&input, shape.frame_pool);
        let per_band = [1, 1, bands as i64, 1];
        let scale = graph.floats(&per_band, &values(&self.scale));
        let offset = graph.floats(&per_band, &values(&self.offset));
        let scaled = graph.multiply(&averaged, &scale);
        let mut x = graph.add(&scaled, &offset);
        for stage in &self.stages {
            let (weight, bias) = folded(&stage.convolution.ws, &stage.norm);
            x = graph.convolution(&x, (&stage.convolution.ws.size(), &weight), &bias);
            x = graph.relu(&x);
            x = graph.maximum_pool(&x, 2, stage.time_pool as usize);
        }
        let (_, frames) = self.recipe.pooled_shape();
        // [batch, channels * bands, frames, 1]: the mix is a 1 x 1 convolution
        x = graph.reshape(&x, &[0, -1, frames as i64, 1]);
        let (weight, bias) = folded(&self.mix.ws, &self.mix_norm);
        let mut mix_shape = self.mix.ws.size();
        mix_shape.push(1);
        x = graph.convolution(&x, (&mix_shape, &weight), &bias);
        x = graph.relu(&x);
        x = graph.reshape(&x, &[0, -1, frames as i64]);
        let mean = graph.mean(&x, 2);
        let deviation = standard_deviation(&mut graph, &x, &mean);
        let embedding = graph.concat(&[&mean, &deviation], 1);
        let (weight, bias) = (values(&self.head.ws), values_of(self.head.bs.as_ref()));
        let (emotions, features) = (Emotion::COUNT, shape.embedding());
        let split = emotions * features;
        let logits = graph.dense(
            &embedding,
            (&[emotions as i64, features as i64], &weight[..split]),
            &bias[..emotions],
        );
        let shares = graph.softmax(&logits, 1);
        let hundred = graph.floats(&[1], &[100.0]);
        let percentages = graph.multiply(&shares, &hundred);
        // The scale of 1 to 9 is folded into the last layer.
        let unit = AFFECT_UNIT as f32;
        let affect_weight: Vec<f32> = weight[split..].iter().map(|w| w * unit).collect();
        let affect_bias: Vec<f32> = bias[emotions..]
            .iter()
            .map(|b| b * unit + CENTRE as f32)
            .collect();
        let affect = graph.dense(
            &embedding,
            (&[2, features as i64], &affect_weight),
            &affect_bias,
        );
        for (value, name, length) in [
            (&percentages, EMOTIONS, emotions),
            (&affect, VALENCE_AROUSAL, 2),
            (&embedding, EMBEDDING, features),
        ] {
            graph.rename(value, name);
            graph.output(name, &[length]);
        }
        Ok(graph.finish(METADATA_KEY, &serde_json::to_string(metadata)?))
    }
}

impl BandStatistics {
    /// Scale and offset that standardise each band: `x * scale + offset`.
    fn affine(&self) -> (Vec<f32>, Vec<f32>) {
        let scale: Vec<f32> = self
            .deviation
            .iter()
            .map(|deviation| 1.0 / deviation)
            .collect();
        let offset = self
            .mean
            .iter()
            .zip(&scale)
            .map(|(mean, scale)| -mean * scale)
            .collect();
        (scale, offset)
    }
}

fn standard_deviation(graph: &mut GraphBuilder, x: &Value, mean: &Value) -> Value {
    let squares = graph.multiply(x, x);
    let mean_of_squares = graph.mean(&squares, 2);
    let square_of_mean = graph.multiply(mean, mean);
    let difference = graph.subtract(&mean_of_squares, &square_of_mean);
    let variance = graph.relu(&difference);
    let floor = graph.floats(&[1], &[VARIANCE_FLOOR as f32]);
    let variance = graph.add(&variance, &floor);
    graph.sqrt(&variance)
}

/// Weights and bias of a convolution that also does the batch normalisation after it (in its inference form).
fn folded(weight: &Tensor, norm: &nn::BatchNorm) -> (Vec<f32>, Vec<f32>) {
    let (scale, shift) = (values_of(norm.ws.as_ref()), values_of(norm.bs.as_ref()));
    let (mean, variance) = (values(&norm.running_mean), values(&norm.running_var));
    let mut weight = values(weight);
    let per_channel = weight.len() / scale.len();
    let mut bias = Vec::with_capacity(scale.len());
    for (channel, weights) in weight.chunks_mut(per_channel).enumerate() {
        let factor = scale[channel] / (variance[channel] + NORM_EPSILON as f32).sqrt();
        weights.iter_mut().for_each(|w| *w *= factor);
        bias.push(shift[channel] - mean[channel] * factor);
    }
    (weight, bias)
}

fn values(tensor: &Tensor) -> Vec<f32> {
    let flat = tensor
        .detach()
        .to_device(Device::Cpu)
        .to_kind(Kind::Float)
        .contiguous()
        .view(-1);
    let mut numbers = vec![0.0; flat.numel()];
    flat.copy_data(&mut numbers, flat.numel());
    numbers
}

/// The numbers of a tensor that every layer here has.
fn values_of(tensor: Option<&Tensor>) -> Vec<f32> {
    tensor.map(values).unwrap_or_default()
}

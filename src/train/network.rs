//! The network in libtorch, and the same network as ONNX.

mod graph;

use tch::{
    Device, Kind, Tensor,
    nn::{self, ModuleT, RNN},
};

use crate::{
    emotion::{CENTRE, Emotion},
    model::{OutputKind, Recipe, Statistic},
};

/// Points of the valence-arousal scale that the network's output of 1 stands for: it learns (value - 5) / 2.
pub const AFFECT_UNIT: f64 = 2.0;
/// Share that a linear output of 1 stands for: ten percentage points.
pub const SHARE_UNIT: f64 = 0.1;
/// Added to a variance before its square root is taken.
const VARIANCE_FLOOR: f64 = 1e-4;
/// Added to a variance by batch normalisation.
const NORM_EPSILON: f64 = 1e-5;
/// Added to every share before shares are divided by their sum, which could be 0 otherwise.
const SHARE_FLOOR: f64 = 1e-6;
const EMOTIONS: i64 = Emotion::COUNT as i64;
/// Weights start between plus and minus 1 / sqrt(inputs), as PyTorch's layers do; tch's own default is 2.4 times as wide,
/// which makes the last layer sure of itself before it has learned anything.
const FRESH: nn::Init = nn::Init::Kaiming {
    dist: nn::init::NormalOrUniform::Uniform,
    fan: nn::init::FanInOut::FanIn,
    non_linearity: nn::init::NonLinearity::ExplicitGain(0.577_350_269_189_625_8), // 1 / sqrt(3)
};

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
    /// `[batch, 8]`; the recipe's `network.output` says what makes shares of them.
    pub logits: Tensor,
    /// `[batch, 8]`: shares of the emotions, sum 1.
    pub shares: Tensor,
    /// `[batch, 2]`: valence and arousal, as (value - 5) / 2.
    pub affect: Tensor,
}

#[derive(Debug)]
struct Stage {
    convolution: nn::Conv<[i64; 2]>,
    norm: Option<nn::BatchNorm>,
    pool: [i64; 2],
}

/// The 1 x 1 convolution that mixes channels and bands.
#[derive(Debug)]
struct Mix {
    convolution: nn::Conv1D,
    norm: Option<nn::BatchNorm>,
}

/// The network that a recipe describes, with its weights in libtorch.
#[derive(Debug)]
pub struct Network {
    recipe: Recipe,
    scale: Tensor,
    offset: Tensor,
    stages: Vec<Stage>,
    mix: Option<Mix>,
    recurrent: Option<nn::LSTM>,
    dense: Vec<nn::Linear>,
    head: nn::Linear,
    /// `[8, 2]`: where every emotion lies, as (value - 5) / [`AFFECT_UNIT`], for a network without an output of
    /// valence and arousal.
    centres: Option<Tensor>,
    /// `[2]`: mean valence and arousal of the training songs, as (value - 5) / [`AFFECT_UNIT`].
    affect_mean: Tensor,
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
        let mut inputs = if shape.relative_bands { 2 } else { 1 };
        let mut stages = Vec::new();
        for (number, stage) in shape.stages.iter().enumerate() {
            let (channels, kernel) = (stage.channels as i64, stage.kernel as i64);
            let path = &root / format!("stage_{number}");
            let config = nn::ConvConfigND {
                stride: stage.stride.map(|stride| stride as i64),
                padding: [kernel / 2; 2],
                bias: !shape.batch_norm,
                ws_init: FRESH,
                ..nn::ConvConfigND::<[i64; 2]>::default()
            };
            stages.push(Stage {
                convolution: nn::conv(&path / "convolution", inputs, channels, [kernel; 2], config),
                norm: shape
                    .batch_norm
                    .then(|| nn::batch_norm2d(&path / "norm", channels, norm)),
                pool: stage.pool.map(|pool| pool as i64),
            });
            inputs = channels;
        }
        let mut features = recipe.channels_and_bands() as i64;
        let mix = (shape.mix > 0).then(|| {
            let outputs = shape.mix as i64;
            let config = nn::ConvConfig {
                bias: !shape.batch_norm,
                ws_init: FRESH,
                ..Default::default()
            };
            Mix {
                convolution: nn::conv1d(&root / "mix", features, outputs, 1, config),
                norm: shape
                    .batch_norm
                    .then(|| nn::batch_norm1d(&root / "mix_norm", outputs, norm)),
            }
        });
        if shape.mix > 0 {
            features = shape.mix as i64;
        }
        let recurrent = (shape.recurrent > 0).then(|| {
            let bound = 1.0 / (shape.recurrent as f64).sqrt();
            let fresh = nn::Init::Uniform {
                lo: -bound,
                up: bound,
            };
            let config = nn::RNNConfig {
                bidirectional: true,
                batch_first: true,
                w_ih_init: fresh,
                w_hh_init: fresh,
                b_ih_init: Some(fresh),
                b_hh_init: Some(fresh),
                ..Default::default()
            };
            nn::lstm(
                &root / "recurrent",
                features,
                shape.recurrent as i64,
                config,
            )
        });
        let dense_layer = nn::LinearConfig {
            ws_init: FRESH,
            ..Default::default()
        };
        let mut width = recipe.embedding() as i64;
        let mut dense = Vec::new();
        for (number, &next) in shape.dense.iter().enumerate() {
            let path = &root / format!("dense_{number}");
            dense.push(nn::linear(path, width, next as i64, dense_layer));
            width = next as i64;
        }
        let outputs = match recipe.reads_affect_off_emotions() {
            true => EMOTIONS,
            false => EMOTIONS + 2,
        };
        let (scale, offset) = match shape.standardize {
            true => bands.affine(),
            false => (vec![1.0; bands.mean.len()], vec![0.0; bands.mean.len()]),
        };
        let per_band = |values: &[f32]| {
            Tensor::from_slice(values)
                .reshape([1, 1, -1, 1])
                .to_device(device)
        };
        Self {
            scale: per_band(&scale),
            offset: per_band(&offset),
            stages,
            mix,
            recurrent,
            dense,
            head: nn::linear(&root / "head", width, outputs, dense_layer),
            centres: recipe
                .reads_affect_off_emotions()
                .then(|| Tensor::zeros([EMOTIONS, 2], (Kind::Float, device))),
            affect_mean: Tensor::zeros([2], (Kind::Float, device)),
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

    /// Learns from the labels of the training songs what is not learned by steps: their mean, which calibration draws
    /// to; and, for a recipe whose loss gives valence and arousal no weight, the linear map (one place on the plane per
    /// emotion) with the least squared error on `emotions` `[songs, 8]` (shares) and `affect` `[songs, 2]` (as
    /// (value - 5) / 2), by which both are read off the percentages from now on.
    ///
    /// # Errors
    /// [`tch::TchError`] where libtorch cannot solve it, for example for labels that are no numbers.
    pub fn learn_labels(
        &mut self,
        emotions: &Tensor,
        affect: &Tensor,
    ) -> Result<(), tch::TchError> {
        let device = self.variables.device();
        self.affect_mean = affect.f_mean_dim(0, false, Kind::Float)?.to_device(device);
        if self.centres.is_some() {
            // "gelsd" also solves it where an emotion never occurs; on the processor, in double precision
            let [shares, affect] = [emotions, affect]
                .map(|tensor| tensor.to_device(Device::Cpu).to_kind(Kind::Double));
            let (centres, ..) = shares.f_linalg_lstsq(&affect, None, "gelsd")?;
            self.centres = Some(centres.to_kind(Kind::Float).to_device(device));
        }
        Ok(())
    }

    /// `[2]`: shares of the distance from the mean that calibration keeps of valence and arousal.
    fn kept(&self) -> [f32; 2] {
        let calibration = &self.recipe.calibration;
        [calibration.valence, calibration.arousal].map(|kept| kept as f32)
    }

    /// `frames`: `[batch, 1, bands, frames / frame_pool]`, dB, already averaged over `frame_pool` frames. In training the
    /// answers are not calibrated.
    pub fn forward(&self, frames: &Tensor, train: bool) -> Output {
        let shape = &self.recipe.network;
        let mut x = frames * &self.scale + &self.offset;
        if shape.relative_bands {
            let relative = &x - x.mean_dim(3, true, Kind::Float);
            x = Tensor::cat(&[x, relative], 1);
        }
        for stage in &self.stages {
            // [batch, channels, bands, frames]
            x = channels_last(&x);
            x = normalised(stage.convolution.forward_t(&x, train), &stage.norm, train).relu();
            if stage.pool != [1, 1] {
                x = x.max_pool2d(stage.pool, stage.pool, [0, 0], [1, 1], false);
            }
            if shape.stage_dropout > 0.0 {
                x = x.dropout(shape.stage_dropout, train);
            }
        }
        // [batch, channels * bands, frames]
        x = x.flatten(1, 2);
        if let Some(mix) = &self.mix {
            x = normalised(x.apply(&mix.convolution), &mix.norm, train).relu();
        }
        if let Some(recurrent) = &self.recurrent {
            let (states, _) = recurrent.seq(&x.transpose(1, 2).contiguous());
            x = states.transpose(1, 2);
        }
        let mut embedding = self.summary(&x);
        for dense in &self.dense {
            embedding = embedding.apply(dense).relu();
        }
        let outputs = embedding.dropout(shape.dropout, train).apply(&self.head);
        let mut logits = outputs.narrow(1, 0, EMOTIONS);
        if !train && self.recipe.calibration.temperature != 1.0 {
            logits /= self.recipe.calibration.temperature;
        }
        let shares = self.shares(&logits);
        let affect = match &self.centres {
            Some(centres) => shares.matmul(centres),
            None if train => outputs.narrow(1, EMOTIONS, 2),
            None => {
                let kept = Tensor::from_slice(&self.kept()).to_device(outputs.device());
                (outputs.narrow(1, EMOTIONS, 2) - &self.affect_mean) * kept + &self.affect_mean
            }
        };
        Output {
            logits,
            shares,
            affect,
        }
    }

    /// `[batch, features, frames]` to the embedding `[batch, statistics * features]`.
    fn summary(&self, x: &Tensor) -> Tensor {
        let mean = x.mean_dim(2, false, Kind::Float);
        let statistics: Vec<Tensor> = self
            .recipe
            .network
            .summary
            .iter()
            .map(|statistic| match statistic {
                Statistic::Mean => mean.shallow_clone(),
                Statistic::Deviation => {
                    let variance = (x * x).mean_dim(2, false, Kind::Float) - &mean * &mean;
                    (variance.relu() + VARIANCE_FLOOR).sqrt()
                }
                Statistic::Maximum => x.amax(2, false),
            })
            .collect();
        Tensor::cat(&statistics, 1)
    }

    fn shares(&self, logits: &Tensor) -> Tensor {
        let positive = match self.recipe.network.output {
            OutputKind::Softmax => return logits.softmax(1, Kind::Float),
            OutputKind::Linear => (logits * SHARE_UNIT).relu(),
            OutputKind::Sigmoid => logits.sigmoid(),
        } + SHARE_FLOOR;
        &positive / positive.sum_dim_intlist(1, true, Kind::Float)
    }

    /// The answers as a model file gives them: percentages `[batch, 8]`, and valence and arousal `[batch, 2]` on the
    /// scale 1 to 9, for full-rate spectrograms `[batch, 1, bands, frames]`.
    pub fn answers(&self, log_mel: &Tensor) -> (Tensor, Tensor) {
        let _guard = tch::no_grad_guard();
        let pool = [1, self.recipe.network.frame_pool as i64];
        let frames = log_mel.avg_pool2d(pool, pool, [0, 0], false, true, None);
        let output = self.forward(&frames, false);
        (output.shares * 100.0, output.affect * AFFECT_UNIT + CENTRE)
    }
}

/// The same numbers with the channels of a place side by side in memory, which libtorch's convolutions, pools and norms
/// on the processor take about half the time for, and hand on in the same order.
fn channels_last(x: &Tensor) -> Tensor {
    if x.size()[1] == 1 {
        return x.shallow_clone(); // no other order to tell from this one
    }
    x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

fn normalised(x: Tensor, norm: &Option<nn::BatchNorm>, train: bool) -> Tensor {
    match norm {
        Some(norm) => x.apply_t(norm, train),
        None => x,
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

#[cfg(test)]
mod tests;

//! The network in libtorch, and the same network as ONNX.

mod graph;
mod member;
mod recalibrate;

use tch::{Device, Kind, Tensor, nn};

pub(crate) use self::{
    graph::{folded, values},
    recalibrate::Plain,
};

use self::member::{Forward, Member};
use crate::{
    emotion::{CENTER, Emotion},
    model::{LabelSet, OutputKind, Recipe},
};

/// Points of the valence-arousal scale that an output of 1 means: the network learns (value - 5) / 2.
pub(crate) const AFFECT_UNIT: f64 = 2.0;
/// Share that a linear output of 1 means: ten percentage points.
pub(crate) const SHARE_UNIT: f64 = 0.1;
/// Added to a variance before its square root is taken.
const VARIANCE_FLOOR: f64 = 1e-4;
/// Added to a variance by batch normalization.
pub(crate) const NORM_EPSILON: f64 = 1e-5;
/// Share of a batch in batch normalization's running statistics.
pub(crate) const NORM_MOMENTUM: f64 = 0.1;
/// Added to every share before shares are divided by their sum, which could be 0 otherwise.
const SHARE_FLOOR: f64 = 1e-6;
const EMOTIONS: i64 = Emotion::COUNT as i64;
/// The names of the weights that only teachers need begin so.
const TEACHER: &str = "teacher_";
/// Weights start between plus and minus 1 / sqrt(inputs), as PyTorch's layers do; tch's own default is 2.4 times as wide,
/// which makes the last layer sure of itself before it has learned anything.
pub(crate) const FRESH: nn::Init = nn::Init::Kaiming {
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

/// The answer of one member of the network for a batch.
#[derive(Debug)]
pub struct Output {
    /// `[batch, 8]`; the recipe's `network.output` says what makes shares of them.
    pub logits: Tensor,
    /// `[batch, 8]`: shares of the emotions, sum 1.
    pub shares: Tensor,
    /// `[batch, 2]`: valence and arousal, as (value - 5) / 2.
    pub affect: Tensor,
    /// `[batch, emotions with words]`: logits of what listeners felt, where the recipe has votes.
    pub felt: Option<Tensor>,
    /// In training: the predictions of each teacher's outputs, `[batch, moments, width]` or `[batch, width]`.
    pub taught: Vec<Tensor>,
}

/// The emotions that listeners of a set can vote for, in the order of [`Emotion::ALL`].
pub(crate) fn felt_emotions(set: &LabelSet) -> Vec<i64> {
    let has_word = |emotion: &&Emotion| set.words.values().any(|named| named == *emotion);
    let emotions = Emotion::ALL.iter().filter(has_word);
    emotions.map(|emotion| emotion.index() as i64).collect()
}

/// The answer of the network for a batch: the mean of its members.
#[derive(Debug)]
pub struct Answer {
    /// `[batch, 8]`: shares of the emotions, sum 1.
    pub shares: Tensor,
    /// `[batch, 2]`: valence and arousal, as (value - 5) / 2.
    pub affect: Tensor,
    /// `[batch, 8]`: shares of what listeners felt, sum 1, where the recipe has votes.
    pub felt: Option<Tensor>,
}

/// The network that a recipe describes, with its weights in libtorch.
#[derive(Debug)]
pub struct Network {
    recipe: Recipe,
    scale: Tensor,
    offset: Tensor,
    members: Vec<Member>,
    /// `[8, 2]`: where every emotion lies, as (value - 5) / [`AFFECT_UNIT`], for a network without an output of
    /// valence and arousal.
    centers: Option<Tensor>,
    /// `[2]`: mean valence and arousal of the training songs, as (value - 5) / [`AFFECT_UNIT`].
    affect_mean: Tensor,
    variables: nn::VarStore,
}

impl Network {
    /// A network with fresh weights; libtorch's generator must be seeded before. `teachers` are the lengths of the vectors of
    /// the recipe's teachers.
    pub fn new(
        recipe: &Recipe,
        bands: &BandStatistics,
        teachers: &[usize],
        device: Device,
    ) -> Self {
        let variables = nn::VarStore::new(device);
        let shape = &recipe.network;
        let members = match shape.members {
            1 => vec![Member::new(&variables, "", recipe, teachers)],
            members => (0..members)
                .map(|number| {
                    let name = format!("member_{number}");
                    Member::new(&variables, &name, recipe, teachers)
                })
                .collect(),
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
            members,
            centers: recipe
                .reads_affect_off_emotions()
                .then(|| Tensor::zeros([EMOTIONS, 2], (Kind::Float, device))),
            affect_mean: Tensor::zeros([2], (Kind::Float, device)),
            recipe: recipe.clone(),
            variables,
        }
    }

    /// The weights, for an optimizer and for checkpoints.
    pub fn variables(&self) -> &nn::VarStore {
        &self.variables
    }

    /// The weights, to be overwritten.
    pub fn variables_mut(&mut self) -> &mut nn::VarStore {
        &mut self.variables
    }

    /// Numbers that training adapts and the model file has.
    pub fn parameters(&self) -> usize {
        let variables = self.variables.variables();
        let trained = variables
            .iter()
            .filter(|(name, tensor)| tensor.requires_grad() && !name.contains(TEACHER));
        trained.map(|(_, tensor)| tensor.numel()).sum()
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
        if self.centers.is_some() {
            // "gelsd" also solves it where an emotion never occurs; on the processor, in double precision
            let [shares, affect] = [emotions, affect]
                .map(|tensor| tensor.to_device(Device::Cpu).to_kind(Kind::Double));
            let (centers, ..) = shares.f_linalg_lstsq(&affect, None, "gelsd")?;
            self.centers = Some(centers.to_kind(Kind::Float).to_device(device));
        }
        Ok(())
    }

    /// `[2]`: shares of the distance from the mean that calibration keeps of valence and arousal.
    fn kept(&self) -> [f32; 2] {
        let calibration = &self.recipe.calibration;
        [calibration.valence, calibration.arousal].map(|kept| kept as f32)
    }

    /// The answer of each member. `frames`: `[batch, 1, bands, frames / frame_pool]`, dB, already averaged over
    /// `frame_pool` frames. In training the answers are not calibrated.
    pub fn forward(&self, frames: &Tensor, train: bool) -> Vec<Output> {
        let x = self.inputs(frames);
        self.members
            .iter()
            .map(|member| self.output(member.forward(&x, train), train))
            .collect()
    }

    /// The input of every member: `[batch, 1 or 2, bands, frames / frame_pool]`.
    fn inputs(&self, frames: &Tensor) -> Tensor {
        let x = frames * &self.scale + &self.offset;
        match self.recipe.network.relative_bands {
            false => x,
            true => {
                let relative = &x - x.mean_dim(3, true, Kind::Float);
                Tensor::cat(&[x, relative], 1)
            }
        }
    }

    /// The answer of the network for frames as [`Network::forward`] takes them, calibrated: the mean of its members.
    pub fn answer(&self, frames: &Tensor) -> Answer {
        let outputs = self.forward(frames, false);
        let mean = |parts: Vec<Tensor>| Tensor::stack(&parts, 0).mean_dim(0, false, Kind::Float);
        let of = |part: fn(&Output) -> &Tensor| {
            mean(
                outputs
                    .iter()
                    .map(|output| part(output).shallow_clone())
                    .collect(),
            )
        };
        let felt: Option<Vec<Tensor>> = outputs.iter().map(|output| self.felt(output)).collect();
        Answer {
            shares: of(|output| &output.shares),
            affect: of(|output| &output.affect),
            felt: felt.map(mean),
        }
    }

    /// `[batch, 8]`: shares of what listeners felt. An emotion that they cannot vote for keeps its share of the emotions;
    /// the others divide the rest.
    fn felt(&self, output: &Output) -> Option<Tensor> {
        let (logits, set) = (output.felt.as_ref()?, self.recipe.votes()?);
        let (kept, places) = felt_layout(set);
        let device = logits.device();
        let kept = &output.shares * Tensor::from_slice(&kept).to_device(device);
        let rest = 1.0 - kept.sum_dim_intlist(1, true, Kind::Float);
        let places = Tensor::from_slice(&places)
            .reshape([-1, EMOTIONS])
            .to_device(device);
        Some(kept + rest * logits.softmax(1, Kind::Float).matmul(&places))
    }

    /// Interprets the numbers of a member's last layer.
    fn output(&self, forward: Forward, train: bool) -> Output {
        let Forward {
            outputs,
            mut felt,
            taught,
        } = forward;
        let calibration = &self.recipe.calibration;
        if let Some(felt) = felt
            .as_mut()
            .filter(|_| !train && calibration.felt_temperature != 1.0)
        {
            *felt /= calibration.felt_temperature;
        }
        let mut logits = outputs.narrow(1, 0, EMOTIONS);
        if !train && calibration.temperature != 1.0 {
            logits /= calibration.temperature;
        }
        let shares = self.shares(&logits);
        let affect = match &self.centers {
            Some(centers) => shares.matmul(centers),
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
            felt,
            taught,
        }
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
        let answer = self.answer(&frames);
        (answer.shares * 100.0, answer.affect * AFFECT_UNIT + CENTER)
    }
}

/// For an output of what listeners felt: 1 for each emotion that they cannot vote for, else 0; and row-major `[emotions with
/// words, 8]`, 1 where the emotion of the row is, else 0.
fn felt_layout(set: &LabelSet) -> ([f32; Emotion::COUNT], Vec<f32>) {
    let emotions = felt_emotions(set);
    let mut kept = [1.0; Emotion::COUNT];
    let mut places = vec![0.0; emotions.len() * Emotion::COUNT];
    for (row, emotion) in emotions.iter().enumerate() {
        kept[*emotion as usize] = 0.0;
        places[row * Emotion::COUNT + *emotion as usize] = 1.0;
    }
    (kept, places)
}

impl BandStatistics {
    /// Scale and offset that standardize each band: `x * scale + offset`.
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

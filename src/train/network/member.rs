//! One of the networks that answer side by side: from standardized frames to the last layer's numbers.

use tch::{
    Kind, Tensor,
    nn::{self, ModuleT, RNN},
};

use super::{EMOTIONS, FRESH, NORM_EPSILON, NORM_MOMENTUM, TEACHER, VARIANCE_FLOOR, felt_emotions};
use crate::model::{Attachment, NetworkShape, Pooling, Recipe, Statistic, Teacher};

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) convolution: nn::Conv<[i64; 2]>,
    pub(super) norm: Option<nn::BatchNorm>,
    pool: [i64; 2],
}

/// The 1 x 1 convolution that mixes channels and bands.
#[derive(Debug)]
pub(super) struct Mix {
    pub(super) convolution: nn::Conv1D,
    pub(super) norm: Option<nn::BatchNorm>,
}

#[derive(Debug)]
pub(super) struct Member {
    shape: NetworkShape,
    pub(super) stages: Vec<Stage>,
    pub(super) mix: Option<Mix>,
    recurrent: Option<nn::LSTM>,
    /// Prefix of the names of the recurrent layer's weights.
    pub(super) recurrent_name: String,
    /// The score of a moment, of its features.
    pub(super) attention: Option<nn::Linear>,
    pub(super) dense: Vec<nn::Linear>,
    pub(super) head: nn::Linear,
    /// The head for the votes of listeners: one number for each emotion that they can vote for.
    pub(super) felt: Option<nn::Linear>,
    /// One layer for each teacher.
    teachers: Vec<(Attachment, nn::Linear)>,
    /// Moments at which features are compared with a teacher's, and the frames of each.
    moments: (i64, i64),
}

/// The numbers of a member for a batch.
#[derive(Debug)]
pub(super) struct Forward {
    /// `[batch, 8 or 10]`: logits of the emotions, then valence and arousal.
    pub(super) outputs: Tensor,
    /// `[batch, emotions with words]`: logits of what listeners felt.
    pub(super) felt: Option<Tensor>,
    /// For each teacher, in training only: `[batch, moments, width]` or `[batch, width]`.
    pub(super) taught: Vec<Tensor>,
}

impl Member {
    /// Fresh weights, whose names start with `name`; `teachers` are the lengths of their vectors.
    pub(super) fn new(
        variables: &nn::VarStore,
        name: &str,
        recipe: &Recipe,
        teachers: &[usize],
    ) -> Self {
        let root = match name {
            "" => variables.root(),
            name => variables.root() / name,
        };
        let root = &root;
        let shape = &recipe.network;
        let norm = nn::BatchNormConfig {
            eps: NORM_EPSILON,
            momentum: NORM_MOMENTUM,
            ws_init: nn::Init::Const(1.0),
            ..Default::default()
        };
        let mut inputs = if shape.relative_bands { 2 } else { 1 };
        let mut stages = Vec::new();
        for (number, stage) in shape.stages.iter().enumerate() {
            let (channels, kernel) = (stage.channels as i64, stage.kernel as i64);
            let path = root / format!("stage_{number}");
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
                convolution: nn::conv1d(root / "mix", features, outputs, 1, config),
                norm: shape
                    .batch_norm
                    .then(|| nn::batch_norm1d(root / "mix_norm", outputs, norm)),
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
                num_layers: shape.recurrent_layers as i64,
                bidirectional: true,
                batch_first: true,
                w_ih_init: fresh,
                w_hh_init: fresh,
                b_ih_init: Some(fresh),
                b_hh_init: Some(fresh),
                ..Default::default()
            };
            nn::lstm(
                &(root / "recurrent"),
                features,
                shape.recurrent as i64,
                config,
            )
        });
        let dense_layer = nn::LinearConfig {
            ws_init: FRESH,
            ..Default::default()
        };
        let embedding = recipe.member_embedding() as i64;
        let over_time = recipe.features_over_time() as i64;
        let attention = (shape.pooling == Pooling::Attention).then(|| {
            let config = nn::LinearConfig {
                ws_init: nn::Init::Const(0.0), // at first, all moments count alike
                ..Default::default()
            };
            nn::linear(root / "attention", over_time, 1, config)
        });
        let mut width = embedding;
        let mut dense = Vec::new();
        for (number, &next) in shape.dense.iter().enumerate() {
            let path = root / format!("dense_{number}");
            dense.push(nn::linear(path, width, next as i64, dense_layer));
            width = next as i64;
        }
        let outputs = match recipe.reads_affect_off_emotions() {
            true => EMOTIONS,
            false => EMOTIONS + 2,
        };
        let head = nn::linear(root / "head", width, outputs, dense_layer);
        let felt = recipe.votes().map(|set| {
            let emotions = felt_emotions(set).len() as i64;
            nn::linear(root / "felt", width, emotions, dense_layer)
        });
        let layer = |(teacher, &outputs): (&Teacher, &usize)| {
            let inputs = match teacher.at {
                Attachment::Features => over_time,
                Attachment::Embedding => embedding,
            };
            let path = root / format!("{TEACHER}{}", teacher.name.replace('.', "_"));
            (
                teacher.at,
                nn::linear(path, inputs, outputs as i64, dense_layer),
            )
        };
        let teachers = recipe.teachers.iter().zip(teachers).map(layer).collect();
        let (count, each) = recipe.moment_frames();
        Self {
            shape: shape.clone(),
            stages,
            mix,
            recurrent,
            recurrent_name: match name {
                "" => "recurrent".to_owned(),
                name => format!("{name}.recurrent"),
            },
            attention,
            dense,
            head,
            felt,
            teachers,
            moments: (count as i64, each as i64),
        }
    }

    /// The numbers for frames `[batch, 1 or 2, bands, frames]`.
    pub(super) fn forward(&self, frames: &Tensor, train: bool) -> Forward {
        let shape = &self.shape;
        let mut x = frames.shallow_clone();
        for stage in &self.stages {
            // [batch, channels, bands, frames]
            x = channels_last(&x);
            x = normalized(stage.convolution.forward_t(&x, train), &stage.norm, train).relu();
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
            x = normalized(x.apply(&mix.convolution), &mix.norm, train).relu();
        }
        if let Some(recurrent) = &self.recurrent {
            let pool = shape.recurrent_pool as i64;
            if pool > 1 {
                x = x.avg_pool1d([pool], [pool], [0], false, true);
            }
            let (states, _) = recurrent.seq(&x.transpose(1, 2).contiguous());
            x = states.transpose(1, 2);
        }
        let mut embedding = self.summary(&x);
        let taught = match train {
            true => self
                .teachers
                .iter()
                .map(|(at, layer)| match at {
                    Attachment::Features => {
                        let (count, each) = self.moments;
                        let used = x.narrow(2, 0, count * each);
                        let moments = used.avg_pool1d([each], [each], [0], false, true);
                        moments.transpose(1, 2).apply(layer)
                    }
                    Attachment::Embedding => embedding.apply(layer),
                })
                .collect(),
            false => Vec::new(),
        };
        for dense in &self.dense {
            embedding = embedding.apply(dense).relu();
        }
        let last = embedding.dropout(shape.dropout, train);
        Forward {
            outputs: last.apply(&self.head),
            felt: self.felt.as_ref().map(|felt| last.apply(felt)),
            taught,
        }
    }

    /// The weight of each moment in the statistics, `[batch, 1, frames]` with sum 1, of a network with attention.
    pub(super) fn weights(&self, x: &Tensor) -> Option<Tensor> {
        self.attention.as_ref().map(|attention| {
            let scores = x.transpose(1, 2).apply(attention).transpose(1, 2);
            (scores / self.shape.attention_temperature).softmax(2, Kind::Float)
        })
    }

    /// `[batch, features, frames]` to the embedding `[batch, statistics * features]`.
    fn summary(&self, x: &Tensor) -> Tensor {
        let weights = self.weights(x);
        let mean_of = |x: &Tensor| match &weights {
            Some(weights) => (x * weights).sum_dim_intlist(2, false, Kind::Float),
            None => x.mean_dim(2, false, Kind::Float),
        };
        let mean = mean_of(x);
        let statistics: Vec<Tensor> = self
            .shape
            .summary
            .iter()
            .map(|statistic| match statistic {
                Statistic::Mean => mean.shallow_clone(),
                Statistic::Deviation => {
                    let variance = mean_of(&(x * x)) - &mean * &mean;
                    (variance.relu() + VARIANCE_FLOOR).sqrt()
                }
                Statistic::Maximum => x.amax(2, false),
            })
            .collect();
        Tensor::cat(&statistics, 1)
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

fn normalized(x: Tensor, norm: &Option<nn::BatchNorm>, train: bool) -> Tensor {
    match norm {
        Some(norm) => x.apply_t(norm, train),
        None => x,
    }
}

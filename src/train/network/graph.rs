//! The network as an ONNX file.

use tch::{Device, Kind, Tensor, nn};

use super::{
    AFFECT_UNIT, EMOTIONS, NORM_EPSILON, Network, SHARE_FLOOR, SHARE_UNIT, VARIANCE_FLOOR,
    felt_layout, member::Member,
};
use crate::{
    emotion::{CENTER, Emotion},
    model::{
        ATTENTION, EMBEDDING, EMOTIONS as EMOTIONS_OUTPUT, FELT, INPUT, LabelSet, METADATA_KEY,
        ModelMetadata, OutputKind, PROBABILITIES, Pooling, Statistic, VALENCE_AROUSAL,
    },
    train::onnx::{GraphBuilder, Lstm, Value},
};

/// The values of one member in the graph.
struct Parts {
    embedding: Value,
    /// `[batch, 8]`, sum 1.
    shares: Value,
    /// `[batch, 8]`: of a multi-label network, the probability that each emotion is present.
    present: Option<Value>,
    /// `[batch, 2]` on the scale 1 to 9, where the network has an output for them.
    affect: Option<Value>,
    /// `[batch, 8]`, sum 1: what listeners felt, where the recipe has votes.
    felt: Option<Value>,
    /// `[batch, frames]`, sum 1: the weights of the moments, where the network has attention.
    attention: Option<Value>,
}

impl Network {
    /// The network as an ONNX file, batch normalization folded into the convolutions.
    pub fn to_onnx(&self, metadata: &ModelMetadata) -> Result<Vec<u8>, serde_json::Error> {
        let preprocessing = &metadata.preprocessing;
        let bands = preprocessing.mel.n_mels;
        let mut graph = GraphBuilder::new(&metadata.name);
        let emotions = EMOTIONS as usize;
        let input = graph.input(INPUT, &[1, bands, preprocessing.frames()]);
        let frames = self.standardized(&mut graph, &input, bands as i64);
        let answers: Vec<Parts> = self
            .members
            .iter()
            .map(|member| self.member(&mut graph, member, &frames))
            .collect();
        let embedding = {
            let parts: Vec<&Value> = answers.iter().map(|parts| &parts.embedding).collect();
            // a concatenation even of one, so that the output's name never falls on a value that others read
            graph.concat(&parts, 1)
        };
        if self.recipe.network.output == OutputKind::Sigmoid {
            let present: Vec<&Value> = answers.iter().flat_map(|parts| &parts.present).collect();
            let probabilities = mean_of(&mut graph, &present);
            graph.rename(&probabilities, PROBABILITIES);
            graph.output(PROBABILITIES, &[emotions]);
        }
        let shares: Vec<&Value> = answers.iter().map(|parts| &parts.shares).collect();
        let shares = mean_of(&mut graph, &shares);
        let hundred = graph.floats(&[1], &[100.0]);
        let percentages = graph.apply("Mul", &[&shares, &hundred]);
        if self.recipe.votes().is_some() {
            let felt: Vec<&Value> = answers.iter().flat_map(|parts| &parts.felt).collect();
            let felt = mean_of(&mut graph, &felt);
            let felt = graph.apply("Mul", &[&felt, &hundred]);
            graph.rename(&felt, FELT);
            graph.output(FELT, &[emotions]);
        }
        if self.recipe.network.pooling == Pooling::Attention {
            let weights: Vec<&Value> = answers.iter().flat_map(|parts| &parts.attention).collect();
            let weights = mean_of(&mut graph, &weights);
            graph.rename(&weights, ATTENTION);
            graph.output(ATTENTION, &[self.recipe.summarized_frames()]);
        }
        let affect = match &self.centers {
            Some(centers) => {
                let weight = on_scale(&values(&centers.transpose(0, 1)));
                graph.dense(&shares, (&[2, EMOTIONS], &weight), &[CENTER as f32; 2])
            }
            None => {
                let affect: Vec<&Value> = answers.iter().flat_map(|parts| &parts.affect).collect();
                mean_of(&mut graph, &affect)
            }
        };
        for (value, name, length) in [
            (&percentages, EMOTIONS_OUTPUT, emotions),
            (&affect, VALENCE_AROUSAL, 2),
            (&embedding, EMBEDDING, self.recipe.embedding()),
        ] {
            graph.rename(value, name);
            graph.output(name, &[length]);
        }
        Ok(graph.finish(METADATA_KEY, &serde_json::to_string(metadata)?))
    }

    /// From the spectrogram to what every member sees: `[batch, 1 or 2, bands, frames / frame_pool]`.
    fn standardized(&self, graph: &mut GraphBuilder, input: &Value, bands: i64) -> Value {
        let shape = &self.recipe.network;
        let mut x = graph.average_frames(input, shape.frame_pool);
        if shape.standardize {
            let scale = graph.floats(&[1, 1, bands, 1], &values(&self.scale));
            let offset = graph.floats(&[1, 1, bands, 1], &values(&self.offset));
            let scaled = graph.apply("Mul", &[&x, &scale]);
            x = graph.apply("Add", &[&scaled, &offset]);
        }
        if shape.relative_bands {
            let mean = graph.reduce("ReduceMean", &x, 3, true);
            let relative = graph.apply("Sub", &[&x, &mean]);
            x = graph.concat(&[&x, &relative], 1);
        }
        x
    }

    /// Adds one member.
    fn member(&self, graph: &mut GraphBuilder, member: &Member, frames: &Value) -> Parts {
        let features = self.features(graph, member, frames);
        let weights = member
            .attention
            .as_ref()
            .map(|attention| self.attention(graph, attention, &features));
        let embedding = self.statistics(graph, &features, weights.as_ref());
        let mut x = embedding.clone();
        for dense in &member.dense {
            let weight = values(&dense.ws);
            x = graph.dense(
                &x,
                (&dense.ws.size(), &weight),
                &values_of(dense.bs.as_ref()),
            );
            x = graph.apply("Relu", &[&x]);
        }
        let width = member.head.ws.size()[1];
        let (weight, bias) = (values(&member.head.ws), values_of(member.head.bs.as_ref()));
        let emotions = EMOTIONS as usize;
        let split = emotions * width as usize;
        // The calibration is folded into the last layer, and so is the scale of 1 to 9.
        let temperature = self.recipe.calibration.temperature as f32;
        let cool = |weights: &[f32]| -> Vec<f32> {
            weights.iter().map(|weight| weight / temperature).collect()
        };
        let logits = graph.dense(
            &x,
            (&[EMOTIONS, width], &cool(&weight[..split])),
            &cool(&bias[..emotions]),
        );
        let mut present = None;
        let shares = match self.recipe.network.output {
            OutputKind::Softmax => graph.softmax(&logits, 1),
            OutputKind::Linear => {
                let unit = graph.floats(&[1], &[SHARE_UNIT as f32]);
                let scaled = graph.apply("Mul", &[&logits, &unit]);
                let positive = graph.apply("Relu", &[&scaled]);
                shares_of(graph, &positive)
            }
            OutputKind::Sigmoid => {
                let probabilities = graph.apply("Sigmoid", &[&logits]);
                let shares = shares_of(graph, &probabilities);
                present = Some(probabilities);
                shares
            }
        };
        let affect = self.centers.is_none().then(|| {
            let mean = values(&self.affect_mean);
            let mut weight = on_scale(&weight[split..]);
            let mut offsets = on_scale(&bias[emotions..]);
            for (axis, kept) in self.kept().into_iter().enumerate() {
                for weight in &mut weight[axis * width as usize..][..width as usize] {
                    *weight *= kept;
                }
                let mean = mean[axis] * AFFECT_UNIT as f32;
                offsets[axis] = (offsets[axis] - mean) * kept + mean + CENTER as f32;
            }
            graph.dense(&x, (&[2, width], &weight), &offsets)
        });
        let felt = member
            .felt
            .as_ref()
            .zip(self.recipe.votes())
            .map(|(head, set)| self.felt_shares(graph, head, set, &x, &shares));
        Parts {
            embedding,
            shares,
            present,
            affect,
            felt,
            attention: weights.map(|weights| graph.reshape(&weights, &[0, -1])),
        }
    }

    /// Shares of the emotions that listeners felt, `[batch, 8]`, from the last layer's input `x` and the shares of the emotions.
    fn felt_shares(
        &self,
        graph: &mut GraphBuilder,
        head: &nn::Linear,
        set: &LabelSet,
        x: &Value,
        shares: &Value,
    ) -> Value {
        let temperature = self.recipe.calibration.felt_temperature as f32;
        let cool = |weights: Vec<f32>| -> Vec<f32> {
            weights.iter().map(|weight| weight / temperature).collect()
        };
        let weight = cool(values(&head.ws));
        let logits = graph.dense(
            x,
            (&head.ws.size(), &weight),
            &cool(values_of(head.bs.as_ref())),
        );
        let voted = graph.softmax(&logits, 1);
        let (kept, places) = felt_layout(set);
        let rows = head.ws.size()[0];
        let places = Tensor::from_slice(&places).reshape([rows, EMOTIONS]);
        let places = values(&places.transpose(0, 1));
        let placed = graph.dense(&voted, (&[EMOTIONS, rows], &places), &[0.0; Emotion::COUNT]);
        let kept = graph.floats(&[1, EMOTIONS], &kept);
        let kept = graph.apply("Mul", &[shares, &kept]);
        let taken = graph.sum_kept(&kept, 1);
        let one = graph.floats(&[1], &[1.0]);
        let rest = graph.apply("Sub", &[&one, &taken]);
        let rest = graph.apply("Mul", &[&rest, &placed]);
        graph.apply("Add", &[&kept, &rest])
    }

    /// From the frames to what the statistics over time are taken of: `[batch, features, frames]`.
    fn features(&self, graph: &mut GraphBuilder, member: &Member, frames: &Value) -> Value {
        let shape = &self.recipe.network;
        let mut x = frames.clone();
        for (stage, asked) in member.stages.iter().zip(&shape.stages) {
            let (weight, bias) = folded(
                &stage.convolution.ws,
                stage.convolution.bs.as_ref(),
                stage.norm.as_ref(),
            );
            let weight = (&*stage.convolution.ws.size(), &*weight);
            x = graph.convolution(&x, weight, &bias, asked.stride);
            x = graph.apply("Relu", &[&x]);
            if asked.pool != [1, 1] {
                x = graph.maximum_pool(&x, asked.pool);
            }
        }
        let (_, frames) = self.recipe.pooled_shape();
        let frames = frames as i64;
        let width = self.recipe.channels_and_bands() as i64;
        if let Some(mix) = &member.mix {
            // [batch, channels * bands, frames, 1]: the mix is a 1 x 1 convolution
            x = graph.reshape(&x, &[0, width, frames, 1]);
            let (weight, bias) = folded(
                &mix.convolution.ws,
                mix.convolution.bs.as_ref(),
                mix.norm.as_ref(),
            );
            let mut size = mix.convolution.ws.size();
            size.push(1);
            x = graph.convolution(&x, (&size, &weight), &bias, [1, 1]);
            x = graph.apply("Relu", &[&x]);
            x = graph.reshape(&x, &[0, shape.mix as i64, frames]);
        } else {
            x = graph.reshape(&x, &[0, width, frames]);
        }
        if shape.recurrent > 0 {
            if shape.recurrent_pool > 1 {
                x = graph.reshape(&x, &[0, 1, -1, frames]);
                x = graph.average_frames(&x, shape.recurrent_pool);
            }
            let steps = self.recipe.summarized_frames() as i64;
            for layer in 0..shape.recurrent_layers {
                let inputs = match layer {
                    0 if shape.mix > 0 => shape.mix as i64,
                    0 => width,
                    _ => 2 * shape.recurrent as i64,
                };
                x = graph.reshape(&x, &[0, inputs, steps]);
                x = graph.bidirectional_lstm(&x, &self.lstm(member, layer), steps);
            }
        }
        x
    }

    /// The weight of each moment of the features: `[batch, 1, frames]`, sum 1.
    fn attention(&self, graph: &mut GraphBuilder, layer: &nn::Linear, features: &Value) -> Value {
        let width = layer.ws.size()[1];
        let frames = self.recipe.summarized_frames() as i64;
        let temperature = self.recipe.network.attention_temperature as f32;
        let weight: Vec<f32> = (values(&layer.ws).iter())
            .map(|weight| weight / temperature)
            .collect();
        // the bias is the same for every moment: a softmax does not see it
        let x = graph.reshape(features, &[0, width, frames, 1]);
        let scores = graph.convolution(&x, (&[1, width, 1, 1], &weight), &[0.0], [1, 1]);
        let scores = graph.reshape(&scores, &[0, 1, frames]);
        graph.softmax(&scores, 2)
    }

    /// `[batch, features, frames]` to the embedding; `weights` are those of the frames, else all count alike.
    fn statistics(&self, graph: &mut GraphBuilder, x: &Value, weights: Option<&Value>) -> Value {
        let mean = mean_over_time(graph, x, weights);
        let statistics: Vec<Value> = self
            .recipe
            .network
            .summary
            .iter()
            .map(|statistic| match statistic {
                Statistic::Mean => mean.clone(),
                Statistic::Deviation => standard_deviation(graph, x, &mean, weights),
                Statistic::Maximum => graph.reduce("ReduceMax", x, 2, false),
            })
            .collect();
        graph.concat(&statistics.iter().collect::<Vec<_>>(), 1)
    }

    /// The weights of a layer of the LSTM, in libtorch's order of gates.
    fn lstm(&self, member: &Member, layer: usize) -> Lstm {
        let variables = self.variables.variables();
        let get = |name: &str| {
            ["", "_reverse"].map(|direction| {
                let name = format!("{}.{name}_l{layer}{direction}", member.recurrent_name);
                values_of(variables.get(&name))
            })
        };
        Lstm {
            units: self.recipe.network.recurrent,
            input: get("weight_ih"),
            recurrent: get("weight_hh"),
            input_bias: get("bias_ih"),
            recurrent_bias: get("bias_hh"),
        }
    }
}

/// The mean of values of one shape.
fn mean_of(graph: &mut GraphBuilder, values: &[&Value]) -> Value {
    let mut sum = values[0].clone();
    for value in &values[1..] {
        sum = graph.apply("Add", &[&sum, value]);
    }
    let share = graph.floats(&[1], &[1.0 / values.len() as f32]);
    graph.apply("Mul", &[&sum, &share])
}

/// In points of the scale.
fn on_scale(weights: &[f32]) -> Vec<f32> {
    weights.iter().map(|w| w * AFFECT_UNIT as f32).collect()
}

/// Numbers from 0 up to their shares in their sum.
fn shares_of(graph: &mut GraphBuilder, x: &Value) -> Value {
    let floor = graph.floats(&[1], &[SHARE_FLOOR as f32]);
    let positive = graph.apply("Add", &[x, &floor]);
    let sum = graph.sum_kept(&positive, 1);
    graph.apply("Div", &[&positive, &sum])
}

/// The mean of `[batch, features, frames]` over the frames, with the weights of the frames if there are any.
fn mean_over_time(graph: &mut GraphBuilder, x: &Value, weights: Option<&Value>) -> Value {
    let Some(weights) = weights else {
        return graph.reduce("ReduceMean", x, 2, false);
    };
    let weighted = graph.apply("Mul", &[x, weights]);
    let sum = graph.sum_kept(&weighted, 2);
    graph.reshape(&sum, &[0, -1])
}

fn standard_deviation(
    graph: &mut GraphBuilder,
    x: &Value,
    mean: &Value,
    weights: Option<&Value>,
) -> Value {
    let squares = graph.apply("Mul", &[x, x]);
    let mean_of_squares = mean_over_time(graph, &squares, weights);
    let square_of_mean = graph.apply("Mul", &[mean, mean]);
    let difference = graph.apply("Sub", &[&mean_of_squares, &square_of_mean]);
    let variance = graph.apply("Relu", &[&difference]);
    let floor = graph.floats(&[1], &[VARIANCE_FLOOR as f32]);
    let variance = graph.apply("Add", &[&variance, &floor]);
    graph.apply("Sqrt", &[&variance])
}

/// Weights and bias of a convolution that also does the batch normalization after it (in its inference form).
pub(crate) fn folded(
    weight: &Tensor,
    bias: Option<&Tensor>,
    norm: Option<&nn::BatchNorm>,
) -> (Vec<f32>, Vec<f32>) {
    let Some(norm) = norm else {
        return (values(weight), values_of(bias));
    };
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

pub(crate) fn values(tensor: &Tensor) -> Vec<f32> {
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

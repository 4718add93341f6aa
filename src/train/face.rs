//! Training of expression networks: labeled faces to a model file.

mod augment;
mod checkpoint;
mod network;
mod recipe;
#[cfg(test)]
mod tests;

pub(crate) use self::{checkpoint::FaceEpoch, network::FaceNetwork, recipe::FaceRecipe};

use self::{
    augment::{augment, cover},
    checkpoint::{Checkpoint, Identity},
    network::standardized,
    recipe::{FaceSchedule, Optimizer as OptimizerKind, Target},
};
use super::{
    adam::{Adam, Decay},
    failure,
    fit::GENERATOR,
    interrupted,
    learner::generator_seed,
    schedule::one_cycle,
    sgd::Sgd,
    weights::Weights,
};
use crate::{
    dataset::{FaceSet, Part},
    emotion::Expression,
    error::{Context, ErrorKind, Result},
    face::{FACE_FORMAT_VERSION, FaceInput, FaceMetadata, FaceTraining, SIDE},
};
use std::{path::Path, sync::PoisonError, time::Instant};
use tch::{Device, Kind, Tensor};

/// Faces whose answers are computed at once.
const AT_ONCE: i64 = 256;

/// A step of training, for a progress bar or a log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FaceEvent {
    /// A batch was learned: its number, from 0, and the batches of the epoch.
    Batch(usize, usize),
    /// An epoch ended, and its checkpoint is on the disk; or a checkpoint tells of it.
    Epoch(FaceEpoch),
}

/// A trained network.
#[derive(Debug)]
pub(crate) struct TrainedFaces {
    network: FaceNetwork,
    metadata: FaceMetadata,
    pub history: Vec<FaceEpoch>,
    /// The epoch whose weights were kept, 0 first: the one with the highest accuracy on the validation faces.
    pub kept: usize,
    /// Share of the training faces with a majority whose expression it gets right.
    pub training_accuracy: Option<f64>,
}

impl TrainedFaces {
    /// The ONNX file, with `scores` in its metadata.
    ///
    /// # Errors
    /// If the metadata cannot be written, which no scores of this program cause.
    pub(crate) fn onnx(&self, scores: serde_json::Value) -> Result<Vec<u8>> {
        self.network.to_onnx(&FaceMetadata {
            scores,
            ..self.metadata.clone()
        })
    }

    /// Numbers that training adapted.
    pub(crate) fn parameters(&self) -> usize {
        self.network.parameters()
    }
}

/// Pixels and labels as tensors.
struct Faces {
    /// `[faces, 1, 48, 48]`, bytes.
    pixels: Tensor,
    /// `[faces, 8]`: shares of the votes.
    shares: Tensor,
    /// `[faces]`: the expression with most votes.
    most: Tensor,
    /// Whether more than half of the voters chose it.
    has_majority: Tensor,
}

impl Faces {
    fn of(set: &FaceSet, part: Part, device: Device) -> Self {
        let places = set.part(part);
        let side = SIDE as i64;
        let mut pixels = Vec::with_capacity(places.len() * SIDE * SIDE);
        let (mut shares, mut majority) = (Vec::new(), Vec::new());
        for &place in &places {
            pixels.extend_from_slice(set.pixels_of(place));
            shares.extend_from_slice(&set.faces[place].shares);
            majority.push(set.faces[place].majority.is_some());
        }
        let shares = Tensor::from_slice(&shares).view([-1, Expression::COUNT as i64]);
        Self {
            pixels: Tensor::from_slice(&pixels).view([-1, 1, side, side]),
            most: shares.argmax(1, false).to_device(device),
            shares: shares.to_device(device),
            has_majority: Tensor::from_slice(&majority).to_device(device),
        }
    }

    fn count(&self) -> i64 {
        self.shares.size()[0]
    }
}

/// The optimizers that recipes name.
enum Optimizer {
    Adam(Adam),
    Sgd(Sgd),
}

impl Optimizer {
    fn step(&mut self, rate: f64) -> Result<()> {
        match self {
            Self::Adam(adam) => adam.step(rate)?,
            Self::Sgd(sgd) => sgd.step(rate)?,
        }
        Ok(())
    }

    /// Running means of the gradients and, of Adam, of their squares.
    fn state(&self) -> [Weights; 2] {
        match self {
            Self::Adam(adam) => adam.moments().into(),
            Self::Sgd(sgd) => [sgd.velocity(), Weights::default()],
        }
    }

    fn restore(&mut self, steps: u64, [first, second]: &[Weights; 2]) -> Result<()> {
        match self {
            Self::Adam(adam) => adam.restore(steps, first, second)?,
            Self::Sgd(sgd) => sgd.velocity().copy_from(first)?,
        }
        Ok(())
    }
}

/// Trains an expression network on the training part of a set, and keeps the epoch with the highest accuracy on its
/// validation part. Resumes from the file `checkpoint` if it is there, to the weights that it would have come to without a
/// break (on the processor, with the same number of threads, bit for bit).
///
/// # Errors
/// Of the kind [`ErrorKind::Training`] for too few faces, a loss that is not finite, a checkpoint that cannot be written or
/// belongs to another run; of the kind [`ErrorKind::Interrupted`] if `watch` answers `false`.
pub(crate) fn train_faces(
    recipe: &FaceRecipe,
    set: &FaceSet,
    device: Device,
    checkpoint: &Path,
    mut watch: impl FnMut(FaceEvent) -> bool,
) -> Result<TrainedFaces> {
    let _generator = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    let settings = &recipe.training;
    let training = Faces::of(set, Part::Train, device);
    let validation = Faces::of(set, Part::Validation, device);
    let judged = validation.has_majority.sum(Kind::Int64).int64_value(&[]);
    if training.count() < 2 || judged == 0 {
        return Err(failure(format!(
            "{} faces to train on and {judged} with a clear expression to validate with; expected at least 2 and 1",
            training.count()
        )));
    }
    let text = toml::to_string(recipe).context(ErrorKind::Training, "the recipe is no TOML")?;
    let identity = Identity::of(&text, set);
    tch::manual_seed(recipe.seed as i64);
    let network = FaceNetwork::new(recipe, device);
    let variables = network.variables();
    let mut optimizer = match settings.optimizer {
        OptimizerKind::Adam => Optimizer::Adam(Adam::new(
            variables,
            Decay::Gradient,
            settings.weight_decay,
        )?),
        OptimizerKind::Adamw => {
            Optimizer::Adam(Adam::new(variables, Decay::Weight, settings.weight_decay)?)
        }
        OptimizerKind::SgdNesterov => Optimizer::Sgd(Sgd::new(
            variables,
            settings.momentum,
            settings.weight_decay,
        )?),
    };
    let mut live = Weights::of(variables);
    // Where nothing is averaged, the average is the live weights themselves.
    let mut average = match settings.averaging {
        0.0 => live.shared(),
        _ => live.copied(),
    };
    let (mut best, mut kept) = (average.copied(), 0);
    let mut steps = 0_u64;
    let mut history: Vec<FaceEpoch> = Vec::new();
    if let Some(state) = checkpoint::read(checkpoint, &identity, device)? {
        live.copy_from(&state.weights)?;
        average.copy_from(&state.average)?;
        best.copy_from(&state.best)?;
        optimizer.restore(state.steps, &state.optimizer)?;
        (kept, steps, history) = (state.kept, state.steps, state.history);
        for epoch in &history {
            if !watch(FaceEvent::Epoch(epoch.clone())) {
                return Err(interrupted(history.len()));
            }
        }
    }
    let balance = weights_of_expressions(&training, settings.balance);
    let batch = (settings.batch as i64).min(training.count());
    let batches = training.count() / batch;
    for epoch in history.len()..settings.epochs {
        let since = Instant::now();
        tch::manual_seed(generator_seed(recipe.seed, epoch));
        let order = Tensor::randperm(training.count(), (Kind::Int64, Device::Cpu));
        let (mut total, mut right, mut rate) = (0.0, 0.0, 0.0);
        for number in 0..batches {
            let faces = order.narrow(0, number * batch, batch);
            let pictures = training.pixels.index_select(0, &faces).to_kind(Kind::Float);
            let pictures = standardized(&augment(&recipe.augment, &pictures));
            let pictures = cover(recipe.augment.cover, pictures).to_device(device);
            let faces = faces.to_device(device);
            let shares = training.shares.index_select(0, &faces);
            let most = training.most.index_select(0, &faces);
            let logits = network.forward(&pictures, true);
            let loss = loss(settings.target, &logits, &shares, &most, &balance);
            let value = loss.double_value(&[]);
            if !value.is_finite() {
                return Err(failure(format!(
                    "the loss is no longer a finite number in epoch {}, batch {}; lower `training.learning_rate` in the recipe",
                    epoch + 1,
                    number + 1
                )));
            }
            total += value;
            right += count_equal(&logits.argmax(1, false), &most);
            for mut weight in variables.trainable_variables() {
                weight.zero_grad();
            }
            loss.f_backward()?;
            rate = match settings.schedule {
                FaceSchedule::Constant => settings.learning_rate,
                FaceSchedule::OneCycle => {
                    let all = batches as u64 * settings.epochs as u64;
                    one_cycle(settings.learning_rate, steps, all)
                }
            };
            optimizer.step(rate)?;
            steps += 1;
            if settings.averaging > 0.0 {
                // At first the average would be of the initial weights: it begins with a short memory.
                let keep = (settings.averaging).min((1.0 + steps as f64) / (10.0 + steps as f64));
                average.lerp(&live, 1.0 - keep)?;
            }
            if !watch(FaceEvent::Batch(number as usize, batches as usize)) {
                return Err(interrupted(epoch + 1));
            }
        }
        let own = live.copied();
        live.copy_from(&average)?;
        let logits = answers(&network, &validation, device);
        live.copy_from(&own)?;
        let scores = FaceEpoch {
            epoch,
            loss: total / batches as f64,
            accuracy: right / (batches * batch) as f64,
            validation_loss: divergence(&validation.shares, &logits).double_value(&[]),
            validation_accuracy: accuracy(&logits, &validation).unwrap_or_default(),
            learning_rate: rate,
            seconds: since.elapsed().as_secs_f64(),
        };
        let highest = history.get(kept).map(|best| best.validation_accuracy);
        if highest.is_none_or(|highest| scores.validation_accuracy > highest) {
            best.copy_from(&average)?;
            kept = epoch;
        }
        history.push(scores.clone());
        checkpoint::write(
            checkpoint,
            &identity,
            &Checkpoint {
                history: history.clone(),
                kept,
                steps,
                weights: live.shared(),
                average: average.shared(),
                best: best.shared(),
                optimizer: optimizer.state(),
            },
        )?;
        if !watch(FaceEvent::Epoch(scores)) {
            return Err(interrupted(epoch + 1));
        }
    }
    live.copy_from(&best)?;
    let training_accuracy = accuracy(&answers(&network, &training, device), &training);
    Ok(TrainedFaces {
        metadata: FaceMetadata {
            format_version: FACE_FORMAT_VERSION,
            name: recipe.name.clone(),
            preprocessing: FaceInput::default(),
            labels: Expression::ALL
                .map(|expression| expression.name().to_owned())
                .into(),
            training: FaceTraining {
                name: set.name.clone(),
                faces: training.count() as usize,
                validation_faces: validation.count() as usize,
                recipe: text,
            },
            scores: serde_json::Value::Null,
        },
        network,
        history,
        kept,
        training_accuracy,
    })
}

/// `[8]`: the weight of a face of each expression, of mean 1 over the faces.
fn weights_of_expressions(faces: &Faces, balance: f64) -> Tensor {
    let shares = faces.shares.mean_dim(0, false, Kind::Float);
    let weights = shares.clamp_min(1e-4).pow_tensor_scalar(-balance);
    let mean = (&shares * &weights).sum(Kind::Float);
    weights / mean
}

/// The loss of a batch: mean over its faces, each weighted for its expression.
fn loss(
    target: Target,
    logits: &Tensor,
    shares: &Tensor,
    most: &Tensor,
    balance: &Tensor,
) -> Tensor {
    let truth = match target {
        Target::Votes => shares.shallow_clone(),
        Target::Majority => most.one_hot(Expression::COUNT as i64).to_kind(Kind::Float),
    };
    let weight = (&truth * balance).sum_dim_intlist(1, false, Kind::Float);
    let each = truth.xlogy(&truth) - &truth * logits.log_softmax(1, Kind::Float);
    (each.sum_dim_intlist(1, false, Kind::Float) * weight).mean(Kind::Float)
}

/// Kullback-Leibler divergence in nats, mean over the faces.
fn divergence(truth: &Tensor, logits: &Tensor) -> Tensor {
    let each = truth.xlogy(truth) - truth * logits.log_softmax(1, Kind::Float);
    each.sum_dim_intlist(1, false, Kind::Float)
        .mean(Kind::Float)
}

/// Logits of unchanged faces.
fn answers(network: &FaceNetwork, faces: &Faces, device: Device) -> Tensor {
    let _guard = tch::no_grad_guard();
    let logits: Vec<Tensor> = (0..faces.count())
        .step_by(AT_ONCE as usize)
        .map(|start| {
            let count = AT_ONCE.min(faces.count() - start);
            let pictures = faces.pixels.narrow(0, start, count).to_kind(Kind::Float);
            network.forward(&standardized(&pictures).to_device(device), false)
        })
        .collect();
    Tensor::cat(&logits, 0)
}

/// Share of the faces with a majority whose expression has the highest logit; none if there are none.
fn accuracy(logits: &Tensor, faces: &Faces) -> Option<f64> {
    let right = logits.argmax(1, false).eq_tensor(&faces.most);
    let judged = faces.has_majority.sum(Kind::Int64).int64_value(&[]);
    let right = right.logical_and(&faces.has_majority).sum(Kind::Int64);
    (judged > 0).then(|| right.int64_value(&[]) as f64 / judged as f64)
}

fn count_equal(one: &Tensor, other: &Tensor) -> f64 {
    one.eq_tensor(other).sum(Kind::Int64).int64_value(&[]) as f64
}

//! The loss that training minimizes.

use tch::{Kind, Reduction, Tensor};

use super::{
    batches::Batch,
    network::{Network, Output, SHARE_UNIT, felt_emotions},
};
use crate::model::{AffectLoss, EmotionLoss, OutputKind, Recipe};

/// Keeps a quotient of variances finite where a batch has none.
const VARIANCE_FLOOR: f64 = 1e-8;

/// The recipe's loss of a batch, with the network in training mode, mean over its members: a scalar. Each member learns
/// for itself: were the mean of their answers what is judged, one would learn the errors of the other.
pub(crate) fn loss(recipe: &Recipe, network: &Network, batch: &Batch) -> Tensor {
    let losses: Vec<Tensor> = network
        .forward(&batch.frames, true)
        .into_iter()
        .map(|output| loss_of(recipe, output, batch))
        .collect();
    Tensor::stack(&losses, 0).mean(Kind::Float)
}

/// The sum of the losses of labels, each over the songs of the batch that have such labels and divided by all songs, and of
/// the teachers.
fn loss_of(recipe: &Recipe, output: Output, batch: &Batch) -> Tensor {
    let all = batch.songs.len();
    let share = |places: &[i64]| places.len() as f64 / all as f64;
    let mut losses = Vec::new();
    let felt = output.felt.as_ref().zip(recipe.votes());
    if let (Some((logits, set)), false) = (felt, batch.voted.is_empty()) {
        let emotions = Tensor::from_slice(&felt_emotions(set)).to_device(logits.device());
        let truth = rows(&batch.felt, &batch.voted).index_select(1, &emotions);
        losses.push(divergence(&truth, &rows(logits, &batch.voted)) * share(&batch.voted));
    }
    let teachers = recipe.teachers.iter();
    for ((teacher, taught), target) in teachers.zip(&output.taught).zip(&batch.targets) {
        losses.push((taught - target).square().mean(Kind::Float) * teacher.weight);
    }
    if !batch.labeled.is_empty() {
        losses.push(labels_loss(recipe, &output, batch) * share(&batch.labeled));
    }
    losses
        .into_iter()
        .reduce(|sum, loss| sum + loss)
        .unwrap_or_else(|| {
            // A batch of songs without labels, and no teacher: nothing is learned of it.
            output.logits.sum(Kind::Float) * 0.0
        })
}

/// The rows of a tensor at `places`, which ascend.
fn rows(tensor: &Tensor, places: &[i64]) -> Tensor {
    match places.len() as i64 == tensor.size()[0] {
        true => tensor.shallow_clone(),
        false => tensor.index_select(0, &Tensor::from_slice(places).to_device(tensor.device())),
    }
}

/// The loss of the percentages and of valence and arousal, mean over the songs of the batch that have these labels.
fn labels_loss(recipe: &Recipe, output: &Output, batch: &Batch) -> Tensor {
    let of = |tensor: &Tensor| rows(tensor, &batch.labeled);
    let [logits, shares, affect] = [&output.logits, &output.shares, &output.affect].map(of);
    let [truth, present, true_affect] = [&batch.emotions, &batch.present, &batch.affect].map(of);
    let absolute = (recipe.loss.absolute_error > 0.0).then(|| {
        let error = (&shares - &truth).abs().sum(Kind::Float);
        error * (recipe.loss.absolute_error / batch.labeled.len() as f64)
    });
    let mut emotions = match recipe.loss.emotions {
        EmotionLoss::KullbackLeibler => divergence(&truth, &logits),
        EmotionLoss::SquaredError => {
            // before a model file cuts negative percentages off, so that they too have a gradient
            let shares = match recipe.network.output {
                OutputKind::Linear => logits,
                _ => shares / SHARE_UNIT,
            };
            (shares - &truth / SHARE_UNIT).square().mean(Kind::Float)
        }
        EmotionLoss::BinaryCrossEntropy => {
            logits.binary_cross_entropy_with_logits::<Tensor>(&present, None, None, Reduction::Mean)
        }
    };
    if let Some(absolute) = absolute {
        emotions += absolute;
    }
    if recipe.reads_affect_off_emotions() {
        return emotions;
    }
    let affect = match recipe.loss.affect {
        AffectLoss::SquaredError => (&affect - &true_affect).square().mean(Kind::Float),
        AffectLoss::Concordance => discordance(&true_affect, &affect),
    };
    emotions + affect * recipe.loss.valence_arousal
}

/// Kullback-Leibler divergence sum(p log(p / q)) in nats, with 0 log 0 = 0; mean over the batch.
fn divergence(truth: &Tensor, logits: &Tensor) -> Tensor {
    let predicted = logits.log_softmax(1, Kind::Float);
    let entropy = truth.xlogy(truth);
    (entropy - truth * predicted).sum(Kind::Float) / truth.size()[0] as f64
}

/// 1 - the concordance correlation coefficient over the batch (Lin 1989), mean of both columns.
fn discordance(truth: &Tensor, predicted: &Tensor) -> Tensor {
    let mean = |x: &Tensor| x.mean_dim(0, true, Kind::Float);
    let (truth_mean, predicted_mean) = (mean(truth), mean(predicted));
    let (truth_rest, predicted_rest) = (truth - &truth_mean, predicted - &predicted_mean);
    let covariance = mean(&(&truth_rest * &predicted_rest));
    let spread = mean(&truth_rest.square())
        + mean(&predicted_rest.square())
        + (truth_mean - predicted_mean).square()
        + VARIANCE_FLOOR;
    1.0 - (covariance * 2.0 / spread).mean(Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::metrics::Agreement;

    #[test]
    fn discordance_is_one_minus_the_concordance_that_evaluation_reports() {
        let truth = [[0.1, 0.9], [0.4, -0.3], [-1.2, 0.2], [0.8, 0.5_f64]];
        let predicted = [[0.2, 0.1], [0.1, -0.2], [-0.9, 0.4], [1.1, 0.2_f64]];
        let column = |rows: &[[f64; 2]; 4], axis: usize| rows.map(|row| row[axis]);
        let expected: f64 = (0..2)
            .map(|axis| {
                let agreement = Agreement::of(&column(&truth, axis), &column(&predicted, axis));
                1.0 - agreement.ccc.expect("exists")
            })
            .sum::<f64>()
            / 2.0;
        let tensor = |rows: &[[f64; 2]; 4]| Tensor::from_slice(rows.as_flattened()).reshape([4, 2]);
        let ours = discordance(&tensor(&truth), &tensor(&predicted)).double_value(&[]);
        assert!((ours - expected).abs() < 1e-6, "{ours} and {expected}");
    }

    #[test]
    fn divergence_is_0_for_the_truth_and_ln_2_for_a_uniform_answer() {
        let truth = Tensor::from_slice(&[0.5_f32, 0.5, 0.0, 0.0]).reshape([1, 4]);
        let uniform = divergence(
            &truth,
            &Tensor::zeros([1, 4], (Kind::Float, tch::Device::Cpu)),
        );
        assert!((uniform.double_value(&[]) - 2.0_f64.ln()).abs() < 1e-6);
        let logits = Tensor::from_slice(&[30.0_f32, 30.0, -30.0, -30.0]).reshape([1, 4]);
        assert!(divergence(&truth, &logits).double_value(&[]).abs() < 1e-6);
    }
}

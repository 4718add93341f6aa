//! The loss that training minimizes.

use tch::{Kind, Reduction, Tensor};

use super::{
    batches::Batch,
    network::{Network, Output, SHARE_UNIT},
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

fn loss_of(recipe: &Recipe, output: Output, batch: &Batch) -> Tensor {
    let absolute = (recipe.loss.absolute_error > 0.0).then(|| {
        let error = (&output.shares - &batch.emotions).abs().sum(Kind::Float);
        error * (recipe.loss.absolute_error / batch.songs.len() as f64)
    });
    let mut emotions = match recipe.loss.emotions {
        EmotionLoss::KullbackLeibler => divergence(&batch.emotions, &output.logits),
        EmotionLoss::SquaredError => {
            // before a model file cuts negative percentages off, so that they too have a gradient
            let shares = match recipe.network.output {
                OutputKind::Linear => output.logits,
                _ => output.shares / SHARE_UNIT,
            };
            (shares - &batch.emotions / SHARE_UNIT)
                .square()
                .mean(Kind::Float)
        }
        EmotionLoss::BinaryCrossEntropy => {
            output.logits.binary_cross_entropy_with_logits::<Tensor>(
                &batch.present,
                None,
                None,
                Reduction::Mean,
            )
        }
    };
    if let Some(absolute) = absolute {
        emotions += absolute;
    }
    if recipe.reads_affect_off_emotions() {
        return emotions;
    }
    let affect = match recipe.loss.affect {
        AffectLoss::SquaredError => (output.affect - &batch.affect).square().mean(Kind::Float),
        AffectLoss::Concordance => discordance(&batch.affect, &output.affect),
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

//! Corrects what augmentation has shifted, on the training songs as they are.

use tch::{Kind, TchError, Tensor};

use super::{EMOTIONS, NORM_MOMENTUM, Network, felt_emotions};
use crate::model::OutputKind;

/// Steps towards the biases of a softmax; each takes away nearly all of what is left.
const STEPS: usize = 20;
/// A mean share below this has no logarithm worth following.
const LEAST_SHARE: f64 = 1e-4;

/// Windows without augmentation, with their labels.
#[derive(Debug)]
pub struct Plain {
    /// `[windows, 1, bands, frames / frame_pool]`, dB.
    pub frames: Tensor,
    /// `[windows, 8]`: shares of the emotions, sum 1.
    pub emotions: Tensor,
    /// `[windows, 2]`: valence and arousal as (value - 5) / 2.
    pub affect: Tensor,
    /// `[windows, 8]`: shares of what listeners felt, sum 1.
    pub felt: Tensor,
    /// Places of the windows with labels of valence and arousal.
    pub labeled: Vec<i64>,
    /// Places of the windows with votes.
    pub voted: Vec<i64>,
}

/// The rows at the places that each batch names, of one tensor for each batch, joined.
fn joined<'a>(
    batches: &[Plain],
    places: fn(&Plain) -> &[i64],
    tensors: impl Iterator<Item = &'a Tensor>,
) -> Result<Tensor, TchError> {
    let select = |(batch, tensor): (&Plain, &Tensor)| {
        let places = Tensor::from_slice(places(batch)).to_device(tensor.device());
        tensor.f_index_select(0, &places)
    };
    let parts = batches.iter().zip(tensors).map(select);
    Tensor::f_cat(&parts.collect::<Result<Vec<_>, _>>()?, 0)
}

fn mean(x: &Tensor) -> Tensor {
    x.mean_dim(0, false, Kind::Float)
}

/// The change of logits after which the mean softmax over rows, at a temperature, is the mean of `truth`.
fn softmax_shift(logits: &Tensor, truth: &Tensor, temperature: f64) -> Tensor {
    let truth = mean(truth)
        .to_device(logits.device())
        .clamp_min(LEAST_SHARE);
    let mut shift = Tensor::zeros_like(&truth);
    for _ in 0..STEPS {
        let answered = mean(&((logits + &shift) / temperature).softmax(1, Kind::Float));
        shift += (&truth / answered.clamp_min(LEAST_SHARE)).log() * temperature;
    }
    shift
}

impl Network {
    /// Takes batch normalization's means and variances again, as the mean over `batches` of what each batch has ("precise
    /// batch normalization", Wu & Johnson 2021): those of training are of cropped, masked and mixed audio, which is not
    /// what the network sees later. Each batch should hold songs of every kind.
    ///
    /// # Errors
    /// [`TchError`] where libtorch fails.
    pub fn recalibrate_batch_norm(&mut self, batches: &[Plain]) -> Result<(), TchError> {
        let _guard = tch::no_grad_guard();
        let mut running: Vec<Tensor> = self
            .variables
            .variables()
            .into_iter()
            .filter(|(name, _)| name.ends_with("running_mean") || name.ends_with("running_var"))
            .map(|(_, tensor)| tensor)
            .collect();
        let mut sums: Vec<Tensor> = running.iter().map(Tensor::zeros_like).collect();
        for batch in batches {
            for tensor in &mut running {
                let _ = tensor.f_zero_()?;
            }
            // from 0, only the batch's share is left
            let _ = self.forward(&batch.frames, true);
            for (sum, tensor) in sums.iter_mut().zip(&running) {
                *sum += tensor;
            }
        }
        for (tensor, sum) in running.iter_mut().zip(sums) {
            tensor.f_copy_(&(sum / (NORM_MOMENTUM * batches.len() as f64)))?;
        }
        Ok(())
    }

    /// Moves the last layers' biases until each member's mean answer for `batches` is the mean of what is true of them:
    /// valence and arousal, and, where a softmax makes them, the percentages (after calibration), each over the windows
    /// that have such labels.
    ///
    /// # Errors
    /// [`TchError`] where libtorch fails.
    pub fn recalibrate_bias(&mut self, batches: &[Plain]) -> Result<(), TchError> {
        let _guard = tch::no_grad_guard();
        let labeled: fn(&Plain) -> &[i64] = |batch| &batch.labeled;
        let voted: fn(&Plain) -> &[i64] = |batch| &batch.voted;
        let emotions = joined(
            batches,
            labeled,
            batches.iter().map(|batch| &batch.emotions),
        )?;
        let affect = joined(batches, labeled, batches.iter().map(|batch| &batch.affect))?;
        let felt = joined(batches, voted, batches.iter().map(|batch| &batch.felt))?;
        let inputs: Vec<Tensor> = batches
            .iter()
            .map(|batch| self.inputs(&batch.frames))
            .collect();
        let (recipe, has_affect) = (&self.recipe, self.centers.is_none());
        for member in &mut self.members {
            let answers: Vec<_> = inputs
                .iter()
                .map(|frames| member.forward(frames, false))
                .collect();
            if let (Some(bias), true) = (member.head.bs.as_mut(), emotions.size()[0] > 0) {
                let outputs = answers.iter().map(|answer| &answer.outputs);
                let outputs = joined(batches, labeled, outputs)?;
                if recipe.network.output == OutputKind::Softmax {
                    let logits = outputs.narrow(1, 0, EMOTIONS);
                    let mut own = bias.narrow(0, 0, EMOTIONS);
                    own += softmax_shift(&logits, &emotions, recipe.calibration.temperature);
                }
                if has_affect {
                    let mut own = bias.narrow(0, EMOTIONS, 2);
                    own += mean(&affect).to_device(own.device())
                        - mean(&outputs.narrow(1, EMOTIONS, 2));
                }
            }
            let bias = member.felt.as_mut().and_then(|head| head.bs.as_mut());
            if let (Some(bias), Some(set), true) = (bias, recipe.votes(), felt.size()[0] > 0) {
                let logits = answers.iter().flat_map(|answer| &answer.felt);
                let logits = joined(batches, voted, logits)?;
                let emotions = Tensor::from_slice(&felt_emotions(set)).to_device(felt.device());
                let truth = felt.index_select(1, &emotions);
                *bias += softmax_shift(&logits, &truth, recipe.calibration.felt_temperature);
            }
        }
        Ok(())
    }
}

//! Corrects what augmentation has shifted, on the training songs as they are.

use tch::{Kind, TchError, Tensor};

use super::{EMOTIONS, NORM_MOMENTUM, Network};
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

    /// Moves the last layer's bias until each member's mean answer for `batches` is the mean of what is true of them:
    /// valence and arousal, and, where a softmax makes them, the percentages (after calibration).
    ///
    /// # Errors
    /// [`TchError`] where libtorch fails.
    pub fn recalibrate_bias(&mut self, batches: &[Plain]) -> Result<(), TchError> {
        let _guard = tch::no_grad_guard();
        let joined = |part: fn(&Plain) -> &Tensor| {
            Tensor::f_cat(&batches.iter().map(part).collect::<Vec<_>>(), 0)
        };
        let mean = |x: &Tensor| x.mean_dim(0, false, Kind::Float);
        let device = self.variables.device();
        let emotions = mean(&joined(|batch| &batch.emotions)?).to_device(device);
        let affect = mean(&joined(|batch| &batch.affect)?).to_device(device);
        let inputs: Vec<Tensor> = batches
            .iter()
            .map(|batch| self.inputs(&batch.frames))
            .collect();
        for member in &mut self.members {
            let outputs: Vec<Tensor> = inputs
                .iter()
                .map(|frames| member.forward(frames, false))
                .collect();
            let outputs = Tensor::f_cat(&outputs, 0)?;
            let Some(bias) = member.head.bs.as_mut() else {
                continue;
            };
            if self.recipe.network.output == OutputKind::Softmax {
                let temperature = self.recipe.calibration.temperature;
                let logits = outputs.narrow(1, 0, EMOTIONS);
                let mut shift = Tensor::zeros_like(&emotions);
                for _ in 0..STEPS {
                    let answered =
                        mean(&((&logits + &shift) / temperature).softmax(1, Kind::Float));
                    let ratio = emotions.clamp_min(LEAST_SHARE) / answered.clamp_min(LEAST_SHARE);
                    shift += ratio.log() * temperature;
                }
                let mut own = bias.narrow(0, 0, EMOTIONS);
                own += shift;
            }
            if self.centers.is_none() {
                let mut own = bias.narrow(0, EMOTIONS, 2);
                own += &affect - mean(&outputs.narrow(1, EMOTIONS, 2));
            }
        }
        Ok(())
    }
}

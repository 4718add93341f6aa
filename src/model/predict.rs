//! [`Predictor`]: a model ready to run, in tract.

use std::sync::Arc;

use tract_onnx::prelude::*;

use super::{
    Bundle, ModelError,
    bundle::{EMBEDDING, EMOTIONS, PROBABILITIES, VALENCE_AROUSAL},
};
use crate::{
    contain::{PanicError, catch_panic},
    emotion::{Emotion, EmotionVector, SCALE_MAX, SCALE_MIN},
};

/// What a model says of one window, or of one song as the weighted mean of its windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The eight percentages.
    pub emotions: EmotionVector,
    /// Valence, 1 (unpleasant) to 9 (pleasant).
    pub valence: f32,
    /// Arousal, 1 (calm) to 9 (roused).
    pub arousal: f32,
    /// Where the model places the sound; its length is the model's `embedding`.
    pub embedding: Vec<f32>,
    /// How probable it is that each emotion is present, 0 to 1; only of multi-label models.
    pub probabilities: Option<[f32; Emotion::COUNT]>,
}

/// A model ready to run. Threads share it.
#[derive(Debug)]
pub struct Predictor {
    bundle: Bundle,
    plan: Arc<TypedRunnableModel>,
}

impl Predictor {
    /// Prepares a model for windows one at a time.
    ///
    /// # Errors
    /// [`ModelError::NotRunnable`] where the network holds an operator or shape that tract cannot run.
    pub fn new(bundle: Bundle) -> Result<Self, ModelError> {
        let not_runnable = |error: TractError| ModelError::NotRunnable {
            model: bundle.name().to_owned(),
            reason: format!("{error:#}"),
        };
        let shape = input_shape(&bundle);
        let mut names = vec![EMOTIONS, VALENCE_AROUSAL, EMBEDDING];
        if bundle.is_multi_label() {
            names.push(PROBABILITIES);
        }
        let panicked = |name: &str, panic: PanicError| ModelError::NotRunnable {
            model: name.to_owned(),
            reason: panic.to_string(),
        };
        // tract takes it for granted that a graph's names hang together, and panics where a damaged file's do not.
        let plan = catch_panic(|| {
            tract_onnx::onnx()
                .with_ignore_output_shapes(true)
                .model_for_proto_model(bundle.proto())
                .and_then(|model| model.with_outputs_by_name(names))
                .and_then(|model| model.with_input_fact(0, f32::fact(shape).into()))
                .and_then(|model| model.into_optimized())
                .and_then(|model| model.into_runnable())
        })
        .map_err(|panic| panicked(bundle.name(), panic))?
        .map_err(not_runnable)?;
        let predictor = Self { bundle, plan };
        // A network whose inside contradicts its declared shapes shows it on the first window: here, not in mid-run.
        catch_panic(|| predictor.predict(&vec![0.0; shape.iter().product()]))
            .map_err(|panic| panicked(predictor.bundle.name(), panic))??;
        Ok(predictor)
    }

    /// The model file behind this predictor.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Runs the network on one window: `log_mel` is `[bands, frames]`, row-major, in dB, made with the
    /// preprocessing that the model's metadata carries.
    ///
    /// # Errors
    /// [`ModelError::Inference`] where `log_mel` has another length or a value that is not finite, or the network's
    /// answer is not finite.
    pub fn predict(&self, log_mel: &[f32]) -> Result<Prediction, ModelError> {
        let failed = |reason: String| ModelError::Inference {
            model: self.bundle.name().to_owned(),
            reason,
        };
        let shape = input_shape(&self.bundle);
        let expected: usize = shape.iter().product();
        if log_mel.len() != expected {
            return Err(failed(format!(
                "it takes {expected} values, got {}",
                log_mel.len()
            )));
        }
        if let Some(position) = log_mel.iter().position(|value| !value.is_finite()) {
            return Err(failed(format!(
                "value {position} of its spectrogram is {}",
                log_mel[position]
            )));
        }
        let input =
            Tensor::from_shape(&shape, log_mel).map_err(|error| failed(format!("{error:#}")))?;
        let outputs = self
            .plan
            .run(tvec!(input.into()))
            .map_err(|error| failed(format!("{error:#}")))?;
        let output = |index: usize, length: usize| -> Result<Vec<f32>, ModelError> {
            let values = outputs[index]
                .to_plain_array_view::<f32>()
                .map_err(|error| failed(format!("{error:#}")))?
                .iter()
                .copied()
                .collect::<Vec<f32>>();
            if values.len() != length || values.iter().any(|value| !value.is_finite()) {
                return Err(failed(format!(
                    "expected {length} finite numbers from it, got {values:?}"
                )));
            }
            Ok(values)
        };
        let emotions = output(0, Emotion::COUNT)?;
        let affect = output(1, 2)?;
        let mut weights = [0.0; Emotion::COUNT];
        for (weight, value) in weights.iter_mut().zip(&emotions) {
            *weight = f64::from(value.max(0.0));
        }
        Ok(Prediction {
            emotions: EmotionVector::from_weights(weights)
                .map_err(|error| failed(error.to_string()))?,
            valence: affect[0].clamp(SCALE_MIN as f32, SCALE_MAX as f32),
            arousal: affect[1].clamp(SCALE_MIN as f32, SCALE_MAX as f32),
            embedding: output(2, self.bundle.metadata().embedding)?,
            probabilities: match outputs.len() {
                4 => output(3, Emotion::COUNT)?.try_into().ok(),
                _ => None,
            },
        })
    }
}

fn input_shape(bundle: &Bundle) -> [usize; 4] {
    let preprocessing = &bundle.metadata().preprocessing;
    [1, 1, preprocessing.mel.n_mels, preprocessing.frames()]
}

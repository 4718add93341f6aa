//! Tensors and the history as the bytes of a safetensors file.

use safetensors::{Dtype, tensor::TensorView};
use tch::{Device, Kind, TchError, Tensor};

use crate::train::fit::EpochScores;

const HISTORY_COLUMNS: usize = 6;

/// A tensor's bytes, little-endian.
pub(super) struct Numbers {
    pub(super) kind: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

impl Numbers {
    pub(super) fn of(tensor: &Tensor) -> Result<Self, TchError> {
        let flat = tensor
            .detach()
            .f_to_device(Device::Cpu)?
            .f_to_kind(Kind::Float)?
            .f_contiguous()?;
        let mut values = vec![0.0_f32; flat.numel()];
        flat.f_view([-1])?.f_copy_data(&mut values, flat.numel())?;
        Ok(Self {
            kind: Dtype::F32,
            shape: flat.size().iter().map(|size| *size as usize).collect(),
            bytes: values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        })
    }

    /// Epochs without a validation score have NaN there.
    pub(super) fn of_history(history: &[EpochScores]) -> Self {
        let bytes = history
            .iter()
            .flat_map(|scores| {
                [
                    scores.epoch as f64,
                    scores.loss,
                    scores.validation_mae.unwrap_or(f64::NAN),
                    scores.learning_rate,
                    scores.seconds,
                    scores.outside_libtorch,
                ]
            })
            .flat_map(f64::to_le_bytes)
            .collect();
        Self {
            kind: Dtype::F64,
            shape: vec![history.len(), HISTORY_COLUMNS],
            bytes,
        }
    }
}

pub(super) fn tensor_of(view: &TensorView<'_>, device: Device) -> Result<Tensor, TchError> {
    if view.dtype() != Dtype::F32 {
        return Err(TchError::Kind(format!(
            "expected float32, found {:?}",
            view.dtype()
        )));
    }
    let shape: Vec<i64> = view.shape().iter().map(|size| *size as i64).collect();
    Tensor::f_from_data_size(view.data(), &shape, Kind::Float)?.f_to_device(device)
}

pub(super) fn history_of(view: &TensorView<'_>) -> Option<Vec<EpochScores>> {
    if view.dtype() != Dtype::F64 || view.shape().get(1) != Some(&HISTORY_COLUMNS) {
        return None;
    }
    let numbers: Vec<f64> = view
        .data()
        .chunks_exact(size_of::<f64>())
        .filter_map(|bytes| Some(f64::from_le_bytes(bytes.try_into().ok()?)))
        .collect();
    let history: Vec<EpochScores> = numbers
        .chunks_exact(HISTORY_COLUMNS)
        .map(|row| EpochScores {
            epoch: row[0] as usize,
            loss: row[1],
            validation_mae: Some(row[2]).filter(|error| !error.is_nan()),
            learning_rate: row[3],
            seconds: row[4],
            outside_libtorch: row[5],
        })
        .collect();
    let in_order = history
        .iter()
        .enumerate()
        .all(|(number, scores)| scores.epoch == number);
    (in_order && !history.is_empty()).then_some(history)
}

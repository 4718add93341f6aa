//! The tensors of a network by name: taken, kept, put back.

use std::collections::{BTreeMap, btree_map};

use tch::{TchError, Tensor, nn::VarStore};

/// Tensors by name, in the order of the names. Those of [`Weights::of`] are the network's own: what is written to them
/// changes the network.
#[derive(Debug, Default)]
pub(crate) struct Weights(BTreeMap<String, Tensor>);

impl Weights {
    /// A network's weights, the statistics of batch normalization included.
    pub(crate) fn of(variables: &VarStore) -> Self {
        variables.variables().into_iter().collect()
    }

    /// The same tensors once more: what is written to one is written to the other.
    pub(crate) fn shared(&self) -> Self {
        self.iter()
            .map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()))
            .collect()
    }

    /// Copies that nothing else changes.
    pub(crate) fn copied(&self) -> Self {
        let _guard = tch::no_grad_guard();
        self.iter()
            .map(|(name, tensor)| (name.to_owned(), tensor.detach().copy()))
            .collect()
    }

    /// Writes other values into these tensors.
    ///
    /// # Errors
    /// Where names or shapes differ.
    pub(crate) fn copy_from(&mut self, other: &Self) -> Result<(), TchError> {
        let _guard = tch::no_grad_guard();
        self.check_shapes(other)?;
        for (own, values) in self.0.values_mut().zip(other.0.values()) {
            own.f_copy_(values)?;
        }
        Ok(())
    }

    /// Moves these tensors towards others: `own += share * (other - own)`.
    ///
    /// # Errors
    /// Where names or shapes differ.
    pub(crate) fn lerp(&mut self, other: &Self, share: f64) -> Result<(), TchError> {
        let _guard = tch::no_grad_guard();
        self.check_shapes(other)?;
        for (own, values) in self.0.values_mut().zip(other.0.values()) {
            let _ = own.f_lerp_(values, share)?;
        }
        Ok(())
    }

    /// Whether names and all values are the same.
    #[cfg(test)]
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.check_shapes(other).is_ok()
            && self
                .0
                .values()
                .zip(other.0.values())
                .all(|(one, other)| one.equal(other))
    }

    fn check_shapes(&self, other: &Self) -> Result<(), TchError> {
        let of = |weights: &Self| -> Vec<(String, Vec<i64>)> {
            weights
                .iter()
                .map(|(name, tensor)| (name.to_owned(), tensor.size()))
                .collect()
        };
        let (expected, found) = (of(self), of(other));
        match expected == found {
            true => Ok(()),
            false => Err(TchError::Shape(format!(
                "expected the tensors {expected:?}, found {found:?}"
            ))),
        }
    }

    /// Every tensor with its name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }
}

impl FromIterator<(String, Tensor)> for Weights {
    fn from_iter<I: IntoIterator<Item = (String, Tensor)>>(tensors: I) -> Self {
        Self(tensors.into_iter().collect())
    }
}

impl IntoIterator for Weights {
    type Item = (String, Tensor);
    type IntoIter = btree_map::IntoIter<String, Tensor>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

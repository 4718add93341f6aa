//! Stochastic gradient descent with Nesterov's momentum, in tensor operations, so that its state can be kept.

use super::weights::Weights;
use tch::{TchError, nn::VarStore};

/// Stochastic gradient descent with Nesterov's momentum and L2 regularization, as PyTorch computes it.
#[derive(Debug)]
pub(crate) struct Sgd {
    weights: Weights,
    /// Running sum of the gradients.
    velocity: Weights,
    momentum: f64,
    weight_decay: f64,
}

impl Sgd {
    /// An optimizer that has not done a step.
    ///
    /// # Errors
    /// Where libtorch has no memory.
    pub(crate) fn new(
        variables: &VarStore,
        momentum: f64,
        weight_decay: f64,
    ) -> Result<Self, TchError> {
        let weights: Weights = Weights::of(variables)
            .into_iter()
            .filter(|(_, weight)| weight.requires_grad())
            .collect();
        let velocity = weights
            .iter()
            .map(|(name, weight)| Ok((name.to_owned(), weight.detach().f_zeros_like()?)))
            .collect::<Result<_, TchError>>()?;
        Ok(Self {
            weights,
            velocity,
            momentum,
            weight_decay,
        })
    }

    /// One step along the gradients.
    ///
    /// # Errors
    /// Where libtorch fails.
    pub(crate) fn step(&mut self, learning_rate: f64) -> Result<(), TchError> {
        let _guard = tch::no_grad_guard();
        for ((_, weight), (_, velocity)) in self.weights.iter().zip(self.velocity.iter()) {
            let gradient = weight.f_grad()?;
            if !gradient.defined() {
                continue;
            }
            let (mut weight, mut velocity) = (weight.shallow_clone(), velocity.shallow_clone());
            let gradient = gradient + &weight * self.weight_decay;
            let _ = velocity.f_mul_scalar_(self.momentum)?.f_add_(&gradient)?;
            let step = gradient + &velocity * self.momentum;
            let _ = weight.f_sub_(&(step * learning_rate))?;
        }
        Ok(())
    }

    /// The running sums of the gradients, by the names of the weights. What is written to them changes the optimizer.
    pub(crate) fn velocity(&self) -> Weights {
        self.velocity.shared()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind, Tensor, nn};

    #[test]
    fn a_step_is_the_one_of_pytorchs_optimizer() {
        let fresh = || {
            let variables = nn::VarStore::new(Device::Cpu);
            let weight = variables.root().var("w", &[2], nn::Init::Const(1.5));
            (variables, weight)
        };
        let (variables, weight) = fresh();
        let mut own = Sgd::new(&variables, 0.85, 0.01).unwrap();
        let (others, other) = fresh();
        let config = nn::Sgd {
            momentum: 0.85,
            dampening: 0.0,
            wd: 0.01,
            nesterov: true,
        };
        let mut theirs = nn::OptimizerConfig::build(config, &others, 0.1).unwrap();
        let slope = Tensor::from_slice(&[1.0_f32, -3.0]);
        for _ in 0..5 {
            let loss = (&weight * &slope + weight.square()).sum(Kind::Float);
            let mut gradient = weight.grad();
            if gradient.defined() {
                let _ = gradient.zero_();
            }
            loss.backward();
            own.step(0.1).unwrap();
            theirs.backward_step(&(&other * &slope + other.square()).sum(Kind::Float));
        }
        assert!((weight - other).abs().max().double_value(&[]) < 1e-6);
    }
}

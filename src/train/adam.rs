//! Adam and AdamW in tensor operations, so that their state can be kept: libtorch's own optimizers do not give it away.

use tch::{TchError, Tensor, nn::VarStore};

use super::weights::Weights;

/// Decay of the running mean of the gradients.
const FIRST_DECAY: f64 = 0.9;
/// Decay of the running mean of their squares.
const SECOND_DECAY: f64 = 0.999;
/// Keeps the divisor away from 0.
const EPSILON: f64 = 1e-8;

/// How weight decay acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decay {
    /// On the gradient, as in Adam (Kingma & Ba 2015) with L2 regularisation.
    Gradient,
    /// On the weight itself, as in AdamW (Loshchilov & Hutter 2019).
    Weight,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    weight: Tensor,
    /// Running mean of the gradient.
    first: Tensor,
    /// Running mean of its square.
    second: Tensor,
}

/// Adam (Kingma & Ba 2015) over the trainable weights of a network, with the usual constants 0.9, 0.999 and 1e-8.
#[derive(Debug)]
pub(crate) struct Adam {
    parameters: Vec<Parameter>,
    decay: Decay,
    weight_decay: f64,
    steps: u64,
}

impl Adam {
    /// An optimizer that has not done a step.
    ///
    /// # Errors
    /// Where libtorch has no memory.
    pub(crate) fn new(
        variables: &VarStore,
        decay: Decay,
        weight_decay: f64,
    ) -> Result<Self, TchError> {
        let parameters = Weights::of(variables)
            .into_iter()
            .filter(|(_, weight)| weight.requires_grad())
            .map(|(name, weight)| {
                let zeros = || weight.detach().f_zeros_like();
                Ok(Parameter {
                    first: zeros()?,
                    second: zeros()?,
                    name,
                    weight,
                })
            })
            .collect::<Result<_, TchError>>()?;
        Ok(Self {
            parameters,
            decay,
            weight_decay,
            steps: 0,
        })
    }

    /// Computes the gradients of `loss` and returns their norm, as of one vector.
    ///
    /// # Errors
    /// Where libtorch fails.
    pub(crate) fn backward(&mut self, loss: &Tensor) -> Result<f64, TchError> {
        for parameter in &mut self.parameters {
            parameter.weight.zero_grad();
        }
        loss.f_backward()?;
        let _guard = tch::no_grad_guard();
        let norms = self
            .gradients()
            .map(|gradient| gradient.f_norm())
            .collect::<Result<Vec<_>, _>>()?;
        if norms.is_empty() {
            return Ok(0.0);
        }
        Tensor::f_stack(&norms, 0)?.f_norm()?.f_double_value(&[])
    }

    fn gradients(&self) -> impl Iterator<Item = Tensor> {
        self.parameters
            .iter()
            .map(|parameter| parameter.weight.grad())
            .filter(Tensor::defined)
    }

    /// Scales the gradients down where their `norm` is above `highest`.
    ///
    /// # Errors
    /// Where libtorch fails.
    pub(crate) fn clip(&mut self, norm: f64, highest: f64) -> Result<(), TchError> {
        // the floor is PyTorch's
        let factor = highest / (norm + 1e-6);
        if factor < 1.0 {
            let _guard = tch::no_grad_guard();
            for mut gradient in self.gradients() {
                let _ = gradient.f_mul_scalar_(factor)?;
            }
        }
        Ok(())
    }

    /// One step along the gradients, at a learning rate above 0.
    ///
    /// # Errors
    /// Where libtorch fails.
    pub(crate) fn step(&mut self, learning_rate: f64) -> Result<(), TchError> {
        let _guard = tch::no_grad_guard();
        self.steps += 1;
        let steps = self.steps as f64;
        let first_correction = 1.0 - FIRST_DECAY.powf(steps);
        let second_correction = 1.0 - SECOND_DECAY.powf(steps);
        // weight -= rate * (first / c1) / (sqrt(second / c2) + epsilon), with all factors moved into the divisor:
        // weight += first / (sqrt(second) * slope + floor)
        let slope = -first_correction / (learning_rate * second_correction.sqrt());
        let floor = -first_correction * EPSILON / learning_rate;
        for parameter in &mut self.parameters {
            let Parameter {
                weight,
                first,
                second,
                ..
            } = parameter;
            let mut gradient = weight.f_grad()?;
            if !gradient.defined() {
                continue;
            }
            if self.weight_decay > 0.0 {
                match self.decay {
                    Decay::Weight => {
                        let _ = weight.f_mul_scalar_(1.0 - learning_rate * self.weight_decay)?;
                    }
                    Decay::Gradient => {
                        let _ = gradient.f_add_(&(&*weight * self.weight_decay))?;
                    }
                }
            }
            let _ = first.f_lerp_(&gradient, 1.0 - FIRST_DECAY)?;
            let _ = second.f_lerp_(&gradient.f_square()?, 1.0 - SECOND_DECAY)?;
            let mut divisor = second.f_sqrt()?;
            let _ = divisor.f_mul_scalar_(slope)?.f_add_scalar_(floor)?;
            let _ = weight.f_addcdiv_(first, &divisor)?;
        }
        Ok(())
    }

    /// Steps that were done.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// The running means of the gradients and of their squares, by the names of the weights.
    pub(crate) fn moments(&self) -> (Weights, Weights) {
        let by_name = |which: fn(&Parameter) -> &Tensor| {
            self.parameters
                .iter()
                .map(|parameter| (parameter.name.clone(), which(parameter).shallow_clone()))
                .collect()
        };
        (by_name(|p| &p.first), by_name(|p| &p.second))
    }

    /// Restores an earlier state, given by [`Adam::steps`] and [`Adam::moments`].
    ///
    /// # Errors
    /// Where names or shapes are not those of the weights.
    pub(crate) fn restore(
        &mut self,
        steps: u64,
        first: &Weights,
        second: &Weights,
    ) -> Result<(), TchError> {
        let (mut own_first, mut own_second) = self.moments();
        own_first.copy_from(first)?;
        own_second.copy_from(second)?;
        self.steps = steps;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{
        Device, Kind,
        nn::{self, Module, OptimizerConfig},
    };

    /// A dense network with weights that are the same every time.
    fn network() -> (VarStore, impl Module) {
        let variables = VarStore::new(Device::Cpu);
        let root = variables.root();
        let module = nn::seq()
            .add(nn::linear(&root / "a", 6, 16, Default::default()))
            .add_fn(Tensor::tanh)
            .add(nn::linear(&root / "b", 16, 3, Default::default()));
        let _guard = tch::no_grad_guard();
        for (number, (_, mut weight)) in Weights::of(&variables).into_iter().enumerate() {
            let ramp = Tensor::arange(weight.numel() as i64, (Kind::Float, Device::Cpu));
            let values = (ramp * 1.7 + number as f64).sin() * 0.4;
            weight.copy_(&values.reshape(weight.size()));
        }
        (variables, module)
    }

    fn loss(module: &impl Module, step: u64) -> Tensor {
        let ramp = Tensor::arange(20 * 6, (Kind::Float, Device::Cpu)) + step as f64;
        let input = (&ramp * 0.37).cos().reshape([20, 6]);
        let wanted = (input.narrow(1, 0, 3) * 2.0).sin();
        (module.forward(&input) - wanted).square().mean(Kind::Float)
    }

    fn rate(step: u64) -> f64 {
        1e-2 / (1.0 + step as f64 * 0.02)
    }

    /// The largest difference between the weights after 300 steps of ours and of libtorch's.
    fn difference_from<C: OptimizerConfig>(theirs: C, decay: Decay, weight_decay: f64) -> f64 {
        let clip = 0.05;
        let (their_variables, their_module) = network();
        let mut optimizer = theirs.build(&their_variables, 1.0).unwrap();
        let (our_variables, our_module) = network();
        let start = Weights::of(&our_variables).copied();
        let mut adam = Adam::new(&our_variables, decay, weight_decay).unwrap();
        let mut clipped = 0;
        for step in 0..300 {
            optimizer.set_lr(rate(step));
            optimizer.backward_step_clip_norm(&loss(&their_module, step), clip);
            let norm = adam.backward(&loss(&our_module, step)).unwrap();
            clipped += usize::from(norm > clip);
            adam.clip(norm, clip).unwrap();
            adam.step(rate(step)).unwrap();
        }
        assert!((10..300).contains(&clipped), "{clipped} of 300 clipped");
        let distance = |a: &Weights, b: &Weights| {
            a.iter()
                .zip(b.iter())
                .map(|((_, a), (_, b))| (a - b).abs().max().double_value(&[]))
                .fold(0.0, f64::max)
        };
        let ours = Weights::of(&our_variables);
        assert!(distance(&ours, &start) > 0.1, "the weights hardly moved");
        distance(&ours, &Weights::of(&their_variables))
    }

    #[test]
    fn adamw_is_libtorchs() {
        let theirs = nn::AdamW {
            wd: 0.05,
            ..Default::default()
        };
        let difference = difference_from(theirs, Decay::Weight, 0.05);
        assert!(difference < 2e-5, "{difference}");
    }

    #[test]
    fn adam_is_libtorchs() {
        let theirs = nn::Adam {
            wd: 0.01,
            ..Default::default()
        };
        let difference = difference_from(theirs, Decay::Gradient, 0.01);
        assert!(difference < 2e-5, "{difference}");
        let difference = difference_from(nn::Adam::default(), Decay::Gradient, 0.0);
        assert!(difference < 2e-5, "{difference}");
    }

    #[test]
    fn a_restored_state_goes_on_to_the_same_weights() {
        let train = |interrupted: bool| {
            let (variables, module) = network();
            let mut adam = Adam::new(&variables, Decay::Weight, 0.05).unwrap();
            for step in 0..20 {
                if interrupted && step == 9 {
                    let (first, second) = adam.moments();
                    let (first, second) = (first.copied(), second.copied());
                    let steps = adam.steps();
                    adam = Adam::new(&variables, Decay::Weight, 0.05).unwrap();
                    adam.restore(steps, &first, &second).unwrap();
                }
                adam.backward(&loss(&module, step)).unwrap();
                adam.step(rate(step)).unwrap();
            }
            Weights::of(&variables).copied()
        };
        assert!(train(false).equals(&train(true)));
        let (variables, _) = network();
        let mut adam = Adam::new(&variables, Decay::Weight, 0.05).unwrap();
        let (first, _) = adam.moments();
        assert!(adam.restore(1, &first, &Weights::default()).is_err());
    }
}

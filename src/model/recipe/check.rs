//! The values that a recipe may have.

use std::fmt::Display;

use super::{EmotionLoss, OutputKind, Recipe, Stage};
use crate::error::{Error, ErrorKind, Result};

/// Whatever a recipe asks for, a network of more parameters than this is a mistake.
const MAX_PARAMETERS: f64 = 1e9;

/// A setting that no run can use: `key = value; expected ...`.
type Wrong = String;

fn wrong(key: &str, found: impl Display, expected: &str) -> Wrong {
    format!("{key} = {found}; expected {expected}")
}

fn positive(key: &str, number: usize) -> Result<(), Wrong> {
    match number {
        0 => Err(wrong(key, 0, "at least 1")),
        _ => Ok(()),
    }
}

fn within(key: &str, number: f64, (low, high): (f64, f64)) -> Result<(), Wrong> {
    if (low..=high).contains(&number) {
        Ok(())
    } else {
        Err(wrong(key, number, &format!("{low} to {high}")))
    }
}

impl Recipe {
    /// The recipe itself if every value can be used; messages call it `name`.
    ///
    /// # Errors
    /// Of the kind [`ErrorKind::InvalidInput`], with the first setting that no run can use.
    pub fn checked(self, name: &str) -> Result<Self> {
        let check = || {
            self.check_labels()?;
            self.check_training()?;
            self.check_augmentation()?;
            self.check_calibration()?;
            self.check_network()
        };
        match check() {
            Ok(()) => Ok(self),
            Err(wrong) => {
                let message = format!("the recipe {name} asks for {wrong}");
                Err(Error::new(ErrorKind::InvalidInput, message))
            }
        }
    }

    fn check_labels(&self) -> Result<(), Wrong> {
        self.features
            .validate()
            .map_err(|error| wrong("features", error, "a spectrogram that can be computed"))?;
        within("window.seconds", self.window.seconds, (1.0, 600.0))?;
        within("labels.sigma", self.labels.sigma, (0.01, 8.0))?;
        if self.labels.scheme != "sectors" {
            let found = format!("{:?}", self.labels.scheme);
            return Err(wrong("labels.scheme", found, "\"sectors\""));
        }
        Ok(())
    }

    fn check_training(&self) -> Result<(), Wrong> {
        let (loss, optimizer) = (&self.loss, &self.optimizer);
        within("loss.valence_arousal", loss.valence_arousal, (0.0, 1e3))?;
        within("loss.absolute_error", loss.absolute_error, (0.0, 1e3))?;
        within("loss.present_above", loss.present_above, (0.0, 99.0))?;
        let fits = match (loss.emotions, self.network.output) {
            (EmotionLoss::KullbackLeibler, output) => output == OutputKind::Softmax,
            (EmotionLoss::BinaryCrossEntropy, output) => output == OutputKind::Sigmoid,
            (EmotionLoss::SquaredError, output) => output != OutputKind::Sigmoid,
        };
        if !fits {
            return Err(wrong(
                "loss.emotions",
                format!(
                    "{:?} with network.output = {:?}",
                    loss.emotions, self.network.output
                ),
                "kullback-leibler with softmax, squared-error with softmax or linear, binary-cross-entropy with sigmoid",
            ));
        }
        within(
            "optimizer.learning_rate",
            optimizer.learning_rate,
            (1e-8, 10.0),
        )?;
        within(
            "optimizer.weight_decay",
            optimizer.weight_decay,
            (0.0, 10.0),
        )?;
        within("optimizer.clip", optimizer.clip, (1e-6, 1e6))?;
        within("optimizer.averaging", optimizer.averaging, (0.0, 0.9999))?;
        positive("optimizer.batch", optimizer.batch)?;
        positive("optimizer.epochs", optimizer.epochs)?;
        positive("optimizer.patience", optimizer.patience)
    }

    fn check_augmentation(&self) -> Result<(), Wrong> {
        let asked = &self.augmentation;
        within("augmentation.mixup", asked.mixup, (0.0, 100.0))?;
        within("augmentation.mask_time", asked.mask_time, (0.0, 0.9))?;
        within("augmentation.gain_db", asked.gain_db, (0.0, 60.0))?;
        within("augmentation.equalizer_db", asked.equalizer_db, (0.0, 60.0))?;
        within("augmentation.stretch", asked.stretch, (0.0, 0.9))?;
        let bands = self.features.n_mels;
        for (what, number) in [
            ("augmentation.mask_bands", asked.mask_bands),
            ("augmentation.shift_bands", asked.shift_bands),
        ] {
            if number >= bands {
                return Err(wrong(
                    what,
                    number,
                    &format!("fewer than the {bands} bands"),
                ));
            }
        }
        Ok(())
    }

    fn check_calibration(&self) -> Result<(), Wrong> {
        let asked = &self.calibration;
        within("calibration.temperature", asked.temperature, (0.05, 20.0))?;
        within("calibration.valence", asked.valence, (0.0, 1.0))?;
        within("calibration.arousal", asked.arousal, (0.0, 1.0))?;
        if asked.temperature != 1.0 && self.network.output != OutputKind::Softmax {
            return Err(wrong(
                "calibration.temperature",
                asked.temperature,
                "1 where network.output is not softmax",
            ));
        }
        if (asked.valence, asked.arousal) != (1.0, 1.0) && self.reads_affect_off_emotions() {
            return Err(wrong(
                "calibration.valence and arousal",
                format!("{} and {}", asked.valence, asked.arousal),
                "1 where loss.valence_arousal is 0",
            ));
        }
        Ok(())
    }

    fn check_network(&self) -> Result<(), Wrong> {
        let network = &self.network;
        positive("network.members", network.members)?;
        positive("network.frame_pool", network.frame_pool)?;
        within("network.dropout", network.dropout, (0.0, 0.95))?;
        within("network.stage_dropout", network.stage_dropout, (0.0, 0.95))?;
        if network.stages.is_empty() {
            return Err(wrong("network.stages", "none", "one or more"));
        }
        for stage in &network.stages {
            stage.check()?;
        }
        for width in &network.dense {
            positive("network.dense", *width)?;
        }
        if network.summary.is_empty() {
            return Err(wrong(
                "network.summary",
                "none",
                "one or more of \"mean\", \"deviation\", \"maximum\"",
            ));
        }
        let (bands, frames) = self.pooled_shape();
        if bands == 0 || frames < 2 {
            return Err(wrong(
                "network.stages",
                format!("{} stages", network.stages.len()),
                &format!(
                    "strides and pools that leave a band and two frames of {} x {}; these leave {bands} x {frames}",
                    self.features.n_mels,
                    self.preprocessing().frames() / network.frame_pool
                ),
            ));
        }
        let parameters = self.parameters();
        if parameters > MAX_PARAMETERS {
            return Err(wrong(
                "network",
                format!("a network of {parameters:.1e} parameters"),
                &format!("at most {MAX_PARAMETERS:.0e}"),
            ));
        }
        Ok(())
    }

    /// About how many weights the network has, as a floating-point number, since a slip may ask for any number.
    fn parameters(&self) -> f64 {
        let network = &self.network;
        let mut inputs = if network.relative_bands { 2.0 } else { 1.0 };
        let mut sum = 0.0;
        for stage in &network.stages {
            let outputs = stage.channels as f64;
            sum += inputs * outputs * (stage.kernel as f64).powi(2);
            inputs = outputs;
        }
        let mut features = inputs * self.pooled_shape().0 as f64;
        if network.mix > 0 {
            sum += features * network.mix as f64;
            features = network.mix as f64;
        }
        let units = network.recurrent as f64;
        if units > 0.0 {
            sum += 8.0 * units * (features + units);
            features = 2.0 * units;
        }
        let mut width = features * network.summary.len() as f64;
        for next in &network.dense {
            sum += width * *next as f64;
            width = *next as f64;
        }
        network.members as f64 * (sum + 10.0 * width)
    }
}

impl Stage {
    fn check(&self) -> Result<(), Wrong> {
        positive("network.stages.channels", self.channels)?;
        for size in self.stride {
            positive("network.stages.stride", size)?;
        }
        for size in self.pool {
            positive("network.stages.pool", size)?;
        }
        if self.kernel.is_multiple_of(2) || self.kernel > 63 {
            return Err(wrong(
                "network.stages.kernel",
                self.kernel,
                "an odd number up to 63",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message with which the shipped recipe is refused after a change.
    fn refused(change: impl Fn(&mut Recipe)) -> String {
        let mut recipe = Recipe::shipped().expect("is valid");
        change(&mut recipe);
        recipe
            .checked("changed")
            .expect_err("no run can use it")
            .to_string()
    }

    #[test]
    fn an_unusable_value_is_refused_with_its_key_and_what_it_may_be() {
        let pools = |recipe: &mut Recipe| {
            let stage = recipe.network.stages[1].clone();
            recipe.network.stages = vec![stage; 12];
        };
        let message = refused(pools);
        assert!(
            message.contains("network.stages = 12 stages") && message.contains("these leave 0 x 0"),
            "{message}"
        );
        let message = refused(|recipe| recipe.network.stages[0].kernel = 4);
        assert!(
            message.contains("kernel = 4; expected an odd number"),
            "{message}"
        );
        let message = refused(|recipe| recipe.network.mix = 1 << 40);
        assert!(
            message.contains("parameters; expected at most 1e9"),
            "{message}"
        );
        let message = refused(|recipe| recipe.network.output = OutputKind::Sigmoid);
        assert!(
            message.contains("loss.emotions") && message.contains("Sigmoid"),
            "{message}"
        );
        let message = refused(|recipe| recipe.optimizer.learning_rate = f64::NAN);
        assert!(message.contains("learning_rate = NaN"), "{message}");
        let message = refused(|recipe| recipe.calibration.valence = 1.5);
        assert!(
            message.contains("calibration.valence = 1.5; expected 0 to 1"),
            "{message}"
        );
        let message = refused(|recipe| recipe.augmentation.shift_bands = 4000);
        assert!(
            message.contains("shift_bands = 4000; expected fewer than"),
            "{message}"
        );
    }
}

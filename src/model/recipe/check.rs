//! The values that a recipe may have.

use std::{collections::HashSet, fmt::Display};

use super::{EmotionLoss, OutputKind, Recipe, SetLabels};
use crate::error::{Error, ErrorKind, Result};

/// Whatever a recipe asks for, a network of more parameters than this is a mistake.
const MAX_PARAMETERS: f64 = 1e9;

/// A setting that no run can use: `key = value; expected ...`.
type Wrong = String;

fn wrong(key: &str, found: impl Display, expected: &str) -> Wrong {
    format!("{key} = {found}; expected {expected}")
}

impl Recipe {
    /// The recipe itself if every value can be used; messages call it `name`.
    ///
    /// # Errors
    /// Of the kind [`ErrorKind::InvalidInput`], with the first setting that no run can use.
    pub fn checked(self, name: &str) -> Result<Self> {
        let outcome = self
            .check_numbers()
            .and_then(|()| self.check_combinations())
            .and_then(|()| self.check_network())
            .and_then(|()| self.check_sets());
        match outcome {
            Ok(()) => Ok(self),
            Err(wrong) => {
                let message = format!("the recipe {name} asks for {wrong}");
                Err(Error::new(ErrorKind::InvalidInput, message))
            }
        }
    }

    fn check_numbers(&self) -> Result<(), Wrong> {
        self.features
            .validate()
            .map_err(|error| wrong("features", error, "a spectrogram that can be computed"))?;
        let (network, loss, optimizer) = (&self.network, &self.loss, &self.optimizer);
        let (changes, calibration) = (&self.augmentation, &self.calibration);
        for (key, number, low, high) in [
            ("window.seconds", self.window.seconds, 1.0, 600.0),
            ("labels.sigma", self.labels.sigma, 0.01, 8.0),
            ("network.dropout", network.dropout, 0.0, 0.95),
            ("network.stage_dropout", network.stage_dropout, 0.0, 0.95),
            (
                "network.attention_temperature",
                network.attention_temperature,
                0.05,
                100.0,
            ),
            ("loss.valence_arousal", loss.valence_arousal, 0.0, 1e3),
            ("loss.absolute_error", loss.absolute_error, 0.0, 1e3),
            ("loss.present_above", loss.present_above, 0.0, 99.0),
            (
                "optimizer.learning_rate",
                optimizer.learning_rate,
                1e-8,
                10.0,
            ),
            ("optimizer.weight_decay", optimizer.weight_decay, 0.0, 10.0),
            ("optimizer.clip", optimizer.clip, 1e-6, 1e6),
            ("optimizer.averaging", optimizer.averaging, 0.0, 0.9999),
            ("augmentation.mixup", changes.mixup, 0.0, 100.0),
            ("augmentation.mask_time", changes.mask_time, 0.0, 0.9),
            ("augmentation.gain_db", changes.gain_db, 0.0, 60.0),
            ("augmentation.equalizer_db", changes.equalizer_db, 0.0, 60.0),
            ("augmentation.stretch", changes.stretch, 0.0, 0.9),
            (
                "calibration.temperature",
                calibration.temperature,
                0.05,
                20.0,
            ),
            (
                "calibration.felt_temperature",
                calibration.felt_temperature,
                0.05,
                20.0,
            ),
            ("calibration.valence", calibration.valence, 0.0, 1.0),
            ("calibration.arousal", calibration.arousal, 0.0, 1.0),
        ] {
            if !(low..=high).contains(&number) {
                return Err(wrong(key, number, &format!("{low} to {high}")));
            }
        }
        let mut counts = vec![
            ("network.members", network.members),
            ("network.frame_pool", network.frame_pool),
            ("network.recurrent_layers", network.recurrent_layers),
            ("network.recurrent_pool", network.recurrent_pool),
            ("optimizer.batch", optimizer.batch),
            ("optimizer.epochs", optimizer.epochs),
            ("optimizer.patience", optimizer.patience),
        ];
        counts.extend(network.dense.iter().map(|&width| ("network.dense", width)));
        for stage in &network.stages {
            counts.push(("network.stages.channels", stage.channels));
            counts.extend(stage.stride.map(|size| ("network.stages.stride", size)));
            counts.extend(stage.pool.map(|size| ("network.stages.pool", size)));
            if stage.kernel.is_multiple_of(2) || stage.kernel > 63 {
                let expected = "an odd number up to 63";
                return Err(wrong("network.stages.kernel", stage.kernel, expected));
            }
        }
        match counts.iter().find(|(_, count)| *count == 0) {
            Some((key, _)) => Err(wrong(key, 0, "at least 1")),
            None => Ok(()),
        }
    }

    fn check_combinations(&self) -> Result<(), Wrong> {
        if self.labels.scheme != "sectors" {
            let found = format!("{:?}", self.labels.scheme);
            return Err(wrong("labels.scheme", found, "\"sectors\""));
        }
        let output = self.network.output;
        let fits = match self.loss.emotions {
            EmotionLoss::KullbackLeibler => output == OutputKind::Softmax,
            EmotionLoss::BinaryCrossEntropy => output == OutputKind::Sigmoid,
            EmotionLoss::SquaredError => output != OutputKind::Sigmoid,
        };
        if !fits {
            return Err(wrong(
                "loss.emotions",
                format!("{:?} with network.output = {output:?}", self.loss.emotions),
                "kullback-leibler with softmax, squared-error with softmax or linear, binary-cross-entropy with sigmoid",
            ));
        }
        let bands = self.features.n_mels;
        for (key, number) in [
            ("augmentation.mask_bands", self.augmentation.mask_bands),
            ("augmentation.shift_bands", self.augmentation.shift_bands),
        ] {
            if number >= bands {
                let expected = format!("fewer than the {bands} bands");
                return Err(wrong(key, number, &expected));
            }
        }
        let calibration = &self.calibration;
        if calibration.temperature != 1.0 && output != OutputKind::Softmax {
            return Err(wrong(
                "calibration.temperature",
                calibration.temperature,
                "1 if network.output is not softmax",
            ));
        }
        let kept = (calibration.valence, calibration.arousal);
        if kept != (1.0, 1.0) && self.reads_affect_off_emotions() {
            return Err(wrong(
                "calibration.valence and arousal",
                format!("{} and {}", kept.0, kept.1),
                "1 if loss.valence_arousal is 0",
            ));
        }
        Ok(())
    }

    fn check_network(&self) -> Result<(), Wrong> {
        let network = &self.network;
        if network.stages.is_empty() {
            return Err(wrong("network.stages", "none", "one or more"));
        }
        if network.summary.is_empty() {
            let expected = "one or more of \"mean\", \"deviation\", \"maximum\"";
            return Err(wrong("network.summary", "none", expected));
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
        if self.summarized_frames() < 2 {
            let expected = format!("a pool that leaves two of {frames} moments");
            return Err(wrong(
                "network.recurrent_pool",
                network.recurrent_pool,
                &expected,
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

    fn check_sets(&self) -> Result<(), Wrong> {
        let mut names = HashSet::new();
        for set in &self.sets {
            if !names.insert(&set.name) {
                return Err(wrong(
                    "set.name",
                    format!("{:?} twice", set.name),
                    "one set of a name",
                ));
            }
            match set.labels {
                SetLabels::Votes if set.words.is_empty() => {
                    let expected = "each word that listeners choose, with its emotion";
                    return Err(wrong("set.words", "none", expected));
                }
                SetLabels::None if !set.words.is_empty() => {
                    return Err(wrong("set.words", "words", "none with labels = \"none\""));
                }
                _ => {}
            }
        }
        let voted = self
            .sets
            .iter()
            .filter(|set| set.labels == SetLabels::Votes);
        if voted.count() > 1 {
            return Err(wrong("set.labels", "several sets of votes", "at most one"));
        }
        for teacher in &self.teachers {
            if !names.insert(&teacher.name) {
                let found = format!("{:?} twice", teacher.name);
                return Err(wrong("teacher.name", found, "one set or teacher of a name"));
            }
            if !(teacher.weight > 0.0 && teacher.weight <= 1e3) {
                return Err(wrong(
                    "teacher.weight",
                    teacher.weight,
                    "above 0, up to 1000",
                ));
            }
            if let Some(input) = &teacher.input {
                let mel = input.features.validate();
                let expected = "a spectrogram that can be computed";
                mel.map_err(|error| wrong("teacher.input", error, expected))?;
                if teacher.outputs.is_empty() || input.frames == 0 {
                    let expected = "input.frames of at least 1 and the names of outputs";
                    return Err(wrong("teacher", format!("{:?}", teacher.name), expected));
                }
            }
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
            let layers = network.recurrent_layers as f64;
            sum += (layers - 1.0) * 8.0 * units * (features + units);
        }
        let mut width = features * network.summary.len() as f64;
        for next in &network.dense {
            sum += width * *next as f64;
            width = *next as f64;
        }
        network.members as f64 * (sum + 10.0 * width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message with which the shipped recipe is refused after a change.
    fn refused(change: impl Fn(&mut Recipe)) -> String {
        let mut recipe = Recipe::standard().expect("is valid");
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

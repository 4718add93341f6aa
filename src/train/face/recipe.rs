//! [`FaceRecipe`]: the TOML that describes the training of an expression network completely.

use crate::{
    error::{Context, Error, ErrorKind, Result},
    face::SIDE,
    model::suggestion,
};
use serde::{Deserialize, Serialize};
use std::path::Path;

macro_rules! recipe {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../models/recipes/", $name, ".toml")),
        )
    };
}

/// The recipes of `models/recipes` for faces, the default first.
const RECIPES: [(&str, &str); 4] = [
    recipe!("best-face"),
    recipe!("face-cnn3"),
    recipe!("face-cnn-dropout"),
    recipe!("face-vgg"),
];
/// Numbers that one layer may hold or put out for a face.
const MOST: usize = 1 << 24;

/// The training of an expression network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaceRecipe {
    /// The model's name.
    pub name: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// How weights are fitted.
    pub training: Training,
    /// Changes of a picture before the network sees it in training.
    #[serde(default)]
    pub augment: Augment,
    /// The layers, first to last; a dense layer for the eight expressions and softmax follow them.
    pub layers: Vec<Layer>,
}

/// A layer of the network, whose input is a gray picture of 48 x 48 pixels, brought to mean 0 and deviation 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Layer {
    /// A convolution of 3 x 3 that keeps the size, batch normalization where asked for, and ReLU.
    Convolution {
        filters: usize,
        #[serde(default)]
        batch_norm: bool,
    },
    /// The maximum of 2 x 2 neighbors, without overlap.
    MaxPool {},
    /// The mean of each filter over the picture.
    GlobalAverage {},
    /// A dense layer and ReLU.
    Dense { units: usize },
    /// Drops a share of the numbers in training.
    Dropout { share: f64 },
}

/// How weights are fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Training {
    /// What the network learns of a face.
    pub target: Target,
    /// The method.
    pub optimizer: Optimizer,
    /// How the learning rate changes.
    pub schedule: FaceSchedule,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// With `sgd-nesterov`: the momentum.
    pub momentum: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Passes over the faces.
    pub epochs: usize,
    /// Faces per step.
    pub batch: usize,
    /// Share that a moving average of the weights keeps in every step; the average is what is kept. 0 is none.
    pub averaging: f64,
    /// How much more a face of a rare expression counts: its weight is the expression's share to the power of minus this.
    pub balance: f64,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            target: Target::default(),
            optimizer: Optimizer::default(),
            schedule: FaceSchedule::default(),
            learning_rate: 1e-3,
            momentum: 0.9,
            weight_decay: 0.0,
            epochs: 25,
            batch: 32,
            averaging: 0.0,
            balance: 0.0,
        }
    }
}

/// What the network learns of a face.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Target {
    /// The distribution of the votes, by Kullback-Leibler divergence.
    #[default]
    Votes,
    /// The expression with most votes, by cross-entropy.
    Majority,
}

/// The method that fits weights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Optimizer {
    /// Adam (Kingma & Ba 2015).
    #[default]
    Adam,
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    Adamw,
    /// Stochastic gradient descent with Nesterov's momentum.
    SgdNesterov,
}

/// How the learning rate changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FaceSchedule {
    /// Not at all.
    #[default]
    Constant,
    /// Half a cosine up, and another down to almost nothing (Smith & Topin 2018).
    OneCycle,
}

/// Random changes of a picture. All are even between plus and minus the number unless said.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Augment {
    /// Whether half of the pictures are mirrored.
    pub flip: bool,
    /// Turn in degrees.
    pub turn: f64,
    /// Relative change of size.
    pub zoom: f64,
    /// Shift in pixels, across and down.
    pub shift: f64,
    /// Relative change of contrast.
    pub contrast: f64,
    /// Change of brightness, as a share of white.
    pub brightness: f64,
    /// Light from one side: brighter there and darker opposite by up to this share of white.
    pub light: f64,
    /// Change of gamma, as a power of e.
    pub gamma: f64,
    /// Share of the pictures that are blurred, each by its own measure.
    pub blur: f64,
    /// Share of the pictures with noise, of a deviation up to 4 % of white.
    pub noise: f64,
    /// Share of the pictures of which a rectangle of 6 to 16 pixels on a side is covered.
    pub cover: f64,
}

impl FaceRecipe {
    /// Names of the recipes inside the program, the default first.
    pub(crate) fn names() -> Vec<&'static str> {
        RECIPES.iter().map(|(name, _)| *name).collect()
    }

    /// The recipe that a person names: one inside the program, or else a file.
    ///
    /// # Errors
    /// Of the kind [`ErrorKind::InvalidInput`] if there is none, it has an unknown key, or asks for the impossible.
    pub(crate) fn find(name_or_file: &str) -> Result<Self> {
        if let Some((name, text)) = RECIPES.iter().find(|(name, _)| *name == name_or_file) {
            return Self::parse(name, text);
        }
        let path = Path::new(name_or_file);
        let message = format!(
            "cannot read the recipe; give a file, or one of {}",
            Self::names().join(", ")
        );
        let text =
            std::fs::read_to_string(path).context_at(ErrorKind::InvalidInput, path, message)?;
        Self::parse(name_or_file, &text)
    }

    /// Reads a recipe from TOML; `name` is what messages call it.
    ///
    /// # Errors
    /// As [`FaceRecipe::find`].
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self> {
        let recipe: Self = toml::from_str(text).map_err(|source| {
            let message = format!("the recipe {name} cannot be read{}", suggestion(&source));
            Error::invalid(message).with_source(source)
        })?;
        recipe.checked(name)
    }

    /// The recipe itself, if it can be followed.
    ///
    /// # Errors
    /// Of the kind [`ErrorKind::InvalidInput`], with the setting, what it is and what it may be.
    pub(crate) fn checked(self, name: &str) -> Result<Self> {
        match self.fault() {
            Some(fault) => Err(Error::invalid(format!("the recipe {name}: {fault}"))),
            None => Ok(self),
        }
    }

    fn fault(&self) -> Option<String> {
        let training = &self.training;
        let augment = &self.augment;
        let most = f64::MAX;
        for (setting, value, low, high) in [
            ("training.learning_rate", training.learning_rate, 1e-12, 1e3),
            ("training.momentum", training.momentum, 0.0, 0.9999),
            ("training.weight_decay", training.weight_decay, 0.0, 1e3),
            ("training.averaging", training.averaging, 0.0, 0.999_99),
            ("training.balance", training.balance, 0.0, 1.0),
            ("training.epochs", training.epochs as f64, 1.0, 1e5),
            ("training.batch", training.batch as f64, 2.0, 65_536.0),
            ("augment.turn", augment.turn, 0.0, 180.0),
            ("augment.zoom", augment.zoom, 0.0, 0.9),
            ("augment.shift", augment.shift, 0.0, SIDE as f64),
            ("augment.contrast", augment.contrast, 0.0, 1.0),
            ("augment.brightness", augment.brightness, 0.0, 1.0),
            ("augment.light", augment.light, 0.0, 1.0),
            ("augment.gamma", augment.gamma, 0.0, 3.0),
            ("augment.blur", augment.blur, 0.0, 1.0),
            ("augment.noise", augment.noise, 0.0, 1.0),
            ("augment.cover", augment.cover, 0.0, 1.0),
        ] {
            if !(low..=high.min(most)).contains(&value) {
                return Some(format!("{setting} = {value}; expected {low} to {high}"));
            }
        }
        self.layers_fault()
    }

    fn layers_fault(&self) -> Option<String> {
        // channels, and pixels on a side; a side of 0 is a plain vector
        let (mut width, mut side) = (1, SIDE);
        for (number, layer) in self.layers.iter().enumerate() {
            let fault = |what: &str| Some(format!("layer {}: {what}", number + 1));
            match layer {
                Layer::Convolution { .. } | Layer::MaxPool {} | Layer::GlobalAverage {}
                    if side == 0 =>
                {
                    return fault("it needs a picture, but a layer before it made a vector");
                }
                Layer::Convolution { filters: 0, .. } | Layer::Dense { units: 0 } => {
                    return fault("it has no output; expected at least 1");
                }
                Layer::Convolution { filters, .. } => {
                    let numbers = filters.saturating_mul(width * 9);
                    if numbers.max(filters.saturating_mul(side * side)) > MOST {
                        return fault("it is too large");
                    }
                    width = *filters;
                }
                Layer::MaxPool {} => match side / 2 {
                    0 => return fault("nothing is left to pool"),
                    half => side = half,
                },
                Layer::GlobalAverage {} => side = 0,
                Layer::Dense { units } => {
                    let inputs = width * side.max(1) * side.max(1);
                    if units.saturating_mul(inputs) > MOST {
                        return fault("it is too large");
                    }
                    (width, side) = (*units, 0);
                }
                Layer::Dropout { share } => {
                    if !(0.0..1.0).contains(share) {
                        return fault(&format!("share = {share}; expected 0 to below 1"));
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_inside_the_program_is_valid_named_as_its_file_and_survives_writing() {
        for name in FaceRecipe::names() {
            let recipe = FaceRecipe::find(name).unwrap();
            assert_eq!(recipe.name, name);
            let text = toml::to_string(&recipe).unwrap();
            assert_eq!(FaceRecipe::parse(name, &text).unwrap(), recipe);
        }
    }

    #[test]
    fn impossible_recipes_name_the_setting_and_what_it_may_be() {
        let text = RECIPES[0].1;
        let refused = |from: &str, to: &str| {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            let error = FaceRecipe::parse("mine.toml", &changed).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            format!("{error:#}")
        };
        let message = refused("batch = ", "batch = 1 #");
        assert!(
            message.contains("training.batch = 1; expected 2"),
            "{message}"
        );
        let message = refused("epochs = ", "epoch = ");
        assert!(message.contains("did you mean \"epochs\"?"), "{message}");
        let message = refused("kind = \"global-average\"", "kind = \"dense\", units = 0");
        assert!(message.contains("no output"), "{message}");
        let message = refused("layers = [", "layers = [{ kind = \"dense\", units = 3 },");
        assert!(message.contains("layer 2: it needs a picture"), "{message}");
        let message = refused("batch_norm = true", "batch_norm = true, kernel = 5");
        assert!(message.contains("kernel"), "{message}");
    }
}

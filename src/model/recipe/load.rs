//! Reading recipes: from files, and those inside the program.

use std::path::Path;

use super::Recipe;
use crate::{
    error::{Context, Error, ErrorKind, Result},
    text::did_you_mean,
};

macro_rules! recipe {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../models/recipes/", $name, ".toml")),
        )
    };
}

/// The recipes of `models/recipes`, the default first.
const RECIPES: [(&str, &str); 9] = [
    recipe!("best-cnn"),
    recipe!("best-cnn-felt"),
    recipe!("best-cnn-bilstm"),
    recipe!("spectrogram-cnn3"),
    recipe!("mel-cnn3-unscaled"),
    recipe!("mel-cnn2-unscaled"),
    recipe!("mel-cnn2"),
    recipe!("cnn-bilstm"),
    recipe!("multilabel-cnn2"),
];

/// For an unknown key or value that is close to one of those that were expected: which.
pub(crate) fn suggestion(error: &toml::de::Error) -> String {
    // "unknown field `epoch`, expected one of `kind`, `epochs`": first what was found, then what was expected.
    let mut quoted = error.message().split('`').skip(1).step_by(2);
    quoted
        .next()
        .map_or_else(String::new, |found| did_you_mean(found, quoted))
}

impl Recipe {
    /// Reads a recipe file.
    ///
    /// # Errors
    /// Of the kind [`ErrorKind::InvalidInput`] if the file cannot be read, has an unknown key, or asks for the
    /// impossible.
    pub fn load(path: &Path) -> Result<Self> {
        let names = Self::names().join(", ");
        let message = format!("cannot read the recipe; give a file, or one of {names}");
        let text =
            std::fs::read_to_string(path).context_at(ErrorKind::InvalidInput, path, message)?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Names of the recipes inside the program: the files of `models/recipes`, the default first.
    pub fn names() -> Vec<&'static str> {
        RECIPES.iter().map(|(name, _)| *name).collect()
    }

    /// A recipe inside the program by its name; `None` where there is no such recipe.
    ///
    /// # Errors
    /// As [`Recipe::load`]; a build whose tests passed has none.
    pub fn named(name: &str) -> Option<Result<Self>> {
        RECIPES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| Self::parse(name, text))
    }

    /// The recipe that a person names: one inside the program, or else a file.
    ///
    /// # Errors
    /// As [`Recipe::load`].
    pub fn find(name_or_file: &str) -> Result<Self> {
        Self::named(name_or_file).unwrap_or_else(|| Self::load(Path::new(name_or_file)))
    }

    /// The recipe of the shipped model's network, from labels alone: the default of `circumplex train`.
    ///
    /// # Errors
    /// As [`Recipe::load`]; a build whose tests passed has none.
    pub fn standard() -> Result<Self> {
        let (name, text) = RECIPES[0];
        Self::parse(name, text)
    }

    /// Reads a recipe from TOML; `name` is what messages call it.
    ///
    /// # Errors
    /// As [`Recipe::load`].
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let parsed: Result<Self, toml::de::Error> = toml::from_str(text);
        let recipe = parsed.map_err(|source| {
            let message = format!("the recipe {name} cannot be read{}", suggestion(&source));
            Error::new(ErrorKind::InvalidInput, message).with_source(source)
        })?;
        recipe.checked(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::one_line;

    #[test]
    fn every_recipe_inside_the_program_is_valid_named_as_its_file_and_survives_writing() {
        for name in Recipe::names() {
            let recipe = Recipe::named(name).expect("is listed").expect("is valid");
            assert_eq!(recipe.name, name);
            let text = toml::to_string(&recipe).expect("can be written");
            assert_eq!(Recipe::parse(name, &text).expect("can be read"), recipe);
        }
    }

    #[test]
    fn the_recipes_inside_the_program_are_the_files_beside_the_models() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/recipes");
        let mut files: Vec<String> = std::fs::read_dir(directory)
            .expect("the directory is in the tree")
            .map(|entry| entry.expect("can be listed").path())
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .filter(|name| !name.contains("face"))
            .collect();
        files.sort();
        let mut names = Recipe::names();
        names.sort_unstable();
        assert_eq!(files, names);
    }

    #[test]
    fn a_typing_error_is_answered_with_the_known_word() {
        let text_of_shipped = RECIPES[0].1;
        for (right, wrong, meant) in [
            ("epochs", "epoch", "epochs"),
            ("mixup", "mix_up", "mixup"),
            ("\"deviation\"", "\"deviations\"", "deviation"),
        ] {
            let text = text_of_shipped.replacen(right, wrong, 1);
            assert_ne!(text, text_of_shipped, "{right}");
            let error = one_line(&Recipe::parse("typed.toml", &text).expect_err("a typing error"));
            let expected = format!("did you mean \"{meant}\"?");
            assert!(
                error.contains("typed.toml") && error.contains(&expected),
                "{error}"
            );
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named_beside_the_recipes_that_are() {
        let error = Recipe::find("mel-cnn9").expect_err("there is none");
        assert!(
            error.to_string().contains("mel-cnn9") && error.to_string().contains("mel-cnn2"),
            "{error}"
        );
    }
}

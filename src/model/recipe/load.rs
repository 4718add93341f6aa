//! Reading recipes: from files, and those inside the program.

use std::path::{Path, PathBuf};

use super::Recipe;

macro_rules! recipe {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../models/recipes/", $name, ".toml")),
        )
    };
}

/// The recipes of `models/recipes`, the shipped model's first.
const RECIPES: [(&str, &str); 8] = [
    recipe!("best-cnn"),
    recipe!("best-cnn-bilstm"),
    recipe!("spectrogram-cnn3"),
    recipe!("mel-cnn3-unscaled"),
    recipe!("mel-cnn2-unscaled"),
    recipe!("mel-cnn2"),
    recipe!("cnn-bilstm"),
    recipe!("multilabel-cnn2"),
];

/// Names that differ in more than this are no slip of the keyboard (Jaro-Winkler similarity, 1 for equal names).
const SIMILAR: f64 = 0.8;

/// Why a recipe cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The file cannot be read.
    #[error("cannot read the recipe {}; give a file, or one of {}", path.display(), Recipe::names().join(", "))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The text is no TOML of the expected keys.
    #[error("the recipe {recipe} is not understood{}", suggestion(.source))]
    Syntax {
        /// Which recipe.
        recipe: String,
        /// Line, column and what was expected there.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A value that no run can use.
    #[error("the recipe {recipe} asks for {what} = {found}; expected {expected}")]
    Value {
        /// Which recipe.
        recipe: String,
        /// The key.
        what: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
}

/// For an unknown key or value that is close to one of those that were expected: which.
fn suggestion(error: &toml::de::Error) -> String {
    // "unknown field `epoch`, expected one of `kind`, `epochs`": what was found, then what may stand there.
    let mut quoted = error.message().split('`').skip(1).step_by(2);
    let Some(found) = quoted.next() else {
        return String::new();
    };
    quoted
        .map(|name| (strsim::jaro_winkler(found, name), name))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, name)| {
            format!(": `{found}` stands there, did you mean `{name}`?")
        })
}

impl Recipe {
    /// Reads a recipe file.
    ///
    /// # Errors
    /// [`RecipeError`] where the file cannot be read, holds an unknown key or lacks one, or asks for the impossible.
    pub fn load(path: &Path) -> Result<Self, RecipeError> {
        let text = std::fs::read_to_string(path).map_err(|source| RecipeError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Names of the recipes inside the program: the files of `models/recipes`, the shipped model's first.
    pub fn names() -> Vec<&'static str> {
        RECIPES.iter().map(|(name, _)| *name).collect()
    }

    /// A recipe inside the program by its name; `None` where there is no such recipe.
    ///
    /// # Errors
    /// As [`Recipe::load`]; a build whose tests passed has none.
    pub fn named(name: &str) -> Option<Result<Self, RecipeError>> {
        RECIPES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| Self::parse(name, text))
    }

    /// The recipe that a person names: one inside the program, or else a file.
    ///
    /// # Errors
    /// As [`Recipe::load`].
    pub fn find(name_or_file: &str) -> Result<Self, RecipeError> {
        Self::named(name_or_file).unwrap_or_else(|| Self::load(Path::new(name_or_file)))
    }

    /// The recipe of the shipped model.
    ///
    /// # Errors
    /// As [`Recipe::load`]; a build whose tests passed has none.
    pub fn shipped() -> Result<Self, RecipeError> {
        let (name, text) = RECIPES[0];
        Self::parse(name, text)
    }

    /// Reads a recipe from TOML; `name` is what messages call it.
    ///
    /// # Errors
    /// As [`Recipe::load`].
    pub fn parse(name: &str, text: &str) -> Result<Self, RecipeError> {
        let recipe: Self = toml::from_str(text).map_err(|source| RecipeError::Syntax {
            recipe: name.to_owned(),
            source: Box::new(source),
        })?;
        recipe.checked(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::one_line;

    #[test]
    fn every_recipe_inside_the_program_is_sound_named_as_its_file_and_survives_writing() {
        for name in Recipe::names() {
            let recipe = Recipe::named(name).expect("is listed").expect("is sound");
            assert_eq!(recipe.name, name);
            let text = toml::to_string(&recipe).expect("can be written");
            assert_eq!(Recipe::parse(name, &text).expect("can be read"), recipe);
        }
    }

    #[test]
    fn the_recipes_inside_the_program_are_the_files_beside_the_models() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/recipes");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder is in the tree")
            .map(|entry| entry.expect("can be listed").path())
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        files.sort();
        let mut names = Recipe::names();
        names.sort_unstable();
        assert_eq!(files, names);
    }

    #[test]
    fn a_slip_of_the_keyboard_is_answered_with_what_was_meant() {
        let sound = RECIPES[0].1;
        for (right, wrong, meant) in [
            ("epochs", "epoch", "`epochs`"),
            ("mixup", "mix_up", "`mixup`"),
            ("\"deviation\"", "\"deviations\"", "`deviation`"),
        ] {
            let text = sound.replacen(right, wrong, 1);
            assert_ne!(text, sound, "{right}");
            let error = one_line(&Recipe::parse("typed.toml", &text).expect_err("a slip"));
            let expected = format!("did you mean {meant}?");
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

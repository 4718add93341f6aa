//! [`Expression`]: the expressions of a face.

use crate::{
    error::{Error, Result},
    text::nearest,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The seven expressions of FER2013 in its order, and contempt of CK+.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expression {
    /// Also angry.
    Anger,
    /// Also disgusted.
    Disgust,
    /// Also fearful, afraid, scared.
    Fear,
    /// Also happy, joy, joyful.
    Happiness,
    /// Also sad.
    Sadness,
    /// Also surprised.
    Surprise,
    /// A face at rest.
    Neutral,
    /// Also contemptuous.
    Contempt,
}

impl Expression {
    /// The number of expressions.
    pub const COUNT: usize = 8;
    /// All eight in their order.
    pub const ALL: [Expression; 8] = [
        Expression::Anger,
        Expression::Disgust,
        Expression::Fear,
        Expression::Happiness,
        Expression::Sadness,
        Expression::Surprise,
        Expression::Neutral,
        Expression::Contempt,
    ];

    /// The lower-case noun.
    pub fn name(self) -> &'static str {
        self.spellings()[0]
    }

    /// All words that are understood, the name first.
    pub(crate) fn spellings(self) -> &'static [&'static str] {
        match self {
            Expression::Anger => &["anger", "angry"],
            Expression::Disgust => &["disgust", "disgusted"],
            Expression::Fear => &["fear", "fearful", "afraid", "scared"],
            Expression::Happiness => &["happiness", "happy", "joy", "joyful"],
            Expression::Sadness => &["sadness", "sad"],
            Expression::Surprise => &["surprise", "surprised"],
            Expression::Neutral => &["neutral"],
            Expression::Contempt => &["contempt", "contemptuous"],
        }
    }

    /// The index in [`ALL`](Self::ALL), 0 to 7.
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Expression {
    type Err = Error;

    /// Reads any spelling in any case, with blanks around it or not.
    fn from_str(text: &str) -> Result<Self> {
        let name = text.trim();
        let expression_of = |name: &str| {
            let is_spelling = |spelling: &&str| spelling.eq_ignore_ascii_case(name);
            Expression::ALL
                .into_iter()
                .find(|expression| expression.spellings().iter().any(is_spelling))
        };
        let spellings = || Expression::ALL.into_iter().flat_map(Expression::spellings);
        expression_of(name).ok_or_else(|| {
            let similar = nearest(name, spellings().copied()).and_then(expression_of);
            Error::invalid(format!(
                "unknown expression {name:?}{}; the eight are: {}",
                similar.map_or_else(String::new, |e| format!(" (did you mean \"{e}\"?)")),
                Expression::ALL.map(Expression::name).join(", ")
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_spellings_mean_the_same_expression() {
        for (text, expression) in [
            ("angry", Expression::Anger),
            ("Disgusted", Expression::Disgust),
            (" FEARFUL ", Expression::Fear),
            ("scared", Expression::Fear),
            ("Joy", Expression::Happiness),
            ("sad", Expression::Sadness),
            ("surprised", Expression::Surprise),
            ("Neutral", Expression::Neutral),
            ("contempt", Expression::Contempt),
        ] {
            assert_eq!(text.parse::<Expression>().unwrap(), expression, "{text}");
        }
        for expression in Expression::ALL {
            let name = expression.name();
            assert_eq!(name.parse::<Expression>().unwrap(), expression);
            assert_eq!(Expression::ALL[expression.index()], expression);
        }
    }

    #[test]
    fn a_mistyped_expression_gets_a_suggestion_and_another_word_the_list() {
        let message = |text: &str| text.parse::<Expression>().unwrap_err().to_string();
        assert!(message("hapiness").contains("did you mean \"happiness\"?"));
        assert!(message("angrry").contains("did you mean \"anger\"?"));
        assert!(message("suprise").contains("did you mean \"surprise\"?"));
        let other = message("calm");
        assert!(!other.contains("did you mean"), "{other}");
        assert!(other.contains("neutral, contempt"), "{other}");
    }
}

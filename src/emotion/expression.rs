//! [`Expression`]: what a face shows.

use serde::{Deserialize, Serialize};
use std::fmt;

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

/// Happens when a name is none of the eight expressions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown expression {name:?}{}; the eight are: {}",
    suggestion.map_or_else(String::new, |expression| format!(" (did you mean \"{expression}\"?)")),
    Expression::ALL.map(Expression::name).join(", ")
)]
pub struct UnknownExpression {
    /// The name as it was given.
    pub name: String,
    /// The expression of which a spelling is close to it, if one is.
    pub suggestion: Option<Expression>,
}

impl Expression {
    /// How many there are.
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

    /// Lower-case noun.
    pub fn name(self) -> &'static str {
        self.spellings()[0]
    }

    /// All words that are understood, the name first.
    pub fn spellings(self) -> &'static [&'static str] {
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

    /// Place in the order, 0 to 7.
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Expression {
    type Err = UnknownExpression;

    /// Reads any spelling in any case, blanks around it allowed.
    fn from_str(text: &str) -> Result<Self, UnknownExpression> {
        let name = text.trim().to_lowercase();
        let all = || {
            Expression::ALL.into_iter().flat_map(|expression| {
                let spellings = expression.spellings().iter();
                spellings.map(move |spelling| (*spelling, expression))
            })
        };
        if let Some((_, expression)) = all().find(|(spelling, _)| *spelling == name) {
            return Ok(expression);
        }
        // 0.8 of Jaro-Winkler lets typing errors through and keeps other words out.
        let suggestion = all()
            .map(|(spelling, expression)| (strsim::jaro_winkler(&name, spelling), expression))
            .filter(|(likeness, _)| *likeness >= 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, expression)| expression);
        Err(UnknownExpression {
            name: text.trim().to_owned(),
            suggestion,
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
            assert_eq!(text.parse(), Ok(expression), "{text}");
        }
        for expression in Expression::ALL {
            assert_eq!(expression.name().parse(), Ok(expression));
            assert_eq!(Expression::ALL[expression.index()], expression);
        }
    }

    #[test]
    fn a_mistyped_expression_gets_a_suggestion_and_a_strange_word_the_list() {
        let said = |text: &str| text.parse::<Expression>().unwrap_err().to_string();
        assert!(said("hapiness").contains("did you mean \"happiness\"?"));
        assert!(said("angrry").contains("did you mean \"anger\"?"));
        assert!(said("suprise").contains("did you mean \"surprise\"?"));
        let strange = said("calm");
        assert!(!strange.contains("did you mean"), "{strange}");
        assert!(strange.contains("neutral, contempt"), "{strange}");
    }
}

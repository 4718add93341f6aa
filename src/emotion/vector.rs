//! [`Emotion`] and [`EmotionVector`].

use crate::{
    error::{Error, Result},
    text::did_you_mean,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// The eight emotions, counter-clockwise from the positive valence axis. This order is used everywhere.
///
/// ```
/// use circumplex::Emotion;
/// assert_eq!("Tense".parse::<Emotion>().unwrap(), Emotion::Tense);
/// assert_eq!(Emotion::ALL[5].to_string(), "tired");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Emotion {
    /// 0 to 45 degrees: positive valence, arousal a little above the center.
    Happy,
    /// 45 to 90 degrees: high arousal, valence a little above the center.
    Excited,
    /// 90 to 135 degrees: high arousal, valence a little below the center.
    Tense,
    /// 135 to 180 degrees: negative valence, arousal a little above the center.
    Frustrated,
    /// 180 to 225 degrees: negative valence, arousal a little below the center.
    Depressed,
    /// 225 to 270 degrees: low arousal, valence a little below the center.
    Tired,
    /// 270 to 315 degrees: low arousal, valence a little above the center.
    Calm,
    /// 315 to 360 degrees: positive valence, arousal a little below the center.
    Content,
}

impl Emotion {
    /// The number of emotions.
    pub const COUNT: usize = 8;
    /// All eight in their order.
    pub const ALL: [Emotion; 8] = [
        Emotion::Happy,
        Emotion::Excited,
        Emotion::Tense,
        Emotion::Frustrated,
        Emotion::Depressed,
        Emotion::Tired,
        Emotion::Calm,
        Emotion::Content,
    ];

    /// The lower-case name, as in every file that circumplex writes.
    pub fn name(self) -> &'static str {
        match self {
            Emotion::Happy => "happy",
            Emotion::Excited => "excited",
            Emotion::Tense => "tense",
            Emotion::Frustrated => "frustrated",
            Emotion::Depressed => "depressed",
            Emotion::Tired => "tired",
            Emotion::Calm => "calm",
            Emotion::Content => "content",
        }
    }

    /// The index in [`ALL`](Self::ALL), 0 to 7.
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Emotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Emotion {
    type Err = Error;

    /// Reads a name in any case, with blanks around it or not.
    fn from_str(text: &str) -> Result<Self> {
        let name = text.trim();
        let known = Emotion::ALL.map(Emotion::name);
        Emotion::ALL
            .into_iter()
            .find(|emotion| emotion.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                Error::invalid(format!(
                    "unknown emotion {name:?}{}; the eight are: {}",
                    did_you_mean(name, known),
                    known.join(", ")
                ))
            })
    }
}

/// Eight percentages in the order of [`Emotion::ALL`]: finite, at least 0, sum 100 within rounding. Serializes as an object
/// of the eight names.
///
/// ```
/// use circumplex::{Emotion, EmotionVector};
/// let vector = EmotionVector::from_weights([3.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
/// assert_eq!(vector.get(Emotion::Happy), 75.0);
/// assert!(serde_json::to_string(&vector).unwrap().starts_with(r#"{"happy":75.0,"excited":25.0"#));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "Named")]
pub struct EmotionVector([f32; 8]);

impl Default for EmotionVector {
    /// The eight equal percentages.
    fn default() -> Self {
        Self::even()
    }
}

impl EmotionVector {
    /// Largest difference from 100 of the sum of percentages given to [`EmotionVector::new`].
    pub const SUM_TOLERANCE: f64 = 0.1;

    /// Eight equal percentages, 12.5 each.
    pub fn even() -> Self {
        Self([12.5; 8])
    }

    /// Takes percentages that sum to 100 (within 0.1) as they are.
    ///
    /// # Errors
    /// Where one is not finite or negative, or the sum is another.
    pub fn new(percentages: [f32; 8]) -> Result<Self> {
        check(&percentages.map(f64::from))?;
        let sum: f64 = percentages.iter().copied().map(f64::from).sum();
        if (sum - 100.0).abs() > Self::SUM_TOLERANCE {
            return Err(Error::invalid(format!(
                "the eight percentages must sum to 100 (within {}), found a sum of {sum}",
                Self::SUM_TOLERANCE
            )));
        }
        // Adding zero makes -0 a plain zero.
        Ok(Self(percentages.map(|value| value + 0.0)))
    }

    /// Normalizes weights of at least 0, in any unit, to sum 100.
    ///
    /// # Errors
    /// Where one is not finite or negative, or all are zero.
    pub fn from_weights(weights: [f64; 8]) -> Result<Self> {
        check(&weights)?;
        let percentages = scaled_to(100.0, weights).ok_or_else(|| {
            Error::invalid("at least one of the eight weights must be above zero, found none")
        })?;
        // Adding zero makes -0 a plain zero.
        Ok(Self(percentages.map(|value| value as f32 + 0.0)))
    }

    /// The eight percentages in the order of [`Emotion::ALL`].
    pub fn as_array(&self) -> &[f32; 8] {
        &self.0
    }

    /// The percentage of one emotion, 0 to 100.
    pub fn get(&self, emotion: Emotion) -> f32 {
        self.0[emotion.index()]
    }

    /// Every emotion with its percentage, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Emotion, f32)> + '_ {
        Emotion::ALL.into_iter().zip(self.0)
    }

    /// The strongest emotion; the first in order where several tie.
    pub fn strongest(&self) -> Emotion {
        let mut best = Emotion::Happy;
        for emotion in Emotion::ALL {
            if self.get(emotion) > self.get(best) {
                best = emotion;
            }
        }
        best
    }
}

/// Weights of at least 0 with another sum; `None` where all are zero.
pub(crate) fn scaled_to(total: f64, weights: [f64; 8]) -> Option<[f64; 8]> {
    let largest = weights.iter().copied().fold(0.0, f64::max);
    // Divided by the largest first: neither the sum nor the quotient can overflow or vanish.
    let scaled = weights.map(|weight| weight / largest);
    let sum: f64 = scaled.iter().sum();
    (largest > 0.0).then(|| scaled.map(|weight| total * weight / sum))
}

fn check(values: &[f64; 8]) -> Result<()> {
    for (emotion, &value) in Emotion::ALL.into_iter().zip(values) {
        let fault = if !value.is_finite() {
            "must be a finite number"
        } else if value < 0.0 {
            "must not be negative"
        } else {
            continue;
        };
        return Err(Error::invalid(format!(
            "the percentage of {emotion} {fault}, found {value}"
        )));
    }
    Ok(())
}

impl Serialize for EmotionVector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// The eight percentages by their names.
type Named = BTreeMap<Emotion, f32>;

impl TryFrom<Named> for EmotionVector {
    type Error = Error;

    fn try_from(named: Named) -> Result<Self> {
        let percentages: Vec<f32> = named.into_values().collect();
        let percentages = percentages.try_into();
        Self::new(percentages.map_err(|_| Error::invalid("one of the eight is missing"))?)
    }
}

/// For `#[serde(with)]`: an [`EmotionVector`] as an array of eight numbers.
pub(crate) mod as_array {
    use super::{Deserialize, Deserializer, EmotionVector, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        vector: &EmotionVector,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        vector.as_array().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<EmotionVector, D::Error> {
        EmotionVector::new(<[f32; 8]>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }

    /// The same where the vector may be absent.
    pub(crate) mod optional {
        use super::{Deserialize, Deserializer, EmotionVector, Serialize, Serializer};

        pub(crate) fn serialize<S: Serializer>(
            vector: &Option<EmotionVector>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            let numbers = vector.as_ref().map(EmotionVector::as_array);
            numbers.serialize(serializer)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<EmotionVector>, D::Error> {
            let numbers = Option::<[f32; 8]>::deserialize(deserializer)?;
            let vector = numbers.map(EmotionVector::new).transpose();
            vector.map_err(serde::de::Error::custom)
        }
    }
}

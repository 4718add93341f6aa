//! [`Emotion`] and [`EmotionVector`].

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The eight emotions, counter-clockwise from the positive valence axis. This order is used everywhere.
///
/// ```
/// use circumplex::emotion::Emotion;
/// assert_eq!("Tense".parse::<Emotion>().unwrap(), Emotion::Tense);
/// assert_eq!(Emotion::ALL[5].to_string(), "tired");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Emotion {
    /// 0 to 45 degrees: positive valence, arousal a little above the centre.
    Happy,
    /// 45 to 90 degrees: high arousal, valence a little above the centre.
    Excited,
    /// 90 to 135 degrees: high arousal, valence a little below the centre.
    Tense,
    /// 135 to 180 degrees: negative valence, arousal a little above the centre.
    Frustrated,
    /// 180 to 225 degrees: negative valence, arousal a little below the centre.
    Depressed,
    /// 225 to 270 degrees: low arousal, valence a little below the centre.
    Tired,
    /// 270 to 315 degrees: low arousal, valence a little above the centre.
    Calm,
    /// 315 to 360 degrees: positive valence, arousal a little below the centre.
    Content,
}

/// Happens when a name is none of the eight emotions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown emotion {name:?}{}; the eight are: {}", did_you_mean(*.suggestion), names())]
pub struct UnknownEmotion {
    /// The name as it was given.
    pub name: String,
    /// The emotion whose name is close to it, if one is.
    pub suggestion: Option<Emotion>,
}

fn did_you_mean(suggestion: Option<Emotion>) -> String {
    suggestion.map_or_else(String::new, |emotion| {
        format!(" (did you mean \"{emotion}\"?)")
    })
}

fn names() -> String {
    Emotion::ALL.map(Emotion::name).join(", ")
}

impl Emotion {
    /// How many there are.
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

    /// Lower-case name, as in every file this program writes.
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

    /// Place in the order, 0 to 7.
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Emotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Emotion {
    type Err = UnknownEmotion;

    /// Reads a name in any case, blanks around it allowed.
    fn from_str(s: &str) -> Result<Self, UnknownEmotion> {
        let name = s.trim().to_lowercase();
        if let Some(emotion) = Emotion::ALL.into_iter().find(|e| e.name() == name) {
            return Ok(emotion);
        }
        // 0.7 of Jaro-Winkler lets typing errors through and keeps other words out.
        let suggestion = Emotion::ALL
            .into_iter()
            .map(|emotion| (strsim::jaro_winkler(&name, emotion.name()), emotion))
            .filter(|(similarity, _)| *similarity >= 0.7)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, emotion)| emotion);
        Err(UnknownEmotion {
            name: s.to_owned(),
            suggestion,
        })
    }
}

/// Why eight numbers are not an [`EmotionVector`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidVector {
    /// Happens when a number is NaN or infinite.
    #[error("the percentage of {emotion} must be a finite number, found {value}")]
    NotFinite {
        /// Whose number it is.
        emotion: Emotion,
        /// What was found.
        value: f64,
    },
    /// Happens when a number is below zero.
    #[error("the percentage of {emotion} must not be negative, found {value}")]
    Negative {
        /// Whose number it is.
        emotion: Emotion,
        /// What was found.
        value: f64,
    },
    /// Happens when percentages do not sum to 100 within [`EmotionVector::SUM_TOLERANCE`].
    #[error(
        "the eight percentages must sum to 100 (within {}), found a sum of {sum}",
        EmotionVector::SUM_TOLERANCE
    )]
    Sum {
        /// What was found.
        sum: f64,
    },
    /// Happens when all eight weights are zero: there is nothing to share out.
    #[error("at least one of the eight weights must be above zero, found none")]
    AllZero,
}

/// Eight percentages, finite, non-negative, sum 100 within rounding. Can only be built valid, also when it is
/// deserialised. Serialises as an object of the eight names (for an array of eight use
/// `#[serde(with = "circumplex::emotion::as_array")]`); deserialises from either.
///
/// ```
/// use circumplex::emotion::{Emotion, EmotionVector};
/// let vector = EmotionVector::from_weights([3.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
/// assert_eq!(vector.get(Emotion::Happy), 75.0);
/// assert!(serde_json::to_string(&vector).unwrap().starts_with(r#"{"happy":75.0,"excited":25.0"#));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EmotionVector([f32; 8]);

impl EmotionVector {
    /// How far the sum of percentages given to [`EmotionVector::new`] may be from 100.
    pub const SUM_TOLERANCE: f64 = 0.1;

    /// The eight equal percentages, 12.5 each.
    pub fn even() -> Self {
        Self([12.5; 8])
    }

    /// Percentages that already sum to 100 (within 0.1). They are kept as they are.
    ///
    /// # Errors
    /// [`InvalidVector`] where one is not finite or negative, or where the sum is another.
    pub fn new(percentages: [f32; 8]) -> Result<Self, InvalidVector> {
        check(&percentages.map(f64::from))?;
        let sum: f64 = percentages.iter().copied().map(f64::from).sum();
        if (sum - 100.0).abs() > Self::SUM_TOLERANCE {
            return Err(InvalidVector::Sum { sum });
        }
        Ok(Self(percentages.map(positive_zero)))
    }

    /// Non-negative weights in any unit, normalised to sum 100.
    ///
    /// # Errors
    /// [`InvalidVector`] where one is not finite or negative, or where all are zero.
    pub fn from_weights(weights: [f64; 8]) -> Result<Self, InvalidVector> {
        check(&weights)?;
        let largest = weights.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            return Err(InvalidVector::AllZero);
        }
        // Divided by the largest first: neither the sum nor the quotient can overflow or vanish.
        let scaled = weights.map(|weight| weight / largest);
        let sum: f64 = scaled.iter().sum();
        Ok(Self(scaled.map(|weight| {
            positive_zero((100.0 * weight / sum) as f32)
        })))
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

    /// Cosine similarity, 0 to 1.
    pub fn cosine(&self, other: &EmotionVector) -> f64 {
        let dot = |a: &[f32; 8], b: &[f32; 8]| -> f64 {
            a.iter()
                .zip(b)
                .map(|(x, y)| f64::from(*x) * f64::from(*y))
                .sum()
        };
        let norms = (dot(&self.0, &self.0) * dot(&other.0, &other.0)).sqrt();
        (dot(&self.0, &other.0) / norms).clamp(0.0, 1.0)
    }
}

/// -0 is a valid zero on the way in and a plain one on the way out.
fn positive_zero(value: f32) -> f32 {
    if value == 0.0 { 0.0 } else { value }
}

fn check(values: &[f64; 8]) -> Result<(), InvalidVector> {
    for (emotion, &value) in Emotion::ALL.into_iter().zip(values) {
        if !value.is_finite() {
            return Err(InvalidVector::NotFinite { emotion, value });
        }
        if value < 0.0 {
            return Err(InvalidVector::Negative { emotion, value });
        }
    }
    Ok(())
}

impl TryFrom<[f32; 8]> for EmotionVector {
    type Error = InvalidVector;

    fn try_from(percentages: [f32; 8]) -> Result<Self, InvalidVector> {
        Self::new(percentages)
    }
}

impl From<EmotionVector> for [f32; 8] {
    fn from(vector: EmotionVector) -> Self {
        vector.0
    }
}

impl Serialize for EmotionVector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Emotion::COUNT))?;
        for (emotion, percentage) in self.iter() {
            map.serialize_entry(emotion.name(), &percentage)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for EmotionVector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EightPercentages)
    }
}

struct EightPercentages;

impl<'de> Visitor<'de> for EightPercentages {
    type Value = EmotionVector;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "eight percentages, as an array or as an object with the keys {}",
            names()
        )
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<EmotionVector, A::Error> {
        let mut values = [0.0_f32; 8];
        for (i, value) in values.iter_mut().enumerate() {
            *value = seq
                .next_element()?
                .ok_or_else(|| A::Error::invalid_length(i, &self))?;
        }
        let mut found = Emotion::COUNT;
        while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {
            found += 1;
        }
        if found > Emotion::COUNT {
            return Err(A::Error::invalid_length(found, &self));
        }
        EmotionVector::new(values).map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EmotionVector, A::Error> {
        let mut values = [None; 8];
        while let Some(key) = map.next_key::<String>()? {
            let emotion: Emotion = key.parse().map_err(A::Error::custom)?;
            if values[emotion.index()]
                .replace(map.next_value::<f32>()?)
                .is_some()
            {
                return Err(A::Error::duplicate_field(emotion.name()));
            }
        }
        let mut percentages = [0.0; 8];
        for emotion in Emotion::ALL {
            percentages[emotion.index()] =
                values[emotion.index()].ok_or_else(|| A::Error::missing_field(emotion.name()))?;
        }
        EmotionVector::new(percentages).map_err(A::Error::custom)
    }
}

/// Serialises an [`EmotionVector`] as an array of eight numbers; reads what `EmotionVector` itself reads.
pub mod as_array {
    use super::{Deserialize, Deserializer, EmotionVector, Serialize, Serializer};

    /// Writes the eight percentages as an array.
    pub fn serialize<S: Serializer>(
        vector: &EmotionVector,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        vector.as_array().serialize(serializer)
    }

    /// Reads the eight percentages from an array or an object.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<EmotionVector, D::Error> {
        EmotionVector::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests;

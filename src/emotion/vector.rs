//! [`Emotion`] and [`EmotionVector`].

/// The eight emotions, counter-clockwise from the positive valence axis. This order is used everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Emotion {
    Happy,
    Excited,
    Tense,
    Frustrated,
    Depressed,
    Tired,
    Calm,
    Content,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("unknown emotion {name:?}")]
pub struct UnknownEmotion {
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidVector {
    #[error("placeholder")]
    Placeholder,
}

impl Emotion {
    pub const COUNT: usize = 8;
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
        unimplemented!()
    }
}
impl std::str::FromStr for Emotion {
    type Err = UnknownEmotion;
    fn from_str(_s: &str) -> Result<Self, UnknownEmotion> {
        unimplemented!()
    }
}

/// Eight percentages, finite, non-negative, sum 100 within rounding. Can only be built valid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EmotionVector([f32; 8]);

impl EmotionVector {
    /// The eight equal percentages, 12.5 each.
    pub fn even() -> Self {
        unimplemented!()
    }
    /// Percentages that already sum to 100 (within 0.1).
    pub fn new(_percentages: [f32; 8]) -> Result<Self, InvalidVector> {
        unimplemented!()
    }
    /// Non-negative weights in any unit, normalised to sum 100.
    pub fn from_weights(_weights: [f64; 8]) -> Result<Self, InvalidVector> {
        unimplemented!()
    }
    pub fn as_array(&self) -> &[f32; 8] {
        &self.0
    }
    pub fn get(&self, _emotion: Emotion) -> f32 {
        unimplemented!()
    }
    /// The strongest emotion; the first in order where several tie.
    pub fn strongest(&self) -> Emotion {
        unimplemented!()
    }
    /// Cosine similarity, 0 to 1.
    pub fn cosine(&self, _other: &EmotionVector) -> f64 {
        unimplemented!()
    }
}

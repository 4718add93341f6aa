use serde::{Deserialize, Serialize};
/// How a song is cut into windows of a fixed length. Windows follow one another without a gap or overlap. A rest of at
/// least half a window gives one more window, which ends with the song's last sample (and overlaps the one before); a
/// shorter rest is left out. A song shorter than one window is repeated from its start until the window is full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowRule {
    /// Length in samples at the model's rate.
    pub length: usize,
}

/// One window: mono samples at the model's rate.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    pub samples: &'a [f32],
    /// Sample of the song at which it starts.
    pub start: u64,
    /// Share of the song's mean that it has: the part of it that no earlier window covers, 0 to 1.
    pub weight: f64,
}

pub struct Windower {}
impl Windower {
    pub fn new(_rule: &WindowRule) -> Self {
        unimplemented!()
    }
    pub fn push<E>(
        &mut self,
        _samples: &[f32],
        _emit: impl FnMut(Window<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        unimplemented!()
    }
    /// Emits what the rule says for the rest; returns the number of samples seen in all.
    pub fn finish<E>(&mut self, _emit: impl FnMut(Window<'_>) -> Result<(), E>) -> Result<u64, E> {
        unimplemented!()
    }
}

use std::path::Path;
/// Text tags of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    pub title: Option<String>,
    pub artist: Option<String>,
    pub album: Option<String>,
    pub genre: Option<String>,
}

/// What is known of a sound file. Tags and `duration_s` may be completed while decoding.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundInfo {
    pub sample_rate: u32,
    pub channels: u16,
    pub codec: String,
    pub tags: Tags,
}

#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    #[error("placeholder")]
    Placeholder,
}

pub struct Decoder {}
impl Decoder {
    pub fn open(_path: &Path) -> Result<Self, AudioError> {
        unimplemented!()
    }
    pub fn info(&self) -> &SoundInfo {
        unimplemented!()
    }
    /// Next block of mono samples (mean of channels, -1 to 1) at the file's own rate, `None` after the last.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        unimplemented!()
    }
    /// Packets skipped as damaged so far.
    pub fn damaged_packets(&self) -> u64 {
        unimplemented!()
    }
}

use super::AudioError;
/// Streaming mono resampler without delay: output sample 0 stands at input sample 0.
pub struct Resampler {}
impl Resampler {
    pub fn new(_from_hz: u32, _to_hz: u32) -> Result<Self, AudioError> {
        unimplemented!()
    }
    /// Appends the resampled samples that are ready to `out`.
    pub fn push(&mut self, _input: &[f32], _out: &mut Vec<f32>) -> Result<(), AudioError> {
        unimplemented!()
    }
    /// Appends the rest: in all, ceil(input * to / from) samples.
    pub fn finish(&mut self, _out: &mut Vec<f32>) -> Result<(), AudioError> {
        unimplemented!()
    }
}

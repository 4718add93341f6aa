//! A file on disk to mono windows at the model's sample rate. Streams: never holds a whole song.

mod decode;
mod resample;
mod window;

pub use decode::{AudioError, Decoder, SoundInfo, Tags};
pub use resample::Resampler;
pub use window::{Window, WindowRule, Windower};

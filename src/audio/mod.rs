//! A file on disk to mono windows at the model's sample rate. Streams: never holds a whole song.

mod codec;
mod decode;
mod error;
mod excerpt;
mod extrapolate;
mod mix;
mod mp4;
mod mpeg;
mod ogg;
mod open;
mod opus;
mod packets;
mod part;
#[cfg(test)]
mod part_tests;
mod resample;
mod riff;
mod seek;
mod sniff;
mod source;
mod tags;
mod time_limit;

pub use decode::{AudioInfo, Decoder};
pub use error::{AudioError, AudioErrorKind};
pub use excerpt::{Excerpt, InvalidExcerpt};
pub use packets::{container, packet_hash};
pub use part::Segment;
pub use resample::Resampler;
pub use tags::Tags;

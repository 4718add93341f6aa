//! An audio file, on disk or in memory, to mono samples at the model's sample rate. Streams: never holds a whole song.
//!
//! [`Decoder`] decodes packet by packet, with symphonia (Opus: opus-pure; what they cannot read: ffmpeg, if it is installed), [`Resampler`] changes the rate. What
//! decodes of a truncated or damaged file is used, and what is missing is counted.

mod codec;
mod container;
mod decode;
mod excerpt;
pub(crate) mod ffmpeg;
mod input;
mod mixer;
mod opus;
mod packets;
mod repair;
mod resample;
mod sniff;
mod source;
mod tag_bytes;
mod tags;
mod time_limit;

pub use decode::{AudioInfo, Decoder};
pub(crate) use decode::{DecodeOptions, with_audible_channel, with_fallback};
pub(crate) use excerpt::Selection;
pub use excerpt::{Excerpt, Segment};
pub use ffmpeg::use_ffmpeg;
pub(crate) use input::Input;
pub(crate) use packets::{container, packet_hash};
pub use resample::Resampler;
pub use tags::Tags;

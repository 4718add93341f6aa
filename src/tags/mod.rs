//! Mood tags in the music files themselves: the strongest emotion where players look for a mood, and all numbers in fields of
//! their own, `CIRCUMPLEX_*`.
//!
//! A file is never written in place. A copy beside it gets the tags; the copy must hold the same packets of sound, and the same
//! tags but for these; only then, and once the disk has it, it takes the file's place, with its permissions and its time. The mood
//! that was there before is set aside in the file, and [`untag`] puts it back.
//!
//! Of all else one thing may go: comments of a FLAC file that held nothing but the name of its encoder.
//!
//! | | the mood | the rest |
//! |---|---|---|
//! | ID3v2 (MP3, AAC, WAV, AIFF) | `TMOO`; in version 2.3, which has no such frame, `TXXX:MOOD` | `TXXX:CIRCUMPLEX_*` |
//! | Vorbis comments (FLAC, Ogg Vorbis, Opus) | `MOOD` | `CIRCUMPLEX_*` |
//! | MP4 | `----:com.apple.iTunes:MOOD` | `----:com.apple.iTunes:CIRCUMPLEX_*` |

mod carrier;
mod error;
mod fields;
mod file;
mod id3;
mod mp4;
mod renew;
#[cfg(test)]
mod tests;
mod vorbis;

pub use error::TagError;
pub use fields::MoodFields;
pub use file::{Changed, Found, Stamp, look, tag, untag};
pub use renew::renew;

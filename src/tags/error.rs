//! Why a file got no tags.

use crate::{audio::AudioError, contain::Panicked};
use std::{error::Error, io, path::PathBuf};

/// A file was not changed. It is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum TagError {
    /// When it is not there, or cannot be read.
    #[error("{}: cannot be read; check that it exists, is an ordinary file and may be read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// When it is no longer the file that was analysed.
    #[error("{}: changed since it was analysed; bring the library up to date with `circumplex analyze` first", path.display())]
    Changed { path: PathBuf },
    /// When it may not be written.
    #[error("{}: is read-only; make it writable first", path.display())]
    ReadOnly { path: PathBuf },
    /// When there are no tags for files of its kind.
    #[error("{}: {found}; tags can be written into MP3, AAC, MP4, FLAC, Ogg Vorbis, Opus, WAV and AIFF", path.display())]
    Unsupported { path: PathBuf, found: &'static str },
    /// When its tags cannot be read without loss.
    #[error("{}: its tags are damaged or unusual, and would not survive; mend them with a tag editor", path.display())]
    Damaged {
        path: PathBuf,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// When the copy cannot be made, written or put in the file's place.
    #[error("{}: cannot be replaced; check that its folder may be written to and has space left", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// When the tags cannot be written into the copy.
    #[error("{}: the tags cannot be written", path.display())]
    Encode {
        path: PathBuf,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// When the sound cannot be compared.
    #[error("{}: its sound cannot be read, so that it could not be compared", path.display())]
    Sound {
        path: PathBuf,
        #[source]
        source: AudioError,
    },
    /// When the copy differs in more than the tags that were to be written.
    #[error("{}: writing the tags would change {what} as well; nothing was written", path.display())]
    NotKept { path: PathBuf, what: &'static str },
    /// When a defect in reading or writing tags was met.
    #[error("{}: its tags met a defect of the tag library", path.display())]
    Defect {
        path: PathBuf,
        #[source]
        source: Panicked,
    },
}

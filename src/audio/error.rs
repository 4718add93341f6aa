//! [`AudioError`]: why a file gave no sound.

use std::{io, path::PathBuf};

/// Why a file gave no sound, or not all of it.
///
/// Every message names the file, says what was expected and what was found, and what can be done. [`AudioError::kind`]
/// sorts the variants for counting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The file cannot be opened or read: it is absent, a folder or a device, or the system refuses.
    #[error("{}: cannot be read; check that it exists, is an ordinary file and may be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },

    /// The file has no bytes, or its sound has no samples.
    #[error("{}: holds no sound ({what}); restore it from its source", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What is empty.
        what: &'static str,
    },

    /// The content is not that of any sound format: text, a picture, an archive, random bytes.
    #[error("{}: is not a sound file: expected the content of one, found {found}", path.display())]
    NotAudio {
        /// The file.
        path: PathBuf,
        /// What the content looks like.
        found: &'static str,
    },

    /// The content is a sound format or codec that this program has no decoder for.
    #[error("{}: {what} is not supported; convert the file to FLAC, for example with `ffmpeg -i INPUT OUTPUT.flac`", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Name of the format, the codec or the feature.
        what: String,
    },

    /// The file is a sound or video container without an audio track.
    #[error("{}: has no audio track in its {container} container; expected at least one", path.display())]
    NoAudioTrack {
        /// The file.
        path: PathBuf,
        /// Name of the container.
        container: &'static str,
    },

    /// The sample rate or the number of channels is outside what is accepted.
    #[error("{}: expected {expected}, found {found}; its header is wrong, or it must be converted first", path.display())]
    OutOfRange {
        /// The file.
        path: PathBuf,
        /// What is accepted.
        expected: String,
        /// What the file says.
        found: String,
    },

    /// The file ends before the length that its header or its container claims: an interrupted download or copy.
    #[error("{}: ends early: expected {expected}, found {found}; download or copy it again", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The length that is claimed.
        expected: String,
        /// The length that is there.
        found: String,
    },

    /// The headers cannot be understood, although the format is known.
    #[error("{}: is damaged: its {container} headers cannot be understood ({source}); restore it from its source", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Name of the container.
        container: &'static str,
        /// What the reader found wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// More than a tenth of the packets are damaged.
    #[error(
        "{}: is damaged: {damaged} of {packets} packets cannot be decoded, at most a tenth may be; restore it from its source",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Packets that could not be decoded, or are missing.
        damaged: u64,
        /// Packets in all.
        packets: u64,
    },

    /// A decoder met content that it was not built for and gave up by panicking. The panic was caught.
    #[error("{}: the decoder failed on its content ({message}); restore it from its source, or convert it", path.display())]
    DecoderFailed {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        message: String,
    },

    /// Decoding took longer than any sound of this size and length needs, and was given up.
    #[error(
        "{}: decoding was given up after {spent_s} s, far more than {:.1} MiB should need; where the disk or network was \
         slow try again with --retry-failed, otherwise restore it from its source",
        path.display(), *size as f64 / f64::from(1 << 20)
    )]
    TooSlow {
        /// The file.
        path: PathBuf,
        /// Seconds that went into decoding.
        spent_s: u64,
        /// Bytes of the file.
        size: u64,
    },

    /// The sound goes on for longer than is accepted.
    #[error("{}: expected at most {max_hours} hours of sound, found more; it is damaged, or must be split first", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// What is accepted.
        max_hours: u64,
    },

    /// A resampler was asked for rates that it cannot serve.
    #[error("cannot resample from {from_hz} Hz to {to_hz} Hz: {reason}")]
    Resample {
        /// Rate of the sound.
        from_hz: u32,
        /// Rate asked for.
        to_hz: u32,
        /// Why not.
        reason: String,
    },
}

/// The sorts of failure that a summary counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AudioErrorKind {
    /// The file could not be opened or read.
    Io,
    /// The file is no sound.
    NotAudio,
    /// A format or codec without a decoder here, or rates and channels outside what is accepted.
    Unsupported,
    /// A sound container without sound in it, or a file without a byte.
    Empty,
    /// The file ends before the length that it claims.
    Truncated,
    /// The content is broken.
    Damaged,
    /// Decoding took too long.
    TooSlow,
}

impl AudioErrorKind {
    /// One lower-case word for tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Io => "unreadable",
            Self::NotAudio => "not-audio",
            Self::Unsupported => "unsupported",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::Damaged => "damaged",
            Self::TooSlow => "too-slow",
        }
    }
}

impl AudioError {
    /// The sort of failure, for counting.
    pub fn kind(&self) -> AudioErrorKind {
        match self {
            Self::Io { .. } => AudioErrorKind::Io,
            Self::NotAudio { .. } => AudioErrorKind::NotAudio,
            Self::Unsupported { .. }
            | Self::OutOfRange { .. }
            | Self::TooLong { .. }
            | Self::Resample { .. } => AudioErrorKind::Unsupported,
            Self::Empty { .. } | Self::NoAudioTrack { .. } => AudioErrorKind::Empty,
            Self::Truncated { .. } => AudioErrorKind::Truncated,
            Self::Malformed { .. } | Self::Damaged { .. } | Self::DecoderFailed { .. } => {
                AudioErrorKind::Damaged
            }
            Self::TooSlow { .. } => AudioErrorKind::TooSlow,
        }
    }
}

impl From<AudioError> for crate::Error {
    fn from(error: AudioError) -> Self {
        use crate::ErrorKind as Kind;
        let kind = match error.kind() {
            AudioErrorKind::Io => Kind::Io,
            AudioErrorKind::NotAudio => Kind::NotAudio,
            AudioErrorKind::Unsupported => Kind::Unsupported,
            AudioErrorKind::Empty => Kind::Empty,
            AudioErrorKind::Truncated => Kind::Truncated,
            AudioErrorKind::Damaged => Kind::Damaged,
            AudioErrorKind::TooSlow => Kind::Timeout,
        };
        crate::Error::new(kind, error.to_string())
    }
}

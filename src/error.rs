//! [`Error`]: everything that can go wrong in the library, with a kind to match on.

use std::{
    error::Error as StdError,
    fmt,
    path::{Path, PathBuf},
};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an [`Error`]: what a program may decide on. The message is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file or directory cannot be opened, read or written.
    Io,
    /// The content of a file is no audio: text, a picture, random bytes.
    NotAudio,
    /// A format, codec, sample rate or number of channels that cannot be decoded.
    Unsupported,
    /// An audio file without audio in it, or a file without a byte.
    Empty,
    /// An audio file that ends before the length that its header declares.
    Truncated,
    /// The content of a file is broken.
    Damaged,
    /// Decoding took longer than any file of this size needs.
    Timeout,
    /// An argument, option, setting or text that cannot be used.
    InvalidInput,
    /// A model file that cannot be loaded or run.
    Model,
    /// A library that cannot be read or written.
    Library,
    /// Labels, annotations or splits of a data set that cannot be used.
    Dataset,
    /// Training that cannot go on.
    Training,
    /// Training that was asked to stop; it can be resumed.
    Interrupted,
    /// A defect of this program or of a package in it: a panic that was caught.
    Internal,
}

impl ErrorKind {
    /// One lower-case word for tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Io => "unreadable",
            Self::NotAudio => "not-audio",
            Self::Unsupported => "unsupported",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::Damaged => "damaged",
            Self::Timeout => "too-slow",
            Self::InvalidInput => "invalid-input",
            Self::Model => "model",
            Self::Library => "library",
            Self::Dataset => "dataset",
            Self::Training => "training",
            Self::Interrupted => "interrupted",
            Self::Internal => "internal",
        }
    }
}

/// An error with its file and its remedy.
///
/// `{}` prints the file and the message, `{:#}` also the sources, on one line:
///
/// ```
/// use circumplex::{Error, ErrorKind};
/// use std::io;
///
/// let source = io::Error::other("permission denied");
/// let error = Error::new(ErrorKind::Io, "cannot be opened").with_path("song.mp3").with_source(source);
/// assert_eq!(error.to_string(), "song.mp3: cannot be opened");
/// assert_eq!(format!("{error:#}"), "song.mp3: cannot be opened: permission denied");
/// ```
pub struct Error(Box<Inner>);

// Boxed, so that a `Result` stays as small as what it holds when all goes well.
struct Inner {
    kind: ErrorKind,
    path: Option<PathBuf>,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error that concerns no file, until [`with_path`](Self::with_path) names one.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            path: None,
            message: message.into(),
            source: None,
        }))
    }

    /// An [`ErrorKind::InvalidInput`] error.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Names the file; an error that already names one keeps it.
    #[must_use]
    pub fn with_path(mut self, path: impl AsRef<Path>) -> Self {
        self.0.path.get_or_insert_with(|| path.as_ref().to_owned());
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The file or directory that the error concerns.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The message without the path and the sources.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return f.write_str(&one_line(self));
        }
        if let Some(path) = &self.0.path {
            write!(f, "{}: ", path.display())?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self:#}", self.0.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Turns another crate's error into an [`Error`] with a kind and a message.
pub(crate) trait Context<T> {
    /// Adds a kind and a message; the error becomes the source.
    fn context(self, kind: ErrorKind, message: impl Into<String>) -> Result<T>;

    /// Like [`context`](Self::context) and names the file.
    fn context_at(
        self,
        kind: ErrorKind,
        path: impl AsRef<Path>,
        message: impl Into<String>,
    ) -> Result<T>;
}

impl<T, E: Into<Box<dyn StdError + Send + Sync>>> Context<T> for std::result::Result<T, E> {
    fn context(self, kind: ErrorKind, message: impl Into<String>) -> Result<T> {
        self.map_err(|source| Error::new(kind, message).with_source(source))
    }

    fn context_at(
        self,
        kind: ErrorKind,
        path: impl AsRef<Path>,
        message: impl Into<String>,
    ) -> Result<T> {
        self.map_err(|source| {
            Error::new(kind, message)
                .with_path(path)
                .with_source(source)
        })
    }
}

/// The error's message followed by those of its sources, separated by `": "`. A source whose message the text before it
/// already ends with (because a message quotes its source) is not repeated. Line breaks become spaces.
pub(crate) fn one_line(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let message = source.to_string();
        if !message.is_empty() && !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        next = source.source();
    }
    text.split(['\n', '\r'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn gone() -> io::Error {
        io::Error::other("the disk is gone")
    }

    #[test]
    fn sources_follow_their_error_on_one_line() {
        let error = Err::<(), _>(gone()).context_at(ErrorKind::Io, "song.mp3", "cannot read");
        let error = error.unwrap_err();
        assert_eq!(one_line(&error), "song.mp3: cannot read: the disk is gone");
        assert_eq!(format!("{error:#}"), one_line(&error));
        assert_eq!(error.to_string(), "song.mp3: cannot read");
    }

    #[test]
    fn a_quoted_source_is_not_repeated() {
        let error = Error::new(ErrorKind::Io, "cannot read: the disk is gone").with_source(gone());
        assert_eq!(one_line(&error), "cannot read: the disk is gone");
    }

    #[test]
    fn line_breaks_become_spaces() {
        let error = Error::new(ErrorKind::Io, "cannot read")
            .with_source(io::Error::other("first\n  second\r\n"));
        assert_eq!(one_line(&error), "cannot read: first second");
    }

    #[test]
    fn the_path_that_was_named_first_is_kept() {
        let error = Error::new(ErrorKind::Io, "cannot read")
            .with_path("inner")
            .with_path("outer");
        assert_eq!(error.path(), Some(Path::new("inner")));
    }
}

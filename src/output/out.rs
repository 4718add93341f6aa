//! Where the bytes of an export go.

use super::ExportError;
use crate::atomic_file::PendingFile;
use std::{
    error::Error,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Where an export goes.
pub enum Destination {
    /// A file, or for some formats a folder.
    Path(PathBuf),
    /// A stream, such as standard output.
    Stream(Box<dyn Write + Send>),
}

/// A file that is there once it is whole, or a stream.
pub(super) enum Out {
    File(BufWriter<File>, PendingFile),
    Stream(BufWriter<Box<dyn Write + Send>>),
}

impl Out {
    pub(super) fn file(path: &Path) -> Result<Self, ExportError> {
        let pending = PendingFile::create(path)?;
        let file = pending.file().try_clone().map_err(|e| pending.error(e))?;
        Ok(Self::File(BufWriter::new(file), pending))
    }

    pub(super) fn new(to: Destination) -> Result<Self, ExportError> {
        match to {
            Destination::Path(path) => Self::file(&path),
            Destination::Stream(stream) => Ok(Self::Stream(BufWriter::new(stream))),
        }
    }

    /// A name for messages.
    pub(super) fn name(&self) -> PathBuf {
        match self {
            Self::File(_, pending) => pending.path().to_owned(),
            Self::Stream(_) => "standard output".into(),
        }
    }

    /// The error of a write to it.
    pub(super) fn error(&self, source: io::Error) -> ExportError {
        match self {
            Self::File(_, pending) => pending.error(source).into(),
            Self::Stream(_) => ExportError::Stream(source),
        }
    }

    /// The error of what writes to it in some format, where it may be the stream's own.
    pub(super) fn encode_error(
        &self,
        format: &'static str,
        source: Box<dyn Error + Send + Sync>,
    ) -> ExportError {
        encode_error(&self.name(), format, source)
    }

    /// Puts the file in its place. `None` for a stream.
    pub(super) fn finish(self) -> Result<Option<PathBuf>, ExportError> {
        match self {
            Self::File(mut writer, pending) => {
                writer.flush().map_err(|e| pending.error(e))?;
                // Closed before the rename, which some systems demand.
                drop(writer);
                Ok(Some(pending.commit()?))
            }
            Self::Stream(mut writer) => {
                writer.flush().map_err(ExportError::Stream)?;
                Ok(None)
            }
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(writer, _) => writer.write(bytes),
            Self::Stream(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(writer, _) => writer.flush(),
            Self::Stream(writer) => writer.flush(),
        }
    }
}

/// What the writer of a format says went wrong.
pub(super) fn encode_error(
    path: &Path,
    format: &'static str,
    source: Box<dyn Error + Send + Sync>,
) -> ExportError {
    ExportError::Encode {
        path: path.to_owned(),
        format,
        source,
    }
}

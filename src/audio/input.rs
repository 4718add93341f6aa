//! The bytes of an audio file, on disk or in memory.

use super::{ffmpeg::Call, time_limit::TimeLimit};
use crate::Error;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Cursor, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};
use symphonia::core::io::MediaSource;

/// Bytes to replace, by their positions.
pub(super) type Corrections = BTreeMap<u64, u8>;

/// An audio file on disk or in memory.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    /// A file on disk.
    Path(PathBuf),
    /// The content of a file.
    Bytes(Arc<[u8]>),
    /// A file on disk that ffmpeg decodes.
    Ffmpeg(Call),
}

impl From<&Path> for Input {
    fn from(path: &Path) -> Self {
        Self::Path(path.to_owned())
    }
}

impl Input {
    /// The error, with the path of a file on disk.
    pub(crate) fn name(&self, error: Error) -> Error {
        match self {
            Self::Path(path) | Self::Ffmpeg(Call { path, .. }) => error.with_path(path),
            Self::Bytes(_) => error,
        }
    }

    /// Length in bytes.
    pub(super) fn len(&self) -> io::Result<u64> {
        match self {
            Self::Path(path) | Self::Ffmpeg(Call { path, .. }) => {
                // Asked before opening: opening a pipe would wait for its writer.
                let metadata = fs::metadata(path)?;
                if !metadata.is_file() {
                    let what = "not an ordinary file";
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
                }
                Ok(metadata.len())
            }
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
        }
    }

    /// A reader from byte `offset` on, which is its byte 0. It fails once `limit` has run out.
    pub(super) fn reader(&self, offset: u64, limit: &Arc<TimeLimit>) -> io::Result<Reader> {
        let source: Box<dyn MediaSource> = match self {
            Self::Path(path) | Self::Ffmpeg(Call { path, .. }) => Box::new(File::open(path)?),
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
        };
        let mut reader = Reader {
            source,
            offset,
            len: self.len()?.saturating_sub(offset),
            at: 0,
            limit: limit.clone(),
            corrections: Corrections::new(),
        };
        reader.rewind()?;
        Ok(reader)
    }
}

/// See [`Input::reader`].
pub(super) struct Reader {
    source: Box<dyn MediaSource>,
    offset: u64,
    len: u64,
    /// The byte that is read next.
    at: u64,
    limit: Arc<TimeLimit>,
    corrections: Corrections,
}

impl Reader {
    /// Ends the file before its last `count` bytes.
    pub(super) fn shorten(&mut self, count: u64) {
        self.len = self.len.saturating_sub(count);
    }

    /// Replaces bytes from now on, by their positions in what it reads.
    pub(super) fn correct(&mut self, corrections: Corrections) {
        self.corrections = corrections;
    }

    /// Up to `count` bytes from `start` on; fewer at the end of the file.
    pub(super) fn bytes(&mut self, start: u64, count: u64) -> io::Result<Vec<u8>> {
        self.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        self.take(count).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.limit.check_read()?;
        let left = usize::try_from(self.len.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.source.read(&mut buffer[..wanted])?;
        let end = self.at + read as u64;
        for (at, byte) in self.corrections.range(self.at..end) {
            buffer[(at - self.at) as usize] = *byte;
        }
        self.at = end;
        Ok(read)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => SeekFrom::Start(at.saturating_add(self.offset)),
            SeekFrom::End(from) => {
                SeekFrom::Start(self.offset + self.len.saturating_add_signed(from))
            }
            current => current,
        };
        let at = self.source.seek(to).map_err(|error| match error.kind() {
            // A header points beyond any file.
            io::ErrorKind::InvalidInput => io::ErrorKind::UnexpectedEof.into(),
            _ => error,
        })?;
        self.at = at.saturating_sub(self.offset);
        Ok(self.at)
    }
}

impl MediaSource for Reader {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}

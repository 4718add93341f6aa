//! A file that got no row, and why.

use super::{FoundFile, SheetError};
use crate::{
    contain::PanicError,
    error::one_line,
    library::{FailedFile, Micros, SongRow},
};
use std::{io, path::PathBuf};

/// Why one file failed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// When the chain refuses the file: it cannot be read or decoded, or is damaged.
    #[error(transparent)]
    Chain(#[from] crate::Error),
    /// When the file or folder cannot be looked at: permission, a link that leads nowhere, a disk error.
    #[error("cannot read")]
    Unreadable(#[source] io::Error),
    /// When a line of a file with patterns is none. The other lines hold.
    #[error("line {line} is no pattern: {reason}")]
    Pattern {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// When a CUE sheet says what cannot be. The file that it divides is taken as a whole.
    #[error("cannot be used as a CUE sheet; mend it or move it away")]
    Sheet(#[source] SheetError),
    /// When the file changed while it was read, so that the answer may belong to neither version.
    #[error("the file changed while it was read; analyze it again")]
    Changed,
    /// When a defect of this program was met. The other files are not affected.
    #[error("an internal error of circumplex (please report it)")]
    Panicked(#[source] PanicError),
}

/// One file that failed.
#[derive(Debug)]
pub struct Failure {
    /// The file, or the folder that could not be listed.
    pub path: PathBuf,
    /// Why.
    pub error: FileError,
}

impl Failure {
    /// The reason with its sources in one line. Where an error begins with the file's name, that is left out, because a
    /// list of failures says it already.
    pub fn reason(&self) -> String {
        let text = one_line(&self.error);
        let name = self.path.display().to_string();
        match text
            .strip_prefix(&name)
            .map(|rest| rest.trim_start_matches([':', ' ']))
        {
            Some(rest) if !rest.is_empty() => rest.to_owned(),
            _ => text,
        }
    }
}

impl Failure {
    /// The failure as the library remembers it.
    pub fn remembered(&self, file: &FoundFile) -> FailedFile {
        let (path, path_bytes) = SongRow::path_columns(&self.path);
        FailedFile {
            path,
            path_bytes,
            size_bytes: file.size,
            modified: file.modified.map(Micros::from),
            reason: self.reason(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_its_source() {
        let failure = Failure {
            path: "a.mp3".into(),
            error: FileError::Unreadable(io::Error::other("the disk is gone")),
        };
        assert_eq!(failure.reason(), "cannot read: the disk is gone");
    }
}

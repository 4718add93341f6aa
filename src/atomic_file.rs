//! Files that are either whole or not there.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// The file could not be written; what stood at its place before still does.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot write {}; check that the folder exists, may be written to and has space left",
    path.display()
)]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Writes `path` through a temporary file beside it, which takes its place once all of it is on the disk.
///
/// # Errors
/// [`WriteError`] where a step fails, that of `fill` included. The temporary file is removed.
pub fn write(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> Result<(), WriteError> {
    replace(path, fill).map_err(|source| WriteError {
        path: path.to_owned(),
        source,
    })
}

fn replace(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = create(path)?;
    let mut writer = BufWriter::new(temporary.as_file());
    fill(&mut writer)?;
    writer.flush()?;
    drop(writer);
    put(temporary, path)
}

/// A file that is written in several steps, or by a program part that wants a name. Dropped before [`commit`](Self::commit), it
/// leaves nothing behind, and what stood at its place stays.
#[derive(Debug)]
pub struct Pending {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl Pending {
    /// Makes the temporary file beside `path`.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn create(path: &Path) -> Result<Self, WriteError> {
        match create(path) {
            Ok(temporary) => Ok(Self {
                temporary,
                path: path.to_owned(),
            }),
            Err(source) => Err(WriteError {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Where the file will stand.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it stands until then.
    pub fn temporary(&self) -> &Path {
        self.temporary.path()
    }

    /// What to write to. What is buffered elsewhere has to be flushed before [`commit`](Self::commit).
    pub fn file(&self) -> &File {
        self.temporary.as_file()
    }

    /// The error of a step that failed.
    pub fn error(&self, source: io::Error) -> WriteError {
        WriteError {
            path: self.path.clone(),
            source,
        }
    }

    /// Waits until the disk has all of it, and puts it in its place.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn commit(self) -> Result<PathBuf, WriteError> {
        let Self { temporary, path } = self;
        match put(temporary, &path) {
            Ok(()) => Ok(path),
            Err(source) => Err(WriteError { path, source }),
        }
    }
}

/// An empty file beside `path`.
fn create(path: &Path) -> io::Result<NamedTempFile> {
    if path.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let Some(name) = path.file_name() else {
        return Err(io::Error::from(io::ErrorKind::InvalidFilename));
    };
    let mut prefix = OsString::from(".");
    prefix.push(name);
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    {
        // What a new file of this person gets; temporary files are private otherwise.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

fn put(temporary: NamedTempFile, path: &Path) -> io::Result<()> {
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_failure_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer.txt");
        write(&path, |file| file.write_all(b"old")).unwrap();
        let error = write(&path, |file| {
            file.write_all(b"half of the new")?;
            Err(io::Error::other("the disk is full"))
        })
        .unwrap_err();
        assert!(error.to_string().contains("answer.txt"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        write(&path, |file| file.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_pending_file_is_there_once_it_is_committed_and_never_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer.txt");
        let pending = Pending::create(&path).unwrap();
        pending.file().write_all(b"half").unwrap();
        assert!(pending.temporary().exists() && !path.exists());
        drop(pending);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let pending = Pending::create(&path).unwrap();
        pending.file().write_all(b"whole").unwrap();
        assert_eq!(pending.commit().unwrap(), path);
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(Pending::create(folder.path()).is_err());
    }

    #[test]
    fn a_folder_that_does_not_exist_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent/answer.txt");
        let error = write(&path, |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("absent"));
        assert_eq!(error.source.kind(), io::ErrorKind::NotFound);
        assert!(write(folder.path(), |_| Ok(())).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_a_file_as_far_as_the_umask_lets_them() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write(&ours, |_| Ok(())).unwrap();
        fs::write(&plain, b"").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}

//! Files that are either complete or not there: the one writer of every file that this program makes.

use crate::{Error, ErrorKind, Result};
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};
use tempfile::{Builder, NamedTempFile};

/// Writes `path` through a temporary file beside it, which replaces it once all of it is on the disk.
///
/// # Errors
/// [`ErrorKind::Io`] if a step fails, `fill` included. The old file stays and the temporary file is removed.
pub(crate) fn write(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> Result<()> {
    let pending = PendingFile::create(path)?;
    let mut writer = BufWriter::new(pending.file());
    fill(&mut writer)
        .and_then(|()| writer.flush())
        .map_err(|error| pending.error(error))?;
    drop(writer);
    pending.commit()?;
    Ok(())
}

/// The error of a file that cannot be written.
pub(crate) fn write_error(path: &Path, source: io::Error) -> Error {
    let message =
        "cannot be written; check that the directory exists, is writable and has space left";
    Error::new(ErrorKind::Io, message)
        .with_path(path)
        .with_source(source)
}

/// A file that is written in several steps, or by code that needs a name. Dropped before [`commit`](Self::commit), it
/// leaves nothing, and the old file stays.
#[derive(Debug)]
pub(crate) struct PendingFile {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl PendingFile {
    /// Makes the temporary file beside `path`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let temporary = create_beside(path).map_err(|source| write_error(path, source))?;
        Ok(Self {
            temporary,
            path: path.to_owned(),
        })
    }

    /// The final path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path until then.
    pub(crate) fn temporary(&self) -> &Path {
        self.temporary.path()
    }

    /// The file to write to. Buffers of the caller must be flushed before [`commit`](Self::commit).
    pub(crate) fn file(&self) -> &File {
        self.temporary.as_file()
    }

    /// The error of a step that failed.
    pub(crate) fn error(&self, source: io::Error) -> Error {
        write_error(&self.path, source)
    }

    /// Waits until all of it is on the disk, moves it to its path and returns that. A file that is replaced keeps its permissions.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub(crate) fn commit(self) -> Result<PathBuf> {
        let Self { temporary, path } = self;
        let synced = temporary.as_file().sync_all();
        // Closed before the rename, as some systems demand.
        let temporary = temporary.into_temp_path();
        if let Ok(existing) = fs::metadata(&path) {
            // An owner that forbids this is no reason to fail.
            let _ = fs::set_permissions(&temporary, existing.permissions());
        }
        synced
            .and_then(|()| temporary.persist(&path).map_err(|error| error.error))
            .map_err(|source| write_error(&path, source))?;
        sync_directory(directory_of(&path));
        Ok(path)
    }
}

/// The directory of a file; `.` for a bare name.
pub(crate) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// An empty file `.NAME.RANDOM.tmp` beside `path`, with the permissions of any new file.
fn create_beside(path: &Path) -> io::Result<NamedTempFile> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    {
        // Temporary files are private otherwise.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let temporary = builder.tempfile_in(directory_of(path));
    temporary.map_err(|error| match error.kind() {
        io::ErrorKind::Other => error,
        // Without the temporary file's name, which would only confuse.
        kind => kind.into(),
    })
}

/// Makes a rename durable, on systems that can.
pub(crate) fn sync_directory(directory: &Path) {
    #[cfg(unix)]
    if let Ok(directory) = File::open(directory) {
        // Some file systems cannot; the content is on the disk already.
        let _ = directory.sync_all();
    }
    #[cfg(not(unix))]
    let _ = directory;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_leaves_the_old_file_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("answer.txt");
        write(&path, |file| file.write_all(b"old")).unwrap();
        let error = write(&path, |file| {
            file.write_all(b"half of the new")?;
            Err(io::Error::other("the disk is full"))
        })
        .unwrap_err();
        assert!(error.to_string().contains("answer.txt"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        write(&path, |file| file.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_pending_file_appears_when_it_is_committed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("answer.txt");
        let pending = PendingFile::create(&path).unwrap();
        pending.file().write_all(b"half").unwrap();
        assert!(pending.temporary().exists() && !path.exists());
        drop(pending);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        let pending = PendingFile::create(&path).unwrap();
        pending.file().write_all(b"whole").unwrap();
        assert_eq!(pending.commit().unwrap(), path);
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(PendingFile::create(directory.path()).is_err());
    }

    #[test]
    fn the_error_of_a_missing_directory_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("absent/answer.txt");
        let error = write(&path, |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("absent"));
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(write(directory.path(), |_| Ok(())).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_gets_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let (ours, plain) = (
            directory.path().join("ours"),
            directory.path().join("plain"),
        );
        write(&ours, |_| Ok(())).unwrap();
        fs::write(&plain, b"").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_replaced_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("answer.txt");
        write(&path, |_| Ok(())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        write(&path, |file| file.write_all(b"new")).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

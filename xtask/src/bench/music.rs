//! The files of a run: those of a directory, repeated under other names until there are enough.

use std::{
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Extensions that all programs read.
const EXTENSIONS: [&str; 7] = ["mp3", "flac", "ogg", "wav", "m4a", "aac", "aiff"];

/// A directory of music.
pub struct Music {
    pub directory: PathBuf,
    /// A file with the path of each, one a line.
    pub list: PathBuf,
    pub files: usize,
}

impl Music {
    /// Lays the music below `source` into `work`, as links where the system has them: `wanted` files, or all once.
    pub fn gather(source: &Path, wanted: Option<usize>, work: &Path) -> Result<Self, String> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error: io::Error| format!("{}: {error}", path.display())
        };
        let mut found = Vec::new();
        let absolute = fs::canonicalize(source).map_err(at(source))?;
        list(&absolute, &mut found).map_err(at(source))?;
        if found.is_empty() {
            return Err(format!("{}: holds no music", source.display()));
        }
        found.sort();
        let directory = work.join("music");
        if directory.exists() {
            fs::remove_dir_all(&directory).map_err(at(&directory))?;
        }
        fs::create_dir_all(&directory).map_err(at(&directory))?;
        let directory = fs::canonicalize(&directory).map_err(at(&directory))?;
        let list = work.join("music.txt");
        let mut lines = BufWriter::new(fs::File::create(&list).map_err(at(&list))?);
        let files = wanted.unwrap_or(found.len());
        for (n, file) in found.iter().cycle().take(files).enumerate() {
            let extension = file.extension().unwrap_or_default().to_string_lossy();
            let path = directory.join(format!("{n:06}.{extension}"));
            fs::hard_link(file, &path)
                .or_else(|_| link(file, &path))
                .or_else(|_| fs::copy(file, &path).map(drop))
                .map_err(at(&path))?;
            writeln!(lines, "{}", path.display()).map_err(at(&list))?;
        }
        lines.flush().map_err(at(&list))?;
        Ok(Self {
            directory,
            list,
            files,
        })
    }
}

fn list(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let is_music = path.extension().is_some_and(|extension| {
            let extension = extension.to_string_lossy().to_lowercase();
            EXTENSIONS.contains(&extension.as_str())
        });
        if is_music && path.is_file() {
            found.push(fs::canonicalize(path)?);
        } else if path.is_dir() && !path.is_symlink() {
            list(&path, found)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(file: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(file, path)
}

#[cfg(not(unix))]
fn link(_file: &Path, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

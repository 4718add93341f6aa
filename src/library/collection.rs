//! Several libraries of one model read as one: the parts that shards write.

use super::{
    FailedFile, Library, LibraryError, LibraryInfo, SongBrief, SongName, SongRow, Vectors,
};
use std::{
    collections::HashSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// One library or more, whose rows follow one another. All were made by the same model.
pub struct Collection {
    name: String,
    parts: Vec<Library>,
}

impl From<Library> for Collection {
    fn from(library: Library) -> Self {
        Self {
            name: library.path().display().to_string(),
            parts: vec![library],
        }
    }
}

impl Collection {
    /// Opens libraries in the order in which they are given. A folder stands for the `.parquet` files in it (not below it,
    /// hidden ones left out), in the order of their names. A file that is met twice is read once.
    ///
    /// # Errors
    /// [`LibraryError::NoLibrary`], [`LibraryError::Mixed`], and those of [`Library::open`].
    pub fn open<P: AsRef<Path>>(paths: &[P]) -> Result<Self, LibraryError> {
        let mut parts: Vec<Library> = Vec::new();
        let mut seen = HashSet::new();
        for path in paths {
            for file in files_of(path.as_ref())? {
                if !seen.insert(fs::canonicalize(&file).unwrap_or_else(|_| file.clone())) {
                    continue;
                }
                let part = Library::open(&file)?;
                if let Some(first) = parts.first()
                    && !first.info().is_comparable(part.info())
                {
                    let name = |library: &Library| {
                        let model = &library.info().model;
                        let short = model.identity.get(..12).unwrap_or(&model.identity);
                        match library.info().excerpt() {
                            Some(excerpt) => {
                                format!("{} ({short}), excerpts of {excerpt}", model.name)
                            }
                            None => format!("{} ({short})", model.name),
                        }
                    };
                    return Err(LibraryError::Mixed {
                        path: file,
                        found: name(&part),
                        first: first.path().to_owned(),
                        expected: name(first),
                    });
                }
                parts.push(part);
            }
        }
        if parts.is_empty() {
            return Err(LibraryError::NoLibrary {
                folder: PathBuf::new(),
            });
        }
        let first = paths.first().map(AsRef::as_ref).unwrap_or(Path::new(""));
        let name = match paths.len() - 1 {
            0 => first.display().to_string(),
            more => format!("{} and {more} more", first.display()),
        };
        Ok(Self { name, parts })
    }

    /// The libraries, at least one.
    pub fn parts(&self) -> &[Library] {
        &self.parts
    }

    /// What the footer of the first says; the model is that of all.
    pub fn info(&self) -> &LibraryInfo {
        // There is at least one, by construction.
        self.parts[0].info()
    }

    /// A name for people: the path that was given, or the first and how many more.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of songs.
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(Library::rows).sum()
    }

    /// The failures that the footers remember, sorted by path.
    pub fn failures(&self) -> Vec<FailedFile> {
        let parts = self.parts.iter();
        let mut failures: Vec<FailedFile> = parts
            .flat_map(|part| part.info().failures.iter().cloned())
            .collect();
        failures.sort_by(|a, b| (&a.path, &a.path_bytes).cmp(&(&b.path, &b.path_bytes)));
        failures
    }

    /// The eight percentages of every song, as [`Library::vectors`] gives them.
    ///
    /// # Errors
    /// Those of [`Library::vectors`].
    pub fn vectors(&self) -> impl Iterator<Item = Result<Vectors, LibraryError>> + '_ {
        let mut before = 0;
        self.parts.iter().flat_map(move |part| {
            let first = before;
            before += part.rows();
            let batches: Box<dyn Iterator<Item = _>> = match part.vectors() {
                Ok(batches) => Box::new(batches),
                Err(error) => Box::new(std::iter::once(Err(error))),
            };
            batches.map(move |vectors| Ok(vectors?.behind(first)))
        })
    }

    /// Every song, as [`Library::songs`] gives them.
    ///
    /// # Errors
    /// Those of [`Library::songs`].
    pub fn songs(&self) -> impl Iterator<Item = Result<Vec<SongRow>, LibraryError>> + '_ {
        self.parts
            .iter()
            .flat_map(|part| -> Box<dyn Iterator<Item = _> + '_> {
                match part.songs() {
                    Ok(batches) => Box::new(batches),
                    Err(error) => Box::new(std::iter::once(Err(error))),
                }
            })
    }

    /// Every song in brief, as [`Library::briefs`] gives them.
    ///
    /// # Errors
    /// Those of [`Library::briefs`].
    pub fn briefs(&self) -> impl Iterator<Item = Result<Vec<SongBrief>, LibraryError>> + '_ {
        self.parts
            .iter()
            .flat_map(|part| -> Box<dyn Iterator<Item = _> + '_> {
                match part.briefs() {
                    Ok(batches) => Box::new(batches),
                    Err(error) => Box::new(std::iter::once(Err(error))),
                }
            })
    }

    /// What every song is called, with its row (counted from 0 through all libraries), as [`Library::names`] gives them.
    ///
    /// # Errors
    /// Those of [`Library::names`].
    pub fn names(&self) -> impl Iterator<Item = Result<(u64, SongName), LibraryError>> + '_ {
        let batches = self
            .parts
            .iter()
            .flat_map(|part| -> Box<dyn Iterator<Item = _> + '_> {
                match part.names() {
                    Ok(batches) => Box::new(batches),
                    Err(error) => Box::new(std::iter::once(Err(error))),
                }
            });
        let mut row = 0;
        let songs = batches.flat_map(|batch| -> Box<dyn Iterator<Item = _>> {
            match batch {
                Ok(batch) => Box::new(batch.into_iter().map(Ok)),
                Err(error) => Box::new(std::iter::once(Err(error))),
            }
        });
        songs.map(move |name| {
            let name = name?;
            row += 1;
            Ok((row - 1, name))
        })
    }

    /// The songs of some rows (counted from 0 through all libraries), in the order in which they are asked for.
    ///
    /// # Errors
    /// Those of [`Library::songs_at`].
    pub fn songs_at(&self, rows: &[u64]) -> Result<Vec<SongRow>, LibraryError> {
        let mut found: Vec<(usize, SongRow)> = Vec::with_capacity(rows.len());
        let (mut before, last) = (0, self.parts.len() - 1);
        for (number, part) in self.parts.iter().enumerate() {
            let here = before..before + part.rows();
            // What is behind the end is asked of the last one, whose error says so.
            let is_here = |row: &u64| here.contains(row) || (number == last && *row >= here.end);
            let (places, rows): (Vec<usize>, Vec<u64>) = rows
                .iter()
                .enumerate()
                .filter(|(_, row)| is_here(row))
                .map(|(place, row)| (place, row - before))
                .unzip();
            if !rows.is_empty() {
                found.extend(places.into_iter().zip(part.songs_at(&rows)?));
            }
            before = here.end;
        }
        found.sort_by_key(|(place, _)| *place);
        Ok(found.into_iter().map(|(_, song)| song).collect())
    }
}

/// The file itself, or the libraries in a folder.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, LibraryError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let open_error = |source| LibraryError::Open {
        path: path.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(open_error)? {
        let file = entry.map_err(open_error)?.path();
        let hidden = file
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && file.extension() == Some(OsStr::new("parquet")) {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(LibraryError::NoLibrary {
            folder: path.to_owned(),
        });
    }
    files.sort();
    Ok(files)
}

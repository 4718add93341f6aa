//! The directory of a run: what it holds, and whether a run may begin or go on in it.

use crate::{
    atomic_file,
    cli::{CliError, visible},
    model::Recipe,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The version of a run that is in progress; raise it when what is kept of one changes.
const FORMAT_VERSION: u32 = 1;
/// In the directory of checkpoints: this run is in progress.
const MARKER: &str = "run.json";
/// Beside it: locked by the process that trains.
const LOCK: &str = "lock";
/// Everything that a run writes, beside its checkpoints.
const FILES: [&str; 9] = [
    "model.onnx",
    "recipe.toml",
    "split.csv",
    "folds.csv",
    "log.csv",
    "log.jsonl",
    "predictions.parquet",
    "scores.json",
    "report.html",
];
/// The files of every finished run.
const FINISHED: [&str; 3] = ["model.onnx", "recipe.toml", "scores.json"];

/// The choice for a directory that already holds a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// Nothing: it is refused.
    No,
    /// `--resume`
    Resume,
    /// `--force`
    Force,
}

/// The work to do in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Starts a run and removes what is left of an earlier one.
    Begin,
    /// Resumes a run.
    Resume,
    /// Keeps a finished run.
    Keep,
}

/// The directory of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunDirectory {
    path: PathBuf,
}

/// A directory in which this process trains.
pub(crate) struct RunLock {
    _lock: File,
}

/// The files to remove from the directory of checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clear {
    /// Remains of interrupted writes.
    Leftovers,
    /// The checkpoints, too.
    Checkpoints,
    /// And the mark, the lock and the directory.
    All,
}

#[derive(Serialize, Deserialize)]
struct Marker {
    format_version: u32,
    folds: Option<usize>,
}

impl RunDirectory {
    /// Looks at the directory without changing anything: what is to be done there for this recipe and number of folds.
    pub(crate) fn look(
        path: &Path,
        again: Again,
        recipe: &Recipe,
        folds: Option<usize>,
    ) -> Result<(Self, Plan), CliError> {
        let directory = Self {
            path: path.to_owned(),
        };
        let shown = visible(&path.display().to_string());
        let names = match fs::read_dir(path) {
            Ok(entries) => entries
                .map(|entry| Ok(entry?.file_name()))
                .collect::<io::Result<Vec<_>>>()
                .map_err(|error| format!("cannot look into {shown}: {error}"))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                bail!(
                    "{shown} is not a directory: a run writes a directory with model.onnx in it; name one with -o"
                );
            }
            Err(error) => bail!("cannot look into {shown}: {error}"),
        };
        if names.is_empty() {
            let is_model = path
                .extension()
                .is_some_and(|extension| extension == "onnx");
            return match is_model && !path.is_dir() {
                true => bail!(
                    "-o {shown} looks like a file: a run writes a directory with model.onnx in it; name one"
                ),
                false => Ok((directory, Plan::Begin)),
            };
        }
        let in_progress = directory.checkpoints().join(MARKER).is_file();
        let finished = FINISHED
            .iter()
            .all(|name| directory.path.join(name).is_file());
        match (in_progress, finished, again) {
            (false, false, _) => {
                let mut names: Vec<String> = names
                    .iter()
                    .map(|name| visible(&name.to_string_lossy()))
                    .collect();
                names.sort_unstable();
                Err(format!(
                    "{shown} is not the directory of a run, and holds other files ({}); name a new directory with -o",
                    names[..names.len().min(3)].join(", ")
                )
                .into())
            }
            (_, _, Again::Force) => Ok((directory, Plan::Begin)),
            (true, _, Again::No) => bail!(
                "{shown} holds a run that was not finished; --resume continues it, --force trains again"
            ),
            (false, true, Again::No) => bail!(
                "{shown} holds a finished run; --force trains again in its place, or name another directory with -o"
            ),
            (true, _, Again::Resume) => {
                directory.check_marker(folds)?;
                directory.check_recipe(recipe)?;
                Ok((directory, Plan::Resume))
            }
            (false, true, Again::Resume) => {
                directory.check_recipe(recipe)?;
                Ok((directory, Plan::Keep))
            }
        }
    }

    fn check_marker(&self, folds: Option<usize>) -> Result<(), CliError> {
        let path = self.checkpoints().join(MARKER);
        let shown = visible(&path.display().to_string());
        let damaged =
            |error: String| format!("{shown} cannot be read ({error}); --force trains again");
        let text = fs::read_to_string(&path).map_err(|error| damaged(error.to_string()))?;
        let marker: Marker =
            serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if marker.format_version != FORMAT_VERSION {
            bail!(
                "{shown} has format version {}, this program resumes version {FORMAT_VERSION}; use the program \
                 version that wrote it, or --force to train again",
                marker.format_version
            );
        }
        if marker.folds != folds {
            let named = |folds: Option<usize>| match folds {
                Some(count) => format!("--folds {count}"),
                None => "one split".to_owned(),
            };
            bail!(
                "the run in {} was started with {}, not with {}; continue with the same command, or train again with --force",
                visible(&self.path.display().to_string()),
                named(marker.folds),
                named(folds)
            );
        }
        Ok(())
    }

    fn check_recipe(&self, recipe: &Recipe) -> Result<(), CliError> {
        let path = self.path.join("recipe.toml");
        // A run that was stopped before it wrote its recipe can go on with any.
        let Ok(found) = fs::read_to_string(&path) else {
            return Ok(());
        };
        if found == toml::to_string(recipe)? {
            return Ok(());
        }
        Err(format!(
            "the run in {} follows another recipe ({}) than was asked for; continue with the same command, or train again \
             with --force",
            visible(&self.path.display().to_string()),
            visible(&path.display().to_string()),
        )
        .into())
    }

    /// Whether a run is or was in this directory.
    pub(crate) fn is_run(path: &Path) -> bool {
        path.join("recipe.toml").is_file() || path.join("checkpoints").join(MARKER).is_file()
    }

    /// The content of a finished run's `scores.json`.
    pub(crate) fn scores(&self) -> Result<serde_json::Value, CliError> {
        let path = self.file("scores.json");
        let read = || -> Result<_, CliError> { Ok(serde_json::from_slice(&fs::read(&path)?)?) };
        read().map_err(|error| {
            format!(
                "cannot read {}: {error}; --force trains again",
                visible(&path.display().to_string())
            )
            .into()
        })
    }

    /// Makes the directory ready: from now on the run in it is in progress, and no other process may work in it while what is
    /// returned lives.
    pub(crate) fn begin(
        &self,
        plan: Plan,
        recipe: &Recipe,
        folds: Option<usize>,
    ) -> Result<RunLock, CliError> {
        let shown = visible(&self.path.display().to_string());
        let fault = |error: io::Error| {
            format!("cannot write the directory {shown}: {error}; choose another -o")
        };
        fs::create_dir_all(self.checkpoints()).map_err(fault)?;
        let lock = File::create(self.checkpoints().join(LOCK)).map_err(fault)?;
        match lock.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "another process trains in {shown} at this moment; wait for it, or name another directory with -o"
                );
            }
            // A file system without locks: the run goes without.
            Err(TryLockError::Error(_)) => (),
        }
        let marker = serde_json::to_vec(&Marker {
            format_version: FORMAT_VERSION,
            folds,
        })?;
        let marker_path = self.checkpoints().join(MARKER);
        atomic_file::write(&marker_path, |file| file.write_all(&marker))?;
        if plan == Plan::Begin {
            self.clear_checkpoints(Clear::Checkpoints)?;
            for name in FILES {
                remove(&self.path.join(name))?;
            }
        } else {
            self.clear_checkpoints(Clear::Leftovers)?;
        }
        let recipe = toml::to_string(recipe)?;
        atomic_file::write(&self.path.join("recipe.toml"), |file| {
            file.write_all(recipe.as_bytes())
        })?;
        Ok(RunLock { _lock: lock })
    }

    /// The run is finished: its checkpoints go.
    pub(crate) fn finish(&self) -> Result<(), CliError> {
        self.clear_checkpoints(Clear::All)
    }

    /// Removes what interrupted writes have left of checkpoints, and more where that is asked for.
    fn clear_checkpoints(&self, what: Clear) -> Result<(), CliError> {
        let directory = self.checkpoints();
        let failed = |error: io::Error| format!("cannot clear {}: {error}", directory.display());
        for entry in fs::read_dir(&directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let ends = |extension: &str| path.extension().is_some_and(|found| found == extension);
            if ends("tmp") || (what != Clear::Leftovers && ends("safetensors")) {
                remove(&path)?;
            }
        }
        if what == Clear::All {
            remove(&directory.join(MARKER))?;
            remove(&directory.join(LOCK))?;
            // Something of another's may lie in it.
            let _ = fs::remove_dir(&directory);
        }
        Ok(())
    }

    /// The directory of checkpoints.
    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// A file of the run.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        debug_assert!(FILES.contains(&name), "{name}");
        self.path.join(name)
    }

    /// The directory's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn remove(path: &Path) -> Result<(), CliError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => bail!(
            "cannot remove {}: {error}",
            visible(&path.display().to_string())
        ),
        _ => Ok(()),
    }
}

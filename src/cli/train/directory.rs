//! The directory of a run: what it holds, and whether a run may begin or go on in it.

use super::Args;
use crate::{
    atomic_file,
    cli::{CliError, listed},
    model::Recipe,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
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
const FILES: [&str; 10] = [
    "model.onnx",
    "recipe.toml",
    "split.csv",
    "folds.csv",
    "log.csv",
    "log.jsonl",
    "predictions.parquet",
    "votes.parquet",
    "scores.json",
    "report.html",
];
/// The files of every finished run.
const FINISHED: [&str; 3] = ["model.onnx", "recipe.toml", "scores.json"];

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

/// One run: its recipe, its directory, and what to do there.
pub(crate) struct RunDirectory {
    pub path: PathBuf,
    pub recipe: Recipe,
    pub plan: Plan,
    folds: Option<usize>,
}

#[derive(Serialize, Deserialize)]
struct Marker {
    format_version: u32,
    folds: Option<usize>,
}

impl RunDirectory {
    /// Looks at the directory, without changing anything, and decides what to do there.
    pub(crate) fn look(path: PathBuf, recipe: Recipe, args: &Args) -> Result<Self, CliError> {
        let shown = path.display();
        let unreadable = |error: io::Error| format!("cannot read {shown}: {error}");
        let mut names = Vec::new();
        match fs::read_dir(&path) {
            Ok(entries) => {
                for entry in entries {
                    let name = entry.map_err(unreadable)?.file_name();
                    names.push(name.to_string_lossy().into_owned());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => bail!(
                "{shown} is not a directory: a run writes a directory with model.onnx in it; name one with -o"
            ),
            Err(error) => return Err(unreadable(error).into()),
        }
        let in_progress = path.join("checkpoints").join(MARKER).is_file();
        let is_finished = FINISHED.iter().all(|name| path.join(name).is_file());
        let plan = if names.is_empty() {
            if path.extension().is_some_and(|it| it == "onnx") && !path.is_dir() {
                bail!(
                    "-o {shown} looks like a file: a run writes a directory with model.onnx in it; name one"
                );
            }
            Plan::Begin
        } else if !in_progress && !is_finished {
            names.sort_unstable();
            bail!(
                "{shown} is not the directory of a run, and holds other files ({}); name a new directory with -o",
                listed(&names, 3)
            );
        } else if args.force {
            Plan::Begin
        } else if args.resume {
            match in_progress {
                true => Plan::Resume,
                false => Plan::Keep,
            }
        } else if in_progress {
            bail!(
                "{shown} holds a run that was not finished; --resume continues it, --force trains again"
            );
        } else {
            bail!(
                "{shown} holds a finished run; --force trains again in its place, or name another directory with -o"
            );
        };
        let run = Self {
            path,
            recipe,
            plan,
            folds: args.folds.map(usize::from),
        };
        if plan == Plan::Resume {
            run.check_marker()?;
        }
        if plan != Plan::Begin {
            run.check_recipe()?;
        }
        Ok(run)
    }

    fn check_marker(&self) -> Result<(), CliError> {
        let path = self.checkpoints().join(MARKER);
        let marker: Marker = read_json(&path)?;
        if marker.format_version != FORMAT_VERSION {
            bail!(
                "{} has format version {}, this program resumes version {FORMAT_VERSION}; use the program version that \
                 wrote it, or --force to train again",
                path.display(),
                marker.format_version
            );
        }
        if marker.folds != self.folds {
            let named = |folds: Option<usize>| match folds {
                Some(count) => format!("--folds {count}"),
                None => "one split".to_owned(),
            };
            bail!(
                "the run in {} was started with {}, not with {}; continue with the same command, or train again with --force",
                self.path.display(),
                named(marker.folds),
                named(self.folds)
            );
        }
        Ok(())
    }

    fn check_recipe(&self) -> Result<(), CliError> {
        let path = self.file("recipe.toml");
        // A run that was stopped before it wrote its recipe can go on with any.
        if let Ok(found) = fs::read_to_string(&path)
            && !same_recipe(&found, &self.recipe)
        {
            bail!(
                "the run in {} follows another recipe ({}) than was asked for; continue with the same command, or train \
                 again with --force",
                self.path.display(),
                path.display()
            );
        }
        Ok(())
    }

    /// Whether a run is or was in this directory.
    pub(crate) fn is_run(path: &Path) -> bool {
        path.join("recipe.toml").is_file() || path.join("checkpoints").join(MARKER).is_file()
    }

    /// The content of a finished run's `scores.json`.
    pub(crate) fn scores(&self) -> Result<serde_json::Value, CliError> {
        read_json(&self.file("scores.json"))
    }

    /// Makes the directory ready: from now on the run in it is in progress, and no other process may work in it while the
    /// returned lock lives.
    pub(crate) fn begin(&self) -> Result<File, CliError> {
        let shown = self.path.display();
        let checkpoints = self.checkpoints();
        let fault = |error: io::Error| {
            format!("cannot write the directory {shown}: {error}; choose another -o")
        };
        fs::create_dir_all(&checkpoints).map_err(fault)?;
        let lock = lock(&checkpoints.join(LOCK), &self.path)?;
        let marker = serde_json::to_vec(&Marker {
            format_version: FORMAT_VERSION,
            folds: self.folds,
        })?;
        atomic_file::write(&checkpoints.join(MARKER), |file| file.write_all(&marker))?;
        // Interrupted writes leave temporary files.
        self.clear_checkpoints("tmp")?;
        if self.plan == Plan::Begin {
            self.clear_checkpoints("safetensors")?;
            for name in FILES {
                remove(&self.path.join(name))?;
            }
        }
        let recipe = toml::to_string(&self.recipe)?;
        atomic_file::write(&self.file("recipe.toml"), |file| {
            file.write_all(recipe.as_bytes())
        })?;
        Ok(lock)
    }

    /// The run is finished: its checkpoints go.
    pub(crate) fn finish(&self) -> Result<(), CliError> {
        let directory = self.checkpoints();
        self.clear_checkpoints("tmp")?;
        self.clear_checkpoints("safetensors")?;
        remove(&directory.join(MARKER))?;
        remove(&directory.join(LOCK))?;
        // Files of others may lie in it.
        let _ = fs::remove_dir(&directory);
        Ok(())
    }

    /// Removes the checkpoints' files with an extension.
    fn clear_checkpoints(&self, extension: &str) -> Result<(), CliError> {
        let directory = self.checkpoints();
        let failed = |error: io::Error| format!("cannot clear {}: {error}", directory.display());
        for entry in fs::read_dir(&directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|found| found == extension) {
                remove(&path)?;
            }
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
}

/// Whether a recipe that was written, perhaps by an earlier version with fewer fields, is this one.
pub(super) fn same_recipe(text: &str, recipe: &Recipe) -> bool {
    Recipe::parse("that was written", text).is_ok_and(|found| found == *recipe)
}

/// Locks a directory by a file in it, while the returned file lives.
pub(super) fn lock(path: &Path, directory: &Path) -> Result<File, CliError> {
    let shown = directory.display();
    let lock = File::create(path).map_err(|error| {
        format!("cannot write the directory {shown}: {error}; choose another -o")
    })?;
    // On a file system without locks, the run goes without.
    if let Err(TryLockError::WouldBlock) = lock.try_lock() {
        bail!(
            "another process trains in {shown} at this moment; wait for it, or name another directory with -o"
        );
    }
    Ok(lock)
}

pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, CliError> {
    let read = || -> Result<T, CliError> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
    read().map_err(|error| {
        let path = path.display();
        format!("cannot read {path}: {error}; --force trains again").into()
    })
}

pub(super) fn remove(path: &Path) -> Result<(), CliError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            bail!("cannot remove {}: {error}", path.display())
        }
        _ => Ok(()),
    }
}

//! The notebooks, executed with the program by the packages of `notebooks/requirements.txt`.

use crate::{cargo, libtorch, python, root, steps::check, target_dir};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// Executes notebooks and compares their outputs with the stored ones; nbclient is at home in Python.
const EXECUTE: &str = include_str!("notebooks.py");
/// The notebook that trains.
const TRAINING: &str = "03-training.ipynb";

/// `cargo xtask notebooks`: builds the program, unless one is named, and executes the notebooks with it.
pub fn run(arguments: &[&str]) -> Result<ExitCode, String> {
    let (mut write, mut train, mut program) = (false, true, None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--write" => write = true,
            "--no-train" => train = false,
            "--program" => program = Some(*rest.next().ok_or("--program needs a file")?),
            other => return Err(format!("notebooks: unknown option {other:?}")),
        }
    }
    let features: &[&str] = if train { &["--features", "train"] } else { &[] };
    execute(&built(program, features)?, train, write)?;
    Ok(ExitCode::SUCCESS)
}

/// The program that was named, or else a release build of it.
pub fn built(program: Option<&str>, features: &[&str]) -> Result<PathBuf, String> {
    if let Some(program) = program {
        return std::path::absolute(program).map_err(|error| error.to_string());
    }
    let mut build = cargo(&["build", "--release", "--locked"]);
    if !features.is_empty() {
        build.args(features);
        libtorch::prepare()?.set(&mut build);
    }
    check(&mut build)?;
    built_program()
}

/// The program of the last release build.
pub fn built_program() -> Result<PathBuf, String> {
    let name = format!("circumplex{}", env::consts::EXE_SUFFIX);
    Ok(target_dir()?.join("release").join(name))
}

/// Executes the notebooks; without `train`, all but the one that trains. `write` stores their outputs.
pub fn execute(program: &Path, train: bool, write: bool) -> Result<(), String> {
    let directory = root().join("notebooks");
    let python = python::environment("notebooks", &directory.join("requirements.txt"))?;
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    let mut notebooks = Vec::new();
    for entry in fs::read_dir(&directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "ipynb")
        {
            notebooks.push(path);
        }
    }
    if !train {
        notebooks.retain(|path| !path.ends_with(TRAINING));
        eprintln!("    {TRAINING}: skipped: it needs a program that trains");
    }
    let mut command = Command::new(python);
    command.args(["-B", "-c", EXECUTE]);
    if write {
        command.arg("--write");
    }
    // Pictures and audio are read by the program itself, the same on every machine.
    command
        .args(notebooks)
        .env("CIRCUMPLEX", program)
        .env("CIRCUMPLEX_FFMPEG", "never")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    check(&mut command).map_err(|_| "a notebook failed; see above".to_owned())
}

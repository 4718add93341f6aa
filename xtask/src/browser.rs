//! `cargo xtask browser` and `screenshots`: the page in the system's Chromium, driven by Playwright.

use crate::{cargo, notebooks, python, root, steps::check};
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Builds the program and runs the tests.
pub fn run() -> Result<ExitCode, String> {
    let Some(chromium) = chromium()? else {
        return Err(format!("the tests need {MISSING}"));
    };
    check(&mut cargo(&["build", "--release", "--locked"]))?;
    tests(&chromium)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs the tests of the program that is built already, where there is a Chromium.
pub fn run_if_possible() -> Result<(), String> {
    match chromium()? {
        Some(chromium) => tests(&chromium),
        None => {
            eprintln!("    skipped: the tests of the page need {MISSING}");
            Ok(())
        }
    }
}

/// Makes the pictures of the page in `assets/readme`.
pub fn screenshots() -> Result<ExitCode, String> {
    let Some(chromium) = chromium()? else {
        return Err(format!("the pictures need {MISSING}"));
    };
    check(&mut cargo(&[
        "build",
        "--release",
        "--locked",
        "--bins",
        "--example",
        "million_songs",
    ]))?;
    let mut command = python(&chromium, "screenshots", "screenshots.txt")?;
    check(command.args(["tests/browser/screenshots.py", "assets/readme"]))?;
    Ok(ExitCode::SUCCESS)
}

fn tests(chromium: &Path) -> Result<(), String> {
    check(python(chromium, "browser", "requirements.txt")?.args([
        "-m",
        "pytest",
        "--quiet",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "tests/browser",
    ]))
}

/// A Python with Playwright, in the workspace's root, that knows the browser and the program.
fn python(chromium: &Path, environment: &str, requirements: &str) -> Result<Command, String> {
    let requirements = root().join("tests/browser").join(requirements);
    let mut command = Command::new(python::environment(environment, &requirements)?);
    command
        .current_dir(root())
        .env("CHROMIUM", chromium)
        .env("CIRCUMPLEX", notebooks::built_program()?)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

const MISSING: &str =
    "Chromium: install it (Debian: apt-get install chromium), or set CHROMIUM to its program";

/// The system's Chromium. With CI=true it is required, and root installs it where there is apt-get.
fn chromium() -> Result<Option<PathBuf>, String> {
    if let Some(program) = env::var_os("CHROMIUM") {
        return Ok(Some(program.into()));
    }
    let in_path = |name: &str| {
        let paths = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&paths)
            .map(|directory| directory.join(name))
            .find(|file| file.is_file())
    };
    let find = || NAMES.into_iter().find_map(in_path);
    if find().is_some() || env::var_os("CI").is_none_or(|value| value != "true") {
        return Ok(find());
    }
    if in_path("apt-get").is_some() && is_root() {
        check(Command::new("apt-get").args(["-qq", "update"]))?;
        let install = [
            "-qq",
            "install",
            "--yes",
            "--no-install-recommends",
            "chromium",
        ];
        check(
            Command::new("apt-get")
                .args(install)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )?;
    }
    match find() {
        Some(program) => Ok(Some(program)),
        None => Err(format!(
            "with CI=true, the tests of the page need {MISSING}"
        )),
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    // SAFETY: geteuid takes nothing and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

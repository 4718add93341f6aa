//! `cargo xtask dist`: an archive to publish, with the program, its licenses, completions and manual pages.

use crate::{cargo, root, steps, target_dir};
use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
};

const SHELLS: [(&str, &str); 5] = [
    ("bash", "circumplex.bash"),
    ("zsh", "_circumplex"),
    ("fish", "circumplex.fish"),
    ("powershell", "_circumplex.ps1"),
    ("elvish", "circumplex.elv"),
];

/// Builds the archive `circumplex-VERSION-TARGET.tar.gz` in `target/dist`.
///
/// `--target TRIPLE` builds for another target, whose linker and C compiler must be installed.
pub fn run(arguments: &[&str]) -> Result<ExitCode, String> {
    let target = match arguments {
        [] => host()?,
        ["--target", target] => (*target).to_owned(),
        _ => return Err("dist: expected nothing or --target TRIPLE".to_owned()),
    };
    steps::check(&mut cargo(&[
        "build",
        "--release",
        "--locked",
        "--target",
        &target,
    ]))?;
    let built = target_dir()?.join(&target).join("release");
    let program = ["circumplex", "circumplex.exe"]
        .map(|name| built.join(name))
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| format!("{}: expected the program, found none", built.display()))?;

    let name = format!("circumplex-{}-{target}", env!("CARGO_PKG_VERSION"));
    let dist = target_dir()?.join("dist");
    let directory = dist.join(&name);
    let _ = fs::remove_dir_all(&directory);
    let create = |path: &Path| {
        fs::create_dir_all(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let copy = |from: &Path, to: &Path| {
        fs::copy(from, to)
            .map(drop)
            .map_err(|error| format!("{}: {error}", from.display()))
    };
    create(&directory.join("completions"))?;
    create(&directory.join("man"))?;
    copy(
        &program,
        &directory.join(program.file_name().unwrap_or_default()),
    )?;
    for file in ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        copy(&root().join(file), &directory.join(file))?;
    }
    copy(
        &root().join("assets/fonts/LICENSE_DEJAVU"),
        &directory.join("LICENSE_DEJAVU"),
    )?;
    // The program of another target may not run here, so this build's own writes its texts.
    let here = if target == host()? {
        program
    } else {
        steps::check(&mut cargo(&["build", "--release", "--locked"]))?;
        target_dir()?.join("release/circumplex")
    };
    let write = |path: &Path, arguments: &[&str]| {
        let output = Command::new(&here)
            .args(arguments)
            .output()
            .map_err(|error| format!("{}: {error}", here.display()))?;
        if !output.status.success() {
            return Err(format!("{} {arguments:?} failed", here.display()));
        }
        fs::write(path, output.stdout).map_err(|error| format!("{}: {error}", path.display()))
    };
    for (shell, file) in SHELLS {
        write(
            &directory.join("completions").join(file),
            &["completions", shell],
        )?;
    }
    write(&directory.join("man/circumplex.1"), &["man"])?;
    for command in ["analyze", "query", "plane", "export", "library"] {
        let page = directory.join(format!("man/circumplex-{command}.1"));
        write(&page, &["man", command])?;
    }

    let archive = dist.join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.arg("-czf")
        .arg(&archive)
        .arg("-C")
        .arg(&dist)
        .arg(&name);
    steps::check(&mut tar)?;
    println!("{}", archive.display());
    Ok(ExitCode::SUCCESS)
}

/// The target that cargo builds for by default.
fn host() -> Result<String, String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .map_err(|error| format!("rustc could not be started: {error}"))?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| "rustc -vV names no host".to_owned())
}

//! `cargo xtask build-report`: the cost of building circumplex, so that a new dependency's share is visible.

use crate::{cargo, root, steps, target_dir};
use std::{fs, process::ExitCode, time::Instant};

/// Builds the release program and prints processor time, size and number of dependencies.
pub fn run() -> Result<ExitCode, String> {
    let target = target_dir()?;
    let program = target.join(format!(
        "release/circumplex{}",
        std::env::consts::EXE_SUFFIX
    ));
    let empty = !target.join("release/deps").exists();
    let (start, before) = (Instant::now(), children_cpu_s());
    steps::check(&mut cargo(&["build", "--release", "--locked"]))?;
    let wall_s = start.elapsed().as_secs_f64();
    let cpu_s = children_cpu_s()
        .zip(before)
        .map(|(after, before)| after - before);

    let text = |path: &str| {
        fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
    };
    let bytes = fs::metadata(&program)
        .map_err(|error| format!("{}: {error}", program.display()))?
        .len();
    let minutes = |seconds: f64| format!("{:.1} min", seconds / 60.0);
    let rows = [
        (
            "processor time",
            cpu_s.map_or("unknown".to_owned(), minutes),
            "18 min",
        ),
        ("wall time", minutes(wall_s), ""),
        (
            "program, stripped",
            format!("{:.1} MB", bytes as f64 / 1e6),
            "38 MB",
        ),
        (
            "direct dependencies",
            direct(&text("Cargo.toml")?).to_string(),
            "52",
        ),
        (
            "locked packages",
            locked(&text("Cargo.lock")?).to_string(),
            "360",
        ),
    ];
    println!("| build of the program | | budget |\n|---|---|---|");
    for (name, value, budget) in rows {
        println!("| {name} | {value} | {budget} |");
    }
    if !empty {
        println!(
            "The target directory held artifacts, so these times are not those of a first build."
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Entries of the table `[dependencies]`, optional ones included.
fn direct(manifest: &str) -> usize {
    let mut lines = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]");
    lines.next();
    lines
        .take_while(|line| !line.starts_with('['))
        .filter(|line| line.contains('=') && !line.starts_with('#'))
        .count()
}

fn locked(lock: &str) -> usize {
    lock.lines().filter(|line| *line == "[[package]]").count()
}

/// Processor seconds of all ended child processes, user and system, theirs included.
#[cfg(unix)]
fn children_cpu_s() -> Option<f64> {
    // SAFETY: `rusage` is plain numbers, for which zeros are valid, and getrusage fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        if libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) != 0 {
            return None;
        }
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Some(seconds(usage.ru_utime) + seconds(usage.ru_stime))
}

#[cfg(not(unix))]
fn children_cpu_s() -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_entries_of_the_dependency_table_count() {
        let manifest = "[package]\nname = \"a\"\n[dependencies]\na = \"1\"\n# b = \"1\"\nc = { version = \"1\" }\n\n[dev-dependencies]\nd = \"1\"\n";
        assert_eq!(direct(manifest), 2);
        assert_eq!(locked("[[package]]\nname = \"a\"\n\n[[package]]\n"), 2);
    }
}

//! `cargo xtask bench`: the whole program on a directory of music, beside decoding alone, bliss-audio and librosa.
//!
//! Every program gets the same files and threads, in turns, and its best turn counts. A missing program is reported as
//! skipped.

mod measure;
mod music;

use crate::{cargo, root, target_dir};
use measure::{Measured, measure};
use music::Music;
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

const BLISS_MANIFEST: &str = include_str!("bench/bliss.toml");
const BLISS: &str = include_str!("bench/bliss.rs");
const LIBROSA: &str = include_str!("bench/librosa.py");

struct Options {
    directory: PathBuf,
    files: Option<usize>,
    threads: usize,
    turns: usize,
    python: OsString,
    only: Option<Vec<String>>,
}

impl Options {
    fn parse(words: &[OsString]) -> Result<Self, String> {
        let mut directory = None;
        let mut options = Self {
            directory: PathBuf::new(),
            files: None,
            threads: 2,
            turns: 3,
            python: "python3".into(),
            only: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let name = word.to_string_lossy().into_owned();
            let mut value = || words.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--files" => options.files = Some(number(&name, value()?)?),
                "--threads" => options.threads = number(&name, value()?)?,
                "--turns" => options.turns = number(&name, value()?)?,
                "--python" => options.python = value()?.clone(),
                "--only" => {
                    let names = value()?.to_string_lossy().into_owned();
                    options.only = Some(names.split(',').map(str::to_owned).collect());
                }
                _ if directory.is_none() && !name.starts_with('-') => directory = Some(word),
                _ => {
                    return Err(format!(
                        "bench: {name:?} is not understood; see cargo xtask help"
                    ));
                }
            }
        }
        options.directory = directory
            .ok_or_else(|| {
                "bench: expected a directory with music; see cargo xtask help".to_owned()
            })?
            .into();
        Ok(options)
    }

    fn wants(&self, name: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| only.iter().any(|other| other == name))
    }
}

fn number(name: &str, value: &OsString) -> Result<usize, String> {
    let value = value.to_string_lossy();
    value
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| format!("{name}: expected a number above 0, found {value:?}"))
}

/// One program with a number of threads.
struct Contestant {
    name: &'static str,
    threads: usize,
    command: Box<dyn Fn() -> Command>,
    best: Option<Measured>,
}

/// A program that is not there, and why.
type Skipped = (&'static str, String);

pub fn run(words: &[OsString]) -> Result<ExitCode, String> {
    let options = Options::parse(words)?;
    let work = root().join("target/bench");
    fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let music = Music::gather(&options.directory, options.files, &work)?;
    let (mut contestants, skipped) = contestants(&options, &music, &work)?;
    let mut sound_s = None;
    for turn in 1..=options.turns {
        for contestant in &mut contestants {
            eprintln!(
                "turn {turn} of {}: {} with {}",
                options.turns, contestant.name, contestant.threads
            );
            let measured = measure(&mut (contestant.command)())
                .map_err(|error| format!("{}: {error}", contestant.name))?;
            if contestant.name == "decode" {
                sound_s = sound_s.or_else(|| seconds_of_sound(&measured.stdout));
            }
            if contestant
                .best
                .as_ref()
                .is_none_or(|best| measured.wall_s < best.wall_s)
            {
                contestant.best = Some(measured);
            }
        }
    }
    print!("{}", table(&music, &contestants, sound_s));
    for (name, why) in skipped {
        println!("skipped: {name}: {why}");
    }
    Ok(ExitCode::SUCCESS)
}

/// What is to be run, and what cannot be, with the reason.
fn contestants(
    options: &Options,
    music: &Music,
    work: &Path,
) -> Result<(Vec<Contestant>, Vec<Skipped>), String> {
    let target = target_dir()?;
    let mut found = Vec::new();
    let mut skipped = Vec::new();
    let mut turns = vec![options.threads];
    if options.threads > 1 {
        turns.push(1);
    }
    let mut add = |name, threads, command: Box<dyn Fn() -> Command>| {
        found.push(Contestant {
            name,
            threads,
            command,
            best: None,
        });
    };
    if options.wants("circumplex") {
        build(&["build", "--release", "--locked"])?;
        for &threads in &turns {
            let (program, directory) = (target.join("release/circumplex"), music.directory.clone());
            let library = work.join("library.parquet");
            add(
                "circumplex",
                threads,
                Box::new(move || {
                    // Every run starts without a library.
                    let _ = fs::remove_file(&library);
                    let mut command = Command::new(&program);
                    command
                        .arg("analyze")
                        .arg(&directory)
                        .arg("-o")
                        .arg(&library);
                    command.args(["--threads", &threads.to_string()]);
                    command
                }),
            );
        }
    }
    if options.wants("decode") {
        build(&["build", "--release", "--locked", "--example", "decode"])?;
        for &threads in &turns {
            let (program, list) = (target.join("release/examples/decode"), music.list.clone());
            add(
                "decode",
                threads,
                Box::new(move || {
                    let mut command = Command::new(&program);
                    command.args(["--threads", &threads.to_string(), "--list"]);
                    command.arg(&list);
                    command
                }),
            );
        }
    }
    if options.wants("bliss") {
        match bliss(work) {
            Ok(program) => {
                let (list, threads) = (music.list.clone(), options.threads);
                add(
                    "bliss",
                    threads,
                    Box::new(move || {
                        let mut command = Command::new(&program);
                        command.arg(threads.to_string()).arg(&list);
                        command
                    }),
                );
            }
            Err(why) => skipped.push(("bliss-audio", why)),
        }
    }
    if options.wants("librosa") {
        match librosa(&options.python, work) {
            Ok(script) => {
                let (list, threads) = (music.list.clone(), options.threads);
                let python = options.python.clone();
                add(
                    "librosa",
                    threads,
                    Box::new(move || {
                        let mut command = Command::new(&python);
                        command.arg(&script).arg(threads.to_string()).arg(&list);
                        command
                    }),
                );
            }
            Err(why) => skipped.push(("librosa", why)),
        }
    }
    Ok((found, skipped))
}

fn build(arguments: &[&str]) -> Result<(), String> {
    run_quietly(&mut cargo(arguments))
}

fn run_quietly(command: &mut Command) -> Result<(), String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?} could not be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let last = stderr.lines().rev().find(|line| !line.trim().is_empty());
    Err(format!("{command:?} failed: {}", last.unwrap_or_default()))
}

/// Builds bliss-audio's program, apart from the workspace.
fn bliss(work: &Path) -> Result<PathBuf, String> {
    let directory = work.join("bliss");
    let write = |path: PathBuf, text: &str| {
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    fs::create_dir_all(directory.join("src")).map_err(|error| error.to_string())?;
    write(directory.join("Cargo.toml"), BLISS_MANIFEST)?;
    write(directory.join("src/main.rs"), BLISS)?;
    let target = directory.join("target");
    let mut command = cargo(&["build", "--release", "--manifest-path"]);
    command.arg(directory.join("Cargo.toml"));
    command.arg("--target-dir").arg(&target);
    run_quietly(&mut command)?;
    Ok(target.join("release/bliss"))
}

fn librosa(python: &OsString, work: &Path) -> Result<PathBuf, String> {
    run_quietly(Command::new(python).args(["-c", "import librosa"]))
        .map_err(|_| format!("{} has no librosa", python.to_string_lossy()))?;
    let script = work.join("bench_librosa.py");
    fs::write(&script, LIBROSA).map_err(|error| format!("{}: {error}", script.display()))?;
    Ok(script)
}

/// The length of all sound, which `decode` says in its last line.
fn seconds_of_sound(stdout: &str) -> Option<f64> {
    let words: Vec<&str> = stdout.lines().last()?.split_whitespace().collect();
    let at = words
        .windows(3)
        .position(|words| words == ["s", "of", "sound"])?;
    words.get(at.checked_sub(1)?)?.parse().ok()
}

fn table(music: &Music, contestants: &[Contestant], sound_s: Option<f64>) -> String {
    let files = music.files as f64;
    let mut text = format!("\n{} files", music.files);
    if let Some(seconds) = sound_s {
        text += &format!(", {:.2} h of audio", seconds / 3600.0);
    }
    text += "\n\n| | threads | time | files a second | times real time | peak memory |\n|---|---|---|---|---|---|\n";
    let best = |name: &str, threads: usize| {
        contestants
            .iter()
            .find(|c| c.name == name && c.threads == threads)
            .and_then(|c| c.best.as_ref())
    };
    for contestant in contestants {
        let Some(measured) = &contestant.best else {
            continue;
        };
        let real_time = sound_s.map_or("-".to_owned(), |s| format!("{:.0}", s / measured.wall_s));
        text += &format!(
            "| {} | {} | {:.2} s | {:.1} | {real_time} | {} |\n",
            contestant.name,
            contestant.threads,
            measured.wall_s,
            files / measured.wall_s,
            measured.peak_text(),
        );
    }
    let most = contestants.iter().map(|c| c.threads).max().unwrap_or(1);
    let ratio = |a: Option<&Measured>, b: Option<&Measured>| Some(a?.wall_s / b?.wall_s);
    let own = best("circumplex", most);
    let figures = [
        (
            "files a second, over bliss-audio's",
            ratio(best("bliss", most), own),
        ),
        (
            "files a second, over librosa's load and melspectrogram",
            ratio(best("librosa", most), own),
        ),
        (
            "share of decode-only throughput",
            ratio(best("decode", most), own),
        ),
        (
            "the same with one thread",
            ratio(best("decode", 1), best("circumplex", 1)).filter(|_| most > 1),
        ),
        (
            "speed with all threads over that with one",
            ratio(best("circumplex", 1), own).filter(|_| most > 1),
        ),
    ];
    text += "\n| | |\n|---|---|\n";
    for (what, figure) in figures {
        if let Some(figure) = figure {
            text += &format!("| {what} | {figure:.2} |\n");
        }
    }
    text
}

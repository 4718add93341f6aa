//! The project's chores, run as `cargo xtask <command>`, so that cargo is the only tool one has to know.

mod bench;
mod libtorch;
mod mini_deam;
mod steps;

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};
use steps::Steps;

const USAGE: &str = "\
Usage: cargo xtask <command>

  test [--no-train]     format, clippy, documentation and all tests, without and with `train`;
                        sets libtorch up first. --no-train leaves out what needs libtorch
  train <ARGS>          `circumplex train <ARGS>` in a release build with `train`, for example
                        cargo xtask train --data deam -o run
  install               `cargo install` of circumplex with `train` (without it: cargo install --path .)
  setup-libtorch        sets libtorch up and prints the line that exports its place, for example
                        eval \"$(cargo xtask setup-libtorch)\"
  bench FOLDER          speed and memory of the whole program on the music below FOLDER beside decoding alone,
                        bliss-audio 0.13 and librosa, in one table
                          --files N        repeat the files under other names until there are N
                          --threads N      for every program (2)
                          --turns N        the best of N turns counts (3)
                          --only NAMES     some of circumplex,decode,bliss,librosa
                          --python PROGRAM a Python that has librosa (python3)
  mini-deam             writes deam/mini, the tiny data set of computed music, anew
  million-songs [--rows N] [--embedding N] [--seed N] -o FILE
                        writes a library of songs that do not exist, to measure queries on

libtorch: LIBTORCH or LIBTORCH_USE_PYTORCH is respected where one is set. Otherwise, on x86-64 Linux, version
2.11.0 for the CPU is taken from PyPI's wheels (544 MB to download, once) and kept in
$CIRCUMPLEX_CACHE, else $XDG_CACHE_HOME/circumplex, else ~/.cache/circumplex.
";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    // A path that is no Unicode may follow `train`; here only the words before it matter.
    let words: Vec<_> = arguments
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let result = match words.as_slice() {
        ["test"] => test(true),
        ["test", "--no-train"] => test(false),
        ["train", ..] => train(&arguments[1..]),
        ["install"] => install(),
        ["setup-libtorch"] => setup_libtorch(),
        ["bench", ..] => bench::run(&arguments[1..]),
        ["mini-deam"] => mini_deam::write(root()).map(|report| {
            println!("{report}");
            ExitCode::SUCCESS
        }),
        ["million-songs", ..] => million_songs(&arguments[1..]),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        [] => Err(USAGE.to_owned()),
        [other, ..] => Err(format!("{other:?} is not understood here.\n\n{USAGE}")),
    };
    match result {
        Ok(code) => code,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The folder that holds the workspace's `Cargo.toml`.
fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// A cargo command in the workspace's root: the same cargo that runs this program.
fn cargo(arguments: &[&str]) -> Command {
    let program = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Everything that has to hold before a change is merged.
///
/// All steps use the release profile, the one that users run: its dependencies and what their build scripts make (the
/// C of zstd, the C++ of torch-sys) are built once for all of them. The quick steps come first. With `train` only those
/// tests run again that may see it: the others ask the same code. The output of the last step is cargo's own, so that a
/// count of tests ends the log.
fn test(with_train: bool) -> Result<ExitCode, String> {
    let mut steps = Steps::new();
    steps.run("format", &mut cargo(&["fmt", "--all", "--check"]))?;

    let libtorch = match with_train {
        true => Some(steps.time("libtorch", libtorch::prepare)?),
        false => None,
    };
    let with_libtorch = |arguments: &[&str]| {
        let mut command = cargo(arguments);
        if let Some(libtorch) = &libtorch {
            libtorch.set(&mut command);
        }
        command
    };

    let clippy = [
        "clippy",
        "--release",
        "--locked",
        "--workspace",
        "--all-targets",
    ];
    let deny = ["--", "-D", "warnings"];
    // Naming `--examples` makes cargo choose the features of dependencies as clippy and the tests do, so that
    // nothing is checked twice.
    let doc = [
        "doc",
        "--release",
        "--locked",
        "--no-deps",
        "--lib",
        "--examples",
    ];
    let tests = ["test", "--release", "--locked", "--workspace"];
    let train = ["--features", "train"];
    let flags = ("RUSTDOCFLAGS", "-D warnings");

    steps.run("clippy", &mut cargo(&[&clippy[..], &deny].concat()))?;
    if with_train {
        steps.run(
            "clippy with train",
            &mut with_libtorch(&[&clippy[..], &train, &deny].concat()),
        )?;
    }
    steps.run("documentation", cargo(&doc).env(flags.0, flags.1))?;
    if with_train {
        let mut command = with_libtorch(&[&doc[..], &train].concat());
        steps.run("documentation with train", command.env(flags.0, flags.1))?;
    }
    steps.run(
        "build of the tests",
        &mut cargo(&[&tests[..], &["--no-run"]].concat()),
    )?;
    if !with_train {
        return steps.last("tests", &mut cargo(&tests));
    }
    steps.run("tests", &mut cargo(&tests))?;
    let tests_with_train = [
        "test",
        "--release",
        "--locked",
        "--lib",
        "--bins",
        "--test",
        "train*",
        "--test",
        "libtorch",
        "--test",
        "command_line",
    ];
    let tests_with_train = [&tests_with_train[..], &train].concat();
    steps.run(
        "build of the tests with train",
        &mut with_libtorch(&[&tests_with_train[..], &["--no-run"]].concat()),
    )?;
    steps.last("tests with train", &mut with_libtorch(&tests_with_train))
}

/// `circumplex train`, in the folder that the user stands in: relative paths mean what they say.
fn train(arguments: &[OsString]) -> Result<ExitCode, String> {
    let libtorch = libtorch::prepare()?;
    let manifest = root().join("Cargo.toml");
    let mut command = cargo(&[
        "run",
        "--release",
        "--locked",
        "--features",
        "train",
        "--manifest-path",
    ]);
    command.arg(manifest).args(["--", "train"]).args(arguments);
    if let Ok(here) = env::current_dir() {
        command.current_dir(here);
    }
    libtorch.set(&mut command);
    steps::exit_code(&mut command)
}

/// The example that makes up a library, in the folder that the user stands in.
fn million_songs(arguments: &[OsString]) -> Result<ExitCode, String> {
    let manifest = root().join("Cargo.toml");
    let mut command = cargo(&[
        "run",
        "--release",
        "--locked",
        "--example",
        "million_songs",
        "--manifest-path",
    ]);
    command.arg(manifest).arg("--").args(arguments);
    if let Ok(here) = env::current_dir() {
        command.current_dir(here);
    }
    steps::exit_code(&mut command)
}

fn install() -> Result<ExitCode, String> {
    let libtorch = libtorch::prepare()?;
    let mut command = cargo(&["install", "--locked", "--features", "train", "--path"]);
    command.arg(root());
    libtorch.set(&mut command);
    steps::exit_code(&mut command)
}

fn setup_libtorch() -> Result<ExitCode, String> {
    println!("{}", libtorch::prepare()?.export_line());
    Ok(ExitCode::SUCCESS)
}

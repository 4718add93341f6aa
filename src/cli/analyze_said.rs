//! What `circumplex analyze` says besides its results: before the run, of what it leaves alone, and of what failed.

use super::{
    CliResult, analyze::Args, analyze_text::count, console::Console, exit::Exit, table::visible,
};
use crate::{
    library::{FailedFile, LibraryInfo},
    scan::{Listing, Plan, Update},
};

/// Says why every file is analysed again, where that is so.
pub fn announce_other_kind(console: &Console, update: &Update, info: &LibraryInfo) {
    let Some((old, rows)) = update.other_kind() else {
        return;
    };
    let short = |identity: &str| identity.get(..12).unwrap_or(identity).to_owned();
    let why = if old.model.identity != info.model.identity {
        format!(
            "made by model {} ({}); model {} ({}) is to be used now",
            old.model.name,
            short(&old.model.identity),
            info.model.name,
            short(&info.model.identity),
        )
    } else if old.excerpt() != info.excerpt() {
        let part = |info: &LibraryInfo| match info.excerpt() {
            Some(excerpt) => format!("as excerpts of {excerpt}"),
            None => "whole".to_owned(),
        };
        format!(
            "its songs were heard {}; now they are heard {}",
            part(old),
            part(info)
        )
    } else if old.preprocessing != info.preprocessing {
        "its songs were prepared for the model in another way".to_owned()
    } else {
        "its songs have no timelines".to_owned()
    };
    console.remark(&format!(
        "{}: {}, {why}: every file is analysed again, and rows of files elsewhere leave the library",
        visible(&update.target().display().to_string()),
        count(rows, "song", "songs"),
    ));
}

pub fn announce_missing_notes(console: &Console, update: &Update, force: bool) {
    let rows = update.without_notes();
    if rows > 0 && !force {
        console.remark(&format!(
            "{}: written by an earlier circumplex, which made no notes of silent, short and damaged songs; rows that are \
             kept ({rows} at most) have none, --force analyses them again",
            visible(&update.target().display().to_string()),
        ));
    }
}

/// `--dry-run`: one line for each thing that would be done.
pub fn show_plan(console: &Console, update: &Update, listing: &Listing, plan: &Plan) -> CliResult {
    let mut text = String::new();
    for file in &plan.todo {
        let verb = if plan.outdated.contains_key(&file.path) {
            "changed"
        } else {
            "new"
        };
        text.push_str(&format!(
            "{verb}\t{}\n",
            visible(&file.path.display().to_string())
        ));
    }
    for (verb, rows) in [
        ("gone", &plan.missing),
        ("excluded", &plan.excluded),
        ("replaced", &plan.replaced),
    ] {
        for path in rows.iter().filter_map(|row| update.file_of(*row)) {
            text.push_str(&format!(
                "{verb}\t{}\n",
                visible(&path.display().to_string())
            ));
        }
    }
    if !text.is_empty() {
        console.print(&text)?;
    }
    console.remark(&format!(
        "{}: {} to analyse or to recognise as moved, {} done by a run that was stopped, {} kept, {} gone, {} \
         excluded now, {} replaced, {} that failed before",
        count(listing.files.len() as u64, "music file", "music files"),
        plan.todo.len(),
        plan.recorded.len(),
        plan.kept(),
        plan.missing.len(),
        plan.excluded.len(),
        plan.replaced.len(),
        plan.known_failures.len(),
    ));
    Ok(Exit::AllDone)
}

pub fn report_failure(console: &Console, path: &str, reason: &str) {
    console.warning(&visible(&format!("failed: {path}: {reason}")));
}

/// Failures that every run meets again: some of them, and how to try again.
pub fn report_known_failures(console: &Console, failures: &[FailedFile]) {
    const LISTED: usize = 20;
    for failed in failures.iter().take(LISTED) {
        report_failure(console, &failed.path, &failed.reason);
    }
    if failures.len() > LISTED {
        console.warning(&format!("and {} more", failures.len() - LISTED));
    }
    if !failures.is_empty() {
        console.remark(&format!(
            "{} failed before and did not change; --retry-failed tries again",
            count(failures.len() as u64, "file", "files")
        ));
    }
}

pub fn report_left_alone(console: &Console, listing: &Listing) {
    let unsupported: u64 = listing.unsupported.values().sum();
    if unsupported > 0 {
        let formats: Vec<String> = listing
            .unsupported
            .iter()
            .map(|(format, count)| format!("{format} {count}"))
            .collect();
        console.remark(&format!(
            "not analysed: {} in formats that circumplex does not decode ({})",
            count(unsupported, "file", "files"),
            formats.join(", ")
        ));
    }
    if listing.other > 0 {
        console.remark(&format!(
            "left alone: {}",
            count(
                listing.other,
                "file that is no music",
                "files that are no music"
            )
        ));
    }
    if !listing.excluded.is_empty() {
        console.remark(&format!(
            "excluded by patterns: {}",
            count(
                listing.excluded.len() as u64,
                "file or folder",
                "files and folders"
            )
        ));
    }
    if listing.elsewhere > 0 {
        console.remark(&format!(
            "left to other shards: {}",
            count(listing.elsewhere as u64, "music file", "music files")
        ));
    }
}

pub fn no_music(args: &Args, listing: &Listing) -> String {
    let names = args.folders.iter().chain(&args.files_from);
    let names: Vec<String> = names.map(|f| f.display().to_string()).collect();
    let why = if !listing.failures.is_empty() {
        "no music file could be read"
    } else if !listing.excluded.is_empty() {
        "no music file found that no pattern excludes"
    } else {
        "no music file found"
    };
    format!(
        "{}: {why} (known are MP3, M4A, AAC, FLAC, Ogg, Opus, WAV, AIFF and CAF)",
        names.join(", ")
    )
}

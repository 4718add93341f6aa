//! `circumplex export --write-tags` and `--remove-tags`.

use super::super::{
    CliError, CliResult, analyze_text::count, console::Console, exit::Exit,
    library::no_work_beside, signals::stop_on_signal, table::visible,
};
use crate::{
    library::{Columns, Library, Song, resolve_target},
    scan::Journal,
    tags::{Changed, Found, MoodFields, Stamp, change, look, update_library},
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

/// The outcome so far.
#[derive(Default)]
struct Tally {
    changed: u64,
    up_to_date: u64,
    silent: u64,
    /// Tracks of CUE sheets: several share a file, which can have one mood only.
    tracks: u64,
    failed: u64,
}

/// Tags the files of all songs, or with `write` false untags them. Without `yes`, only lists what would be done.
pub fn run(library: Library, write: bool, yes: bool, console: &Console) -> CliResult {
    let stop = stop_on_signal()?;
    let mut tally = Tally::default();
    let parts: Vec<PathBuf> = library
        .files()
        .iter()
        .map(|p| p.path().to_owned())
        .collect();
    let songs = library.rows();
    // The files of a library are opened one by one, so that each can be rewritten.
    drop(library);
    let bar = console.progress(songs, None);
    for path in &parts {
        let part = Part {
            path,
            write,
            yes,
            console,
            stop: &stop,
        };
        part.run(&mut tally, || bar.inc(1))?;
        if stop.load(Relaxed) {
            break;
        }
    }
    bar.finish_and_clear();
    console.remark(&summary(&tally, write, yes));
    if stop.load(Relaxed) {
        console.remark("interrupted; run the same command to resume");
        return Ok(Exit::Stopped);
    }
    let succeeded = tally.changed + tally.up_to_date + tally.silent + tally.tracks;
    let as_usize = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Ok(Exit::of_files(as_usize(succeeded), as_usize(tally.failed)))
}

fn summary(tally: &Tally, write: bool, yes: bool) -> String {
    let verb = match (write, yes) {
        (true, true) => "tagged",
        (true, false) => "would be tagged",
        (false, true) => "untagged",
        (false, false) => "would be untagged",
    };
    let mut parts = vec![format!("{} {verb}", count(tally.changed, "file", "files"))];
    if tally.up_to_date > 0 {
        let what = if write {
            "already tagged"
        } else {
            "without tags of circumplex"
        };
        parts.push(format!("{} {what}", tally.up_to_date));
    }
    if tally.silent > 0 {
        parts.push(format!(
            "{} skipped",
            count(tally.silent, "silent song", "silent songs")
        ));
    }
    if tally.tracks > 0 {
        parts.push(format!(
            "{} of CUE sheets skipped",
            count(tally.tracks, "track", "tracks")
        ));
    }
    parts.push(format!("{} failed", tally.failed));
    let mut text = parts.join(", ");
    if !yes && tally.changed > 0 {
        text.push_str("; nothing was changed: add --yes to do it");
    }
    text
}

/// One library file.
struct Part<'a> {
    path: &'a Path,
    write: bool,
    yes: bool,
    console: &'a Console,
    stop: &'a AtomicBool,
}

impl Part<'_> {
    fn run(&self, tally: &mut Tally, step: impl Fn()) -> Result<(), CliError> {
        let library = Library::open(self.path)?;
        if !self.yes {
            return self.each(&library, tally, &mut HashMap::new(), step);
        }
        let target = resolve_target(self.path)?;
        no_work_beside(&target)?;
        let lock = Journal::open(&target, library.info())?;
        let mut files = HashMap::new();
        let done = self.each(&library, tally, &mut files, step);
        drop(library);
        // The library has to record changes that precede an error, too.
        let updated = if files.is_empty() {
            Ok(0)
        } else {
            update_library(&target, &files)
        };
        lock.remove();
        done?;
        updated?;
        Ok(())
    }

    fn each(
        &self,
        library: &Library,
        tally: &mut Tally,
        files: &mut HashMap<PathBuf, Changed>,
        step: impl Fn(),
    ) -> Result<(), CliError> {
        for song in library.songs(Columns::LIST.and(Columns::STAMP)) {
            if self.stop.load(Relaxed) {
                return Ok(());
            }
            self.song(library, &song?, tally, files)?;
            step();
        }
        Ok(())
    }

    fn song(
        &self,
        library: &Library,
        song: &Song,
        tally: &mut Tally,
        files: &mut HashMap<PathBuf, Changed>,
    ) -> Result<(), CliError> {
        let path = song.path.as_path();
        if song.track.is_some() {
            tally.tracks += 1;
            return Ok(());
        }
        let fields = MoodFields::of(song, &library.info().model);
        let wanted = match (&fields, self.write) {
            (None, true) => {
                tally.silent += 1;
                return Ok(());
            }
            (Some(fields), true) => Some(fields),
            (_, false) => None,
        };
        let known = Stamp {
            size_bytes: song.size_bytes,
            modified: song.modified,
        };
        let outcome = if self.yes {
            change(path, &known, wanted).map(|changed| match changed {
                Some(changed) => {
                    files.insert(path.to_owned(), changed);
                    Found::ToDo { mood: Vec::new() }
                }
                None => Found::Done,
            })
        } else {
            look(path, &known, wanted)
        };
        match outcome {
            Ok(Found::ToDo { mood }) => {
                tally.changed += 1;
                if !self.yes {
                    self.console.print(&preview(path, &mood, wanted))?;
                }
            }
            Ok(Found::Done | Found::Unrecorded) => tally.up_to_date += 1,
            Err(error) => {
                tally.failed += 1;
                self.console.warning(&visible(&format!("{error:#}")));
            }
        }
        Ok(())
    }
}

/// A line of the dry run.
fn preview(path: &Path, mood: &[String], wanted: Option<&MoodFields>) -> String {
    let path = path.display().to_string();
    let before = mood.join("; ");
    let text = match wanted {
        Some(wanted) if mood.is_empty() => format!("{path}: mood {}", wanted.mood),
        Some(wanted) => format!("{path}: mood {} instead of {before}", wanted.mood),
        None => {
            format!("{path}: remove CIRCUMPLEX_* and the mood {before}, restore the earlier mood")
        }
    };
    visible(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_a_dry_run_says_how_to_run_it() {
        let tally = Tally {
            changed: 2,
            up_to_date: 1,
            silent: 1,
            tracks: 3,
            failed: 0,
        };
        let text = summary(&tally, true, false);
        assert_eq!(
            text,
            "2 files would be tagged, 1 already tagged, 1 silent song skipped, 3 tracks of CUE sheets skipped, 0 failed; \
             nothing was changed: add --yes to do it"
        );
        let text = summary(&tally, true, true);
        assert!(
            text.starts_with("2 files tagged, ") && !text.contains("--yes"),
            "{text}"
        );
    }
}

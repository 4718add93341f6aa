//! `circumplex export --write-tags` and `--remove-tags`.

use super::super::{
    CliError, CliResult, analyze_text::count, console::Console, exit::Exit,
    library::no_work_beside, signals::stop_on_signal, table::visible,
};
use crate::{
    error::one_line,
    library::{Collection, Library, SongRow, Sound, resolve_target},
    scan::Journal,
    tags::{Changed, Found, MoodFields, Stamp, TagError, look, renew, tag, untag},
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

/// What became of the songs so far.
#[derive(Default)]
struct Tally {
    changed: u64,
    /// Those that are as they should be.
    done: u64,
    silent: u64,
    /// Tracks of CUE sheets: several share one file, which can say one mood only.
    tracks: u64,
    failed: u64,
}

/// Goes through the songs. `write`: write tags rather than remove them. Without `yes`, only says what would be done.
pub fn run(library: Collection, write: bool, yes: bool, console: &Console) -> CliResult {
    let stop = stop_on_signal()?;
    let mut tally = Tally::default();
    let parts: Vec<PathBuf> = library
        .parts()
        .iter()
        .map(|p| p.path().to_owned())
        .collect();
    let songs = library.rows();
    // Opened one by one, so that each can be rewritten.
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
        console.remark("stopped; run it again to go on");
        return Ok(Exit::Stopped);
    }
    let succeeded = tally.changed + tally.done + tally.silent + tally.tracks;
    let as_usize = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Ok(Exit::of_files(as_usize(succeeded), as_usize(tally.failed)))
}

fn summary(tally: &Tally, write: bool, yes: bool) -> String {
    let (did, would) = if write {
        ("tagged", "would be tagged")
    } else {
        ("freed of their tags", "would be freed of their tags")
    };
    let mut text = format!(
        "{} {}",
        count(tally.changed, "file", "files"),
        if yes { did } else { would }
    );
    if tally.done > 0 {
        let what = if write {
            "tagged already"
        } else {
            "without tags of circumplex"
        };
        text.push_str(&format!(", {} {what}", tally.done));
    }
    if tally.silent > 0 {
        text.push_str(&format!(
            ", {}",
            count(
                tally.silent,
                "silent song left out",
                "silent songs left out"
            )
        ));
    }
    if tally.tracks > 0 {
        let tracks = count(tally.tracks, "track", "tracks");
        text.push_str(&format!(", {tracks} of CUE sheets left out"));
    }
    text.push_str(&format!(", {} failed", tally.failed));
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
        // What was changed before something went wrong has to be known, too.
        let renewed = if files.is_empty() {
            Ok(0)
        } else {
            renew(&target, &files)
        };
        lock.remove();
        done?;
        renewed?;
        Ok(())
    }

    fn each(
        &self,
        library: &Library,
        tally: &mut Tally,
        files: &mut HashMap<PathBuf, Changed>,
        step: impl Fn(),
    ) -> Result<(), CliError> {
        for batch in library.songs()? {
            for song in batch? {
                if self.stop.load(Relaxed) {
                    return Ok(());
                }
                self.song(library, &song, tally, files)?;
                step();
            }
        }
        Ok(())
    }

    fn song(
        &self,
        library: &Library,
        song: &SongRow,
        tally: &mut Tally,
        files: &mut HashMap<PathBuf, Changed>,
    ) -> Result<(), CliError> {
        let path = song.file();
        if Sound::of(&path, song.note.as_deref()).stretch.is_some() {
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
            self.change(&path, &known, wanted, files)
        } else {
            look(&path, &known, wanted)
        };
        match outcome {
            Ok(Found::ToDo { mood }) => {
                tally.changed += 1;
                if !self.yes {
                    self.console.print(&said(&path, &mood, wanted))?;
                }
            }
            Ok(Found::Done | Found::Unrecorded) => tally.done += 1,
            Err(error) => {
                tally.failed += 1;
                self.console.warning(&visible(&one_line(&error)));
            }
        }
        Ok(())
    }

    fn change(
        &self,
        path: &Path,
        known: &Stamp,
        wanted: Option<&MoodFields>,
        files: &mut HashMap<PathBuf, Changed>,
    ) -> Result<Found, TagError> {
        let changed = match wanted {
            Some(wanted) => tag(path, known, wanted)?,
            None => untag(path, known)?,
        };
        Ok(match changed {
            Some(changed) => {
                files.insert(path.to_owned(), changed);
                Found::ToDo { mood: Vec::new() }
            }
            None => Found::Done,
        })
    }
}

/// What would be done with a file, in one line.
fn said(path: &Path, mood: &[String], wanted: Option<&MoodFields>) -> String {
    let path = path.display().to_string();
    let before = mood.join("; ");
    let text = match wanted {
        Some(wanted) if mood.is_empty() => format!("{path}: mood {}", wanted.mood()),
        Some(wanted) => format!("{path}: mood {}, set aside: {before}", wanted.mood()),
        None => format!(
            "{path}: mood {before} and CIRCUMPLEX_* removed, or what was set aside restored"
        ),
    };
    visible(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_says_that_it_was_one() {
        let tally = Tally {
            changed: 2,
            done: 1,
            silent: 1,
            tracks: 3,
            failed: 0,
        };
        let text = summary(&tally, true, false);
        assert_eq!(
            text,
            "2 files would be tagged, 1 tagged already, 1 silent song left out, 3 tracks of CUE sheets left out, 0 \
             failed; nothing was changed: add --yes to do it"
        );
        let text = summary(&tally, true, true);
        assert!(
            text.starts_with("2 files tagged, ") && !text.contains("--yes"),
            "{text}"
        );
    }
}

//! `circumplex export --write-tags` and `--remove-tags`.

use crate::{
    cli::{
        CliError, CliResult, Console, Exit, count, library::no_work_beside, stop_on_signal, visible,
    },
    library::{Columns, Library, PathMap, resolve_target},
    scan::Journal,
    search::MeanEmotions,
    tags::{Changed, MoodFields, Outcome, Stamp, tag, update_library},
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

/// Writes or, with `write` false, removes tags; without `yes` only lists the files.
struct Tagger<'a> {
    write: bool,
    yes: bool,
    /// The mood is relative to this mean.
    relative_to: Option<MeanEmotions>,
    /// Where the files are on this machine.
    paths: PathMap,
    console: &'a Console,
    bar: indicatif::ProgressBar,
    stop: &'a AtomicBool,
    tally: Tally,
}

/// Tags the files of all songs, or with `write` false untags them. Without `yes`, lists what would be done.
pub(crate) fn run(
    library: Library,
    write: bool,
    yes: bool,
    relative_to: Option<MeanEmotions>,
    console: &Console,
) -> CliResult {
    let stop = stop_on_signal()?;
    let files = library.files().iter();
    let files: Vec<PathBuf> = files.map(|file| file.path().to_owned()).collect();
    let mut tagger = Tagger {
        write,
        yes,
        relative_to,
        paths: library.paths().clone(),
        console,
        bar: console.progress(library.rows(), None),
        stop: &stop,
        tally: Tally::default(),
    };
    // The files of a library are opened one by one, so that each can be rewritten.
    drop(library);
    for file in &files {
        if stop.load(Relaxed) {
            break;
        }
        tagger.library(file)?;
    }
    tagger.bar.finish_and_clear();
    let tally = tagger.tally;
    console.remark(&summary(&tally, write, yes));
    if stop.load(Relaxed) {
        console.remark("interrupted; run the same command to resume");
        return Ok(Exit::Interrupted);
    }
    let succeeded = tally.changed + tally.up_to_date + tally.silent + tally.tracks;
    Ok(Exit::of_files(succeeded as usize, tally.failed as usize))
}

fn summary(tally: &Tally, write: bool, yes: bool) -> String {
    let (verb, up_to_date) = match write {
        true => ("tagged", "already tagged"),
        false => ("untagged", "without tags of circumplex"),
    };
    let verb = if yes { "" } else { "would be " }.to_owned() + verb;
    let mut text = format!("{} {verb}", count(tally.changed, "file", "files"));
    if tally.up_to_date > 0 {
        text += &format!(", {} {up_to_date}", tally.up_to_date);
    }
    for (number, one, many, rest) in [
        (tally.silent, "silent song", "silent songs", "skipped"),
        (tally.tracks, "track", "tracks", "of CUE sheets skipped"),
    ] {
        if number > 0 {
            text += &format!(", {} {rest}", count(number, one, many));
        }
    }
    text += &format!(", {} failed", tally.failed);
    if !yes && tally.changed > 0 {
        text += "; nothing was changed: add --yes to do it";
    }
    text
}

impl Tagger<'_> {
    /// Tags the files of a library and updates it.
    fn library(&mut self, path: &Path) -> Result<(), CliError> {
        let library = Library::open(path)?;
        let mut files = HashMap::new();
        if !self.yes {
            return self.songs(&library, &mut files);
        }
        let target = resolve_target(path)?;
        no_work_beside(&target)?;
        let lock = Journal::open(&target, library.info())?;
        let done = self.songs(&library, &mut files);
        drop(library);
        // The library has to record changes that precede an error, too.
        let updated = match files.is_empty() {
            true => Ok(0),
            false => update_library(&target, &files),
        };
        lock.remove();
        done?;
        updated?;
        Ok(())
    }

    /// Tags the files of all songs, until interrupted, and adds those that changed to `files`.
    fn songs(
        &mut self,
        library: &Library,
        files: &mut HashMap<PathBuf, Changed>,
    ) -> Result<(), CliError> {
        for song in library.songs(Columns::LIST.and(Columns::STAMP)) {
            if self.stop.load(Relaxed) {
                break;
            }
            let song = song?;
            let model = &library.info().model;
            let fields = MoodFields::of(&song, model, self.relative_to.as_ref());
            self.bar.inc(1);
            if song.track.is_some() {
                self.tally.tracks += 1;
                continue;
            }
            if self.write && fields.is_none() {
                self.tally.silent += 1;
                continue;
            }
            let wanted = fields.filter(|_| self.write);
            let known = Stamp {
                size_bytes: song.size_bytes,
                modified: song.modified,
            };
            let path = self.paths.map(&song.path).into_owned();
            match tag(&path, &known, wanted.as_ref(), self.yes) {
                Ok(Outcome::UpToDate) => self.tally.up_to_date += 1,
                Ok(Outcome::Due(mood)) => {
                    self.tally.changed += 1;
                    let line = preview(&path, &mood, wanted.as_ref());
                    self.console.print(&line)?;
                }
                Ok(Outcome::Changed(changed)) => {
                    self.tally.changed += 1;
                    files.insert(song.path, changed);
                }
                Err(error) => {
                    self.tally.failed += 1;
                    self.console.warning(&format!("{error:#}"));
                }
            }
        }
        Ok(())
    }
}

/// A line of the dry run.
fn preview(path: &Path, mood: &[String], wanted: Option<&MoodFields>) -> String {
    let path = path.display();
    let before = mood.join("; ");
    visible(&match wanted {
        Some(wanted) if mood.is_empty() => format!("{path}: mood {}", wanted.mood),
        Some(wanted) => format!("{path}: mood {} instead of {before}", wanted.mood),
        None => {
            format!("{path}: remove CIRCUMPLEX_* and the mood {before}, restore the earlier mood")
        }
    })
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

//! The rows of a new library: those of the old one that stay, and the outcomes of a run, in the order of their paths.

use super::{FoundFile, Journal, JournalError, Record, UpdateError};
use crate::library::{FailedFile, Library, LibraryError, Micros, SongRow};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

/// Outcomes that are held in memory at once.
const AT_ONCE: usize = 512;

/// What a row is sorted by.
type Key = (String, Option<Vec<u8>>);

enum Source {
    /// In the journal.
    Recorded,
    /// A row of the old library, for a file that has its content.
    Renewed(u64, FoundFile),
}

struct Outcome {
    key: Key,
    path: PathBuf,
    source: Source,
}

/// The outcomes of a run. Songs lie in the journal; memory holds no more than their names.
pub struct Merge {
    journal: Journal,
    outcomes: Vec<Outcome>,
    failures: Vec<FailedFile>,
    failed_paths: Vec<PathBuf>,
    renewed: Vec<u64>,
}

impl Merge {
    pub fn new(journal: Journal) -> Self {
        Self {
            journal,
            outcomes: Vec::new(),
            failures: Vec::new(),
            failed_paths: Vec::new(),
            renewed: Vec::new(),
        }
    }

    /// Takes an outcome that the journal has already.
    pub fn add_recorded(&mut self, path: &Path) -> Result<(), JournalError> {
        if let Some(record) = self.journal.read(path)? {
            self.count(record);
        }
        Ok(())
    }

    /// Records an outcome.
    pub fn add(&mut self, record: Record) -> Result<(), JournalError> {
        self.journal.append(&record)?;
        self.count(record);
        Ok(())
    }

    fn count(&mut self, record: Record) {
        match record {
            Record::Song(row) => self.outcomes.push(Outcome {
                path: row.file(),
                key: (row.path, row.path_bytes),
                source: Source::Recorded,
            }),
            Record::Failed(failed) => {
                self.failed_paths.push(failed.file());
                self.failures.push(failed);
            }
        }
    }

    /// Takes a row of the old library for a file that has the same content.
    pub fn add_renewed(&mut self, file: &FoundFile, row: u64) {
        self.renewed.push(row);
        self.outcomes.push(Outcome {
            key: SongRow::path_columns(&file.path),
            path: file.path.clone(),
            source: Source::Renewed(row, file.clone()),
        });
    }

    /// Number of songs among the outcomes.
    pub fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// Number of songs that the journal holds.
    pub fn songs(&self) -> usize {
        self.outcomes.len() - self.renewed.len()
    }

    /// The failures.
    pub fn failures(&self) -> &[FailedFile] {
        &self.failures
    }

    /// The rows of the old library that were taken for other files.
    pub fn renewed(&self) -> &[u64] {
        &self.renewed
    }

    /// Every file that has an outcome.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let songs = self.outcomes.iter().map(|outcome| &outcome.path);
        songs.chain(&self.failed_paths)
    }

    /// Hands over every row of the new library, in order.
    pub fn write(
        &mut self,
        old: Option<&Library>,
        keep: &[bool],
        mut push: impl FnMut(SongRow) -> Result<(), LibraryError>,
    ) -> Result<(), UpdateError> {
        let mut outcomes = std::mem::take(&mut self.outcomes);
        outcomes.sort_by(|a, b| a.key.cmp(&b.key));
        let mut fresh = Fresh {
            journal: &mut self.journal,
            old,
            waiting: outcomes.into(),
            ready: VecDeque::new(),
        };
        let mut keep = keep.iter();
        if let Some(old) = old {
            for batch in old.songs()? {
                for row in batch? {
                    if keep.next() != Some(&true) {
                        continue;
                    }
                    while let Some(new) = fresh.next_if(|new| {
                        (&new.path, &new.path_bytes) <= (&row.path, &row.path_bytes)
                    })? {
                        push(new)?;
                    }
                    push(row)?;
                }
            }
        }
        while let Some(new) = fresh.next_if(|_| true)? {
            push(new)?;
        }
        Ok(())
    }

    /// The library is in its place: the journal has done its work.
    pub fn remove_journal(self) {
        self.journal.remove();
    }
}

/// The outcomes in order, loaded some at a time.
struct Fresh<'a> {
    journal: &'a mut Journal,
    old: Option<&'a Library>,
    waiting: VecDeque<Outcome>,
    ready: VecDeque<SongRow>,
}

impl Fresh<'_> {
    fn next_if(
        &mut self,
        wanted: impl Fn(&SongRow) -> bool,
    ) -> Result<Option<SongRow>, UpdateError> {
        if self.ready.is_empty() {
            self.load()?;
        }
        if self.ready.front().is_some_and(wanted) {
            Ok(self.ready.pop_front())
        } else {
            Ok(None)
        }
    }

    fn load(&mut self) -> Result<(), UpdateError> {
        let some: Vec<Outcome> = self
            .waiting
            .drain(..AT_ONCE.min(self.waiting.len()))
            .collect();
        let rows: Vec<u64> = some
            .iter()
            .filter_map(|outcome| match outcome.source {
                Source::Renewed(row, _) => Some(row),
                Source::Recorded => None,
            })
            .collect();
        let mut renewed: VecDeque<SongRow> = match self.old {
            Some(old) if !rows.is_empty() => old.songs_at(&rows)?.into(),
            _ => VecDeque::new(),
        };
        for outcome in some {
            let row = match outcome.source {
                Source::Recorded => match self.journal.read(&outcome.path)? {
                    Some(Record::Song(row)) => Some(*row),
                    _ => None,
                },
                Source::Renewed(_, file) => renewed.pop_front().map(|row| SongRow {
                    path: outcome.key.0,
                    path_bytes: outcome.key.1,
                    size_bytes: file.size,
                    modified: file.modified.map(Micros::from),
                    ..row
                }),
            };
            self.ready.extend(row);
        }
        Ok(())
    }
}

//! Every song of a library compared with some questions.

use super::{
    best::{Best, Candidate, Ranking},
    block::{Block, LANES, numbers},
    filter::Filter,
    metric::{Goal, Metric},
};
use crate::{
    emotion::Emotion,
    library::{Collection, Column, Group, Library, LibraryError, Note},
};
use arrow::array::{Array, AsArray, BooleanArray};
use rayon::prelude::*;
use std::{
    cell::OnceCell,
    sync::{Mutex, PoisonError},
};

/// A question as the scan needs it.
pub(super) struct Task<'a> {
    pub(super) goal: &'a Goal,
    pub(super) ranking: Ranking,
    /// Rows that take no part, sorted.
    pub(super) but_not: &'a [u64],
}

/// What holds for all questions of a scan.
pub(super) struct Scan<'a> {
    pub(super) library: &'a Collection,
    pub(super) metric: Metric,
    /// Numbers of an embedding of the library.
    pub(super) embedding: usize,
    pub(super) filter: Option<&'a Filter>,
}

impl Scan<'_> {
    /// For each task its `most` best songs, best first, fewer where there are not so many. Silent songs are never among them, nor
    /// those that the filter does not let through.
    ///
    /// Row groups are worked on by as many threads as the current pool of rayon has. Each keeps the best that it has seen, and a
    /// page of the file; memory does not grow with the library.
    pub(super) fn best(
        &self,
        tasks: &[Task<'_>],
        most: usize,
    ) -> Result<Vec<Vec<Candidate>>, LibraryError> {
        let fresh = || -> Vec<Best> {
            let tasks = tasks.iter();
            tasks.map(|task| Best::new(most, task.ranking)).collect()
        };
        let mut groups: Vec<(&Library, u64, Group)> = Vec::new();
        let mut before = 0;
        for library in self.library.parts() {
            groups.extend(library.groups().map(|group| (library, before, group)));
            before += library.rows();
        }
        // What the threads have found so far; a thread takes one at a time.
        let idle: Mutex<Vec<Vec<Best>>> = Mutex::new(Vec::new());
        let idle = || idle.lock().unwrap_or_else(PoisonError::into_inner);
        groups
            .into_par_iter()
            // Otherwise a thread takes a long stretch that another could share.
            .with_max_len(1)
            .try_for_each(|(library, before, group)| {
                let taken = idle().pop();
                let mut best = taken.unwrap_or_else(fresh);
                let result = self.group(library, before, group, tasks, &mut best);
                idle().push(best);
                result
            })?;
        let mut all = idle().drain(..).collect::<Vec<_>>().into_iter();
        let mut joined = all.next().unwrap_or_else(fresh);
        for other in all {
            for (best, other) in joined.iter_mut().zip(other) {
                best.join(other);
            }
        }
        Ok(joined.into_iter().map(Best::into_sorted).collect())
    }

    fn group(
        &self,
        library: &Library,
        before: u64,
        group: Group,
        tasks: &[Task<'_>],
        best: &mut [Best],
    ) -> Result<(), LibraryError> {
        let (column, dimensions) = match self.metric {
            Metric::Embedding => (Column::Embedding, self.embedding),
            _ => (Column::Emotions, Emotion::COUNT),
        };
        let mut floors: Vec<f32> = tasks
            .iter()
            .zip(&*best)
            .map(|(task, best)| task.goal.floor(best.least()))
            .collect();
        let mut block = Block::new(self.metric, dimensions);
        let mut hits = Vec::with_capacity(LANES);
        // Read when the first song comes near enough: in most groups of a big library none does.
        let taking_part = OnceCell::new();
        library.visit_lists(group, column, dimensions, &mut |first_row, lists| {
            let size = LANES * dimensions * size_of::<f32>();
            for (number, songs) in lists.chunks(size).enumerate() {
                let first = first_row + (number * LANES) as u64;
                block.fill(songs).map_err(|damaged| {
                    let path = library.path().to_owned();
                    let row = first + damaged.lane as u64;
                    match damaged.why {
                        Some(source) => LibraryError::DamagedVector { path, row, source },
                        None => LibraryError::DamagedEmbedding { path, row },
                    }
                })?;
                for ((task, best), floor) in tasks.iter().zip(&mut *best).zip(&mut floors) {
                    block.reach(task.goal, *floor, &mut hits);
                    for &hit in &hits {
                        let row = first + hit as u64;
                        let taking_part = match taking_part.get() {
                            Some(known) => known,
                            None => {
                                let read = self.taking_part(library, group)?;
                                taking_part.get_or_init(|| read)
                            }
                        };
                        if !taking_part.holds(row - group.first_row)
                            || task.but_not.binary_search(&(before + row)).is_ok()
                        {
                            continue;
                        }
                        let similarity = task.goal.similarity(numbers(songs, hit, dimensions));
                        if best.offer(similarity, before + row) {
                            *floor = task.goal.floor(best.least());
                        }
                    }
                }
            }
            Ok(())
        })
    }

    /// Which songs of a group are not silent and let through by the filter.
    fn taking_part(&self, library: &Library, group: Group) -> Result<TakingPart, LibraryError> {
        let mut columns = match self.filter {
            Some(filter) => filter.columns(),
            None => Vec::new(),
        };
        let notes = !library.is_all_null(group, Column::Note);
        if notes && !columns.contains(&Column::Note) {
            columns.push(Column::Note);
        }
        if columns.is_empty() {
            return Ok(TakingPart::All);
        }
        let mut rows = Vec::with_capacity(usize::try_from(group.rows).unwrap_or(0));
        for batch in library.group_batches(group, &columns)? {
            let (_, batch) = batch?;
            let from = rows.len();
            match self.filter {
                Some(filter) => {
                    let found = filter.holds(&batch).map_err(|source| LibraryError::Read {
                        path: library.path().to_owned(),
                        source: source.into(),
                    })?;
                    rows.extend(found.iter().map(|holds| holds == Some(true)));
                }
                None => rows.resize(from + batch.num_rows(), true),
            }
            let texts = batch
                .column_by_name(Column::Note.name())
                .filter(|_| notes)
                .and_then(|array| array.as_string_opt::<i32>());
            if let Some(texts) = texts.filter(|texts| texts.null_count() < texts.len()) {
                for (row, note) in rows.iter_mut().skip(from).zip(texts) {
                    *row &= !note.is_some_and(Note::says_silent);
                }
            }
        }
        Ok(TakingPart::Rows(BooleanArray::from(rows)))
    }
}

/// Which songs of a group can be answers.
enum TakingPart {
    All,
    Rows(BooleanArray),
}

impl TakingPart {
    /// Whether a row, counted from the first of the group, takes part.
    fn holds(&self, row: u64) -> bool {
        match self {
            Self::All => true,
            Self::Rows(rows) => {
                usize::try_from(row).is_ok_and(|row| row < rows.len() && rows.value(row))
            }
        }
    }
}

//! The nearest songs, exactly: every song of the library is compared.

#[cfg(test)]
mod tests;

use super::{
    Filter, MeanEmotions, Metric, QueryVector, SongVector,
    limits::{Keys, Limits, Taken},
    metric::Target,
    top::{Candidate, Ranking, TopK},
};
use crate::{
    emotion::{Emotion, EmotionVector},
    error::{Error, ErrorKind, Result},
    library::{Column, Columns, Group, Library, Song, flat_numbers},
};
use arrow_array::{RecordBatch, cast::AsArray};
use arrow_buffer::BooleanBuffer;
use rayon::prelude::*;
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    path::PathBuf,
};

/// With limits, how many times as many songs are ranked each time that too few remain.
const GROWTH: usize = 8;
/// Songs that are ranked at once for several queries, which bounds the memory.
pub(super) const MAX_CANDIDATES: usize = 64 * 1024;

/// A song of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// 1 for the nearest, or the first of a playlist.
    pub rank: usize,
    /// The song's row in the library.
    pub row: u64,
    /// A cosine, -1 to 1 (0 to 1 between percentages), or for [`Metric::Euclidean`] 1 for the same vector and 0 for the
    /// farthest, or for [`Metric::Share`] the product of the shares.
    pub similarity: f64,
    /// The song, with the columns [`Columns::LIST`], [`Song::felt`], and its tags if they were asked for.
    pub song: Song,
}

/// Variety among songs that are nearly as near as the nearest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Explore {
    /// How much less similar than the k-th nearest a song may be.
    pub width: f64,
    /// Another seed chooses other songs.
    pub seed: u64,
}

/// How a library is searched. The default compares by cosine and excludes nothing.
///
/// Silent songs, whose percentages mean nothing, and the songs that a query vector is made of are never among the answers. The
/// same search of the same library gives the same answer, whatever the number of threads; of equally near songs the earlier row
/// comes first.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// How songs are compared.
    pub metric: Metric,
    /// By which of their vectors; [`Metric::Embedding`] ignores it.
    pub by: SongVector,
    /// Compare the songs relative to this mean of their library. [`Metric::Embedding`] ignores it.
    pub relative_to: Option<MeanEmotions>,
    /// Only songs that meet this condition.
    pub filter: Option<Filter>,
    /// Files that are excluded, with all their tracks; also tracks by their [`Song::unique_path`].
    pub exclude: HashSet<PathBuf>,
    /// The maximum of songs of one artist, by the tag without regard to case; songs without the tag are not limited.
    pub per_artist: Option<NonZeroUsize>,
    /// The maximum of songs of one album: the same album and artist, or without an artist the same album and directory. Songs
    /// without an album are not limited.
    pub per_album: Option<NonZeroUsize>,
    /// Only the best of songs with the same title and artist, without regard to case, punctuation and versions such as
    /// `(Remastered 2011)` and `[Live]`; songs without a title or an artist are all different.
    pub one_per_title: bool,
    /// Draw at random from the songs that are at most [`Explore::width`] less similar than the k-th nearest. The answer is
    /// sorted by similarity.
    pub explore: Option<Explore>,
    /// Whether the answers need title, artist, album and genre.
    pub tags: bool,
}

impl Query {
    /// The `k` nearest songs, nearest first; fewer if fewer are eligible.
    ///
    /// # Errors
    /// [`ErrorKind::Library`] if the library cannot be read, [`ErrorKind::InvalidInput`] if the vector cannot be compared by the
    /// metric.
    pub fn nearest(
        &self,
        library: &Library,
        vector: &QueryVector,
        k: NonZeroUsize,
    ) -> Result<Vec<Match>> {
        let answers = self.answers(library, std::slice::from_ref(vector), k)?;
        self.matches(library, answers.into_iter().next().unwrap_or_default())
    }

    /// The vector of a song that is compared.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the song lacks it.
    pub(super) fn vector_of(&self, song: &Song) -> Result<[f64; Emotion::COUNT]> {
        let vector = self.by.of(song).ok_or_else(|| {
            let message = format!("has no `{}`; ask --by emotions", self.by.name());
            Error::invalid(message).with_path(&song.path)
        })?;
        let percentages = vector.as_array().map(f64::from);
        Ok(match &self.relative_to {
            Some(mean) => mean.relative(percentages),
            None => percentages,
        })
    }

    /// For each vector the answer of [`nearest`](Self::nearest), as rows and similarities, in one pass over the library.
    pub(super) fn answers(
        &self,
        library: &Library,
        vectors: &[QueryVector],
        k: NonZeroUsize,
    ) -> Result<Vec<Vec<Candidate>>> {
        let mut search = Search::new(self, library)?;
        let mut targets = self.targets(library, vectors)?;
        let nearest = search.best(&targets, self, k)?;
        let Some(explore) = self.explore else {
            return Ok(nearest);
        };
        for (target, nearest) in targets.iter_mut().zip(&nearest) {
            let last = nearest.last().map_or(f64::INFINITY, |last| last.similarity);
            target.ranking = Ranking::Random {
                at_least: last - explore.width,
                seed: explore.seed,
            };
        }
        let mut drawn = search.best(&targets, self, k)?;
        for songs in &mut drawn {
            // Stable, so that equals are first brought into the order of the library.
            songs.sort_by_key(|song| song.row);
            songs.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
        }
        Ok(drawn)
    }

    /// A playlist from one feeling to another in `steps` steps, the first and the last included: for each step the nearest song
    /// that no earlier step has. The vectors of the steps lie on the straight line between the two (each scaled so that the sizes
    /// of its numbers sum to 100). Fewer songs if fewer are eligible. [`explore`](Self::explore) is ignored.
    ///
    /// # Errors
    /// Those of [`nearest`](Self::nearest), and [`ErrorKind::InvalidInput`] if the two are opposites that cancel.
    pub fn shift(
        &self,
        library: &Library,
        from: &QueryVector,
        to: &QueryVector,
        steps: NonZeroUsize,
    ) -> Result<Vec<Match>> {
        let vectors = between(from, to, steps)?;
        let targets = self.targets(library, &vectors)?;
        let mut search = Search::new(self, library)?;
        let mut taken = Taken::new(search.limits);
        let mut rows = HashSet::new();
        let mut playlist: Vec<Candidate> = Vec::new();
        // Without limits as many as there are steps always suffice, since earlier steps take fewer.
        let first = self.candidates(steps);
        let ranked = search.top(targets.iter(), first)?;
        search.read_keys(&ranked)?;
        for (target, mut songs) in targets.iter().zip(ranked) {
            let mut candidates = first;
            let next = loop {
                let is_free = |song: &Candidate| {
                    !rows.contains(&song.row) && taken.take(&search.keys_of(song))
                };
                let is_all = songs.len() < candidates;
                let next = songs.iter().copied().find(is_free);
                if next.is_some() || is_all {
                    break next;
                }
                candidates = candidates.saturating_mul(GROWTH);
                let more = search.top([target], candidates)?;
                search.read_keys(&more)?;
                songs = more.into_iter().flatten().collect();
            };
            rows.extend(next.map(|song| song.row));
            playlist.extend(next);
        }
        self.matches(library, playlist)
    }

    /// The number of songs from which the `k` best within the limits are chosen first.
    pub(super) fn candidates(&self, k: NonZeroUsize) -> usize {
        match Limits::of(self).is_empty() {
            true => k.get(),
            false => k.get().saturating_mul(4).max(64),
        }
    }

    fn targets<'a>(
        &self,
        library: &Library,
        vectors: &'a [QueryVector],
    ) -> Result<Vec<Ranked<'a>>> {
        let embedding = match self.metric {
            Metric::Embedding => library.embedding_length()?,
            _ => 0,
        };
        let ranked = vectors.iter().map(|vector| {
            Ok(Ranked {
                target: Target::new(vector, self.metric, embedding)?,
                excluded_rows: &vector.excluded_rows,
                ranking: Ranking::Nearest,
            })
        });
        ranked.collect()
    }

    fn matches(&self, library: &Library, found: Vec<Candidate>) -> Result<Vec<Match>> {
        let rows: Vec<u64> = found.iter().map(|candidate| candidate.row).collect();
        let columns = match self.tags {
            true => Columns::LIST.with(Column::Felt).and(Columns::TAGS),
            false => Columns::LIST.with(Column::Felt),
        };
        let songs = library.songs_at(&rows, columns)?;
        let matches = (1..).zip(found).zip(songs);
        Ok(matches
            .map(|((rank, candidate), song)| Match {
                rank,
                row: candidate.row,
                similarity: candidate.similarity,
                song,
            })
            .collect())
    }
}

/// The vectors of the steps from one to another.
fn between(from: &QueryVector, to: &QueryVector, steps: NonZeroUsize) -> Result<Vec<QueryVector>> {
    let scaled = |vector: &QueryVector| {
        let size: f64 = vector.target.iter().map(|value| value.abs()).sum();
        vector.target.map(|value| 100.0 * value / size)
    };
    let (start, end) = (scaled(from), scaled(to));
    let mut excluded_rows = [from.excluded_rows.as_slice(), &to.excluded_rows].concat();
    excluded_rows.sort_unstable();
    excluded_rows.dedup();
    let last = steps.get() - 1;
    let vector = |step: usize| {
        // A single step is the end.
        let share = match last {
            0 => 1.0,
            last => step as f64 / last as f64,
        };
        let target: [f64; Emotion::COUNT] =
            std::array::from_fn(|n| (1.0 - share) * start[n] + share * end[n]);
        if target.iter().all(|value| value.abs() < 1e-9) {
            let message = format!(
                "step {} of {steps} is zero: the two feelings are opposites; choose another number of steps or another target",
                step + 1
            );
            return Err(Error::invalid(message));
        }
        Ok(QueryVector {
            target,
            embedding: None,
            excluded_rows: excluded_rows.clone(),
        })
    };
    (0..steps.get()).map(vector).collect()
}

/// A query vector and the order of its answers.
struct Ranked<'a> {
    target: Target,
    /// Rows that are not answers, sorted.
    excluded_rows: &'a [u64],
    ranking: Ranking,
}

/// A library with the songs that can be answers.
struct Search<'a> {
    library: &'a Library,
    metric: Metric,
    by: SongVector,
    relative_to: Option<MeanEmotions>,
    limits: Limits,
    /// For each row group which of its songs are eligible.
    eligible: Vec<BooleanBuffer>,
    /// The keys of the candidates so far, by row; empty without limits.
    keys: HashMap<u64, Keys>,
}

impl<'a> Search<'a> {
    /// Finds which songs are not silent, meet the filter and are not excluded.
    fn new(query: &Query, library: &'a Library) -> Result<Self> {
        let mut columns = Columns::of(&[Column::Silent]);
        if let Some(filter) = &query.filter {
            columns = columns.and(filter.columns());
        }
        if !query.exclude.is_empty() {
            columns = columns.and(Columns::FILE);
        }
        let groups: Vec<Group> = library.groups().collect();
        let eligible: Vec<BooleanBuffer> = groups
            .par_iter()
            .map(|group| {
                let mut eligible = Vec::new();
                for batch in library.batches(group, columns, None) {
                    let (first_row, batch) = batch?;
                    eligible.extend(query.eligible(library, first_row, &batch)?);
                }
                Ok(eligible.into())
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            library,
            metric: query.metric,
            by: query.by,
            relative_to: query.relative_to,
            limits: Limits::of(query),
            eligible,
            keys: HashMap::new(),
        })
    }

    /// For each target its `k` best songs within the limits, best first: the best of all songs are taken in their order unless
    /// a limit is reached. Where too few remain, more songs are ranked.
    fn best(
        &mut self,
        targets: &[Ranked<'_>],
        query: &Query,
        k: NonZeroUsize,
    ) -> Result<Vec<Vec<Candidate>>> {
        let mut candidates = query.candidates(k);
        if self.limits.is_empty() {
            return self.top(targets, candidates);
        }
        let mut answers = vec![Vec::new(); targets.len()];
        let mut open: Vec<usize> = (0..targets.len()).collect();
        while !open.is_empty() {
            let mut next = Vec::new();
            for some in open.chunks((MAX_CANDIDATES / candidates).max(1)) {
                let ranked = self.top(some.iter().map(|number| &targets[*number]), candidates)?;
                self.read_keys(&ranked)?;
                for (&number, songs) in some.iter().zip(ranked) {
                    let is_all = songs.len() < candidates;
                    let mut taken = Taken::new(self.limits);
                    let songs = songs.into_iter();
                    let songs = songs.filter(|song| taken.take(&self.keys_of(song)));
                    answers[number] = songs.take(k.get()).collect();
                    if !is_all && answers[number].len() < k.get() {
                        next.push(number);
                    }
                }
            }
            open = next;
            candidates = candidates.saturating_mul(GROWTH);
        }
        Ok(answers)
    }

    /// Reads the keys of candidates, if there are limits.
    fn read_keys(&mut self, ranked: &[Vec<Candidate>]) -> Result<()> {
        if self.limits.is_empty() {
            return Ok(());
        }
        let rows = ranked.iter().flatten().map(|song| song.row);
        let mut rows: Vec<u64> = rows.filter(|row| !self.keys.contains_key(row)).collect();
        rows.sort_unstable();
        rows.dedup();
        let limits = self.limits;
        let keys = self
            .library
            .map_at(&rows, limits.columns(), |song| limits.keys(&song))?;
        self.keys.extend(rows.into_iter().zip(keys));
        Ok(())
    }

    fn keys_of(&self, song: &Candidate) -> Keys {
        self.keys.get(&song.row).copied().unwrap_or_default()
    }

    /// For each target its `k` best songs, best first, whatever the limits. Row groups are compared in parallel; each thread holds
    /// one batch and the best so far.
    fn top<'t>(
        &self,
        targets: impl IntoIterator<Item = &'t Ranked<'t>>,
        k: usize,
    ) -> Result<Vec<Vec<Candidate>>> {
        let targets: Vec<&Ranked<'_>> = targets.into_iter().collect();
        let (column, length) = match self.metric {
            Metric::Embedding => (Column::Embedding, self.library.embedding_length()?),
            _ => (self.by.column(), Emotion::COUNT),
        };
        let empty = || -> Vec<TopK> {
            let empty = |target: &&Ranked<'_>| TopK::new(k, target.ranking);
            targets.iter().map(empty).collect()
        };
        let groups: Vec<Group> = self.library.groups().collect();
        let best = groups
            .par_iter()
            .zip(&self.eligible)
            .try_fold(empty, |mut best, (group, eligible)| {
                for batch in self.library.batches(group, Columns::of(&[column]), None) {
                    let (first_row, batch) = batch?;
                    let mut numbers =
                        Cow::from(vectors_of(self.library, first_row, &batch, column, length)?);
                    if let Some(mean) = &self.relative_to
                        && column != Column::Embedding
                    {
                        numbers = mean.relative_all(&numbers).into();
                    }
                    for (target, best) in targets.iter().zip(&mut best) {
                        for (row, song) in (first_row..).zip(numbers.chunks_exact(length)) {
                            if eligible.value((row - group.first_row) as usize)
                                && target.excluded_rows.binary_search(&row).is_err()
                            {
                                best.offer(target.target.similarity(song), row);
                            }
                        }
                    }
                }
                Ok::<_, Error>(best)
            })
            .try_reduce(empty, |a, b| {
                Ok(a.into_iter().zip(b).map(|(a, b)| a.merge(b)).collect())
            })?;
        Ok(best.into_iter().map(TopK::into_sorted).collect())
    }
}

/// The vectors of a batch, one after the other, each valid.
pub(super) fn vectors_of<'a>(
    library: &Library,
    first_row: u64,
    batch: &'a RecordBatch,
    column: Column,
    length: usize,
) -> Result<&'a [f32]> {
    let error = |row: u64, what: &str| {
        let file = library.file_of(first_row).path();
        let message = format!(
            "row {row} (counted from 0) has no valid `{}`: {what}; analyze the music again",
            column.name()
        );
        Error::new(ErrorKind::Library, message).with_path(file)
    };
    let numbers = batch
        .column_by_name(column.name())
        .and_then(|lists| flat_numbers(lists, length))
        .ok_or_else(|| error(first_row, "a list is missing or has another length"))?;
    for (row, song) in (first_row..).zip(numbers.chunks_exact(length)) {
        if let (Column::Emotions | Column::Felt, Ok(percentages)) = (column, song.try_into()) {
            // A quick look first, which NaN fails too: it is done for every song of every query.
            let sum: f32 = song.iter().sum();
            let is_valid = (sum - 100.0).abs() < 0.05 && song.iter().all(|share| *share >= 0.0);
            if !is_valid {
                EmotionVector::new(percentages).map_err(|fault| error(row, fault.message()))?;
            }
        } else if song.iter().any(|number| !number.is_finite()) {
            return Err(error(row, "a number is not finite"));
        }
    }
    Ok(numbers)
}

impl Query {
    fn eligible(
        &self,
        library: &Library,
        first_row: u64,
        batch: &RecordBatch,
    ) -> Result<Vec<bool>> {
        let file = library.file_of(first_row);
        let silent = batch.column_by_name(Column::Silent.name());
        let silent = silent.and_then(|array| array.as_boolean_opt());
        let mut eligible: Vec<bool> = match silent {
            Some(silent) => silent.iter().map(|silent| silent != Some(true)).collect(),
            None => vec![true; batch.num_rows()],
        };
        if let Some(filter) = &self.filter {
            let holds = filter.holds(&file.songs_of(first_row, batch)?)?;
            for (eligible, holds) in eligible.iter_mut().zip(holds) {
                *eligible &= holds;
            }
        }
        if !self.exclude.is_empty() {
            for (eligible, song) in eligible.iter_mut().zip(file.songs_of(first_row, batch)?) {
                *eligible &= !self.exclude.contains(&song.path)
                    && !self.exclude.contains(song.unique_path().as_ref());
            }
        }
        Ok(eligible)
    }
}

//! The nearest songs, exactly: every song of the library is compared.

mod choose;
#[cfg(test)]
mod tests;

use super::{
    Filter, Metric, MetricError, QueryVector,
    best::{Candidate, Ranking},
    metric::Goal,
    sweep::Scan,
};
use crate::library::{Collection, LibraryError, SongBrief};
use choose::{Choice, Part};
use std::{collections::HashSet, num::NonZeroUsize, path::PathBuf};

/// A song of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// 1 for the nearest, or the first of a playlist.
    pub rank: usize,
    /// How near the song is to what is asked: a cosine, -1 to 1 (0 to 1 where both are percentages), or for
    /// [`Metric::Euclidean`] 1 for the same vector and 0 for the farthest.
    pub similarity: f64,
    /// The song.
    pub song: SongBrief,
}

/// A question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// When the library cannot be read.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// When the question cannot be compared in the way that is wanted.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// When a playlist from a feeling to its opposite passes through nothing.
    #[error(
        "step {step} of {steps} lies between opposites that cancel; ask for another number of steps or another target"
    )]
    Opposites { step: usize, steps: usize },
}

/// Variety among songs that are nearly as near as the nearest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Explore {
    /// How much less similar than the last of the nearest songs a song may be.
    pub width: f64,
    /// Other seeds choose other songs.
    pub seed: u64,
}

/// How a library is searched. The default compares by cosine and leaves nothing out.
///
/// Silent songs, whose percentages mean nothing, and the songs that a question is made of are never among its answers. The same
/// search of the same library gives the same answer, whatever the number of threads; of equally near songs the one that stands
/// earlier in the library comes first.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// What nearness means.
    pub metric: Metric,
    /// Which songs take part.
    pub filter: Option<Filter>,
    /// Files that take no part.
    pub exclude: HashSet<PathBuf>,
    /// The most songs of one artist, by the tag without regard to case; songs without the tag are not counted.
    pub per_artist: Option<NonZeroUsize>,
    /// Draw from what is nearly as near: of the songs that are at most [`Explore::width`] less similar than the k-th nearest,
    /// `k` are drawn, all with the same chance, and stand in the order of their similarity.
    pub explore: Option<Explore>,
    /// Whether the answers need title, artist, album and genre.
    pub tags: bool,
}

impl Search {
    /// The `k` songs nearest to what is asked, nearest first. Fewer where fewer take part.
    ///
    /// # Errors
    /// [`QueryError::Library`] and [`QueryError::Metric`].
    pub fn nearest(
        &self,
        library: &Collection,
        asked: &QueryVector,
        k: NonZeroUsize,
    ) -> Result<Vec<Match>, QueryError> {
        let answers = self.answers(library, std::slice::from_ref(asked), k)?;
        let found = answers.into_iter().next().unwrap_or_default();
        self.matches(library, found)
    }

    /// For each question what [`nearest`](Self::nearest) answers, as rows and similarities. The library is read once for all.
    pub(super) fn answers(
        &self,
        library: &Collection,
        asked: &[QueryVector],
        k: NonZeroUsize,
    ) -> Result<Vec<Vec<Candidate>>, QueryError> {
        let choice = self.choice(library)?;
        let goals = self.goals(&choice, asked)?;
        let mut parts: Vec<Part<'_>> = goals
            .iter()
            .zip(asked)
            .map(|(goal, asked)| Part {
                goal,
                but_not: &asked.excluded_rows,
                ranking: Ranking::Nearest,
            })
            .collect();
        let nearest = choice.choose(&parts, k.get())?;
        let Some(explore) = self.explore else {
            return Ok(nearest);
        };
        for (part, nearest) in parts.iter_mut().zip(&nearest) {
            let last = nearest.last().map_or(f64::INFINITY, |last| last.similarity);
            part.ranking = Ranking::Drawn {
                at_least: last - explore.width,
                seed: explore.seed,
            };
        }
        let mut drawn = choice.choose(&parts, k.get())?;
        for songs in &mut drawn {
            songs.sort_by(|a, b| (b.similarity.total_cmp(&a.similarity)).then(a.row.cmp(&b.row)));
        }
        Ok(drawn)
    }

    /// A playlist that walks from what is asked to `target` in `steps` steps, the first and the last included: for each step the
    /// nearest song that no step before it has. The vector of a step lies on the straight line between the two (each scaled
    /// so that the sizes of its numbers sum to 1). Fewer songs where fewer take part. [`explore`](Self::explore) has no say in it.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn shift(
        &self,
        library: &Collection,
        asked: &QueryVector,
        target: &QueryVector,
        steps: NonZeroUsize,
    ) -> Result<Vec<Match>, QueryError> {
        let between = between(asked, target, steps)?;
        let choice = self.choice(library)?;
        let goals = self.goals(&choice, &between)?;
        let parts: Vec<Part<'_>> = goals
            .iter()
            .zip(&between)
            .map(|(goal, asked)| Part {
                goal,
                but_not: &asked.excluded_rows,
                ranking: Ranking::Nearest,
            })
            .collect();
        self.matches(library, choice.walk(&parts)?)
    }

    fn choice<'a>(&'a self, library: &'a Collection) -> Result<Choice<'a>, LibraryError> {
        let embedding = match self.metric {
            Metric::Embedding => {
                let mut lengths = library.parts().iter().filter(|part| part.rows() > 0);
                lengths.next().map_or(Ok(0), |part| part.embedding())?
            }
            _ => 0,
        };
        Ok(Choice {
            scan: Scan {
                library,
                metric: self.metric,
                embedding,
                filter: self.filter.as_ref(),
            },
            exclude: &self.exclude,
            per_artist: self.per_artist,
        })
    }

    fn goals(&self, choice: &Choice<'_>, asked: &[QueryVector]) -> Result<Vec<Goal>, MetricError> {
        let embedding = choice.scan.embedding;
        asked
            .iter()
            .map(|asked| Goal::new(asked, self.metric, embedding))
            .collect()
    }

    fn matches(
        &self,
        library: &Collection,
        found: Vec<Candidate>,
    ) -> Result<Vec<Match>, QueryError> {
        let rows: Vec<u64> = found.iter().map(|candidate| candidate.row).collect();
        let songs = library.briefs_at(&rows, self.tags)?;
        Ok(found
            .into_iter()
            .zip(songs)
            .enumerate()
            .map(|(place, (candidate, song))| Match {
                rank: place + 1,
                similarity: candidate.similarity,
                song,
            })
            .collect())
    }
}

/// The questions of the steps from one to another.
fn between(
    from: &QueryVector,
    to: &QueryVector,
    steps: NonZeroUsize,
) -> Result<Vec<QueryVector>, QueryError> {
    let scaled = |asked: &QueryVector| {
        let size: f64 = asked.target.iter().map(|value| value.abs()).sum();
        asked.target.map(|value| 100.0 * value / size)
    };
    let (start, end) = (scaled(from), scaled(to));
    let mut but_not = [from.excluded_rows.as_slice(), &to.excluded_rows].concat();
    but_not.sort_unstable();
    but_not.dedup();
    let last = steps.get() - 1;
    (0..steps.get())
        .map(|step| {
            // One step is the target alone: there is no way to walk.
            let way = if last == 0 {
                1.0
            } else {
                step as f64 / last as f64
            };
            let target: [f64; 8] = std::array::from_fn(|n| (1.0 - way) * start[n] + way * end[n]);
            if target.iter().all(|value| value.abs() < 1e-9) {
                return Err(QueryError::Opposites {
                    step: step + 1,
                    steps: steps.get(),
                });
            }
            Ok(QueryVector {
                target,
                embedding: None,
                excluded_rows: but_not.clone(),
            })
        })
        .collect()
}

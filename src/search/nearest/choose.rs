//! What the nearest songs have to do with one another: no more than some of one artist, none twice in a playlist.

use super::super::{
    best::{Candidate, Ranking},
    metric::Goal,
    sweep::{Scan, Task},
};
use crate::library::LibraryError;
use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    path::PathBuf,
};

/// A question and how its songs are ranked.
pub(super) struct Part<'a> {
    pub(super) goal: &'a Goal,
    /// Rows that take no part, sorted.
    pub(super) but_not: &'a [u64],
    pub(super) ranking: Ranking,
}

/// Which songs are chosen of those that the scan finds.
pub(super) struct Choice<'a> {
    pub(super) scan: Scan<'a>,
    pub(super) exclude: &'a HashSet<PathBuf>,
    pub(super) per_artist: Option<NonZeroUsize>,
}

/// Of a song: whether it is left out, and its artist where artists are counted.
#[derive(Clone)]
struct Known {
    excluded: bool,
    artist: Option<String>,
}

/// How many songs more than are wanted are looked at first where some may be passed over.
const MORE: usize = 4;

impl Choice<'_> {
    /// For each question its `k` best songs, fewer where there are not so many.
    pub(super) fn choose(
        &self,
        parts: &[Part<'_>],
        k: usize,
    ) -> Result<Vec<Vec<Candidate>>, LibraryError> {
        if !self.passes_over() {
            return self.best(parts.iter(), k);
        }
        let mut chosen: Vec<Option<Vec<Candidate>>> = vec![None; parts.len()];
        let mut known = HashMap::new();
        let mut most = self.first_look(k);
        loop {
            let open: Vec<usize> = (0..parts.len()).filter(|n| chosen[*n].is_none()).collect();
            if open.is_empty() {
                break;
            }
            let found = self.best(open.iter().map(|&n| &parts[n]), most)?;
            self.learn(&found, &mut known)?;
            for (n, songs) in open.into_iter().zip(found) {
                let all = songs.len() < most;
                let mut taken = Taken::new(self.per_artist);
                let kept: Vec<Candidate> = songs
                    .into_iter()
                    .filter(|song| taken.takes(song, &known))
                    .take(k)
                    .collect();
                if all || kept.len() == k {
                    chosen[n] = Some(kept);
                }
            }
            most = most.saturating_mul(MORE);
        }
        Ok(chosen.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// For each question, in their order, the best song that none before it has.
    pub(super) fn walk(&self, parts: &[Part<'_>]) -> Result<Vec<Candidate>, LibraryError> {
        let mut known = HashMap::new();
        let mut most = self.first_look(parts.len());
        loop {
            let found = self.best(parts.iter(), most)?;
            if self.passes_over() {
                self.learn(&found, &mut known)?;
            }
            let mut taken = Taken::new(self.per_artist);
            let mut playlist = Vec::with_capacity(parts.len());
            let mut short = false;
            for songs in found {
                let all = songs.len() < most;
                match songs.into_iter().find(|song| taken.takes(song, &known)) {
                    Some(song) => playlist.push(song),
                    // There may be one further down.
                    None => short |= !all,
                }
            }
            if !short {
                return Ok(playlist);
            }
            most = most.saturating_mul(MORE);
        }
    }

    fn passes_over(&self) -> bool {
        self.per_artist.is_some() || !self.exclude.is_empty()
    }

    /// How many songs are looked at first to find `k`.
    fn first_look(&self, k: usize) -> usize {
        if self.passes_over() {
            k.saturating_mul(MORE).max(32)
        } else {
            k
        }
    }

    fn best<'a>(
        &self,
        parts: impl Iterator<Item = &'a Part<'a>>,
        most: usize,
    ) -> Result<Vec<Vec<Candidate>>, LibraryError> {
        let tasks: Vec<Task<'_>> = parts
            .map(|part| Task {
                goal: part.goal,
                ranking: part.ranking,
                but_not: part.but_not,
            })
            .collect();
        self.scan.best(&tasks, most)
    }

    /// Reads of the songs that are met for the first time what the choice depends on.
    fn learn(
        &self,
        found: &[Vec<Candidate>],
        known: &mut HashMap<u64, Known>,
    ) -> Result<(), LibraryError> {
        let rows = found.iter().flatten().map(|song| song.row);
        let mut new: Vec<u64> = rows.filter(|row| !known.contains_key(row)).collect();
        new.sort_unstable();
        new.dedup();
        let identities = self
            .scan
            .library
            .identities_at(&new, self.per_artist.is_some())?;
        known.extend(new.into_iter().zip(identities).map(|(row, song)| {
            let artist = song.artist.map(|artist| artist.trim().to_lowercase());
            // A file leaves out the tracks that a CUE sheet divides it into, whose paths lie below its own.
            let of_file = song.file.parent();
            let known = Known {
                excluded: self.exclude.contains(&song.file)
                    || of_file.is_some_and(|file| self.exclude.contains(file)),
                artist: artist.filter(|artist| !artist.is_empty()),
            };
            (row, known)
        }));
        Ok(())
    }
}

/// What was taken so far.
struct Taken {
    per_artist: Option<NonZeroUsize>,
    rows: HashSet<u64>,
    artists: HashMap<String, usize>,
}

impl Taken {
    fn new(per_artist: Option<NonZeroUsize>) -> Self {
        Self {
            per_artist,
            rows: HashSet::new(),
            artists: HashMap::new(),
        }
    }

    /// Takes a song unless it was taken before, is left out, or one too many of its artist.
    fn takes(&mut self, song: &Candidate, known: &HashMap<u64, Known>) -> bool {
        let known = known.get(&song.row);
        if known.is_some_and(|known| known.excluded) || self.rows.contains(&song.row) {
            return false;
        }
        let artist = known.and_then(|known| known.artist.as_deref());
        if let (Some(artist), Some(most)) = (artist, self.per_artist) {
            let count = self.artists.entry(artist.to_owned()).or_insert(0);
            if *count >= most.get() {
                return false;
            }
            *count += 1;
        }
        self.rows.insert(song.row);
        true
    }
}

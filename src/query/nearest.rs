//! The nearest songs by exact cosine similarity.

use crate::{
    emotion::Emotion,
    library::{Collection, LibraryError, SongRow},
    query::Asked,
};
use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    num::NonZeroUsize,
};

/// A song of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// 1 for the nearest.
    pub rank: usize,
    /// Cosine of the angle between the two vectors, 0 to 1 where both are percentages.
    pub similarity: f64,
    /// The song.
    pub song: SongRow,
}

/// The `k` songs nearest to what is asked, nearest first; of equally near ones the one that stands earlier in the library. Fewer
/// where the library has fewer. Silent songs, whose percentages mean nothing, are never among them.
///
/// Every row is compared, in double precision. Only the percentages are read, some thousand rows at a time, and then the
/// rows of the answer: memory does not grow with the library.
///
/// # Errors
/// Those of reading the library.
pub fn nearest(
    library: &Collection,
    asked: &Asked,
    k: NonZeroUsize,
) -> Result<Vec<Match>, LibraryError> {
    let mut best: BinaryHeap<Reverse<Candidate>> = BinaryHeap::new();
    let target = Target::new(asked.target);
    for vectors in library.vectors() {
        for (row, vector) in vectors?.audible() {
            if asked.but_not.contains(&row) {
                continue;
            }
            let candidate = Candidate {
                similarity: target.cosine(vector),
                row,
            };
            if best.len() < k.get() {
                best.push(Reverse(candidate));
            } else if let Some(mut worst) = best.peek_mut()
                && candidate > worst.0
            {
                worst.0 = candidate;
            }
        }
    }
    let ranked: Vec<Candidate> = best
        .into_sorted_vec()
        .into_iter()
        .map(|Reverse(candidate)| candidate)
        .collect();
    let rows: Vec<u64> = ranked.iter().map(|candidate| candidate.row).collect();
    let songs = library.songs_at(&rows)?;
    Ok(ranked
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

/// The vector that is asked for, in double precision, with its length.
struct Target {
    values: [f64; Emotion::COUNT],
    length: f64,
}

impl Target {
    fn new(values: [f64; Emotion::COUNT]) -> Self {
        Self {
            values,
            length: values.iter().map(|v| v * v).sum::<f64>().sqrt(),
        }
    }

    /// Percentages that sum to 100 never have the length 0, nor has what is asked.
    fn cosine(&self, other: &[f32; Emotion::COUNT]) -> f64 {
        let (mut dot, mut square) = (0.0, 0.0);
        for (a, b) in self.values.iter().zip(other) {
            let b = f64::from(*b);
            dot += a * b;
            square += b * b;
        }
        (dot / (self.length * square.sqrt())).clamp(-1.0, 1.0)
    }
}

/// Greater is better: more similar, then earlier in the library.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    similarity: f64,
    row: u64,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.similarity
            .total_cmp(&other.similarity)
            .then(other.row.cmp(&self.row))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emotion::EmotionVector;
    use crate::library::{
        Library, LibraryInfo, LibraryWriter, ModelStamp, Note, SongRow, test_rows::a_row,
    };
    use proptest::prelude::*;

    fn library_with(rows: impl Iterator<Item = SongRow>) -> (tempfile::TempDir, Collection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("library.parquet");
        let model = ModelStamp {
            identity: "0".repeat(64),
            name: "test".to_owned(),
        };
        let info = LibraryInfo::new(model, serde_json::json!({}));
        let mut writer = LibraryWriter::create(&path, &info, 4).unwrap();
        for row in rows {
            writer.push(row).unwrap();
        }
        writer.finish().unwrap();
        let library = Library::open(&path).unwrap();
        (folder, library.into())
    }

    fn library_of(vectors: &[[f64; 8]]) -> (tempfile::TempDir, Collection) {
        library_with(vectors.iter().enumerate().map(|(n, weights)| {
            let mut row = a_row(n);
            row.emotions = EmotionVector::from_weights(*weights).unwrap();
            row
        }))
    }

    #[test]
    fn a_silent_song_is_near_to_nothing() {
        let (_folder, library) = library_with((0..6).map(|n| {
            let mut row = a_row(n);
            row.note = Note::text(&[Note::Silent, Note::Repeated]).filter(|_| n % 2 == 0);
            row
        }));
        let answer = ask(&library, [1.; 8], 6);
        let rows: Vec<u64> = answer.iter().map(|(row, _)| *row).collect();
        assert_eq!(rows, [1, 3, 5]);
    }

    fn ask(library: &Collection, target: [f64; 8], k: usize) -> Vec<(u64, f64)> {
        let target = EmotionVector::from_weights(target).unwrap();
        nearest(library, &target.into(), NonZeroUsize::new(k).unwrap())
            .unwrap()
            .into_iter()
            .map(|m| (m.song.size_bytes, m.similarity))
            .collect()
    }

    #[test]
    fn the_nearest_comes_first_and_ties_keep_the_order_of_the_library() {
        let (happy, tense) = (
            [1., 0., 0., 0., 0., 0., 0., 0.],
            [0., 0., 1., 0., 0., 0., 0., 0.],
        );
        let mixed = [1., 0., 1., 0., 0., 0., 0., 0.];
        let (_folder, library) = library_of(&[tense, happy, mixed, happy, mixed, tense]);
        let answer = ask(&library, happy, 4);
        let rows: Vec<u64> = answer.iter().map(|(row, _)| *row).collect();
        assert_eq!(rows, [1, 3, 2, 4]);
        assert_eq!(answer[0].1, 1.0);
        assert!((answer[2].1 - 0.5_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_small_library_gives_all_that_it_has() {
        let (_folder, library) = library_of(&[[1.; 8], [1., 2., 1., 1., 1., 1., 1., 1.]]);
        assert_eq!(ask(&library, [1.; 8], 10).len(), 2);
    }

    #[test]
    fn the_answer_holds_across_batches_and_row_groups() {
        let vectors: Vec<[f64; 8]> = (0..70_000_u32)
            .map(|n| {
                std::array::from_fn(|i| f64::from((n * 7919 + i as u32 * 104_729) % 1000) + 1.0)
            })
            .collect();
        let (_folder, library) = library_of(&vectors);
        let target = [5., 1., 2., 8., 3., 1., 1., 9.];
        let exact = EmotionVector::from_weights(target).unwrap();
        let mut expected: Vec<(u64, f64)> = vectors
            .iter()
            .enumerate()
            .map(|(n, v)| {
                (
                    n as u64,
                    exact.cosine(&EmotionVector::from_weights(*v).unwrap()),
                )
            })
            .collect();
        expected.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let answer = ask(&library, target, 25);
        assert_eq!(answer.len(), 25);
        for ((row, similarity), (expected_row, expected_similarity)) in answer.iter().zip(&expected)
        {
            assert_eq!(row, expected_row);
            assert!((similarity - expected_similarity).abs() < 1e-9);
        }
    }

    proptest! {
        #[test]
        fn the_heap_equals_sorting_everything(
            vectors in prop::collection::vec(prop::array::uniform8(0_u8..4), 1..40),
            target in prop::array::uniform8(0_u8..4),
            k in 1_usize..45,
        ) {
            let weights = |v: [u8; 8]| {
                let sum: u32 = v.iter().map(|x| u32::from(*x)).sum();
                v.map(|x| if sum == 0 { 1.0 } else { f64::from(x) })
            };
            let vectors: Vec<[f64; 8]> = vectors.into_iter().map(weights).collect();
            let target = weights(target);
            let (_folder, library) = library_of(&vectors);
            let exact = Target::new(Asked::from(EmotionVector::from_weights(target).unwrap()).target);
            let mut expected: Vec<Candidate> = vectors
                .iter()
                .enumerate()
                .map(|(row, v)| Candidate {
                    similarity: exact.cosine(EmotionVector::from_weights(*v).unwrap().as_array()),
                    row: row as u64,
                })
                .collect();
            expected.sort_by(|a, b| b.cmp(a));
            let expected: Vec<(u64, f64)> =
                expected.iter().take(k).map(|c| (c.row, c.similarity)).collect();
            prop_assert_eq!(ask(&library, target, k), expected);
        }
    }
}

//! [`QueryVector`]: the direction of a query, and the songs that take no part in its answer.

use super::{
    Query,
    songs::{mean_embedding, mean_vector},
};
use crate::{
    emotion::{Emotion, EmotionVector},
    error::{Error, Result},
    library::{Column, Song},
};

/// The vector of each song that a query is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum SongVector {
    /// The percentages that the model learned from labels of valence and arousal.
    #[default]
    Emotions,
    /// The percentages that it learned from listeners' votes, which not every library has.
    Felt,
}

impl SongVector {
    /// Its name on the command line and in the library.
    pub fn name(self) -> &'static str {
        self.column().name()
    }

    pub(super) fn column(self) -> Column {
        match self {
            Self::Emotions => Column::Emotions,
            Self::Felt => Column::Felt,
        }
    }

    /// This vector of a song, if it has it.
    pub(crate) fn of(self, song: &Song) -> Option<EmotionVector> {
        match self {
            Self::Emotions => Some(song.emotions),
            Self::Felt => song.felt,
        }
    }
}

/// A query as vectors that songs are compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryVector {
    /// Emotions in the order of [`Emotion::ALL`]: finite, not all zero. Sums to 100 unless something was subtracted; then it
    /// has negative numbers and sums to 0.
    pub target: [f64; Emotion::COUNT],
    /// The query in the space of the model's embedding, where it is made of songs only: the mean of their embeddings, each
    /// scaled to length 1, less that of subtracted songs. `None` for other queries, and where nothing of it is left.
    pub embedding: Option<Vec<f64>>,
    /// Rows of the library that take no part, in ascending order: the songs that the query is made of, and copies of them.
    pub excluded_rows: Vec<u64>,
}

impl From<EmotionVector> for QueryVector {
    fn from(emotions: EmotionVector) -> Self {
        Self {
            target: emotions.as_array().map(f64::from),
            embedding: None,
            excluded_rows: Vec::new(),
        }
    }
}

/// Percentages that differ by less than this are equal: they are stored in single precision.
const SAME: f64 = 1e-4;
/// The same for numbers of embeddings that are scaled to length 1.
const SAME_DIRECTION: f64 = 1e-6;

impl QueryVector {
    /// The mean of some songs' percentages and embeddings, of the percentages that `query` compares. `None` where there is no
    /// song.
    ///
    /// # Errors
    /// Where a song lacks these percentages.
    pub fn like(songs: &[Song], query: &Query) -> Result<Option<Self>> {
        let mean = mean_vector(songs, query)?;
        Ok(mean.map(|target| Self {
            target,
            embedding: mean_embedding(songs).filter(|mean| !is_zero(mean)),
            excluded_rows: Vec::new(),
        }))
    }

    /// Subtracts the mean of some songs' percentages and embeddings. Without songs nothing changes.
    ///
    /// # Errors
    /// Those of [`like`](Self::like), and where the songs have the percentages of the query, so that nothing is left.
    pub fn unlike(mut self, songs: &[Song], query: &Query) -> Result<Self> {
        let Some(emotions) = mean_vector(songs, query)? else {
            return Ok(self);
        };
        for (value, other) in self.target.iter_mut().zip(emotions) {
            *value -= other;
        }
        if self.target.iter().all(|value| value.abs() < SAME) {
            return Err(Error::invalid(
                "nothing is left of the query: the songs of --unlike have exactly its emotions; leave --unlike out or give other \
                 songs",
            ));
        }
        self.embedding = self
            .embedding
            .zip(mean_embedding(songs))
            .map(|(mine, other)| mine.iter().zip(other).map(|(a, b)| a - b).collect())
            .filter(|rest: &Vec<f64>| !is_zero(rest));
        Ok(self)
    }
}

fn is_zero(embedding: &[f64]) -> bool {
    embedding.iter().all(|value| value.abs() <= SAME_DIRECTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn songs(of: &[([f64; 8], [f32; 2])]) -> Vec<Song> {
        let song = |(weights, embedding): &([f64; 8], [f32; 2])| Song {
            emotions: EmotionVector::from_weights(*weights).unwrap(),
            embedding: embedding.to_vec(),
            ..Song::default()
        };
        of.iter().map(song).collect()
    }

    fn like(songs: &[Song]) -> QueryVector {
        let vector = QueryVector::like(songs, &Query::default());
        vector.unwrap().unwrap()
    }

    const HAPPY: [f64; 8] = [1., 0., 0., 0., 0., 0., 0., 0.];
    const CALM: [f64; 8] = [0., 0., 0., 0., 0., 0., 1., 0.];

    #[test]
    fn several_songs_are_averaged_and_each_counts_the_same() {
        let query = like(&songs(&[(HAPPY, [3., 0.]), (CALM, [0., 0.5])]));
        assert_eq!(query.target, [50., 0., 0., 0., 0., 0., 50., 0.]);
        assert_eq!(query.embedding, Some(vec![0.5, 0.5]));
        assert_eq!(QueryVector::like(&[], &Query::default()).unwrap(), None);
    }

    #[test]
    fn subtracted_songs_become_negative() {
        let plain = Query::default();
        let liked = songs(&[(HAPPY, [1., 0.])]);
        let unliked = songs(&[(CALM, [0., 2.])]);
        let query = like(&liked).unlike(&unliked, &plain).unwrap();
        assert_eq!(query.target, [100., 0., 0., 0., 0., 0., -100., 0.]);
        assert_eq!(query.embedding, Some(vec![1., -1.]));
        let query = QueryVector::from(EmotionVector::even())
            .unlike(&unliked, &plain)
            .unwrap();
        assert_eq!(query.target[6], -87.5);
        assert_eq!(query.embedding, None);
        let same = like(&liked);
        assert_eq!(same.clone().unlike(&[], &plain).unwrap(), same);
        let error = same.unlike(&liked, &plain).unwrap_err();
        assert!(error.to_string().contains("nothing is left"), "{error}");
    }

    #[test]
    fn songs_are_asked_for_by_the_vector_that_is_compared() {
        let felt = |weights: [f64; 8]| Song {
            path: "a.mp3".into(),
            emotions: EmotionVector::even(),
            felt: Some(EmotionVector::from_weights(weights).unwrap()),
            ..Song::default()
        };
        let query = Query {
            by: SongVector::Felt,
            ..Query::default()
        };
        let both = [felt(HAPPY), felt(CALM)];
        let asked = QueryVector::like(&both, &query).unwrap().unwrap();
        assert_eq!(asked.target, [50., 0., 0., 0., 0., 0., 50., 0.]);
        let rest = asked.unlike(&both[..1], &query).unwrap();
        assert_eq!(rest.target, [-50., 0., 0., 0., 0., 0., 50., 0.]);
        let error = QueryVector::like(&songs(&[(HAPPY, [1., 0.])]), &query).unwrap_err();
        assert!(error.to_string().contains("has no `felt`"), "{error}");
    }

    #[test]
    fn a_song_without_a_direction_has_no_embedding_to_compare() {
        let query = like(&songs(&[(HAPPY, [0., 0.])]));
        assert_eq!(query.embedding, None);
    }
}

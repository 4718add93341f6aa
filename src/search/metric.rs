//! How songs are compared with what is asked.

use super::QueryVector;
use crate::emotion::Emotion;
use std::fmt;

/// What nearness means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Metric {
    /// Cosine of the angle between the eight percentages.
    #[default]
    Cosine,
    /// Cosine of the angle as seen from the even vector, eight times 12.5: what a song has more or less of than that counts.
    CenteredCosine,
    /// Distance between the eight percentages.
    Euclidean,
    /// Cosine of the angle between embeddings of the model; for questions that are made of songs.
    Embedding,
}

/// The largest distance of two vectors of percentages: all in one emotion, all in another.
const FARTHEST: f64 = 100.0 * std::f64::consts::SQRT_2;

impl Metric {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::CenteredCosine => "centered-cosine",
            Self::Euclidean => "euclidean",
            Self::Embedding => "embedding",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A question cannot be compared with songs in this way.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MetricError {
    /// When embeddings are to be compared and the question has none.
    #[error(
        "the metric embedding compares songs with songs: ask with --like, or choose another --metric"
    )]
    NoEmbedding,
    /// When the question's embedding is not of the library's model.
    #[error(
        "expected an embedding of {expected} numbers like the library's, found {found}; analyze the music again with this \
         model, or choose another --metric"
    )]
    EmbeddingLength { expected: usize, found: usize },
    /// When nothing is left of the question: eight equal percentages seen from the even vector, or opposites that cancel.
    #[error(
        "the question has no direction for the metric {metric}: nothing distinguishes it from the even vector or from \
         nothing; ask for something else, or choose another --metric"
    )]
    NoDirection { metric: Metric },
    /// When the question is a direction and no point.
    #[error(
        "the metric euclidean needs percentages, and what is left after subtracting sums to {sum:.3}; choose --metric \
         cosine or centered-cosine"
    )]
    NoPoint { sum: f64 },
}

/// What is asked, made ready for a metric.
#[derive(Debug, Clone)]
pub(super) struct Goal {
    metric: Metric,
    /// In double precision: of length 1, or (euclidean) with the sum 100.
    values: Vec<f64>,
    /// The same in single precision.
    pub(super) rough: Vec<f32>,
    /// Half of the square of its length.
    half_square: f64,
}

impl Goal {
    /// `embedding` is the length of the library's embeddings.
    pub(super) fn new(
        asked: &QueryVector,
        metric: Metric,
        embedding: usize,
    ) -> Result<Self, MetricError> {
        let values: Vec<f64> = match metric {
            Metric::Cosine => asked.target.to_vec(),
            Metric::CenteredCosine => {
                let mean = asked.target.iter().sum::<f64>() / Emotion::COUNT as f64;
                let largest = asked.target.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
                let centered = asked.target.map(|value| value - mean);
                // What rounding leaves of the even vector.
                if centered.iter().all(|value| value.abs() <= 1e-6 * largest) {
                    return Err(MetricError::NoDirection { metric });
                }
                centered.to_vec()
            }
            Metric::Euclidean => {
                let sum: f64 = asked.target.iter().sum();
                let size: f64 = asked.target.iter().map(|value| value.abs()).sum();
                if sum.is_nan() || sum <= 0.01 * size {
                    return Err(MetricError::NoPoint { sum });
                }
                asked.target.map(|value| 100.0 * value / sum).to_vec()
            }
            Metric::Embedding => {
                let values = asked.embedding.clone().ok_or(MetricError::NoEmbedding)?;
                if values.len() != embedding {
                    return Err(MetricError::EmbeddingLength {
                        expected: embedding,
                        found: values.len(),
                    });
                }
                values
            }
        };
        let values = match metric {
            Metric::Euclidean => values,
            _ => unit(&values).ok_or(MetricError::NoDirection { metric })?,
        };
        Ok(Self {
            metric,
            rough: values.iter().map(|value| *value as f32).collect(),
            half_square: values.iter().map(|value| value * value).sum::<f64>() / 2.0,
            values,
        })
    }

    /// How near a song is, in double precision: a cosine, -1 to 1, or for euclidean 1 for the same and 0 for all of one emotion
    /// against all of another.
    pub(super) fn similarity(&self, song: impl Iterator<Item = f64> + Clone) -> f64 {
        let pairs = || self.values.iter().zip(song.clone());
        if self.metric == Metric::Euclidean {
            let square: f64 = pairs().map(|(a, b)| (a - b) * (a - b)).sum();
            return 1.0 - square.sqrt() / FARTHEST;
        }
        let mean = match self.metric {
            Metric::CenteredCosine => song.clone().sum::<f64>() / self.values.len() as f64,
            _ => 0.0,
        };
        let (mut dot, mut square) = (0.0, 0.0);
        for (a, b) in pairs() {
            dot += a * (b - mean);
            square += (b - mean) * (b - mean);
        }
        // A song that is the even vector, or has an embedding of zeros, is like nothing.
        if square > 0.0 {
            (dot / square.sqrt()).clamp(-1.0, 1.0)
        } else {
            0.0
        }
    }

    /// The least rough score (see [`Block`](super::block::Block)) that a song with at least this similarity can have.
    pub(super) fn floor(&self, similarity: f64) -> f32 {
        let dimensions = self.values.len() as f64;
        let score = match self.metric {
            Metric::Euclidean => {
                let distance = (1.0 - similarity) * FARTHEST;
                let length = (2.0 * self.half_square).sqrt();
                self.half_square - distance * distance / 2.0 - 4e-6 * (length + 100.0).powi(2)
            }
            Metric::CenteredCosine => similarity - 1e-4,
            Metric::Cosine | Metric::Embedding => similarity - 5e-6 - 2e-7 * dimensions,
        };
        // Rounds to nearest; the margins are far larger.
        score as f32
    }
}

/// The same direction with the length 1; `None` where there is none.
fn unit(values: &[f64]) -> Option<Vec<f64>> {
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if !(largest > 0.0 && largest.is_finite()) || values.iter().any(|v| v.is_nan()) {
        return None;
    }
    // Divided by the largest first: no square can overflow or vanish.
    let scaled = values.iter().map(|value| value / largest);
    let length = scaled
        .clone()
        .map(|value| value * value)
        .sum::<f64>()
        .sqrt();
    Some(scaled.map(|value| value / length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emotion::EmotionVector;

    fn asked(target: [f64; 8]) -> QueryVector {
        QueryVector {
            target,
            embedding: None,
            excluded_rows: Vec::new(),
        }
    }

    fn similarity(metric: Metric, target: [f64; 8], song: [f64; 8]) -> f64 {
        let goal = Goal::new(&asked(target), metric, 0).unwrap();
        goal.similarity(song.iter().copied())
    }

    const HAPPY: [f64; 8] = [100., 0., 0., 0., 0., 0., 0., 0.];
    const TENSE: [f64; 8] = [0., 0., 100., 0., 0., 0., 0., 0.];
    const MOSTLY_EVEN: [f64; 8] = [19.5, 11.5, 11.5, 11.5, 11.5, 11.5, 11.5, 11.5];

    #[test]
    fn each_metric_is_what_its_definition_says() {
        let even = [12.5; 8];
        assert!((similarity(Metric::Cosine, HAPPY, even) - 1.0 / 8_f64.sqrt()).abs() < 1e-12);
        assert_eq!(similarity(Metric::Cosine, HAPPY, TENSE), 0.0);
        assert_eq!(similarity(Metric::CenteredCosine, HAPPY, even), 0.0);
        let more = similarity(Metric::CenteredCosine, HAPPY, MOSTLY_EVEN);
        assert!(
            (more - 1.0).abs() < 1e-12,
            "only the direction counts: {more}"
        );
        let opposite = similarity(Metric::CenteredCosine, HAPPY, TENSE);
        assert!((opposite + 1.0 / 7.0).abs() < 1e-12, "{opposite}");
        assert_eq!(similarity(Metric::Euclidean, HAPPY, HAPPY), 1.0);
        assert!(similarity(Metric::Euclidean, HAPPY, TENSE).abs() < 1e-12);
        let unit_of_any = [5., 0., 0., 0., 0., 0., 0., 0.];
        assert_eq!(similarity(Metric::Euclidean, unit_of_any, HAPPY), 1.0);
    }

    #[test]
    fn what_a_metric_cannot_compare_is_said() {
        let refused = |target, metric| Goal::new(&asked(target), metric, 4).unwrap_err();
        let even = EmotionVector::even().as_array().map(f64::from);
        let error = refused(even, Metric::CenteredCosine);
        assert!(error.to_string().contains("no direction"), "{error}");
        let error = refused([0.0; 8], Metric::Cosine);
        assert!(error.to_string().contains("no direction"), "{error}");
        let mut difference = HAPPY;
        difference[2] = -100.0;
        let error = refused(difference, Metric::Euclidean);
        assert!(error.to_string().contains("centered-cosine"), "{error}");
        let error = refused(HAPPY, Metric::Embedding);
        assert!(error.to_string().contains("--like"), "{error}");
        let with = |embedding: Vec<f64>| {
            let asked = QueryVector {
                embedding: Some(embedding),
                ..asked(HAPPY)
            };
            Goal::new(&asked, Metric::Embedding, 4)
        };
        let error = with(vec![1.0; 3]).unwrap_err();
        assert!(error.to_string().contains("found 3"), "{error}");
        assert!(with(vec![0.0; 4]).is_err());
        assert!(with(vec![f64::NAN, 1.0, 1.0, 1.0]).is_err());
        assert_eq!(with(vec![1e300; 4]).unwrap().values, [0.5; 4]);
    }
}

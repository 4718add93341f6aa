//! How songs are compared with a query vector.

use super::QueryVector;
use crate::{
    emotion::Emotion,
    error::{Error, Result},
};
use std::fmt;

/// How songs are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Metric {
    /// Angle between the eight percentages.
    #[default]
    Cosine,
    /// The same, seen from the even vector: a song's percentages count as differences from 12.5 %.
    CenteredCosine,
    /// Distance between the eight percentages; 1 for the same, 0 for the farthest.
    Euclidean,
    /// Product of the query's shares and the song's: for one emotion, the songs with most of it.
    Share,
    /// Angle between the embeddings of the model; with `--like` only.
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
            Self::Share => "share",
            Self::Embedding => "embedding",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A query vector, prepared for a metric.
#[derive(Debug, Clone)]
pub(super) struct Target {
    metric: Metric,
    /// Of length 1, or with the sum 100 (euclidean), or with sizes of the sum 1/100 (share).
    values: Vec<f64>,
}

impl Target {
    /// `embedding` is the length of the library's embeddings.
    pub(super) fn new(vector: &QueryVector, metric: Metric, embedding: usize) -> Result<Self> {
        let refused = |message: String| Err(Error::invalid(message));
        let no_direction = || {
            refused(format!(
                "the query vector is uniform or zero, so the metric {metric} is undefined; ask for something else, or choose \
                 another --metric"
            ))
        };
        let values: Vec<f64> = match metric {
            Metric::Cosine => vector.target.to_vec(),
            Metric::Share => {
                let size: f64 = vector.target.iter().map(|value| value.abs()).sum();
                vector.target.map(|value| value / size / 100.0).to_vec()
            }
            Metric::CenteredCosine => {
                let mean = vector.target.iter().sum::<f64>() / Emotion::COUNT as f64;
                let largest = vector.target.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
                let centered = vector.target.map(|value| value - mean);
                // The rest of rounding in a uniform vector.
                if centered.iter().all(|value| value.abs() <= 1e-6 * largest) {
                    return no_direction();
                }
                centered.to_vec()
            }
            Metric::Euclidean => {
                let sum: f64 = vector.target.iter().sum();
                let size: f64 = vector.target.iter().map(|value| value.abs()).sum();
                if sum.is_nan() || sum <= 0.01 * size {
                    return refused(format!(
                        "the metric euclidean needs percentages, but the vector after subtracting sums to {sum:.3}; choose \
                         --metric cosine or centered-cosine"
                    ));
                }
                vector.target.map(|value| 100.0 * value / sum).to_vec()
            }
            Metric::Embedding => match &vector.embedding {
                None => {
                    return refused(
                        "the metric embedding compares songs with songs: ask with --like, or choose another --metric"
                            .to_owned(),
                    );
                }
                Some(values) if values.len() != embedding => {
                    return refused(format!(
                        "expected an embedding of {embedding} numbers like the library's, found {}; analyze the music again \
                         with this model, or choose another --metric",
                        values.len()
                    ));
                }
                Some(values) => values.clone(),
            },
        };
        let values = match metric {
            Metric::Euclidean | Metric::Share => Some(values),
            _ => unit(&values),
        };
        match values {
            Some(values) => Ok(Self { metric, values }),
            None => no_direction(),
        }
    }

    /// A cosine, -1 to 1, or for euclidean 1 for the same vector and 0 for all of one emotion against all of another, or for
    /// share the product of the shares, -1 to 1.
    pub(super) fn similarity(&self, song: &[f32]) -> f64 {
        let pairs = || self.values.iter().zip(song.iter().copied().map(f64::from));
        if self.metric == Metric::Euclidean {
            let square: f64 = pairs().map(|(a, b)| (a - b) * (a - b)).sum();
            return 1.0 - square.sqrt() / FARTHEST;
        }
        if self.metric == Metric::Share {
            return pairs().map(|(a, b)| a * b).sum();
        }
        let mean = match self.metric {
            Metric::CenteredCosine => {
                song.iter().copied().map(f64::from).sum::<f64>() / song.len() as f64
            }
            _ => 0.0,
        };
        let (mut dot, mut square) = (0.0, 0.0);
        for (a, b) in pairs() {
            dot += a * (b - mean);
            square += (b - mean) * (b - mean);
        }
        // A uniform song, or an embedding of zeros, has no direction.
        if square > 0.0 {
            (dot / square.sqrt()).clamp(-1.0, 1.0)
        } else {
            0.0
        }
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

    fn vector(target: [f64; 8]) -> QueryVector {
        QueryVector {
            target,
            embedding: None,
            excluded_rows: Vec::new(),
        }
    }

    fn similarity(metric: Metric, target: [f64; 8], song: [f64; 8]) -> f64 {
        let target = Target::new(&vector(target), metric, 0).unwrap();
        target.similarity(&song.map(|value| value as f32))
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
    fn vectors_that_a_metric_cannot_compare_are_refused() {
        let refused = |target, metric| Target::new(&vector(target), metric, 4).unwrap_err();
        let even = EmotionVector::even().as_array().map(f64::from);
        let error = refused(even, Metric::CenteredCosine);
        assert!(error.to_string().contains("uniform or zero"), "{error}");
        let error = refused([0.0; 8], Metric::Cosine);
        assert!(error.to_string().contains("uniform or zero"), "{error}");
        let mut difference = HAPPY;
        difference[2] = -100.0;
        let error = refused(difference, Metric::Euclidean);
        assert!(error.to_string().contains("centered-cosine"), "{error}");
        let error = refused(HAPPY, Metric::Embedding);
        assert!(error.to_string().contains("--like"), "{error}");
        let with = |embedding: Vec<f64>| {
            let vector = QueryVector {
                embedding: Some(embedding),
                ..vector(HAPPY)
            };
            Target::new(&vector, Metric::Embedding, 4)
        };
        let error = with(vec![1.0; 3]).unwrap_err();
        assert!(error.to_string().contains("found 3"), "{error}");
        assert!(with(vec![0.0; 4]).is_err());
        assert!(with(vec![f64::NAN, 1.0, 1.0, 1.0]).is_err());
        assert_eq!(with(vec![1e300; 4]).unwrap().values, [0.5; 4]);
    }
}

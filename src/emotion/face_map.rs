//! [`FaceMap`]: from the expressions of a face to the eight emotions.

use super::{AffectBox, Emotion, EmotionVector, Expression, scaled_to};
use crate::error::{Context, Error, ErrorKind, Result};

/// Mean and standard deviation of the valence and arousal of the word that names an expression, scale 1 to 9: Warriner,
/// Kuperman & Brysbaert (2013), Norms of valence, arousal, and dominance for 13,915 English lemmas, Behavior Research Methods
/// 45, 1191-1207. A face at rest tells nothing about emotions, and has none.
pub(crate) const EXPRESSION_MEANS: [(Expression, Option<AffectBox>); Expression::COUNT] = [
    (Expression::Anger, means(2.50, 1.36, 5.93, 2.77)),
    (Expression::Disgust, means(3.32, 2.40, 5.00, 2.35)),
    (Expression::Fear, means(2.93, 1.79, 6.14, 2.76)),
    (Expression::Happiness, means(8.48, 0.81, 6.50, 2.63)),
    (Expression::Sadness, means(2.40, 1.10, 2.81, 2.25)),
    (Expression::Surprise, means(7.44, 1.58, 6.57, 2.75)),
    (Expression::Neutral, None),
    (Expression::Contempt, means(3.22, 1.80, 4.61, 2.57)),
];

const fn means(
    valence_mean: f64,
    valence_std: f64,
    arousal_mean: f64,
    arousal_std: f64,
) -> Option<AffectBox> {
    Some(AffectBox {
        valence_mean,
        valence_std,
        arousal_mean,
        arousal_std,
    })
}

/// The eight emotions of each expression.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceMap([[f64; Emotion::COUNT]; Expression::COUNT]);

impl Default for FaceMap {
    /// The boxes of the norms (Warriner et al. 2013), one deviation to each side, shared as a song's label is; the even vector for a face
    /// at rest.
    fn default() -> Self {
        let even = [100.0 / Emotion::COUNT as f64; Emotion::COUNT];
        Self(EXPRESSION_MEANS.map(|(_, around)| {
            // All means are on the scale, and all deviations above 0.
            around
                .and_then(|around| around.shares(1.0).ok())
                .unwrap_or(even)
        }))
    }
}

impl FaceMap {
    /// Makes a map of other vectors, in the order of [`Expression::ALL`], each in any unit.
    ///
    /// # Errors
    /// Where the eight numbers of an expression are not a valid vector.
    pub fn new(rows: [[f64; Emotion::COUNT]; Expression::COUNT]) -> Result<Self> {
        let mut percentages = rows;
        for (expression, row) in Expression::ALL.into_iter().zip(&mut percentages) {
            EmotionVector::from_weights(*row)
                .context(ErrorKind::InvalidInput, expression.name())?;
            // What sums to 100 stays as it is: a map that was printed reads back the same.
            let sum: f64 = row.iter().sum();
            if (sum - 100.0).abs() > 1e-9
                && let Some(scaled) = scaled_to(100.0, *row)
            {
                *row = scaled;
            }
        }
        Ok(Self(percentages))
    }

    /// The eight percentages of an expression, sum 100.
    pub fn get(&self, expression: Expression) -> &[f64; Emotion::COUNT] {
        &self.0[expression.index()]
    }

    /// The mean of the expressions' percentages, each with its weight (seconds, frames, probabilities: any unit), in the order
    /// of [`Expression::ALL`].
    ///
    /// ```
    /// use circumplex::{EmotionVector, Expression, FaceMap};
    /// let mut weights = [0.0; Expression::COUNT];
    /// weights[Expression::Neutral.index()] = 15.0;
    /// assert_eq!(FaceMap::default().mix(&weights).unwrap(), EmotionVector::even());
    /// ```
    ///
    /// # Errors
    /// Where a weight is negative or not finite, or all are zero.
    pub fn mix(&self, weights: &[f64; Expression::COUNT]) -> Result<EmotionVector> {
        for (expression, weight) in Expression::ALL.into_iter().zip(weights) {
            if !(weight.is_finite() && *weight >= 0.0) {
                return Err(Error::invalid(format!(
                    "the weight of {expression} must be a number of at least 0, found {weight}"
                )));
            }
        }
        let weights = scaled_to(1.0, *weights).ok_or_else(|| {
            Error::invalid("at least one expression must have a weight above zero, found none")
        })?;
        let mut mixed = [0.0; Emotion::COUNT];
        for (row, weight) in self.0.iter().zip(weights) {
            for (sum, share) in mixed.iter_mut().zip(row) {
                *sum += weight * share;
            }
        }
        EmotionVector::from_weights(mixed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of tests/reference/face_table.py, which computes the shares with shapely.
    fn reference() -> Vec<(Expression, [f64; 8])> {
        include_str!("../../tests/reference/face_table.csv")
            .lines()
            .skip(1)
            .map(|line| {
                let (name, numbers) = line.split_once(',').unwrap();
                let numbers: Vec<f64> = numbers.split(',').map(|n| n.parse().unwrap()).collect();
                (name.parse().unwrap(), numbers.try_into().unwrap())
            })
            .collect()
    }

    #[test]
    fn the_map_is_that_of_polygon_intersections_in_shapely() {
        let (map, reference) = (FaceMap::default(), reference());
        assert_eq!(reference.len(), Expression::COUNT);
        for (expression, expected) in reference {
            for (found, expected) in map.get(expression).iter().zip(expected) {
                assert!((found - expected).abs() < 1e-9, "{expression}");
            }
        }
    }

    #[test]
    fn the_means_are_in_the_order_of_the_expressions() {
        assert_eq!(
            EXPRESSION_MEANS.map(|(expression, _)| expression),
            Expression::ALL
        );
    }

    #[test]
    fn an_observation_is_the_weighted_mean_of_its_expressions() {
        let map = FaceMap::default();
        // Nine seconds of happiness, four at rest, two of surprise.
        let weights = [0.0, 0.0, 0.0, 9.0, 0.0, 2.0, 4.0, 0.0];
        let mixed = map.mix(&weights).unwrap();
        let reference = reference();
        let row = |wanted| reference.iter().find(|(e, _)| *e == wanted).unwrap().1;
        for emotion in Emotion::ALL {
            let n = emotion.index();
            let expected = (9.0 * row(Expression::Happiness)[n]
                + 2.0 * row(Expression::Surprise)[n]
                + 4.0 * 12.5)
                / 15.0;
            assert!((f64::from(mixed.get(emotion)) - expected).abs() < 1e-5);
        }
        // The unit does not matter, however large or small.
        for unit in [1e-300, 0.01, 1e307] {
            let scaled = weights.map(|weight| weight * unit);
            assert_eq!(map.mix(&scaled).unwrap(), mixed);
        }
    }

    #[test]
    fn invalid_weights_are_rejected() {
        let map = FaceMap::default();
        let error = map.mix(&[0.0; 8]).unwrap_err();
        assert!(error.to_string().contains("above zero"), "{error}");
        for bad in [-1.0, f64::INFINITY, f64::NAN] {
            let mut weights = [1.0; 8];
            weights[2] = bad;
            let error = map.mix(&weights).unwrap_err();
            assert!(error.to_string().contains("weight of fear"), "{error}");
        }
    }

    #[test]
    fn another_map_is_normalized_and_checked() {
        let mut rows = [[1.0; 8]; 8];
        rows[0] = [0.0, 0.0, 3.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let map = FaceMap::new(rows).unwrap();
        assert_eq!(map.get(Expression::Anger)[2], 75.0);
        assert_eq!(map.get(Expression::Contempt), &[12.5; 8]);
        let own = FaceMap::default();
        assert_eq!(FaceMap::new(own.0).unwrap(), own);
        rows[5] = [0.0; 8];
        let error = format!("{:#}", FaceMap::new(rows).unwrap_err());
        assert!(error.contains("surprise: at least one"), "{error}");
    }
}

//! Multinomial logistic regression with an L2 penalty, by Newton's method with conjugate gradients.

/// Newton steps, and conjugate gradients within one, after which the fit stops.
const MAX_STEPS: usize = 100;
const MAX_GRADIENTS: usize = 250;
/// The largest component of the gradient, per song, at which the fit has converged.
const TOLERANCE: f64 = 1e-9;

/// Linear scores of classes from standardized features, whose softmax are probabilities.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Regression {
    /// Mean and deviation of each feature over the training songs.
    means: Vec<f64>,
    deviations: Vec<f64>,
    /// For each class a weight for each standardized feature, and the intercept.
    weights: Vec<Vec<f64>>,
}

impl Regression {
    /// Fits weights to songs by minimizing the sum of their negative log-likelihoods and `penalty` / 2 times the sum of the squared
    /// weights; intercepts are free. Every class below `classes` must have a song, and `penalty` must be above 0: the minimum then
    /// exists and is unique, except for a constant that all intercepts may have in common.
    pub(super) fn fit(songs: &[&[f32]], labels: &[usize], classes: usize, penalty: f64) -> Self {
        let features = songs.first().map_or(0, |song| song.len());
        let count = songs.len() as f64;
        let mut means = vec![0.0; features];
        let mut deviations = vec![0.0; features];
        for song in songs {
            for (mean, value) in means.iter_mut().zip(*song) {
                *mean += f64::from(*value) / count;
            }
        }
        for song in songs {
            for ((deviation, mean), value) in deviations.iter_mut().zip(&means).zip(*song) {
                *deviation += (f64::from(*value) - mean).powi(2) / count;
            }
        }
        for deviation in &mut deviations {
            *deviation = deviation.sqrt();
            // A constant feature says nothing.
            if *deviation < 1e-12 {
                *deviation = 1.0;
            }
        }
        let mut fitted = Self {
            means,
            deviations,
            weights: vec![vec![0.0; features + 1]; classes],
        };
        let songs: Vec<Vec<f64>> = songs.iter().map(|song| fitted.standardized(song)).collect();
        fitted.minimize(&Problem {
            songs: &songs,
            labels,
            penalty,
        });
        fitted
    }

    /// Number of features of a song.
    pub(super) fn features(&self) -> usize {
        self.means.len()
    }

    /// The probability of each class.
    pub(super) fn probabilities(&self, song: &[f32]) -> Vec<f64> {
        softmax(&self.weights, &self.standardized(song))
    }

    /// The standardized features and 1, which the intercept multiplies.
    fn standardized(&self, song: &[f32]) -> Vec<f64> {
        let values = song.iter().zip(&self.means).zip(&self.deviations);
        let values =
            values.map(|((value, mean), deviation)| (f64::from(*value) - mean) / deviation);
        values.chain([1.0]).collect()
    }

    fn minimize(&mut self, problem: &Problem<'_>) {
        let mut point = problem.at(&self.weights);
        for _ in 0..MAX_STEPS {
            let largest = flat(&point.gradient).fold(0.0, |most: f64, g| most.max(g.abs()));
            if largest <= TOLERANCE * problem.songs.len() as f64 {
                break;
            }
            let step = problem.newton_step(&point);
            let slope = dot(&step, &point.gradient);
            // Halved until the loss falls by a part of what the slope promises.
            let mut length = 1.0;
            let next = loop {
                let mut weights = self.weights.clone();
                add(&mut weights, &step, length);
                let next = problem.at(&weights);
                if next.loss <= point.loss + 1e-4 * length * slope {
                    self.weights = weights;
                    break next;
                }
                length /= 2.0;
                if length < 1e-10 {
                    // Nothing is gained within the precision of numbers.
                    return;
                }
            };
            point = next;
        }
    }
}

struct Problem<'a> {
    /// Standardized features and 1.
    songs: &'a [Vec<f64>],
    labels: &'a [usize],
    penalty: f64,
}

/// The loss at some weights, and what its derivatives need.
struct Point {
    loss: f64,
    gradient: Vec<Vec<f64>>,
    /// The probabilities of each song.
    probabilities: Vec<Vec<f64>>,
}

impl Problem<'_> {
    fn at(&self, weights: &[Vec<f64>]) -> Point {
        let mut loss = 0.0;
        let mut gradient = self.penalized(weights);
        for (row, penalized) in weights.iter().zip(&gradient) {
            loss += row.iter().zip(penalized).map(|(w, g)| w * g).sum::<f64>() / 2.0;
        }
        let mut probabilities = Vec::with_capacity(self.songs.len());
        for (song, &label) in self.songs.iter().zip(self.labels) {
            let of_song = softmax(weights, song);
            loss -= of_song[label].max(f64::MIN_POSITIVE).ln();
            for (class, (row, probability)) in gradient.iter_mut().zip(&of_song).enumerate() {
                let error = probability - f64::from(u8::from(class == label));
                add_scaled(row, song, error);
            }
            probabilities.push(of_song);
        }
        Point {
            loss,
            gradient,
            probabilities,
        }
    }

    /// The penalty's gradient; that of the intercepts is 0.
    fn penalized(&self, weights: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut scaled = weights.to_vec();
        for row in &mut scaled {
            row.iter_mut().for_each(|weight| *weight *= self.penalty);
            row.iter_mut()
                .next_back()
                .into_iter()
                .for_each(|last| *last = 0.0);
        }
        scaled
    }

    /// The product of the second derivatives with a direction.
    fn curvature(&self, point: &Point, direction: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut product = self.penalized(direction);
        for (song, probabilities) in self.songs.iter().zip(&point.probabilities) {
            let scores: Vec<f64> = direction.iter().map(|row| inner(row, song)).collect();
            let mean = inner(probabilities, &scores);
            for ((row, probability), score) in product.iter_mut().zip(probabilities).zip(&scores) {
                add_scaled(row, song, probability * (score - mean));
            }
        }
        product
    }

    /// Solves curvature · step = -gradient by conjugate gradients, the more exactly the nearer the minimum is.
    fn newton_step(&self, point: &Point) -> Vec<Vec<f64>> {
        let mut step: Vec<Vec<f64>> = point
            .gradient
            .iter()
            .map(|row| vec![0.0; row.len()])
            .collect();
        let mut residual = step.clone();
        add(&mut residual, &point.gradient, -1.0);
        let mut direction = residual.clone();
        let mut squares = dot(&residual, &residual);
        let start = squares.sqrt();
        let enough = start * start.sqrt().min(0.1);
        for _ in 0..MAX_GRADIENTS {
            if squares.sqrt() <= enough {
                break;
            }
            let curved = self.curvature(point, &direction);
            let along = dot(&direction, &curved);
            if along <= 0.0 {
                break;
            }
            add(&mut step, &direction, squares / along);
            add(&mut residual, &curved, -squares / along);
            let next = dot(&residual, &residual);
            for row in &mut direction {
                row.iter_mut().for_each(|value| *value *= next / squares);
            }
            add(&mut direction, &residual, 1.0);
            squares = next;
        }
        step
    }
}

fn softmax(weights: &[Vec<f64>], song: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = weights.iter().map(|row| inner(row, song)).collect();
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    values
        .iter_mut()
        .for_each(|value| *value = (*value - largest).exp());
    let sum: f64 = values.iter().sum();
    values.iter_mut().for_each(|value| *value /= sum);
    values
}

fn flat(matrix: &[Vec<f64>]) -> impl Iterator<Item = f64> + '_ {
    matrix.iter().flatten().copied()
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn dot(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    a.iter().zip(b).map(|(a, b)| inner(a, b)).sum()
}

fn add_scaled(to: &mut [f64], values: &[f64], factor: f64) {
    for (to, value) in to.iter_mut().zip(values) {
        *to += factor * value;
    }
}

fn add(to: &mut [Vec<f64>], values: &[Vec<f64>], factor: f64) {
    for (to, values) in to.iter_mut().zip(values) {
        add_scaled(to, values, factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 40 songs of 3 classes with 5 features, one of them constant, as tests/reference/classify.py makes them.
    fn songs() -> (Vec<Vec<f32>>, Vec<usize>) {
        let song = |n: usize| {
            let value =
                |m: usize| ((n * m) % 19) as f32 / 19.0 + [0.0, 0.4, -0.3][n % 3] * (m % 4) as f32;
            vec![value(3), value(5), 10.0 * value(7), value(11), 4.0]
        };
        // Every seventh label is wrong.
        let label = |n: usize| {
            if n.is_multiple_of(7) {
                (n + 1) % 3
            } else {
                n % 3
            }
        };
        ((0..40).map(song).collect(), (0..40).map(label).collect())
    }

    // From tests/reference/classify.py: scikit-learn's probabilities of the first three songs, by penalty.
    const EXPECTED: [(f64, [[f64; 3]; 3]); 2] = [
        (
            0.5,
            [
                [0.446913363, 0.064149933, 0.488936704],
                [0.152541636, 0.815738731, 0.031719633],
                [0.26175481, 0.010409778, 0.727835413],
            ],
        ),
        (
            30.0,
            [
                [0.384009124, 0.17643891, 0.439551966],
                [0.295013187, 0.538075445, 0.166911369],
                [0.378088603, 0.124243752, 0.497667645],
            ],
        ),
    ];

    #[test]
    fn probabilities_are_those_of_scikit_learn() {
        let (songs, labels) = songs();
        let songs: Vec<&[f32]> = songs.iter().map(Vec::as_slice).collect();
        for (penalty, expected) in EXPECTED {
            let fitted = Regression::fit(&songs, &labels, 3, penalty);
            for (song, expected) in songs.iter().zip(expected) {
                let found = fitted.probabilities(song);
                for (found, expected) in found.iter().zip(expected) {
                    assert!(
                        (found - expected).abs() < 1e-6,
                        "{penalty}: {found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn separable_songs_and_huge_features_have_a_finite_fit() {
        let songs: [&[f32]; 4] = [&[1e30, 0.0], &[2e30, 0.0], &[-1e30, 0.0], &[-2e30, 0.0]];
        let fitted = Regression::fit(&songs, &[0, 0, 1, 1], 2, 1e-6);
        for (song, class) in songs.iter().zip([0, 0, 1, 1]) {
            let found = fitted.probabilities(song);
            assert!(found[class] > 0.99 && found[class] <= 1.0, "{found:?}");
        }
    }
}

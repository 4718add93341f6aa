//! Statistics of a library.

use crate::emotion::{Emotion, EmotionVector};

/// How songs spread over the eight emotions.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Spread {
    /// The number of songs.
    pub songs: u64,
    percentages: [f64; Emotion::COUNT],
    strongest: [u64; Emotion::COUNT],
}

impl Spread {
    /// Counts a song.
    pub(crate) fn add(&mut self, vector: &EmotionVector) {
        self.songs += 1;
        for (emotion, percentage) in vector.iter() {
            self.percentages[emotion.index()] += f64::from(percentage);
        }
        self.strongest[vector.strongest().index()] += 1;
    }

    /// For each emotion, its mean percentage over the songs, and the number of songs in which it is the strongest; `None`
    /// without songs.
    pub(crate) fn means(&self) -> Option<[(Emotion, f64, u64); Emotion::COUNT]> {
        (self.songs > 0).then(|| {
            Emotion::ALL.map(|emotion| {
                let mean = self.percentages[emotion.index()] / self.songs as f64;
                (emotion, mean, self.strongest[emotion.index()])
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_the_mean_of_the_songs() {
        let mut spread = Spread::default();
        assert_eq!(spread.means(), None);
        for weights in [
            [3., 1., 0., 0., 0., 0., 0., 0.],
            [0., 1., 0., 0., 0., 0., 0., 0.],
        ] {
            spread.add(&EmotionVector::from_weights(weights).unwrap());
        }
        let means = spread.means().unwrap();
        assert_eq!(means[0], (Emotion::Happy, 37.5, 1));
        assert_eq!(means[1], (Emotion::Excited, 62.5, 1));
        assert_eq!(means[2], (Emotion::Tense, 0.0, 0));
    }
}

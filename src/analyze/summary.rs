//! What a run came to.

use crate::{
    chain::{Song, StageTimes},
    emotion::Emotion,
};

/// Sums over the songs of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Songs that have an answer.
    pub songs: usize,
    /// Files that failed.
    pub failed: usize,
    /// Length of the songs, seconds.
    pub audio_s: f64,
    /// Time that all threads together spent in each stage, seconds.
    pub times: StageTimes,
    /// Sum of each emotion's percentage over the songs, in the order of the emotions.
    percentages: [f64; Emotion::COUNT],
    /// Songs whose strongest emotion it is.
    strongest: [usize; Emotion::COUNT],
}

impl Summary {
    /// Counts a song.
    pub fn add(&mut self, song: &Song) {
        self.songs += 1;
        self.audio_s += song.duration_s;
        self.times.decode += song.times.decode;
        self.times.resample += song.times.resample;
        self.times.mel += song.times.mel;
        self.times.predict += song.times.predict;
        let vector = &song.prediction.emotions;
        for emotion in Emotion::ALL {
            self.percentages[emotion.index()] += f64::from(vector.get(emotion));
        }
        self.strongest[vector.strongest().index()] += 1;
    }

    /// For each emotion in order: its mean percentage over the songs, and the number of songs whose strongest it is.
    /// `None` without songs.
    pub fn spread(&self) -> Option<[(Emotion, f64, usize); Emotion::COUNT]> {
        (self.songs > 0).then(|| {
            Emotion::ALL.map(|emotion| {
                let mean = self.percentages[emotion.index()] / self.songs as f64;
                (emotion, mean, self.strongest[emotion.index()])
            })
        })
    }

    /// The share of each stage in the time of all stages, in percent: decode, resample, mel, predict. `None` where no time
    /// was spent.
    pub fn stage_shares(&self) -> Option<[(&'static str, f64); 4]> {
        let stages = [
            ("decode", self.times.decode),
            ("resample", self.times.resample),
            ("mel", self.times.mel),
            ("predict", self.times.predict),
        ];
        let total: f64 = stages.iter().map(|(_, seconds)| seconds).sum();
        (total > 0.0).then(|| stages.map(|(name, seconds)| (name, 100.0 * seconds / total)))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::run::tests::a_song, *};
    use crate::emotion::EmotionVector;

    #[test]
    fn the_spread_is_the_mean_of_the_songs() {
        let mut summary = Summary::default();
        assert_eq!(summary.spread(), None);
        for weights in [
            [3., 1., 0., 0., 0., 0., 0., 0.],
            [0., 1., 0., 0., 0., 0., 0., 0.],
        ] {
            let mut song = a_song();
            song.prediction.emotions = EmotionVector::from_weights(weights).unwrap();
            summary.add(&song);
        }
        let spread = summary.spread().unwrap();
        assert_eq!(spread[0], (Emotion::Happy, 37.5, 1));
        assert_eq!(spread[1], (Emotion::Excited, 62.5, 1));
        assert_eq!(spread[2], (Emotion::Tense, 0.0, 0));
        assert_eq!(summary.audio_s, 60.0);
    }

    #[test]
    fn the_shares_of_the_stages_sum_to_100() {
        let mut summary = Summary::default();
        assert_eq!(summary.stage_shares(), None);
        summary.add(&a_song());
        let shares = summary.stage_shares().unwrap();
        assert_eq!(shares[0], ("decode", 50.0));
        assert_eq!(shares.iter().map(|(_, share)| share).sum::<f64>(), 100.0);
    }
}

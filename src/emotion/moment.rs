//! The emotions of a song over time.

use super::{Emotion, EmotionVector, vector::as_array};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The prediction for one window of a song.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Start of the window in the song, in seconds.
    pub start_s: f64,
    /// 1 to 9.
    pub valence: f32,
    /// 1 to 9.
    pub arousal: f32,
    /// The eight percentages.
    #[serde(with = "as_array")]
    pub emotions: EmotionVector,
    /// The percentages of what listeners feel, if the model learned from their votes.
    #[serde(
        with = "as_array::optional",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub felt: Option<EmotionVector>,
    /// The weights of equal parts of the window in the answer, in order, sum 1; empty if the model weights all
    /// alike. Libraries do not store them.
    #[serde(skip)]
    pub attention: Vec<f32>,
}

/// The mean over a stretch of a song.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stretch {
    /// Start and end in seconds.
    pub seconds: Range<f64>,
    /// 1 to 9.
    pub valence: f64,
    /// 1 to 9.
    pub arousal: f64,
    /// The eight percentages that the timeline is of, in their order, sum 100.
    pub emotions: [f64; Emotion::COUNT],
}

/// The moments of a song, one window after another. Of a window that overlaps the one before it, the part that is new
/// counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Timeline<'a> {
    /// In the order of their starts.
    pub moments: &'a [Moment],
    /// Length of a window in seconds.
    pub window_s: f64,
    /// End of the audio in seconds: a window that is longer than its song ends there as well.
    pub end_s: f64,
    /// Whether its percentages are those of what listeners feel, where a moment has them.
    pub is_felt: bool,
}

impl Timeline<'_> {
    /// From the first window's start to the last one's end, in seconds.
    pub(crate) fn extent(&self) -> Range<f64> {
        let start = self.moments.first().map_or(0.0, |first| first.start_s);
        let last = self.moments.last().map_or(start, |last| last.start_s);
        start..(last + self.window_s).min(self.end_s).max(start)
    }

    /// One stretch a window, without gap or overlap.
    pub(crate) fn windows(&self) -> impl Iterator<Item = Stretch> + '_ {
        let end = self.extent().end;
        let mut from = f64::NEG_INFINITY;
        self.moments.iter().map(move |moment| {
            let start = moment.start_s.max(from);
            from = (moment.start_s + self.window_s).min(end).max(start);
            let felt = moment.felt.filter(|_| self.is_felt);
            Stretch {
                seconds: start..from,
                valence: f64::from(moment.valence),
                arousal: f64::from(moment.arousal),
                emotions: felt.unwrap_or(moment.emotions).as_array().map(f64::from),
            }
        })
    }

    /// The windows if there are at most `most`, else `most` means over stretches of equal length.
    pub(crate) fn at_most(&self, most: usize) -> Vec<Stretch> {
        if self.moments.len() <= most {
            self.windows().collect()
        } else {
            self.slices(most)
        }
    }

    /// Means over `count` stretches of equal length, each window weighted with its part in the stretch.
    pub(crate) fn slices(&self, count: usize) -> Vec<Stretch> {
        let extent = self.extent();
        let step = (extent.end - extent.start) / count.max(1) as f64;
        (0..count)
            .filter_map(|n| {
                let from = extent.start + step * n as f64;
                self.mean(from..from + step)
            })
            .collect()
    }

    /// The mean over the whole timeline; `None` where it is empty.
    pub(crate) fn whole(&self) -> Option<Stretch> {
        self.mean(self.extent())
    }

    fn mean(&self, seconds: Range<f64>) -> Option<Stretch> {
        let mut sum = Stretch {
            seconds: seconds.clone(),
            valence: 0.0,
            arousal: 0.0,
            emotions: [0.0; Emotion::COUNT],
        };
        let mut total = 0.0;
        for window in self.windows() {
            let part =
                window.seconds.end.min(seconds.end) - window.seconds.start.max(seconds.start);
            if part > 0.0 {
                total += part;
                sum.valence += part * window.valence;
                sum.arousal += part * window.arousal;
                for (sum, value) in sum.emotions.iter_mut().zip(window.emotions) {
                    *sum += part * value;
                }
            }
        }
        (total > 0.0).then(|| Stretch {
            valence: sum.valence / total,
            arousal: sum.arousal / total,
            emotions: sum.emotions.map(|sum| sum / total),
            ..sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(start_s: f64, valence: f32) -> Moment {
        Moment {
            start_s,
            valence,
            arousal: 5.0,
            emotions: EmotionVector::even(),
            felt: None,
            attention: Vec::new(),
        }
    }

    #[test]
    fn an_overlapping_window_counts_where_it_is_new() {
        let moments = [moment(0.0, 2.0), moment(10.0, 4.0), moment(14.0, 8.0)];
        let timeline = Timeline {
            moments: &moments,
            window_s: 10.0,
            end_s: 24.0,
            is_felt: false,
        };
        let parts: Vec<Range<f64>> = timeline.windows().map(|part| part.seconds).collect();
        assert_eq!(parts, [0.0..10.0, 10.0..20.0, 20.0..24.0]);
        let whole = timeline.whole().unwrap();
        assert!((whole.valence - (20.0 + 40.0 + 32.0) / 24.0).abs() < 1e-9);
        let halves = timeline.slices(2);
        assert!((halves[0].valence - 28.0 / 12.0).abs() < 1e-9);
        assert_eq!(halves[1].seconds, 12.0..24.0);
        assert_eq!(timeline.at_most(3).len(), 3);
        assert_eq!(timeline.at_most(2), halves);
        assert!((halves[1].emotions.iter().sum::<f64>() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn a_short_song_ends_where_it_ends_and_nothing_has_no_mean() {
        let timeline = Timeline {
            moments: &[moment(0.0, 2.0)],
            window_s: 15.0,
            end_s: 3.0,
            is_felt: false,
        };
        assert_eq!(timeline.extent(), 0.0..3.0);
        let nothing = Timeline {
            moments: &[],
            ..timeline
        };
        assert_eq!(nothing.whole(), None);
        assert!(nothing.slices(4).is_empty() && nothing.at_most(4).is_empty());
    }

    #[test]
    fn a_timeline_is_of_the_emotions_or_of_what_is_felt() {
        let calm = EmotionVector::from_weights([0., 0., 0., 0., 0., 0., 1., 0.]).unwrap();
        let felt = Moment {
            felt: Some(calm),
            ..moment(0.0, 2.0)
        };
        let share = |is_felt| {
            let timeline = Timeline {
                moments: &[felt.clone(), moment(10.0, 4.0)],
                window_s: 10.0,
                end_s: 20.0,
                is_felt,
            };
            let shares: Vec<f64> = timeline.windows().map(|part| part.emotions[6]).collect();
            shares
        };
        assert_eq!(share(true), [100.0, 12.5]);
        assert_eq!(share(false), [12.5, 12.5]);
    }

    #[test]
    fn what_is_felt_is_absent_from_json_where_it_is_unknown() {
        let plain = moment(0.0, 2.0);
        let felt = Moment {
            felt: Some(EmotionVector::even()),
            ..plain.clone()
        };
        let written = |moment: &Moment| serde_json::to_value(moment).unwrap();
        assert!(written(&plain).get("felt").is_none());
        assert_eq!(written(&felt)["felt"].as_array().unwrap().len(), 8);
        for moment in [plain, felt.clone()] {
            let read: Moment = serde_json::from_value(written(&moment)).unwrap();
            assert_eq!(read, moment);
        }
        let mut damaged = written(&felt);
        damaged["felt"][0] = 50.0.into();
        assert!(serde_json::from_value::<Moment>(damaged).is_err());
    }
}

//! A picture of the labels of a data set: all songs on the plane, and the mean of each emotion.

use super::{LabelRow, LabelTable};
use crate::{
    emotion::Emotion,
    figure::{Plane, PlanePoint},
};

impl LabelTable {
    /// All songs on the plane, and the mean of each emotion.
    pub(crate) fn picture(&self, title: &str) -> Plane {
        let subtitle = format!(
            "{} songs; mean ± {} standard deviation{}, eight sectors of 45 degrees{}",
            self.rows.len(),
            self.sigma,
            if self.sigma == 1.0 { "" } else { "s" },
            match self.columns.exchanged {
                0 => String::new(),
                songs => format!("; crossed columns of {songs} songs corrected"),
            }
        );
        let mean = |emotion: Emotion| {
            let values = self.rows.iter().map(|row| row.percentages[emotion.index()]);
            values.sum::<f64>() / self.rows.len().max(1) as f64
        };
        let point = |row: &LabelRow| PlanePoint {
            valence: row.affect.valence_mean,
            arousal: row.affect.arousal_mean,
            strongest: row.argmax(),
        };
        Plane {
            title: title.to_owned(),
            subtitle,
            songs: self.rows.iter().map(point).collect(),
            means: Emotion::ALL.map(mean),
        }
    }
}

//! A picture of the labels of a data set: all songs on the plane, and the mean of each class.

use super::{LabelRow, LabelTable, Scheme};
use crate::figure::{Plane, PlanePoint};

impl LabelTable {
    /// All songs on the plane, and the mean of each class.
    pub(crate) fn picture(&self, title: &str) -> Plane {
        let classes = self.scheme.classes();
        let subtitle = format!(
            "{} songs; mean ± {} standard deviation{}, {}{}",
            self.rows.len(),
            self.sigma,
            if self.sigma == 1.0 { "" } else { "s" },
            match self.scheme {
                Scheme::Sectors => "eight sectors of 45 degrees",
                Scheme::Grid => "sixteen cells, the middle four neutral",
            },
            match self.columns.exchanged {
                0 => String::new(),
                songs => format!("; crossed columns of {songs} songs corrected"),
            }
        );
        let mean = |class: usize| {
            let values = self.rows.iter().map(|row| row.percentages[class]);
            values.sum::<f64>() / self.rows.len().max(1) as f64
        };
        let point = |row: &LabelRow| PlanePoint {
            valence: row.affect.valence_mean,
            arousal: row.affect.arousal_mean,
            class: row.argmax(),
        };
        Plane {
            title: title.to_owned(),
            subtitle,
            songs: self.rows.iter().map(point).collect(),
            means: (classes.into_iter().enumerate())
                .map(|(class, name)| (name, mean(class)))
                .collect(),
        }
    }
}

//! A picture of the labels of a data set: all songs on the plane, and the mean of each class.

use super::{LabelRow, LabelTable, Scheme};
use crate::figure::{Plane, PlanePoint};

impl LabelTable {
    /// All songs on the plane, and the mean of each class.
    pub(crate) fn picture(&self, title: &str) -> Plane {
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
        let point = |row: &LabelRow| PlanePoint {
            valence: row.affect.valence_mean,
            arousal: row.affect.arousal_mean,
            class: row.argmax(),
        };
        Plane {
            title: title.to_owned(),
            subtitle,
            songs: self.rows.iter().map(point).collect(),
            means: self
                .scheme
                .classes()
                .into_iter()
                .zip(self.means())
                .collect(),
        }
    }
}

//! Which quadrant is taken for which.

use crate::emotion::Quadrant;
use serde::{Serialize, Serializer, ser::SerializeStruct};

/// How many songs of each quadrant were given each quadrant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Confusion {
    /// `counts[true quadrant][predicted quadrant]`, both in the order of [`Quadrant::ALL`].
    pub counts: [[usize; 4]; 4],
}

impl Confusion {
    /// Counts songs, in pairs by position; what one side has more than the other is left out.
    pub fn of(truth: &[Quadrant], predicted: &[Quadrant]) -> Self {
        let mut confusion = Self::default();
        for (truth, predicted) in truth.iter().zip(predicted) {
            confusion.counts[*truth as usize][*predicted as usize] += 1;
        }
        confusion
    }

    /// How many songs are truly of the quadrant in a row.
    pub fn songs_of(&self, row: usize) -> usize {
        self.counts.get(row).map_or(0, |row| row.iter().sum())
    }
}

/// In JSON `{"quadrants": ["Q1", ..], "counts": [[..], ..]}`, a row for each true quadrant.
impl Serialize for Confusion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Confusion", 2)?;
        fields.serialize_field("quadrants", &Quadrant::ALL.map(Quadrant::name))?;
        fields.serialize_field("counts", &self.counts)?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_truth_and_columns_what_was_said() {
        use Quadrant::{Q1, Q2, Q3, Q4};
        let confusion = Confusion::of(&[Q1, Q1, Q1, Q3, Q4], &[Q1, Q2, Q2, Q3, Q1]);
        assert_eq!(
            confusion.counts,
            [[1, 2, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]]
        );
        assert_eq!(
            [0, 1, 2, 3, 4].map(|row| confusion.songs_of(row)),
            [3, 0, 1, 1, 0]
        );
        assert_eq!(
            serde_json::to_string(&confusion).unwrap(),
            r#"{"quadrants":["Q1","Q2","Q3","Q4"],"counts":[[1,2,0,0],[0,0,0,0],[0,0,1,0],[1,0,0,0]]}"#
        );
    }
}

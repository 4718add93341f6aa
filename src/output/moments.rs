//! Timelines as rows.

use crate::emotion::Emotion;
use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{Float32Type, Float64Type},
};

/// One window of a song's timeline.
pub(super) struct FlatMoment {
    /// The song's row in the batch.
    pub(super) row: usize,
    /// Place in the timeline, from 0.
    pub(super) number: i64,
    /// In seconds.
    pub(super) start_s: f64,
    /// 1 to 9.
    pub(super) valence: f32,
    /// 1 to 9.
    pub(super) arousal: f32,
    /// Eight percentages.
    pub(super) emotions: [f32; Emotion::COUNT],
}

/// The windows of all timelines of a batch, song after song. What is no timeline has none: the library's rows were checked when they
/// were read.
pub(super) fn moments(timelines: &ArrayRef) -> impl Iterator<Item = FlatMoment> + '_ {
    let lists = timelines.as_list_opt::<i32>();
    let rows = lists.map_or(0, |lists| lists.len());
    (0..rows).flat_map(move |row| {
        let list = lists.filter(|lists| lists.is_valid(row));
        let list = list.map(|lists| lists.value(row));
        let moments = list.as_ref().and_then(of_list).unwrap_or_default();
        let numbered = (0..).zip(moments);
        numbered.map(move |(number, moment)| FlatMoment {
            row,
            number,
            ..moment
        })
    })
}

fn of_list(list: &ArrayRef) -> Option<Vec<FlatMoment>> {
    let fields = list.as_struct_opt()?;
    let starts = fields
        .column_by_name("start_s")?
        .as_primitive_opt::<Float64Type>()?;
    let float = |name| {
        let column = fields.column_by_name(name)?;
        column.as_primitive_opt::<Float32Type>()
    };
    let (valence, arousal) = (float("valence")?, float("arousal")?);
    let emotions = fields
        .column_by_name("emotions")?
        .as_fixed_size_list_opt()?;
    (0..fields.len())
        .map(|n| {
            let vector = emotions.value(n);
            let vector = vector.as_primitive_opt::<Float32Type>()?;
            Some(FlatMoment {
                row: 0,
                number: 0,
                start_s: starts.value(n),
                valence: valence.value(n),
                arousal: arousal.value(n),
                emotions: vector.values()[..].try_into().ok()?,
            })
        })
        .collect()
}

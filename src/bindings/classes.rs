//! Classes of a person's own, as a report and a batch.

use crate::{
    ClassLabels, Classifier, ClassifyOptions, Library, Result, Song,
    error::{Context, ErrorKind},
    library::{Column, Columns},
    output::{Cell, Extra, Field},
};
use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

/// Learns classes from labels and gives them to all songs, as `circumplex classify`: its JSON, and a batch with a row for each song in the
/// order of the library: `path`, `track`, `title`, `artist`, `label` (as given), `class` (the label, or else the most probable class) and
/// `probability_CLASS` for each class. Silent songs have no class.
///
/// # Errors
/// Those of [`Classifier::train`].
pub fn classify(
    library: &Library,
    labels: &ClassLabels,
    options: &ClassifyOptions,
) -> Result<(String, RecordBatch)> {
    let classifier = Classifier::train(library, labels, options)?;
    let probabilities = classifier.probabilities(library)?;
    let report = serde_json::to_string(&classifier.report(library))
        .context(ErrorKind::Internal, "cannot write JSON")?;
    let columns = [Column::Path, Column::Track, Column::Title, Column::Artist];
    let songs = library.songs(Columns::of(&columns));
    let songs = songs.collect::<Result<Vec<Song>>>()?;
    let columns = columns.map(Field::Of).to_vec();
    let batch = batch(columns, &songs, &classifier.columns(&probabilities));
    let batch = batch.context(ErrorKind::Internal, "cannot make an Arrow batch")?;
    Ok((report, batch))
}

fn batch(
    mut fields: Vec<Field>,
    songs: &[Song],
    extra: &[Extra],
) -> Result<RecordBatch, ArrowError> {
    fields.extend((0..).zip(extra).map(|(number, extra)| extra.field(number)));
    let values = |row: usize| extra.iter().map(move |extra| extra.values[row].clone());
    let values: Vec<Vec<Cell<'static>>> =
        (0..songs.len()).map(|row| values(row).collect()).collect();
    let mut columns = Vec::new();
    for field in &fields {
        columns.push((field.name(), field.array(songs, &values, 0)?, true));
    }
    RecordBatch::try_from_iter_with_nullable(columns)
}

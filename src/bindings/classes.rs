//! Classes of a person's own, as a report and a batch.

use crate::{
    ClassLabels, Classifier, ClassifyOptions, Library, Result, Song,
    error::{Context, ErrorKind},
    library::{Column, Columns},
};
use arrow_array::{Array, ArrayRef, Float32Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, Field, Schema};
use std::sync::Arc;

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
    let batch = batch(&columns, &songs, &classifier, &probabilities);
    let batch = batch.context(ErrorKind::Internal, "cannot make an Arrow batch")?;
    Ok((report, batch))
}

fn batch(
    columns: &[Column],
    songs: &[Song],
    classifier: &Classifier,
    probabilities: &[Option<Vec<f32>>],
) -> Result<RecordBatch, ArrowError> {
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    let mut push = |name: String, array: ArrayRef| {
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    };
    for column in columns {
        push(column.name().to_owned(), column.encode(songs, 0)?);
    }
    let name = |class: usize| classifier.classes()[class].as_str();
    let labels = (0..songs.len() as u64).map(|row| classifier.label(row).map(name));
    push(
        "label".to_owned(),
        Arc::new(labels.collect::<StringArray>()),
    );
    let classes = (0..).zip(probabilities).map(|(row, of_song)| {
        let of_song = of_song.as_ref()?;
        Some(name(classifier.class(row, of_song)))
    });
    push(
        "class".to_owned(),
        Arc::new(classes.collect::<StringArray>()),
    );
    for (class, name) in classifier.classes().iter().enumerate() {
        let of_class = probabilities
            .iter()
            .map(|of_song| Some(of_song.as_ref()?[class]));
        let of_class: Float32Array = of_class.collect();
        push(format!("probability_{name}"), Arc::new(of_class));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

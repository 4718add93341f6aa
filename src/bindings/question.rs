//! Questions to a library, and their parts: faces, the model's input.

use super::analyze_outside;
use crate::{
    EmotionVector, Error, Expression, FaceMap, Filter, Library, MeanEmotions, Metric, Model, Query,
    QueryVector, Result, Song, SongVector,
    analysis::spectrograms,
    emotion::TYPICAL_DEVIATION,
    error::{Context, ErrorKind},
    face::{FaceModel, FaceReader, decode, read_picture},
    library::{Column, Columns},
    search::{find_songs, point, rows_of, song_at},
};
use arrow_array::{Array, ArrayRef, Float64Array, Int32Array, RecordBatch};
use arrow_schema::{ArrowError, Field, Schema};
use clap::ValueEnum;
use std::{
    collections::HashSet,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What songs are asked to be near to.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// Eight percentages.
    Emotions(EmotionVector),
    /// The emotions of a face, or those that people name: as listeners feel them where the library tells.
    Feeling(EmotionVector),
    /// Valence and arousal, 1 to 9, and the distance to each side of the box around them (1.5 by default).
    Point(f64, f64, Option<f64>),
    /// Songs of the library, named as for `circumplex query --like`, or music files.
    Songs(Vec<PathBuf>),
}

/// How a library is asked, as by the options of `circumplex query`.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Songs to subtract, named as for [`Asked::Songs`].
    pub unlike: Vec<PathBuf>,
    /// The name of a [`Metric`].
    pub metric: Option<String>,
    /// The name of a [`SongVector`]; by default `felt` for feelings where the library has it, else `emotions`.
    pub by: Option<String>,
    /// Compare relative to the mean of the library.
    pub relative: bool,
    /// A condition in SQL.
    pub condition: Option<String>,
    /// The most songs of one artist.
    pub per_artist: Option<NonZeroUsize>,
    /// The most songs of one album.
    pub per_album: Option<NonZeroUsize>,
    /// Only the best of several versions of a song.
    pub one_per_title: bool,
    /// Files that are no answers.
    pub exclude: HashSet<PathBuf>,
}

/// The `k` songs nearest to what is asked, as a batch: `rank`, `similarity`, and columns of the library. `model` analyzes music files
/// that are not in the library.
///
/// # Errors
/// Those of `circumplex query`.
pub fn nearest(
    library: &Library,
    asked: &Asked,
    options: &Options,
    k: NonZeroUsize,
    model: &Model,
) -> Result<RecordBatch> {
    let metric = named::<Metric>(options.metric.as_deref())?.unwrap_or_default();
    let has_felt = library.has_felt();
    let by = match (named(options.by.as_deref())?, asked) {
        (Some(SongVector::Felt), _) if !has_felt => {
            let message = "by=\"felt\": the model of the library did not learn from listeners' votes; ask by=\"emotions\", or \
                           re-analyze the music with a model that did";
            return Err(Error::invalid(message).with_path(library.name()));
        }
        (Some(by), _) => by,
        (None, Asked::Feeling(_)) if has_felt => SongVector::Felt,
        (None, _) => SongVector::Emotions,
    };
    if options.relative && metric == Metric::Embedding {
        let message = "relative compares percentages: leave it out, or choose another metric";
        return Err(Error::invalid(message));
    }
    let filter = options.condition.as_deref().map(str::parse::<Filter>);
    let query = Query {
        metric,
        by,
        relative_to: match options.relative {
            true => Some(MeanEmotions::of(library, by)?),
            false => None,
        },
        filter: filter.transpose()?,
        exclude: options.exclude.clone(),
        per_artist: options.per_artist,
        per_album: options.per_album,
        one_per_title: options.one_per_title,
        explore: None,
        tags: true,
    };
    let mut names = options.unlike.clone();
    let mut vector = match asked {
        Asked::Emotions(emotions) | Asked::Feeling(emotions) => Some((*emotions).into()),
        Asked::Point(valence, arousal, spread) => {
            Some(point(*valence, *arousal, spread.unwrap_or(TYPICAL_DEVIATION))?.into())
        }
        Asked::Songs(liked) => {
            names.extend(liked.iter().cloned());
            None
        }
    };
    let songs = songs_named(library, &names, model)?;
    let (unliked, liked) = songs.split_at(options.unlike.len());
    if vector.is_none() {
        vector = QueryVector::like(liked, &query)?;
    }
    let vector = vector.ok_or_else(|| Error::invalid("no song is given"))?;
    let mut vector = vector.unlike(unliked, &query)?;
    vector.excluded_rows = rows_of(library, &songs)?;

    let found = query.nearest(library, &vector, k)?;
    let ranks = found.iter().map(|found| i32::try_from(found.rank).ok());
    let ranks: Int32Array = ranks.collect();
    let similarities: Float64Array = found.iter().map(|found| Some(found.similarity)).collect();
    let songs: Vec<Song> = found.into_iter().map(|found| found.song).collect();
    answer(ranks, similarities, &songs).context(ErrorKind::Internal, "cannot make an Arrow batch")
}

/// The value of an option that is named as on the command line.
fn named<T: ValueEnum>(name: Option<&str>) -> Result<Option<T>> {
    let Some(name) = name else { return Ok(None) };
    let value = T::from_str(name, false);
    value.map(Some).map_err(|_| {
        let values = T::value_variants().iter().filter_map(T::to_possible_value);
        let values: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
        Error::invalid(format!("expected {}, found {name:?}", values.join(" or ")))
    })
}

fn songs_named(library: &Library, names: &[PathBuf], model: &Model) -> Result<Vec<Song>> {
    let rows = find_songs(library, names)?.into_iter().zip(names);
    let songs = rows.map(|(row, name)| match row {
        Some(row) => song_at(library, row),
        None => analyze_outside(library, name, model),
    });
    songs.collect()
}

fn answer(
    ranks: Int32Array,
    similarities: Float64Array,
    songs: &[Song],
) -> Result<RecordBatch, ArrowError> {
    let mut fields = vec![
        Field::new("rank", ranks.data_type().clone(), false),
        Field::new("similarity", similarities.data_type().clone(), false),
    ];
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(ranks), Arc::new(similarities)];
    let columns = Columns::LIST.with(Column::Felt).and(Columns::TAGS);
    for column in columns.iter() {
        let array = column.encode(songs, 0)?;
        let data_type = array.data_type().clone();
        fields.push(Field::new(column.name(), data_type, column.is_nullable()));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

/// A face in a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundFace {
    /// Left, top, width and height in pixels of the upright picture.
    pub region: [u32; 4],
    /// The probability of each expression, in the order of [`Expression::ALL`].
    pub expressions: [f64; Expression::COUNT],
    /// What they stand for.
    pub emotions: EmotionVector,
}

/// A picture: JPEG, PNG or WebP.
#[derive(Debug, Clone, Copy)]
pub enum Picture<'a> {
    /// A file to read.
    File(&'a Path),
    /// The content of a file.
    Content(&'a [u8]),
}

/// The largest face in a picture.
///
/// # Errors
/// If the picture cannot be read or shows no face.
pub fn face(picture: Picture<'_>) -> Result<FoundFace> {
    let (name, pixels) = match picture {
        Picture::File(path) => (Some(path), read_picture(path)?),
        Picture::Content(content) => (None, decode(content)?),
    };
    let name_error = |error: Error| match name {
        Some(path) => error.with_path(path),
        None => error,
    };
    let mut reader = FaceReader::new(FaceModel::shipped()?, FaceReader::SMALLEST)?;
    let found = reader.faces(&pixels).map_err(name_error)?;
    let message = "no face found; give a picture that shows one larger, or crop it";
    let largest = found.into_iter().next();
    let face = largest.ok_or_else(|| name_error(Error::invalid(message)))?;
    let expressions = face.expressions.map(f64::from);
    Ok(FoundFace {
        region: face.region,
        expressions,
        emotions: FaceMap::default().mix(&expressions)?,
    })
}

/// The model's input for a music file: dB, `[windows, bands, frames]` in one list, and the number of windows, bands and frames.
///
/// # Errors
/// If the file cannot be decoded.
pub fn mel(path: &Path, model: &Model) -> Result<(Vec<f32>, [usize; 3])> {
    let preprocessing = &model.metadata().preprocessing;
    let (mut values, mut windows) = (Vec::new(), 0);
    spectrograms(path, preprocessing, |window| {
        values.extend_from_slice(window.values);
        windows += 1;
        Ok(())
    })?;
    let shape = [windows, preprocessing.mel.n_mels, preprocessing.frames()];
    Ok((values, shape))
}

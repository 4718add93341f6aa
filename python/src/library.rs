//! [`Library`]: the songs of a library file, and questions to them.

use crate::{
    convert::{Music, emotions_of, expressions_of, labels_of, user_paths},
    model::{Model, shipped},
    raised,
    table::{Table, stream_capsule},
};
use circumplex::{
    ClassifyOptions, EmotionVector, FaceMap,
    bindings::{self, Asked, Options, Rows},
};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyCapsule, PyDict},
};
use std::{collections::HashSet, num::NonZeroUsize, path::PathBuf, sync::Arc};

/// A library: a Parquet file, a directory of them, or a list of both, read as one.
///
/// `pyarrow.table(library)` and the like read its rows, some thousand at a time.
#[pyclass(frozen, module = "circumplex")]
pub struct Library {
    inner: Arc<circumplex::Library>,
}

#[pymethods]
impl Library {
    #[new]
    fn new(py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<Self> {
        let paths = user_paths(path)?;
        let opened = py.detach(|| circumplex::Library::open_all(&paths));
        let inner = opened.map_err(|error| raised(py, &error))?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    fn __len__(&self) -> usize {
        usize::try_from(self.inner.rows()).unwrap_or(usize::MAX)
    }

    fn __repr__(&self) -> String {
        let (name, rows) = (self.inner.name(), self.inner.rows());
        format!("<circumplex.Library {name:?}: {rows} songs>")
    }

    /// Name of the model that made the vectors; `unknown` if another program dropped it.
    #[getter]
    fn model_name(&self) -> &str {
        &self.inner.info().model.name
    }

    /// SHA-256 of that model; empty if it is unknown.
    #[getter]
    fn model_identity(&self) -> &str {
        &self.inner.info().model.identity
    }

    /// The files that could not be analyzed, each with the reason.
    #[getter]
    fn failures(&self) -> Vec<(PathBuf, String)> {
        let failures = self.inner.failures().into_iter();
        failures
            .map(|failed| (failed.path, failed.reason))
            .collect()
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let rows = Rows::new(self.inner.clone(), None);
        let rows = rows.map_err(|error| raised(py, &error))?;
        stream_capsule(py, Box::new(rows))
    }

    /// Find the songs nearest to some emotions, a vector, songs, a point or a face; give exactly one of these.
    ///
    /// `emotions` are weights by name, `vector` is eight numbers in the order of `EMOTIONS`, `like` names songs (paths, ends of paths,
    /// titles, or music files outside the library), `point` is valence and arousal from 1 to 9, perhaps with the size of the box
    /// around it, `face` is a picture or weights of expressions by name. `unlike` subtracts songs. `where` is a condition in SQL. The
    /// other options are those of `circumplex query`.
    ///
    /// Returns at most `k` rows, nearest first: `rank`, `similarity`, and columns of the library.
    ///
    /// Raises Error if the library cannot be read or a value cannot be used.
    #[pyo3(signature = (
        *, emotions=None, vector=None, like=None, point=None, face=None, unlike=None, k=NonZeroUsize::MIN.saturating_add(4),
        r#where=None, metric=None, by=None, relative=false, limit_per_artist=None, limit_per_album=None, one_per_title=false,
        exclude=None, model=None
    ))]
    #[allow(clippy::too_many_arguments)]
    fn query(
        &self,
        py: Python<'_>,
        emotions: Option<&Bound<'_, PyDict>>,
        vector: Option<[f64; 8]>,
        like: Option<&Bound<'_, PyAny>>,
        point: Option<Vec<f64>>,
        face: Option<&Bound<'_, PyAny>>,
        unlike: Option<&Bound<'_, PyAny>>,
        k: NonZeroUsize,
        r#where: Option<String>,
        metric: Option<String>,
        by: Option<String>,
        relative: bool,
        limit_per_artist: Option<NonZeroUsize>,
        limit_per_album: Option<NonZeroUsize>,
        one_per_title: bool,
        exclude: Option<&Bound<'_, PyAny>>,
        model: Option<&Bound<'_, Model>>,
    ) -> PyResult<Table> {
        let asked = match (emotions, vector, like, point, face) {
            (Some(weights), None, None, None, None) => Asked::Feeling(emotions_of(weights)?),
            (None, Some(numbers), None, None, None) => {
                let vector = EmotionVector::from_weights(numbers);
                Asked::Emotions(vector.map_err(|error| raised(py, &error))?)
            }
            (None, None, Some(songs), None, None) => Asked::Songs(user_paths(songs)?),
            (None, None, None, Some(numbers), None) => match numbers[..] {
                [valence, arousal] => Asked::Point(valence, arousal, None),
                [valence, arousal, spread] => Asked::Point(valence, arousal, Some(spread)),
                _ => {
                    let message =
                        "expected a point (valence, arousal) or (valence, arousal, spread)";
                    return Err(PyValueError::new_err(message));
                }
            },
            (None, None, None, None, Some(face)) => Asked::Feeling(feeling_of(face)?),
            _ => {
                let message = "give exactly one of emotions, vector, like, point and face";
                return Err(PyTypeError::new_err(message));
            }
        };
        let paths = |paths: Option<&Bound<'_, PyAny>>| match paths {
            Some(paths) => user_paths(paths),
            None => Ok(Vec::new()),
        };
        let options = Options {
            unlike: paths(unlike)?,
            metric,
            by,
            relative,
            condition: r#where,
            per_artist: limit_per_artist,
            per_album: limit_per_album,
            one_per_title,
            exclude: HashSet::from_iter(paths(exclude)?),
        };
        let model = match model {
            Some(model) => model.get().inner.clone(),
            None => shipped(py)?,
        };
        let found = py.detach(|| bindings::nearest(&self.inner, &asked, &options, k, &model));
        found.map(Table::of).map_err(|error| raised(py, &error))
    }

    /// Learn classes of your own from a few labeled songs, and classify all.
    ///
    /// `labels` is a dictionary from songs (paths, ends of paths, file names or titles) to their classes, or a CSV or Parquet file, whose
    /// `column` has the classes. The other options are those of `circumplex classify`.
    ///
    /// Returns a report and a table. The report is the JSON of `circumplex classify`: `accuracy`, `macro_f1`, `baseline`, `classes`,
    /// `confusion` (by true and predicted class) and more, cross-validated with no artist on both sides, and `skipped`, the labels that were not used. The table has a
    /// row for each song, in the order of the library: `path`, `track`, `title`, `artist`, `label` (as given), `class` (the label, or else
    /// the most probable class) and `probability_CLASS` for each class. Silent songs have no class.
    ///
    /// Raises Error if the labels cannot be read, a song has two, none fits the library, or fewer than two classes are left.
    #[pyo3(signature = (
        labels, *, column=None, penalty=ClassifyOptions::default().penalty, folds=ClassifyOptions::default().folds,
        seed=ClassifyOptions::default().seed
    ))]
    #[allow(clippy::too_many_arguments)]
    fn classify<'py>(
        &self,
        py: Python<'py>,
        labels: &Bound<'py, PyAny>,
        column: Option<&str>,
        penalty: f64,
        folds: usize,
        seed: u64,
    ) -> PyResult<(Bound<'py, PyAny>, Table)> {
        let labels = labels_of(labels, column)?;
        let options = ClassifyOptions {
            penalty,
            folds,
            seed,
        };
        let classified = py.detach(|| bindings::classify(&self.inner, &labels, &options));
        let (report, batch) = classified.map_err(|error| raised(py, &error))?;
        let report = py.import("json")?.call_method1("loads", (report,))?;
        Ok((report, Table::of(batch)))
    }
}

/// The emotions of a face: a picture, or weights of expressions by name.
fn feeling_of(face: &Bound<'_, PyAny>) -> PyResult<EmotionVector> {
    let py = face.py();
    if let Ok(weights) = face.cast::<PyDict>() {
        let mixed = FaceMap::default().mix(&expressions_of(weights)?);
        return mixed.map_err(|error| raised(py, &error));
    }
    let picture: Music = face.extract()?;
    let found = py.detach(|| picture.face());
    found
        .map(|found| found.emotions)
        .map_err(|error| raised(py, &error))
}

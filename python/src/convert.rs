//! Python objects to the core's types.

use crate::raised;
use arrow_array::{
    RecordBatch, RecordBatchReader, StructArray,
    ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi},
    ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader},
};
use arrow_schema::{ArrowError, DataType};
use circumplex::{
    ClassLabels, Emotion, EmotionVector, Expression,
    bindings::{self, FoundFace, Picture, Source},
};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    intern,
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBytes, PyCapsule, PyDict, PyMapping, PyString, PyTuple},
};
use std::{ffi::CStr, path::PathBuf, str::FromStr};

/// A path that people give: text or an `os.PathLike`, with `~`.
pub struct UserPath(pub PathBuf);

impl<'a, 'py> FromPyObject<'a, 'py> for UserPath {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let expand = object.py().import("os.path")?.getattr("expanduser")?;
        Ok(Self(expand.call1((object,))?.extract()?))
    }
}

/// One path or several.
pub fn user_paths(object: &Bound<'_, PyAny>) -> PyResult<Vec<PathBuf>> {
    if object.is_instance_of::<PyString>() || object.hasattr("__fspath__")? {
        return Ok(vec![object.extract::<UserPath>()?.0]);
    }
    let paths = object.try_iter()?;
    paths
        .map(|path| Ok(path?.extract::<UserPath>()?.0))
        .collect()
}

/// A file, or the content of one.
pub enum Music {
    File(PathBuf),
    Content(PyBackedBytes),
}

impl<'a, 'py> FromPyObject<'a, 'py> for Music {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(match object.extract::<PyBackedBytes>() {
            Ok(content) => Self::Content(content),
            Err(_) => Self::File(object.extract::<UserPath>()?.0),
        })
    }
}

impl Music {
    /// The largest face of a picture.
    pub fn face(&self) -> circumplex::Result<FoundFace> {
        match self {
            Self::File(path) => bindings::face(Picture::File(path)),
            Self::Content(content) => bindings::face(Picture::Content(content)),
        }
    }

    /// The row to analyze. Like `circumplex analyze`, it has the absolute path.
    fn source(&self) -> Source<'_> {
        match self {
            Self::File(path) => {
                Source::File(std::path::absolute(path).unwrap_or_else(|_| path.clone()))
            }
            Self::Content(content) => Source::Content(None, content),
        }
    }
}

/// What `analyze` takes.
pub enum Input {
    Items(Vec<Music>),
    Batches(Vec<RecordBatch>),
}

impl<'a, 'py> FromPyObject<'a, 'py> for Input {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let object = object.to_owned();
        if let Some(batches) = arrow_batches(&object)? {
            return Ok(Self::Batches(batches));
        }
        let is_one = object.is_instance_of::<PyString>()
            || object.is_instance_of::<PyBytes>()
            || object.hasattr("__fspath__")?;
        if is_one {
            return Ok(Self::Items(vec![object.extract()?]));
        }
        let items = object.try_iter().map_err(|_| {
            PyTypeError::new_err(format!(
                "expected paths, bytes, or an Arrow batch with a column `path` or `content`, found {}",
                object.get_type()
            ))
        })?;
        let items = items.map(|item| item?.extract());
        items.collect::<PyResult<_>>().map(Self::Items)
    }
}

impl Input {
    /// The rows to analyze.
    pub fn sources(&self, py: Python<'_>) -> PyResult<Vec<Source<'_>>> {
        match self {
            Self::Items(items) => Ok(items.iter().map(Music::source).collect()),
            Self::Batches(batches) => {
                let mut sources = Vec::new();
                for batch in batches {
                    let some = bindings::sources(batch);
                    sources.extend(some.map_err(|error| raised(py, &error))?);
                }
                Ok(sources)
            }
        }
    }
}

/// The batches of an object with the methods of Arrow's PyCapsule interface; `None` for other objects.
pub fn arrow_batches(object: &Bound<'_, PyAny>) -> PyResult<Option<Vec<RecordBatch>>> {
    let py = object.py();
    if object.hasattr(intern!(py, "__arrow_c_stream__"))? {
        let capsule = object.call_method0(intern!(py, "__arrow_c_stream__"))?;
        let stream = pointer::<FFI_ArrowArrayStream>(&capsule, c"arrow_array_stream")?;
        // SAFETY: the interface promises a valid stream in a capsule of this name; `from_raw` moves it out and marks it released.
        let stream = unsafe { FFI_ArrowArrayStream::from_raw(stream) };
        let reader = RecordBatchStreamReader::try_new(stream).map_err(not_arrow)?;
        let schema = reader.schema();
        let mut batches = reader.collect::<Result<Vec<_>, _>>().map_err(not_arrow)?;
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(schema));
        }
        return Ok(Some(batches));
    }
    if object.hasattr(intern!(py, "__arrow_c_array__"))? {
        let capsules = object.call_method0(intern!(py, "__arrow_c_array__"))?;
        let (schema, array): (Bound<'_, PyAny>, Bound<'_, PyAny>) = capsules.extract()?;
        let schema = pointer::<FFI_ArrowSchema>(&schema, c"arrow_schema")?;
        let array = pointer::<FFI_ArrowArray>(&array, c"arrow_array")?;
        // SAFETY: as above; the schema stays in its capsule and is only read.
        let data = unsafe { from_ffi(FFI_ArrowArray::from_raw(array), &*schema) };
        let data = data.map_err(not_arrow)?;
        if !matches!(data.data_type(), DataType::Struct(_)) {
            let found = data.data_type();
            let message = format!("expected an Arrow batch, found an array of {found}");
            return Err(PyTypeError::new_err(message));
        }
        return Ok(Some(vec![RecordBatch::from(StructArray::from(data))]));
    }
    Ok(None)
}

fn pointer<T>(capsule: &Bound<'_, PyAny>, name: &CStr) -> PyResult<*mut T> {
    let capsule = capsule.cast::<PyCapsule>()?;
    Ok(capsule.pointer_checked(Some(name))?.cast::<T>().as_ptr())
}

fn not_arrow(error: ArrowError) -> PyErr {
    PyValueError::new_err(format!("the Arrow data cannot be read: {error}"))
}

/// Eight percentages from a dictionary of names and weights.
pub fn emotions_of(weights: &Bound<'_, PyDict>) -> PyResult<EmotionVector> {
    let py = weights.py();
    let weights = weights_of(weights, |name| Ok(Emotion::from_str(name)?.index()))?;
    EmotionVector::from_weights(weights).map_err(|error| raised(py, &error))
}

/// Classes of songs: a dictionary, or a file whose `column` has the classes.
pub fn labels_of(labels: &Bound<'_, PyAny>, column: Option<&str>) -> PyResult<ClassLabels> {
    let py = labels.py();
    let read = match (labels.cast::<PyMapping>(), column) {
        (Ok(labels), None) => {
            let mut pairs = Vec::new();
            for pair in labels.items()? {
                let (song, label): (UserPath, Bound<'_, PyAny>) = pair.extract()?;
                let UserPath(song) = song;
                let text = label.extract::<Option<String>>().map_err(|_| {
                    let found = label.get_type();
                    PyTypeError::new_err(format!(
                        "expected the class of {song:?} as text, found {found}"
                    ))
                })?;
                pairs.push((song, text.unwrap_or_default()));
            }
            ClassLabels::new(pairs)
        }
        (Ok(_), Some(_)) => {
            let message = "`column` names a column of a label file; leave it out with a dictionary";
            return Err(PyTypeError::new_err(message));
        }
        (Err(_), _) => {
            let path = labels.extract::<UserPath>()?.0;
            py.detach(|| ClassLabels::read(path, column))
        }
    };
    read.map_err(|error| raised(py, &error))
}

/// The weights of eight expressions from a dictionary.
pub fn expressions_of(weights: &Bound<'_, PyDict>) -> PyResult<[f64; Expression::COUNT]> {
    weights_of(weights, |name| Ok(Expression::from_str(name)?.index()))
}

fn weights_of<const N: usize>(
    weights: &Bound<'_, PyDict>,
    index: impl Fn(&str) -> circumplex::Result<usize>,
) -> PyResult<[f64; N]> {
    let mut values = [0.0; N];
    for (name, weight) in weights {
        let index = index(&name.extract::<String>()?);
        values[index.map_err(|error| raised(weights.py(), &error))?] += weight.extract::<f64>()?;
    }
    Ok(values)
}

/// Percentages by the names of the emotions.
pub fn emotions_dict<'py>(
    py: Python<'py>,
    emotions: &EmotionVector,
) -> PyResult<Bound<'py, PyDict>> {
    let answer = PyDict::new(py);
    for (emotion, percent) in emotions.iter() {
        answer.set_item(emotion.name(), percent)?;
    }
    Ok(answer)
}

/// The names of the eight emotions, in their order.
pub fn emotion_names(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
    PyTuple::new(py, Emotion::ALL.map(Emotion::name))
}

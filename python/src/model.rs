//! [`Model`], and the functions that analyze with it or with the model inside the package.

use crate::{
    convert::{Input, UserPath, user_paths},
    interruptible, raised,
    table::{Table, arrow_error},
};
use arrow_array::RecordBatchReader;
use circumplex::{
    AnalyzeOptions,
    bindings::{self, DirectoryOptions, Rows},
};
use pyo3::{
    prelude::*,
    types::{PyBool, PyByteArray, PyTuple},
};
use std::{
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::available_parallelism,
};

/// A model: one ONNX file, or the one inside the package.
///
/// `Model()` is the model inside the package, `Model(path)` one that `circumplex train` wrote. A model can be pickled, so that
/// engines send it to their workers. The functions of the module are methods of `Model()`.
#[pyclass(frozen, module = "circumplex")]
pub struct Model {
    pub inner: Arc<circumplex::Model>,
    path: Option<PathBuf>,
}

/// The model inside the package, loaded once in each process.
pub fn shipped(py: Python<'_>) -> PyResult<Arc<circumplex::Model>> {
    static SHIPPED: OnceLock<Arc<circumplex::Model>> = OnceLock::new();
    if let Some(model) = SHIPPED.get() {
        return Ok(model.clone());
    }
    let model = circumplex::Model::shipped().map_err(|error| raised(py, &error))?;
    Ok(SHIPPED.get_or_init(|| Arc::new(model)).clone())
}

#[pymethods]
impl Model {
    #[new]
    #[pyo3(signature = (path=None))]
    fn new(py: Python<'_>, path: Option<UserPath>) -> PyResult<Self> {
        let path = path.map(|path| path.0);
        let inner = match &path {
            Some(path) => {
                let model = py.detach(|| circumplex::Model::load(path));
                Arc::new(model.map_err(|error| raised(py, &error))?)
            }
            None => shipped(py)?,
        };
        Ok(Self { inner, path })
    }

    /// The model's name, from its recipe.
    #[getter]
    fn name(&self) -> &str {
        &self.inner.metadata().name
    }

    /// SHA-256 of the model file. Vectors of models with different identities are not comparable.
    #[getter]
    fn identity(&self) -> &str {
        self.inner.identity()
    }

    fn __repr__(&self) -> String {
        format!(
            "<circumplex.Model {:?} ({:.12})>",
            self.name(),
            self.identity()
        )
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let (class, path) = (slf.get_type(), slf.get().path.clone());
        (class, (path,)).into_pyobject(slf.py())
    }

    /// Analyze music on all cores.
    ///
    /// `music` is a path, the content of a file as bytes, or a list of both; or Arrow data (of pyarrow, Polars, DuckDB, pandas) with a
    /// column `path` (text) or `content` (binary). With `content` no file is read, and `path` is a name. Returns a row for each, in
    /// their order: the columns of a library, and `error`, the reason why a file failed. `threads` limits the cores, `timeline` adds the
    /// prediction for each window, `excerpt` ("45s" from the middle, "1:10:45s") analyzes a part of each song.
    ///
    /// Raises Error if an option cannot be used; a file that cannot be analyzed is a row.
    #[pyo3(signature = (music, *, threads=None, timeline=false, excerpt=None))]
    fn analyze(
        &self,
        py: Python<'_>,
        music: Input,
        threads: Option<NonZeroUsize>,
        timeline: bool,
        excerpt: Option<&str>,
    ) -> PyResult<Table> {
        let options = options(py, timeline, excerpt)?;
        let sources = music.sources(py)?;
        let threads = threads_or_all(threads);
        let work = |stop: &AtomicBool| {
            let rows = bindings::analyze_all(&sources, threads, &self.inner, &options, stop)?;
            bindings::batch_of(&rows, &self.inner, &options)
        };
        interruptible(py, work, || Ok(())).map(Table::of)
    }

    /// Analyze a batch of music on the calling thread: the function for engines that have workers of their own.
    ///
    /// `batch` and the result are those of `analyze`. The model is loaded once in each process, and other Python threads run meanwhile.
    #[pyo3(signature = (batch, *, timeline=false, excerpt=None))]
    fn analyze_batch(
        &self,
        py: Python<'_>,
        batch: Input,
        timeline: bool,
        excerpt: Option<&str>,
    ) -> PyResult<Table> {
        let options = options(py, timeline, excerpt)?;
        let mut rows = Vec::new();
        for source in batch.sources(py)? {
            rows.push(py.detach(|| bindings::analyze(&source, &self.inner, &options)));
            py.check_signals()?;
        }
        let batch = bindings::batch_of(&rows, &self.inner, &options);
        batch.map(Table::of).map_err(|error| raised(py, &error))
    }

    /// Bring a library file up to date with directories of music, as `circumplex analyze` does.
    ///
    /// Only new and changed files are analyzed, and an interrupted run resumes. After Ctrl-C the library is written with what is done.
    /// `progress=True` counts the files on standard error; a function is called with the numbers of finished, failed and all files.
    ///
    /// Returns the rows of the whole library, and after them a row with `error` for each file that failed.
    ///
    /// Raises Error if there is no music, or the library cannot be read or written.
    #[pyo3(signature = (
        folders, library, *, progress=None, threads=None, timeline=false, excerpt=None, exclude=Vec::new(), hidden=false, cue=false,
        force=false, keep_missing=false, retry_failed=false
    ))]
    #[allow(clippy::too_many_arguments)]
    fn analyze_folder(
        &self,
        py: Python<'_>,
        folders: &Bound<'_, PyAny>,
        library: UserPath,
        progress: Option<&Bound<'_, PyAny>>,
        threads: Option<NonZeroUsize>,
        timeline: bool,
        excerpt: Option<&str>,
        exclude: Vec<String>,
        hidden: bool,
        cue: bool,
        force: bool,
        keep_missing: bool,
        retry_failed: bool,
    ) -> PyResult<Table> {
        let folders = user_paths(folders)?;
        let UserPath(target) = library;
        let options = DirectoryOptions {
            analysis: options(py, timeline, excerpt)?,
            exclude,
            hidden,
            cue,
            force,
            keep_missing,
            retry_failed,
        };
        let threads = threads_or_all(threads);
        let counts: [AtomicUsize; 3] = Default::default();
        let work = |stop: &AtomicBool| {
            let failed = bindings::analyze_directories(
                &folders,
                &target,
                threads,
                &self.inner,
                &options,
                stop,
                |finished, failed, all| {
                    for (count, now) in counts.iter().zip([finished, failed, all]) {
                        count.store(now, Ordering::Relaxed);
                    }
                },
            )?;
            let library = circumplex::Library::open(&target)?;
            let rows = Rows::new(Arc::new(library), Some(failed))?;
            Ok((rows.schema(), rows.collect::<Result<Vec<_>, _>>()))
        };
        let report = || {
            let counts = counts.each_ref().map(|count| count.load(Ordering::Relaxed));
            progress.map_or(Ok(()), |progress| show(progress, counts))
        };
        let (schema, batches) = interruptible(py, work, report)?;
        report()?;
        if progress.is_some_and(|progress| progress.is(PyBool::new(py, true))) {
            write_error(py, "\n")?;
        }
        Ok(Table::new(schema, batches.map_err(arrow_error)?))
    }

    /// The input of the model for a song: a NumPy array of float32, `[windows, bands, frames]`, in decibels.
    ///
    /// Raises Error if the file cannot be decoded.
    fn mel<'py>(&self, py: Python<'py>, song: UserPath) -> PyResult<Bound<'py, PyAny>> {
        let (values, shape) = py
            .detach(|| bindings::mel(&song.0, &self.inner))
            .map_err(|error| raised(py, &error))?;
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_ne_bytes())
            .collect();
        let numpy = py.import("numpy")?;
        let flat = numpy.call_method1("frombuffer", (PyByteArray::new(py, &bytes), "f4"))?;
        flat.call_method1("reshape", (shape,))
    }
}

fn options(py: Python<'_>, timeline: bool, excerpt: Option<&str>) -> PyResult<AnalyzeOptions> {
    let excerpt = excerpt.map(str::parse).transpose();
    Ok(AnalyzeOptions {
        timeline,
        excerpt: excerpt.map_err(|error| raised(py, &error))?,
        ..AnalyzeOptions::default()
    })
}

/// The number of threads that is asked for, or one for each core that this process may use.
fn threads_or_all(threads: Option<NonZeroUsize>) -> NonZeroUsize {
    threads
        .or_else(|| available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN)
}

/// Calls a function with the numbers of finished, failed and all files; `True` writes them to standard error.
fn show(progress: &Bound<'_, PyAny>, counts: [usize; 3]) -> PyResult<()> {
    if !progress.is_exact_instance_of::<PyBool>() {
        return progress
            .call1(PyTuple::new(progress.py(), counts)?)
            .map(drop);
    }
    let [finished, failed, all] = counts;
    match progress.is_truthy()? {
        true => write_error(
            progress.py(),
            &format!("\r{finished}/{all} files, {failed} failed"),
        ),
        false => Ok(()),
    }
}

/// Writes to Python's standard error, which notebooks show.
fn write_error(py: Python<'_>, text: &str) -> PyResult<()> {
    let stderr = py.import("sys")?.getattr("stderr")?;
    stderr.call_method1("write", (text,))?;
    stderr.call_method0("flush").map(drop)
}

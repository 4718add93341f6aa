//! The Python package `circumplex`: the core through PyO3 and Arrow's C data interface. Its types are described in
//! `circumplex/__init__.pyi`.

mod convert;
mod library;
mod model;
mod table;

use pyo3::{exceptions::PyException, prelude::*, types::PyDict};
use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

pyo3::create_exception!(
    circumplex,
    Error,
    PyException,
    "A file, library, model or argument that cannot be used. `kind` is one word for programs, `path` the file or None."
);

/// The exception of an error.
fn raised(py: Python<'_>, error: &circumplex::Error) -> PyErr {
    let raised = Error::new_err(format!("{error:#}"));
    let value = raised.value(py);
    let set = value
        .setattr("kind", error.kind().name())
        .and_then(|()| value.setattr("path", error.path()));
    match set {
        Ok(()) => raised,
        Err(other) => other,
    }
}

/// Does some work on another thread without the GIL, while this one lets Python handle signals every tenth of a second and calls
/// `meanwhile`. After Ctrl-C `work` is told to stop, and its result is dropped.
fn interruptible<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&AtomicBool) -> circumplex::Result<T> + Send,
    mut meanwhile: impl FnMut() -> PyResult<()>,
) -> PyResult<T> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        let receiver = Mutex::new(receiver);
        let wait = || match receiver.lock() {
            Ok(receiver) => receiver.recv_timeout(Duration::from_millis(100)),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        };
        let stop = &stop;
        scope.spawn(move || sender.send(work(stop)));
        let mut raised_here = None;
        let result = loop {
            match py.detach(wait) {
                Ok(result) => break result.map_err(|error| raised(py, &error)),
                // `work` panicked, which the scope passes on.
                Err(RecvTimeoutError::Disconnected) => break Err(Error::new_err("a panic")),
                Err(RecvTimeoutError::Timeout) if raised_here.is_none() => {
                    if let Err(error) = py.check_signals().and_then(|()| meanwhile()) {
                        stop.store(true, Ordering::Relaxed);
                        raised_here = Some(error);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        match raised_here {
            Some(error) => Err(error),
            None => result,
        }
    })
}

/// Find the largest face in a picture and recognize its expression.
///
/// `picture` is a JPEG, PNG or WebP file, or its content as bytes. Returns a dictionary: `box` (left, top, width and height in
/// pixels), `expressions` (the probability of each, sum 1) and `emotions` (what they stand for, percentages, sum 100).
///
/// Raises Error if the picture cannot be read or shows no face.
#[pyfunction]
fn face<'py>(py: Python<'py>, picture: convert::Music) -> PyResult<Bound<'py, PyDict>> {
    let found = py.detach(|| picture.face());
    let found = found.map_err(|error| raised(py, &error))?;
    let answer = PyDict::new(py);
    let [left, top, width, height] = found.region;
    answer.set_item("box", (left, top, width, height))?;
    let expressions = PyDict::new(py);
    for (expression, share) in circumplex::Expression::ALL.iter().zip(found.expressions) {
        expressions.set_item(expression.name(), share)?;
    }
    answer.set_item("expressions", expressions)?;
    answer.set_item("emotions", convert::emotions_dict(py, &found.emotions)?)?;
    Ok(answer)
}

/// The core of the package.
#[pymodule]
mod _circumplex {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::{Error, face, library::Library, model::Model, table::Table};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        circumplex::bindings::silence_caught_panics();
        module.add("EMOTIONS", super::convert::emotion_names(module.py())?)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

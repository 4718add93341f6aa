//! Panics of code that reads untrusted files, turned into errors.
//!
//! Decoders and file readers of other crates promise not to panic on damaged input, and sometimes do. Code that reads a
//! file of unknown origin with them runs inside [`catch_panic`].

use crate::{Error, ErrorKind};
use std::{
    any::Any,
    cell::Cell,
    fmt,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Once,
};

/// A panic that was caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanicError {
    /// The message of the panic.
    pub message: String,
}

impl fmt::Display for PanicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a panic: {}", self.message)
    }
}

impl std::error::Error for PanicError {}

impl From<PanicError> for Error {
    fn from(panic: PanicError) -> Self {
        let message = "an internal error of circumplex (please report it)";
        Error::new(ErrorKind::Internal, message).with_source(panic)
    }
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs `work` and turns a panic in it into an error. The caller must not use what `work` may have left half done.
///
/// # Errors
/// [`PanicError`].
pub(crate) fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, PanicError> {
    DEPTH.set(DEPTH.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get().saturating_sub(1));
    result.map_err(|panic| PanicError {
        message: message(panic.as_ref()),
    })
}

/// Returns true inside `catch_panic`: a panic hook need not report what is caught.
pub fn is_caught() -> bool {
    DEPTH.get() > 0
}

fn message(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "without a message".to_owned(),
    }
}

/// Keeps the panic hook quiet about panics that are caught, for the rest of the process.
pub fn silence_caught_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !is_caught() {
                previous(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        silence_caught_panics();
        let caught = catch_panic(|| -> u8 {
            assert!(is_caught());
            panic!("there is a number")
        });
        assert_eq!(caught.unwrap_err().message, "there is a number");
        assert!(!is_caught());
        assert_eq!(catch_panic(|| 5), Ok(5));
    }
}

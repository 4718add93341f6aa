//! Panics of code that reads other people's files, turned into errors.
//!
//! Decoders and file readers of other crates promise not to panic on damaged input, and do all the same. What reads a
//! file of unknown origin with them runs inside [`contain`].

use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Happens when the contained code panicked: a damaged file met a defect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a panic: {message}")]
pub struct Panicked {
    /// What the panic said.
    pub message: String,
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs `work`; a panic in it becomes an error. The caller must not use further what `work` may have left half-done.
///
/// # Errors
/// [`Panicked`].
pub fn contain<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    DEPTH.set(DEPTH.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get().saturating_sub(1));
    result.map_err(|panic| Panicked {
        message: message(panic.as_ref()),
    })
}

/// Whether this thread is inside [`contain`]: a panic hook need not report what is caught.
pub fn is_contained() -> bool {
    DEPTH.get() > 0
}

fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}

/// Silences the panics that are caught, for the life of the process.
pub(crate) fn silence_contained_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !is_contained() {
                previous(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_that_says_what_the_panic_said() {
        silence_contained_panics();
        let caught = contain(|| -> u8 {
            assert!(is_contained());
            panic!("there is a number")
        });
        assert_eq!(caught.unwrap_err().message, "there is a number");
        assert!(!is_contained());
        assert_eq!(contain(|| 5), Ok(5));
    }
}

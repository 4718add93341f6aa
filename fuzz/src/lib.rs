//! Fuzz targets for what reads files of unknown origin. From the repository's root, with a nightly toolchain and
//! `cargo install cargo-fuzz`:
//!
//! ```sh
//! cp Cargo.lock fuzz/                                         # the same versions of all that is fuzzed
//! mkdir -p fuzz/corpus/sound && cp tests/fixtures/audio/* tests/corpus/sound/* fuzz/corpus/sound
//! cargo +nightly fuzz run sound -- -max_total_time=600        # or library, model, recipe, cue, journal, picture
//! ```
//!
//! A file that breaks something is kept in `tests/corpus`, which the ordinary tests go through.

pub mod readers;

use std::{panic, sync::Once};

pub use libfuzzer_sys;

/// A target that hands the fuzzer's bytes to a reader.
#[macro_export]
macro_rules! fuzz {
    ($reader:path) => {
        $crate::libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
            $crate::let_contained_panics_pass();
            // An error is an answer.
            let _ = $reader(bytes);
        });
    };
}

/// libFuzzer ends with every panic; those that the program catches and reports as an error are no finding.
pub fn let_contained_panics_pass() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let end = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !circumplex::testing::is_caught() {
                end(info);
            }
        }));
    });
}

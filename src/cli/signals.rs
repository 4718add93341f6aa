//! Ctrl-C, for commands that stop cleanly.

use super::CliError;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag::{register, register_conditional_shutdown},
};
use std::sync::{Arc, atomic::AtomicBool};

/// A flag that SIGINT (Ctrl-C) or SIGTERM sets. A second signal ends the program at once: what is done is on disk.
pub(crate) fn stop_on_signal() -> Result<Arc<AtomicBool>, CliError> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag unset, and sets it.
        register_conditional_shutdown(signal, 130, stop.clone())
            .and_then(|_| register(signal, stop.clone()))
            .map_err(|error| format!("cannot install a handler for Ctrl-C: {error}"))?;
    }
    Ok(stop)
}

//! Results on standard output, messages and progress on standard error.

use crate::{
    error::{Context, ErrorKind, Result},
    text::visible,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{self, Write},
    time::Duration,
};

/// Prints for one command.
pub(crate) struct Console {
    quiet: bool,
}

impl Console {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Whether `--quiet` was given.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints a result to standard output, with a line break at the end.
    ///
    /// # Errors
    /// Pass it on with `?`: a broken pipe is then not reported, everything else is.
    pub(crate) fn print(&self, result: &str) -> Result<()> {
        let mut out = io::stdout().lock();
        let end = if result.ends_with('\n') { "" } else { "\n" };
        out.write_all(result.as_bytes())
            .and_then(|()| out.write_all(end.as_bytes()))
            .and_then(|()| out.flush())
            .context(ErrorKind::Io, "cannot write to standard output")
    }

    /// Prints a message to standard error, unless `--quiet`.
    pub(crate) fn remark(&self, message: &str) {
        if !self.quiet {
            self.warning(message);
        }
    }

    /// Prints a problem that does not end the command, such as a failed file, to standard error, even with `--quiet`. Control
    /// characters are escaped, here as in remarks and errors.
    pub(crate) fn warning(&self, message: &str) {
        // Nothing can be done about a closed standard error.
        let _ = writeln!(io::stderr().lock(), "{}", visible(message));
    }

    /// A progress bar of `length` steps on standard error; invisible with `--quiet` and if standard error is not a terminal.
    /// `template` is indicatif's (`{bar} {pos}/{len} {msg}`).
    pub(crate) fn progress(&self, length: u64, template: Option<&str>) -> ProgressBar {
        let target = if self.quiet {
            ProgressDrawTarget::hidden()
        } else {
            // Draws only on a terminal.
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(length), target);
        let template = template.unwrap_or("{bar:30} {pos}/{len} {msg} {eta} left");
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        bar
    }
}

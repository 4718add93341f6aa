//! Where a person sees things: results on standard output, messages and progress on standard error.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{self, Write},
    time::Duration,
};

/// Standard output cannot be written: a full disk behind a redirection, or a pipe whose reader has left.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
pub struct OutputError(#[source] pub io::Error);

/// Prints for one command.
pub struct Console {
    quiet: bool,
}

impl Console {
    pub fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Whether only results and errors are wanted.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A result, to standard output, followed by a line break where it lacks one.
    ///
    /// # Errors
    /// [`OutputError`] where standard output cannot be written. Pass it on with `?`: a reader that has left is then no
    /// complaint, anything else is.
    pub fn print(&self, result: &str) -> Result<(), OutputError> {
        let mut out = io::stdout().lock();
        let end = if result.ends_with('\n') { "" } else { "\n" };
        out.write_all(result.as_bytes())
            .and_then(|()| out.write_all(end.as_bytes()))
            .and_then(|()| out.flush())
            .map_err(OutputError)
    }

    /// A remark, to standard error, unless `--quiet`.
    pub fn remark(&self, message: &str) {
        if !self.quiet {
            self.say(message);
        }
    }

    /// Something that went wrong though the command goes on (a file that failed), to standard error, even with `--quiet`.
    pub fn warning(&self, message: &str) {
        self.say(message);
    }

    /// What ended the command, to standard error, after the program's name.
    pub fn error(&self, message: &str) {
        self.say(&format!("circumplex: {message}"));
    }

    fn say(&self, message: &str) {
        // Where standard error is gone there is nobody left to tell.
        let _ = writeln!(io::stderr().lock(), "{message}");
    }

    /// A progress bar of `length` steps on standard error; invisible with `--quiet` and where standard error is no
    /// terminal. `template` is indicatif's (`{bar} {pos}/{len} {msg}`); without one a plain bar.
    pub fn progress(&self, length: u64, template: Option<&str>) -> ProgressBar {
        let target = if self.quiet {
            ProgressDrawTarget::hidden()
        } else {
            // Draws nothing by itself where standard error is no terminal.
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

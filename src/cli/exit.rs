//! Exit codes.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: everything that was asked for is done.
    Success,
    /// 1: nothing could be done: bad arguments, no such directory, no readable file, an output that cannot be written.
    Failure,
    /// 3: done, but some files failed.
    SomeFailed,
    /// 130: stopped by Ctrl-C; what was done is kept.
    Interrupted,
}

impl Exit {
    /// The rule for work on many files: nothing succeeded, some failed, or all is well.
    pub fn of_files(succeeded: usize, failed: usize) -> Self {
        match (succeeded, failed) {
            (0, _) => Exit::Failure,
            (_, 0) => Exit::Success,
            _ => Exit::SomeFailed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::SomeFailed => 3,
            Exit::Interrupted => 130,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_among_successes_is_code_3() {
        assert_eq!(Exit::of_files(5, 0), Exit::Success);
        assert_eq!(Exit::of_files(5, 1), Exit::SomeFailed);
        assert_eq!(Exit::of_files(0, 1), Exit::Failure);
        assert_eq!(Exit::of_files(0, 0), Exit::Failure);
    }
}

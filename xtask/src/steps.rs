//! Commands run one after another, each timed.

use std::{
    process::{Command, ExitCode, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// The steps done so far.
pub struct Steps {
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    pub fn new() -> Self {
        Self { done: Vec::new() }
    }

    /// Runs one step and prints how long it took; its failure ends the run.
    pub fn time<T>(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, String> {
        announce(name);
        let start = Instant::now();
        let result = step();
        let took = start.elapsed();
        match &result {
            Ok(_) => eprintln!("    {name}: done in {}", seconds(took)),
            Err(_) => eprintln!("    {name}: FAILED after {}", seconds(took)),
        }
        self.done.push((name, took));
        result
    }

    /// As [`time`](Self::time), for a command that has to succeed.
    pub fn run(&mut self, name: &'static str, command: &mut Command) -> Result<(), String> {
        self.time(name, || check(command))
    }

    /// The last command: the times of all steps are printed before it, and nothing after its own output, unless
    /// it fails.
    pub fn last(self, name: &'static str, command: &mut Command) -> Result<ExitCode, String> {
        announce("times");
        for (name, took) in &self.done {
            eprintln!("    {name:<30} {:>9}", seconds(*took));
        }
        let total = self.done.iter().map(|(_, took)| *took).sum();
        eprintln!("    {:<30} {:>9}", "total", seconds(total));
        announce(name);
        check(command)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Runs a command that must succeed.
pub fn check(command: &mut Command) -> Result<(), String> {
    match status(command)? {
        status if status.success() => Ok(()),
        status => Err(format!("{} failed ({status})", shown(command))),
    }
}

/// Runs a command and returns its exit code.
pub fn exit_code(command: &mut Command) -> Result<ExitCode, String> {
    let status = status(command)?;
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(code) => Ok(ExitCode::from(code)),
        None => Err(format!(
            "{} ended without an exit code ({status})",
            shown(command)
        )),
    }
}

fn status(command: &mut Command) -> Result<ExitStatus, String> {
    command.stdin(Stdio::null()).status().map_err(|error| {
        let program = command.get_program().to_string_lossy().into_owned();
        format!("{program} could not be started: {error}. Is it installed and on the PATH?")
    })
}

fn announce(name: &str) {
    eprintln!("\n==> {name}");
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|part| part.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

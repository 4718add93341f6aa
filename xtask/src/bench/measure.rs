//! The time and the memory of a program.

use std::{
    io::{self, Read},
    process::{Child, Command, Stdio},
    thread,
    time::Instant,
};

/// How one run of a program went.
pub struct Measured {
    pub wall_s: f64,
    /// The most memory that it held at once, in bytes, where the system tells.
    pub peak: Option<u64>,
    pub stdout: String,
}

impl Measured {
    pub fn peak_text(&self) -> String {
        self.peak
            .map_or("-".to_owned(), |bytes| format!("{} MB", bytes / 1_000_000))
    }
}

/// Runs a program to its end.
pub fn measure(command: &mut Command) -> Result<Measured, String> {
    end_with_us(command);
    let begin = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("could not be started: {error}"))?;
    let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let ended = wait(&mut child).map_err(|error| error.to_string())?;
    let wall_s = begin.elapsed().as_secs_f64();
    let text = |thread: thread::JoinHandle<String>| thread.join().unwrap_or_default();
    let (stdout, stderr) = (text(out), text(err));
    // 3: done, but some of the files failed.
    if !matches!(ended.code, Some(0 | 3)) {
        let last = stderr.lines().last().unwrap_or_default().to_owned();
        return Err(format!("ended with {:?}: {last}", ended.code));
    }
    if let Some(line) = stderr
        .lines()
        .find(|line| line.ends_with(" failed") && !line.starts_with("0 "))
    {
        eprintln!("    {line}");
    }
    Ok(Measured {
        wall_s,
        peak: ended.peak,
        stdout,
    })
}

/// Kills the measured program with this one, so that it cannot disturb the next measurement.
#[cfg(target_os = "linux")]
fn end_with_us(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    // SAFETY: between fork and exec only a system call that takes numbers is made.
    unsafe {
        command.pre_exec(|| {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) == -1 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn end_with_us(_: &mut Command) {}

/// Reads a pipe in the background, so that the program never waits for it.
fn drain(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

struct Ended {
    code: Option<i32>,
    peak: Option<u64>,
}

/// Waits for a program and reads the resources that it used.
#[cfg(unix)]
fn wait(child: &mut Child) -> io::Result<Ended> {
    let id = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    let mut status = 0;
    // SAFETY: a struct of integers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to values that live until the call returns.
        let waited = unsafe { libc::wait4(id, &mut status, 0, &mut usage) };
        if waited == id {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // macOS counts bytes, other systems KiB.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Ok(Ended {
        code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
        peak: u64::try_from(usage.ru_maxrss).ok().map(|most| most * unit),
    })
}

#[cfg(not(unix))]
fn wait(child: &mut Child) -> io::Result<Ended> {
    Ok(Ended {
        code: child.wait()?.code(),
        peak: None,
    })
}

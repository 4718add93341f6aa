//! Finds libtorch: the one that the user names, else a CPU build from PyPI's wheels, kept in the user's cache.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The version that `tch` in `Cargo.toml` is made for.
const VERSION: &str = "2.11.0";

/// Downloads, checks and unpacks the wheels: their format and the machine's settings for the package index are at
/// home in Python, and only its standard library is needed.
const FETCH: &str = include_str!("libtorch.py");

/// How a build finds libtorch.
pub enum Libtorch {
    /// The user has set `LIBTORCH` or `LIBTORCH_USE_PYTORCH` (named here), or has it in `/usr/lib`: used as it is.
    Own(&'static str),
    /// This directory, to be handed on in `LIBTORCH`.
    Cached(PathBuf),
}

impl Libtorch {
    /// Tells a command where libtorch is.
    pub fn set(&self, command: &mut Command) {
        if let Libtorch::Cached(directory) = self {
            command.env("LIBTORCH", directory);
        }
    }

    /// The line for a shell that sets the place for later commands.
    pub fn export_line(&self) -> String {
        match self {
            Libtorch::Own(what) => format!("# {what} is used as it is: nothing to export"),
            Libtorch::Cached(directory) => {
                format!(
                    "export LIBTORCH='{}'",
                    directory.to_string_lossy().replace('\'', r"'\''")
                )
            }
        }
    }
}

/// Finds libtorch, or sets it up where it can.
pub fn prepare() -> Result<Libtorch, String> {
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        eprintln!("    LIBTORCH_USE_PYTORCH is set: Python's PyTorch is used as it is");
        return Ok(Libtorch::Own("LIBTORCH_USE_PYTORCH"));
    }
    if let Some(directory) = env::var_os("LIBTORCH")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
    {
        if !directory.join("lib").is_dir() {
            return Err(format!(
                "LIBTORCH={}: expected a libtorch, a directory that holds `include` and `lib`, and found no `lib` in it. \
                 Correct the variable, or unset it to have libtorch {VERSION} set up.",
                directory.display()
            ));
        }
        eprintln!("    LIBTORCH={} is set: used as it is", directory.display());
        return Ok(Libtorch::Own("LIBTORCH"));
    }
    let system = Path::new("/usr/lib/libtorch.so");
    if cfg!(target_os = "linux") && system.exists() {
        eprintln!("    {} is there: used as it is", system.display());
        return Ok(Libtorch::Own("/usr/lib/libtorch.so"));
    }
    if !cfg!(all(
        target_os = "linux",
        target_arch = "x86_64",
        target_env = "gnu"
    )) {
        return Err(elsewhere());
    }
    let cache = cache_directory()?;
    let directory = cache.join(format!("libtorch-{VERSION}-cpu"));
    if !is_complete(&directory) {
        fetch(&cache, &directory)?;
    }
    if !is_complete(&directory) {
        return Err(format!(
            "{} is not a whole libtorch {VERSION}. Remove that directory and try again.",
            directory.display()
        ));
    }
    eprintln!("    libtorch {VERSION}: {}", directory.display());
    Ok(Libtorch::Cached(directory))
}

fn elsewhere() -> String {
    format!(
        "libtorch can only be set up automatically on x86-64 Linux with glibc. Here, either\n\
         - install PyTorch {VERSION} for Python (python3 -m pip install torch=={VERSION}) and set \
         LIBTORCH_USE_PYTORCH=1, or\n\
         - unpack libtorch {VERSION} (https://pytorch.org/get-started/locally/) and set LIBTORCH to its directory, the \
         one that holds `include` and `lib`.\n\
         Then run the command again. `cargo xtask test --no-train` runs everything that needs no libtorch."
    )
}

/// The directory is only ever renamed to its name when all is in it; this finds one that was tampered with since.
fn is_complete(directory: &Path) -> bool {
    let version = fs::read_to_string(directory.join("build-version")).unwrap_or_default();
    version.trim() == VERSION
        && [
            "include/torch/csrc/api/include/torch/torch.h",
            "lib/libtorch_cpu.so",
            "lib/libc10.so",
        ]
        .iter()
        .all(|file| directory.join(file).is_file())
}

/// The directory that keeps what is fetched once.
pub fn cache_directory() -> Result<PathBuf, String> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    if let Some(named) = env::var_os("CIRCUMPLEX_CACHE").filter(|value| !value.is_empty()) {
        let named = PathBuf::from(named);
        return std::path::absolute(&named)
            .map_err(|error| format!("CIRCUMPLEX_CACHE={}: {error}", named.display()));
    }
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|directory| directory.join("circumplex"))
        .ok_or_else(|| {
            "no place for libtorch: set CIRCUMPLEX_CACHE to a directory with 1.2 GB of room, or LIBTORCH to a libtorch \
             that is already there."
                .to_owned()
        })
}

fn fetch(cache: &Path, directory: &Path) -> Result<(), String> {
    fs::create_dir_all(cache).map_err(|error| {
        format!(
            "{}: this directory could not be made: {error}. Set CIRCUMPLEX_CACHE to one that can be written.",
            cache.display()
        )
    })?;
    let status = Command::new("python3")
        .args(["-c", FETCH])
        .args([cache, directory])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|error| {
            format!(
                "python3 could not be started: {error}. It downloads and unpacks libtorch. Install it, or set LIBTORCH \
                 to the directory of a libtorch {VERSION} that you have."
            )
        })?;
    match status.success() {
        true => Ok(()),
        false => Err(format!(
            "libtorch {VERSION} could not be set up; see the reason above. Run the command again to \
             resume, or set LIBTORCH to the directory of a libtorch {VERSION} that you have."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_download_resumes_checks_and_never_leaves_half_a_folder() {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/libtorch_test.py");
        match Command::new("python3").arg("-B").arg(tests).output() {
            Ok(run) => assert!(
                run.status.success(),
                "{}",
                String::from_utf8_lossy(&run.stderr)
            ),
            Err(error) => eprintln!("skipped: python3 could not be started ({error})"),
        }
    }

    #[test]
    fn both_halves_speak_of_one_version() {
        assert!(FETCH.contains(&format!("\nVERSION = \"{VERSION}\"\n")));
        assert!(FETCH.contains(&format!(
            "\"torch-{VERSION}-cp311-cp311-manylinux_2_28_x86_64.whl\""
        )));
    }

    #[test]
    fn the_line_to_export_survives_a_shell() {
        let libtorch = Libtorch::Cached(PathBuf::from("/home/o'neill/my cache"));
        assert_eq!(
            libtorch.export_line(),
            r"export LIBTORCH='/home/o'\''neill/my cache'"
        );
        let mut command = Command::new("true");
        libtorch.set(&mut command);
        assert_eq!(command.get_envs().count(), 1);
    }

    #[test]
    fn a_libtorch_of_the_user_is_used_as_it_is() {
        let mut command = Command::new("true");
        Libtorch::Own("LIBTORCH").set(&mut command);
        assert_eq!(command.get_envs().count(), 0);
    }

    #[test]
    fn a_folder_that_lacks_a_library_is_not_complete() {
        let directory = env::temp_dir().join(format!("circumplex-xtask-{}", std::process::id()));
        fs::create_dir_all(directory.join("lib")).expect("a temporary directory");
        fs::write(directory.join("build-version"), VERSION).expect("a file");
        assert!(!is_complete(&directory));
        fs::remove_dir_all(&directory).expect("a directory to remove");
    }
}

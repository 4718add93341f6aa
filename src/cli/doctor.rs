//! `circumplex doctor`: checks the set-up.

use super::{CliResult, Console, Exit};
use crate::{audio::ffmpeg, error::one_line, face::FaceModel, library::Library, model::Model};
use std::{
    env,
    error::Error,
    io::{self, IsTerminal},
    path::Path,
    thread::available_parallelism,
};

/// Report what this build can do and what is wrong with the set-up
#[derive(clap::Args)]
#[command(after_help = "\
Exit codes: 0 all checks passed; 1 something is wrong.

Examples:
  circumplex doctor
  circumplex doctor --library /srv/music.parquet")]
pub(crate) struct Args {
    /// The library to check
    #[arg(long, value_name = "LIBRARY", default_value = "library.parquet")]
    library: std::path::PathBuf,
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    let checks = [
        ("version", Ok(version())),
        ("formats", Ok(FORMATS.to_owned())),
        ("training", Ok(TRAINING.to_owned())),
        ("model", model()),
        ("face model", face_model()),
        ("ffmpeg", Ok(ffmpeg())),
        ("threads", threads()),
        ("temporary files", temporary_files()),
        ("terminal", Ok(terminal())),
        ("library", library(&args.library)),
    ];
    for (name, result) in &checks {
        console.print(&match result {
            Ok(found) => format!("{name:<16} {found}"),
            Err(problem) => format!("{name:<16} PROBLEM: {problem}"),
        })?;
    }
    Ok(match checks.iter().all(|(_, result)| result.is_ok()) {
        true => Exit::Success,
        false => Exit::Failure,
    })
}

/// The formats that the built-in decoders read, by container and codec.
const FORMATS: &str = "MP3, MP2, MP1, AAC and ALAC (MP4, M4A, ADTS), FLAC, Ogg Vorbis, Opus, WAV, AIFF, CAF, Matroska";

fn version() -> String {
    format!(
        "circumplex {} for {} {}",
        env!("CARGO_PKG_VERSION"),
        env::consts::OS,
        env::consts::ARCH
    )
}

const TRAINING: &str = match cfg!(feature = "train") {
    true => "in this build (libtorch)",
    false => {
        "not in this build; `cargo xtask install` in the source directory installs one that trains"
    }
};

/// Loads the model inside the program and predicts one window of silence.
fn model() -> Result<String, String> {
    let check = || -> Result<String, Box<dyn Error>> {
        let model = Model::shipped()?;
        let metadata = model.metadata();
        let shape = &metadata.preprocessing;
        model.predict(&vec![0.0; shape.mel.n_mels * shape.frames()])?;
        Ok(format!(
            "{} ({}), predicts",
            metadata.name,
            model.identity().get(..12).unwrap_or_default()
        ))
    };
    check().map_err(|error| one_line(error.as_ref()))
}

/// Loads the expression network inside the program, which runs it on an empty face.
fn face_model() -> Result<String, String> {
    let model = FaceModel::shipped().map_err(|error| one_line(&error))?;
    Ok(format!(
        "{} ({}), predicts",
        model.metadata().name,
        model.identity().get(..12).unwrap_or_default()
    ))
}

fn ffmpeg() -> String {
    let found = ffmpeg::program().and_then(|program| Some((program, ffmpeg::version(program)?)));
    match found {
        Some((program, version)) => format!(
            "{}: {version}; decodes what the built-in decoders cannot",
            program.display()
        ),
        None => "not found or not asked for: only the formats above are decoded".to_owned(),
    }
}

fn threads() -> Result<String, String> {
    available_parallelism()
        .map(|threads| format!("{threads} files at once"))
        .map_err(|error| format!("cannot count the cores: {error}; give --threads"))
}

fn temporary_files() -> Result<String, String> {
    let directory = env::temp_dir();
    let shown = directory.display();
    match tempfile::tempfile_in(&directory) {
        Ok(_) => Ok(format!("{shown} is writable")),
        Err(error) => Err(format!(
            "{shown}: cannot write: {error}; set TMPDIR to a directory that can be written"
        )),
    }
}

fn terminal() -> String {
    if !io::stderr().is_terminal() {
        return "standard error is no terminal: no progress bars".to_owned();
    }
    let (rows, columns) = console::Term::stderr().size();
    format!("{columns} columns, {rows} rows")
}

fn library(path: &Path) -> Result<String, String> {
    if !path.exists() {
        return Ok(format!(
            "{}: none yet; `circumplex analyze ~/Music` writes one",
            path.display()
        ));
    }
    Library::open(path)
        .map(|library| super::library::provenance(&library))
        .map_err(|error| one_line(&error))
}

//! Analyses the files of a list with bliss-audio: bliss THREADS LIST. Built by `cargo xtask bench` as a program of its own.

use bliss_audio::{
    AnalysisOptions,
    decoder::{Decoder, symphonia::SymphoniaDecoder},
};
use std::{env, fs, num::NonZeroUsize, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [threads, list] = arguments.as_slice() else {
        return ExitCode::FAILURE;
    };
    let (Ok(threads), Ok(list)) = (threads.parse::<NonZeroUsize>(), fs::read_to_string(list)) else {
        return ExitCode::FAILURE;
    };
    let options = AnalysisOptions {
        number_cores: threads,
        ..Default::default()
    };
    let paths: Vec<&str> = list.lines().collect();
    let mut failed = 0;
    for (path, song) in SymphoniaDecoder::analyze_paths_with_options(paths, options) {
        if let Err(error) = song {
            eprintln!("{}: {error}", path.display());
            failed += 1;
        }
    }
    eprintln!("{failed} failed");
    ExitCode::SUCCESS
}

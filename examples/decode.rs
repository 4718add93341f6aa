//! Decodes sound files as `analyze` does, for comparing with other decoders and for timing.
//!
//! ```text
//! cargo run --release --example decode -- [--to HZ] [--raw OUT.f32] [--threads N] [--list LIST] FILE...
//! ```
//!
//! Prints one line per file: samples, rate, channels, codec, damaged packets, seconds for decoding and for resampling,
//! tags; or the error. `--list` names a file with a path on each line. `--raw` writes the mono samples of the last file as
//! little-endian 32-bit floats.

use circumplex::{Decoder, Resampler, Result};
use rayon::{ThreadPoolBuilder, prelude::*};
use std::{io::Write as _, path::Path, process::ExitCode, time::Instant};

struct Outcome {
    /// All of them, or only the last block where they are not to be kept.
    samples: Vec<f32>,
    count: usize,
    seconds: f64,
    decode_s: f64,
    resample_s: f64,
    facts: String,
}

fn decode(path: &Path, to: Option<u32>, keep: bool) -> Result<Outcome> {
    let start = Instant::now();
    let mut decoder = Decoder::open(path)?;
    let rate = decoder.info().sample_rate;
    let mut resampler = Resampler::new(rate, to.unwrap_or(rate))?;
    let mut samples = Vec::new();
    let (mut count, mut resample_s) = (0, 0.0);
    while let Some(block) = decoder.next_block()? {
        let before = Instant::now();
        resampler.push(block, &mut samples)?;
        resample_s += before.elapsed().as_secs_f64();
        if !keep {
            count += samples.len();
            samples.clear();
        }
    }
    resampler.finish(&mut samples)?;
    count += samples.len();
    let info = decoder.info();
    let facts = format!(
        "{} Hz\t{} ch\t{}\t{} damaged\t{:?}",
        info.sample_rate,
        info.channels,
        info.codec,
        decoder.info().damaged_packets,
        info.tags
    );
    Ok(Outcome {
        decode_s: start.elapsed().as_secs_f64() - resample_s,
        resample_s,
        seconds: count as f64 / f64::from(to.unwrap_or(rate)),
        samples,
        count,
        facts,
    })
}

fn main() -> ExitCode {
    let (mut to, mut raw, mut threads, mut files) = (None, None, 1, Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--to" => to = args.next().and_then(|hz| hz.parse().ok()),
            "--raw" => raw = args.next(),
            "--threads" => threads = args.next().and_then(|n| n.parse().ok()).unwrap_or(1),
            "--list" => {
                let list = args.next().unwrap_or_default();
                match std::fs::read_to_string(&list) {
                    Ok(list) => files.extend(list.lines().map(str::to_owned)),
                    Err(error) => {
                        eprintln!("{list}: {error}");
                        return ExitCode::FAILURE;
                    }
                }
            }
            _ => files.push(arg),
        }
    }
    let pool = match ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let last = files.len().wrapping_sub(1);
    let one = |(n, file): (usize, &String)| {
        let keep = raw.as_ref().filter(|_| n == last);
        match decode(Path::new(file), to, keep.is_some()) {
            Ok(outcome) => {
                println!(
                    "{file}\t{}\t{}\t{:.4} s\t{:.4} s",
                    outcome.count, outcome.facts, outcome.decode_s, outcome.resample_s
                );
                if let Some(raw) = keep {
                    let bytes: Vec<u8> = outcome
                        .samples
                        .iter()
                        .flat_map(|x| x.to_le_bytes())
                        .collect();
                    let written = std::fs::File::create(raw).and_then(|mut f| f.write_all(&bytes));
                    if let Err(error) = written {
                        eprintln!("{raw}: {error}");
                        return None;
                    }
                }
                Some([outcome.decode_s, outcome.resample_s, outcome.seconds])
            }
            Err(error) => {
                println!("{file}\tfailed\t{}\t{error}", error.kind().name());
                None
            }
        }
    };
    // One file at a time for each thread, as `analyze` does.
    let outcomes: Vec<_> =
        pool.install(|| files.iter().enumerate().par_bridge().map(one).collect());
    let sum = |part: usize| -> f64 { outcomes.iter().flatten().map(|times| times[part]).sum() };
    println!(
        "decode {:.3} s, resample {:.3} s, {} files, {:.1} s of sound",
        sum(0),
        sum(1),
        files.len(),
        sum(2)
    );
    if outcomes.iter().all(Option::is_some) {
        ExitCode::SUCCESS
    } else {
        // As `analyze` ends where some of the files failed.
        ExitCode::from(3)
    }
}

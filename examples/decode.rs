//! Decodes sound files as `analyze` does, for comparing with other decoders and for timing.
//!
//! ```text
//! cargo run --release --example decode -- [--to HZ] [--raw OUT.f32] FILE...
//! ```
//!
//! Prints one line per file: samples, rate, channels, codec, damaged packets, seconds for decoding and for resampling,
//! tags; or the error. `--raw` writes the mono samples of the last file as little-endian 32-bit floats.

use circumplex::audio::{AudioError, Decoder, Resampler};
use std::{io::Write as _, path::Path, process::ExitCode, time::Instant};

struct Outcome {
    /// All of them, or only the last block where they are not to be kept.
    samples: Vec<f32>,
    count: usize,
    decode_s: f64,
    resample_s: f64,
    facts: String,
}

fn decode(path: &Path, to: Option<u32>, keep: bool) -> Result<Outcome, AudioError> {
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
        decoder.damaged_packets(),
        info.tags
    );
    Ok(Outcome {
        decode_s: start.elapsed().as_secs_f64() - resample_s,
        resample_s,
        samples,
        count,
        facts,
    })
}

fn main() -> ExitCode {
    let (mut to, mut raw, mut files) = (None, None, Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--to" => to = args.next().and_then(|hz| hz.parse().ok()),
            "--raw" => raw = args.next(),
            _ => files.push(arg),
        }
    }
    let (mut decode_s, mut resample_s, mut failed) = (0.0, 0.0, false);
    for file in &files {
        match decode(Path::new(file), to, raw.is_some()) {
            Ok(outcome) => {
                println!(
                    "{file}\t{}\t{}\t{:.4} s\t{:.4} s",
                    outcome.count, outcome.facts, outcome.decode_s, outcome.resample_s
                );
                decode_s += outcome.decode_s;
                resample_s += outcome.resample_s;
                if let Some(raw) = &raw {
                    let bytes: Vec<u8> = outcome
                        .samples
                        .iter()
                        .flat_map(|x| x.to_le_bytes())
                        .collect();
                    let written = std::fs::File::create(raw).and_then(|mut f| f.write_all(&bytes));
                    if let Err(error) = written {
                        eprintln!("{raw}: {error}");
                        failed = true;
                    }
                }
            }
            Err(error) => {
                println!("{file}\tfailed\t{}\t{error}", error.kind().name());
                failed = true;
            }
        }
    }
    println!(
        "decode {decode_s:.3} s, resample {resample_s:.3} s, {} files",
        files.len()
    );
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

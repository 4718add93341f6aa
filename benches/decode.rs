//! Decoding and resampling on one core: one second of audio of every codec, and 30 s of noise from the usual rates.
//!
//! ```sh
//! cargo bench --manifest-path benches/Cargo.toml --bench decode
//! ```

use circumplex::{Decoder, Resampler};
use circumplex_benches::noise;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::{
    hint::black_box,
    path::{Path, PathBuf},
};

/// One or two seconds each, from the tests.
const FILES: [&str; 10] = [
    "cbr.mp3",
    "vbr.mp3",
    "mpeg2-mono.mp3",
    "aac.m4a",
    "alac.m4a",
    "flac.flac",
    "vorbis.ogg",
    "opus.opus",
    "s16.wav",
    "layer2.mp2",
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures/audio")
        .join(name)
}

/// Decodes a file to its end; the number of its mono samples.
fn decode(path: &Path) -> u64 {
    let mut decoder = Decoder::open(path).expect("a file of the tests opens");
    let mut samples = 0;
    while let Some(block) = decoder.next_block().expect("a file of the tests is whole") {
        samples += black_box(block).len() as u64;
    }
    samples
}

fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for name in FILES {
        let path = fixture(name);
        group.throughput(Throughput::Elements(decode(&path)));
        group.bench_function(name, |bencher| bencher.iter(|| decode(black_box(&path))));
    }
    group.finish();
}

fn resampling(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("resample to 22,050 Hz");
    for rate in [44_100, 48_000, 96_000] {
        let samples = noise(30 * rate as usize);
        group.throughput(Throughput::Elements(samples.len() as u64));
        group.bench_with_input(
            BenchmarkId::from_parameter(rate),
            &samples,
            |bencher, samples| {
                let mut out = Vec::new();
                bencher.iter(|| {
                    out.clear();
                    let mut resampler = Resampler::new(rate, 22_050).expect("a usual rate");
                    // As long as the packets of an MP3 file.
                    for block in samples.chunks(1152) {
                        resampler.push(block, &mut out).expect("noise resamples");
                    }
                    resampler.finish(&mut out).expect("noise resamples");
                    black_box(out.len())
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, decoding, resampling);
criterion_main!(benches);

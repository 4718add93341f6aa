//! The log-mel spectrogram of 30 s of audio, on one core.
//!
//! ```sh
//! cargo bench --manifest-path benches/Cargo.toml --bench mel
//! python benches/mel_librosa.py    # the same 30 s by librosa, for comparison
//! ```

use circumplex::{MelConfig, MelExtractor};
use circumplex_benches::noise;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn mel(criterion: &mut Criterion) {
    let (config, samples, mut log_mel) = (MelConfig::default(), noise(30 * 22_050), Vec::new());
    let mut group = criterion.benchmark_group("mel");
    group.throughput(Throughput::Elements(config.frames(samples.len()) as u64));
    let mut extractor = MelExtractor::new(&config).expect("the default settings are valid");
    group.bench_function("log-mel of 30 s", |bencher| {
        bencher.iter(|| extractor.compute(black_box(&samples), &mut log_mel));
    });
    group.finish();
    criterion.bench_function("plan an extractor", |bencher| {
        bencher.iter(|| MelExtractor::new(black_box(&config)).is_ok());
    });
}

criterion_group!(benches, mel);
criterion_main!(benches);

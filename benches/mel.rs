//! What the log-mel spectrogram of 30 s of sound costs, on one core.
//!
//! ```sh
//! cargo bench --bench mel
//! python benches/mel_librosa.py    # the same 30 s by librosa, for comparison
//! ```

use circumplex::mel::{MelConfig, MelExtractor};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

/// 30 s of white noise at 22,050 Hz by a linear congruential generator.
fn noise() -> Vec<f32> {
    let mut state = 1_u32;
    let mut sample = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..30 * 22_050).map(|_| sample()).collect()
}

fn mel(criterion: &mut Criterion) {
    let (config, samples, mut log_mel) = (MelConfig::default(), noise(), Vec::new());
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

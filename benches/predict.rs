//! The built-in model on one core: one window, and loading it.
//!
//! ```sh
//! cargo bench --manifest-path benches/Cargo.toml --bench predict
//! ```

use circumplex::Model;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn predict(criterion: &mut Criterion) {
    criterion.bench_function("load the model", |bencher| bencher.iter(Model::shipped));
    let model = Model::shipped().expect("the model inside the program runs");
    let preprocessing = &model.metadata().preprocessing;
    // Levels between -100 and 0 dB without a pattern.
    let window: Vec<f32> = (0..preprocessing.mel.n_mels * preprocessing.frames())
        .map(|index| -((index * 7_919 % 1_000) as f32) / 10.0)
        .collect();
    let mut group = criterion.benchmark_group("predict");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one window", |bencher| {
        bencher.iter(|| model.predict(black_box(&window)));
    });
    group.finish();
}

criterion_group!(benches, predict);
criterion_main!(benches);

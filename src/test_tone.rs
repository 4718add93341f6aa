//! Audio for tests.

use std::{f32::consts::TAU, path::Path};

/// Samples per second of [`write_tone`].
const RATE: u32 = 22_050;

/// A sine of a quarter of full scale as WAV: 22.05 kHz, mono, 16 bit.
pub fn write_tone(path: &Path, hertz: f32, seconds: f32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for n in 0..(RATE as f32 * seconds) as u32 {
        let phase = TAU * hertz * n as f32 / RATE as f32;
        writer.write_sample((8_000.0 * phase.sin()) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

//! `MelExtractor` against librosa 0.11. The reference arrays are written by `tests/reference/mel.py`.

use crate::common::npy::read_npy;
use circumplex::{FrequencyScale, MelConfig, MelExtractor};
use std::{
    f64::consts::TAU,
    path::{Path, PathBuf},
    process::Command,
};

/// Exponential sine sweep from `low` to `high` Hz, amplitude 0.9.
fn chirp(count: usize, rate: f64, low: f64, high: f64) -> Vec<f32> {
    let growth = (high / low).ln() * rate / count as f64;
    let sample = |i: usize| {
        let t = i as f64 / rate;
        (0.9 * (TAU * low * ((growth * t).exp() - 1.0) / growth).sin()) as f32
    };
    (0..count).map(sample).collect()
}

/// White noise by a linear congruential generator, 6.02 dB quieter after every `step` samples.
fn fading_noise(count: usize, step: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut sample = |i: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let signed = f64::from(state >> 8) - f64::from(1 << 23);
        (signed / f64::from(1 << 23) / 2_f64.powi((i / step) as i32)) as f32
    };
    (0..count).map(&mut sample).collect()
}

fn reference(name: &str) -> (Vec<u64>, Vec<f32>) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/mel");
    read_npy(&directory.join(name))
}

/// Greatest differences in dB where the reference is above -60 dB of its maximum, and above -80 dB.
struct Differences {
    above_60: f32,
    above_80: f32,
    /// Values between -60 and -80 dB of the maximum.
    quiet: usize,
}

fn compare(samples: &[f32], config: &MelConfig, expected: (Vec<u64>, Vec<f32>)) -> Differences {
    let (shape, expected) = expected;
    let mut log_mel = vec![1.0; 3]; // what was in it before must not matter
    let mut extractor = MelExtractor::new(config).unwrap();
    let frames = extractor.compute(samples, &mut log_mel);
    assert_eq!(shape, [config.n_mels as u64, frames as u64]);
    assert_eq!(frames, config.frames(samples.len()));
    assert_eq!(log_mel.len(), expected.len());
    let maximum = expected.iter().copied().fold(f32::MIN, f32::max);
    let mut differences = Differences {
        above_60: 0.0,
        above_80: 0.0,
        quiet: 0,
    };
    for (found, expected) in log_mel.iter().zip(&expected) {
        let difference = (found - expected).abs();
        assert!(difference.is_finite());
        if *expected > maximum - 60.0 {
            differences.above_60 = differences.above_60.max(difference);
        } else if *expected > maximum - 80.0 {
            differences.above_80 = differences.above_80.max(difference);
            differences.quiet += 1;
        }
    }
    println!(
        "max {:.1e} dB above -60 dB, {:.1e} dB in {} values down to -80 dB",
        differences.above_60, differences.above_80, differences.quiet
    );
    differences
}

/// Ten times closer than what is promised: 0.01 dB above -60 dB, 0.1 dB above -80 dB.
#[track_caller]
fn assert_equal(differences: &Differences) {
    assert!(differences.above_60 < 0.001, "{}", differences.above_60);
    assert!(differences.above_80 < 0.01, "{}", differences.above_80);
}

#[test]
fn a_chirp_gives_the_log_mel_of_librosa() {
    let samples = chirp(33_000, 22_050.0, 20.0, 11_000.0);
    let differences = compare(&samples, &MelConfig::default(), reference("chirp.npy"));
    assert!(differences.quiet > 300);
    assert_equal(&differences);
}

#[test]
fn noise_that_fades_by_90_db_gives_the_log_mel_of_librosa() {
    let samples = fading_noise(22_050, 1378);
    let differences = compare(&samples, &MelConfig::default(), reference("noise.npy"));
    assert!(differences.quiet > 500);
    assert_equal(&differences);
}

#[test]
fn another_rate_window_and_band_count_give_the_log_mel_of_librosa() {
    let config = MelConfig {
        sample_rate: 16_000,
        n_fft: 400,
        hop_length: 160,
        n_mels: 40,
        f_min: 60.0,
        f_max: 7_600.0,
        scale: FrequencyScale::Mel,
    };
    let samples = chirp(9_001, 16_000.0, 50.0, 7_000.0);
    assert_equal(&compare(&samples, &config, reference("chirp_16k.npy")));
}

#[test]
fn linear_bands_give_what_numpy_sums_of_librosa_s_power_spectrum() {
    let config = MelConfig {
        n_mels: 64,
        f_min: 100.0,
        f_max: 9_000.0,
        scale: FrequencyScale::Linear,
        ..MelConfig::default()
    };
    let samples = chirp(12_000, 22_050.0, 20.0, 11_000.0);
    assert_equal(&compare(&samples, &config, reference("chirp_linear.npy")));
}

#[test]
fn audio_shorter_than_one_frame_gives_the_log_mel_of_librosa() {
    let samples = chirp(700, 22_050.0, 300.0, 900.0);
    let expected = reference("shorter_than_one_frame.npy");
    assert_equal(&compare(&samples, &MelConfig::default(), expected));
}

#[test]
fn no_samples_are_one_frame_of_silence() {
    let mut extractor = MelExtractor::new(&MelConfig::default()).unwrap();
    let mut log_mel = Vec::new();
    assert_eq!(extractor.compute(&[], &mut log_mel), 1);
    assert_eq!(log_mel.len(), 128);
    assert!(log_mel.iter().all(|db| (db + 100.0).abs() < 1e-4));
}

#[test]
fn an_extractor_that_has_worked_before_gives_the_same_numbers_as_a_fresh_one() {
    let samples = chirp(30_001, 22_050.0, 20.0, 11_000.0);
    let config = MelConfig::default();
    let (mut fresh, mut used) = (Vec::new(), Vec::new());
    MelExtractor::new(&config)
        .unwrap()
        .compute(&samples, &mut fresh);
    let mut extractor = MelExtractor::new(&config).unwrap();
    extractor.compute(&fading_noise(12_345, 1_000_000), &mut used);
    extractor.compute(&samples, &mut used);
    assert_eq!(fresh, used);
}

#[test]
fn samples_that_are_no_numbers_never_give_values_that_are_none() {
    let mut extractor = MelExtractor::new(&MelConfig::default()).unwrap();
    let mut log_mel = Vec::new();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
        let mut samples = fading_noise(10_000, 1_000_000);
        samples[5_000] = bad;
        extractor.compute(&samples, &mut log_mel);
        assert!(log_mel.iter().all(|db| db.is_finite()), "{bad}");
    }
}

/// Real music, decoded by librosa so that both sides get the same samples. Needs the music (`CIRCUMPLEX_DATA`) and a
/// Python with librosa 0.11 (`CIRCUMPLEX_PYTHON`, otherwise `python3`).
#[test]
fn real_music_gives_the_log_mel_of_librosa() {
    let Some(data) = std::env::var_os("CIRCUMPLEX_DATA").map(PathBuf::from) else {
        eprintln!(
            "skipped: CIRCUMPLEX_DATA, the directory that holds mer4q and emotify, is not set"
        );
        return;
    };
    let python = std::env::var_os("CIRCUMPLEX_PYTHON").unwrap_or_else(|| "python3".into());
    let probe = Command::new(&python)
        .args(["-c", "import librosa"])
        .output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {python:?} has no librosa; set CIRCUMPLEX_PYTHON to one that has");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/mel.py");
    let clips = [
        "mer4q/DEAM_audio/MEMD_audio/3001.mp3",
        "mer4q/DEAM_audio/MEMD_audio/3300.mp3",
        "emotify/classical_1.mp3",
        "emotify/electronic_1.mp3",
        "emotify/pop_1.mp3",
        "emotify/rock_1.mp3",
    ];
    for clip in clips {
        let directory = tempfile::tempdir().unwrap();
        let status = Command::new(&python)
            .args([script.as_os_str(), "--music".as_ref()])
            .args([data.join(clip).as_os_str(), directory.path().as_os_str()])
            .status()
            .unwrap();
        assert!(status.success(), "{clip}: {} failed", script.display());
        let (_, samples) = read_npy(&directory.path().join("samples.npy"));
        let expected = read_npy(&directory.path().join("log_mel.npy"));
        println!("{clip}: {} samples", samples.len());
        assert_equal(&compare(&samples, &MelConfig::default(), expected));
    }
}

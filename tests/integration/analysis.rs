//! The analysis of files that the tests make.

use circumplex::{
    AnalyzeOptions, ErrorKind, LogMel, MelConfig, MelExtractor, Model, Preprocessing, Resampler,
    SILENCE, WindowRule, analyze_bytes, analyze_file, spectrograms,
};
use std::path::{Path, PathBuf};

const RATE: u32 = 22_050;

/// A melody of three-part chords with some noise: `seconds` long, mono.
fn music(seconds: f64, rate: u32) -> Vec<f32> {
    let mut state = 7_u32;
    let mut sample = |i: usize| {
        let t = i as f64 / f64::from(rate);
        let note = [220.0, 261.63, 329.63, 293.66][(2.0 * t) as usize % 4];
        let chord: f64 = [1.0, 1.25, 1.5]
            .iter()
            .map(|ratio| (std::f64::consts::TAU * note * ratio * t).sin())
            .sum();
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(state >> 8) / f64::from(1 << 24) - 0.5;
        (0.2 * chord + 0.02 * noise) as f32
    };
    (0..(seconds * f64::from(rate)) as usize)
        .map(&mut sample)
        .collect()
}

fn write_wav(directory: &Path, name: &str, samples: &[f32], rate: u32) -> PathBuf {
    let path = directory.join(name);
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    for sample in samples {
        writer.write_sample(*sample).unwrap();
    }
    writer.finalize().unwrap();
    path
}

/// Windows of two seconds.
fn preprocessing() -> Preprocessing {
    Preprocessing {
        mel: MelConfig::default(),
        window: WindowRule { length: 44_100 },
    }
}

fn write_stereo(directory: &Path, left: &[f32], right: &[f32], rate: u32) -> PathBuf {
    let path = directory.join("stereo.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    for (left, right) in left.iter().zip(right) {
        writer.write_sample(*left).unwrap();
        writer.write_sample(*right).unwrap();
    }
    writer.finalize().unwrap();
    path
}

#[test]
fn channels_that_cancel_each_other_are_analyzed_by_the_louder_one() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::shipped().unwrap();
    let rate = 48_000;
    let song = music(4.0, rate);
    let other = noise(4.0, rate);
    let mixed = |gain: f32, other_gain: f32| -> Vec<f32> {
        let pairs = song.iter().zip(&other);
        pairs
            .map(|(song, other)| gain * song + other_gain * other)
            .collect()
    };
    for (right, channel) in [
        (mixed(-1.0, 0.0), Some(1)),
        (mixed(-1.1, 0.0), Some(2)),
        (mixed(-0.9, 0.02), Some(1)),
        (mixed(-0.3, 0.0), None),
        (mixed(0.0, 0.0), None),
        (mixed(-1.0, 2.0), None),
        (mixed(1.0, 0.0), None),
    ] {
        let path = write_stereo(directory.path(), &song, &right, rate);
        let analysis = analyze_file(&path, &model, &AnalyzeOptions::default()).unwrap();
        assert_eq!(analysis.audio.channel, channel);
        assert!(!analysis.silent);
        if let Some(channel) = channel {
            let samples = if channel == 1 { &song } else { &right };
            let alone = write_wav(directory.path(), "mono.wav", samples, rate);
            let expected = analyze_file(&alone, &model, &AnalyzeOptions::default()).unwrap();
            assert_eq!(analysis.prediction, expected.prediction);
            assert_eq!(
                collect(&path, &preprocessing()),
                collect(&alone, &preprocessing())
            );
        }
    }
    let silence = vec![0.0; song.len()];
    let path = write_stereo(directory.path(), &silence, &silence, rate);
    let analysis = analyze_file(&path, &model, &AnalyzeOptions::default()).unwrap();
    assert_eq!((analysis.audio.channel, analysis.silent), (None, true));
}

/// Noise whose level falls by 60 dB from start to end.
fn noise(seconds: f64, rate: u32) -> Vec<f32> {
    let mut state = 1_u32;
    let count = (seconds * f64::from(rate)) as usize;
    let mut sample = |i: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let signed = f64::from(state >> 8) / f64::from(1 << 23) - 1.0;
        (signed * 10_f64.powf(-3.0 * i as f64 / count as f64)) as f32
    };
    (0..count).map(&mut sample).collect()
}

#[test]
fn multiples_of_the_rate_give_the_spectrogram_of_the_resampled_song() {
    let directory = tempfile::tempdir().unwrap();
    for (factor, f_max, seconds) in [
        (2, 8_000.0, 6.0),
        (2, 9_900.0, 5.01),
        (3, 8_000.0, 4.0),
        (4, 8_000.0, 3.7),
        (2, 8_000.0, 1.3),
    ] {
        let rate = factor * RATE;
        for (name, samples) in [
            ("music", music(seconds, rate)),
            ("noise", noise(seconds, rate)),
        ] {
            let preprocessing = Preprocessing {
                mel: MelConfig {
                    f_max,
                    n_mels: 96,
                    ..MelConfig::default()
                },
                window: WindowRule { length: 22_050 },
            };
            let path = write_wav(directory.path(), "song.wav", &samples, rate);
            let mut resampled = Vec::new();
            let mut resampler = Resampler::new(rate, RATE).unwrap();
            resampler.push(&samples, &mut resampled).unwrap();
            resampler.finish(&mut resampled).unwrap();
            let resampled = write_wav(directory.path(), "resampled.wav", &resampled, RATE);
            let song = |path: &Path| {
                let mut windows = Vec::new();
                let mut keep = |window: LogMel<'_>| {
                    windows.push((window.start_s, window.weight, window.values.to_vec()));
                    Ok(())
                };
                spectrograms(path, &preprocessing, &mut keep).unwrap();
                windows
            };
            let (found, expected) = (song(&path), song(&resampled));
            assert_eq!(found.len(), expected.len());
            let levels = expected.iter().flat_map(|(_, _, levels)| levels);
            let loudest = levels.copied().fold(f32::MIN, f32::max);
            let mut compared = 0;
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found.0 - expected.0).abs() < 1e-4 && (found.1 - expected.1).abs() < 1e-3);
                let frames = preprocessing.frames();
                for (at, (found, expected)) in found.2.iter().zip(&expected.2).enumerate() {
                    // The first and last two frames see the cut at the window's ends, which a resampler blurs.
                    let is_whole = (2..frames - 2).contains(&(at % frames));
                    if is_whole && *expected > loudest - 60.0 {
                        let error = (found - expected).abs();
                        assert!(error < 0.02, "{name}, {rate} Hz, {f_max} Hz: {error} dB");
                        compared += 1;
                    }
                }
            }
            assert!(compared > 1_000, "{compared}");
        }
    }
}

#[derive(Debug, PartialEq)]
struct Kept {
    values: Vec<f32>,
    frames: usize,
    start_s: f64,
    weight: f64,
}

fn collect(path: &Path, preprocessing: &Preprocessing) -> (Vec<Kept>, f64) {
    let mut windows = Vec::new();
    let keep = |window: LogMel<'_>| {
        windows.push(Kept {
            values: window.values.to_vec(),
            frames: window.frames,
            start_s: window.start_s,
            weight: window.weight,
        });
        Ok(())
    };
    let info = spectrograms(path, preprocessing, keep).unwrap();
    (windows, info.duration_s)
}

#[test]
fn the_windows_of_a_song_are_the_log_mel_of_its_samples() {
    let directory = tempfile::tempdir().unwrap();
    let samples = music(5.2, RATE);
    let path = write_wav(directory.path(), "song.wav", &samples, RATE);
    let (windows, duration_s) = collect(&path, &preprocessing());
    assert!((duration_s - 5.2).abs() < 1e-9);
    // The rest of 1.2 s is more than half a window: a third one, which ends with the song.
    let starts: Vec<f64> = windows.iter().map(|window| window.start_s).collect();
    assert_eq!(starts, [0.0, 2.0, 3.2]);
    let weights: Vec<f64> = windows.iter().map(|window| window.weight).collect();
    for (found, expected) in weights.iter().zip([1.0, 1.0, 0.6]) {
        assert!((found - expected).abs() < 1e-9, "{weights:?}");
    }
    let mut extractor = MelExtractor::new(&MelConfig::default()).unwrap();
    let mut expected = Vec::new();
    for window in &windows {
        let start = (window.start_s * f64::from(RATE)).round() as usize;
        let frames = extractor.compute(&samples[start..start + 44_100], &mut expected);
        assert_eq!(window.frames, frames);
        assert!(window.values == expected, "window at {} s", window.start_s);
    }
}

#[test]
fn a_song_at_another_rate_gives_nearly_the_same_spectrogram() {
    let directory = tempfile::tempdir().unwrap();
    let low = write_wav(directory.path(), "low.wav", &tone(4.0, RATE), RATE);
    let high = write_wav(directory.path(), "high.wav", &tone(4.0, 44_100), 44_100);
    let (low, _) = collect(&low, &preprocessing());
    let (high, duration_s) = collect(&high, &preprocessing());
    assert!((duration_s - 4.0).abs() < 1e-9);
    assert_eq!(low.len(), high.len());
    for (low_window, high) in low.iter().zip(&high) {
        let (low, frames) = (low_window, low_window.frames);
        let loudest = low.values.iter().copied().fold(f32::MIN, f32::max);
        // The filter of the resampler blurs the first and the last milliseconds.
        let inside = 3..frames - 3;
        let pairs = low.values.iter().zip(&high.values).enumerate();
        for (_, (low, high)) in pairs.filter(|(n, _)| inside.contains(&(n % frames))) {
            assert!(
                *low < loudest - 50.0 || (low - high).abs() < 0.1,
                "{low} {high}"
            );
        }
    }
}

/// A steady chord of three sines.
fn tone(seconds: f64, rate: u32) -> Vec<f32> {
    let sample = |i: usize| {
        let t = i as f64 / f64::from(rate);
        let sines = [311.0, 1_234.0, 4_321.0].map(|hz| (std::f64::consts::TAU * hz * t).sin());
        (0.25 * sines.iter().sum::<f64>()) as f32
    };
    (0..(seconds * f64::from(rate)) as usize)
        .map(sample)
        .collect()
}

#[test]
fn the_prediction_for_a_song_is_the_weighted_mean_over_its_windows() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::shipped().unwrap();
    let preprocessing = model.metadata().preprocessing.clone();
    let rate = preprocessing.mel.sample_rate;
    // Two windows and seven tenths of one.
    let seconds = 2.7 * preprocessing.window.length as f64 / f64::from(rate);
    let path = write_wav(directory.path(), "song.wav", &music(seconds, rate), rate);

    let (windows, _) = collect(&path, &preprocessing);
    assert_eq!(windows.len(), 3);
    let total: f64 = windows.iter().map(|window| window.weight).sum();
    assert!((total - 2.7).abs() < 1e-3, "{total}");
    let (mut emotions, mut valence) = ([0.0; 8], 0.0);
    for window in &windows {
        let prediction = model.predict(&window.values).unwrap();
        valence += window.weight / total * f64::from(prediction.valence);
        for (sum, value) in emotions.iter_mut().zip(prediction.emotions.as_array()) {
            *sum += window.weight / total * f64::from(*value);
        }
    }

    let song = analyze_file(&path, &model, &AnalyzeOptions::default()).unwrap();
    assert_eq!((song.windows, song.audio.damaged_packets), (3, 0));
    assert!((song.audio.duration_s - seconds).abs() < 1e-3);
    assert!((f64::from(song.prediction.valence) - valence).abs() < 1e-4);
    for (found, expected) in song.prediction.emotions.as_array().iter().zip(emotions) {
        assert!(
            (f64::from(*found) - expected).abs() < 1e-3,
            "{found} {expected}"
        );
    }
    let embedding = model.metadata().embedding;
    assert_eq!(song.prediction.embedding.len(), embedding);
}

#[test]
fn a_song_is_silent_if_no_sample_reaches_70_db_below_full_scale() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::shipped().unwrap();
    let window = model.metadata().preprocessing.window.length;
    let of = |name: &str, samples: &[f32]| {
        let path = write_wav(directory.path(), name, samples, RATE);
        analyze_file(&path, &model, &AnalyzeOptions::default()).unwrap()
    };
    let mut samples = vec![0.9 * SILENCE; 2 * window];
    let hum = of("hum.wav", &samples);
    assert!(hum.silent && !hum.repeated);
    assert_eq!(hum.windows, 2);
    *samples.last_mut().unwrap() = 1.1 * SILENCE;
    assert!(!of("one-click.wav", &samples).silent);
    let short = of("short.wav", &samples[..window - 1]);
    assert!(short.silent && short.repeated);
    assert_eq!(short.windows, 1);
    assert!(!of("just-long-enough.wav", &samples[..window]).repeated);
}

#[test]
fn a_thread_that_has_worked_before_gives_the_same_spectrograms() {
    let directory = tempfile::tempdir().unwrap();
    let first = write_wav(directory.path(), "1.wav", &music(3.0, RATE), RATE);
    let other = write_wav(directory.path(), "2.wav", &tone(7.0, 48_000), 48_000);
    let values = |path| -> Vec<f32> {
        let (windows, _) = collect(path, &preprocessing());
        windows
            .into_iter()
            .flat_map(|window| window.values)
            .collect()
    };
    let fresh = values(&first);
    // Another file, other settings, and a failure in between.
    values(&other);
    let settings = Preprocessing {
        mel: MelConfig {
            n_mels: 64,
            ..MelConfig::default()
        },
        ..preprocessing()
    };
    collect(&other, &settings);
    spectrograms(&directory.path().join("absent.wav"), &settings, |_| Ok(())).unwrap_err();
    assert!(values(&first) == fresh);
}

#[test]
fn a_song_may_be_analyzed_inside_another() {
    let directory = tempfile::tempdir().unwrap();
    let path = write_wav(directory.path(), "song.wav", &music(4.0, RATE), RATE);
    let mut inner = 0;
    spectrograms(&path, &preprocessing(), |_| {
        spectrograms(&path, &preprocessing(), |_| {
            inner += 1;
            Ok(())
        })?;
        Ok(())
    })
    .unwrap();
    assert_eq!(inner, 4);
}

#[test]
fn a_file_that_is_not_audio_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("empty.mp3", &b""[..]),
        ("text.wav", &b"I am no sound. "[..]),
    ] {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes.repeat(100)).unwrap();
        let error = spectrograms(&path, &preprocessing(), |_| Ok(())).unwrap_err();
        assert!(matches!(
            error.kind(),
            ErrorKind::Empty | ErrorKind::NotAudio
        ));
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn an_error_of_the_receiver_ends_the_work() {
    let directory = tempfile::tempdir().unwrap();
    let path = write_wav(directory.path(), "song.wav", &music(8.0, RATE), RATE);
    let mut calls = 0;
    let error = spectrograms(&path, &preprocessing(), |_| {
        calls += 1;
        let mel = MelConfig {
            n_mels: 0,
            ..MelConfig::default()
        };
        mel.validate()?;
        Ok(())
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(calls, 1);
}

#[test]
fn a_file_in_memory_gives_the_analysis_of_the_file_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::shipped().unwrap();
    let path = write_wav(directory.path(), "song.wav", &music(9.0, 32_000), 32_000);
    let bytes = std::fs::read(&path).unwrap();
    for options in [
        AnalyzeOptions::default(),
        AnalyzeOptions {
            timeline: true,
            excerpt: Some("2s:4s".parse().unwrap()),
            ..AnalyzeOptions::default()
        },
    ] {
        let on_disk = analyze_file(&path, &model, &options).unwrap();
        let in_memory = analyze_bytes(bytes.clone(), &model, &options).unwrap();
        assert_eq!(in_memory, on_disk);
    }
    let error = analyze_bytes(&b"I am text."[..], &model, &AnalyzeOptions::default()).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::NotAudio, None));
    let cut = &bytes[..bytes.len() / 3];
    let error = analyze_bytes(cut, &model, &AnalyzeOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
}

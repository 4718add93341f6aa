//! The settings of a spectrogram, and the filter bank that they make.

use super::*;

#[test]
fn linear_bands_are_triangles_of_unit_area_at_equal_steps() {
    let config = MelConfig {
        n_mels: 40,
        f_min: 500.0,
        f_max: 8_700.0,
        scale: FrequencyScale::Linear,
        ..MelConfig::default()
    };
    let centers = config.band_centers();
    assert_eq!(centers.len(), 40);
    for (band, center) in centers.iter().enumerate() {
        assert!(
            (center - (700.0 + 200.0 * band as f64)).abs() < 1e-9,
            "{center}"
        );
    }
    let hz_per_bin = 22_050.0 / 2048.0;
    for (band, filter) in config.filters().expect("audio").iter().enumerate() {
        // the area under the triangle, sampled at the bins
        let area = f64::from(filter.weights.iter().sum::<f32>()) * hz_per_bin;
        assert!((area - 1.0).abs() < 0.01, "band {band}: {area}");
        let heaviest = (0..filter.weights.len())
            .max_by(|a, b| filter.weights[*a].total_cmp(&filter.weights[*b]))
            .expect("is not empty");
        let peak = (filter.first_bin + heaviest) as f64 * hz_per_bin;
        assert!(
            (peak - centers[band]).abs() <= hz_per_bin,
            "band {band}: {peak}"
        );
    }
}

#[test]
fn settings_from_before_there_was_a_choice_of_scale_are_mel_and_are_written_as_before() {
    let written = serde_json::to_string(&MelConfig::default()).expect("can be written");
    assert!(!written.contains("scale"), "{written}");
    let read: MelConfig = serde_json::from_str(&written).expect("can be read");
    assert_eq!(read.scale, FrequencyScale::Mel);
}

#[test]
fn a_wrong_setting_is_refused_with_its_name_and_range() {
    let good = MelConfig::default();
    good.validate().unwrap();
    let bad = [
        (
            "sample_rate",
            MelConfig {
                sample_rate: 0,
                ..good.clone()
            },
        ),
        (
            "n_fft",
            MelConfig {
                n_fft: 2047,
                ..good.clone()
            },
        ),
        (
            "n_fft",
            MelConfig {
                n_fft: 0,
                ..good.clone()
            },
        ),
        (
            "n_fft",
            MelConfig {
                n_fft: 1 << 40,
                ..good.clone()
            },
        ),
        (
            "hop_length",
            MelConfig {
                hop_length: 0,
                ..good.clone()
            },
        ),
        (
            "hop_length",
            MelConfig {
                hop_length: 2049,
                ..good.clone()
            },
        ),
        (
            "n_mels",
            MelConfig {
                n_mels: 0,
                ..good.clone()
            },
        ),
        (
            "n_mels",
            MelConfig {
                n_mels: usize::MAX,
                ..good.clone()
            },
        ),
        (
            "f_max",
            MelConfig {
                f_max: 11_025.1,
                ..good.clone()
            },
        ),
        (
            "f_max",
            MelConfig {
                f_max: f64::NAN,
                ..good.clone()
            },
        ),
        (
            "f_min",
            MelConfig {
                f_min: 11_025.0,
                ..good.clone()
            },
        ),
        (
            "f_min",
            MelConfig {
                f_min: f64::NAN,
                ..good.clone()
            },
        ),
    ];
    for (field, config) in bad {
        let error = crate::mel::MelExtractor::new(&config)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(&format!("{field} must be")), "{error}");
    }
}

#[test]
fn more_bands_than_the_window_resolves_are_refused() {
    let config = MelConfig {
        n_fft: 256,
        hop_length: 128,
        ..MelConfig::default()
    };
    let error = config.validate().unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("of 128") && text.contains("n_fft = 256"),
        "{text}"
    );
    assert!(text.contains("use fewer bands"), "{text}");
}

#[test]
fn frames_of_a_config_that_was_never_checked_do_not_panic() {
    let config = MelConfig {
        hop_length: 0,
        ..MelConfig::default()
    };
    assert_eq!(config.frames(1000), 1);
}

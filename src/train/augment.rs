//! Augmentation of one window's spectrogram in training.

use rand::{RngExt, rngs::ChaCha8Rng};
use rand_distr::StandardNormal;

use crate::model::Augmentation;

/// Changes the pitch, the tone and the loudness of `window` `[bands, frames]`, in dB, and masks a run of bands and a run
/// of frames with `band_means`.
pub(crate) fn augment(
    settings: &Augmentation,
    band_means: &[f32],
    window: &mut [f32],
    random: &mut ChaCha8Rng,
) {
    let bands = band_means.len();
    let frames = window.len() / bands;
    if settings.shift_bands > 0 {
        let most = settings.shift_bands as i64;
        shift(window, frames, random.random_range(-most..=most));
    }
    if settings.equalizer_db > 0.0 {
        let gains = equalizer(bands, settings.equalizer_db as f32, random);
        for (row, gain) in window.chunks_mut(frames).zip(gains) {
            row.iter_mut().for_each(|value| *value += gain);
        }
    }
    if settings.gain_db > 0.0 {
        let gain = settings.gain_db as f32 * random.sample::<f32, _>(StandardNormal);
        window.iter_mut().for_each(|value| *value += gain);
    }
    let width = random.random_range(0..=settings.mask_bands);
    let first = random.random_range(0..=bands - width);
    for band in first..first + width {
        window[band * frames..(band + 1) * frames].fill(band_means[band]);
    }
    let width = random.random_range(0..=(settings.mask_time * frames as f64) as usize);
    let first = random.random_range(0..=frames - width);
    for (band, row) in window.chunks_mut(frames).enumerate() {
        row[first..first + width].fill(band_means[band]);
    }
}

/// Moves the picture `[bands, frames]` up by `by` bands, or down where it is negative; the bands that become free
/// repeat the last one.
fn shift(window: &mut [f32], frames: usize, by: i64) {
    let moved = by.unsigned_abs() as usize * frames;
    if by > 0 {
        window.copy_within(..window.len() - moved, moved);
        for start in (0..moved).step_by(frames) {
            window.copy_within(moved..moved + frames, start);
        }
    } else if by < 0 {
        window.copy_within(moved.., 0);
        let last = window.len() - moved - frames;
        for start in (last + frames..window.len()).step_by(frames) {
            window.copy_within(last..last + frames, start);
        }
    }
}

/// One gain in dB per band, along a line through three to six points whose gains are normally distributed around 0
/// with the given deviation; the first and the last band are among the points.
fn equalizer(bands: usize, deviation: f32, random: &mut ChaCha8Rng) -> Vec<f32> {
    let mut points: Vec<usize> = (0..random.random_range(1..=4))
        .map(|_| random.random_range(0..bands))
        .chain([0, bands - 1])
        .collect();
    points.sort_unstable();
    points.dedup();
    let gains: Vec<f32> = points
        .iter()
        .map(|_| deviation * random.sample::<f32, _>(StandardNormal))
        .collect();
    let mut line = vec![gains[0]; bands];
    for (place, gain) in points.windows(2).zip(gains.windows(2)) {
        let span = (place[1] - place[0]) as f32;
        for (step, value) in line[place[0]..=place[1]].iter_mut().enumerate() {
            let share = step as f32 / span;
            *value = gain[0] * (1.0 - share) + gain[1] * share;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::batches::generator;

    #[test]
    fn a_shift_moves_bands_and_repeats_the_last_one() {
        // three bands of two frames
        let window = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let shifted = |by| {
            let mut moved = window;
            shift(&mut moved, 2, by);
            moved
        };
        assert_eq!(shifted(0), window);
        assert_eq!(shifted(1), [1.0, 2.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(shifted(2), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
        assert_eq!(shifted(-1), [3.0, 4.0, 5.0, 6.0, 5.0, 6.0]);
        assert_eq!(shifted(-2), [5.0, 6.0, 5.0, 6.0, 5.0, 6.0]);
    }

    #[test]
    fn an_equalizer_is_a_line_without_steps_and_as_loud_as_asked() {
        let mut random = generator(1, 0, 0);
        let (mut sum, mut count) = (0.0, 0);
        for _ in 0..2000 {
            let gains = equalizer(64, 3.0, &mut random);
            assert_eq!(gains.len(), 64);
            sum += gains[0] * gains[0] + gains[63] * gains[63];
            count += 2;
        }
        let deviation = (sum / count as f32).sqrt();
        assert!((deviation - 3.0).abs() < 0.15, "{deviation}");
        for bands in [1, 2, 3] {
            let gains = equalizer(bands, 3.0, &mut random);
            assert!(gains.len() == bands && gains.iter().all(|gain| gain.is_finite()));
        }
    }
}

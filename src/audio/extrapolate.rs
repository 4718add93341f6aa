//! The continuation of audio before its first and after its last sample.
//!
//! A filter at the edge needs samples from beyond it. Silence there would put a step into the signal, which the filter
//! smears over its whole length. Linear prediction lets the resonances in the audio ring on: a steady tone continues as
//! the same tone, silence as silence.

/// Order of the predictor: two per resonance.
const ORDER: usize = 32;

/// Continues `known` by `count` samples.
///
/// The predictor is Burg's (J. P. Burg, *Maximum entropy spectral analysis*, 1975; the recursion as in S. M. Kay,
/// *Modern Spectral Estimation*, 1988, section 7.5). Its poles lie inside the unit circle, so the continuation cannot
/// grow without bound. Fewer than four samples are continued by silence.
pub(super) fn extrapolate(known: &[f32], count: usize) -> Vec<f32> {
    let coefficients = burg(known, ORDER.min(known.len() / 2));
    let order = coefficients.len();
    let mut line: Vec<f64> = Vec::with_capacity(order + count);
    line.extend(known[known.len() - order..].iter().map(|&x| f64::from(x)));
    for _ in 0..count {
        let recent = line.iter().rev().zip(&coefficients);
        let next = -recent.map(|(x, a)| x * a).sum::<f64>();
        line.push(next);
    }
    line[order..].iter().map(|&x| x as f32).collect()
}

/// Burg's prediction coefficients a[1..=order] of x[n] = -sum a[k] x[n - k].
fn burg(x: &[f32], order: usize) -> Vec<f64> {
    let n = x.len();
    if n < 4 {
        return Vec::new();
    }
    let mut forward: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
    let mut backward = forward.clone();
    let energy: f64 = forward.iter().map(|v| v * v).sum();
    // Below the rounding of 32-bit samples there is nothing to predict.
    let floor = energy * 1e-13;
    let mut a: Vec<f64> = Vec::with_capacity(order);
    for m in 0..order {
        let (f, b) = (&forward[m + 1..], &backward[m..n - 1]);
        let denominator: f64 = f.iter().zip(b).map(|(f, b)| f * f + b * b).sum();
        if denominator <= floor {
            break;
        }
        let numerator: f64 = f.iter().zip(b).map(|(f, b)| f * b).sum();
        let k = -2.0 * numerator / denominator;
        let before = a.clone();
        for (i, value) in a.iter_mut().enumerate() {
            *value += k * before[m - 1 - i];
        }
        a.push(k);
        for i in (m + 1..n).rev() {
            let (f, b) = (forward[i], backward[i - 1]);
            forward[i] = f + k * b;
            backward[i] = b + k * f;
        }
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn a_tone_continues_as_the_same_tone() {
        for (frequency, phase) in [(0.01, 0.0), (0.01, 1.0), (0.055, 2.0), (0.3, 0.7)] {
            let tone = |i: usize| (TAU * frequency * i as f64 + phase).sin() as f32;
            let known: Vec<f32> = (0..1024).map(tone).collect();
            let more = extrapolate(&known, 100);
            for (i, got) in more.iter().enumerate() {
                let error = (got - tone(1024 + i)).abs();
                // Burg's estimate of the frequency is slightly off, so the error grows slowly.
                let allowed = if i < 32 { 1e-3 } else { 1e-2 };
                assert!(error < allowed, "{frequency} {phase}: {error} at {i}");
            }
        }
    }

    #[test]
    fn silence_continues_as_silence_and_noise_does_not_grow() {
        assert_eq!(extrapolate(&[0.0; 1024], 50), vec![0.0; 50]);
        let mut state = 1u32;
        let noise: Vec<f32> = (0..1024)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            })
            .collect();
        let more = extrapolate(&noise, 20_000);
        assert!(more.iter().all(|x| x.abs() < 10.0));
    }

    #[test]
    fn a_handful_of_samples_is_enough() {
        for n in 0..12 {
            let more = extrapolate(&vec![0.5; n], 10);
            assert_eq!(more.len(), 10);
            assert!(more.iter().all(|x| x.is_finite() && x.abs() <= 0.51));
        }
    }
}

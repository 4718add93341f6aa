//! Audio to measure with: white noise, the same every time.

/// `samples` samples of full scale, by a linear congruential generator.
pub fn noise(samples: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut sample = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..samples).map(|_| sample()).collect()
}

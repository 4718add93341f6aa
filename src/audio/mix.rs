//! Decoded buffers to mono.

use symphonia::core::audio::{
    Audio, AudioBuffer, GenericAudioBufferRef, conv::IntoSample, sample::Sample,
};

/// Appends the mean of the channels of `buffer` to `out`, as samples from -1 to 1.
pub(super) fn append_mean(buffer: &GenericAudioBufferRef<'_>, out: &mut Vec<f32>) {
    match buffer {
        GenericAudioBufferRef::U8(b) => mean(b, out),
        GenericAudioBufferRef::U16(b) => mean(b, out),
        GenericAudioBufferRef::U24(b) => mean(b, out),
        GenericAudioBufferRef::U32(b) => mean(b, out),
        GenericAudioBufferRef::S8(b) => mean(b, out),
        GenericAudioBufferRef::S16(b) => mean(b, out),
        GenericAudioBufferRef::S24(b) => mean(b, out),
        GenericAudioBufferRef::S32(b) => mean(b, out),
        GenericAudioBufferRef::F32(b) => mean(b, out),
        GenericAudioBufferRef::F64(b) => mean(b, out),
    }
}

fn mean<S: Sample + IntoSample<f32>>(buffer: &AudioBuffer<S>, out: &mut Vec<f32>) {
    let channels = buffer.num_planes();
    let Some(first) = buffer.plane(0) else {
        return;
    };
    if channels == 1 {
        out.extend(first.iter().map(|&x| x.into_sample()));
    } else if let (2, Some(second)) = (channels, buffer.plane(1)) {
        out.extend(first.iter().zip(second).map(|(&l, &r)| {
            let (l, r): (f32, f32) = (l.into_sample(), r.into_sample());
            0.5 * (l + r)
        }));
    } else {
        let start = out.len();
        out.extend(first.iter().map(|&x| -> f32 { x.into_sample() }));
        let sums = &mut out[start..];
        for plane in buffer.iter_planes().skip(1) {
            for (sum, &x) in sums.iter_mut().zip(plane) {
                *sum += IntoSample::<f32>::into_sample(x);
            }
        }
        let scale = 1.0 / channels as f32;
        sums.iter_mut().for_each(|sum| *sum *= scale);
    }
}

/// Largest magnitude that counts as sound: 100 dB above full scale.
const LIMIT: f32 = 1e5;

/// Whether all samples are numbers that a sound can have. NaN, infinity and absurd magnitudes are damage.
pub(super) fn is_sound(samples: &[f32]) -> bool {
    // NaN fails the comparison. No early exit, so that it runs in SIMD lanes.
    samples.iter().fold(true, |ok, x| ok & (x.abs() <= LIMIT))
}

//! Several channels to one: their mean, or one of them where they cancel each other.

use symphonia::core::audio::{
    Audio, AudioBuffer, GenericAudioBufferRef, conv::IntoSample, sample::Sample,
};

/// The power of the mean of two channels, relative to the mean of their powers, below which they cancel each other: that of
/// channels that correlate with -0.8.
const CANCELED: f64 = 0.1;
/// Every how many samples one is taken for the powers: a prime number, so that no tone keeps step with it.
const STEP: usize = 61;

/// Mixes the channels of a file to mono.
#[derive(Debug, Default)]
pub(super) struct Mixer {
    /// The channel to take instead of the mean, counted from 0.
    channel: Option<usize>,
    /// Sums of squares: of the two channels of stereo audio, and of their mean.
    powers: [f64; 2],
    mean_power: f64,
}

impl Mixer {
    pub(super) fn new(channel: Option<usize>) -> Self {
        Self {
            channel,
            ..Self::default()
        }
    }

    /// The louder of two channels, if they cancel each other in the mean, as where one has the wrong polarity.
    pub(super) fn channel_instead(&self) -> Option<usize> {
        let [left, right] = self.powers;
        let canceled = self.mean_power < CANCELED * 0.5 * (left + right);
        (self.channel.is_none() && canceled).then_some(usize::from(right > left))
    }

    /// Appends the mono samples of `buffer` to `out`, -1 to 1.
    pub(super) fn append(&mut self, buffer: &GenericAudioBufferRef<'_>, out: &mut Vec<f32>) {
        match buffer {
            GenericAudioBufferRef::U8(b) => self.append_planes(b, out),
            GenericAudioBufferRef::U16(b) => self.append_planes(b, out),
            GenericAudioBufferRef::U24(b) => self.append_planes(b, out),
            GenericAudioBufferRef::U32(b) => self.append_planes(b, out),
            GenericAudioBufferRef::S8(b) => self.append_planes(b, out),
            GenericAudioBufferRef::S16(b) => self.append_planes(b, out),
            GenericAudioBufferRef::S24(b) => self.append_planes(b, out),
            GenericAudioBufferRef::S32(b) => self.append_planes(b, out),
            GenericAudioBufferRef::F32(b) => self.append_planes(b, out),
            GenericAudioBufferRef::F64(b) => self.append_planes(b, out),
        }
    }

    fn append_planes<S: Sample + IntoSample<f32>>(
        &mut self,
        buffer: &AudioBuffer<S>,
        out: &mut Vec<f32>,
    ) {
        let channels = buffer.num_planes();
        let only = (self.channel.or((channels == 1).then_some(0))).map(|it| it.min(channels - 1));
        let Some(first) = buffer.plane(only.unwrap_or(0)) else {
            return;
        };
        if only.is_some() {
            out.extend(first.iter().map(|&x| x.into_sample()));
        } else if let (2, Some(second)) = (channels, buffer.plane(1)) {
            let pairs = first.iter().zip(second);
            let pairs = pairs.map(|(&l, &r)| (l.into_sample(), r.into_sample()));
            self.measure(pairs.clone());
            out.extend(pairs.map(|(l, r): (f32, f32)| 0.5 * (l + r)));
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

    /// Appends the mono samples of interleaved `samples`, times `gain`, to `out`.
    pub(super) fn append_interleaved(
        &mut self,
        samples: &[f32],
        channels: usize,
        gain: f32,
        out: &mut Vec<f32>,
    ) {
        let frames = samples.chunks_exact(channels);
        if let Some(channel) = self.channel {
            out.extend(frames.map(|frame| frame[channel.min(channels - 1)] * gain));
            return;
        }
        if channels == 2 {
            self.measure(frames.clone().map(|frame| (frame[0], frame[1])));
        }
        let scale = gain / channels as f32;
        out.extend(frames.map(|frame| frame.iter().sum::<f32>() * scale));
    }

    fn measure(&mut self, pairs: impl Iterator<Item = (f32, f32)>) {
        for (left, right) in pairs.step_by(STEP) {
            let (left, right) = (f64::from(left), f64::from(right));
            self.powers[0] += left * left;
            self.powers[1] += right * right;
            self.mean_power += 0.25 * (left + right) * (left + right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mono samples of interleaved `samples`, and the channel to take instead.
    fn mix(samples: &[f32], channels: usize, channel: Option<usize>) -> (Vec<f32>, Option<usize>) {
        let (mut mixer, mut out) = (Mixer::new(channel), Vec::new());
        // As long as packets.
        for packet in samples.chunks(960 * channels) {
            mixer.append_interleaved(packet, channels, 2.0, &mut out);
        }
        (out, mixer.channel_instead())
    }

    #[test]
    fn interleaved_channels_that_cancel_each_other_are_found() {
        let wave = |frame: usize| (frame as f32 * 0.1).sin();
        let stereo = |right: f32| -> Vec<f32> {
            let frames = (0..48_000).map(|frame| [wave(frame), right * wave(frame)]);
            frames.flatten().collect()
        };
        for (right, channel) in [
            (-1.0, Some(0)),
            (-1.2, Some(1)),
            (-0.2, None),
            (1.0, None),
            (0.0, None),
        ] {
            let (mean, instead) = mix(&stereo(right), 2, None);
            assert_eq!(instead, channel, "{right}");
            assert!((mean[10] - (1.0 + right) * wave(10)).abs() < 1e-6);
        }
        let (right, instead) = mix(&stereo(-1.0), 2, Some(1));
        assert_eq!((right[10], instead), (-2.0 * wave(10), None));
        // A channel that a later part of the file does not have.
        assert_eq!(mix(&[0.5, 0.25], 1, Some(1)).0, [1.0, 0.5]);
        // More than two channels are not judged.
        assert_eq!(mix(&[1.0, -1.0, 0.0, 0.0], 4, None), (vec![0.0], None));
    }
}

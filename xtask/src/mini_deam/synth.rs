//! Music from numbers, the same on every machine.

use std::io::Cursor;

/// Samples per second: half of what models hear, so that resampling has something to do.
const RATE: u32 = 11_025;
/// 3.4 seconds.
const LENGTH: usize = 37_485;
/// 2^(n/12) for n from 0 to 11, to full precision, since `powf` may differ from machine to machine.
const SEMITONES: [f64; 12] = [
    1.0,
    1.059_463_094_359_295_3,
    1.122_462_048_309_373,
    1.189_207_115_002_721,
    1.259_921_049_894_873_2,
    1.334_839_854_170_034_4,
    std::f64::consts::SQRT_2,
    1.498_307_076_876_681_5,
    1.587_401_051_968_199_4,
    1.681_792_830_507_429,
    1.781_797_436_280_678_5,
    1.887_748_625_363_387,
];

/// What a piece is meant to express, from -1 to 1.
pub struct Piece {
    /// Varies the melody.
    pub seed: u32,
    pub valence: f64,
    pub arousal: f64,
}

/// A sine wave by a polynomial; `phase` is a whole turn in 2^32 steps.
fn sine(phase: u32) -> f64 {
    // The first half turn is a parabola-like hump, the second the same upside down.
    let half = f64::from(phase & 0x7fff_ffff) / 2_147_483_648.0;
    // x from -1 to 1 across the hump; cos(pi x / 2) by its series, whose error stays below 1e-4.
    let x = 2.0 * half - 1.0;
    let y = x * x;
    let hump =
        1.0 + y * (-1.233_700_55 + y * (0.253_669_507 + y * (-0.020_863_480 + y * 0.000_894_523)));
    if phase & 0x8000_0000 == 0 {
        hump
    } else {
        -hump
    }
}

/// Frequency of a note, in semitones above the A of 110 Hz.
fn pitch(semitone: i32) -> f64 {
    let mut frequency = 110.0 * SEMITONES[semitone.rem_euclid(12) as usize];
    for _ in 0..semitone.div_euclid(12).unsigned_abs() {
        frequency *= if semitone < 0 { 0.5 } else { 2.0 };
    }
    frequency
}

/// Whole number nearest to a positive value.
fn round(value: f64) -> u32 {
    (value + 0.5) as u32
}

/// A linear congruential generator (Numerical Recipes), high bits.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 8
    }

    /// -1 to 1.
    fn sample(&mut self) -> f64 {
        f64::from(self.next()) / 8_388_608.0 - 1.0
    }
}

/// One tone: what sounds, from when, and how it decays.
struct Tone {
    start: usize,
    frequency: f64,
    level: f64,
    /// Level of each partial as a share of the one below it.
    brightness: f64,
    /// Samples to full level.
    attack: usize,
    /// Samples in which the level falls by about two thirds.
    decay: f64,
}

impl Tone {
    fn add_to(&self, sound: &mut [f64]) {
        let mut level = self.level;
        for partial in 1..=12_u32 {
            let frequency = self.frequency * f64::from(partial);
            // Partials near half the rate would fold back.
            if frequency > 0.45 * f64::from(RATE) || level < 1e-4 {
                break;
            }
            let step = round(frequency * (4_294_967_296.0 / f64::from(RATE)));
            let fall = 1.0 - f64::from(partial) / (self.decay * (1.0 + f64::from(partial)) * 0.5);
            let (mut phase, mut envelope) = (0_u32, level);
            for (i, out) in sound.iter_mut().skip(self.start).enumerate() {
                let rise = if i < self.attack {
                    i as f64 / self.attack as f64
                } else {
                    1.0
                };
                *out += sine(phase) * envelope * rise;
                phase = phase.wrapping_add(step);
                envelope *= fall;
                if envelope < 1e-5 {
                    break;
                }
            }
            level *= self.brightness;
        }
    }
}

impl Piece {
    /// The whole piece, -1 to 1.
    ///
    /// | heard | follows from | from | to |
    /// |---|---|---|---|
    /// | tempo | arousal | 54 beats per minute | 186 |
    /// | notes per beat | arousal | 1 | 2 from 0.3 on |
    /// | peak level | arousal | 0.05 | 0.9 |
    /// | level of partial k + 1 by that of k | arousal | 0.2 | 0.75 |
    /// | attack | arousal | 90 ms | 3 ms |
    /// | noise on the beat | arousal above 0 | none | a third of the level |
    /// | mode | sign of valence | minor | major |
    /// | register | valence | a sixth below | a sixth above |
    /// | a rubbing minor second | negative valence | strong | none |
    pub fn samples(&self) -> Vec<i16> {
        let up = 0.5 * (self.arousal + 1.0);
        let beat = round(f64::from(RATE) * 60.0 / (120.0 + 66.0 * self.arousal)) as usize;
        let step = if self.arousal > 0.3 { beat / 2 } else { beat };
        let root = 12 + (9.0 * self.valence + 100.5) as i32 - 100;
        let chord = if self.valence >= 0.0 {
            [0, 4, 7]
        } else {
            [0, 3, 7]
        };
        // Tonic, fourth, fifth, tonic in major; tonic, sixth, fourth, tonic in minor.
        let roots = if self.valence >= 0.0 {
            [0, 5, 7, 0]
        } else {
            [0, -4, 5, 0]
        };
        let mut noise = Noise(self.seed.wrapping_mul(2_654_435_761));
        let mut sound = vec![0.0; LENGTH];
        let tone = |start, semitone, level| Tone {
            start,
            frequency: pitch(semitone),
            level,
            brightness: 0.2 + 0.55 * up,
            attack: round(f64::from(RATE) * (0.09 - 0.087 * up)) as usize,
            decay: f64::from(RATE) * (0.9 - 0.6 * up),
        };
        for (i, start) in (0..LENGTH).step_by(step.max(1)).enumerate() {
            let bar_root = root + roots[start / (2 * beat) % 4];
            if start % (2 * beat) < step {
                tone(start, bar_root - 12, 0.8).add_to(&mut sound);
                for note in chord {
                    tone(start, bar_root + note, 0.4).add_to(&mut sound);
                }
                if self.valence < 0.0 {
                    tone(start, bar_root + 1, -0.35 * self.valence).add_to(&mut sound);
                }
            }
            let note = chord[(noise.next() as usize + i) % 3];
            tone(start, bar_root + 12 + note, 0.6).add_to(&mut sound);
            if self.arousal > 0.0 {
                let (mut level, mut before) = (self.arousal, 0.0);
                for out in sound.iter_mut().skip(start).take(1500) {
                    // The difference of two samples: more treble than bass.
                    let now = noise.sample();
                    *out += level * (now - before);
                    before = now;
                    level *= 0.996;
                }
            }
        }
        let peak = sound.iter().fold(
            1e-9_f64,
            |peak, s| if s.abs() > peak { s.abs() } else { peak },
        );
        let gain = 32_767.0 * (0.05 + 0.85 * up * up) / peak;
        // A fade of 20 ms at the end, so that a repeated piece does not click.
        let fade = RATE as usize / 50;
        sound
            .iter()
            .enumerate()
            .map(|(i, s)| {
                let left = LENGTH - i;
                let end = if left < fade {
                    left as f64 / fade as f64
                } else {
                    1.0
                };
                (s * gain * end) as i16
            })
            .collect()
    }
}

/// A WAV file, mono, 16 bits.
pub fn wav(samples: &[i16]) -> Result<Vec<u8>, String> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let fault = |e: hound::Error| format!("writing WAV: {e}");
    let mut writer = hound::WavWriter::new(&mut bytes, spec).map_err(fault)?;
    for sample in samples {
        writer.write_sample(*sample).map_err(fault)?;
    }
    writer.finalize().map_err(fault)?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sine_polynomial_is_a_sine() {
        for i in 0..1000_u32 {
            let phase = i.wrapping_mul(4_294_967);
            let expected = (f64::from(phase) / 4_294_967_296.0 * std::f64::consts::TAU).sin();
            assert!((sine(phase) - expected).abs() < 1e-4, "{i}");
        }
    }

    #[test]
    fn pitches_double_in_an_octave() {
        assert_eq!(pitch(0), 110.0);
        assert_eq!(pitch(12), 220.0);
        assert_eq!(pitch(-12), 55.0);
        assert!((pitch(3) - 130.812_782_65).abs() < 1e-6);
    }

    #[test]
    fn more_arousal_is_louder_and_nothing_clips() {
        let loudness = |arousal| {
            let piece = Piece {
                seed: 1,
                valence: 0.5,
                arousal,
            };
            let samples = piece.samples();
            assert!(samples.iter().all(|s| s.unsigned_abs() < 32_000));
            samples
                .iter()
                .map(|s| f64::from(*s) * f64::from(*s))
                .sum::<f64>()
        };
        assert!(loudness(-0.9) < loudness(0.0) && loudness(0.0) < loudness(0.9));
    }
}

//! Colours.

use crate::emotion::Emotion;
use plotters::style::RGBColor;

/// Background.
pub const PAPER: RGBColor = RGBColor(255, 255, 255);
/// Text and axes.
pub const INK: RGBColor = RGBColor(33, 37, 41);
/// Text that explains.
pub const MUTED: RGBColor = RGBColor(108, 117, 125);
/// What a picture is about.
pub const ACCENT: RGBColor = RGBColor(29, 99, 201);
/// Lines of a grid.
pub const GRID: RGBColor = RGBColor(222, 226, 230);

/// A colour for each emotion, for dots and areas on white: hues in the order of the circumplex, warm where arousal is
/// high and cool where it is low. Distinct also by lightness between neighbours.
pub fn emotion_color(emotion: Emotion) -> RGBColor {
    match emotion {
        Emotion::Happy => RGBColor(245, 184, 0),
        Emotion::Excited => RGBColor(240, 120, 24),
        Emotion::Tense => RGBColor(214, 48, 49),
        Emotion::Frustrated => RGBColor(157, 36, 100),
        Emotion::Depressed => RGBColor(88, 58, 142),
        Emotion::Tired => RGBColor(76, 110, 176),
        Emotion::Calm => RGBColor(42, 157, 162),
        Emotion::Content => RGBColor(122, 178, 60),
    }
}

/// The colour map `magma` by N. Smith and S. van der Walt (2015, CC0): even in lightness, black to pale yellow.
///
/// `value` from 0 to 1; what lies outside, or is no number, takes the nearer end (the dark one).
pub fn magma(value: f32) -> RGBColor {
    /// Every sixteenth of the way, as matplotlib 3.11 has it.
    const STOPS: [u32; 17] = [
        0x000004, 0x0a0822, 0x1d1147, 0x36106b, 0x51127c, 0x6a1c81, 0x832681, 0x9c2e7f, 0xb73779,
        0xd0416f, 0xe75263, 0xf56b5c, 0xfc8961, 0xfea772, 0xfec488, 0xfde2a3, 0xfcfdbf,
    ];
    // `clamp` would let NaN through.
    #[allow(clippy::manual_clamp)]
    let position = value.max(0.0).min(1.0) * (STOPS.len() - 1) as f32;
    let index = (position as usize).min(STOPS.len() - 2);
    let share = position - index as f32;
    let channel = |shift: u32| {
        let of = |stop: u32| ((stop >> shift) & 0xff) as f32;
        (of(STOPS[index]) * (1.0 - share) + of(STOPS[index + 1]) * share).round() as u8
    };
    RGBColor(channel(16), channel(8), channel(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magma_runs_from_black_to_pale_yellow_and_never_leaves_its_ends() {
        assert_eq!(magma(0.0), RGBColor(0, 0, 4));
        assert_eq!(magma(1.0), RGBColor(0xfc, 0xfd, 0xbf));
        assert_eq!(magma(0.5), RGBColor(0xb7, 0x37, 0x79));
        for (outside, end) in [
            (-3.0, 0.0),
            (7.0, 1.0),
            (f32::INFINITY, 1.0),
            (f32::NAN, 0.0),
        ] {
            assert_eq!(magma(outside), magma(end));
        }
    }
}

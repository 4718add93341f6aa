//! Colors.

use crate::emotion::Emotion;

/// Red, green and blue, and how opaque: 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Color {
    pub rgb: [u8; 3],
    pub alpha: f32,
}

impl Color {
    pub(crate) const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self {
            rgb: [red, green, blue],
            alpha: 1.0,
        }
    }

    /// The same color, more or less transparent.
    pub(crate) fn alpha(self, alpha: f32) -> Self {
        Self { alpha, ..self }
    }
}

/// Background.
pub(super) const PAPER: Color = Color::new(255, 255, 255);
/// Text and axes.
pub(super) const INK: Color = Color::new(33, 37, 41);
/// Text that explains.
pub(crate) const MUTED: Color = Color::new(108, 117, 125);
/// The subject of a chart.
pub(crate) const ACCENT: Color = Color::new(29, 99, 201);
/// Lines of a grid.
pub(super) const GRID: Color = Color::new(222, 226, 230);

/// A color for each emotion, for dots and areas on white: hues in the order of the circumplex, warm where arousal is
/// high and cool where it is low. Distinct also by lightness between neighbors.
pub(crate) fn emotion_color(emotion: Emotion) -> Color {
    match emotion {
        Emotion::Happy => Color::new(245, 184, 0),
        Emotion::Excited => Color::new(240, 120, 24),
        Emotion::Tense => Color::new(214, 48, 49),
        Emotion::Frustrated => Color::new(157, 36, 100),
        Emotion::Depressed => Color::new(88, 58, 142),
        Emotion::Tired => Color::new(76, 110, 176),
        Emotion::Calm => Color::new(42, 157, 162),
        Emotion::Content => Color::new(122, 178, 60),
    }
}

/// The color map `magma` by N. Smith and S. van der Walt (2015, CC0): even in lightness, black to pale yellow.
///
/// `value` is clamped to 0 to 1; NaN is 0.
pub(super) fn magma(value: f32) -> Color {
    /// Every sixteenth of the map, as in matplotlib 3.11.
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
    Color::new(channel(16), channel(8), channel(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magma_runs_from_black_to_pale_yellow_and_clamps() {
        assert_eq!(magma(0.0), Color::new(0, 0, 4));
        assert_eq!(magma(1.0), Color::new(0xfc, 0xfd, 0xbf));
        assert_eq!(magma(0.5), Color::new(0xb7, 0x37, 0x79));
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

//! The points of a spectrogram: from windows of decibels to pixels.

use super::palette::magma;
use crate::mel::MelConfig;
use std::ops::Range;

/// Decibels below the loudest point that are still told from black.
pub(super) const RANGE_DB: f32 = 80.0;

/// One window of a song, as the model sees it.
#[derive(Debug, Clone, Copy)]
pub struct SpectrogramWindow<'a> {
    /// dB, row-major `[n_mels, frames]`.
    pub values: &'a [f32],
    /// Where it starts in the song, in seconds.
    pub start_s: f64,
    /// The part of it that no earlier window covers, 0 to 1.
    pub weight: f64,
}

/// The windows of a song one after another on one axis of seconds, bands of equal height above each other. Of a window
/// that overlaps the one before it, the part that is new is shown.
pub(super) struct Raster<'a> {
    /// How the windows were made.
    pub mel: &'a MelConfig,
    /// Samples of a window.
    pub window_length: usize,
    /// In the order of their starts.
    pub windows: &'a [SpectrogramWindow<'a>],
}

impl Raster<'_> {
    pub fn window_s(&self) -> f64 {
        self.window_length as f64 / f64::from(self.mel.sample_rate)
    }

    /// Where the part of a window that is shown begins and ends, in seconds.
    pub fn shown(&self, window: &SpectrogramWindow<'_>) -> Range<f64> {
        let end = window.start_s + self.window_s();
        end - window.weight.clamp(0.0, 1.0) * self.window_s()..end
    }

    /// Where the axis begins and ends, in seconds.
    pub fn extent(&self) -> Range<f64> {
        let start = self.windows.first().map_or(0.0, |window| window.start_s);
        let end = self
            .windows
            .last()
            .map_or(0.0, |window| self.shown(window).end);
        start..end.max(start + 1e-3)
    }

    /// Place of a time on the axis: 0 at its start, 1 at its end.
    pub fn along(&self, seconds: f64) -> f64 {
        let extent = self.extent();
        (seconds - extent.start) / (extent.end - extent.start)
    }

    /// Height of a frequency, 0 to 1: band 0 is the lowest strip of equal height, and a band's centre frequency is in
    /// the middle of its strip.
    pub fn up(&self, hz: f64) -> f64 {
        let centres = self.mel.band_centres();
        let above = centres.partition_point(|centre| *centre < hz);
        let band = match (above.checked_sub(1), centres.get(above)) {
            (Some(below), Some(upper)) => {
                let (place, lower) = (below as f64, centres[below]);
                place + (hz - lower) / (upper - lower)
            }
            (Some(last), None) => last as f64 + 0.5,
            (None, _) if centres.first().is_some_and(|first| *first == hz) => 0.0,
            (None, _) => -0.5,
        };
        ((band + 0.5) / self.mel.n_mels as f64).clamp(0.0, 1.0)
    }

    /// The decibels that the darkest and the lightest colour stand for.
    pub fn range(&self) -> Range<f32> {
        let values = self.windows.iter().flat_map(|window| window.values);
        let loudest = values
            .copied()
            .filter(|db| db.is_finite())
            .fold(-100.0, f32::max);
        let top = (loudest / 10.0).ceil() * 10.0;
        top - RANGE_DB..top
    }

    /// Mean level of every strip of one of `width` columns of pixels, lowest first, into `levels`.
    fn column(&self, x: usize, width: usize, levels: &mut [f32]) {
        let extent = self.extent();
        let pixel = (extent.end - extent.start) / width as f64;
        let from = extent.start + x as f64 * pixel;
        let middle = from + 0.5 * pixel;
        // The last window that has begun: those before it are shown up to where it begins.
        let index = self
            .windows
            .partition_point(|window| self.shown(window).start <= middle);
        let Some(window) = self.windows.get(index.saturating_sub(1)) else {
            return;
        };
        let frames = window.values.len() / self.mel.n_mels.max(1);
        if frames == 0 {
            return;
        }
        let frame = |seconds: f64| {
            let hop_s = self.mel.hop_length as f64 / f64::from(self.mel.sample_rate);
            (((seconds - window.start_s) / hop_s).round().max(0.0) as usize).min(frames - 1)
        };
        let span = frame(from)..=frame(from + pixel).max(frame(middle));
        for (row, level) in window.values.chunks_exact(frames).zip(levels) {
            let part = &row[*span.start().min(span.end())..=*span.end()];
            *level = part.iter().sum::<f32>() / part.len() as f32;
        }
    }

    /// Red, green and blue of every point of a picture of that size, in that many steps from black to the lightest
    /// colour. Up to 255 steps make a file with a palette; the fewer, the smaller it is.
    pub fn pixels(&self, width: usize, height: usize, shades: u8) -> Vec<u8> {
        let shades = f32::from(shades.max(1));
        let bands = self.mel.n_mels;
        let range = self.range();
        let mut rgb = vec![0; 3 * width * height];
        let mut levels = vec![f32::NEG_INFINITY; bands];
        for x in 0..width {
            self.column(x, width, &mut levels);
            for y in 0..height {
                let band = ((height - 1 - y) * bands / height).min(bands.saturating_sub(1));
                let level = levels.get(band).copied().unwrap_or(f32::NEG_INFINITY);
                let share = ((level - range.start) / RANGE_DB * shades).round() / shades;
                let color = magma(share);
                let at = 3 * (y * width + x);
                rgb[at..at + 3].copy_from_slice(&[color.0, color.1, color.2]);
            }
        }
        rgb
    }
}

/// A round step (1, 2 or 5 times a power of ten, or as many minutes) that gives at most `most` ticks over `length`.
pub(super) fn time_step(length: f64, most: usize) -> f64 {
    const STEPS: [f64; 18] = [
        0.001, 0.01, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0,
        1_200.0, 3_600.0, 7_200.0,
    ];
    let fits = |step: &f64| length / step <= most as f64;
    STEPS.into_iter().find(fits).unwrap_or(length / most as f64)
}

/// Seconds with as many decimals as the step between ticks needs.
pub(super) fn seconds(value: f64, step: f64) -> String {
    let decimals = if step < 1.0 {
        (-step.log10()).ceil().max(1.0) as usize
    } else {
        0
    };
    if decimals == 0 {
        thousands(value)
    } else {
        format!("{value:.decimals$}")
    }
}

/// A whole number with a comma before its thousands.
pub(super) fn thousands(value: f64) -> String {
    let value = value.round() as i64;
    if value < 1_000 {
        value.to_string()
    } else {
        format!("{},{:03}", value / 1_000, value % 1_000)
    }
}

//! The log-mel spectrogram of a song, as a picture.

use super::{
    MUTED, Scene,
    axes::{Area, Tick, number},
    color::{PAPER, magma},
    font::TextStyle,
};
use crate::{Result, analysis::spectrograms, audio::AudioInfo, model::Preprocessing};
use std::{ops::Range, path::Path};

/// Decibels below the loudest point down to black.
const RANGE_DB: f32 = 80.0;
/// The picture and its color bar.
const LARGE: Area = Area {
    left: 130.0,
    top: 130.0,
    right: 1420.0,
    bottom: 706.0,
    font: 17.0,
};
const BAR: Area = Area {
    left: 1454.0,
    right: 1480.0,
    ..LARGE
};
/// One window of a song, the input of the model.
#[derive(Debug, Clone)]
pub(crate) struct SpectrogramWindow {
    /// dB, row-major `[bands, frames]`.
    pub values: Vec<f32>,
    /// Start in the song, in seconds.
    pub start_s: f64,
    /// The part of it that no earlier window covers, 0 to 1.
    pub weight: f64,
}

/// The windows of a song one after another on one axis of seconds, bands of equal height above each other. Of a window
/// that overlaps the one before it, the new part is shown.
pub(crate) struct Spectrogram {
    /// Center frequencies of the bands in Hz, lowest first.
    pub band_centers: Vec<f64>,
    /// Seconds between two frames.
    pub hop_s: f64,
    /// Length of a window in seconds.
    pub window_s: f64,
    /// In the order of their starts.
    pub windows: Vec<SpectrogramWindow>,
}

impl Spectrogram {
    /// The input of a model with these settings for a music file: about 1.3 MB for a minute with the default model.
    ///
    /// # Errors
    /// As [`spectrograms`].
    pub(crate) fn of_file(path: &Path, preprocessing: &Preprocessing) -> Result<(AudioInfo, Self)> {
        let mel = &preprocessing.mel;
        let rate = f64::from(mel.sample_rate);
        let mut windows = Vec::new();
        let info = spectrograms(path, preprocessing, |window| {
            windows.push(SpectrogramWindow {
                values: window.values.to_vec(),
                start_s: window.start_s,
                weight: window.weight,
            });
            Ok(())
        })?;
        let spectrogram = Self {
            band_centers: mel.band_centers(),
            hop_s: mel.hop_length as f64 / rate,
            window_s: preprocessing.window.length as f64 / rate,
            windows,
        };
        Ok((info, spectrogram))
    }

    /// The picture, with the borders of the windows and a bar of decibels.
    pub(crate) fn scene(&self, title: &str, subtitle: &str) -> Scene {
        let mut scene = Scene::new(1600, 820);
        scene.heading(title, subtitle, LARGE.left);
        self.draw(&mut scene);
        self.draw_windows(&mut scene);
        let corner = (LARGE.left - 1.0, LARGE.top - 1.0);
        scene.frame(corner, (LARGE.right, LARGE.bottom));
        LARGE.ticks_below(&mut scene, &self.times(), "time in seconds");
        LARGE.ticks_left(&mut scene, &self.frequencies());
        LARGE.name_left(&mut scene, "frequency in hertz", 96.0);
        self.draw_color_bar(&mut scene);
        scene
    }

    /// The part of a window that is shown, in seconds.
    fn shown(&self, window: &SpectrogramWindow) -> Range<f64> {
        let end = window.start_s + self.window_s;
        end - window.weight.clamp(0.0, 1.0) * self.window_s..end
    }

    /// Start and end of the axis, in seconds.
    fn extent(&self) -> (f64, f64) {
        let start = self.windows.first().map_or(0.0, |window| window.start_s);
        let last = self.windows.last();
        let end = last.map_or(0.0, |window| self.shown(window).end);
        (start, end.max(start + 1e-3))
    }

    fn times(&self) -> Vec<Tick> {
        let most = ((LARGE.right - LARGE.left) / (6.0 * LARGE.font)) as usize;
        LARGE.x(self.extent(), most).ticks()
    }

    /// Pixel and label of round frequencies, as many as fit.
    fn frequencies(&self) -> Vec<Tick> {
        const HERTZ: [f64; 11] = [
            50.0, 100.0, 250.0, 500.0, 1_000.0, 2_000.0, 3_000.0, 4_000.0, 6_000.0, 8_000.0,
            10_000.0,
        ];
        let mut ticks: Vec<Tick> = Vec::new();
        for (hertz, up) in HERTZ.into_iter().filter_map(|it| Some((it, self.up(it)?))) {
            let y = LARGE.bottom - up * (LARGE.bottom - LARGE.top);
            let last = ticks.last();
            if last.is_none_or(|last| last.0 - y >= 1.4 * LARGE.font) {
                ticks.push((y, number(hertz, 0)));
            }
        }
        ticks
    }

    /// Height of a frequency, 0 to 1, a band's center frequency in the middle of its strip. `None` outside the bands.
    fn up(&self, hertz: f64) -> Option<f64> {
        let centers = &self.band_centers;
        let upper = centers.partition_point(|center| *center < hertz);
        let high = centers.get(upper)?;
        let band = match upper.checked_sub(1) {
            Some(below) => below as f64 + (hertz - centers[below]) / (high - centers[below]),
            None if hertz == *high => 0.0,
            None => return None,
        };
        Some((band + 0.5) / centers.len() as f64)
    }

    /// The decibels of the lightest color.
    fn loudest(&self) -> f32 {
        let values = self.windows.iter().flat_map(|window| &window.values);
        let finite = values.copied().filter(|db| db.is_finite());
        (finite.fold(-100.0, f32::max) / 10.0).ceil() * 10.0
    }

    /// Mean level of every band, lowest first, between two times.
    fn levels(&self, from: f64, to: f64) -> Vec<f32> {
        let middle = (from + to) / 2.0;
        // The last window that has started: those before it are shown up to where it starts.
        let windows = &self.windows;
        let started = windows.partition_point(|window| self.shown(window).start <= middle);
        let window = match windows.get(started.saturating_sub(1)) {
            Some(window) if window.values.len() >= self.band_centers.len() => window,
            _ => return Vec::new(),
        };
        let frames = window.values.len() / self.band_centers.len();
        let frame = |seconds: f64| {
            let frame = (seconds - window.start_s) / self.hop_s;
            (frame.round().max(0.0) as usize).min(frames - 1)
        };
        let (first, last) = (frame(from), frame(to).max(frame(middle)));
        let rows = window.values.chunks_exact(frames);
        rows.map(|row| {
            let part = &row[first.min(last)..=last];
            part.iter().sum::<f32>() / part.len() as f32
        })
        .collect()
    }

    /// Paints the spectrogram.
    fn draw(&self, scene: &mut Scene) {
        let (width, height) = (LARGE.right - LARGE.left, LARGE.bottom - LARGE.top);
        let (start, end) = self.extent();
        let pixel = (end - start) / width;
        let columns: Vec<Vec<f32>> = (0..width as u32)
            .map(|x| start + f64::from(x) * pixel)
            .map(|from| self.levels(from, from + pixel))
            .collect();
        let (bands, low) = (self.band_centers.len(), self.loudest() - RANGE_DB);
        let size = (width as u32, height as u32);
        scene.image((LARGE.left, LARGE.top), size, |x, y| {
            let band = (size.1 - 1 - y) as usize * bands / size.1 as usize;
            let level = columns[x as usize].get(band).copied();
            let share = (level.unwrap_or(f32::NEG_INFINITY) - low) / RANGE_DB;
            magma(share)
        });
    }

    /// A dashed line where windows meet, and their numbers above, as many as fit.
    fn draw_windows(&self, scene: &mut Scene) {
        let x = LARGE.x(self.extent(), 1);
        let style = TextStyle::new(15.5).muted();
        let width = style.width(&self.windows.len().to_string()) + 14.0;
        let each = (x.at(self.extent().0 + self.window_s) - LARGE.left).max(1.0);
        let every = (width / each).ceil().max(1.0) as usize;
        for (index, window) in self.windows.iter().enumerate() {
            let shown = self.shown(window);
            let (from, to) = (x.at(shown.start), x.at(shown.end));
            if index > 0 && every == 1 {
                let ends = ((from, LARGE.top), (from, LARGE.bottom));
                scene.dashes(ends.0, ends.1, 1.0, 4.0, PAPER.alpha(0.75));
            }
            let number = index + 1;
            let fits = to - from > width - 10.0 || every > 1;
            if fits && (number == 1 || number % every == 0) {
                scene.line((from, LARGE.top - 8.0), (from, LARGE.top - 1.0), 1.0, MUTED);
                let at = ((from + to) / 2.0, LARGE.top - 18.0);
                scene.text(number.to_string(), at, style.center());
            }
        }
        let at = (LARGE.left - 13.0, LARGE.top - 18.0);
        scene.text("window", at, style.end());
    }

    fn draw_color_bar(&self, scene: &mut Scene) {
        let (width, height) = (BAR.right - BAR.left, BAR.bottom - BAR.top);
        let size = (width as u32, height as u32);
        let color = |_, y| magma(1.0 - y as f32 / (height - 1.0) as f32);
        scene.image((BAR.left, BAR.top), size, color);
        scene.frame((BAR.left - 1.0, BAR.top - 1.0), (BAR.right, BAR.bottom));
        let loudest = f64::from(self.loudest());
        let range = (loudest - f64::from(RANGE_DB), loudest);
        let mut ticks = BAR.y(range, 8).ticks();
        if let Some((_, lowest)) = ticks.first_mut() {
            lowest.insert_str(0, "≤ ");
        }
        BAR.ticks_right(scene, &ticks);
        let style = TextStyle::new(18.0).center();
        scene.text("dB", (BAR.middle(), BAR.top - 22.0), style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::scene::Shape;

    const BRIGHT: [u8; 3] = [0xfc, 0xfd, 0xbf];
    const DARK: [u8; 3] = [0, 0, 4];

    /// 1,000 frames of 2 ms: windows of 2 s.
    fn spectrogram(windows: Vec<SpectrogramWindow>) -> Spectrogram {
        Spectrogram {
            band_centers: (0..128).map(|band| 30.0 * 1.04_f64.powi(band)).collect(),
            hop_s: 0.002,
            window_s: 2.0,
            windows,
        }
    }

    fn color_at(spectrogram: &Spectrogram, x: f64, y: f64) -> [u8; 3] {
        let scene = spectrogram.scene("song.mp3", "");
        let image = scene.shapes.iter().find_map(|(shape, _)| match shape {
            Shape::Image(_, image) => Some(image),
            _ => None,
        });
        let (x, y) = ((x - LARGE.left) as u32, (y - LARGE.top) as u32);
        let pixel = image.unwrap().pixel(x, y).unwrap();
        [pixel.red(), pixel.green(), pixel.blue()]
    }

    fn window(values: Vec<f32>, start_s: f64, weight: f64) -> SpectrogramWindow {
        SpectrogramWindow {
            values,
            start_s,
            weight,
        }
    }

    #[test]
    fn a_loud_band_is_bright_at_its_own_frequency() {
        for band in [0, 17, 64, 127] {
            let mut values = vec![-100.0; 128 * 1000];
            values[band * 1000..(band + 1) * 1000].fill(20.0);
            let windows = vec![window(values, 0.0, 1.0)];
            let drawn = spectrogram(windows);
            let up = drawn.up(drawn.band_centers[band]).unwrap();
            let y = LARGE.bottom - up * (LARGE.bottom - LARGE.top);
            assert_eq!(color_at(&drawn, 700.0, y), BRIGHT, "band {band}");
            let far = if band < 64 {
                LARGE.top + 40.0
            } else {
                LARGE.bottom - 40.0
            };
            assert_eq!(color_at(&drawn, 700.0, far), DARK, "band {band}");
        }
    }

    #[test]
    fn an_overlapping_last_window_shows_only_its_new_part() {
        let (quiet, loud) = (vec![-100.0; 128 * 1000], vec![0.0; 128 * 1000]);
        // Two windows of 2 s over 3 s.
        let windows = vec![window(quiet, 0.0, 1.0), window(loud, 1.0, 0.5)];
        let drawn = spectrogram(windows);
        assert_eq!(drawn.extent(), (0.0, 3.0));
        let x = LARGE.x(drawn.extent(), 1);
        assert_eq!(color_at(&drawn, x.at(1.95), 400.0), DARK);
        assert_eq!(color_at(&drawn, x.at(2.05), 400.0), BRIGHT);
    }

    #[test]
    fn frequencies_are_round_inside_the_bands_and_never_overlap() {
        let drawn = spectrogram(Vec::new());
        let ticks = drawn.frequencies();
        assert_eq!(ticks.last().unwrap().1, "4,000");
        assert!(ticks.windows(2).all(|pair| pair[0].0 - pair[1].0 >= 20.0));
    }
}

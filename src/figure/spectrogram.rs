//! The log-mel spectrogram of a song as a picture.

use super::{
    canvas::{Canvas, Drawn, Figure},
    ink::Ink,
    palette::{INK, MUTED, PAPER, magma},
    raster::{RANGE_DB, Raster, SpectrogramWindow, seconds, thousands, time_step},
};
use crate::mel::{FrequencyScale, MelConfig};
use plotters::{prelude::DrawingBackend, style::Color};

/// Size of the picture in pixels.
const SIZE: (u32, u32) = (1600, 820);
/// Steps from black to the lightest colour.
const SHADES: u8 = 250;
/// Where the spectrogram stands in it.
const LEFT: i32 = 130;
const TOP: i32 = 130;
const WIDTH: i32 = 1290;
const HEIGHT: i32 = 576;
/// Left edge and width of the colour bar.
const BAR_LEFT: i32 = LEFT + WIDTH + 34;
const BAR_WIDTH: i32 = 26;

/// The windows of a song one after another on one axis of seconds, over the mel scale, with a bar of decibels.
///
/// Of a window that overlaps the one before it, the part that is new is shown. White lines stand where windows meet.
pub struct Spectrogram<'a> {
    /// Headline: the name of the file.
    pub title: &'a str,
    /// What else is to be known, in one line.
    pub subtitle: &'a str,
    /// How the windows were made.
    pub mel: &'a MelConfig,
    /// Samples of a window.
    pub window_length: usize,
    /// In the order of their starts; at least one.
    pub windows: &'a [SpectrogramWindow<'a>],
}

impl Spectrogram<'_> {
    fn raster(&self) -> Raster<'_> {
        Raster {
            mel: self.mel,
            window_length: self.window_length,
            windows: self.windows,
        }
    }

    fn x_of(&self, seconds: f64) -> i32 {
        LEFT + (self.raster().along(seconds) * f64::from(WIDTH)).round() as i32
    }

    fn y_of(&self, hz: f64) -> i32 {
        TOP + HEIGHT - (self.raster().up(hz) * f64::from(HEIGHT)).round() as i32
    }

    fn draw_time_axis<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let extent = self.raster().extent();
        let step = time_step(extent.end - extent.start, 12);
        let bottom = TOP + HEIGHT;
        let mut tick = (extent.start / step).ceil();
        while tick * step <= extent.end + 1e-9 {
            let x = self.x_of(tick * step);
            canvas.line((x, bottom), (x, bottom + 7), &INK)?;
            canvas.text(
                &seconds(tick * step, step),
                (x, bottom + 12),
                &Ink::new(20).centred(),
            )?;
            tick += 1.0;
        }
        let label = Ink::new(21).centred();
        canvas.text("time in seconds", (LEFT + WIDTH / 2, bottom + 46), &label)
    }

    fn draw_frequency_axis<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        const TICKS: [f64; 11] = [
            50.0, 100.0, 250.0, 500.0, 1_000.0, 2_000.0, 3_000.0, 4_000.0, 6_000.0, 8_000.0,
            10_000.0,
        ];
        let mut lowest_free = i32::MAX;
        for hz in TICKS {
            let y = self.y_of(hz);
            let inside = hz > self.mel.f_min && hz < self.mel.f_max;
            if !inside || y + 24 > lowest_free {
                continue;
            }
            lowest_free = y;
            canvas.line((LEFT - 8, y), (LEFT - 1, y), &INK)?;
            canvas.text(
                &thousands(hz),
                (LEFT - 13, y),
                &Ink::new(20).right().middle(),
            )?;
        }
        let label = Ink::new(21).upwards().centred().middle();
        let scale = match self.mel.scale {
            FrequencyScale::Mel => "frequency in hertz (mel scale)",
            FrequencyScale::Linear => "frequency in hertz",
        };
        canvas.text(scale, (34, TOP + HEIGHT / 2), &label)
    }

    fn draw_colour_bar<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let range = self.raster().range();
        let mut rgb = Vec::with_capacity(3 * (BAR_WIDTH * HEIGHT) as usize);
        for y in 0..HEIGHT {
            let color = magma(1.0 - y as f32 / (HEIGHT - 1) as f32);
            for _ in 0..BAR_WIDTH {
                rgb.extend([color.0, color.1, color.2]);
            }
        }
        canvas.pixels((BAR_LEFT, TOP), BAR_WIDTH as u32, rgb)?;
        canvas.frame(
            (BAR_LEFT - 1, TOP - 1),
            (BAR_LEFT + BAR_WIDTH, TOP + HEIGHT),
            &INK,
        )?;
        let right = BAR_LEFT + BAR_WIDTH;
        for below in (0..=RANGE_DB as i32).step_by(10) {
            let y = TOP + (f64::from(below * (HEIGHT - 1)) / f64::from(RANGE_DB)).round() as i32;
            let level = range.end as i32 - below;
            let text = match (level, below == RANGE_DB as i32) {
                (level, true) => format!("≤ {}", signed(level)),
                (level, false) => signed(level),
            };
            canvas.line((right + 1, y), (right + 7, y), &INK)?;
            canvas.text(&text, (right + 13, y), &Ink::new(20).middle())?;
        }
        canvas.text(
            "dB",
            (BAR_LEFT + BAR_WIDTH / 2, TOP - 12),
            &Ink::new(21).centred().bottom(),
        )
    }

    /// A line where windows meet, and their numbers above, as many as fit.
    fn draw_windows<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let widest = canvas.text_width(&self.windows.len().to_string(), &Ink::new(18));
        let each = (self.x_of(self.raster().extent().start + self.raster().window_s()) - LEFT)
            .max(1) as u32;
        let every = (widest + 14).div_ceil(each).max(1) as usize;
        let widest = widest as i32;
        for (index, window) in self.windows.iter().enumerate() {
            let shown = self.raster().shown(window);
            let (from, to) = (self.x_of(shown.start), self.x_of(shown.end));
            if index > 0 && every == 1 {
                for y in (TOP..TOP + HEIGHT).step_by(8) {
                    canvas.line(
                        (from, y),
                        (from, (y + 3).min(TOP + HEIGHT - 1)),
                        &PAPER.mix(0.75),
                    )?;
                }
            }
            let number = index + 1;
            let fits = to - from > widest + 4 || every > 1;
            if fits && (number == 1 || number % every == 0) {
                canvas.line((from, TOP - 8), (from, TOP - 1), &MUTED)?;
                let ink = Ink::new(18).color(MUTED).centred().bottom();
                canvas.text(&number.to_string(), ((from + to) / 2, TOP - 9), &ink)?;
            }
        }
        let ink = Ink::new(18).color(MUTED).right().bottom();
        canvas.text("window", (LEFT - 13, TOP - 9), &ink)
    }
}

impl Figure for Spectrogram<'_> {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let width = SIZE.0 - LEFT as u32 - 40;
        canvas.heading(self.title, self.subtitle, LEFT, width)?;
        let pixels = self
            .raster()
            .pixels(WIDTH as usize, HEIGHT as usize, SHADES);
        canvas.pixels((LEFT, TOP), WIDTH as u32, pixels)?;
        self.draw_windows(canvas)?;
        canvas.frame((LEFT - 1, TOP - 1), (LEFT + WIDTH, TOP + HEIGHT), &INK)?;
        self.draw_time_axis(canvas)?;
        self.draw_frequency_axis(canvas)?;
        self.draw_colour_bar(canvas)
    }
}

/// With the minus sign of typography.
fn signed(value: i32) -> String {
    if value < 0 {
        format!("−{}", value.unsigned_abs())
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure<'a>(mel: &'a MelConfig, windows: &'a [SpectrogramWindow<'a>]) -> Spectrogram<'a> {
        Spectrogram {
            title: "song.mp3",
            subtitle: "",
            mel,
            window_length: 44_100,
            windows,
        }
    }

    fn color_at(figure: &Spectrogram<'_>, x: i32, y: i32) -> [u8; 3] {
        let at = 3 * ((y - TOP) * WIDTH + x - LEFT) as usize;
        let pixels = figure
            .raster()
            .pixels(WIDTH as usize, HEIGHT as usize, SHADES);
        [pixels[at], pixels[at + 1], pixels[at + 2]]
    }

    #[test]
    fn a_loud_band_lights_up_at_its_own_frequency() {
        let mel = MelConfig::default();
        let frames = mel.frames(44_100);
        for band in [0, 17, 64, 127] {
            let mut values = vec![-100.0; mel.n_mels * frames];
            values[band * frames..(band + 1) * frames].fill(20.0);
            let windows = [SpectrogramWindow {
                values: &values,
                start_s: 0.0,
                weight: 1.0,
            }];
            let figure = figure(&mel, &windows);
            let y = figure.y_of(mel.band_centres()[band]);
            let bright = [0xfc, 0xfd, 0xbf];
            assert_eq!(color_at(&figure, LEFT + 600, y), bright, "band {band}");
            let far = if band < 64 {
                TOP + 40
            } else {
                TOP + HEIGHT - 40
            };
            assert_eq!(color_at(&figure, LEFT + 600, far), [0, 0, 4], "band {band}");
        }
    }

    #[test]
    fn an_overlapping_last_window_shows_only_what_is_new() {
        let mel = MelConfig::default();
        let frames = mel.frames(44_100);
        let (quiet, loud) = (
            vec![-100.0; mel.n_mels * frames],
            vec![0.0; mel.n_mels * frames],
        );
        // Two windows of 2 s over 3 s.
        let window = |values, start_s, weight| SpectrogramWindow {
            values,
            start_s,
            weight,
        };
        let windows = [window(&quiet, 0.0, 1.0), window(&loud, 1.0, 0.5)];
        let figure = figure(&mel, &windows);
        assert_eq!(figure.raster().extent(), 0.0..3.0);
        let middle = TOP + HEIGHT / 2;
        assert_eq!(color_at(&figure, figure.x_of(1.95), middle), [0, 0, 4]);
        assert_ne!(color_at(&figure, figure.x_of(2.05), middle), [0, 0, 4]);
    }

    #[test]
    fn ticks_are_round_and_never_too_many() {
        assert_eq!(time_step(30.0, 12), 5.0);
        assert_eq!(time_step(3.0, 12), 0.5);
        assert_eq!(time_step(240.0, 12), 20.0);
        assert_eq!(time_step(1e9, 10), 1e8);
        assert_eq!(seconds(2.5, 0.5), "2.5");
        assert_eq!(seconds(1_200.0, 300.0), "1,200");
        assert_eq!(signed(-40), "−40");
    }
}

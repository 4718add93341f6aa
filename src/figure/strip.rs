//! A song's spectrogram in little.

use super::{
    Canvas, Drawn, Figure, INK, Ink, MUTED,
    axes::TICK,
    raster::{Raster, SpectrogramWindow, seconds, thousands, time_step},
};
use crate::mel::MelConfig;
use plotters::prelude::DrawingBackend;

const SIZE: (u32, u32) = (1000, 440);
const LEFT: i32 = 184;
const TOP: i32 = 12;
const WIDTH: i32 = 796;
const HEIGHT: i32 = 310;
/// Steps from black to the lightest colour: a page holds many of these.
const SHADES: u8 = 60;

/// The windows of a song one after another, without title and colour bar: one strip of a page. The lightest colour is
/// the loudest point, black what is 80 dB below it.
pub struct SpectrogramStrip<'a> {
    /// How the windows were made.
    pub mel: &'a MelConfig,
    /// Samples of a window.
    pub window_length: usize,
    /// In the order of their starts; at least one.
    pub windows: &'a [SpectrogramWindow<'a>],
}

impl Figure for SpectrogramStrip<'_> {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let raster = Raster {
            mel: self.mel,
            window_length: self.window_length,
            windows: self.windows,
        };
        let pixels = raster.pixels(WIDTH as usize, HEIGHT as usize, SHADES);
        canvas.pixels((LEFT, TOP), WIDTH as u32, pixels)?;
        let ink = Ink::new(TICK).color(MUTED);
        let bottom = TOP + HEIGHT;
        let extent = raster.extent();
        let step = time_step(extent.end - extent.start, 7);
        let mut tick = (extent.start / step).ceil();
        while tick * step <= extent.end + 1e-9 {
            let x = LEFT + (raster.along(tick * step) * f64::from(WIDTH)).round() as i32;
            canvas.stroke([(x, bottom), (x, bottom + 9)], 2, &INK)?;
            canvas.text(
                &seconds(tick * step, step),
                (x, bottom + 16),
                &ink.clone().centred(),
            )?;
            tick += 1.0;
        }
        canvas.text(
            "seconds",
            (LEFT + WIDTH / 2, bottom + 60),
            &ink.clone().centred(),
        )?;
        let mut lowest_free = i32::MAX;
        for hz in [100.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0] {
            let y = bottom - (raster.up(hz) * f64::from(HEIGHT)).round() as i32;
            let inside = hz > self.mel.f_min && hz < self.mel.f_max;
            if inside && y + 40 <= lowest_free {
                lowest_free = y;
                canvas.stroke([(LEFT - 9, y), (LEFT, y)], 2, &INK)?;
                let ink = ink.clone().right().middle();
                canvas.text(&format!("{} Hz", thousands(hz)), (LEFT - 14, y), &ink)?;
            }
        }
        Ok(())
    }
}

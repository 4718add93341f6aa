//! Pictures: fonts, colours and a canvas that plotters draws on.
//!
//! A picture is a type with the trait [`Figure`], drawn alike as PNG or SVG; [`save`] writes it, whole or not at all:
//!
//! ```
//! use circumplex::figure::{self, Canvas, Figure, Ink};
//!
//! struct Greeting;
//!
//! impl Figure for Greeting {
//!     fn size(&self) -> (u32, u32) {
//!         (320, 80)
//!     }
//!     fn draw<B: plotters::prelude::DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> plot::Drawn<B> {
//!         canvas.text("Größe ≥ 5", (20, 40), &Ink::new(24).bold().middle())
//!     }
//! }
//!
//! let folder = tempfile::tempdir()?;
//! plot::save(&Greeting, &folder.path().join("greeting.png"))?;
//! plot::save(&Greeting, &folder.path().join("greeting.svg"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod axes;
mod bars;
mod canvas;
#[cfg(test)]
mod chart_tests;
mod curves;
mod ink;
mod matrix;
mod palette;
mod plane;
mod raster;
mod reliability;
mod save;
mod scatter;
mod spectrogram;
mod strip;
mod text;
mod timeline;

pub use bars::{PairedBar, PairedBars};
pub use canvas::{Canvas, Drawn, FONT, Figure, register_fonts};
pub use curves::{Curves, Line};
pub use ink::Ink;
pub use matrix::Matrix;
pub use palette::{ACCENT, GRID, INK, MUTED, PAPER, emotion_color, magma};
pub use plane::{Plane, PlanePoint};
pub use raster::SpectrogramWindow;
pub use reliability::{ReliabilityDiagram, ReliabilityPoint};
pub use save::{DrawError, PlotError, check_name, escape, inline_svg, save};
pub use scatter::Scatter;
pub use spectrogram::Spectrogram;
pub use strip::SpectrogramStrip;
pub use timeline::TimelineChart;

//! Pictures: a [`Scene`] of simple shapes, written as SVG or as PNG, and the figures and charts made of it.

mod axes;
mod charts;
mod color;
mod font;
mod pixels;
mod plane;
mod scene;
mod song;
mod spectrogram;
#[cfg(test)]
mod tests;
mod timeline;

pub(crate) use axes::number;
pub(crate) use charts::{Chart, Guide};
pub(crate) use color::{ACCENT, Color, MUTED, emotion_color};
pub(crate) use plane::{Plane, PlanePoint};
pub(crate) use scene::{Point, Scene, check_extension, escape};
pub(crate) use song::SongPicture;
pub(crate) use spectrogram::Spectrogram;
#[cfg(test)]
pub(crate) use spectrogram::SpectrogramWindow;
pub(crate) use timeline::TimelineChart;

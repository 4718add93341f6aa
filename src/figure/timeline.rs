//! How a song feels from part to part, as a picture.

use super::{ACCENT, Canvas, Drawn, Figure, GRID, INK, Ink, MUTED, axes::Axis, emotion_color};
use crate::{
    clock,
    emotion::{Emotion, SCALE_MAX, SCALE_MIN, Stretch, Timeline},
};
use plotters::{
    prelude::DrawingBackend,
    style::{Color, RGBColor},
};

const SIZE: (u32, u32) = (1600, 980);
const LEFT: i32 = 130;
const RIGHT: i32 = 1350;
/// Upper and lower edge of the two charts.
const AFFECT: (i32, i32) = (150, 430);
const SHARES: (i32, i32) = (520, 860);
/// The colour of arousal; valence has [`ACCENT`].
const AROUSAL: RGBColor = RGBColor(196, 72, 20);
/// Stretches that are drawn at most: one for every two pixels.
const MOST: usize = ((RIGHT - LEFT) / 2) as usize;
/// Windows up to which each has a dot.
const DOTS: usize = 60;

/// A number of a stretch of a song.
type Number = fn(&Stretch) -> f64;

/// Valence and arousal as lines, and below them the eight percentages above each other, over a common axis of time. Each
/// step is a window; of a long song a step is the mean of several.
pub struct TimelineChart<'a> {
    /// Headline: the name of the file.
    pub title: &'a str,
    /// What else is to be known, in one line.
    pub subtitle: &'a str,
    /// What is drawn; at least one moment.
    pub timeline: Timeline<'a>,
}

impl TimelineChart<'_> {
    fn x(&self) -> Axis {
        let extent = self.timeline.extent();
        Axis::new((extent.start, extent.end), (LEFT, RIGHT), 12)
    }

    fn draw_affect<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        steps: &[Stretch],
        whole: &Stretch,
    ) -> Drawn<B> {
        let y = Axis::new((SCALE_MIN, SCALE_MAX), (AFFECT.1, AFFECT.0), 4);
        for tick in [1.0, 3.0, 5.0, 7.0, 9.0] {
            // The centre, where neither is told from its opposite.
            let color = if tick == 5.0 { MUTED } else { GRID };
            let at = y.at(tick);
            canvas.line((LEFT, at), (RIGHT, at), &color)?;
            let ink = Ink::new(20).right().middle();
            canvas.text(&format!("{tick}"), (LEFT - 13, at), &ink)?;
        }
        let name = Ink::new(21).color(MUTED).bottom();
        canvas.text("valence and arousal, 1 to 9", (LEFT, AFFECT.0 - 12), &name)?;
        let lines: [(&str, RGBColor, Number); 2] = [
            ("valence", ACCENT, |step| step.valence),
            ("arousal", AROUSAL, |step| step.arousal),
        ];
        let x = self.x();
        for (_, color, value) in lines {
            let mut points = Vec::with_capacity(steps.len() + 2);
            for (n, step) in steps.iter().enumerate() {
                let height = y.at(value(step));
                let centre = x.at((step.seconds.start + step.seconds.end) / 2.0);
                if n == 0 {
                    points.push((x.at(step.seconds.start), height));
                }
                points.push((centre, height));
                if n + 1 == steps.len() {
                    points.push((x.at(step.seconds.end), height));
                }
                if steps.len() <= DOTS {
                    canvas.dot((centre, height), 6, &color)?;
                }
            }
            let width = if steps.len() <= DOTS { 3 } else { 2 };
            canvas.stroke(points, width, &color)?;
        }
        // The names beside the lines' ends, apart from one another.
        let ends = lines.map(|(_, _, value)| steps.last().map_or(0, |last| y.at(value(last))));
        let [valence, arousal] = ends;
        let apart = 34;
        let centre = (valence + arousal) / 2;
        let places = match (valence - arousal).abs() < apart {
            true if valence <= arousal => [centre - apart / 2, centre + apart / 2],
            true => [centre + apart / 2, centre - apart / 2],
            false => ends,
        };
        for ((name, color, value), at) in lines.into_iter().zip(places) {
            let text = format!("{name} {:.2}", value(whole));
            let ink = Ink::new(22).bold().color(color).middle();
            canvas.text(&text, (RIGHT + 22, at), &ink)?;
        }
        Ok(())
    }

    fn draw_shares<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        steps: &[Stretch],
        whole: &Stretch,
    ) -> Drawn<B> {
        let y = Axis::new((0.0, 100.0), (SHARES.1, SHARES.0), 4);
        let x = self.x();
        for step in steps {
            let (from, to) = (x.at(step.seconds.start), x.at(step.seconds.end));
            let mut above = 100.0;
            for emotion in Emotion::ALL {
                let below = above - step.emotions[emotion.index()];
                let (top, bottom) = (y.at(above), y.at(below));
                if bottom > top {
                    canvas.block((from, top), (to, bottom), &emotion_color(emotion))?;
                }
                above = below;
            }
        }
        for tick in [0, 25, 50, 75, 100] {
            let at = y.at(f64::from(tick));
            canvas.line((LEFT, at), (RIGHT, at), &GRID.mix(0.6))?;
            let ink = Ink::new(20).right().middle();
            canvas.text(&format!("{tick} %"), (LEFT - 13, at), &ink)?;
        }
        let name = Ink::new(21).color(MUTED).bottom();
        canvas.text("the eight emotions", (LEFT, SHARES.0 - 12), &name)?;
        let each = (SHARES.1 - SHARES.0) / Emotion::COUNT as i32;
        for (n, emotion) in (0..).zip(Emotion::ALL) {
            let middle = SHARES.0 + each * n + each / 2;
            let left = RIGHT + 24;
            canvas.block(
                (left, middle - 10),
                (left + 20, middle + 10),
                &emotion_color(emotion),
            )?;
            canvas.text(emotion.name(), (left + 34, middle), &Ink::new(21).middle())?;
            let share = format!("{:.0} %", whole.emotions[emotion.index()]);
            let ink = Ink::new(21).color(MUTED).right().middle();
            canvas.text(&share, (SIZE.0 as i32 - 24, middle), &ink)?;
        }
        Ok(())
    }

    fn draw_time<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let extent = self.timeline.extent();
        let step = clock::step(extent.end - extent.start, 12);
        let x = self.x();
        let mut tick = (extent.start / step).ceil();
        while tick * step <= extent.end + 1e-9 {
            let at = x.at(tick * step);
            for (top, bottom) in [AFFECT, SHARES] {
                canvas.line((at, bottom + 1), (at, bottom + 8), &INK)?;
                // A faint line through the upper chart leads the eye to the lower one.
                if bottom == AFFECT.1 {
                    canvas.line((at, top), (at, bottom), &GRID)?;
                }
            }
            let ink = Ink::new(20).centred();
            canvas.text(&clock::position(tick * step), (at, SHARES.1 + 14), &ink)?;
            tick += 1.0;
        }
        let unit = if extent.end >= 3_600.0 {
            "time in hours, minutes and seconds"
        } else {
            "time in minutes and seconds"
        };
        let middle = ((LEFT + RIGHT) / 2, SHARES.1 + 50);
        canvas.text(unit, middle, &Ink::new(21).centred())
    }
}

impl Figure for TimelineChart<'_> {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let width = SIZE.0 - LEFT as u32 - 40;
        canvas.heading(self.title, self.subtitle, LEFT, width)?;
        let steps = self.timeline.at_most(MOST);
        self.draw_time(canvas)?;
        if let Some(whole) = self.timeline.whole() {
            let mean = Ink::new(21).color(MUTED).bottom();
            canvas.text("mean", (RIGHT + 22, AFFECT.0 - 12), &mean)?;
            canvas.text("mean", (RIGHT + 22, SHARES.0 - 12), &mean)?;
            self.draw_affect(canvas, &steps, &whole)?;
            self.draw_shares(canvas, &steps, &whole)?;
        }
        for (_, bottom) in [AFFECT, SHARES] {
            canvas.line((LEFT, bottom), (RIGHT, bottom), &INK)?;
        }
        Ok(())
    }
}

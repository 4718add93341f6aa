//! The emotions of a song over time, as a picture.

use super::{
    ACCENT, Color, MUTED, Scene,
    axes::{Area, Axis, Tick},
    color::{GRID, emotion_color},
    font::TextStyle,
};
use crate::{
    clock,
    emotion::{Emotion, SCALE_MAX, SCALE_MIN, Stretch, Timeline},
};

/// The two charts.
const AFFECT: Area = Area {
    left: 130.0,
    top: 150.0,
    right: 1350.0,
    bottom: 430.0,
    font: 17.0,
};
const SHARES: Area = Area {
    top: 520.0,
    bottom: 860.0,
    ..AFFECT
};
/// The color of arousal; valence has [`ACCENT`].
const AROUSAL: Color = Color::new(196, 72, 20);
/// Most steps that are drawn: one for every two pixels.
const MOST: usize = 610;
/// Most windows that have a dot each.
const DOTS: usize = 60;

/// Valence and arousal as lines, and below them the eight percentages stacked, over a common axis of time. Each step is a
/// window; of a long song it is the mean of several.
pub(crate) struct TimelineChart<'a> {
    pub title: &'a str,
    pub subtitle: &'a str,
    /// At least one moment.
    pub timeline: Timeline<'a>,
}

impl TimelineChart<'_> {
    pub(crate) fn scene(&self) -> Scene {
        let mut scene = Scene::new(1600, 980);
        scene.heading(self.title, self.subtitle, AFFECT.left);
        draw_timeline(&mut scene, &self.timeline, &AFFECT, &SHARES);
        scene
    }
}

/// The lines of valence and arousal in one area, and the stacked percentages in another below it.
pub(super) fn draw_timeline(scene: &mut Scene, timeline: &Timeline, affect: &Area, shares: &Area) {
    let extent = timeline.extent();
    let x = affect.x((extent.start, extent.end), 12);
    let times = times(timeline, &x);
    // The grid of the upper chart leads the eye to the lower one.
    affect.grid_x(scene, &times);
    if let Some(whole) = timeline.whole() {
        let steps = timeline.at_most(MOST);
        draw_affect(scene, affect, &x, &steps, &whole);
        let name = match timeline.is_felt {
            true => "the eight emotions that listeners feel",
            false => "the eight emotions",
        };
        draw_names(scene, shares, name);
        draw_shares(scene, shares, &x, &steps, &whole);
    }
    let bare: Vec<Tick> = times.iter().map(|tick| (tick.0, String::new())).collect();
    affect.ticks_below(scene, &bare, "");
    affect.base(scene);
    let unit = match extent.end >= 3_600.0 {
        true => "time in hours, minutes and seconds",
        false => "time in minutes and seconds",
    };
    shares.ticks_below(scene, &times, unit);
    shares.base(scene);
}

fn times(timeline: &Timeline, x: &Axis) -> Vec<Tick> {
    let extent = timeline.extent();
    let step = clock::step(extent.end - extent.start, 12);
    let first = (extent.start / step).ceil() as u64;
    let times = (first..).map(|n| n as f64 * step);
    let times = times.take_while(|time| *time <= extent.end + 1e-9);
    times
        .map(|time| (x.at(time), clock::position(time)))
        .collect()
}

fn draw_names(scene: &mut Scene, area: &Area, name: &str) {
    let style = TextStyle::new(18.0).muted();
    scene.text(name, (area.left, area.top - 22.0), style);
    scene.text("mean", (area.right + 22.0, area.top - 22.0), style);
}

fn draw_affect(scene: &mut Scene, area: &Area, x: &Axis, steps: &[Stretch], whole: &Stretch) {
    draw_names(scene, area, "valence and arousal, 1 to 9");
    let y = area.y((SCALE_MIN, SCALE_MAX), 4);
    let ticks = [1.0, 3.0, 5.0, 7.0, 9.0].map(|value| (y.at(value), value.to_string()));
    area.grid_y(scene, &ticks);
    area.ticks_left(scene, &ticks);
    // The middle of the scale.
    let (left, right) = ((area.left, ticks[2].0), (area.right, ticks[2].0));
    scene.line(left, right, 1.0, MUTED);
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
        return;
    };
    let lines: [(&str, Color, fn(&Stretch) -> f64); 2] = [
        ("valence", ACCENT, |step| step.valence),
        ("arousal", AROUSAL, |step| step.arousal),
    ];
    let mut ends = Vec::new();
    for (_, color, value) in lines {
        let centers = steps.iter().map(|step| {
            let center = (step.seconds.start + step.seconds.end) / 2.0;
            (x.at(center), y.at(value(step)))
        });
        let mut points = vec![(x.at(first.seconds.start), y.at(value(first)))];
        points.extend(centers);
        points.push((x.at(last.seconds.end), y.at(value(last))));
        if steps.len() <= DOTS {
            for center in &points[1..points.len() - 1] {
                scene.circle(*center, 6.0, color);
            }
        }
        scene.polyline(points, 2.5, color);
        ends.push(y.at(value(last)));
    }
    // The names beside the lines' ends, moved apart if they would overlap.
    let (apart, middle) = (34.0, (ends[0] + ends[1]) / 2.0);
    if (ends[0] - ends[1]).abs() < apart {
        let half = if ends[0] <= ends[1] { -17.0 } else { 17.0 };
        ends = vec![middle + half, middle - half];
    }
    for ((name, color, value), end) in lines.into_iter().zip(ends) {
        let style = TextStyle::new(19.0).bold().color(color);
        let text = format!("{name} {:.2}", value(whole));
        scene.text(text, (area.right + 22.0, end), style);
    }
}

fn draw_shares(scene: &mut Scene, area: &Area, x: &Axis, steps: &[Stretch], whole: &Stretch) {
    let y = area.y((0.0, 100.0), 4);
    for step in steps {
        let (from, to) = (x.at(step.seconds.start), x.at(step.seconds.end));
        let mut above = 100.0;
        for emotion in Emotion::ALL {
            let below = above - step.emotions[emotion.index()];
            let corners = ((from, y.at(above)), (to, y.at(below)));
            scene.rectangle(corners.0, corners.1, emotion_color(emotion));
            above = below;
        }
    }
    let ticks = [0.0, 25.0, 50.0, 75.0, 100.0].map(|value| (y.at(value), format!("{value} %")));
    for (y, _) in &ticks {
        let (left, right) = ((area.left, *y), (area.right, *y));
        scene.line(left, right, 1.0, GRID.alpha(0.6));
    }
    area.ticks_left(scene, &ticks);
    let pitch = (area.bottom - area.top) / Emotion::COUNT as f64;
    for (n, emotion) in Emotion::ALL.into_iter().enumerate() {
        let (left, middle) = (area.right + 24.0, area.top + pitch * (n as f64 + 0.5));
        let corners = ((left, middle - 10.0), (left + 20.0, middle + 10.0));
        scene.rectangle(corners.0, corners.1, emotion_color(emotion));
        let style = TextStyle::new(18.0);
        scene.text(emotion.name(), (left + 34.0, middle), style);
        let share = format!("{:.0} %", whole.emotions[emotion.index()]);
        scene.text(share, (area.right + 226.0, middle), style.muted().end());
    }
}

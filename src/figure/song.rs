//! One song: its percentages as a wheel, its place on the plane, and its course over time.

use super::{
    MUTED, Scene,
    axes::{Area, number},
    color::{PAPER, emotion_color},
    font::TextStyle,
    plane::{draw_names, draw_sectors},
    scene::Point,
    timeline::draw_timeline,
};
use crate::emotion::{Emotion, EmotionVector, Timeline};
use std::f64::consts::PI;

const CENTER: Point = (310.0, 290.0);
const RADIUS: f64 = 140.0;
const PLANE: Area = Area {
    left: 760.0,
    top: 110.0,
    right: 1100.0,
    bottom: 450.0,
    font: 15.0,
};
const AFFECT: Area = Area {
    left: 100.0,
    top: 560.0,
    right: 940.0,
    bottom: 690.0,
    font: 17.0,
};
const SHARES: Area = Area {
    top: 745.0,
    bottom: 905.0,
    ..AFFECT
};

/// The wheel of a song's eight percentages, its place on the valence-arousal plane, and its timeline, if there is one.
pub(crate) struct SongPicture<'a> {
    pub title: &'a str,
    pub subtitle: &'a str,
    /// 1 to 9.
    pub valence: f64,
    /// 1 to 9.
    pub arousal: f64,
    /// The percentages.
    pub emotions: &'a EmotionVector,
    pub timeline: Option<Timeline<'a>>,
}

impl SongPicture<'_> {
    pub(crate) fn scene(&self) -> Scene {
        let height = if self.timeline.is_some() { 980 } else { 520 };
        let mut scene = Scene::new(1200, height);
        scene.heading(self.title, self.subtitle, 40.0);
        self.draw_wheel(&mut scene);
        let (x, y) = draw_sectors(&mut scene, &PLANE);
        draw_names(&mut scene, &PLANE);
        let place = (x.at(self.valence), y.at(self.arousal));
        scene.circle(place, 13.0, PAPER);
        scene.circle(place, 10.0, emotion_color(self.emotions.strongest()));
        if let Some(timeline) = &self.timeline {
            draw_timeline(&mut scene, timeline, &AFFECT, &SHARES);
        }
        scene
    }

    /// Eight sectors where the plane has them; the area of each is its percentage.
    fn draw_wheel(&self, scene: &mut Scene) {
        let strongest = self.emotions.get(self.emotions.strongest());
        for (emotion, share) in self.emotions.iter() {
            let color = emotion_color(emotion);
            let reach = RADIUS * f64::from(share / strongest).sqrt();
            scene.polygon(sector(emotion, RADIUS), color.alpha(0.13));
            scene.polygon(sector(emotion, reach), color);
            let (sin, cos) = (PI / 4.0 * (emotion.index() as f64 + 0.5)).sin_cos();
            let style = TextStyle {
                anchor: if cos > 0.0 { 0.0 } else { 1.0 },
                ..TextStyle::new(17.0)
            };
            let at = |below: f64| {
                let (x, y) = (
                    CENTER.0 + (RADIUS + 14.0) * cos,
                    CENTER.1 - (RADIUS + 18.0) * sin,
                );
                (x, y + below)
            };
            scene.text(emotion.name(), at(-10.0), style.bold());
            let percent = number(share.into(), 1) + " %";
            scene.text(percent, at(11.0), style.color(MUTED));
        }
    }
}

/// A sector of the wheel: its center and points on its arc.
fn sector(emotion: Emotion, radius: f64) -> Vec<Point> {
    const STEPS: usize = 24;
    let mut points = vec![CENTER];
    for step in 0..=STEPS {
        let angle = PI / 4.0 * (emotion.index() as f64 + step as f64 / STEPS as f64);
        points.push((
            CENTER.0 + radius * angle.cos(),
            CENTER.1 - radius * angle.sin(),
        ));
    }
    points
}

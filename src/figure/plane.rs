//! Songs on the valence-arousal plane.

use super::{
    MUTED, Scene,
    axes::{Area, Axis, number},
    color::{INK, PAPER, emotion_color},
    font::TextStyle,
};
use crate::emotion::{CENTER, Emotion, SCALE_MAX, SCALE_MIN};

/// The square of the plane, and the bars beside it.
const PLANE: Area = Area {
    left: 110.0,
    top: 120.0,
    right: 750.0,
    bottom: 760.0,
    font: 15.0,
};
const BARS: Area = Area {
    left: 1010.0,
    right: 1460.0,
    ..PLANE
};

/// A song on the plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PlanePoint {
    /// 1 to 9.
    pub valence: f64,
    /// 1 to 9.
    pub arousal: f64,
    /// Its strongest emotion; sets the color.
    pub strongest: Emotion,
}

/// All songs on the valence-arousal plane over the named sectors, and the mean percentage of each emotion as bars.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plane {
    pub title: String,
    pub subtitle: String,
    pub songs: Vec<PlanePoint>,
    /// Mean percentage of each emotion.
    pub means: [f64; Emotion::COUNT],
}

impl Plane {
    pub(crate) fn scene(&self) -> Scene {
        let mut scene = Scene::new(1560, 860);
        scene.heading(&self.title, &self.subtitle, PLANE.left);
        let (x, y) = draw_sectors(&mut scene, &PLANE);
        for song in &self.songs {
            let at = (x.at(song.valence), y.at(song.arousal));
            scene.circle(at, 3.5, emotion_color(song.strongest).alpha(0.6));
        }
        draw_names(&mut scene, &PLANE);
        self.draw_bars(&mut scene);
        scene
    }

    fn draw_bars(&self, scene: &mut Scene) {
        let largest = self.means.into_iter().fold(1.0, f64::max);
        // A round end of the axis.
        let step = if largest > 40.0 { 10.0 } else { 5.0 };
        let x = BARS.x((0.0, (largest / step).ceil() * step), 6);
        BARS.grid_x(scene, &x.ticks());
        BARS.ticks_below(scene, &x.ticks(), "mean percentage over all songs (%)");
        let pitch = (BARS.bottom - BARS.top) / Emotion::COUNT as f64;
        for (emotion, mean) in Emotion::ALL.into_iter().zip(self.means) {
            let middle = BARS.top + pitch * (emotion.index() as f64 + 0.5);
            let end = x.at(mean);
            let half = 0.3 * pitch;
            let corners = ((BARS.left, middle - half), (end, middle + half));
            scene.rectangle(corners.0, corners.1, emotion_color(emotion));
            let style = TextStyle::new(15.5);
            scene.text(emotion.name(), (BARS.left - 14.0, middle), style.end());
            scene.text(number(mean, 1) + " %", (end + 10.0, middle), style);
        }
        scene.line((BARS.left, BARS.top), (BARS.left, BARS.bottom), 1.0, INK);
    }
}

/// The plane's sectors, tinted, with its axes, which are returned: valence and arousal.
pub(super) fn draw_sectors(scene: &mut Scene, area: &Area) -> (Axis, Axis) {
    let range = (SCALE_MIN, SCALE_MAX);
    let (x, y) = (area.x(range, 8), area.y(range, 8));
    let center = (x.at(CENTER), y.at(CENTER));
    let (low, high, mid) = (SCALE_MIN, SCALE_MAX, CENTER);
    // The border counterclockwise from the positive valence axis, an eighth of it to each sector.
    let border = [
        (high, mid),
        (high, high),
        (mid, high),
        (low, high),
        (low, mid),
        (low, low),
        (mid, low),
        (high, low),
        (high, mid),
    ]
    .map(|(valence, arousal)| (x.at(valence), y.at(arousal)));
    for (emotion, ends) in Emotion::ALL.into_iter().zip(border.windows(2)) {
        let tint = emotion_color(emotion).alpha(0.13);
        scene.polygon(vec![center, ends[0], ends[1]], tint);
    }
    for (from, to) in [(0, 4), (1, 5), (2, 6), (3, 7)] {
        scene.line(border[from], border[to], 1.0, MUTED.alpha(0.55));
    }
    scene.frame((area.left, area.top), (area.right, area.bottom));
    area.ticks_below(scene, &x.ticks(), "valence (1 to 9)");
    area.ticks_left(scene, &y.ticks());
    area.name_left(scene, "arousal (1 to 9)", 52.0);
    (x, y)
}

/// The sectors' names near the border, each on a plate, since songs may be there.
pub(super) fn draw_names(scene: &mut Scene, area: &Area) {
    let style = TextStyle::new(1.03 * area.font).bold().center();
    let range = (SCALE_MIN, SCALE_MAX);
    let (x, y) = (area.x(range, 8), area.y(range, 8));
    let places = [
        (8.35, 6.4),
        (6.5, 8.65),
        (3.5, 8.65),
        (1.75, 6.4),
        (1.75, 3.6),
        (3.5, 1.35),
        (6.5, 1.35),
        (8.35, 3.6),
    ];
    for (emotion, (valence, arousal)) in Emotion::ALL.into_iter().zip(places) {
        let name = emotion.name();
        let half = style.width(name) / 2.0 + 6.0;
        // A long name at the side of the plane stays inside it.
        let (left, right) = (area.left + half + 4.0, area.right - half - 4.0);
        let at = (x.at(valence).clamp(left, right), y.at(arousal));
        let plate = ((at.0 - half, at.1 - 13.0), (at.0 + half, at.1 + 13.0));
        scene.rectangle(plate.0, plate.1, PAPER.alpha(0.8));
        scene.text(name, at, style);
    }
}

//! Songs on the valence-arousal plane, and the mean of every emotion beside them.

use super::{Canvas, Drawn, Figure, GRID, INK, Ink, MUTED, PAPER, emotion_color};
use crate::emotion::{CENTRE, Emotion, SCALE_MAX, SCALE_MIN};
use plotters::{
    element::{Circle, Polygon, Rectangle},
    prelude::DrawingBackend,
    style::{Color, RGBColor},
};

/// Size of the picture in pixels.
const SIZE: (u32, u32) = (1560, 860);
/// The plane: left and upper edge, and side.
const LEFT: i32 = 110;
const TOP: i32 = 120;
const SIDE: i32 = 640;
/// The bars: left edge (after their names), right edge.
const BARS_LEFT: i32 = 1010;
const BARS_RIGHT: i32 = 1460;

/// A song on the plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanePoint {
    /// 1 to 9.
    pub valence: f64,
    /// 1 to 9.
    pub arousal: f64,
    /// Place of its strongest class in [`Plane::means`]; it gives the colour.
    pub class: usize,
}

/// All songs on the valence-arousal plane over the named sectors, and the mean percentage of each class as bars.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// The headline.
    pub title: String,
    /// The line below it.
    pub subtitle: String,
    /// The songs.
    pub songs: Vec<PlanePoint>,
    /// Name and mean percentage of each class: the eight emotions in their order, and `neutral` where the middle of
    /// the plane is a class of its own.
    pub means: Vec<(&'static str, f64)>,
}

fn x_of(valence: f64) -> i32 {
    LEFT + ((valence - SCALE_MIN) / (SCALE_MAX - SCALE_MIN) * f64::from(SIDE)).round() as i32
}

fn y_of(arousal: f64) -> i32 {
    TOP + SIDE - ((arousal - SCALE_MIN) / (SCALE_MAX - SCALE_MIN) * f64::from(SIDE)).round() as i32
}

/// The colour of a class; `neutral` is grey.
fn class_color(class: usize) -> RGBColor {
    Emotion::ALL.get(class).map_or(MUTED, |e| emotion_color(*e))
}

impl Figure for Plane {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let headline = Ink::new(26).bold();
        canvas.text(
            &canvas.fit(&self.title, SIZE.0 - 140, &headline),
            (LEFT, 28),
            &headline,
        )?;
        let faint = Ink::new(17).color(MUTED);
        canvas.text(
            &canvas.fit(&self.subtitle, SIZE.0 - 140, &faint),
            (LEFT, 66),
            &faint,
        )?;
        self.draw_plane(canvas)?;
        self.draw_songs(canvas)?;
        self.draw_names(canvas)?;
        self.draw_bars(canvas)
    }
}

impl Plane {
    fn has_neutral(&self) -> bool {
        self.means.len() > Emotion::COUNT
    }

    fn draw_plane<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let centre = (x_of(CENTRE), y_of(CENTRE));
        let (low, high, mid) = (SCALE_MIN, SCALE_MAX, CENTRE);
        // The border counter-clockwise from the positive valence axis, an eighth of it to each sector.
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
        .map(|(v, a)| (x_of(v), y_of(a)));
        for (emotion, ends) in Emotion::ALL.into_iter().zip(border.windows(2)) {
            let corners = vec![centre, ends[0], ends[1]];
            let tint = emotion_color(emotion).mix(0.13);
            canvas.area().draw(&Polygon::new(corners, tint.filled()))?;
        }
        if self.has_neutral() {
            let corners = [(x_of(3.0), y_of(7.0)), (x_of(7.0), y_of(3.0))];
            canvas
                .area()
                .draw(&Rectangle::new(corners, PAPER.mix(0.85).filled()))?;
            for cut in [3.0, 7.0] {
                let faint = MUTED.mix(0.45);
                canvas.line((x_of(cut), y_of(low)), (x_of(cut), y_of(high)), &faint)?;
                canvas.line((x_of(low), y_of(cut)), (x_of(high), y_of(cut)), &faint)?;
            }
        }
        for ends in [(0, 4), (1, 5), (2, 6), (3, 7)] {
            canvas.line(border[ends.0], border[ends.1], &MUTED.mix(0.55))?;
        }
        canvas.frame((LEFT, TOP), (LEFT + SIDE, TOP + SIDE), &INK)?;
        let tick = Ink::new(16);
        for value in 1..=9 {
            let (x, y) = (x_of(f64::from(value)), y_of(f64::from(value)));
            let bottom = TOP + SIDE;
            canvas.line((x, bottom), (x, bottom + 6), &INK)?;
            canvas.text(
                &value.to_string(),
                (x, bottom + 12),
                &tick.clone().centred(),
            )?;
            canvas.line((LEFT - 6, y), (LEFT, y), &INK)?;
            canvas.text(
                &value.to_string(),
                (LEFT - 12, y),
                &tick.clone().right().middle(),
            )?;
        }
        let label = Ink::new(18).centred();
        let middle = LEFT + SIDE / 2;
        canvas.text("valence (1 to 9)", (middle, TOP + SIDE + 42), &label)?;
        canvas.text(
            "arousal (1 to 9)",
            (LEFT - 62, TOP + SIDE / 2),
            &label.upwards(),
        )
    }

    fn draw_songs<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        for song in &self.songs {
            let at = (x_of(song.valence), y_of(song.arousal));
            let color = class_color(song.class).mix(0.6);
            canvas.area().draw(&Circle::new(at, 3, color.filled()))?;
        }
        Ok(())
    }

    /// The sectors' names in their outer parts, each on a plate, since songs may lie there.
    fn draw_names<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let ink = Ink::new(18).bold();
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
        let mut names: Vec<(&str, (f64, f64))> = Emotion::ALL
            .into_iter()
            .map(Emotion::name)
            .zip(places)
            .collect();
        if self.has_neutral() {
            names.push(("neutral", (5.0, 6.7)));
        }
        for (name, (valence, arousal)) in names {
            let half = canvas.text_width(name, &ink) as i32 / 2 + 6;
            // A long name at the side of the plane stays inside of it.
            let x = x_of(valence).clamp(LEFT + half + 4, LEFT + SIDE - half - 4);
            let y = y_of(arousal);
            let plate = [(x - half, y - 13), (x + half, y + 13)];
            canvas
                .area()
                .draw(&Rectangle::new(plate, PAPER.mix(0.8).filled()))?;
            canvas.text(name, (x, y), &ink.clone().centred().middle())?;
        }
        Ok(())
    }

    fn draw_bars<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let largest = self.means.iter().map(|(_, mean)| *mean).fold(1.0, f64::max);
        // A round end of the axis that leaves room for the numbers behind the bars.
        let step = if largest > 40.0 { 10.0 } else { 5.0 };
        let end = (largest / step).ceil() * step;
        let x_of = |value: f64| {
            BARS_LEFT + (value / end * f64::from(BARS_RIGHT - BARS_LEFT)).round() as i32
        };
        let mut tick = 0.0;
        while tick <= end + 1e-9 {
            canvas.line((x_of(tick), TOP), (x_of(tick), TOP + SIDE), &GRID)?;
            canvas.text(
                &format!("{tick:.0}"),
                (x_of(tick), TOP + SIDE + 12),
                &Ink::new(16).centred(),
            )?;
            tick += step;
        }
        canvas.text(
            "mean percentage over all songs (%)",
            ((BARS_LEFT + BARS_RIGHT) / 2, TOP + SIDE + 42),
            &Ink::new(18).centred(),
        )?;
        let pitch = SIDE / self.means.len().max(1) as i32;
        for (i, (class, mean)) in self.means.iter().enumerate() {
            let middle = TOP + pitch * i as i32 + pitch / 2;
            let half = pitch * 3 / 10;
            let corners = [(BARS_LEFT, middle - half), (x_of(*mean), middle + half)];
            canvas
                .area()
                .draw(&Rectangle::new(corners, class_color(i).filled()))?;
            let name = Ink::new(18).right().middle();
            canvas.text(class, (BARS_LEFT - 14, middle), &name)?;
            let number = Ink::new(17).middle();
            canvas.text(&format!("{mean:.1} %"), (x_of(*mean) + 10, middle), &number)?;
        }
        canvas.line((BARS_LEFT, TOP), (BARS_LEFT, TOP + SIDE), &INK)
    }
}

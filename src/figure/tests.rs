//! Figures and charts, checked by their shapes and by their pixels.

use super::{
    charts::{Dot, Line},
    color::{GRID, PAPER},
    font::TextStyle,
    scene::Shape,
    *,
};
use crate::{
    ErrorKind,
    emotion::{Emotion, EmotionVector, Moment, Timeline},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tiny_skia::Pixmap;

/// The pixels of a scene.
struct Drawn(Pixmap);

impl Drawn {
    fn of(scene: &Scene) -> Self {
        Self(scene.to_pixels().unwrap())
    }

    fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let pixel = self.0.pixel(x, y).unwrap();
        [pixel.red(), pixel.green(), pixel.blue()]
    }
}

fn lightness(color: [u8; 3]) -> u32 {
    color.map(u32::from).iter().sum()
}

#[test]
fn a_picture_is_a_png_or_an_svg_by_its_extension() {
    let directory = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(120, 90);
    scene.text("Ärger", (5.0, 25.0), TextStyle::new(30.0));
    let read = |name: &str| {
        let path = directory.path().join(name);
        scene.save(&path).unwrap();
        std::fs::read(path).unwrap()
    };
    let picture = Pixmap::decode_png(&read("a.PNG")).unwrap();
    assert_eq!((picture.width(), picture.height()), (120, 90));
    let svg = String::from_utf8(read("a.svg")).unwrap();
    assert!(svg.starts_with("<svg width=\"120\"") && svg.contains("Ärger"));
    let error = scene.save(&directory.path().join("a.jpeg")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("a.jpeg"), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
    let error = scene.save(&directory.path().join("absent/a.png"));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn both_formats_show_the_same_shapes() {
    let mut scene = Scene::new(60, 40);
    scene.rectangle((2.0, 2.0), (12.0, 12.0), ACCENT);
    scene.polygon(vec![(20.0, 2.0), (30.0, 2.0), (20.0, 22.0)], MUTED);
    scene.circle((45.0, 10.0), 5.0, ACCENT.alpha(0.5));
    scene.line((2.0, 30.0), (50.0, 30.0), 2.0, GRID);
    scene.dashes((2.0, 36.0), (50.0, 36.0), 2.0, 6.0, ACCENT);
    let drawn = Drawn::of(&scene);
    assert_eq!(drawn.at(7, 7), ACCENT.rgb);
    assert_eq!(drawn.at(22, 4), MUTED.rgb);
    let half = drawn.at(45, 10);
    assert!(lightness(half) > lightness(ACCENT.rgb) && half != PAPER.rgb);
    assert_eq!([29, 30].map(|y| drawn.at(20, y)), [GRID.rgb; 2]);
    assert_eq!(drawn.at(5, 36), ACCENT.rgb);
    assert_eq!(drawn.at(11, 36), PAPER.rgb);
    let svg = scene.inline_svg("shapes").unwrap();
    for element in [
        "<polygon points=\"2,2 12,2 12,12 2,12\" fill=\"#1D63C9\"/>",
        "<polygon points=\"20,2 30,2 20,22\" fill=\"#6C757D\"/>",
        "<circle cx=\"45\" cy=\"10\" r=\"5\" fill=\"#1D63C9\" fill-opacity=\"0.5\"/>",
        "<polyline points=\"2,30 50,30\" fill=\"none\" stroke-width=\"2\"",
        "stroke-dasharray=\"6\"",
    ] {
        assert!(svg.contains(element), "{element}: {svg}");
    }
}

#[test]
fn an_image_in_an_svg_is_a_png_and_text_is_escaped() {
    let mut scene = Scene::new(40, 30);
    let pixels = [[0, 0, 0], [255, 0, 0], [0, 9, 0], [255, 0, 1]];
    scene.image((2.0, 3.0), (2, 2), |x, y| {
        let [red, green, blue] = pixels[(2 * y + x) as usize];
        Color::new(red, green, blue)
    });
    scene.text("a<b & \u{7}c", (10.0, 20.0), TextStyle::new(10.0));
    let svg = scene.inline_svg("\"two\"").unwrap();
    assert!(!svg.contains("http"), "{svg}");
    assert!(svg.contains("a&lt;b &amp; \u{fffd}c"), "{svg}");
    assert!(svg.contains("aria-label=\"&quot;two&quot;\""), "{svg}");
    let data = svg.split("base64,").nth(1).unwrap().split('"').next();
    let file = STANDARD.decode(data.unwrap()).unwrap();
    let drawn = [
        (Drawn(Pixmap::decode_png(&file).unwrap()), 0, 0),
        (Drawn::of(&scene), 2, 3),
    ];
    for (image, left, top) in drawn {
        let found = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(x, y)| image.at(left + x, top + y));
        assert_eq!(found, pixels);
    }
}

#[test]
fn no_name_can_break_out_of_its_place_in_a_page() {
    assert_eq!(
        escape("<b>\"R&B\"'\u{0}\u{1b}\u{ffff}</b>\n"),
        "&lt;b&gt;&quot;R&amp;B&quot;&#39;\u{fffd}\u{fffd}\u{fffd}&lt;/b&gt;\n"
    );
}

#[test]
fn dots_lines_and_the_diagonal_of_a_chart_are_at_their_numbers() {
    let drawn = Drawn::of(
        &Chart {
            height: 1044,
            range: Some((1.0, 9.0)),
            guide: Some(Guide {
                from: (1.0, 1.0),
                to: (9.0, 9.0),
                name: "equal".to_owned(),
            }),
            dots: [(3.5, 7.5), (f64::NAN, 5.0)]
                .map(|at| Dot {
                    at,
                    radius: 8.0,
                    color: ACCENT,
                })
                .to_vec(),
            ..Chart::default()
        }
        .scene(),
    );
    // The axes run from 120 to 960 and from 930 up to 90.
    let (x, y) = (120 + 840 * 5 / 16, 930 - 840 * 13 / 16);
    assert_eq!(drawn.at(x, y), ACCENT.rgb);
    assert_eq!(drawn.at(x + 40, y + 10), PAPER.rgb);
    // On a dash or between two of them, the diagonal passes here.
    assert!((0..60).any(|n| drawn.at(350 + n, 930 - (350 + n - 120)) != PAPER.rgb));
}

#[test]
fn lines_pass_through_their_points_and_over_no_gap() {
    let line = |heights: [f64; 5], color| Line {
        points: (0..5).map(|n| (n as f64, heights[n])).collect(),
        width: 5.0,
        color,
    };
    let drawn = Drawn::of(
        &Chart {
            height: 714,
            lines: vec![
                line([0.0, 0.0, 0.0, 0.0, 2.0], MUTED),
                line([1.0, 1.0, f64::NAN, 1.0, 1.0], ACCENT),
            ],
            ..Chart::default()
        }
        .scene(),
    );
    // From 120 to 960, 210 for a step; 1 is in the middle of 90 and 600.
    assert_eq!(drawn.at(225, 345), ACCENT.rgb);
    assert_eq!(drawn.at(855, 345), ACCENT.rgb);
    assert_ne!(drawn.at(545, 345), ACCENT.rgb);
}

#[test]
fn songs_are_on_the_plane_in_the_color_of_their_emotion() {
    let plane = Plane {
        title: "music".to_owned(),
        subtitle: String::new(),
        songs: vec![PlanePoint {
            valence: 3.0,
            arousal: 8.0,
            strongest: Emotion::Tense,
        }],
        means: [10.0; Emotion::COUNT],
    };
    let scene = plane.scene();
    let circle = scene.shapes.iter().find_map(|(shape, color)| match shape {
        Shape::Circle(center, _) => Some((*center, color.rgb)),
        _ => None,
    });
    // From 110 to 750 and from 760 up to 120.
    let expected = ((270.0, 200.0), emotion_color(Emotion::Tense).rgb);
    assert_eq!(circle, Some(expected));
}

#[test]
fn a_timeline_has_the_height_and_the_color_of_each_window_at_its_time() {
    let moment = |n: u8, emotion: Emotion| {
        let mut weights = [0.0; Emotion::COUNT];
        weights[emotion.index()] = 1.0;
        Moment {
            start_s: 15.0 * f64::from(n),
            valence: 2.0 + 2.0 * f32::from(n),
            arousal: 8.0 - 2.0 * f32::from(n),
            emotions: EmotionVector::from_weights(weights).unwrap(),
            felt: None,
            attention: Vec::new(),
        }
    };
    let emotions = [Emotion::Happy, Emotion::Tired, Emotion::Calm];
    let moments: Vec<Moment> = (0..3)
        .map(|n| moment(n, emotions[usize::from(n)]))
        .collect();
    let drawn = Drawn::of(
        &TimelineChart {
            title: "song.mp3",
            subtitle: "",
            timeline: Timeline {
                moments: &moments,
                window_s: 15.0,
                end_s: 45.0,
                is_felt: false,
            },
        }
        .scene(),
    );
    // From 130 to 1350; 1 to 9 from 430 up to 150, the percentages from 860 up to 520.
    let middle = |window: u32| 130 + 1220 * (2 * window + 1) / 6;
    for (window, emotion) in (0..).zip(emotions) {
        let color = emotion_color(emotion).rgb;
        assert_eq!(drawn.at(middle(window) + 30, 700), color);
        let valence = 430 - 280 * (1 + 2 * window) / 8;
        // The line of arousal crosses that of valence at the second window.
        if window != 1 {
            assert_eq!(drawn.at(middle(window), valence), ACCENT.rgb, "{window}");
        }
    }
    let [red, _, blue] = drawn.at(middle(0), 430 - 280 * 7 / 8);
    assert!(red > 150 && blue < 60);
}

#[test]
fn a_strip_is_bright_where_the_audio_is_loud() {
    let mut values = vec![-100.0; 32 * 100];
    for row in values.chunks_exact_mut(100) {
        row[50..].fill(0.0);
    }
    let spectrogram = Spectrogram {
        band_centers: (1..=32).map(|band| 100.0 * f64::from(band)).collect(),
        hop_s: 0.02,
        window_s: 2.0,
        windows: vec![SpectrogramWindow {
            values,
            start_s: 0.0,
            weight: 1.0,
        }],
    };
    let drawn = Drawn::of(&spectrogram.scene("", ""));
    assert_eq!(drawn.at(130 + 200, 200), color::magma(0.0).rgb);
    assert_eq!(drawn.at(130 + 1100, 200), color::magma(1.0).rgb);
}

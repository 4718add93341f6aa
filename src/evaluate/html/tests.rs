use super::*;
use crate::test_faces::{DRAWN, draw};
use crate::{
    dataset::{FaceSet, LabeledFace},
    emotion::{EmotionVector, Expression},
    evaluate::{
        Answer,
        faces::{FaceScores, JudgedFace},
        multilabel::ThresholdSearch,
    },
    face::FaceModel,
    mel::{MelConfig, WindowRule},
    model::{Model, Preprocessing},
};
use std::path::PathBuf;

const NAMED: &str = "R&B <b>\"live\"</b>\u{7}";

/// The shipped model's, with short windows and a name and a recipe to escape.
fn metadata() -> ModelMetadata {
    let mut metadata = Model::shipped().unwrap().metadata().clone();
    metadata.name = NAMED.to_owned();
    metadata.preprocessing = Preprocessing {
        mel: MelConfig::default(),
        window: WindowRule { length: 22_050 },
    };
    metadata.training.recipe = "name = \"<script>alert(1)</script>\"".to_owned();
    metadata
}

/// A song without audio whose truth is one emotion and whose prediction is `wrong` percent beside it.
fn song(n: usize, wrong: f32) -> JudgedSong {
    let mut percentages = [0.0; 8];
    percentages[n % 8] = 100.0;
    let truth = EmotionVector::new(percentages).unwrap();
    percentages[n % 8] = 100.0 - wrong;
    percentages[(n + 1) % 8] = wrong;
    let probabilities = percentages.map(|percent| f64::from(percent) / 100.0);
    let side = |n: usize| 1.0 + (n * 7 % 9) as f64;
    JudgedSong {
        id: format!("{n}"),
        audio: PathBuf::from(format!("gone/{n}.mp3")),
        fold: Some(n % 2),
        truth: Answer {
            emotions: truth,
            valence: side(n),
            arousal: side(n + 3),
            probabilities: None,
            felt: None,
        },
        predicted: Answer {
            emotions: EmotionVector::new(percentages).unwrap(),
            valence: 5.0,
            arousal: side(n + 4),
            probabilities: Some(probabilities),
            felt: None,
        },
        ..JudgedSong::default()
    }
}

fn songs(count: usize) -> Vec<JudgedSong> {
    (0..count)
        .map(|n| JudgedSong {
            title: Some(format!("{NAMED} {n}")),
            ..song(n, n as f32 * 90.0 / count as f32)
        })
        .collect()
}

fn trainings() -> Vec<Training> {
    let epoch = |epoch: usize| Epoch {
        epoch,
        loss: 1.0 / (epoch + 1) as f64,
        validation_mae: Some(12.0 - epoch as f64),
        learning_rate: 1e-3,
    };
    (0..3)
        .map(|_| Training {
            epochs: (0..4).map(epoch).collect(),
            kept: Some(3),
            validation_baseline: Some(12.0),
        })
        .collect()
}

/// A page of everything that a page can hold.
fn full_page(songs: &[JudgedSong]) -> String {
    let search = ThresholdSearch::on(&[[true; 8]], &[[0.9; 8]]);
    let scores = RunScores::of(songs, "songs <of> a test")
        .unwrap()
        .with_labels(songs, 13.0, 0.4, search);
    render(&RunReport {
        title: NAMED,
        metadata: &metadata(),
        identity: "0a1b",
        size: Some((1_234_567, 999)),
        data: NAMED,
        labels: "as named".to_owned(),
        trainings: &trainings(),
        songs,
        scores: &scores,
    })
    .unwrap()
}

/// Checks that elements are closed in the order in which they were opened, and that no `<` or `&` is unescaped; returns
/// the names of all elements.
fn assert_well_formed(page: &str) -> Vec<&str> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
    let (mut open, mut all) = (Vec::new(), Vec::new());
    while let Some(start) = rest.find('<') {
        let (text, tag) = rest.split_at(start);
        for entity in text.split('&').skip(1) {
            let name = entity.split(';').next().unwrap();
            assert!(
                ["lt", "gt", "amp", "quot", "#39", "apos"].contains(&name),
                "{entity}"
            );
        }
        let end = tag.find('>').expect("a tag ends");
        let (inside, after) = (&tag[1..end], &tag[end + 1..]);
        rest = after;
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(
                open.pop(),
                Some(name),
                "after {}",
                &after[..60.min(after.len())]
            );
            continue;
        }
        let name = inside.split([' ', '/', '\n']).next().unwrap();
        assert_eq!(inside.matches('"').count() % 2, 0, "{inside}");
        all.push(name);
        if !inside.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    all
}

#[test]
fn the_page_is_well_formed_holds_every_section_and_needs_nothing_else() {
    let songs = songs(40);
    let page = full_page(&songs);
    let elements = assert_well_formed(&page);
    for id in [
        "scores",
        "training",
        "affect",
        "emotions",
        "labels",
        "quadrants",
        "worst",
        "folds",
        "about",
    ] {
        assert!(page.contains(&format!("<section id=\"{id}\">")), "{id}");
        assert!(page.contains(&format!("<a href=\"#{id}\">")), "{id}");
    }
    assert!(
        !elements
            .iter()
            .any(|name| ["script", "link", "iframe", "img"].contains(name))
    );
    for outside in ["http://", "https://", "url(", "@import", "src="] {
        assert!(!page.contains(outside), "{outside}");
    }
    // Loss, error; two scatters; reliability.
    assert_eq!(elements.iter().filter(|name| **name == "svg").count(), 5);
    // Means and errors, sixteen bars each; the matrix of the quadrants.
    assert_eq!(page.matches("class=\"bar\"").count(), 2 * 16);
    assert_eq!(page.matches("class=\"cell\"").count(), 16);
    for svg in page.split("<svg").skip(1) {
        let drawn = svg.split("</svg>").next().unwrap();
        assert!(drawn.matches('<').count() > 20, "nothing is drawn: {drawn}");
    }
    assert!(page.contains("1,234,567"));
    assert!(page.len() < 5_000_000, "{}", page.len());
    assert_eq!(
        page,
        full_page(&songs),
        "the same numbers give the same page"
    );
}

#[test]
fn the_page_of_faces_is_well_formed_and_holds_every_section_and_the_worst_pictures() {
    let mut set = FaceSet {
        name: NAMED.to_owned(),
        ..FaceSet::default()
    };
    let mut faces = Vec::new();
    for number in 0..40 {
        let mut predicted = [0.1; 8];
        predicted[number % 8] = 0.3 - number as f32 * 1e-3;
        set.pixels.extend(draw(number % DRAWN.len(), number));
        let mut shares = [0.0; 8];
        shares[number % 5] = 1.0;
        let majority = Some(Expression::ALL[number % 5]);
        set.faces.push(LabeledFace {
            name: format!("{NAMED} {number}"),
            part: None,
            person: None,
            shares,
            majority,
        });
        faces.push(JudgedFace {
            place: number,
            shares,
            majority,
            predicted,
            milliseconds: 1.0,
        });
    }
    let scores = FaceScores::of(&faces).unwrap();
    let model = FaceModel::shipped().unwrap();
    let report = FaceReport {
        model: &model,
        set: &set,
        part: "test",
        faces: &faces,
        scores: &scores,
        epochs: &[[1.2, 0.4, 1.0, 0.5], [0.9, 0.5, 0.8, 0.6]],
        kept: 1,
    };
    let page = faces::render_faces(&report).unwrap();
    let elements = assert_well_formed(&page);
    for id in [
        "scores",
        "training",
        "confusion",
        "curves",
        "worst",
        "about",
    ] {
        assert!(page.contains(&format!("<section id=\"{id}\">")), "{id}");
    }
    for outside in ["http://", "https://", "url(", "@import", "src="] {
        assert!(!page.contains(outside), "{outside}");
    }
    let count = |name: &str| elements.iter().filter(|it| **it == name).count();
    // Loss, accuracy, ROC, precision-recall; a drawing of each picture.
    assert_eq!((count("svg"), count("image")), (4 + 32, 32));
    assert_eq!(page.matches("class=\"cell\"").count(), 64);
    assert!(page.contains("R&amp;B &lt;b&gt;") && !page.contains("NaN"));
    // Faces 0 to 4 are right.
    let worst = page.split("id=\"worst\"").nth(1).unwrap();
    let is_shown = |number: usize| worst.contains(&format!(" {number}</bdi>"));
    assert!((5..37).all(is_shown) && !(0..5).any(is_shown));
    let unknown = FaceReport {
        epochs: &[],
        ..report
    };
    let page = faces::render_faces(&unknown).unwrap();
    assert!(!page.contains("id=\"training\""));
}

#[test]
fn names_are_shown_and_never_become_markup() {
    let page = full_page(&songs(3));
    assert!(page.contains("R&amp;B &lt;b&gt;&quot;live&quot;&lt;/b&gt;"));
    assert!(page.contains("&lt;script&gt;") && page.contains("songs &lt;of&gt; a test"));
    assert!(!page.contains("<b>\"live\"") && !page.contains('\u{7}'));
}

#[test]
fn the_ten_worst_songs_are_shown_worst_first() {
    let songs = songs(25);
    let page = full_page(&songs);
    let worst = page.split("id=\"worst\"").nth(1).unwrap();
    let rows: Vec<&str> = worst.split("<tr><th>").skip(2).take(10).collect();
    for (row, n) in rows.into_iter().zip((15..25).rev()) {
        assert!(row.contains(&format!("({n})</th>")), "{row}");
        let error = format!("<td>{:.2}</td>", songs[n].mae());
        assert!(row.contains(&error), "{row}");
    }
}

#[test]
fn one_song_without_anything_else_has_a_page_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.html");
    let songs = [JudgedSong::default()];
    let scores = RunScores::of(&songs, "one song").unwrap();
    let mut plain = metadata();
    plain.training.recipe.clear();
    let report = RunReport {
        title: "one",
        metadata: &plain,
        identity: "0a1b",
        size: None,
        data: "one song",
        labels: String::new(),
        trainings: &[],
        songs: &songs,
        scores: &scores,
    };
    write(&path, &report).unwrap();
    let page = std::fs::read_to_string(&path).unwrap();
    assert_well_formed(&page);
    for absent in [
        "id=\"training\"",
        "id=\"labels\"",
        "id=\"folds\"",
        "<details>",
    ] {
        assert!(!page.contains(absent), "{absent}");
    }
    assert!(page.contains("n/a") && !page.contains("NaN") && !page.contains("inf"));
    let error = write(&directory.path().join("absent/report.html"), &report).unwrap_err();
    assert!(error.to_string().contains("absent"), "{error}");
    let nothing = RunReport {
        songs: &[],
        ..report
    };
    let error = render(&nothing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn epochs_without_numbers_leave_the_page_whole() {
    let songs = songs(4);
    let scores = RunScores::of(&songs, "four songs").unwrap();
    let odd = Training {
        epochs: vec![
            Epoch {
                loss: f64::NAN,
                ..Epoch::default()
            },
            Epoch {
                epoch: 1,
                loss: 2.0,
                ..Epoch::default()
            },
        ],
        ..Training::default()
    };
    for trainings in [
        vec![odd.clone()],
        vec![odd.clone(), odd],
        vec![Training::default()],
    ] {
        let page = render(&RunReport {
            title: "odd",
            metadata: &metadata(),
            identity: "0a1b",
            size: None,
            data: "four songs",
            labels: String::new(),
            trainings: &trainings,
            songs: &songs,
            scores: &scores,
        })
        .unwrap();
        assert_well_formed(&page);
        assert!(!page.contains("NaN"));
    }
}

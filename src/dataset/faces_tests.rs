use super::{Part, faces::FaceSet};
use crate::{
    ErrorKind,
    emotion::Expression,
    test_faces::{DRAWN, draw},
};
use image::GrayImage;
use std::{collections::BTreeSet, fs, path::Path};
use tempfile::tempdir;

fn save(path: &Path, expression: usize, number: usize) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let face = GrayImage::from_raw(48, 48, draw(expression, number)).unwrap();
    face.save(path).unwrap();
}

fn csv_row(emotion: &str, number: usize, rest: &str) -> String {
    let pixels: Vec<String> = draw(0, number).iter().map(u8::to_string).collect();
    format!("{emotion},{}{rest}\n", pixels.join(" "))
}

fn message(path: &Path) -> String {
    let error = FaceSet::open(path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Dataset);
    error.to_string()
}

#[test]
fn fer_plus_keeps_its_votes_as_shares_and_its_parts() {
    let directory = tempdir().unwrap();
    let root = directory.path();
    for part in ["FER2013Train", "FER2013Valid", "FER2013Test"] {
        save(&root.join(part).join("a.png"), 0, 1);
        save(&root.join(part).join("b.png"), 1, 2);
        // neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, no face
        let rows = "a.png,\"(0, 0, 48, 48)\",0,6,2,1,0,0,0,0,1,0\nb.png,\"(0, 0, 48, 48)\",0,0,0,0,4,4,2,0,0,0\n\
                    gone.png,\"(0, 0, 48, 48)\",0,0,0,0,0,0,0,0,0,10\n";
        fs::write(root.join(part).join("label.csv"), rows).unwrap();
    }
    let set = FaceSet::open(root).unwrap();
    assert_eq!((set.faces.len(), set.without_face), (6, 3));
    for (part, first) in [(Part::Train, 0), (Part::Validation, 2), (Part::Test, 4)] {
        assert_eq!(set.part(part), [first, first + 1]);
    }
    // one vote for sadness stands alone; "unknown" is no expression
    assert_eq!(set.faces[0].shares[Expression::Happiness.index()], 0.75);
    assert_eq!(set.faces[0].shares[Expression::Surprise.index()], 0.25);
    assert_eq!(set.faces[0].majority, Some(Expression::Happiness));
    // no expression has more than half of the votes
    assert_eq!(set.faces[1].majority, None);
    assert_eq!(set.faces[1].shares[Expression::Anger.index()], 0.4);
    assert_eq!(set.pixels_of(5), draw(1, 2));
}

#[test]
fn the_box_of_fer_plus_is_cut_out() {
    let directory = tempdir().unwrap();
    let root = directory.path();
    let mut wide = GrayImage::new(96, 48);
    let face = GrayImage::from_raw(48, 48, draw(2, 3)).unwrap();
    image::imageops::replace(&mut wide, &face, 48, 0);
    wide.save(root.join("a.png")).unwrap();
    let row = "a.png,\"(48, 0, 96, 48)\",0,0,10,0,0,0,0,0,0,0\n";
    fs::write(root.join("label.csv"), row).unwrap();
    let set = FaceSet::open(root).unwrap();
    assert_eq!(set.pixels_of(0), draw(2, 3));
    assert_eq!(set.faces[0].part, None);
}

#[test]
fn tables_of_pixels_have_the_order_and_the_parts_of_fer2013_and_contempt() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("fer2013.csv");
    let mut text = "emotion,pixels,Usage\n".to_owned();
    for (number, emotion) in ["0", "3", "7", "sad"].into_iter().enumerate() {
        text += &csv_row(emotion, number, ",Training");
    }
    text += &csv_row("6", 4, ",PublicTest");
    text += &csv_row("5", 5, ",PrivateTest");
    fs::write(&path, &text).unwrap();
    for place in [path.as_path(), directory.path()] {
        let set = FaceSet::open(place).unwrap();
        let found: Vec<_> = set
            .faces
            .iter()
            .map(|face| face.majority.unwrap())
            .collect();
        use Expression::*;
        assert_eq!(
            found,
            [Anger, Happiness, Contempt, Sadness, Neutral, Surprise]
        );
        assert_eq!(set.part(Part::Validation), [4]);
        assert_eq!(set.part(Part::Test), [5]);
        assert_eq!(set.pixels_of(3), draw(0, 3));
    }
    for (row, expected) in [
        (
            csv_row("8", 0, ",Training"),
            "line 2: expected an expression",
        ),
        (csv_row("0", 0, ",Somewhere"), "expected the usage Training"),
        ("0,1 2 3,Training\n".to_owned(), "pixels of a square"),
        ("0,1 2 3 400,Training\n".to_owned(), "pixels of a square"),
    ] {
        fs::write(&path, format!("emotion,pixels,Usage\n{row}")).unwrap();
        let error = message(&path);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn directories_are_named_for_expressions_and_what_is_not_is_reported() {
    let directory = tempdir().unwrap();
    let root = directory.path();
    save(&root.join("train/happy/1.png"), 0, 1);
    save(&root.join("train/Surprise/2.png"), 2, 2);
    save(&root.join("test/sad/3.png"), 1, 3);
    fs::write(root.join("test/sad/4.png"), "no picture").unwrap();
    fs::create_dir(root.join("train/sleepy")).unwrap();
    fs::write(root.join("readme.txt"), "").unwrap();
    let set = FaceSet::open(root).unwrap();
    let found: Vec<_> = set
        .faces
        .iter()
        .map(|face| (face.majority.unwrap(), face.part))
        .collect();
    assert_eq!(
        found,
        [
            (Expression::Sadness, Some(Part::Test)),
            (Expression::Surprise, Some(Part::Train)),
            (Expression::Happiness, Some(Part::Train)),
        ]
    );
    assert_eq!(set.rejected.len(), 3, "{:?}", set.rejected);
    for (name, reason) in [
        ("readme.txt", "not in a directory"),
        ("sleepy", "not named for an expression"),
        ("4.png", "expected JPEG, PNG or WebP"),
    ] {
        let is_named = |line: &String| line.contains(name) && line.contains(reason);
        assert!(
            set.rejected.iter().any(is_named),
            "{name}: {:?}",
            set.rejected
        );
    }
}

#[test]
fn what_holds_no_faces_says_what_was_expected() {
    let directory = tempdir().unwrap();
    assert!(message(directory.path()).contains("directories named for expressions"));
    fs::write(directory.path().join("label.csv"), "a.png,1,2\n").unwrap();
    let error = message(directory.path());
    assert!(
        error.contains("line 1: expected a file, a box and ten votes"),
        "{error}"
    );
    let songs = directory.path().join("songs.csv");
    fs::write(&songs, "song_id,valence\n1,2\n").unwrap();
    assert!(message(&songs).contains("columns emotion and pixels"));
}

#[test]
fn no_person_is_on_two_sides() {
    let directory = tempdir().unwrap();
    let root = directory.path();
    for number in 0..200 {
        let person = number % 23;
        let name = format!("S{person:03}_{number:03}_00000001.png");
        let expression = number % 4;
        save(&root.join(DRAWN[expression]).join(name), expression, number);
    }
    let mut set = FaceSet::open(root).unwrap();
    assert_eq!(set.divide(7), 0);
    let persons = |part| -> BTreeSet<&str> {
        let faces = set.part(part).into_iter();
        faces
            .map(|face| set.faces[face].person.as_deref().unwrap())
            .collect()
    };
    let parts = [Part::Train, Part::Validation, Part::Test].map(persons);
    assert_eq!(parts.iter().map(BTreeSet::len).sum::<usize>(), 23);
    assert!(parts.iter().all(|part| !part.is_empty()), "{parts:?}");
    assert!(parts[0].is_disjoint(&parts[1]) && parts[0].is_disjoint(&parts[2]));
    assert!(parts[1].is_disjoint(&parts[2]));
    assert!((140..=160).contains(&set.part(Part::Train).len()));
    let mut again = FaceSet::open(root).unwrap();
    again.divide(7);
    assert_eq!(again.faces, set.faces);
    again = FaceSet::open(root).unwrap();
    again.divide(8);
    assert_ne!(again.faces, set.faces);
}

#[test]
fn faces_of_a_test_persons_are_taken_out_of_the_sets_own_training_part() {
    let directory = tempdir().unwrap();
    let root = directory.path();
    for (part, name) in [
        ("train", "S001_1.png"),
        ("train", "S002_1.png"),
        ("validation", "S003_1.png"),
        ("test", "S001_2.png"),
        ("test", "S003_2.png"),
    ] {
        save(&root.join(part).join("happy").join(name), 0, 1);
    }
    save(&root.join("validation/happy/S004_1.png"), 0, 2);
    let mut set = FaceSet::open(root).unwrap();
    assert_eq!(set.divide(1), 2);
    let names = |part| -> Vec<String> {
        let faces = set.part(part).into_iter();
        let name = |face: usize| set.faces[face].name.replace('\\', "/");
        faces.map(name).collect()
    };
    assert_eq!(names(Part::Train), ["train/happy/S002_1.png"]);
    assert_eq!(names(Part::Validation), ["validation/happy/S004_1.png"]);
    assert_eq!(names(Part::Test).len(), 2);
}

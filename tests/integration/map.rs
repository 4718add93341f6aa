//! `circumplex map`: a library as one interactive HTML file.

use crate::common::{Place, circumplex, run};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use circumplex::{EmotionVector, LibraryInfo, LibraryWriter, ModelStamp, Song};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, process::Command};

/// A library of songs with these titles; the last one is silent.
fn library(titles: &[Option<&str>]) -> Place {
    let place = Place::new();
    let model = ModelStamp {
        identity: "0".repeat(64),
        name: "test".to_owned(),
    };
    let info = LibraryInfo::new(model, json!({}));
    let mut writer = LibraryWriter::create(&place.library(), &info, 1).unwrap();
    let weights = [50.0, 25.25, 10.0, 5.0, 4.0, 3.0, 2.0, 0.75];
    for (n, title) in titles.iter().enumerate() {
        let song = Song {
            path: format!("/music/file {n}.mp3").into(),
            title: title.map(str::to_owned),
            artist: (n == 0).then(|| "A & B".to_owned()),
            duration_s: 61.26,
            valence: 6.25,
            arousal: 4.0 + n as f32,
            emotions: EmotionVector::from_weights(weights).unwrap(),
            embedding: vec![0.0],
            silent: n + 1 == titles.len(),
            ..Song::default()
        };
        writer.push(song).unwrap();
    }
    writer.finish().unwrap();
    place
}

fn map(place: &Place) -> Command {
    let mut command = circumplex();
    command.arg("map").arg(place.library());
    command
}

fn written(place: &Place, options: &[&str]) -> String {
    let file = place.folder.path().join("songs.html");
    run(map(place).arg("-o").arg(&file).args(options)).ends_with_code(0);
    assert_eq!(place.leftovers(), ["songs.html"]);
    fs::read_to_string(file).unwrap()
}

/// The text between two others, each of which is there once.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = page.split_once(before).unwrap();
    assert!(!rest.contains(before), "{before} is there twice");
    rest.split_once(after).unwrap().0
}

fn data(page: &str) -> Value {
    let json = between(
        page,
        r#"<script type="application/json" id="data">"#,
        "</script>",
    );
    serde_json::from_str(json).unwrap()
}

#[test]
fn the_file_holds_the_songs_that_are_not_silent() {
    let page = written(&library(&[Some("One"), None, Some("Silence")]), &[]);
    let expected = json!({
        "name": "library.parquet",
        "model": "test",
        "relative": false,
        "songs": {
            "title": ["One", "file 1"],
            "artist": ["A & B", null],
            "album": [null, null],
            "genre": [null, null],
            "duration_s": [61.3, 61.3],
            "valence": [6.25, 6.25],
            "arousal": [4.0, 5.0],
            "emotions": [[500, 253, 100, 50, 40, 30, 20, 8], [500, 253, 100, 50, 40, 30, 20, 8]],
        },
    });
    let mut found = data(&page);
    let name = found["name"].as_str().unwrap();
    assert!(name.ends_with("library.parquet"), "{name}");
    found["name"] = "library.parquet".into();
    assert_eq!(found, expected);
    assert!(!page.contains("/music/"), "paths stay at home");
}

#[test]
fn the_switch_of_plane_begins_by_rank() {
    let place = library(&[Some("One"), Some("Silence")]);
    assert_eq!(data(&written(&place, &["--relative"]))["relative"], true);
}

#[test]
fn hostile_titles_stay_texts() {
    let titles = [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "<!--data--><!--title--><!--modules-->",
        "\u{2028}\u{2029}\"'`${}\\",
    ];
    let mut songs = titles.map(Some).to_vec();
    songs.push(Some("Silence"));
    let page = written(&library(&songs), &[]);
    assert_eq!(data(&page)["songs"]["title"], json!(titles));
    assert!(!page.contains("alert(1)<"), "as a text only");
    let plain = written(&library(&[Some("One"), Some("Silence")]), &[]);
    assert_eq!(page.matches('<').count(), plain.matches('<').count());
}

#[test]
fn the_file_needs_no_other() {
    let page = written(&library(&[Some("One"), Some("Silence")]), &[]);
    let policy = between(
        &page,
        r#"http-equiv="Content-Security-Policy" content=""#,
        "\"",
    );
    assert_eq!(
        policy,
        "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; img-src data:"
    );
    let imports = between(&page, r#"<script type="importmap">"#, "</script>");
    let imports: Value = serde_json::from_str(imports).unwrap();
    let imports: BTreeMap<String, String> =
        serde_json::from_value(imports["imports"].clone()).unwrap();
    // Every import of every module is one of the file's own.
    for (name, url) in &imports {
        let code = url.strip_prefix("data:text/javascript;base64,").unwrap();
        let code = String::from_utf8(STANDARD.decode(code).unwrap()).unwrap();
        for line in code.lines().filter(|line| line.starts_with("import ")) {
            let from = line.split('"').nth(1).unwrap();
            assert!(imports.contains_key(from), "{name} imports {from}");
        }
    }
    assert!(imports.contains_key("page/standalone.js"));
    for place in ["src=\"", "href=\"", "url("] {
        for rest in page.split(place).skip(1) {
            let inside = ["data:", "#"];
            assert!(
                inside.iter().any(|start| rest.starts_with(start)),
                "{rest:.40}"
            );
        }
    }
    assert!(!page.contains("<!--"), "a place of the template is left");
    for part in [
        "i-lasso",
        "search",
        "help-open",
        "zoom-in",
        "emotions",
        "songs",
    ] {
        between(&page, &format!("id=\"{part}\""), ">");
    }
}

#[test]
fn the_page_may_go_to_standard_output_but_not_into_another_file() {
    let place = library(&[Some("One"), Some("Silence")]);
    let printed = run(map(&place).args(["-o", "-"])).ends_with_code(0);
    assert_eq!(printed.stdout, written(&place, &[]));
    let song = place.file("song.mp3", b"music");
    run(map(&place).arg("-o").arg(&song))
        .ends_with_code(1)
        .complains("expected a page with the extension .html");
    assert_eq!(fs::read(song).unwrap(), b"music");
    run(map(&library(&[Some("Silence")])).args(["-o", "-"]))
        .ends_with_code(1)
        .complains("all songs are silent");
}

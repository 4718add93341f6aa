//! `circumplex export --write-tags` and `--remove-tags`, as a program.

use crate::common::{self, Place, circumplex, run};
use lofty::{file::TaggedFileExt, tag::ItemKey};
use std::{collections::BTreeMap, fs, path::Path};

fn tags(place: &Place, words: &[&str]) -> common::Ran {
    let mut command = circumplex();
    run(command.arg("export").arg(place.library()).args(words))
}

/// The fixtures whose formats can be tagged.
const TAGGED: [&str; 6] = [
    "cbr.mp3",
    "flac.flac",
    "aac.m4a",
    "vorbis.ogg",
    "opus.opus",
    "s16.wav",
];

/// A directory with fixtures of several formats, analyzed.
fn filled() -> Place {
    let place = Place::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio");
    for name in TAGGED.into_iter().chain(["s16.caf"]) {
        fs::copy(fixtures.join(name), place.music().join(name)).unwrap();
    }
    place.tone("silence.wav", 0.0, 2.0);
    run(&mut place.analyze()).ends_with_code(0);
    place
}

fn bytes(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(place.music()).unwrap();
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect()
}

fn mood(place: &Place, name: &str) -> Option<String> {
    let file = lofty::read_from_path(place.music().join(name)).unwrap();
    let tag = file.primary_tag()?;
    tag.get_string(ItemKey::Mood).map(str::to_owned)
}

#[test]
fn a_dry_run_lists_and_changes_nothing() {
    let place = filled();
    let before = (bytes(&place), fs::read(place.library()).unwrap());
    let ran = tags(&place, &["--write-tags"])
        .ends_with_code(3)
        .complains("6 files would be tagged")
        .complains("1 silent song skipped, 1 failed")
        .complains("s16.caf")
        .complains("add --yes");
    assert_eq!(ran.stdout.lines().count(), 6);
    assert!(ran.stdout.contains("cbr.mp3: mood "), "{}", ran.stdout);
    tags(&place, &["--remove-tags"]).complains("0 files would be untagged");
    assert_eq!((bytes(&place), fs::read(place.library()).unwrap()), before);
}

#[test]
fn tagged_files_are_up_to_date_and_untagging_restores_them() {
    let place = filled();
    let before = fs::read(place.library()).unwrap();
    tags(&place, &["--write-tags", "--yes"])
        .ends_with_code(3)
        .complains("6 files tagged")
        .complains("s16.caf");
    assert!(mood(&place, "flac.flac").is_some());
    assert_ne!(fs::read(place.library()).unwrap(), before);
    // The library knows the new sizes.
    let ran = run(place.analyze().arg("--dry-run")).ends_with_code(0);
    assert!(!ran.stdout.contains("flac.flac"), "{}", ran.stdout);
    let tagged = bytes(&place);
    tags(&place, &["--write-tags", "--yes"]).complains("0 files tagged, 6 already tagged");
    assert_eq!(bytes(&place), tagged);
    tags(&place, &["--remove-tags", "--yes"]).complains("6 files untagged");
    assert_eq!(mood(&place, "flac.flac"), None);
    let ran = run(place.analyze().arg("--dry-run")).ends_with_code(0);
    assert!(!ran.stdout.contains("flac.flac"), "{}", ran.stdout);
    assert_eq!(place.leftovers(), Vec::<String>::new());
}

#[test]
fn a_file_that_changed_or_is_gone_fails_and_the_others_are_tagged() {
    let place = filled();
    let changed = place.music().join("flac.flac");
    let mut content = fs::read(&changed).unwrap();
    content.extend([0; 10]);
    fs::write(&changed, &content).unwrap();
    fs::remove_file(place.music().join("vorbis.ogg")).unwrap();
    let mut permissions = fs::metadata(place.music().join("s16.wav"))
        .unwrap()
        .permissions();
    permissions.set_readonly(true);
    fs::set_permissions(place.music().join("s16.wav"), permissions).unwrap();
    tags(&place, &["--write-tags", "--yes"])
        .ends_with_code(3)
        .complains("3 files tagged, 1 silent song skipped, 4 failed")
        .complains("flac.flac: changed since it was analyzed")
        .complains("vorbis.ogg: cannot be read")
        .complains("s16.wav: read-only");
    assert_eq!(fs::read(&changed).unwrap(), content);
    assert!(mood(&place, "cbr.mp3").is_some());
}

#[test]
fn options_that_do_not_go_together_are_usage_errors() {
    let place = Place::new();
    for words in [
        &["--write-tags", "-o", "a.csv"][..],
        &["--write-tags", "--remove-tags"],
        &["--yes", "-o", "a.csv"],
        &["--yes"],
        &["--write-tags", "--format", "csv"],
    ] {
        tags(&place, words).ends_with_code(1).complains("Usage");
    }
}

#[test]
fn navidromes_smart_playlists_ask_for_the_moods_that_are_written() {
    let place = filled();
    tags(&place, &["--write-tags", "--yes"]).ends_with_code(3);
    let smart = place.folder.path().join("smart");
    let words = [
        "--format",
        "nsp",
        "--limit",
        "50",
        "-o",
        smart.to_str().unwrap(),
    ];
    tags(&place, &words)
        .ends_with_code(0)
        .complains("--write-tags --yes");
    assert_eq!(fs::read_dir(&smart).unwrap().count(), 8);
    for song in TAGGED {
        let mood = mood(&place, song).unwrap();
        let text = fs::read_to_string(smart.join(format!("{mood}.nsp"))).unwrap();
        let list: serde_json::Value = serde_json::from_str(&text).unwrap();
        let rule = serde_json::json!([{ "is": { "mood": mood } }]);
        assert_eq!(
            (&list["all"], &list["limit"]),
            (&rule, &50.into()),
            "{song}"
        );
    }
}

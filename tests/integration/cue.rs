//! Long files that CUE sheets divide, through the whole program.

use crate::common::{Place, circumplex, run};
use circumplex::{Columns, Library, Song};
use std::fs;

const SHEET: &str = "PERFORMER \"Somebody\"\nTITLE \"A Mix\"\nFILE \"mix.wav\" WAVE\n  TRACK 01 AUDIO\n    TITLE \"One\"\n\
    \x20   INDEX 01 00:00:00\n  TRACK 02 AUDIO\n    TITLE \"Two\"\n    INDEX 01 00:20:00\n";

/// A mix of 36 s with a sheet of two tracks, and another song.
fn a_mix() -> Place {
    let place = Place::new();
    place.tone("mix.wav", 220.0, 36.0);
    place.tone("other.wav", 440.0, 16.0);
    place.file("mix.cue", SHEET.as_bytes());
    place
}

fn rows(place: &Place) -> Vec<Song> {
    let library = Library::open(place.library()).unwrap();
    library.songs(Columns::ALL).map(Result::unwrap).collect()
}

/// The paths of the songs below the directory of music.
fn songs(place: &Place) -> Vec<String> {
    let directory = place.music().display().to_string();
    rows(place)
        .iter()
        .map(|row| {
            row.unique_path()
                .display()
                .to_string()
                .replace(&directory, "")
                .replace('\\', "/")
        })
        .collect()
}

#[test]
fn each_track_has_a_row_and_a_second_run_keeps_it() {
    let place = a_mix();
    run(place.analyze().arg("--cue")).ends_with_code(0);
    assert_eq!(songs(&place), ["/mix.wav/01", "/mix.wav/02", "/other.wav"]);
    let rows = rows(&place);
    let first = rows.iter().find(|row| row.track == Some(1)).unwrap();
    let second = rows.iter().find(|row| row.track == Some(2)).unwrap();
    assert_eq!(first.path, place.music().join("mix.wav"));
    assert_eq!(
        (first.track_start_s, first.track_end_s),
        (Some(0.0), Some(20.0))
    );
    assert_eq!(
        (second.track_start_s, second.track_end_s),
        (Some(20.0), Some(36.0))
    );
    assert!((second.duration_s - 16.0).abs() < 0.01);
    assert_eq!(first.title.as_deref(), Some("One"));
    assert_eq!(second.artist.as_deref(), Some("Somebody"));
    assert_eq!(second.album.as_deref(), Some("A Mix"));

    let again = run(place.analyze().arg("--cue")).ends_with_code(0);
    assert!(again.stdout.contains("3 unchanged"), "{}", again.stdout);
    let dry = run(place.analyze().args(["--cue", "--dry-run"])).ends_with_code(0);
    assert_eq!(dry.stdout, "");
}

#[test]
fn a_file_and_its_tracks_are_never_in_one_library() {
    let place = a_mix();
    // Keeping what is gone is no reason to keep what is replaced.
    for more in [&[][..], &["--keep-missing"]] {
        let analyze = |more: &[&str]| run(place.analyze().args(more)).ends_with_code(0);
        analyze(more);
        assert_eq!(songs(&place), ["/mix.wav", "/other.wav"]);
        let divided = analyze(&[more, &["--cue"]].concat());
        assert_eq!(songs(&place), ["/mix.wav/01", "/mix.wav/02", "/other.wav"]);
        assert!(divided.stdout.contains("1 replaced"), "{}", divided.stdout);
        assert!(!divided.stdout.contains("gone"), "{}", divided.stdout);
        analyze(more);
        assert_eq!(songs(&place), ["/mix.wav", "/other.wav"]);
    }
}

#[test]
fn a_moved_mix_is_recognized_and_a_changed_sheet_is_analyzed() {
    let place = a_mix();
    run(place.analyze().arg("--cue")).ends_with_code(0);
    let directory = place.music().join("moved");
    fs::create_dir(&directory).unwrap();
    for name in ["mix.wav", "mix.cue"] {
        fs::rename(place.music().join(name), directory.join(name)).unwrap();
    }
    let moved = run(place.analyze().arg("--cue")).ends_with_code(0);
    assert!(
        moved.stdout.contains("2 moved (recognized by content)"),
        "{}",
        moved.stdout
    );
    assert_eq!(
        songs(&place),
        ["/moved/mix.wav/01", "/moved/mix.wav/02", "/other.wav"]
    );
    fs::write(
        directory.join("mix.cue"),
        SHEET.replace("00:20:00", "00:18:00"),
    )
    .unwrap();
    let changed = run(place.analyze().arg("--cue")).ends_with_code(0);
    assert!(changed.stdout.contains("2 analyzed"), "{}", changed.stdout);
}

#[test]
fn a_track_after_the_end_of_its_file_fails() {
    let place = a_mix();
    place.file("mix.cue", SHEET.replace("00:20:00", "09:20:00").as_bytes());
    run(place.analyze().arg("--cue"))
        .ends_with_code(3)
        .complains("mix.wav (track 2): ")
        .complains("the segment starts after its end");
    assert_eq!(songs(&place), ["/mix.wav/01", "/other.wav"]);
}

#[test]
fn playlists_have_the_times_of_tracks_and_tags_skip_them() {
    let place = a_mix();
    run(place.analyze().arg("--cue")).ends_with_code(0);
    let list = place.music().join("all.m3u8");
    let ask = |more: &[&str]| {
        let mut command = place.query();
        command
            .args(["--emotions", "happy=1", "-k", "all"])
            .args(more);
        run(&mut command).ends_with_code(0)
    };
    ask(&["-o", list.to_str().unwrap()]);
    let text = fs::read_to_string(&list).unwrap();
    let mix = place.music().join("mix.wav");
    for (start, end) in [("0.0", "20.0"), ("20.0", "36.0")] {
        let entry = format!(
            "#EXTVLCOPT:start-time={start}\n#EXTVLCOPT:stop-time={end}\n{}\n",
            mix.display()
        );
        assert!(text.contains(&entry), "{text}");
    }
    // What was played is left out: the mix leaves out its tracks.
    fs::write(&list, mix.to_str().unwrap()).unwrap();
    let rest = ask(&["--exclude-list", list.to_str().unwrap(), "--json"]);
    assert!(rest.stdout.contains("other.wav") && !rest.stdout.contains("mix.wav"));

    let mut tags = circumplex();
    tags.args(["export", "--write-tags"]);
    run(tags.arg(place.library()))
        .ends_with_code(0)
        .complains("1 file would be tagged, 2 tracks of CUE sheets skipped, 0 failed");
}

#[test]
fn a_sheet_in_another_encoding_finds_its_file() {
    let place = Place::new();
    place.tone("曲婉婷 - Everything.wav", 220.0, 36.0);
    // In GBK: TITLE "我的歌声里", FILE "曲婉婷 - Everything.wav", TITLE "爱的海洋".
    let gbk = [
        &b"FILE \"\xc7\xfa\xcd\xf1\xe6\xc3 - Everything.wav\" WAVE\n  TRACK 01 AUDIO\n    TITLE \"\xce\xd2\xb5\xc4\xb8\xe8\xc9\xf9\xc0\xef\"\n"[..],
        b"    INDEX 01 00:00:00\n  TRACK 02 AUDIO\n    TITLE \"\xb0\xae\xb5\xc4\xba\xa3\xd1\xf3\"\n    INDEX 01 00:20:00\n",
    ];
    place.file("disc.cue", &gbk.concat());
    for charset in ["auto", "gb18030"] {
        run(place
            .analyze()
            .args(["--cue", "--force", "--tag-charset", charset]))
        .ends_with_code(0);
        let rows = rows(&place);
        let titles: Vec<&str> = rows.iter().filter_map(|row| row.title.as_deref()).collect();
        assert_eq!(titles, ["我的歌声里", "爱的海洋"], "{charset}");
    }
    run(place.analyze().args(["--tag-charset", "klingon"]))
        .ends_with_code(1)
        .complains("klingon")
        .complains("gbk, big5, shift_jis");
}

//! Playlists as players read them.

use super::*;
use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

fn entry(path: &[u8]) -> Song {
    Song {
        path: PathBuf::from(OsStr::from_bytes(path)),
        ..Song::default()
    }
}

fn named(path: &str) -> Song {
    Song {
        title: Some("Night\r\n& Day".to_owned()),
        artist: Some("A <B>".to_owned()),
        duration_s: 61.6,
        ..entry(path.as_bytes())
    }
}

fn relative(directory: &str) -> Paths {
    Paths::Relative {
        named: directory.into(),
        real: directory.into(),
    }
}

fn m3u8(songs: Vec<Song>, paths: &Paths) -> Vec<String> {
    let text = playlist(Format::M3u8, None, &songs, paths);
    text.lines().map(str::to_owned).collect()
}

fn xspf(songs: Vec<Song>, paths: &Paths) -> String {
    playlist(Format::Xspf, Some("calm"), &songs, paths)
}

#[test]
fn m3u8_has_a_line_of_length_and_name_before_each_path() {
    let lines = m3u8(
        vec![named("/music/a.mp3"), entry(b"/music/b.mp3")],
        &Paths::Absolute,
    );
    assert_eq!(
        lines,
        [
            "#EXTM3U",
            "#EXTINF:62,A <B> - Night  & Day",
            "/music/a.mp3",
            "#EXTINF:-1,b",
            "/music/b.mp3"
        ]
    );
}

#[test]
fn a_track_has_start_and_end_as_vlc_reads_them() {
    let track = || Song {
        track_start_s: Some(245.5),
        track_end_s: Some(445.5),
        ..named("/music/mix.flac")
    };
    let lines = m3u8(vec![track()], &Paths::Absolute);
    assert_eq!(
        lines[2..],
        [
            "#EXTVLCOPT:start-time=245.5",
            "#EXTVLCOPT:stop-time=445.5",
            "/music/mix.flac"
        ]
    );
    let text = xspf(vec![track()], &Paths::Absolute);
    assert!(text.contains("<vlc:option>start-time=245.5</vlc:option>"));
    assert!(text.contains("<vlc:option>stop-time=445.5</vlc:option>"));
    assert!(!xspf(vec![named("/a.mp3")], &Paths::Absolute).contains("vlc"));
}

#[test]
fn a_path_that_a_line_cannot_hold_is_a_uri() {
    let lines = m3u8(
        vec![
            entry(b"/music/caf\xe9 1.mp3"),
            entry(b"/music/a\nb.mp3"),
            entry(b"/music/blank.mp3 "),
        ],
        &relative("/music"),
    );
    assert_eq!(lines[2], "file:///music/caf%E9%201.mp3");
    assert_eq!(lines[4], "file:///music/a%0Ab.mp3");
    assert_eq!(lines[6], "file:///music/blank.mp3%20");
    assert_eq!(lines.len(), 7, "no name breaks a line");
}

#[test]
fn relative_paths_go_up_and_down() {
    let line = |directory: &str, file: &str| m3u8_path(Path::new(file), &relative(directory));
    assert_eq!(line("/home/me/lists", "/home/me/lists/a.mp3"), "a.mp3");
    assert_eq!(
        line("/home/me/lists", "/home/me/Music/b/a.mp3"),
        "../Music/b/a.mp3"
    );
    assert_eq!(line("/", "/a.mp3"), "a.mp3");
    assert_eq!(line("/m", "/m/#1.mp3"), "./#1.mp3");
    assert_eq!(line("/m", "/m/http:x.mp3"), "./http:x.mp3");
    assert_eq!(line("/m", "/m/ x.mp3"), "file:///m/%20x.mp3");
}

#[test]
fn relative_paths_resolve_links_to_the_playlists_directory() {
    let directory = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(directory.path()).unwrap();
    fs::create_dir_all(root.join("disk/deep/lists")).unwrap();
    fs::write(root.join("song.mp3"), b"x").unwrap();
    std::os::unix::fs::symlink(root.join("disk/deep/lists"), root.join("lists")).unwrap();
    let paths = Paths::relative_to(&root.join("lists")).unwrap();
    let found = paths.of(&root.join("song.mp3"));
    assert_eq!(found, Path::new("../../../song.mp3"));
    assert!(root.join("lists").join(found).is_file());
    let below = paths.of(&root.join("lists/own.mp3"));
    assert_eq!(below, Path::new("own.mp3"));
    assert!(Paths::relative_to(&root.join("absent")).is_err());
}

#[test]
fn xspf_is_xml_with_uris_and_milliseconds() {
    let text = xspf(
        vec![
            named("/music/a #1?.mp3"),
            entry(b"/music/caf\xe9.mp3"),
            Song {
                title: Some("bell\u{7}\u{ffff}".to_owned()),
                ..entry(b"/c.mp3")
            },
        ],
        &Paths::Absolute,
    );
    for part in [
        "<playlist version=\"1\" xmlns=\"http://xspf.org/ns/0/\">",
        "<title>calm</title>",
        "<location>file:///music/a%20%231%3F.mp3</location>",
        "<title>Night  &amp; Day</title>",
        "<creator>A &lt;B&gt;</creator>",
        "<duration>61600</duration>",
        "<location>file:///music/caf%E9.mp3</location>",
        "<title>bell</title>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(text.matches("<track>").count(), 3);
    assert_eq!(text.matches("</track>").count(), 3);
    let text = xspf(vec![entry(b"/music/x/a b.mp3")], &relative("/music"));
    assert!(text.contains("<location>x/a%20b.mp3</location>"), "{text}");
}

#[test]
fn paths_of_windows_are_absolute_in_both_formats() {
    let songs = || {
        let paths: [&[u8]; 2] = [b"Z:\\Music\\a b.mp3", b"\\\\nas\\music\\c.mp3"];
        paths.map(entry).to_vec()
    };
    let lines = m3u8(songs(), &relative("/lists"));
    assert_eq!(
        lines[1..],
        [
            "#EXTINF:-1,a b",
            "Z:\\Music\\a b.mp3",
            "#EXTINF:-1,c",
            "\\\\nas\\music\\c.mp3"
        ]
    );
    let text = xspf(songs(), &Paths::Absolute);
    for location in ["file:///Z:/Music/a%20b.mp3", "file://nas/music/c.mp3"] {
        assert!(text.contains(location), "{text}");
    }
}

//! `--map-path`: a library whose music is elsewhere on this machine.

use crate::common::{Place, circumplex, json, run};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::{collections::BTreeSet, fs, fs::File, path::Path, process::Command};

const SONGS: [&str; 3] = ["high.wav", "low 1.wav", "folder/middle.wav"];

/// A library of three songs.
fn library() -> Place {
    let place = Place::new();
    for (name, hertz) in SONGS.iter().zip([1760.0, 220.0, 440.0]) {
        place.tone(name, hertz, 3.0);
    }
    run(&mut place.analyze()).ends_with_code(0);
    place
}

/// The option that maps the music to `to`.
fn mapping(place: &Place, to: &str) -> [String; 2] {
    let from = place.music();
    ["--map-path".into(), format!("{}={to}", from.display())]
}

fn ask(place: &Place, to: &str) -> Command {
    let mut command = place.query();
    command.args(mapping(place, to));
    command
}

/// The paths that the songs have in `to`.
fn names(to: &str, separator: &str) -> BTreeSet<String> {
    let path = |name: &str| format!("{to}{separator}{}", name.replace('/', separator));
    SONGS.map(path).into()
}

#[test]
fn every_output_has_the_mapped_paths() {
    let place = library();
    let expected = names("/home/me/Music", "/");
    let write = |command: &str, name: &str| {
        let file = place.folder.path().join(name);
        let mut command = match command {
            "query" => {
                let mut query = place.query();
                query.args(["--emotions", "happy=1", "-k", "all"]);
                query
            }
            command => {
                let mut other = circumplex();
                other.args(command.split(' ')).arg(place.library());
                other
            }
        };
        command
            .args(mapping(&place, "/home/me/Music"))
            .arg("-o")
            .arg(&file);
        let ran = run(&mut command).ends_with_code(0);
        assert!(!ran.stderr.contains("--map-path"), "{}", ran.stderr);
        file
    };
    for (command, name) in [
        ("query", "q.csv"),
        ("query", "q.txt"),
        ("query", "q.json"),
        ("query", "q.m3u8"),
        ("query", "q.xspf"),
        ("export", "e.csv"),
        ("export", "e.jsonl"),
        ("cluster --init random --k 2", "c.csv"),
    ] {
        let text = fs::read_to_string(write(command, name)).unwrap();
        for path in &expected {
            let uri = path.replace(' ', "%20");
            assert!(
                text.contains(path.as_str()) || text.contains(&uri),
                "{name}: {text}"
            );
        }
        assert!(!text.contains(place.music().to_str().unwrap()), "{text}");
    }
    for (command, name) in [("query", "q.parquet"), ("export", "e.parquet")] {
        let file = File::open(write(command, name)).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows = reader.get_row_iter(None).unwrap();
        let path = |row: parquet::record::Row| {
            let mut columns = row.get_column_iter();
            let (_, path) = columns.find(|(name, _)| *name == "path").unwrap();
            path.to_string().trim_matches('"').to_owned()
        };
        let paths: BTreeSet<String> = rows.map(|row| path(row.unwrap())).collect();
        assert_eq!(paths, expected, "{name}");
    }
    let mut songs = circumplex();
    songs
        .args(["library", "songs", "--json"])
        .arg(place.library());
    let listed = run(songs.args(mapping(&place, "/home/me/Music"))).ends_with_code(0);
    assert!(
        listed.stdout.contains("/home/me/Music/"),
        "{}",
        listed.stdout
    );
}

#[test]
fn playlists_for_windows_have_its_paths() {
    let place = library();
    let playlist = |format: &str| {
        let mut command = ask(&place, "Z:\\Music");
        command.args(["--emotions", "happy=1", "-k", "all", "--format", format]);
        run(&mut command).ends_with_code(0).stdout
    };
    let list = playlist("m3u8");
    for path in names("Z:\\Music", "\\") {
        assert!(list.lines().any(|line| line == path), "{path}: {list}");
    }
    let list = playlist("xspf");
    assert_eq!(
        list.matches("<location>file:///Z:/Music/").count(),
        3,
        "{list}"
    );
}

#[test]
fn songs_are_named_in_either_form() {
    let place = library();
    let first = SONGS[2];
    let original = place.music().join(first);
    let ask_for = |to: &str, args: &[&str]| {
        let ran = run(ask(&place, to).args(args).args(["-k", "all", "--json"])).ends_with_code(0);
        let songs = json(&ran).into_iter();
        songs
            .map(|song| song["path"].as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    // On Windows, a path that begins with a slash is one of the current drive.
    let targets = [("Z:\\Music", "\\"), ("/elsewhere", "/")];
    for (to, separator) in &targets[..if cfg!(windows) { 1 } else { 2 }] {
        let mut others = names(to, separator);
        let mapped = format!("{to}{separator}{}", first.replace('/', separator));
        assert!(others.remove(&mapped));
        for name in [original.to_str().unwrap(), &mapped] {
            assert_eq!(ask_for(to, &["--like", name]), others, "{name}");
            for (list, text) in [
                ("list.txt", format!("{name}\n")),
                ("list.m3u8", format!("#EXTM3U\n{name}\n")),
            ] {
                let list = place.folder.path().join(list);
                fs::write(&list, text).unwrap();
                let list = list.to_str().unwrap();
                let found = ask_for(to, &["--emotions", "happy=1", "--exclude-list", list]);
                assert_eq!(found, others, "{name}");
            }
        }
    }
    let condition = "path LIKE '/elsewhere/%'";
    let found = ask_for(
        "/elsewhere",
        &["--emotions", "happy=1", "--where", condition],
    );
    assert_eq!(found.len(), 3);
}

#[test]
fn tags_are_written_into_the_mapped_files() {
    let place = Place::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio");
    fs::copy(fixtures.join("flac.flac"), place.music().join("a.flac")).unwrap();
    run(&mut place.analyze()).ends_with_code(0);
    let moved = place.folder.path().join("moved");
    fs::rename(place.music(), &moved).unwrap();
    let before = fs::read(moved.join("a.flac")).unwrap();
    let tag = |mapping: &[String]| {
        let mut command = circumplex();
        command
            .arg("export")
            .arg(place.library())
            .args(["--write-tags", "--yes"]);
        run(command.args(mapping))
    };
    tag(&[]).ends_with_code(1).complains("cannot be read");
    let mapping = mapping(&place, moved.to_str().unwrap());
    tag(&mapping).ends_with_code(0).complains("1 file tagged");
    assert_ne!(fs::read(moved.join("a.flac")).unwrap(), before);
    // The library has recorded the tagged file under its own path.
    tag(&mapping)
        .ends_with_code(0)
        .complains("1 already tagged");
    fs::rename(&moved, place.music()).unwrap();
    let again = run(&mut place.analyze()).ends_with_code(0);
    assert!(again.stdout.contains("1 unchanged"), "{}", again.stdout);
}

#[test]
fn a_mapping_that_fits_no_song_is_told_and_one_that_is_none_is_rejected() {
    let place = library();
    let query = |mapping: &str| {
        let mut command = place.query();
        command.args(["--emotions", "happy=1", "--map-path", mapping]);
        run(&mut command)
    };
    query("/no/such=/m")
        .ends_with_code(0)
        .complains("--map-path: no song of");
    query("/no/such")
        .ends_with_code(1)
        .complains("expected FROM=TO");
    query("/a=b")
        .ends_with_code(1)
        .complains("expected FROM=TO");
    let mut twice = place.query();
    twice.args([
        "--emotions",
        "happy=1",
        "--map-path",
        "/a=/b",
        "--map-path",
        "/a/=/c",
    ]);
    run(&mut twice)
        .ends_with_code(1)
        .complains("/a/ is mapped twice");
}

//! `circumplex query`: forms of the answer, which songs take part, playlists, many questions.

use crate::common::{Place, circumplex, json, run, three_songs};
use lofty::{
    config::WriteOptions,
    tag::{Accessor, Tag, TagExt, TagType},
};
use std::{collections::HashSet, fs, path::Path, process::Command};

/// A library of six songs with names.
fn six_songs() -> Place {
    let place = three_songs();
    // Windows allows no such quotes.
    let quotes = if cfg!(windows) { "''" } else { "\"" };
    let odd = format!("folder/2 high, {quotes}quoted{quotes}.wav");
    place.tone(&odd, 2200.0, 4.0);
    place.tone("z.wav", 300.0, 5.0);
    place.tone("#1.wav", 600.0, 3.0);
    run(&mut place.analyze()).ends_with_code(0);
    place
}

fn ask(place: &Place, args: &[&str]) -> Command {
    let mut command = place.query();
    command.args(["--emotions", "happy=3,calm=1"]).args(args);
    command
}

fn paths(place: &Place, args: &[&str]) -> Vec<String> {
    let ran = run(ask(place, args).arg("--json")).ends_with_code(0);
    let songs = json(&ran);
    songs
        .iter()
        .map(|song| song["path"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_form_tells_of_the_same_songs() {
    let place = six_songs();
    let expected = paths(&place, &["-k", "all"]);
    assert_eq!(expected.len(), 6);
    let print = |format: &str| {
        run(&mut ask(&place, &["-k", "all", "--format", format]))
            .ends_with_code(0)
            .stdout
    };
    let table = print("table");
    for (line, path) in table.lines().skip(1).zip(&expected) {
        assert!(line.ends_with(path.as_str()), "{line}");
    }
    let lines: Vec<serde_json::Value> = print("jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let csv = print("csv");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let head = reader.headers().unwrap().clone();
    let place_of = |name: &str| head.iter().position(|field| field == name).unwrap();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!((lines.len(), records.len()), (6, 6));
    for ((line, record), path) in lines.iter().zip(&records).zip(&expected) {
        assert_eq!(line["path"], path.as_str());
        assert_eq!(&record[place_of("path")], path);
        // serde_json reads numbers to within their last digit.
        let similarity: f64 = record[place_of("similarity")].parse().unwrap();
        assert!((line["similarity"].as_f64().unwrap() - similarity).abs() < 1e-15);
        assert_eq!(
            line["emotions"]["calm"].to_string().parse::<f32>().ok(),
            record[place_of("calm")].parse().ok()
        );
    }
    let m3u: Vec<String> = print("m3u8").lines().map(str::to_owned).collect();
    assert_eq!(m3u[0], "#EXTM3U");
    let named: Vec<&String> = m3u.iter().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(named, expected.iter().collect::<Vec<_>>());
    assert_eq!(
        m3u.iter()
            .filter(|line| line.starts_with("#EXTINF:3,"))
            .count(),
        3
    );
    let xspf = print("xspf");
    assert_eq!(xspf.matches("<track>").count(), 6);
    let quotes = if cfg!(windows) { "%27%27" } else { "%22" };
    let coded = format!("2%20high%2C%20{quotes}quoted{quotes}.wav</location>");
    assert!(xspf.contains(&coded), "{xspf}");
}

#[test]
fn the_name_of_the_output_says_its_form_and_relative_names_lead_to_the_files() {
    let place = six_songs();
    let write = |name: &str, args: &[&str]| {
        let file = place.folder.path().join(name);
        run(ask(&place, args).arg("-o").arg(&file)).ends_with_code(0);
        fs::read_to_string(file).unwrap()
    };
    assert!(write("a.json", &[]).starts_with("[\n"));
    assert_eq!(write("a.jsonl", &[]).lines().count(), 5);
    assert!(write("a.csv", &[]).starts_with("rank,path,"));
    assert!(write("a.txt", &[]).contains("similarity"));
    let list = write("a.m3u8", &["--relative-paths", "-k", "all"]);
    let names: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(names.len(), 6);
    for name in &names {
        assert!(Path::new(name).starts_with("music"), "{name}");
        assert!(place.folder.path().join(name).is_file(), "{name}");
    }
    let refuse = |args: &[&str], complaint: &str| {
        run(&mut ask(&place, args))
            .ends_with_code(1)
            .complains(complaint);
    };
    refuse(&["-o", "x.odt"], "--format");
    refuse(&["--relative-paths"], "playlists");
    refuse(
        &["-o", "/no/such/folder/a.m3u8", "--relative-paths"],
        "/no/such/folder",
    );
    refuse(&["-o", "/no/such/folder/a.csv"], "/no/such/folder");
}

#[test]
fn as_many_songs_as_are_asked_for_have_to_be_there() {
    let place = six_songs();
    assert_eq!(paths(&place, &[]).len(), 5);
    assert_eq!(paths(&place, &["-k", "6"]).len(), 6);
    for (k, complaint) in [
        ("7", "holds 6 songs; ask for 6 or fewer"),
        ("0", "1 or more, or `all`"),
        ("-3", "1 or more"),
        ("some", "1 or more"),
    ] {
        run(ask(&place, &[]).arg(format!("-k={k}")))
            .ends_with_code(1)
            .complains(complaint);
    }
    run(&mut ask(&place, &["--mood-shift", "tense", "--steps", "9"]))
        .ends_with_code(1)
        .complains("--steps 9");
    let one = three_songs();
    run(&mut one.analyze()).ends_with_code(0);
    assert_eq!(paths(&one, &[]).len(), 3, "nobody said how many");
}

#[test]
fn conditions_and_lists_leave_songs_out() {
    let place = six_songs();
    let all = paths(&place, &["-k", "all"]);
    let long = paths(
        &place,
        &[
            "-k",
            "all",
            "--where",
            "duration >= 4 AND path LIKE '%folder%'",
        ],
    );
    let expected: Vec<&String> = all
        .iter()
        .filter(|path| path.contains("middle") || path.contains("quoted"))
        .collect();
    assert_eq!(long.iter().collect::<Vec<_>>(), expected);
    let ran = run(&mut ask(&place, &["--where", "duration > 1000"])).ends_with_code(0);
    ran.complains("there are 0 to choose from");
    run(&mut ask(&place, &["--where", "duraton > 1000"]))
        .ends_with_code(1)
        .complains("did you mean \"duration\"?");
    let heard = place.folder.path().join("heard.m3u8");
    run(ask(&place, &["-k", "2", "--relative-paths", "-o"]).arg(&heard)).ends_with_code(0);
    let heard = heard.to_str().unwrap();
    assert_eq!(
        paths(&place, &["-k", "all", "--exclude-list", heard]),
        all[2..]
    );
    run(&mut ask(&place, &["--exclude-list", "/no/such/list"]))
        .ends_with_code(1)
        .complains("/no/such/list");
}

#[test]
fn metrics_are_chosen_by_name_and_refuse_what_they_cannot_compare() {
    let place = six_songs();
    for metric in ["cosine", "centered-cosine", "euclidean"] {
        let mut found = paths(&place, &["-k", "all", "--metric", metric]);
        found.sort();
        let mut all = paths(&place, &["-k", "all"]);
        all.sort();
        assert_eq!(found, all);
    }
    run(&mut ask(&place, &["--metric", "embedding"]))
        .ends_with_code(1)
        .complains("--like");
    run(place
        .query()
        .args(["--like", "z.wav", "--metric", "embedding", "--json"]))
    .ends_with_code(0);
    run(place
        .query()
        .args(["--vector", "1,1,1,1,1,1,1,1", "--metric", "centered-cosine"]))
    .ends_with_code(1)
    .complains("uniform or zero");
}

#[test]
fn a_playlist_to_another_mood_has_no_song_twice() {
    let place = six_songs();
    let found = paths(&place, &["--mood-shift", "tense", "--steps", "6"]);
    assert_eq!(found.len(), 6);
    assert_eq!(found.iter().collect::<HashSet<_>>().len(), 6);
    let nearest = run(place
        .query()
        .args(["--emotions", "tense=1", "-k", "1", "--json"]));
    let last = paths(&place, &["--mood-shift", "tense=1", "--steps", "2"]);
    assert!(last[1] == json(&nearest)[0]["path"] || last[0] == json(&nearest)[0]["path"]);
    run(&mut ask(&place, &["--mood-shift", "tens"]))
        .ends_with_code(1)
        .complains("did you mean \"tense\"?");
    run(&mut ask(&place, &["--steps", "3"]))
        .ends_with_code(1)
        .complains("--mood-shift");
}

#[test]
fn variety_is_the_same_for_the_same_seed() {
    let place = six_songs();
    let drawn = |seed: &str| paths(&place, &["-k", "2", "--explore", "2", "--seed", seed]);
    assert_eq!(drawn("7"), drawn("7"));
    let different: HashSet<Vec<String>> = (0..20).map(|n| drawn(&n.to_string())).collect();
    assert!(different.len() > 3, "{different:?}");
    assert_eq!(
        paths(&place, &["--explore", "0", "-k", "3"]),
        paths(&place, &["-k", "3"])
    );
    run(&mut ask(&place, &["--explore", "-1"])).ends_with_code(1);
    run(&mut ask(&place, &["--seed", "1"]))
        .ends_with_code(1)
        .complains("--explore");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let place = six_songs();
    let one = paths(&place, &["-k", "all", "--threads", "1"]);
    assert_eq!(paths(&place, &["-k", "all", "--threads", "3"]), one);
}

#[test]
fn many_questions_need_a_file_for_their_answers() {
    let place = six_songs();
    let mut command = place.query();
    command.args(["--queries", "/no/such.parquet"]);
    run(&mut command).ends_with_code(1).complains("--output");
    let answers = place.folder.path().join("answers.parquet");
    run(command.arg("-o").arg(&answers))
        .ends_with_code(1)
        .complains("/no/such.parquet");
    assert!(!answers.exists());
    // A library has a vector a row: each of its songs asks.
    run(place
        .query()
        .args(["-k", "2", "--queries"])
        .arg(place.library())
        .arg("-o")
        .arg(&answers))
    .ends_with_code(0)
    .complains("6 questions, 12 answers");
    run(place
        .query()
        .args(["--relative", "--queries"])
        .arg(place.library())
        .arg("-o")
        .arg(&answers))
    .ends_with_code(0)
    .complains("relative to the library's mean")
    .complains("6 questions, 30 answers");
    run(place
        .query()
        .args(["--emotions", "happy=1", "--queries"])
        .arg(place.library())
        .arg("-o")
        .arg(&answers))
    .ends_with_code(1)
    .complains("--queries");
}

/// A program that stands for the system's opener: writes down what it was given.
#[cfg(target_os = "linux")]
fn opener(folder: &Path, name: &str) {
    use std::os::unix::fs::PermissionsExt;
    let program = folder.join(name);
    let said = folder.join("opened");
    fs::write(
        &program,
        format!("#!/bin/sh\necho \"$1\" >> '{}'\n", said.display()),
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn the_answer_is_handed_to_the_programs_of_the_system() {
    let place = six_songs();
    let folder = tempfile::tempdir().unwrap();
    let with = |args: &[&str], path: String| {
        let mut command = ask(&place, args);
        command.env("PATH", path).env("TMPDIR", folder.path());
        command
    };
    let only = folder.path().to_str().unwrap().to_owned();
    run(&mut with(&["--play"], only.clone()))
        .ends_with_code(1)
        .complains("write a playlist with -o");
    opener(folder.path(), "xdg-open");
    let path = format!("{only}:/usr/bin:/bin");
    let expected = paths(&place, &[]);
    let ran = run(&mut with(&["--play"], path.clone())).ends_with_code(0);
    assert!(
        ran.stdout.contains(&expected[0]),
        "the table is printed too"
    );
    let said = fs::read_to_string(folder.path().join("opened")).unwrap();
    let list = fs::read_to_string(said.trim_end()).unwrap();
    let named: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(named, expected);
    fs::remove_file(folder.path().join("opened")).unwrap();
    run(&mut with(&["--open"], path.clone())).ends_with_code(0);
    let said = fs::read_to_string(folder.path().join("opened")).unwrap();
    assert_eq!(said.trim_end(), expected[0]);
    run(&mut with(
        &["--play", "--where", "duration > 99"],
        path.clone(),
    ))
    .ends_with_code(1)
    .complains("no song");
    fs::remove_file(&expected[0]).unwrap();
    run(&mut with(&["--open"], path))
        .ends_with_code(1)
        .complains("no longer exists");
}

#[test]
fn a_damaged_vector_is_named_with_its_row() {
    // Rewritten by another program: the sum is not 100.
    let place = six_songs();
    let bytes = fs::read(place.library()).unwrap();
    let songs = json(&run(&mut ask(&place, &["-k", "all", "--json"])));
    let first = &songs[0]["emotions"];
    let numbers: Vec<u8> = ["happy", "excited", "tense", "frustrated"]
        .iter()
        .flat_map(|name| (first[*name].as_f64().unwrap() as f32).to_le_bytes())
        .collect();
    let place_in_file = bytes.windows(16).position(|window| window == numbers);
    let at = place_in_file.expect("the file holds the numbers uncompressed");
    for (bad, why) in [(f32::NAN, "finite"), (-5.0, "negative"), (1e9, "sum")] {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&bad.to_le_bytes());
        fs::write(place.library(), bytes).unwrap();
        run(&mut ask(&place, &["--by", "emotions"]))
            .ends_with_code(1)
            .complains("(counted from 0) has no valid `emotions`")
            .complains(why);
    }
    fs::write(place.library(), bytes).unwrap();
    run(circumplex()
        .arg("query")
        .args(["--emotions", "happy=1", "-l"])
        .arg(place.library()))
    .ends_with_code(0);
}

#[test]
fn all_songs_but_the_excluded_ones_are_found_in_small_libraries() {
    let place = three_songs();
    place.tone("z.wav", 300.0, 5.0);
    run(&mut place.analyze()).ends_with_code(0);
    let all = paths(&place, &["-k", "all"]);
    assert_eq!(all.len(), 4);
    let list = place.music().join("known.m3u8");
    fs::write(&list, format!("#EXTM3U\n{}\n", all[1])).unwrap();
    let list = list.to_str().unwrap();
    for metric in ["cosine", "centered-cosine", "euclidean"] {
        let found = paths(
            &place,
            &["-k", "all", "--exclude-list", list, "--metric", metric],
        );
        assert_eq!(found.len(), 3, "{metric}");
        assert!(!found.contains(&all[1]), "{metric}");
        assert_eq!(paths(&place, &["-k", "1", "--metric", metric]).len(), 1);
    }
    let mut like = place.query();
    let like = run(like.args(["--like", &all[0], "--metric", "embedding", "--json"]));
    assert_eq!(json(&like.ends_with_code(0)).len(), 3);
}

#[test]
fn the_library_is_named_as_an_argument_or_by_its_option() {
    let place = three_songs();
    run(&mut place.analyze()).ends_with_code(0);
    let asked = ["--emotions", "happy=1", "--json"];
    let found = |command: &mut Command| run(command.args(asked)).ends_with_code(0).stdout;
    let expected = found(&mut place.query());
    let library = place.library();
    assert_eq!(found(circumplex().arg("query").arg(&library)), expected);
    assert_eq!(
        found(circumplex().args(["query", "-l"]).arg(&library)),
        expected
    );
    let directory = library.parent().unwrap();
    assert_eq!(
        found(circumplex().arg("query").current_dir(directory)),
        expected
    );
    for command in [&["library", "info"][..], &["library", "songs"]] {
        run(circumplex().args(command).arg("--library").arg(&library)).ends_with_code(0);
    }
}

#[test]
fn artists_albums_and_titles_have_no_more_songs_than_asked_for() {
    let place = Place::new();
    for (name, artist, album, title) in [
        ("1.wav", "Ann", "First", "Rain"),
        ("2.wav", "Ann", "Second", "Rain (Live)"),
        ("3.wav", "Ann", "Second", "Sun"),
        ("4.wav", "Tom", "First", "Rain"),
        ("5.wav", "Tom", "First", "Snow"),
    ] {
        let path = place.tone(name, 220.0, 3.0);
        let mut tag = Tag::new(TagType::Id3v2);
        tag.set_artist(artist.to_owned());
        tag.set_album(album.to_owned());
        tag.set_title(title.to_owned());
        tag.save_to_path(path, WriteOptions::default()).unwrap();
    }
    run(&mut place.analyze()).ends_with_code(0);
    // All sound alike: the order is that of their names.
    for (options, expected) in [
        (&["--limit-per-artist", "2"][..], &[1, 2, 4, 5][..]),
        (&["--limit-per-album", "1"], &[1, 2, 4]),
        (&["--one-per-title"], &[1, 3, 4, 5]),
        (&["--one-per-title", "--limit-per-artist", "1"], &[1, 4]),
        (&["--one-per-title", "--limit-per-album", "1"], &[1, 3, 4]),
    ] {
        let found = paths(&place, &[&["-k", "all"], options].concat());
        let names: Vec<String> = expected.iter().map(|n| format!("{n}.wav")).collect();
        let is_expected = found
            .iter()
            .zip(&names)
            .all(|(path, name)| path.ends_with(name));
        assert!(
            is_expected && found.len() == names.len(),
            "{options:?}: {found:?}"
        );
    }
}

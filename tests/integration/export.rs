//! `circumplex export`: a library in other formats, as a program.

use crate::common::{self, Place, circumplex, run, three_songs};
use circumplex::Emotion;
use std::{fs, path::Path};

fn export(place: &Place, words: &[&str]) -> common::Ran {
    let mut command = circumplex();
    command.arg("export").arg(place.library()).args(words);
    run(command.current_dir(place.folder.path()))
}

fn filled() -> Place {
    let place = three_songs();
    run(&mut place.analyze()).ends_with_code(0);
    place
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn the_extension_gives_the_format_and_the_summary_names_the_file() {
    let place = filled();
    for name in [
        "a.parquet",
        "a.csv",
        "a.json",
        "a.jsonl",
        "a.arrow",
        "a.npy",
        "a.sqlite",
    ] {
        export(&place, &["-o", name])
            .ends_with_code(0)
            .complains(&format!("wrote {name}"));
        let size = fs::metadata(place.folder.path().join(name)).unwrap().len();
        assert!(size > 0, "{name}");
    }
    export(&place, &["-o", "set", "--format", "huggingface"]).ends_with_code(0);
    assert!(place.folder.path().join("set/README.md").is_file());
    let songs = lines(&place.folder.path().join("a.jsonl"));
    assert_eq!(songs.len(), 3);
    for song in &songs {
        let strongest = song["emotion"].as_str().unwrap();
        let percentage = song[strongest].as_f64().unwrap();
        let names = "happy excited tense frustrated depressed tired calm content";
        for name in names.split(' ') {
            assert!(song[name].as_f64().unwrap() <= percentage, "{song}");
        }
    }
    let names: Vec<String> = place.leftovers();
    assert!(!names.iter().any(|name| name.contains("tmp")), "{names:?}");
}

#[test]
fn columns_are_selectable_and_text_formats_go_to_standard_output() {
    let place = filled();
    let ran = export(
        &place,
        &[
            "-o",
            "-",
            "--format",
            "csv",
            "--columns",
            "channels,emotions",
        ],
    );
    let text = ran.ends_with_code(0).stdout;
    let header = "channels,happy,excited,tense,frustrated,depressed,tired,calm,content";
    assert_eq!(text.lines().next(), Some(header));
    assert_eq!(text.lines().count(), 4);
    let ran = export(
        &place,
        &[
            "-o",
            "-",
            "--format",
            "jsonl",
            "--columns",
            "path",
            "--with",
            "embedding",
        ],
    );
    let line = ran.ends_with_code(0).stdout;
    let song: serde_json::Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    assert!(song["embedding"].as_array().unwrap().len() > 8);
    assert_eq!(song.as_object().unwrap().len(), 2);
    export(&place, &["-o", "-", "--format", "sqlite"])
        .ends_with_code(1)
        .complains("needs a file");
}

#[test]
fn a_broken_pipe_is_not_reported() {
    let place = filled();
    for format in ["csv", "jsonl"] {
        let mut command = circumplex();
        command
            .arg("export")
            .arg(place.library())
            .args(["-o", "-", "--format", format]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran: common::Ran = command.stdout(writer).output().unwrap().into();
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
fn relative_playlists_lead_to_the_songs_from_their_directory() {
    let place = filled();
    let words = ["-o", "moods", "--format", "m3u8", "--relative-paths"];
    export(&place, &words).ends_with_code(0);
    let lists = place.folder.path().join("moods");
    let mut found = 0;
    for entry in fs::read_dir(&lists).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            assert!(line.starts_with(".."), "{line}");
            assert!(lists.join(line).is_file(), "{line}");
            found += 1;
        }
    }
    assert_eq!(found, 3);
    // Again, over the old ones.
    let words = ["-o", "moods", "--format", "m3u8", "--limit", "1"];
    export(&place, &words).ends_with_code(0);
}

#[test]
fn the_strongest_emotion_may_be_relative_to_the_library() {
    let names = Emotion::ALL.map(Emotion::name);
    let place = three_songs();
    place.tone("silence.wav", 0.0, 3.0);
    run(&mut place.analyze()).ends_with_code(0);
    export(&place, &["-o", "plain.jsonl"]).ends_with_code(0);
    export(&place, &["-o", "relative.jsonl", "--relative"]).ends_with_code(0);
    // The emotion alone, without the percentages that it is found by.
    let words = ["-o", "alone.jsonl", "--relative", "--columns", "emotion"];
    export(&place, &words).ends_with_code(0);
    let words = ["-o", "moods", "--format", "m3u8", "--relative"];
    export(&place, &words).ends_with_code(0);
    let tags = export(&place, &["--write-tags", "--relative"]).ends_with_code(0);
    let file = |name: &str| place.folder.path().join(name);
    let relative = lines(&file("relative.jsonl"));
    for (alone, song) in lines(&file("alone.jsonl")).iter().zip(&relative) {
        assert_eq!(alone["emotion"], song["emotion"]);
    }
    let percentage = |song: &serde_json::Value, name: &str| song[name].as_f64().unwrap();
    let is_silent = |song: &&serde_json::Value| song["silent"] == true;
    let mut differ = 0;
    for (plain, song) in lines(&file("plain.jsonl")).iter().zip(&relative) {
        if is_silent(&song) {
            assert!(song["emotion"].is_null());
            continue;
        }
        let times_mean = |name: &&&str| {
            let heard = relative.iter().filter(|song| !is_silent(song));
            let sum: f64 = heard.map(|song| percentage(song, name)).sum();
            percentage(song, name) / sum
        };
        let by_ratio = |a: &&&str, b: &&&str| times_mean(a).total_cmp(&times_mean(b));
        let strongest = *names.iter().max_by(by_ratio).unwrap();
        assert_eq!(song["emotion"], strongest);
        let path = song["path"].as_str().unwrap();
        let list = fs::read_to_string(file("moods").join(format!("{strongest}.m3u8"))).unwrap();
        assert!(list.lines().any(|line| line == path), "{path}: {list}");
        let line = format!("{path}: mood {strongest}");
        assert!(tags.stdout.lines().any(|l| l == line), "{}", tags.stdout);
        assert_eq!(plain["path"], song["path"]);
        differ += usize::from(plain["emotion"] != song["emotion"]);
    }
    assert!(differ > 0, "otherwise this tests nothing");
    export(&place, &["--remove-tags", "--relative"])
        .ends_with_code(1)
        .complains("leave it out with --remove-tags");
}

#[test]
fn skip_silent_skips_silent_songs() {
    let place = three_songs();
    place.tone("silence.wav", 0.0, 3.0);
    run(&mut place.analyze()).ends_with_code(0);
    let count = |words: &[&str]| {
        export(&place, words)
            .ends_with_code(0)
            .stdout
            .lines()
            .count()
    };
    assert_eq!(count(&["-o", "-", "--format", "jsonl"]), 4);
    assert_eq!(count(&["-o", "-", "--format", "jsonl", "--skip-silent"]), 3);
}

#[test]
fn timelines_are_exported_on_request() {
    let place = three_songs();
    run(place.analyze().arg("--timeline")).ends_with_code(0);
    export(&place, &["-o", "a.jsonl", "--with", "timeline"]).ends_with_code(0);
    for song in lines(&place.folder.path().join("a.jsonl")) {
        assert_eq!(song["timeline"].as_array().unwrap().len(), song["windows"]);
    }
    export(&place, &["-o", "a.npy", "--with", "timeline"])
        .ends_with_code(1)
        .complains("npy cannot hold `timeline`");
}

#[test]
fn errors_name_the_remedy() {
    let place = filled();
    let library = place.library();
    let before = fs::read(&library).unwrap();
    for (words, complaint) in [
        (&["-o", "a.xls"][..], "unknown extension"),
        (&["-o", "a", "--format", "xls"], "the formats are: "),
        (
            &["-o", "a.csv", "--columns", "tilte"],
            "did you mean \"title\"?",
        ),
        (&["-o", "library.parquet"], "is a library"),
        (&["-o", "absent/a.csv"], "absent"),
        (&["-o", "music", "--format", "huggingface"], "not empty"),
        (&["-o", "music", "--format", "csv"], "music"),
        (&["-o", "all.m3u8"], "--format m3u8"),
        (&["-o", "happy.nsp"], "--format nsp"),
        (&["-o", "-", "--format", "nsp"], "needs a file"),
        (&[], "--output"),
    ] {
        let ran = export(&place, words);
        ran.ends_with_code(1).complains(complaint);
    }
    assert_eq!(fs::read(&library).unwrap(), before);
    assert_eq!(place.leftovers(), Vec::<String>::new());
    let nothing = place.folder.path().join("nothing.parquet");
    let mut command = circumplex();
    run(command.arg("export").arg(&nothing).args(["-o", "a.csv"]))
        .ends_with_code(1)
        .complains("nothing.parquet");
    let mut command = circumplex();
    let csv = place.file("a.csv", b"a,b\n1,2\n");
    run(command.arg("export").arg(&csv).args(["-o", "b.csv"]))
        .ends_with_code(1)
        .complains("expected a Parquet file");
}

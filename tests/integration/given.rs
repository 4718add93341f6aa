//! What `circumplex analyze` is given: folders, files, lists, patterns, and what lies about in folders.

use crate::common::{Place, Ran, circumplex, json, run, three_songs};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Names of the songs in the library, sorted.
fn songs(place: &Place) -> Vec<String> {
    let ran = run(place
        .query()
        .args(["--emotions", "calm=1", "-k", "all", "--json"]));
    let mut names: Vec<String> = json(&ran.ends_with_code(0))
        .iter()
        .map(|song| {
            let path = Path::new(song["path"].as_str().unwrap());
            path.file_name().unwrap().to_str().unwrap().to_owned()
        })
        .collect();
    names.sort();
    names
}

/// `circumplex analyze ARGS -o LIBRARY` with a list on standard input.
fn analyze_list(place: &Place, args: &[&str], list: &[u8]) -> Ran {
    let mut child = circumplex()
        .arg("analyze")
        .args(args)
        .arg("-o")
        .arg(place.library())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(list).unwrap();
    child.wait_with_output().unwrap().into()
}

fn lines(paths: &[PathBuf], separator: &str) -> Vec<u8> {
    let names: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    format!("{}{separator}", names.join(separator)).into_bytes()
}

#[test]
fn patterns_exclude_files_and_remove_their_rows() {
    let place = three_songs();
    run(&mut place.analyze()).ends_with_code(0);
    let plan = run(place.analyze().args(["--exclude", "deep/", "--dry-run"])).ends_with_code(0);
    assert!(plan.stdout.starts_with("excluded\t"), "{}", plan.stdout);
    assert!(plan.stdout.ends_with("high.wav\n"), "{}", plan.stdout);
    let ran =
        run(place
            .analyze()
            .args(["--exclude", "deep/", "--exclude", "low.*", "--keep-missing"]))
        .ends_with_code(0)
        .complains("skipped: 2 files and directories excluded by patterns");
    assert!(
        ran.stdout
            .contains("2 removed because patterns exclude them"),
        "{}",
        ran.stdout
    );
    assert_eq!(songs(&place), ["middle.wav"]);
    run(&mut place.analyze()).ends_with_code(0);
    assert_eq!(songs(&place), ["high.wav", "low.wav", "middle.wav"]);

    run(place.analyze().args(["--exclude", "[z-a]"]))
        .ends_with_code(1)
        .complains("\"[z-a]\"");
    run(place.analyze().args(["--exclude", "*"]))
        .ends_with_code(1)
        .complains("patterns exclude every music file");
    assert_eq!(
        songs(&place).len(),
        3,
        "where nothing is left the library stays"
    );
}

#[test]
fn ignore_files_apply_in_their_directory_and_below() {
    let place = three_songs();
    place.tone("folder/keep.wav", 300.0, 3.0);
    place.file(".circumplexignore", b"# mine\n*.wav\n!keep.wav\r\n");
    place.file("folder/deep/.circumplexignore", b"!high.wav\n");
    run(&mut place.analyze()).ends_with_code(0);
    assert_eq!(songs(&place), ["high.wav", "keep.wav"]);
    // The command line has the last word.
    run(place.analyze().args(["--exclude", "high.*"])).ends_with_code(0);
    assert_eq!(songs(&place), ["keep.wav"]);
    run(place.analyze().args(["--exclude", "!low.wav"])).ends_with_code(0);
    assert_eq!(songs(&place), ["high.wav", "keep.wav", "low.wav"]);
    // A folder within the collection is under the same rules as when the whole is given.
    let mut inner = circumplex();
    inner.arg("analyze").arg(place.music().join("folder"));
    run(inner.arg("-o").arg(place.library())).ends_with_code(0);
    assert_eq!(songs(&place), ["high.wav", "keep.wav", "low.wav"]);
    // A file that is named is taken all the same.
    let mut named = circumplex();
    named
        .arg("analyze")
        .arg(place.music().join("folder/middle.wav"));
    run(named.arg("-o").arg(place.library())).ends_with_code(0);
    assert_eq!(songs(&place).len(), 4);
}

#[test]
fn an_invalid_ignore_line_is_reported_and_the_others_apply() {
    let place = three_songs();
    place.file(".circumplexignore", b"low.wav\n[z-a]\n\xff\xfe\n");
    fs::create_dir(place.music().join("folder/.circumplexignore")).unwrap();
    run(&mut place.analyze())
        .ends_with_code(3)
        .complains(".circumplexignore: line 2: invalid pattern")
        .complains(".circumplexignore: cannot read: expected a file of at most 1024 KiB");
    assert_eq!(songs(&place), ["high.wav", "middle.wav"]);
}

#[test]
fn several_directories_and_files_in_one_run() {
    let place = three_songs();
    let elsewhere = three_songs();
    let hidden = elsewhere.file(
        ".odd name",
        &fs::read(place.music().join("low.wav")).unwrap(),
    );
    let mut command = circumplex();
    command
        .arg("analyze")
        .arg(place.music().join("folder"))
        .arg(elsewhere.music().join("low.wav"))
        .arg(&hidden)
        .arg("-o");
    run(command.arg(place.library())).ends_with_code(0);
    let all = [".odd name", "high.wav", "low.wav", "middle.wav"];
    assert_eq!(songs(&place), all);
    // A later run on its folder does not list the odd one, which is there all the same; the other folder stays as it is.
    fs::remove_file(place.music().join("folder/middle.wav")).unwrap();
    elsewhere.tone("folder/middle.wav", 500.0, 3.0);
    let mut command = circumplex();
    command.arg("analyze").arg(elsewhere.music()).arg("-o");
    run(command.arg(place.library())).ends_with_code(0);
    let mut more = all.to_vec();
    more.extend(["high.wav", "middle.wav"]);
    more.sort_unstable();
    assert_eq!(songs(&place), more);
}

#[test]
fn a_list_may_be_separated_by_newlines_or_nul() {
    let place = three_songs();
    let music = place.music();
    place.file("cover.jpg", b"x");
    place.file("old.wma", b"x");
    let odd = place.file("odd", &fs::read(music.join("low.wav")).unwrap());
    let list = [odd, music.join("cover.jpg"), music.join("old.wma")];
    analyze_list(&place, &["-"], &lines(&list, "\n"))
        .ends_with_code(0)
        .complains("WMA 1")
        .complains("skipped: 1 file that is not audio");
    assert_eq!(songs(&place), ["odd"]);

    let list = [music.join("low.wav"), music.join("folder")];
    analyze_list(&place, &["--files-from", "-"], &lines(&list, "\0")).ends_with_code(0);
    assert_eq!(songs(&place), ["high.wav", "low.wav", "middle.wav", "odd"]);

    // Those that a later list does not name stay; what it names and is gone is reported, and stays as well.
    fs::remove_file(music.join("low.wav")).unwrap();
    let file = place.folder.path().join("list.txt");
    let list = [
        music.join("folder/deep/high.wav"),
        music.join("low.wav"),
        music.join("folder/middle.wav"),
    ];
    fs::write(&file, lines(&list, "\n")).unwrap();
    let arguments = ["--exclude", "deep/", "--files-from", file.to_str().unwrap()];
    analyze_list(&place, &arguments, b"")
        .ends_with_code(3)
        .complains("1 entry matches no file: ");
    assert_eq!(songs(&place), ["low.wav", "middle.wav", "odd"]);

    analyze_list(&place, &["-"], b"")
        .ends_with_code(1)
        .complains("no music files found");
    analyze_list(&place, &["--files-from", "/no/such/list"], b"")
        .ends_with_code(1)
        .complains("/no/such/list");
    assert_eq!(songs(&place).len(), 3);
}

#[cfg(unix)]
#[test]
fn pipes_link_loops_and_unreadable_directories_are_handled() {
    use std::os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    };
    let place = three_songs();
    let music = place.music();
    run(&mut place.analyze()).ends_with_code(0);

    symlink(&music, music.join("folder/up")).unwrap();
    symlink("circle-b.wav", music.join("circle-a.wav")).unwrap();
    symlink("circle-a.wav", music.join("circle-b.wav")).unwrap();
    symlink("/dev/null", music.join("device.wav")).unwrap();
    let _socket = UnixListener::bind(music.join("socket.mp3")).unwrap();
    let made = Command::new("mkfifo").arg(music.join("pipe.mp3")).status();
    assert!(made.unwrap().success());
    let locked = music.join("folder/deep");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let is_locked = fs::read_dir(&locked).is_err();

    let ran = run(&mut place.analyze());
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    let ran = ran
        .ends_with_code(3)
        .complains("circle-a.wav: ")
        .complains("circle-b.wav: ")
        .complains("skipped: 3 files that are not audio");
    if is_locked {
        assert!(ran.stderr.contains("folder/deep: "), "{}", ran.stderr);
    } else {
        eprintln!("skipped in part: this user may read every folder");
    }
    // What is behind the lock at the moment is not gone.
    assert_eq!(songs(&place), ["high.wav", "low.wav", "middle.wav"]);

    let pipe = music.join("pipe.mp3");
    let mut command = circumplex();
    command.arg("analyze").arg(&pipe).arg("-o");
    run(command.arg(place.library()))
        .ends_with_code(1)
        .complains("is a device or pipe");
    analyze_list(&place, &["-"], &lines(&[pipe], "\n"))
        .ends_with_code(1)
        .complains("no music files found");
}

#[test]
fn shards_together_have_every_song_once() {
    let place = three_songs();
    for n in 0..9 {
        place.tone(&format!("{n}.wav"), 100.0 * 1.3_f32.powi(n), 3.0);
    }
    place.file("broken.mp3", b"no music");
    let parts = place.folder.path().join("parts");
    let shard = |shard: &str| {
        let mut command = circumplex();
        command.arg("analyze").arg(place.music());
        command.args(["--shard", shard, "-o"]).arg(&parts);
        run(&mut command)
    };
    let mut failed = 0;
    for part in ["1/5", "2/5", "3/5", "4/5", "5/5"] {
        let ran = shard(part);
        failed += usize::from(ran.code == Some(3));
        assert!(matches!(ran.code, Some(0 | 3)), "{}", ran.stderr);
        assert!(!shard(part).stdout.contains("analyzed"));
    }
    assert_eq!(failed, 1, "the broken file belongs to one part");
    let mut names: Vec<String> = fs::read_dir(&parts)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected: Vec<String> = (1..=5)
        .map(|n| format!("part-{n:05}-of-00005.parquet"))
        .collect();
    assert_eq!(names, expected);

    run(&mut place.analyze()).ends_with_code(3);
    let answer = |library: &[PathBuf]| {
        let mut command = circumplex();
        command.arg("query").args(["--emotions", "calm=1,tense=2"]);
        command.args(["-k", "all", "--json", "--library"]);
        run(command.args(library)).ends_with_code(0).stdout
    };
    let whole = answer(&[place.library()]);
    assert_eq!(answer(std::slice::from_ref(&parts)), whole);
    let files: Vec<PathBuf> = names.iter().map(|name| parts.join(name)).collect();
    assert_eq!(answer(&files), whole);

    shard("1/4")
        .ends_with_code(1)
        .complains("with another number of shards than 1/4");
    for bad in ["0/4", "5/4", "half"] {
        shard(bad).ends_with_code(1).complains("3/8");
    }
    let mut file = place.analyze();
    run(file.args(["--shard", "1/2"]))
        .ends_with_code(1)
        .complains("--shard writes to a directory");
}

#[test]
fn a_shard_without_songs_is_written() {
    let place = Place::new();
    place.tone("only.wav", 220.0, 3.0);
    let parts = place.folder.path().join("parts");
    for n in 1..=3 {
        let mut command = circumplex();
        command.arg("analyze").arg(place.music());
        command.args(["--shard", &format!("{n}/3"), "-o"]);
        run(command.arg(&parts)).ends_with_code(0);
    }
    assert_eq!(fs::read_dir(&parts).unwrap().count(), 3);
    let mut command = circumplex();
    command.args(["query", "--emotions", "calm=1", "--json", "--library"]);
    assert_eq!(json(&run(command.arg(&parts)).ends_with_code(0)).len(), 1);
}

#[test]
fn a_playlist_is_read_from_its_directory_and_what_it_misses_is_counted() {
    let place = three_songs();
    let decomposed = "Beyonce\u{301}.wav";
    place.tone(decomposed, 300.0, 3.0);
    let list = place.folder.path().join("songs.m3u8");
    let entries = "#EXTM3U\n#EXTINF:3,A\nmusic/Beyonc\u{e9}.wav\nmusic/LOW.wav\nmusic\\folder\\middle.wav\na\nb\nc\nd\n";
    fs::write(&list, entries).unwrap();
    let ran = analyze_list(&place, &["--files-from", list.to_str().unwrap()], b"")
        .ends_with_code(3)
        .complains("songs.m3u8: 4 entries match no file: a, b, c and 1 more");
    // Other systems ignore it themselves, and the file is called as in the list.
    let low = if cfg!(target_os = "linux") {
        ran.complains("songs.m3u8: 1 file found by ignoring upper and lower case");
        "low.wav"
    } else {
        "LOW.wav"
    };
    assert_eq!(songs(&place), [decomposed, low, "middle.wav"]);
}

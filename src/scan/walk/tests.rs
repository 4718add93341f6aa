//! Scans of directories as people have them.

use super::*;

fn directory_with(files: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for file in files {
        let path = directory.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"x").unwrap();
    }
    directory
}

fn directories(roots: impl IntoIterator<Item = PathBuf>) -> ScanOptions {
    ScanOptions {
        roots: roots.into_iter().collect(),
        ..ScanOptions::default()
    }
}

fn names(directory: &Path, listing: &Listing) -> Vec<String> {
    listing
        .files
        .iter()
        .map(|f| {
            let name = f.path.strip_prefix(directory).unwrap();
            name.to_string_lossy().replace('\\', "/")
        })
        .collect()
}

#[test]
fn music_is_listed_in_order_and_the_rest_counted() {
    let directory = directory_with(&[
        "b.mp3",
        "a/z.FLAC",
        "a/cover.jpg",
        ".hidden/c.mp3",
        "a/.d.mp3",
        "a/._z.FLAC",
        ".DS_Store",
        "e.wma",
        "f.Ape",
        "g.wma",
        "no-extension",
        "c.opus",
    ]);
    let listing = scan(&directories([directory.path().to_owned()])).unwrap();
    assert_eq!(
        names(directory.path(), &listing),
        ["a/z.FLAC", "b.mp3", "c.opus"]
    );
    assert_eq!(listing.not_audio, 2);
    assert_eq!(listing.unsupported.get("WMA"), Some(&2));
    assert_eq!(listing.unsupported.get("Monkey's Audio"), Some(&1));
    assert_eq!(listing.hidden, 2);
    assert!(listing.failures.is_empty());
    let with_hidden = ScanOptions {
        hidden: true,
        ..directories([directory.path().to_owned()])
    };
    let listing = scan(&with_hidden).unwrap();
    assert_eq!(
        names(directory.path(), &listing),
        [".hidden/c.mp3", "a/.d.mp3", "a/z.FLAC", "b.mp3", "c.opus"]
    );
    assert_eq!((listing.hidden, listing.not_audio), (0, 3));
}

#[test]
fn a_file_without_extension_is_known_by_its_first_bytes() {
    let directory = directory_with(&["text"]);
    fs::write(directory.path().join("tune"), b"fLaC....").unwrap();
    fs::write(directory.path().join("tone"), b"RIFF\0\0\0\0WAVEfmt ").unwrap();
    fs::write(directory.path().join("picture"), b"RIFF\0\0\0\0WEBPVP8 ").unwrap();
    let listing = scan(&directories([directory.path().to_owned()])).unwrap();
    assert_eq!(names(directory.path(), &listing), ["tone", "tune"]);
    assert_eq!(listing.not_audio, 2);
}

#[test]
fn a_root_may_be_a_file_of_any_name() {
    let directory = directory_with(&["song.bin", "b.mp3"]);
    let song = directory.path().join("song.bin");
    let listing = scan(&directories([song.clone()])).unwrap();
    assert_eq!(listing.files.len(), 1);
    assert_eq!(listing.files[0].path, song);
}

#[test]
fn overlapping_directories_give_each_file_once() {
    let directory = directory_with(&["a/b.mp3"]);
    let root = directory.path().to_owned();
    let listing = scan(&directories([
        root.clone(),
        root.join("a"),
        root.join("a/../a"),
    ]))
    .unwrap();
    assert_eq!(listing.files.len(), 1);
}

#[test]
fn a_missing_directory_is_an_error() {
    let error = scan(&directories([PathBuf::from("/no/such/directory")]))
        .err()
        .unwrap();
    assert!(error.to_string().contains("/no/such/directory"));
}

#[cfg(unix)]
#[test]
fn links_are_followed_except_in_loops() {
    use std::os::unix::fs::symlink;
    let directory = directory_with(&["a/b.mp3"]);
    symlink(directory.path(), directory.path().join("a/up")).unwrap();
    symlink(
        directory.path().join("a/b.mp3"),
        directory.path().join("link.mp3"),
    )
    .unwrap();
    symlink("nowhere", directory.path().join("dangling.mp3")).unwrap();
    symlink("nowhere", directory.path().join("dangling.txt")).unwrap();
    let listing = scan(&directories([directory.path().to_owned()])).unwrap();
    assert_eq!(names(directory.path(), &listing), ["a/b.mp3", "link.mp3"]);
    assert_eq!(listing.failures.len(), 1);
    assert!(
        listing.failures[0]
            .path()
            .unwrap()
            .ends_with("dangling.mp3")
    );
    assert_eq!(listing.not_audio, 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf8_is_listed() {
    use std::os::unix::ffi::OsStrExt;
    let directory = directory_with(&[]);
    let name = OsStr::from_bytes(b"caf\xe9.mp3");
    fs::write(directory.path().join(name), b"x").unwrap();
    let listing = scan(&directories([directory.path().to_owned()])).unwrap();
    assert_eq!(listing.files[0].path.file_name(), Some(name));
}

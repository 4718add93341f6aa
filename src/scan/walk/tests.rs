//! What is listed of folders as people have them.

use super::*;

fn folder_with(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"x").unwrap();
    }
    folder
}

fn names(folder: &Path, listing: &Listing) -> Vec<String> {
    listing
        .files
        .iter()
        .map(|f| {
            let name = f.path.strip_prefix(folder).unwrap();
            name.to_string_lossy().into_owned()
        })
        .collect()
}

#[test]
fn music_is_listed_in_order_and_the_rest_counted() {
    let folder = folder_with(&[
        "b.mp3",
        "a/z.FLAC",
        "a/cover.jpg",
        ".hidden/c.mp3",
        "a/.d.mp3",
        "e.wma",
        "f.Ape",
        "g.wma",
        "no-ending",
        "c.opus",
    ]);
    let listing = scan(&Wanted::folders([folder.path().to_owned()])).unwrap();
    assert_eq!(
        names(folder.path(), &listing),
        ["a/z.FLAC", "b.mp3", "c.opus"]
    );
    assert_eq!(listing.other, 2);
    assert_eq!(listing.unsupported.get("WMA"), Some(&2));
    assert_eq!(listing.unsupported.get("Monkey's Audio"), Some(&1));
    assert!(listing.failures.is_empty());
}

#[test]
fn a_file_without_ending_is_known_by_its_first_bytes() {
    let folder = folder_with(&["text"]);
    fs::write(folder.path().join("tune"), b"fLaC....").unwrap();
    fs::write(folder.path().join("sound"), b"RIFF\0\0\0\0WAVEfmt ").unwrap();
    fs::write(folder.path().join("picture"), b"RIFF\0\0\0\0WEBPVP8 ").unwrap();
    let listing = scan(&Wanted::folders([folder.path().to_owned()])).unwrap();
    assert_eq!(names(folder.path(), &listing), ["sound", "tune"]);
    assert_eq!(listing.other, 2);
}

#[test]
fn a_file_of_any_name_can_be_asked_for() {
    let folder = folder_with(&["song.bin", "b.mp3"]);
    let song = folder.path().join("song.bin");
    let listing = scan(&Wanted::folders([song.clone()])).unwrap();
    assert_eq!(listing.files.len(), 1);
    assert_eq!(listing.files[0].path, song);
}

#[test]
fn overlapping_folders_give_each_file_once() {
    let folder = folder_with(&["a/b.mp3"]);
    let root = folder.path().to_owned();
    let listing = scan(&Wanted::folders([
        root.clone(),
        root.join("a"),
        root.join("a/../a"),
    ]))
    .unwrap();
    assert_eq!(listing.files.len(), 1);
}

#[test]
fn a_missing_folder_is_an_error() {
    let error = scan(&Wanted::folders([PathBuf::from("/no/such/folder")]))
        .err()
        .unwrap();
    assert!(error.to_string().contains("/no/such/folder"));
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    use std::os::unix::fs::symlink;
    let folder = folder_with(&["a/b.mp3"]);
    symlink(folder.path(), folder.path().join("a/up")).unwrap();
    symlink(
        folder.path().join("a/b.mp3"),
        folder.path().join("link.mp3"),
    )
    .unwrap();
    symlink("nowhere", folder.path().join("dangling.mp3")).unwrap();
    symlink("nowhere", folder.path().join("dangling.txt")).unwrap();
    let listing = scan(&Wanted::folders([folder.path().to_owned()])).unwrap();
    assert_eq!(names(folder.path(), &listing), ["a/b.mp3", "link.mp3"]);
    assert_eq!(listing.failures.len(), 1);
    assert!(listing.failures[0].path.ends_with("dangling.mp3"));
    assert_eq!(listing.other, 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf8_is_listed() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder_with(&[]);
    let name = OsStr::from_bytes(b"caf\xe9.mp3");
    fs::write(folder.path().join(name), b"x").unwrap();
    let listing = scan(&Wanted::folders([folder.path().to_owned()])).unwrap();
    assert_eq!(listing.files[0].path.file_name(), Some(name));
}

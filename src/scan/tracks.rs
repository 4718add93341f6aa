//! Splitting files into the tracks of the CUE sheets beside them.

use super::{
    FoundFile, Listing,
    cue::{Sheet, SheetFile, SheetTime},
    path_list::folded,
    walk::is_hidden,
};
use crate::charset::TagCharset;
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// A track of a file that a CUE sheet splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Track {
    /// The sheet.
    pub sheet: PathBuf,
    /// Its number in the sheet.
    pub number: u32,
    /// Its start.
    pub start: SheetTime,
    /// The start of the next track; `None` is the end of the file.
    pub end: Option<SheetTime>,
    /// From the sheet.
    pub title: Option<String>,
    /// From the sheet: the track's, or else the album's.
    pub artist: Option<String>,
    /// From the sheet.
    pub album: Option<String>,
    /// From the sheet.
    pub genre: Option<String>,
}

impl Track {
    /// The later of the two files' times.
    pub(super) fn modified(&self, file: Option<SystemTime>) -> Option<SystemTime> {
        let sheet = fs::metadata(&self.sheet).and_then(|facts| facts.modified());
        file.max(sheet.ok())
    }
}

/// Replaces files that have a CUE sheet by their tracks.
pub(super) fn split_files(listing: &mut Listing, charset: TagCharset) {
    let mut directories: BTreeMap<PathBuf, Vec<FoundFile>> = BTreeMap::new();
    for file in std::mem::take(&mut listing.files) {
        let directory = file.path.parent().unwrap_or(Path::new("/"));
        let files = directories.entry(directory.to_owned()).or_default();
        files.push(file);
    }
    for (directory, mut files) in directories {
        for path in sheets(&directory) {
            let sheet = match Sheet::load(&path, charset) {
                Ok(sheet) => sheet,
                Err(error) => {
                    listing.failures.push(error);
                    continue;
                }
            };
            let named_alike = (sheet.files.len() == 1).then_some(path.as_path());
            for part in sheet.files.iter().filter(|file| file.tracks.len() > 1) {
                // A file that an earlier sheet splits is no longer in the list.
                if let Some(index) = find(&files, part, named_alike) {
                    let file = files.remove(index);
                    listing.files.extend(tracks_of(&file, &path, &sheet, part));
                }
            }
        }
        listing.files.append(&mut files);
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
}

/// The sheets in a directory, by name. A directory that cannot be read has none.
fn sheets(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut sheets: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    sheets.retain(|path| {
        let extension = path.extension().unwrap_or_default();
        !is_hidden(path) && extension.eq_ignore_ascii_case("cue")
    });
    sheets.sort();
    sheets
}

/// The index of the file that a sheet describes: the one of that name, or of that name with another extension (sheets often
/// have the file's name before it was compressed), or the one with the name of the sheet.
fn find(files: &[FoundFile], part: &SheetFile, sheet: Option<&Path>) -> Option<usize> {
    // The path may be of any operating system.
    let name = Path::new(part.name.rsplit(['/', '\\']).next()?);
    let with = |wanted: &OsStr, get: fn(&Path) -> Option<&OsStr>| {
        let is_it = |file: &FoundFile| get(&file.path).is_some_and(|it| is_same_name(it, wanted));
        files.iter().position(is_it)
    };
    with(name.as_os_str(), Path::file_name)
        .or_else(|| with(name.file_stem()?, Path::file_stem))
        .or_else(|| with(sheet?.file_stem()?, Path::file_stem))
        // `mix.flac.cue`
        .or_else(|| with(sheet?.file_stem()?, Path::file_name))
}

/// Whether names are equal, ignoring case and how accents are encoded.
fn is_same_name(a: &OsStr, b: &OsStr) -> bool {
    a == b || folded(a) == folded(b)
}

fn tracks_of(
    file: &FoundFile,
    path: &Path,
    sheet: &Sheet,
    part: &SheetFile,
) -> impl Iterator<Item = FoundFile> {
    let ends = part.tracks.iter().skip(1).map(|next| Some(next.start));
    let ends = ends.chain([None]);
    part.tracks.iter().zip(ends).map(move |(track, end)| {
        let performer = track.performer.as_ref().or(sheet.performer.as_ref());
        let track = Track {
            sheet: path.to_owned(),
            number: track.number,
            start: track.start,
            end,
            title: track.title.clone(),
            artist: performer.cloned(),
            album: sheet.title.clone(),
            genre: sheet.genre.clone(),
        };
        FoundFile {
            path: file.path.clone(),
            size: file.size,
            modified: track.modified(file.modified),
            track: Some(Box::new(track)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{ScanOptions, reason, scan};

    const TWO: &str =
        "TRACK 01 AUDIO\nTITLE One\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 01 00:02:00\n";

    /// Scans a directory of such files; the names of the music, and the listing.
    fn listed(files: &[(&str, &str)]) -> (Vec<String>, Listing) {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(directory.path().join(name), content).unwrap();
        }
        let options = ScanOptions {
            roots: vec![directory.path().to_owned()],
            cue: true,
            ..ScanOptions::default()
        };
        let listing = scan(&options).unwrap();
        let name = |file: &FoundFile| {
            let name = file.path.strip_prefix(directory.path()).unwrap();
            let track = file
                .track
                .as_ref()
                .map(|track| format!(" {}", track.number));
            name.to_str().unwrap().to_owned() + &track.unwrap_or_default()
        };
        (listing.files.iter().map(name).collect(), listing)
    }

    #[test]
    fn a_file_with_a_sheet_is_replaced_by_its_tracks() {
        let sheet = format!("PERFORMER Somebody\nTITLE Album\nFILE \"mix.flac\" WAVE\n{TWO}");
        let (names, listing) = listed(&[("mix.flac", "x"), ("other.mp3", "x"), ("a.cue", &sheet)]);
        assert_eq!(names, ["mix.flac 1", "mix.flac 2", "other.mp3"]);
        let track = listing.files[0].track.as_ref().unwrap();
        assert_eq!(track.title.as_deref(), Some("One"));
        assert_eq!(track.artist.as_deref(), Some("Somebody"));
        assert_eq!(track.album.as_deref(), Some("Album"));
        assert_eq!(track.end.unwrap().seconds(), 2.0);
        assert_eq!(listing.files[1].track.as_ref().unwrap().end, None);
        assert!(listing.failures.is_empty());
    }

    #[test]
    fn a_sheet_finds_its_file_under_a_similar_name() {
        for (file, sheet, named) in [
            ("Mix.flac", "x.cue", "mix.wav"),
            ("Me\u{301}lange.flac", "x.cue", "m\u{e9}lange.wav"),
            ("mix.flac", "x.cue", "C:\\rips\\mix.flac"),
            ("mix.mp3", "mix.cue", "CDImage.wav"),
            ("mix.mp3", "mix.mp3.cue", "CDImage.wav"),
        ] {
            let content = format!("FILE \"{named}\" WAVE\n{TWO}");
            let (names, _) = listed(&[(file, "x"), (sheet, &content)]);
            assert_eq!(names, [format!("{file} 1"), format!("{file} 2")]);
        }
    }

    #[test]
    fn sheets_of_single_tracks_and_missing_files_have_no_effect() {
        let single = "FILE a.wav WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n\
            FILE b.wav WAVE\nTRACK 02 AUDIO\nINDEX 01 00:00:00\n";
        let absent = format!("FILE image.wav WAVE\n{TWO}");
        let (names, listing) = listed(&[
            ("a.wav", "x"),
            ("b.wav", "x"),
            ("1.cue", single),
            ("2.cue", &absent),
        ]);
        assert_eq!(names, ["a.wav", "b.wav"]);
        assert!(listing.failures.is_empty());
    }

    #[test]
    fn an_invalid_sheet_is_reported_and_its_file_stays_whole() {
        let (names, listing) = listed(&[
            ("mix.flac", "x"),
            ("mix.cue", "FILE mix.flac WAVE\nTRACK x\n"),
        ]);
        assert_eq!(names, ["mix.flac"]);
        assert_eq!(listing.failures.len(), 1);
        let reason = reason(&listing.failures[0]);
        assert!(
            reason.contains("CUE sheet") && reason.contains("line 2"),
            "{reason}"
        );
    }
}

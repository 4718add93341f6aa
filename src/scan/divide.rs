//! Long files that CUE sheets beside them divide into tracks.

use super::{
    Failure, FileError, FoundFile, Listing,
    cue::{Sheet, SheetFile},
};
use std::{
    collections::{BTreeMap, HashSet},
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// A track of a file that a CUE sheet divides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// The file with the sound.
    pub sound: PathBuf,
    /// The sheet.
    pub sheet: PathBuf,
    /// Its number in the sheet.
    pub number: u32,
    /// Where it begins.
    pub start: super::SheetTime,
    /// Where the next one begins; `None`: it goes on to the end of the file.
    pub end: Option<super::SheetTime>,
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
    /// The path of its row: the file's, and below it the track's number, as if the file were a folder. No file stands there.
    pub fn path(&self) -> PathBuf {
        self.sound.join(format!("{:02}", self.number))
    }

    /// The later of the two files' times.
    pub(super) fn modified(&self, sound: Option<SystemTime>) -> Option<SystemTime> {
        let sheet = fs::metadata(&self.sheet).and_then(|facts| facts.modified());
        sound.max(sheet.ok())
    }
}

/// Whether a path is that of a track, as [`Track::path`] makes it: nothing else stands below a file that is there.
pub(super) fn is_below_a_file(path: &Path) -> bool {
    path.parent().is_some_and(Path::is_file)
}

/// Puts the tracks of files that sheets beside them divide in the place of those files.
pub(super) fn divide(listing: &mut Listing) {
    let mut folders: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (index, file) in listing.files.iter().enumerate() {
        if let Some(folder) = file.path.parent() {
            folders.entry(folder.to_owned()).or_default().push(index);
        }
    }
    let mut tracks = Vec::new();
    let mut divided = HashSet::new();
    for (folder, files) in folders {
        for path in sheets(&folder) {
            let sheet = match Sheet::load(&path) {
                Ok(sheet) => sheet,
                Err(error) => {
                    listing.failures.push(Failure {
                        path,
                        error: FileError::Sheet(error),
                    });
                    continue;
                }
            };
            for part in sheet.files.iter().filter(|file| file.tracks.len() > 1) {
                let only = sheet.files.len() == 1;
                let found = find(&listing.files, &files, part, only.then_some(path.as_path()));
                // Of several sheets for a file the first one divides it.
                if let Some(index) = found.filter(|index| divided.insert(*index))
                    && let Some(file) = listing.files.get(index)
                {
                    tracks.extend(tracks_of(file, &path, &sheet, part));
                }
            }
        }
    }
    let mut index = 0;
    listing.files.retain(|file| {
        let stays = !divided.contains(&index);
        index += 1;
        if !stays {
            listing.divided.insert(file.path.clone());
        }
        stays
    });
    listing.files.extend(tracks);
}

/// The sheets of a folder, by name. A folder that cannot be listed has none.
fn sheets(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut sheets: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let hidden = path
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            let ending = path.extension().unwrap_or_default();
            !hidden && ending.eq_ignore_ascii_case("cue")
        })
        .collect();
    sheets.sort();
    sheets
}

/// The file of a folder that a sheet means: the one of that name, or of that name with another ending (sheets often name
/// the file as it was before it was compressed), or, where the sheet has one file, the one of the sheet's own name.
fn find(
    files: &[FoundFile],
    of_folder: &[usize],
    part: &SheetFile,
    sheet: Option<&Path>,
) -> Option<usize> {
    // Sheets come from all systems.
    let name = Path::new(part.name.rsplit(['/', '\\']).next()?);
    let with = |wanted: &OsStr, get: fn(&Path) -> Option<&OsStr>| {
        of_folder.iter().copied().find(|index| {
            files
                .get(*index)
                .and_then(|file| get(&file.path))
                .is_some_and(|found| same(found, wanted))
        })
    };
    with(name.as_os_str(), Path::file_name)
        .or_else(|| with(name.file_stem()?, Path::file_stem))
        .or_else(|| with(sheet?.file_stem()?, Path::file_stem))
        // `mix.flac.cue`
        .or_else(|| with(sheet?.file_stem()?, Path::file_name))
}

/// Whether names are the same but for the case of their letters.
fn same(a: &OsStr, b: &OsStr) -> bool {
    a == b || a.to_string_lossy().to_lowercase() == b.to_string_lossy().to_lowercase()
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
            sound: file.path.clone(),
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
            path: track.path(),
            size: file.size,
            modified: track.modified(file.modified),
            track: Some(Box::new(track)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{Wanted, scan};

    const TWO: &str =
        "TRACK 01 AUDIO\nTITLE One\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 01 00:02:00\n";

    /// The names of what is listed in a folder of such files, and the failures.
    fn listed(files: &[(&str, &str)]) -> (Vec<String>, Listing) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let wanted = Wanted {
            cue: true,
            ..Wanted::folders([folder.path().to_owned()])
        };
        let listing = scan(&wanted).unwrap();
        let name = |file: &FoundFile| {
            let name = file.path.strip_prefix(folder.path()).unwrap();
            name.to_str().unwrap().to_owned()
        };
        (listing.files.iter().map(name).collect(), listing)
    }

    #[test]
    fn a_file_that_a_sheet_divides_gives_its_tracks_instead() {
        let sheet = format!("PERFORMER Somebody\nTITLE Album\nFILE \"mix.flac\" WAVE\n{TWO}");
        let (names, listing) = listed(&[("mix.flac", "x"), ("other.mp3", "x"), ("a.cue", &sheet)]);
        assert_eq!(names, ["mix.flac/01", "mix.flac/02", "other.mp3"]);
        assert_eq!(listing.divided.len(), 1);
        let track = listing.files[0].track.as_ref().unwrap();
        assert_eq!(track.title.as_deref(), Some("One"));
        assert_eq!(track.artist.as_deref(), Some("Somebody"));
        assert_eq!(track.album.as_deref(), Some("Album"));
        assert_eq!(track.end.unwrap().seconds(), 2.0);
        assert_eq!(listing.files[1].track.as_ref().unwrap().end, None);
        assert!(listing.failures.is_empty());
    }

    #[test]
    fn a_sheet_finds_its_file_under_the_name_that_it_has_now() {
        for (file, sheet, named) in [
            ("Mix.flac", "x.cue", "mix.wav"),
            ("mix.flac", "x.cue", "C:\\rips\\mix.flac"),
            ("mix.mp3", "mix.cue", "CDImage.wav"),
            ("mix.mp3", "mix.mp3.cue", "CDImage.wav"),
        ] {
            let content = format!("FILE \"{named}\" WAVE\n{TWO}");
            let (names, _) = listed(&[(file, "x"), (sheet, &content)]);
            assert_eq!(names, [format!("{file}/01"), format!("{file}/02")]);
        }
    }

    #[test]
    fn sheets_of_single_tracks_and_of_absent_files_change_nothing() {
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
        assert!(listing.failures.is_empty() && listing.divided.is_empty());
    }

    #[test]
    fn a_damaged_sheet_is_a_failure_and_its_file_stays_whole() {
        let (names, listing) = listed(&[
            ("mix.flac", "x"),
            ("mix.cue", "FILE mix.flac WAVE\nTRACK x\n"),
        ]);
        assert_eq!(names, ["mix.flac"]);
        assert_eq!(listing.failures.len(), 1);
        let reason = listing.failures[0].reason();
        assert!(
            reason.contains("CUE sheet") && reason.contains("line 2"),
            "{reason}"
        );
    }
}

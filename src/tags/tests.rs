use super::*;
use crate::{
    audio::{Decoder, packet_hash},
    emotion::EmotionVector,
    library::{Columns, LibraryInfo, LibraryWriter, ModelStamp, Song, test_songs::a_song},
};
use lofty::{
    config::WriteOptions,
    file::{AudioFile, TaggedFileExt},
    ogg::tag::VorbisComments,
    tag::{Accessor, ItemKey, Tag, TagExt, TagType},
};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// The fixtures that have tags which can be written.
const TAGGABLE: [&str; 20] = [
    "aac-faststart.m4a",
    "aac.aac",
    "aac.m4a",
    "alac.m4a",
    "ape-tag.mp3",
    "cbr.mp3",
    "flac-24bit.flac",
    "flac.flac",
    "layer2.mp2",
    "mpeg2-mono.mp3",
    "opus-speech.opus",
    "opus.mp4",
    "opus.opus",
    "s16.aiff",
    "s16.wav",
    "s24.wav",
    "u8.wav",
    "vbr.mp3",
    "vorbis-mono.ogg",
    "vorbis.ogg",
];

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// A copy of a fixture, some days old.
    fn copy(&self, name: &str) -> PathBuf {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio");
        let path = fs::canonicalize(self.directory.path()).unwrap().join(name);
        fs::copy(fixtures.join(name), &path).unwrap();
        let old = SystemTime::now() - Duration::from_secs(300_000);
        let file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.set_modified(old).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn stamp(path: &Path) -> Stamp {
    let facts = fs::metadata(path).unwrap();
    Stamp {
        size_bytes: facts.len(),
        modified: facts.modified().ok().map(Into::into),
    }
}

fn model() -> ModelStamp {
    ModelStamp {
        identity: "ab".repeat(32),
        name: "bést".to_owned(),
    }
}

fn fields(strongest: usize) -> MoodFields {
    let mut weights = [1.0; 8];
    weights[strongest] = 5.0;
    let song = Song {
        emotions: EmotionVector::from_weights(weights).unwrap(),
        ..a_song(1)
    };
    MoodFields::of(&song, &model(), None).unwrap()
}

/// Changes the tags. `None`: they are as wanted.
fn change(path: &Path, known: &Stamp, wanted: Option<&MoodFields>) -> Result<Option<Changed>> {
    Ok(match tag(path, known, wanted, true)? {
        Outcome::UpToDate => None,
        Outcome::Due(_) => panic!("nothing was written"),
        Outcome::Changed(changed) => Some(changed),
    })
}

/// SHA-256 of the decoded samples.
fn audio_hash(path: &Path) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut decoder = Decoder::open(path).unwrap();
    while let Some(block) = decoder.next_block().unwrap() {
        for sample in block {
            hasher.update(sample.to_le_bytes());
        }
    }
    hasher.finalize().into()
}

/// Title, artist, mood and number of pictures, as lofty reads them without our code.
fn read(path: &Path) -> (Option<String>, Option<String>, Vec<String>, usize) {
    let file = lofty::read_from_path(path).unwrap();
    let Some(tag) = file.primary_tag() else {
        return (None, None, Vec::new(), 0);
    };
    (
        tag.title().map(Into::into),
        tag.artist().map(Into::into),
        Carrier::read(path, path).unwrap().tag.mood(),
        tag.pictures().len(),
    )
}

/// Gives a file a title, a mood of its owner's and a picture.
fn decorate(path: &Path) {
    let mut file = lofty::read_from_path(path).unwrap();
    let kind = file.primary_tag_type();
    if file.primary_tag().is_none() {
        file.insert_tag(Tag::new(kind));
    }
    let tag = file.primary_tag_mut().unwrap();
    tag.set_title("Größe".to_owned());
    tag.insert_text(ItemKey::Mood, "Party".to_owned());
    let png = include_bytes!("../../tests/fixtures/tiny.png");
    let picture = lofty::picture::Picture::from_reader(&mut &png[..]).unwrap();
    tag.push_picture(picture);
    tag.save_to_path(path, WriteOptions::default()).unwrap();
    let old = SystemTime::now() - Duration::from_secs(300_000);
    let file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.set_modified(old).unwrap();
}

#[test]
fn tags_are_written_and_removed_in_every_format_and_the_audio_stays() {
    for name in TAGGABLE {
        let place = Place::new();
        let path = place.copy(name);
        let (before, audio, known) = (read(&path), audio_hash(&path), stamp(&path));
        let changed = change(&path, &known, Some(&fields(2)))
            .unwrap()
            .expect(name);
        assert_eq!(audio_hash(&path), audio, "{name}");
        assert_eq!(changed.stamp, stamp(&path), "{name}");
        assert_eq!(changed.stamp.modified, known.modified, "{name}: its time");
        let after = read(&path);
        assert_eq!(after.2, ["tense"], "{name}");
        assert_eq!((&after.0, &after.1), (&before.0, &before.1), "{name}");
        // Again: nothing to do; another emotion: replaced.
        assert_eq!(
            change(&path, &changed.stamp, Some(&fields(2))).unwrap(),
            None,
            "{name}"
        );
        let again = change(&path, &changed.stamp, Some(&fields(6)))
            .unwrap()
            .expect(name);
        assert_eq!(read(&path).2, ["calm"], "{name}");
        let freed = change(&path, &again.stamp, None).unwrap().expect(name);
        assert_eq!(read(&path), before, "{name}");
        assert_eq!(audio_hash(&path), audio, "{name}");
        assert_eq!(change(&path, &freed.stamp, None).unwrap(), None, "{name}");
        assert_eq!(place.names(), [name]);
    }
}

#[test]
fn the_owners_mood_title_and_picture_survive_and_are_restored() {
    for name in TAGGABLE {
        let place = Place::new();
        let path = place.copy(name);
        decorate(&path);
        let before = read(&path);
        assert_eq!(before.2, ["Party"], "{name}");
        assert_eq!(before.0.as_deref(), Some("Größe"), "{name}");
        let packets = packet_hash(&path).unwrap();
        let known = stamp(&path);
        let found = tag(&path, &known, Some(&fields(0)), false).unwrap();
        assert_eq!(found, Outcome::Due(vec!["Party".to_owned()]), "{name}");
        assert_eq!(read(&path), before, "{name}");
        let changed = change(&path, &known, Some(&fields(0)))
            .unwrap()
            .expect(name);
        let after = read(&path);
        assert_eq!(after.2, ["happy"], "{name}");
        assert_eq!((&after.0, after.3), (&before.0, before.3), "{name}");
        // Another emotion renames no mood twice.
        let changed = change(&path, &changed.stamp, Some(&fields(1)))
            .unwrap()
            .expect(name);
        change(&path, &changed.stamp, None).unwrap().expect(name);
        assert_eq!(read(&path), before, "{name}");
        assert_eq!(packet_hash(&path).unwrap(), packets, "{name}");
    }
}

#[test]
fn a_mood_that_was_changed_since_stays_when_ours_is_removed() {
    let place = Place::new();
    let path = place.copy("flac.flac");
    let changed = change(&path, &stamp(&path), Some(&fields(0)))
        .unwrap()
        .unwrap();
    let mut opened = fs::File::open(&path).unwrap();
    let file = lofty::flac::FlacFile::read_from(&mut opened, Default::default()).unwrap();
    drop(opened);
    let mut comments = file.vorbis_comments().unwrap().clone();
    comments.insert("MOOD".to_owned(), "Mine".to_owned());
    comments
        .save_to_path(&path, WriteOptions::default())
        .unwrap();
    // The fields can be removed from a file that has changed.
    change(&path, &changed.stamp, None).unwrap().unwrap();
    assert_eq!(read(&path).2, ["Mine"]);
}

#[test]
fn several_moods_of_odd_spelling_are_restored_in_their_order() {
    let place = Place::new();
    let path = place.copy("vorbis.ogg");
    let items = |path: &Path| -> Vec<(String, String)> {
        let mut file = fs::File::open(path).unwrap();
        let file = lofty::ogg::VorbisFile::read_from(&mut file, Default::default()).unwrap();
        let items = file.vorbis_comments().items();
        items.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    };
    let mut comments = VorbisComments::new();
    for (key, value) in [
        ("Mood", "one"),
        ("ARTIST", "x"),
        ("MOOD", "two"),
        ("CUSTOM", "y"),
    ] {
        comments.push(key.to_owned(), value.to_owned());
    }
    comments
        .save_to_path(&path, WriteOptions::default())
        .unwrap();
    let before = items(&path);
    change(&path, &stamp(&path), Some(&fields(3)))
        .unwrap()
        .unwrap();
    let tagged = items(&path);
    assert!(tagged.contains(&("CIRCUMPLEX_BEFORE_Mood".to_owned(), "one".to_owned())));
    assert!(tagged.contains(&("CIRCUMPLEX_FRUSTRATED".to_owned(), "41.67".to_owned())));
    assert_eq!(
        tagged
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case("mood"))
            .count(),
        1
    );
    change(&path, &stamp(&path), None).unwrap().unwrap();
    assert_eq!(items(&path), before);
}

#[test]
fn an_old_id3_tag_keeps_its_version() {
    let place = Place::new();
    let path = place.copy("cbr.mp3");
    TagType::Id3v2
        .remove_from_path(&path, WriteOptions::default())
        .unwrap();
    let mut old = Tag::new(TagType::Id3v2);
    old.set_title("Größe".to_owned());
    let options = WriteOptions::default().use_id3v23(true);
    old.save_to_path(&path, options).unwrap();
    assert_eq!(fs::read(&path).unwrap()[..4], *b"ID3\x03");
    change(&path, &stamp(&path), Some(&fields(3)))
        .unwrap()
        .unwrap();
    assert_eq!(fs::read(&path).unwrap()[..4], *b"ID3\x03");
    let bytes = fs::read(&path).unwrap();
    assert!(
        bytes.windows(4).all(|name| name != b"TMOO"),
        "2.3 has no such frame"
    );
    assert_eq!(read(&path).0.as_deref(), Some("Größe"));
    assert_eq!(read(&path).2, ["frustrated"]);
    change(&path, &stamp(&path), None).unwrap().unwrap();
    assert_eq!(read(&path).2, Vec::<String>::new());
}

#[test]
fn changed_missing_read_only_and_untaggable_files_are_not_touched() {
    let place = Place::new();
    let path = place.copy("cbr.mp3");
    let known = stamp(&path);
    let bytes = fs::read(&path).unwrap();
    let other = Stamp {
        size_bytes: known.size_bytes + 1,
        ..known.clone()
    };
    let error = change(&path, &other, Some(&fields(0))).unwrap_err();
    assert!(error.message().starts_with("changed since"), "{error}");
    let touched = Stamp {
        modified: None,
        ..known.clone()
    };
    let error = tag(&path, &touched, Some(&fields(0)), false).unwrap_err();
    assert!(error.message().starts_with("changed since"), "{error}");
    let error = change(&path.with_extension("gone"), &known, Some(&fields(0))).unwrap_err();
    assert!(error.message().starts_with("cannot be read"), "{error}");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let error = change(&path, &known, Some(&fields(0))).unwrap_err();
    assert!(error.message().starts_with("read-only"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
    for name in ["s16.caf", "vorbis.mkv", "opus.webm"] {
        let path = place.copy(name);
        let error = change(&path, &stamp(&path), Some(&fields(0))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error}");
    }
}

#[test]
fn a_run_interrupted_before_it_updated_the_library_is_recognized() {
    let place = Place::new();
    let path = place.copy("vbr.mp3");
    let known = stamp(&path);
    let changed = change(&path, &known, Some(&fields(4))).unwrap().unwrap();
    assert_ne!(changed.stamp, known);
    assert_eq!(
        tag(&path, &known, Some(&fields(4)), false).unwrap(),
        Outcome::Changed(changed.clone())
    );
    assert_eq!(
        change(&path, &known, Some(&fields(4))).unwrap(),
        Some(changed)
    );
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Place::new();
    let path = place.copy("flac.flac");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let link = path.with_file_name("link.flac");
    symlink(&path, &link).unwrap();
    change(&link, &stamp(&path), Some(&fields(0)))
        .unwrap()
        .unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(read(&path).2, ["happy"]);
}

#[test]
fn a_library_gets_the_new_sizes_and_keeps_everything_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("library.parquet");
    let info = LibraryInfo::new(model(), serde_json::json!({}));
    let mut writer = LibraryWriter::create(&path, &info, 4).unwrap();
    for n in 0..10 {
        writer.push(a_song(n)).unwrap();
    }
    writer.finish().unwrap();
    let changed = Changed {
        stamp: Stamp {
            size_bytes: 77,
            modified: None,
        },
        content_hash: "cd".repeat(16),
    };
    let files = HashMap::from([(a_song(4).path, changed)]);
    assert_eq!(update_library(&path, &files).unwrap(), 1);
    let library = crate::library::Library::open(&path).unwrap();
    assert_eq!(library.info(), &info);
    let songs: Vec<Song> = library.songs(Columns::ALL).map(Result::unwrap).collect();
    for (n, song) in songs.into_iter().enumerate() {
        let mut expected = a_song(n);
        if n == 4 {
            expected.size_bytes = 77;
            expected.modified = None;
            expected.content_hash = Some("cd".repeat(16));
        }
        assert_eq!(song, expected);
    }
}

#[test]
fn a_silent_song_has_no_mood() {
    let song = Song {
        silent: true,
        ..a_song(1)
    };
    assert_eq!(MoodFields::of(&song, &model(), None), None);
    let fields = fields(7);
    assert_eq!(fields.mood, "content");
    assert_eq!(fields.fields.len(), 12);
}

//! What reads files of unknown origin, on damaged ones: kept cases (`tests/corpus`), files that are cut short or garbled, and
//! some thousand random changes of sound files, the same every time. Each gets an answer, in little time and memory.

#[path = "../fuzz/src/readers.rs"]
mod readers;

use circumplex::{
    EmotionVector, FailedFile, LibraryInfo, LibraryWriter, Micros, ModelStamp, Moment, Song,
    testing::Journal,
};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use readers::Answer;
use sha2::{Digest, Sha256};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    ptr,
    sync::{
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

/// All readers of this program together may use this much at once, in bytes. More ends it.
const MEMORY: usize = 1 << 30;
/// A case that takes longer hangs.
const HANGS: Duration = Duration::from_secs(100);

/// The system's allocator, which has no more than [`MEMORY`] to give.
struct Limited;

static USED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every request goes to the system's allocator as it is, or is refused with null as the trait allows.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if USED.fetch_add(layout.size(), Relaxed) + layout.size() > MEMORY {
            USED.fetch_sub(layout.size(), Relaxed);
            return ptr::null_mut();
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static LIMITED: Limited = Limited;

type Case = (String, Vec<u8>);

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// The files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<Case> {
    let mut files: Vec<Case> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

/// Sound files of all formats, and two files that are none.
fn sounds() -> Vec<Case> {
    files(&folder("fixtures/audio"))
}

/// Reads every case. Gives the number that were accepted.
fn answers(
    reader: fn(&[u8]) -> Answer,
    cases: impl IntoIterator<Item = Case, IntoIter: Send> + Send + 'static,
) -> usize {
    let (begin, begun) = channel();
    let worker = thread::spawn(move || {
        let mut accepted = 0;
        for (name, bytes) in cases {
            begin.send(name.clone()).unwrap();
            match reader(&bytes) {
                Ok(()) => accepted += 1,
                Err(error) => {
                    assert!(!error.to_string().is_empty(), "{name}");
                    println!("{name}: {error}");
                }
            }
        }
        accepted
    });
    let mut current = String::new();
    loop {
        match begun.recv_timeout(HANGS) {
            Ok(name) => current = name,
            Err(RecvTimeoutError::Timeout) => panic!("{current} hangs"),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    worker.join().unwrap_or_else(|_| panic!("{current} panics"))
}

/// `bytes` with some changes of the sorts that fuzzers make.
fn changed(bytes: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    const NUMBERS: [u32; 8] = [0, 1, 0x7f, 0xff, 0x8000, 0xffff, 0x7fff_ffff, 0xffff_ffff];
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..6) {
        if bytes.is_empty() {
            break;
        }
        // Headers are in front.
        let reach = if random.random() {
            bytes.len()
        } else {
            bytes.len().min(256)
        };
        let at = random.random_range(0..reach);
        let end = (at + random.random_range(1..64)).min(bytes.len());
        match random.random_range(0..8) {
            0 | 1 => bytes[at] ^= 1 << random.random_range(0..8),
            2 => bytes[at] = random.random(),
            3 | 4 => {
                let number = NUMBERS[random.random_range(0..NUMBERS.len())];
                let number = if random.random() {
                    number.to_le_bytes()
                } else {
                    number.to_be_bytes()
                };
                let width = [1, 2, 4][random.random_range(0..3)].min(bytes.len() - at);
                bytes[at..at + width].copy_from_slice(&number[..width]);
            }
            5 => drop(bytes.drain(at..end)),
            6 => {
                let part = bytes[at..end].to_vec();
                let to = random.random_range(0..bytes.len());
                bytes.splice(to..to, part);
            }
            _ => bytes.truncate(bytes.len() - random.random_range(0..bytes.len() / 4 + 1)),
        }
    }
    bytes
}

/// `count` changes of each file.
fn changes(files: Vec<Case>, count: usize, seed: u64) -> impl Iterator<Item = Case> + Send {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    files.into_iter().flat_map(move |(name, bytes)| {
        let some: Vec<Case> = (0..count)
            .map(|n| {
                (
                    format!("change {n} of {name}"),
                    changed(&bytes, &mut random),
                )
            })
            .collect();
        some
    })
}

fn info() -> LibraryInfo {
    let model = ModelStamp {
        identity: "0".repeat(64),
        name: "model".to_owned(),
    };
    let mut info = LibraryInfo::new(model, serde_json::json!({}));
    info.program = "circumplex".to_owned();
    info.timeline = true;
    info
}

/// A path that is not UTF-8, where the platform has such.
fn odd_path() -> PathBuf {
    #[cfg(unix)]
    return PathBuf::from(
        std::os::unix::ffi::OsStrExt::from_bytes(b"/music/\xff.mp3") as &std::ffi::OsStr
    );
    #[cfg(not(unix))]
    "/music/odd.mp3".into()
}

fn row(n: usize) -> Song {
    let moment = |start_s| Moment {
        start_s,
        valence: 4.0,
        arousal: 6.0,
        emotions: EmotionVector::even(),
        felt: None,
        attention: Vec::new(),
    };
    Song {
        path: match n.is_multiple_of(3) {
            true => odd_path(),
            false => format!("/music/{n}.mp3").into(),
        },
        size_bytes: n as u64,
        modified: Some(Micros(n as i64)),
        duration_s: 30.0,
        sample_rate: 44_100,
        channels: 2,
        codec: "mp3".to_owned(),
        title: Some(format!("Song {n}")),
        artist: None,
        album: None,
        genre: Some("Pop".to_owned()),
        valence: 6.5,
        arousal: 4.25,
        emotions: EmotionVector::even(),
        embedding: vec![n as f32, 0.25, -1.0],
        analyzed_at: Micros(0),
        windows: 2,
        content_hash: Some(format!("{n:032x}")),
        silent: n.is_multiple_of(2),
        timeline: Some(vec![moment(0.0), moment(15.0)]),
        ..Song::default()
    }
}

fn a_library() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("library.parquet");
    let mut writer = LibraryWriter::create(&path, &info(), 3).unwrap();
    for n in 0..40 {
        writer.push(row(n)).unwrap();
    }
    writer.finish().unwrap();
    fs::read(path).unwrap()
}

/// The first eight hexadecimal digits of the SHA-256.
fn checksum(json: &[u8]) -> String {
    format!("{:x}", Sha256::digest(json))[..8].to_owned()
}

/// A line of a journal with its checksum.
fn line(json: &str) -> String {
    format!("{} {json}\n", checksum(json.as_bytes()))
}

/// The journal of a run that was killed, as its first line and those of the records.
fn a_journal() -> (String, Vec<String>) {
    use circumplex::testing::Record;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("library.parquet");
    let mut info = info();
    // As the reader has it.
    info.timeline = false;
    let mut journal = Journal::open(&target, &info).unwrap();
    for n in 0..3 {
        journal.append(&Record::Song(Box::new(row(n)))).unwrap();
    }
    let failed = FailedFile {
        path: "/music/broken.mp3".into(),
        track: None,
        size_bytes: 5,
        modified: None,
        reason: "is damaged".to_owned(),
        needs_ffmpeg: false,
    };
    journal.append(&Record::Failed(failed)).unwrap();
    let text = fs::read_to_string(Journal::path_of(&target)).unwrap();
    let mut lines = text.lines().map(|line| line[9..].to_owned());
    (lines.next().unwrap(), lines.collect())
}

#[test]
fn cases_that_once_broke_something_get_an_answer() {
    for (name, reader) in [
        ("sound", readers::sound as fn(&[u8]) -> Answer),
        ("library", readers::library),
        ("model", readers::model),
        ("recipe", readers::recipe),
        ("cue", readers::cue),
        ("journal", readers::journal),
        ("picture", readers::picture),
    ] {
        let cases = files(&folder("corpus").join(name));
        assert!(!cases.is_empty(), "{name}");
        answers(reader, cases);
    }
}

#[test]
fn sound_files_that_are_cut_short_or_garbled_get_an_answer() {
    let sounds = sounds();
    let whole = answers(readers::sound, sounds.clone());
    assert!(whole + 2 >= sounds.len(), "{whole} of {}", sounds.len());
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut cases = Vec::new();
    for (name, bytes) in &sounds {
        for part in [
            1,
            4,
            12,
            27,
            40,
            100,
            1000,
            bytes.len() / 2,
            bytes.len() - 1,
        ] {
            let part = part.min(bytes.len());
            cases.push((format!("{part} bytes of {name}"), bytes[..part].to_vec()));
        }
        for header in [16, 64, 300] {
            let mut garbled = bytes.clone();
            garbled.truncate(10_000);
            let header = header.min(garbled.len());
            random.fill(&mut garbled[header..]);
            cases.push((format!("noise behind {header} bytes of {name}"), garbled));
        }
        let other = &sounds[random.random_range(0..sounds.len())];
        let both = [&bytes[..bytes.len() / 3], &other.1[..]].concat();
        cases.push((format!("{name} that goes on as {}", other.0), both));
    }
    answers(readers::sound, cases);
}

#[test]
fn changed_sound_files_get_an_answer() {
    let accepted = answers(readers::sound, changes(sounds(), 60, 2));
    assert!(
        accepted > 100,
        "most changes hit what the sound does without: {accepted}"
    );
}

#[test]
fn changed_libraries_get_an_answer() {
    let library = a_library();
    assert_eq!(
        answers(readers::library, [("whole".to_owned(), library.clone())]),
        1
    );
    // The footer, which says where all else is, stands at the end.
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let footer = library.len()
        - 8
        - u32::from_le_bytes(library[library.len() - 8..][..4].try_into().unwrap()) as usize;
    let of_footer = (0..300).map(|n| {
        let mut bytes = library[..footer].to_vec();
        let mut end = changed(&library[footer..library.len() - 8], &mut random);
        let length = u32::try_from(end.len()).unwrap().to_le_bytes();
        bytes.append(&mut end);
        bytes.extend([&length[..], b"PAR1"].concat());
        (format!("footer {n}"), bytes)
    });
    answers(readers::library, of_footer.collect::<Vec<_>>());
    answers(
        readers::library,
        changes(vec![("library".to_owned(), library)], 300, 4),
    );
}

#[test]
fn changed_models_get_an_answer() {
    let tiny = fs::read(folder("corpus/model/tiny.onnx")).unwrap();
    assert_eq!(
        answers(readers::model, [("whole".to_owned(), tiny.clone())]),
        1
    );
    answers(
        readers::model,
        changes(vec![("tiny.onnx".to_owned(), tiny)], 300, 5),
    );
}

#[test]
fn changed_recipes_get_an_answer() {
    let recipes = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/recipes"));
    assert!(answers(readers::recipe, recipes.clone()) >= 8);
    answers(readers::recipe, changes(recipes, 100, 6));
}

#[test]
fn changed_pictures_get_an_answer() {
    let portrait = fs::read(folder("fixtures/faces/portrait.jpg")).unwrap();
    let picture = image::load_from_memory(&portrait).unwrap();
    let mut png = Cursor::new(Vec::new());
    let format = image::ImageOutputFormat::Png;
    picture.write_to(&mut png, format).unwrap();
    let pictures = vec![
        ("portrait.jpg".to_owned(), portrait),
        ("portrait.png".to_owned(), png.into_inner()),
    ];
    assert_eq!(answers(readers::picture, pictures.clone()), 2);
    answers(readers::picture, changes(pictures, 150, 10));
}

#[test]
fn changed_cue_sheets_get_an_answer() {
    let sheets = files(&folder("corpus/cue"));
    assert!(answers(readers::cue, sheets.clone()) > 0);
    answers(readers::cue, changes(sheets, 300, 9));
}

#[test]
fn changed_journals_get_an_answer() {
    let (first, records) = a_journal();
    let whole = records
        .iter()
        .map(|record| line(record))
        .collect::<String>();
    let whole = line(&first) + &whole;
    assert_eq!(
        answers(
            readers::journal,
            [("whole".to_owned(), whole.clone().into())]
        ),
        1
    );
    answers(
        readers::journal,
        changes(vec![("journal".to_owned(), whole.into())], 200, 7),
    );
    // What passes the checksum all the same.
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let sound = (0..200).map(|n| {
        let mut text = line(&first).into_bytes();
        for record in &records {
            let json = changed(record.as_bytes(), &mut random);
            text.extend(format!("{} ", checksum(&json)).bytes());
            text.extend(json);
            text.push(b'\n');
        }
        (format!("records {n}"), text)
    });
    answers(readers::journal, sound.collect::<Vec<_>>());
}

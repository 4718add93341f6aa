//! Files whose headers lie and whose tags are enormous, through the whole program with little memory: each gets an answer.

use crate::common::{self, Place, run, wav};
use std::{
    fs::{self, File, OpenOptions},
    io::{Seek, SeekFrom, Write},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// Bytes of an enormous tag; a hole in the file, so that little is written.
const HUGE: u64 = 500 << 20;
/// KiB of addresses that the program may use. Without any of these files it uses about half of them.
const MEMORY_KIB: u32 = 900_000;

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio");
    fs::read(folder.join(name)).unwrap()
}

fn position(bytes: &[u8], mark: &[u8]) -> usize {
    let found = bytes.windows(mark.len()).position(|part| part == mark);
    found.unwrap_or_else(|| panic!("{mark:?} is not in the file"))
}

/// A fixture with some bytes behind a mark replaced.
fn patched(name: &str, mark: &[u8], behind: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = fixture(name);
    let at = position(&bytes, mark) + behind;
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes
}

/// `flac.flac` whose header claims another rate and number of samples.
fn flac(rate: u32, samples: u64) -> Vec<u8> {
    let mut bytes = fixture("flac.flac");
    let old = u64::from_be_bytes(bytes[18..26].try_into().unwrap());
    let kept = old & (0xff << 36);
    let new = u64::from(rate) << 44 | kept | samples;
    bytes[18..26].copy_from_slice(&new.to_be_bytes());
    bytes
}

/// `flac.flac` with further metadata behind its first block.
fn flac_with(kind: u8, content: &[u8]) -> Vec<u8> {
    let bytes = fixture("flac.flac");
    let mut out = bytes[..42].to_vec();
    out.push(kind);
    out.extend(&u32::try_from(content.len()).unwrap().to_be_bytes()[1..]);
    out.extend(content);
    out.extend(&bytes[42..]);
    out
}

/// A WAV file of a second at 44.1 kHz, whatever its header says of rate and length.
fn second(rate: u32, channels: u16, claimed: Option<u32>) -> Vec<u8> {
    let block = channels.wrapping_mul(2);
    let data = vec![7_u8; 44_100 * usize::from(block.max(2))];
    let claimed = claimed.unwrap_or(u32::try_from(data.len()).unwrap());
    wav(rate, channels, claimed, &data)
}

/// Ogg's checksum of a page whose own field is zero.
fn ogg_checksum(page: &[u8]) -> u32 {
    page.iter().fold(0_u32, |mut sum, byte| {
        sum ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            let carry = sum >> 31;
            sum = sum << 1 ^ (0x04c1_1db7 * carry);
        }
        sum
    })
}

/// `vorbis.ogg` with some bytes behind a mark replaced and the page's checksum made right.
fn ogg(mark: &[u8], behind: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = patched("vorbis.ogg", mark, behind, with);
    let at = position(&bytes, mark);
    let start = (0..at)
        .rev()
        .find(|&n| bytes[n..].starts_with(b"OggS"))
        .unwrap();
    let segments = usize::from(bytes[start + 26]);
    let table = start + 27..start + 27 + segments;
    let body: usize = bytes[table.clone()].iter().map(|n| usize::from(*n)).sum();
    let page = start..table.end + body;
    bytes[start + 22..start + 26].fill(0);
    let sum = ogg_checksum(&bytes[page]).to_le_bytes();
    bytes[start + 22..start + 26].copy_from_slice(&sum);
    bytes
}

fn syncsafe(n: u64) -> [u8; 4] {
    [21, 14, 7, 0].map(|shift| (n >> shift & 0x7f) as u8)
}

/// A file of parts, some of which are holes.
enum Part<'a> {
    Bytes(&'a [u8]),
    Hole(u64),
}

fn write(path: &Path, parts: &[Part<'_>]) {
    let mut file = File::create(path).unwrap();
    for part in parts {
        match part {
            Part::Bytes(bytes) => file.write_all(bytes).unwrap(),
            Part::Hole(length) => {
                let length = i64::try_from(*length).unwrap();
                let end = file.seek(SeekFrom::Current(length)).unwrap();
                OpenOptions::new()
                    .write(true)
                    .open(path)
                    .unwrap()
                    .set_len(end)
                    .unwrap();
            }
        }
    }
}

/// Music behind, before or between enormous tags.
fn enormous(place: &Place) -> Vec<&'static str> {
    let at = |name: &str| place.music().join(name);
    let mp3 = fixture("no-info-frame.mp3");
    let tag = |size: u64| [&b"ID3\x04\0\0"[..], &syncsafe(size)].concat();
    // Two tags, since one can be 256 MiB at most.
    let half = HUGE / 2 - 10;
    write(
        &at("two-tags.mp3"),
        &[
            Part::Bytes(&tag(half)),
            Part::Hole(half),
            Part::Bytes(&tag(half)),
            Part::Hole(half),
            Part::Bytes(&mp3),
        ],
    );
    let sound = second(44_100, 2, None);
    let huge = u32::try_from(HUGE).unwrap().to_le_bytes();
    for (name, kind) in [("list.wav", b"LIST"), ("id3.wav", b"ID3 ")] {
        let mut head = [&sound[..36], kind, &huge].concat();
        let riff = u32::try_from(HUGE).unwrap() + u32::try_from(sound.len()).unwrap();
        head[4..8].copy_from_slice(&riff.to_le_bytes());
        write(
            &at(name),
            &[
                Part::Bytes(&head),
                Part::Hole(HUGE),
                Part::Bytes(&sound[36..]),
            ],
        );
    }
    let picture = (1_u32 << 24) - 1;
    let head = [&[6][..], &picture.to_be_bytes()[1..]].concat();
    let flac = fixture("flac.flac");
    let mut parts = vec![Part::Bytes(&flac[..42])];
    for _ in 0..HUGE / u64::from(picture) {
        parts.push(Part::Bytes(&head));
        parts.push(Part::Hole(picture.into()));
    }
    parts.push(Part::Bytes(&flac[42..]));
    write(&at("pictures.flac"), &parts);
    let m4a = fixture("aac.m4a");
    let huge = u32::try_from(HUGE + 8).unwrap().to_be_bytes();
    for (name, kind) in [("free.m4a", b"free"), ("udta.m4a", b"udta")] {
        write(
            &at(name),
            &[
                Part::Bytes(&m4a),
                Part::Bytes(&huge),
                Part::Bytes(kind),
                Part::Hole(HUGE),
            ],
        );
    }
    vec![
        "two-tags.mp3",
        "list.wav",
        "id3.wav",
        "pictures.flac",
        "free.m4a",
        "udta.m4a",
    ]
}

/// Headers that claim what is not there, or what no sound has.
fn lies() -> Vec<(&'static str, Vec<u8>)> {
    const MOST: [u8; 4] = [0xff; 4];
    let aiff_rate = |bytes: [u8; 10]| patched("s16.aiff", b"COMM", 16, &bytes);
    let caf_rate = |rate: f64| patched("s16.caf", b"desc", 12, &rate.to_be_bytes());
    let caf_channels = |n: u32| patched("s16.caf", b"desc", 36, &n.to_be_bytes());
    let info = {
        let bytes = fixture("cbr.mp3");
        let has_info = bytes.windows(4).any(|part| part == b"Info");
        if has_info { b"Info" } else { b"Xing" }
    };
    let mut nan = fixture("f32.wav");
    let data = position(&nan, b"data") + 8;
    for sample in nan[data..].chunks_exact_mut(4) {
        sample.copy_from_slice(&f32::NAN.to_le_bytes());
    }
    let comment_count = {
        let bytes = fixture("vorbis.ogg");
        let vendor = position(&bytes, b"\x03vorbis") + 7;
        let length = u32::from_le_bytes(bytes[vendor..vendor + 4].try_into().unwrap());
        7 + 4 + usize::try_from(length).unwrap()
    };
    let comment = [&[0; 4][..], &MOST, &MOST].concat();
    let id3_in_wav = {
        let sound = second(44_100, 2, None);
        let tag = [&b"ID3\x04\0\0"[..], &syncsafe((1 << 28) - 1)].concat();
        let size = 10_u32.to_le_bytes();
        let mut bytes = [&sound[..36], b"ID3 ", &size, &tag, &sound[36..]].concat();
        let riff = u32::try_from(bytes.len() - 8).unwrap();
        bytes[4..8].copy_from_slice(&riff.to_le_bytes());
        bytes
    };
    vec![
        ("ten-hours.flac", flac(44_100, 36_000 * 44_100)),
        ("four-billion.flac", flac(44_100, 4_000_000_000)),
        ("one-hertz.flac", flac(1, 44_100)),
        ("highest.flac", flac((1 << 20) - 1, 44_100)),
        ("four-billion.mp3", patched("cbr.mp3", info, 8, &MOST)),
        ("four-billion.wav", second(44_100, 2, Some(4_000_000_000))),
        ("one-hertz.wav", second(1, 2, None)),
        ("ten-megahertz.wav", second(10_000_000, 2, None)),
        // Nothing divides this rate and the model's.
        ("odd-hertz.wav", second(767_957, 2, None)),
        ("sixty-four-channels.wav", second(44_100, 64, None)),
        ("sixty-five-channels.wav", second(44_100, 65, None)),
        ("nan.wav", nan),
        ("frames.aiff", patched("s16.aiff", b"COMM", 10, &MOST)),
        (
            "one-hertz.aiff",
            aiff_rate([0x3f, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        ),
        (
            "ten-megahertz.aiff",
            aiff_rate([0x40, 0x16, 0x98, 0x96, 0x80, 0, 0, 0, 0, 0]),
        ),
        (
            "infinite-hertz.aiff",
            aiff_rate([0x7f, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        ),
        ("one-hertz.caf", caf_rate(1.0)),
        ("ten-megahertz.caf", caf_rate(1e7)),
        ("nan-hertz.caf", caf_rate(f64::NAN)),
        ("endless-hertz.caf", caf_rate(1e300)),
        ("channels.caf", caf_channels(u32::MAX)),
        (
            "data.caf",
            patched("s16.caf", b"data", 4, &i64::MAX.to_be_bytes()),
        ),
        ("sizes.m4a", patched("aac.m4a", b"stsz", 12, &MOST)),
        (
            "same-sizes.m4a",
            patched("aac.m4a", b"stsz", 8, &[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]),
        ),
        ("times.m4a", patched("aac.m4a", b"stts", 8, &MOST)),
        ("chunks.m4a", patched("aac.m4a", b"stsc", 8, &MOST)),
        ("offsets.m4a", patched("aac.m4a", b"stco", 8, &MOST)),
        ("vendor.ogg", ogg(b"\x03vorbis", 7, &MOST)),
        ("comments.ogg", ogg(b"\x03vorbis", comment_count, &MOST)),
        ("comments.flac", flac_with(4, &comment)),
        ("vendor.flac", flac_with(4, &MOST)),
        ("picture.flac", flac_with(6, &[0xff; 40])),
        ("tag-in-chunk.wav", id3_in_wav),
    ]
}

#[test]
fn headers_that_lie_and_enormous_tags_cost_neither_memory_nor_time() {
    let place = Place::new();
    let music = enormous(&place);
    place.file("lowest.wav", &second(2_000, 2, None));
    place.file("highest.wav", &second(768_000, 2, None));
    let lies = lies();
    for (name, bytes) in &lies {
        place.file(name, bytes);
    }
    let begin = Instant::now();
    let script = format!(
        "ulimit -v {MEMORY_KIB}; exec '{}' --ffmpeg never analyze '{}' --threads 1 -o '{}'",
        env!("CARGO_BIN_EXE_circumplex"),
        place.music().display(),
        place.library().display()
    );
    let ran = run(Command::new("sh").args(["-c", &script])).ends_with_code(3);
    assert!(begin.elapsed() < Duration::from_secs(300));

    let songs = run(common::circumplex()
        .args(["library", "songs", "--json"])
        .arg(place.library()))
    .ends_with_code(0)
    .stdout;
    let is_song = |name: &str| songs.contains(&format!("/{name}\""));
    let is_failure = |name: &str| ran.stderr.contains(&format!("/{name}: "));
    for name in music.into_iter().chain(["lowest.wav", "highest.wav"]) {
        assert!(is_song(name) && !is_failure(name), "{name}: {}", ran.stderr);
    }
    for (name, _) in &lies {
        assert!(is_song(name) != is_failure(name), "{name}: {}", ran.stderr);
        // What is wrong with these does not touch the sound.
        let about_tags = ["comments.", "vendor.", "picture.", "tag-in-chunk."];
        if !about_tags.iter().any(|part| name.starts_with(part)) {
            eprintln!(
                "{name}: {}",
                if is_song(name) { "a song" } else { "refused" }
            );
        }
    }
    for name in [
        "ten-hours.flac",
        "four-billion.flac",
        "four-billion.mp3",
        "four-billion.wav",
        "one-hertz.wav",
        "ten-megahertz.wav",
        "odd-hertz.wav",
        "sixty-five-channels.wav",
        "nan.wav",
        "one-hertz.aiff",
        "ten-megahertz.aiff",
        "one-hertz.caf",
        "ten-megahertz.caf",
        "nan-hertz.caf",
    ] {
        assert!(is_failure(name), "{name}");
    }
}

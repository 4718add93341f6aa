//! Decoding of real encoded files: the fixtures in `tests/fixtures/audio`, made by the script there, which also keeps what
//! ffmpeg decodes from them.

use crate::common::wav;
use circumplex::{Decoder, Error, ErrorKind, Result, Tags};
use std::{
    fs,
    io::{Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio")
}

/// A line of `expected.tsv`.
struct Expected {
    file: String,
    rate: u32,
    channels: u16,
    samples: usize,
    tags: Tags,
    values: Vec<f32>,
}

fn expected() -> Vec<Expected> {
    let text = fs::read_to_string(fixtures().join("expected.tsv")).unwrap();
    let tag = |s: &str| (!s.is_empty()).then(|| s.to_owned());
    text.lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            Expected {
                file: cells[0].to_owned(),
                rate: cells[1].parse().unwrap(),
                channels: cells[2].parse().unwrap(),
                samples: cells[3].parse().unwrap(),
                tags: Tags {
                    title: tag(cells[4]),
                    artist: tag(cells[5]),
                    album: tag(cells[6]),
                    genre: tag(cells[7]),
                },
                values: cells[8].split(' ').map(|v| v.parse().unwrap()).collect(),
            }
        })
        .collect()
}

/// All samples of a file, and the decoder at its end.
fn decode(path: &Path) -> Result<(Vec<f32>, Decoder)> {
    let mut decoder = Decoder::open(path)?;
    let mut samples = Vec::new();
    while let Some(block) = decoder.next_block()? {
        assert!(!block.is_empty());
        samples.extend_from_slice(block);
    }
    assert!(
        decoder.next_block()?.is_none(),
        "nothing comes after the end"
    );
    Ok((samples, decoder))
}

/// The error of a file that must not decode.
fn failure(path: &Path) -> Error {
    match decode(path) {
        Ok((samples, _)) => panic!("{}: {} samples", path.display(), samples.len()),
        Err(error) => {
            let text = error.to_string();
            assert!(
                text.contains(&*path.to_string_lossy()),
                "names the file: {text}"
            );
            error
        }
    }
}

/// A file of the given bytes in a directory of its own.
struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn bytes_of(fixture: &str) -> Vec<u8> {
    fs::read(fixtures().join(fixture)).unwrap()
}

#[test]
fn every_format_decodes_to_what_ffmpeg_decodes() {
    for e in expected() {
        let (samples, decoder) = decode(&fixtures().join(&e.file)).unwrap();
        let info = decoder.info();
        assert_eq!(
            (info.sample_rate, info.channels),
            (e.rate, e.channels),
            "{}",
            e.file
        );
        assert_eq!(
            (info.damaged_packets, info.missing_s),
            (0, 0.0),
            "{}",
            e.file
        );
        let (delay, padding) = match e.file.as_str() {
            // The padding at the end of Opus in Matroska is noted where symphonia does not look, and so is the encoder's
            // delay of AAC in MP4.
            "opus.webm" => (0, 648),
            "aac.m4a" | "aac-faststart.m4a" => (1024, 0),
            _ => (0, 0),
        };
        assert_eq!(samples.len(), delay + e.samples + padding, "{}", e.file);
        let samples = &samples[delay..];
        for (i, value) in e.values.iter().enumerate() {
            let at = i * (e.samples - 1) / 63;
            let error = (samples[at] - value).abs();
            assert!(
                error < 1e-4,
                "{}: {} instead of {value} at {at}",
                e.file,
                samples[at]
            );
        }
    }
}

#[test]
fn title_artist_album_and_genre_are_read_from_every_kind_of_tag() {
    for e in expected() {
        let (_, decoder) = decode(&fixtures().join(&e.file)).unwrap();
        assert_eq!(decoder.info().tags, e.tags, "{}", e.file);
    }
}

/// An ID3v2.4 tag of two artists and a picture of `picture` bytes.
fn two_artists(picture: usize) -> Vec<u8> {
    let syncsafe = |n: usize| [21, 14, 7, 0].map(|shift| (n >> shift & 0x7f) as u8);
    let frame = |id: &[u8], content: &[u8]| {
        let head = [id, &syncsafe(content.len()), &[0, 0]].concat();
        [&head, content].concat()
    };
    let image = [&b"\0image/png\0\x03\0"[..], &vec![7; picture]].concat();
    let frames = [frame(b"APIC", &image), frame(b"TPE1", b"\x03One\0Two")].concat();
    [
        b"ID3\x04\0\0".to_vec(),
        syncsafe(frames.len()).to_vec(),
        frames,
    ]
    .concat()
}

#[test]
fn several_artists_are_joined_however_large_the_picture_is() {
    let scratch = Scratch::new();
    for picture in [10, 2_000_000] {
        let bytes = [two_artists(picture), bytes_of("no-info-frame.mp3")].concat();
        let (_, decoder) = decode(&scratch.file("two.mp3", &bytes)).unwrap();
        let artist = decoder.info().tags.artist.as_deref();
        assert_eq!(artist, Some("One; Two"), "{picture}");
    }
}

#[test]
fn joined_files_are_decoded_whole_at_the_rate_of_the_first() {
    let place = Scratch::new();
    for (first, rest) in [
        (
            "vorbis.ogg",
            &["vorbis-mono.ogg", "opus.opus", "vorbis.ogg"][..],
        ),
        ("no-info-frame.mp3", &["mpeg2-mono.mp3"]),
        ("cbr.mp3", &["vbr.mp3", "ape-tag.mp3"]),
    ] {
        let parts = [&[first], rest].concat();
        let bytes: Vec<Vec<u8>> = parts.iter().map(|part| bytes_of(part)).collect();
        let path = place.file(first, &bytes.concat());
        let (samples, decoder) = decode(&path).unwrap();
        let rate = f64::from(decoder.info().sample_rate);
        let expected: f64 = expected()
            .iter()
            .flat_map(|e| vec![e; parts.iter().filter(|part| **part == e.file).count()])
            .map(|e| e.samples as f64 / f64::from(e.rate))
            .sum();
        let seconds = samples.len() as f64 / rate;
        assert!(
            (seconds - expected).abs() < 0.25,
            "{first}: {seconds} s of {expected} s"
        );
        let own = decode(&fixtures().join(first)).unwrap().0;
        let same = own.iter().zip(&samples).take(own.len() / 2);
        assert!(same.clone().all(|(a, b)| (a - b).abs() < 1e-4), "{first}");
        let end = &samples[samples.len() - samples.len() / 8..];
        assert!(
            end.iter().any(|sample| sample.abs() > 0.05),
            "{first}: its last part is silent"
        );
    }
}

#[test]
fn the_content_decides_the_format_and_not_the_name() {
    let scratch = Scratch::new();
    for (i, e) in expected().into_iter().enumerate() {
        let wrong = ["song.mp3", "song.flac", "song.wav", "song.txt", "song"][i % 5];
        let path = scratch.file(wrong, &bytes_of(&e.file));
        let (_, decoder) = decode(&path).unwrap_or_else(|error| panic!("{}: {error}", e.file));
        let (_, original) = decode(&fixtures().join(&e.file)).unwrap();
        assert_eq!(decoder.info(), original.info());
    }
}

/// A fixture's audio several times: long enough for a part of it to count.
fn tone(name: &str, seconds: usize) -> Vec<u8> {
    let scratch = Scratch::new();
    let path = scratch.directory.path().join(name);
    let samples: Vec<u8> = (0..44_100 * seconds)
        .flat_map(|n| ((9_000.0 * (n as f64 * 0.05).sin()) as i16).to_le_bytes())
        .collect();
    fs::write(&path, wav(44_100, 1, samples.len() as u32, &samples)).unwrap();
    fs::read(path).unwrap()
}

#[test]
fn what_decodes_of_a_truncated_file_is_used_and_what_is_missing_is_counted() {
    let scratch = Scratch::new();
    let whole = tone("whole.wav", 4);
    let cut = |part: f64| {
        let bytes = &whole[..44 + (part * (whole.len() - 44) as f64) as usize];
        scratch.file("cut.wav", bytes)
    };
    let (samples, decoder) = decode(&cut(0.75)).unwrap();
    let info = decoder.info();
    assert!((info.missing_s - 1.0).abs() < 0.05, "{}", info.missing_s);
    assert!((samples.len() as f64 / 44_100.0 + info.missing_s - 4.0).abs() < 1e-3);
    for part in [0.45, 0.1] {
        let error = failure(&cut(part));
        assert_eq!(error.kind(), ErrorKind::Truncated, "{part}");
        assert!(error.to_string().contains("of 4.00 s decoded"), "{error}");
    }
    assert_eq!(decode(&cut(1.0)).unwrap().1.info().missing_s, 0.0);
}

#[test]
fn a_truncated_file_never_passes_for_a_whole_one() {
    let scratch = Scratch::new();
    for e in expected() {
        let is_short = e.samples * 2 < e.rate as usize;
        // They say nothing of their length, or what they lack is less than a packet.
        if is_short
            || matches!(
                e.file.as_str(),
                "no-info-frame.mp3" | "layer2.mp2" | "aac.aac" | "aac-fragmented.mp4"
            )
            || e.file.starts_with("vorbis")
            || e.file.starts_with("opus")
            || e.file == "flac.ogg"
        {
            continue;
        }
        let whole = bytes_of(&e.file);
        for part in [0.02, 0.1, 0.3, 0.5, 0.7, 0.8] {
            let path = scratch.file("cut", &whole[..(whole.len() as f64 * part) as usize]);
            if let Ok((_, decoder)) = decode(&path) {
                assert!(decoder.info().missing_s > 0.0, "{} {part}", e.file);
            }
        }
    }
}

#[test]
fn an_id3v1_tag_at_the_end_is_no_part_of_the_audio() {
    let place = Scratch::new();
    let mut tag = [b' '; 128];
    tag[..3].copy_from_slice(b"TAG");
    for name in ["flac.flac", "cbr.mp3", "aac.aac", "s16.wav"] {
        let path = place.file(name, &[&bytes_of(name)[..], &tag].concat());
        let (samples, decoder) = decode(&path).unwrap();
        let info = decoder.info();
        let facts = (info.damaged_packets, info.missing_s);
        assert_eq!(facts, (0, 0.0), "{name}");
        assert!(
            samples == decode(&fixtures().join(name)).unwrap().0,
            "{name}"
        );
    }
}

#[test]
fn a_damaged_packet_is_skipped_and_counted() {
    let scratch = Scratch::new();
    for (file, at, len) in [
        ("cbr.mp3", 6_000, 300),
        ("flac.flac", 30_000, 20),
        ("vorbis.ogg", 12_000, 30),
    ] {
        let mut bytes = bytes_of(file);
        for byte in &mut bytes[at..at + len] {
            *byte = !*byte;
        }
        match decode(&scratch.file(file, &bytes)) {
            Ok((samples, decoder)) => {
                let info = decoder.info();
                assert!(info.damaged_packets > 0 || info.missing_s > 0.0, "{file}");
                let whole = decode(&fixtures().join(file)).unwrap().0.len();
                assert!(
                    samples.len() < whole,
                    "{file}: {} of {whole}",
                    samples.len()
                );
            }
            // Of a file under a second, nothing may be missing.
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Truncated),
                "{file}: {error}"
            ),
        }
    }
}

#[test]
fn holes_are_counted_as_missing() {
    let scratch = Scratch::new();
    let mut bytes = bytes_of("cbr.mp3");
    let len = bytes.len();
    bytes[len / 3..len / 2].fill(0);
    let (_, decoder) = decode(&scratch.file("holes.mp3", &bytes)).unwrap();
    let missing_s = decoder.info().missing_s;
    assert!((0.2..0.4).contains(&missing_s), "{missing_s}");
}

#[test]
fn samples_that_are_not_numbers_are_damage() {
    let scratch = Scratch::new();
    let whole = bytes_of("f32.wav");
    // Within the last of its packets of 1,152 samples.
    for bad in [f32::NAN, f32::INFINITY, 1e30] {
        let mut bytes = whole.clone();
        let at = bytes.len() - 1200;
        bytes[at..at + 4].copy_from_slice(&bad.to_le_bytes());
        let error = failure(&scratch.file("nan.wav", &bytes));
        assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
    }
}

#[test]
fn files_without_audio_are_errors_with_a_reason() {
    let scratch = Scratch::new();
    let kind = |name: &str, bytes: &[u8]| failure(&scratch.file(name, bytes)).kind();
    assert_eq!(kind("empty.mp3", b""), ErrorKind::Empty);
    assert_eq!(
        kind("notes.mp3", b"These are notes about a song, no song.\n"),
        ErrorKind::NotAudio
    );
    assert_eq!(kind("zeros.wav", &[0; 50_000]), ErrorKind::NotAudio);
    assert_eq!(
        kind("cover.flac", b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01"),
        ErrorKind::NotAudio
    );
    assert_eq!(
        kind("song.ape", b"MAC \x96\x0f\0\0\x34\0\0\0"),
        ErrorKind::Unsupported
    );
    assert_eq!(
        kind("song.wv", b"wvpk\x20\0\0\0\x10\x04"),
        ErrorKind::Unsupported
    );
    // A WAV file with all its headers and no samples.
    let mut wav = bytes_of("s16.wav");
    let data = wav.windows(4).position(|w| w == b"data").unwrap();
    wav.truncate(data + 8);
    wav[data + 4..].fill(0);
    let riff_len = (wav.len() as u32 - 8).to_le_bytes();
    wav[4..8].copy_from_slice(&riff_len);
    assert_eq!(kind("silent.wav", &wav), ErrorKind::Empty);
    let directory = failure(scratch.directory.path());
    assert_eq!(directory.kind(), ErrorKind::Io);
    assert_eq!(
        failure(&scratch.directory.path().join("absent.mp3")).kind(),
        ErrorKind::Io
    );
}

#[test]
fn headers_that_lie_are_detected() {
    let scratch = Scratch::new();
    let data = [7u8; 9600];
    let outcome = |bytes: &[u8]| decode(&scratch.file("lie.wav", bytes)).map(|(s, _)| s.len());
    assert_eq!(outcome(&wav(44_100, 2, 9600, &data)).unwrap(), 2400);
    // What a writer to a pipe puts where it cannot know the length.
    assert_eq!(outcome(&wav(44_100, 2, u32::MAX, &data)).unwrap(), 2400);
    assert_eq!(outcome(&wav(44_100, 2, 0x7fff_ffff, &data)).unwrap(), 2400);
    for bytes in [
        wav(44_100, 2, 1_000_000, &data),
        wav(1, 2, 9600, &data),
        wav(0, 2, 9600, &data),
        wav(10_000_000, 2, 9600, &data),
        wav(u32::MAX, 2, 9600, &data),
        wav(44_100, 0, 9600, &data),
        wav(44_100, 65, 9600, &data),
        wav(44_100, u16::MAX, 9600, &data),
    ] {
        let error = outcome(&bytes).unwrap_err();
        assert!(
            matches!(
                error.kind(),
                ErrorKind::Truncated | ErrorKind::Unsupported | ErrorKind::Damaged
            ),
            "{error}"
        );
    }
}

#[test]
fn an_enormous_tag_before_the_audio_is_skipped() {
    let scratch = Scratch::new();
    let audio = bytes_of("no-info-frame.mp3");
    let size: usize = 200 * 1024 * 1024;
    let syncsafe = |n: usize| [21, 14, 7, 0].map(|shift| (n >> shift & 0x7f) as u8);
    let mut head = b"ID3\x04\0\0".to_vec();
    head.extend(syncsafe(size));
    head.extend(b"APIC");
    head.extend(syncsafe(size - 10));
    head.extend(b"\0\0\0image/png\0\x03\0");
    let path = scratch.file("huge-tag.mp3", &head);
    // A hole in the file, so that the test writes little.
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(10 + size as u64)).unwrap();
    file.write_all(&audio).unwrap();
    let (samples, _) = decode(&path).unwrap();
    let (alone, _) = decode(&fixtures().join("no-info-frame.mp3")).unwrap();
    assert!(samples == alone);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_an_error_and_does_not_block() {
    let scratch = Scratch::new();
    let pipe = scratch.directory.path().join("pipe.mp3");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no mkfifo here");
        return;
    }
    assert_eq!(failure(&pipe).kind(), ErrorKind::Io);
}

/// Numbers without a pattern, the same in every run.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

#[test]
fn mutated_files_give_an_answer_without_panic_or_hang() {
    let scratch = Scratch::new();
    let mut random = Lcg(2026);
    // More of them where a longer search is wanted.
    let rounds = std::env::var("CIRCUMPLEX_MUTANTS")
        .ok()
        .and_then(|n| n.parse().ok());
    let rounds: usize = rounds.unwrap_or(40);
    for e in expected() {
        let whole = bytes_of(&e.file);
        for _ in 0..rounds {
            let mut bytes = whole.clone();
            // Headers are met more often than their share of the bytes.
            let reach = if random.below(2) == 0 {
                bytes.len().min(400)
            } else {
                bytes.len()
            };
            for _ in 0..1 + random.below(6) {
                let at = random.below(reach);
                bytes[at] = match random.below(4) {
                    0 => 0,
                    1 => 0xff,
                    2 => bytes[at] ^ (1 << random.below(8)),
                    _ => random.below(256) as u8,
                };
            }
            if random.below(4) == 0 {
                bytes.truncate(1 + random.below(whole.len()));
            }
            let path = scratch.file("mutant", &bytes);
            let outcome = decode(&path);
            if let Err(error) = &outcome
                && error.to_string().contains("decoder failed")
            {
                // Caught, so no failure of this test, but worth a report to symphonia.
                eprintln!("{}: a decoder panicked: {error:#}", e.file);
            }
            if let Ok((samples, _)) = outcome {
                assert!(samples.iter().all(|x| x.is_finite()));
                assert!(
                    samples.len() < 40 * e.samples,
                    "{}: {}",
                    e.file,
                    samples.len()
                );
            }
        }
    }
}

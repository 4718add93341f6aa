//! Excerpts against the same samples of the whole file, for every kind of file in `tests/fixtures/audio`; and limits.

use super::*;
use std::{fs, path::PathBuf, time::Duration};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio")
}

fn samples_of(decoder: &mut Decoder) -> Result<Vec<f32>> {
    let mut samples = Vec::new();
    while let Some(block) = decoder.next_block()? {
        assert!(!block.is_empty());
        samples.extend_from_slice(block);
    }
    assert!(decoder.next_block()?.is_none());
    Ok(samples)
}

/// A part of a file, and the same samples of the whole.
struct Compared {
    found: Vec<f32>,
    whole: Vec<f32>,
    start: usize,
    rate: f64,
    seeked: bool,
}

impl Compared {
    fn new(path: &Path, whole: &[f32], excerpt: &Excerpt) -> Self {
        let mut decoder = Decoder::open_excerpt(path, excerpt).unwrap();
        let part = decoder.part.clone().expect("a part");
        let found = samples_of(&mut decoder).unwrap();
        let rate = f64::from(decoder.info().sample_rate);
        let (length, name) = (excerpt.length_s * rate, path.display());
        // The account of a length may be off by some packets.
        let missing = length - found.len() as f64;
        assert!((-1.0..0.1 * length).contains(&missing), "{name}: {excerpt}");
        Self {
            found,
            whole: whole.to_vec(),
            start: usize::try_from(part.samples.start).unwrap(),
            rate,
            seeked: part.seeked,
        }
    }

    fn start_s(&self) -> f64 {
        self.start as f64 / self.rate
    }

    /// Root mean square of the difference to the whole, `lag` samples later, as a share of the part's own; `None` where
    /// the whole ends before.
    fn difference(&self, lag: i64) -> Option<f64> {
        let start = usize::try_from(self.start as i64 + lag).ok()?;
        let expected = self.whole.get(start..start + self.found.len())?;
        let square = |sum: f64, x: f32| sum + f64::from(x).powi(2);
        let pairs = self.found.iter().zip(expected);
        let difference = pairs.map(|(a, b)| a - b).fold(0.0, square);
        let own = self.found.iter().copied().fold(1e-9, square);
        Some((difference / own).sqrt())
    }

    /// Seconds by which the part is away from where the whole is most like it.
    fn lag_s(&self) -> f64 {
        let most = (0.004 * self.rate) as i64;
        let by_lag = |lag: i64| self.difference(lag).map(|difference| (lag, difference));
        let best = (-most..=most)
            .filter_map(by_lag)
            .min_by(|a, b| a.1.total_cmp(&b.1));
        best.map_or(f64::INFINITY, |(lag, _)| lag as f64 / self.rate)
    }
}

/// Checks the claim that the README makes for a kind of file.
fn check(name: &str, compared: &Compared) {
    let difference = compared.difference(0);
    let (start, seeked) = (compared.start_s(), compared.seeked);
    println!("{name} {start:.3}: {difference:?} {seeked}");
    // AAC leaves noise to be made up by the decoder, which never makes it up alike; Opus predicts from packet to packet.
    let by_memory = seeked && (name.starts_with("opus") || name.starts_with("aac"));
    let most = if by_memory { 0.3 } else { 1e-6 };
    assert!(
        difference.is_some_and(|found| found <= most),
        "{name}: {difference:?}"
    );
    if by_memory {
        assert_eq!(compared.lag_s(), 0.0, "{name}");
    }
}

#[test]
fn a_part_is_what_the_whole_has_there() {
    let mut seeked = Vec::new();
    for entry in fs::read_dir(fixtures()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".py") || name.ends_with(".tsv") {
            continue;
        }
        let mut decoder = Decoder::open(&path).unwrap();
        let rate = f64::from(decoder.info().sample_rate);
        let whole = samples_of(&mut decoder).unwrap();
        let total_s = whole.len() as f64 / rate;
        for share in [0.0, 0.3, 0.55, 0.7, 0.8] {
            let excerpt = Excerpt {
                start_s: Some(share * total_s),
                length_s: 0.15 * total_s,
            };
            let compared = Compared::new(&path, &whole, &excerpt);
            check(&name, &compared);
            let start = compared.start_s();
            assert!(
                (start - share * total_s).abs() < 0.05,
                "{name}: {excerpt}: {start}"
            );
            if compared.seeked {
                seeked.push(name.clone());
            }
        }
        let middle = Excerpt {
            start_s: None,
            length_s: 0.2 * total_s,
        };
        let start = Compared::new(&path, &whole, &middle).start_s();
        assert!((start - 0.4 * total_s).abs() < 0.06, "{name}: {start}");
    }
    for name in [
        "cbr.mp3",
        "vbr.mp3",
        "mpeg2-mono.mp3",
        "aac.m4a",
        "flac.flac",
        "vorbis.ogg",
        "opus.opus",
        "s16.wav",
        "s16.aiff",
    ] {
        assert!(
            seeked.iter().any(|found| found == name),
            "{name} was not seeked"
        );
    }
}

#[test]
fn a_part_of_a_long_wav_is_exact_and_a_song_that_is_no_longer_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("long.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    for n in 0..2 * 8_000 * 100_i32 {
        writer
            .write_sample((n.wrapping_mul(7_919) >> 8) as i16)
            .unwrap();
    }
    writer.finalize().unwrap();
    let whole = samples_of(&mut Decoder::open(&path).unwrap()).unwrap();
    for text in ["10s", "0s:1s", "0:59.5:10s", "99.9s:3s", "50s:50s"] {
        let compared = Compared::new(&path, &whole, &text.parse().unwrap());
        assert_eq!(compared.difference(0), Some(0.0), "{text}");
    }
    for text in ["100s", "50s:100s", "5m"] {
        let mut decoder = Decoder::open_excerpt(&path, &text.parse().unwrap()).unwrap();
        assert_eq!(decoder.info().segment, None);
        assert!(samples_of(&mut decoder).unwrap() == whole, "{text}");
    }
}

#[test]
fn frames_without_any_account_are_counted_and_seeked() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["layer2.mp2", "aac.aac"] {
        let path = directory.path().join(name);
        fs::write(&path, fs::read(fixtures().join(name)).unwrap().repeat(20)).unwrap();
        let whole = samples_of(&mut Decoder::open(&path).unwrap()).unwrap();
        for text in ["3s", "0:07:2s"] {
            let compared = Compared::new(&path, &whole, &text.parse().unwrap());
            assert!(compared.seeked, "{name} {text}");
            check(name, &compared);
        }
    }
}

#[test]
fn a_file_that_claims_more_than_it_has_fails_in_its_part_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cut.flac");
    let bytes = fs::read(fixtures().join("flac.flac")).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 3]).unwrap();
    let excerpt: Excerpt = "0.4s:0.05s".parse().unwrap();
    let result =
        Decoder::open_excerpt(&path, &excerpt).and_then(|mut decoder| samples_of(&mut decoder));
    let error = result.unwrap_err();
    assert!(error.to_string().contains("cut.flac"), "{error}");
}

/// An Ogg file of one stream, as another stream.
fn renumbered(mut file: Vec<u8>, serial: u32) -> Vec<u8> {
    // RFC 3533, section 6: the checksum's polynomial is 0x04c11db7, unreflected, from 0.
    let checksum = |page: &[u8]| {
        page.iter().fold(0_u32, |sum, &byte| {
            (0..8).fold(sum ^ (u32::from(byte) << 24), |sum, _| {
                (sum << 1) ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 }
            })
        })
    };
    let mut at = 0;
    while at < file.len() {
        let table = at + 27..at + 27 + usize::from(file[at + 26]);
        let body: usize = file[table.clone()].iter().map(|&b| usize::from(b)).sum();
        let page = &mut file[at..table.end + body];
        page[14..18].copy_from_slice(&serial.to_le_bytes());
        page[22..26].fill(0);
        let sum = checksum(page);
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        at = table.end + body;
    }
    file
}

#[test]
fn a_part_of_an_ogg_file_with_several_sounds_is_counted_over_all_of_them() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["vorbis.ogg", "opus.opus"] {
        let one = fs::read(fixtures().join(name)).unwrap();
        let path = directory.path().join(name);
        let streams: Vec<_> = (1..=3).map(|n| renumbered(one.clone(), n)).collect();
        fs::write(&path, streams.concat()).unwrap();
        let whole = samples_of(&mut Decoder::open(&path).unwrap()).unwrap();
        let alone = samples_of(&mut Decoder::open(fixtures().join(name)).unwrap()).unwrap();
        assert_eq!(whole.len(), 3 * alone.len(), "{name}");
        // In the middle, across the border of two, and in the last.
        for text in ["0.5s", "1.5s:0.5s", "4s:0.5s"] {
            let excerpt: Excerpt = text.parse().unwrap();
            let compared = Compared::new(&path, &whole, &excerpt);
            assert!(!compared.seeked);
            assert_eq!(compared.difference(0), Some(0.0), "{name} {text}");
            let decoder = Decoder::open_excerpt(&path, &excerpt).unwrap();
            let total_s = decoder.info().duration_s;
            let found_s = whole.len() as f64 / compared.rate;
            assert!(
                (total_s - found_s).abs() < 0.05,
                "{name}: {total_s} of {found_s}"
            );
        }
    }
}

/// A WAV file of some seconds, mono, 16 bit.
fn wav(directory: &Path, seconds: u32, rate: u32) -> PathBuf {
    let path = directory.join("song.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    for n in 0..seconds * rate {
        writer.write_sample((n % 100) as i16).unwrap();
    }
    writer.finalize().unwrap();
    path
}

#[test]
fn a_file_that_takes_too_long_is_an_error_of_that_kind() {
    let directory = tempfile::tempdir().unwrap();
    let path = wav(directory.path(), 1, 8000);
    let none = TimeLimit::short(Duration::ZERO);
    let error = Decoder::start_within(Input::from(path.as_path()), none, &DecodeOptions::default())
        .err()
        .unwrap();
    assert!(error.to_string().contains("song.wav"), "{error}");
    assert_eq!(error.kind().name(), "too-slow");

    // Time that runs out midway: the part that was decoded is no song.
    let mut decoder = Decoder::open(&path).unwrap();
    assert!(decoder.next_block().unwrap().is_some());
    decoder.limit = TimeLimit::short(Duration::ZERO);
    std::thread::sleep(Duration::from_millis(1));
    decoder.limit.has_time();
    assert_eq!(decoder.next_block().unwrap_err().kind(), ErrorKind::Timeout);
    assert!(decoder.next_block().unwrap().is_none());
}

#[test]
fn endless_audio_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = wav(directory.path(), 3, 8000);
    let mut decoder = Decoder::open(&path).unwrap();
    decoder.samples = 8000 * 3600 * MAX_HOURS as u64 - 8000;
    let error = loop {
        match decoder.next_block() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("must not end well"),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("100 hours"), "{error}");
}

//! What reads files of unknown origin, as functions of bytes: the fuzz targets call them with what the fuzzer makes up,
//! `tests/corpus.rs` with cases that are kept. An error is an answer; a panic, a hang and gigabytes are not.

use circumplex::{
    Columns, Decoder, ErrorKind, Excerpt, Library, LibraryInfo, LogMel, MelConfig, Model,
    ModelStamp, Preprocessing, Recipe, TagCharset, WindowRule, spectrograms,
    testing::{Journal, Sheet, count_faces},
};
use std::{error::Error, fs, io::Write, path::Path};
use tempfile::NamedTempFile;

/// Whether the bytes were taken for what they should be, or why not.
pub type Answer = Result<(), Box<dyn Error>>;

/// Windows and batches after which a reader has shown what it does: a small file may claim to be endless.
const ENOUGH: usize = 60;

fn file_of(bytes: &[u8]) -> std::io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Sound to log-mel windows, whole and as an excerpt.
pub fn sound(bytes: &[u8]) -> Answer {
    let file = file_of(bytes)?;
    let whole = spectrograms_of(file.path());
    let excerpt = excerpt_of(file.path());
    whole.and(excerpt)
}

fn spectrograms_of(path: &Path) -> Answer {
    // Windows of a second and few bands: what depends on the file is the same, and more files a second are tried.
    let preprocessing = Preprocessing {
        mel: MelConfig {
            n_fft: 512,
            n_mels: 16,
            ..MelConfig::default()
        },
        window: WindowRule { length: 22_050 },
    };
    let mut windows = 0;
    let result = spectrograms(path, &preprocessing, |window: LogMel<'_>| {
        assert!(window.values.iter().all(|value| value.is_finite()));
        assert!(window.start_s >= 0.0 && window.weight > 0.0 && window.weight <= 1.0);
        windows += 1;
        if windows < ENOUGH {
            return Ok(());
        }
        Err(circumplex::Error::new(ErrorKind::Internal, "enough"))
    });
    match result {
        Ok(info) => {
            assert!(info.duration_s > 0.0 && info.duration_s.is_finite() && windows > 0);
            assert!(info.sample_rate > 0 && info.channels > 0);
            Ok(())
        }
        Err(_) if windows >= ENOUGH => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn excerpt_of(path: &Path) -> Answer {
    let excerpt = Excerpt {
        start_s: None,
        length_s: 0.3,
    };
    let mut decoder = Decoder::open_excerpt(path, &excerpt)?;
    let (segment, rate) = (decoder.info().segment, decoder.info().sample_rate);
    let (mut samples, most) = (0, ENOUGH * rate as usize);
    while let Some(block) = decoder.next_block()? {
        assert!(block.iter().all(|sample| sample.is_finite()));
        samples += block.len();
        if samples > most {
            break;
        }
    }
    if let Some(segment) = segment {
        let longest = segment.length_s() * f64::from(rate) + 1.0;
        assert!(samples as f64 <= longest, "{samples} of {longest}");
    }
    Ok(())
}

/// A library, all its columns.
pub fn library(bytes: &[u8]) -> Answer {
    let file = file_of(bytes)?;
    let library = Library::open(file.path())?;
    let embedding = library.embedding_length();
    let mut rows = 0;
    for song in library.songs(Columns::ALL) {
        song?;
        rows += 1;
    }
    if rows == library.rows() && rows > 0 {
        library.songs_at(&[rows - 1, 0], Columns::STAMP)?;
    }
    embedding?;
    Ok(())
}

/// A model file, up to its first answer.
pub fn model(bytes: &[u8]) -> Answer {
    Model::from_bytes("model.onnx", bytes)?;
    Ok(())
}

/// A recipe.
pub fn recipe(bytes: &[u8]) -> Answer {
    let recipe = Recipe::parse("recipe.toml", std::str::from_utf8(bytes)?)?;
    assert!(recipe.preprocessing().frames() > 0);
    Ok(())
}

/// A picture, up to the faces in it, alone and as Motion-JPEG.
pub fn picture(bytes: &[u8]) -> Answer {
    count_faces(bytes)?;
    Ok(())
}

/// A CUE sheet.
pub fn cue(bytes: &[u8]) -> Answer {
    let sheet = Sheet::parse(bytes, TagCharset::default())?;
    for file in &sheet.files {
        let ascend = |pair: &[_]| matches!(pair, [a, b] if a < b);
        let starts: Vec<_> = file.tracks.iter().map(|track| track.start).collect();
        assert!(starts.windows(2).all(ascend));
    }
    Ok(())
}

/// What a killed run left beside a library. It is never an error: what cannot be read is done again.
pub fn journal(bytes: &[u8]) -> Answer {
    let folder = tempfile::tempdir()?;
    let target = folder.path().join("library.parquet");
    fs::write(Journal::path_of(&target), bytes)?;
    let model = ModelStamp {
        identity: "0".repeat(64),
        name: "model".to_owned(),
    };
    let mut info = LibraryInfo::new(model, serde_json::json!({}));
    info.program = "circumplex".to_owned();
    let known = Journal::open(&target, &info)?.len();
    // What it took over it takes over again.
    assert_eq!(Journal::open(&target, &info)?.len(), known);
    Ok(())
}

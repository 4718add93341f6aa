//! Running the whole program on music that the tests make themselves.

// The tests of training use a part of this.
#![allow(dead_code)]

pub mod npy;
#[path = "../../src/test_faces.rs"]
mod test_faces;

use std::{
    f32::consts::TAU,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use test_faces::{DRAWN, draw};

/// What a run printed and how it ended.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    #[track_caller]
    pub fn ends_with_code(self, code: i32) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert_eq!(
            self.code,
            Some(code),
            "\nstdout: {stdout}\nstderr: {stderr}"
        );
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert!(
            !stderr.contains('\u{1b}') && !stdout.contains('\u{1b}'),
            "no terminal, no colors"
        );
        self
    }

    #[track_caller]
    pub fn complains(self, of: &str) -> Self {
        assert!(
            self.stderr.contains(of),
            "expected {of:?} in: {}",
            self.stderr
        );
        self
    }
}

/// The program, which uses no ffmpeg: the same on every machine.
pub fn circumplex() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_circumplex"));
    command.env("CIRCUMPLEX_FFMPEG", "never");
    command
}

pub fn run(command: &mut Command) -> Ran {
    command.stdin(Stdio::null()).output().unwrap().into()
}

/// A folder for music and one for the library, gone at the end.
pub struct Place {
    pub folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("music")).unwrap();
        Self { folder }
    }

    pub fn music(&self) -> PathBuf {
        self.folder.path().join("music")
    }

    pub fn library(&self) -> PathBuf {
        self.folder.path().join("library.parquet")
    }

    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.music().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Some seconds of a tone with overtones, 44.1 kHz, 16 bit, stereo.
    pub fn tone(&self, name: &str, hertz: f32, seconds: f32) -> PathBuf {
        let path = self.file(name, b"");
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 44_100,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for n in 0..(seconds * 44_100.0) as u32 {
            let phase = TAU * hertz * n as f32 / 44_100.0;
            let value = (0.5 * phase.sin() + 0.2 * (3.0 * phase).sin()) * 20_000.0;
            writer.write_sample(value as i16).unwrap();
            writer.write_sample((value * 0.5) as i16).unwrap();
        }
        writer.finalize().unwrap();
        path
    }

    pub fn analyze(&self) -> Command {
        let mut command = circumplex();
        command
            .arg("analyze")
            .arg(self.music())
            .arg("-o")
            .arg(self.library());
        command
    }

    pub fn query(&self) -> Command {
        let mut command = circumplex();
        command.arg("query").arg("--library").arg(self.library());
        command
    }

    /// Names in the folder of the library.
    pub fn leftovers(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "music" && name != "library.parquet")
            .collect();
        names.sort();
        names
    }
}

pub fn three_songs() -> Place {
    let place = Place::new();
    place.tone("low.wav", 110.0, 3.0);
    place.tone("folder/middle.wav", 440.0, 12.0);
    place.tone("folder/deep/high.wav", 1760.0, 3.0);
    place
}

pub fn json(ran: &Ran) -> Vec<serde_json::Map<String, serde_json::Value>> {
    serde_json::from_str(&ran.stdout).unwrap()
}

/// A WAV header in front of `data`.
pub fn wav(rate: u32, channels: u16, claimed_data_len: u32, data: &[u8]) -> Vec<u8> {
    let block = channels.wrapping_mul(2);
    let mut bytes = b"RIFF".to_vec();
    bytes.extend(claimed_data_len.saturating_add(36).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend(rate.wrapping_mul(u32::from(block)).to_le_bytes());
    bytes.extend(block.to_le_bytes());
    bytes.extend(b"\x10\0data");
    bytes.extend(claimed_data_len.to_le_bytes());
    bytes.extend(data);
    bytes
}

/// A table of drawn faces in the form of FER2013.
pub fn write_faces(path: &Path, faces: usize) {
    let mut text = "emotion,pixels,Usage\n".to_owned();
    for number in 0..faces {
        let kind = number % DRAWN.len();
        let pixels: Vec<String> = draw(kind, number).iter().map(u8::to_string).collect();
        let usage = match number * 10 / faces {
            0..7 => "Training",
            7 => "PublicTest",
            _ => "PrivateTest",
        };
        text += &format!("{},{},{usage}\n", DRAWN[kind], pixels.join(" "));
    }
    fs::write(path, text).unwrap();
}

//! `circumplex features`: the log-mel spectrogram of a file, the input of the model.

use super::{CliResult, Console, Exit, ModelChoice, count, file_name, visible};
use crate::{
    atomic_file,
    audio::AudioInfo,
    figure::{Spectrogram, check_extension},
    mel::FrequencyScale,
    model::Preprocessing,
    output::npy_header,
};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// Show the log-mel spectrogram of a file, the input of the model
#[derive(clap::Args)]
#[command(after_help = "\
Without an option, only facts are printed: format, windows, bands, frames, decibels.
The NumPy file holds one float32 array [windows, bands, frames] in decibels (reference 1.0, floor -100). The picture \
shows the windows one after another; of a last window that overlaps the one before it, the new part.

Examples:
  circumplex features song.mp3
  circumplex features song.mp3 --picture mel.png
  circumplex features song.mp3 -o mel.npy && python3 -c \"import numpy; print(numpy.load('mel.npy').shape)\"")]
pub(crate) struct Args {
    /// Music file
    file: PathBuf,
    /// Write the spectrogram as a NumPy file
    #[arg(short, long, value_name = "FILE.npy")]
    output: Option<PathBuf>,
    /// Draw the spectrogram as a picture, .png or .svg
    #[arg(long, value_name = "FILE", alias = "png")]
    picture: Option<PathBuf>,
    #[command(flatten)]
    model: ModelChoice,
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    if let Some(path) = &args.picture {
        check_extension(path)?;
    }
    let model = args.model.load()?;
    let preprocessing = &model.metadata().preprocessing;
    let features = Features::of(&args.file, preprocessing)?;
    console.print(&features.summary(&args.file))?;
    if let Some(path) = &args.output {
        features.write_npy(path)?;
        console.remark(&format!("wrote {}", path.display()));
    }
    if let Some(path) = &args.picture {
        features.draw(&args.file, path)?;
        console.remark(&format!("wrote {}", path.display()));
    }
    Ok(Exit::Success)
}

/// The windows of one song.
struct Features<'a> {
    preprocessing: &'a Preprocessing,
    info: AudioInfo,
    spectrogram: Spectrogram,
}

impl<'a> Features<'a> {
    fn of(path: &Path, preprocessing: &'a Preprocessing) -> crate::Result<Self> {
        let (info, spectrogram) = Spectrogram::of_file(path, preprocessing)?;
        Ok(Self {
            preprocessing,
            info,
            spectrogram,
        })
    }

    fn values(&self) -> impl Iterator<Item = f32> {
        let windows = self.spectrogram.windows.iter();
        windows.flat_map(|window| window.values.iter().copied())
    }

    /// `2 windows of 15.00 s`, and the part of the song that no window covers or by which it is too short to fill one.
    fn windows_in_words(&self) -> String {
        let (windows, window_s) = (&self.spectrogram.windows, self.spectrogram.window_s);
        let count = count(windows.len() as u64, "window", "windows");
        let covered = windows.last().map_or(0.0, |last| last.start_s + window_s);
        let rest = self.info.duration_s - covered;
        // A smaller difference is the rounding of the length to samples.
        let rest = match rest {
            0.05.. => format!(" (the last {rest:.1} s left out)"),
            ..=-0.05 => " (repeated to fill the window)".to_owned(),
            _ => String::new(),
        };
        format!("{count} of {window_s:.2} s{rest}")
    }

    fn summary(&self, path: &Path) -> String {
        let channels = match self.info.channels {
            1 => "mono".to_owned(),
            2 => "stereo".to_owned(),
            more => format!("{more} channels"),
        };
        let (low, high) = self.values().fold((f32::MAX, f32::MIN), |(low, high), db| {
            (low.min(db), high.max(db))
        });
        format!(
            "{}: {:.2} s, {}, {} Hz, {channels}\n{}, {} bands x {} frames each; {low:.1} to {high:.1} dB",
            visible(&path.display().to_string()),
            self.info.duration_s,
            self.info.codec,
            self.info.sample_rate,
            self.windows_in_words(),
            self.preprocessing.mel.n_mels,
            self.preprocessing.frames(),
        )
    }

    fn write_npy(&self, path: &Path) -> crate::Result<()> {
        let bands = self.preprocessing.mel.n_mels;
        let shape = [
            self.spectrogram.windows.len(),
            bands,
            self.preprocessing.frames(),
        ];
        atomic_file::write(path, |file| {
            file.write_all(&npy_header(&shape.map(|length| length as u64)))?;
            self.values()
                .try_for_each(|value| file.write_all(&value.to_le_bytes()))
        })
    }

    fn draw(&self, source: &Path, path: &Path) -> crate::Result<()> {
        let mel = &self.preprocessing.mel;
        let scale = match mel.scale {
            FrequencyScale::Mel => "mel",
            FrequencyScale::Linear => "linear",
        };
        let subtitle = format!(
            "input of the model: log spectrogram, {} {scale} bands, {} · {} points, hop {} · audio at {} Hz",
            mel.n_mels,
            self.windows_in_words(),
            mel.n_fft,
            mel.hop_length,
            mel.sample_rate,
        );
        let scene = self.spectrogram.scene(&file_name(source), &subtitle);
        scene.save(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mel::{MelConfig, WindowRule},
        test_tone::write_tone,
    };

    fn preprocessing() -> Preprocessing {
        Preprocessing {
            mel: MelConfig::default(),
            window: WindowRule { length: 22_050 },
        }
    }

    fn sine(directory: &Path, seconds: f32) -> PathBuf {
        let path = directory.join("sine.wav");
        write_tone(&path, 440.0, seconds);
        path
    }

    #[test]
    fn the_numpy_file_holds_every_window_unchanged() {
        let directory = tempfile::tempdir().unwrap();
        let preprocessing = preprocessing();
        let features = Features::of(&sine(directory.path(), 2.7), &preprocessing).unwrap();
        let path = directory.path().join("mel.npy");
        features.write_npy(&path).unwrap();
        let (shape, values) = crate::npy::read_npy(&path);
        assert_eq!(shape, [3, 128, 44]);
        assert_eq!(values, features.values().collect::<Vec<f32>>());
    }

    #[test]
    fn the_picture_is_written_and_bright_where_the_sine_is() {
        let directory = tempfile::tempdir().unwrap();
        let preprocessing = preprocessing();
        let source = sine(directory.path(), 2.7);
        let features = Features::of(&source, &preprocessing).unwrap();
        let path = directory.path().join("mel.png");
        features.draw(&source, &path).unwrap();
        let picture = tiny_skia::Pixmap::load_png(&path).unwrap();
        assert_eq!((picture.width(), picture.height()), (1600, 820));
        let pale = |pixel: &&tiny_skia::PremultipliedColorU8| {
            pixel.red() > 240 && (150..254).contains(&pixel.green()) && pixel.blue() < 200
        };
        assert!(picture.pixels().iter().filter(pale).count() > 1_000);
    }

    #[test]
    fn the_facts_mention_audio_that_no_window_covers() {
        let directory = tempfile::tempdir().unwrap();
        let preprocessing = preprocessing();
        let words = |seconds| {
            let path = sine(directory.path(), seconds);
            Features::of(&path, &preprocessing)
                .unwrap()
                .windows_in_words()
        };
        assert_eq!(words(2.0), "2 windows of 1.00 s");
        assert_eq!(words(2.4), "2 windows of 1.00 s (the last 0.4 s left out)");
        assert_eq!(words(2.6), "3 windows of 1.00 s");
        assert_eq!(
            words(0.3),
            "1 window of 1.00 s (repeated to fill the window)"
        );
    }
}

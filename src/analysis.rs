//! One music file to its answer: decode, resample, window, mel, predict, average.
//!
//! [`spectrograms`] is the half that training shares, [`analyze_song`] is the whole. Both are the one definition of what
//! happens to a file between the disk and the network; their settings are those that the model carries.
//!
//! Plans and buffers are kept per thread, so that a thread that works on thousands of files makes them once.

use crate::{
    audio::{
        AudioError, Decoder, Excerpt, HeardPart, Resampler, SoundInfo, Span, Window, Windower,
    },
    emotion::{Emotion, EmotionVector, InvalidVector, Moment},
    mel::{MelError, MelExtractor},
    model::{ModelError, Prediction, Predictor, Preprocessing},
};
use std::{
    cell::Cell,
    path::{Path, PathBuf},
    time::Instant,
};

/// A song is silent where no sample of its mono sound, at the model's rate, reaches this: -70 dB of full scale. What is
/// below it is the noise of an empty recording; and 16-bit samples have some ten steps there.
pub const SILENCE: f32 = 3.162_277_6e-4;

/// Why a file has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The file cannot be decoded or resampled.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// The model's spectrogram settings make no sense.
    #[error(transparent)]
    Mel(#[from] MelError),
    /// The model fails on a window.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The percentages of the windows have no mean, or the file gave no window at all.
    #[error("{}: expected at least one window with percentages, found none; the file holds no sound", path.display())]
    NoWindow {
        /// The file.
        path: PathBuf,
        /// Why the mean is not one, where there were windows.
        #[source]
        source: Option<InvalidVector>,
    },
}

/// Where one file's time went, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StageTimes {
    /// Reading and decoding, down-mix included.
    pub decode: f64,
    /// Resampling, and cutting into windows.
    pub resample: f64,
    /// Log-mel spectrograms.
    pub mel: f64,
    /// The network, and the mean over the windows.
    pub predict: f64,
}

impl StageTimes {
    /// All stages together.
    pub fn total(&self) -> f64 {
        self.decode + self.resample + self.mel + self.predict
    }
}

impl std::ops::AddAssign for StageTimes {
    fn add_assign(&mut self, other: Self) {
        self.decode += other.decode;
        self.resample += other.resample;
        self.mel += other.mel;
        self.predict += other.predict;
    }
}

/// One song's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Song {
    /// What the file says of itself.
    pub info: SoundInfo,
    /// Length of the sound in seconds; by the file's own account where only a part was heard.
    pub duration_s: f64,
    /// The part that was heard, where that is not the whole song.
    pub part: Option<HeardPart>,
    /// Windows that the model heard.
    pub windows: u32,
    /// Packets that were left out as damaged.
    pub damaged_packets: u64,
    /// No sample of the sound reaches [`SILENCE`]: what the model says of it means nothing.
    pub silent: bool,
    /// The sound is shorter than a window, and was repeated until the window was full.
    pub repeated: bool,
    /// The mean of what the model says of the windows, each weighted with the part of the song that it alone covers.
    pub prediction: Prediction,
    /// What the model says of each window, in order, where [`Listening::timeline`] asks for it: 56 bytes a window.
    pub timeline: Option<Vec<Moment>>,
    /// Where the time went.
    pub times: StageTimes,
}

impl Song {
    /// Seconds that were heard.
    pub fn heard_s(&self) -> f64 {
        match &self.part {
            Some(part) => part.length_s(),
            None => self.duration_s,
        }
    }
}

/// One log-mel window of a file.
#[derive(Debug, Clone, Copy)]
pub struct LogMel<'a> {
    /// dB, row-major `[n_mels, frames]`, as [`MelExtractor::compute`] makes it.
    pub values: &'a [f32],
    /// Frames of the spectrogram.
    pub frames: usize,
    /// Where in the song the window starts, in seconds.
    pub start_s: f64,
    /// Its weight in the song's mean, 0 to 1: the part of the window that no earlier one covers.
    pub weight: f64,
}

/// The half of the chain that training shares: calls `emit` with each window's log-mel spectrogram, in order. Returns
/// the sound's facts and its length in seconds.
///
/// # Errors
/// [`ChainError`] where the file cannot be decoded to its end; `emit` may have been called before. An error of `emit`
/// ends the work and is returned.
pub fn spectrograms(
    path: &Path,
    preprocessing: &Preprocessing,
    emit: impl FnMut(LogMel<'_>) -> Result<(), ChainError>,
) -> Result<(SoundInfo, f64), ChainError> {
    let pass = Scratch::lend(preprocessing, |scratch| {
        pass(path, &Listening::default(), preprocessing, scratch, emit)
    })?;
    Ok((pass.info, pass.duration_s))
}

/// What is wanted of a song beyond its answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listening {
    /// Also what the model says of each window.
    pub timeline: bool,
    /// Only this part of the song. A song that is no longer is heard whole.
    pub excerpt: Option<Excerpt>,
    /// Only this stretch of the song; [`excerpt`](Self::excerpt) then plays no part.
    pub span: Option<Span>,
}

/// The whole chain: decodes `path`, and gives the model's answer for the song.
///
/// # Errors
/// [`ChainError`] where the file cannot be decoded to its end, or the model fails on it.
pub fn analyze_song(path: &Path, predictor: &Predictor) -> Result<Song, ChainError> {
    listen(path, predictor, &Listening::default())
}

/// [`analyze_song`] with more to hear, or less.
///
/// # Errors
/// Those of [`analyze_song`].
pub fn listen(path: &Path, predictor: &Predictor, how: &Listening) -> Result<Song, ChainError> {
    let mut mean = WeightedMean::default();
    let mut moments = Vec::new();
    let preprocessing = &predictor.bundle().metadata().preprocessing;
    let pass = Scratch::lend(preprocessing, |scratch| {
        pass(path, how, preprocessing, scratch, |window| {
            let prediction = predictor.predict(window.values)?;
            mean.add(&prediction, window.weight);
            if how.timeline {
                moments.push(Moment {
                    start_s: window.start_s,
                    valence: prediction.valence,
                    arousal: prediction.arousal,
                    emotions: prediction.emotions,
                });
            }
            Ok(())
        })
    })?;
    Ok(Song {
        prediction: mean.prediction(path)?,
        timeline: how.timeline.then_some(moments),
        info: pass.info,
        duration_s: pass.duration_s,
        part: pass.part,
        windows: pass.windows,
        damaged_packets: pass.damaged_packets,
        silent: pass.silent,
        repeated: pass.repeated,
        times: pass.times,
    })
}

/// What is known once a file has gone through.
struct Pass {
    info: SoundInfo,
    duration_s: f64,
    part: Option<HeardPart>,
    windows: u32,
    damaged_packets: u64,
    silent: bool,
    repeated: bool,
    times: StageTimes,
}

fn pass(
    path: &Path,
    how: &Listening,
    preprocessing: &Preprocessing,
    scratch: &mut Scratch,
    mut emit: impl FnMut(LogMel<'_>) -> Result<(), ChainError>,
) -> Result<Pass, ChainError> {
    let Scratch {
        mel,
        windower,
        resampled,
        log_mel,
        ..
    } = scratch;
    let rate = preprocessing.mel.sample_rate;
    let (mut clock, mut times, mut windows) = (Stopwatch::start(), StageTimes::default(), 0);

    let mut decoder = match (&how.span, &how.excerpt) {
        (Some(span), _) => Decoder::open_span(path, span)?,
        (None, Some(excerpt)) => Decoder::open_excerpt(path, excerpt)?,
        (None, None) => Decoder::open(path)?,
    };
    let part = decoder.part();
    let offset_s = part.as_ref().map_or(0.0, |part| part.seconds.start);
    times.decode += clock.lap();
    let mut resampler = Resampler::new(decoder.info().sample_rate, rate)?;
    windower.restart();
    let mut silent = true;
    times.resample += clock.lap();
    let samples = loop {
        let block = decoder.next_block()?;
        times.decode += clock.lap();
        let mut on_window = |window: Window<'_>| {
            times.resample += clock.lap();
            let frames = mel.compute(window.samples, log_mel);
            times.mel += clock.lap();
            emit(LogMel {
                values: log_mel,
                frames,
                start_s: offset_s + window.start as f64 / f64::from(rate),
                weight: window.weight,
            })?;
            times.predict += clock.lap();
            windows += 1;
            Ok::<(), ChainError>(())
        };
        resampled.clear();
        if let Some(block) = block {
            resampler.push(block, resampled)?;
            silent = silent && is_silent(resampled);
            windower.push(resampled, &mut on_window)?;
        } else {
            resampler.finish(resampled)?;
            silent = silent && is_silent(resampled);
            windower.push(resampled, &mut on_window)?;
            break windower.finish(&mut on_window)?;
        }
        times.resample += clock.lap();
    };
    Ok(Pass {
        info: decoder.info().clone(),
        duration_s: match &part {
            Some(part) => part.total_s,
            None => samples as f64 / f64::from(rate),
        },
        part,
        windows,
        damaged_packets: decoder.damaged_packets(),
        silent,
        repeated: samples < preprocessing.window.length as u64,
        times,
    })
}

fn is_silent(samples: &[f32]) -> bool {
    samples.iter().all(|sample| sample.abs() < SILENCE)
}

/// The mean of predictions, each with its weight.
#[derive(Default)]
struct WeightedMean {
    emotions: [f64; Emotion::COUNT],
    valence: f64,
    arousal: f64,
    embedding: Vec<f64>,
    probabilities: Option<[f64; Emotion::COUNT]>,
    weight: f64,
}

impl WeightedMean {
    fn add(&mut self, prediction: &Prediction, weight: f64) {
        let add = |sum: &mut f64, value: f32| *sum += weight * f64::from(value);
        self.embedding.resize(prediction.embedding.len(), 0.0);
        let sums = self.emotions.iter_mut().chain(&mut self.embedding);
        let values = prediction.emotions.as_array().iter();
        for (sum, value) in sums.zip(values.chain(&prediction.embedding)) {
            add(sum, *value);
        }
        if let Some(probabilities) = &prediction.probabilities {
            let sums = self.probabilities.get_or_insert_default();
            for (sum, value) in sums.iter_mut().zip(probabilities) {
                add(sum, *value);
            }
        }
        add(&mut self.valence, prediction.valence);
        add(&mut self.arousal, prediction.arousal);
        self.weight += weight;
    }

    fn prediction(&self, path: &Path) -> Result<Prediction, ChainError> {
        let no_window = |source| ChainError::NoWindow {
            path: path.to_owned(),
            source,
        };
        if self.weight <= 0.0 {
            return Err(no_window(None));
        }
        let mean = |sum: &f64| (sum / self.weight) as f32;
        Ok(Prediction {
            emotions: EmotionVector::from_weights(self.emotions)
                .map_err(|error| no_window(Some(error)))?,
            valence: mean(&self.valence),
            arousal: mean(&self.arousal),
            embedding: self.embedding.iter().map(mean).collect(),
            probabilities: self.probabilities.map(|sums| sums.map(|sum| mean(&sum))),
        })
    }
}

/// Time between laps.
struct Stopwatch(Instant);

impl Stopwatch {
    fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since the last lap, or the start.
    fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let lap = now.duration_since(self.0).as_secs_f64();
        self.0 = now;
        lap
    }
}

/// Plans and buffers of one thread.
struct Scratch {
    /// What they were made for.
    preprocessing: Preprocessing,
    mel: MelExtractor,
    windower: Windower,
    resampled: Vec<f32>,
    log_mel: Vec<f32>,
}

thread_local! {
    static SCRATCH: Cell<Option<Scratch>> = const { Cell::new(None) };
}

impl Scratch {
    fn new(preprocessing: &Preprocessing) -> Result<Self, ChainError> {
        Ok(Self {
            preprocessing: preprocessing.clone(),
            mel: MelExtractor::new(&preprocessing.mel)?,
            windower: Windower::new(&preprocessing.window),
            resampled: Vec::new(),
            log_mel: Vec::new(),
        })
    }

    /// Lends the scratch of this thread to `work`. It is taken out of its place for that time, since `work` may let a
    /// thread pool start another file on the same thread, which then makes one of its own.
    fn lend<T>(
        preprocessing: &Preprocessing,
        work: impl FnOnce(&mut Self) -> Result<T, ChainError>,
    ) -> Result<T, ChainError> {
        let kept = SCRATCH
            .take()
            .filter(|kept| kept.preprocessing == *preprocessing);
        let mut scratch = match kept {
            Some(scratch) => scratch,
            None => Self::new(preprocessing)?,
        };
        let result = work(&mut scratch);
        SCRATCH.set(Some(scratch));
        result
    }
}

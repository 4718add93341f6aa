//! One audio file to its emotions: decode, resample, window, mel, predict, average.
//!
//! [`spectrograms`] is the half that training shares, [`analyze_file`] is the whole. They are the one definition of how
//! a file becomes the model's input, with the settings in the model file.

use crate::{
    Error, ErrorKind, Result,
    audio::{
        AudioInfo, DecodeOptions, Decoder, Excerpt, Input, Resampler, Segment, Selection,
        with_audible_channel, with_fallback,
    },
    charset::TagCharset,
    emotion::{Emotion, EmotionVector, Moment},
    mel::{Framer, MelExtractor, Window, WindowRule},
    model::{Model, Prediction, Preprocessing},
};
use std::{cell::Cell, path::Path, sync::Arc};

/// A song is silent if no sample of its mono audio reaches this: -70 dB of full scale, about ten
/// steps of 16-bit audio. Below is the noise of an empty recording.
pub const SILENCE: f32 = 3.162_277_6e-4;

/// Options of [`analyze_file`] beyond the model's own settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AnalyzeOptions {
    /// Also return the prediction for each window.
    pub timeline: bool,
    /// Analyze only this excerpt. A song that is no longer than it is analyzed whole.
    pub excerpt: Option<Excerpt>,
    /// Analyze only this segment, as for a track of a CUE sheet; [`excerpt`](Self::excerpt) is then ignored.
    pub segment: Option<Segment>,
    /// The encoding of tags that do not declare theirs.
    pub tag_charset: TagCharset,
}

impl AnalyzeOptions {
    fn selection(&self) -> Selection {
        match (self.segment, self.excerpt) {
            (Some(segment), _) => Selection::Segment(segment),
            (None, Some(excerpt)) => Selection::Excerpt(excerpt),
            (None, None) => Selection::All,
        }
    }
}

/// The emotions of one song.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// The audio: format, tags, length, damage.
    pub audio: AudioInfo,
    /// The number of windows that the model has seen.
    pub windows: u32,
    /// No sample reaches [`SILENCE`]: the prediction means nothing.
    pub silent: bool,
    /// The audio is shorter than a window and was repeated to fill it.
    pub repeated: bool,
    /// The mean of the predictions for the windows, each weighted with the share of it that no earlier window covers.
    pub prediction: Prediction,
    /// The prediction for each window, in order, if [`AnalyzeOptions::timeline`] asks for it: 56 bytes a window.
    pub timeline: Option<Vec<Moment>>,
}

impl Analysis {
    /// Seconds that were analyzed: the whole song or the segment of it.
    pub fn analyzed_s(&self) -> f64 {
        self.audio.analyzed_s()
    }
}

/// The log-mel spectrogram of one window.
#[derive(Debug, Clone, Copy)]
pub struct LogMel<'a> {
    /// dB, row-major `[n_mels, frames]`, as [`MelExtractor::compute`] returns it.
    pub values: &'a [f32],
    /// Frames of the spectrogram.
    pub frames: usize,
    /// Start of the window in the song, in seconds.
    pub start_s: f64,
    /// Its weight in the song's mean, 0 to 1: the share of the window that no earlier one covers.
    pub weight: f64,
}

/// Analyzes one audio file.
///
/// # Errors
/// An error that names the file if it cannot be decoded to its end, or if the model fails on it.
pub fn analyze_file(
    path: impl AsRef<Path>,
    model: &Model,
    options: &AnalyzeOptions,
) -> Result<Analysis> {
    let input = Input::from(path.as_ref());
    analyze(&input, model, options).map_err(|error| input.name(error))
}

/// Analyzes the content of an audio file, of any format that [`analyze_file`] reads.
///
/// # Errors
/// Those of [`analyze_file`], without a file name.
pub fn analyze_bytes(
    bytes: impl Into<Arc<[u8]>>,
    model: &Model,
    options: &AnalyzeOptions,
) -> Result<Analysis> {
    analyze(&Input::Bytes(bytes.into()), model, options)
}

fn analyze(input: &Input, model: &Model, options: &AnalyzeOptions) -> Result<Analysis> {
    with_fallback(input, |input| {
        with_audible_channel(|channel| {
            let decode = DecodeOptions {
                selection: options.selection(),
                tag_charset: options.tag_charset,
                channel,
            };
            analyze_once(input, model, options, &decode)
        })
    })
}

/// Also returns the channel to analyze instead, if the channels cancel each other.
fn analyze_once(
    input: &Input,
    model: &Model,
    options: &AnalyzeOptions,
    decode: &DecodeOptions,
) -> Result<(Analysis, Option<u16>)> {
    let mut mean = WeightedMean::default();
    let mut moments = Vec::new();
    let mut windows = 0;
    let preprocessing = &model.metadata().preprocessing;
    let mut decoder = Decoder::open_directly(input.clone(), decode)?;
    let pass = pass(&mut decoder, preprocessing, |window| {
        let prediction = model.predict(window.values)?;
        mean.add(&prediction, window.weight);
        windows += 1;
        if options.timeline {
            moments.push(Moment {
                start_s: window.start_s,
                valence: prediction.valence,
                arousal: prediction.arousal,
                emotions: prediction.emotions,
                felt: prediction.felt,
                attention: prediction.attention.unwrap_or_default(),
            });
        }
        Ok(())
    })?;
    let analysis = Analysis {
        windows,
        silent: pass.silent,
        repeated: pass.samples < preprocessing.window.length as u64,
        prediction: mean.prediction()?,
        timeline: options.timeline.then_some(moments),
        audio: pass.audio,
    };
    Ok((analysis, decoder.channel_instead()))
}

/// The half of the chain that training shares: calls `emit` with the log-mel spectrogram of each window, in order.
///
/// # Errors
/// An error that names the file if it cannot be decoded to its end; `emit` may have been called before. An error of
/// `emit` ends the work and is returned.
pub fn spectrograms(
    path: &Path,
    preprocessing: &Preprocessing,
    emit: impl FnMut(LogMel<'_>) -> Result<()>,
) -> Result<AudioInfo> {
    Ok(pass(&mut Decoder::open_audible(path)?, preprocessing, emit)?.audio)
}

/// The facts that are known once all windows of a file have been emitted.
struct Pass {
    audio: AudioInfo,
    /// Samples at the model's rate, rounded down.
    samples: u64,
    silent: bool,
}

fn pass(
    decoder: &mut Decoder,
    preprocessing: &Preprocessing,
    mut emit: impl FnMut(LogMel<'_>) -> Result<()>,
) -> Result<Pass> {
    let factor = preprocessing.mel.oversampling(decoder.info().sample_rate);
    let mut scratch = Scratch::take(preprocessing, factor)?;
    let (mel, framer) = (&mut scratch.mel, &mut scratch.framer);
    let (resampled, log_mel) = (&mut scratch.resampled, &mut scratch.log_mel);
    let rate = mel.config().sample_rate;
    let segment = decoder.info().segment;
    let offset_s = segment.map_or(0.0, |segment| segment.start_s);
    let mut resampler = Resampler::new(decoder.info().sample_rate, rate)?;
    framer.restart();
    let mut silent = true;
    let samples = loop {
        let block = decoder.next_block()?;
        resampled.clear();
        let ended = block.is_none();
        match block {
            Some(block) => resampler.push(block, resampled)?,
            None => resampler.finish(resampled)?,
        }
        silent = silent && resampled.iter().all(|sample| sample.abs() < SILENCE);
        let mut on_window = |window: Window<'_>| -> Result<()> {
            let frames = mel.compute(window.samples, log_mel);
            emit(LogMel {
                values: log_mel,
                frames,
                start_s: offset_s + window.start as f64 / f64::from(rate),
                weight: window.weight,
            })?;
            Ok(())
        };
        framer.push(resampled, &mut on_window)?;
        if ended {
            break framer.finish(&mut on_window)?;
        }
    };
    scratch.keep();
    Ok(Pass {
        audio: decoder.info().clone(),
        samples: samples / factor as u64,
        silent,
    })
}

/// The mean of predictions, each with its weight.
#[derive(Default)]
struct WeightedMean {
    emotions: [f64; Emotion::COUNT],
    valence: f64,
    arousal: f64,
    embedding: Vec<f64>,
    probabilities: Option<[f64; Emotion::COUNT]>,
    felt: Option<[f64; Emotion::COUNT]>,
    weight: f64,
}

impl WeightedMean {
    fn add(&mut self, prediction: &Prediction, weight: f64) {
        let add = |sums: &mut [f64], values: &[f32]| {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += weight * f64::from(*value);
            }
        };
        self.embedding.resize(prediction.embedding.len(), 0.0);
        add(&mut self.embedding, &prediction.embedding);
        add(&mut self.emotions, prediction.emotions.as_array());
        if let Some(probabilities) = &prediction.probabilities {
            add(self.probabilities.get_or_insert_default(), probabilities);
        }
        if let Some(felt) = &prediction.felt {
            add(self.felt.get_or_insert_default(), felt.as_array());
        }
        self.valence += weight * f64::from(prediction.valence);
        self.arousal += weight * f64::from(prediction.arousal);
        self.weight += weight;
    }

    fn prediction(&self) -> Result<Prediction> {
        let no_audio = Error::new(ErrorKind::Empty, "contains no audio");
        if self.weight <= 0.0 {
            return Err(no_audio);
        }
        let mean = |sum: &f64| (sum / self.weight) as f32;
        let felt = self.felt.map(EmotionVector::from_weights).transpose();
        let emotions = EmotionVector::from_weights(self.emotions);
        let (emotions, felt) = emotions
            .and_then(|emotions| Ok((emotions, felt?)))
            .map_err(|error| no_audio.with_source(error))?;
        Ok(Prediction {
            emotions,
            valence: mean(&self.valence),
            arousal: mean(&self.arousal),
            embedding: self.embedding.iter().map(mean).collect(),
            probabilities: self.probabilities.map(|sums| sums.map(|sum| mean(&sum))),
            felt,
            attention: None,
        })
    }
}

/// Plans and buffers. One set is kept per thread, so that a thread that works on thousands of files makes them once.
struct Scratch {
    /// The settings that they were made for, and the multiple of the model's rate.
    made_for: (Preprocessing, usize),
    mel: MelExtractor,
    framer: Framer,
    resampled: Vec<f32>,
    log_mel: Vec<f32>,
}

thread_local! {
    static SCRATCH: Cell<Option<Scratch>> = const { Cell::new(None) };
}

impl Scratch {
    /// Takes the set of this thread, or makes one. It is taken, not borrowed: `emit` may let a thread pool start another
    /// file on the same thread, which then makes its own.
    fn take(preprocessing: &Preprocessing, factor: usize) -> Result<Self> {
        let made_for = (preprocessing.clone(), factor);
        match SCRATCH.take() {
            Some(kept) if kept.made_for == made_for => Ok(kept),
            _ => Ok(Self {
                mel: MelExtractor::oversampled(&preprocessing.mel, factor)?,
                framer: Framer::new(&WindowRule {
                    length: preprocessing.window.length.saturating_mul(factor),
                }),
                made_for,
                resampled: Vec::new(),
                log_mel: Vec::new(),
            }),
        }
    }

    /// Keeps the set for the next file on this thread.
    fn keep(self) {
        SCRATCH.set(Some(self));
    }
}
